--- Unsqueeze (gunpowder unsqueeze.py): a new axis of length 1, counted from 1, in front of the spatial ones.
local class = require("moondust.class").class
local AxisFilter = require "moondust.nodes.axis_filter"

---@class moondust.Unsqueeze : moondust.AxisFilter
local Unsqueeze = class("Unsqueeze", AxisFilter)
Unsqueeze.look_ahead = "each"

function Unsqueeze:change(data, channels, name)
  if self.axis > channels + 1 then
    self:fail({ key = name }, "axis %d lies among the spatial axes of %s, which has %d channel axes", self.axis, name, channels)
  end
  return data:add_axis(self.axis)
end

return Unsqueeze
