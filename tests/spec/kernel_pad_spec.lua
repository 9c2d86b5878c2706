--- kernel.pad against numpy's figures, and its bad input.
local core = require "moondust.core"
local pad = core.kernel.pad

local function row(values, dtype) return core.ndarray(values, dtype or "uint8") end

describe("kernel.pad", function()
  it("puts a constant around", function()
    local a = row { { 1, 2 }, { 3, 4 } }
    assert.same({ { 7, 7, 7, 7 }, { 7, 1, 2, 7 }, { 7, 3, 4, 7 } }, pad(a, { 1, 1 }, { 0, 1 }, "constant", 7):totable())
    assert.same({ { 0, 1, 2 }, { 0, 3, 4 } }, pad(a, { 0, 1 }, { 0, 0 }, "constant"):totable())
    assert.same({ { 1, 2 }, { 3, 4 } }, a:totable())
  end)

  it("keeps the dtype and every bit of a 64-bit id", function()
    local a = row({ math.mininteger, 5 }, "int64")
    local b = pad(a, { 1 }, { 1 }, "constant", math.maxinteger)
    assert.equal("int64", b.dtype)
    assert.same({ math.maxinteger, math.mininteger, 5, math.maxinteger }, b:totable())
    for dtype in ("uint8 uint16 uint32 uint64 int8 int16 int32 int64 float32 float64"):gmatch "%S+" do
      assert.same({ 3, 3, 1, 2, 3 }, pad(row({ 1, 2 }, dtype), { 2 }, { 1 }, "constant", 3):totable())
    end
  end)

  it("reflects as numpy does, also where the pad is wider than the array", function()
    assert.same({ 2, 1, 2, 3, 2, 1, 2, 3, 2, 1, 2, 3, 2, 1, 2 },
      pad(row { 1, 2, 3 }, { 5 }, { 7 }, "reflect"):totable())
    assert.same({ 2, 1, 2, 1, 2, 1, 2, 1, 2 }, pad(row { 1, 2 }, { 3 }, { 4 }, "reflect"):totable())
    assert.same({ 5, 5, 5, 5, 5, 5, 5 }, pad(row { 5 }, { 3 }, { 3 }, "reflect"):totable())
    local wide = { 3, 4, 5, 4, 3, 4, 5 }
    local other = { 0, 1, 2, 1, 0, 1, 2 }
    assert.same({ wide, other, wide, other, wide },
      pad(row { { 0, 1, 2 }, { 3, 4, 5 } }, { 1, 4 }, { 2, 0 }, "reflect"):totable())
  end)

  it("takes views", function()
    local a = row { { 1, 2, 3 }, { 4, 5, 6 } }
    assert.same({ { 0, 3, 6 }, { 0, 2, 5 }, { 0, 1, 4 } },
      pad(a:flip(2):transpose(), { 0, 1 }, { 0, 0 }, "constant"):totable())
    assert.same({ { 2, 3, 2, 1, 2, 3 } }, pad(a:flip(2):slice(1, 1, 1), { 0, 1 }, { 0, 2 }, "reflect"):totable())
  end)

  it("takes empty arrays, which have nothing to reflect", function()
    local empty = core.zeros({ 0, 2 }, "uint8")
    assert.same({ { 9, 9 }, { 9, 9 } }, pad(empty, { 1, 0 }, { 1, 0 }, "constant", 9):totable())
    assert.has_error(function() pad(empty, { 1, 0 }, { 0, 0 }, "reflect") end,
      "axis 1 has no elements to reflect: pad with a constant")
  end)

  it("rounds the constant and refuses one that doesn't fit", function()
    assert.same({ 2, 1 }, pad(row { 1 }, { 1 }, { 0 }, "constant", 2.4):totable())
    assert.has_error(function() pad(row { 1 }, { 1 }, { 0 }, "constant", 300) end,
      "300 doesn't fit uint8, which holds 0 to 255")
    assert.has_error(function() pad(row { 1 }, { 1 }, { 0 }, "constant", -1) end,
      "-1 doesn't fit uint8, which holds 0 to 255")
    assert.has_error(function() pad(row({ 1 }, "int8"), { 1 }, { 0 }, "constant", 128.0) end,
      "128 doesn't fit int8, which holds -128 to 127")
    assert.has_error(function() pad(row { 1 }, { 1 }, { 0 }, "constant", 0 / 0) end)
    assert.is_true(pad(row({ 1 }, "float32"), { 1 }, { 0 }, "constant", math.huge):max() == math.huge)
  end)

  it("refuses sizes that make no sense", function()
    local a = row { { 1, 2 } }
    assert.error_matches(function() pad(a, { -1, 0 }, { 0, 0 }, "constant") end,
      "padding of axis 1 is %-1 before and 0 after: it can't be negative")
    assert.error_matches(function() pad(a, { 1 }, { 0, 0 }, "constant") end,
      "before has 1 entries, the array has 2 axes")
    assert.error_matches(function() pad(a, { 0, 0 }, { 0, 0 }, "edge") end, "mode")
    assert.error_matches(function() pad(a, { 0, 1 << 62 }, { 0, 1 << 62 }, "constant") end, "can't grow by")
    assert.has_error(function() pad(a, { 0, 1 << 61 }, { 0, 0 }, "constant") end)
  end)
end)
