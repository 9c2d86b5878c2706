--- What the viewer tells its page, as JSON. Only writing: the page sends nothing but query values.
local M = {}

local LIST = {}

--- Marks a table as a list, which an empty one doesn't show by itself.
---@generic T
---@param values T[]
---@return T[]
function M.list(values) return setmetatable(values, LIST) end

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\t"] = "\\t", ["\r"] = "\\r" }
local function escape(byte) return ESCAPES[byte] or ("\\u%04x"):format(byte:byte()) end

local function number(value)
  if math.type(value) == "integer" then return ("%d"):format(value) end
  if value ~= value or value - value ~= 0 then return "null" end
  return (("%.17g"):format(value):gsub(",", "."))
end

local encode

local function object(value)
  local names, parts = {}, {}
  for name in pairs(value) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do parts[i] = encode(name) .. ":" .. encode(value[name]) end
  return "{" .. table.concat(parts, ",") .. "}"
end

local function array(value)
  local parts = {}
  for i, item in ipairs(value) do parts[i] = encode(item) end
  return "[" .. table.concat(parts, ",") .. "]"
end

--- Tables with a first element, and those marked by M.list, are arrays; the others objects with strings for names. NaN and
--- infinities become null, as JSON has none.
---@param value table|string|number|boolean|nil
---@return string
function M.encode(value)
  local kind = type(value)
  if kind == "string" then return '"' .. value:gsub('[%c"\\\127]', escape) .. '"' end
  if kind == "number" then return number(value) end
  if kind == "table" then return (value[1] ~= nil or getmetatable(value) == LIST) and array(value) or object(value) end
  return tostring(value)
end
encode = M.encode

return M
