-- Pad: a key beyond where it is.
local md = require "moondust"
local battery = require "spec.support.battery"
local errors = require "spec.support.errors"

local A, POINTS = md.ArrayKey "A", md.GraphKey "POINTS"

local function line(values, fields)
  fields = fields or {}
  local voxel = fields.voxel_size or 2
  local data = md.ndarray(values, fields.dtype or "int32")
  local n = data.shape[data.ndim]
  local spec = md.ArraySpec { roi = md.Roi({ fields.offset or 10 }, { n * voxel }), voxel_size = { voxel } }
  return md.ArraySource { A, md.Array { data, spec } }
end

local function get(pipeline, begin, length)
  local p <close> = pipeline:build()
  return p:request_batch(md.BatchRequest { [A] = md.Roi({ begin }, { length }) })[A]
end

describe("Pad", function()
  it("adds a constant on both sides, 0 by default", function()
    assert.same({ 0, 1, 2, 3, 0, 0 }, get(line { 1, 2, 3 } + md.Pad { A }, 8, 12).data:totable())
    assert.same({ 7, 1, 2, 3, 7, 7 }, get(line { 1, 2, 3 } + md.Pad { A, { 4 }, value = 7 }, 8, 12).data:totable())
  end)

  it("takes upstream's order of arguments", function()
    assert.same({ 9, 1, 2 }, get(line { 1, 2 } + md.Pad { A, { 2 }, "constant", 9 }, 8, 6).data:totable())
  end)

  it("reflects without repeating the edge, again and again", function()
    assert.same({ 3, 2, 1, 2, 3, 2, 1, 2 }, get(line { 1, 2, 3 } + md.Pad { A, mode = "reflect" }, 6, 16).data:totable())
  end)

  it("announces where the key can be asked for", function()
    local p <close> = (line { 1, 2, 3 } + md.Pad { A, { 4 } }):build()
    assert.equal(md.Roi({ 6 }, { 14 }), p.spec[A].roi)
    local q <close> = (line { 1, 2, 3 } + md.Pad { A }):build()
    assert.is_true(q.spec[A].roi.unbounded)
  end)

  it("serves what lies outside of the source, on either side of it and touching it", function()
    for _, begin in ipairs { -100, 2, 6, 16, 18, 1000 } do
      local array = get(line { 1, 2, 3 } + md.Pad { A, value = 5 }, begin, 4)
      assert.same({ 5, 5 }, array.data:totable(), tostring(begin))
      assert.equal(md.Roi({ begin }, { 4 }), array.spec.roi)
    end
  end)

  it("serves an empty ROI inside and outside", function()
    assert.same({ 0 }, get(line { 1, 2, 3 } + md.Pad { A }, 12, 0).data.shape)
    assert.same({ 0 }, get(line { 1, 2, 3 } + md.Pad { A }, 100, 0).data.shape)
  end)

  it("leaves channels alone", function()
    assert.same({ { 0, 1, 2, 0 }, { 0, 3, 4, 0 } }, get(line { { 1, 2 }, { 3, 4 } } + md.Pad { A }, 8, 8).data:totable())
    assert.same({ 2, 2 }, get(line { { 1, 2 }, { 3, 4 } } + md.Pad { A }, 80, 4).data.shape)
  end)

  it("pads ids beyond 2^53 exactly", function()
    local array = get(line({ 1 << 60 }, { dtype = "uint64" }) + md.Pad { A, value = (1 << 53) + 1 }, 8, 6)
    assert.same({ (1 << 53) + 1, 1 << 60, (1 << 53) + 1 }, array.data:totable())
  end)

  it("asks for the part that is there only", function()
    local asked
    local Spy = md.class("Spy", md.BatchFilter)
    function Spy:prepare(request) asked = request[A].roi end
    function Spy:process() end
    get(line { 1, 2, 3 } + Spy {} + md.Pad { A }, 14, 20)
    assert.equal(md.Roi({ 14 }, { 2 }), asked)
    get(line { 1, 2, 3 } + Spy {} + md.Pad { A }, 100, 20)
    assert.equal(md.Roi({ 10 }, { 0 }), asked)
  end)

  it("pads a graph's ROI", function()
    local graph = md.Graph { { md.Node { 1, { 4 } } }, {}, md.GraphSpec { roi = md.Roi({ 0 }, { 8 }) } }
    local p <close> = (md.GraphSource { POINTS, graph } + md.Pad { POINTS }):build()
    for begin, count in pairs { [-10] = 1, [100] = 0 } do
      local found = p:request_batch(md.BatchRequest { [POINTS] = md.Roi({ begin }, { 30 }) })[POINTS]
      assert.equal(md.Roi({ begin }, { 30 }), found.spec.roi)
      assert.equal(count, found:num_nodes())
    end
  end)

  it("says what is wrong", function()
    local function fails(pipeline) return errors.message(function() pipeline:build() end) end
    assert.equal("Pad: 'mode' must be \"constant\" or \"reflect\", not \"wrap\"", errors.bare(function() md.Pad { A, mode = "wrap" } end))
    assert.equal("Pad has no option 'vaule'; did you mean 'value'?", errors.bare(function() md.Pad { A, vaule = 1 } end))
    assert.equal("Pad: 'key' must be an ArrayKey or GraphKey, not \"A\"", errors.bare(function() md.Pad { "A" } end))
    assert.equal("Pad: 'key' is missing: an ArrayKey or GraphKey", errors.bare(function() md.Pad {} end))
    assert.equal("Pad: 'size' must be a coordinate such as {40, 4, 4}, not 3", errors.bare(function() md.Pad { A, 3 } end))
    assert.equal("Pad: 'value' must be a number or an id such as \"18446744073709551615\", not \"x\"", errors.bare(function() md.Pad { A, value = "x" } end))
    assert.equal("Pad: POINTS is not provided upstream (there is A)", fails(line { 1 } + md.Pad { POINTS }))
    assert.equal("Pad: size (1, 1) has 2 axes, A has 1", fails(line { 1 } + md.Pad { A, { 1, 1 } }))
    assert.equal("Pad: size (3) is not a multiple of A's voxel size (2) on axis 1", fails(line { 1 } + md.Pad { A, { 3 } }))
    assert.equal("Pad: value 300 doesn't fit A, which is uint8", fails(line({ 1 }, { dtype = "uint8" }) + md.Pad { A, value = 300 }))
    for _, dtype in ipairs { "uint8", "int32", "uint64" } do
      assert.equal("Pad: value 1.5 doesn't fit A, which is " .. dtype, fails(line({ 1 }, { dtype = dtype }) + md.Pad { A, value = 1.5 }))
      local whole <close> = (line({ 1 }, { dtype = dtype }) + md.Pad { A, value = 2.0 }):build()
      assert.truthy(whole)
    end
    assert.equal("Pad: ROI [100:104] (4) lies outside of where A is; there is nothing to reflect",
      errors.message(get, line { 1 } + md.Pad { A, mode = "reflect" }, 100, 4))
    local nowhere = md.ArraySource { A, md.Array { md.zeros { 2 }, md.ArraySpec { nonspatial = true } } }
    assert.equal("Pad: A has no ROI to pad", fails(nowhere + md.Pad { A }))
  end)

  it("refuses more than the machine holds, naming the bytes, at once", function()
    local p <close> = (line { 1 } + md.Pad { A }):build()
    local message = errors.message(function() p:request_batch(md.BatchRequest { [A] = md.Roi({ 0 }, { 1 << 62 }) }) end)
    assert.matches("^Pad: A in ROI %[0:4611686018427387904%] %(4611686018427387904%) would take 8.0 EiB %(9223372036854775808 bytes%), "
      .. "this machine has .*; ask for a smaller ROI$", message)
  end)
end)

local function wide(seed)
  local request = md.BatchRequest { random_seed = seed }
  request[battery.RAW] = md.Roi({ 0, -40, 0 }, { 400, 64, 72 })
  request[battery.POINTS] = md.Roi({ 0, -40, 0 }, { 400, 64, 72 })
  request[battery.LABELS] = md.Roi({ 360, 24, 52 }, { 240, 40, 40 })
  return request
end

battery.node("Pad", {
  pipeline = function() return battery.source() + md.Pad { battery.RAW, value = 3 } + md.Pad { battery.POINTS } end,
  request = wide, deterministic = true, untouched = { battery.LABELS },
})
battery.node("Pad by reflection", {
  pipeline = function() return battery.source() + md.Pad { battery.RAW, { 400, 40, 40 }, "reflect" } end,
  request = function(seed)
    local request = battery.request(seed)
    request[battery.RAW] = md.Roi({ 0, -40, 0 }, { 400, 64, 72 })
    return request
  end, -- tiles don't see what the whole reflects
})
