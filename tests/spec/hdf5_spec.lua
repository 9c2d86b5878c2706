local md = require "moondust"
local core = require "moondust.core"
local errors = require "spec.support.errors"
local golden = require "spec.support.golden"

describe("md.hdf5", function()
  local path
  before_each(function()
    path = os.tmpname()
    os.remove(path)
  end)
  after_each(function() os.remove(path) end)

  local function example()
    return md.Array { md.ndarray({ { 1, 2, 3 }, { 4, 5, 6 } }, "uint16"), md.ArraySpec { roi = md.Roi({ 10, 6 }, { 10, 6 }), voxel_size = { 5, 2 } } }
  end

  it("brings back what it wrote", function()
    assert.is_true(md.hdf5.write(path, "a/b/raw", example()))
    local back = assert(md.hdf5.read(path, "a/b/raw"))
    assert.is_true(back.data:equal(example().data))
    assert.equal(md.Roi({ 10, 6 }, { 10, 6 }), back.spec.roi)
    assert.equal(md.Coordinate { 5, 2 }, back.spec.voxel_size)
    local part = assert(md.hdf5.read(path, "a/b/raw", md.Roi({ 15, 8 }, { 5, 4 })))
    assert.same({ { 5, 6 } }, part.data:totable())
  end)

  it("writes resolution, voxel_size and offset", function()
    assert(md.hdf5.write(path, "raw", example(), { attributes = { note = "grey", range = { 1, 6 } } }))
    local file <close> = assert(md.hdf5.open(path))
    assert.same({ 5, 2 }, file:attribute("raw", "resolution"))
    assert.same({ 5, 2 }, file:attribute("raw", "voxel_size"))
    assert.same({ 10, 6 }, file:attribute("raw", "offset"))
    assert.equal("grey", file:attribute("raw", "note"))
    assert.same({ 1, 6 }, file:attribute("raw", "range"))
  end)

  it("writes ndarrays, and reads them as such", function()
    local data = md.ndarray({ 1.5, 2.5 }, "float64")
    assert(md.hdf5.write(path, "x", data, { compression = "gzip" }))
    assert.is_true(data:equal(assert(md.hdf5.read(path, "x"))))
    assert(md.hdf5.write(path, "y", data, { dtype = "float32", voxel_size = { 4 }, offset = { 8 } }))
    local y = assert(md.hdf5.read(path, "y"))
    assert.equal("float32", y.data.dtype)
    assert.equal(md.Roi({ 8 }, { 8 }), y.spec.roi)
  end)

  it("writes empty arrays", function()
    assert(md.hdf5.write(path, "none", md.zeros({ 0, 3 }, "float64")))
    assert.same({ 0, 3 }, assert(md.hdf5.read(path, "none")).shape)
  end)

  it("lists", function()
    local names = {}
    for i, info in ipairs(assert(md.hdf5.list(golden.path "input"))) do names[i] = info.name end
    assert.same({ "labels", "mask", "organelle", "points", "raw", "raw_lo" }, names)
  end)

  it("says no in words where the world does", function()
    local nothing, message = md.hdf5.read("no/such.h5", "raw")
    assert.is_nil(nothing)
    assert.matches("no/such.h5", message, 1, true)
    nothing, message = md.hdf5.list "no/such.h5"
    assert.is_nil(nothing)
    assert.is_string(message)
    assert(md.hdf5.write(path, "raw", example()))
    nothing, message = md.hdf5.write(path, "raw", example())
    assert.is_nil(nothing)
    assert.matches("raw", message)
    nothing, message = md.hdf5.read(path, "rax")
    assert.is_nil(nothing)
    assert.matches("rax", message)
  end)

  it("raises on misuse", function()
    assert.matches("md.hdf5.read wants a file and a dataset, two strings, not 1 and nil", errors.message(md.hdf5.read, 1))
    assert.matches("the third argument must be an md.Array or an ndarray, not 5", errors.message(md.hdf5.write, path, "raw", 5))
    assert.matches("md.hdf5.write has no option 'compresion'; did you mean 'compression'%?",
      errors.message(md.hdf5.write, path, "raw", example(), { compresion = 1 }))
    assert.matches("the third argument must be a Roi", errors.message(md.hdf5.read, path, "raw", { 1, 2 }))
  end)
end)

describe("md.open_array", function()
  it("reads ROIs of a dataset that stays in its file", function()
    local array <close> = assert(md.open_array(golden.path "input", "raw"))
    assert.equal(md.Roi({ 0, 0, 0 }, { 1200, 480, 480 }), array.roi)
    assert.equal(md.Coordinate { 50, 5, 5 }, array.voxel_size)
    assert.equal("uint8", array.dtype)
    assert.is_false(array.interpolatable)
    assert.same({ 24, 96, 96 }, array.shape)
    assert.same({ 50, 5, 5 }, array.attrs.resolution)
    assert.is_nil(array.attrs.no_such_thing)
    local part = assert(array:read(md.Roi({ 100, 50, 55 }, { 50, 10, 15 })))
    local all = assert(array:read())
    assert.is_true(all[{ { 3, 3 }, { 11, 12 }, { 12, 14 } }]:equal(part))
    assert.equal("LazyArray tests/golden/input.h5[raw] uint8 24x96x96 ROI [0:1200, 0:480, 0:480] (1200, 480, 480) voxel size (50, 5, 5)", tostring(array))
  end)

  it("takes options", function()
    local array <close> = assert(md.open_array(golden.path "input", "points", { voxel_size = { 1, 1 } }))
    assert.equal(md.Roi({ 0, 0 }, { 40, 3 }), array.roi)
  end)

  it("says no in words where the world does", function()
    local nothing, message = md.open_array(golden.path "input", "points")
    assert.is_nil(nothing)
    assert.equal("dataset 'points' of tests/golden/input.h5 has no voxel size (attribute 'resolution' or 'voxel_size'); give one: "
      .. "md.open_array(file, \"points\", { voxel_size = {…} })", message)
    assert.is_nil((md.open_array("no/such.h5", "raw")))
  end)

  it("raises on misuse", function()
    local array <close> = assert(md.open_array(golden.path "input", "raw"))
    assert.matches("covers ROI .*, which doesn't contain", errors.message(array.read, array, md.Roi({ 0, 0, 0 }, { 2000, 5, 5 })))
    assert.matches("ROI .* is not on that grid %(axis 3%)", errors.message(array.read, array, md.Roi({ 0, 0, 0 }, { 50, 5, 6 })))
    assert.matches("wants a Roi in world units, not a table", errors.message(array.read, array, {}))
    assert.matches("md.open_array wants a file and a dataset, two strings", errors.message(md.open_array, "a"))
  end)

  it("leaves nothing behind", function()
    collectgarbage()
    local before = core.memory()
    for _ = 1, 3 do
      local array <close> = assert(md.open_array(golden.path "input", "raw"))
      array:read(md.Roi({ 0, 0, 0 }, { 50, 5, 5 })):close()
    end
    collectgarbage()
    assert.equal(before, (core.memory()))
  end)
end)
