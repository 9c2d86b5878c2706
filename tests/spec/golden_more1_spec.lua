-- More of gunpowder's nodes against figures that the originals made, draw for draw (tests/golden/nodes_more1.h5, by
-- make_nodes_more.py).
local md = require "moondust"
local core = require "moondust.core"
local golden = require "spec.support.golden"

local RAW, LABELS, MASK, INPUT = md.ArrayKey "RAW", md.ArrayKey "LABELS", md.ArrayKey "MASK", md.ArrayKey "INPUT"
local AFFS, AFFS_MASK, UNLABELLED = md.ArrayKey "AFFS", md.ArrayKey "AFFS_MASK", md.ArrayKey "UNLABELLED"
local SCALES, IGNORE, ARTIFACTS, ALPHA = md.ArrayKey "SCALES", md.ArrayKey "IGNORE", md.ArrayKey "ARTIFACTS", md.ArrayKey "ALPHA"
local POINTS = md.GraphKey "POINTS"

local function read(name) return assert(md.hdf5.read(golden.path "input", name)).data end

-- Sources of arrays at (50, 5, 5) from the origin on, as the generator's.
local function served(arrays)
  local list = {}
  for name, data in pairs(arrays) do
    local shape = md.Coordinate { table.unpack(data.shape, data.ndim - 2) } * { 50, 5, 5 }
    local spec = md.ArraySpec {
      roi = md.Roi({ 0, 0, 0 }, shape), voxel_size = { 50, 5, 5 }, dtype = data.dtype,
      interpolatable = name == RAW or name == ARTIFACTS or name == ALPHA,
    }
    list[#list + 1] = md.ArraySource { name, md.Array { data, spec } }
  end
  if #list == 1 then return list[1] end
  return list + md.MergeProvider {}
end

local function grey() return core.kernel.scale_shift(read "raw", 1 / 255, 0, "float32") end

local function run(pipeline, case, options)
  local p <close> = pipeline:build()
  local batch <close> = p:request_batch(case.request)
  golden.compare(batch, case, options)
end

local function each(pattern, count, body)
  local found = golden.cases("nodes_more1", "^" .. pattern .. "$")
  it("finds " .. pattern, function() assert.equal(count, #found) end)
  for _, case in ipairs(found) do
    it(case.name, function() body(case, case.case) end)
  end
end

describe("figures of noise", function()
  each("noise_none_%d", 2, function(case)
    run(served { [RAW] = grey() } + md.NoiseAugment { RAW, "s&p", amount = 0 } + md.IntensityAugment { RAW, 0.8, 1.2, -0.15, 0.15 }, case,
      { RAW = { tolerance = 1e-5 } })
  end)
  each("noise_p_%d", 4, function(case)
    run(served { [RAW] = grey() } + md.NoiseAugment { RAW, "pepper", p = 0.5, amount = 1 }, case, { RAW = { tolerance = 1e-5 } })
  end)
end)

describe("figures of targets", function()
  each("add_affinities_%d", 5, function(case, what)
    local labels = read "labels"
    local node = md.AddAffinities {
      what.neighborhood, LABELS, AFFS, what.labels_mask and MASK or nil, what.unlabelled and UNLABELLED or nil, AFFS_MASK, what.dtype,
    }
    run(served { [LABELS] = labels, [MASK] = read "mask", [UNLABELLED] = labels:gt(0) } + node, case)
  end)

  each("balance_labels_%d_%a+", 8, function(case, what)
    local parameters = what.parameters
    local function clip(name)
      if parameters[name] == nil and case.name:find "_2_" then return false end
      return parameters[name]
    end
    local labels = read "labels":totable()
    for _, plane in ipairs(labels) do
      for _, row in ipairs(plane) do
        for x, id in ipairs(row) do row[x] = id % 4 end
      end
    end
    local node = md.BalanceLabels {
      INPUT, SCALES, mask = what.masked and { MASK } or nil, slab = parameters.slab, num_classes = 4, clipmin = clip "clipmin", clipmax = clip "clipmax",
    }
    run(served { [INPUT] = core.ndarray(labels, "uint8"), [MASK] = read "mask" } + node, case, { SCALES = { tolerance = 1e-6 } })
  end)
end)

describe("figures of labels", function()
  each("grow_boundary_%d", 6, function(case, what)
    local node = md.GrowBoundary { LABELS, what.masked and MASK or nil, what.steps, what.background, what.only_xy }
    run(served { [LABELS] = read "labels", [MASK] = read "mask" } + node, case)
  end)
  each("exclude_labels", 1, function(case, what)
    run(served { [LABELS] = read "labels" } + md.ExcludeLabels { LABELS, what.exclude, IGNORE, what.erode, what.background }, case)
  end)
  each("renumber", 1, function(case)
    run(served { [INPUT] = case.arrays.before:astype "uint64" } + md.RenumberConnectedComponents { INPUT }, case)
  end)
end)

describe("figures of shifts", function()
  local function points()
    local nodes = {}
    for i, location in ipairs(assert(md.hdf5.read(golden.path "input", "points")):totable()) do nodes[i] = md.Node { i - 1, location } end
    return md.GraphSource { POINTS, md.Graph { nodes, {}, md.GraphSpec { roi = md.Roi({ 0, 0, 0 }, { 1200, 480, 480 }), directed = false } } }
  end

  local function compare_points(graph, case)
    local ids, expected = {}, case.arrays.point_locations:totable()
    for node in graph:nodes() do ids[#ids + 1] = node.id end
    table.sort(ids)
    assert.same(case.arrays.point_ids:totable(), ids)
    for i, id in ipairs(ids) do
      for d = 1, 3 do assert.near(expected[i][d], graph:node(id).location[d], 1e-3) end
    end
    return #ids
  end

  each("shift_%d_%d", 8, function(case, what)
    local parameters = what.parameters
    local node = md.ShiftAugment {
      parameters.prob_slip, parameters.prob_shift, parameters.sigma, (parameters.shift_axis or 0) + 1, parameters.p,
    }
    local sources = { served { [RAW] = read "raw" }, served { [LABELS] = read "labels" }, points() }
    local p <close> = (sources + md.MergeProvider {} + node):build()
    local batch <close> = p:request_batch(case.request)
    golden.compare(batch, case)
    assert.is_true(compare_points(batch[POINTS], case) > 0)
  end)
end)

describe("figures of defects", function()
  local function defects(case, what, more)
    local parameters = { RAW, axis = (what.axis or 0) + 1 }
    for _, name in ipairs { "prob_missing", "prob_low_contrast", "prob_artifact", "prob_deform", "contrast_scale", "deformation_strength", "p" } do
      parameters[name] = what[name]
    end
    if not what.prob_low_contrast then parameters.prob_low_contrast = 0 end
    for name, value in pairs(more or {}) do parameters[name] = value end
    run(served { [RAW] = grey() } + md.DefectAugment(parameters), case, { RAW = { tolerance = 1e-5 } })
  end
  each("defects_%d", 2, defects)
  each("defects_axis", 1, defects)
  each("defects_fold_%d+_%d", 6, defects)
  each("defects_artifact", 1, function(case, what)
    local source = served { [ARTIFACTS] = grey():flip(1):flip(2), [ALPHA] = case.arrays.alpha }
    defects(case, what, { artifact_source = source, artifacts = ARTIFACTS, artifacts_mask = ALPHA })
  end)
end)
