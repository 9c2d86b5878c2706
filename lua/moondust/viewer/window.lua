--- Which grey values to show: the extremes of an array, and the values below which 0.5% and 99.5% of its elements lie.
local core = require "moondust.core"

local M = {}

local FEW = 16 -- an array of whole numbers with no wider range is shown from end to end

---@class moondust.viewer.Window
---@field low number   smallest value
---@field high number  largest; above low
---@field from number  shown as black
---@field to number    shown as white; above from

--- Where nothing is known.
---@return moondust.viewer.Window
function M.unknown() return { low = 0.0, high = 1.0, from = 0.0, to = 1.0 } end

---@param data moondust.ndarray
---@return moondust.viewer.Window
function M.of(data)
  local values, found = core.kernel.quantiles(data, { 0.005, 0.995 })
  if found.count == 0 then return M.unknown() end
  local low, high, from, to = found.low, found.high, values[1], values[2]
  if low == high then return { low = low, high = low + 1, from = low, to = low + 1 } end
  if from >= to or not data.dtype:find "^float" and high - low <= FEW then from, to = low, high end
  return { low = low, high = high, from = from, to = to }
end

return M
