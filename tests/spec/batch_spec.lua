-- Arrays and batches.
local md = require "moondust"
local core = require "moondust.core"
local errors = require "spec.support.errors"

local A, B, P = md.ArrayKey "A", md.ArrayKey "B", md.GraphKey "P"

local function array(fields)
  fields = fields or {}
  return md.Array { md.ndarray({ { 1, 2, 3 }, { 4, 5, 6 } }, "uint16"), md.ArraySpec {
    roi = fields.roi or md.Roi({ 10, 6 }, { 10, 6 }), voxel_size = fields.voxel_size or { 5, 2 }, dtype = fields.dtype,
  } }
end

local function graph() return md.Graph { { md.Node { 1, { 11, 7 } }, md.Node { 2, { 18, 11 } } }, {}, md.GraphSpec { roi = md.Roi({ 10, 6 }, { 10, 6 }) } } end

describe("Array", function()
  it("crops in world units, without copying", function()
    local whole = array()
    local part = whole:crop(md.Roi({ 15, 8 }, { 5, 4 }))
    assert.same({ { 5, 6 } }, part.data:totable())
    assert.equal(md.Roi({ 15, 8 }, { 5, 4 }), part.spec.roi)
    assert.equal(md.Roi({ 10, 6 }, { 10, 6 }), whole.spec.roi)
    assert.equal(whole, whole:crop(whole.spec.roi))
  end)

  it("crops to nothing", function()
    local none = array():crop(md.Roi({ 15, 8 }, { 0, 4 }))
    assert.same({ 0, 2 }, none.data.shape)
  end)

  it("crops behind channels", function()
    local two = md.Array { core.stack { array().data, array().data }, array().spec }
    assert.same({ { { 2 } }, { { 2 } } }, two:crop(md.Roi({ 10, 8 }, { 5, 2 })).data:totable())
  end)

  it("shares bytes, not fate", function()
    local one = array()
    local other = one:share()
    other.data:fill(0)
    other.spec.interpolatable = true
    assert.equal(21, one.data:sum())
    assert.is_nil(one.spec.interpolatable)
    one:close()
    assert.equal(0, other.data:sum())
    local copy = other:copy()
    other:close()
    assert.equal(0, copy.data:sum())
  end)

  it("prints on one line", function()
    local one = array()
    assert.equal("Array uint16 2x3 ROI [10:20, 6:12] (10, 6) voxel size (5, 2) min/mean/max 1/3.5/6", tostring(one))
    one:close()
    assert.equal("Array (closed)", tostring(one))
  end)

  it("refuses what doesn't fit together", function()
    assert.matches("batch_spec.lua:%d+: Array: shape {2, 3} at voxel size %(5, 2%) does not fill ROI %[10:25, 6:12%] %(15, 6%) %(axis 1%)",
      errors.message(function() array { roi = md.Roi({ 10, 6 }, { 15, 6 }) } end))
    assert.matches("ROI .* does not begin on the voxel grid %(5, 2%) %(axis 2%)", errors.message(function() array { roi = md.Roi({ 10, 5 }, { 10, 6 }) } end))
    assert.matches("Array: the data is uint16, its spec says uint8", errors.message(function() array { dtype = "uint8" } end))
    assert.matches("Array: 'data' must be an ndarray, not 5", errors.message(function() md.Array { 5 } end))
    assert.matches("covers ROI .*, which doesn't contain", errors.message(function() array():crop(md.Roi({ 0, 6 }, { 10, 6 })) end))
    assert.matches("data with 1 axes can't fill a ROI with 2",
      errors.message(function() md.Array { md.zeros { 2 }, md.ArraySpec { roi = md.Roi({ 0, 0 }, { 2, 2 }), voxel_size = { 1, 1 } } } end))
  end)
end)

describe("Batch", function()
  local function batch()
    local new = md.Batch {}
    new[A], new[P] = array(), graph()
    return new
  end

  it("holds arrays and graphs by key", function()
    local b = batch()
    assert.equal("A, P", b:names())
    assert.equal(A, b[A].key)
    assert.is_nil(b[B])
    assert.equal(md.Roi({ 10, 6 }, { 10, 6 }), b:get_total_roi())
    b[A] = nil
    assert.equal("P", b:names())
  end)

  it("never has one array under two keys", function()
    local b = batch()
    b[B] = b[A]
    assert.is_false(rawequal(b[A], b[B]))
    b[B].data:fill(0)
    b[B].spec.interpolatable = true
    assert.equal(21, b[A].data:sum())
    assert.is_nil(b[A].spec.interpolatable)
    assert.equal("A", b[A].key.name)
    assert.equal("B", b[B].key.name)
  end)

  it("crops to a request", function()
    local b = batch()
    local roi = md.Roi({ 15, 8 }, { 5, 4 })
    local part = b:crop(md.BatchRequest { [A] = roi, [P] = roi })
    assert.same({ 1, 2 }, part[A].data.shape)
    assert.equal(1, part[P]:num_nodes())
    assert.equal(roi, part[P].spec.roi)
    assert.equal(2, b[P]:num_nodes())
    assert.matches("B is not in the batch %(it has A, P%)", errors.message(function() b:crop(md.BatchRequest { [B] = roi }) end))
  end)

  it("merges, the other winning", function()
    local one, other = batch(), md.Batch {}
    rawset(one, "random_seed", 5)
    other[A] = md.Array { md.zeros({ 1 }) }
    other[B] = array()
    local both = one:merge(other)
    assert.equal("A, B, P", both:names())
    assert.same({ 1 }, both[A].data.shape)
    assert.same({ 2, 3 }, one[A].data.shape)
    assert.equal(5, both.random_seed)
  end)

  it("gives its bytes back when closed", function()
    collectgarbage()
    local before = core.memory()
    do
      local b <close> = batch()
      assert.is_true(core.memory() > before)
      assert.equal(2, #b)
    end
    assert.equal(before, (core.memory()))
  end)

  it("refuses what is none", function()
    assert.matches("A in a batch must be an md.Array, not 5", errors.message(function() md.Batch({})[A] = 5 end))
    assert.matches("P in a batch must be an md.Graph, not an Array", errors.message(function() md.Batch({})[P] = array() end))
  end)

  it("prints a line each", function()
    local b = batch()
    rawset(b, "random_seed", 5)
    assert.matches("^Batch %(seed 5%)\n  A uint16 2x3 ROI [^\n]+\n  P ", tostring(b))
  end)
end)
