--- Runs the program as a person would, from the root of the tree.
local M = {}

M.path = os.getenv "MOONDUST_PROGRAM" or "./moondust"
M.build = os.getenv "MOONDUST_BUILD" or "build"

local function quote(word) return "'" .. word:gsub("'", "'\\''") .. "'" end
M.quote = quote

local function take(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "a"
  file:close()
  os.remove(path)
  return text
end

--- A name for a file that doesn't exist yet.
---@param suffix string?
---@return string
function M.temporary(suffix)
  local path = os.tmpname()
  os.remove(path)
  return path .. (suffix or "")
end

--- Runs a shell command; LUA_PATH and LUA_CPATH of the tests, and a sanitiser's preload, don't reach it.
---@param command string
---@param input string?
---@return { status: integer, out: string, err: string }
function M.shell(command, input)
  local out, err, stdin = os.tmpname(), os.tmpname(), os.tmpname()
  local file = assert(io.open(stdin, "wb"))
  file:write(input or "")
  file:close()
  local _, kind, code = os.execute(("env -u LUA_PATH -u LUA_CPATH -u LD_PRELOAD sh -c %s <%s >%s 2>%s"):format(quote(command), stdin, out, err))
  os.remove(stdin)
  return { status = kind == "exit" and code or 128 + code, out = take(out), err = take(err) }
end

--- Runs the program with these words.
---@param words string[]
---@param input string?
---@return { status: integer, out: string, err: string }
function M.run(words, input)
  local quoted = {}
  for i, word in ipairs(words) do quoted[i] = quote(word) end
  return M.shell(M.path .. " " .. table.concat(quoted, " "), input)
end

---@param text string
---@param suffix string?
---@return string path
function M.file_with(text, suffix)
  local path = M.temporary(suffix or ".lua")
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  return path
end

return M
