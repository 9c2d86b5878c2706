-- With context = true a tile of targets is the part of the whole that it covers, whatever the predictor, the voxel size, the
-- labels, the mask and the tiling.
local md = require "moondust"
local core = require "moondust.core"
local tiles = require "spec.support.target_tiles"

local TOLERANCE = 1e-3
local CASES = tonumber(os.getenv "MOONDUST_TILE_CASES") or 12 -- of each kind of predictor

local function pick(rng, list) return list[rng:randint(1, #list)] end

-- A few boxes of ids over background (value 0), over one another; also none or one that covers all of it.
local function boxes(rng, shape, dtype, ids, value)
  local data = core.zeros(shape, dtype)
  if value then data:fill(value) end
  for _ = 1, rng:randint(0, 5) do
    local box = {}
    for d, length in ipairs(shape) do
      local first = rng:randint(1, length)
      box[d] = { first, rng:randint(first, length) }
    end
    data[box] = pick(rng, ids)
  end
  return data
end

-- What every case draws, at random: where, labels, a mask or none, and tiles of a shape, most of them thinner than the context.
local function scene(rng, rank, least)
  local shape, tile, voxel_size, offset = {}, {}, {}, {}
  for d = 1, rank do
    voxel_size[d] = pick(rng, { 1, 2, 3, 4, 5, 7, 9, 25, 40, 50 })
    shape[d] = rng:randint(least, ({ 60, 24, 12 })[rank])
    tile[d] = rng:randint(math.max(1, shape[d] // 4), math.max(1, shape[d] // 2))
    offset[d] = rng:randint(-8, 8) * voxel_size[d]
  end
  local size = {}
  for d = 1, rank do size[d] = shape[d] * voxel_size[d] end
  local s = { rank = rank, voxel_size = md.Coordinate(voxel_size), roi = md.Roi(offset, size), shape = shape, tile = tile }
  function s.array(data) return md.Array { data, md.ArraySpec { roi = s.roi, voxel_size = voxel_size } } end
  s.mask = rng:random() < 0.6 and s.array(boxes(rng, shape, "uint8", { 0, 1 }, 1)) or nil
  return s
end

-- Near the voxel size of a random axis: less than a voxel of a coarse axis, many of a fine one.
local function scale_for(rng, s) return s.voxel_size[rng:randint(1, s.rank)] * pick(rng, { 0.3, 0.75, 1, 1.5, 2.6, 4 }) end

local function channels(rng) return rng:random() < 0.3 and { "a", "b" } or { "a" } end

local function channelled(rng, s, names)
  local parts = {}
  for c = 1, #names do parts[c] = boxes(rng, s.shape, "uint8", { 0, 1, 1, 2, 9 }):add_axis(1) end
  return s.array(#parts == 1 and parts[1] or core.concatenate(parts, 1))
end

local function distances(make)
  return function(rng)
    local s, names = scene(rng, rng:randint(1, 3), 1), channels(rng)
    return s, make(names, scale_for(rng, s), rng:random() < 0.5, rng:random() < 0.5), channelled(rng, s, names)
  end
end

local function offsets(rng, rank, reach)
  local list = {}
  for i = 1, rng:randint(1, 4) do
    list[i] = {}
    for d = 1, rank do list[i][d] = rng:randint(-reach, reach) end
  end
  return list
end

local function affinities(lsds)
  return function(rng)
    local s = scene(rng, lsds and rng:randint(2, 3) or rng:randint(1, 3), 2)
    local options = { offsets(rng, s.rank, 5), lsds = lsds, background_as_object = rng:random() < 0.3, context = true }
    options.grow_boundary_iterations = pick(rng, { 0, 0, 1, 2, 4 })
    if lsds then options.num_voxels, options.downsample_lsds = rng:randint(1, 2), pick(rng, { 1, 1, 2, 3 }) end
    return s, md.AffinitiesPredictor(options), s.array(boxes(rng, s.shape, "uint64", { 0, 1, 2, 3, 1 << 40 }))
  end
end

local KINDS = {
  { "DistancePredictor", distances(function(names, scale, masked, exact)
    return md.DistancePredictor { names, scale, masked, context = true, exact_mask = masked and exact }
  end) },
  { "InnerDistancePredictor", distances(function(names, scale) return md.InnerDistancePredictor { names, scale, context = true } end) },
  { "HotDistancePredictor", distances(function(names, scale, masked, exact)
    return md.HotDistancePredictor { names, scale, masked, context = true, exact_mask = masked and exact }
  end) },
  { "OneHotPredictor", function(rng)
    local s = scene(rng, rng:randint(1, 3), 1)
    return s, md.OneHotPredictor { { "background", "a", "b" }, context = true }, s.array(boxes(rng, s.shape, "uint8", { 0, 1, 2, 3 }))
  end },
  { "AffinitiesPredictor", affinities(false), exact = true },
  { "AffinitiesPredictor with descriptors", affinities(true) },
}

for _, kind in ipairs(KINDS) do
  describe(kind[1] .. " with context", function()
    it("makes tiles that are parts of the whole, targets and weights", function()
      for case = 1, CASES do
        local s, predictor, labels = kind[2](core.Rng(case))
        local found = tiles.compare(predictor, labels, s.mask, s.roi, tiles.tiling(s.roi, s.voxel_size, s.tile))
        local where = ("case %d, voxel size %s: %.3g off, %d weights"):format(case, tostring(s.voxel_size), found.target, found.weights)
        assert.is_true(found.target < (kind.exact and 1e-9 or TOLERANCE), where)
        assert.equal(0, found.weights, where)
        assert.equal(found.whole, found.tiles, where)
      end
    end)
  end)
end

-- An object from z = 200 nm on in slices of 40 nm; the tile ends at its face.
describe("Targets at the border of a batch", function()
  local roi, voxel_size = md.Roi({ 0, 0, 0 }, { 400, 40, 40 }), { 40, 4, 4 }
  local below, above = md.Roi({ 0, 0, 0 }, { 200, 40, 40 }), md.Roi({ 200, 0, 0 }, { 200, 40, 40 })
  local data = core.zeros({ 10, 10, 10 }, "uint8")
  data[{ { 6, 10 } }] = 1
  local labels = md.Array { data, md.ArraySpec { roi = roi, voxel_size = voxel_size } }
  local function compare(predictor) return tiles.compare(predictor, labels, nil, roi, { below, above }) end
  local function last(predictor) -- of the slice under the face
    local p <close> = tiles.pipeline(predictor, labels):build()
    local target, weights = tiles.ask(p, below)
    local channel = target.data.shape[1]
    return target.data[{ channel, 5, 5, 5 }], weights.data[{ channel, 5, 5, 5 }]
  end

  it("are right with context where a voxel is larger than scale_factor", function()
    for name, predictor in pairs { distance = md.DistancePredictor { { "a" }, 30, false, context = true },
      hot = md.HotDistancePredictor { { "a" }, 30, false, context = true }, masked = md.HotDistancePredictor { { "a" }, 30, true, context = true } } do
      local target, weight = last(predictor)
      assert.near(-0.582783, target, 1e-5, name) -- tanh(20 / 30)
      assert.is_true(weight > 0, name)
      assert.is_true(compare(predictor).target < TOLERANCE, name)
    end
  end)

  it("are the original's by default, where the face isn't seen", function()
    for name, predictor in pairs { distance = md.DistancePredictor { { "a" }, 30, false }, hot = md.HotDistancePredictor { { "a" }, 30, true } } do
      local target, weight = last(predictor)
      assert.is_true(target < -0.58 - TOLERANCE and weight > 0, name)
      assert.is_true(compare(predictor).target > TOLERANCE, name)
    end
  end)

  it("have no weight with exact_mask where the face isn't seen", function()
    local predictor = md.HotDistancePredictor { { "a" }, 30, true, exact_mask = true }
    local _, weight = last(predictor)
    assert.equal(0, weight)
    assert.is_true(compare(md.DistancePredictor { { "a" }, 30, true, exact_mask = true }).weighed < TOLERANCE)
  end)

  it("are those of the whole in any tile, however far the boundary is", function() -- the value where there is none to be seen
    local values = core.zeros({ 100 }, "uint8")
    values[{ { 51, 52 } }] = 1
    local line = md.Array { values, md.ArraySpec { roi = md.Roi({ 0 }, { 100 }), voxel_size = { 1 } } }
    local found = tiles.compare(md.DistancePredictor { { "a" }, 10, false, context = true }, line, nil, line.spec.roi,
      tiles.tiling(line.spec.roi, md.Coordinate { 1 }, { 8 }))
    assert.is_true(found.target < TOLERANCE)
    assert.is_true(tiles.compare(md.DistancePredictor { { "a" }, 10, false }, line, nil, line.spec.roi, tiles.tiling(line.spec.roi, md.Coordinate { 1 }, { 8 })).target > 0.1)
  end)

  it("lose weights to growing boundaries that come from outside, with context", function()
    local function of(context) return md.AffinitiesPredictor { { { 0, 0, 1 } }, lsds = false, grow_boundary_iterations = 2, context = context } end
    assert.equal(0, compare(of(true)).weights)
    assert.is_true(compare(of(nil)).weights > 0)
  end)
end)
