--- The REPL: `moondust` on a terminal. Expressions print without `return`, unfinished input goes on on the next line, TAB
--- completes, Ctrl-C stops what runs, history is kept across runs.
---
---     chunk     text -> function          complete  text -> what may stand there (lexer, members)
---     show      value -> lines            help      value -> manual entry (manual, moondust.annotations)
local core = require "moondust.core"
local program = require "moondust.program"
local chunks = require "moondust.repl.chunk"
local terminal = require "moondust.repl.terminal"

local M = {}

local HISTORY_LINES = 1000
local PATIENCE = 2 -- presses of Ctrl-C that a function in C may let pass before the next one ends the program
-- What is there without `md.`; everything else stays behind it, so that a session's lines make a script by one line more.
local NAMES = { "ArrayKey", "GraphKey", "Coordinate", "Roi", "ArraySpec", "BatchRequest" }

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

-- ------------------------------------------------------------------------------------------------ errors

local HERE = debug.getinfo(1, "S").short_src
local FOLDER = HERE:match "^(.*)init%.lua$" or HERE

-- An expression is called from here, so errors that name their caller's place name this one, which tells a user nothing.
local function without_our_place(message)
  if message:sub(1, #FOLDER) ~= FOLDER then return message end
  return (message:sub(#FOLDER + 1):gsub("^[%w_]+%.lua:%d+: ", ""))
end

-- What is left out of a traceback: the frames that are the REPL's own, which begin with one of this file.
local function trim(traceback)
  local own = traceback:find("\n\t" .. HERE, 1, true)
  return ((own and traceback:sub(1, own - 1) or traceback):gsub("in upvalue 'chunk'$", "at the prompt"))
end

-- Whatever was raised, to be read: an object says it itself, a plain table is shown.
local function words_of(raised)
  if type(raised) == "string" then return raised end
  local meta = debug.getmetatable(raised)
  if type(meta) == "table" and rawget(meta, "__tostring") then return (select(2, pcall(tostring, raised))) end
  return "error object: " .. table.concat(require("moondust.repl.show").lines(raised, terminal.style()), "\n")
end

-- Keeps what was raised, and where; called by xpcall's message handler.
local function remember(session, raised)
  local inner = type(raised) == "table" and getmetatable(raised) and raised.traceback
  session.message = without_our_place(words_of(raised))
  session.traceback = trim(type(inner) == "string" and inner or debug.traceback(session.message, 3))
  if program.interrupted() and session.message:find "interrupted" then session.message = "interrupted" end
end

-- ------------------------------------------------------------------------------------------------ the loop

local function run(session, chunk)
  return xpcall(function()
    local text = require("moondust.repl.show").results(table.pack(chunk()), terminal.style())
    if text then print(text) end
  end, function(raised) remember(session, raised) end)
end

-- Line by line, without what would steer the terminal.
local function complain(message) io.stderr:write((message:gsub("[^\n\t]+", core.printable)), "\n") end

-- Ctrl-C raises inside of here and nowhere else.
local function evaluate(session, chunk)
  session.message = nil
  program.catch_interrupt(PATIENCE)
  local ok, raised = run(session, chunk)
  program.ignore_interrupt()
  io.stdout:flush()
  if ok then return end
  session.message = session.message or tostring(raised) -- the handler itself was cut short: no memory, no stack
  complain(session.debugging and session.traceback or session.message)
end

-- One input of as many lines as it takes; nil at the end, false after Ctrl-C.
local function read_input(session)
  session.pending = ""
  local text = program.read_line("> ", session.complete)
  if not text then return text end
  local chunk, message, unfinished = chunks.compile(text, session.environment, session.declared)
  while unfinished do
    session.pending = text .. "\n"
    local line = program.read_line(">> ", session.complete)
    if line == false then return false end
    if not line then break end
    text = text .. "\n" .. line
    chunk, message, unfinished = chunks.compile(text, session.environment, session.declared)
  end
  return text, chunk, message
end

local function step(session)
  local text, chunk, message = read_input(session)
  if not text then return text == false end
  if not text:find "%S" then return true end
  if program.add_history(text) and session.history then program.save_history(session.history) end
  if chunk then
    evaluate(session, chunk)
  else
    session.message, session.traceback = message, message
    complain(message)
  end
  return true
end

-- ------------------------------------------------------------------------------------------------ the session

local function new_session(debugging)
  local session = { pending = "", debugging = debugging }
  session.environment, session.declared = chunks.environment()
  -- Candidates count from the start of the line at the prompt, not of the whole input.
  function session.complete(line)
    local found = require("moondust.repl.complete").complete(session.pending .. line, session.environment)
    found.start = found.start - #session.pending
    if found.start >= 0 then return found end
    return { start = 0, append = 0, in_string = 0 } -- what begins on an earlier line can't be changed any more
  end
  return session
end

-- Ctrl-C reaches what runs in a coroutine, too; what these do is what Lua's own do.
local function track_coroutines()
  local resume, create = program.resume, coroutine.create
  local function pass(ok, ...)
    if ok then return ... end
    error((...), 3)
  end
  coroutine.resume = resume
  function coroutine.wrap(f)
    local thread = create(f)
    return function(...)
      local results = table.pack(pass(resume(thread, ...)))
      return table.unpack(results, 1, results.n)
    end
  end
end

local function set_globals(session)
  local md = require "moondust"
  _G.md = md
  for _, name in ipairs(NAMES) do _G[name] = md[name] end
  function _G.help(...)
    local columns = terminal.style().columns
    print(require("moondust.repl.help").text(columns - 1, select("#", ...), (...)))
  end
  function _G.traceback() print(session.traceback or "there was no error") end
end

local function greet()
  local version = core.version()
  print(("Moondust %s, %s: help() helps, TAB completes, Ctrl-D ends."):format(version.version, version.lua))
  print("At hand: md, " .. table.concat(NAMES, ", "))
end

--- Reads, evaluates and prints until the input ends.
---@param debugging boolean  print the traceback of every error
---@return integer status
function M.run(debugging)
  local session = new_session(debugging)
  program.ignore_interrupt()
  track_coroutines()
  set_globals(session)
  session.history = history_file()
  if session.history then program.load_history(session.history, HISTORY_LINES) end
  greet()
  local going = true
  while going do
    -- An error here is one of the REPL itself (no memory, a full disk): it is said, and the session goes on.
    local ok, result = pcall(step, session)
    program.ignore_interrupt()
    if ok then going = result else complain(tostring(result)) end
  end
  print()
  return 0
end

return M
