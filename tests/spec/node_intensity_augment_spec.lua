-- IntensityAugment: contrast and brightness, drawn.
local md = require "moondust"
local core = require "moondust.core"
local battery = require "spec.support.battery"
local errors = require "spec.support.errors"

local A = md.ArrayKey "A"

local function array(data) -- one spatial axis fewer than axes: the first is a channel axis
  return md.Array { data, md.ArraySpec { roi = md.Roi({ 0, 0 }, { data.shape[data.ndim - 1], data.shape[data.ndim] }), voxel_size = { 1, 1 },
    interpolatable = true } }
end

local function noise(shape, dtype)
  local rng, n, values = core.Rng(5), 1, {}
  for _, length in ipairs(shape) do n = n * length end
  for i = 1, n do values[i] = rng:random() end
  return core.ndarray(values, dtype or "float32"):reshape(shape)
end

local function serve(data, options, seed)
  table.insert(options, 1, A)
  local p <close> = (md.ArraySource { A, array(data) } + md.IntensityAugment(options)):build()
  return p:request_batch(md.BatchRequest { random_seed = seed or 3, [A] = p.spec[A].roi })[A].data
end

local function statistics(data) return data:mean(), data:std() end

describe("IntensityAugment", function()
  it("is mean + (a - mean) * scale + shift", function()
    local data = noise { 20, 30 }
    local made = serve(data, { 2, 2, 0.25, 0.25, clip = false })
    local mean, std = statistics(data)
    local new_mean, new_std = statistics(made)
    assert.near(mean + 0.25, new_mean, 1e-5)
    assert.near(2 * std, new_std, 1e-5)
    assert.near(mean + (data[{ 3, 4 }] - mean) * 2 + 0.25, made[{ 3, 4 }], 1e-5)
  end)

  it("clips to [0, 1] unless told not to", function()
    local low, high = serve(noise { 20, 30 }, { 3, 3, 0, 0 }):minmax()
    assert.same({ 0, 1 }, { low, high })
    low, high = serve(noise { 20, 30 }, { 3, 3, 0, 0, nil, false }):minmax()
    assert.is_true(low < 0 and high > 1)
  end)

  it("never changes the source", function() -- upstream does, when it is in memory
    local data = noise { 20, 30 }
    local before = data:hash()
    assert.not_equal(before, serve(data, { 0.5, 0.6, 0, 0.1 }):hash())
    assert.equal(before, data:hash())
  end)

  it("draws for each slab, channels included", function()
    local data = noise { 3, 6, 5 }
    local function means(made)
      local list = {}
      for c = 1, 3 do for z = 1, 6 do list[#list + 1] = made[{ c, z }]:mean() - data[{ c, z }]:mean() end end
      return list
    end
    local shifts = means(serve(data, { 1, 1, -0.5, 0.5, clip = false, slab = { 1, 2, -1 } }))
    for i = 1, 18, 2 do
      assert.near(shifts[i], shifts[i + 1], 1e-5) -- two sections a slab
      if i > 1 then assert.is_true(math.abs(shifts[i] - shifts[i - 1]) > 1e-4) end
    end
    for i, shift in ipairs(means(serve(data, { 1, 1, -0.5, 0.5, true, false }))) do -- z_section_wise: channels share
      assert.near(shift, means(serve(data, { 1, 1, -0.5, 0.5, clip = false, slab = { -1, 1, -1 } }))[i], 1e-6)
    end
  end)

  it("handles a slab that doesn't divide the array", function()
    assert.same({ 7, 5 }, serve(noise { 7, 5 }, { 0.9, 1.1, 0, 0, slab = { 3, -1 } }).shape)
  end)

  it("draws scale then shift, from numpy's stream, behind a draw for p", function()
    local data = core.zeros({ 4, 4 }, "float64"):fill(0.5)
    local made = serve(data, { 0, 2, -0.25, 0.25, clip = false }, 11)
    -- the request that reaches the node is seeded with 11; the source below reseeds with the second copy
    local rng = core.Rng(core.seed_copy(core.seed_copy(11)))
    rng:np_uniform(0, 2)
    assert.near(0.5 + rng:np_uniform(-0.25, 0.25), made[{ 1, 1 }], 1e-12)
  end)

  it("is left out with probability 1 - p", function()
    local data, changed = noise { 4, 4 }, 0
    for seed = 1, 200 do
      if not serve(data, { 0.5, 0.6, 0, 0, p = 0.25 }, seed):equal(data) then changed = changed + 1 end
    end
    assert.near(50, changed, 25)
    assert.is_true(serve(data, { 0.5, 0.6, 0, 0, p = 0 }):equal(data))
  end)

  it("keeps float64", function() assert.equal("float64", serve(noise({ 4, 4 }, "float64"), { 1, 1, 0, 0 }).dtype) end)

  it("says what is wrong", function()
    local function fails(data, options) return errors.message(serve, data, options) end
    assert.equal("IntensityAugment: A is uint8, intensity augmentation needs float32 or float64; put md.Normalize{ A } before it",
      fails(core.zeros({ 2, 2 }, "uint8"), { 1, 1, 0, 0 }))
    local data = noise { 2, 3 }
    data[{ 2, 1 }] = 0 / 0
    assert.equal("IntensityAugment: A has a NaN at {2, 1}", fails(data, { 1, 1, 0, 0 }))
    assert.equal("IntensityAugment: A lies in [0, 2], clipping needs [0, 1]; put md.Normalize{ A } before it or set clip = false",
      fails(core.ndarray { { 0, 2 } }, { 1, 1, 0, 0 }))
    assert.equal("IntensityAugment: slab has 1 axes, A has 2 (channels count too)", fails(noise { 2, 3 }, { 1, 1, 0, 0, slab = { -1 } }))
    assert.equal("IntensityAugment: give 'z_section_wise' or 'slab', not both",
      errors.bare(function() md.IntensityAugment { A, 1, 1, 0, 0, true, slab = { 1 } } end))
    assert.equal("IntensityAugment: 'p' must be a number from 0 to 1, not 1.5", errors.bare(function() md.IntensityAugment { A, 1, 1, 0, 0, p = 1.5 } end))
    assert.equal("IntensityAugment: 'scale_max' must be finite", errors.bare(function() md.IntensityAugment { A, 1, math.huge, 0, 0 } end))
    assert.equal("IntensityAugment has no option 'shift_mim'; did you mean 'shift_min'?",
      errors.bare(function() md.IntensityAugment { A, 1, 1, shift_mim = 0 } end))
    assert.equal("IntensityAugment: 'slab' must be a list of numbers, not a table", errors.bare(function() md.IntensityAugment { A, 1, 1, 0, 0, slab = { "x" } } end))
    assert.matches("^IntensityAugment: .*slab.*0", fails(noise { 2, 3 }, { 1, 1, 0, 0, slab = { 0, 1 } }))
    assert.matches("^IntensityAugment: .*slab", fails(noise { 2, 3 }, { 1, 1, 0, 0, slab = { 1.5, 1 } }))
  end)
end)

battery.node("IntensityAugment", {
  pipeline = function() return battery.source() + md.Normalize { battery.RAW } + md.IntensityAugment { battery.RAW, 0.8, 1.2, -0.2, 0.2, slab = { 3, -1, -1 } } end,
  random = true, untouched = { battery.LABELS },
})
