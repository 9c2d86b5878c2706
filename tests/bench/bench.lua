--- All benchmarks, beside the originals where tests/bench/setup-peers has put them: one table, build/bench.json, docs/performance.md.
--- `moondust tests/bench/bench.lua --help`; `make bench` calls it. What is compared with what is in rows.lua, how figures come from
--- samples in figures.lua.
---
--- Ours, the peers and memcpy take turns, round by round, each in a process of its own that stays: ours in C (bench_kernels --serve) and
--- in Lua (ours.lua), theirs in Python (peers/peers.py).
package.path = (arg[0]:match "^(.*)/" or ".") .. "/?.lua;" .. package.path
local argparse = require "argparse"
local json = require "dkjson"
local cli = require "moondust.cli"
local core = require "moondust.core"
local extras = require "extras"
local figures = require "figures"
local measure = require "measure"
local report = require "report"
local rows = require "rows"
local Stage = require "stage"

local parser = argparse("bench.lua", "Benchmarks, ours beside the originals.")
parser:option("--build", "The folder that has been built.", "build")
parser:option("--program", "The moondust program.", "./moondust")
parser:option("--peers", "Virtual environment of the peers (tests/bench/setup-peers).", "build/peers")
parser:option("--volume", "HDF5 file for the training pipeline; default: a synthetic one.")
parser:option("--size", "Edge of the volumes that kernels work on.", "216"):convert(cli.integer(32, 1024))
parser:option("--rounds", "At most; slow works take fewer.", "7"):convert(cli.integer(1, 99))
parser:option("--seconds", "For a row, after which no further round begins (but 3, of slow ones 2).", "8"):convert(cli.integer(0, 3600))
parser:option("--only", "Rows whose name contains this (a Lua pattern); scaling, counts and start are rows too.")
parser:option("--json", "Where the figures go.", "build/bench.json")
parser:option("--docs", "Don't measure: write the figures of --json into this document, with the plot beside it.")
local options = parser:parse(arg)

local stage = Stage.new(options)
local result = { rows = {}, size = options.size, rounds = options.rounds }

local function add(row)
  result.rows[#result.rows + 1] = row
  print(report.line(row))
  if row.note and row.agrees == false then print("    " .. row.note) end
  io.stdout:flush()
end

local function wanted(name) return not options.only or name:find(options.only) ~= nil end

local function run_rows(list)
  for _, row in ipairs(list) do
    local samples, missing = measure.row(stage, row)
    for _, line in ipairs(row.lines) do
      line.group, line.unit, line.agrees, line.note = row.group, line.unit or row.unit or "ns", row.agrees, row.note or missing[line.peer]
      local made = figures.both(line, samples)
      if made and (made.goal or made.ratio) then add(made) end -- else nothing to say
    end
    for id, why in pairs(missing) do
      if stage.python then print(("    %s is left out: %s"):format(id, why)) end
    end
  end
end

local function selected(list)
  local kept = {}
  for _, row in ipairs(list) do
    if wanted(row.name) then kept[#kept + 1] = row end
  end
  return kept
end

local function machine()
  local file = io.open "/proc/cpuinfo"
  local name = file and file:read("a"):match "model name%s*:%s*([^\n]+)"
  if file then file:close() end
  return name or "a machine"
end

--- Seeds whose first place has labels, so that nobody has to ask again.
local function good_seeds(count)
  local seeds, seed = {}, 0
  while #seeds < count do
    seed = seed + 1
    local answer = stage:ask("ours", { ask = "batch", file = stage.volume, subsample = 4, seeds = { seed }, threads = 1 })
    if answer.missing then error(answer.missing, 0) end
    if not answer.refused then seeds[#seeds + 1] = seed end
    if seed > 1000 then error(("no place with labels in %s after 1000 seeds"):format(stage.volume), 0) end
  end
  return seeds
end

local function labels_of(file)
  for _, info in ipairs(assert(require("moondust").hdf5.list(file))) do
    if info.name == "volumes/labels/mito" then return info.name end
  end
  return "volumes/labels/organelles"
end

local function make_trainer_volume()
  if options.volume or Stage.exists(stage.volume) then return end
  require("moondust.cli.sample").write(stage.volume, { shape = { 64, 1024, 1024 }, voxel_size = { 40, 4, 4 }, seed = 0 })
end

local function measure_all()
  assert(core.make_directory(stage.folder))
  if not stage.python then print(("no peers in %s: tests/bench/setup-peers gets them (3 GB); only memcpy and limits are compared with"):format(options.peers)) end
  result.machine, result.versions = machine(), nil
  if stage.python then
    result.versions = {}
    for line in Stage.capture(stage.python .. " tests/bench/peers/peers.py --versions"):gmatch "[^\n]+" do table.insert(result.versions, line) end
  end
  print(report.head())
  local size, edge = 320, 216
  local box_file = stage.folder .. "/boxes.h5"
  local kernels, files = selected(rows.kernels()), selected(rows.files(box_file, size, edge))
  if stage.python then measure.save_inputs(stage, kernels) end
  run_rows(kernels)
  stage:close()
  measure.remove_inputs()
  if #files > 0 then
    stage:server("ours"):ask { ask = "volume", volume = box_file, size = size }
    run_rows(files)
    stage:close()
  end
  if wanted "train_organelles" or wanted "tiny batch" then
    make_trainer_volume()
    run_rows(selected(rows.pipelines(stage.volume, labels_of(stage.volume), good_seeds(options.rounds + 1))))
    stage:close()
  end
  if wanted "start" then extras.start_times(stage, add) end
  if wanted "scaling" then result.scaling = extras.scaling(stage, add) end
  if wanted "counts" then result.counts = extras.counts(stage) end
  print("\n" .. report.summary(result.rows))
  measure.write_json(options.json, result)
  print(("figures: %s"):format(options.json))
end

local function write_docs()
  local file = assert(io.open(options.json))
  local recorded = assert(json.decode(file:read "a"))
  file:close()
  local document = assert(io.open(options.docs))
  local text = report.into(document:read "a", recorded)
  document:close()
  assert(core.output.write(options.docs, text))
  if not stage.python then return print(("%s is written; the plot needs the peers' matplotlib (tests/bench/setup-peers)"):format(options.docs)) end
  local plot = options.docs:gsub("%.md$", ".png")
  assert(os.execute(("'%s' tests/bench/peers/plot.py '%s' '%s'"):format(stage.python, options.json, plot)), "the plot failed")
end

if options.docs then write_docs() else measure_all() end
