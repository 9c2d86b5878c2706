--- The error a pipeline raises: says which node, which key, which ROI, why, and prints as a person reads it.
local core = require "moondust.core"

local M = {}

---@class moondust.PipelineError
---@field node string        the node in which it happened
---@field key string?        the key concerned
---@field roi moondust.Roi?  the ROI wanted
---@field request string?    the request that the node was serving, on one line
---@field cause any          why: a sentence, or whatever a user's node raised
---@field traceback string?
local PipelineError = { __name = "PipelineError" }
PipelineError.__index = PipelineError

function PipelineError:__tostring()
  local text = ("%s: %s"):format(self.node, tostring(self.cause))
  if self.request then text = ("%s\n  (serving %s)"):format(text, self.request) end
  return text
end

---@param value any
---@return boolean
function M.is_error(value) return getmetatable(value) == PipelineError end

---@param fields table
---@return moondust.PipelineError
function M.new(fields) return setmetatable(fields, PipelineError) end

-- C functions raise with the place of the Lua code that called them; when that is our own it tells a user nothing.
local HOME = debug.getinfo(1, "S").source:match "^@(.*)error%.lua$"

core.own_sources("@" .. (HOME or "?"))

-- The level, counted from who calls this, of the first function that is none of ours; nil where it is we who called (a node at work: its name says more than a
-- line of the script would).
local function users_level()
  local level = 3
  while true do
    local info = debug.getinfo(level, "S")
    if not info then return nil end
    if info.what == "C" then
      local caller = debug.getinfo(level + 1, "S")
      if not caller or caller.what == "C" or caller.source:sub(2, #HOME + 1) == HOME then return nil end
    elseif info.source:sub(2, #HOME + 1) ~= HOME then
      return level - 1
    end
    level = level + 1
  end
end

--- As error(), for what a script did wrong: the place in the message is the script's own line, however many of our functions lie between it and
--- where the fault was found.
---@param message any
---@param level integer?  where there is no script above; 0: no place
function M.raise(message, level)
  local users = type(message) == "string" and level ~= 0 and HOME and users_level()
  error(message, users or level and level > 0 and level + 1 or level or 2)
end

local function without_our_places(cause)
  if type(cause) ~= "string" or not HOME or cause:sub(1, #HOME) ~= HOME then return cause end
  return (cause:sub(#HOME + 1):gsub("^[%w_/]+%.lua:%d+: ", ""))
end

--- A message handler for xpcall: whatever was raised becomes a PipelineError with the traceback of the place. `where()` tells the
--- node's name and, when there is one, the request at that moment.
---@param where fun(): string, string?
---@return fun(raised: any): moondust.PipelineError
function M.handler(where)
  return function(raised)
    local node, request = where()
    local wrapped = M.is_error(raised) and raised or M.new { node = node, cause = without_our_places(raised) }
    wrapped.request = wrapped.request or request
    wrapped.traceback = wrapped.traceback or debug.traceback(tostring(raised), 2)
    return wrapped
  end
end

return M
