--- What a call raised, for tests of messages.
local M = {}

--- The error raised by f(...), as it is; fails when there is none.
---@param f function
---@return any
function M.raised(f, ...)
  local ok, raised = pcall(f, ...)
  if ok then error("no error was raised", 2) end
  return raised
end

--- Its first line as a person reads it.
---@param f function
---@return string
function M.message(f, ...)
  local ok, raised = pcall(f, ...)
  if ok then error("no error was raised", 2) end
  return (tostring(raised):match "^[^\n]*")
end

--- Its first line without "file:line: ".
---@param f function
---@return string
function M.bare(f, ...) return (M.message(f, ...):gsub("^[^ ]+:%d+: ", "")) end

return M
