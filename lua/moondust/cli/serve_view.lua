--- `moondust serve-view script.lua|FILE.h5`: a page in the browser, served to this machine alone, to look through batches or a file.
local core = require "moondust.core"
local cli = require "moondust.cli"

local M = { summary = "Look through a script's batches, or a file, in the browser.", takes_rest = true }

local TURN = 0.5 -- seconds between two looks at Ctrl-C, which mostly comes through at once

function M.configure(parser)
  parser:argument("what", "A Lua file that returns `pipeline, request` (what stands behind `--` reaches it), or an HDF5 file; of one that "
    .. "`run --out` wrote, its batches.")
  parser:option("--port", "On 127.0.0.1; 0 is any that is free.", "0"):convert(cli.integer(0, 65535)):argname "P"
  cli.add_seed(parser, "Of the stream, a number or a list such as 7,3, as for `run`; for a file of batches the number of the first one to show. Default: the "
    .. "request's, or one from the system.")
  parser:usage "Usage: moondust serve-view SCRIPT|FILE.h5 [--port P] [--seed S] [-- ARGS…]"
end

local function open_scenes(args, words)
  if args.what:find "%.lua$" then
    local pipeline, request = require("moondust.cli.run").load_script(args.what, words)
    local title = table.concat({ args.what, table.unpack(words) }, " ")
    return require "moondust.viewer.pipeline_scenes" { pipeline = pipeline, request = request, title = title, seed = args.seed }
  end
  if #words > 0 then cli.usage_error(("only a script takes something behind '--', and %s is not called .lua"):format(args.what)) end
  if type(args.seed) == "table" then cli.usage_error(("--seed is the number of a batch in %s, not a list"):format(args.what)) end
  return require "moondust.viewer.file_scenes" { path = args.what, first = args.seed }
end

local function serve(server, viewer)
  local function handle(...) return viewer:handle(...) end
  repeat server:serve(handle, TURN) until cli.interrupted()
end

function M.run(args, words)
  local server <close> = cli.must(core.http.listen(args.port)) -- first, because it is quickly refused
  local viewer <close> = require "moondust.viewer" { scenes = open_scenes(args, words), port = server.port, interrupted = cli.interrupted }
  local told, why = io.stdout:write(viewer.url, "\n")
  if told then told, why = io.stdout:flush() end
  if not told then error(("standard output can't be written, and nobody knows the page's address without: %s"):format(why), 0) end
  io.stderr:write("Open this in a browser on this machine; Ctrl-C ends.\n")
  local ok, raised = xpcall(serve, cli.with_traceback, server, viewer)
  if not ok and not cli.interrupted() then error(raised, 0) end
end

return M
