--- What may stand in a string: datasets of an HDF5 file that was named before, fields of a table, names of the manual, files.
local core = require "moondust.core"
local manual = require "moondust.repl.manual"
local members = require "moondust.repl.members"
local places = require "moondust.repl.place"

local M = {}

local LEVELS = 4 -- of brackets around the string in which a file is looked for

local function host() -- the program; a stock lua5.4 has no such module
  local found, program = pcall(require, "moondust.program")
  return found and program or nil
end

local function file_names(prefix)
  local program, out = host(), {}
  for _, path in ipairs(program and program.list_files(prefix) or {}) do
    local hidden = path:find "/%.[^/]*$" or path:find "^%.[^/]*$"
    if not hidden or prefix:match "[^/]*$":find "^%." then
      out[#out + 1] = path .. (program.file_kind(path) == "directory" and "/" or "")
    end
  end
  table.sort(out)
  return out
end

-- Datasets of an HDF5 file; nil when it is none. Only regular files are opened: a pipe would wait.
local function datasets_of(path)
  local program = host()
  if program and program.file_kind(path) ~= "file" then return nil end
  local file = core.hdf5.open(path, "r")
  if not file then return nil end
  local names = {}
  for i, info in ipairs(file:list() or {}) do names[i] = info.name end
  file:close()
  return names
end

-- Strings given before the one at the cursor, in the same brackets or those around them, nearest brackets first.
local function earlier_strings(place)
  local out, openers = {}, place.openers
  for level = #openers, math.max(1, #openers - LEVELS + 1), -1 do
    local depth = 0
    for i = openers[level] + 1, (openers[level + 1] or place.at) - 1 do
      local token = place.tokens[i]
      depth = depth + places.nesting(token)
      local value = depth == 0 and (token.kind == "string" or token.kind == "name") and places.literal(token, place.environment)
      if type(value) == "string" then out[#out + 1] = value end
    end
  end
  return out
end

-- Of a file that was named before, or the one whose method is called.
local function dataset_names(place)
  for _, path in ipairs(earlier_strings(place)) do
    local names = datasets_of(path)
    if names then return names end
  end
  local opener = place.openers[#place.openers]
  local is_method = opener and places.is_sign(place.tokens[opener - 2], ":")
  local file = is_method and places.chain_value(place.tokens, opener - 3, place.environment)
  return members.core_class_of(file) == "moondust.Hdf5File" and datasets_of(file.path) or nil
end

local function callee(place)
  local last = place.at - 1
  if places.is_sign(place.tokens[last], "(") then last = last - 1 end
  return (places.chain_value(place.tokens, last, place.environment))
end

-- Every name for what may stand here.
local function names_for(place, prefix)
  if places.is_sign(place.tokens[place.at - 1], "[") then -- t["name
    local value = places.chain_value(place.tokens, place.at - 2, place.environment)
    if type(value) == "table" then return members.names(value) end
  end
  local help = rawget(_G, "help")
  if help and callee(place) == help then return manual.names() end
  return dataset_names(place) or file_names(prefix)
end

--- What the string at a place may become, beginning with what it has.
---@param place moondust.Place
---@param prefix string
---@return string[]
function M.candidates(place, prefix)
  local out = {}
  for _, name in ipairs(names_for(place, prefix)) do
    if name:sub(1, #prefix) == prefix then out[#out + 1] = name end
  end
  return out
end

return M
