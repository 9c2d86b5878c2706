-- DaCapoTargetFilter: targets and weights from ground truth.
local md = require "moondust"
local core = require "moondust.core"
local battery = require "spec.support.battery"
local errors = require "spec.support.errors"

local GT, MASK, TARGET, WEIGHTS = md.ArrayKey "GT", md.ArrayKey "MASK", md.ArrayKey "TARGET", md.ArrayKey "WEIGHTS"
local roi = md.Roi({ 0, 0 }, { 40, 40 })

local function labels() -- two objects on 40 x 40 voxels
  local data = core.zeros({ 40, 40 }, "uint64")
  data[{ { 3, 15 }, { 5, 30 } }] = 1 << 50
  data[{ { 16, 35 }, { 11, 22 } }] = 2
  return data
end

local function source(key, data) return md.ArraySource { key, md.Array { data, md.ArraySpec { roi = roi, voxel_size = { 1, 1 } } } } end

local function pipeline(predictor, options)
  options = options or {}
  local mask = core.zeros({ 40, 40 }, "uint8"):fill(1)
  mask[{ { 1, 10 } }] = 0
  return { source(GT, labels()), source(MASK, mask) } + md.MergeProvider {} + md.Pad { GT } + md.Pad { MASK } + md.DaCapoTargetFilter {
    predictor, GT, not options.no_target and TARGET or nil, weights_key = not options.no_weights and WEIGHTS or nil,
    mask_key = options.mask and MASK or nil, moving_counts = options.moving_counts,
  }
end

local function request(seed, items)
  local wanted = md.BatchRequest { random_seed = seed }
  for _, item in ipairs(items) do wanted[item[1]] = item[2] end
  return wanted
end

local function serve(nodes, items)
  local p <close> = nodes:build()
  return p:request_batch(request(1, items))
end

local part = md.Roi({ 8, 8 }, { 16, 20 })
local predictors = {
  affinities = function() return md.AffinitiesPredictor { { { 1, 0 }, { 0, 1 }, { -7, 0 }, { 0, -3 } }, lsds = false } end,
  descriptors = function() return md.AffinitiesPredictor { { { 1, 0 } }, num_voxels = 2 } end,
  distance = function() return md.DistancePredictor { { "a" }, 10, true } end,
  hot = function() return md.HotDistancePredictor { { "a" }, 10, true } end,
  inner = function() return md.InnerDistancePredictor { { "a" }, 10 } end,
  one_hot = function() return md.OneHotPredictor { { "background", "a", "b" } } end,
}

for name, predictor in pairs(predictors) do
  describe("DaCapoTargetFilter with " .. name, function()
    it("makes target and weights, and each alone, with and without a mask", function() -- upstream needs the mask and the target
      for _, mask in ipairs { false, true } do
        local both = serve(pipeline(predictor(), { mask = mask }), { { TARGET, part }, { WEIGHTS, part } })
        assert.equal(2, #both)
        assert.same(both[TARGET].data.shape, both[WEIGHTS].data.shape)
        local target = serve(pipeline(predictor(), { mask = mask }), { { TARGET, part } })
        assert.equal(1, #target)
        assert.is_true(both[TARGET].data:equal(target[TARGET].data))
        local weights = serve(pipeline(predictor(), { mask = mask }), { { WEIGHTS, part } })
        assert.equal(1, #weights)
        assert.is_true(both[WEIGHTS].data:equal(weights[WEIGHTS].data))
        assert.is_true(both[WEIGHTS].data:equal(serve(pipeline(predictor(), { mask = mask, no_target = true }), { { WEIGHTS, part } })[WEIGHTS].data))
        assert.is_true(both[TARGET].data:equal(serve(pipeline(predictor(), { mask = mask, no_weights = true }), { { TARGET, part } })[TARGET].data))
      end
    end)

    it("takes ground truth with a channel axis", function()
      local p = pipeline(predictor(), { mask = true })
      local with = { source(GT, labels()) + md.Unsqueeze { GT }, source(MASK, core.zeros({ 40, 40 }, "uint8"):fill(1)) + md.Unsqueeze { MASK } }
        + md.MergeProvider {} + md.Pad { GT } + md.Pad { MASK } + md.DaCapoTargetFilter { predictor(), GT, TARGET, WEIGHTS, MASK }
      local items = { { TARGET, part }, { WEIGHTS, part } }
      assert.is_true(serve(p, items)[TARGET].data:equal(serve(with, items)[TARGET].data))
      assert.same(serve(p, items)[WEIGHTS].data.shape, serve(with, items)[WEIGHTS].data.shape)
    end)

    it("announces what it delivers", function()
      local p <close> = pipeline(predictor()):build()
      local batch = p:request_batch(request(1, { { TARGET, part }, { WEIGHTS, part } }))
      for _, key in ipairs { TARGET, WEIGHTS } do
        assert.equal(p.spec[key].dtype, batch[key].data.dtype)
        assert.equal(p.spec[key].interpolatable, batch[key].spec.interpolatable)
        assert.equal(part, batch[key].spec.roi)
      end
    end)
  end)
end

describe("DaCapoTargetFilter", function()
  it("gives what is in the middle of a large batch to a small one", function()
    local large = serve(pipeline(predictors.affinities()), { { TARGET, roi } })[TARGET]
    for _, at in ipairs { { 0, 0 }, { 14, 9 }, { 30, 30 } } do
      local box = md.Roi(at, { 10, 10 })
      assert.is_true(large:crop(box).data:equal(serve(pipeline(predictors.affinities()), { { TARGET, box } })[TARGET].data))
    end
  end)

  it("serves target and weights in places of their own", function()
    local batch = serve(pipeline(predictors.distance()), { { TARGET, md.Roi({ 0, 0 }, { 10, 10 }) }, { WEIGHTS, md.Roi({ 20, 5 }, { 8, 9 }) }, { GT, md.Roi({ 1, 1 }, { 3, 3 }) } })
    assert.same({ 1, 10, 10 }, batch[TARGET].data.shape)
    assert.same({ 1, 8, 9 }, batch[WEIGHTS].data.shape)
    assert.same({ 3, 3 }, batch[GT].data.shape)
  end)

  it("asks for as much as the predictor says, of the mask too", function()
    local asked = {}
    local Spy = md.class("Spy", md.BatchFilter)
    function Spy:prepare(wanted) for key, spec in wanted:items() do asked[key.name] = spec.roi end end
    function Spy:process() end
    local nodes = { source(GT, labels()), source(MASK, core.zeros({ 40, 40 }, "uint8")) } + md.MergeProvider {} + md.Pad { GT } + md.Pad { MASK } + Spy {}
      + md.DaCapoTargetFilter { predictors.distance(), GT, TARGET, WEIGHTS, MASK }
    serve(nodes, { { WEIGHTS, part } })
    local wide = part:grow({ 10, 10 }, { 10, 10 })
    assert.same({ GT = wide, MASK = wide }, asked)
  end)

  it("keeps no counts, unless they are to move on through a stream", function()
    local one = md.DistancePredictor { { "a" }, 10, false }
    local wanted = request(1, { { WEIGHTS, md.Roi({ 0, 0 }, { 40, 40 }) } })
    local function hashes_of(options)
      local found = {}
      for batch in pipeline(one, options):batches(wanted, { count = 3, seed = 1 }) do
        found[#found + 1] = batch[WEIGHTS].data:hash()
        wanted[WEIGHTS] = md.Roi({ 0, 0 }, { 20, 20 })
      end
      wanted[WEIGHTS] = md.Roi({ 0, 0 }, { 40, 40 })
      return found
    end
    local moving = hashes_of { moving_counts = true }
    assert.same(moving, hashes_of { moving_counts = true }) -- a new stream begins anew
    assert.same(hashes_of {}, hashes_of {})
    local p <close> = pipeline(one, { moving_counts = true }):build()
    local stream, hashes = {}, {}
    for i, box in ipairs { md.Roi({ 0, 0 }, { 40, 40 }), md.Roi({ 0, 0 }, { 20, 20 }) } do
      hashes[i] = p:request_batch(request(1, { { WEIGHTS, box } }), stream)[WEIGHTS].data:hash()
    end
    local alone = p:request_batch(request(1, { { WEIGHTS, md.Roi({ 0, 0 }, { 20, 20 }) } }))[WEIGHTS].data:hash()
    assert.not_equal(alone, hashes[2])
  end)

  it("works in one's own predictor's way", function()
    local Halves = md.class("Halves", md.Predictor)
    Halves.target_dtype = "float64"
    function Halves:create_target(gt) return self:like(gt, gt.data:gt(0):astype "float64" / 2) end
    local batch = serve(pipeline(Halves {}, { mask = true }), { { TARGET, part }, { WEIGHTS, part } })
    assert.equal("float64", batch[TARGET].data.dtype)
    assert.same({ 0, 0.5 }, (batch[TARGET].data:unique()):totable())
    assert.equal(2 * 20, batch[WEIGHTS].data:count(0)) -- rows 8 and 9 are masked out
  end)

  it("says what is wrong", function()
    local function made(options) return errors.bare(function() md.DaCapoTargetFilter(options) end) end
    local function built(nodes) return errors.message(function() nodes:build() end) end
    local one = predictors.distance()
    assert.equal("DaCapoTargetFilter: give 'target_key', 'weights_key' or both", made { one, GT })
    assert.equal("DaCapoTargetFilter: 'predictor' must be a predictor such as md.DistancePredictor{ … }, or one of your own, derived from md.Predictor",
      made { {}, GT, TARGET })
    assert.equal("DaCapoTargetFilter: 'predictor' must be a table, not \"distance\"", made { "distance", GT, TARGET })
    assert.equal("DaCapoTargetFilter: GT is not provided upstream (there is MASK)",
      built(source(MASK, labels()) + md.DaCapoTargetFilter { one, GT, TARGET }))
    assert.equal("DaCapoTargetFilter: MASK is not provided upstream (there is GT)",
      built(source(GT, labels()) + md.DaCapoTargetFilter { one, GT, TARGET, mask_key = MASK }))
    assert.equal("DaCapoTargetFilter: TARGET is provided already",
      built(source(GT, labels()) + md.DaCapoTargetFilter { one, GT, TARGET } + md.DaCapoTargetFilter { one, GT, TARGET }))
    local list = md.ArraySource { MASK, md.Array { core.zeros({ 20 }, "uint8"), md.ArraySpec { nonspatial = true } } }
    local nonspatial = "DaCapoTargetFilter: MASK is nonspatial, DaCapoTargetFilter needs an array with a ROI and a voxel size"
    assert.equal(nonspatial, built({ source(GT, labels()), list } + md.MergeProvider {} + md.DaCapoTargetFilter { one, GT, TARGET, mask_key = MASK }))
    for _, predictor in pairs(predictors) do
      assert.equal(nonspatial, built(list + md.DaCapoTargetFilter { predictor(), MASK, TARGET, WEIGHTS }))
    end
    local coarse = md.ArraySource { MASK, md.Array { core.zeros({ 20, 20 }, "uint8"), md.ArraySpec { roi = roi, voxel_size = { 2, 2 } } } }
    assert.equal("DaCapoTargetFilter: MASK has voxel size (2, 2), GT has (1, 1); they must be the same",
      built({ source(GT, labels()), coarse } + md.MergeProvider {} + md.DaCapoTargetFilter { one, GT, TARGET, mask_key = MASK }))
    assert.equal("ArraySource[GT]: GT is wanted in ROI [-10:50, -10:50] (60, 60), it is there in [0:40, 0:40] (40, 40) only; ask inside of it, or put "
      .. "md.Pad{ GT } upstream", errors.message(serve, source(GT, labels()) + md.DaCapoTargetFilter { one, GT, TARGET }, { { TARGET, roi } }))
    assert.equal("DaCapoTargetFilter: DistancePredictor wants integer labels as ground truth, not float32; put md.AsType{ KEY, \"uint8\" } before it",
      errors.message(serve, source(GT, core.zeros { 40, 40 }) + md.Pad { GT } + md.DaCapoTargetFilter { one, GT, TARGET }, { { TARGET, part } }))
  end)
end)

for name, predictor in pairs { affinities = function() return md.AffinitiesPredictor { { { 1, 0, 0 }, { 0, -2, 0 }, { 0, 0, 3 } }, lsds = false } end,
  one_hot = function() return md.OneHotPredictor { { "background", "a" } } end } do
  battery.node("DaCapoTargetFilter with " .. name, {
    node = function() return md.DaCapoTargetFilter { predictor(), name == "one_hot" and battery.MASK or battery.LABELS, TARGET } end,
    request = function(seed)
      local wanted = battery.request(seed)
      wanted[TARGET] = md.Roi({ 280, 12, 36 }, { 240, 40, 40 })
      return wanted
    end,
    deterministic = true, untouched = { battery.RAW, battery.LABELS },
  })
end
for name, predictor in pairs { distance = function() return md.DistancePredictor { { "a" }, 20, true } end,
  descriptors = function() return md.AffinitiesPredictor { { { 1, 0, 0 } }, num_voxels = 1 } end } do
  battery.node("DaCapoTargetFilter with " .. name, {
    pipeline = function()
      return battery.source() + md.Pad { battery.LABELS } + md.Pad { battery.MASK }
        + md.DaCapoTargetFilter { predictor(), battery.LABELS, TARGET, WEIGHTS, battery.MASK }
    end,
    request = function(seed)
      local wanted = battery.request(seed)
      wanted[TARGET] = md.Roi({ 280, 32, 48 }, { 240, 40, 40 })
      wanted[WEIGHTS] = md.Roi({ 280, 32, 48 }, { 240, 40, 40 })
      return wanted
    end,
    untouched = { battery.RAW, battery.LABELS },
  })
end
