-- SpecifiedLocation and IterateLocations.
local md = require "moondust"
local battery = require "spec.support.battery"
local errors = require "spec.support.errors"

local RAW, LABELS, POINTS, ID = battery.RAW, battery.LABELS, battery.POINTS, md.ArrayKey "NODE_ID"

local roi = md.Roi({ 0, 0, 0 }, { 160, 24, 32 })
local function request(seed) return md.BatchRequest { random_seed = seed, [RAW] = roi, [LABELS] = roi, [POINTS] = roi } end
-- The centre of `roi` is (80, 12, 16), so these are shifts of (400, 40, 44), (440, 48, 60), (200, 8, 24) and one that leads out
-- of the world.
local locations = { { 480, 52, 60 }, { 520, 60, 76 }, { 0, 0, 0 }, { 280, 20, 40 } }

local function at(shift) return battery.world()[RAW]:crop(roi:shift(shift)).data:hash() end

local function hashes(pipeline, fields)
  local found = {}
  for batch in pipeline:batches(md.BatchRequest { [RAW] = roi }, fields) do found[#found + 1] = batch[RAW].data:hash() end
  return found
end

describe("SpecifiedLocation", function()
  it("takes the places in turn, passes over those that don't fit, and begins again", function()
    local a, b, c = at { 400, 40, 44 }, at { 440, 48, 60 }, at { 200, 8, 24 }
    assert.same({ a, b, c, a, b }, hashes(battery.source() + md.SpecifiedLocation { locations }, { count = 5, seed = 1 }))
  end)

  it("begins with the place of the batch that a stream begins with", function()
    local fitting = { { 480, 52, 80 }, { 520, 60, 96 }, { 280, 20, 60 } }
    local node = md.SpecifiedLocation { fitting }
    local whole = hashes(battery.source() + node, { count = 4, seed = 1 })
    assert.same({ whole[3], whole[4] }, hashes(battery.source() + node, { first = 2, count = 2, seed = 1 }))
  end)

  it("keeps its place in the stream, not in the node", function()
    local p <close> = (battery.source() + md.SpecifiedLocation { locations }):build()
    local function ask(stream) return p:request_batch(md.BatchRequest { random_seed = 1, [RAW] = roi }, stream)[RAW].data:hash() end
    local first, second = at { 400, 40, 44 }, at { 440, 48, 60 }
    assert.equal(first, ask())
    assert.equal(first, ask())
    local one, other = {}, {}
    assert.equal(first, ask(one))
    assert.equal(second, ask(one))
    assert.equal(first, ask(other))
  end)

  it("brings graphs along", function()
    local large = md.Roi({ 0, 0, 0 }, { 400, 64, 80 })
    local p <close> = (battery.source() + md.SpecifiedLocation { { { 480, 52, 80 } } }):build()
    local got = p:request_batch(md.BatchRequest { random_seed = 1, [RAW] = large, [POINTS] = large })[POINTS]
    local expected = battery.world()[POINTS]:trim(large:shift { 280, 20, 40 }):shift { -280, -20, -40 }
    assert.equal(large, got.spec.roi)
    local locations_got, ids = got:arrays()
    local locations_wanted, wanted = expected:arrays()
    assert.is_true(ids:equal(wanted))
    assert.is_true(ids.size > 0)
    local low, high = (locations_got - locations_wanted):minmax()
    assert.is_true(low > -1e-3 and high < 1e-3, ("%g to %g"):format(low, high))
  end)

  it("rounds to the voxel grid, halves to even, from whole world units", function()
    local function shift_of(place)
      local seen
      local Note = md.class("Note", md.BatchFilter)
      function Note:prepare(wanted) seen = wanted[RAW].roi.begin:totable() end
      function Note:process() end
      local p <close> = (battery.source() + md.Pad { RAW } + Note {} + md.SpecifiedLocation { { place } }):build()
      p:request_batch(md.BatchRequest { random_seed = 1, [RAW] = roi })
      return seen
    end
    assert.same({ 400, 40, 44 }, shift_of { 480, 52, 60 })
    assert.same({ 400, 40, 44 }, shift_of { 480 + 19, 52 + 1, 60 - 1 })
    assert.same({ 400, 40, 48 }, shift_of { 480 + 20, 52 + 2, 60 + 2 })
    assert.same({ 400, 40, 44 }, shift_of { 480.9, 53.9, 60.9 })
    assert.same({ -80, -12, -20 }, shift_of { -0.5, -0.5, -2.5 })
  end)

  it("hands extra data on, and leaves upstream's attributes alone", function()
    local array = md.Array { battery.world()[RAW].data, battery.world()[RAW].spec, { made = "here" } }
    local p <close> = (md.ArraySource { RAW, array } + md.SpecifiedLocation { locations, extra_data = { "a", "b", "c", "d" } }):build()
    local stream, seen = {}, {}
    for i = 1, 3 do seen[i] = p:request_batch(md.BatchRequest { [RAW] = roi }, stream)[RAW].attrs end
    assert.same({ made = "here", specified_location_extra_data = "a" }, seen[1])
    assert.equal("b", seen[2].specified_location_extra_data)
    assert.equal("d", seen[3].specified_location_extra_data)
    assert.same({ made = "here" }, array.attrs)
  end)

  it("jitters within bounds", function()
    local pipeline, seen = battery.source() + md.SpecifiedLocation { { { 480, 52, 60 } }, jitter = { 80, 0, 8 } }, {}
    for _, hash in ipairs(hashes(pipeline, { count = 60, seed = 1 })) do seen[hash] = true end
    local possible = {}
    for z = -2, 2 do for x = -2, 2 do possible[at { 400 + 40 * z, 40, 44 + 4 * x }] = true end end
    local different = 0
    for hash in pairs(seen) do
      assert.is_true(possible[hash])
      different = different + 1
    end
    assert.is_true(different > 10)
  end)

  it("gives up with an error", function()
    local p <close> = (battery.source() + md.SpecifiedLocation { { { 0, 0, 0 }, { 5, 5, 5 } } }):build()
    assert.equal("SpecifiedLocation: 2 of 2 locations tried, and around none of them is everything there that is requested (LABELS was there in "
      .. "[80:880, -8:112, 16:144] (800, 120, 128) only); ask for less, or put md.Pad{ LABELS } upstream", errors.message(function() p:request_batch(request(1)) end))
    local q <close> = (battery.source() + md.SpecifiedLocation { { { 0, 0, 0 } }, true }):build()
    assert.matches("^SpecifiedLocation: 5 of 1 locations tried", errors.message(function() q:request_batch(request(1)) end))
  end)

  it("says what is wrong", function()
    local function message(fields) return errors.bare(function() md.SpecifiedLocation(fields) end) end
    assert.equal("SpecifiedLocation: 'locations' is empty", message { {} })
    assert.equal("SpecifiedLocation: location 2 must be a list of numbers such as {400, 40, 40}, not 7", message { { { 1, 2, 3 }, 7 } })
    assert.equal("SpecifiedLocation: location 1 must be a list of numbers such as {400, 40, 40}, not a table", message { { { 1, "2", 3 } } })
    assert.equal("SpecifiedLocation: 'extra_data' has 1 entries for 2 locations; give one each", message { { { 1 }, { 2 } }, extra_data = { 1 } })
    assert.equal("SpecifiedLocation: 'jitter' must be 0 or more on each axis, it is (-1)", message { { { 1 } }, jitter = { -1 } })
    assert.equal("SpecifiedLocation: 'attempt_factor' must be 1 or more, not 0", message { { { 1 } }, attempt_factor = 0 })
    local function serve(fields)
      local p <close> = (battery.source() + md.SpecifiedLocation(fields)):build()
      return errors.message(function() p:request_batch(request(1)) end)
    end
    assert.equal("SpecifiedLocation: location {1, 2} has 2 axes, the request has 3", serve { { { 1, 2 } } })
    assert.equal("SpecifiedLocation: jitter (1) has 1 axes, the request has 3", serve { { { 1, 2, 3 } }, jitter = { 1 } })
  end)
end)

describe("IterateLocations", function()
  local small = md.Roi({ 0, 0, 0 }, { 80, 8, 8 })
  local function ids(node, count, seed)
    local found = {}
    local wanted = md.BatchRequest { [RAW] = small, [ID] = md.ArraySpec { nonspatial = true } }
    for batch in (battery.source() + node):batches(wanted, { count = count, seed = seed or 1 }) do
      assert.same({ 1 }, batch[ID].data.shape)
      found[#found + 1] = batch[ID].data[1]
    end
    return found
  end

  local function reachable()
    local list, world = {}, battery.world()
    for node in world[POINTS]:nodes() do
      local shift = {}
      for d, grid in ipairs { 40, 4, 4 } do
        local exact = (math.floor(node.location[d]) - small.center[d]) / grid
        local below = math.floor(exact)
        local up = exact - below > 0.5 or exact - below == 0.5 and below % 2 == 1
        shift[d] = grid * (up and below + 1 or below)
      end
      if battery.roi:contains(small:shift(shift)) then list[#list + 1] = node.id end
    end
    return list
  end

  it("visits every node that can be reached, in order, then again", function()
    local all = reachable()
    assert.is_true(#all > 15 and #all < 30)
    local twice = table.move(all, 1, #all, #all + 1, table.move(all, 1, #all, 1, {}))
    assert.same(twice, ids(md.IterateLocations { POINTS, node_id = ID }, 2 * #all))
  end)

  it("doesn't share its place with other nodes, pipelines or streams", function()
    local first = ids(md.IterateLocations { POINTS, node_id = ID }, 3)
    assert.same(first, ids(md.IterateLocations { POINTS, node_id = ID }, 3))
    local node = md.IterateLocations { POINTS, node_id = ID }
    assert.same(first, ids(node, 3))
    assert.same(first, ids(node, 3))
  end)

  it("chooses at random by seed", function()
    local node = md.IterateLocations { POINTS, node_id = ID, choose_randomly = true }
    local found = ids(node, 20, 3)
    assert.same(found, ids(node, 20, 3))
    local seen, count = {}, 0
    for _, id in ipairs(found) do
      count = count + (seen[id] and 0 or 1)
      seen[id] = true
    end
    assert.is_true(count > 5)
  end)

  it("keeps to a ROI", function()
    local part = md.Roi({ 280, -8, 16 }, { 300, 120, 128 })
    for _, id in ipairs(ids(md.IterateLocations { POINTS, part, ID }, 6)) do
      assert.is_true(part:contains(battery.world()[POINTS]:node(id).location))
    end
  end)

  it("puts the node next to the centre of the request", function()
    local wanted = md.BatchRequest { random_seed = 1, [POINTS] = small, [ID] = md.ArraySpec { nonspatial = true }, [RAW] = small }
    local p <close> = (battery.source() + md.IterateLocations { POINTS, node_id = ID }):build()
    local batch = p:request_batch(wanted)
    local place = batch[POINTS]:node(batch[ID].data[1]).location
    for d, grid in ipairs { 40, 4, 4 } do assert.is_true(math.abs(place[d] - small.center[d]) <= grid / 2 + 1) end
  end)

  it("says what is wrong", function()
    local function build(fields)
      return errors.message(function() return (battery.source() + md.IterateLocations(fields)):build() end)
    end
    assert.equal("IterateLocations: EDGES is not provided upstream (there is RAW, FLOAT, LABELS, MASK, POINTS)", build { md.GraphKey "EDGES" })
    assert.equal("IterateLocations: POINTS has no nodes in ROI [80:82, -8:-6, 16:18] (2, 2, 2) to iterate over", build { POINTS, md.Roi({ 80, -8, 16 }, { 2, 2, 2 }) })
    assert.equal("IterateLocations: 'max_attempts' must be 1 or more, not 0", errors.bare(function() md.IterateLocations { POINTS, max_attempts = 0 } end))
    local p <close> = (battery.source() + md.IterateLocations { POINTS }):build()
    assert.matches("^IterateLocations: 30 of 30 locations tried, and around none of them", errors.message(function()
      p:request_batch(md.BatchRequest { [RAW] = md.Roi({ 0, 0, 0 }, { 1600, 24, 32 }) })
    end))
  end)
end)

battery.node("SpecifiedLocation, in turn", { node = function() return md.SpecifiedLocation { locations } end, request = request })
battery.node("SpecifiedLocation, at random", {
  node = function() return md.SpecifiedLocation { locations, true, jitter = { 80, 8, 8 } } end, request = request, random = true,
})
local function with_id(seed)
  local wanted = request(seed)
  wanted[ID] = md.ArraySpec { nonspatial = true }
  return wanted
end
battery.node("IterateLocations, in turn", { node = function() return md.IterateLocations { POINTS, node_id = ID } end, request = with_id })
battery.node("IterateLocations, at random", {
  node = function() return md.IterateLocations { POINTS, node_id = ID, choose_randomly = true } end, request = with_id, random = true,
})
