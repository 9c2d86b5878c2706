-- Predictors by hand; figures of the originals are in golden_filters_spec.
local md = require "moondust"
local core = require "moondust.core"
local errors = require "spec.support.errors"

local function tanh(x) return (math.exp(x) - math.exp(-x)) / (math.exp(x) + math.exp(-x)) end

-- Labels as an array of the world; the last axes are as many as voxel_size has entries.
local function array(values, voxel_size, dtype)
  local data, shape = core.ndarray(values, dtype or "uint8"), {}
  for d = 1, #voxel_size do shape[d] = data.shape[data.ndim - #voxel_size + d] * voxel_size[d] end
  return md.Array { data, md.ArraySpec { roi = md.Roi(md.Coordinate(shape) * 0, shape), voxel_size = voxel_size } }
end

local function near(expected, actual)
  assert.equal(#expected, #actual)
  for i, value in ipairs(expected) do
    if type(value) == "table" then near(value, actual[i]) else assert.near(value, actual[i], 1e-5) end
  end
end

local function region(predictor, offset, shape, voxel_size)
  return predictor:gt_region_for_roi(md.ArraySpec { roi = md.Roi(offset, shape), voxel_size = voxel_size }).roi
end

describe("DistancePredictor", function()
  local function predictor(options)
    options = options or {}
    return md.DistancePredictor { options.channels or { "a" }, options.scale or 5, options.mask or false, context = options.context, exact_mask = options.exact }
  end

  it("is tanh of the signed distance to the next face, with a channel axis", function()
    local target = predictor():create_target(array({ 0, 0, 1, 1 }, { 4 }))
    near({ { tanh(-6 / 5), tanh(-2 / 5), tanh(2 / 5), tanh(6 / 5) } }, target.data:totable())
    assert.equal("float32", target.data.dtype)
    assert.is_true(target.spec.interpolatable)
    near(target.data:totable(), predictor():create_target(array({ { 0, 0, 1, 1 } }, { 4 })).data:totable())
  end)

  it("takes any ids", function() -- upstream: an assertion far away
    near({ { tanh(2 / 5), tanh(2 / 5), tanh(2 / 5), tanh(-2 / 5) } },
      predictor():create_target(array({ 7, 1 << 40, 1 << 41, 0 }, { 4 }, "uint64")).data:totable())
  end)

  it("handles each channel alone", function()
    local target = predictor({ channels = { "a", "b" } }):create_target(array({ { 0, 1 }, { 1, 1 } }, { 4 }))
    near({ { tanh(-2 / 5), tanh(2 / 5) }, { tanh(4 / 5), tanh(4 / 5) } }, target.data:totable())
  end)

  -- 1 / (classes * share of the class), where upstream counts one voxel more than there are
  it("weighs classes evenly, in each channel, within the mask", function()
    local p, gt = predictor(), array({ 0, 0, 0, 1, 0, 0, 0, 1 }, { 4 })
    local target = p:create_target(gt)
    local weights = p:create_weight(gt, target)
    near({ { 0.75, 0.75, 0.75, 2.25, 0.75, 0.75, 0.75, 2.25 } }, weights.data:totable())
    weights = p:create_weight(gt, target, array({ 1, 1, 0, 1, 0, 0, 0, 1 }, { 4 }))
    near({ { 1.25, 1.25, 0, 1.25, 0, 0, 0, 1.25 } }, weights.data:totable())
    -- ids count as one class: balanced by what they are, not by their number
    near({ { 5 / 6, 5 / 6, 5 / 6, 5 / 2 } }, (p:create_weight(array({ 0, 0, 0, 9 }, { 4 }), p:create_target(array({ 0, 0, 0, 9 }, { 4 })))).data:totable())
  end)

  it("masks distances that a nearer boundary outside of the mask could change", function()
    local p = predictor { mask = true, scale = 20 }
    local values = {}
    for i = 1, 40 do values[i] = i > 20 and 1 or 0 end
    local gt = array(values, { 4 })
    local weights = p:create_weight(gt, p:create_target(gt)).data:totable()[1]
    assert.equal(0, weights[1])
    assert.equal(0, weights[40])
    assert.is_true(weights[20] > 0 and weights[21] > 0)
  end)

  it("masks distances of all channels with one mask", function()
    local p = predictor { mask = true, scale = 20, channels = { "a", "b" } }
    local one, two = {}, {}
    for i = 1, 40 do one[i], two[i] = i > 20 and 1 or 0, i > 10 and 1 or 0 end
    local gt, mask = array({ one, two }, { 4 }), {}
    for i = 1, 40 do mask[i] = 1 end
    local together = p:create_weight(gt, p:create_target(gt), array(mask, { 4 })).data
    for c, values in ipairs { one, two } do
      local single = predictor { mask = true, scale = 20 }
      local own = array(values, { 4 })
      local alone = single:create_weight(own, single:create_target(own), array({ mask }, { 4 })).data
      assert.is_true(together[{ { c, c } }]:equal(alone), "channel " .. c)
    end
  end)

  it("asks for context with mask_distances, or when told to", function()
    local at, size, voxel_size = { 100, 50, 50 }, { 100, 50, 50 }, { 50, 5, 5 }
    assert.equal(md.Roi(at, size), region(predictor { scale = 52 }, at, size, voxel_size))
    local wider = md.Roi({ 50, 0, 0 }, { 200, 150, 150 }) -- 52 on each side, snapped to whole voxels inside of that
    assert.equal(wider, region(predictor { scale = 52, mask = true }, at, size, voxel_size))
    assert.equal(md.Roi({ -100, -150, -150 }, { 500, 450, 450 }), region(predictor { scale = 52, context = true }, at, size, voxel_size))
    assert.equal(md.Roi(at, size), region(predictor { scale = 52, mask = true, context = false }, at, size, voxel_size))
    assert.equal(md.Coordinate { 52, 52, 52 }, predictor({ scale = 52 }):padding(md.Coordinate(voxel_size)))
    assert.equal(md.Coordinate { 200, 200, 200 }, predictor({ scale = 52, context = true }):padding(md.Coordinate(voxel_size)))
  end)

  -- 1 - tanh(x) is 0.00099 at x = 3.805: as many voxels, never fewer, however long they are.
  it("asks for as many whole voxels of context as tanh tells distances apart over", function()
    for _, case in ipairs { { 30, 40, 120 }, { 30, 4, 116 }, { 30, 116, 116 }, { 30, 500, 500 }, { 0.1, 7, 7 }, { 10, 1, 39 }, { 50, 50, 200 } } do
      local scale, voxel, context = table.unpack(case)
      local hot = md.HotDistancePredictor { { "a" }, scale, true, context = true }
      for _, p in ipairs { predictor { scale = scale, context = true }, hot, md.InnerDistancePredictor { { "a" }, scale, context = true } } do
        assert.equal(md.Roi({ -context }, { voxel + 2 * context }), region(p, { 0 }, { voxel }, { voxel }))
        assert.is_true(1 - tanh(context / scale) < 1e-3)
      end
    end
    assert.equal("DistancePredictor: 'scale_factor' is 1e+17: no volume has context of 3.81 times that",
      errors.bare(function() predictor { scale = 1e17, context = true } end))
  end)

  -- A voxel 6.5 from the boundary and 10.5 from the end of what is known; another 12.5 and 4.5.
  it("masks by the distance to the mask's faces with exact_mask, by half of it without", function()
    local values, mask = {}, {}
    for i = 1, 28 do values[i], mask[i] = i > 24 and 1 or 0, 1 end
    local gt, known = array(values, { 1 }), array(mask, { 1 })
    local function weighed(options, where)
      local p = predictor(options)
      return p:create_weight(gt, p:create_target(gt), where).data:gt(0):totable()[1]
    end
    local function expected(weight) -- per voxel: distances to the boundary and to the nearest face of what is known
      local list = {}
      for i = 1, 28 do list[i] = weight(math.abs(24 - (i - 0.5)), math.min(i - 0.5, 28 - (i - 0.5))) and 1 or 0 end
      return list
    end
    local exact = expected(function(d, border) return d <= border end)
    assert.same(exact, weighed { scale = 10, mask = true, exact = true })
    assert.same(exact, weighed({ scale = 10, mask = true, exact = true }, known))
    assert.equal(1, exact[13])
    assert.equal(0, exact[1])
    assert.same(expected(function(d, border) return math.min(tanh(d / 10) + 0.05, 0.8) < tanh((border + 0.5) / 20) end), weighed { scale = 10, mask = true })
    -- what lies so far away that tanh is within 0.001 of 1 may be any boundary
    assert.same(expected(function(d, border) return d <= border or border > 3.81 end), weighed { scale = 1, mask = true, exact = true })
    local idle = "%s: 'exact_mask' says how mask_distances measures, and that is false: set mask_distances = true, or leave exact_mask out"
    assert.equal(idle:format "DistancePredictor", errors.bare(function() predictor { scale = 10, exact = true } end))
    assert.equal(idle:format "HotDistancePredictor", errors.bare(function() md.HotDistancePredictor { { "a" }, 5, false, exact_mask = true } end))
  end)

  it("knows nothing beside what the mask leaves out, in each channel, with exact_mask", function()
    local one, two, mask = {}, {}, {}
    for i = 1, 30 do one[i], two[i], mask[i] = i > 10 and 1 or 0, i > 14 and 3 or 0, i ~= 18 and 1 or 0 end
    local gt, known = array({ one, two }, { 2 }), array(mask, { 2 })
    local p = predictor { channels = { "a", "b" }, scale = 100, mask = true, exact = true }
    local found = p:create_weight(gt, p:create_target(gt), known).data:gt(0):totable()
    for c, boundary in ipairs { 10, 14 } do
      for i = 1, 30 do
        local border = i < 18 and math.min(i - 0.5, 17 - i + 0.5) or math.min(i - 18 - 0.5, 30 - i + 0.5)
        assert.equal(i ~= 18 and math.abs(boundary - i + 0.5) <= border and 1 or 0, found[c][i], ("channel %d, voxel %d"):format(c, i))
      end
    end
    local hot = md.HotDistancePredictor { { "a", "b" }, 100, true, exact_mask = true }
    local weights = hot:create_weight(gt, hot:create_target(gt), known).data:gt(0):totable()
    assert.same(found, { weights[3], weights[4] })
    assert.same({ mask, mask }, { weights[1], weights[2] })
  end)

  it("hands counts on", function()
    local p, gt = predictor(), array({ 0, 0, 0, 1 }, { 4 })
    local target = p:create_target(gt)
    local first, counts = p:create_weight(gt, target)
    local other = array({ 1, 1, 1, 1 }, { 4 })
    local second = p:create_weight(other, p:create_target(other), nil, counts)
    assert.near(2.5, first.data[{ 1, 4 }], 1e-6)
    assert.near(9 / (2 * 5), second.data[{ 1, 1 }], 1e-6) -- 5 of 8 (+ 1) voxels so far
  end)

  it("says what is wrong", function()
    assert.equal("DistancePredictor: 'scale_factor' must be positive and finite, not 0", errors.bare(function() md.DistancePredictor { { "a" }, 0, false } end))
    assert.equal("DistancePredictor: 'channels' is empty: name each channel of the ground truth", errors.bare(function() md.DistancePredictor { {}, 1, false } end))
    assert.equal("DistancePredictor: 'clipmin' (0.5) is above 'clipmax' (0.1)", errors.bare(function() md.DistancePredictor { { "a" }, 1, false, 0.5, 0.1 } end))
    assert.equal("DistancePredictor: 'mask_distances' is missing: true or false", errors.bare(function() md.DistancePredictor { { "a" }, 1 } end))
    assert.equal("DistancePredictor has no option 'scale_faktor'; did you mean 'scale_factor'?",
      errors.bare(function() md.DistancePredictor { { "a" }, scale_faktor = 1 } end))
    local function target(...) return errors.bare(function(p, gt) p:create_target(gt) end, ...) end
    assert.equal("DistancePredictor is made for 2 channels, the ground truth has 1", target(predictor { channels = { "a", "b" } }, array({ 0 }, { 4 })))
    assert.equal("DistancePredictor handles at most one channel axis, the ground truth has 2 (shape {1, 1, 2})",
      target(predictor(), array({ { { 0, 1 } } }, { 4 })))
    assert.equal("DistancePredictor wants integer labels as ground truth, not float32; put md.AsType{ KEY, \"uint8\" } before it",
      target(predictor(), array({ 0 }, { 4 }, "float32")))
  end)
end)

describe("InnerDistancePredictor", function()
  it("is the distance inside and 0 outside", function() -- upstream reads a field that it never sets
    local p, gt = md.InnerDistancePredictor { { "a" }, 5 }, array({ 0, 0, 3, 3 }, { 4 })
    local target = p:create_target(gt)
    near({ { 0, 0, tanh(2 / 5), tanh(6 / 5) } }, target.data:totable())
    assert.equal("0.0", tostring(target.data[{ 1, 1 }])) -- not -0
    near({ { 1.25, 1.25, 1.25, 1.25 } }, p:create_weight(gt, target).data:totable())
    assert.equal(md.Roi({ 0 }, { 8 }), region(p, { 0 }, { 8 }, { 4 }))
    assert.equal(md.Roi({ -20 }, { 48 }), region(md.InnerDistancePredictor { { "a" }, 5, context = true }, { 0 }, { 8 }, { 4 }))
  end)
end)

describe("HotDistancePredictor", function()
  it("has labels in front of distances", function()
    local p, gt = md.HotDistancePredictor { { "a", "b" }, 5, false, 1 }, array({ { 0, 2 }, { 1, 0 } }, { 4 })
    local target = p:create_target(gt)
    near({ { 0, 1 }, { 1, 0 }, { tanh(-2 / 5), tanh(2 / 5) }, { tanh(2 / 5), tanh(-2 / 5) } }, target.data:totable())
    local weights, counts = p:create_weight(gt, target)
    assert.same({ 4, 2 }, weights.data.shape)
    assert.is_truthy(counts.hot and counts.distance)
    assert.same({ 4, 2 }, (p:create_weight(gt, target, array({ 1, 1 }, { 4 }), counts)).data.shape)
  end)

  it("masks the distances' weights only", function()
    local p, values = md.HotDistancePredictor { { "a" }, 20, true }, {}
    for i = 1, 40 do values[i] = i > 20 and 1 or 0 end
    local gt = array(values, { 4 })
    local weights = p:create_weight(gt, p:create_target(gt)).data
    assert.is_true(weights[{ 1 }]:all())
    assert.equal(0, weights[{ 2, 1 }])
    assert.is_true(weights[{ 2, 20 }] > 0)
  end)
end)

describe("OneHotPredictor", function()
  it("has a channel a class; what is beyond the classes is in none", function()
    local p, gt = md.OneHotPredictor { { "background", "a", "b" } }, array({ 0, 1, 2, 3 }, { 4 })
    local target = p:create_target(gt)
    assert.same({ { 1, 0, 0, 0 }, { 0, 1, 0, 0 }, { 0, 0, 1, 0 } }, target.data:totable())
    assert.equal("uint8", target.data.dtype)
    assert.same({ { 1, 1, 1, 1 }, { 1, 1, 1, 1 }, { 1, 1, 1, 1 } }, p:create_weight(gt, target, array({ 0, 1, 1, 1 }, { 4 })).data:totable())
  end)

  it("says what is wrong", function()
    assert.equal("OneHotPredictor: 'classes' is empty: name each class, the background first", errors.bare(function() md.OneHotPredictor { {} } end))
    assert.equal("OneHotPredictor is made for 1 channel, the ground truth has 2",
      errors.bare(function() md.OneHotPredictor({ { "a" } }):create_target(array({ { 0 }, { 1 } }, { 4 })) end))
  end)
end)

describe("AffinitiesPredictor", function()
  local function predictor(neighborhood, options)
    options = options or {}
    options[1], options.lsds = neighborhood, options.lsds or false
    return md.AffinitiesPredictor(options)
  end

  it("says which neighbours belong together", function()
    local gt = array({ 5, 5, 0, 0, 7 }, { 4 })
    assert.same({ { 1, 0, 0, 0, 0 }, { 0, 1, 0, 0, 0 } }, predictor({ { 1 }, { -1 } }):create_target(gt).data:totable())
    assert.same({ { 1, 0, 1, 0, 0 } }, predictor({ { 1 } }, { background_as_object = true }):create_target(gt).data:totable())
    assert.equal("float32", predictor({ { 1 } }):create_target(gt).data.dtype)
  end)

  it("asks for context on the side that offsets reach to", function() -- upstream: negative offsets shrink
    local at, size, voxel_size = { 100, 40, 40 }, { 200, 40, 40 }, { 50, 4, 4 }
    assert.equal(md.Roi({ 100, 40, 40 }, { 250, 44, 44 }), region(predictor { { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 } }, at, size, voxel_size))
    assert.equal(md.Roi({ 50, 36, 4 }, { 250, 44, 76 }), region(predictor { { -1, 0, 0 }, { 0, -1, 0 }, { 0, 0, -9 } }, at, size, voxel_size))
    assert.equal(md.Roi({ 0, 40, 36 }, { 350, 48, 44 }), region(predictor { { -2, 0, -1 }, { 1, 2, 0 } }, at, size, voxel_size))
    assert.equal(md.Coordinate { 100, 8, 4 }, predictor({ { -2, 0, -1 }, { 1, 2, 0 } }):padding(md.Coordinate(voxel_size)))
  end)

  it("asks for three sigma around descriptors", function()
    local p = md.AffinitiesPredictor { { { 1, 0 } }, num_voxels = 2 }
    assert.equal(md.Roi({ -60, -60 }, { 140, 140 }), region(p, { 0, 0 }, { 20, 20 }, { 10, 5 }))
  end)

  it("asks for all that anything reaches with context, for nothing without", function()
    local at, size, voxel_size = { 100, 40, 40 }, { 200, 40, 40 }, { 50, 4, 4 }
    local function asked(options)
      options = options or {}
      return region(predictor({ { -2, 0, -1 }, { 1, 9, 0 } }, options), at, size, voxel_size)
    end
    assert.equal(asked(), asked { grow_boundary_iterations = 3 }) -- the default, by which places are drawn
    assert.equal(asked(), asked { context = true })
    assert.equal(md.Roi({ -50, 28, 28 }, { 500, 88, 64 }), asked { grow_boundary_iterations = 3, context = true })
    assert.equal(md.Roi(at, size), asked { grow_boundary_iterations = 3, context = false })
    -- sigma is 100, the grid (150, 12, 12): 2 and 25 of its voxels, around the blocks of (100, 40, 40) to (300, 80, 80)
    local around = asked { lsds = true, num_voxels = 2, downsample_lsds = 3, context = true }
    assert.equal(md.Roi({ -300, -264, -264 }, { 900, 648, 648 }), around)
    assert.equal(md.Coordinate { 300, 300, 300 }, predictor({ { 1, 0, 0 } }, { lsds = true, num_voxels = 2, downsample_lsds = 3, context = true }):padding(md.Coordinate(voxel_size)))
  end)

  it("puts descriptors behind affinities, with weights of their own", function()
    local gt = array({ { 0, 1, 1 }, { 0, 1, 2 } }, { 4, 4 })
    local p = md.AffinitiesPredictor { { { 1, 0 } }, num_voxels = 1 }
    for _, form in ipairs { gt, array({ gt.data:totable() }, { 4, 4 }) } do -- with and without a channel axis
      local target = p:create_target(form)
      assert.same({ 7, 2, 3 }, target.data.shape)
      assert.is_true(target.data[{ { 2, 7 } }]:equal(core.kernel.local_shape(gt.data, { 4, 4 }, { 4, 4 })))
      for _, mask in ipairs { array({ { 1, 1, 1 }, { 1, 1, 0 } }, { 4, 4 }), array({ { { 1, 1, 1 }, { 1, 1, 0 } } }, { 4, 4 }) } do
        local weights, counts = p:create_weight(form, target, mask)
        assert.same({ 7, 2, 3 }, weights.data.shape)
        assert.equal(0, weights.data[{ 3, 2, 3 }])
        near({ { 1.5, 1, 1 }, { 1.5, 1, 0 } }, weights.data[{ 2 }]:totable()) -- 3 of 5 voxels are objects
        assert.same({ 7, 2, 3 }, (p:create_weight(form, target, mask, counts)).data.shape)
      end
    end
  end)

  it("gives no weight to what growing boundaries eat", function() -- upstream: changes nothing
    local gt = array({ 5, 5, 5, 5, 7, 7, 7, 0 }, { 4 })
    local p = predictor({ { 1 } }, { grow_boundary_iterations = 1 })
    local weights = p:create_weight(gt, p:create_target(gt)).data
    assert.same({ { 1, 1, 1, 0, 0, 1, 0, 1 } }, weights:gt(0):totable())
    weights = p:create_weight(gt, p:create_target(gt), array({ 0, 1, 1, 1, 1, 1, 1, 1 }, { 4 })).data
    assert.same({ { 0, 1, 1, 0, 0, 1, 0, 1 } }, weights:gt(0):totable())
  end)

  it("says what is wrong", function()
    local function made(...) return errors.bare(md.AffinitiesPredictor, ...) end
    assert.equal("AffinitiesPredictor: 'neighborhood' is empty", made { {} })
    assert.equal("AffinitiesPredictor: neighborhood[1] is not an offset such as {1, 0, 0}", made { { 1, 0, 0 } })
    assert.equal("AffinitiesPredictor: neighborhood[2] has 2 axes, the first has 3", made { { { 1, 0, 0 }, { 0, 1 } } })
    assert.equal("AffinitiesPredictor: local shape descriptors exist in 2-d and 3-d, the neighborhood has 1 axes; set lsds = false", made { { { 1 } } })
    assert.equal("AffinitiesPredictor: 'grow_boundary_iterations' must not be negative", made { { { 1, 0 } }, grow_boundary_iterations = -1 })
    assert.equal("AffinitiesPredictor: 'num_voxels' must be at least 1, not 0", made { { { 1, 0 } }, num_voxels = 0 })
    assert.equal("AffinitiesPredictor: 'downsample_lsds' must be at least 1, not 0", made { { { 1, 0 } }, downsample_lsds = 0 })
    assert.equal("AffinitiesPredictor: 'lsd_weight_clipmin' (2) is above 'lsd_weight_clipmax' (0.95)", made { { { 1, 0 } }, lsd_weight_clipmin = 2 })
    assert.equal("AffinitiesPredictor: the neighborhood has offsets of 2 axes, the ground truth has 1",
      errors.bare(function() predictor({ { 1, 0 } }):create_target(array({ 1 }, { 4 })) end))
    assert.equal("AffinitiesPredictor is made for 1 channel, the ground truth has 2",
      errors.bare(function() predictor({ { 1 } }):create_target(array({ { 1 }, { 1 } }, { 4 })) end))
  end)
end)

describe("Predictor", function()
  it("has defaults for one of your own", function()
    local Twice = md.class("Twice", md.Predictor)
    function Twice:create_target(gt) return self:like(gt, gt.data:astype "float32" * 2) end
    local p, gt = Twice {}, array({ 1, 2 }, { 4 })
    local target = p:create_target(gt)
    assert.same({ 2, 4 }, target.data:totable())
    assert.same({ 1, 1 }, p:create_weight(gt, target).data:totable())
    assert.same({ 0, 1 }, p:create_weight(gt, target, array({ 0, 1 }, { 4 })).data:totable())
    assert.equal(md.Roi({ 0 }, { 8 }), region(p, { 0 }, { 8 }, { 4 }))
    assert.equal(md.Coordinate { 0 }, p:padding(md.Coordinate { 4 }))
    for _, exact in ipairs { false, true } do
      local two, labels = md.DistancePredictor { { "a", "b" }, 1, true, exact_mask = exact }, array({ { 0, 1 }, { 1, 1 } }, { 4 })
      for shape, mask in pairs { ["3, 2"] = array({ { 1, 1 }, { 1, 1 }, { 1, 1 } }, { 4 }), ["1, 3"] = array({ 1, 1, 1 }, { 4 }) } do
        assert.equal(("DistancePredictor: the mask has shape {%s}, the ground truth {2, 2}; the mask must have the same voxels, in one channel or as many"):format(shape),
          errors.bare(function() two:create_weight(labels, two:create_target(labels), mask) end))
      end
    end
    local nowhere = md.Array { core.zeros({ 2 }, "uint8"), md.ArraySpec { nonspatial = true } }
    assert.equal("DistancePredictor needs ground truth with a ROI and a voxel size; this array is nonspatial",
      errors.bare(function() md.DistancePredictor({ { "a" }, 1, false }):create_target(nowhere) end))
    assert.equal("predictors need arrays with a ROI and a voxel size; this one is nonspatial",
      errors.bare(function() md.DistancePredictor({ { "a" }, 1, false }):create_weight(array({ 1 }, { 4 }), array({ { 1 } }, { 4 }, "float32"), nowhere) end))
    assert.equal("Blank has no create_target(gt): make the target there", errors.bare(function() md.class("Blank", md.Predictor)({}):create_target(gt) end))
  end)
end)
