local core = require "moondust.core"
local figures = require "spec.support.figures"

local function message(f, ...)
  local ok, text = pcall(f, ...)
  assert.is_false(ok)
  return (tostring(text):gsub("^[^:]+:%d+: ", ""))
end

local function draw(n, f)
  local out = {}
  for i = 1, n do out[i] = f() end
  return out
end

describe("Rng against CPython and NumPy", function()
  for _, seed in ipairs{ 0, 1, 42, 123456789, 4294967295 } do
    it("draws the same for seed " .. seed, function()
      local file <close> = assert(core.hdf5.open("tests/golden/streams.h5"))
      local function golden(name) return assert(file:read(("/seed_%d/%s"):format(seed, name))):totable() end
      local rng = core.Rng(seed)
      assert.same(golden "py_random", draw(8, function() return rng:random() end))
      assert.same(golden "py_randint_0_9", draw(8, function() return rng:randint(0, 9) end))
      assert.same(golden "py_randint_big", draw(4, function() return rng:randint(0, 1 << 32) end))
      assert.same(golden "py_choices", draw(8, function() return rng:choice_cumulative{ 1, 3, 3.5, 7, 8 } - 1 end))
      local sample = rng:sample(3, 3)
      for i = 1, 3 do sample[i] = sample[i] - 1 end
      assert.same(golden "py_sample", sample)

      assert.same(golden "np_random", draw(8, function() return rng:np_random() end))
      assert.same(golden "np_normal", draw(7, function() return rng:np_normal(0, 2) end))
      assert.same(golden "np_uniform", draw(5, function() return rng:np_uniform(-1, 3) end))
      assert.same(golden "np_choice_p", draw(8, function() return rng:np_choice(3, { 0.2, 0.3, 0.5 }) - 1 end))
      assert.same(golden "np_choice", draw(8, function() return rng:np_choice(5) - 1 end))
      rng:seed(seed)
      assert.same(golden "np_rotation_matrix", rng:np_rotation())

      local chain, s = {}, seed
      for i = 1, 6 do
        s = core.seed_copy(s)
        chain[i] = s
      end
      assert.same(golden "request_copy_seeds", chain)
      figures.passed("streams.h5", "seed_" .. seed)
    end)
  end
end)

describe("Rng", function()
  it("fills arrays with the draws it would make one by one", function()
    local one, other = core.Rng(7), core.Rng(7)
    local a = one:np_normals(10, 2, { 3, 5 })
    assert.same({ 3, 5 }, a.shape)
    assert.equal("float64", a.dtype)
    local flat = a:reshape{ 15 }:totable()
    assert.same(draw(15, function() return other:np_normal(10, 2) end), flat)
  end)

  it("starts with seed 0 and starts again with seed()", function()
    local a, b = core.Rng(), core.Rng(0)
    local first = a:random()
    assert.equal(first, b:random())
    a:seed(0)
    assert.equal(first, a:random())
  end)

  it("draws a point of a Roi as it draws its coordinates", function()
    local one, other = core.Rng(7), core.Rng(7)
    local roi = core.Roi({ -3, 0, 1 << 40 }, { 7, 1, 1 << 33 })
    local expected = {}
    for d = 1, 3 do expected[d] = other:randint(roi.begin[d], roi.stop[d] - 1) end
    assert.same(expected, one:point_in(roi):totable())
    assert.equal(other:random(), one:random())
    assert.equal("point_in: the Roi has no end, or nothing in it", message(one.point_in, one, core.Roi({ 0 }, { 0 })))
    assert.equal("point_in: the Roi has no end, or nothing in it", message(one.point_in, one, core.Roi({ 0 }, { core.unbounded })))
  end)

  it("draws displacements axis by axis, but for those that have none", function()
    local one, other = core.Rng(7), core.Rng(7)
    local drawn = one:np_displacement({ 2, 0, 0.5 }, { 1, 2, 3 })
    assert.same({ 3, 1, 2, 3 }, drawn.shape)
    assert.equal("float32", drawn.dtype)
    local expected = core.zeros({ 3, 1, 2, 3 }, "float32")
    expected[{ 1 }], expected[{ 3 }] = other:np_normals(0, 2, { 1, 2, 3 }), other:np_normals(0, 0.5, { 1, 2, 3 })
    assert.equal(expected:hash(), drawn:hash())
    assert.equal(other:np_random(), one:np_random())
    assert.is_nil(one:np_displacement({ 0, 0 }, { 4, 4 }))
    assert.equal("there are 1 sigmas for 2 axes", message(one.np_displacement, one, { 1 }, { 4, 4 }))
  end)

  it("says whether a draw exceeds p, and draws it where it needn't know", function()
    local one, other = core.Rng(3), core.Rng(3)
    for _, p in ipairs { 1, 1, 0.3, 0.7, 1, 0 } do assert.equal(other:random() > p, one:exceeds(p)) end
    assert.equal(other:random(), one:random())
    assert.equal("p must be a number, not nil", message(one.exceeds, one))
  end)

  it("checks its arguments", function()
    local rng = core.Rng(1)
    assert.equal("seed must not be negative: -1", message(core.Rng, -1))
    assert.equal("seed must be a whole number, not 1.5", message(core.Rng, 1.5))
    assert.equal("seed must be a whole number, not string", message(core.Rng, "1"))
    assert.equal("randint(3, 2): low is above high", message(rng.randint, rng, 3, 2))
    assert.equal("np_randint(3, 3): low must be below high, which is excluded", message(rng.np_randint, rng, 3, 3))
    assert.equal("cumulative has no entries", message(rng.choice_cumulative, rng, {}))
    assert.equal("cumulative must not fall: entry 2 is below the one before", message(rng.choice_cumulative, rng, { 2, 1 }))
    assert.equal("cumulative must end above 0", message(rng.choice_cumulative, rng, { 0, 0 }))
    assert.equal("entry 2 of cumulative must be a number, not string", message(rng.choice_cumulative, rng, { 1, "2" }))
    assert.equal("sample: k must be from 0 to n = 3, not 4", message(rng.sample, rng, 3, 4))
    assert.equal("np_choice: n must be at least 1, not 0", message(rng.np_choice, rng, 0))
    assert.equal("np_choice: the probabilities sum to 0.75, not 1", message(rng.np_choice, rng, 2, { 0.5, 0.25 }))
    assert.equal("np_choice: 1 probabilities for n = 2", message(rng.np_choice, rng, 2, { 1 }))
    assert.equal("np_choice: probability 1 is -1.0, not from 0 to 1", message(rng.np_choice, rng, 2, { -1, 2 }))
    assert.equal("scale must not be negative: -1.0", message(rng.np_normal, rng, 0, -1))
    assert.equal("high must be a number, not nil", message(rng.np_uniform, rng, 0))
  end)

  it("stays within its ranges", function()
    local rng = core.Rng(3)
    for _ = 1, 200 do
      local i, j, u = rng:randint(-5, 5), rng:np_randint(10, 12), rng:np_uniform(2, 3)
      assert.is_true(i >= -5 and i <= 5 and j >= 10 and j < 12 and u >= 2 and u < 3)
    end
    assert.same({}, rng:sample(5, 0))
    assert.equal(5, rng:randint(5, 5))
  end)
end)

describe("seeds", function()
  it("of rejection attempts differ, but the first is the seed itself", function()
    assert.equal(42, core.seed_attempt(42, 0))
    local seen = {}
    for n = 0, 999 do
      local s = core.seed_attempt(42, n)
      assert.is_nil(seen[s])
      assert.is_true(s >= 0 and s < 1 << 32)
      seen[s] = true
    end
  end)

  it("are 32 bits wide", function()
    assert.equal("seed must be from 0 to 4294967295, not 4294967296", message(core.seed_copy, 1 << 32))
    assert.equal("seed must be from 0 to 4294967295, not -1", message(core.seed_attempt, -1, 0))
    assert.equal("attempt must not be negative: -1", message(core.seed_attempt, 1, -1))
    local s = core.seed_from_system()
    assert.is_true(math.type(s) == "integer" and s >= 0 and s < 1 << 32)
  end)
end)
