--- The program's first word: a sub-command, a script, a chunk, or nothing (the REPL). One file here is one sub-command.
---
--- A sub-command is a table: `summary` (a line for --help), `configure(parser)` (argparse), `run(args, rest)` (args from
--- argparse, rest = what stands behind `--`), which returns the exit status, nil being 0. It raises errors; this file prints
--- them. Exit status: 0, 1 for an error, 2 for wrong usage, 128 + its number after a signal (130 after Ctrl-C, 143 after SIGTERM,
--- 129 after SIGHUP). What can't be printed on standard output is an error, too.
local core = require "moondust.core"

local M = {}

local COMMANDS = { "run", "preview", "info", "check", "sample", "view", "serve-view", "version" }
local PROGRAM = "moondust"

--- What ends the program in an orderly way: status (and nothing is printed), usage = a sentence (status 2), or message and
--- traceback (status 1).
local Exit = { __name = "moondust.Exit" }

--- Raises an exit.
---@param fields { status: integer?, usage: string?, parser: table? }
function M.exit(fields) error(setmetatable(fields, Exit), 0) end

--- For a mistake on the command line: printed with the usage, exit status 2.
---@param message string
function M.usage_error(message) M.exit { usage = message } end

--- The value, or its message as an error: for openers, where the world may say no.
function M.must(value, message)
  if value == nil then error(message, 0) end
  return value, message
end

--- A parser of arguments whose --help prints and ends.
---@param name string
---@param summary string
---@return table parser
local function new_parser(name, summary)
  local found, argparse = pcall(require, "argparse")
  if not found then
    error("the Lua module 'argparse' is missing: install lua-argparse (scripts/setup does), or `luarocks install argparse`", 0)
  end
  local parser = argparse(name, summary):add_help(false)
  parser:flag("-h --help", "Show this help and end.")
  return parser
end
M.new_parser = new_parser

--- Parses; shows the help where it is asked for, raises a usage error for what is wrong.
---@param parser table
---@param words string[]
---@return table args
function M.parse(parser, words)
  for _, word in ipairs(words) do -- before anything is missed that --help is to explain
    if word == "--help" or word == "-h" then
      io.stdout:write(parser:get_help(), "\n")
      M.exit { status = 0 }
    end
  end
  local ok, result = parser:pparse(words)
  if ok then return result end
  M.exit { usage = result, parser = parser }
end

--- "16,256,256" as a table of `count` positive whole numbers (for argparse's convert).
---@param count integer
---@param least integer?  smallest entry, default 1
---@return fun(text: string): integer[]?, string?
function M.integers(count, least)
  least = least or 1
  return function(text)
    local out = {}
    for word in (text .. ","):gmatch "%s*(.-)%s*," do
      local number = math.tointeger(tonumber(word))
      if not number or number < least then
        return nil, ("'%s' must be %d whole numbers from %d up, with commas between: 16,256,256"):format(text, count, least)
      end
      out[#out + 1] = number
    end
    if #out ~= count then return nil, ("'%s' has %d numbers, not %d"):format(text, #out, count) end
    return out
  end
end

--- A whole number in [least, most] (for argparse's convert).
---@param least integer
---@param most integer
---@return fun(text: string): integer?, string?
function M.integer(least, most)
  return function(text)
    local number = math.tointeger(tonumber(text))
    if number and number >= least and number <= most then return number end
    return nil, ("'%s' must be a whole number from %d to %d"):format(text, least, most)
  end
end

--- --seed, of a stream of batches unless `doc` says otherwise.
---@param parser table
---@param doc string?
function M.add_seed(parser, doc)
  parser:option("--seed", doc or "Batch i, counted from 0, is requested with random_seed = S + i; with a list such as 7,3 with a hash of list and i, so that "
    .. "streams of other lists (one an epoch, one a worker) have other batches. Default: the request's, or one from the system.")
    :argname("S"):convert(require("moondust.seed").parse)
end

--- The script that a command streams batches from; it takes what stands behind `--`.
---@param parser table
function M.add_script(parser)
  parser:argument("script", "A Lua file that returns `pipeline, request`; what stands behind `--` reaches it as `...`.")
end

---@param name string
local function command_module(name) return require("moondust.cli." .. name:gsub("%-", "_")) end

--- The program's own help.
---@return string
function M.help()
  local lines = {
    "Usage: moondust [--debug] script.lua [args…]    run a script, as lua would",
    "       moondust [--debug] -e CODE [args…]       run a chunk",
    "       moondust [--debug] - [args…]             run what standard input holds",
    "       moondust [--debug] COMMAND …             see below; COMMAND --help tells more",
    "       moondust                                 on a terminal: the REPL",
    "       moondust --version | --help", "", "Commands:",
  }
  for _, name in ipairs(COMMANDS) do lines[#lines + 1] = ("  %-10s %s"):format(name, command_module(name).summary) end
  lines[#lines + 1] = ""
  lines[#lines + 1] = "--allow-foreign, before a script too, has files read that other files name (HDF5's external links and storage, virtual datasets)."
  lines[#lines + 1] = "--debug shows where an error was raised. MOONDUST_THREADS sets the number of kernel threads."
  return table.concat(lines, "\n")
end

--- The parser of a sub-command, with what all of them take.
---@param name string
---@return table parser
---@return table command
function M.parser_of(name)
  local command = command_module(name)
  local parser = new_parser(PROGRAM .. " " .. name, command.summary)
  command.configure(parser)
  parser:flag("--debug", "Show where an error was raised.")
  parser:flag("--allow-foreign", "Read also what a file has in other files: external links and storage, sources of virtual datasets.")
  return parser, command
end

--- Names of the sub-commands, in the order in which the help lists them.
---@return string[]
function M.commands() return table.move(COMMANDS, 1, #COMMANDS, 1, {}) end

local function split_rest(words)
  local own, rest = {}, {}
  local into = own
  for _, word in ipairs(words) do
    if word == "--" and into == own then into = rest else into[#into + 1] = word end
  end
  return own, rest
end

local function run_command(name, words)
  local parser, command = M.parser_of(name)
  local own, rest = split_rest(words)
  if #rest > 0 and not command.takes_rest then M.usage_error(("'%s' takes nothing behind '--'"):format(name)) end
  return command.run(M.parse(parser, own), rest)
end

local function set_arguments(name, words)
  local arg = { [0] = name, [-1] = PROGRAM }
  table.move(words, 1, #words, 1, arg)
  _G.arg = arg
end
M.set_arguments = set_arguments

local function call_chunk(chunk, message, name, words)
  if not chunk then error(message, 0) end
  set_arguments(name, words)
  chunk(table.unpack(words))
end

--- Whether there is something at `path` that can be opened.
---@param path string
---@return boolean
function M.is_file(path)
  local file = io.open(path, "r")
  if file then file:close() end
  return file ~= nil
end

local function unknown_word(word)
  local near = require("moondust.options").nearest(word, COMMANDS)
  local what = word:find "^%-" and "option" or "command or script"
  M.usage_error(("there is no %s '%s'%s"):format(what, word, near and ("; did you mean '%s'?"):format(near) or ""))
end

local function run_script(path, words)
  if path:find "[/.]" and not path:find "^%-" or M.is_file(path) then
    if not M.is_file(path) then error(("can't open the script '%s'"):format(path), 0) end
    local chunk, message = loadfile(path)
    M.must(core.output.protect(path))
    return call_chunk(chunk, message, path, words)
  end
  unknown_word(path)
end

local function dispatch(words, debugging)
  local first = table.remove(words, 1)
  if first == nil then
    if core.is_terminal "stdin" then return require("moondust.repl").run(debugging) end
    first = "-"
  end
  if first == "--help" or first == "-h" then
    print(M.help())
    return 0
  end
  if first == "--version" or first == "-v" then return run_command("version", words) end
  if first == "-" then
    local chunk, message = load(io.read "a", "=stdin")
    return call_chunk(chunk, message, "-", words)
  end
  if first == "-e" then
    local code = table.remove(words, 1)
    if not code then M.usage_error "-e wants a chunk: moondust -e 'print(1 + 1)'" end
    local chunk, message = load(code, "=(command line)")
    return call_chunk(chunk, message, "-e", words)
  end
  for _, name in ipairs(COMMANDS) do
    if first == name then return run_command(name, words) end
  end
  return run_script(first, words)
end

--- Takes --debug and --allow-foreign out of the words that are the program's own (those before a script's name and of a sub-command).
local function take_flags(words)
  local found = false
  while words[1] == "--debug" or words[1] == "--allow-foreign" do
    if table.remove(words, 1) == "--debug" then found = true else core.hdf5.allow_foreign(true) end
  end
  for _, name in ipairs(COMMANDS) do
    if words[1] == name then
      for _, word in ipairs(words) do
        if word == "--" then break end
        found = found or word == "--debug"
        if word == "--allow-foreign" then core.hdf5.allow_foreign(true) end
      end
    end
  end
  return found
end

--- A message handler that keeps the traceback of the place.
function M.with_traceback(raised)
  if getmetatable(raised) == Exit then return raised end
  local inner = type(raised) == "table" and raised.traceback
  return setmetatable({ message = tostring(raised), traceback = inner or debug.traceback(tostring(raised), 2) }, Exit)
end

--- Whether a signal (Ctrl-C, SIGTERM, SIGHUP) asked the program to end, and the exit status for that.
---@return boolean
---@return integer? status
function M.interrupted()
  local found, program = pcall(require, "moondust.program")
  if not found then return false end
  return program.interrupted()
end

-- A message, line by line, without what would steer the terminal.
local function shown(message) return (message:gsub("[^\n\t]+", core.printable)) end

local function report(raised, debugging)
  if raised.status then return raised.status end
  if raised.usage then
    io.stderr:write(PROGRAM, ": ", shown(raised.usage), "\n")
    io.stderr:write(raised.parser and raised.parser:get_usage() or "Usage: moondust [--debug] COMMAND | script.lua [args…]", "\n")
    io.stderr:write("`moondust --help` tells more.\n")
    return 2
  end
  local interrupted, status = M.interrupted()
  if interrupted then
    io.stderr:write(PROGRAM, ": interrupted\n")
    return status
  end
  io.stderr:write(PROGRAM, ": ", shown(debugging and raised.traceback or raised.message), "\n")
  return 1
end

--- From now on no signal raises: what is left to do isn't to be cut short. A second one ends the program at once.
function M.hold_interrupts()
  local found, program = pcall(require, "moondust.program")
  if found then program.hold_interrupts(true) end
end

--- Calls f(…) so that no signal cuts it short; one that came meanwhile raises afterwards. Outside of the program: f(…).
---@param f function
---@param ... any
function M.uninterrupted(f, ...)
  local found, program = pcall(require, "moondust.program")
  if not found then return f(...) end
  program.hold_interrupts(true)
  local results = table.pack(pcall(f, ...))
  program.hold_interrupts(false)
  if not results[1] then error(results[2], 0) end
  return table.unpack(results, 2, results.n)
end

-- Writes out what was printed; an exit status of success becomes that of a failure where this fails.
local function finish_output(program, status)
  local why = program.finish_output()
  if not why or status ~= 0 then return status end
  io.stderr:write(PROGRAM, ": standard output can't be written: ", why, "\n")
  return 1
end

-- os.exit() ends the program without coming back here.
local function check_output_at_exit(program)
  local exit = os.exit
  function os.exit(code, close) -- luacheck: ignore 122
    local success = code == nil or code == true or code == 0
    if success and finish_output(program, 0) ~= 0 then code = false end
    program.leaving(success and code ~= false)
    if core.output.unfinished() > 0 then close = true end -- files written in place are closed, others told
    return exit(code, close)
  end
end

--- Runs the program; arg[0] is its name.
---@param arg string[]
---@return integer status
function M.main(arg)
  local words = table.move(arg, 1, #arg, 1, {})
  local debugging = take_flags(words)
  local program = require "moondust.program"
  program.catch_interrupt()
  check_output_at_exit(program)
  core.hdf5.no_exit_handler() -- files are closed by then, and after a failure inside of HDF5 it crashes or goes round in circles
  local ok, result = xpcall(dispatch, M.with_traceback, words, debugging)
  return finish_output(program, ok and (result or 0) or report(result, debugging))
end

return M
