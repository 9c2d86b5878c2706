--- What provider specs, requests and batches are: tables by key that remember the order in which keys came, arrays before graphs.
---
--- The order is part of a pipeline's meaning (draws are made key by key), so it never depends on Lua's hashing. Values are
--- reached as `t[KEY]`; methods and fields as usual. A subclass says in `convert(self, key, value)` what it keeps of a value that
--- is assigned.
local class = require("moondust.class").class
local key = require "moondust.key"

---@class moondust.Keyed
---@field _values table<moondust.Key, any>
---@field _arrays moondust.ArrayKey[]
---@field _graphs moondust.GraphKey[]
local Keyed = class "Keyed"

local function remove(list, item)
  for i, other in ipairs(list) do
    if other == item then return table.remove(list, i) end
  end
end

--- Turns a class that derives from Keyed into one whose instances take keys in brackets.
---@generic T
---@param new T
---@return T
function Keyed.seal(new)
  new.__index = function(self, name)
    if key.is_key(name) then return rawget(self, "_values")[name] end
    return new[name]
  end
  new.__newindex = function(self, name, value)
    if not key.is_key(name) then
      if type(name) == "string" then return rawset(self, name, value) end
      error(("%s is indexed by ArrayKeys and GraphKeys, not by %s"):format(new.class_name, tostring(name)), 2)
    end
    local values = rawget(self, "_values")
    local list = rawget(self, key.is_array_key(name) and "_arrays" or "_graphs")
    if value == nil then
      if values[name] ~= nil then remove(list, name) end
    else
      value = new.convert(self, name, value)
      if values[name] == nil then list[#list + 1] = name end
    end
    values[name] = value
  end
  new.__len = function(self) return #self._arrays + #self._graphs end
  return new
end

function Keyed:init_keyed()
  rawset(self, "_values", {})
  rawset(self, "_arrays", {})
  rawset(self, "_graphs", {})
end

--- Keys in order, arrays first: a copy that may be iterated while values change.
---@return moondust.Key[]
function Keyed:keys()
  local keys = table.move(self._arrays, 1, #self._arrays, 1, {})
  return table.move(self._graphs, 1, #self._graphs, #keys + 1, keys)
end

---@return moondust.ArrayKey[]
function Keyed:array_keys() return table.move(self._arrays, 1, #self._arrays, 1, {}) end

---@return moondust.GraphKey[]
function Keyed:graph_keys() return table.move(self._graphs, 1, #self._graphs, 1, {}) end

local function iterate(keys)
  return function(self, previous)
    local i = 0
    if previous ~= nil then repeat i = i + 1 until keys[i] == previous end
    local name = keys[i + 1]
    if name == nil then return nil end
    return name, self._values[name]
  end
end

--- for key, value in t:items(): arrays first, each in the order it came.
function Keyed:items() return iterate(self:keys()), self, nil end

--- "RAW, GT": the names, for messages.
---@return string
function Keyed:names()
  local names = {}
  for i, name in ipairs(self:keys()) do names[i] = name.name end
  return #names == 0 and "nothing" or table.concat(names, ", ")
end

return Keyed
