--- The same values in other places in memory.
local core = require "moondust.core"

local M = {}

local function ranges(a, step, extra)
  local big, where = {}, {}
  for d, n in ipairs(a.shape) do
    big[d] = step * n + extra
    where[d] = { 1 + extra // 2, extra // 2 + step * (n - 1) + 1, step }
    if n == 0 then where[d] = { 1, 0 } end
  end
  return big, where
end

local function within(a, step, extra)
  if a.ndim == 0 then return a:copy() end
  local big, where = ranges(a, step, extra)
  local room = core.zeros(big, a.dtype):fill(1)
  room[where] = a
  return room[where]
end

local function flip_all(a)
  for d = 1, a.ndim do a = a:flip(d) end
  return a
end

--- The first axis last in memory, every second element of the last one, the middle ones flipped.
local function mixed(a)
  local n = a.ndim
  if n < 2 then return flip_all(within(flip_all(a), 2, 1)) end
  local order, back = {}, {}
  for d = 1, n do order[d] = d % n + 1 end
  for d = 1, n do back[order[d]] = d end
  local function flip(b)
    for d = 2, n - 1 do b = b:flip(d) end
    return b
  end
  return flip(within(flip(a):transpose(table.unpack(order)), 2, 3):transpose(table.unpack(back)))
end

M.kinds = {
  flipped = function(a) return flip_all(flip_all(a):copy()) end,
  flipped_last = function(a) return a.ndim > 0 and a:flip(a.ndim):copy():flip(a.ndim) or a:copy() end,
  transposed = function(a) return a:transpose():copy():transpose() end,
  strided = function(a) return within(a, 2, 1) end,
  cropped = function(a) return within(a, 1, 2) end,
  mixed = mixed,
}

M.names = {}
for name in pairs(M.kinds) do M.names[#M.names + 1] = name end
table.sort(M.names)

--- All arrays of a table in this kind of view; other values as they are.
---@param things table<string, any>
---@param kind string
---@return table<string, any>
function M.all(things, kind)
  local views = {}
  for name, value in pairs(things) do
    local is_array = type(value) == "userdata" and getmetatable(value).__name == "moondust.ndarray"
    views[name] = is_array and M.kinds[kind](value) or value
  end
  return views
end

--- From no axes to four, with axes of 1, of 0 and longer than what is worked on at once.
M.shapes = {
  {}, { 1 }, { 2 }, { 7 }, { 0 }, { 1037 }, { 1, 1 }, { 1, 9 }, { 9, 1 }, { 5, 7 }, { 0, 4 }, { 4, 0 }, { 33, 70 }, { 2, 1100 }, { 300, 1 },
  { 1, 1, 1 }, { 1, 6, 5 }, { 6, 1, 5 }, { 5, 6, 1 }, { 1, 1, 8 }, { 8, 1, 1 }, { 3, 4, 5 }, { 2, 0, 3 }, { 9, 20, 34 },
  { 2, 1, 3, 4 }, { 1, 2, 3, 1 }, { 2, 3, 4, 5 }, { 2, 3, 0, 2 }, { 1, 1, 1, 1 }, { 1, 4, 1, 5 },
}

return M
