-- Augmentations as distributions: with fixed seeds, means, variances, shares and symmetries over up to 10,000 draws (a million
-- voxels for noise). Limits are four to five standard deviations of the figure tested, so that what passes by luck is rare and
-- what is biased fails.
local md = require "moondust"
local core = require "moondust.core"
local battery = require "spec.support.battery"

local DRAWS = 10000
local FLOAT, RAW = battery.FLOAT, battery.RAW

-- Mean, variance, third and fourth standardised moment of numbers.
local function moments(values)
  local n, mean, second, third, fourth = #values, 0, 0, 0, 0
  for _, v in ipairs(values) do mean = mean + v / n end
  for _, v in ipairs(values) do
    local d = v - mean
    second, third, fourth = second + d * d / n, third + d ^ 3 / n, fourth + d ^ 4 / n
  end
  return { mean = mean, variance = second, skew = third / second ^ 1.5, kurtosis = fourth / second ^ 2 }
end

local function near(expected, found, limit, what)
  assert.is_true(math.abs(found - expected) <= limit, ("%s is %g, should be %g +- %g"):format(what, found, expected, limit))
end

-- `count` of `n` happened, with probability p each.
local function share(p, count, n, what) near(p, count / n, 4.5 * math.sqrt(math.max(p * (1 - p), 1 / n) / n), what) end

local function uniform(low, high, values, what)
  local m, n, range = moments(values), #values, high - low
  near((low + high) / 2, m.mean, 4.5 * range / math.sqrt(12 * n), what .. ": mean")
  near(range ^ 2 / 12, m.variance, 4.5 * range ^ 2 / 12 * math.sqrt(0.8 / n), what .. ": variance")
  near(0, m.skew, 0.1, what .. ": skew")
  near(1.8, m.kurtosis, 0.1, what .. ": kurtosis")
end

describe("NoiseAugment", function()
  local shape = { 100, 100, 100 }
  local count = 1e6
  local function noise(mode, level, options, seed, dtype)
    return core.kernel.noise(core.zeros(shape, dtype or "float32"):fill(level), mode, seed or 42, options)
  end
  local function correlation(a, b) return ((a - a:mean()) * (b - b:mean())):mean() / (a:std() * b:std()) end

  it("gaussian: mean, variance, symmetry, tails", function()
    for _, dtype in ipairs { "float32", "float64" } do
      local n = noise("gaussian", 0, { var = 1 }, 7, dtype):astype "float64"
      near(0, n:mean(), 4.5e-3, "mean")
      near(1, n:std(), 3.2e-3, "deviation")
      near(0, (n * n * n):mean(), 0.02, "third moment")
      near(3, (n * n * n * n):mean(), 0.05, "fourth moment")
      share(0.5, n:gt(0):count(1), count, "above 0")
      share(0.31731, n:gt(1):count(1) + n:lt(-1):count(1), count, "beyond 1")
      share(0.0026998, n:gt(3):count(1) + n:lt(-3):count(1), count, "beyond 3")
    end
    local wide = noise("gaussian", 0.5, { mean = 0.25, var = 0.04 })
    near(0.75, wide:mean(), 1e-3, "mean")
    near(0.2, wide:std(), 1e-3, "deviation")
  end)

  it("gaussian: neighbours and seeds know nothing of one another", function()
    local n, line = noise("gaussian", 0, { var = 1 }, 7), { -1 }
    local flat = n:reshape(line)
    for _, lag in ipairs { 1, 2, 63, 64, 65, 100, 128, 192, 256, 10000 } do
      near(0, correlation(flat[{ { 1, count - lag } }], flat[{ { lag + 1, count } }]), 4.5e-3, "correlation at " .. lag)
    end
    for _, seed in ipairs { 8, 7 + (1 << 32), 1 << 40 } do
      local other = noise("gaussian", 0, { var = 1 }, seed)
      near(0, correlation(n, other), 4.5e-3, "correlation of seeds")
      near(0, correlation(n * n, other * other), 4.5e-3, "correlation of squares")
    end
  end)

  it("speckle and local variances scale with what they meet", function()
    near(0.3 * 0.1, noise("speckle", 0.3, { var = 0.01 }):std(), 2e-4, "speckle")
    near(0.3 + 0.3 * 0.2, noise("speckle", 0.3, { mean = 0.2 }):mean(), 3e-4, "speckle's mean")
    local variances = core.concatenate({ core.zeros({ 50, 1, 1 }, "float32"):fill(0.01), core.zeros({ 50, 1, 1 }, "float32"):fill(0.09) }, 1)
    local local_noise = noise("gaussian", 0.5, { local_vars = variances })
    near(0.1, local_noise:slice(1, 1, 50):std(), 1e-3, "first half")
    near(0.3, local_noise:slice(1, 51, 100):std(), 3e-3, "second half")
  end)

  it("salt and pepper: shares", function()
    local n = noise("s&p", 0.5, { amount = 0.2, salt_vs_pepper = 0.3, pepper = 0 })
    share(0.06, n:count(1), count, "salt")
    share(0.14, n:count(0), count, "pepper")
    share(0.8, n:count(0.5), count, "neither")
    assert.equal(count, noise("s&p", 0.5, { amount = 1, salt_vs_pepper = 1 }):count(1))
    assert.equal(count, noise("s&p", 0.5, { amount = 0 }):count(0.5))
  end)

  it("poisson: variance is mean, at few counts and at many", function()
    for _, levels in ipairs { 2, 16, 256 } do
      local counts = core.kernel.noise(core.zeros({ 50, 50, 40 }, "float64"):fill(0.4), "poisson", 3, { levels = levels }) * levels
      local mean = 0.4 * levels
      near(mean, counts:mean(), 4.5 * math.sqrt(mean / 1e5), "mean of " .. levels)
      near(mean, counts:std() ^ 2, 4.5 * mean * math.sqrt((2 + 1 / mean) / 1e5), "variance of " .. levels)
    end
    local dark = core.kernel.noise(core.zeros({ 1e5 }, "float64"):fill(0.5), "poisson", 3, { levels = 2 })
    share(math.exp(-1), dark:count(0), 1e5, "no count")
  end)

  it("p: share of batches", function()
    local p <close> = (battery.source() + md.NoiseAugment { FLOAT, p = 0.3 }):build()
    local request, changed, n = md.BatchRequest {}, 0, 2000
    request[FLOAT] = md.Roi({ 280, 12, 36 }, { 40, 4, 4 })
    local own = battery.world()[FLOAT]:crop(request[FLOAT].roi).data
    for seed = 1, n do
      rawset(request, "random_seed", seed)
      if not p:request_batch(request)[FLOAT].data:equal(own) then changed = changed + 1 end
    end
    share(0.3, changed, n, "changed")
  end)
end)

describe("IntensityAugment", function()
  it("scale and shift are uniform", function()
    local data = md.Array { core.ndarray({ 0.4, 0.6 }, "float64"), md.ArraySpec { roi = md.Roi({ 0 }, { 2 }), voxel_size = { 1 } } }
    local p <close> = (md.ArraySource { RAW, data } + md.IntensityAugment { RAW, 0.5, 1.5, -0.3, 0.1, clip = false }):build()
    local request, scales, shifts, product = md.BatchRequest {}, {}, {}, 0
    request[RAW] = md.Roi({ 0 }, { 2 })
    for seed = 1, DRAWS do
      rawset(request, "random_seed", seed)
      local made = p:request_batch(request)[RAW].data:totable()
      scales[seed], shifts[seed] = (made[2] - made[1]) / 0.2, (made[1] + made[2]) / 2 - 0.5
      product = product + (scales[seed] - 1) * (shifts[seed] + 0.1) / DRAWS
    end
    uniform(0.5, 1.5, scales, "scale")
    uniform(-0.3, 0.1, shifts, "shift")
    near(0, product, 4.5 * (1 / 12 ^ 0.5) * (0.4 / 12 ^ 0.5) / DRAWS ^ 0.5, "covariance")
  end)
end)

describe("GammaAugment", function()
  it("brightens as often as it darkens, by as much", function()
    local node, rng, signed, above = md.GammaAugment { FLOAT, 0.5, 2 }, core.Rng(11), {}, 0
    for i = 1, DRAWS do
      local gamma = node:draw(rng)
      assert.is_true(gamma >= 0.5 and gamma <= 2)
      if gamma > 1 then above = above + 1 end
      signed[i] = gamma < 1 and 1 - 1 / gamma or gamma - 1
    end
    share(0.5, above, DRAWS, "above 1")
    uniform(-1, 1, signed, "distance from 1")
  end)
end)

describe("SimpleAugment", function()
  local function built(options, body)
    local node = md.SimpleAugment(options)
    local source = md.ArraySource { RAW, md.Array { core.zeros({ 4, 4, 4 }, "uint8"), md.ArraySpec { roi = md.Roi({ 0, 0, 0 }, { 4, 4, 4 }), voxel_size = { 1, 1, 1 } } } }
    local p <close> = (source + node):build()
    body(node, core.Rng(5))
    return p
  end

  it("mirrors each axis half of the time, independently", function()
    built({}, function(node, rng)
      local counts, pairs_of = { 0, 0, 0 }, 0
      for _ = 1, DRAWS do
        local mirror = node:draw_mirror(rng)
        for axis = 1, 3 do if mirror[axis] then counts[axis] = counts[axis] + 1 end end
        if mirror[1] == mirror[2] then pairs_of = pairs_of + 1 end
      end
      for axis = 1, 3 do share(0.5, counts[axis], DRAWS, "axis " .. axis) end
      share(0.5, pairs_of, DRAWS, "axes 1 and 2 alike")
    end)
  end)

  it("draws every permutation equally often, or as told", function()
    local function counted(options)
      local counts = {}
      built(options, function(node, rng)
        for _ = 1, DRAWS do
          local name = table.concat(node:draw_transpose(rng))
          counts[name] = (counts[name] or 0) + 1
        end
      end)
      return counts
    end
    local all = counted {}
    for _, name in ipairs { "123", "132", "213", "231", "312", "321" } do share(1 / 6, all[name] or 0, DRAWS, name) end
    local two = counted { transpose_only = { 2, 3 } }
    share(0.5, two["123"], DRAWS, "123")
    share(0.5, two["132"], DRAWS, "132")
    local told = counted { transpose_probs = { { { 1, 2, 3 }, 0.75 }, { { 1, 3, 2 }, 0.25 } } }
    share(0.25, told["132"], DRAWS, "132")
  end)
end)

describe("ElasticAugment", function()
  local total = md.Roi({ 0, 0, 0 }, { 400, 400, 400 })
  local function transforms(options, n, body)
    local node = md.ElasticAugment(options)
    local source = md.ArraySource { RAW, md.Array { core.zeros({ 100, 100, 100 }, "uint8"), md.ArraySpec { roi = total, voxel_size = { 4, 4, 4 } } } }
    local p <close> = (source + node):build()
    local rng = core.Rng(3)
    for i = 1, n do
      local transform = core.Transform(node:draw({ rng = rng }, total))
      body(i, transform)
      transform:close()
    end
    return p
  end

  it("pulls to no side, as much along each axis as told", function()
    local n, found = 2000, { {}, {}, {} }
    local point = { 190, 230, 170 }
    transforms({ { 25, 25, 25 }, { 10, 20, 5 }, { 0, 0 } }, n, function(i, transform)
      local place = transform:map(point)
      for axis = 1, 3 do found[axis][i] = place[axis] - point[axis] end
    end)
    for axis, sigma in ipairs { 10, 20, 5 } do
      local m = moments(found[axis])
      near(0, m.mean, 4.5 * math.sqrt(m.variance / n), "mean along axis " .. axis)
      near(0, m.skew, 4.5 * math.sqrt(6 / n), "skew along axis " .. axis)
      -- Cubic B-splines through control points: less than the control points' own variance away from them, about all of it on
      -- them.
      assert.is_true(m.variance > 0.1 * sigma ^ 2 and m.variance < 1.1 * sigma ^ 2, ("variance %g of %g"):format(m.variance, sigma ^ 2))
    end
  end)

  it("rotates to both sides, uniformly", function()
    local angles, centre = {}, 200
    transforms({ { 25, 25, 25 }, { 0, 0, 0 }, { -0.5, 0.5 } }, 3000, function(i, transform)
      local place = transform:map { centre, centre, centre + 100 }
      angles[i] = math.atan(place[2] - centre, place[3] - centre)
    end)
    uniform(-0.5, 0.5, angles, "angle")
  end)
end)

describe("ShiftAugment", function()
  local function drawn(options, sections)
    local node = md.ShiftAugment(options)
    local p <close> = (battery.source() + node):build()
    return node:draw(core.Rng(9), sections, { 40, 4, 4 }), p
  end

  it("slips: their share, mean and variance", function()
    local shifts = drawn({ 0.5, 0, { 0, 30, 10 } }, DRAWS)
    for axis, sigma in pairs { [2] = 30, [3] = 10 } do
      local values, still = {}, 0
      for i, shift in ipairs(shifts) do
        values[i] = shift[axis]
        if shift[2] == 0 and shift[3] == 0 then still = still + 1 end
        assert.equal(0, shift[1])
      end
      -- Half stay; the others are normal, rounded to multiples of 4, which adds 4^2 / 12.
      local m, variance = moments(values), (sigma ^ 2 + 16 / 12) / 2
      near(0, m.mean, 4.5 * math.sqrt(variance / DRAWS), "mean")
      near(variance, m.variance, 4.5 * variance * math.sqrt(5 / DRAWS), "variance")
      near(0, m.skew, 0.15, "skew")
      near(6, m.kurtosis, 0.8, "kurtosis")
      near(0.5, still / DRAWS, 0.04, "share that stays")
    end
  end)

  it("shifts accumulate, slips don't", function()
    local shifts = drawn({ 0, 0.2, 40 }, DRAWS)
    local steps, moved = {}, 0
    for i = 2, #shifts do
      steps[#steps + 1] = shifts[i][2] - shifts[i - 1][2]
      if shifts[i] ~= shifts[i - 1] then moved = moved + 1 end
    end
    share(0.2, moved, DRAWS - 1, "sections that begin a shift")
    local m = moments(steps)
    near(0, m.mean, 4.5 * math.sqrt(m.variance / DRAWS), "mean step")
    near(0.2 * (1600 + 16 / 12), m.variance, 60, "variance of steps")
  end)
end)

describe("DefectAugment", function()
  it("has each defect as often as told, folds in both directions and everywhere", function()
    local node = md.DefectAugment { RAW, 0.1, 0.2, prob_deform = 0.4, deformation_strength = 5 }
    local p <close> = (battery.source() + node):build()
    local defects, counts, directions, ends = node:draw(core.Rng(1), { DRAWS, 91, 191 }), {}, {}, { rows = {}, columns = {} }
    for section = 1, DRAWS do
      local kind, fold = table.unpack(defects[section] or { "none" })
      counts[kind] = (counts[kind] or 0) + 1
      if fold then
        local along = fold[3]
        directions[along] = (directions[along] or 0) + 1
        table.insert(ends[along], fold[1][along == "rows" and 2 or 1])
        table.insert(ends[along], fold[2][along == "rows" and 2 or 1])
      end
    end
    share(0.1, counts.missing, DRAWS, "missing")
    share(0.2, counts.low_contrast, DRAWS, "low contrast")
    share(0.4, counts.fold, DRAWS, "folds")
    share(0.3, counts.none, DRAWS, "none")
    share(0.5, directions.rows, counts.fold, "folds along rows")
    uniform(0.5, 198.5, ends.rows, "ends on columns") -- 1 … 198 of 201
    uniform(0.5, 98.5, ends.columns, "ends on rows") -- 1 … 98 of 101
    assert.is_truthy(p.spec[RAW])
  end)
end)
