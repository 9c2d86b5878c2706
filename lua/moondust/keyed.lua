--- What provider specs, requests and batches are: tables by key that remember the order in which keys came, arrays before graphs.
---
--- The order is part of a pipeline's meaning (draws are made key by key), so it never depends on Lua's hashing. Values are
--- reached as `t[KEY]`; methods and fields as usual. A subclass says in `convert(self, key, value)` what it keeps of a value that
--- is assigned.
---
--- What runs at every node (provider.lua, contract.lua, filter.lua, request.lua, batch.lua) reads _order and _values themselves: fields are
--- found without __index. To be looked at only.
local error = require("moondust.error").raise
local core = require "moondust.core"
local class = require("moondust.class").class
local key = require "moondust.key"
local options = require "moondust.options"

---@class moondust.Keyed
---@field _values table<moondust.Key, any>
---@field _order moondust.KeyOrder
local Keyed = class "Keyed"

-- Orders are never changed but replaced, so that copies and loops may hold them. The same keys put in one after the other are one and the same order: a
-- pipeline has few, and makes none once it has served a batch.
---@class moondust.KeyOrder : moondust.Key[]  arrays, then graphs
---@field arrays integer  how many arrays
---@field longer table<moondust.Key, moondust.KeyOrder>   with one key more
---@field shorter table<moondust.Key, moondust.KeyOrder>  without one
local EMPTY = { arrays = 0, longer = {}, shorter = {} }
Keyed.EMPTY = EMPTY

local function longer_by(order, name)
  local longer = order.longer[name]
  if not longer then
    local is_array = key.is_array_key(name)
    local at = (is_array and order.arrays or #order) + 1
    longer = table.move(order, 1, at - 1, 1, { arrays = order.arrays + (is_array and 1 or 0), longer = {}, shorter = {} })
    longer[at] = name
    table.move(order, at, #order, at + 1, longer)
    order.longer[name] = longer
  end
  return longer
end

local function shorter_by(order, name)
  local shorter = order.shorter[name]
  if not shorter then
    shorter = EMPTY
    for _, other in ipairs(order) do
      if other ~= name then shorter = longer_by(shorter, other) end
    end
    order.shorter[name] = shorter
  end
  return shorter
end

--- Puts a value in as it is, without convert().
---@param name moondust.Key
---@param value any
function Keyed:put(name, value)
  local values = self._values
  if values[name] == nil then self._order = longer_by(self._order, name) end
  values[name] = value
end

--- Takes a key out.
---@param name moondust.Key
function Keyed:drop(name)
  local values = self._values
  if values[name] == nil then return end
  values[name], self._order = nil, shorter_by(self._order, name)
end

-- What is said of a name that is neither a key nor a field: `raw` is most often meant to be RAW.
local function no_such_name(self, kind, name)
  local names = {}
  for i, known in ipairs(rawget(self, "_order") or EMPTY) do names[i] = known.name end
  local near = options.nearest(name, names)
  return ("a %s has no field '%s'; it is indexed by keys, not by their names: %s"):format(kind.class_name, name,
    near and ("did you mean [md.ArrayKey %q]%s?"):format(near, near == name and "" or " or a variable with it") or ("[md.ArrayKey %q]"):format(name))
end

--- Turns a class that derives from Keyed into one whose instances take keys in brackets.
---@generic T
---@param new T
---@return T
function Keyed.seal(new)
  -- Looked up for every field of every request: methods of the bases are found at once.
  local base = new.base
  while base do
    for name, value in pairs(base) do
      if type(value) == "function" and rawget(new, name) == nil and not name:find "^__" then new[name] = value end
    end
    base = base.base
  end
  new.__index = function(self, name)
    local value = self._values[name]
    if value ~= nil then return value end
    value = new[name]
    if value == nil then return new.missing(self, name) end
    return value
  end
  new.__newindex = function(self, name, value)
    if not key.is_key(name) then
      if new.fields[name] then return rawset(self, name, value) end
      if type(name) == "string" then error(no_such_name(self, new, name), 2) end
      error(("%s is indexed by ArrayKeys and GraphKeys, not by %s"):format(new.class_name, options.describe(name)), 2)
    end
    if value == nil then self:drop(name) else self:put(name, new.convert(self, name, value)) end
  end
  new.__len = function(self) return #self._order end
  return new
end

-- Fields that an instance may have besides keys and methods.
Keyed.fields = {}

-- What reading gives where there is nothing: nil for a key, an error for a word that means nothing.
function Keyed.missing(self, name)
  if type(name) ~= "string" or Keyed.is_field(self, name) then return nil end
  error(no_such_name(self, getmetatable(self), name), 3)
end

-- Fields, and what Lua and those who print values ask of any table.
function Keyed.is_field(self, name) return getmetatable(self).fields[name] or name:find "^_" ~= nil end

--- Whether there is something under a key.
---@param name moondust.Key
---@return boolean
function Keyed:has(name) return self._values[name] ~= nil end

--- An instance without keys.
---@param own moondust.Class
function Keyed.blank(own) return setmetatable({ _values = {}, _order = EMPTY }, own) end

--- Keys in order, arrays first.
---@return moondust.Key[]
function Keyed:keys() return table.move(self._order, 1, #self._order, 1, {}) end

---@return moondust.ArrayKey[]
function Keyed:array_keys() return table.move(self._order, 1, self._order.arrays, 1, {}) end

---@return moondust.GraphKey[]
function Keyed:graph_keys() return table.move(self._order, self._order.arrays + 1, #self._order, 1, {}) end

--- for key, value in t:items(): arrays first, each in the order it came; the keys there were at the start.
function Keyed:items() return core.items(self._order, self._values) end

--- "RAW, GT": the names, for messages.
---@return string
function Keyed:names()
  local names = {}
  for i, name in ipairs(self._order) do names[i] = name.name end
  return #names == 0 and "nothing" or table.concat(names, ", ")
end

return Keyed
