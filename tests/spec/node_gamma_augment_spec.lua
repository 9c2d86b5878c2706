-- GammaAugment: a power of normalised grey values.
local md = require "moondust"
local core = require "moondust.core"
local battery = require "spec.support.battery"
local errors = require "spec.support.errors"

local A, B = md.ArrayKey "A", md.ArrayKey "B"

local function source(key, values, dtype)
  local data = md.ndarray(values, dtype)
  return md.ArraySource { key, md.Array { data, md.ArraySpec { roi = md.Roi({ 0 }, { data.shape[data.ndim] }), voxel_size = { 1 }, interpolatable = true } } }
end

local function serve(pipeline, seed, ...)
  local p <close> = pipeline:build()
  local request = md.BatchRequest { random_seed = seed }
  for _, key in ipairs { ... } do request[key] = p.spec[key].roi end
  return p:request_batch(request)
end

describe("GammaAugment", function()
  it("raises to gamma between minimum and maximum", function() -- upstream throws the power away
    local data = serve(source(A, { 2, 3, 4, 6 }) + md.GammaAugment { { A }, 2, 2 }, 1, A)[A].data
    for i, value in ipairs { 2, 2 + 4 * 0.0625, 2 + 4 * 0.25, 6 } do assert.near(value, data[{ i }], 1e-5) end
    data = serve(source(A, { 2, 3, 6 }, "float64") + md.GammaAugment { A, 0.5, 0.5 }, 1, A)[A].data
    for i, value in ipairs { 2, 4, 6 } do assert.near(value, data[{ i }], 1e-6) end
    assert.equal("float64", data.dtype)
  end)

  it("draws symmetrically about 1", function()
    local below, smallest, largest = 0, math.huge, 0
    local node = md.GammaAugment { A, 0.5, 2 }
    for seed = 1, 500 do
      local gamma = node:draw(core.Rng(seed))
      if gamma < 1 then below = below + 1 end
      smallest, largest = math.min(smallest, gamma), math.max(largest, gamma)
    end
    assert.near(250, below, 40)
    assert.is_true(smallest >= 0.5 and smallest < 0.52 and largest <= 2 and largest > 1.95)
  end)

  it("raises all arrays to the same gamma", function()
    local batch = serve({ source(A, { 0, 0.5, 1 }), source(B, { 0, 0.5, 1 }) } + md.MergeProvider {} + md.GammaAugment { { A, B }, 0.3, 3 }, 4, A, B)
    assert.is_true(batch[A].data:equal(batch[B].data))
    assert.is_true(math.abs(batch[A].data[{ 2 }] - 0.5) > 1e-3)
  end)

  it("changes those asked for, drawing the same", function() -- upstream: KeyError
    local function nodes() return { source(A, { 0, 0.5, 1 }), source(B, { 0, 0.5, 1 }) } + md.MergeProvider {} + md.GammaAugment { { A, B }, 0.3, 3 } end
    local alone = serve(nodes(), 4, B)
    assert.equal(1, #alone)
    assert.is_true(math.abs(alone[B].data[{ 2 }] - 0.5) > 1e-3)
  end)

  it("leaves flat arrays as they are", function()
    local data = serve(source(A, { 0.5, 0.5005, 0.501 }) + md.GammaAugment { A, 3, 3 }, 1, A)[A].data
    assert.is_true(data:equal(md.ndarray { 0.5, 0.5005, 0.501 }))
  end)

  it("serves nothing as nothing", function()
    local p <close> = (source(A, { 0, 1 }) + md.GammaAugment { A, 0.5, 2 }):build()
    assert.same({ 0 }, p:request_batch(md.BatchRequest { [A] = md.Roi({ 1 }, { 0 }) })[A].data.shape)
  end)

  it("says what is wrong", function()
    assert.equal("GammaAugment: A is uint8, gamma augmentation needs float32 or float64; put md.Normalize{ A } before it",
      errors.message(serve, source(A, { 1, 2 }, "uint8") + md.GammaAugment { A, 1, 2 }, 1, A))
    assert.equal("GammaAugment: A has a NaN at {2}", errors.message(serve, source(A, { 1, 0 / 0 }) + md.GammaAugment { A, 1, 2 }, 1, A))
    assert.equal("GammaAugment: 'gamma_min' must be greater than 0, not 0", errors.bare(function() md.GammaAugment { A, 0, 1 } end))
    assert.equal("GammaAugment: 'gamma_max' (1) is smaller than 'gamma_min' (2)", errors.bare(function() md.GammaAugment { A, 2, 1 } end))
    assert.equal("GammaAugment: 'gamma_max' must be finite, not inf", errors.bare(function() md.GammaAugment { A, 2, math.huge } end))
    assert.equal("GammaAugment: B is not provided upstream (there is A)",
      errors.message(serve, source(A, { 1 }) + md.GammaAugment { { A, B }, 1, 1 }, 1, A))
  end)
end)

battery.node("GammaAugment", { node = function() return md.GammaAugment { battery.FLOAT, 0.5, 2 } end,
  request = function(seed) return battery.request(seed, battery.FLOAT, battery.LABELS) end, random = true, untouched = { battery.LABELS, battery.RAW } })
