-- md.arrays: arrays made of arrays, read ROI by ROI.
local md = require "moondust"
local core = require "moondust.core"
local battery = require "spec.support.battery"
local errors = require "spec.support.errors"

local A = md.arrays
local KEY = md.ArrayKey "KEY"

local function line(values, dtype, fields)
  fields = fields or {}
  local size, data = fields.size or 4, md.ndarray(values, dtype or "uint8")
  local length = data.shape[data.ndim] * size
  return md.Array { data, md.ArraySpec { roi = md.Roi({ fields.offset or 0 }, { length }), voxel_size = { size }, interpolatable = fields.interpolatable } }
end

local function world(key) return battery.world()[key] end

local function makers()
  local labels, raw = world(battery.LABELS), world(battery.RAW)
  local groups = { { "a", { 1 << 40, (1 << 40) + 1, (1 << 40) + 121 } }, { "all", {} } }
  return {
    Crop = A.Crop { raw, battery.roi:grow({ -40, -4, -8 }, { -80, -8, -4 }) },
    Binarize = A.Binarize { labels, groups },
    Concat = A.Concat { { "x", "y", "z" }, { x = raw, z = world(battery.MASK) } },
    Constant = A.Constant { labels, 7 },
    Ones = A.Ones { world(battery.FLOAT) },
    Intensities = A.Intensities { raw, 10, 200 },
    LogicalOr = A.LogicalOr { A.Binarize { labels, groups } },
    Sum = A.Sum { { raw, raw, world(battery.MASK) } },
    ["Resampled, larger"] = A.Resampled { raw, downsample = { 1, 2, 2 } },
    ["Resampled, smaller"] = A.Resampled { raw, { 2, 2, 4 } },
    ["Resampled labels, larger"] = A.Resampled { labels, downsample = { 2, 3, 1 } },
    ["Resampled labels, smaller"] = A.Resampled { labels, { 2, 1, 4 } },
    MissingAnnotationsMask = A.MissingAnnotationsMask { labels, groups, { { value = 5, annotationState = { present = true, annotated = false } } } },
    ["Crop of a Binarize"] = A.Crop { A.Binarize { labels, groups }, md.Roi({ 120, 0, 20 }, { 200, 40, 60 }) },
  }
end

describe("md.arrays", function()
  for name in pairs(makers()) do
    it(name .. " reads a part as the part of the whole, and says what it reads", function()
      local array, before = makers()[name], world(battery.RAW).data:hash() .. world(battery.LABELS).data:hash()
      local whole = array:read()
      assert.same(array.shape, whole.shape)
      assert.equal(array.dtype, whole.dtype)
      local spec = md.ArraySpec { roi = array.roi, voxel_size = array.voxel_size, dtype = array.dtype }
      assert.is_nil(md.Array.mismatch(whole, spec))
      local shape = (array.roi.shape / array.voxel_size / 3) * array.voxel_size
      local part = md.Roi(array.roi.offset + shape, shape)
      assert.is_true(md.Array { whole, spec }:crop(part).data:equal(array:read(part)))
      local nothing = array:read(md.Roi(array.roi.offset, array.roi.shape * 0))
      assert.equal(0, nothing.size)
      assert.equal(whole.ndim, nothing.ndim)
      assert.equal(before, world(battery.RAW).data:hash() .. world(battery.LABELS).data:hash())
    end)

    it(name .. " gives the same bytes for any number of threads", function()
      local threads, found, array = md.threads(), {}, makers()[name]
      for i, n in ipairs { 1, 2, 5 } do
        md.threads(n)
        found[i] = array:read():hash()
      end
      md.threads(threads)
      assert.equal(found[1], found[2])
      assert.equal(found[1], found[3])
    end)

    it(name .. " leaves nothing behind", function()
      local function in_use()
        collectgarbage()
        collectgarbage()
        return (core.memory())
      end
      local array = makers()[name]
      array:read():close()
      local before = in_use()
      for _ = 1, 3 do array:read():close() end
      assert.equal(before, in_use())
    end)
  end

  it("are served by DaCapoArraySource", function()
    local array = A.LogicalOr { A.Binarize { world(battery.LABELS), { { "all", {} }, { "one", { (1 << 40) + 1 } } } } }
    local p <close> = (md.DaCapoArraySource { array, KEY } + md.RandomLocation {}):build()
    assert.is_false(p.spec[KEY].interpolatable)
    local roi = md.Roi({ 0, 0, 0 }, { 400, 40, 40 })
    local batch = p:request_batch(md.BatchRequest { random_seed = 1, [KEY] = roi })
    assert.same({ 1, 10, 10, 10 }, batch[KEY].data.shape)
    assert.is_true(batch[KEY].data:any())
  end)

  it("read from files, and close them", function()
    local path = os.tmpname()
    assert(md.hdf5.write(path, "labels", world(battery.LABELS)))
    local lazy = assert(md.open_array(path, "labels"))
    local array = A.Crop { lazy, md.Roi({ 120, 0, 20 }, { 200, 40, 60 }) }
    assert.is_true(array:read():equal(world(battery.LABELS):crop(array.roi).data))
    array:close()
    array:close()
    assert.is_false((pcall(lazy.read, lazy)))
    os.remove(path)
  end)

  it("hand on what a source can't read", function()
    local broken = { roi = md.Roi({ 0 }, { 8 }), voxel_size = md.Coordinate { 4 }, dtype = "uint8", shape = { 2 }, read = function() return nil, "the disk is gone" end }
    local channels = setmetatable({ shape = { 1, 2 } }, { __index = broken })
    for _, array in ipairs {
      A.Crop { broken, broken.roi }, A.Binarize { broken, { { "a", {} } } }, A.Concat { { "a" }, { a = broken } }, A.Intensities { broken, 0, 1 }, A.LogicalOr { channels },
      A.Sum { { broken } }, A.Resampled { broken, { 2 } }, A.MissingAnnotationsMask { broken, { { "a", {} } }, {} },
    } do
      assert.same({ nil, "the disk is gone" }, { array:read() })
    end
  end)

  it("name a slip", function()
    assert.equal("md.arrays has no 'Binarise'; did you mean 'Binarize'?", errors.bare(function() return A.Binarise end))
  end)

  it("say what may be read of them", function()
    local array = A.Ones { line { 1, 2, 3 } }
    assert.equal("Ones covers ROI [0:12] (12), which doesn't contain [8:16] (8)", errors.bare(function() array:read(md.Roi({ 8 }, { 8 })) end))
    assert.equal("Ones has the voxel size (4); ROI [2:6] (4) is not on its grid (axis 1)", errors.bare(function() array:read(md.Roi({ 2 }, { 4 })) end))
    assert.equal("Ones has 1 spatial axes, ROI [0:4, 0:4] (4, 4) has 2", errors.bare(function() array:read(md.Roi({ 0, 0 }, { 4, 4 })) end))
    assert.equal("Ones: read wants a Roi in world units, not 5", errors.bare(function() array:read(5) end))
    assert.equal("Ones: 'source_array' must be an md.Array or an object such as md.open_array(…) returns, not 5", errors.bare(function() A.Ones { 5 } end))
    assert.equal("Ones: 'source_array' is nonspatial; give its spec a roi and a voxel_size", errors.bare(function() A.Ones { md.Array { md.zeros { 2 } } } end))
  end)
end)

describe("md.arrays.Crop", function()
  it("refuses what is off the grid or outside", function()
    assert.equal("Crop: ROI [4:16] (12) is not inside of where the array is, [0:12] (12)", errors.bare(function() A.Crop { line { 1, 2, 3 }, md.Roi({ 4 }, { 12 }) } end))
    assert.equal("Crop: ROI [2:6] (4) is not on the grid of the array's voxel size (4) (axis 1); roi:snap_to_grid(…) puts it there",
      errors.bare(function() A.Crop { line { 1, 2, 3 }, md.Roi({ 2 }, { 4 }) } end))
  end)
end)

describe("md.arrays.Binarize", function()
  it("never takes the background, and loses no bit of an id", function()
    local ids = line({ 0, 5, (1 << 53) + 1, 1 << 53, -1 }, "uint64")
    assert.same({ { 0, 1, 0, 0, 0 }, { 0, 1, 1, 1, 1 }, { 0, 0, 1, 0, 0 }, { 0, 0, 0, 0, 1 } },
      A.Binarize { ids, { { "five or none", { 0, 5 } }, { "all", {} }, { "large", { (1 << 53) + 1 } }, { "largest", { -1 } } } }:read():totable())
    assert.same({ { 1, 0, 1, 1, 1 } }, A.Binarize { ids, { { "all", {} } }, 5 }:read():totable())
  end)

  it("says what is wrong", function()
    local function message(fields) return errors.bare(function() A.Binarize(fields) end) end
    assert.equal("Binarize: the array is float32, ids are integers", message { line({ 1 }, "float32"), { { "a", {} } } })
    assert.equal("Binarize: the array has 1 channel axes; labels have none", message { line { { 1, 2 } }, { { "a", {} } } })
    assert.equal("Binarize: 'groupings' is empty: { { \"mito\", { 3, 4 } }, … }", message { line { 1 }, {} })
    assert.equal("Binarize: group 2 must be a name and its ids, { \"mito\", { 3, 4 } }", message { line { 1 }, { { "a", {} }, { "b", 5 } } })
    assert.equal("Binarize: group 1 must be a name and its ids, { \"mito\", { 3, 4 } }", message { line { 1 }, { { "a", { 1.5 } } } })
  end)
end)

describe("md.arrays.Concat", function()
  it("keeps the order of channels, fills missing ones, and finds a common dtype", function()
    local array = A.Concat { { "b", "none", "a" }, { a = line { 1, 2 }, b = line({ 300, -4 }, "int16") } }
    assert.equal("int16", array.dtype)
    assert.same({ { 300, -4 }, { 0, 0 }, { 1, 2 } }, array:read():totable())
    assert.same({ { 9, 9 }, { 1, 2 } }, A.Concat { { "x", "a" }, { a = line { 1, 2 } }, line { 9, 9 } }:read():totable())
    assert.same({ { 1, 2 } }, A.Concat { { "a" }, { a = line { { 1, 2 } } } }:read():totable())
  end)

  it("is where all of its arrays are", function()
    local array = A.Concat { { "a", "b" }, { a = line { 1, 2, 3 }, b = line({ 4, 5, 6 }, "uint8", { offset = 4 }) } }
    assert.equal(md.Roi({ 4 }, { 8 }), array.roi)
    assert.same({ { 2, 3 }, { 4, 5 } }, array:read():totable())
  end)

  it("says what is wrong", function()
    local function message(...)
      local fields = { ... }
      return errors.bare(function() A.Concat(fields) end)
    end
    assert.equal("Concat: there is no array for any of the channels", message({ "a" }, {}))
    assert.equal("Concat: 'source_arrays' has \"b\", which is not among the channels", message({ "a" }, { b = line { 1 } }))
    assert.equal("Concat: 'channels' has \"a\" twice", message({ "a", "a" }, { a = line { 1 } }))
    assert.equal("Concat: the array of \"a\" has 2 channels; give arrays of one", message({ "a" }, { a = line { { 1 }, { 2 } } }))
    assert.equal("Concat: array 2 (voxel size (2), ROI [0:2] (2)) doesn't lie on the voxel grid of the first (voxel size (4), ROI [0:4] (4))",
      message({ "a", "b" }, { a = line { 1 }, b = line({ 1 }, "uint8", { size = 2 }) }))
    assert.equal("Concat: the arrays have no place in common", message({ "a", "b" }, { a = line { 1 }, b = line({ 1 }, "uint8", { offset = 40 }) }))
  end)
end)

describe("md.arrays.Constant", function()
  it("never touches its source", function()
    local source = line { 1, 2 }
    assert.same({ 7, 7 }, A.Constant { source, 7 }:read():totable())
    assert.same({ 1, 1 }, A.Ones { source }:read():totable())
    assert.same({ 1, 2 }, source.data:totable())
    assert.equal("Constant: 300 doesn't fit uint8, the dtype of the array", errors.bare(function() A.Constant { source, 300 } end))
  end)
end)

describe("md.arrays.Intensities", function()
  it("goes below 0 and above 1 where the values do", function()
    local got = A.Intensities { line { 5, 10, 20, 40 }, 10, 20 }:read():totable()
    for i, value in ipairs { -0.5, 0, 1, 3 } do assert.near(value, got[i], 1e-6) end
    assert.equal("Intensities: 'min' and 'max' are both 3; there is no range to scale", errors.bare(function() A.Intensities { line { 1 }, 3, 3 } end))
  end)
end)

describe("md.arrays.LogicalOr and Sum", function()
  it("unite and add up without overflow", function()
    assert.same({ 1, 1, 0 }, A.LogicalOr { line { { 1, 0, 0 }, { 0, 1, 0 } } }:read():totable())
    local sum = A.Sum { { line { 200 }, line { 100 } } }
    assert.equal("uint64", sum.dtype)
    assert.same({ 300 }, sum:read():totable())
    assert.equal("int64", A.Sum { { line { 200 }, line({ -1 }, "int8") } }.dtype)
    assert.equal("float32", A.Sum { { line { 200 }, line({ -1 }, "float32") } }.dtype)
  end)

  it("say what is wrong", function()
    assert.equal("LogicalOr: the array has no channel axis to take the union over", errors.bare(function() A.LogicalOr { line { 1 } } end))
    assert.equal("Sum: 'source_arrays' is empty", errors.bare(function() A.Sum { {} } end))
    assert.equal("Sum: array 2 has channels {2}, the first {}", errors.bare(function() A.Sum { { line { 1 }, line { { 1 }, { 2 } } } } end))
  end)
end)

describe("md.arrays.Resampled", function()
  it("averages grey values, picks labels, and begins on its own grid", function()
    local grey, ids = { interpolatable = true }, { interpolatable = false }
    assert.same({ 2, 6 }, A.Resampled { line({ 1, 3, 5, 7, 9 }, "uint8", grey), downsample = { 2 } }:read():totable())
    assert.same({ 3, (1 << 53) + 1 }, A.Resampled { line({ 1, 3, 5, (1 << 53) + 1 }, "uint64", ids), downsample = { 2 } }:read():totable())
    assert.same({ 1, 1, 9, 9 }, A.Resampled { line({ 1, 9 }, "uint64", ids), { 2 } }:read():totable())
    assert.same({ 3, 3, 7, 7 }, A.Resampled { line({ 1, 9 }, "uint8", grey), { 2 } }:read():totable())
    local shifted = A.Resampled { line({ 1, 3, 5, 7, 9 }, "uint8", { offset = 4, interpolatable = true }), downsample = { 2 } }
    assert.equal(md.Roi({ 8 }, { 16 }), shifted.roi)
    assert.same({ 4, 8 }, shifted:read():totable())
  end)

  it("says what is wrong", function()
    local function message(fields)
      fields[1] = line({ 1, 2 }, "uint8", { interpolatable = false })
      return errors.bare(function() A.Resampled(fields) end)
    end
    assert.equal("Resampled: give 'upsample' or 'downsample', one of them", message {})
    assert.equal("Resampled: give 'upsample' or 'downsample', one of them", message { upsample = { 2 }, downsample = { 2 } })
    assert.equal("Resampled: the array's voxel size (4) is not a multiple of upsample (3) on axis 1: world units are whole numbers", message { upsample = { 3 } })
    assert.equal("Resampled: 'downsample' must be 1 or more on each axis, it is (0)", message { downsample = { 0 } })
    assert.equal("Resampled: 'downsample' is (2, 2), the array has 1 spatial axes", message { downsample = { 2, 2 } })
    assert.equal("Resampled: the array is not interpolatable, so interp_order can't be 1", message { downsample = { 2 }, interp_order = 1 })
    assert.equal("Resampled: 'interp_order' must be 0 (nearest) or 1 (mean or linear), not 3", message { downsample = { 2 }, interp_order = 3 })
    assert.equal("Resampled: the array's ROI [0:8] (8) holds no whole voxel of (12)", message { downsample = { 3 } })
  end)
end)

describe("md.arrays.MissingAnnotationsMask", function()
  local labels = {
    { value = 3, annotationState = { present = true, annotated = true } }, { value = 4, annotationState = { present = true, annotated = false } },
    { value = 5, annotationState = { present = false, annotated = false } },
  }
  local groups = { { "three", { 3 } }, { "three or four", { 3, 4 } }, { "five", { 5 } }, { "any", {} } }
  local wanted = { { 0, 1, 1 }, { 0, 0, 0 }, { 0, 1, 1 }, { 0, 1, 1 } }

  it("masks what isn't annotated though it is there", function()
    assert.same(wanted, A.MissingAnnotationsMask { line { 0, 3, 9 }, groups, labels }:read():totable())
    local array = md.Array { line { 0, 3, 9 }.data, line({ 0, 3, 9 }).spec, { labels = labels } }
    assert.same(wanted, A.MissingAnnotationsMask { array, groups }:read():totable())
  end)

  it("says what is wrong", function()
    assert.equal("MissingAnnotationsMask: the array has no table attrs.labels; say what is annotated: labels = { { value = 3, annotationState = {…} }, … }",
      errors.bare(function() A.MissingAnnotationsMask { line { 1 }, groups } end))
    assert.equal("MissingAnnotationsMask: label 1 must be { value = id, annotationState = { present = …, annotated = … } }",
      errors.bare(function() A.MissingAnnotationsMask { line { 1 }, groups, { { value = 3 } } } end))
  end)
end)
