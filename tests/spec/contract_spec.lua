-- What is checked at every node in one call: whether requests, specs and data fit. The words for what doesn't are in pipeline_spec and framework_spec.
local md = require "moondust"
local core = require "moondust.core"

local function spec(fields) return md.ArraySpec(fields) end
local roi = md.Roi({ 0, 0 }, { 40, 20 })
local offered = spec { roi = roi, voxel_size = { 4, 2 } }

describe("core.copy_specs", function()
  it("copies the specs that the order names, into a table of their own", function()
    local a, g = md.ArrayKey "SPECS_A", md.GraphKey "SPECS_G"
    local values = { [a] = spec { roi = roi }, [g] = md.GraphSpec { roi = roi } }
    local copies = core.copy_specs({ a, g }, values)
    assert.equal(values[a], copies[a])
    assert.equal(values[g], copies[g])
    copies[a].roi, copies[g].roi = md.Roi({ 0, 0 }, { 4, 2 }), nil
    assert.equal(roi, values[a].roi)
    assert.equal(roi, values[g].roi)
    assert.same({}, core.copy_specs({}, values))
    assert.is_nil(core.copy_specs({ g }, values)[a])
  end)

  it("refuses what is no spec", function()
    assert.error_matches(function() core.copy_specs({ "a" }, { a = 1 }) end, "expected a GraphSpec, got")
    assert.error_matches(function() core.copy_specs({ "a" }, {}) end, "expected a GraphSpec, got")
    assert.error_matches(function() core.copy_specs({}, nil) end, "table expected")
  end)
end)

describe("core.has_placeholder", function()
  it("finds one among arrays and graphs that the order names", function()
    local values = { a = spec { roi = roi }, b = spec { roi = roi, placeholder = true }, g = md.GraphSpec { placeholder = true } }
    assert.is_false(core.has_placeholder({}, values))
    assert.is_false(core.has_placeholder({ "a" }, values))
    assert.is_true(core.has_placeholder({ "a", "b" }, values))
    assert.is_true(core.has_placeholder({ "a", "g" }, values))
    assert.error_matches(function() core.has_placeholder({ "x" }, values) end, "expected a GraphSpec, got")
  end)
end)

describe("core.request_fits", function()
  it("wants a ROI inside, on the grid, at the same voxel size", function()
    assert.is_true(core.request_fits(offered, spec { roi = md.Roi({ 4, 2 }, { 8, 4 }) }))
    assert.is_true(core.request_fits(offered, spec { roi = roi, voxel_size = { 4, 2 } }))
    for _, bad in ipairs {
      spec {}, spec { roi = roi, voxel_size = { 2, 2 } }, spec { roi = md.Roi({ 4, 2 }, { 40, 4 }) }, spec { roi = md.Roi({ 2, 2 }, { 8, 4 }) },
      spec { roi = md.Roi({ 4, 2 }, { 8, 3 }) }, spec { roi = md.Roi({ 4 }, { 8 }) }, spec { roi = md.Roi({ -4, 0 }, { 8, 4 }) },
    } do
      assert.is_false(core.request_fits(offered, bad), tostring(bad))
    end
  end)

  it("takes anything on the grid where there are no bounds, and everything where nothing is said", function()
    local endless = spec { roi = md.Roi({ md.unbounded, md.unbounded }, { md.unbounded, md.unbounded }), voxel_size = { 4, 2 } }
    assert.is_true(core.request_fits(endless, spec { roi = md.Roi({ -400, 2 }, { 8, 4 }) }))
    assert.is_false(core.request_fits(endless, spec { roi = md.Roi({ -401, 2 }, { 8, 4 }) }))
    assert.is_true(core.request_fits(spec { nonspatial = true }, spec { nonspatial = true }))
  end)

  it("says no to what is no spec", function()
    for _, other in ipairs { {}, 1, "spec", md.GraphSpec { roi = roi } } do
      assert.is_false(core.request_fits(offered, other))
      assert.is_false(core.request_fits(other, offered))
    end
    assert.is_false(core.request_fits())
  end)
end)

describe("core.delivery_fits", function()
  local wanted, delivered = spec { roi = roi }, spec { roi = roi, voxel_size = { 4, 2 }, dtype = "uint8" }
  local data = md.zeros({ 3, 10, 10 }, "uint8")

  it("wants ROI, voxel size, shape and dtype", function()
    assert.is_true(core.delivery_fits(offered, wanted, delivered, data))
    assert.is_true(core.delivery_fits(offered, spec { roi = roi, dtype = "uint8" }, delivered, data))
    assert.is_false(core.delivery_fits(offered, spec { roi = roi, dtype = "int8" }, delivered, data))
    assert.is_false(core.delivery_fits(offered, spec { roi = md.Roi({ 0, 0 }, { 20, 20 }) }, delivered, data))
    assert.is_false(core.delivery_fits(offered, wanted, spec { roi = roi }, data))
    assert.is_false(core.delivery_fits(offered, wanted, spec { roi = roi, voxel_size = { 2, 2 } }, data))
    for _, shape in ipairs { { 10, 9 }, { 9, 10 }, { 10 }, { 10, 10, 3 } } do
      assert.is_false(core.delivery_fits(offered, wanted, delivered, md.zeros(shape, "uint8")))
    end
  end)

  it("says no to what is closed or no array", function()
    local closed = md.zeros({ 10, 10 }, "uint8")
    closed:close()
    for _, other in ipairs { closed, {}, 1 } do assert.is_false(core.delivery_fits(offered, wanted, delivered, other)) end
    assert.is_false(core.delivery_fits(offered, wanted, delivered))
  end)
end)

describe("core.same_roi", function()
  it("compares ROIs of specs of one kind", function()
    local moved = md.Roi({ 4, 0 }, { 40, 20 })
    assert.is_true(core.same_roi(offered, spec { roi = roi }))
    assert.is_false(core.same_roi(offered, spec { roi = moved }))
    assert.is_false(core.same_roi(offered, spec {}))
    assert.is_true(core.same_roi(spec {}, spec { nonspatial = true }))
    assert.is_true(core.same_roi(md.GraphSpec { roi = roi }, md.GraphSpec { roi = roi }))
    assert.is_false(core.same_roi(md.GraphSpec { roi = roi }, md.GraphSpec {}))
    assert.is_false(core.same_roi(md.GraphSpec { roi = roi }, offered))
  end)
end)

describe("copies of a request", function()
  local A, B, P = md.ArrayKey "A", md.ArrayKey "B", md.GraphKey "P"

  it("have an order, specs and centring of their own", function()
    local request = md.BatchRequest { random_seed = 1 }
    request:add(P, { 10, 10 })
    request:add(A, { 20, 20 })
    local copy = request:copy()
    copy:add(B, { 30, 30 })
    copy[A].roi = roi
    copy[P] = nil
    assert.equal("A, P", request:names())
    assert.equal("A, B", copy:names())
    assert.equal(md.Coordinate { 20, 20 }, request[A].roi.shape)
    copy[B] = md.Roi({ 1, 1 }, { 3, 3 }) -- set by hand: not aligned any more
    local grid = md.BatchRequest { [A] = spec { roi = roi, voxel_size = { 7, 7 } }, [B] = spec { roi = roi, voxel_size = { 7, 7 } } }
    copy:align_to(grid)
    assert.equal(md.Coordinate { 1, 1 }, copy[B].roi.offset)
    request[A].roi = md.Roi({ 1, 1 }, { 14, 14 })
    request:align_to(grid)
    assert.equal(md.Coordinate { 0, 0 }, request[A].roi.offset)
  end)

  it("may change while they are gone through", function()
    local request = md.BatchRequest { [A] = roi, [B] = roi }
    local seen = {}
    for key in request:items() do
      seen[#seen + 1] = key.name
      request[key] = nil
      request[P] = roi
    end
    assert.same({ "A", "B" }, seen)
    assert.equal("P", request:names())
    assert.equal(1, #request)
  end)
end)
