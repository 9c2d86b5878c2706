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
local Coprocess = require "coprocess"
local figures = require "figures"
local report = require "report"
local rows = require "rows"

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

local folder = options.build .. "/bench"
local servers = {}

local function exists(path)
  local file = io.open(path)
  if file then file:close() end
  return file ~= nil
end

local python = exists(options.peers .. "/bin/python") and options.peers .. "/bin/python"

local function capture(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "a"
  pipe:close()
  return text
end

-- ---------------------------------------------------------------------------------------------------- servers

-- As it comes ("default"), glibc gives each large block back to the system and gets fresh, zeroed pages the next time, whose making costs as
-- much as a cheap kernel; "kept" is an allocator that keeps what it has. See figures.lua for which counts where.
local MEMORY = { default = "", kept = "MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=1000000000000 MALLOC_TOP_PAD_=16777216 " }

local function sample_volume() return folder .. "/trainer.h5" end
local volume = options.volume or sample_volume()

local COMMANDS = {
  kernels = function() return ("%s/bench/bench_kernels %d --serve"):format(options.build, options.size) end,
  baseline = function() return ("MOONDUST_ISA=baseline %s/bench/bench_kernels %d --serve"):format(options.build, options.size) end,
  ours = function() return ("%s tests/bench/ours.lua '%s'"):format(options.program, folder) end,
  instrumented = function() return ("%s tests/bench/ours.lua '%s' --instrument '%s'"):format(options.program, folder, volume) end,
  peers = function() return ("'%s' tests/bench/peers/peers.py '%s' 2>'%s/peers.log'"):format(python, folder, folder) end,
}

local function server(name, memory)
  memory = memory or "default"
  local id = name .. " " .. memory
  if not servers[id] then servers[id] = Coprocess.start(id, MEMORY[memory] .. COMMANDS[name](), folder) end
  return servers[id]
end

--- A server that fails is started anew when it is asked next.
local function ask(name, question, memory)
  local ok, answer = pcall(function() return server(name, memory):ask(question) end)
  if ok then return answer end
  servers[name .. " " .. (memory or "default")] = nil
  return { missing = tostring(answer) }
end

local function close_servers()
  for _, one in pairs(servers) do one:close() end
  servers = {}
end

-- ---------------------------------------------------------------------------------------------------- inputs and agreement

local inputs = {}

local function write_json(path, value)
  local file = assert(io.open(path, "w"))
  file:write(json.encode(value, { indent = true }), "\n")
  assert(file:close())
end

--- The peers read what ours works on. inputs.json grows; peers that run read it at their start, so all come first.
local function save_inputs(list)
  for _, row in ipairs(list) do
    for _, name in ipairs(row.inputs or {}) do
      if not inputs[name] then
        local path = ("%s/%s.bin"):format(folder, name:gsub(" ", "-"))
        local verb = name == "dense field" and "save" or "input"
        inputs[name] = server("kernels"):ask(("%s %s %s"):format(verb, path, name))
        inputs[name].file = path
      end
    end
  end
  write_json(folder .. "/inputs.json", inputs)
end

--- true or false when our result was compared with the peer's, nil when it wasn't; and what was found.
local function agreement(row)
  local good, note
  for _, check in ipairs(row.checks or {}) do
    local path = folder .. "/result.bin"
    local saved = server("kernels"):ask(("save %s %s"):format(path, check[1]))
    local found = ask("peers", { check = check[2], file = path, dtype = saved.dtype, shape = saved.shape })
    os.remove(path)
    if found.difference then
      good, note = found.difference <= check[3], ("%s %.2g"):format(found.what, found.difference)
    else
      io.stderr:write(("%s can't be compared with %s: %s\n"):format(check[1], check[2], found.missing))
    end
  end
  return good, note
end

local KEPT_ALIKE = { "GT", "MASK", "TARGET", "WEIGHT" }

--- The same batch from both: labels, targets and weights.
local function same_batch(row)
  local question = row.compare
  local common = { file = question.file, subsample = question.subsample, seed = question.seed, keep = true }
  local function asked(fields)
    for name, value in pairs(common) do fields[name] = value end
    return fields
  end
  local mine = ask("ours", asked { ask = "batch", threads = 1 })
  local theirs = ask("peers", asked { run = "trainer", labels = question.labels })
  if mine.missing or theirs.missing then return nil, mine.missing or theirs.missing end
  local parts, good = {}, true
  for _, key in ipairs(KEPT_ALIKE) do
    local found = ask("peers", { check = "batch", file = mine[key].file, dtype = mine[key].dtype, shape = mine[key].shape, peer = theirs[key] })
    if found.missing then return nil, found.missing end
    parts[#parts + 1], good = ("%s %.1e"):format(key, found.difference), good and found.difference <= 2e-3
  end
  return good, "voxels that differ: " .. table.concat(parts, ", ")
end

-- ---------------------------------------------------------------------------------------------------- rounds

local SCALE = { ["ns"] = 1e9, ["us"] = 1e6, ["ms"] = 1e3 }

--- An answer as a sample: value in the row's unit (a voxel where the answer counts voxels).
local function sample(answer, row, voxels)
  local scale = SCALE[row.unit or "ns"]
  local one = { faults = answer.faults, voxels = answer.voxels or voxels or row.voxels, share = answer.share, sum = answer.sum, wall = answer.wall and answer.wall * scale }
  one.value = answer.seconds * scale / (row.unit and 1 or one.voxels)
  if answer.copy_seconds then one.copy, one.copied = answer.copy_seconds * scale / answer.copy_voxels, answer.copied end
  if answer.peak then one.peak = answer.peak / 2 ^ 20 end
  return one
end

local function forget_pages(path) os.execute(("sync '%s' 2>/dev/null; dd if='%s' iflag=nocache count=0 status=none 2>/dev/null"):format(path, path)) end

--- One round of everything that isn't missing. voxels: those of ours, for peers that don't count.
local function play(row, round, samples, missing, memory)
  local voxels, sums = nil, {}
  for _, run in ipairs(row.runs) do
    if not missing[run.id] then
      if row.before then forget_pages(row.before) end
      local answer = ask(run.server, type(run.ask) == "function" and run.ask(round) or run.ask, memory)
      if answer.missing then
        missing[run.id] = answer.missing
      elseif round > 0 then
        voxels = voxels or answer.voxels
        table.insert(samples[run.id], sample(answer, row, voxels))
      end
      sums[#sums + 1] = answer[row.same or ""]
    end
  end
  for _, sum in ipairs(sums) do row.differs = row.differs or sum ~= sums[1] end
end

--- Samples by run, why runs are missing, and how long a round takes.
local function rounds_of(row, memory, with_peers)
  local samples, missing = {}, {}
  for _, run in ipairs(row.runs) do
    samples[run.id] = {}
    if run.server == "peers" and not with_peers then missing[run.id] = "not asked" end
  end
  local begin = core.clock()
  play(row, 0, samples, missing, memory) -- makes inputs, touches memory; not counted
  local once = core.clock() - begin
  local least = math.min(options.rounds, once > options.seconds and 2 or 3)
  begin = core.clock()
  for round = 1, options.rounds do
    play(row, round, samples, missing, memory)
    if round >= least and core.clock() - begin > options.seconds then break end
  end
  return samples, missing, once
end

--- Samples with either memory, and why runs are missing. Slow peers, where memory matters less, run as they come only.
local function measure(row)
  if python and row.compare then row.agrees, row.note = same_batch(row) end
  local default, missing, once = rounds_of(row, "default", python)
  if python and row.checks then row.agrees, row.note = agreement(row) end -- with what the peer's last round gave
  if row.same and python then row.agrees = not row.differs end
  local kept = row.inputs and rounds_of(row, "kept", python and once < 4) or {}
  return { default = default, kept = kept }, missing
end

-- ---------------------------------------------------------------------------------------------------- the rest

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
    local samples, missing = measure(row)
    for _, line in ipairs(row.lines) do
      line.group, line.unit, line.agrees, line.note = row.group, line.unit or row.unit or "ns", row.agrees, row.note or missing[line.peer]
      local made = figures.both(line, samples)
      if made then add(made) end
    end
    for id, why in pairs(missing) do
      if python then print(("    %s is left out: %s"):format(id, why)) end
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

--- Time a voxel over sizes. What is in memory at 512^3 needs about 6 GB.
local function scaling()
  local sizes = { 64, 96, 128, 192, 256, 384, 512 }
  result.scaling = {}
  for i, work in ipairs(rows.scaling) do result.scaling[i] = { work = work, points = {} } end
  for _, size in ipairs(sizes) do
    local one = Coprocess.start("scaling", MEMORY.kept .. ("%s/bench/bench_kernels %d --serve"):format(options.build, size), folder)
    local rounds = size > 256 and 3 or size < 128 and 15 or 5
    for _, series in ipairs(result.scaling) do
      local found = {}
      for round = 0, rounds do
        local answer = one:ask("run 1 " .. series.work)
        if round > 0 then found[round] = answer.seconds / answer.voxels * 1e9 end
      end
      table.insert(series.points, { size = size, ns = figures.median(found) })
    end
    one:close()
  end
  for _, series in ipairs(result.scaling) do
    local line = { title = series.work .. ", 64^3 to 512^3", unit = "x", below = 1.5, group = "Over size" }
    add(figures.judge({ group = line.group, title = line.title, unit = "x", ours = figures.spread(series.points), rounds = 1, peer_name = "slowest / fastest a voxel" }, line))
  end
end

-- By the processor's clock: core, which has the other one, is a part of what is loaded.
local REQUIRE = "local t = os.clock() require \"moondust\" io.write(os.clock() - t)"

local function start_times()
  local lines = {
    { "require \"moondust\"", 10, ("LUA_PATH='lua/?.lua;lua/?/init.lua;;' LUA_CPATH='%s/?.so;;' lua5.4 -e '%s'"):format(options.build, REQUIRE), true },
    { "moondust -e ''", 20, ("exec %s -e ''"):format(options.program) },
  }
  for _, line in ipairs(lines) do
    local found = {}
    for round = 1, 11 do
      local before = core.clock()
      local text = capture(line[3])
      found[round] = (line[4] and tonumber(text) or core.clock() - before) * 1e3
    end
    add(figures.judge({ group = "Start", title = line[1], unit = "ms", ours = figures.median(found), rounds = 11 }, { below = line[2], unit = "ms" }))
  end
end

--- Instructions a voxel, by callgrind: the same on any machine of the same instruction set (callgrind knows none beyond AVX2).
local function counts()
  if capture "command -v valgrind" == "" then return print "instruction counts need valgrind" end
  local size, isa = 48, os.getenv "MOONDUST_ISA" or "v3"
  local stem = folder .. "/callgrind.out"
  os.execute(("rm -f %s*"):format(stem))
  local tool = ("valgrind --tool=callgrind --callgrind-out-file=%s --toggle-collect=bench_counted --dump-after=bench_counted"):format(stem)
  local text = capture(("MOONDUST_ISA=%s %s %s/bench/bench_kernels %d --count 2>%s/callgrind.log"):format(isa, tool, options.build, size, folder))
  result.counts = {}
  for voxels, work in text:gmatch "(%d+) ([^\n]+)" do
    local file = io.open(("%s.%d"):format(stem, #result.counts + 1))
    local total = file and file:read("a"):match "\nsummary: (%d+)"
    if file then file:close() end
    result.counts[#result.counts + 1] = { work = work, isa = isa, size = size, instructions = total and tonumber(total) / tonumber(voxels) }
  end
  print(("\ninstructions a voxel (%s, %d^3)"):format(isa, size))
  for _, count in ipairs(result.counts) do print(("  %-40s %10s"):format(count.work, report.number(count.instructions))) end
end

-- ---------------------------------------------------------------------------------------------------- the whole

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
    local answer = ask("ours", { ask = "batch", file = volume, subsample = 4, seed = seed, threads = 1 })
    if answer.missing then error(answer.missing, 0) end
    if not answer.refused then seeds[#seeds + 1] = seed end
    if seed > 1000 then error(("no place with labels in %s after 1000 seeds"):format(volume), 0) end
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
  if options.volume or exists(volume) then return end
  require("moondust.cli.sample").write(volume, { shape = { 64, 1024, 1024 }, voxel_size = { 40, 4, 4 }, seed = 0 })
end

local function measure_all()
  assert(core.make_directory(folder))
  if not python then print(("no peers in %s: tests/bench/setup-peers gets them (3 GB); only memcpy and limits are compared with"):format(options.peers)) end
  result.machine, result.versions = machine(), nil
  if python then
    result.versions = {}
    for line in capture(python .. " tests/bench/peers/peers.py --versions"):gmatch "[^\n]+" do table.insert(result.versions, line) end
  end
  print(report.head())
  local size, edge = 320, 216
  local box_file = folder .. "/boxes.h5"
  local kernels, files = selected(rows.kernels()), selected(rows.files(box_file, size, edge))
  if python then save_inputs(kernels) end
  run_rows(kernels)
  close_servers()
  for _, input in pairs(inputs) do os.remove(input.file) end
  if #files > 0 then
    server("ours"):ask { ask = "volume", volume = box_file, size = size }
    run_rows(files)
    close_servers()
  end
  if wanted "train_organelles" or wanted "tiny batch" then
    make_trainer_volume()
    run_rows(selected(rows.pipelines(volume, labels_of(volume), good_seeds(options.rounds + 1))))
    close_servers()
  end
  if wanted "start" then start_times() end
  if wanted "scaling" then scaling() end
  if wanted "counts" then counts() end
  print("\n" .. report.summary(result.rows))
  write_json(options.json, result)
  print(("figures: %s"):format(options.json))
end

local function write_docs()
  local file = assert(io.open(options.json))
  local recorded = assert(json.decode(file:read "a"))
  file:close()
  local document = assert(io.open(options.docs))
  local text = report.into(document:read "a", recorded)
  document:close()
  local out = assert(io.open(options.docs, "w"))
  out:write(text)
  assert(out:close())
  if not python then return print(("%s is written; the plot needs the peers' matplotlib (tests/bench/setup-peers)"):format(options.docs)) end
  local plot = options.docs:gsub("%.md$", ".png")
  assert(os.execute(("'%s' tests/bench/peers/plot.py '%s' '%s'"):format(python, options.json, plot)), "the plot failed")
end

if options.docs then write_docs() else measure_all() end
