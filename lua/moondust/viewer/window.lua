--- Which grey values to show: the extremes of an array, and the values below which 0.5% and 99.5% of its elements lie.
local M = {}

local BINS = 4096
local SAMPLES = 65536
local FEW = 16 -- an array of whole numbers with no wider range is shown from end to end

local function finite(value) return value - value == 0 end

-- uint64 from 2^63 on come as negative integers.
local function as_number(value, dtype)
  if dtype == "uint64" and value < 0 then return value + 2.0 ^ 64 end
  return value + 0.0
end

-- Extremes of the finite ones among some elements: for arrays with NaN or infinities.
local function sampled_extremes(data)
  local flat = data:reshape { -1 }
  local step = math.max(1, flat.size // SAMPLES)
  local low, high
  for _, value in ipairs(flat[{ { 1, -1, step } }]:totable()) do
    if finite(value) then low, high = math.min(low or value, value), math.max(high or value, value) end
  end
  return low or 0.0, high or 1.0
end

local function quantiles(data, low, high)
  local counts = data:histogram(BINS, low, high):totable()
  local total, seen, from, to = 0, 0, low, high
  for _, count in ipairs(counts) do total = total + count end
  for bin, count in ipairs(counts) do
    if seen <= 0.005 * total then from = low + (high - low) * (bin - 1) / BINS end
    if seen < 0.995 * total then to = low + (high - low) * bin / BINS end
    seen = seen + count
  end
  return from, to
end

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
  if data.size == 0 then return M.unknown() end
  local low, high = data:minmax()
  low, high = as_number(low, data.dtype), as_number(high, data.dtype)
  local whole = finite(low) and finite(high)
  if not whole then low, high = sampled_extremes(data) end
  if low == high then return { low = low, high = low + 1, from = low, to = low + 1 } end
  local from, to = low, high
  if whole and (data.dtype:find "^float" or high - low > FEW) then from, to = quantiles(data:astype "float32", low, high) end
  if from >= to then from, to = low, high end
  return { low = low, high = high, from = from, to = to }
end

return M
