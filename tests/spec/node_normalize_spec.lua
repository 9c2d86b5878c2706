-- Normalize and IntensityScaleShift: grey values times a factor.
local md = require "moondust"
local battery = require "spec.support.battery"
local errors = require "spec.support.errors"

local A = md.ArrayKey "A"

local function source(values, dtype)
  local data = md.ndarray(values, dtype)
  return md.ArraySource { A, md.Array { data, md.ArraySpec { roi = md.Roi({ 0 }, { data.shape[data.ndim] }), voxel_size = { 1 }, interpolatable = true } } }
end

local function serve(pipeline, fields)
  local p <close> = pipeline:build()
  fields = fields or {}
  fields.roi = p.spec[A].roi
  local request = md.BatchRequest {}
  request[A] = md.ArraySpec(fields)
  local array = p:request_batch(request)[A]
  assert.equal(p.spec[A].dtype, array.data.dtype)
  assert.equal(array.spec.dtype, array.data.dtype)
  return array.data
end

local function near(expected, actual)
  assert.equal(#expected, actual.size)
  for i, value in ipairs(expected) do assert.near(value, actual[{ i }], 1e-6) end
end

describe("Normalize", function()
  it("divides by what the dtype holds", function()
    near({ 0, 51 / 255, 1 }, serve(source({ 0, 51, 255 }, "uint8") + md.Normalize { A }))
    near({ 0, 1 / 65535, 1 }, serve(source({ 0, 1, 65535 }, "uint16") + md.Normalize { A }))
    near({ 0, 0.25, 1 }, serve(source({ 0, 0.25, 1 }, "float32") + md.Normalize { A }))
    near({ 0, 0.25, 1 }, serve(source({ 0, 0.25, 1 }, "float64") + md.Normalize { A }))
  end)

  it("makes float32, or float64 when asked to", function()
    assert.equal("float32", serve(source({ 0, 255 }, "uint8") + md.Normalize { A }).dtype)
    assert.equal("float64", serve(source({ 0, 255 }, "uint8") + md.Normalize { A, nil, "float64" }).dtype)
    assert.equal("float32", serve(source({ 0, 1 }, "float64") + md.Normalize { A }).dtype)
  end)

  it("takes a factor", function()
    near({ -0.5, 1.5 }, serve(source({ -1, 3 }, "int32") + md.Normalize { A, 0.5 }))
    near({ -0.5, 1.5 }, serve(source({ -1, 3 }, "float32") + md.Normalize { A, factor = 0.5 }))
  end)

  it("answers a request that names the dtype that it makes", function()
    assert.equal("float32", serve(source({ 0, 255 }, "uint8") + md.Normalize { A }, { dtype = "float32" }).dtype)
  end)

  it("says what is wrong", function()
    assert.equal("Normalize: A is int32, for which there is no factor of its own; give one: md.Normalize{ A, factor = … }",
      errors.message(serve, source({ 1 }, "int32") + md.Normalize { A }))
    assert.equal("Normalize: A is float32 from 0 to 2, not within [0, 1]; give a factor: md.Normalize{ A, factor = … }",
      errors.message(serve, source({ 0, 2 }, "float32") + md.Normalize { A }))
    assert.matches("Normalize: A is float32 from %S+ to %S+, not within",
      errors.message(serve, source({ 0 / 0, 0 / 0 }, "float32") + md.Normalize { A }))
    assert.equal("Normalize: 'dtype' must be float32 or float64, not uint8: values from 0 to 1 need fractions",
      errors.bare(function() md.Normalize { A, dtype = "uint8" } end))
    assert.equal("Normalize is made with one table: Normalize{ … }, not with an ArrayKey", errors.bare(function() md.Normalize(A) end))
    assert.equal("Normalize takes at most 3 positional arguments, 4 given", errors.bare(function() md.Normalize { A, 1, "float32", 2 } end))
    assert.equal("Normalize: 'factor' is given twice, by position 2 and by name", errors.bare(function() md.Normalize { A, 1, factor = 2 } end))
  end)
end)

describe("IntensityScaleShift", function()
  it("is values * scale + shift", function()
    near({ -1, 1, 3 }, serve(source({ 0, 0.5, 1 }, "float32") + md.IntensityScaleShift { A, 4, -1 }))
    near({ -1, 1, 3 }, serve(source({ 0, 0.5, 1 }, "float64") + md.IntensityScaleShift { A, scale = 4, shift = -1 }))
  end)

  it("keeps floats, makes float32 of integers", function()
    assert.equal("float64", serve(source({ 0 }, "float64") + md.IntensityScaleShift { A, 1, 0 }).dtype)
    local data = serve(source({ 0, 255 }, "uint8") + md.IntensityScaleShift { A, 2 / 255, -1 })
    assert.equal("float32", data.dtype)
    near({ -1, 1 }, data)
  end)

  it("says what is wrong", function()
    assert.equal("IntensityScaleShift: 'shift' is missing: a number", errors.bare(function() md.IntensityScaleShift { A, 1 } end))
    assert.equal("IntensityScaleShift: 'scale' must be a number, not nan", (errors.bare(function() md.IntensityScaleShift { A, 0 / 0, 1 } end):gsub("-nan", "nan")))
  end)
end)

battery.node("Normalize", { node = function() return md.Normalize { battery.RAW } end, deterministic = true, untouched = { battery.LABELS } })
battery.node("IntensityScaleShift", {
  node = function() return md.IntensityScaleShift { battery.RAW, 2, -1 } end, deterministic = true, untouched = { battery.LABELS },
})
