--- boundary_distance and distance_mask by hand; the search through all sites is in tests/c/test_edt.c, upstream's
--- figures are in kernel_golden_spec.lua.
local core = require "moondust.core"
local kernel = core.kernel

local function labels(values, dtype) return core.ndarray(values, dtype or "uint8") end

local function nearly(expected, actual)
  for i, value in ipairs(expected) do
    if type(value) == "table" then nearly(value, actual[i]) else assert.near(value, actual[i], 1e-6) end
  end
end

describe("kernel.boundary_distance", function()
  it("measures to the face between two voxels", function()
    local d = kernel.boundary_distance(labels { 0, 0, 1, 1, 2, 2 }, { 4 })
    assert.equal("float32", d.dtype)
    assert.same({ -6, -2, 2, 2, 2, 6 }, d:totable())
  end)

  it("measures to face centres along each axis, in world units", function()
    local d = kernel.boundary_distance(labels { { 1, 0, 0 }, { 0, 0, 0 } }, { 6, 2 }):totable()
    nearly({ { 1, -1, -3 }, { -3, -math.sqrt(13), -5 } }, d)
  end)

  it("takes fractions of a voxel size", function()
    nearly({ 0.75, -0.75, -2.25 }, kernel.boundary_distance(labels { 1, 0, 0 }, { 1.5 }):totable())
  end)

  it("gives half the smallest extent where there is no face, its sign by the label", function()
    assert.same({ { -3, -3 }, { -3, -3 } },
      kernel.boundary_distance(labels { { 0, 0 }, { 0, 0 } }, { 50, 3 }):totable())
    assert.same({ { 3, 3 }, { 3, 3 } }, kernel.boundary_distance(labels { { 7, 7 }, { 7, 7 } }, { 50, 3 }):totable())
    assert.same({ 2 }, kernel.boundary_distance(labels { 1 }, { 4 }):totable())
  end)

  it("takes each channel for itself, and views", function()
    local a = labels { { 0, 1, 1 }, { 0, 0, 0 }, { 1, 1, 0 } }
    assert.same({ { -1, 1, 3 }, { -3, -3, -3 }, { 3, 1, -1 } },
      kernel.boundary_distance(a, core.Coordinate { 2 }):totable())
    assert.same({ { 3, 1, -1 }, { -3, -3, -3 }, { -1, 1, 3 } }, kernel.boundary_distance(a:flip(2), { 2 }):totable())
    local turned = labels { { 1, 0 }, { 0, 0 }, { 0, 0 } }:transpose()
    assert.is_true(kernel.boundary_distance(turned, { 3, 2 }):equal(kernel.boundary_distance(turned:copy(), { 3, 2 })))
  end)

  it("squashes with tanh", function()
    local d = kernel.boundary_distance(labels { 0, 0, 1, 1 }, { 4 }, 5):totable()
    local function tanh(x) return (math.exp(x) - math.exp(-x)) / (math.exp(x) + math.exp(-x)) end
    nearly({ tanh(-1.2), tanh(-0.4), tanh(0.4), tanh(1.2) }, d)
    local far = core.zeros({ 500 }, "uint8")
    far[{ 1 }] = 1
    d = kernel.boundary_distance(far, { 4 }, 1)
    assert.equal(-1, d[{ 500 }])
    assert.near(tanh(2), d[{ 1 }], 1e-7)
    for voxel = 1, 12 do -- where it is cut off it is 1 but for 1e-6
      local steps = kernel.boundary_distance(far, { 2 }, voxel)
      for x = 2, 100 do assert.near(-tanh((2 * x - 3) / voxel), steps[{ x }], 1e-6) end
    end
  end)

  it("is the same labels of 64 bits", function()
    assert.same({ 1, 1 }, kernel.boundary_distance(labels({ 1, 1 | (1 << 60) }, "uint64"), { 2 }):totable())
  end)

  it("takes arrays of no elements", function()
    assert.same({ 0, 3 }, kernel.boundary_distance(core.zeros({ 0, 3 }, "uint8"), { 1, 1 }).shape)
  end)

  it("refuses what makes no sense", function()
    local a = labels { { 1, 0 } }
    assert.has_error(function() kernel.boundary_distance(a, { 1, 0 }) end, "voxel_size[2] is 0, not a positive number")
    assert.has_error(function() kernel.boundary_distance(a, { 1, 1, 1 }) end,
      "voxel_size has 3 axes, labels have 2: there must be at least one axis, and as many in labels")
    assert.error_matches(function() kernel.boundary_distance(a, { 1, 1 }, -1) end,
      "scale is %-1%.0, it must be positive")
    assert.has_error(function() kernel.boundary_distance(core.zeros { 2 }, { 1 }) end,
      "labels must have an integer dtype, not float32: use :astype or a comparison")
  end)
end)

describe("kernel.distance_mask", function()
  local function tanh(x) return (math.exp(x) - math.exp(-x)) / (math.exp(x) + math.exp(-x)) end

  it("keeps voxels that see their boundary before the border of the mask", function()
    -- Border distances at half of voxel size 2: 1 2 3 3 2 1 voxels, so tanh(1), tanh(2), tanh(3) with scale 1.
    local t = core.ndarray({ { -0.9, 0.7, 0.9, 0.95, -0.92, 0.7 } }, "float32")
    local mask = labels { { 1, 1, 1, 1, 1, 1 } }
    local m = kernel.distance_mask(t, mask, { 2 }, 1, 0.05, 0.98)
    assert.equal("uint8", m.dtype)
    assert.near(0.7616, tanh(1), 1e-4)
    assert.near(0.9640, tanh(2), 1e-4)
    assert.same({ { 0, 1, 1, 1, 0, 1 } }, m:totable())
    assert.same({ 0, 1, 1, 1, 0, 1 }, kernel.distance_mask(t, mask:drop_axis(1), { 2 }, 1, 0.05, 0.98):totable())
    assert.same({ { 1, 1, 1, 1, 1, 1 } }, kernel.distance_mask(t, mask, { 2 }, 1, 0.05, 0.75):totable())
  end)

  it("leaves masked-out voxels out and other values of a mask as they are", function()
    local t = core.zeros({ 1, 6 }, "float32")
    assert.same({ { 0, 200, 200, 0, 1, 0 } },
      kernel.distance_mask(t, labels { { 0, 200, 200, 0, 1, 0 } }, { 2 }, 1, 0.05, 0.8):totable())
    assert.same({ { 0, 1, 0, 200, 200, 0 } },
      kernel.distance_mask(t, labels { { 0, 200, 200, 0, 1, 0 } }:flip(2), { 2 }, 1, 0.05, 0.8):totable())
  end)

  it("refuses shapes that don't go together", function()
    local six, two = labels { 1, 1, 1, 1, 1, 1 }, labels { { 1, 1 } }
    assert.error_matches(function() kernel.distance_mask(core.zeros { 2, 6 }, six, { 2 }, 1, 0.05, 0.8) end,
      "target is 2x6 and mask 6 with 1 spatial axes")
    assert.error_matches(function() kernel.distance_mask(core.zeros { 1, 6 }, two, { 2 }, 1, 0.05, 0.8) end,
      "target is 1x6 and mask 1x2")
    assert.has_error(function() kernel.distance_mask(core.zeros { 1, 2 }, core.zeros { 1, 2 }, { 2 }, 1, 0.05, 0.8) end,
      "mask must have an integer dtype, not float32: use :astype or a comparison")
  end)
end)
