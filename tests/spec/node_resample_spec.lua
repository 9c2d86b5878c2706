-- UpSample, DownSample, Resample.
local md = require "moondust"
local battery = require "spec.support.battery"
local errors = require "spec.support.errors"

local RAW, FLOAT, LABELS, OUT = battery.RAW, battery.FLOAT, battery.LABELS, md.ArrayKey "OUT"

local function line(values, dtype, fields)
  fields = fields or {}
  local spec = md.ArraySpec {
    roi = md.Roi({ fields.offset or 0 }, { #values * (fields.size or 4) }), voxel_size = { fields.size or 4 }, interpolatable = fields.interpolatable,
  }
  return md.ArraySource { RAW, md.Array { md.ndarray(values, dtype), spec } }
end

local function ask(pipeline, offset, length)
  local p <close> = pipeline:build()
  return p:request_batch(md.BatchRequest { random_seed = 1, [OUT] = md.Roi({ offset }, { length }) })[OUT].data:totable()
end

local BIG = (1 << 53) + 1

describe("UpSample", function()
  it("repeats voxels, whatever their dtype, also where the request cuts one", function()
    local up = md.UpSample { RAW, 2, OUT }
    assert.same({ 1, 1, BIG, BIG }, ask(line({ 1, BIG, 3 }, "uint64") + up, 0, 8))
    assert.same({ 1, BIG, BIG, 3 }, ask(line({ 1, BIG, 3 }, "uint64") + md.UpSample { RAW, { 2 }, OUT }, 2, 8))
    local p <close> = (line({ 1, 2 }, "uint8") + up):build()
    assert.equal(md.Coordinate { 2 }, p.spec[OUT].voxel_size)
  end)

  it("keeps channels", function()
    local array = md.Array { md.ndarray({ { 1, 2 }, { 3, 4 } }, "uint8"), md.ArraySpec { roi = md.Roi({ 0 }, { 8 }), voxel_size = { 4 } } }
    assert.same({ { 1, 1, 2, 2 }, { 3, 3, 4, 4 } }, ask(md.ArraySource { RAW, array } + md.UpSample { RAW, 2, OUT }, 0, 8))
  end)

  it("says what is wrong", function()
    local function message(factor) return errors.message(function() ask(line({ 1 }, "uint8") + md.UpSample { RAW, factor, OUT }, 0, 4) end) end
    assert.equal("UpSample: RAW's voxel size (4) is not a multiple of factor (3) on axis 1: world units are whole numbers", message(3))
    assert.equal("UpSample: factor (0) must be 1 or more on each axis", message(0))
    assert.equal("UpSample: factor (2, 2) has 2 axes, RAW has 1", message { 2, 2 })
    assert.equal("UpSample: LABELS is not provided upstream (there is RAW)", errors.message(function()
      ask(line({ 1 }, "uint8") + md.UpSample { LABELS, 2, OUT }, 0, 4)
    end))
  end)
end)

describe("DownSample", function()
  it("takes the first voxel of each block", function()
    assert.same({ 1, BIG }, ask(line({ 1, 2, BIG, 4 }, "uint64") + md.DownSample { RAW, 2, OUT }, 0, 16))
  end)

  it("takes the voxel in the middle of each block, as Resample and arrays.Resampled do, with at = \"centre\"", function()
    local FINE, COARSE = md.ArrayKey "FINE", md.ArrayKey "COARSE"
    local rng = require("moondust.core").Rng(5)
    for factor = 1, 7 do
      for _, other in ipairs { 1, 2, 3 } do
        local rows, columns, voxel = 3 * factor, 4 * other, rng:randint(1, 9)
        local values = {}
        for i = 1, 2 * rows * columns do values[i] = BIG + i end
        local spec = md.ArraySpec {
          roi = md.Roi({ -2 * voxel * factor, 5 * other }, { rows * voxel, columns }), voxel_size = { voxel, 1 }, interpolatable = false,
        }
        local array = md.Array { md.ndarray(values, "uint64"):reshape { 2, rows, columns }, spec }
        local p <close> = (md.ArraySource { FINE, array } + md.DownSample { FINE, { factor, other }, OUT, at = "centre" }
          + md.Resample { FINE, { factor * voxel, other }, COARSE }):build()
        assert.equal(p.spec[COARSE], p.spec[OUT])
        local batch = p:request_batch(md.BatchRequest { random_seed = 1, [OUT] = spec.roi, [COARSE] = spec.roi })
        local named = ("factor %d and %d"):format(factor, other)
        assert.same(batch[COARSE].data:totable(), batch[OUT].data:totable(), named)
        assert.is_true(batch[OUT].data:equal(md.arrays.Resampled { array, downsample = { factor, other }, interp_order = 0 }:read()), named)
        assert.equal(BIG + 1 + factor // 2 * columns + other // 2, batch[OUT].data[{ 1, 1, 1 }], named)
      end
    end
    assert.same({ 2, BIG + 3 }, ask(line({ 1, 2, BIG, BIG + 3 }, "uint64") + md.DownSample { RAW, 2, OUT, "centre" }, 0, 16))
    assert.same({ 2 }, ask(line({ 1, 2, 3 }, "uint64") + md.DownSample { RAW, 3, OUT, "centre" }, 0, 12))
    assert.same({ 1, 3 }, ask(line({ 1, 2, 3, 4 }, "uint64") + md.DownSample { RAW, 2, OUT, "corner" }, 0, 16))
  end)

  it("announces a ROI on its own grid", function()
    local p <close> = (line({ 1, 2, 3, 4, 5, 6 }, "uint8", { offset = 4 }) + md.DownSample { RAW, 2, OUT }):build()
    assert.equal(md.Roi({ 8 }, { 16 }), p.spec[OUT].roi)
    assert.same({ 2, 4 }, p:request_batch(md.BatchRequest { [OUT] = p.spec[OUT].roi })[OUT].data:totable())
  end)

  it("takes a request that names its voxel size", function()
    local p <close> = (line({ 1, 2, 3, 4 }, "uint8") + md.DownSample { RAW, 2, OUT }):build()
    local batch = p:request_batch(md.BatchRequest { [OUT] = md.ArraySpec { roi = md.Roi({ 0 }, { 16 }), voxel_size = { 8 } } })
    assert.same({ 1, 3 }, batch[OUT].data:totable())
  end)

  it("says what is wrong", function()
    assert.equal("DownSample: RAW's ROI [0:8] (8) holds no whole voxel of (12)", errors.message(function()
      ask(line({ 1, 2 }, "uint8") + md.DownSample { RAW, 3, OUT }, 0, 12)
    end))
    assert.equal("DownSample: 'at' must be \"corner\" (the first voxel of each block) or \"centre\" (the one in its middle), not \"center\"",
      errors.bare(function() md.DownSample { RAW, 2, OUT, at = "center" } end))
    assert.equal("DownSample: 'factor' must be a whole number or a coordinate such as {40, 4, 4}, not 1.5", errors.bare(function() md.DownSample { RAW, 1.5, OUT } end))
  end)
end)

describe("Resample", function()
  it("takes labels as they are, no bit lost", function()
    assert.same({ 1, 1, BIG, BIG, 3, 3 }, ask(line({ 1, BIG, 3 }, "uint64") + md.Resample { RAW, { 2 }, OUT }, 0, 12))
    assert.same({ 16777217 }, ask(line({ 16777217 }, "uint32") + md.Resample { RAW, { 4 }, OUT }, 0, 4))
    assert.same({ 7, 9, 9 }, -- half-way goes up
       ask(line({ 7, 9 }, "uint64", { size = 3 }) + md.Resample { RAW, { 2 }, OUT }, 0, 6))
  end)

  it("interpolates what may be, and rounds", function()
    local grey = line({ 0, 10, 21 }, "uint8", { interpolatable = true })
    assert.same({ 2, 2, 8, 13, 18, 18 }, ask(grey + md.Resample { RAW, { 2 }, OUT }, 0, 12))
    assert.same({ 0, 0, 10, 10, 21, 21 }, ask(grey + md.Resample { RAW, { 2 }, OUT, interp_order = 0 }, 0, 12))
  end)

  it("smooths with what lies around the request, so that tiles fit together", function()
    local values = {}
    for i = 1, 60 do values[i] = (i * 37) % 23 / 23 end
    local source = line(values, "float32", { size = 1 })
    local whole = ask(source + md.Resample { RAW, { 5 }, OUT }, 0, 60)
    local part = ask(source + md.Resample { RAW, { 5 }, OUT }, 20, 20)
    for i = 1, 4 do assert.equal(whole[4 + i], part[i]) end
  end)

  it("announces what it gives", function()
    local p <close> = (line({ 1, 2, 3, 4, 5 }, "uint8") + md.Resample { RAW, { 6 }, OUT }):build()
    assert.equal("ArraySpec{ roi = [0:18] (18), voxel_size = (6), interpolatable = false, dtype = uint8 }", tostring(p.spec[OUT]))
  end)

  it("says what is wrong", function()
    local function message(fields) return errors.bare(function() ask(line({ 1, 2 }, "uint8") + md.Resample(fields), 0, 4) end) end
    assert.equal("Resample: 'interp_order' must be 0 (nearest) or 1 (linear), not 3", message { RAW, { 2 }, OUT, interp_order = 3 })
    assert.equal("Resample: 'target_voxel_size' must be 1 or more on each axis, it is (0)", message { RAW, { 0 }, OUT })
    assert.equal("Resample: 'ndim' must be from 1 to 1, it is 2", message { RAW, { 2 }, OUT, 2 })
    assert.equal("Resample: target_voxel_size (2, 2) has 2 axes, RAW has 1", message { RAW, { 2, 2 }, OUT })
    assert.equal("Resample: RAW is not interpolatable, so interp_order can't be 1: leave it out, or say interpolatable = true at its source",
      message { RAW, { 2 }, OUT, interp_order = 1 })
    assert.equal("Resample: RAW's ROI [0:8] (8) holds no whole voxel of (20)", message { RAW, { 20 }, OUT })
    assert.equal("Resample: with ndim = 2 axis 1 of RAW stays at 40, target_voxel_size is (20, 2, 2)", errors.bare(function()
      return (battery.source() + md.Resample { RAW, { 20, 2, 2 }, OUT, 2 }):build()
    end))
  end)
end)

local function request(seed)
  return md.BatchRequest { random_seed = seed, [OUT] = md.Roi({ 240, 24, 48 }, { 480, 48, 72 }) }
end
local function node(name, make) battery.node(name, { node = make, request = request, deterministic = true, untouched = { RAW, LABELS } }) end
node("DownSample at the centre", function() return md.DownSample { LABELS, { 3, 3, 2 }, OUT, "centre" } end)
node("UpSample", function() return md.UpSample { LABELS, { 2, 4, 1 }, OUT } end)
node("DownSample", function() return md.DownSample { RAW, { 1, 2, 3 }, OUT } end)
node("Resample of labels", function() return md.Resample { LABELS, { 30, 6, 3 }, OUT } end)
node("Resample of grey values", function() return md.Resample { RAW, { 80, 12, 3 }, OUT } end)
node("Resample of floats", function() return md.Resample { FLOAT, { 40, 6, 12 }, OUT, 2 } end)
