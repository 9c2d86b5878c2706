--- What every node must stand: the same tests for each, over a small world in memory.
---
---     battery.node("Normalize", {
---       node = function() return md.Normalize { battery.RAW } end,
---       request = function(seed) … end,        default: RAW and LABELS in the middle of the world
---       deterministic = true,                  whole == tiles is tested, and that seeds don't matter
---       random = true,                         another seed gives another batch
---       untouched = { battery.LABELS },        requested alone, these come as upstream has them (autoskip)
---     })
---
--- (1) a batch requested whole equals the same batch requested in tiles; (2) any number of threads gives the same bytes; (3) the
--- same seed gives the same hash, another seed another; (4) the spec announced is the spec delivered; (5) upstream's arrays are
--- unchanged afterwards; (6) after closing not a byte more is allocated.
local md = require "moondust"
local core = require "moondust.core"
local assert = require "luassert"
local busted = require "busted" -- a module doesn't see what a spec sees as globals

local M = {
  RAW = md.ArrayKey "RAW", FLOAT = md.ArrayKey "FLOAT", LABELS = md.ArrayKey "LABELS", MASK = md.ArrayKey "MASK",
  POINTS = md.GraphKey "POINTS",
}

--- The world: 20 x 30 x 32 voxels of (40, 4, 4), beginning at (80, -8, 16).
M.voxel_size = md.Coordinate { 40, 4, 4 }
M.roi = md.Roi({ 80, -8, 16 }, { 20 * 40, 30 * 4, 32 * 4 })

local SHAPE = { 20, 30, 32 }

local function volume(dtype, value)
  local planes = {}
  for z = 1, SHAPE[1] do
    planes[z] = {}
    for y = 1, SHAPE[2] do
      local row = {}
      for x = 1, SHAPE[3] do row[x] = value(z, y, x) end
      planes[z][y] = row
    end
  end
  return core.ndarray(planes, dtype)
end

local function points()
  local nodes, edges, rng = {}, {}, core.Rng(3)
  for i = 1, 30 do
    local location = {}
    for d = 1, 3 do location[d] = M.roi.offset[d] + rng:random() * M.roi.shape[d] end
    nodes[i] = md.Node { i, location }
    if i > 1 then edges[#edges + 1] = md.Edge { i - 1, i } end
  end
  return md.Graph { nodes, edges, md.GraphSpec { roi = M.roi, directed = false } }
end

local function noise(z, y, x) return (z * 7919 + y * 104729 + x * 1299709 + z * y * x * 31) % 251 end

local makers = {
  [M.RAW] = function() return volume("uint8", noise), true end,
  [M.FLOAT] = function() return volume("float32", function(z, y, x) return noise(z, y, x) / 250 end), true end,
  [M.LABELS] = function()
    return volume("uint64", function(z, y, x)
      local block = (z // 6) * 100 + (y // 7) * 10 + x // 9
      return block % 4 == 0 and 0 or block + (1 << 40)
    end), false
  end,
  [M.MASK] = function()
    return volume("uint8", function(z, y, x) return z > 2 and z < 19 and y > 3 and y < 28 and x > 3 and x < 30 and 1 or 0 end), false
  end,
}

--- The arrays and the graph of the world, made once.
---@return table<moondust.Key, moondust.Array|moondust.Graph>
function M.world()
  if not M._world then
    local world = { [M.POINTS] = points() }
    for key, make in pairs(makers) do
      local data, interpolatable = make()
      world[key] = md.Array { data, md.ArraySpec {
        roi = M.roi, voxel_size = M.voxel_size, interpolatable = interpolatable, dtype = data.dtype,
      } }
    end
    M._world = world
  end
  return M._world
end

local WorldSource = md.class("WorldSource", md.BatchProvider)
WorldSource.arity = 0

function WorldSource:init(fields) self.world = fields.world end

function WorldSource:setup()
  for _, key in ipairs { M.RAW, M.FLOAT, M.LABELS, M.MASK } do
    if self.world[key] then self:provides(key, self.world[key].spec) end
  end
  if self.world[M.POINTS] then self:provides(M.POINTS, self.world[M.POINTS].spec) end
end

function WorldSource:provide(request)
  local batch = md.Batch {}
  for key, wanted in request:items() do
    local item = self.world[key]
    if item.data then batch[key] = item:crop(wanted.roi):share() else batch[key] = item:crop(wanted.roi) end
  end
  return batch
end

--- A source of everything in the world, as views.
---@param world table?
---@return moondust.BatchProvider
function M.source(world) return WorldSource { world = world or M.world() } end

--- RAW, LABELS and what else is named, in the middle of the world.
---@param seed integer
---@param ... moondust.Key
---@return moondust.BatchRequest
function M.request(seed, ...)
  local request = md.BatchRequest { random_seed = seed }
  local keys = { ... }
  if #keys == 0 then keys = { M.RAW, M.LABELS } end
  for i, key in ipairs(keys) do
    -- the second is smaller, so that ROIs differ as they do in training
    local roi = i % 2 == 1 and md.Roi({ 280, 12, 36 }, { 400, 64, 72 }) or md.Roi({ 360, 24, 52 }, { 240, 40, 40 })
    request[key] = key == M.POINTS and md.GraphSpec { roi = roi } or md.ArraySpec { roi = roi }
  end
  return request
end

--- Hash of everything in a batch.
---@param batch moondust.Batch
---@return string
function M.hash(batch)
  local parts = {}
  for key, item in batch:items() do
    if item.data then
      parts[#parts + 1] = ("%s %s %s"):format(key.name, tostring(item.spec.roi), item.data:hash())
    else
      local locations, ids, edges = item:arrays()
      parts[#parts + 1] = ("%s %s %s %s"):format(key.name, locations:hash(), ids:hash(), edges:hash())
    end
  end
  return table.concat(parts, "\n")
end

local function hashes(world)
  local found = {}
  for key, item in pairs(world) do
    if item.data then
      found[key.name] = item.data:hash()
    else
      local locations, ids, edges = item:arrays()
      found[key.name] = locations:hash() .. ids:hash() .. edges:hash()
    end
  end
  return found
end

local function in_use()
  collectgarbage()
  collectgarbage()
  return (core.memory())
end

local function serve(options, seed)
  local p <close> = options.pipeline():build()
  return M.hash(p:request_batch(options.request(seed)))
end

-- The halves of a ROI along an axis, on the grid.
local function split(roi, axis, grid)
  local shape = roi.shape:totable()
  local first = shape[axis] // grid[axis] // 2 * grid[axis]
  if first == 0 then return { roi } end
  local rest = shape[axis] - first
  shape[axis] = first
  local low = md.Roi(roi.offset, shape)
  local offset = roi.offset:totable()
  offset[axis], shape[axis] = offset[axis] + first, rest
  return { low, md.Roi(offset, shape) }
end

local function tiles_of(request, spec)
  local tiles, grid = { request:get_total_roi() }, spec:get_lcm_voxel_size(request:array_keys())
  for axis = 1, tiles[1].dims do
    local finer = {}
    for _, tile in ipairs(tiles) do
      for _, half in ipairs(split(tile, axis, grid)) do finer[#finer + 1] = half end
    end
    tiles = finer
  end
  return tiles
end

local function part_of(request, tile)
  local part = md.BatchRequest { random_seed = request.random_seed }
  for key, wanted in request:items() do
    local roi = wanted.roi and wanted.roi:intersect(tile)
    if roi and not roi.empty then
      local spec = wanted:copy()
      spec.roi = roi
      part[key] = spec
    end
  end
  return part
end

local function same_part(key, whole, part)
  local expected = whole:crop(part.spec.roi).data
  assert.is_true(expected:equal(part.data), ("%s in %s is not what it is in the whole"):format(key.name, tostring(part.spec.roi)))
end

local function test_tiles(options)
  local p <close> = options.pipeline():build()
  local request = options.request(1)
  local whole = p:request_batch(request)
  local voxels = {}
  for _, tile in ipairs(tiles_of(request, p.spec)) do
    local batch <close> = p:request_batch(part_of(request, tile))
    for _, key in ipairs(batch:array_keys()) do
      same_part(key, whole[key], batch[key])
      voxels[key] = (voxels[key] or 0) + batch[key].data.size
    end
  end
  for _, key in ipairs(whole:array_keys()) do
    if whole[key].spec.roi then assert.equal(whole[key].data.size, voxels[key], "tiles cover " .. key.name) end
  end
end

local function test_threads(options)
  local before = md.threads()
  local found = {}
  for i, n in ipairs { 1, 2, 5 } do
    md.threads(n)
    found[i] = serve(options, 11)
  end
  md.threads(before)
  assert.equal(found[1], found[2])
  assert.equal(found[1], found[3])
end

local function test_seeds(options)
  local first = serve(options, 11)
  assert.equal(first, serve(options, 11), "the same seed")
  local others, differing = 8, 0
  for seed = 12, 11 + others do
    if serve(options, seed) ~= first then differing = differing + 1 end
  end
  if options.random then assert.is_true(differing > 0, "no other seed gives another batch") end
  if options.deterministic then assert.equal(0, differing, "seeds matter") end
end

local function test_spec(options)
  local p <close> = options.pipeline():build()
  local request = options.request(5)
  local batch <close> = p:request_batch(request)
  assert.equal(#request, #batch)
  for _, key in ipairs(batch:array_keys()) do
    local announced, delivered = p.spec[key], batch[key].spec
    for _, field in ipairs { "voxel_size", "interpolatable", "nonspatial", "placeholder" } do
      assert.equal(announced[field], delivered[field], ("%s of %s"):format(field, key.name))
    end
    if announced.dtype then assert.equal(announced.dtype, batch[key].data.dtype, "dtype of " .. key.name) end
    assert.is_nil(md.Array.mismatch(batch[key].data, delivered))
    assert.equal(request[key].roi, delivered.roi, "ROI of " .. key.name)
  end
  for _, key in ipairs(batch:graph_keys()) do
    assert.equal(request[key].roi, batch[key].spec.roi)
    if p.spec[key].directed ~= nil then assert.equal(p.spec[key].directed, batch[key].directed) end
  end
end

local function test_unchanged(options)
  local world = M.world()
  local before = hashes(world)
  serve(options, 2)
  serve(options, 3)
  assert.same(before, hashes(world))
end

local function test_memory(options)
  serve(options, 4) -- what loads when first used
  M.world()
  local before = in_use()
  for seed = 5, 7 do
    local p <close> = options.pipeline():build()
    local batch <close> = p:request_batch(options.request(seed))
    assert.is_true(#batch > 0)
  end
  assert.equal(before, in_use())
end

local function test_untouched(options)
  local request = M.request(6, table.unpack(options.untouched))
  local p <close> = options.pipeline():build()
  local source <close> = (options.source or M.source)():build()
  local passed, original = p:request_batch(request), source:request_batch(request)
  assert.equal(M.hash(original), M.hash(passed))
end

--- Fills in what isn't said.
---@param options table
---@return table options
function M.complete(options)
  options.request = options.request or M.request
  options.pipeline = options.pipeline or function() return (options.source or M.source)() + options.node() end
  return options
end

--- The tests by name, each a function of the options; they raise where a node falls short.
M.tests = {
  tiles = test_tiles, threads = test_threads, seeds = test_seeds, spec = test_spec, unchanged = test_unchanged, memory = test_memory,
  untouched = test_untouched,
}

--- Defines the tests of a node.
---@param name string
---@param options table  node or pipeline (functions); source, request (functions); deterministic, random (booleans); untouched (keys)
function M.node(name, options)
  M.complete(options)
  local it = busted.it
  busted.describe(name .. " stands the battery:", function()
    if options.deterministic then it("whole == tiles", function() test_tiles(options) end) end
    it("any number of threads", function() test_threads(options) end)
    it("seeds", function() test_seeds(options) end)
    it("announced == delivered", function() test_spec(options) end)
    it("upstream is unchanged", function() test_unchanged(options) end)
    it("nothing is left behind", function() test_memory(options) end)
    if options.untouched then it("what it doesn't concern passes untouched", function() test_untouched(options) end) end
  end)
end

return M
