-- A whole training pipeline, as scripts/train_organelles.lua composes it: what a seed means depends on nothing else.
local md = require "moondust"
local battery = require "spec.support.battery"
local golden = require "spec.support.golden"

local RAW, ORGANELLE, MASK = md.ArrayKey "RAW", md.ArrayKey "ORGANELLE", md.ArrayKey "MASK"
local TARGET, WEIGHT, POINTS = md.ArrayKey "TARGET", md.ArrayKey "WEIGHT", md.GraphKey "POINTS"

local function pipeline()
  local volumes = golden.source("RAW", "ORGANELLE", "MASK") + md.Normalize { RAW } + md.Unsqueeze { { ORGANELLE, MASK } }
  return { volumes, md.GraphSource { POINTS, golden.graph() } } + md.MergeProvider {} + md.Pad { RAW } + md.Pad { ORGANELLE }
    + md.Pad { MASK, { 200, 100, 100 } } + md.Pad { POINTS } + md.RandomLocation {}
    + md.ElasticAugment { { 1, 10, 10 }, { 0, 10, 10 }, { 0, math.pi / 2 }, subsample = 4 } + md.SimpleAugment { transpose_only = { 2, 3 } }
    + md.GammaAugment { RAW, 0.5, 2 } + md.IntensityAugment { RAW, 0.9, 1.1, -0.1, 0.1 } + md.RejectIfEmpty { ORGANELLE, p = 0.8 }
    + md.DaCapoTargetFilter { md.DistancePredictor { { "a" }, 50, true }, ORGANELLE, TARGET, WEIGHT, MASK }
end

local function request(seed)
  local wanted = md.BatchRequest { random_seed = seed }
  wanted:add(RAW, { 400, 160, 160 }):add(POINTS, { 400, 160, 160 })
  for _, key in ipairs { ORGANELLE, TARGET, WEIGHT } do wanted:add(key, { 300, 120, 120 }) end
  return wanted
end

local COUNT, SEED = 4, 4294967295 -- seeds wrap around within the stream

local function stream()
  local hashes = {}
  for batch, i in pipeline():batches(request(), { count = COUNT, seed = SEED }) do hashes[i + 1] = battery.hash(batch) end
  return hashes
end

describe("A training pipeline", function()
  local reference = stream()

  it("makes other batches from other seeds", function()
    assert.equal(COUNT, #reference)
    local seen = {}
    for _, hash in ipairs(reference) do
      assert.is_nil(seen[hash])
      seen[hash] = true
    end
  end)

  for _, threads in ipairs { 1, 2, 8 } do
    it(("makes the same batches with %d threads"):format(threads), function()
      local before = md.threads()
      md.threads(threads)
      local hashes = stream()
      md.threads(before)
      assert.same(reference, hashes)
    end)
  end

  it("makes batch i of a stream alone, in any order", function()
    local p <close> = pipeline():build()
    for _, i in ipairs { 3, 0, 2, 1 } do
      local batch = p:request_batch(request((SEED + i) % 4294967296))
      assert.equal((SEED + i) % 4294967296, batch.random_seed)
      assert.equal(reference[i + 1], battery.hash(batch))
    end
    for batch, i in p:batches(request(), { first = 2, count = 2, seed = SEED }) do assert.equal(reference[i + 1], battery.hash(batch)) end
  end)

  it("says the seed of an unseeded batch, which makes it again", function()
    local p <close> = pipeline():build()
    local batch = p:request_batch(request())
    assert.equal(battery.hash(batch), battery.hash(p:request_batch(request(batch.random_seed))))
  end)

  it("doesn't feel another pipeline in between", function()
    local p <close> = pipeline():build()
    local q <close> = pipeline():build()
    for i = 0, 1 do
      q:request_batch(request(77 + i))
      assert.equal(reference[i + 1], battery.hash(p:request_batch(request((SEED + i) % 4294967296))))
    end
  end)

  for _, mode in ipairs { "generational", "incremental" } do
    it("doesn't feel the collector, " .. mode, function()
      local before = collectgarbage(mode)
      local hashes = stream()
      collectgarbage()
      collectgarbage(before)
      assert.same(reference, hashes)
    end)
  end

  it("doesn't feel the locale, nor math.randomseed", function()
    local before = os.setlocale(nil)
    local hashes = {}
    for _, name in ipairs { "C", "C.UTF-8", "de_DE.UTF-8", "tr_TR.UTF-8" } do
      if os.setlocale(name) then
        math.randomseed(1)
        hashes[#hashes + 1] = stream()
      end
    end
    os.setlocale(before)
    assert.is_true(#hashes > 0)
    for _, found in ipairs(hashes) do assert.same(reference, found) end
  end)

  it("doesn't feel an error in between", function()
    local p <close> = pipeline():build()
    local bad = md.BatchRequest { random_seed = 3 }
    bad[RAW] = md.Roi({ 1, 0, 0 }, { 400, 160, 160 })
    assert.is_false(pcall(p.request_batch, p, bad))
    assert.equal(reference[1], battery.hash(p:request_batch(request(SEED))))
  end)
end)
