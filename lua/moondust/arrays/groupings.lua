--- Groups of ids by name, { { "mito", { 3, 4 } }, … }, as Binarize and MissingAnnotationsMask take them.
local error = require("moondust.error").raise
local options = require "moondust.options"

local function ids_of(ids)
  if type(ids) ~= "table" or options.class_name_of(ids) then return nil end
  local list = {}
  for i, id in ipairs(ids) do
    if not options.is_label(id) then return nil end
    list[i] = id
  end
  return list
end

--- The ids of each group; an error of the constructor otherwise.
---@param what string
---@param groupings table
---@return integer[][]
return function(what, groupings)
  local groups = {}
  for i, group in ipairs(groupings) do
    local ids = type(group) == "table" and type(group[1]) == "string" and ids_of(group[2])
    if not ids then error(("%s: group %d must be a name and its ids, { \"mito\", { 3, 4 } }"):format(what, i), 4) end
    groups[i] = ids
  end
  if #groups == 0 then error(("%s: 'groupings' is empty: { { \"mito\", { 3, 4 } }, … }"):format(what), 4) end
  return groups
end
