--- The REPL: expressions print without `return`, unfinished input goes on on the next line, history is kept.
--- `md` is there.
local core = require "moondust.core"
local program = require "moondust.program"

local M = {}

local HISTORY_LINES = 1000

local function history_file()
  local state = os.getenv "XDG_STATE_HOME"
  if not state or state == "" then
    local home = os.getenv "HOME"
    if not home or home == "" then return nil end
    state = home .. "/.local/state"
  end
  local folder = state .. "/moondust"
  return core.make_directory(folder) and folder .. "/history" or nil
end

local function is_unfinished(message) return message and message:find "<eof>$" ~= nil end

--- A chunk for the lines typed so far, or nil and the message; unfinished input says so in the third value.
---@param text string
---@return function? chunk
---@return string? message
---@return boolean unfinished
function M.compile(text)
  local chunk = load("return " .. text, "=stdin")
  if chunk then return chunk, nil, false end
  local message
  chunk, message = load(text, "=stdin")
  return chunk, message, is_unfinished(message)
end

local function read_chunk()
  local text = program.read_line "> "
  if not text then return nil end
  local chunk, message, unfinished = M.compile(text)
  while unfinished do
    local line = program.read_line ">> "
    if not line then break end
    text = text .. "\n" .. line
    chunk, message, unfinished = M.compile(text)
  end
  if text:find "%S" then program.add_history(text) end
  return text, chunk, message
end

local function show(results)
  if results.n == 0 then return end
  local texts = {}
  for i = 1, results.n do texts[i] = tostring(results[i]) end
  print(table.concat(texts, "\t"))
end

local function evaluate(chunk, debugging)
  program.catch_interrupt()
  local results = table.pack(xpcall(chunk, debugging and debug.traceback or tostring))
  if not results[1] then
    io.stderr:write(results[2], "\n")
    return
  end
  local ok, message = pcall(show, table.pack(table.unpack(results, 2, results.n)))
  if not ok then io.stderr:write("can't print the result: ", tostring(message), "\n") end
end

--- Reads, evaluates and prints until the input ends.
---@param debugging boolean  show where an error was raised
function M.run(debugging)
  _G.md = require "moondust"
  local version = core.version()
  print(("Moondust %s, %s. `md` is the module; end with Ctrl-D."):format(version.version, version.lua))
  local history = history_file()
  if history then program.load_history(history) end
  while true do
    local text, chunk, message = read_chunk()
    if not text then break end
    if history then program.save_history(history, HISTORY_LINES) end
    if chunk then evaluate(chunk, debugging) elseif text:find "%S" then io.stderr:write(message, "\n") end
  end
  print()
  return 0
end

return M
