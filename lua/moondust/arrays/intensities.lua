--- Intensities: grey values from `min` to `max` as 0 to 1. Original: dacapo (IntensitiesArrayConfig).
local error = require("moondust.error").raise
local core = require "moondust.core"
local class = require("moondust.class").class
local WrapperArray = require "moondust.arrays.wrapper"

--- (value - min) / (max - min) as float32 (float64 of a float64 array), not clipped; interpolatable.
---@class moondust.IntensitiesArray : moondust.WrapperArray
---@overload fun(options: table): moondust.IntensitiesArray
local Intensities = class("Intensities", WrapperArray)
Intensities.look_ahead = true
Intensities.options = {
  { "source_array", type = "any", required = true, doc = "grey values" },
  { "min", type = "number", required = true, doc = "what becomes 0" },
  { "max", type = "number", required = true, doc = "what becomes 1" },
}

function Intensities:init()
  local source = self:source(self.source_array, "'source_array'")
  if self.min == self.max then error(("Intensities: 'min' and 'max' are both %s; there is no range to scale"):format(self.min), 3) end
  self:describe { sources = { source }, dtype = source.dtype == "float64" and "float64" or "float32", interpolatable = true }
end

function Intensities:make(roi)
  local data, message = self.sources[1]:read(roi)
  if not data then return nil, message end
  local range = self.max - self.min
  return core.kernel.scale_shift(data, 1 / range, -self.min / range, self.dtype)
end

return Intensities
