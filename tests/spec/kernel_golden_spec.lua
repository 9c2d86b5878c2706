--- Kernels against upstream's figures. What a pipeline would do around them (which ground truth a predictor asks for,
--- cropping) is done by hand here.
local core = require "moondust.core"
local kernel = core.kernel

local VOXEL_SIZE = { 50, 5, 5 }
local BEGIN, SHAPE = { 7, 18, 18 }, { 10, 60, 60 } -- what was requested of TARGET and WEIGHT, in voxels

local input, nodes

local function read(file, name, begin, shape)
  local array, message = file:read(name, begin, shape)
  return assert(array, message)
end

--- The box of a dataset of input.h5, zeros where it is outside.
local function source(name, begin, shape)
  local have = { 24, 96, 96 }
  local from, size, before, after = {}, {}, {}, {}
  for d = 1, 3 do
    from[d] = math.max(begin[d], 0)
    local stop = math.min(begin[d] + shape[d], have[d])
    size[d], before[d], after[d] = stop - from[d], from[d] - begin[d], begin[d] + shape[d] - stop
  end
  return kernel.pad(read(input, name, from, size), before, after, "constant", 0)
end

--- BEGIN and SHAPE grown by voxels on either side.
local function grown(negative, positive)
  local begin, shape = {}, {}
  for d = 1, 3 do begin[d], shape[d] = BEGIN[d] - negative[d], SHAPE[d] + negative[d] + positive[d] end
  return begin, shape
end

--- The last three axes, without what `grown` added.
local function crop(a, negative)
  for d = 1, 3 do
    local axis = a.ndim - 3 + d
    a = a:slice(axis, negative[d] + 1, negative[d] + SHAPE[d])
  end
  return a
end

local function assert_close(expected, actual, tolerance)
  assert.same(expected.shape, actual.shape)
  local low, high = (expected:astype("float64") - actual:astype("float64")):minmax()
  assert.is_true(low >= -tolerance and high <= tolerance, ("differ by %g to %g"):format(low, high))
end

local function golden(case, key) return read(nodes, case .. "/" .. key) end

local function ones(shape) return core.zeros(shape, "uint8"):fill(1) end

describe("upstream's figures:", function()
  setup(function()
    input = assert(core.hdf5.open("tests/golden/input.h5"))
    nodes = assert(core.hdf5.open("tests/golden/nodes.h5"))
  end)
  teardown(function()
    input:close()
    nodes:close()
  end)

  it("distance", function()
    local gt, mask = source("organelle", BEGIN, SHAPE):add_axis(1), source("mask", BEGIN, SHAPE):add_axis(1)
    local target = kernel.boundary_distance(gt, VOXEL_SIZE, 50)
    assert_close(golden("target_distance", "TARGET"), target, 1e-7)
    local weight = kernel.balance_weights(gt, 2, { mask, ones(target.shape) }, { 1, -1, -1, -1 }, 0.05, 0.95)
    assert_close(golden("target_distance", "WEIGHT"), weight, 1e-6)
  end)

  it("distance, masked", function()
    local by = { 1, 10, 10 }
    local begin, shape = grown(by, by)
    local gt, mask = source("organelle", begin, shape):add_axis(1), source("mask", begin, shape):add_axis(1)
    local target = kernel.boundary_distance(gt, VOXEL_SIZE, 50)
    assert_close(golden("target_distance_masked", "TARGET"), crop(target, by), 1e-7)
    local trusted = kernel.distance_mask(target, mask, VOXEL_SIZE, 50, 5e-2, 0.8)
    local weight = kernel.balance_weights(gt, 2, { mask, trusted }, { 1, -1, -1, -1 }, 0.05, 0.95)
    assert_close(golden("target_distance_masked", "WEIGHT"), crop(weight, by), 1e-6)
  end)

  it("inner distance", function()
    local gt, mask = source("organelle", BEGIN, SHAPE):add_axis(1), source("mask", BEGIN, SHAPE):add_axis(1)
    assert_close(golden("target_inner_distance", "TARGET"), kernel.boundary_distance(gt, VOXEL_SIZE, 50) * gt, 1e-7)
    local weight = kernel.balance_weights(gt, 2, { mask }, { 1, -1, -1, -1 })
    assert_close(golden("target_inner_distance", "WEIGHT"), weight, 1e-6)
  end)

  it("hot distance", function()
    local gt, mask = source("organelle", BEGIN, SHAPE):add_axis(1), source("mask", BEGIN, SHAPE):add_axis(1)
    local distance = kernel.boundary_distance(gt, VOXEL_SIZE, 50)
    assert_close(golden("target_hot_distance", "TARGET"), core.concatenate({ gt:astype("float32"), distance }, 1), 1e-7)
    local weight = kernel.balance_weights(gt, 2, { mask }, { 1, -1, -1, -1 })
    assert_close(golden("target_hot_distance", "WEIGHT"), core.concatenate({ weight, weight }, 1), 1e-6)
  end)

  it("one hot", function()
    local target = kernel.one_hot(source("organelle", BEGIN, SHAPE), 2)
    assert.is_true(golden("target_one_hot", "TARGET"):equal(target))
  end)

  local plain = { { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 } }
  local affinity_cases = {
    { name = "target_affinities", offsets = { { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 }, { 0, 9, 0 }, { 2, 0, 0 } },
      negative = { 0, 0, 0 }, positive = { 2, 9, 1 } },
    { name = "target_affinities_background", offsets = plain,
      negative = { 0, 0, 0 }, positive = { 1, 1, 1 }, background = true },
    { name = "target_affinities_grown", offsets = plain, negative = { 0, 0, 0 }, positive = { 1, 1, 1 } },
    { name = "target_affinities_lsds", offsets = plain, negative = { 6, 60, 60 }, positive = { 6, 60, 60 } },
  }
  for _, case in ipairs(affinity_cases) do
    it(case.name, function()
      local begin, shape = grown(case.negative, case.positive)
      local labels, mask = source("labels", begin, shape), source("mask", begin, shape)
      local affinities = kernel.affinities(labels, case.offsets, case.background)
      local edges = #case.offsets
      local target = crop(affinities, case.negative):astype("float32")
      assert.is_true(golden(case.name, "TARGET"):slice(1, 1, edges):equal(target))
      local weight = kernel.balance_weights(affinities, 2, { mask }, { 1, -1, -1, -1 }, 0.05, 0.95)
      assert_close(golden(case.name, "WEIGHT"):slice(1, 1, edges), crop(weight, case.negative), 1e-6)
      if case.name ~= "target_affinities_lsds" then return end
      -- Its descriptors' weights: foreground against background, the same for each descriptor.
      weight = kernel.balance_weights(labels:gt(0), 2, { mask }, { -1, -1, -1 }, 0.05, 0.95)
      weight = crop(weight, case.negative)
      for channel = 4, 13 do assert_close(golden(case.name, "WEIGHT")[{ channel }], weight, 1e-6) end
    end)
  end

  it("affinities of negative offsets", function()
    local a = kernel.affinities(golden("affinities_negative_offsets", "input"),
      { { -1, 0, 0 }, { 0, -1, 0 }, { 0, 0, -1 }, { 0, -9, 3 }, { 2, 0, -4 } })
    assert.is_true(golden("affinities_negative_offsets", "output"):equal(a))
  end)

  it("gamma", function()
    local seen = 0
    for _, dataset in ipairs(assert(nodes:list())) do
      local case = dataset.name:match "(gamma_[^/]+)/input$"
      if case then
        local gamma = tonumber(nodes:attribute(case, "case"):match '"gamma": ([%d.]+)')
        assert_close(golden(case, "output"), kernel.gamma(golden(case, "input"), gamma), 1e-5)
        assert_close(golden(case, "output"), kernel.gamma(golden(case, "input"):astype("float64"), gamma), 1e-5)
        seen = seen + 1
      end
    end
    assert.equal(9, seen)
  end)

  it("copy mask, channels dropped", function()
    local a = kernel.max_channels(golden("copy_mask_drop_channels", "input"), 3)
    assert.is_true(golden("copy_mask_drop_channels", "output"):equal(a))
  end)

  it("pad", function()
    local raw = read(input, "raw", { 0, 0, 70 }, { 7, 12, 26 })
    for mode, value in pairs { constant = 7, reflect = 0 } do
      assert.is_true(golden("pad_" .. mode, "RAW"):equal(kernel.pad(raw, { 3, 8, 0 }, { 0, 0, 4 }, mode, value)))
    end
  end)
end)
