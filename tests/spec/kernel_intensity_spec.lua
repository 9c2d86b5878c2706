--- Kernels on grey values: scale_shift, gamma, intensity, slab_count, max_channels.
local core = require "moondust.core"
local kernel = core.kernel

local NAN = 0 / 0

local function array(values, dtype) return core.ndarray(values, dtype or "float32") end

--- Bits of float32 elements, to compare with numpy's.
local function bits(a)
  local out = {}
  for piece in a:tostring_bytes():gmatch "...." do out[#out + 1] = string.unpack("=I4", piece) end
  return out
end

describe("kernel.scale_shift", function()
  it("normalizes as numpy: in float32, the factor rounded first", function()
    local a = kernel.scale_shift(array({ 0, 1, 127, 254, 255 }, "uint8"), 1.0 / 255, 0, "float32")
    assert.same({ 0, 998277249, 1056898816, 1065287424, 1065353216 }, bits(a))
  end)

  it("rounds half to even and saturates in integers", function()
    local a = array({ 0, 1, 2, 3, 200 }, "uint8")
    assert.same({ 0, 0, 1, 2, 100 }, kernel.scale_shift(a, 0.5, 0):totable())
    assert.same({ 0, 3, 6, 9, 255 }, kernel.scale_shift(a, 3, 0):totable())
    assert.same({ 0, 0, 0, 0, 100 }, kernel.scale_shift(a, 1, -100):totable())
    assert.equal("uint8", kernel.scale_shift(a, 3, 0).dtype)
  end)

  it("clips, keeps NaN and gives other dtypes", function()
    local a = kernel.scale_shift(array { -1, 0.25, 3 }, 2, 0.25, "float64", 0, 1)
    assert.equal("float64", a.dtype)
    assert.same({ 0, 0.75, 1 }, a:totable())
    local b = kernel.scale_shift(array { NAN, 5 }, 1, 0, nil, 0, 1):totable()
    assert.is_true(b[1] ~= b[1] and b[2] == 1)
  end)

  it("takes views and arrays of no elements", function()
    local a = array { { 1, 2, 3 }, { 4, 5, 6 } }
    assert.same({ { 6, 12 }, { 4, 10 }, { 2, 8 } }, kernel.scale_shift(a:flip(2):transpose(), 2, 0):totable())
    assert.same({ 0, 3 }, kernel.scale_shift(core.zeros { 0, 3 }, 2, 1).shape)
  end)

  it("refuses what makes no sense", function()
    assert.has_error(function() kernel.scale_shift(array { 1 }, 1, 0, nil, 2, 1) end,
      "can't clip to [2, 1]: low must not be above high")
    assert.error_matches(function() kernel.scale_shift(array { 1 }, "1") end, "scale must be a number")
    assert.error_matches(function() kernel.scale_shift(array { 1 }, 1, 0, "float16") end, "float16")
  end)
end)

describe("kernel.gamma", function()
  it("raises the normalised values", function()
    local a = kernel.gamma(array { 2, 3, 4 }, 2)
    assert.same({ 2, 2.5, 4 }, a:totable())
    local b = kernel.gamma(array({ 0, 0.25, 1 }, "float64"), 0.5)
    assert.equal("float64", b.dtype)
    assert.same({ 0, 0.5, 1 }, b:totable())
  end)

  it("takes views", function()
    local a = array { { 0, 1 }, { 2, 4 } }
    assert.same({ { 0.25, 4 }, { 0, 1 } }, kernel.gamma(a:transpose():flip(1), 2):totable())
  end)

  it("leaves flat arrays alone, and empty ones", function()
    local a = array { 0.5, 0.5005 }
    assert.is_true(kernel.gamma(a, 2):equal(a))
    assert.equal(0, kernel.gamma(core.zeros { 0 }, 2).size)
  end)

  it("names the first value that isn't finite", function()
    local a = array { { 0, 1 }, { NAN, 2 } }
    assert.has_error(function() kernel.gamma(a, 2) end,
      "gamma needs finite values, but element {2, 1} is nan: replace it before")
    a = array { { 0, 1, math.huge } }
    assert.has_error(function() kernel.gamma(a, 2) end,
      "gamma needs finite values, but element {1, 3} is inf: replace it before")
  end)

  it("refuses integers and senseless gammas", function()
    assert.has_error(function() kernel.gamma(array({ 1 }, "uint8"), 2) end,
      "gamma needs a float32 or float64 array, not uint8: normalize it before")
    assert.has_error(function() kernel.gamma(array { 1 }, 0) end, "gamma is 0, it must be positive and finite")
    assert.has_error(function() kernel.gamma(array { 1 }, NAN) end)
  end)
end)

describe("kernel.intensity", function()
  it("stretches about the mean", function()
    local a = array { 0.25, 0.5, 0.75 }
    assert.same({ 0.125, 0.625, 1.125 }, kernel.intensity(a, { -1 }, { 2 }, { 0.125 }, false):totable())
    assert.same({ 0.125, 0.625, 1 }, kernel.intensity(a, { -1 }, { 2 }, { 0.125 }, true):totable())
    assert.same({ 0.25, 0.5, 0.75 }, a:totable())
  end)

  it("does so slab by slab, in C order", function()
    local a = array({ { 0, 2, 8 }, { 0, 4, 6 } }, "float64")
    local b = kernel.intensity(a, { 1, 2 }, { 1, 0, 2, 3 }, { 0, 1, 0, -1 }, false)
    assert.same({ { 0, 2, 9 }, { -2, 6, 5 } }, b:totable())
    assert.same({ { 0, 2, 9 }, { -2, 6, 5 } },
      kernel.intensity(a:flip(1):flip(1), { 1, 2 }, { 1, 0, 2, 3 }, { 0, 1, 0, -1 }, false):totable())
    assert.equal(4, kernel.slab_count(a, { 1, 2 }))
    assert.equal(1, kernel.slab_count(a, { -1, -1 }))
    assert.equal(0, kernel.slab_count(core.zeros { 0, 3 }, { -1, -1 }))
  end)

  it("refuses what doesn't fit", function()
    local a = array { { 1, 2 } }
    assert.has_error(function() kernel.intensity(a, { 1, 1 }, { 1 }, { 0 }, false) end,
      "there are 1 scales and shifts for 2 slabs: give one for each")
    assert.has_error(function() kernel.intensity(a, { -1, -1 }, { 1 }, {}, false) end,
      "there are 1 scales and 0 shifts: give one of each for a slab")
    assert.has_error(function() kernel.intensity(a, { -1 }, { 1 }, { 0 }, false) end,
      "slab has 1 entries, the array has 2 axes: give one for each, -1 for a whole axis")
    assert.has_error(function() kernel.slab_count(a, { -1, 0 }) end,
      "slab[2] is 0: give a number of voxels or -1 for the whole axis")
    assert.has_error(function() kernel.intensity(array({ 1 }, "uint8"), { -1 }, { 1 }, { 0 }, false) end,
      "intensity needs a float32 or float64 array, not uint8: normalize it before")
  end)
end)

describe("kernel.max_channels", function()
  it("takes the maximum over leading axes, exactly", function()
    local a = array({ { { 1, 5 }, { 3, 2 } }, { { 4, 0 }, { 3, 9 } } }, "uint8")
    assert.same({ { 4, 5 }, { 3, 9 } }, kernel.max_channels(a, 2):totable())
    assert.same({ 4, 9 }, kernel.max_channels(a, 1):totable())
    assert.same({ { 4, 5 }, { 3, 9 } }, kernel.max_channels(a:flip(1), 2):totable())
    assert.is_true(kernel.max_channels(a, 3):equal(a))
  end)

  it("loses no bit of 64-bit integers and orders negative numbers", function()
    local big = (1 << 53) + 1
    assert.same({ big, -1 },
      kernel.max_channels(array({ { big - 1, -1 }, { big, math.mininteger } }, "int64"), 1):totable())
    assert.same({ -1 }, kernel.max_channels(array({ { 1 }, { 1 } }, "int64") * -1, 1):totable())
  end)

  it("lets NaN win, as numpy's max", function()
    local m = kernel.max_channels(array { { 1, NAN }, { NAN, 1 }, { 2, 2 } }, 1):totable()
    assert.is_true(m[1] ~= m[1] and m[2] ~= m[2])
  end)

  it("refuses no channels and too many axes", function()
    assert.has_error(function() kernel.max_channels(core.zeros { 0, 2 }, 1) end,
      "the array has no channels, so there is no maximum over them")
    assert.has_error(function() kernel.max_channels(core.zeros { 2 }, 2) end, "ndim is 2, the array has 1 axes")
  end)
end)
