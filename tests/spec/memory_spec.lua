-- A long stream runs in constant memory, whether batches are closed or left to the collector.
local md = require "moondust"
local core = require "moondust.core"

local RAW, GT, TARGET, WEIGHT, POINTS = md.ArrayKey "RAW", md.ArrayKey "GT", md.ArrayKey "TARGET", md.ArrayKey "WEIGHT", md.GraphKey "POINTS"
local SHAPE, VOXEL_SIZE = { 12, 40, 40 }, { 10, 2, 2 }
local roi = md.Roi({ 0, 0, 0 }, { 120, 80, 80 })

local function pipeline()
  local raw, gt = core.zeros(SHAPE, "uint8"):fill(100), core.zeros(SHAPE, "uint64")
  gt[{ {}, { 10, 30 }, { 10, 30 } }] = 1
  local nodes = {}
  for i = 1, 50 do nodes[i] = md.Node { i, { i * 2, i, i } } end
  local function source(key, data, interpolatable)
    return md.ArraySource { key, md.Array { data, md.ArraySpec { roi = roi, voxel_size = VOXEL_SIZE, interpolatable = interpolatable } } }
  end
  return { source(RAW, raw, true), source(GT, gt, false), md.GraphSource { POINTS, md.Graph { nodes, {}, md.GraphSpec { roi = roi } } } } + md.MergeProvider {}
    + md.Normalize { RAW } + md.Pad { RAW } + md.Pad { GT } + md.Pad { POINTS }
    + md.ElasticAugment { { 2, 8, 8 }, { 4, 2, 2 }, { 0, 6 }, subsample = 4 } + md.SimpleAugment { transpose_only = { 2, 3 } }
    + md.GammaAugment { RAW, 0.5, 2 } + md.IntensityAugment { RAW, 0.9, 1.1, 0, 0.1 } + md.RejectIfEmpty { GT, p = 0.5 }
    + md.DaCapoTargetFilter { md.DistancePredictor { { "a" }, 20, false }, GT, TARGET, WEIGHT, moving_counts = true }
end

local function request()
  local wanted = md.BatchRequest {}
  for _, key in ipairs { RAW, GT, TARGET, WEIGHT, POINTS } do wanted:add(key, { 60, 40, 40 }) end
  return wanted
end

local function resident() -- KiB
  local file = io.open "/proc/self/statm"
  if not file then return 0 end
  local _, pages = file:read("n", "n")
  file:close()
  return pages * 4
end

local function settle()
  collectgarbage()
  collectgarbage()
  return (core.memory()), resident()
end

-- After `warm` batches and at the end: bytes that C holds once all is collected, KiB resident.
local function run(count, warm, each)
  local before_c, before_kib, peak
  for batch, i in pipeline():batches(request(), { count = count, seed = 5 }) do
    each(batch)
    if i == warm then
      before_c, before_kib = settle()
      core.reset_peak()
    end
  end
  local _, highest = core.memory()
  peak = highest
  local after_c, after_kib = settle()
  return before_c, before_kib, after_c, after_kib, peak
end

describe("2,000 batches", function()
  run(1, 0, function() end) -- what is made once, such as threads

  it("closed as they come hold nothing", function()
    local start = settle()
    local _, before_kib, after_c, after_kib, peak = run(1000, 100, function(batch) batch:close() end)
    assert.equal(start, after_c)
    assert.is_true(after_kib - before_kib < 8 * 1024, ("%d KiB before, %d after"):format(before_kib, after_kib))
    assert.is_true(peak - start < 16 << 20, ("%d bytes at most"):format(peak - start))
  end)

  it("left to the collector stay within bounds", function()
    local start = settle()
    local _, before_kib, after_c, after_kib, peak = run(1000, 100, function() end)
    assert.equal(start, after_c)
    assert.is_true(after_kib - before_kib < 16 * 1024, ("%d KiB before, %d after"):format(before_kib, after_kib))
    assert.is_true(peak - start < 128 << 20, ("%d bytes at most"):format(peak - start))
  end)

  it("that fail hold nothing", function()
    local start = settle()
    do
      local Broken = md.class("Broken", md.BatchFilter)
      function Broken:process() error "no" end
      local p <close> = (pipeline() + Broken {}):build()
      for seed = 1, 100 do
        local wanted = request()
        rawset(wanted, "random_seed", seed)
        assert.is_false(pcall(p.request_batch, p, wanted))
      end
    end
    assert.equal(start, (settle()))
  end)
end)
