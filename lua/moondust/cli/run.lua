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
  parser:option("-n --count", "How many batches. Default: until Ctrl-C, or SIGTERM, ends the run."):convert(cli.integer(0, 1 << 53)):argname "N"
  cli.add_seed(parser)
  parser:option("--out", "Write the batches to this HDF5 file: /batch_000000/KEY. It is FILE.h5.partial until all of them are in it."):argname "FILE.h5"
  parser:flag("--resume", "Go on after the batches that FILE.h5.partial of an interrupted run holds. The result is that of a run that was not interrupted.")
  parser:flag("--profile", "Say where the time went.")
  parser:flag("-q --quiet", "Print nothing but errors (and the profile, if asked for).")
  parser:usage "Usage: moondust run SCRIPT [-n N] [--seed S] [--out FILE.h5 [--resume]] [--profile] [--quiet] [-- ARGS…]"
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
  cli.must(core.output.protect(path))
  cli.set_arguments(path, words)
  core.output.remember(true) -- what a script has read and closed again is a source of the run, too
  local pipeline, request = chunk(table.unpack(words))
  core.output.remember(false)
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

-- A batch may depend on those before it (nodes say so with keeps_state): then they are computed again.
local function first_to_ask(pipeline, done)
  for _, node in ipairs(pipeline.nodes) do
    if node.keeps_state then return 0 end
  end
  return done
end

local function stream_batches(stream, pipeline, request, args, seed)
  local first = first_to_ask(pipeline, stream.done)
  local count = args.count and args.count - first
  for batch, index in pipeline:batches(request, { count = count, first = first, seed = seed }) do
    if index < stream.done then batch:close() else consume(stream, batch, index) end
  end
end

-- Sources are open by the time the file is, so that none of them is taken for it.
local function run_stream(stream, pipeline, request, args, seed)
  core.output.remember(true)
  local built <close> = pipeline:build()
  core.output.remember(false)
  if args.out then
    stream.file = BatchFile.create(args.out, stream.identity, args.resume)
    stream.done = stream.file.count
    if args.count and stream.done > args.count then
      error(("%s has %d batches, more than -n %d: leave --resume away to begin anew"):format(stream.file.partial, stream.done, args.count), 0)
    end
  end
  stream.resumed = stream.done
  if stream.progress then stream.progress:begin_at(stream.done) end
  stream_batches(stream, built, request, args, seed)
end

local function summary(stream, args, seconds, seed)
  local made = stream.done - (stream.resumed or 0)
  local rate = seconds > 0 and made / seconds or 0
  local text = ("%d %s in %.2f s (%.2f a second), seed %s"):format(made, made == 1 and "batch" or "batches", seconds, rate, Seed.text(seed))
  if args.out then
    if made < stream.done then text = ("%s, %d with those that were there"):format(text, stream.done) end
    text = ("%s, written to %s (%s)"):format(text, core.printable(args.out), size_of(args.out))
  end
  return text
end

-- What is left of a file that did not become whole, in words.
local function partial_left(stream)
  if not stream.file or stream.done == 0 then return nil end
  return ("%d whole batch%s in %s; the same command with --resume goes on from there"):format(
    stream.done, stream.done == 1 and " is" or "es are", core.printable(stream.file.partial))
end

local function discard_file(stream)
  local failed = stream.file and stream.file:discard()
  if failed then io.stderr:write("moondust: ", core.printable(failed), "\n") end
  return partial_left(stream)
end

local function tell_interrupted(stream, args, status)
  local left = discard_file(stream)
  io.stderr:write(("moondust: interrupted after %d%s batches%s\n"):format(
    stream.done, args.count and (" of %d"):format(args.count) or "", left and ("; " .. left) or ""))
  cli.exit { status = status }
end

local function choose_seed(args, request)
  if args.seed then return args.seed end
  local earlier = args.resume and BatchFile.seed_of(args.out)
  if earlier then return earlier end
  if request.random_seed then return request.random_seed end
  local seed = core.seed_from_system()
  if not args.quiet then io.stderr:write(("seed %d (--seed %d gives the same batches again)\n"):format(seed, seed)) end
  return seed
end

-- Whether --resume finds the whole file there already.
local function is_done(args, identity)
  if not args.resume then return false end
  local there = not cli.is_file(args.out .. ".partial") and args.count and BatchFile.count_whole(args.out, identity)
  if there and there > args.count then
    error(("%s has %d batches, more than -n %d: leave --resume away to begin anew"):format(args.out, there, args.count), 0)
  end
  if not there or there ~= args.count then return false end
  if not args.quiet then print(("%s is whole: it has all %d batches"):format(core.printable(args.out), there)) end
  return true
end

-- The file takes its name. When that fails its batches are where they were.
local function close_file(stream)
  local ok, message = stream.file:close()
  if ok then return end
  io.stderr:write("moondust: ", partial_left(stream) or "no batch was written", "\n")
  error(message, 0)
end

-- Gives the file its name, or leaves it partial and says why. A run without -n is ended by a signal and is whole then.
local function finish(stream, args, ok, raised)
  if stream.file then stream.done = stream.file.count end -- a signal may have come between a batch and its count
  local interrupted, status = cli.interrupted()
  interrupted = not ok and interrupted and raised.message and raised.message:find("interrupted", 1, true)
  if interrupted and (args.count or args.out and not stream.file) then tell_interrupted(stream, args, status) end
  if not ok and not interrupted then
    local left = discard_file(stream)
    if left then io.stderr:write("moondust: ", left, "\n") end
    error(raised, 0)
  end
  if stream.file then close_file(stream) end
end

function M.run(args, words)
  if args.resume and not args.out then cli.usage_error "--resume goes with --out: it goes on with FILE.h5.partial" end
  local pipeline, request = M.load_script(args.script, words)
  local seed = choose_seed(args, request)
  local stream = { done = 0 }
  if args.out then
    stream.identity = BatchFile.identity(args.script, words, seed)
    if is_done(args, stream.identity) then return end
  end
  if args.profile then stream.profile = require("moondust").Profile {} end
  if not args.quiet then stream.progress = Progress.new { total = args.count, unit = "batches" } end
  local start = core.clock()
  local ok, raised = xpcall(run_stream, cli.with_traceback, stream, pipeline, request, args, seed)
  local seconds = core.clock() - start
  if stream.progress then stream.progress:finish() end
  cli.hold_interrupts()
  finish(stream, args, ok, raised)
  if stream.profile then print(stream.profile:report()) end
  if not args.quiet then print(summary(stream, args, seconds, seed)) end
end

return M
