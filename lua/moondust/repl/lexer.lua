--- Lua's words in a text that may end anywhere: what completion looks at, and what finds `local` in what was typed.
local M = {}

---@class moondust.Token
---@field kind "name"|"keyword"|"number"|"string"|"comment"|"sign"
---@field text string    of a string: what is between its quotes, as written
---@field first integer  position of its first byte
---@field last integer
---@field closed boolean?  of strings and comments: false when the text ends inside
---@field quote string?    of strings: `"`, `'` or `[[`

local keywords = {}
for word in ("and break do else elseif end false for function goto if in local nil not or repeat return then true until while"):gmatch "%a+" do
  keywords[word] = true
end
M.keywords = keywords

local function long_bracket(text, at)
  local level, start = text:match("^%[(=*)%[()", at)
  if not level then return nil end
  local stop, after = text:find("]" .. level .. "]", start, true)
  return start, stop and stop - 1 or #text, after or #text, stop ~= nil
end

local function read_string(text, at)
  local quote, i = text:sub(at, at), at + 1
  while i <= #text do
    local c = text:sub(i, i)
    if c == quote then return { kind = "string", text = text:sub(at + 1, i - 1), first = at, last = i, closed = true, quote = quote } end
    if c == "\n" then break end
    i = i + (c == "\\" and 2 or 1)
  end
  local last = math.min(i, #text + 1) - 1
  return { kind = "string", text = text:sub(at + 1, last), first = at, last = last, closed = false, quote = quote }
end

local function read_comment(text, at)
  local start, _, after, closed = long_bracket(text, at + 2)
  if start then return { kind = "comment", text = "", first = at, last = after, closed = closed } end
  local stop = text:find("\n", at, true)
  return { kind = "comment", text = "", first = at, last = (stop or #text + 1) - 1, closed = stop ~= nil }
end

local SIGNS = { "...", "..", "::", "<<", ">>", "//", "==", "~=", "<=", ">=" }

local function read_sign(text, at)
  for _, sign in ipairs(SIGNS) do
    if text:sub(at, at + #sign - 1) == sign then return { kind = "sign", text = sign, first = at, last = at + #sign - 1 } end
  end
  return { kind = "sign", text = text:sub(at, at), first = at, last = at }
end

local function read_token(text, at)
  local word = text:match("^[%a_][%w_]*", at)
  if word then return { kind = keywords[word] and "keyword" or "name", text = word, first = at, last = at + #word - 1 } end
  local number = text:match("^%.?%d[%w.]*", at)
  if number then return { kind = "number", text = number, first = at, last = at + #number - 1 } end
  if text:find("^%-%-", at) then return read_comment(text, at) end
  if text:find("^[\"']", at) then return read_string(text, at) end
  local start, stop, after, closed = long_bracket(text, at)
  if start then return { kind = "string", text = text:sub(start, stop), first = at, last = after, closed = closed, quote = "[[" } end
  return read_sign(text, at)
end

--- The tokens of a text, in order.
---@param text string
---@return moondust.Token[]
function M.tokens(text)
  local tokens, at = {}, text:find "%S"
  while at do
    local token = read_token(text, at)
    tokens[#tokens + 1] = token
    at = text:find("%S", math.max(token.last, token.first) + 1)
  end
  return tokens
end

return M
