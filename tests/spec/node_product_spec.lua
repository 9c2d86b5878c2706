-- Product: y = x1 * x2.
local md = require "moondust"
local battery = require "spec.support.battery"
local errors = require "spec.support.errors"

local A, B, Y = md.ArrayKey "A", md.ArrayKey "B", md.ArrayKey "Y"

local function source(key, values, dtype, fields)
  fields = fields or {}
  local data, voxel = md.ndarray(values, dtype), fields.voxel_size or 1
  local roi = md.Roi({ fields.offset or 0 }, { data.shape[data.ndim] * voxel })
  return md.ArraySource { key, md.Array { data, md.ArraySpec { roi = roi, voxel_size = { voxel } } } }
end

local function nodes(a, b) return { a, b } + md.MergeProvider {} + md.Product { A, B, Y } end

local function serve(pipeline)
  local p <close> = pipeline:build()
  local array = p:request_batch(md.BatchRequest { [Y] = p.spec[Y].roi })[Y]
  assert.equal(p.spec[Y].dtype, array.data.dtype)
  assert.equal(array.spec.dtype, array.data.dtype)
  return array
end

describe("Product", function()
  it("multiplies, with numpy's result dtype", function()
    assert.same({ 5, 12 }, serve(nodes(source(A, { 1, 2 }, "uint8"), source(B, { 5, 6 }, "uint8"))).data:totable())
    local mixed = serve(nodes(source(A, { 1, 2 }, "uint8"), source(B, { 0.5, 0.25 }, "float64"))).data
    assert.equal("float64", mixed.dtype)
    assert.same({ 0.5, 0.5 }, mixed:totable())
    assert.equal("float32", serve(nodes(source(A, { 1 }, "float32"), source(B, { 1 }, "uint8"))).data.dtype)
  end)

  it("saturates where upstream wraps", function()
    assert.same({ 255, 200 }, serve(nodes(source(A, { 100, 100 }, "uint8"), source(B, { 3, 2 }, "uint8"))).data:totable())
  end)

  it("spreads a mask over channels", function()
    assert.same({ { 1, 0 }, { 3, 0 } }, serve(nodes(source(A, { { 1, 2 }, { 3, 4 } }, "uint8"), source(B, { 1, 0 }, "uint8"))).data:totable())
  end)

  it("is there where both are", function()
    local array = serve(nodes(source(A, { 1, 2, 3 }, "uint8"), source(B, { 5, 6, 7 }, "uint8", { offset = 1 })))
    assert.equal(md.Roi({ 1 }, { 2 }), array.spec.roi)
    assert.same({ 10, 18 }, array.data:totable())
  end)

  it("squares", function()
    local p <close> = (source(A, { 2, 3 }, "uint8") + md.Product { A, A, Y }):build()
    assert.same({ 4, 9 }, p:request_batch(md.BatchRequest { [Y] = md.Roi({ 0 }, { 2 }) })[Y].data:totable())
  end)

  it("says what is wrong", function()
    local function fails(...) return errors.message(serve, ...) end
    assert.equal("Product: A has voxel size (1), B has (2); they must be the same",
      fails(nodes(source(A, { 1, 2 }), source(B, { 1 }, nil, { voxel_size = 2 }))))
    assert.equal("Product: A (ROI [0:2] (2)) and B (ROI [8:9] (1)) have no place in common",
      fails(nodes(source(A, { 1, 2 }), source(B, { 1 }, nil, { offset = 8 }))))
    assert.equal("Product: B is not provided upstream (there is A)", fails(source(A, { 1 }) + md.Product { A, B, Y }))
    assert.equal("Product: A has shape {2, 2} and B {3, 2}; channels must be the same or 1",
      fails(nodes(source(A, { { 1, 2 }, { 3, 4 } }), source(B, { { 1, 2 }, { 3, 4 }, { 5, 6 } }))))
    assert.equal("Product has no option 'x3_key'; did you mean 'x1_key'?", errors.bare(function() md.Product { A, B, x3_key = Y } end))
  end)
end)

battery.node("Product", {
  node = function() return md.Product { battery.FLOAT, battery.MASK, Y } end,
  request = function(seed)
    local request = battery.request(seed, battery.RAW, battery.LABELS)
    request[Y] = request[battery.RAW]
    return request
  end,
  deterministic = true, untouched = { battery.RAW, battery.MASK },
})
