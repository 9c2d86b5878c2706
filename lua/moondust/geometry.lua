--- Small geometry that nodes share.
local core = require "moondust.core"

local M = {}

--- Python's round(): halves to even.
---@param x number
---@return integer
function M.round(x)
  local below = math.floor(x)
  local rest = x - below
  if rest > 0.5 or rest == 0.5 and below % 2 == 1 then return below + 1 end
  return below
end

--- A ROI without end in `dims` dimensions.
---@param dims integer
---@return moondust.Roi
function M.endless(dims)
  local entries = {}
  for d = 1, dims do entries[d] = core.unbounded end
  return core.Roi(entries, entries)
end

return M
