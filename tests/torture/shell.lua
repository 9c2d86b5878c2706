--- Files and processes of the torture.
local M = {}

function M.quote(word) return "'" .. word:gsub("'", "'\\''") .. "'" end

--- The bytes of a file; nil when it isn't there.
---@param path string
---@return string?
function M.read(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local text = assert(file:read "a")
  file:close()
  return text
end

---@param path string
---@param text string
function M.write(path, text)
  local file = assert(io.open(path, "wb"))
  assert(file:write(text))
  assert(file:close())
end

--- Runs a command for sh: exit status as sh tells it, 128 + n after signal n.
---@param command string
---@return integer status
function M.run(command)
  local _, kind, code = os.execute("exec 2>/dev/null; " .. command) -- sh tells of signals there
  return kind == "exit" and code or 128 + code
end

--- Names in a folder, hidden ones too.
---@param folder string
---@return string[]
function M.names(folder)
  local pipe = assert(io.popen("ls -A " .. M.quote(folder)))
  local out = {}
  for name in pipe:lines() do out[#out + 1] = name end
  assert(pipe:close())
  return out
end

return M
