-- ElasticAugment by what must be so; upstream's figures are in golden_filters_spec (quirks = true).
--
-- Sources here are endless, and each voxel holds its own world position, a channel an axis: what comes out of the node says where
-- each voxel was fetched from.
local md = require "moondust"
local core = require "moondust.core"
local battery = require "spec.support.battery"
local errors = require "spec.support.errors"

local RAW, NEAREST, COARSE, ONES, SHIFT = md.ArrayKey "RAW", md.ArrayKey "NEAREST", md.ArrayKey "COARSE", md.ArrayKey "ONES", md.ArrayKey "SHIFT"
local POINTS = md.GraphKey "POINTS"

local support = require "spec.support.positions"
local endless, positions = support.endless, support.of

local function ones(roi, voxel_size) return core.zeros((roi.shape / voxel_size):totable(), "float32"):fill(1) end

-- Endless { list of { key, voxel_size, interpolatable, make }, graph }
local Endless = md.class("Endless", md.BatchProvider)
Endless.arity = 0
function Endless:init(fields) self.arrays, self.graph = fields[1], fields.graph end
function Endless:setup()
  for _, a in ipairs(self.arrays) do
    self:provides(a[1], md.ArraySpec { roi = endless(#a[2]), voxel_size = a[2], interpolatable = a[3] })
  end
  if self.graph then self:provides(POINTS, md.GraphSpec { roi = endless(#self.arrays[1][2]), directed = false }) end
end
function Endless:provide(request)
  local batch = md.Batch {}
  for _, a in ipairs(self.arrays) do
    local wanted = request[a[1]]
    if wanted then
      batch[a[1]] = md.Array { (a[4] or positions)(wanted.roi, md.Coordinate(a[2])),
        md.ArraySpec { roi = wanted.roi, voxel_size = a[2], interpolatable = a[3] } }
    end
  end
  if request[POINTS] then batch[POINTS] = self.graph:trim(request[POINTS].roi) end
  return batch
end

local function graph_of(locations, edges)
  local nodes, list = {}, {}
  for i, location in ipairs(locations) do nodes[i] = md.Node { i, location } end
  for i, edge in ipairs(edges or {}) do list[i] = md.Edge(edge) end
  return md.Graph { nodes, list, md.GraphSpec { roi = endless(#(locations[1] or { 0, 0, 0 })), directed = false }, ndim = #(locations[1] or { 0, 0, 0 }) }
end

local function serve(pipeline, seed, rois)
  local p <close> = pipeline:build()
  local request = md.BatchRequest { random_seed = seed }
  for _, item in ipairs(rois) do request[item[1]] = item[2] end
  return p:request_batch(request)
end

local function elastic(options)
  return md.ElasticAugment {
    control_point_spacing = options.spacing or { 3, 12, 12 }, control_point_displacement_sigma = options.sigma or { 20, 8, 8 },
    rotation_interval = options.rotation or { 0, math.pi / 2 }, subsample = options.subsample, quirks = options.quirks, seed = options.seed,
    uniform_3d_rotation = options.uniform, augmentation_probability = options.p,
  }
end

local function worst(a, b, voxel_size) -- per axis, in voxels
  local largest = 0
  for d = 1, #voxel_size do
    local low, high = (a[{ d }] - b[{ d }]):minmax()
    largest = math.max(largest, math.max(-low, high) / voxel_size[d])
  end
  return largest
end

local grids = {
  ["(40, 4, 4)"] = { { 40, 4, 4 }, { 3, 12, 12 }, { 20, 8, 8 } },
  ["(8, 8, 8)"] = { { 8, 8, 8 }, { 5, 5, 5 }, { 8, 8, 8 } },
  ["(1, 1, 1)"] = { { 1, 1, 1 }, { 6, 6, 6 }, { 1, 2, 2 } },
  ["(50, 5, 5)"] = { { 50, 5, 5 }, { 1, 10, 10 }, { 0, 6, 6 } },
}

describe("ElasticAugment fetches what is there:", function()
  for name, grid in pairs(grids) do
    it("no voxel of a constant volume is lost at " .. name, function() -- upstream: zeros at upper faces
      local size = md.Coordinate(grid[1])
      for seed = 1, 12 do
        local subsample = ({ 1, 2, 4 })[seed % 3 + 1]
        local source = Endless { { { ONES, grid[1], true, ones }, { NEAREST, grid[1], false, ones } } }
        local options = { spacing = grid[2], sigma = grid[3], subsample = subsample, uniform = seed % 4 == 0, rotation = { -3, 3 } }
        local roi = md.Roi(size * 7, size * { 6, 22, 25 })
        local batch = serve(source + elastic(options), seed, { { ONES, roi }, { NEAREST, roi } })
        for _, key in ipairs { ONES, NEAREST } do
          local low, high = batch[key].data:minmax()
          assert.same({ 1, 1 }, { low, high }, ("%s, seed %d, subsample %d"):format(key.name, seed, subsample))
        end
      end
    end)
  end

  it("interpolates where that is allowed and takes the nearest voxel where not", function()
    local size = { 40, 4, 4 }
    for seed = 1, 8 do
      local source = Endless { { { RAW, size, true }, { NEAREST, size, false } } }
      local roi = md.Roi({ 400, 40, 40 }, { 200, 100, 120 })
      local batch = serve(source + elastic { subsample = seed % 2 == 0 and 4 or 1 }, seed, { { RAW, roi }, { NEAREST, roi } })
      assert.is_true(worst(batch[RAW].data, batch[NEAREST].data, size) < 0.5 + 1e-3)
      local fractions = batch[NEAREST].data - positions(roi, md.Coordinate(size))
      for d = 1, 3 do -- whole voxels away
        local voxels = fractions[{ d }] / size[d]
        assert.is_true(voxels:eq(voxels:astype "int64"):all())
      end
    end
  end)
end)

-- A straight line in every section, 20 world units wide.
local function straight(roi, voxel_size)
  local y = positions(roi, voxel_size)[{ 2 }]
  return (y:gt(190) * y:lt(210)):astype "uint8"
end

describe("ElasticAugment keeps", function()
  it("a straight line in one piece, from border to border, at each voxel size", function() -- upstream: cut off at upper faces
    local fine, coarse = { 40, 4, 4 }, { 40, 8, 8 }
    for seed = 1, 12 do
      local source = Endless { { { RAW, fine, false, straight }, { COARSE, coarse, false, straight } } }
      local roi = md.Roi({ 400, 104, 104 }, { 160, 192, 192 })
      local batch = serve(source + elastic { rotation = { 0, 6 }, spacing = { 1, 16, 16 }, sigma = { 0, 6, 6 }, subsample = seed % 2 * 3 + 1 },
        seed, { { RAW, roi }, { COARSE, roi } })
      for _, key in ipairs { RAW, COARSE } do
        local data = batch[key].data
        local _, pieces = core.kernel.components(data)
        assert.equal(1, pieces, ("%s, seed %d"):format(key.name, seed))
        local borders = 0
        for axis = 2, 3 do
          for _, at in ipairs { 1, data.shape[axis] } do
            if data:slice(axis, at, at):any() then borders = borders + 1 end
          end
        end
        assert.is_true(borders >= 2, ("%s, seed %d: the line touches %d borders"):format(key.name, seed, borders))
      end
    end
  end)
end)

describe("ElasticAugment of several voxel sizes", function()
  it("shows the same tissue at the same place", function() -- upstream: corners, so that half a turn parts them
    local fine, coarse = { 40, 4, 4 }, { 40, 8, 8 }
    for seed = 1, 10 do
      local source = Endless { { { RAW, fine, true }, { COARSE, coarse, true }, { NEAREST, coarse, false } } }
      local roi = md.Roi({ 400, 80, 160 }, { 200, 96, 96 })
      local rotation = seed % 2 == 0 and { math.pi, math.pi } or { 0, 6 }
      local batch = serve(source + elastic { rotation = rotation, sigma = { 10, 6, 6 }, subsample = seed % 3 + 1 }, seed,
        { { RAW, roi }, { COARSE, roi }, { NEAREST, roi } })
      local raw = batch[RAW].data -- the mean of the four voxels about a coarse centre
      local sum
      for _, y in ipairs { 1, 2 } do
        for _, x in ipairs { 1, 2 } do
          local part = raw:slice(3, y, 22 + y, 2):slice(4, x, 22 + x, 2)
          sum = sum and sum + part or part
        end
      end
      local off = worst(sum / 4, batch[COARSE].data, fine)
      assert.is_true(off < 0.5, ("seed %d: %g of a fine voxel"):format(seed, off))
      assert.is_true(worst(sum / 4, batch[NEAREST].data, coarse) < 0.5 + 0.25)
    end
  end)

  it("takes the finest as the grid of control points, whichever is asked for", function()
    local source = Endless { { { RAW, { 40, 4, 4 }, true }, { COARSE, { 20, 8, 8 }, true } } }
    local node = elastic {}
    local p <close> = (source + node):build()
    assert.equal(md.Coordinate { 20, 4, 4 }, node.voxel_size)
    local batch = p:request_batch(md.BatchRequest { random_seed = 1, [COARSE] = md.Roi({ 0, 0, 0 }, { 100, 80, 80 }) })
    assert.same({ 3, 5, 10, 10 }, batch[COARSE].data.shape)
  end)
end)

describe("ElasticAugment of graphs", function()
  -- Nodes are put where voxels are known to come from; the same seed must bring them to these voxels' centres.
  local function check(size, options, seed)
    local voxel_size = md.Coordinate(size)
    local roi = md.Roi(voxel_size * 5, voxel_size * { 6, 16, 18 })
    local rois = { { RAW, roi }, { POINTS, roi } }
    local arrays = { { RAW, size, true } }
    local field = serve(Endless { arrays, graph = graph_of {} } + elastic(options), seed, rois)[RAW].data
    local locations, wanted, edges = {}, {}, {}
    for z = 1, 6, 5 do
      for y = 1, 16, 5 do
        for x = 1, 18, 17 do
          local i = #locations + 1
          locations[i] = { field[{ 1, z, y, x }], field[{ 2, z, y, x }], field[{ 3, z, y, x }] }
          wanted[i] = { roi.offset[1] + (z - 0.5) * size[1], roi.offset[2] + (y - 0.5) * size[2], roi.offset[3] + (x - 0.5) * size[3] }
          if i > 1 then edges[#edges + 1] = { i - 1, i } end
        end
      end
    end
    local moved = serve(Endless { arrays, graph = graph_of(locations, edges) } + elastic(options), seed, rois)[POINTS]
    assert.equal(roi, moved.spec.roi)
    for i, place in ipairs(wanted) do
      local node = moved:node(i)
      assert.is_truthy(node, ("seed %d: node %d is lost"):format(seed, i))
      for d = 1, 3 do assert.near(place[d], node.location[d], 0.05 * size[d], ("seed %d, node %d, axis %d"):format(seed, i, d)) end
    end
    assert.equal(#edges, moved:num_edges())
  end

  for name, grid in pairs(grids) do
    it("moves nodes with their voxels at " .. name, function() -- upstream leaves them
      for seed = 1, 6 do
        check(grid[1], { spacing = grid[2], sigma = { grid[3][1] / 2, grid[3][2] / 2, grid[3][3] / 2 }, uniform = seed == 3 }, seed)
      end
    end)
  end

  it("moves nodes with their voxels when subsampled", function()
    for seed = 1, 4 do check({ 40, 4, 4 }, { subsample = 4, sigma = { 8, 3, 3 } }, seed) end
  end)

  it("serves a graph alone", function()
    local locations = {}
    for i = 1, 50 do locations[i] = { 7 * i, 3 * i, 2 * i } end
    local graph = serve(Endless { { { RAW, { 40, 4, 4 }, true } }, graph = graph_of(locations) } + elastic {}, 2, { { POINTS, md.Roi({ 80, 33, 18 }, { 200, 71, 101 }) } })
    assert.is_true(graph[POINTS]:num_nodes() > 0)
    for node in graph[POINTS]:nodes() do assert.is_true(graph[POINTS].spec.roi:contains(node.location)) end
  end)
end)

describe("ElasticAugment that does nothing", function()
  local size = { 40, 4, 4 }
  local roi = md.Roi({ 400, 40, 40 }, { 200, 100, 120 })
  local function source() return Endless { { { RAW, size, true }, { NEAREST, size, false } }, graph = graph_of { { 450, 50, 50 }, { 500, 77.7, 99 } } } end
  local function hash(options, seed)
    return battery.hash(serve(source() + elastic(options), seed or 1, { { RAW, roi }, { NEAREST, roi }, { POINTS, roi } }))
  end
  local bare = battery.hash(serve(md.Pipeline { source() }, 1, { { RAW, roi }, { NEAREST, roi }, { POINTS, roi } }))

  it("is the identity without sigma and rotation", function()
    for _, subsample in ipairs { 1, 4 } do
      assert.equal(bare, hash { sigma = { 0, 0, 0 }, rotation = { 0, 0 }, subsample = subsample })
    end
  end)

  it("is left out with probability 1 - augmentation_probability", function()
    local changed = 0
    for seed = 1, 60 do
      if hash({ p = 0.4 }, seed) ~= bare then changed = changed + 1 end
    end
    assert.near(24, changed, 13)
    assert.equal(bare, hash { p = 0 })
  end)

  it("asks for no more than it needs", function()
    local asked
    local Spy = md.class("Spy", md.BatchFilter)
    function Spy:prepare(request) asked = request[RAW].roi end
    function Spy:process() end
    serve(source() + Spy {} + elastic { sigma = { 0, 0, 0 }, rotation = { 0, 0 } }, 1, { { RAW, roi } })
    assert.equal(roi, asked)
    serve(source() + Spy {} + elastic { sigma = { 0, 0, 0 }, rotation = { math.pi / 2, math.pi / 2 } }, 1, { { RAW, roi } })
    assert.is_true(asked:contains(md.Roi({ 400, 32, 52 }, { 200, 116, 96 })))
    assert.is_true(md.Roi({ 360, 26, 46 }, { 280, 128, 108 }):contains(asked))
  end)
end)

describe("ElasticAugment draws", function()
  local size = { 40, 4, 4 }
  local roi = md.Roi({ 400, 40, 40 }, { 200, 100, 120 })
  local function field(options, seed) return serve(Endless { { { RAW, size, true } } } + elastic(options), seed, { { RAW, roi } })[RAW].data end

  it("the same for every request when it has a seed", function() -- upstream ignores it
    assert.is_true(field({ seed = 5 }, 1):equal(field({ seed = 5 }, 2)))
    assert.is_false(field({ seed = 5 }, 1):equal(field({ seed = 6 }, 1)))
    assert.is_false(field({}, 1):equal(field({}, 2)))
  end)

  it("the same with quirks: inside, the same places", function()
    for seed = 1, 6 do
      local a, b = field({}, seed), field({ quirks = true }, seed)
      local inner = { {}, { 2, 4 }, { 2, 24 }, { 2, 29 } }
      assert.is_true(worst(a[inner], b[inner], size) < 0.1, "seed " .. seed)
    end
  end)

  it("angles from the interval", function()
    for seed = 1, 5 do
      local f = field({ sigma = { 0, 0, 0 }, rotation = { 0.3, 0.5 } }, seed)
      local dy, dx = f[{ 2, 1, 1, 30 }] - f[{ 2, 1, 1, 1 }], f[{ 3, 1, 1, 30 }] - f[{ 3, 1, 1, 1 }]
      local angle = math.atan(dy, dx)
      assert.is_true(angle >= 0.3 and angle < 0.5, tostring(angle))
      assert.near(29 * 4, math.sqrt(dy * dy + dx * dx), 1e-3)
    end
  end)

  it("any rotation in 3-d, which keeps distances", function()
    local z = 0
    for seed = 1, 5 do
      local f = serve(Endless { { { RAW, { 4, 4, 4 }, true } } } + elastic { sigma = { 0, 0, 0 }, uniform = true }, seed,
        { { RAW, md.Roi({ 0, 0, 0 }, { 40, 40, 40 }) } })[RAW].data
      local sum = 0
      for d = 1, 3 do sum = sum + (f[{ d, 10, 10, 10 }] - f[{ d, 1, 1, 1 }]) ^ 2 end
      assert.near(math.sqrt(3) * 36, math.sqrt(sum), 1e-3)
      z = math.max(z, math.abs(f[{ 1, 1, 1, 10 }] - f[{ 1, 1, 1, 1 }]))
    end
    assert.is_true(z > 5)
  end)
end)

describe("ElasticAugment takes", function()
  it("two dimensions and one", function()
    for seed = 1, 4 do
      local roi = md.Roi({ 40, 40 }, { 100, 120 })
      local options = { spacing = { 10, 10 }, sigma = { 6, 6 }, subsample = seed }
      local batch = serve(Endless { { { RAW, { 4, 4 }, true }, { ONES, { 4, 4 }, false, ones } } } + elastic(options), seed, { { RAW, roi }, { ONES, roi } })
      assert.same({ 2, 25, 30 }, batch[RAW].data.shape)
      assert.equal(1, batch[ONES].data:min())
      local line = md.Roi({ 40 }, { 100 })
      local one = serve(Endless { { { ONES, { 4 }, true, ones } } } + elastic { spacing = { 5 }, sigma = { 6 }, rotation = { 0, 0 } }, seed, { { ONES, line } })
      assert.equal(1, one[ONES].data:min())
    end
  end)

  it("nonspatial keys by", function() -- upstream crashes
    local source = Endless { { { RAW, { 40, 4, 4 }, true } } } + md.Crop { RAW, md.Roi({ -4000, -4000, -4000 }, { 8000, 8000, 8000 }) }
      + md.RandomLocation { random_shift_key = SHIFT } + elastic {}
    local p <close> = source:build()
    local request = md.BatchRequest { random_seed = 4, [RAW] = md.Roi({ 0, 0, 0 }, { 80, 40, 40 }) }
    request[SHIFT] = md.ArraySpec { nonspatial = true }
    local batch = p:request_batch(request)
    assert.same({ 3 }, batch[SHIFT].data.shape)
    assert.same({ 3, 2, 10, 10 }, batch[RAW].data.shape)
  end)

  it("labels whole and integers rounded", function()
    local function ids(roi, voxel_size) return core.zeros((roi.shape / voxel_size):totable(), "uint64"):fill((1 << 60) + 1) end
    local roi = md.Roi({ 400, 40, 40 }, { 200, 100, 120 })
    local data = serve(Endless { { { NEAREST, { 40, 4, 4 }, false, ids } } } + elastic {}, 3, { { NEAREST, roi } })[NEAREST].data
    assert.equal(data.size, data:count((1 << 60) + 1))
  end)
end)

describe("ElasticAugment says", function()
  local function made(options) return errors.bare(function() md.ElasticAugment(options) end) end
  local function built(options, size) return errors.message(function() (Endless { { { RAW, size or { 40, 4, 4 }, true } } } + elastic(options)):build() end) end

  it("what its options must be", function()
    assert.equal("ElasticAugment: 'rotation_interval' is missing: a list of numbers", made { { 1 }, { 1 } })
    assert.equal("ElasticAugment: 'rotation_interval' wants two angles, {low, high}", made { { 1 }, { 1 }, { 1 } })
    assert.equal("ElasticAugment: 'rotation_interval' must be finite", made { { 1 }, { 1 }, { 0, math.huge } })
    assert.equal("ElasticAugment: 'rotation_interval' must be a list of numbers, not a table", made { { 1 }, { 1 }, { 0, 0 / 0 } })
    assert.equal("ElasticAugment: 'subsample' must be from 1 to 1048576, not 0", made { { 1 }, { 1 }, { 0, 0 }, 0 })
    assert.equal("ElasticAugment: 'subsample' must be a whole number, not 1.5", made { { 1 }, { 1 }, { 0, 0 }, 1.5 })
    assert.equal("ElasticAugment: 'augmentation_probability' must be a number from 0 to 1, not 2", made { { 1 }, { 1 }, { 0, 0 }, 1, 2 })
    assert.equal("ElasticAugment: 'seed' must be from 0 to 4294967295, not 4294967296", made { { 1 }, { 1 }, { 0, 0 }, seed = 1 << 32 })
    assert.equal("ElasticAugment: 'control_point_spacing' must be positive on each axis", made { { 1, 0 }, { 1, 1 }, { 0, 0 } })
    assert.equal("ElasticAugment: 'control_point_displacement_sigma' must be finite and not negative", made { { 1, 1 }, { 1, -1 }, { 0, 0 } })
    assert.equal("ElasticAugment has no option 'jitter_sigma'; it takes control_point_spacing, control_point_displacement_sigma, rotation_interval, subsample, "
      .. "augmentation_probability, seed, uniform_3d_rotation, quirks, rotation_axes", made { { 1 }, { 1 }, { 0, 0 }, jitter_sigma = 1 })
  end)

  it("what doesn't fit what is upstream", function()
    assert.equal("ElasticAugment: control_point_spacing has 2 entries, arrays have 3 spatial axes", built { spacing = { 1, 1 } })
    assert.equal("ElasticAugment: control_point_displacement_sigma has 1 entries, arrays have 3 spatial axes", built { sigma = { 1 } })
    assert.equal("ElasticAugment: uniform_3d_rotation needs 3 spatial axes, there are 2", built({ spacing = { 1, 1 }, sigma = { 1, 1 }, uniform = true }, { 4, 4 }))
    assert.equal("ElasticAugment: there is no rotation in one dimension; give rotation_interval = {0, 0}", built({ spacing = { 1 }, sigma = { 1 } }, { 4 }))
    local graph = md.GraphSource { POINTS, graph_of { { 1, 1, 1 } } }
    assert.equal("ElasticAugment: there is no array upstream whose voxel size could make the grid of control points",
      errors.message(function() (graph + elastic {}):build() end))
    assert.equal("ElasticAugment: COARSE has 2 spatial axes, others have 3",
      errors.message(function() (Endless { { { RAW, { 4, 4, 4 }, true }, { COARSE, { 4, 4 }, true } } } + elastic {}):build() end))
  end)

  it("that a request is too large, at once and in bytes", function()
    local huge = md.Roi({ 0, 0, 0 }, { 40 << 21, 4 << 21, 4 << 20 }) -- 2^62 voxels
    local started = core.clock()
    assert.matches("^ElasticAugment: RAW in ROI .* would take 4%.0 EiB %(4611686018427387904 bytes%), this machine has .*; ask for a smaller ROI$",
      errors.message(serve, Endless { { { RAW, { 40, 4, 4 }, true } } } + elastic {}, 1, { { RAW, huge } }))
    assert.matches("^ElasticAugment: the request spans 4611686018427387904 voxels of %(40, 4, 4%), more than this machine has bytes %(%d+%); ask for a smaller ROI$",
      errors.message(serve, Endless { { { RAW, { 40, 4, 4 }, true } }, graph = graph_of {} } + elastic {}, 1, { { POINTS, huge } }))
    assert.is_true(core.clock() - started < 1)
  end)

  it("which ROI it needs and isn't there", function()
    local source = md.ArraySource { RAW, md.Array { core.zeros({ 4, 10, 10 }), md.ArraySpec { roi = md.Roi({ 0, 0, 0 }, { 160, 40, 40 }), voxel_size = { 40, 4, 4 } } } }
    assert.matches("^ArraySource%[RAW%]: RAW is wanted in ROI .*, it is there in %[0:160, 0:40, 0:40%] %(160, 40, 40%) only; ask inside of it, or put md.Pad{ RAW } upstream",
      errors.message(serve, source + elastic {}, 1, { { RAW, md.Roi({ 0, 0, 0 }, { 160, 40, 40 }) } }))
  end)
end)

battery.node("ElasticAugment", {
  pipeline = function()
    return battery.source() + md.Pad { battery.RAW } + md.Pad { battery.LABELS } + md.Pad { battery.POINTS } + elastic { sigma = { 10, 4, 4 }, subsample = 2 }
  end,
  request = function(seed)
    local request = battery.request(seed)
    request[battery.POINTS] = request[battery.RAW].roi
    return request
  end,
  random = true,
})
