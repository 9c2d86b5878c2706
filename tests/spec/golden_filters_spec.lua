-- Augmentations, targets and a trainer's whole pipeline against figures that the originals made, draw for draw
-- (tests/golden/{nodes,trainer}.h5).
local md = require "moondust"
local core = require "moondust.core"
local golden = require "spec.support.golden"

local RAW, LABELS = md.ArrayKey "RAW", md.ArrayKey "LABELS"
local ORGANELLE, MASK = md.ArrayKey "ORGANELLE", md.ArrayKey "MASK"
local TARGET, WEIGHT, PRODUCT = md.ArrayKey "TARGET", md.ArrayKey "WEIGHT", md.ArrayKey "PRODUCT"

-- Grey values to one level; a label may fall to the other side of half-way in 1 of 2,000 voxels.
local ELASTIC = { RAW = { grey = true }, RAW_LO = { grey = true }, LABELS = { misses = 1 / 2000 } }

local function run(pipeline, case, options)
  local p <close> = pipeline:build()
  local batch <close> = p:request_batch(case.request)
  golden.compare(batch, case, options)
end

local function elastic(parameters)
  parameters.quirks = true
  return md.ElasticAugment(parameters)
end

local function endless(...)
  local nodes = golden.source(...)
  for _, name in ipairs { ... } do nodes = nodes + md.Pad { md.ArrayKey(name) } end
  return nodes
end

describe("figures of augmentations", function()
  local cases = {
    ["elastic_%d_%d"] = { 10, function(case)
      run(endless("RAW", "LABELS") + elastic(case.case.pipeline[4][2]), case, ELASTIC)
    end },
    elastic_two_resolutions = { 1, function(case)
      run(endless("RAW", "RAW_LO", "LABELS") + elastic(case.case.pipeline[3][2]), case, ELASTIC)
    end },
    ["elastic_probability_%d"] = { 4, function(case)
      run(endless "RAW" + elastic(case.case.pipeline[3][2]), case, ELASTIC)
    end },
    ["simple_augment_%d"] = { 4, function(case)
      run(golden.source("RAW", "LABELS") + md.SimpleAugment { transpose_only = { 2, 3 } }, case)
    end },
    ["intensity_%d"] = { 4, function(case)
      run(golden.source "RAW" + md.Normalize { RAW } + md.IntensityAugment { RAW, 0.8, 1.2, -0.15, 0.15 }, case,
        { RAW = { tolerance = 1e-5 } })
    end },
    ["intensity_sectionwise_%d"] = { 4, function(case)
      run(golden.source "RAW" + md.Normalize { RAW }
        + md.IntensityAugment { RAW, 0.8, 1.2, -0.15, 0.15, z_section_wise = true }, case, { RAW = { tolerance = 1e-5 } })
    end },
    pad_constant = { 1, function(case) run(golden.source "RAW" + md.Pad { RAW, { 200, 50, 50 }, value = 7 }, case) end },
    pad_reflect = { 1, function(case) run(golden.source "RAW" + md.Pad { RAW, { 200, 50, 50 }, mode = "reflect" }, case) end },
  }
  for pattern, entry in pairs(cases) do
    local found = golden.cases("nodes", "^" .. pattern .. "$")
    it("finds " .. pattern, function() assert.equal(entry[1], #found) end)
    for _, case in ipairs(found) do
      it(case.name, function() entry[2](case) end)
    end
  end
end)

describe("figures of values", function()
  for _, case in ipairs(golden.cases("nodes", "^gamma_")) do
    it(case.name, function()
      local node, rng = md.GammaAugment { RAW, case.case.gamma_min, case.case.gamma_max }, core.Rng(case.case.seed)
      local gamma = node:draw(rng)
      assert.near(case.case.gamma, gamma, 1e-12)
      local made = core.kernel.gamma(case.arrays.input, gamma)
      golden.check(case, "output", made, { tolerance = 1e-5 })
    end)
  end

  local function source(arrays)
    local list = {}
    for name, data in pairs(arrays) do
      local spec = md.ArraySpec { roi = md.Roi({ 0, 0, 0 }, { 1200, 480, 480 }), voxel_size = { 50, 5, 5 }, interpolatable = true }
      list[#list + 1] = md.ArraySource { name, md.Array { data, spec } }
    end
    return list
  end

  it("product", function()
    local raw, mask = assert(md.hdf5.read(golden.path "input", "raw")), assert(md.hdf5.read(golden.path "input", "mask"))
    local factors = {
      [RAW] = core.kernel.scale_shift(raw.data, 1 / 255, 0, "float32"), [MASK] = mask.data:astype "float32",
    }
    run(source(factors) + md.MergeProvider {} + md.Product { RAW, MASK, PRODUCT }, golden.case("nodes", "product"), { PRODUCT = { tolerance = 1e-5 } })
  end)

  it("copy_mask_drop_channels", function()
    local case, COPY = golden.case("nodes", "copy_mask_drop_channels"), md.ArrayKey "COPY"
    local roi = md.Roi({ 0, 0, 0 }, { 6, 20, 20 })
    local array = md.Array { case.arrays.input, md.ArraySpec { roi = roi, voxel_size = { 1, 1, 1 } } }
    local before = array.data:hash()
    local p <close> = (md.ArraySource { MASK, array } + md.CopyMask { MASK, COPY, drop_channels = true }):build()
    local request = md.BatchRequest { random_seed = 0 }
    request[MASK], request[COPY] = roi, roi
    local batch = p:request_batch(request)
    golden.check(case, "output", batch[COPY].data)
    assert.is_true(batch[MASK].data:equal(case.arrays.input))
    assert.equal(before, array.data:hash())
  end)
end)

-- The neighbourhoods and options that the figures were made with; the cases' JSON does not hold all of them.
local AXES = { { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 } }
local targets = {
  distance = { ORGANELLE, true, function() return md.DistancePredictor { { "a" }, 50, false } end },
  distance_masked = { ORGANELLE, true, function() return md.DistancePredictor { { "a" }, 50, true } end },
  inner_distance = { ORGANELLE, true, function() return md.InnerDistancePredictor { { "a" }, 50 } end },
  hot_distance = { ORGANELLE, true, function() return md.HotDistancePredictor { { "a" }, 50, false, 1 } end },
  one_hot = { ORGANELLE, false, function() return md.OneHotPredictor { { "bg", "a" }, 1 } end, { WEIGHT = { dtype = false } } },
  affinities = { LABELS, false, function()
    return md.AffinitiesPredictor { { { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 }, { 0, 9, 0 }, { 2, 0, 0 } }, lsds = false }
  end },
  affinities_background = { LABELS, false, function()
    return md.AffinitiesPredictor { AXES, lsds = false, background_as_object = true }
  end },
  affinities_lsds = { LABELS, false, function() return md.AffinitiesPredictor { AXES, lsds = true, num_voxels = 2 } end },
}

describe("figures of targets", function()
  for name, entry in pairs(targets) do
    it(name, function()
      local gt, channels, make, options = table.unpack(entry, 1, 4)
      local nodes = golden.source(gt.name, "MASK")
      if channels then nodes = nodes + md.Unsqueeze { { gt, MASK } } end
      nodes = nodes + md.Pad { gt } + md.Pad { MASK } + md.DaCapoTargetFilter { make(), gt, TARGET, WEIGHT, MASK }
      run(nodes, golden.case("nodes", "target_" .. name), options)
    end)
  end

  -- Upstream's growing changes nothing (it dilates the mask and intersects with it), so its figure has the targets right and the
  -- weights as without.
  it("affinities_grown: the targets, and weights where nothing grew", function()
    local case = golden.case("nodes", "target_affinities_grown")
    local function weights(iterations)
      local predictor = md.AffinitiesPredictor { AXES, lsds = false, grow_boundary_iterations = iterations }
      local p <close> = (golden.source("LABELS", "MASK") + md.Pad { LABELS } + md.Pad { MASK }
        + md.DaCapoTargetFilter { predictor, LABELS, TARGET, WEIGHT, MASK }):build()
      local batch = p:request_batch(case.request)
      golden.check(case, "TARGET", batch[TARGET].data)
      return batch[WEIGHT].data
    end
    golden.check(case, "WEIGHT", weights(0))
    local grown = weights(2)
    assert.is_true(grown:count(0) > case.arrays.WEIGHT:count(0))
  end)

  it("affinities_negative_offsets", function()
    local case = golden.case("nodes", "affinities_negative_offsets")
    local made = core.kernel.affinities(case.arrays.input, case.case.neighborhood)
    golden.check(case, "output", made)
  end)
end)

describe("figures of a trainer's pipeline", function()
  local function pipeline(case)
    local e
    for _, node in ipairs(case.case.pipeline) do if node[1] == "ElasticAugment" then e = node[2] end end
    return golden.source("RAW", "ORGANELLE", "MASK") + md.Unsqueeze { { ORGANELLE, MASK } } + md.Normalize { RAW }
      + md.Pad { RAW } + md.Pad { ORGANELLE } + md.Pad { MASK, { 200, 100, 100 } } + md.RandomLocation {} + elastic(e)
      + md.SimpleAugment { transpose_only = { 2, 3 } } + md.IntensityAugment { RAW, 0.9, 1.1, -0.1, 0.1 }
      + md.DaCapoTargetFilter { md.DistancePredictor { { "a" }, 50, false }, ORGANELLE, TARGET, WEIGHT, MASK }
  end
  local function miss(share) return { misses = share } end
  for _, case in ipairs(golden.cases("trainer", ".")) do
    it(case.name, function()
      run(pipeline(case), case, { ORGANELLE = miss(1 / 2000), MASK = miss(1 / 2000) })
    end)
  end
end)
