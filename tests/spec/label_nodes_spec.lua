-- AddAffinities, BalanceLabels, GrowBoundary, ExcludeLabels, RenumberConnectedComponents: the battery, what upstream gets wrong,
-- what they refuse.
local md = require "moondust"
local core = require "moondust.core"
local battery = require "spec.support.battery"
local errors = require "spec.support.errors"

local RAW, LABELS, MASK = battery.RAW, battery.LABELS, battery.MASK
local AFFS, AFFS_MASK, SCALES, IGNORE = md.ArrayKey "AFFS", md.ArrayKey "AFFS_MASK", md.ArrayKey "SCALES", md.ArrayKey "IGNORE"
local KNOWN = md.ArrayKey "KNOWN"
local NEAR = { { -1, 0, 0 }, { 0, -1, 0 }, { 0, 0, -1 }, { 1, -2, 3 } }
local SOME = { 100 + (1 << 40), 111 + (1 << 40), 121 + (1 << 40), 213 + (1 << 40), 222 + (1 << 40) }

local function asks(...)
  local keys = { ... }
  return function(seed) return battery.request(seed, table.unpack(keys)) end
end

battery.node("AddAffinities", {
  node = function() return md.AddAffinities { NEAR, LABELS, AFFS, MASK, nil, AFFS_MASK } end, deterministic = true, untouched = { LABELS, RAW },
  request = asks(AFFS, AFFS_MASK, LABELS),
})
battery.node("BalanceLabels", { -- shares are those of the batch at hand, so tiles have others
  node = function() return md.BalanceLabels { MASK, SCALES } end, untouched = { LABELS, RAW }, request = asks(SCALES, MASK),
})
battery.node("GrowBoundary", { -- nothing grows at the border of a batch
  node = function() return md.GrowBoundary { LABELS, MASK, 2 } end, untouched = { MASK, RAW }, request = asks(LABELS, RAW),
})
battery.node("GrowBoundary with context", {
  node = function() return md.GrowBoundary { LABELS, MASK, 2, context = true } end, deterministic = true, untouched = { MASK, RAW }, request = asks(LABELS, RAW),
})
battery.node("GrowBoundary in planes with context", {
  node = function() return md.GrowBoundary { LABELS, steps = 3, only_xy = true, context = true } end, deterministic = true, untouched = { MASK, RAW },
  request = asks(LABELS, RAW),
})
battery.node("ExcludeLabels", {
  node = function() return md.ExcludeLabels { LABELS, SOME, IGNORE, 9.5 } end, deterministic = true, untouched = { MASK, RAW },
  request = asks(IGNORE, LABELS, RAW),
})
battery.node("RenumberConnectedComponents", { -- by size in the batch
  node = function() return md.RenumberConnectedComponents { LABELS } end, untouched = { MASK, RAW }, request = asks(LABELS, RAW),
})

-- One batch of arrays of a few voxels of 1; `wanted` = keys, or ROIs by key.
local function run(arrays, node, wanted)
  local sources = {}
  for name, data in pairs(arrays) do
    local dims = arrays.dims or data.ndim
    if name ~= "dims" then
      local shape, ones = { table.unpack(data.shape, data.ndim - dims + 1) }, {}
      for d = 1, dims do ones[d] = 1 end
      local offset = md.Coordinate(shape) * 0
      sources[#sources + 1] = md.ArraySource { name, md.Array { data, md.ArraySpec { roi = md.Roi(offset, shape), voxel_size = ones, dtype = data.dtype } } }
    end
  end
  local p <close> = (sources + md.MergeProvider {} + node):build()
  local request = md.BatchRequest { random_seed = 1 }
  for name, roi in pairs(wanted) do
    if type(name) == "number" then name, roi = roi, p.spec[roi].roi end
    request[name] = roi
  end
  return p:request_batch(request)
end

describe("AddAffinities", function()
  local function affinities(labels, more, wanted)
    local options = { { { 1 } }, LABELS, AFFS, affinities_mask = AFFS_MASK }
    local arrays = { [LABELS] = core.ndarray(labels, "uint64") }
    for name, values in pairs(more or {}) do
      arrays[name] = core.ndarray(values, "uint8")
      options[name == MASK and "labels_mask" or "unlabelled"] = name
    end
    return run(arrays, md.AddAffinities(options), wanted or { AFFS, AFFS_MASK })
  end

  it("tells ids apart that differ beyond 32 bits", function()
    local big = 1 << 32
    assert.same({ { 1, 0, 1, 0, 1 } }, affinities({ big, big, 2 * big, 2 * big, -1, -1 })[AFFS].data:totable())
  end)

  it("serves the mask alone, and both in ROIs of their own", function()
    local mask = affinities({ 1, 1, 1, 1 }, { [MASK] = { 1, 1, 0, 0 } }, { AFFS_MASK })
    assert.same({ { 1, 0, 0 } }, mask[AFFS_MASK].data:totable())
    local both = affinities({ 1, 1, 1, 2 }, nil, { [AFFS] = md.Roi({ 0 }, { 1 }), [AFFS_MASK] = md.Roi({ 1 }, { 2 }) })
    assert.same({ { 1 } }, both[AFFS].data:totable())
    assert.same({ { 1, 1 } }, both[AFFS_MASK].data:totable())
  end)

  it("takes any value but 0 as labelled", function()
    local batch = affinities({ 1, 1, 1, 1, 1 }, { [KNOWN] = { 255, 1, 255, 0, 0 } })
    assert.same({ { 1, 1, 1, 0 } }, batch[AFFS_MASK].data:totable())
  end)

  it("is 0 towards unlabelled voxels, whatever their label", function()
    assert.same({ { 1, 0, 0 } }, affinities({ 1, 1, 1, 1 }, { [KNOWN] = { 1, 1, 0, 0 } })[AFFS].data:totable())
  end)

  it("works in one dimension and in four", function()
    assert.same({ { 1, 0, 0 } }, affinities({ 1, 1, 0, 0 })[AFFS].data:totable())
    local four = run({ [LABELS] = core.zeros({ 2, 2, 2, 2 }, "uint8"):fill(3) }, md.AddAffinities { { { 1, 0, 0, -1 } }, LABELS, AFFS, dtype = "float32" }, { AFFS })
    assert.equal("1x1x2x2x1 float32 4", ("%s %s %g"):format(table.concat(four[AFFS].data.shape, "x"), four[AFFS].data.dtype, four[AFFS].data:sum()))
  end)

  it("refuses what makes no sense", function()
    assert.equal("AddAffinities: 'affinity_neighborhood' is empty", errors.bare(md.AddAffinities, { {}, LABELS, AFFS }))
    assert.equal("AddAffinities: affinity_neighborhood[2] has 1 axes, the first has 2", errors.bare(md.AddAffinities, { { { 1, 0 }, { 1 } }, LABELS, AFFS }))
    assert.equal("AddAffinities: affinity_neighborhood[1] is not an offset such as {-1, 0, 0}", errors.bare(md.AddAffinities, { { "x" }, LABELS, AFFS }))
    assert.equal("AddAffinities: the offsets have 2 axes, LABELS has 1",
      errors.message(run, { [LABELS] = core.zeros({ 4 }, "uint8") }, md.AddAffinities { { { 1, 0 } }, LABELS, AFFS }, {}))
    assert.equal("AddAffinities: affinities are made of arrays without channels, LABELS has shape {2, 4}; put md.Squeeze{ … } before",
      errors.message(run, { dims = 1, [LABELS] = core.zeros({ 2, 4 }, "uint8") }, md.AddAffinities { { { 1 } }, LABELS, AFFS }, { AFFS }))
  end)
end)

describe("BalanceLabels", function()
  local function weights(labels, options, more)
    local arrays = { [LABELS] = core.ndarray(labels, "uint8") }
    for name, values in pairs(more or {}) do arrays[name] = core.ndarray(values, "uint8") end
    options[1], options[2] = LABELS, SCALES
    return run(arrays, md.BalanceLabels(options), { SCALES })[SCALES].data:totable()
  end
  local function near(expected, found)
    for i, value in ipairs(expected) do assert.near(value, found[i], 1e-5) end
  end

  it("weighs classes by their share", function() near({ 2 / 3, 2 / 3, 2 / 3, 2 }, weights({ 0, 0, 0, 1 }, {})) end)
  it("counts and weighs what no mask leaves out", function()
    near({ 0, 1, 0, 1 }, weights({ 0, 0, 0, 1 }, { mask = { MASK, KNOWN } }, { [MASK] = { 0, 1, 1, 1 }, [KNOWN] = { 1, 1, 0, 1 } }))
  end)
  it("clips shares, or doesn't", function()
    near({ 0.5 / 0.6, 0.5 / 0.6, 0.5 / 0.6, 1.25 }, weights({ 0, 0, 0, 1 }, { clipmin = 0.4, clipmax = 0.6, num_classes = 2, mask = MASK, slab = { -1 } }, { [MASK] = { 1, 1, 1, 1 } }))
    near({ 0.5, 0.5 }, weights({ 1, 1 }, { clipmin = false, clipmax = false }))
  end)
  it("balances slabs one by one", function() near({ 1, 1, 1 / 1.9, 1 / 1.9 }, weights({ 0, 1, 1, 1 }, { slab = { 2 } })) end)
  it("an array that is masked out altogether weighs nothing", function()
    near({ 0, 0 }, weights({ 0, 1 }, { mask = MASK }, { [MASK] = { 0, 0 } }))
  end)
  it("can be asked for float32", function()
    local batch = run({ [LABELS] = core.zeros({ 4 }, "uint8") }, md.BalanceLabels { LABELS, SCALES },
      { [SCALES] = md.ArraySpec { roi = md.Roi({ 0 }, { 4 }), dtype = "float32" } })
    assert.equal("float32", batch[SCALES].data.dtype)
  end)
  it("refuses what it can't balance", function()
    assert.equal("BalanceLabels: LABELS: label 7 at {2} is none of the 2 classes, which are 0 to 1: map labels to classes before", errors.message(weights, { 0, 7 }, {}))
    assert.equal("BalanceLabels: slab has 2 axes, LABELS has 1 (channels count too)", errors.message(weights, { 0, 1 }, { slab = { 1, 1 } }))
    assert.equal("BalanceLabels: 'num_classes' must be at least 1, not 0", errors.bare(md.BalanceLabels, { LABELS, SCALES, num_classes = 0 }))
    assert.equal("BalanceLabels: 'clipmin' must be a number, or false for none", errors.bare(md.BalanceLabels, { LABELS, SCALES, clipmin = true }))
    assert.equal("BalanceLabels: MASK is not provided upstream (there is LABELS)", errors.message(weights, { 0, 1 }, { mask = MASK }))
  end)
end)

describe("GrowBoundary", function()
  local function grown(labels, options, more, dtype)
    local arrays = { [LABELS] = core.ndarray(labels, dtype or "uint64") }
    for name, values in pairs(more or {}) do arrays[name] = core.ndarray(values, "uint8") end
    options[1] = LABELS
    return run(arrays, md.GrowBoundary(options), { LABELS })[LABELS].data:totable()
  end

  it("grows between labels, not at the border", function()
    assert.same({ 1, 1, 0, 0, 2, 2 }, grown({ 1, 1, 1, 2, 2, 2 }, {}))
    assert.same({ 1, 0, 0, 0, 0, 2 }, grown({ 1, 1, 1, 2, 2, 2 }, { steps = 2 }))
    assert.same({ 1, 1, 1, 2, 2, 2 }, grown({ 1, 1, 1, 2, 2, 2 }, { steps = 0 }))
    assert.same({ 1, 1, 9, 9, 0, 0 }, grown({ 1, 1, 1, 0, 0, 0 }, { background = 9 }))
  end)

  it("asks for the mask by itself, and doesn't grow towards what it calls unknown", function()
    assert.same({ 1, 1, 1, 2, 2, 2 }, grown({ 1, 1, 1, 2, 2, 2 }, { MASK, MASK }, { [MASK] = { 1, 1, 1, 0, 0, 1 } }))
    assert.same({ 1, 1, 1, 0, 2, 2 }, grown({ 1, 1, 1, 1, 2, 2 }, { MASK, MASK }, { [MASK] = { 1, 1, 1, 0, 1, 1 } }))
  end)

  it("a mask that covers a part: the rest stays", function()
    local labels = md.ArraySource { LABELS, md.Array { core.ndarray({ 1, 2, 3, 4, 5, 6 }, "uint8"), md.ArraySpec { roi = md.Roi({ 0 }, { 6 }), voxel_size = { 1 } } } }
    local mask = md.ArraySource { MASK, md.Array { core.ndarray({ 1, 1 }, "uint8"), md.ArraySpec { roi = md.Roi({ 2 }, { 2 }), voxel_size = { 1 } } } }
    local p <close> = ({ labels, mask } + md.MergeProvider {} + md.GrowBoundary { LABELS, MASK }):build()
    local request = md.BatchRequest { random_seed = 1 }
    request[LABELS] = md.Roi({ 0 }, { 6 })
    assert.same({ 1, 2, 0, 0, 5, 6 }, p:request_batch(request)[LABELS].data:totable())
    request[LABELS] = md.Roi({ 4 }, { 2 })
    assert.equal("GrowBoundary: LABELS is wanted in ROI [4:6] (2), mask MASK is there in [2:4] (2) only: they have nothing in common",
      errors.message(function() p:request_batch(request) end))
  end)

  it("erodes channels one by one, planes only with only_xy", function()
    local labels = core.ndarray({ { { 1, 1 }, { 1, 1 } }, { { 2, 2 }, { 2, 2 } } }, "uint8")
    assert.is_true(run({ dims = 2, [LABELS] = labels }, md.GrowBoundary { LABELS }, { LABELS })[LABELS].data:equal(labels))
    assert.is_true(run({ [LABELS] = labels }, md.GrowBoundary { LABELS, only_xy = true }, { LABELS })[LABELS].data:equal(labels))
    assert.equal(8, run({ [LABELS] = labels }, md.GrowBoundary { LABELS }, { LABELS })[LABELS].data:count(0))
  end)

  it("is the part of the whole in tiles of any width, with context", function()
    local rng = core.Rng(9)
    for case = 1, 40 do
      local ids, known, size, x, y = {}, {}, rng:randint(1, 7), rng:randint(2, 20), rng:randint(1, 6)
      for row = 1, y do
        ids[row], known[row] = {}, {}
        for i = 1, x do
          ids[row][i] = i > 1 and rng:random() < 0.7 and ids[row][i - 1] or rng:randint(0, 3)
          known[row][i] = rng:random() < 0.8 and 1 or 0
        end
      end
      local spec = md.ArraySpec { roi = md.Roi({ 3, -10 * size }, { y * 3, x * size }), voxel_size = { 3, size } }
      local function source(key, values) return md.ArraySource { key, md.Array { core.ndarray(values, "uint8"), spec } } end
      local steps, masked = rng:randint(0, 4) == 4 and 25 or rng:randint(0, 3), rng:random() < 0.5
      local sources = masked and { source(LABELS, ids), source(MASK, known) } + md.MergeProvider {} or source(LABELS, ids)
      local p <close> = (sources + md.GrowBoundary { LABELS, masked and MASK or nil, steps = steps, context = true }):build()
      local function ask(roi) return p:request_batch(md.BatchRequest { random_seed = 1, [LABELS] = roi })[LABELS] end
      local whole, width = ask(spec.roi), rng:randint(1, 5) * size
      for at = spec.roi.begin[2], spec.roi.stop[2] - 1, width do
        local tile = md.Roi({ 3, at }, { y * 3, math.min(width, spec.roi.stop[2] - at) })
        local made = ask(tile)
        assert.equal(tile, made.spec.roi)
        assert.is_true(made.data:equal(whole:crop(tile).data), "case " .. case)
      end
    end
  end)

  it("keeps ids of 64 bits, even the last", function()
    assert.same({ -1, -1, 0, 0, -2 }, grown({ -1, -1, -1, -2, -2 }, { MASK, MASK }, { [MASK] = { 1, 1, 1, 1, 1 } }))
  end)

  it("refuses what makes no sense", function()
    assert.equal("GrowBoundary: 'steps' must not be negative, it is -1", errors.bare(md.GrowBoundary, { LABELS, steps = -1 }))
    assert.equal("GrowBoundary: LABELS: background 300 doesn't fit into uint8", errors.message(grown, { 1, 2 }, { background = 300 }, nil, "uint8"))
    assert.equal("GrowBoundary: LABELS: boundaries grow between integer labels, not in float32", errors.message(grown, { 1, 2 }, {}, nil, "float32"))
    assert.equal("GrowBoundary: only_xy needs at least 2 spatial axes, LABELS has 1", errors.message(grown, { 1, 2 }, { only_xy = true }))
  end)
end)

describe("ExcludeLabels", function()
  local function excluded(labels, options, wanted)
    options[1] = LABELS
    return run({ [LABELS] = core.ndarray(labels, "uint64") }, md.ExcludeLabels(options), wanted or { LABELS, IGNORE })
  end

  it("replaces ids, big ones too", function()
    local batch = excluded({ 1, 2, 1 << 40, -1, 3 }, { LABELS, { 1 << 40, 2, -1 }, background_value = 5 }, { LABELS })
    assert.same({ 1, 5, 5, 5, 3 }, batch[LABELS].data:totable())
  end)
  it("keeps everything but what was excluded by default", function()
    assert.same({ 1, 0, 0, 0, 1 }, excluded({ 1, 2, 2, 2, 3 }, { LABELS, { 2 }, IGNORE })[IGNORE].data:totable())
  end)
  it("keeps what is no further than ignore_mask_erode", function()
    assert.same({ 1, 1, 0, 1, 1 }, excluded({ 1, 2, 2, 2, 3 }, { LABELS, { 2 }, IGNORE, 1 })[IGNORE].data:totable())
    assert.same({ 1, 1, 1, 1, 1 }, excluded({ 1, 2, 2, 2, 3 }, { LABELS, { 2 }, IGNORE, 2 })[IGNORE].data:totable())
  end)
  it("looks beyond the mask that was asked for", function()
    assert.same({ 0, 1 }, excluded({ 2, 2, 2, 2, 3 }, { LABELS, { 2 }, IGNORE, 1 }, { [IGNORE] = md.Roi({ 2 }, { 2 }) })[IGNORE].data:totable())
  end)
  it("is 0 everywhere when nothing is left", function()
    assert.same({ 0, 0 }, excluded({ 2, 2 }, { LABELS, { 2 }, IGNORE, 1000 })[IGNORE].data:totable())
  end)
  it("announces and delivers a uint8 mask", function()
    assert.equal("uint8", excluded({ 2, 2 }, { LABELS, { 2 }, IGNORE }, { IGNORE })[IGNORE].data.dtype)
  end)
  it("refuses what makes no sense", function()
    assert.equal("ExcludeLabels: exclude[2] is not a whole number", errors.bare(md.ExcludeLabels, { LABELS, { 1, 1.5 } }))
    assert.equal("ExcludeLabels: 'ignore_mask_erode' must not be negative, it is -1", errors.bare(md.ExcludeLabels, { LABELS, { 1 }, IGNORE, -1 }))
    local labels = { [LABELS] = core.zeros({ 3 }, "uint8") }
    assert.equal("ExcludeLabels: LABELS: value 256 doesn't fit into labels of uint8",
      errors.message(run, labels, md.ExcludeLabels { LABELS, { 1 }, background_value = 256 }, { LABELS }))
  end)
end)

describe("RenumberConnectedComponents", function()
  local function renumbered(labels, dtype) return run({ [LABELS] = core.ndarray(labels, dtype or "uint64") }, md.RenumberConnectedComponents { LABELS }, { LABELS })[LABELS].data end

  it("numbers by size, then by place", function()
    assert.same({ { 2, 2, 0, 1 }, { 0, 1, 1, 1 }, { 3, 3, 0, 0 } }, renumbered({ { 5, 5, 0, 8 }, { 0, 8, 8, 8 }, { 5, 5, 0, 0 } }):totable())
  end)
  it("keeps components of one voxel", function() assert.same({ 1, 2, 3 }, renumbered({ 9, 7, 9 }):totable()) end)
  it("joins what meets late: spirals and combs", function()
    assert.same({ { 1, 2, 1 }, { 1, 2, 1 }, { 1, 1, 1 } }, renumbered({ { 4, 6, 4 }, { 4, 6, 4 }, { 4, 4, 4 } }):totable())
    local comb = { { 1, 0, 1, 0, 1, 0, 1 }, { 1, 1, 1, 0, 1, 1, 1 }, { 0, 0, 1, 1, 1, 0, 0 } }
    assert.equal(1, renumbered(comb):max())
  end)
  it("leaves channels apart", function()
    local labels = core.ndarray({ { 3, 3 }, { 3, 3 } }, "int32")
    assert.same({ { 1, 1 }, { 2, 2 } }, run({ dims = 1, [LABELS] = labels }, md.RenumberConnectedComponents { LABELS }, { LABELS })[LABELS].data:totable())
  end)
  it("refuses more components than ids", function()
    local many = {}
    for i = 1, 300 do many[i] = i % 2 + 1 end
    assert.equal("RenumberConnectedComponents: LABELS: 300 components don't fit into uint8, which has ids up to 255: use :astype before",
      errors.message(renumbered, many, "uint8"))
    assert.equal(300, renumbered(many, "uint16"):max())
    assert.equal("RenumberConnectedComponents: LABELS: components are those of integer labels, not of float32: use :astype", errors.message(renumbered, { 1, 2 }, "float32"))
  end)
end)

describe("nodes that look at neighbours", function()
  it("refuse what doesn't lie in space", function()
    local nodes = {
      AddAffinities = md.AddAffinities { { { 1 } }, LABELS, AFFS }, GrowBoundary = md.GrowBoundary { LABELS }, ExcludeLabels = md.ExcludeLabels { LABELS, { 1 } },
      DefectAugment = md.DefectAugment { LABELS },
    }
    for name, node in pairs(nodes) do
      local source = md.ArraySource { LABELS, md.Array { core.ndarray({ 1, 2 }, "uint8") } }
      assert.equal(("%s: LABELS is nonspatial, %s needs an array with a ROI and a voxel size"):format(name, name), errors.message(function() return (source + node):build() end))
    end
  end)
end)
