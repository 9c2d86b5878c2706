--- Constant: one value wherever an array is. Original: dacapo (ConstantArrayConfig).
local error = require("moondust.error").raise
local core = require "moondust.core"
local class = require("moondust.class").class
local WrapperArray = require "moondust.arrays.wrapper"

--- The array's shape and dtype, filled; its voxels are never read.
---@class moondust.ConstantArray : moondust.WrapperArray
---@overload fun(options: table): moondust.ConstantArray
local Constant = class("Constant", WrapperArray)
Constant.look_ahead = true
Constant.options = {
  { "source_array", type = "any", required = true, doc = "the array whose place, shape and dtype are taken" },
  { "constant", type = "number|id", default = 1, doc = "the value; default 1" },
}

function Constant:init()
  local source = self:source(self.source_array, "'source_array'")
  self.constant = self.constant or 1
  local one = core.zeros({ 1 }, source.dtype):fill(self.constant)
  local bits = source.dtype == "uint64" and math.type(self.constant) == "integer" -- from 2^63 on a negative number
  if not source.dtype:find "^float" and not bits and one:count(self.constant) ~= 1 then
    error(("%s: %s doesn't fit %s, the dtype of the array"):format(self.class_name, self.constant, source.dtype), 3)
  end
  self:describe { sources = { source }, interpolatable = false }
end

function Constant:make(roi) return core.empty(self:shape_of(roi), self.dtype):fill(self.constant) end

return Constant
