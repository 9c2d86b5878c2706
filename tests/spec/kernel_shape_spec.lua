-- Kernels on the shape of objects against formulas worked out voxel by voxel: grow_boundary and local_shape.
local core = require "moondust.core"
local errors = require "spec.support.errors"
local kernel = core.kernel

-- Blocks of ids and background, the same for a seed.
local function blocks(shape, seed, dtype, cell)
  local rng, ids, flat, n = core.Rng(seed), {}, {}, 1
  for _, length in ipairs(shape) do n = n * length end
  for i = 0, n - 1 do
    local rest, name = i, ""
    for d = #shape, 1, -1 do
      name = name .. rest % shape[d] // cell .. ","
      rest = rest // shape[d]
    end
    ids[name] = ids[name] or rng:randint(0, 4)
    flat[i + 1] = rng:random() < 0.05 and 0 or ids[name]
  end
  return core.ndarray(flat, dtype or "uint8"):reshape(shape), flat
end

-- Indices (from 1) of every element in C order.
local function each_index(shape, f)
  local n = 1
  for _, length in ipairs(shape) do n = n * length end
  for i = 0, n - 1 do
    local rest, at = i, {}
    for d = #shape, 1, -1 do
      at[d] = rest % shape[d] + 1
      rest = rest // shape[d]
    end
    f(i + 1, at)
  end
end

local function strides(shape)
  local steps, step = {}, 1
  for d = #shape, 1, -1 do steps[d], step = step, step * shape[d] end
  return steps
end

describe("kernel.grow_boundary", function()
  local function naive(shape, flat, steps)
    local stride = strides(shape)
    for _ = 1, steps do
      local new = {}
      each_index(shape, function(i, at)
        new[i] = flat[i]
        for d = 1, #shape do
          if at[d] > 1 and flat[i - stride[d]] ~= flat[i] or at[d] < shape[d] and flat[i + stride[d]] ~= flat[i] then new[i] = 0 end
        end
      end)
      flat = new
    end
    return flat
  end

  for _, shape in ipairs { { 40 }, { 1, 9 }, { 13, 17 }, { 6, 9, 11 }, { 3, 5, 4, 6 }, { 5, 1, 1 } } do
    it("is the naive one's on " .. table.concat(shape, " x "), function()
      local labels, flat = blocks(shape, 3, "uint32", 4)
      for steps = 0, 3 do
        assert.same(naive(shape, flat, steps), kernel.grow_boundary(labels, steps):reshape({ -1 }):totable(), steps .. " steps")
      end
    end)
  end

  it("keeps dtype, ids and signs", function()
    local big = core.ndarray({ 1 << 62, 1 << 62, 1 << 62, 5, 5, 5 }, "uint64")
    assert.same({ 1 << 62, 1 << 62, 0, 0, 5, 5 }, kernel.grow_boundary(big, 1):totable())
    local negative = core.ndarray({ -5, -5, -5, -7, -7, -7 }, "int16")
    local grown = kernel.grow_boundary(negative, 1)
    assert.equal("int16", grown.dtype)
    assert.same({ -5, -5, 0, 0, -7, -7 }, grown:totable())
  end)

  it("takes views and leaves its input", function()
    local labels = blocks({ 12, 15 }, 8, "uint8", 3)
    local before = labels:hash()
    local turned = labels:transpose():flip(1)
    assert.is_true(kernel.grow_boundary(turned, 1):equal(kernel.grow_boundary(turned:copy(), 1)))
    assert.equal(before, labels:hash())
  end)

  it("is the same for any number of threads", function()
    local labels, threads = blocks({ 20, 30, 40 }, 2, "uint64", 7), core.threads()
    local hashes = {}
    for i, n in ipairs { 1, 2, 8 } do
      core.threads(n)
      hashes[i] = kernel.grow_boundary(labels, 2):hash()
    end
    core.threads(threads)
    assert.equal(hashes[1], hashes[2])
    assert.equal(hashes[1], hashes[3])
  end)

  it("handles nothing", function()
    assert.same({ 0, 4 }, kernel.grow_boundary(core.zeros({ 0, 4 }, "uint8"), 2).shape)
    assert.same({ 4, 0 }, kernel.grow_boundary(core.zeros({ 4, 0 }, "uint8"), 2).shape)
  end)

  it("says what is wrong", function()
    assert.equal("boundaries grow between integer labels, not in float32", errors.bare(kernel.grow_boundary, core.zeros { 2 }, 1))
    assert.equal("-1 steps of growing boundaries; there must be 0 or more", errors.bare(kernel.grow_boundary, core.zeros({ 2 }, "uint8"), -1))
    assert.matches("steps", errors.bare(kernel.grow_boundary, core.zeros({ 2 }, "uint8"), 1.5))
    assert.matches("ndarray", errors.bare(kernel.grow_boundary, { 1, 2 }, 1))
  end)
end)

-- Sheridan et al. 2022, as the lsd package computes it: Gaussian-weighted sums over the voxels of the object, truncated at 3
-- sigma.
local function clip(x) return math.max(0, math.min(1, x)) end

local function describe_voxel(shape, flat, at, id, step, sigma)
  local dims, stride = #shape, strides(shape)
  local radius, norm = {}, {}
  for d = 1, dims do
    local s = sigma[d] / step[d]
    radius[d], norm[d] = math.floor(3 * s + 0.5), 0
    for k = -radius[d], radius[d] do norm[d] = norm[d] + math.exp(-0.5 * k * k / (s * s)) end
  end
  local size, first, second = 0, {}, {}
  for d = 1, dims do
    first[d], second[d] = 0, {}
    for e = 1, dims do second[d][e] = 0 end
  end
  local function visit(d, i, weight, k)
    if d > dims then
      if flat[i] ~= id then return end
      size = size + weight
      for a = 1, dims do
        first[a] = first[a] + weight * k[a]
        for b = 1, dims do second[a][b] = second[a][b] + weight * k[a] * k[b] end
      end
      return
    end
    local s = sigma[d] / step[d]
    for offset = math.max(-radius[d], 1 - at[d]), math.min(radius[d], shape[d] - at[d]) do
      k[d] = offset
      visit(d + 1, i + offset * stride[d], weight * math.exp(-0.5 * offset * offset / (s * s)) / norm[d], k)
    end
  end
  local start = 1
  for d = 1, dims do start = start + (at[d] - 1) * stride[d] end
  visit(1, start, 1, {})
  local result, mean, variance = {}, {}, {}
  local n = size == 0 and 1 or size
  for d = 1, dims do
    mean[d] = first[d] / n
    variance[d] = math.max((second[d][d] / n - mean[d] ^ 2) * step[d] ^ 2, 1e-3)
    result[d] = clip(mean[d] * step[d] / sigma[d] * 0.5 + 0.5)
    result[dims + d] = clip(variance[d] / sigma[d] ^ 2)
  end
  for a = 1, dims do
    for b = a + 1, dims do
      local covariance = (second[a][b] / n - mean[a] * mean[b]) * step[a] * step[b]
      result[#result + 1] = clip(covariance / math.sqrt(variance[a] * variance[b]) * 0.5 + 0.5)
    end
  end
  result[#result + 1] = clip(size)
  return result
end

local function naive_descriptors(shape, flat, voxel_size, sigma, down)
  local coarse, step, thin, stride = {}, {}, {}, strides(shape)
  for d = 1, #shape do coarse[d], step[d] = shape[d] // down, voxel_size[d] * down end
  each_index(coarse, function(i, at)
    local fine = 1
    for d = 1, #shape do fine = fine + (at[d] - 1) * down * stride[d] end
    thin[i] = flat[fine]
  end)
  local result = {}
  each_index(shape, function(i, at)
    if flat[i] == 0 then return end
    local corner = {}
    for d = 1, #shape do corner[d] = (at[d] - 1) // down + 1 end
    result[i] = describe_voxel(coarse, thin, corner, flat[i], step, sigma)
  end)
  return result
end

describe("kernel.local_shape", function()
  local cases = {
    { { 12, 14 }, { 4, 4 }, { 8, 8 }, 1 }, { { 12, 14 }, { 10, 4 }, { 12, 9 }, 2 }, { { 5, 8, 9 }, { 40, 4, 4 }, { 40, 10, 8 }, 1 },
    { { 4, 8, 10 }, { 2, 2, 3 }, { 4, 4, 5 }, 2 }, { { 1, 7 }, { 1, 1 }, { 3, 2 }, 1 }, { { 3, 1, 6 }, { 1, 1, 1 }, { 2, 2, 2 }, 1 },
    { { 6, 6 }, { 4, 4 }, { 0.5, 0.5 }, 1 },
  }
  for _, case in ipairs(cases) do
    local shape, voxel_size, sigma, down = table.unpack(case)
    it(("is the formula's on %s, downsampled by %d"):format(table.concat(shape, " x "), down), function()
      local labels, flat = blocks(shape, 5, "uint16", 4)
      local made = kernel.local_shape(labels, voxel_size, sigma, down)
      local channels = #shape == 2 and 6 or 10
      local wanted_shape = { channels, table.unpack(shape) }
      assert.equal("float32", made.dtype)
      assert.same(wanted_shape, made.shape)
      local wanted = naive_descriptors(shape, flat, voxel_size, sigma, down)
      local actual = made:reshape({ channels, -1 }):totable()
      for i = 1, #flat do
        for c = 1, channels do assert.near(wanted[i] and wanted[i][c] or 0, actual[c][i], 2e-5, ("channel %d, voxel %d"):format(c, i)) end
      end
    end)
  end

  it("is the same for any number of threads, and for views", function()
    local labels, threads = blocks({ 8, 24, 28 }, 6, "uint64", 6), core.threads()
    local hashes = {}
    for i, n in ipairs { 1, 2, 8 } do
      core.threads(n)
      hashes[i] = kernel.local_shape(labels, { 2, 1, 1 }, { 4, 4, 4 }, 1):hash()
    end
    core.threads(threads)
    assert.equal(hashes[1], hashes[2])
    assert.equal(hashes[1], hashes[3])
    local turned = labels:transpose()
    assert.is_true(kernel.local_shape(turned, { 1, 1, 2 }, { 4, 4, 4 }):equal(kernel.local_shape(turned:copy(), { 1, 1, 2 }, { 4, 4, 4 })))
  end)

  it("tells ids apart that differ in their highest bits", function()
    local labels = core.ndarray({ { 1, 1 | 1 << 60 } }, "uint64")
    local one = core.ndarray({ { 1, 0 } }, "uint64")
    assert.is_true(kernel.local_shape(labels, { 1, 1 }, { 2, 2 })[{ {}, 1, 1 }]:equal(kernel.local_shape(one, { 1, 1 }, { 2, 2 })[{ {}, 1, 1 }]))
  end)

  it("handles nothing", function()
    assert.is_false(kernel.local_shape(core.zeros({ 4, 4 }, "uint8"), { 1, 1 }, { 2, 2 }):any())
    assert.same({ 6, 0, 4 }, kernel.local_shape(core.zeros({ 0, 4 }, "uint8"), { 1, 1 }, { 2, 2 }).shape)
  end)

  it("says what is wrong", function()
    local square = core.zeros({ 4, 6 }, "uint8")
    local function fails(...) return errors.bare(kernel.local_shape, ...) end
    assert.equal("local shape descriptors are made of integer labels, not of float32", fails(core.zeros { 2, 2 }, { 1, 1 }, { 1, 1 }))
    assert.equal("local shape descriptors are made of labels with 2 or 3 axes, these have 1", fails(core.zeros({ 2 }, "uint8"), { 1 }, { 1 }))
    assert.equal("downsample is 0, it must be at least 1", fails(square, { 1, 1 }, { 1, 1 }, 0))
    assert.equal("axis 2 of the labels is 6 long, which is not a multiple of downsample (4)", fails(square, { 1, 1 }, { 1, 1 }, 4))
    assert.equal("voxel size 1 and sigma 1e+06 on axis 1 must be positive, sigma at most 100000 voxels", fails(square, { 1, 1 }, { 1e6, 1 }))
    assert.equal("voxel_size has 3 entries, the labels have 2 axes", fails(square, { 1, 1, 1 }, { 1, 1 }))
    assert.equal("sigma has 1 entries, the labels have 2 axes", fails(square, { 1, 1 }, { 1 }))
    for _, bad in ipairs { 0, -1, 0 / 0, math.huge } do assert.matches("sigma", fails(square, { 1, 1 }, { bad, 1 })) end
  end)
end)
