-- Squeeze and Unsqueeze: channel axes of length 1.
local md = require "moondust"
local battery = require "spec.support.battery"
local errors = require "spec.support.errors"

local A, B, N = md.ArrayKey "A", md.ArrayKey "B", md.ArrayKey "N"

local function source(key, shape)
  local spatial = shape[#shape]
  return md.ArraySource { key, md.Array { md.zeros(shape, "uint8"), md.ArraySpec { roi = md.Roi({ 0 }, { spatial * 2 }), voxel_size = { 2 } } } }
end

local function shape(pipeline, key)
  local p <close> = pipeline:build()
  local request = md.BatchRequest {}
  request[key or A] = p.spec[key or A].roi and md.ArraySpec { roi = md.Roi({ 2 }, { 4 }) } or md.ArraySpec { nonspatial = true }
  return p:request_batch(request)[key or A].data.shape
end

describe("Unsqueeze", function()
  it("makes channel axes, counted from 1", function()
    assert.same({ 1, 2 }, shape(source(A, { 5 }) + md.Unsqueeze { { A } }))
    assert.same({ 1, 3, 2 }, shape(source(A, { 3, 5 }) + md.Unsqueeze { { A } }))
    assert.same({ 3, 1, 2 }, shape(source(A, { 3, 5 }) + md.Unsqueeze { { A }, 2 }))
    assert.same({ 1, 2 }, shape(source(A, { 5 }) + md.Unsqueeze { A }))
  end)

  it("changes those asked for only", function()
    local p <close> = ({ source(A, { 5 }), source(B, { 5 }) } + md.MergeProvider {} + md.Unsqueeze { { A, B } }):build()
    local batch = p:request_batch(md.BatchRequest { [B] = md.Roi({ 0 }, { 4 }) })
    assert.equal(1, #batch)
    assert.same({ 1, 2 }, batch[B].data.shape)
  end)

  it("handles nonspatial arrays", function()
    local n = md.ArraySource { N, md.Array { md.zeros { 3 }, md.ArraySpec { nonspatial = true } } }
    assert.same({ 3, 1 }, shape(n + md.Unsqueeze { N, 2 }, N))
  end)

  it("says what is wrong", function()
    assert.equal("Unsqueeze: axis 2 lies among the spatial axes of A, which has 0 channel axes",
      errors.message(shape, source(A, { 5 }) + md.Unsqueeze { { A }, 2 }))
    assert.equal("Unsqueeze: 'axis' counts from 1, 0 given", errors.bare(function() md.Unsqueeze { { A }, 0 } end))
    assert.equal("Unsqueeze: 'axis' must be a whole number, not 1.5", errors.bare(function() md.Unsqueeze { { A }, 1.5 } end))
    assert.equal("Unsqueeze: 'arrays' must be an ArrayKey or a list of ArrayKeys, not a table", errors.bare(function() md.Unsqueeze { {} } end))
    assert.equal("Unsqueeze: B is not provided upstream (there is A)",
      errors.message(function() (source(A, { 5 }) + md.Unsqueeze { { A, B } }):build() end))
  end)
end)

describe("Squeeze", function()
  it("removes channel axes, counted from 1", function()
    assert.same({ 2 }, shape(source(A, { 1, 5 }) + md.Squeeze { { A } }))
    assert.same({ 3, 2 }, shape(source(A, { 3, 1, 5 }) + md.Squeeze { { A }, 2 }))
  end)

  it("undoes Unsqueeze", function() assert.same({ 2 }, shape(source(A, { 5 }) + md.Unsqueeze { A } + md.Squeeze { A })) end)

  it("says what is wrong", function()
    assert.equal("Squeeze: axis 1 of A is not a channel axis (it has 0)", errors.message(shape, source(A, { 5 }) + md.Squeeze { { A } }))
    assert.equal("Squeeze: axis 1 of A has length 3, only axes of length 1 can go", errors.message(shape, source(A, { 3, 5 }) + md.Squeeze { { A } }))
    assert.equal("Squeeze: 'axis' counts from 1, -1 given", errors.bare(function() md.Squeeze { { A }, -1 } end))
  end)
end)

battery.node("Unsqueeze", { node = function() return md.Unsqueeze { { battery.RAW, battery.LABELS } } end, deterministic = true, untouched = { battery.MASK } })
battery.node("Squeeze", {
  pipeline = function() return battery.source() + md.Unsqueeze { battery.RAW } + md.Squeeze { battery.RAW } end,
  deterministic = true, untouched = { battery.RAW, battery.LABELS },
})
