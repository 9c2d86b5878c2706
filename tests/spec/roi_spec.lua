local core = require "moondust.core"
local figures = require "spec.support.figures"
local json = require "dkjson"
local C, Roi = core.Coordinate, core.Roi

local function message(f, ...)
  local ok, text = pcall(f, ...)
  assert.is_false(ok)
  return (tostring(text):gsub("^[^:]+:%d+: ", ""))
end

describe("Roi", function()
  local roi = Roi({ 10, 20, 30 }, { 100, 50, 25 })

  it("has fields", function()
    assert.equal(C{ 10, 20, 30 }, roi.offset)
    assert.equal(C{ 10, 20, 30 }, roi.begin)
    assert.equal(C{ 100, 50, 25 }, roi.shape)
    assert.equal(C{ 110, 70, 55 }, roi.stop)
    assert.equal(C{ 60, 45, 42 }, roi.center)
    assert.equal(125000, roi.size)
    assert.equal(3, roi.dims)
    assert.is_false(roi.empty)
    assert.is_false(roi.unbounded)
    assert.is_nil(roi.nothing)
    assert.equal("[10:110, 20:70, 30:55] (100, 50, 25)", tostring(roi))
  end)

  it("is immutable", function()
    assert.equal("a Roi can't be changed; make a new one", message(function() roi.offset = { 0, 0, 0 } end))
  end)

  it("says what is wrong with what it is made of", function()
    assert.equal("Roi is made of two values: Roi(offset, shape)", message(Roi, { 1 }))
    assert.equal("entry 1 of offset of the Roi must be a whole number, not 0.5", message(Roi, { 0.5 }, { 1 }))
    assert.equal("shape of the Roi must be a Coordinate or a table of whole numbers, not string", message(Roi, { 1 }, "x"))
    assert.is_truthy(message(Roi, { 1 }, { 1, 2 }):find("axes", 1, true))
  end)

  it("may be unbounded", function()
    local u = core.unbounded
    local open = Roi({ u, 0 }, { u, 10 })
    assert.is_true(open.unbounded)
    assert.is_nil(open.size)
    assert.is_true(open:contains(Roi({ -1000, 0 }, { 5000, 10 })))
    assert.equal(Roi({ 3, 0 }, { 4, 10 }), open:intersect(Roi({ 3, -5 }, { 4, 100 })))
  end)

  it("contains ROIs, points and locations with fractions", function()
    assert.is_true(roi:contains(Roi({ 10, 20, 30 }, { 1, 1, 1 })))
    assert.is_false(roi:contains(Roi({ 10, 20, 30 }, { 101, 1, 1 })))
    assert.is_true(roi:contains{ 10, 20, 30 })
    assert.is_false(roi:contains(C{ 110, 20, 30 }))
    assert.is_true(roi:contains{ 109.99, 20.5, 30 })
    assert.is_false(roi:contains{ 9.99, 20.5, 30 })
    assert.equal("the point has 2 axes where 3 are wanted", message(function() return roi:contains{ 1, 2 } end))
    assert.equal("the point has 2 axes where 3 are wanted", message(function() return roi:contains{ 1.5, 2 } end))
    assert.equal("the other Roi has 1 axes, this one has 3", message(function() return roi:contains(Roi({ 1 }, { 2 })) end))
  end)

  it("moves and scales with operators", function()
    assert.equal(Roi({ 15, 25, 35 }, { 100, 50, 25 }), roi + 5)
    assert.equal(Roi({ 15, 25, 35 }, { 100, 50, 25 }), 5 + roi)
    assert.equal(Roi({ 9, 18, 27 }, { 100, 50, 25 }), roi - { 1, 2, 3 })
    assert.equal(Roi({ 20, 40, 60 }, { 200, 100, 50 }), roi * 2)
    assert.equal(Roi({ 2, 4, 6 }, { 20, 10, 5 }), roi / C{ 5, 5, 5 })
    assert.equal(Roi({ 2, 4, 6 }, { 20, 10, 5 }), roi // 5)
    assert.equal(Roi({ 5, 15, 25 }, { 110, 60, 35 }), roi:grow(5))
    assert.equal(Roi({ 5, 15, 25 }, { 105, 55, 30 }), roi:grow(5, 0))
    assert.equal("a Roi can't be subtracted from something", message(function() return 5 - roi end))
    assert.equal("a Roi can't divide something", message(function() return 5 / roi end))
  end)

  it("names the mode that was meant", function()
    assert.equal("the mode of snap_to_grid has no choice 'shrnk'; did you mean 'shrink'?",
      message(function() return roi:snap_to_grid({ 8, 8, 8 }, "shrnk") end))
    assert.equal("the mode of snap_to_grid has no choice 'outwards'; there are grow, shrink and closest",
      message(function() return roi:snap_to_grid({ 8, 8, 8 }, "outwards") end))
  end)

  it("compares by value", function()
    assert.equal(roi, Roi({ 10, 20, 30 }, { 100, 50, 25 }))
    assert.not_equal(roi, roi + 1)
    assert.is_false(roi == roi.offset)
  end)
end)

describe("Roi against funlib.geometry", function()
  local file = assert(io.open("tests/golden/geometry.json"))
  local cases = json.decode(file:read("a"), 1, core.unbounded)
  file:close()

  local function make(r) return Roi(r.offset, r.shape) end
  local function check(n, what, wanted, roi)
    assert.same(wanted.offset, roi.offset:totable(), ("case %d: offset of %s"):format(n, what))
    assert.same(wanted.shape, roi.shape:totable(), ("case %d: shape of %s"):format(n, what))
  end

  it("agrees in all 200 cases", function()
    assert.equal(200, #cases)
    for n, case in ipairs(cases) do
      local a, b = make(case.a), make(case.b)
      check(n, "a", case.a, a)
      assert.equal(case.empty, a.empty, n)
      assert.equal(case.unbounded, a.unbounded, n)
      assert.equal(case.intersects, a:intersects(b), n)
      if type(case.a_contains_b) == "boolean" then assert.equal(case.a_contains_b, a:contains(b), n) end
      check(n, "intersect", case.intersect, a:intersect(b))
      check(n, "union", case.union, a:union(b))
      check(n, "snap_grow", case.snap_grow, a:snap_to_grid(case.voxel_size))
      check(n, "snap_grow", case.snap_grow, a:snap_to_grid(case.voxel_size, "grow"))
      check(n, "snap_shrink", case.snap_shrink, a:snap_to_grid(case.voxel_size, "shrink"))
      check(n, "snap_closest", case.snap_closest, a:snap_to_grid(case.voxel_size, "closest"))
      check(n, "grown", case.grown, a:grow(case.grow, case.grow))
      check(n, "shifted", case.shifted, a:shift(case.voxel_size))
      assert.same(case.center, a.center:totable(), n)
      assert.same(case["end"], a.stop:totable(), n)
      figures.passed("geometry.json", tostring(n))
    end
  end)
end)

describe("Roi:index_of", function()
  it("is the index of a part behind channels", function()
    local roi = Roi({ 10, 20 }, { 30, 40 })
    assert.same({ {}, { 2, 3 }, { 1, 4 } }, roi:index_of(Roi({ 20, 20 }, { 20, 40 }), { 10, 10 }, 1))
    assert.same({ { 1, 0 }, { 1, 4 } }, roi:index_of(Roi({ 0, 0 }, { 0, 40 }), { 10, 10 }, 0))
    assert.error_matches(function() roi:index_of(Roi({ 0 }, { 1 }), { 10, 10 }, 0) end, "the other Roi has 1 axes, this one has 2")
  end)
end)
