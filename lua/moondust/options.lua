--- How the one table of a constructor becomes named values: positions, defaults, types, and words for what is wrong.
local core = require "moondust.core"
local key = require "moondust.key"

---@class moondust.Option
---@field [1] string      upstream's name
---@field type string     one of the names in `checks`, or several joined by "|"
---@field default any?
---@field required boolean?
---@field doc string?

local M = {}

local function class_name_of(value)
  local meta = getmetatable(value)
  return type(meta) == "table" and rawget(meta, "__name") or nil
end
M.class_name_of = class_name_of

local function all_of(check)
  return function(value)
    if type(value) ~= "table" or #value == 0 then return false end
    for _, item in ipairs(value) do if not check(item) then return false end end
    return true
  end
end

local function is_number(value) return type(value) == "number" and value == value end
local function is_integer(value) return math.type(value) == "integer" or is_number(value) and value % 1 == 0 end
local function is_coordinate(value)
  if class_name_of(value) == "moondust.Coordinate" then return true end
  return type(value) == "table" and not class_name_of(value) and (pcall(core.Coordinate, value))
end

--- What a type is called in a message, and how it is recognised.
local checks = {
  any = { "anything", function() return true end },
  boolean = { "true or false", function(v) return type(v) == "boolean" end },
  number = { "a number", is_number },
  integer = { "a whole number", is_integer },
  probability = { "a number from 0 to 1", function(v) return is_number(v) and v >= 0 and v <= 1 end },
  string = { "a string", function(v) return type(v) == "string" end },
  ["function"] = { "a function", function(v)
    local meta = getmetatable(v)
    return type(v) == "function" or type(meta) == "table" and meta.__call ~= nil
  end },
  table = { "a table", function(v) return type(v) == "table" end },
  array_key = { "an ArrayKey", key.is_array_key },
  graph_key = { "a GraphKey", key.is_graph_key },
  key = { "an ArrayKey or GraphKey", key.is_key },
  keys = { "a list of keys", function(v) return all_of(key.is_key)(v) end },
  array_keys = { "a list of ArrayKeys", function(v) return all_of(key.is_array_key)(v) end },
  coordinate = { "a coordinate such as {40, 4, 4}", is_coordinate },
  numbers = { "a list of numbers", function(v)
    return class_name_of(v) == "moondust.Coordinate" or all_of(is_number)(v)
  end },
  roi = { "a Roi", function(v) return class_name_of(v) == "moondust.Roi" end },
  graph = { "a Graph", function(v) return class_name_of(v) == "moondust.Graph" end },
  request = { "a BatchRequest", function(v) return class_name_of(v) == "BatchRequest" end },
  dtype = { "a dtype such as \"float32\"", function(v) return type(v) == "string" and (pcall(core.empty, { 0 }, v)) end },
}

local function describe(value)
  local name = class_name_of(value)
  if name then return (name:find "^[AEIOU]" and "an " or "a ") .. name end
  if value == nil or type(value) == "number" or type(value) == "boolean" then return tostring(value) end
  if type(value) == "string" then return ("%q"):format(value) end
  return "a " .. type(value)
end
M.describe = describe

-- The checks of "integer|coordinate", found once.
local checks_of = setmetatable({}, { __index = function(self, types)
  local list = {}
  for name in types:gmatch "[^|]+" do list[#list + 1] = (checks[name] or error("options: no type called " .. name))[2] end
  self[types] = list
  return list
end })

local function matches(types, value)
  for _, check in ipairs(checks_of[types]) do
    if check(value) then return true end
  end
  return false
end

local function wanted(types)
  local words = {}
  for name in types:gmatch "[^|]+" do words[#words + 1] = checks[name][1] end
  return table.concat(words, " or ")
end

local function distance(a, b)
  local previous = {}
  for j = 0, #b do previous[j] = j end
  for i = 1, #a do
    local current = { [0] = i }
    for j = 1, #b do
      local change = previous[j - 1] + (a:byte(i) == b:byte(j) and 0 or 1)
      current[j] = math.min(change, previous[j] + 1, current[j - 1] + 1)
    end
    previous = current
  end
  return previous[#b]
end

--- The candidate closest to `name`, or nil when none is near.
---@param name string
---@param candidates string[]
---@return string?
function M.nearest(name, candidates)
  local best, best_distance = nil, math.max(2, #name // 2) + 1
  for _, candidate in ipairs(candidates) do
    local d = distance(name:lower(), candidate:lower())
    if d < best_distance then best, best_distance = candidate, d end
  end
  return best
end

--- What says which axis of a dataset is which, for everything that opens one; see moondust.placement.
M.PLACEMENT = {
  { "channels_first", type = "boolean", doc = "true: (c, z, y, x) in the file, false: (z, y, x, c), served as (c, z, y, x); default: as the file says, else the "
    .. "first axes beyond those of the voxel size, where the shape allows nothing else" },
  { "axes", type = "string|table", doc = "the file's axes, a letter each of t, z, y, x and c, such as \"tczyx\"; default: what the file says. Served are channels, "
    .. "then t, z, y, x" },
  { "pick", type = "table", doc = "{ t = 1, c = { 1, 2 } }: of that axis only this place, which takes the axis away, or these channels; counted from 1" },
  { "unit", type = "string", doc = "what a world unit is, where the file has units: \"nm\", \"um\", \"pm\" …; default \"nm\"" },
  { "allow_foreign", type = "boolean", doc = "true: read also what the file has in other files (external links, external storage, sources of virtual datasets); "
    .. "default false, or --allow-foreign" },
}

--- The candidates' options and those of placement.
---@param list moondust.Option[]
---@return moondust.Option[]
function M.with_placement(list) return table.move(M.PLACEMENT, 1, #M.PLACEMENT, #list + 1, list) end

--- "; did you mean 'x'?" or, when nothing is near, "; it has a, b, c".
---@param name string
---@param candidates string[]
---@return string
function M.suggestion(name, candidates)
  local near = M.nearest(name, candidates)
  if near then return ("; did you mean '%s'?"):format(near) end
  if #candidates == 0 then return "; it takes none" end
  return "; it takes " .. table.concat(candidates, ", ")
end

local function names_of(list)
  local names = {}
  for i, option in ipairs(list) do names[i] = option[1] end
  return names
end

-- Positions by name, for each list of options.
local positions = setmetatable({}, { __mode = "k" })

local function positions_of(list)
  local by_name = positions[list]
  if not by_name then
    by_name = {}
    for position, option in ipairs(list) do by_name[option[1]] = position end
    positions[list] = by_name
  end
  return by_name
end

local function assign(what, list, fields)
  local by_name, values = positions_of(list), {}
  for name, value in pairs(fields) do
    if math.type(name) == "integer" and name >= 1 then
      local option = list[name]
      if not option then
        return nil, ("%s takes at most %d positional arguments, %d given"):format(what, #list, name)
      end
      if fields[option[1]] ~= nil then
        return nil, ("%s: '%s' is given twice, by position %d and by name"):format(what, option[1], name)
      end
      values[option[1]] = value
    elseif by_name[name] then
      values[name] = value
    elseif key.is_key(name) then
      return nil, ("%s: %s stands on the left of '='; put it into the table without a name"):format(what, tostring(name))
    else
      return nil, ("%s has no option '%s'%s"):format(what, tostring(name), M.suggestion(tostring(name), names_of(list)))
    end
  end
  return values
end

--- Positions and names of `fields` as named values with defaults filled in; nil and one sentence when something is wrong.
---@param what string  the constructor's name, for messages
---@param list moondust.Option[]
---@param fields table?
---@return table<string, any>? values
---@return string? message
function M.parse(what, list, fields)
  if fields == nil then fields = {} end
  if key.is_key(fields) or type(fields) ~= "table" or class_name_of(fields) then
    return nil, ("%s is made with one table: %s{ … }, not with %s"):format(what, what, describe(fields))
  end
  local values, message = assign(what, list, fields)
  if not values then return nil, message end
  for _, option in ipairs(list) do
    local name, value = option[1], values[option[1]]
    if value == nil then
      if option.required then return nil, ("%s: '%s' is missing: %s"):format(what, name, wanted(option.type)) end
      values[name] = option.default
    elseif not matches(option.type, value) then
      return nil, ("%s: '%s' must be %s, not %s"):format(what, name, wanted(option.type), describe(value))
    end
  end
  return values
end

return M
