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
      assert.is_nil(batch[MASK])
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
