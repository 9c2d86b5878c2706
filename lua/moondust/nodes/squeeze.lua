--- Squeeze (gunpowder squeeze.py): removes a channel axis of length 1, counted from 1.
local class = require("moondust.class").class
local AxisFilter = require "moondust.nodes.axis_filter"

---@class moondust.Squeeze : moondust.AxisFilter
local Squeeze = class("Squeeze", AxisFilter)
Squeeze.look_ahead = "each"

function Squeeze:change(data, channels, name)
  if self.axis > channels then
    self:fail({ key = name }, "axis %d of %s is not a channel axis (it has %d)", self.axis, name, channels)
  elseif data.shape[self.axis] ~= 1 then
    self:fail({ key = name }, "axis %d of %s has length %d, only axes of length 1 can go", self.axis, name, data.shape[self.axis])
  end
  return data:drop_axis(self.axis)
end

return Squeeze
