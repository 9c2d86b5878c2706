--- `moondust preview script.lua`: batches of a script's pipeline beside the untransformed crop that each came from (see
--- moondust.preview).
local core = require "moondust.core"
local cli = require "moondust.cli"
local preview = require "moondust.preview"
local run = require "moondust.cli.run"
local view = require "moondust.cli.view"

local M = { summary = "A picture: batches of a script beside the crops they came from.", takes_rest = true }

function M.configure(parser)
  cli.add_script(parser)
  parser:option("-n --count", "How many batches.", "4"):convert(cli.integer(1, 1000)):argname "N"
  cli.add_seed(parser)
  parser:option("-o --out", "The picture.", "preview.png"):argname "OUT.png"
  view.configure_style(parser, "2.")
  parser:usage "Usage: moondust preview SCRIPT [-n N] [--seed S] [-o OUT.png] [--slices N] [--width PIXELS] [--overlay KEY] [-- ARGS…]"
end

function M.run(args, words)
  cli.must(core.output.protect(args.script))
  cli.must(core.output.allowed(args.out))
  local pipeline, request = run.load_script(args.script, words)
  local seed = args.seed or request.random_seed or core.seed_from_system()
  local fields = view.style_of(args)
  fields.path, fields.count, fields.seed, fields.title = args.out, args.count, seed, tostring(pipeline)
  core.output.remember(true)
  local built <close> = pipeline.nodes and pipeline or pipeline:build() -- its sources are open until the picture is written
  cli.must(core.output.allowed(args.out))
  cli.must(core.output.unread(args.out))
  cli.must(preview(built, request, fields))
  print(("%s: %s beside what %s came from, seed %s"):format(core.printable(args.out),
    args.count == 1 and "1 batch" or args.count .. " batches", args.count == 1 and "it" or "they", require("moondust.seed").text(seed)))
end

return M
