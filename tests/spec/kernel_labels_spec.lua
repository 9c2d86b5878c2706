--- affinities and one_hot.
local core = require "moondust.core"
local kernel = core.kernel

local function labels(values, dtype) return core.ndarray(values, dtype or "uint64") end

describe("kernel.affinities", function()
  it("joins neighbours of one id", function()
    local a = kernel.affinities(labels { { 1, 1, 2 }, { 1, 0, 0 } }, { { 0, 1 }, { 1, 0 }, { 0, -1 }, { -1, 1 } })
    assert.equal("uint8", a.dtype)
    assert.same({
      { { 1, 0, 0 }, { 0, 0, 0 } },
      { { 1, 0, 0 }, { 0, 0, 0 } },
      { { 0, 1, 0 }, { 0, 0, 0 } },
      { { 0, 0, 0 }, { 1, 0, 0 } },
    }, a:totable())
  end)

  it("takes background for an object when asked", function()
    local a = labels { { 1, 1, 2 }, { 1, 0, 0 } }
    assert.same({ { { 1, 0, 0 }, { 0, 1, 0 } } }, kernel.affinities(a, { { 0, 1 } }, true):totable())
  end)

  it("tells ids apart that differ in one bit anywhere", function()
    local ids = labels { (1 << 53) + 1, (1 << 53), 1 << 32, (1 << 32) | 1, math.mininteger, math.mininteger }
    assert.same({ { 0, 0, 0, 0, 1, 0 } }, kernel.affinities(ids, { { 1 } }):totable())
    assert.same({ { 0, 1, 0 } }, kernel.affinities(labels({ 1, -1, -1 }, "int8"), { { 1 } }):totable())
  end)

  it("works along 1 to 4 axes and on views", function()
    local a = core.zeros({ 2, 2, 2, 3 }, "uint16"):fill(9)
    local b = kernel.affinities(a, { { 1, -1, 1, -2 }, { 0, 0, 0, 0 } })
    assert.same({ 2, 2, 2, 2, 3 }, b.shape)
    assert.equal(1 + 24, b:sum())
    assert.equal(1, b[{ 1, 1, 2, 1, 3 }])
    local c = labels { { 1, 1, 2 }, { 1, 0, 0 } }
    local view = kernel.affinities(c:transpose():flip(1), { { 0, 1 }, { -1, 0 } })
    assert.is_true(view:equal(kernel.affinities(c:transpose():flip(1):copy(), { { 0, 1 }, { -1, 0 } })))
    assert.equal(2, view:sum())
  end)

  it("gives 0 for offsets out of the array, however far", function()
    local far = { { 2, 0 }, { 0, 3 }, { 0, -3 }, { math.mininteger, 0 }, { 0, math.maxinteger },
      { 0, math.mininteger } }
    assert.equal(0, kernel.affinities(labels { { 1, 1, 1 }, { 1, 1, 1 } }, far):sum())
  end)

  it("refuses what makes no sense", function()
    local a = labels { { 1, 1 } }
    assert.has_error(function() kernel.affinities(a, {}) end, "the neighborhood is empty: give at least one offset")
    assert.has_error(function() kernel.affinities(a, { { 0, 1 }, { 1 } }) end,
      "offset 2 has 1 entries, the array has 2 axes")
    assert.has_error(function() kernel.affinities(labels({ { 1 } }, "float32"), { { 0, 1 } }) end,
      "labels must have an integer dtype, not float32: use :astype")
    assert.has_error(function() kernel.affinities(core.zeros({ 1, 1, 1, 1, 1 }, "uint8"), { { 0, 0, 0, 0, 1 } }) end,
      "labels have 5 axes: affinities are made of 1 to 4 spatial axes")
  end)
end)

describe("kernel.one_hot", function()
  it("gives a channel to each class, none to others", function()
    local a = kernel.one_hot(labels { { 0, 1 }, { 2, 3 } }, 3)
    assert.same({ { { 1, 0 }, { 0, 0 } }, { { 0, 1 }, { 0, 0 } }, { { 0, 0 }, { 1, 0 } } }, a:totable())
    assert.equal("uint8", a.dtype)
    assert.same({ { 0, 0, 0 }, { 0, 0, 1 } }, kernel.one_hot(labels({ -1, 257, 1 }, "int16"), 2):totable())
    assert.equal(0, kernel.one_hot(labels { 1 << 32 }, 1):sum())
  end)

  it("makes of bytes what it makes of other ids, of any number and in views", function()
    local values = {}
    for i = 1, 2 * 1537 do values[i] = i * 7919 % 256 end
    local bytes, ids = labels(values, "uint8"), labels(values, "int32")
    for _, classes in ipairs { 1, 6, 255, 256, 300 } do
      local wanted = kernel.one_hot(ids, classes)
      assert.equal(wanted:hash(), kernel.one_hot(bytes, classes):hash(), classes)
      assert.equal(kernel.one_hot(ids:flip(1), classes):hash(), kernel.one_hot(bytes:flip(1), classes):hash(), classes)
    end
    assert.equal(0, kernel.one_hot(labels({ -1, -128 }, "int8"), 255):max())
  end)

  it("takes views", function()
    assert.same({ { { 0, 1 }, { 1, 0 } } }, kernel.one_hot(labels { { 0, 1 }, { 1, 0 } }:flip(2), 1):totable())
    assert.same({ { { 0, 0 }, { 1, 1 } } }, kernel.one_hot(labels { { 1, 0 }, { 2, 0 } }:transpose(), 1):totable())
  end)

  it("refuses what makes no sense", function()
    assert.has_error(function() kernel.one_hot(labels { 1 }, 0) end, "0 classes: there must be at least one")
    assert.has_error(function() kernel.one_hot(labels({ 1 }, "float64"), 1) end,
      "labels must have an integer dtype, not float64: use :astype")
    assert.error_matches(function() kernel.one_hot(core.zeros({ 1, 1, 1, 1, 1, 1, 1, 1 }, "uint8"), 2) end,
      "labels have 8 axes")
    assert.has_error(function() kernel.one_hot(labels { 1 }, 1 << 62) end)
  end)
end)
