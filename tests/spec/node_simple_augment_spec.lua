-- SimpleAugment: mirroring and transposing everything together. Draws are compared with the original's in golden_filters_spec.
local md = require "moondust"
local core = require "moondust.core"
local battery = require "spec.support.battery"
local errors = require "spec.support.errors"

local RAW, COARSE, SHIFT = md.ArrayKey "RAW", md.ArrayKey "COARSE", md.ArrayKey "SHIFT"
local POINTS = md.GraphKey "POINTS"

-- ids 1 … n in C order: each voxel tells where it came from.
local function numbered(key, roi, voxel_size, channels)
  local shape, values, n = (roi.shape / voxel_size):totable(), {}, 1
  for _, length in ipairs(shape) do n = n * length end
  for i = 1, n * (channels or 1) do values[i] = i end
  if channels then table.insert(shape, 1, channels) end
  return md.ArraySource { key, md.Array { core.ndarray(values, "int32"):reshape(shape), md.ArraySpec { roi = roi, voxel_size = voxel_size } } }
end

local function square(n) return md.Roi({ 0, 0 }, { n, n }) end

local function serve(pipeline, seed, rois)
  local p <close> = pipeline:build()
  local request = md.BatchRequest { random_seed = seed }
  for _, item in ipairs(rois) do request[item[1]] = item[2] end
  return p:request_batch(request)
end

-- What one batch after the other did to a square of 2 x 2: "12/34" is as it was.
local function outcomes(options, seeds)
  local counts = {}
  for seed = 1, seeds or 200 do
    local data = serve(numbered(RAW, square(2), { 1, 1 }) + md.SimpleAugment(options), seed, { { RAW, square(2) } })[RAW].data:totable()
    local name = ("%d%d/%d%d"):format(data[1][1], data[1][2], data[2][1], data[2][2])
    counts[name] = (counts[name] or 0) + 1
  end
  return counts
end

local function names(counts)
  local list = {}
  for name in pairs(counts) do list[#list + 1] = name end
  table.sort(list)
  return list
end

describe("SimpleAugment", function()
  it("mirrors and transposes: eight outcomes of a square, equally often", function()
    local counts = outcomes({}, 800)
    assert.same({ "12/34", "13/24", "21/43", "24/13", "31/42", "34/12", "42/31", "43/21" }, names(counts))
    for name, count in pairs(counts) do assert.near(100, count, 45, name) end
  end)

  it("mirrors axes named only, counted from 1", function()
    assert.same({ "12/34", "34/12" }, names(outcomes { mirror_only = { 1 }, transpose_only = {} }))
    assert.same({ "12/34", "21/43" }, names(outcomes { mirror_only = { 2 }, transpose_only = {} }))
  end)

  it("does nothing when nothing may happen", function()
    assert.same({ "12/34" }, names(outcomes { {}, {} }))
    assert.same({ "12/34" }, names(outcomes { mirror_only = {}, transpose_only = { 2 } }))
    assert.same({ "12/34" }, names(outcomes { p = 0 }))
  end)

  it("mirrors with the probabilities given", function()
    assert.same({ "34/12" }, names(outcomes { mirror_probs = { 1, 0 }, transpose_only = {} }))
    local counts = outcomes({ mirror_probs = { 0, 0.25 }, transpose_only = {} }, 400)
    assert.near(100, counts["21/43"], 35)
  end)

  it("transposes with probabilities an axis, with and without transpose_only", function() -- upstream: TypeError without
    assert.same({ "13/24" }, names(outcomes { mirror_only = {}, transpose_probs = { 1, 1 } }))
    assert.same({ "12/34" }, names(outcomes { mirror_only = {}, transpose_probs = { 0, 0 } }))
    assert.same({ "13/24" }, names(outcomes { mirror_only = {}, transpose_only = { 1, 2 }, transpose_probs = { 1, 1 } }))
    local counts = outcomes({ mirror_only = {}, transpose_probs = { 0.5, 0.25 } }, 400) -- 0.125 against 0.375
    assert.near(100, counts["13/24"], 35)
  end)

  it("transposes by a list of permutations, dropping what transpose_only forbids", function() -- upstream: an invalid permutation
    local function first_rows(options, seeds)
      local seen = {}
      for seed = 1, seeds do
        local roi = md.Roi({ 0, 0, 0 }, { 2, 2, 2 })
        local data = serve(numbered(RAW, roi, { 1, 1, 1 }) + md.SimpleAugment(options), seed, { { RAW, roi } })[RAW].data
        local name = table.concat(data:reshape({ 8 }):totable(), " ")
        seen[name] = (seen[name] or 0) + 1
      end
      return seen
    end
    local identity, yx, cycle = "1 2 3 4 5 6 7 8", "1 3 2 4 5 7 6 8", "1 5 2 6 3 7 4 8"
    local list = { { { 1, 2, 3 }, 0.25 }, { { 1, 3, 2 }, 0.5 }, { { 3, 1, 2 }, 0.25 } }
    local all = first_rows({ mirror_only = {}, transpose_probs = list }, 400)
    assert.near(100, all[identity], 40)
    assert.near(200, all[yx], 40)
    assert.is_true(all[cycle] ~= nil or all["1 3 5 7 2 4 6 8"] ~= nil)
    local some = first_rows({ mirror_only = {}, transpose_only = { 2, 3 }, transpose_probs = list }, 300)
    assert.same({ identity, yx }, names(some))
    assert.near(200, some[yx], 40)
  end)

  it("turns channels along, each as the other", function()
    local batch = serve(numbered(RAW, square(3), { 1, 1 }, 2) + md.SimpleAugment {}, 5, { { RAW, square(3) } })
    local data = batch[RAW].data
    assert.is_true((data[{ 2 }] - data[{ 1 }]):eq(9):all())
    assert.same({ 2, 3, 3 }, data.shape)
  end)

  it("works on one axis and on four", function()
    local line = md.Roi({ 4 }, { 3 })
    local seen = {}
    for seed = 1, 20 do seen[table.concat(serve(numbered(RAW, line, { 1 }) + md.SimpleAugment {}, seed, { { RAW, line } })[RAW].data:totable())] = true end
    assert.same({ "123", "321" }, names(seen))
    local four = md.Roi({ 0, 0, 0, 0 }, { 2, 2, 2, 2 })
    assert.equal(136, serve(numbered(RAW, four, { 1, 1, 1, 1 }) + md.SimpleAugment {}, 3, { { RAW, four } })[RAW].data:sum())
  end)

  it("gives views of the source, not copies", function()
    local p <close> = (numbered(RAW, square(64), { 1, 1 }) + md.SimpleAugment { mirror_probs = { 1, 1 } }):build()
    local before = core.memory()
    local batch <close> = p:request_batch(md.BatchRequest { random_seed = 1, [RAW] = square(64) })
    assert.is_true(core.memory() - before < 1000)
    assert.equal(64 * 64, batch[RAW].data.size)
  end)
end)

-- Voxels hold the id of the node in them, nodes sit anywhere in their voxel.
local voxel_size = md.Coordinate { 40, 4, 4 }
local function scene(seed, roi)
  local rng, nodes, data = core.Rng(seed), {}, core.zeros((roi.shape / voxel_size):totable(), "uint8")
  local shape = data.shape
  while #nodes < 60 do
    local at, location = {}, {}
    for d = 1, 3 do
      at[d] = rng:randint(1, shape[d])
      location[d] = roi.offset[d] + (at[d] - 1 + 0.05 + 0.9 * rng:random()) * voxel_size[d]
    end
    if data[at] == 0 then
      nodes[#nodes + 1] = md.Node { #nodes + 1, location }
      data[at] = #nodes
    end
  end
  return data, md.Graph { nodes, { md.Edge { 1, 2 }, md.Edge { 2, 3 } }, md.GraphSpec { roi = roi, directed = false } }
end

describe("SimpleAugment of graphs", function()
  local world = md.Roi({ -80, 8, 40 }, { 1600, 120, 120 })
  local data, graph = scene(3, world)
  local function pipeline()
    local array = md.Array { data, md.ArraySpec { roi = world, voxel_size = voxel_size } }
    return { md.ArraySource { RAW, array }, md.GraphSource { POINTS, graph } } + md.MergeProvider {} + md.SimpleAugment { transpose_only = { 2, 3 } }
  end

  it("leaves each node on its voxel", function()
    local moved = 0
    for seed = 1, 40 do
      local roi = md.Roi({ 40, 32, 64 }, { 1200, 60, 60 })
      local batch = serve(pipeline(), seed, { { RAW, roi }, { POINTS, roi:grow({ -40, -4, 0 }, { 0, -8, -4 }) } })
      local array, inside, real = batch[RAW], batch[POINTS].spec.roi, 0
      for node in batch[POINTS]:nodes() do
        assert.is_true(inside:contains(node.location))
        if not node.temporary then
          real = real + 1
          local at = {}
          for d = 1, 3 do at[d] = math.floor((node.location[d] - array.spec.roi.offset[d]) / voxel_size[d]) + 1 end
          assert.equal(node.id, array.data[at], ("seed %d, node %d"):format(seed, node.id))
          local original = graph:node(node.id).location
          if math.abs(original[1] - node.location[1]) + math.abs(original[2] - node.location[2]) > 1 then moved = moved + 1 end
        end
      end
      -- and no voxel's node is missing
      local crop = array:crop(inside)
      assert.equal(crop.data.size - crop.data:count(0), real, "seed " .. seed)
    end
    assert.is_true(moved > 100)
  end)

  it("keeps edges", function()
    local batch = serve(pipeline(), 7, { { POINTS, world } })
    local edges = {}
    for edge in batch[POINTS]:edges() do edges[#edges + 1] = edge.u .. "-" .. edge.v end
    assert.same({ "1-2", "2-3" }, edges)
    assert.equal(60, batch[POINTS]:num_nodes())
  end)

  it("stays on the grid when a graph's ROI doesn't", function()
    for seed = 1, 20 do
      local batch = serve(pipeline(), seed, { { RAW, md.Roi({ 200, 40, 80 }, { 400, 40, 40 }) }, { POINTS, md.Roi({ 171, 37, 79 }, { 450, 46, 45 }) } })
      assert.equal(md.Roi({ 171, 37, 79 }, { 450, 46, 45 }), batch[POINTS].spec.roi)
      for node in batch[POINTS]:nodes() do
        if batch[RAW].spec.roi:contains(node.location) and not node.temporary then
          local at = {}
          for d = 1, 3 do at[d] = math.floor((node.location[d] - batch[RAW].spec.roi.offset[d]) / voxel_size[d]) + 1 end
          assert.equal(node.id, batch[RAW].data[at])
        end
      end
    end
  end)

  it("handles graphs alone and graphs without a node", function()
    for seed = 1, 10 do
      assert.equal(0, serve(pipeline(), seed, { { POINTS, md.Roi({ -80, 8, 40 }, { 1, 1, 1 }) } })[POINTS]:num_nodes())
      assert.is_true(serve(pipeline(), seed, { { POINTS, md.Roi({ 0, 21, 43 }, { 900, 60, 60 }) } })[POINTS]:num_nodes() > 5)
    end
  end)
end)

describe("SimpleAugment of several arrays", function()
  local roi = md.Roi({ 0, 0 }, { 64, 64 })
  -- every voxel holds the id of the coarse voxel that it lies in
  local function coarse_ids(size)
    local rows = {}
    for y = 1, 64 // size do
      rows[y] = {}
      for x = 1, 64 // size do rows[y][x] = (y - 1) * size // 8 * 8 + (x - 1) * size // 8 end
    end
    return core.ndarray(rows, "int32")
  end
  local function source(key, size)
    return md.ArraySource { key, md.Array { coarse_ids(size), md.ArraySpec { roi = roi, voxel_size = { size, size } } } }
  end

  it("keeps voxel sizes in register", function()
    for seed = 1, 60 do
      local fine, coarse = md.Roi({ 10, 16 }, { 42, 34 }), md.Roi({ 16, 16 }, { 32, 32 })
      local batch = serve({ source(RAW, 2), source(COARSE, 8) } + md.MergeProvider {} + md.SimpleAugment {}, seed, { { RAW, fine }, { COARSE, coarse } })
      assert.equal(coarse, batch[COARSE].spec.roi)
      local part = batch[RAW]:crop(coarse).data
      for y = 1, 4 do
        for x = 1, 4 do
          local block = part[{ { y * 4 - 3, y * 4 }, { x * 4 - 3, x * 4 } }]
          assert.is_true(block:eq(batch[COARSE].data[{ y, x }]):all(), ("seed %d at %d, %d"):format(seed, y, x))
        end
      end
    end
  end)

  it("passes nonspatial keys", function()
    local pipeline = source(RAW, 2) + md.RandomLocation { random_shift_key = SHIFT } + md.SimpleAugment {}
    local p <close> = pipeline:build()
    local request = md.BatchRequest { random_seed = 4, [RAW] = md.Roi({ 0, 0 }, { 16, 16 }) }
    request[SHIFT] = md.ArraySpec { nonspatial = true }
    local batch = p:request_batch(request)
    assert.same({ 2 }, batch[SHIFT].data.shape)
    assert.same({ 8, 8 }, batch[RAW].data.shape)
  end)

  it("is exactly undone by itself: mirrored twice is as before", function()
    local node = { mirror_probs = { 1, 1 }, transpose_only = {} }
    local part = md.Roi({ 6, 20 }, { 30, 20 })
    local twice = serve(source(RAW, 2) + md.SimpleAugment(node) + md.SimpleAugment(node), 3, { { RAW, part } })[RAW].data
    assert.is_true(twice:equal(serve(md.Pipeline { source(RAW, 2) }, 3, { { RAW, part } })[RAW].data))
  end)
end)

describe("SimpleAugment says", function()
  local function fails(options, size)
    return errors.message(function() (numbered(RAW, md.Roi({ 0, 0 }, { 8, 8 }), size or { 1, 1 }) + md.SimpleAugment(options)):build() end)
  end
  it("which axes there are", function()
    assert.equal("SimpleAugment: mirror_only names axis 0; spatial axes are counted from 1 to 2", fails { mirror_only = { 0 } })
    assert.equal("SimpleAugment: transpose_only names axis 3; spatial axes are counted from 1 to 2", fails { transpose_only = { 1, 3 } })
    assert.equal("SimpleAugment: transpose_only names axis 1 twice", fails { transpose_only = { 1, 1 } })
    assert.equal("SimpleAugment: mirror_only names axis x; spatial axes are counted from 1 to 2", fails { mirror_only = { "x" } })
    assert.equal("SimpleAugment: mirror_probs has 1 entries, there are 2 spatial axes", fails { mirror_probs = { 1 } })
    assert.equal("SimpleAugment: mirror_probs must be numbers from 0 to 1, not 2", fails { mirror_probs = { 2, 0 } })
    assert.equal("SimpleAugment: transpose_probs has 3 entries, there are 2 spatial axes", fails { transpose_probs = { 0, 1, 1 } })
    assert.equal("SimpleAugment: transpose_probs has 0 entries, there are 2 spatial axes", fails { transpose_probs = {} })
    assert.equal("SimpleAugment: transpose_probs[1] must be a permutation and a probability, such as { {1, 3, 2}, 0.5 }",
      fails { transpose_probs = { { 1, 2 } } })
    assert.equal("SimpleAugment: transpose_probs[2] names axis 1 twice", fails { transpose_probs = { { { 1, 2 }, 1 }, { { 1, 1 }, 1 } } })
    assert.equal("SimpleAugment: transpose_probs[1] has a permutation of 1 axes, there are 2 spatial axes", fails { transpose_probs = { { { 1 }, 1 } } })
    assert.equal("SimpleAugment: transpose_probs leaves no permutation that transpose_only allows",
      fails { transpose_only = {}, transpose_probs = { { { 2, 1 }, 1 } } })
  end)

  it("which axes can't change places", function()
    assert.equal("SimpleAugment: axes 1 and 2 of RAW can't change places, their voxel sizes are 4 and 2; name those that can in transpose_only",
      fails({}, { 4, 2 }))
  end)

  it("what isn't an option", function()
    assert.equal("SimpleAugment has no option 'mirror_onyl'; did you mean 'mirror_only'?", errors.bare(function() md.SimpleAugment { mirror_onyl = {} } end))
    assert.equal("SimpleAugment: 'mirror_only' must be a table, not 1", errors.bare(function() md.SimpleAugment { 1 } end))
    assert.equal("SimpleAugment: 'p' must be a number from 0 to 1, not -1", errors.bare(function() md.SimpleAugment { p = -1 } end))
  end)

  it("when there is no space at all", function()
    local n = md.ArraySource { RAW, md.Array { md.zeros { 2 }, md.ArraySpec { nonspatial = true } } }
    assert.equal("SimpleAugment: there is nothing with a ROI upstream that could be mirrored", errors.message(function() (n + md.SimpleAugment {}):build() end))
  end)
end)

battery.node("SimpleAugment", {
  node = function() return md.SimpleAugment { transpose_only = { 2, 3 } } end, random = true,
  request = function(seed)
    local request = battery.request(seed)
    request[battery.RAW] = md.Roi({ 280, 24, 48 }, { 400, 64, 64 })
    request[battery.POINTS] = md.Roi({ 280, 24, 48 }, { 400, 64, 64 })
    return request
  end,
})
