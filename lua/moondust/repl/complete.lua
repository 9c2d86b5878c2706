--- What may stand where the cursor is: globals, fields, methods, options of a node, keys of a batch, datasets of a file, files.
---
--- The text before the cursor is cut into tokens; the chain that ends there (`batch[RAW].data:me`) is followed through the values
--- there are, without running anything (see members). Nothing here raises, and nothing is remembered.
local core = require "moondust.core"
local key = require "moondust.key"
local lexer = require "moondust.repl.lexer"
local manual = require "moondust.repl.manual"
local members = require "moondust.repl.members"

local M = {}

local OPENS = { ["("] = ")", ["["] = "]", ["{"] = "}" }
local CLOSES = { [")"] = true, ["]"] = true, ["}"] = true }

---@class moondust.Place
---@field tokens moondust.Token[]
---@field at integer          the token behind the last one before the word that is being typed
---@field openers integer[]   tokens of brackets that are open there, outermost first
---@field environment table

-- ------------------------------------------------------------------------------------------------ values

local function look_up(environment, name)
  local own = rawget(environment, name)
  if own ~= nil then return own end
  return rawget(_G, name)
end

local function literal(token, environment)
  if token.kind == "string" then return token.text end
  if token.kind == "number" then return tonumber(token.text) end
  if token.kind == "name" then return look_up(environment, token.text) end
end

-- The value of the chain that ends with token `last`, and the token it begins with; nil when that takes a call.
local function chain_value(tokens, last, environment)
  local token = tokens[last]
  if not token then return nil end
  if token.text == "]" and token.kind == "sign" then -- t[name], t["name"], t[1]
    local inner, open = tokens[last - 1], tokens[last - 2]
    if not inner or not open or open.text ~= "[" then return nil end
    local value, first = chain_value(tokens, last - 3, environment)
    return members.get(value, literal(inner, environment)), first
  end
  if token.kind ~= "name" then return nil end
  local mark = tokens[last - 1]
  if mark and mark.kind == "sign" and (mark.text == "." or mark.text == ":") then
    local value, first = chain_value(tokens, last - 2, environment)
    return members.get(value, token.text), first
  end
  return look_up(environment, token.text), last
end

local function open_brackets(tokens, stop)
  local openers = {}
  for i = 1, stop - 1 do
    local text = tokens[i].kind == "sign" and tokens[i].text
    if OPENS[text] then openers[#openers + 1] = i elseif CLOSES[text] then openers[#openers] = nil end
  end
  return openers
end

-- ------------------------------------------------------------------------------------------------ names

local function begins(name, prefix) return name:sub(1, #prefix) == prefix end

-- Those that begin with the prefix; what begins with `_` only when that is asked for.
local function choose(names, prefix)
  local out = {}
  for _, name in ipairs(names) do
    if begins(name, prefix) and (not begins(name, "_") or begins(prefix, "_")) and name:find "^[%a_][%w_]*$" then out[#out + 1] = name end
  end
  return out
end

local function is_callable(value)
  local meta = debug.getmetatable(value)
  return type(value) == "function" or type(value) == "table" and type(meta) == "table" and rawget(meta, "__call") ~= nil
end

local function member_names(value, prefix, mark)
  local names = choose(members.names(value), prefix)
  if mark ~= ":" then return names end
  local callable = {}
  for _, name in ipairs(names) do
    if is_callable(members.get(value, name)) then callable[#callable + 1] = name end
  end
  return callable
end

local function global_names(environment, prefix)
  local names, seen = {}, {}
  for _, scope in ipairs { environment, _G } do
    for name in next, scope do
      if type(name) == "string" and not seen[name] then
        seen[name] = true
        names[#names + 1] = name
      end
    end
  end
  if prefix ~= "" then for word in pairs(lexer.keywords) do names[#names + 1] = word end end
  table.sort(names)
  return choose(names, prefix)
end

-- What the brackets opened at a token hold so far: how many values without a name, and the names.
local function given_in(tokens, opener, stop)
  local depth, positional, named, begins_item = 0, 0, {}, true
  for i = opener + 1, stop do
    local text = tokens[i].kind == "sign" and tokens[i].text
    if OPENS[text] then depth = depth + 1 elseif CLOSES[text] then depth = depth - 1 end
    if depth == 0 and (text == "," or text == ";") then
      begins_item = true
    elseif begins_item then
      begins_item = false
      if tokens[i + 1] and tokens[i + 1].text == "=" then named[tokens[i].text] = true else positional = positional + 1 end
    end
  end
  return positional, named
end

-- Inside of a node's table, where a name may begin: the options that are not given yet, as `name = `.
local function option_names(place, prefix)
  local tokens, opener = place.tokens, place.openers[#place.openers]
  if not opener or tokens[opener].text ~= "{" then return {} end
  local before = tokens[place.at - 1].text
  if before ~= "{" and before ~= "," and before ~= ";" then return {} end
  local made = chain_value(tokens, opener - 1, place.environment)
  local positional, named = given_in(tokens, opener, place.at - 1)
  local out = {}
  for i, option in ipairs(type(made) == "table" and members.get(made, "options") or {}) do
    if i > positional and begins(option[1], prefix) and not named[option[1]] then out[#out + 1] = option[1] .. " = " end
  end
  return out
end

-- Behind `batch[`: variables that hold its keys, and the keys that no variable holds.
local function key_names(place, prefix)
  local keys = members.keys(chain_value(place.tokens, place.at - 2, place.environment))
  if not keys then return nil end
  local out, held = {}, {}
  for _, name in ipairs(global_names(place.environment, "")) do
    local value = look_up(place.environment, name)
    for _, wanted in ipairs(keys) do
      if rawequal(value, wanted) then
        held[wanted] = true
        if begins(name, prefix) then out[#out + 1] = name .. "]" end
      end
    end
  end
  for _, wanted in ipairs(keys) do
    local text = ('md.%s "%s"]'):format(key.is_array_key(wanted) and "ArrayKey" or "GraphKey", wanted.name)
    if not held[wanted] and begins(text, prefix) then out[#out + 1] = text end
  end
  return out
end

local function names_at(place, prefix)
  local mark = place.tokens[place.at - 1]
  mark = mark and mark.kind == "sign" and mark.text
  if mark == "." or mark == ":" then
    return member_names(chain_value(place.tokens, place.at - 2, place.environment), prefix, mark)
  end
  local keys = mark == "[" and key_names(place, prefix)
  if keys then return keys end
  local own = mark and option_names(place, prefix) or {}
  return #own > 0 and own or global_names(place.environment, prefix)
end

-- ------------------------------------------------------------------------------------------------ strings

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

--- Datasets of an HDF5 file; nil when it is none. Only regular files are opened: a pipe would wait.
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

-- Strings given before the one at the cursor, in the same brackets or those around them, nearest first.
local function earlier_strings(place)
  local out = {}
  for level = #place.openers, math.max(1, #place.openers - 3), -1 do
    local first, last = place.openers[level] + 1, (place.openers[level + 1] or place.at) - 1
    local depth = 0
    for i = first, last do
      local token = place.tokens[i]
      local sign = token.kind == "sign" and token.text
      if OPENS[sign] then depth = depth + 1 elseif CLOSES[sign] then depth = depth - 1 end
      local value = depth == 0 and (token.kind == "string" or token.kind == "name") and literal(token, place.environment)
      if type(value) == "string" then out[#out + 1] = value end
    end
  end
  return out
end

-- The file a dataset's name is wanted of: one named before, or the one whose method is called.
local function dataset_names(place)
  for _, path in ipairs(earlier_strings(place)) do
    local names = datasets_of(path)
    if names then return names end
  end
  local opener = place.openers[#place.openers]
  local mark = opener and place.tokens[opener - 2]
  local file = mark and mark.text == ":" and chain_value(place.tokens, opener - 3, place.environment)
  if members.core_class_of(file) == "moondust.Hdf5File" then return datasets_of(file.path) end
end

local function filter(names, prefix)
  local out = {}
  for _, name in ipairs(names) do if begins(name, prefix) then out[#out + 1] = name end end
  return out
end

local function callee(place)
  local last = place.at - 1
  local token = place.tokens[last]
  if token and token.text == "(" then last = last - 1 end
  return (chain_value(place.tokens, last, place.environment))
end

local function strings_at(place, prefix)
  local before = place.tokens[place.at - 1]
  if before and before.text == "[" and before.kind == "sign" then -- t["name
    local value = chain_value(place.tokens, place.at - 2, place.environment)
    if type(value) == "table" then return choose(members.names(value), prefix) end
  end
  if callee(place) == rawget(_G, "help") and rawget(_G, "help") then return filter(manual.names(), prefix) end
  local names = dataset_names(place)
  return names and filter(names, prefix) or file_names(prefix)
end

-- ------------------------------------------------------------------------------------------------ the whole

local function place_of(tokens, at, environment)
  return { tokens = tokens, at = at, openers = open_brackets(tokens, at), environment = environment }
end

local QUOTES = { ['"'] = ('"'):byte(), ["'"] = ("'"):byte() }

local function in_string(tokens, environment)
  local token = tokens[#tokens]
  local candidates = strings_at(place_of(tokens, #tokens, environment), token.text)
  candidates.start = token.first + #token.quote - 1
  local only = #candidates == 1 and candidates[1]
  candidates.append = only and not only:find "/$" and QUOTES[token.quote] or 0
  candidates.in_string = 1
  return candidates
end

local function in_code(tokens, text, environment)
  local token = tokens[#tokens]
  local typing = token and (token.kind == "name" or token.kind == "keyword") and token.last == #text
  local prefix = typing and token.text or ""
  local candidates = names_at(place_of(tokens, typing and #tokens or #tokens + 1, environment), prefix)
  candidates.start, candidates.append, candidates.in_string = #text - #prefix, 0, 0
  return candidates
end

local function complete(text, environment)
  local tokens = lexer.tokens(text)
  local last = tokens[#tokens]
  if last and last.kind == "comment" and not last.closed then return {} end
  if last and last.kind == "string" and not last.closed then return in_string(tokens, environment) end
  return in_code(tokens, text, environment)
end

--- Candidates for what `text` ends with, each meant to stand from offset `start` (from 0) on; `append` is a byte to put behind a
--- sole one (0: none), in_string is 1 where the cursor is in a string.
---@param text string  everything typed up to the cursor
---@param environment table  the session's variables in front of the globals
---@return { start: integer, append: integer, in_string: integer, [integer]: string }
function M.complete(text, environment)
  local ok, found = pcall(complete, text, environment)
  if not ok then found = {} end
  found.start, found.append, found.in_string = found.start or #text, found.append or 0, found.in_string or 0
  return found
end

return M
