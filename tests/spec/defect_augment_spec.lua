-- DefectAugment: what draws don't show (those are in golden_more1_spec.lua).
local md = require "moondust"
local core = require "moondust.core"
local battery = require "spec.support.battery"
local errors = require "spec.support.errors"

local RAW, FLOAT = battery.RAW, battery.FLOAT
local DIRT, OPACITY = md.ArrayKey "DIRT", md.ArrayKey "OPACITY"

local SPEC = md.ArraySpec { roi = md.Roi({ 0, 0, 0 }, { 800, 480, 480 }), voxel_size = { 40, 4, 4 }, interpolatable = true }

-- Artifacts: noise anywhere, an opacity of one half.
local function dirt(opacity)
  local grey = core.kernel.noise(core.zeros({ 20, 120, 120 }, "float32"):fill(0.5), "gaussian", 3, { clip_low = 0, clip_high = 1 })
  return { md.ArraySource { DIRT, md.Array { grey, SPEC } }, md.ArraySource { OPACITY, md.Array { core.zeros({ 20, 120, 120 }, "float32"):fill(opacity or 0.5), SPEC } } }
    + md.MergeProvider {} + md.RandomLocation {}
end

local function everything()
  return md.DefectAugment { FLOAT, 0.2, 0.2, 0.2, 0.2, 0.5, dirt(), DIRT, OPACITY, 3 }
end

battery.node("DefectAugment", {
  node = everything, random = true, untouched = { battery.LABELS, battery.RAW },
  request = function(seed) return battery.request(seed, FLOAT, battery.LABELS) end,
})

battery.node("DefectAugment along another axis, nearest", {
  node = function() return md.DefectAugment { RAW, 0.2, 0.2, prob_deform = 0.5, deformation_strength = 3, axis = 2 } end, random = true,
})

local KEY = md.ArrayKey "INTENSITIES"

local function run(data, options, seed, roi)
  local spec = SPEC:copy()
  spec.roi = md.Roi({ 0, 0, 0 }, md.Coordinate { table.unpack(data.shape, data.ndim - 2) } * { 40, 4, 4 })
  options[1] = KEY
  local p <close> = (md.ArraySource { KEY, md.Array { data, spec } } + md.DefectAugment(options)):build()
  local request = md.BatchRequest { random_seed = seed or 1 }
  request[KEY] = roi or spec.roi
  return p:request_batch(request)[KEY].data
end

local function ramp(dtype, scale)
  local rows = {}
  for y = 1, 60 do
    rows[y] = {}
    for x = 1, 50 do rows[y][x] = (x + y) / 110 * scale end
  end
  local planes = {}
  for z = 1, 10 do planes[z] = rows end
  return core.ndarray(planes, dtype)
end

local INNER = md.Roi({ 0, 80, 80 }, { 400, 80, 40 })

describe("DefectAugment", function()
  it("takes integers", function()
    local faint = run(ramp("uint8", 200), { prob_missing = 0, prob_low_contrast = 1, contrast_scale = 0.5 })
    local mean = ramp("uint8", 200):mean()
    assert.equal("uint8", faint.dtype)
    assert.near(mean, faint:mean(), 0.5)
    assert.near(ramp("uint8", 200):std() / 2, faint:std(), 0.5)
    local folded = run(ramp("uint8", 200), { prob_missing = 0, prob_low_contrast = 0, prob_deform = 1, deformation_strength = 5 }, 1, INNER)
    assert.equal("10x20x10", table.concat(folded.shape, "x"))
    assert.is_true(folded:max() > 50)
    local dirty = run(ramp("uint8", 200), { prob_missing = 0, prob_low_contrast = 0, prob_artifact = 1, artifact_source = dirt(1), artifacts = DIRT, artifacts_mask = OPACITY })
    assert.same({ 0, 1 }, { dirty:minmax() })
  end)

  it("takes channels", function()
    local both = core.stack { ramp("float32", 1), ramp("float32", 0.5) }
    local options = { prob_missing = 0.2, prob_low_contrast = 0.2, prob_deform = 0.4, deformation_strength = 4 }
    local made, alone = run(both, options, 3, INNER), run(ramp("float32", 1), options, 3, INNER)
    assert.is_true(made[{ 1 }]:equal(alone))
    assert.near(0, (made[{ 2 }] * 2 - alone):std(), 1e-5)
  end)

  it("has defects in two dimensions", function()
    local spec = md.ArraySpec { roi = md.Roi({ 0, 0 }, { 40, 30 }), voxel_size = { 1, 1 } }
    local p <close> = (md.ArraySource { KEY, md.Array { core.zeros({ 40, 30 }, "float32"):fill(0.5), spec } } + md.DefectAugment { KEY, 0.3, 0.3 }):build()
    local request = md.BatchRequest { random_seed = 1 }
    request[KEY] = spec.roi
    local rows = p:request_batch(request)[KEY].data:count(0) / 30
    assert.equal(0, rows % 1)
    assert.is_true(rows > 4 and rows < 22)
    assert.equal("DefectAugment: folds run across sections of 3-d arrays, INTENSITIES has 2 spatial axes; set prob_deform = 0", errors.message(function()
      return (md.ArraySource { KEY, md.Array { core.zeros({ 40, 30 }, "float32"), spec } } + md.DefectAugment { KEY, prob_deform = 0.1 }):build()
    end))
  end)

  it("asks for artifacts with a seed", function()
    local function dirty(seed)
      return run(ramp("float32", 1), { prob_missing = 0, prob_low_contrast = 0, prob_artifact = 1, artifact_source = dirt(), artifacts = DIRT, artifacts_mask = OPACITY }, seed)
    end
    local first = dirty(1)
    assert.is_true(first:equal(dirty(1)))
    assert.is_false(first:equal(dirty(2)))
    assert.is_false(first[{ 1 }]:equal(first[{ 2 }]), "each section has an artifact of its own")
  end)

  it("a fold elsewhere changes nothing in a faint section", function()
    local options = { prob_missing = 0, prob_low_contrast = 0.5, prob_deform = 0.5, deformation_strength = 6 }
    local without = { prob_missing = 0, prob_low_contrast = 0.5, deformation_strength = 6 }
    local made = run(ramp("float32", 1), options, 2, INNER)
    local mean = ramp("float32", 1)[{ 1, { 21, 40 }, { 21, 30 } }]:mean()
    local faint = 0
    for z = 1, 10 do
      if made[{ z }]:count(0) == 0 and made[{ z }]:std() < 0.01 then
        faint = faint + 1
        assert.near(mean, made[{ z }]:mean(), 1e-5)
      end
    end
    assert.is_true(faint > 0)
    assert.near(mean, run(ramp("float32", 1), without, 2, INNER)[{ 1 }]:mean(), 1e-5)
  end)

  it("folds move tissue towards the line: on each side by the strength, at a right angle", function()
    -- A ramp along columns and a line along rows: left of it values are those 4 to the left, right of it 4 to the right.
    local rows = {}
    for y = 1, 28 do
      rows[y] = {}
      for x = 1, 48 do rows[y][x] = x / 100 end
    end
    local made = core.kernel.fold(core.ndarray(rows, "float32"), { 0, 24 }, { 27, 24 }, "rows", 4, 2, true)
    assert.equal("20x40", table.concat(made.shape, "x"))
    for x = 1, 40 do
      local wide = x + 4 -- column, from 1, on the wider section; the line is column 25
      local expected = math.abs(wide - 25) <= 2 and 0 or (wide < 25 and wide - 4 or wide + 4) / 100
      assert.near(expected, made[{ 10, x }], 1e-5)
    end
  end)

  it("folds of strength 0 are the line alone", function()
    local data = ramp("float32", 1)
    local made = run(data, { prob_missing = 0, prob_low_contrast = 0, prob_deform = 1, deformation_strength = 0 })
    local changed = made:ne(data)
    assert.is_true(made:count(0) > 0)
    assert.is_true((made * changed:astype "float32"):max() < 1e-6, "what isn't under the line is as before")
  end)

  it("p = 0 changes nothing", function() assert.is_true(run(ramp("float32", 1), { prob_missing = 1, prob_low_contrast = 0, p = 0 }):equal(ramp("float32", 1))) end)

  it("refuses what makes no sense", function()
    local function refused(message, options)
      options[1] = FLOAT
      assert.equal(message, errors.bare(md.DefectAugment, options))
    end
    refused("DefectAugment: the probabilities sum to 1.2, more than 1", { prob_missing = 0.6, prob_deform = 0.55 })
    refused("DefectAugment: 'artifact_source' is missing: prob_artifact is 0.5", { prob_artifact = 0.5 })
    refused("DefectAugment: 'artifacts_mask' is missing: prob_artifact is 0.5", { prob_artifact = 0.5, artifact_source = dirt(), artifacts = DIRT })
    refused("DefectAugment: 'artifact_source' must be a node or a pipeline, not a number", { artifact_source = 3 })
    refused("DefectAugment: 'deformation_strength' must not be negative, it is -2", { deformation_strength = -2 })
    refused("DefectAugment: 'axis' is 0; spatial axes are counted from 1", { axis = 0 })
  end)

  it("refuses what it can't do", function()
    assert.equal("DefectAugment: axis is 4, INTENSITIES has 3 spatial axes", errors.message(run, ramp("float32", 1), { axis = 4 }))
    local function blend(opacity, mask)
      return run(ramp("float32", 1), { prob_artifact = 0.9, artifact_source = dirt(opacity), artifacts = DIRT, artifacts_mask = mask or OPACITY })
    end
    assert.equal("DefectAugment: OPACITY is float32 from 2 to 2, an opacity must be floats from 0 to 1", errors.message(blend, 2))
    assert.equal("DefectAugment: RAW is not provided by artifact_source (there is DIRT, OPACITY)", errors.message(blend, 1, RAW))
    local tiny = core.zeros({ 10, 3, 3 }, "float32")
    assert.equal("DefectAugment: sections of 3x3 voxels are too small for a fold; ask for more or set prob_deform = 0",
      errors.message(run, tiny, { prob_deform = 0.9, deformation_strength = 0 }))
  end)

  it("closes its artifact source, also when it can't be set up", function()
    local source = dirt()
    local node = md.DefectAugment { FLOAT, prob_artifact = 0.5, artifact_source = source, artifacts = DIRT, artifacts_mask = RAW }
    assert.is_false(pcall(function() return (battery.source() + node):build() end))
    local p <close> = source:build()
    assert.is_truthy(p.spec[DIRT])
  end)
end)
