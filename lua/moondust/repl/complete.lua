--- What may stand where the cursor is: globals, fields, methods, options of a node, keys of a batch; in strings, see
--- complete_string. Looks at values and runs nothing of the user's, never raises, remembers nothing.
local key = require "moondust.key"
local complete_string = require "moondust.repl.complete_string"
local lexer = require "moondust.repl.lexer"
local members = require "moondust.repl.members"
local places = require "moondust.repl.place"

local M = {}

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

-- Behind `x.` and `x:`, the latter only what can be called.
local function member_names(place, prefix, mark)
  local value, class = places.chain_value(place.tokens, place.at - 2, place.environment)
  local known = value == nil and class
  local out = {}
  for _, name in ipairs(choose(known and members.class_names(class) or members.names(value), prefix)) do
    local member = mark == ":" and (known and members.class_get(class, name) or members.get(value, name))
    if mark == "." or is_callable(member) then out[#out + 1] = name end
  end
  return out
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
    depth = depth + places.nesting(tokens[i])
    if depth == 0 and (places.is_sign(tokens[i], ",") or places.is_sign(tokens[i], ";")) then
      begins_item = true
    elseif begins_item then
      begins_item = false
      if places.is_sign(tokens[i + 1], "=") then named[tokens[i].text] = true else positional = positional + 1 end
    end
  end
  return positional, named
end

-- Inside of a node's table, where a name may begin: the options that are not given yet, as `name = `.
local function option_names(place, prefix)
  local tokens, opener = place.tokens, place.openers[#place.openers]
  if not places.is_sign(tokens[opener], "{") then return {} end
  local before = tokens[place.at - 1].text
  if before ~= "{" and before ~= "," and before ~= ";" then return {} end
  local made = places.chain_value(tokens, opener - 1, place.environment)
  local positional, named = given_in(tokens, opener, place.at - 1)
  local out = {}
  for i, option in ipairs(type(made) == "table" and members.get(made, "options") or {}) do
    if i > positional and begins(option[1], prefix) and not named[option[1]] then out[#out + 1] = option[1] .. " = " end
  end
  return out
end

-- Behind `batch[`: variables that hold its keys, and the keys that no variable holds.
local function key_names(place, prefix)
  local keys = members.keys(places.chain_value(place.tokens, place.at - 2, place.environment))
  if not keys then return nil end
  local out, held = {}, {}
  for _, name in ipairs(global_names(place.environment, "")) do
    local value = places.look_up(place.environment, name)
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
  local before = place.tokens[place.at - 1]
  local mark = before and before.kind == "sign" and before.text
  if mark == "." or mark == ":" then return member_names(place, prefix, mark) end
  local keys = mark == "[" and key_names(place, prefix)
  if keys then return keys end
  local own = mark and option_names(place, prefix) or {}
  return #own > 0 and own or global_names(place.environment, prefix)
end

-- ------------------------------------------------------------------------------------------------ the whole

local QUOTES = { ['"'] = ('"'):byte(), ["'"] = ("'"):byte() }

local function in_string(tokens, environment)
  local token = tokens[#tokens]
  local candidates = complete_string.candidates(places.new(tokens, #tokens, environment), token.text)
  local only = #candidates == 1 and candidates[1]
  candidates.start = token.first + #token.quote - 1
  candidates.append = only and not only:find "/$" and QUOTES[token.quote] or 0
  candidates.in_string = 1
  return candidates
end

local function in_code(tokens, text, environment)
  local token = tokens[#tokens]
  local typing = token and (token.kind == "name" or token.kind == "keyword") and token.last == #text
  local prefix = typing and token.text or ""
  local candidates = names_at(places.new(tokens, typing and #tokens or #tokens + 1, environment), prefix)
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
