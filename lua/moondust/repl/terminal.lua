--- What the screen can show, as its size and the environment say.
local core = require "moondust.core"

---@class moondust.Style
---@field columns integer
---@field rows integer
---@field colours "true"|"256"|"none"
---@field utf8 boolean

local M = {}

local function colours_of(env)
  local term = env "TERM" or ""
  if (env "NO_COLOR" or "") ~= "" or term == "dumb" or term == "" then return "none" end
  local says = env "COLORTERM" or ""
  if says == "truecolor" or says == "24bit" or term:find "%-direct" then return "true" end
  return term:find "256color" and "256" or "none"
end

-- The first of these that is set decides about characters, as in every C library.
local function is_utf8(env)
  for _, name in ipairs { "LC_ALL", "LC_CTYPE", "LANG" } do
    local value = env(name)
    if value and value ~= "" then return value:lower():find "utf%-?8" ~= nil end
  end
  return false
end

--- The style of standard output. Without a terminal: 80 columns, no colours.
---@param env (fun(name: string): string?)?  default: os.getenv
---@return moondust.Style
function M.style(env)
  env = env or os.getenv
  local there, columns, rows = core.is_terminal "stdout"
  return { columns = columns, rows = rows, colours = there and colours_of(env) or "none", utf8 = is_utf8(env) }
end

return M
