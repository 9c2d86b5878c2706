--- `moondust run script.lua`: streams batches through the pipeline that a script returns, and says how fast.
local core = require "moondust.core"
local cli = require "moondust.cli"
local class = require "moondust.class"
local BatchFile = require "moondust.cli.batch_file"
local Progress = require "moondust.cli.progress"
local Seed = require "moondust.seed"

local M = { summary = "Stream batches through a script's pipeline, and write them to a file.", takes_rest = true }

function M.configure(parser)
  cli.add_script(parser)
  parser:option("-n --count", "How many batches.", "10"):convert(cli.integer(0, 1 << 53)):argname "N"
  cli.add_seed(parser)
  parser:option("--out", "Write the batches to this HDF5 file: /batch_000000/KEY."):argname "FILE.h5"
  parser:flag("--profile", "Say where the time went.")
  parser:flag("-q --quiet", "Print nothing but errors (and the profile, if asked for).")
  parser:usage "Usage: moondust run SCRIPT [-n N] [--seed S] [--out FILE.h5] [--profile] [--quiet] [-- ARGS…]"
end

local function check_returned(script, pipeline, request)
  local md = require "moondust"
  local function say(what, value)
    error(("%s must return `pipeline, request`: the %s is %s"):format(script, what, require("moondust.options").describe(value)), 0)
  end
  if not (class.is_a(pipeline, md.Pipeline) or class.is_a(pipeline, md.BatchProvider)) then say("first value", pipeline) end
  if not md.BatchRequest.is_request(request) then say("second value", request) end
end

--- Runs a script file for its pipeline and request.
---@param path string
---@param words string[]
---@return moondust.Pipeline pipeline
---@return moondust.BatchRequest request
function M.load_script(path, words)
  local chunk, message = loadfile(path)
  if not chunk then error(message, 0) end
  cli.set_arguments(path, words)
  local pipeline, request = chunk(table.unpack(words))
  check_returned(path, pipeline, request)
  return pipeline, request
end

local function size_of(path)
  local file = io.open(path, "rb")
  if not file then return "?" end
  local bytes = file:seek "end"
  file:close()
  if bytes < 1 << 20 then return ("%.1f KiB"):format(bytes / 2 ^ 10) end
  return ("%.1f MiB"):format(bytes / 2 ^ 20)
end

---@class moondust.cli.Stream
---@field done integer
---@field profile moondust.Profile?

local function consume(stream, batch, index)
  if stream.file then
    local start = core.clock()
    stream.file:write(batch, index)
    if stream.profile then stream.profile:add("(file)", "write", core.clock() - start) end
  end
  if stream.profile and batch.profiling_stats then stream.profile:merge(batch.profiling_stats) end
  batch:close()
  stream.done = stream.done + 1
  if stream.progress then stream.progress:update(stream.done) end
end

local function run_stream(stream, pipeline, request, args, seed)
  local file <close> = args.out and BatchFile.create(args.out) or nil
  stream.file = file
  for batch, index in pipeline:batches(request, { count = args.count, seed = seed }) do consume(stream, batch, index) end
end

local function summary(stream, args, seconds, seed)
  local rate = seconds > 0 and stream.done / seconds or 0
  local text = ("%d batches in %.2f s (%.2f a second), seed %s"):format(stream.done, seconds, rate, Seed.text(seed))
  if args.out then text = ("%s, written to %s (%s)"):format(text, args.out, size_of(args.out)) end
  return text
end

local function tell_interrupted(stream, args)
  io.stderr:write(("moondust: interrupted after %d of %d batches%s\n"):format(
    stream.done, args.count, args.out and (", which are in %s"):format(args.out) or ""))
  cli.exit { status = 130 }
end

local function choose_seed(args, request)
  if args.seed then return args.seed end
  if request.random_seed then return request.random_seed end
  local seed = core.seed_from_system()
  if not args.quiet then io.stderr:write(("seed %d (--seed %d gives the same batches again)\n"):format(seed, seed)) end
  return seed
end

function M.run(args, words)
  local pipeline, request = M.load_script(args.script, words)
  local seed = choose_seed(args, request)
  local stream = { done = 0 }
  if args.profile then stream.profile = require("moondust").Profile {} end
  if not args.quiet then stream.progress = Progress.new { total = args.count, unit = "batches" } end
  local start = core.clock()
  local ok, raised = xpcall(run_stream, cli.with_traceback, stream, pipeline, request, args, seed)
  local seconds = core.clock() - start
  if stream.progress then stream.progress:finish() end
  if not ok then
    if cli.interrupted() then tell_interrupted(stream, args) end
    error(raised, 0)
  end
  if stream.profile then print(stream.profile:report()) end
  if not args.quiet then print(summary(stream, args, seconds, seed)) end
end

return M
