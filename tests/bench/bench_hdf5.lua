--- Random boxes of a volume in an HDF5 file: past HDF5's own machinery (hdf5.open's way) against HDF5's own path ({ fast = false
--- }), taking turns in one run, medians. The file is made here, of a synthetic grey volume and its labels, in 64^3 chunks of
--- shuffle + gzip, of no filter, and contiguous. "first": both open the file anew for each box, so nothing is decoded, and no
--- address known, from the box before. `moondust tests/bench/bench_hdf5.lua [ROUNDS [SIZE [EDGE [FILE]]]]`: 15 rounds, a volume
--- of 400^3, boxes of 216^3; FILE keeps the file (and is used again).
local core = require "moondust.core"

local ROUNDS, SIZE, EDGE = tonumber(arg[1]) or 15, tonumber(arg[2]) or 400, tonumber(arg[3]) or 216
local STORAGES = { { "gzip", { compression = "gzip", chunks = { 64, 64, 64 } } }, { "plain", { chunks = { 64, 64, 64 } } }, { "contiguous", { chunks = false } } }
local VOLUMES = { { "grey", "raw" }, { "labels", "neuron_ids" } }

local function write(path)
  local shape = { SIZE, SIZE, SIZE }
  local drawn = core.kernel.synthesize { shape = shape, voxel_size = { 8, 8, 8 }, seed = 1 }
  local file <close> = assert(core.hdf5.open(path, "w"))
  for _, storage in ipairs(STORAGES) do
    for _, volume in ipairs(VOLUMES) do
      local name, array = volume[1] .. "/" .. storage[1], drawn[volume[2]]
      assert(file:create(name, shape, array.dtype, storage[2]))
      assert(file:write(name, array))
    end
  end
  for _, array in pairs(drawn) do array:close() end
end

local function median(values)
  table.sort(values)
  return values[#values // 2 + 1]
end

--- Seconds and the box.
local function timed(file, name, begin)
  local before = core.clock()
  local box = assert(file:read(name, begin, { EDGE, EDGE, EDGE }))
  return core.clock() - before, box
end

--- Medians of both ways over the same random boxes; who comes first alternates. anew: the files are opened again for each.
local function compare(path, name, anew)
  local fast, slow
  local function open()
    if fast then fast:close() end
    if slow then slow:close() end
    fast, slow = assert(core.hdf5.open(path)), assert(core.hdf5.open(path, "r", { fast = false }))
  end
  open()
  local rng, a, b = core.Rng(7), {}, {}
  for i = 1, ROUNDS do
    local begin = {}
    for d = 1, 3 do begin[d] = rng:randint(0, SIZE - EDGE) end
    local one, other
    if anew then open() end
    if i % 2 == 0 then b[i], other = timed(slow, name, begin) end
    a[i], one = timed(fast, name, begin)
    if i % 2 == 1 then b[i], other = timed(slow, name, begin) end
    assert(one:equal(other), name .. ": the two ways differ")
    one:close()
    other:close()
  end
  fast:close()
  slow:close()
  return median(a), median(b)
end

local function report(path, volume, storage, anew, threads)
  local name = volume .. "/" .. storage
  local fast, slow = compare(path, name, anew)
  local bytes = EDGE ^ 3 * (volume == "labels" and 8 or 1) / 1e6
  print(("%-18s %-5s %d thread%s  fast %6.0f  hdf5 %6.0f  ratio %.2f"):format(name, anew and "first" or "", threads, threads > 1 and "s" or " ", bytes / fast,
    bytes / slow, slow / fast))
end

local kept = arg[4]
local path = kept or os.tmpname()
local there = kept and io.open(path, "rb")
if there then there:close() else write(path) end
local before, most = core.threads(), core.threads()
print(("%d boxes of %d^3 out of %d^3, MB/s"):format(ROUNDS, EDGE, SIZE))
for threads = 1, most, math.max(1, most - 1) do
  core.threads(threads)
  for _, storage in ipairs(STORAGES) do
    for _, volume in ipairs(VOLUMES) do
      report(path, volume[1], storage[1], false, threads)
      if storage[1] == "gzip" then report(path, volume[1], storage[1], true, threads) end
    end
  end
end
core.threads(before)
if not kept then os.remove(path) end
