--- What was typed as a chunk: an expression is returned, and a `local` of the prompt lives as long as the session, so that the
--- lines of a script can be typed one by one.
local lexer = require "moondust.repl.lexer"

local M = {}

local OPENS = { ["do"] = true, ["function"] = true, ["if"] = true, ["repeat"] = true }
local CLOSES = { ["end"] = true, ["until"] = true }

-- The names of a `local` whose first one is token i: { name tokens }, the index behind them, and the attributes' tokens; nil for
-- a <close>, which belongs to its chunk.
local function names_from(tokens, i)
  local names, attributes = {}, {}
  while tokens[i] and tokens[i].kind == "name" do
    if tokens[i].text == "_ENV" then return nil end
    names[#names + 1] = tokens[i]
    i = i + 1
    if tokens[i] and tokens[i].text == "<" then
      if not tokens[i + 1] or tokens[i + 1].text == "close" then return nil end
      table.move(tokens, i, i + 2, #attributes + 1, attributes)
      i = i + 3
    end
    if not tokens[i] or tokens[i].text ~= "," then break end
    i = i + 1
  end
  return names, i, attributes
end

local function blank(text, token) return text:sub(1, token.first - 1) .. (" "):rep(token.last - token.first + 1) .. text:sub(token.last + 1) end

-- `local` of the outermost level made into assignments; what is left out becomes spaces, so that messages keep their lines.
local function without_locals(text)
  local tokens, depth, declared, edits = lexer.tokens(text), 0, {}, {}
  for i, token in ipairs(tokens) do
    local keyword = token.kind == "keyword" and token.text
    if keyword == "local" and depth == 0 then
      if tokens[i + 1] and tokens[i + 1].text == "function" then
        declared[#declared + 1] = tokens[i + 2] and tokens[i + 2].text
        edits[#edits + 1] = { token }
      else
        local names, after, attributes = names_from(tokens, i + 1)
        if names and #names > 0 then
          for _, name in ipairs(names) do declared[#declared + 1] = name.text end
          local bare = not (tokens[after] and tokens[after].text == "=") and names[#names].last
          edits[#edits + 1] = { token, attributes = attributes, bare = bare }
        end
      end
    end
    if OPENS[keyword] then depth = depth + 1 elseif CLOSES[keyword] then depth = depth - 1 end
  end
  for i = #edits, 1, -1 do
    local edit = edits[i]
    for _, token in ipairs(edit.attributes or {}) do text = blank(text, token) end
    if edit.bare then text = text:sub(1, edit.bare) .. " = nil" .. text:sub(edit.bare + 1) end
    text = blank(text, edit[1])
  end
  return text, declared
end

--- The variables of a session: globals, and in front of them what `local` has declared at the prompt.
---@return table environment
---@return table<string, boolean> declared
function M.environment()
  local declared = {}
  return setmetatable({}, {
    __index = _G,
    __newindex = function(self, name, value)
      if declared[name] then rawset(self, name, value) else _G[name] = value end
    end,
  }), declared
end

-- A string in quotes can't go on on the next line.
local function is_unfinished(message) return message:find "<eof>$" ~= nil and not message:find("unfinished string", 1, true) end

--- A chunk for the lines typed so far, or nil and the message; the third value says that more may be to come.
---@param text string
---@param environment table
---@param declared table<string, boolean>
---@return function? chunk
---@return string? message
---@return boolean unfinished
function M.compile(text, environment, declared)
  text = text:gsub("^%s*=", "")
  local chunk, as_expression = load("return " .. text, "=stdin", "t", environment)
  if chunk then return chunk, nil, false end
  local ok, message = load(text, "=stdin", "t", environment)
  if not ok then return nil, message, is_unfinished(message) or is_unfinished(as_expression) end
  local changed, names = without_locals(text)
  chunk = load(changed, "=stdin", "t", environment)
  if not chunk then return ok, nil, false end
  for _, name in ipairs(names) do declared[name] = true end
  return chunk, nil, false
end

return M
