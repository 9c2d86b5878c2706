-- Hdf5Write and Snapshot.
local md = require "moondust"
local core = require "moondust.core"
local battery = require "spec.support.battery"
local errors = require "spec.support.errors"

local RAW, LABELS, FLOAT, POINTS = battery.RAW, battery.LABELS, battery.FLOAT, battery.POINTS

local function temporary_directory()
  local path = os.tmpname()
  os.remove(path)
  return path
end

local function remove(path) os.execute(("rm -rf '%s'"):format(path)) end

local function exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

describe("Hdf5Write", function()
  local dir
  before_each(function() dir = temporary_directory() end)
  after_each(function() remove(dir) end)

  local function halves(key)
    local o, s = battery.roi.offset, battery.roi.shape
    return { md.BatchRequest { [key] = md.Roi(o, { s[1], s[2], 64 }) }, md.BatchRequest { [key] = md.Roi({ o[1], o[2], o[3] + 64 }, { s[1], s[2], 64 }) } }
  end

  it("assembles tiles to the volume they come from", function()
    do
      local p <close> = (battery.source() + md.Hdf5Write { { [RAW] = "volumes/raw" }, dir .. "/deep", "out.h5", "gzip" }):build()
      for _, request in ipairs(halves(RAW)) do p:request_batch(request) end
    end
    local back = assert(md.hdf5.read(dir .. "/deep/out.h5", "volumes/raw"))
    assert.is_true(battery.world()[RAW].data:equal(back.data))
    assert.equal(battery.roi, back.spec.roi)
    local file <close> = assert(md.hdf5.open(dir .. "/deep/out.h5"))
    assert.same({ 40, 4, 4 }, file:attribute("volumes/raw", "resolution"))
    assert.same({ 40, 4, 4 }, file:attribute("volumes/raw", "voxel_size"))
    assert.same({ 80, -8, 16 }, file:attribute("volumes/raw", "offset"))
    assert.is_true(#assert(file:info "volumes/raw").filters > 0)
  end)

  it("goes on in a dataset that is there, and leaves out what lies outside", function()
    local halved = halves(RAW)
    for i = 1, 2 do
      local p <close> = (battery.source() + md.Hdf5Write { { [RAW] = "raw" }, dir }):build()
      p:request_batch(halved[i])
    end
    assert.is_true(battery.world()[RAW].data:equal(assert(md.hdf5.read(dir .. "/output.hdf", "raw")).data))
    local part = battery.world()[RAW]:crop(md.Roi({ 80, -8, 16 }, { 80, 8, 8 }))
    assert(md.hdf5.write(dir .. "/small.h5", "raw", md.Array { md.zeros({ 2, 2, 2 }, "uint8"), part.spec }))
    local p <close> = (battery.source() + md.Hdf5Write { { [RAW] = "raw" }, dir, "small.h5" }):build()
    p:request_batch(md.BatchRequest { [RAW] = battery.roi })
    p:close()
    assert.is_true(part.data:equal(assert(md.hdf5.read(dir .. "/small.h5", "raw")).data))
  end)

  it("stores channels, and as another dtype", function()
    local Channels = md.class("Channels", md.BatchFilter)
    function Channels:process(batch) batch[FLOAT].data = core.stack { batch[FLOAT].data, batch[FLOAT].data + 1, batch[FLOAT].data * 100 } end
    do
      local p <close> = (battery.source() + Channels {} + md.Hdf5Write { { [FLOAT] = "f" }, dir, dataset_dtypes = { [FLOAT] = "uint8" } }):build()
      local batch
      for _, request in ipairs(halves(FLOAT)) do batch = p:request_batch(request) end
      assert.equal("float32", batch[FLOAT].data.dtype)
    end
    local back = assert(md.hdf5.read(dir .. "/output.hdf", "f")).data
    assert.equal("uint8", back.dtype)
    assert.same({ 3, 20, 30, 32 }, back.shape)
    assert.is_true(back[3]:max() > 90)
  end)

  it("appears when the pipeline is closed, and is written in place from then on", function()
    local p = (battery.source() + md.Hdf5Write { { [RAW] = "raw" }, dir }):build()
    p:request_batch(halves(RAW)[1])
    assert.is_false(exists(dir .. "/output.hdf"))
    p:close()
    local half = assert(md.hdf5.read(dir .. "/output.hdf", "raw")).data
    p = (battery.source() + md.Hdf5Write { { [RAW] = "raw" }, dir }):build()
    p:request_batch(halves(RAW)[2])
    assert.is_false(half:equal(assert(md.hdf5.read(dir .. "/output.hdf", "raw")).data)) -- readable batch by batch
    p:close()
    for _, finding in ipairs(assert(core.hdf5.check(dir .. "/output.hdf"))) do assert.is_true(finding.ok and finding.checksum, finding.message) end
  end)

  it("is given up when an error ends a batch half in it", function()
    local Fails = md.class("Fails", md.Hdf5Write)
    Fails.options = md.Hdf5Write.options
    local batches = 0
    function Fails:process(batch)
      batches = batches + 1
      if batches == 2 then batch[RAW] = nil end -- FLOAT comes first, and is written then
      md.Hdf5Write.process(self, batch)
    end
    local p = (battery.source() + Fails { { [RAW] = "a", [FLOAT] = "b" }, dir }):build()
    p:request_batch(md.BatchRequest { [RAW] = battery.roi, [FLOAT] = battery.roi })
    assert.is_false(pcall(p.request_batch, p, md.BatchRequest { [RAW] = battery.roi, [FLOAT] = battery.roi }))
    p:close()
    assert.equal(2, batches)
    assert.is_false(exists(dir .. "/output.hdf"))
  end)

  it("is left out when nothing of it is requested, and wants all when something is", function()
    local p <close> = (battery.source() + md.Hdf5Write { { [RAW] = "raw", [LABELS] = "labels" }, dir }):build()
    p:request_batch(md.BatchRequest { [FLOAT] = battery.roi })
    assert.is_false(exists(dir .. "/output.hdf"))
    assert.equal("Hdf5Write[output.hdf]: LABELS is to be written and not in the request; request:add(LABELS, …)",
      errors.message(function() p:request_batch(md.BatchRequest { [RAW] = battery.roi }) end))
  end)

  it("refuses volumes without bounds", function()
    local p <close> = (battery.source() + md.RandomLocation {} + md.Hdf5Write { { [RAW] = "raw" }, dir }):build()
    assert.matches("^Hdf5Write%[output.hdf%]: RAW is announced without bounds, .*, so its dataset has no size; put md.Crop{ RAW, roi } upstream$",
      errors.message(function() p:request_batch(battery.request(1, RAW)) end))
  end)

  it("refuses a dataset that doesn't fit", function()
    assert(core.make_directory(dir))
    assert(md.hdf5.write(dir .. "/output.hdf", "raw", md.zeros({ 4, 4, 4 }, "uint8"), { voxel_size = { 1, 1, 1 }, offset = { 0, 0, 0 } }))
    local p <close> = (battery.source() + md.Hdf5Write { { [RAW] = "raw" }, dir }):build()
    assert.matches("raw is in .* already, with shape {4, 4, 4}, voxel size {1, 1, 1} and offset {0, 0, 0}; "
      .. "RAW, with shape {20, 30, 32} and voxel size %(40, 4, 4%), doesn't fit",
      errors.message(function() p:request_batch(md.BatchRequest { [RAW] = battery.roi }) end))
  end)

  it("says where it can't write", function()
    local p <close> = (battery.source() + md.Hdf5Write { { [RAW] = "raw" }, "/dev/null/x" }):build()
    assert.matches("^Hdf5Write%[output.hdf%]: .*/dev/null", errors.message(function() p:request_batch(md.BatchRequest { [RAW] = battery.roi }) end))
  end)

  it("refuses wrong options", function()
    assert.equal("Hdf5Write: 'compression_type' must be \"gzip\" or a gzip level from 1 to 9, not \"lzf\"",
      errors.bare(function() md.Hdf5Write { { [RAW] = "raw" }, compression_type = "lzf" } end))
    assert.equal("Hdf5Write: 'dataset_names' is empty: { [RAW] = \"volumes/raw\" }", errors.bare(function() md.Hdf5Write { {} } end))
    assert.equal("Hdf5Write: 'dataset_names' maps keys to strings, { [RAW] = \"volumes/raw\" }; it has [RAW] = 5",
      errors.bare(function() md.Hdf5Write { { [RAW] = 5 } } end))
  end)
end)

describe("Snapshot", function()
  local dir
  before_each(function() dir = temporary_directory() end)
  after_each(function() remove(dir) end)

  it("saves arrays and graphs, numbered", function()
    local p <close> = (battery.source() + md.Snapshot { { [RAW] = "volumes/raw", [POINTS] = "points" }, dir, store_value_range = true,
      dataset_dtypes = { [RAW] = "float32" } }):build()
    local request = battery.request(1, RAW, POINTS)
    local batch = p:request_batch(request)
    p:request_batch(request)
    assert.equal("uint8", batch[RAW].data.dtype)
    assert.is_true(exists(dir .. "/1.hdf") and exists(dir .. "/2.hdf"))
    local back = assert(md.hdf5.read(dir .. "/1.hdf", "volumes/raw"))
    assert.is_true(batch[RAW].data:astype "float32":equal(back.data))
    assert.equal(request[RAW].roi, back.spec.roi)
    local file <close> = assert(md.hdf5.open(dir .. "/1.hdf"))
    for _, name in ipairs { "resolution", "voxel_size" } do assert.same({ 40, 4, 4 }, file:attribute("volumes/raw", name)) end
    assert.same({ batch[RAW].data:minmax() }, file:attribute("volumes/raw", "value_range"))
    local locations, ids, edges = batch[POINTS]:arrays()
    assert.is_true(locations:equal(assert(file:read "points-locations")))
    assert.is_true(ids:equal(assert(file:read "points-ids")))
    assert.is_true(edges:equal(assert(file:read "points-edges")))
  end)

  it("saves every n-th, beginning with the first, and counts anew when built again", function()
    local pipeline = battery.source() + md.Snapshot { { [RAW] = "raw" }, dir, "a_{id}_{iteration}.h5", 3 }
    for _ = 1, 2 do
      local p <close> = pipeline:build()
      for _ = 1, 5 do p:request_batch(battery.request(1, RAW)) end
      for i = 1, 5 do assert.equal(i == 1 or i == 4, exists(("%s/a_%08d_%d.h5"):format(dir, i, i))) end
    end
  end)

  it("asks for more when a batch is saved, and delivers what was wanted only", function()
    local additional = md.BatchRequest { [LABELS] = md.Roi({ 280, 12, 36 }, { 80, 8, 8 }) }
    local p <close> = (battery.source() + md.Snapshot { { [RAW] = "raw", [LABELS] = "labels" }, dir, every = 2, additional_request = additional }):build()
    for _ = 1, 2 do
      local batch = p:request_batch(battery.request(1, RAW))
      assert.is_false(batch:has(LABELS))
    end
    assert.same({ 2, 2, 2 }, assert(md.hdf5.read(dir .. "/1.hdf", "labels")).data.shape)
    assert.is_false(exists(dir .. "/2.hdf"))
  end)

  it("asks write_if()", function()
    local Choosy = md.class("Choosy", md.Snapshot)
    function Choosy:write_if(batch) return self.count == 2 and batch[RAW] ~= nil end
    local p <close> = (battery.source() + Choosy { { [RAW] = "raw" }, dir }):build()
    for _ = 1, 3 do p:request_batch(battery.request(1, RAW)) end
    for i = 1, 3 do assert.equal(i == 2, exists(("%s/%d.hdf"):format(dir, i))) end
  end)

  it("saves nonspatial arrays, and attributes of an array", function()
    local Extra = md.class("Extra", md.BatchFilter)
    local N = md.ArrayKey "N"
    function Extra:setup() self:provides(N, md.ArraySpec { nonspatial = true }) end
    function Extra:process(batch) batch[N] = md.Array { md.ndarray({ 7 }, "int64"), attrs = { note = "seven" } } end
    local p <close> = (battery.source() + Extra {} + md.Snapshot { { [N] = "n" }, dir }):build()
    local request = battery.request(1, RAW)
    request[N] = md.ArraySpec { nonspatial = true }
    p:request_batch(request)
    assert.same({ 7 }, assert(md.hdf5.read(dir .. "/1.hdf", "n")):totable())
    local file <close> = assert(md.hdf5.open(dir .. "/1.hdf"))
    assert.equal("seven", file:attribute("n", "note"))
    assert.is_nil(file:attribute("n", "resolution"))
  end)

  it("refuses what it can't do", function()
    assert.equal("Snapshot: 'out.zarr': Zarr is not supported yet; use a name that ends in .hdf",
      errors.bare(function() md.Snapshot { { [RAW] = "raw" }, output_filename = "out.zarr" } end))
    assert.equal("Snapshot: 'additional_request' has LABELS, 'dataset_names' hasn't",
      errors.bare(function() md.Snapshot { { [RAW] = "raw" }, additional_request = md.BatchRequest { [LABELS] = battery.roi } } end))
    local p <close> = (battery.source() + md.Snapshot { { [RAW] = "raw" }, dir }):build()
    assert.equal("Snapshot: RAW is to be saved and neither in the request nor in additional_request; add it to one of them",
      errors.message(function() p:request_batch(battery.request(1, LABELS)) end))
  end)
end)

local scratch = temporary_directory()
battery.node("Hdf5Write", {
  node = function() return md.Hdf5Write { { [RAW] = "raw", [LABELS] = "labels" }, scratch } end, deterministic = false, untouched = { FLOAT },
})
battery.node("Snapshot", { node = function() return md.Snapshot { { [RAW] = "raw" }, scratch } end, deterministic = true })
describe("what the batteries wrote", function()
  it("is removed", function() remove(scratch) end)
end)
