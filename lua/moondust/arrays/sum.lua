--- Sum: the sum of several arrays. Original: dacapo (SumArrayConfig).
local error = require("moondust.error").raise
local class = require("moondust.class").class
local core = require "moondust.core"
local WrapperArray = require "moondust.arrays.wrapper"

--- Integers are summed as uint64 or int64 (numpy's rule), floats as they are; where all of the arrays are.
---@class moondust.SumArray : moondust.WrapperArray
---@overload fun(options: table): moondust.SumArray
local Sum = class("Sum", WrapperArray)
Sum.look_ahead = true
Sum.options = {
  { "source_arrays", type = "table", required = true, doc = "the arrays, of one voxel size and one shape of channels" },
}

local function wide(dtype)
  if dtype:find "^float" then return dtype end
  return dtype:find "^uint" and "uint64" or "int64"
end

function Sum:init()
  local sources, dtype = {}, nil
  for i, value in ipairs(self.source_arrays) do sources[i] = self:source(value, ("array %d"):format(i)) end
  if #sources == 0 then error("Sum: 'source_arrays' is empty", 3) end
  self:check_grids(sources)
  local channels = table.concat(self.channels_of(sources[1]), ", ")
  for i, source in ipairs(sources) do
    local own = table.concat(self.channels_of(source), ", ")
    if own ~= channels then error(("Sum: array %d has channels {%s}, the first {%s}"):format(i, own, channels), 3) end
    dtype = (core.zeros({ 1 }, dtype or source.dtype) + core.zeros({ 1 }, source.dtype)).dtype
  end
  self:describe { sources = sources, roi = self:common_roi(sources), dtype = wide(dtype) }
end

function Sum:make(roi)
  local total
  for _, source in ipairs(self.sources) do
    local data, message = source:read(roi)
    if not data then return nil, message end
    data = data:astype(self.dtype)
    total = total and total + data or data
  end
  return total
end

return Sum
