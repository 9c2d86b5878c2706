local md = require "moondust"
local battery = require "spec.support.battery"
local errors = require "spec.support.errors"
local golden = require "spec.support.golden"

local RAW = md.ArrayKey "RAW"

local function example(dtype)
  return md.Array { md.ndarray({ { 1, 2, 3 }, { 4, 5, 6 } }, dtype or "float32"), md.ArraySpec { roi = md.Roi({ 10, 6 }, { 10, 6 }), voxel_size = { 5, 2 } } }
end

local function ask(source, roi)
  local p <close> = source:build()
  return p:request_batch(md.BatchRequest { [RAW] = roi })[RAW]
end

describe("ArraySource", function()
  it("serves ROIs of an array in memory", function()
    local got = ask(md.ArraySource { RAW, example() }, md.Roi({ 15, 8 }, { 5, 4 }))
    assert.same({ { 5, 6 } }, got.data:totable())
    assert.equal(md.Roi({ 15, 8 }, { 5, 4 }), got.spec.roi)
    assert.is_true(got.spec.interpolatable)
    assert.same({ 0, 3 }, ask(md.ArraySource { RAW, example() }, md.Roi({ 15, 8 }, { 0, 6 })).data.shape)
  end)

  it("doesn't guess that integers may be interpolated, and believes what it is told", function()
    assert.is_false(ask(md.ArraySource { RAW, example "uint8" }, md.Roi({ 15, 8 }, { 5, 4 })).spec.interpolatable)
    assert.is_true(ask(md.ArraySource { RAW, example "uint8", true }, md.Roi({ 15, 8 }, { 5, 4 })).spec.interpolatable)
  end)

  it("serves an ndarray with a spec, and a nonspatial array", function()
    local source = md.ArraySource { RAW, md.ndarray({ 7, 8 }, "int32"), spec = md.ArraySpec { roi = md.Roi({ 0 }, { 4 }), voxel_size = { 2 } } }
    assert.same({ 8 }, ask(source, md.Roi({ 2 }, { 2 })).data:totable())
    local p <close> = md.ArraySource({ RAW, md.Array { md.ndarray({ 7, 8 }, "int32") } }):build()
    local batch = p:request_batch(md.BatchRequest { [RAW] = md.ArraySpec { nonspatial = true } })
    assert.same({ 7, 8 }, batch[RAW].data:totable())
  end)

  it("serves a lazy array", function()
    local lazy <close> = assert(md.open_array(golden.path "input", "raw"))
    local roi = md.Roi({ 100, 50, 55 }, { 50, 10, 15 })
    assert.is_true(assert(lazy:read(roi)):equal(ask(md.ArraySource { RAW, lazy }, roi).data))
  end)

  it("serves any object that can read", function()
    local object = { roi = md.Roi({ 0 }, { 10 }), voxel_size = md.Coordinate { 1 }, dtype = "float32" }
    function object:read(roi) return md.zeros({ roi.shape[1] }, self.dtype) end
    assert.same({ 0, 0, 0 }, ask(md.ArraySource { RAW, object }, md.Roi({ 2 }, { 3 })).data:totable())
    local own = md.zeros({ 3 }, "float32")
    function object:read() return own end
    do
      local p <close> = md.ArraySource { RAW, object }:build()
      p:request_batch(md.BatchRequest { [RAW] = md.Roi({ 2 }, { 3 }) }):close()
    end
    assert.is_false(own.closed)
    function object:read() return nil, "the tape is torn" .. self.dtype:sub(1, 0) end
    assert.equal("ArraySource[RAW]: RAW can't be read in ROI [2:5] (3): the tape is torn",
      errors.message(ask, md.ArraySource { RAW, object }, md.Roi({ 2 }, { 3 })))
  end)

  it("keeps its array when a batch is closed or changed", function()
    local array = example()
    local p <close> = md.ArraySource({ RAW, array }):build()
    local request = md.BatchRequest { [RAW] = array.spec.roi }
    local batch = p:request_batch(request)
    batch[RAW].data:fill(9)
    batch[RAW].spec.interpolatable = false
    batch:close()
    assert.same({ { 1, 2, 3 }, { 4, 5, 6 } }, array.data:totable())
    assert.same({ { 1, 2, 3 }, { 4, 5, 6 } }, p:request_batch(request)[RAW].data:totable())
    assert.is_nil(array.spec.interpolatable)
  end)

  it("refuses what is no array or lies nowhere", function()
    assert.equal("ArraySource: 'array' must be an md.Array, an ndarray with a spec, or an object with .roi .voxel_size .dtype and :read(roi), not 5",
      errors.bare(function() md.ArraySource { RAW, 5 } end))
    assert.matches("array_source_spec.lua:%d+: ArraySource: an ndarray doesn't say where it lies; add spec = md.ArraySpec",
      errors.message(function() md.ArraySource { RAW, md.zeros { 2 } } end))
    assert.matches("ArraySource: the array for RAW has no voxel size",
      errors.message(function() md.ArraySource { RAW, md.Array { md.zeros { 2 }, md.ArraySpec { roi = md.Roi({ 0 }, { 2 }) } } } end))
    assert.matches("does not fill ROI",
      errors.message(function() md.ArraySource { RAW, md.zeros { 2 }, spec = md.ArraySpec { roi = md.Roi({ 0 }, { 2 }), voxel_size = { 4 } } } end))
    local array = example()
    array:close()
    assert.has_error(function() ask(md.ArraySource { RAW, array }, md.Roi({ 15, 8 }, { 5, 4 })) end)
  end)
end)

describe("DaCapoArraySource", function()
  it("adds a channel axis when there is none", function()
    assert.same({ { { 5, 6 } } }, ask(md.DaCapoArraySource { example(), RAW }, md.Roi({ 15, 8 }, { 5, 4 })).data:totable())
    local two = md.Array { md.zeros({ 2, 2, 3 }), example().spec }
    assert.same({ 2, 1, 2 }, ask(md.DaCapoArraySource { two, RAW }, md.Roi({ 15, 8 }, { 5, 4 })).data.shape)
  end)

  it("gives an empty array for an empty ROI", function()
    assert.same({ 1, 0, 3 }, ask(md.DaCapoArraySource { example(), RAW }, md.Roi({ 10, 6 }, { 0, 6 })).data.shape)
  end)

  it("names the place of the first NaN", function()
    local array = example()
    array.data = md.ndarray({ { 1, 2, 3 }, { 4, 0 / 0, 0 / 0 } }, "float32")
    assert.same({ { { 2, 3 } } }, ask(md.DaCapoArraySource { array, RAW }, md.Roi({ 10, 8 }, { 5, 4 })).data:totable())
    assert.equal("DaCapoArraySource[RAW]: RAW has a NaN at world position (15, 8), index {2, 1} of what was read; mend the data or mask it",
      errors.message(ask, md.DaCapoArraySource { array, RAW }, md.Roi({ 10, 8 }, { 10, 4 })))
  end)
end)

local function world(key) return battery.world()[key] end

battery.node("ArraySource", {
  pipeline = function()
    return { md.ArraySource { battery.RAW, world(battery.RAW) }, md.ArraySource { battery.LABELS, world(battery.LABELS) } } + md.MergeProvider {}
  end,
  deterministic = true, untouched = { battery.RAW, battery.LABELS },
})
battery.node("DaCapoArraySource", {
  pipeline = function() return md.Pipeline { md.DaCapoArraySource { world(battery.FLOAT), battery.FLOAT } } end,
  request = function(seed) return battery.request(seed, battery.FLOAT) end, deterministic = true,
})
