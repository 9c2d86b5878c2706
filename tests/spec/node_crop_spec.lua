-- Crop: where a key is offered.
local md = require "moondust"
local battery = require "spec.support.battery"
local errors = require "spec.support.errors"

local A, POINTS = md.ArrayKey "A", md.GraphKey "POINTS"

local function source(n)
  local data = md.zeros({ n, n }, "uint8")
  return md.ArraySource { A, md.Array { data, md.ArraySpec { roi = md.Roi({ 100, 0 }, { n * 10, n * 4 }), voxel_size = { 10, 4 } } } }
end

local function offered(node, n)
  local p <close> = (source(n or 10) + node):build()
  return p.spec[A].roi
end

local function fails(node, n) return errors.message(function() offered(node, n) end) end

describe("Crop", function()
  it("limits to a ROI", function() assert.equal(md.Roi({ 120, 4 }, { 40, 8 }), offered(md.Crop { A, md.Roi({ 120, 4 }, { 40, 8 }) })) end)

  it("cuts each fraction from its own end", function() -- upstream swaps them
    assert.equal(md.Roi({ 120, 0 }, { 80, 40 }), offered(md.Crop { A, fraction_negative = { 0.2, 0 } }))
    assert.equal(md.Roi({ 100, 0 }, { 80, 28 }), offered(md.Crop { A, fraction_positive = { 0.2, 0.3 } }))
    assert.equal(md.Roi({ 110, 8 }, { 60, 28 }), offered(md.Crop { A, nil, { 0.1, 0.2 }, { 0.3, 0.1 } }))
  end)

  it("cuts whole voxels, at least what is asked for", function()
    assert.equal(md.Roi({ 120, 0 }, { 80, 40 }), offered(md.Crop { A, fraction_negative = { 0.11, 0 } }))
  end)

  it("serves what is left and refuses the rest", function()
    local p <close> = (source(10) + md.Crop { A, fraction_negative = { 0.2, 0 } }):build()
    assert.same({ 8, 10 }, p:request_batch(md.BatchRequest { [A] = md.Roi({ 120, 0 }, { 80, 40 }) })[A].data.shape)
    assert.equal("Crop: A is wanted in ROI [110:190, 0:40] (80, 40), it is there in [120:200, 0:40] (80, 40) only; ask inside of it, or put md.Pad{ A } upstream",
      errors.message(function() p:request_batch(md.BatchRequest { [A] = md.Roi({ 110, 0 }, { 80, 40 }) }) end))
  end)

  it("cuts graphs to the world unit", function()
    local graph = md.Graph { { md.Node { 1, { 4 } } }, {}, md.GraphSpec { roi = md.Roi({ 0 }, { 7 }) } }
    local p <close> = (md.GraphSource { POINTS, graph } + md.Crop { POINTS, fraction_negative = { 0.2 } }):build()
    assert.equal(md.Roi({ 2 }, { 5 }), p.spec[POINTS].roi)
  end)

  it("says what is wrong", function()
    local roi = md.Roi({ 120, 4 }, { 40, 8 })
    assert.equal("Crop: give 'roi' or fractions, not both", errors.bare(function() md.Crop { A, roi, { 0.1, 0 } } end))
    assert.equal("Crop: 'roi' or 'fraction_negative' / 'fraction_positive' is missing", errors.bare(function() md.Crop { A } end))
    assert.equal("Crop: 'fraction_negative' must be a list of numbers, not 0.5", errors.bare(function() md.Crop { A, fraction_negative = 0.5 } end))
    assert.equal("Crop: ROI [0:40, 4:12] (40, 8) is not inside of where A is, [100:200, 0:40] (100, 40)", fails(md.Crop { A, md.Roi({ 0, 4 }, { 40, 8 }) }))
    assert.equal("Crop: ROI [0:40] (40) has 1 axes, A has 2", fails(md.Crop { A, md.Roi({ 0 }, { 40 }) }))
    assert.equal("Crop: ROI [105:145, 4:12] (40, 8) is not on the grid of A's voxel size (10, 4) (axis 1); roi:snap_to_grid{10, 4} puts it there",
      fails(md.Crop { A, md.Roi({ 105, 4 }, { 40, 8 }) }))
    assert.equal("Crop: 3 fractions given, A has 2 axes", fails(md.Crop { A, fraction_negative = { 0, 0, 0 } }))
    assert.equal("Crop: fraction -0.1 on axis 2 is negative", fails(md.Crop { A, fraction_positive = { 0, -0.1 } }))
    assert.equal("Crop: the fractions on axis 1 sum to 1: nothing is left", fails(md.Crop { A, nil, { 0.5, 0 }, { 0.5, 0 } }))
    assert.equal("Crop: nothing is left of A's ROI [100:110, 0:4] (10, 4)", fails(md.Crop { A, fraction_positive = { 0.1, 0 } }, 1))
    assert.equal("Crop: POINTS is not provided upstream (there is A)", fails(md.Crop { POINTS, md.Roi({ 0 }, { 1 }) }))
    assert.equal("Crop: A has no end: there are no fractions of it; crop before md.Pad",
      errors.message(function() (source(4) + md.Pad { A } + md.Crop { A, fraction_negative = { 0.1, 0 } }):build() end))
    local nowhere = md.ArraySource { A, md.Array { md.zeros { 2 }, md.ArraySpec { nonspatial = true } } }
    assert.equal("Crop: A has no ROI to crop", errors.message(function() (nowhere + md.Crop { A, roi }):build() end))
  end)
end)

battery.node("Crop", {
  node = function() return md.Crop { battery.RAW, fraction_negative = { 0.1, 0.1, 0.1 } } end,
  deterministic = true, untouched = { battery.LABELS },
})
