-- MergeProvider and RandomProvider. Their draws are compared with the original's in golden_nodes_spec.
local md = require "moondust"
local core = require "moondust.core"
local battery = require "spec.support.battery"
local errors = require "spec.support.errors"

local A, B, WHICH = md.ArrayKey "A", md.ArrayKey "B", md.ArrayKey "WHICH"

local function constant(key, value, fields)
  fields = fields or {}
  local n, voxel = fields.n or 8, fields.voxel_size or 2
  local data = md.zeros({ n }, fields.dtype or "int32"):fill(value)
  local spec = md.ArraySpec { roi = md.Roi({ fields.offset or 0 }, { n * voxel }), voxel_size = { voxel }, interpolatable = fields.interpolatable }
  return md.ArraySource { key, md.Array { data, spec } }
end

local function build_error(pipeline) return errors.message(function() pipeline:build() end) end

describe("MergeProvider", function()
  it("offers what all of them do", function()
    local p <close> = ({ constant(A, 1), constant(B, 2) } + md.MergeProvider {}):build()
    local batch = p:request_batch(md.BatchRequest { [A] = md.Roi({ 0 }, { 4 }), [B] = md.Roi({ 2 }, { 2 }) })
    assert.same({ 1, 1 }, batch[A].data:totable())
    assert.same({ 2 }, batch[B].data:totable())
    assert.equal(1, #p:request_batch(md.BatchRequest { [B] = md.Roi({ 2 }, { 2 }) }))
  end)

  it("names a key that comes twice", function()
    assert.equal("MergeProvider: A is provided by both ArraySource[A] and ArraySource[A]; give one of them another key, or use md.RandomProvider{} "
      .. "to choose between them", build_error({ constant(A, 1), constant(A, 2) } + md.MergeProvider {}))
  end)

  it("wants something upstream", function()
    assert.matches("MergeProvider: has nothing upstream: write { a, b } %+ md.MergeProvider{}", build_error(md.MergeProvider {}))
  end)

  it("gives each branch a seed of its own", function()
    local seeds = {}
    local Spy = md.class("Spy", md.BatchProvider)
    function Spy:init(fields) self.key = fields[1] end
    function Spy:setup() self:provides(self.key, md.ArraySpec { nonspatial = true }) end
    function Spy:provide(request)
      seeds[self.key.name] = request.random_seed
      local batch = md.Batch {}
      batch[self.key] = md.Array { md.zeros { 1 } }
      return batch
    end
    local p <close> = ({ Spy { A }, Spy { B } } + md.MergeProvider {}):build()
    local request = md.BatchRequest { random_seed = 42 }
    request[A] = md.ArraySpec { nonspatial = true }
    request[B] = md.ArraySpec { nonspatial = true }
    p:request_batch(request)
    -- the request is copied on entry of each node; the streams are seeded before
    local rng = core.Rng(42)
    assert.equal(core.seed_copy(rng:randint(0, 4294967296) % 4294967296), seeds.A)
    assert.equal(core.seed_copy(rng:randint(0, 4294967296) % 4294967296), seeds.B)
  end)
end)

describe("RandomProvider", function()
  it("chooses as often as it is told to", function()
    local p <close> = ({ constant(A, 1), constant(A, 2) } + md.RandomProvider { { 1, 3 }, WHICH }):build()
    local counts = { 0, 0 }
    for seed = 1, 200 do
      local request = md.BatchRequest { random_seed = seed, [A] = md.Roi({ 0 }, { 4 }) }
      request[WHICH] = md.ArraySpec { nonspatial = true }
      local batch = p:request_batch(request)
      local which = batch[WHICH].data[{ 1 }]
      assert.equal("int64", batch[WHICH].data.dtype)
      assert.equal(which, batch[A].data[{ 1 }])
      counts[which] = counts[which] + 1
    end
    assert.near(50, counts[1], 20)
  end)

  it("offers what all of them have, where all of them have it", function()
    local both = { constant(A, 1), constant(B, 1) } + md.MergeProvider {}
    local p <close> = ({ both, constant(A, 2, { offset = 4 }) } + md.RandomProvider {}):build()
    assert.is_nil(p.spec[B])
    assert.equal(md.Roi({ 4 }, { 12 }), p.spec[A].roi)
    local other <close> = ({ constant(A, 1), constant(A, 1, { dtype = "uint8" }) } + md.RandomProvider {}):build()
    assert.is_nil(other.spec[A].dtype)
  end)

  it("refuses providers that don't go together", function()
    assert.equal("RandomProvider: the providers differ in the voxel size of A, (2) and (4); resample one of them, or give it another key",
      build_error({ constant(A, 1), constant(A, 2, { voxel_size = 4 }) } + md.RandomProvider {}))
    assert.matches("the providers differ in the interpolatable of A, true and false; say it in their array_specs",
      build_error({ constant(A, 1, { interpolatable = true }), constant(A, 2) } + md.RandomProvider {}))
    assert.matches("the providers differ in the ROI of A, .*; they have nothing in common; put md.RandomLocation{} behind each",
      build_error({ constant(A, 1), constant(A, 2, { offset = 100 }) } + md.RandomProvider {}))
    assert.matches("has 1 probabilities for 2 providers; give one each", build_error({ constant(A, 1), constant(A, 2) } + md.RandomProvider { { 1 } }))
    assert.matches("RandomProvider: probabilities can't be %-1", errors.message(function() md.RandomProvider { { -1, 2 } } end))
    assert.matches("RandomProvider: the probabilities are all 0", errors.message(function() md.RandomProvider { { 0, 0 } } end))
  end)
end)

battery.node("MergeProvider", {
  pipeline = function()
    local world = battery.world()
    return { battery.source { [battery.RAW] = world[battery.RAW] }, battery.source { [battery.LABELS] = world[battery.LABELS] } } + md.MergeProvider {}
  end,
  deterministic = true, untouched = { battery.RAW, battery.LABELS },
})
battery.node("RandomProvider", {
  pipeline = function()
    local world = battery.world()
    local raw = world[battery.RAW]
    local flipped = md.Array { raw.data:flip(3), raw.spec }
    return { battery.source(), battery.source { [battery.RAW] = flipped, [battery.LABELS] = world[battery.LABELS] } } + md.RandomProvider {}
  end,
  random = true,
})
