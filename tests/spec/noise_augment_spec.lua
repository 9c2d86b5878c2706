-- NoiseAugment: its modes, its range, what it refuses. Distributions are in statistics_spec.lua.
local md = require "moondust"
local core = require "moondust.core"
local battery = require "spec.support.battery"
local errors = require "spec.support.errors"

local RAW, FLOAT = battery.RAW, battery.FLOAT

for _, mode in ipairs { "gaussian", "localvar", "poisson", "salt", "pepper", "s&p", "speckle" } do
  battery.node("NoiseAugment " .. mode, {
    node = function() return md.NoiseAugment { FLOAT, mode } end, random = true, untouched = { battery.RAW, battery.LABELS },
    request = function(seed) return battery.request(seed, FLOAT, battery.LABELS) end,
  })
end

local SPEC = md.ArraySpec { roi = md.Roi({ 0, 0, 0 }, { 10, 20, 30 }), voxel_size = { 1, 1, 1 } }

local function run(values, options, seed)
  local data = type(values) == "number" and core.zeros({ 10, 20, 30 }, "float32"):fill(values) or values
  local p <close> = (md.ArraySource { FLOAT, md.Array { data, SPEC } } + md.NoiseAugment(options)):build()
  local request = md.BatchRequest { random_seed = seed or 1 }
  request[FLOAT] = SPEC.roi
  return p:request_batch(request)[FLOAT].data
end

describe("NoiseAugment", function()
  it("clips to a range that doesn't depend on the crop", function()
    assert.same({ 0, 1 }, { run(0.5, { FLOAT, var = 4 }):minmax() })
    assert.same({ -1, 1 }, { run(0.5, { FLOAT, var = 4, signed = true }):minmax() })
    assert.equal(0, run(0.5, { FLOAT, "pepper", amount = 1 }):max())
    assert.equal(-1, run(0.5, { FLOAT, "pepper", amount = 1, signed = true }):max())
    local low, high = run(0.5, { FLOAT, var = 4, clip = false }):minmax()
    assert.is_true(low < -1 and high > 2)
  end)

  it("draws nothing that others would draw", function()
    local function shifted(noise)
      local nodes = md.ArraySource { FLOAT, md.Array { core.zeros({ 10, 20, 30 }, "float32"):fill(0.5), SPEC } } + noise
        + md.IntensityAugment { FLOAT, 1, 1, -0.2, 0.2 }
      local p <close> = nodes:build()
      local request = md.BatchRequest { random_seed = 4 }
      request[FLOAT] = SPEC.roi
      return p:request_batch(request)[FLOAT].data
    end
    local without, with = shifted(md.NoiseAugment { FLOAT, "s&p", amount = 0 }), shifted(md.NoiseAugment { FLOAT, var = 1e-6 })
    assert.near(without:mean(), with:mean(), 1e-4)
    assert.is_true(with:std() > 1e-4)
  end)

  it("is the same on views and on copies", function()
    local data = core.kernel.noise(core.zeros({ 30, 20, 10 }, "float32"):fill(0.5), "gaussian", 9)
    local turned = data:transpose(3, 2, 1)
    assert.is_true(core.kernel.noise(turned, "speckle", 5):equal(core.kernel.noise(turned:copy(), "speckle", 5)))
  end)

  it("repeats variances, not noise", function()
    local made = run(0.5, { FLOAT, "localvar", local_vars = core.ndarray({ { { 1e-12 } }, { { 1 } }, { { 1e-12 } }, { { 1e-12 } }, { { 1e-12 } }, { { 1e-12 } },
      { { 1e-12 } }, { { 1e-12 } }, { { 1e-12 } }, { { 1e-12 } } }, "float64"), clip = false })
    assert.near(0.5, made[{ 1 }]:mean(), 1e-5)
    assert.near(1, made[{ 2 }]:std(), 0.1)
    assert.is_true(made[{ 2 }]:unique().size > 590)
  end)

  it("poisson: as many levels as upstream, the same mean", function()
    local two = core.kernel.scale_shift(core.kernel.noise(core.zeros({ 10, 20, 30 }, "float32"), "s&p", 1, { amount = 1 }), 0.5, 0.25)
    local made = run(two, { FLOAT, "poisson", clip = false })
    assert.is_true((made * 2):equal((made * 2):astype "int32":astype "float32"), "two values: two levels")
    assert.near(0.5, made:mean(), 0.03)
    local signed = run(core.kernel.scale_shift(two, 2, -1), { FLOAT, "poisson", clip = false, signed = true })
    assert.near(0, signed:mean(), 0.05)
    assert.equal(-1, run(-1, { FLOAT, "poisson", signed = true }):max())
  end)

  it("float64 in, float64 out", function()
    local made = run(core.zeros({ 10, 20, 30 }, "float64"):fill(0.5), { FLOAT })
    assert.equal("float64", made.dtype)
    assert.near(0.1, made:std(), 0.01)
  end)

  it("p = 0 changes nothing", function() assert.equal(0, run(0.5, { FLOAT, p = 0 }):std()) end)

  it("refuses what makes no sense", function()
    local function refused(message, options) assert.equal(message, errors.bare(md.NoiseAugment, options)) end
    refused("NoiseAugment: there is no mode 'salty'; there are gaussian, localvar, pepper, poisson, s&p, salt, speckle", { FLOAT, "salty" })
    refused("NoiseAugment: mode 'gaussian' has no 'amount'; it takes mean, var", { FLOAT, amount = 0.1 })
    refused("NoiseAugment: mode 'poisson' has no 'var'; it takes no parameters", { FLOAT, "poisson", var = 0.1 })
    refused("NoiseAugment: 'var' must not be negative, it is -1", { FLOAT, var = -1 })
    refused("NoiseAugment: 'local_vars' must be an ndarray of variances, not 3", { FLOAT, "localvar", local_vars = 3 })
    refused("NoiseAugment: 'p' must be a number from 0 to 1, not 2", { FLOAT, p = 2 })
    refused("NoiseAugment: 'array' is missing: an ArrayKey", {})
  end)

  it("refuses arrays that it can't spoil", function()
    assert.equal("NoiseAugment: FLOAT lies in [-0.5, -0.5], clipping needs [0, 1]; say signed = true if that is its range, or set clip = false",
      errors.message(run, -0.5, { FLOAT }))
    assert.equal("NoiseAugment: FLOAT lies in [3, 3], clipping needs [-1, 1]; put md.Normalize{ FLOAT } before it or set clip = false",
      errors.message(run, 3, { FLOAT, signed = true }))
    assert.equal("NoiseAugment: FLOAT has values down to -2, poisson noise counts from 0 up; say signed = true for a range of [-1, 1]",
      errors.message(run, -2, { FLOAT, "poisson", clip = false }))
    assert.equal("NoiseAugment: FLOAT is uint8, noise augmentation needs float32 or float64; put md.Normalize{ FLOAT } before it",
      errors.message(run, core.zeros({ 10, 20, 30 }, "uint8"), { FLOAT }))
    assert.equal("NoiseAugment: FLOAT: local_vars run from 0 to 0, all must be positive and finite",
      errors.message(run, 0.5, { FLOAT, "localvar", local_vars = core.zeros({ 1 }, "float32") }))
    assert.equal("NoiseAugment: RAW is not provided upstream (there is FLOAT)", errors.message(run, 0.5, { RAW }))
  end)
end)
