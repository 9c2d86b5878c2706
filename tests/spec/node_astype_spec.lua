-- AsType: another dtype.
local md = require "moondust"
local battery = require "spec.support.battery"
local errors = require "spec.support.errors"

local A, B = md.ArrayKey "A", md.ArrayKey "B"

local function source(values, dtype)
  local data = md.ndarray(values, dtype)
  return md.ArraySource { A, md.Array { data, md.ArraySpec { roi = md.Roi({ 0 }, { 2 * data.size }), voxel_size = { 2 }, interpolatable = true } } }
end

describe("AsType", function()
  it("casts in place as numpy does", function()
    local p <close> = (source({ 1.7, -1.7, 3 }, "float32") + md.AsType { A, "int16" }):build()
    assert.equal("int16", p.spec[A].dtype)
    local array = p:request_batch(md.BatchRequest { [A] = md.Roi({ 0 }, { 6 }) })[A]
    assert.same({ 1, -1, 3 }, array.data:totable())
    assert.equal("int16", array.spec.dtype)
    assert.is_true(array.spec.interpolatable)
  end)

  it("casts to another key, which may be asked for alone", function() -- upstream: KeyError
    local p <close> = (source({ 1, 2, 3 }, "uint8") + md.AsType { A, "float64", B }):build()
    local batch = p:request_batch(md.BatchRequest { [B] = md.Roi({ 2 }, { 4 }) })
    assert.equal(1, #batch)
    assert.same({ 2, 3 }, batch[B].data:totable())
    assert.equal("float64", batch[B].data.dtype)
  end)

  it("leaves the source as it is, whatever is asked for where", function()
    local p <close> = (source({ 1, 2, 3 }, "uint8") + md.AsType { A, "float64", B }):build()
    local batch = p:request_batch(md.BatchRequest { [A] = md.Roi({ 0 }, { 2 }), [B] = md.Roi({ 2 }, { 4 }) })
    assert.equal("uint8", batch[A].data.dtype)
    assert.same({ 1 }, batch[A].data:totable())
    assert.same({ 2, 3 }, batch[B].data:totable())
    assert.equal(md.Roi({ 2 }, { 4 }), batch[B].spec.roi)
  end)

  it("answers a request that names the dtype", function()
    local p <close> = (source({ 1, 2, 3 }, "uint8") + md.AsType { A, "float64" }):build()
    local request = md.BatchRequest {}
    request[A] = md.ArraySpec { roi = md.Roi({ 0 }, { 2 }), dtype = "float64" }
    assert.equal("float64", p:request_batch(request)[A].data.dtype)
    request[A] = md.ArraySpec { roi = md.Roi({ 0 }, { 2 }), dtype = "uint8" }
    assert.equal("AsType: A is wanted as uint8, it is float64; put md.AsType{ A, \"uint8\" } into the pipeline",
      errors.message(function() p:request_batch(request) end))
  end)

  it("says what is wrong", function()
    assert.equal("AsType: 'target_dtype' must be a dtype such as \"float32\", not \"float16\"", errors.bare(function() md.AsType { A, "float16" } end))
    assert.equal("AsType: B is not provided upstream (there is A)",
      errors.message(function() (source({ 1 }, "uint8") + md.AsType { B, "uint8" }):build() end))
    assert.equal("AsType: A is provided already",
      errors.message(function() (source({ 1 }, "uint8") + md.AsType { A, "uint8", B } + md.AsType { B, "uint8", A }):build() end))
  end)
end)

battery.node("AsType", { node = function() return md.AsType { battery.RAW, "float32" } end, deterministic = true, untouched = { battery.LABELS } })
battery.node("AsType to another key", {
  node = function() return md.AsType { battery.LABELS, "uint8", B } end,
  request = function(seed)
    local request = battery.request(seed)
    request[B] = request[battery.RAW]
    return request
  end,
  deterministic = true, untouched = { battery.LABELS, battery.RAW },
})
