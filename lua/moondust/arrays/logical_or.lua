--- LogicalOr: the union of the masks in an array's channels. Original: dacapo (LogicalOrArrayConfig).
local error = require("moondust.error").raise
local core = require "moondust.core"
local class = require("moondust.class").class
local WrapperArray = require "moondust.arrays.wrapper"

--- The maximum over the channels, without a channel axis.
---@class moondust.LogicalOrArray : moondust.WrapperArray
---@overload fun(options: table): moondust.LogicalOrArray
local LogicalOr = class("LogicalOr", WrapperArray)
LogicalOr.look_ahead = true
LogicalOr.options = {
  { "source_array", type = "any", required = true, doc = "masks, a channel each" },
}

function LogicalOr:init()
  local source = self:source(self.source_array, "'source_array'")
  if #source.shape == source.roi.dims then error("LogicalOr: the array has no channel axis to take the union over", 3) end
  self:describe { sources = { source }, channels = {} }
end

function LogicalOr:make(roi)
  local data, message = self.sources[1]:read(roi)
  if not data then return nil, message end
  return core.kernel.max_channels(data, roi.dims)
end

return LogicalOr
