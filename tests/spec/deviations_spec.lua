-- Deviations from the originals (docs/deviations.md) that no other spec shows.
local md = require "moondust"
local core = require "moondust.core"
local errors = require "spec.support.errors"

local A, B, MASK, SHIFT, WHICH = md.ArrayKey "A", md.ArrayKey "B", md.ArrayKey "MASK", md.ArrayKey "SHIFT", md.ArrayKey "WHICH"
local POINTS = md.GraphKey "POINTS"
local nonspatial = md.ArraySpec { nonspatial = true }

local function line(key, values, fields)
  fields = fields or {}
  local voxel, offset = fields.voxel_size or 1, fields.offset or 0
  local data = core.ndarray(values, fields.dtype or "uint8")
  return md.ArraySource { key, md.Array { data, md.ArraySpec { roi = md.Roi({ offset }, { #values * voxel }), voxel_size = { voxel } } } }
end

describe("Seeds of branches", function()
  -- Delivers one voxel and notes the seed that it is asked with, before its own copy.
  local function spy(key, seeds)
    local Spy = md.class("Spy", md.BatchProvider)
    Spy.arity = 0
    function Spy:setup() self:provides(key, nonspatial) end
    function Spy:request_batch(request)
      seeds[#seeds + 1] = request.random_seed
      local batch = md.Batch {}
      batch[key] = md.Array { md.zeros { 1 } }
      return batch
    end
    return Spy {}
  end

  -- A stream whose randint always gives its upper end, which Python's includes and NumPy's seed() refuses.
  local unlucky = { seed = function() end, randint = function(_, _, high) return high end }
  local function with_unlucky(class)
    local Unlucky = md.class("Unlucky", class)
    Unlucky.options = class.options
    function Unlucky:provide(request)
      rawset(request, "rng", unlucky)
      return class.provide(self, request)
    end
    return Unlucky
  end

  it("are 0 where 2^32 is drawn", function()
    local seeds = {}
    local merged <close> = ({ spy(A, seeds), spy(B, seeds) } + with_unlucky(md.MergeProvider) {}):build()
    merged:request_batch(md.BatchRequest { random_seed = 1, [A] = nonspatial, [B] = nonspatial })
    local stacked <close> = (spy(A, seeds) + with_unlucky(md.Stack) { 2 }):build()
    stacked:request_batch(md.BatchRequest { random_seed = 1, [A] = nonspatial })
    assert.same({ 0, 0, 0, 0 }, seeds)
  end)
end)

describe("RandomProvider", function()
  it("serves requests that don't ask for its random_provider_key", function()
    local p <close> = ({ line(A, { 1 }), line(A, { 2 }) } + md.RandomProvider { random_provider_key = WHICH }):build()
    local batch = p:request_batch(md.BatchRequest { random_seed = 1, [A] = md.Roi({ 0 }, { 1 }) })
    assert.equal("A", batch:names())
  end)

  it("delivers the number as an array of one element", function()
    local p <close> = ({ line(A, { 1 }), line(A, { 2 }) } + md.RandomProvider { { 0, 1 }, WHICH }):build()
    local batch = p:request_batch(md.BatchRequest { random_seed = 1, [A] = md.Roi({ 0 }, { 1 }), [WHICH] = nonspatial })
    assert.same({ 2 }, batch[WHICH].data:totable())
  end)
end)

describe("ArraySource", function()
  it("delivers nothing where only a placeholder reaches it", function()
    local p <close> = ({ line(A, { 1, 2 }), line(B, { 1, 2, 3 }) } + md.MergeProvider {}):build()
    local placeholder = md.ArraySpec { roi = md.Roi({ 0 }, { 3 }), placeholder = true }
    assert.equal("A", p:request_batch(md.BatchRequest { random_seed = 1, [A] = md.Roi({ 0 }, { 1 }), [B] = placeholder }):names())
  end)
end)

describe("RandomLocation", function()
  it("finds nodes at negative positions, between voxels", function()
    local graph = md.Graph { { md.Node { 1, { -15.5 } } }, {}, md.GraphSpec { roi = md.Roi({ -100 }, { 200 }), directed = false } }
    local ground = {}
    for i = 1, 20 do ground[i] = 0 end
    local p <close> = ({ line(A, ground, { voxel_size = 10, offset = -100 }), md.GraphSource { POINTS, graph } } + md.MergeProvider {}
      + md.RandomLocation { ensure_nonempty = POINTS }):build()
    for seed = 1, 40 do
      local request = md.BatchRequest { random_seed = seed, [A] = md.Roi({ 0 }, { 20 }), [POINTS] = md.Roi({ 0 }, { 20 }) }
      assert.equal(1, p:request_batch(request)[POINTS]:num_nodes(), "seed " .. seed)
    end
  end)

  it("reads the same mask in every build, random or not", function()
    local RandomMask = md.class("RandomMask", md.BatchProvider)
    RandomMask.arity = 0
    function RandomMask:setup() self:provides(MASK, md.ArraySpec { roi = md.Roi({ 0 }, { 200 }), voxel_size = { 1 }, dtype = "uint8" }) end
    function RandomMask:provide(request)
      local batch, values = md.Batch {}, {}
      local roi = request[MASK].roi
      for i = 1, roi.shape[1] do values[i] = request.rng:random() < 0.1 and 1 or 0 end
      local spec = self.spec[MASK]:copy()
      spec.roi = roi
      batch[MASK] = md.Array { core.ndarray(values, "uint8"), spec }
      return batch
    end
    local function shifts()
      local p <close> = (RandomMask {} + md.RandomLocation { 1, MASK, random_shift_key = SHIFT }):build()
      local found = {}
      for seed = 1, 20 do
        local batch = p:request_batch(md.BatchRequest { random_seed = seed, [MASK] = md.Roi({ 0 }, { 1 }), [SHIFT] = nonspatial })
        found[seed] = batch[SHIFT].data[{ 1 }]
      end
      return found
    end
    assert.same(shifts(), shifts())
  end)
end)

describe("Hdf5Source", function()
  local path = os.tmpname()
  os.remove(path)
  teardown(function() os.remove(path) end)

  it("serves datasets with different numbers of spatial axes", function()
    assert(md.hdf5.write(path, "flat", core.ndarray({ { 1, 2 }, { 3, 4 } }, "uint8"), { voxel_size = { 1, 1 } }))
    assert(md.hdf5.write(path, "deep", core.ndarray({ { { 5, 6 }, { 7, 8 } } }, "uint8"), { voxel_size = { 1, 1, 1 } }))
    assert(md.hdf5.write(path, "channels", core.ndarray({ { 1, 2 }, { 3, 4 } }, "uint8"), { voxel_size = { 1 } }))
    local p <close> = md.Hdf5Source({ path, { [A] = "flat", [B] = "deep", [MASK] = "channels" }, channels_first = true }):build()
    local rois = { [A] = md.Roi({ 1, 0 }, { 1, 2 }), [B] = md.Roi({ 0, 1, 1 }, { 1, 1, 1 }), [MASK] = md.Roi({ 1 }, { 1 }) }
    local batch = p:request_batch(md.BatchRequest(rois))
    assert.same({ { 3, 4 } }, batch[A].data:totable())
    assert.same({ { { 8 } } }, batch[B].data:totable())
    assert.same({ { 2 }, { 4 } }, batch[MASK].data:totable())
  end)

  it("reads voxel_size where there is no resolution", function()
    local file <close> = assert(core.hdf5.open(path, "a"))
    assert(file:create("other", { 3 }, "uint8"))
    assert(file:set_attribute("other", "voxel_size", { 7 }))
    file:close()
    local p <close> = md.Hdf5Source({ path, { [A] = "other" } }):build()
    assert.equal(md.Roi({ 0 }, { 21 }), p.spec[A].roi)
  end)
end)

describe("Predictors", function()
  local function array(values, voxel_size, dtype)
    local data, shape = core.ndarray(values, dtype or "uint8"), {}
    for d = 1, #voxel_size do shape[d] = data.shape[data.ndim - #voxel_size + d] * voxel_size[d] end
    return md.Array { data, md.ArraySpec { roi = md.Roi(md.Coordinate(shape) * 0, shape), voxel_size = voxel_size } }
  end

  it("keep 255 an object when background is one too", function()
    local one = md.AffinitiesPredictor { { { 1 } }, lsds = false, background_as_object = true }
    assert.same({ { 1, 0, 1, 0 } }, one:create_target(array({ 255, 255, 0, 0 }, { 4 })).data:totable())
    local with = md.AffinitiesPredictor { { { 0, 1 } }, num_voxels = 1, background_as_object = true }
    local rows = { { 255, 255 }, { 255, 255 } }
    local descriptors = with:create_target(array(rows, { 4, 4 })).data[{ { 2, 7 } }]
    local plain = md.AffinitiesPredictor { { { 0, 1 } }, num_voxels = 1 }
    assert.is_true(descriptors:max() > 0)
    assert.is_true(descriptors:equal(plain:create_target(array(rows, { 4, 4 })).data[{ { 2, 7 } }]))
  end)

  -- A step in the middle of 40 voxels of size 4, all masked in. tanh(b / 20) passes 0.8 where b > 21.97.
  it("measure to the mask's border in halves of voxels (DistancePredictor) and in whole ones (HotDistancePredictor)", function()
    local values = {}
    for i = 1, 40 do values[i] = i > 20 and 1 or 0 end
    local gt = array(values, { 4 })
    local function first_weighed(predictor, channel)
      local weights = predictor:create_weight(gt, predictor:create_target(gt)).data
      for i = 1, 40 do
        if weights[{ channel, i }] > 0 then return i end
      end
    end
    assert.equal(11, first_weighed(md.DistancePredictor { { "a" }, 20, true }, 1))
    assert.equal(6, first_weighed(md.HotDistancePredictor { { "a" }, 20, true }, 2))
  end)

  it("weigh one-hot targets in float32", function()
    local p, gt = md.OneHotPredictor { { "background", "a" } }, array({ 0, 1 }, { 4 })
    assert.equal("float32", p:create_weight(gt, p:create_target(gt)).data.dtype)
  end)
end)

describe("Transform", function()
  it("keeps every bit of an id", function()
    local roi = md.Roi({ 0 }, { 4 })
    local t <close> = core.Transform { roi = roi, voxel_size = { 1 }, displacement = core.ndarray({ { 1 } }) }
    local ids = core.ndarray({ 1, (1 << 53) + 1, (1 << 53) + 3, (1 << 62) + 1, (1 << 62) + 5 }, "uint64")
    local moved = t:sample(ids, md.Roi({ 0 }, { 5 }), roi, { 1 }, false)
    assert.same({ (1 << 53) + 1, (1 << 53) + 3, (1 << 62) + 1, (1 << 62) + 5 }, moved:totable())
  end)
end)

describe("Requests", function()
  it("give the common ROI of what has one", function()
    local request = md.BatchRequest { [A] = md.Roi({ 0 }, { 8 }), [B] = md.Roi({ 4 }, { 8 }), [SHIFT] = nonspatial }
    assert.equal(md.Roi({ 4 }, { 4 }), request:get_common_roi())
  end)
end)

describe("Coordinates", function()
  it("are whole or refused, never cut off", function()
    assert.matches("4.5", errors.message(core.Coordinate, { 4.5, 1 }))
    assert.matches("0.5", errors.message(md.Roi, { 0.5 }, { 8 }))
  end)
end)
