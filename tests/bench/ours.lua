--- Our side of what is not a single kernel: reading boxes of files, whole pipelines. Answers lines of JSON, as peers/peers.py does;
--- bench.lua drives it. `moondust ours.lua FOLDER [--instrument FILE]`: with a file, time outside of kernels is measured.
package.path = (arg[0]:match "^(.*)/" or ".") .. "/?.lua;" .. package.path
local core = require "moondust.core"
local json = require "dkjson"
local instrument = arg[2] == "--instrument" and require "instrument"
if instrument then instrument.install(arg[3]) end
local md = require "moondust"

local FOLDER = arg[1]
local answers = {}

local function page_faults()
  local file = io.open("/proc/self/stat")
  if not file then return 0 end
  local text = file:read "a"
  file:close()
  return tonumber((text:gsub("^.*%) %S+" .. (" %-?%d+"):rep(6) .. " ", ""):match "^%d+"))
end

local function peak_memory()
  local file = io.open("/proc/self/status")
  if not file then return 0 end
  local text = file:read "a"
  file:close()
  return tonumber(text:match "VmHWM:%s*(%d+)") * 1024
end

--- One thread by the processor's clock, several by the wall's.
local function timed(threads, wall, body)
  core.threads(threads)
  local faults, processor, before = page_faults(), os.clock(), core.clock()
  local result = body()
  local passed, worked = core.clock() - before, os.clock() - processor
  return { seconds = (wall or threads > 1) and passed or worked, wall = passed, faults = page_faults() - faults }, result
end

-- ---------------------------------------------------------------------------------------------------- files

local STORAGES = {
  { "gzip", { compression = "gzip", chunks = { 64, 64, 64 } } }, { "plain", { chunks = { 64, 64, 64 } } }, { "contiguous", { chunks = false } },
}

--- A synthetic grey volume and its labels of size^3, in 64^3 chunks of shuffle + gzip, of no filter, and contiguous.
function answers.volume(question)
  local there = md.hdf5.list(question.volume)
  if there and #there == 2 * #STORAGES and there[1].shape[1] == question.size then return { made = false } end
  local shape = { question.size, question.size, question.size }
  local drawn = core.kernel.synthesize { shape = shape, voxel_size = { 8, 8, 8 }, seed = 1 }
  local file <close> = assert(core.hdf5.open(question.volume, "w"))
  for _, storage in ipairs(STORAGES) do
    for kind, array in pairs { grey = drawn.raw, labels = drawn.neuron_ids } do
      local name = kind .. "/" .. storage[1]
      assert(file:create(name, shape, array.dtype, storage[2]))
      assert(file:write(name, array))
    end
  end
  for _, array in pairs(drawn) do array:close() end
  return { made = true }
end

local opened = {}

--- A box of a dataset, with the file opened anew for it or kept open.
function answers.read(question)
  local path = question.file
  if question.anew and opened[path] then
    opened[path]:close()
    opened[path] = nil
  end
  local answer, box = timed(question.threads, true, function()
    opened[path] = opened[path] or assert(core.hdf5.open(path))
    return assert(opened[path]:read(question.dataset, question.begin, question.shape))
  end)
  answer.sum = box:sum()
  box:close()
  return answer
end

-- ---------------------------------------------------------------------------------------------------- pipelines

local pipelines = {}

--- scripts/train_organelles.lua as it stands, but a request whose first place is empty is refused rather than asked again: upstream, with a
--- seed, would get the same empty batch until it gives up.
local function trainer(file, subsample)
  local id = file .. subsample
  if pipelines[id] then return table.unpack(pipelines[id]) end
  local whole = md.RejectIfEmpty
  md.RejectIfEmpty = function(options) return whole { options[1], p = options.p, max_attempts = 1 } end
  local script = assert(loadfile "scripts/train_organelles.lua")
  local pipeline, request = script(file, "--subsample", tostring(subsample))
  md.RejectIfEmpty = whole
  pipelines[id] = { pipeline:build(), request }
  return pipeline, request
end

local function write_bytes(path, array)
  assert(core.output.write(path, array:tostring_bytes()))
end

local function keep(batch, answer)
  for key, array in batch:items() do
    local name = tostring(key)
    local path = ("%s/ours-%s.bin"):format(FOLDER, name)
    write_bytes(path, array.data)
    answer[name] = { file = path, dtype = array.data.dtype, shape = array.data.shape }
  end
end

-- The batches of `seeds`, one after the other: the last one, and the processor's seconds of the first.
local function stream(pipeline, request, seeds)
  local begin, first, last = os.clock(), nil, nil
  for _, seed in ipairs(seeds) do
    if last then last:close() end
    local wanted = request:clone()
    rawset(wanted, "random_seed", seed)
    last = pipeline:request_batch(wanted)
    first = first or os.clock() - begin
  end
  return { last = last, first = first }
end

-- One pass over the seeds, its times a batch's.
local function pass(question, pipeline, request)
  if instrument then instrument.reset() end
  local found, made = timed(question.threads, instrument, function() return stream(pipeline, request, question.seeds) end)
  if instrument then
    local s = instrument.seconds
    found.share = (found.seconds - s.kernels - s.reading) / found.seconds * 100
  end
  local count = #question.seeds
  found.seconds, found.wall, found.faults = found.seconds / count, found.wall / count, found.faults // count
  return found, made
end

--- The batches of question.seeds, again and again for question.least seconds; the median pass counts, and `first` is the very first batch.
function answers.batch(question)
  local pipeline, request = trainer(question.file, question.subsample)
  local passes, first, last = {}, nil, nil
  collectgarbage()
  local until_then = core.clock() + (question.least or 0)
  repeat
    if last then last:close() end
    local ok, found, made = pcall(pass, question, pipeline, request)
    if not ok then return { refused = tostring(found) } end
    passes[#passes + 1], first, last = found, first or made.first, made.last
  until core.clock() >= until_then
  table.sort(passes, function(a, b) return a.seconds < b.seconds end)
  local answer = passes[#passes // 2 + 1]
  answer.first = first
  if question.keep then keep(last, answer) end
  last:close()
  local _, arrays = core.memory()
  answer.peak, answer.arrays = peak_memory(), arrays
  return answer
end

--- The eight nodes of a small pipeline, on a 1x8x8 request: what remains is what a batch costs beside its voxels.
local function tiny()
  if pipelines.tiny then return table.unpack(pipelines.tiny) end
  local raw = md.ArrayKey "TINY"
  local volume = md.Array { md.zeros({ 4, 64, 64 }, "uint8"), md.ArraySpec { roi = md.Roi({ 0, 0, 0 }, { 4, 64, 64 }), voxel_size = { 1, 1, 1 }, interpolatable = true } }
  local pipeline = md.ArraySource { raw, volume } + md.Normalize { raw } + md.Pad { raw, { 2, 32, 32 } } + md.RandomLocation {}
    + md.ElasticAugment { control_point_spacing = { 1, 8, 8 }, control_point_displacement_sigma = { 0, 1, 1 }, rotation_interval = { 0, math.pi / 2 } }
    + md.SimpleAugment { transpose_only = { 2, 3 } } + md.GammaAugment { { raw }, 0.5, 2.0 } + md.IntensityAugment { raw, 0.9, 1.1, -0.1, 0.1 }
  local request = md.BatchRequest {}
  request:add(raw, { 1, 8, 8 })
  pipelines.tiny = { pipeline:build(), request }
  return pipeline, request
end

function answers.tiny(question)
  local pipeline, request = tiny()
  local answer = timed(1, false, function()
    for batch in pipeline:batches(request, { count = question.count, seed = question.seed }) do batch:close() end
  end)
  answer.seconds = answer.seconds / question.count
  return answer
end

for line in io.lines() do
  local question = json.decode(line)
  local ok, answer = pcall(answers[question.ask], question)
  io.stdout:write(json.encode(ok and answer or { missing = tostring(answer) }), "\n")
  io.stdout:flush()
end
