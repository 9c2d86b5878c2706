--- kernel.resize and kernel.binarize: what nodes and arrays don't reach.
local md = require "moondust"
local core = require "moondust.core"
local errors = require "spec.support.errors"

local resize, binarize = core.kernel.resize, core.kernel.binarize

describe("kernel.resize", function()
  it("moves elements of every size, channels in front, also of views", function()
    for dtype in ("uint8 uint16 uint32 uint64 int8 int16 int32 int64 float32 float64"):gmatch "%S+" do
      local a = core.ndarray({ { 1, 2, 3 }, { 4, 5, 6 } }, dtype)
      assert.same({ { 1, 1, 2, 2, 3, 3 }, { 4, 4, 5, 5, 6, 6 } }, resize(a, { 6 }, { 0.5 }, { -0.25 }, "nearest"):totable())
      assert.same({ { 6, 5, 4 }, { 3, 2, 1 } }, resize(a:flip(1):flip(2), { 2, 3 }, { 1, 1 }, { 0, 0 }, "nearest"):totable())
      assert.same({ { 1, 4 }, { 3, 6 } }, resize(a:transpose(), { 2, 2 }, { 2, 1 }, { 0, 0 }, "nearest"):totable())
    end
  end)

  it("interpolates and averages axis by axis", function()
    local a = core.ndarray({ { 0, 2 }, { 4, 6 } }, "float32")
    assert.same({ { 3 } }, resize(a, { 1, 1 }, { 2, 2 }, { 0.5, 0.5 }, "mean"):totable())
    assert.same({ { 0, 1, 2 }, { 2, 3, 4 }, { 4, 5, 6 } }, resize(a, { 3, 3 }, { 0.5, 0.5 }, { 0, 0 }, "linear"):totable())
    assert.same({ { 1 }, { 5 } }, resize(a, { 1 }, { 2 }, { 0.5 }, "mean"):totable())
  end)

  it("lets an axis of one voxel be, and a constant constant", function()
    assert.same({ 7, 7, 7 }, resize(core.ndarray({ 7 }, "float32"), { 3 }, { 0.25 }, { -0.25 }, "linear"):totable())
    local flat = core.empty({ 5, 40 }, "float32"):fill(3)
    local low, high = resize(flat, { 3, 8 }, { 5 / 3, 5 }, { 1 / 3, 2 }, "linear"):minmax()
    assert.near(3, low, 1e-6)
    assert.near(3, high, 1e-6)
  end)

  it("rounds to integers, halves to even, and saturates", function()
    assert.same({ 2, 2 }, resize(core.ndarray({ 1, 2, 2, 3 }, "uint8"), { 2 }, { 2 }, { 0.5 }, "mean"):totable())
    assert.same({ -2, 255 }, resize(core.ndarray({ -2, -2, 255, 255 }, "int16"), { 2 }, { 2 }, { 0.5 }, "mean"):totable())
  end)

  it("makes nothing out of nothing", function()
    for _, mode in ipairs { "nearest", "linear", "mean" } do
      assert.same({ 2, 0 }, resize(core.zeros({ 2, 3 }, "uint8"), { 0 }, { 1 }, { 0 }, mode).shape)
      assert.same({ 0, 2 }, resize(core.zeros({ 0, 4 }, "uint8"), { 2 }, { 2 }, { 0.5 }, mode).shape)
    end
  end)

  it("refuses what makes no sense", function()
    local a = core.zeros({ 4 }, "uint8")
    local function message(...) return errors.bare(resize, a, ...) end
    assert.equal("mode has no choice 'cubic'; there are nearest, linear and mean", message({ 4 }, { 1 }, { 0 }, "cubic"))
    assert.equal("shape has 1 entries, scale 2 and shift 1; they must agree", message({ 4 }, { 1, 1 }, { 0 }, "nearest"))
    assert.equal("an array of 1 axes has no 2 spatial axes to resize", message({ 4, 4 }, { 1, 1 }, { 0, 0 }, "nearest"))
    assert.equal("5 voxels from 0 in steps of 1 lie outside of the 4 voxels there are", message({ 5 }, { 1 }, { 0 }, "nearest"))
    assert.equal("4 voxels from -1 in steps of 1 lie outside of the 4 voxels there are", message({ 4 }, { 1 }, { -1 }, "linear"))
    assert.equal("a scale of 0: it must be positive and not larger than 4096", message({ 4 }, { 0 }, { 0 }, "nearest"))
    assert.equal("a mean of 1.5 voxels: it must be a whole number", message({ 2 }, { 1.5 }, { 0 }, "mean"))
    assert.equal("a length of -1 on axis 1: it can't be negative", message({ -1 }, { 1 }, { 0 }, "nearest"))
    assert.equal("spatial axis 1 has no voxels to take any from", errors.bare(resize, core.zeros({ 0 }, "uint8"), { 2 }, { 1 }, { 0 }, "nearest"))
    assert.matches("bytes", message({ 1 << 62 }, { 1e-20 }, { 0 }, "nearest"))
  end)

  it("gives the same bytes for any number of threads", function()
    local threads, found = md.threads(), {}
    local a = core.Rng(1):np_normals(0, 1, { 3, 30, 40, 50 }):astype "float32"
    for i, n in ipairs { 1, 2, 7 } do
      md.threads(n)
      found[i] = ""
      for _, mode in ipairs { "nearest", "linear" } do found[i] = found[i] .. resize(a, { 12, 60, 20 }, { 2.5, 2 / 3, 2.5 }, { 0.75, -1 / 6, 0.75 }, mode):hash() end
      found[i] = found[i] .. resize(a, { 15, 8, 50 }, { 2, 5, 1 }, { 0.5, 2, 0 }, "mean"):hash()
    end
    md.threads(threads)
    assert.equal(found[1], found[2])
    assert.equal(found[1], found[3])
  end)
end)

describe("kernel.binarize", function()
  it("compares 64 bits in every dtype", function()
    for dtype in ("uint8 uint16 uint32 uint64 int8 int16 int32 int64"):gmatch "%S+" do
      assert.same({ { 0, 1, 0, 1 }, { 0, 1, 1, 1 } }, binarize(core.ndarray({ 0, 5, 6, 7 }, dtype), { { 7, 5 }, {} }):totable())
    end
    assert.same({ { 0, 1 } }, binarize(core.ndarray({ 1, -1 }, "int8"), { { -1 } }):totable())
  end)

  it("refuses what makes no sense", function()
    local ids = core.zeros({ 2 }, "uint8")
    assert.equal("labels must have an integer dtype, not float32: use :astype", errors.bare(binarize, core.zeros({ 2 }, "float32"), { {} }))
    assert.equal("0 groups of ids: there must be at least one", errors.bare(binarize, ids, {}))
    assert.equal("group 2 must be a table of ids, not number", errors.bare(binarize, ids, { {}, 5 }))
    assert.equal('an id must be a whole number (from 2^63 on as its digits, "18446744073709551615"), not a', errors.bare(binarize, ids, { { "a" } }))
    assert.equal('background must be a whole number (from 2^63 on as its digits, "18446744073709551615"), not 1.5', errors.bare(binarize, ids, { {} }, 1.5))
    assert.equal("labels have 8 axes: there is no room for one of channels in front, 8 are the most", errors.bare(binarize, core.zeros({ 1, 1, 1, 1, 1, 1, 1, 1 }, "uint8"), { {} }))
  end)
end)
