-- RandomLocation. Its draws are compared with the original's in golden_nodes_spec.
local md = require "moondust"
local battery = require "spec.support.battery"
local errors = require "spec.support.errors"

local RAW, LABELS, MASK, POINTS, SHIFT = battery.RAW, battery.LABELS, battery.MASK, battery.POINTS, md.ArrayKey "SHIFT"

local function request(seed, fields)
  local new = md.BatchRequest { random_seed = seed }
  for _, key in ipairs { RAW, LABELS, MASK, POINTS, SHIFT } do
    local spec = fields[key]
    if spec then new[key] = spec end
  end
  return new
end

local nonspatial = md.ArraySpec { nonspatial = true }
local small = md.Roi({ 0, 0, 0 }, { 160, 24, 32 })

local function message(node, wanted, source)
  return errors.message(function()
    local p <close> = ((source or battery.source()) + node):build()
    p:request_batch(wanted or request(1, { [RAW] = small }))
  end)
end

describe("RandomLocation", function()
  it("announces no bounds and keeps the ROI that is asked for", function()
    local p <close> = (battery.source() + md.RandomLocation {}):build()
    assert.is_true(p.spec[RAW].roi.unbounded)
    assert.is_true(p.spec[POINTS].roi.unbounded)
    local batch = p:request_batch(request(1, { [RAW] = md.Roi({ -4000, 0, 8000 }, { 160, 24, 32 }) }))
    assert.equal(md.Roi({ -4000, 0, 8000 }, { 160, 24, 32 }), batch[RAW].spec.roi)
  end)

  it("tells the shift, and delivers what is there", function()
    local p <close> = (battery.source() + md.RandomLocation { random_shift_key = SHIFT }):build()
    local seen = {}
    for seed = 1, 30 do
      local batch = p:request_batch(request(seed, { [RAW] = small, [LABELS] = md.Roi({ 40, 8, 8 }, { 80, 8, 16 }), [SHIFT] = nonspatial }))
      assert.equal("int64", batch[SHIFT].data.dtype)
      local shift = md.Coordinate(batch[SHIFT].data:totable())
      assert.is_true(battery.world()[RAW]:crop(small:shift(shift)).data:equal(batch[RAW].data))
      assert.is_true(battery.world()[LABELS]:crop(md.Roi({ 40, 8, 8 }, { 80, 8, 16 }):shift(shift)).data:equal(batch[LABELS].data))
      seen[tostring(shift)] = true
    end
    local distinct = 0
    for _ in pairs(seen) do distinct = distinct + 1 end
    assert.is_true(distinct > 25)
  end)

  it("shifts on the common grid of all that is requested", function()
    local data = md.zeros({ 7, 30, 32 }, "uint8")
    local coarse = md.Array { data, md.ArraySpec { roi = md.Roi({ 120, -8, 16 }, { 840, 120, 128 }), voxel_size = { 120, 4, 4 }, interpolatable = true } }
    local world = battery.world()
    local p <close> = ({ battery.source { [RAW] = world[RAW] }, battery.source { [MASK] = coarse } } + md.MergeProvider {}
      + md.RandomLocation { random_shift_key = SHIFT }):build()
    for seed = 1, 10 do
      local batch = p:request_batch(request(seed, { [RAW] = small, [MASK] = md.Roi({ 0, 0, 0 }, { 120, 8, 8 }), [SHIFT] = nonspatial }))
      assert.equal(0, batch[SHIFT].data[{ 1 }] % 120)
    end
  end)

  it("moves graphs with their arrays", function()
    local p <close> = (battery.source() + md.RandomLocation { random_shift_key = SHIFT }):build()
    local roi = md.Roi({ 0, 0, 0 }, { 400, 80, 80 })
    local batch = p:request_batch(request(3, { [RAW] = roi, [POINTS] = roi, [SHIFT] = nonspatial }))
    local shift = md.Coordinate(batch[SHIFT].data:totable())
    local there = battery.world()[POINTS]:trim(roi:shift(shift))
    assert.equal(there:num_nodes(), batch[POINTS]:num_nodes())
    for node in batch[POINTS]:nodes() do
      assert.is_true(roi:contains(node.location))
      for d = 1, 3 do assert.near(there:node(node.id).location[d] - shift[d], node.location[d], 1e-2) end
    end
    assert.equal(roi, batch[POINTS].spec.roi)
  end)

  it("finds places that are masked in", function()
    local p <close> = (battery.source() + md.RandomLocation { 1, MASK }):build()
    for seed = 1, 20 do
      assert.is_true(p:request_batch(request(seed, { [RAW] = small, [MASK] = small }))[MASK].data:all())
      -- and where the mask isn't requested, by the total ROI of what is
      local batch = p:request_batch(request(seed, { [RAW] = small }))
      assert.is_false(batch:has(MASK))
    end
  end)

  it("judges by the request's total ROI where the mask isn't requested", function()
    local p <close> = (battery.source() + md.RandomLocation { 1, MASK, random_shift_key = SHIFT }):build()
    for seed = 1, 20 do
      local batch = p:request_batch(request(seed, { [RAW] = small, [SHIFT] = nonspatial }))
      local there = small:shift(md.Coordinate(batch[SHIFT].data:totable()))
      assert.is_true(battery.world()[MASK]:crop(there).data:all())
    end
  end)

  it("reads the mask in pieces, with the same places", function()
    local world, reads = battery.world(), {}
    local Mask = md.class "Mask"
    function Mask:init()
      local array = world[MASK]
      self.roi, self.voxel_size, self.dtype, self.shape = array.spec.roi, array.spec.voxel_size, "uint8", array.data.shape
    end
    function Mask:read(roi) -- luacheck: ignore self
      reads[#reads + 1] = (roi / battery.voxel_size).size
      return world[MASK]:crop(roi).data:view()
    end
    local function shifts(voxels, middle)
      local node = md.RandomLocation { 0.7, MASK, random_shift_key = SHIFT }
      node.mask_piece = voxels
      local pipeline = { md.ArraySource { MASK, Mask {} }, md.ArraySource { RAW, world[RAW] } } + md.MergeProvider {} + md.Unsqueeze { MASK }
      for _, other in ipairs(middle) do pipeline = pipeline + other end
      reads = {}
      local p <close> = (pipeline + node):build()
      local places = {}
      for seed = 1, 30 do
        places[seed] = tostring(p:request_batch(request(seed, { [RAW] = small, [SHIFT] = nonspatial }))[SHIFT].data)
      end
      return places
    end
    local whole = shifts(1 << 24, {})
    assert.same({ 20 * 30 * 32 }, reads)
    for _, voxels in ipairs { 1, 3000 } do
      assert.same(whole, shifts(voxels, {}))
      assert.equal(voxels == 1 and 20 or 7, #reads)
    end
    -- through what may see a part with other eyes it is read at once
    shifts(3000, { md.GrowBoundary { MASK, steps = 1 } })
    assert.same({ 20 * 30 * 32 }, reads)
  end)

  it("finds places with a node, in the middle if wanted", function()
    local roi = md.Roi({ 0, 0, 0 }, { 120, 20, 20 })
    local p <close> = (battery.source() + md.RandomLocation { ensure_nonempty = POINTS }):build()
    local c <close> = (battery.source() + md.RandomLocation { ensure_nonempty = POINTS, ensure_centered = true }):build()
    local middle = md.Roi({ 40, 8, 8 }, { 40, 4, 4 })
    for seed = 1, 30 do
      assert.is_true(#p:request_batch(request(seed, { [RAW] = roi, [POINTS] = roi }))[POINTS]:nodes_in(roi) > 0)
      assert.is_true(#c:request_batch(request(seed, { [RAW] = roi, [POINTS] = roi }))[POINTS]:nodes_in(middle) > 0)
      assert.equal(1, #p:request_batch(request(seed, { [RAW] = roi })))
    end
  end)

  it("insists on a node with p_nonempty only", function()
    local roi = md.Roi({ 0, 0, 0 }, { 40, 4, 4 })
    local p <close> = (battery.source() + md.RandomLocation { ensure_nonempty = POINTS, p_nonempty = 0.5 }):build()
    local with = 0
    for seed = 1, 100 do
      if #p:request_batch(request(seed, { [RAW] = roi, [POINTS] = roi }))[POINTS]:nodes_in(roi) > 0 then with = with + 1 end
    end
    assert.near(50, with, 20)
  end)

  it("chooses nodes in crowds less often", function()
    -- nine nodes at one end, one at the other
    local nodes, whole = {}, md.Roi({ 0, 0, 0 }, { 4000, 40, 40 })
    for i = 1, 9 do nodes[i] = md.Node { i, { 10 + i, 5, 5 } } end
    nodes[10] = md.Node { 10, { 3900, 5, 5 } }
    local graph = md.Graph { nodes, {}, md.GraphSpec { roi = whole } }
    local roi, alone = md.Roi({ 0, 0, 0 }, { 20, 20, 20 }), {}
    for _, radius in ipairs { 0, 100 } do
      local p <close> = (md.GraphSource { POINTS, graph } + md.RandomLocation { ensure_nonempty = POINTS, point_balance_radius = radius }):build()
      alone[radius] = 0
      for seed = 1, 200 do
        if p:request_batch(request(seed, { [POINTS] = roi }))[POINTS]:contains(10) then alone[radius] = alone[radius] + 1 end
      end
    end
    assert.near(20, alone[0], 15)
    assert.near(100, alone[100], 30)
  end)

  it("asks accepts()", function()
    local High = md.class("High", md.RandomLocation)
    function High:accepts(shifted) return shifted[RAW].roi.begin[1] >= 600 end
    local p <close> = (battery.source() + High { random_shift_key = SHIFT }):build()
    for seed = 1, 20 do
      assert.is_true(p:request_batch(request(seed, { [RAW] = small, [SHIFT] = nonspatial }))[SHIFT].data[{ 1 }] >= 600)
    end
    function High:accepts() return self == nil end
    assert.equal("High: found no place in 50 tries: accepts() refused 50; ask for less, or raise max_attempts", message(High { max_attempts = 50 }))
  end)

  it("gives up on a mask that can't be satisfied, and says how near it came", function()
    local whole = md.Roi({ 0, 0, 0 }, { 800, 120, 128 })
    assert.matches("^RandomLocation: no place can be masked in by 0.99: MASK has 9984 voxels masked in altogether, ROI .* has 19200; ask for less$",
      message(md.RandomLocation { 0.99, MASK }, request(1, { [RAW] = whole })))
    local thin = md.Roi({ 0, 0, 0 }, { 800, 4, 4 })
    assert.matches("^RandomLocation: found no place in 100 tries: MASK is to be masked in by 0.9, the best place had 0.8; ask for less, or raise max_attempts$",
      message(md.RandomLocation { 0.9, MASK, max_attempts = 100 }, request(1, { [RAW] = thin })))
  end)

  it("refuses at once what is too large", function()
    assert.matches("^RandomLocation: RAW is wanted in the shape %(160, 24, 132%), upstream has %(800, 120, 128%) only .*; ask for less, or put md.Pad{ RAW } upstream$",
      message(md.RandomLocation {}, request(1, { [RAW] = md.Roi({ 0, 0, 0 }, { 160, 24, 132 }) })))
    local apart = { [RAW] = md.Roi({ 0, 0, 0 }, { 480, 24, 32 }), [LABELS] = md.Roi({ 600, 0, 0 }, { 480, 24, 32 }) }
    assert.matches("no shift brings all ROIs that are requested", message(md.RandomLocation {}, request(1, apart)))
  end)

  it("refuses what has no bounds", function()
    assert.matches("^RandomLocation: nothing that is requested has bounds upstream .* put RandomLocation upstream of the node that takes them away",
      message(md.RandomLocation {}, nil, battery.source() + md.RandomLocation {}))
    assert.matches("^RandomLocation: the mask MASK has no bounds .*; put RandomLocation upstream of the node that takes them away, or pad by a finite size$",
      message(md.RandomLocation { 0.5, MASK }, nil, battery.source() + md.RandomLocation {}))
    assert.matches("the request has no ROI that a place could be drawn for",
      message(md.RandomLocation { random_shift_key = SHIFT }, request(1, { [SHIFT] = nonspatial })))
  end)

  it("refuses what isn't there", function()
    assert.equal("RandomLocation: NONE is not provided upstream (there is RAW, FLOAT, LABELS, MASK, POINTS)",
      message(md.RandomLocation { 0.5, md.ArrayKey "NONE" }))
    assert.equal("RandomLocation: 'min_masked' needs a 'mask' to judge by", errors.bare(function() md.RandomLocation { 0.5 } end))
    local graph = md.Graph { {}, {}, md.GraphSpec { roi = md.Roi({ 0, 0, 0 }, { 10, 10, 10 }) } }
    assert.equal("RandomLocation: POINTS has no nodes, so no place has one",
      message(md.RandomLocation { ensure_nonempty = POINTS }, nil, md.GraphSource { POINTS, graph }))
    local tiny = md.Roi({ 0, 0, 0 }, { 10, 2, 2 })
    assert.matches("the ROI .* wanted of POINTS holds no whole voxel of the grid %(40, 4, 4%); ask for more",
      message(md.RandomLocation { ensure_nonempty = POINTS }, request(1, { [RAW] = small, [POINTS] = tiny })))
  end)

  it("lets nonspatial keys pass", function()
    local world = battery.world()
    local p <close> = ({ battery.source { [RAW] = world[RAW] }, md.ArraySource { SHIFT, md.Array { md.ndarray({ 5 }, "int32") } } } + md.MergeProvider {}
      + md.RandomLocation {}):build()
    assert.same({ 5 }, p:request_batch(request(1, { [RAW] = small, [SHIFT] = nonspatial }))[SHIFT].data:totable())
  end)
end)

battery.node("RandomLocation", {
  node = function() return md.RandomLocation { 0.2, MASK, POINTS, 0.5 } end, random = true,
  request = function(seed) return request(seed, { [RAW] = small, [LABELS] = small, [POINTS] = small }) end,
})

-- A plane with a few nodes, asked for in a box that is long and thin: turned, it needs much more than it gets.
describe("RandomLocation{ ensure_nonempty } behind nodes that ask for more than they deliver", function()
  local A, T, M, G = md.ArrayKey "PLANE", md.ArrayKey "TARGET", md.ArrayKey "PLANE_MASK", md.GraphKey "FEW"
  local space, want = md.Roi({ 0, 0 }, { 1000, 1000 }), md.Roi({ 40, -20 }, { 20, 100 })

  local function plane(voxel_size, nodes)
    local graph_nodes = {}
    for i = 1, 5 do graph_nodes[i] = md.Node { i, nodes and nodes[i] or { i * 150, i * 170 - 3 } } end
    local edges = {}
    for i = 1, 4 do edges[i] = md.Edge { i, i + 1 } end
    local shape = { 1000 // voxel_size[1], 1000 // voxel_size[2] }
    local array = md.Array { md.zeros(shape, "float32"), md.ArraySpec { roi = space, voxel_size = voxel_size } }
    return { md.ArraySource { A, array }, md.GraphSource { G, md.Graph { graph_nodes, edges, md.GraphSpec { roi = space } } } } + md.MergeProvider {}
  end

  local function nodes_inside(graph, roi)
    local count = 0
    for node in graph:nodes() do
      if not node.temporary and roi:contains(node.location) then count = count + 1 end
    end
    return count
  end

  -- Batches without a node, of 60.
  local function empty_ones(pipeline, wanted, fields)
    local empty = 0
    for batch in pipeline:batches(wanted, { count = fields and fields.count or 60, seed = 1 }) do
      if nodes_inside(batch[G], want) == 0 then empty = empty + 1 end
      batch:close()
    end
    return empty
  end

  local function wanted_of(keys)
    local wanted = md.BatchRequest {}
    for _, key in ipairs(keys or { A, G }) do wanted[key] = want end
    return wanted
  end

  local function elastic() return md.ElasticAugment { { 10, 10 }, { 2, 2 }, { 0, 2 * math.pi } } end
  local function shift() return md.ShiftAugment { prob_slip = 0.3, prob_shift = 0.3, sigma = { 0, 8 } } end
  local function deform() return md.DeformAugment { { 10, 10 }, { 1, 1 }, scale_interval = { 0.7, 1.5 } } end
  local function simple(voxel_size, p) return md.SimpleAugment { transpose_only = voxel_size and voxel_size[1] ~= voxel_size[2] and {} or nil, p = p } end
  local cases = {
    ElasticAugment = { elastic }, DeformAugment = { deform }, ShiftAugment = { shift }, SimpleAugment = { simple },
    ["all of them"] = { elastic, simple, shift, deform }, ["a skipping one"] = { function() return md.DeformAugment { { 10, 10 }, { 2, 2 }, p = 0.5 } end, shift },
    ["a mirror that may not be there"] = { function(size) return simple(size, 0.5) end, elastic },
    ["a Stack"] = { elastic, function() return md.Stack { 2 } end },
    ["a rejection"] = { elastic, function() return md.RejectIf { function(_, _, attempt) return attempt < 2 end } end },
  }
  for name, nodes in pairs(cases) do
    it("has a node in every batch: " .. name, function()
      for _, voxel_size in ipairs { { 1, 1 }, { 4, 2 } } do
        local pipeline = plane(voxel_size) + md.RandomLocation { ensure_nonempty = G }
        for _, node in ipairs(nodes) do pipeline = pipeline + node(voxel_size) end
        assert.equal(0, empty_ones(pipeline, wanted_of()))
      end
    end)
  end

  it("draws as ever where nothing is asked for around the batch", function()
    -- the shifts of version 0.1
    local key = md.ArrayKey "PLANE_SHIFT"
    local wanted = wanted_of()
    wanted[key] = nonspatial
    local function shifts(pipeline)
      local seen = {}
      for batch in pipeline:batches(wanted, { count = 3, seed = 1 }) do seen[#seen + 1] = tostring(md.Coordinate(batch[key].data:totable())) end
      return seen
    end
    local function location() return md.RandomLocation { ensure_nonempty = G, random_shift_key = key } end
    assert.same({ "(693, 800)", "(692, 779)", "(402, 505)" }, shifts(plane { 1, 1 } + location()))
    assert.same({ "(691, 795)", "(396, 518)", "(246, 268)" }, shifts(plane { 1, 1 } + location() + md.SimpleAugment { transpose_only = {} }))
  end)

  it("has what is made of the graph in every batch", function()
    local pipeline = plane { 1, 1 } + md.RandomLocation { ensure_nonempty = G }
      + md.RasterizeGraph { G, T, md.ArraySpec { voxel_size = { 1, 1 } }, md.RasterizationSettings { 12, edges = false } }
    local turned = plane { 1, 1 } + md.RandomLocation { ensure_nonempty = G } + elastic()
      + md.RasterizeGraph { G, T, md.ArraySpec { voxel_size = { 1, 1 } }, md.RasterizationSettings { 12, edges = false } }
    for _, made in ipairs { pipeline, turned } do
      for batch in made:batches(wanted_of { A, T }, { count = 60, seed = 1 }) do
        -- a node inside is the centre of a disk of radius 12, of which a corner of the box leaves a quarter at least
        assert.is_true(batch[T].data:sum() > 100)
      end
    end
  end)

  it("judges each chunk of a Scan by itself", function()
    local chunk = md.BatchRequest {}
    chunk[A], chunk[G] = md.Roi({ 0, 0 }, { 20, 100 }), md.Roi({ 0, 0 }, { 20, 100 })
    local large = md.Roi({ 0, 0 }, { 60, 200 })
    local wanted = md.BatchRequest {}
    wanted[A], wanted[G] = large, large
    for batch in (plane { 1, 1 } + md.RandomLocation { ensure_nonempty = G } + elastic() + md.Scan { chunk }):batches(wanted, { count = 5, seed = 1 }) do
      -- chunks have the ids of whole nodes, so that a chunk's may be another's; none is empty
      assert.is_true(nodes_inside(batch[G], large) > 0)
    end
  end)

  it("has its node in the middle, or next to it where the grid is turned", function()
    local function furthest(nodes, count)
      local worst = 0
      local pipeline = plane { 1, 1 } + md.RandomLocation { ensure_nonempty = G, ensure_centered = true }
      for _, node in ipairs(nodes) do pipeline = pipeline + node() end
      for batch in pipeline:batches(wanted_of(), { count = count, seed = 1 }) do
        local nearest = math.huge
        for node in batch[G]:nodes() do
          local off = math.max(math.abs(node.location[1] - 49.5), math.abs(node.location[2] - 29.5))
          if not node.temporary then nearest = math.min(nearest, off) end
        end
        worst = math.max(worst, nearest)
      end
      return worst
    end
    assert.is_true(furthest({}, 20) <= 0.5)
    assert.is_true(furthest({ elastic }, 60) <= 1.5)
    assert.is_true(furthest({ elastic, simple, shift }, 60) < 10)
  end)

  it("insists with p_nonempty only", function()
    local pipeline = plane { 1, 1 } + md.RandomLocation { ensure_nonempty = G, p_nonempty = 0.5 } + elastic()
    local empty = empty_ones(pipeline, wanted_of(), { count = 200 })
    assert.is_true(empty > 70 and empty < 130, empty) -- few batches have one by chance
  end)

  it("doesn't take ends of cut edges for nodes", function()
    -- nodes on the rim of what the source has; edges leave it
    local graph = md.Graph { { md.Node { 1, { 500, 500 } }, md.Node { 2, { 500, 5000 } } }, { md.Edge { 1, 2 } }, md.GraphSpec { roi = md.Roi({ 0, 0 }, { 1000, 6000 }) } }
    local array = md.Array { md.zeros({ 1000, 1000 }, "float32"), md.ArraySpec { roi = space, voxel_size = { 1, 1 } } }
    local pipeline = { md.ArraySource { A, array }, md.GraphSource { G, graph } + md.Crop { G, space } } + md.MergeProvider {} + md.RandomLocation { ensure_nonempty = G } + elastic()
    assert.equal(0, empty_ones(pipeline, wanted_of()))
  end)

  it("leaves a node of one's own that moves graphs to a rejection behind it", function()
    local Away = md.class("Away", md.BatchFilter)
    function Away:setup() self:updates(G, self.spec[G]) end
    function Away:process(batch, request_here) batch[G] = md.Graph { {}, {}, md.GraphSpec { roi = request_here[G].roi }, ndim = 2 } end -- luacheck: ignore self
    local Sometimes = md.class("Sometimes", Away)
    function Sometimes:process(batch, request_here)
      if request_here.rng:random() < 0.5 then return Away.process(self, batch, request_here) end
    end
    local pipeline = plane { 1, 1 } + md.RandomLocation { ensure_nonempty = G } + elastic() + Sometimes {}
    assert.is_true(empty_ones(pipeline, wanted_of()) > 10)
    assert.equal(0, empty_ones(pipeline + md.RejectIf { md.policy.empty(G) }, wanted_of()))
  end)

  it("judges a mask with what is around it, and a rejection behind judges the batch", function()
    local rows = md.zeros({ 1000, 1000 }, "uint8")
    for first = 1, 961, 80 do rows[{ { first, first + 39 }, {} }] = md.zeros({ 40, 1000 }, "uint8"):fill(1) end
    local mask = md.ArraySource { M, md.Array { rows, md.ArraySpec { roi = space, voxel_size = { 1, 1 } } } }
    local function below(tail)
      local pipeline, count = { plane { 1, 1 }, mask } + md.MergeProvider {} + md.RandomLocation { 0.5, M } + elastic(), 0
      if tail then pipeline = pipeline + tail end
      for batch in pipeline:batches(wanted_of { A, M }, { count = 60, seed = 1 }) do
        local data = batch[M].data
        if data:count(1) < 0.5 * data.size then count = count + 1 end
      end
      return count
    end
    assert.is_true(below() > 0)
    assert.equal(0, below(md.RejectIf { md.policy.masked_below(M, 0.5) }))
  end)

  it("says that a mask or graph of other axes judges nothing", function()
    local flat = md.ArraySource { M, md.Array { md.zeros({ 9 }, "uint8"):fill(1), md.ArraySpec { roi = md.Roi({ 0 }, { 9 }), voxel_size = { 1 } } } }
    local line = md.GraphSource { md.GraphKey "LINE", md.Graph { { md.Node { 1, { 5 } } }, {}, md.GraphSpec { roi = md.Roi({ 0 }, { 9 }) } } }
    local made = { plane { 1, 1 }, flat, line } + md.MergeProvider {}
    assert.matches("^RandomLocation: PLANE_MASK has 1 spatial axes, the request has 2: it can't judge places there", message(md.RandomLocation { 0.5, M }, wanted_of(), made))
    assert.matches("^RandomLocation: LINE has 1 spatial axes, the request has 2", message(md.RandomLocation { ensure_nonempty = md.GraphKey "LINE" }, wanted_of(), made))
  end)
end)
