--- The place of the cursor in what has been typed: which brackets are open there, and which value the chain before it has
--- (`batch[RAW].data`), followed through the values there are without running anything (see members).
---
--- Where a chain has a call in it no value is known, but what the manual says the function returns may tell its class.
local annotations = require "moondust.annotations"
local manual = require "moondust.repl.manual"
local members = require "moondust.repl.members"

local M = {}

---@class moondust.Place
---@field tokens moondust.Token[]
---@field at integer          the token behind the last one before the word that is being typed
---@field openers integer[]   tokens of brackets that are open there, outermost first
---@field environment table   the session's variables, in front of the globals

local OPENS = { ["("] = ")", ["["] = "]", ["{"] = "}" }
local CLOSES = { [")"] = "(", ["]"] = "[", ["}"] = "{" }

--- 1 for a bracket that opens, -1 for one that closes, 0 for every other token.
---@param token moondust.Token
---@return integer
function M.nesting(token)
  if token.kind ~= "sign" then return 0 end
  return OPENS[token.text] and 1 or CLOSES[token.text] and -1 or 0
end

--- Whether a token is there and is this sign.
---@param token moondust.Token?
---@param text string
---@return boolean
function M.is_sign(token, text) return token ~= nil and token.kind == "sign" and token.text == text end

--- A variable of the session, read raw.
---@param environment table
---@param name string
---@return any
function M.look_up(environment, name)
  local own = rawget(environment, name)
  if own ~= nil then return own end
  return rawget(_G, name)
end

--- What a string, a number or a variable's name stands for.
---@param token moondust.Token
---@param environment table
---@return any
function M.literal(token, environment)
  if token.kind == "string" then return token.text end
  if token.kind == "number" then return tonumber(token.text) end
  if token.kind == "name" then return M.look_up(environment, token.text) end
end

local function matching_opener(tokens, last)
  local depth = 0
  for i = last, 1, -1 do
    depth = depth - M.nesting(tokens[i])
    if depth == 0 then return i end
  end
end

-- The class, such as "moondust.ndarray", of what a function of the manual returns first.
local function returned_class(called)
  local entries = type(called) == "function" and manual.of(called)
  local block = entries and entries[1].block
  local text = block and annotations.tags(block, "return")[1]
  local class = text and text:match "^moondust%.[%w_]+"
  return class and manual.core_class(class) and class or nil
end

-- f(…), f{ … }, f "…": an object of the class that is called, or of the one that the function returns.
local function called_value(tokens, last, environment)
  local opener = tokens[last].kind == "string" and last or matching_opener(tokens, last)
  if not opener then return nil end
  local called = M.chain_value(tokens, opener - 1, environment)
  if type(called) == "table" and rawget(called, "class_name") then return called end
  return nil, returned_class(called)
end

--- The value of the chain that ends with token `last`; where that takes a call, nil and the class of userdata it gives.
---@param tokens moondust.Token[]
---@param last integer
---@param environment table
---@return any value
---@return string? class
function M.chain_value(tokens, last, environment)
  local token = tokens[last]
  if not token then return nil end
  if M.is_sign(token, "]") then -- t[name], t["name"], t[1]
    if not tokens[last - 1] or not M.is_sign(tokens[last - 2], "[") then return nil end
    return members.get(M.chain_value(tokens, last - 3, environment), M.literal(tokens[last - 1], environment))
  end
  if M.is_sign(token, ")") or M.is_sign(token, "}") or token.kind == "string" then return called_value(tokens, last, environment) end
  if token.kind ~= "name" then return nil end
  if M.is_sign(tokens[last - 1], ".") or M.is_sign(tokens[last - 1], ":") then
    local value, class = M.chain_value(tokens, last - 2, environment)
    if value == nil and class then return members.class_get(class, token.text) end
    return members.get(value, token.text)
  end
  return M.look_up(environment, token.text)
end

--- The place before token `at` (which may be one more than there are).
---@param tokens moondust.Token[]
---@param at integer
---@param environment table
---@return moondust.Place
function M.new(tokens, at, environment)
  local openers = {}
  for i = 1, at - 1 do
    local nesting = M.nesting(tokens[i])
    if nesting > 0 then openers[#openers + 1] = i elseif nesting < 0 then openers[#openers] = nil end
  end
  return { tokens = tokens, at = at, openers = openers, environment = environment }
end

return M
