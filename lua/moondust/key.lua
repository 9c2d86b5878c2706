--- Keys name the arrays and graphs of a request and a batch; interned, so that two keys of one name are one key.

---@class moondust.Key
---@field name string
---@class moondust.ArrayKey : moondust.Key
---@class moondust.GraphKey : moondust.Key

local error = require("moondust.error").raise
local M = {}

-- What kind of key a value is; nothing for all that are none. Keys are never given back, so they may be held here. Asked for every
-- field of every request and batch.
local kinds = {}

local function kind(name)
  local meta = { __name = name, __tostring = function(self) return self.name end }
  meta.__index = function(_, field) error(("an %s has only a name, no '%s'"):format(name, tostring(field)), 2) end
  meta.__newindex = function() error(("an %s can't be changed"):format(name), 2) end
  local interned = {}
  local function make(identifier)
    if type(identifier) ~= "string" or identifier == "" or identifier:find("[^%w_]") then
      error(("%s wants a name of letters, digits and '_', such as %s \"RAW\""):format(name, name), 2)
    end
    local existing = interned[identifier]
    if not existing then
      existing = setmetatable({ name = identifier }, meta)
      interned[identifier], kinds[existing] = existing, name
    end
    return existing
  end
  return make, function(value) return kinds[value] == name end
end

---@type fun(name: string): moondust.ArrayKey
M.ArrayKey, M.is_array_key = kind "ArrayKey"
---@type fun(name: string): moondust.GraphKey
M.GraphKey, M.is_graph_key = kind "GraphKey"

---@param value any
---@return boolean
function M.is_key(value) return kinds[value] ~= nil end

return M
