--- quirks = true against dacapo.gp's own figures: the transformation alone (transform.h5), and whole ElasticAugment
--- nodes by hand (nodes.h5).
local core = require "moondust.core"
local figures = require "spec.support.figures"

local VOXEL_SIZE = { 50, 5, 5 }
local PARAMS = {
  { spacing = { 2, 20, 20 }, sigma = { 0, 12, 12 }, rotation = { 0, math.pi / 2 }, subsample = 1 },
  { spacing = { 1, 25, 25 }, sigma = { 0, 10, 10 }, rotation = { 0.3, 0.3 }, subsample = 4 },
  { spacing = { 4, 16, 16 }, sigma = { 20, 6, 6 }, rotation = { 0, 0 }, subsample = 1 },
  { spacing = { 4, 16, 16 }, sigma = { 5, 3, 3 }, rotation = { 0, 0 }, subsample = 2, uniform = true },
  { spacing = { 4, 16, 16 }, sigma = { 0, 0, 0 }, rotation = { 0, 2 * math.pi }, subsample = 1 },
}

--- Python's round(): halves to even.
local function round(x)
  local below = math.floor(x)
  local rest = x - below
  if rest > 0.5 or (rest == 0.5 and below % 2 == 1) then below = below + 1 end
  return below
end

--- Upstream's rotation of the last two axes.
local function turn(angle)
  local c, s = math.cos(angle), math.sin(angle)
  return { { 1, 0, 0 }, { 0, c, s }, { 0, -s, c } }
end

--- ElasticAugment's draws, in its order: normals per axis that has a sigma, then the rotation.
local function draw(rng, params, shape)
  local points, axes, any = {}, {}, false
  for d = 1, 3 do
    points[d] = math.max(1, round(shape[d] / params.spacing[d]))
    any = any or params.sigma[d] > 0
  end
  if any then
    for d = 1, 3 do
      axes[d] = params.sigma[d] > 0 and rng:np_normals(0, params.sigma[d], points) or core.zeros(points, "float64")
    end
  end
  local rotation
  if params.uniform then
    rotation = rng:np_rotation()
  else
    local angle = rng:np_random() * (params.rotation[2] - params.rotation[1]) + params.rotation[1]
    if angle ~= 0 then rotation = turn(angle) end
  end
  return any and core.stack(axes) or nil, rotation
end

local function transformation(rng, params, roi, quirks)
  local displacement, rotation = draw(rng, params, (roi.shape // VOXEL_SIZE):totable())
  return core.Transform { roi = roi, voxel_size = VOXEL_SIZE, displacement = displacement, rotation = rotation,
    subsample = params.subsample, quirks = quirks }
end

local function abs_max(a)
  local low, high = a:minmax()
  return math.max(-low, high)
end

local function largest_difference(a, b)
  return abs_max(a:astype("float64") - b:astype("float64"))
end

local function open(name) return assert(core.hdf5.open("tests/golden/" .. name)) end

describe("Transform with quirks = true", function()
  for i = 0, 4 do
    it("makes dacapo.gp's field, case " .. i, function()
      local file <close> = open("transform.h5")
      local want = assert(file:read("dacapo_" .. i .. "/transformation"))
      local roi = core.Roi({ 100, 50, 25 }, { 500, 200, 220 })
      local t <close> = transformation(core.Rng(100 + i), PARAMS[i + 1], roi, true)
      local got = t:field(roi, VOXEL_SIZE)
      assert.same(want.shape, got.shape)
      assert.equal("float32", got.dtype)
      local worst = 0
      for axis = 1, 3 do
        local a, b = want[{ axis }], got[{ axis }]
        local deviation = largest_difference(a, b) / (a:max() - a:min())
        assert.is_true(deviation < 1e-6, "axis " .. axis)
        worst = math.max(worst, deviation)
      end
      figures.passed("transform.h5", "dacapo_" .. i, worst)
    end)
  end
end)

--- Voxels of a dataset in `roi`, zeros beyond the volume, as Hdf5Source + Pad serve them.
local function read_padded(file, name, roi, voxel_size)
  local shape = assert(file:info(name)).shape
  local begin, count, before, after = {}, {}, {}, {}
  for d = 1, 3 do
    local first, n = roi.offset[d] // voxel_size[d], roi.shape[d] // voxel_size[d]
    begin[d] = math.max(0, first)
    local stop = math.min(shape[d], first + n)
    count[d], before[d], after[d] = stop - begin[d], begin[d] - first, first + n - stop
  end
  return core.kernel.pad(assert(file:read(name, begin, count)), before, after, "constant", 0)
end

local KEYS = {
  RAW = { dataset = "raw", voxel_size = { 50, 5, 5 }, interpolate = true },
  RAW_LO = { dataset = "raw_lo", voxel_size = { 50, 10, 10 }, interpolate = true },
  LABELS = { dataset = "labels", voxel_size = { 50, 5, 5 }, interpolate = false },
}

--- The node's batch: seeded with the request's seed, one draw for the probability, then the transformation over the
--- total ROI.
local function elastic(params, seed, request)
  local rng = core.Rng(seed)
  rng:np_random()
  local total
  for _, roi in pairs(request) do total = total and total:union(roi) or roi end
  local t <close> = transformation(rng, params, total, true)
  local file <close> = open("input.h5")
  local batch = {}
  for name, roi in pairs(request) do
    local key = KEYS[name]
    local source = t:source_roi(roi, key.voxel_size)
    local data = read_padded(file, key.dataset, source, key.voxel_size)
    batch[name] = t:sample(data, source, roi, key.voxel_size, key.interpolate)
  end
  return batch
end

local function check(case, batch)
  local file <close> = open("nodes.h5")
  for name, got in pairs(batch) do
    local want = assert(file:read(case .. "/" .. name))
    assert.same(want.shape, got.shape)
    assert.equal(want.dtype, got.dtype)
    if KEYS[name].interpolate then
      assert.is_true(largest_difference(want, got) <= 1, case .. ": " .. name)
      assert.is_true(want:ne(got):sum() <= want.size / 2000, case .. ": " .. name .. " rounds differently too often")
    else
      assert.is_true(want:ne(got):sum() <= want.size / 2000, case .. ": " .. name)
    end
  end
end

describe("dacapo.gp's ElasticAugment by hand", function()
  local raw, labels = core.Roi({ 300, 120, 120 }, { 600, 240, 240 }), core.Roi({ 400, 160, 140 }, { 400, 160, 200 })
  for i = 0, 4 do
    for k = 0, 1 do
      it(("is upstream's batch, elastic_%d_%d"):format(i, k), function()
        check(("elastic_%d_%d"):format(i, k), elastic(PARAMS[i + 1], 900 + i * 10 + k, { RAW = raw, LABELS = labels }))
      end)
    end
  end

  it("is upstream's batch across resolutions", function()
    local low = core.Roi({ 200, 90, 90 }, { 800, 300, 300 })
    check("elastic_two_resolutions", elastic(PARAMS[1], 970, { RAW = raw, RAW_LO = low, LABELS = labels }))
  end)
end)
