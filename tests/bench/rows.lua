--- What is compared with what: the table's rows and their goals.
---
--- A row is a set of runs that take turns, round by round, and the lines of the table that are read off them:
---
---     { name, inputs = arrays that the peers need, runs = { { id, server, ask } … }, checks = { { our work, the peer's, tolerance } … },
---       lines = { { title, ours = id, peer = id or "memcpy", label, most | least | below } … } }
---
--- `ask` is what the server is asked, or a function of the round. most: ours is at most so many times the peer's; least: the peer's is at
--- least so many times ours; below: ours alone, in the line's unit.
local rows = {}

local function ours(work, threads, server)
  return { id = threads and threads > 1 and "ours " .. threads or server or "ours", server = server or "kernels", ask = ("run %d %s"):format(threads or 1, work) }
end

local function peer(work) return { id = work, server = "peers", ask = { run = work } } end

--- One work of ours against memcpy and against peers, each { work, label, goal }.
local function kernel(group, work, options)
  local row = { name = work, group = group, inputs = options.inputs or { "grey" }, runs = { ours(work) }, lines = {}, checks = options.checks }
  local title = options.title or work
  if options.most then row.lines[1] = { title = title, ours = "ours", peer = "memcpy", most = options.most } end
  for _, other in ipairs(options) do
    row.runs[#row.runs + 1] = peer(other[1])
    row.lines[#row.lines + 1] = { title = title, ours = "ours", peer = other[1], label = other[2], least = other[3] }
    if other.agree then row.checks = { { work, other[1], other.agree } } end
  end
  return row
end

-- ---------------------------------------------------------------------------------------------------- kernels

local function elastic()
  local title = "elastic float32: box + sample"
  return {
    name = "elastic float32", group = "Elastic", inputs = { "grey" },
    runs = { ours "elastic float32", ours("elastic float32", 1, "baseline"), { id = "coarse", server = "kernels", ask = "run 1 elastic float32, subsample 4" },
      peer "elastic 1", peer "elastic 4", peer "elasticdeform", peer "batchgenerators" },
    lines = {
      { title = title, ours = "ours", peer = "memcpy", most = 13 },
      { title = title, ours = "ours", peer = "elastic 1", label = "augment-nd in dacapo, subsample 1", least = 200 },
      { title = title .. ", subsample 4", ours = "coarse", peer = "elastic 4", label = "augment-nd in dacapo, subsample 4", least = 35 },
      { title = title, ours = "ours", peer = "elastic 4", label = "augment-nd in dacapo, subsample 4", least = 35 },
      { title = title, ours = "ours", peer = "elasticdeform", label = "elasticdeform, order 1", least = 140 },
      { title = title, ours = "ours", peer = "batchgenerators", label = "batchgenerators, order 1" },
      { title = title .. ", SSE2 alone", ours = "baseline", peer = "elastic 1", label = "augment-nd in dacapo, subsample 1", least = 70 },
    },
  }
end

local SAMPLED = { "dense field", "source float32", "source uint8", "source uint64" }

function rows.kernels()
  return {
    elastic(),
    kernel("Elastic", "sample float32 linear", { inputs = SAMPLED,
      { "augment float32", "augment-nd, field given", agree = 1e-3 }, { "grid_sample", "torch grid_sample, field given" } }),
    kernel("Elastic", "sample uint8 nearest", { inputs = SAMPLED, most = 9, { "augment uint8", "augment-nd, field given", agree = 1e-3 } }),
    kernel("Elastic", "sample uint64 nearest", { inputs = SAMPLED, most = 8, { "augment uint64", "augment-nd, field given", agree = 1e-3 } }),
    kernel("Targets", "distance target, blocky", { inputs = { "blocky" },
      { "distance blocky", "dacapo", 150, agree = 1e-6 }, { "edt blocky", "seung-lab edt, doubled grid" } }),
    kernel("Targets", "distance target, sparse", { inputs = { "sparse" }, { "distance sparse", "dacapo", 80, agree = 1e-6 } }),
    kernel("Targets", "affinities uint64, 3 edges", { inputs = { "blocky" }, { "affinities 3", "gunpowder", 9, agree = 0 } }),
    kernel("Targets", "affinities uint64, 12 edges", { inputs = { "blocky" }, { "affinities 12", "gunpowder", 12, agree = 0 } }),
    kernel("Targets", "local shape descriptors", { title = "local shape descriptors, 64^3, sigma 5 voxels", inputs = { "objects" },
      { "local shape", "lsds", 20, agree = 1e-3 } }),
    kernel("Targets", "balanced weights uint8", { inputs = { "classes" }, most = 3,
      { "balance dacapo", "dacapo", agree = 1e-5 }, { "balance gunpowder", "gunpowder" } }),
    kernel("Targets", "balanced weights uint64", { inputs = { "class ids" }, most = 3, { "balance dacapo ids", "dacapo", agree = 1e-5 } }),
    kernel("Targets", "one-hot uint8", { title = "one-hot uint8, 6 classes", inputs = { "classes" }, most = 3, { "one-hot", "dacapo", agree = 0 } }),
    kernel("Targets", "one-hot uint64", { title = "one-hot uint64, 6 classes", inputs = { "class ids" }, most = 3, { "one-hot ids", "dacapo", agree = 0 } }),
    kernel("Intensities", "gamma float32", { most = 2.8, { "gamma", "dacapo (numpy)", 5, agree = 1e-5 } }),
    kernel("Intensities", "scale, shift, clip float32", { most = 2, { "scale shift clip", "numpy", agree = 1e-6 } }),
    kernel("Intensities", "normalise uint8 -> float32", { inputs = { "bytes" }, most = 2, { "normalise", "numpy, as gunpowder", agree = 1e-6 } }),
    kernel("Intensities", "cast uint8 -> float32", { inputs = { "bytes" }, most = 2, { "cast", "numpy", agree = 0 } }),
    kernel("Intensities", "cast uint64 -> uint32", { inputs = { "blocky" }, most = 2, { "cast ids", "numpy", agree = 0 } }),
    kernel("Intensities", "normal noise float32", { { "normal noise", "numpy Generator", 8, agree = 1e-3 } }),
    kernel("Intensities", "Poisson noise float32", { { "poisson noise", "numpy Generator", 8, agree = 1e-3 } }),
    kernel("Movement", "crop float32", { most = 2, { "crop", "numpy", agree = 0 } }),
    kernel("Movement", "pad float32, zeros", { most = 2, { "pad", "numpy", agree = 0 } }),
    kernel("Movement", "pad float32, reflected", { most = 2, { "pad reflect", "numpy", agree = 0 } }),
    kernel("Movement", "flip float32, z", { most = 2, { "flip z", "numpy", agree = 0 } }),
    kernel("Movement", "flip float32, x", { most = 2, { "flip x", "numpy", agree = 0 } }),
    kernel("Movement", "transpose float32, zxy", { most = 4, { "transpose zxy", "numpy", agree = 0 } }),
    kernel("Movement", "transpose float32, xyz", { most = 4, { "transpose xyz", "numpy", agree = 0 } }),
    kernel("Figures of an array", "minmax float32", { most = 3, { "minmax", "numpy" } }),
    kernel("Figures of an array", "minmax uint8", { inputs = { "bytes" }, most = 3, { "minmax bytes", "numpy" } }),
    kernel("Figures of an array", "mean float32", { most = 3, { "mean", "numpy" } }),
    kernel("Figures of an array", "any uint64", { inputs = { "zeros" }, most = 3, { "any", "numpy" } }),
    kernel("Figures of an array", "count uint64", { inputs = { "blocky" }, most = 3, { "count", "numpy" } }),
    kernel("Figures of an array", "unique uint64", { inputs = { "blocky" }, { "unique", "numpy", 10, agree = 0 } }),
  }
end

-- ---------------------------------------------------------------------------------------------------- files

--- Boxes of `edge`^3 at places that differ from round to round, out of a volume of `size`^3.
local function box(volume, dataset, size, edge, anew)
  return function(round)
    local begin, state = {}, round * 7919
    for d = 1, 3 do
      state = (state * 1103515245 + 12345) % 2147483648
      begin[d] = state // 8 % (size - edge + 1)
    end
    return { file = volume, dataset = dataset, begin = begin, shape = { edge, edge, edge }, anew = anew }
  end
end

local function with(make, fields)
  return function(round)
    local question = make(round)
    for name, value in pairs(fields) do question[name] = value end
    return question
  end
end

--- Goals are held against h5py on HDF5 1.14, which distributions have and which they were set against; the newest is shown beside it.
--- state: "kept open" or "opened anew" (both with the pages of the file in memory), or "cold": the system has forgotten the file's pages.
local function file_row(volume, size, edge, kind, storage, state, goals)
  local make = box(volume, kind .. "/" .. storage, size, edge, state ~= "kept open")
  local row = { name = ("hdf5 %s %s %s"):format(kind, storage, state), group = "HDF5", unit = "ms", runs = {}, lines = {}, same = "sum", voxels = edge ^ 3,
    before = state == "cold" and volume or nil }
  for _, threads in ipairs { 1, 2 } do
    local id = "ours " .. threads
    row.runs[threads] = { id = id, server = "ours", ask = with(make, { ask = "read", threads = threads }) }
    row.lines[threads] = { title = ("read %s, %s, %s, %d thread%s"):format(kind, storage, state, threads, threads > 1 and "s" or ""), ours = id,
      peer = "h5py 1", label = "h5py, HDF5 1.14", least = goals and goals[threads] }
  end
  row.lines[3] = { title = row.lines[1].title, ours = "ours 1", peer = "h5py", label = "h5py, HDF5 2" }
  row.runs[3] = { id = "h5py", server = "peers", ask = with(make, { run = "h5py" }) }
  row.runs[4] = { id = "h5py 1", server = "peers, HDF5 1", ask = with(make, { run = "h5py", version = 1 }) }
  return row
end

function rows.files(volume, size, edge)
  local list = {}
  local goals = { grey = { gzip = { 1.8, 3.3 }, plain = { 1.3 }, contiguous = { 1.3 } },
    labels = { gzip = { 5.5, 11 }, plain = { 10 }, contiguous = { 1.3 } } }
  for _, storage in ipairs { "gzip", "plain", "contiguous" } do
    for _, kind in ipairs { "grey", "labels" } do
      for _, state in ipairs { "kept open", "opened anew" } do
        list[#list + 1] = file_row(volume, size, edge, kind, storage, state, goals[kind][storage])
      end
    end
    list[#list + 1] = file_row(volume, size, edge, "grey", storage, "cold")
  end
  return list
end

-- ---------------------------------------------------------------------------------------------------- pipelines

-- A trainer gets batch after batch, so a turn is a short stream of them; ours, being over in no time, goes through it again for half a second. The first batch is
-- also shown alone: after the others' turns caches hold nothing of ours, and the host of a virtual machine may have taken memory away.
local STREAM, LEAST = 4, 0.5

local function stream_of(seeds, round)
  local list = {}
  for i = 1, STREAM do list[i] = seeds[((round - 1) * STREAM + i - 1) % #seeds + 1] end
  return list
end

local function batches(file, labels, subsample, seeds, goal)
  local row = { name = "train_organelles subsample " .. subsample, group = "Pipeline", unit = "ms", runs = {}, lines = {},
    compare = { file = file, labels = labels, subsample = subsample, seeds = { seeds[1] } } }
  local function ask(fields)
    return function(round)
      local question = { file = file, subsample = subsample, seeds = stream_of(seeds, round) }
      for name, value in pairs(fields) do question[name] = value end
      return question
    end
  end
  local title = ("train_organelles, subsample %d"):format(subsample)
  row.runs = {
    { id = "one", server = "ours", ask = ask { ask = "batch", threads = 1, least = LEAST } }, { id = "two", server = "ours", ask = ask { ask = "batch", threads = 2, least = LEAST } },
    { id = "inside", server = "instrumented", ask = ask { ask = "batch", threads = 1, least = LEAST } },
    { id = "originals", server = "peers", ask = ask { run = "trainer", labels = labels } },
  }
  row.lines = {
    { title = title .. ", a batch", ours = "one", peer = "originals", label = "gunpowder + dacapo.gp", least = goal },
    { title = title .. ", the first batch after a pause", ours = "one", peer = "originals", label = "gunpowder + dacapo.gp", field = "first" },
    { title = title .. ", two threads", ours = "two", peer = "one", label = "one thread", field = "wall", least = 1.6 },
    { title = title .. ", outside of kernels", ours = "inside", field = "share", unit = "%", below = 3 },
  }
  if subsample == 1 then
    row.lines[#row.lines + 1] = { title = "peak memory of the process", ours = "one", peer = "originals", label = "gunpowder + dacapo.gp", field = "peak", unit = "MiB" }
  end
  return row
end

function rows.pipelines(file, labels, seeds)
  return {
    batches(file, labels, 1, seeds, 100),
    batches(file, labels, 4, seeds, 50),
    { name = "tiny batch", group = "Pipeline", unit = "us",
      runs = { { id = "ours", server = "ours", ask = function(round) return { ask = "tiny", count = 1000, seed = round * 1000 } end } },
      lines = { { title = "batch of 1x8x8 through 8 nodes", ours = "ours", below = 100, unit = "us" } } },
  }
end

--- Works whose time a voxel is taken over sizes.
rows.scaling = { "elastic float32", "distance target, blocky", "affinities uint64, 3 edges", "gamma float32" }

return rows
