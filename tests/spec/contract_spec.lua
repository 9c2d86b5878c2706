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

describe("checks of all keys at once", function()
  local A, B, P = md.ArrayKey "ALL_A", md.ArrayKey "ALL_B", md.GraphKey "ALL_P"
  local inside, elsewhere = spec { roi = roi }, spec { roi = md.Roi({ 40, 20 }, { 4, 2 }) }
  local function array(fields) return md.Array { md.zeros({ 10, 10 }, "uint8"), spec(fields) } end
  local good = { roi = roi, voxel_size = { 4, 2 } }

  it("say of requests whether all fit, and whether there is a placeholder", function()
    local offers = { [A] = offered, [B] = offered, [P] = md.GraphSpec { roi = roi } }
    assert.same({ true, false }, { core.request_fits_all({}, {}, offers) })
    assert.same({ true, false }, { core.request_fits_all({ A, B }, { [A] = inside, [B] = inside }, offers) })
    assert.same({ true, true }, { core.request_fits_all({ A, B }, { [A] = inside, [B] = spec { roi = roi, placeholder = true } }, offers) })
    assert.is_false((core.request_fits_all({ A, B }, { [A] = inside, [B] = elsewhere }, offers)))
    assert.is_false((core.request_fits_all({ A }, { [A] = inside }, {})))
    assert.is_false((core.request_fits_all({ P }, { [P] = md.GraphSpec { roi = roi } }, offers)))
  end)

  it("say of what is delivered whether all is as wanted", function()
    local offers, wanted, closed = { [A] = offered, [B] = offered }, { [A] = inside, [B] = inside }, array(good)
    closed.data:close()
    assert.is_true(core.delivery_fits_all({ A, B }, wanted, offers, { [A] = array(good), [B] = array(good) }))
    for _, bad in ipairs { false, 1, {}, { spec = offered }, { data = md.zeros { 10, 10 } }, closed, array { roi = elsewhere.roi:grow(0, { 36, 18 }), voxel_size = { 4, 2 } } } do
      assert.is_false(core.delivery_fits_all({ A, B }, wanted, offers, { [A] = array(good), [B] = bad or nil }))
    end
  end)

  it("look at data and specs, and leave graphs alone", function()
    local graph <close> = md.Graph { {}, {}, md.GraphSpec { roi = roi } }
    assert.is_true(core.are_arrays({ A, P }, { [A] = array(good), [P] = graph }))
    assert.is_false(core.are_arrays({ A, B }, { [A] = array(good), [B] = { spec = offered, data = 1 } }))
    assert.is_false(core.are_arrays({ A }, { [A] = { spec = 1, data = md.zeros { 1 } } }))
  end)

  it("pick what has the ROI that is wanted, and nothing where one has another", function()
    local a, b, other = array(good), array(good), array(good)
    local wanted = { [A] = inside, [B] = spec {} }
    assert.same({ [A] = a, [B] = b }, core.pick({ A, B }, wanted, { [A] = a, [B] = b, [P] = 1 }))
    local picked = core.pick({ A, B }, wanted, { [A] = a }, { [A] = other, [B] = b })
    assert.is_true(rawequal(a, picked[A]) and rawequal(b, picked[B]))
    assert.is_nil(core.pick({ A, B }, wanted, { [A] = a }))
    assert.is_nil(core.pick({ A }, { [A] = spec { roi = md.Roi({ 0, 0 }, { 4, 2 }) } }, { [A] = a }))
    assert.is_nil(core.pick({ P }, { [P] = md.GraphSpec { roi = roi } }, { [P] = 1 }))
  end)

  it("count bytes", function()
    assert.equal(100, core.bytes_wanted(offered, inside))
    assert.equal(800, core.bytes_wanted(spec { roi = roi, voxel_size = { 4, 2 }, dtype = "uint64" }, inside))
    assert.equal(math.huge, core.bytes_wanted(offered, spec { roi = md.Roi({ md.unbounded, 0 }, { md.unbounded, 2 }) }))
    assert.is_nil(core.bytes_wanted(offered, spec {}))
    assert.is_nil(core.bytes_wanted(spec { roi = roi }, inside))
  end)
end)

describe("all specs at once", function()
  local A, B, P = md.ArrayKey "ALL_A", md.ArrayKey "ALL_B", md.GraphKey "ALL_P"

  it("move, and are united", function()
    local values = { [A] = spec { roi = roi, voxel_size = { 4, 2 } }, [B] = spec { nonspatial = true }, [P] = md.GraphSpec { roi = md.Roi({ 50, 0 }, { 10, 5 }) } }
    assert.equal(md.Roi({ 0, 0 }, { 60, 20 }), core.total_roi({ A, B, P }, values))
    assert.is_nil(core.total_roi({ B }, values))
    core.shift_rois({ A, B, P }, values, md.Coordinate { 4, -2 })
    assert.equal(md.Roi({ 4, -2 }, { 40, 20 }), values[A].roi)
    assert.equal(md.Roi({ 54, -2 }, { 10, 5 }), values[P].roi)
    assert.same({ n = 3, nil, 2, 3 }, table.pack(core.total_roi({ P, A, B }, { [P] = md.GraphSpec {}, [A] = spec { roi = roi }, [B] = spec { roi = md.Roi({ 0 }, { 1 }) } })))
    assert.error_matches(function() core.shift_rois({ A }, values, { 1 }) end, "the shift has 1 axes where 2 are wanted")
  end)

  it("keep a box inside by these shifts", function()
    local shifts = core.shifts_within(md.Roi({ 0, 0 }, { 40, 20 }), md.Roi({ 8, 2 }, { 12, 6 }), md.Coordinate { 4, 2 })
    assert.equal(md.Roi({ -8, -2 }, { 32, 16 }), shifts)
    assert.is_true(core.shifts_within(md.Roi({ 0 }, { 8 }), md.Roi({ 0 }, { 12 }), md.Coordinate { 4 }).empty)
  end)

  it("are gone through as they were", function()
    local order, seen = { A, B }, {}
    for key, value in core.items(order, { [A] = 1, [B] = 2 }) do seen[#seen + 1] = key.name .. value end
    assert.same({ "ALL_A1", "ALL_B2" }, seen)
  end)

  it("are copied with the seed of a copy", function()
    local copies, seed = core.copy_specs({ A }, { [A] = spec { roi = roi } }, 7)
    assert.same({ roi, core.seed_copy(7) }, { copies[A].roi, seed })
    assert.is_nil((select(2, core.copy_specs({}, {}))))
    assert.error_matches(function() core.copy_specs({}, {}, 1 << 32) end, "seed must be from 0 to 4294967295, not 4294967296")
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
