--- Classes of nodes, predictors and values: `md.class(name, base)`.
---
--- A class is called with one table. When it lists `options`, the table's array part fills them in that order and its named part
--- by name; an unknown name is an error that suggests the nearest one, a wrong type one that says which is wanted. Without
--- `options` the table reaches `init` as it is. A class whose instances can't do without some fields makes them in `blank(class)`.
local error = require("moondust.error").raise
local options = require "moondust.options"

---@class moondust.Class
---@field class_name string
---@field base moondust.Class?
---@field options moondust.Option[]?

local function is_a(object, class)
  local own = type(object) == "table" and getmetatable(object)
  if own == class then return true end
  while own do
    if own == class then return true end
    own = rawget(own, "base")
  end
  return false
end

local function construct(class, fields)
  local blank = class.blank
  local object = blank and blank(class) or setmetatable({}, class)
  if class.options then
    local values, message = options.parse(class.class_name, class.options, fields)
    if not values then error(message, 2) end
    for name, value in pairs(values) do object[name] = value end
    fields = values
  elseif fields ~= nil and type(fields) ~= "table" then
    error(("%s is made with one table, not a %s: %s{ … }"):format(class.class_name, type(fields), class.class_name), 2)
  end
  local init = class.init
  if init then init(object, fields or {}) end
  return object
end

--- A new class. Methods go into the returned table; metamethods of the base are inherited.
---@param name string
---@param base moondust.Class?
---@return moondust.Class
local function class(name, base)
  if type(name) ~= "string" then error("md.class wants a name: md.class(\"Invert\", md.BatchFilter)", 2) end
  if base ~= nil and (type(base) ~= "table" or not rawget(base, "class_name")) then
    error(("md.class(%q, …): the base must be a class such as md.BatchFilter, not a %s"):format(name, type(base)), 2)
  end
  local new = {}
  if base then
    for key, value in pairs(base) do
      if type(key) == "string" and key:find("^__") and key ~= "__index" then new[key] = value end
    end
  end
  new.class_name, new.__name, new.base = name, name, base
  new.__index = new
  return setmetatable(new, { __index = base, __call = construct, __tostring = function() return "class " .. name end })
end

return { class = class, is_a = is_a }
