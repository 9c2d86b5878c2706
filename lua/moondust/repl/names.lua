--- What values are called: functions by where they are found, classes and modules by what returned them. Reads tables and
--- metatables as they are.
local core = require "moondust.core"
local md = require "moondust"

local M = {}

--- Names in classes that nobody calls or reads: what classes are made with.
---@type table<string, boolean>
M.internal = { class_name = true, base = true, init = true, blank = true, convert = true, seal = true }

--- The table of methods of a userdata's metatable: __index, or what its __index function looks into.
---@param meta table?
---@return table?
function M.methods_of(meta)
  local index = type(meta) == "table" and rawget(meta, "__index") or nil
  if type(index) == "function" then index = select(2, debug.getupvalue(index, 1)) end
  return type(index) == "table" and index or nil
end

--- The names of what a table loads when it is first asked for it, as its metatable's __names tells; nil for other values.
---@param value any
---@return string[]?
function M.late_names(value)
  local meta = type(value) == "table" and debug.getmetatable(value)
  local names = type(meta) == "table" and rawget(meta, "__names")
  return type(names) == "function" and names() or nil
end

-- The same in every run, whatever the order of a table: the first by name, those that begin with `_` last.
local function first_of(candidates)
  table.sort(candidates, function(a, b)
    local a_last, b_last = a:sub(1, 1) == "_", b:sub(1, 1) == "_"
    if a_last ~= b_last then return b_last end
    return a < b
  end)
  return candidates[1]
end

--- The module that returned a value: "moondust.batch".
---@param value any
---@return string?
function M.module_of(value)
  local found = {}
  for module, loaded in pairs(package.loaded) do
    if rawequal(loaded, value) and module:find "^moondust%." then found[#found + 1] = module end
  end
  return first_of(found)
end

--- Whether a value is a class made by md.class.
---@param value any
---@return boolean
function M.is_class(value) return type(value) == "table" and rawget(value, "class_name") ~= nil end

--- Every name that a script can use of md, sorted; what loads late by its name alone.
---@return string[]
function M.exported()
  local names, seen = md.lazy_names(), {}
  for _, name in ipairs(names) do seen[name] = true end
  for name in pairs(md) do if not seen[name] then names[#names + 1] = name end end
  table.sort(names)
  return names
end

--- The name under which a table holds a value.
---@param values table
---@param value any
---@return string?
function M.name_in(values, value)
  local found = {}
  for name, other in next, values do if rawequal(other, value) and type(name) == "string" then found[#found + 1] = name end end
  return first_of(found)
end

local STANDARD = { "string", "table", "math", "io", "os", "coroutine", "utf8", "debug", "package" }

-- C functions have no source: their name is where they are found.
local function c_function_name(value)
  local own = M.name_in(md, value)
  if own then return "md." .. own end
  own = M.name_in(core, value)
  if own then return "core." .. own end
  local found = {}
  for name, part in pairs(core) do
    own = type(part) == "table" and M.name_in(part, value)
    if own then found[#found + 1] = ("core.%s.%s"):format(name, own) end
  end
  for class, meta in pairs(debug.getregistry()) do
    own = type(class) == "string" and class:find "^moondust%." and M.name_in(M.methods_of(meta) or {}, value)
    if own then found[#found + 1] = ("%s:%s"):format(class:match "[^.]+$", own) end
  end
  return first_of(found)
end

-- Methods and module functions in Lua, whose block says their name; the table they stand in says what a script calls it.
local function lua_function_name(value)
  for _, name in ipairs(M.exported()) do
    local holder = rawget(md, name)
    if rawequal(holder, value) then return "md." .. name end
    local own = type(holder) == "table" and M.name_in(holder, value)
    if own then return M.is_class(holder) and ("%s:%s"):format(holder.class_name, own) or ("md.%s.%s"):format(name, own) end
  end
end

--- What a function is called, if it has a name that a script can use: "md.zeros", "ndarray:mean", "string.format".
---@param value function
---@return string?
function M.function_name(value)
  local name = debug.getinfo(value, "S").what == "C" and c_function_name(value) or lua_function_name(value)
  if name then return name end
  for _, library in ipairs(STANDARD) do
    local own = M.name_in(_G[library], value)
    if own then return library .. "." .. own end
  end
  return M.name_in(_G, value)
end

return M
