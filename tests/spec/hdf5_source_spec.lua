local md = require "moondust"
local core = require "moondust.core"
local battery = require "spec.support.battery"
local golden = require "spec.support.golden"
local errors = require "spec.support.errors"

local RAW, GT, LO = md.ArrayKey "RAW", md.ArrayKey "LABELS", md.ArrayKey "RAW_LO"

-- A file with one dataset, as raw bytes of attributes say.
local function file_with(data, fields)
  local path = os.tmpname()
  os.remove(path)
  local file <close> = assert(core.hdf5.open(path, "w"))
  assert(file:create("volumes/raw", data.shape, data.dtype))
  assert(file:write("volumes/raw", data))
  for name, value in pairs(fields or {}) do assert(file:set_attribute("volumes/raw", name, value)) end
  return path
end

local function counting(shape, dtype)
  local n = 0
  local function fill(axis)
    local row = {}
    for i = 1, shape[axis] do
      if axis == #shape then
        row[i], n = n, n + 1
      else
        row[i] = fill(axis + 1)
      end
    end
    return row
  end
  return core.ndarray(fill(1), dtype or "uint16")
end

local function source(path, spec, channels_first)
  return md.Hdf5Source { path, { [RAW] = "volumes/raw" }, spec and { [RAW] = spec } or nil, channels_first }
end

local function build_error(...)
  local made = source(...)
  return errors.message(function() made:build() end)
end

local temporary = {}
local function temp(data, fields)
  local path = file_with(data, fields)
  temporary[#temporary + 1] = path
  return path
end

describe("Hdf5Source", function()
  teardown(function()
    for _, path in ipairs(temporary) do os.remove(path) end
  end)

  it("announces what the file says", function()
    local p <close> = golden.source("RAW", "RAW_LO", "LABELS"):build()
    assert.equal(md.Coordinate { 50, 5, 5 }, p.spec[RAW].voxel_size)
    assert.equal(md.Coordinate { 50, 10, 10 }, p.spec[LO].voxel_size)
    assert.equal(md.Roi({ 0, 0, 0 }, { 1200, 480, 480 }), p.spec[LO].roi)
    assert.equal("uint64", p.spec[GT].dtype)
    assert.is_true(p.spec[RAW].interpolatable)
    assert.is_false(p.spec[GT].interpolatable)
  end)

  it("is called after its file", function() assert.equal("Hdf5Source[a.h5]", tostring(md.Pipeline { source "a.h5" })) end)

  it("reads the ROI that is wanted", function()
    local path = temp(counting { 4, 5, 6 }, { resolution = { 10.0, 2.0, 2.0 }, offset = { 100.0, -4.0, 6.0 } })
    local p <close> = source(path):build()
    local batch = p:request_batch(md.BatchRequest { [RAW] = md.Roi({ 110, -2, 8 }, { 20, 4, 6 }) })
    assert.same({ { { 37, 38, 39 }, { 43, 44, 45 } }, { { 67, 68, 69 }, { 73, 74, 75 } } }, batch[RAW].data:totable())
    assert.equal(md.Roi({ 110, -2, 8 }, { 20, 4, 6 }), batch[RAW].spec.roi)
    local empty = p:request_batch(md.BatchRequest { [RAW] = md.Roi({ 110, -2, 8 }, { 20, 0, 6 }) })
    assert.same({ 2, 0, 3 }, empty[RAW].data.shape)
  end)

  it("takes the number of spatial axes from each voxel size", function()
    local path = temp(counting { 3, 4, 5, 6 }, { resolution = { 10, 2 } })
    local p <close> = source(path):build()
    assert.equal(md.Roi({ 0, 0 }, { 50, 12 }), p.spec[RAW].roi)
    local batch = p:request_batch(md.BatchRequest { [RAW] = md.Roi({ 10, 2 }, { 20, 4 }) })
    assert.same({ 3, 4, 2, 2 }, batch[RAW].data.shape)
    local all = counting { 3, 4, 5, 6 }
    assert.is_true(all[{ {}, {}, { 2, 3 }, { 2, 3 } }]:equal(batch[RAW].data))
  end)

  it("reads channels last", function()
    local path = temp(counting { 4, 5, 6, 2 }, { resolution = { 1, 1, 1 } })
    local p <close> = source(path, nil, false):build()
    assert.equal(md.Roi({ 0, 0, 0 }, { 4, 5, 6 }), p.spec[RAW].roi)
    local batch = p:request_batch(md.BatchRequest { [RAW] = md.Roi({ 1, 1, 1 }, { 2, 3, 4 }) })
    assert.same({ 2, 2, 3, 4 }, batch[RAW].data.shape)
    local all = counting { 4, 5, 6, 2 }
    assert.is_true(all:transpose(4, 1, 2, 3)[{ {}, { 2, 3 }, { 2, 4 }, { 2, 5 } }]:equal(batch[RAW].data))
  end)

  it("lets array_specs say what the file doesn't", function()
    local path = temp(counting { 4, 5, 6 })
    local p <close> = source(path, md.ArraySpec { voxel_size = { 3, 3, 3 }, roi = md.Roi({ 30, 0, 0 }, { 12, 15, 9 }), interpolatable = true }):build()
    assert.equal(md.Roi({ 30, 0, 0 }, { 12, 15, 9 }), p.spec[RAW].roi)
    local batch = p:request_batch(md.BatchRequest { [RAW] = md.Roi({ 33, 0, 0 }, { 3, 3, 3 }) })
    assert.same({ { { 30 } } }, batch[RAW].data:totable())
    assert.is_true(batch[RAW].spec.interpolatable)
  end)

  it("takes floats for interpolatable and integers not, unless told", function()
    for dtype, expected in pairs { float32 = true, float64 = true, uint8 = false, uint16 = false, int64 = false } do
      local p <close> = source(temp(counting({ 2, 2, 2 }, dtype), { resolution = { 1, 1, 1 } })):build()
      assert.equal(expected, p.spec[RAW].interpolatable, dtype)
    end
  end)

  it("refuses a voxel size that isn't whole, and says how to give another", function()
    local path = temp(counting { 2, 2, 2 }, { resolution = { 4.5, 0.5, 0.5 } })
    assert.equal(("Hdf5Source[%s]: dataset 'volumes/raw' of %s has the voxel size (4.5, 0.5, 0.5), attribute 'resolution', and world units are whole numbers; give it in a "
      .. "smaller unit: array_specs = { [RAW] = md.ArraySpec{ voxel_size = {…} } } (for RAW)"):format(path, path), build_error(path))
    local p <close> = source(path, md.ArraySpec { voxel_size = { 9, 1, 1 } }):build()
    assert.equal(md.Coordinate { 9, 1, 1 }, p.spec[RAW].voxel_size)
  end)

  it("refuses a dataset without voxel size, one of 0, and one with too many axes", function()
    assert.matches("has no voxel size %(attribute 'resolution' or 'voxel_size'%); give one: array_specs", build_error(temp(counting { 2, 2, 2 })))
    assert.matches("has the voxel size %(0, 1, 1%), attribute 'resolution', and each entry must be 1 or more",
      build_error(temp(counting { 2, 2, 2 }, { resolution = { 0, 1, 1 } })))
    assert.matches("has 2 axes, %(2, 2%), too few for the voxel size %(1, 1, 1%), attribute 'resolution'", build_error(temp(counting { 2, 2 }, { resolution = { 1, 1, 1 } })))
  end)

  it("refuses offsets that aren't whole or not on the grid", function()
    assert.matches("has the offset %(1.5, 0, 0%), attribute 'offset', and world units are whole numbers",
      build_error(temp(counting { 2, 2, 2 }, { resolution = { 1, 1, 1 }, offset = { 1.5, 0, 0 } })))
    assert.matches("has the offset %(0, 3, 0%), attribute 'offset', which is not on the grid of its voxel size %(4, 4, 4%) %(axis 2%)",
      build_error(temp(counting { 2, 2, 2 }, { resolution = { 4, 4, 4 }, offset = { 0, 3, 0 } })))
    assert.matches("has the offset %(0, 0%), attribute 'offset', and the voxel size %(4, 4, 4%), which differ in their number of axes",
      build_error(temp(counting { 2, 2, 2 }, { resolution = { 4, 4, 4 }, offset = { 0, 0 } })))
  end)

  it("refuses a ROI that the dataset can't fill", function()
    local path = temp(counting { 2, 2, 2 }, { resolution = { 4, 4, 4 } })
    assert.matches("can't fill ROI .*: on axis 1 it has 2 voxels of size 4",
      build_error(path, md.ArraySpec { roi = md.Roi({ 0, 0, 0 }, { 12, 8, 8 }) }))
  end)

  it("names what it can't find", function()
    assert.matches("no/such/file.h5", build_error "no/such/file.h5")
    local path = temp(counting { 2, 2, 2 }, { resolution = { 4, 4, 4 } })
    local p = md.Hdf5Source { path, { [RAW] = "volumes/raww" } }
    assert.equal(("Hdf5Source[%s]: %s has no dataset 'volumes/raww'; did you mean 'volumes/raw'?"):format(path, path),
      errors.message(function() p:build() end))
    assert.matches("is uint16, not float32 as the spec given for it says", build_error(path, md.ArraySpec { dtype = "float32" }))
  end)

  it("refuses a truncated file", function()
    local path = temp(counting { 20, 20, 20 }, { resolution = { 1, 1, 1 } })
    local whole = assert(io.open(path, "rb")):read "a"
    local cut = assert(io.open(path, "wb"))
    cut:write(whole:sub(1, #whole // 2))
    cut:close()
    local message = build_error(path)
    assert.matches(path, message, 1, true)
    assert.matches("truncated", message)
  end)

  it("refuses wrong options", function()
    assert.equal("Hdf5Source: 'datasets' maps ArrayKeys to paths, { [RAW] = \"volumes/raw\" }; it has \"raw\" = an ArrayKey",
      errors.bare(function() md.Hdf5Source { "a.h5", { raw = RAW } } end))
    assert.equal("Hdf5Source: 'datasets' is empty: { [RAW] = \"volumes/raw\" }", errors.bare(function() md.Hdf5Source { "a.h5", {} } end))
    assert.equal("Hdf5Source: 'array_specs' has LABELS, 'datasets' hasn't",
      errors.bare(function() md.Hdf5Source { "a.h5", { [RAW] = "raw" }, { [GT] = md.ArraySpec {} } } end))
    assert.matches("hdf5_source_spec.lua:%d+: Hdf5Source has no option 'dataset'; did you mean 'datasets'%?",
      errors.message(function() md.Hdf5Source { "a.h5", dataset = {} } end))
  end)

  it("doesn't read outside of the file", function()
    local p <close> = golden.source "RAW":build()
    assert.matches("RAW is wanted in ROI .* it is there in %[0:1200, 0:480, 0:480%] %(1200, 480, 480%) only; ask inside of it, or put md.Pad{ RAW } upstream",
      errors.message(function() p:request_batch(md.BatchRequest { [RAW] = md.Roi({ 0, 0, 0 }, { 1250, 5, 5 }) }) end))
  end)
end)

battery.node("Hdf5Source", {
  pipeline = function() return md.Pipeline { golden.source("RAW", "LABELS", "RAW_LO") } end, deterministic = true,
  request = function(seed)
    return md.BatchRequest { random_seed = seed, [RAW] = md.Roi({ 200, 100, 50 }, { 400, 80, 90 }), [GT] = md.Roi({ 250, 110, 60 }, { 300, 40, 60 }),
      [LO] = md.Roi({ 200, 100, 50 }, { 400, 80, 90 }) }
  end,
})
