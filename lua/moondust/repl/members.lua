--- Looking into values without running anything of the user's: what completion may do while a line is being typed.
---
--- Fields are read raw, and through metatables as far as __index is a table. Three kinds of code are trusted to have no effects:
--- the C side's own __index functions, the loading of modules that moondust's tables load when first named, and their lists of
--- names (__names).
local key = require "moondust.key"
local manual = require "moondust.repl.manual"
local reflect = require "moondust.repl.names"

local M = {}

local DEEPEST = 20 -- metatables behind metatables

local function class_of(meta) return type(meta) == "table" and rawget(meta, "class_name") and meta or nil end

-- Userdata of moondust.core, by its metatable being the registry's.
local function core_class_of(value)
  local meta = type(value) == "userdata" and debug.getmetatable(value) or nil
  local name = type(meta) == "table" and rawget(meta, "__name")
  if type(name) ~= "string" or not name:find "^moondust%." then return nil end
  return rawequal(debug.getregistry()[name], meta) and name or nil
end
M.core_class_of = core_class_of

local function is_late(value, name)
  for _, known in ipairs(reflect.late_names(value) or {}) do if known == name then return true end end
  return false
end

-- Where to look on when a table doesn't have it: a class's base, an instance's class, or what __index is.
local function behind(value)
  local meta = debug.getmetatable(value)
  if type(meta) ~= "table" then return nil end
  local index = rawget(meta, "__index")
  if type(index) == "table" then return index end
  return class_of(meta)
end

local function field(value, name, depth)
  local found = rawget(value, name)
  if found ~= nil or depth > DEEPEST then return found end
  local next_one = behind(value)
  if next_one and not rawequal(next_one, value) then return field(next_one, name, depth + 1) end
end

--- value[name] without side effects; nil when it can't be known.
---@param value any
---@param name any
---@return any
function M.get(value, name)
  if name == nil then return nil end
  if type(value) == "string" then return rawget(string, name) end
  if core_class_of(value) then
    local ok, found = pcall(function() return value[name] end)
    if ok then return found end
    return nil
  end
  if type(value) ~= "table" then
    local meta = debug.getmetatable(value)
    local index = type(meta) == "table" and rawget(meta, "__index")
    return type(index) == "table" and field(index, name, 1) or nil
  end
  if key.is_key(name) and type(rawget(value, "_values")) == "table" then return rawget(value, "_values")[name] end
  local found = field(value, name, 1)
  if found == nil and is_late(value, name) then
    local ok, loaded = pcall(function() return value[name] end)
    if ok then return loaded end
  end
  return found
end

local function add_fields(value, add, depth)
  for name in next, value do if type(name) == "string" then add(name) end end
  local next_one = depth <= DEEPEST and behind(value)
  if next_one and not rawequal(next_one, value) then add_fields(next_one, add, depth + 1) end
end

-- Calls collect(add) and returns the names that it added, sorted, each once.
local function sorted(collect)
  local seen, names = {}, {}
  collect(function(name)
    if name and not seen[name] and not reflect.internal[name] then
      seen[name] = true
      names[#names + 1] = name
    end
  end)
  table.sort(names)
  return names
end

local function add_userdata(meta, class, add)
  if type(meta) ~= "table" then return end
  local entry = manual.core_class(class)
  for _, text in ipairs(entry and entry.fields or {}) do add(text:match "^[%w_]+") end
  add_fields(reflect.methods_of(meta) or {}, add, 1)
end

--- Names of a value's fields and methods, sorted.
---@param value any
---@return string[]
function M.names(value)
  return sorted(function(add)
    if type(value) == "string" then add_fields(string, add, 1) end
    if type(value) == "userdata" then add_userdata(debug.getmetatable(value), core_class_of(value), add) end
    if type(value) == "table" then
      add_fields(value, add, 1)
      for _, name in ipairs(reflect.late_names(value) or {}) do add(name) end
    end
  end)
end

--- The same for a value of a class of moondust.core that isn't there yet.
---@param class string  such as "moondust.ndarray"
---@return string[]
function M.class_names(class)
  return sorted(function(add) add_userdata(debug.getregistry()[class], class, add) end)
end

--- A method of a class of moondust.core.
---@param class string
---@param name string
---@return function?
function M.class_get(class, name) return (reflect.methods_of(debug.getregistry()[class]) or {})[name] end

--- Keys that a request, a batch or a spec of a pipeline has, in order; nil for other values.
---@param value any
---@return moondust.Key[]?
function M.keys(value)
  local order = M.get(value, "_order")
  return type(order) == "table" and order or nil
end

return M
