-- Looking ahead: batches are the same bytes with and without it, and less is read.
local md = require "moondust"
local battery = require "spec.support.battery"
local Look = require "moondust.look"

local RAW, FLOAT, LABELS, MASK, POINTS = battery.RAW, battery.FLOAT, battery.LABELS, battery.MASK, battery.POINTS
local GT, WEIGHTS, AFFS, SHIFT, WHICH = md.ArrayKey "GT", md.ArrayKey "WEIGHTS", md.ArrayKey "AFFS", md.ArrayKey "SHIFT", md.ArrayKey "WHICH"
local OTHER = md.GraphKey "OTHER"

-- ------------------------------------------------------------------------------------------------ a world that counts

local world = battery.world()
local reads

-- An object that counts how often it is read, and says that this is all right.
local Counting = md.class "Counting"
Counting.look_ahead = true
function Counting:init(fields)
  self.name, self.array = fields.key.name, fields.array
  local spec = self.array.spec
  self.roi, self.voxel_size, self.dtype, self.shape, self.interpolatable = spec.roi, spec.voxel_size, self.array.data.dtype, self.array.data.shape, spec.interpolatable
end
function Counting:read(roi)
  reads[self.name] = (reads[self.name] or 0) + 1
  if roi.empty then
    local shape = {}
    for d = 1, roi.dims do shape[d] = math.max(0, roi.shape[d] // self.voxel_size[d]) end
    return md.zeros(shape, self.dtype)
  end
  return self.array:crop(roi).data:copy()
end

-- A tenth of the world has labels.
local function sparse()
  local labels = world[LABELS]
  local data = md.zeros(labels.data.shape, "uint64")
  data[{ { 12, 14 }, { 6, 14 }, { 8, 20 } }] = 7
  return md.Array { data, labels.spec }
end

local arrays = { [RAW] = world[RAW], [FLOAT] = world[FLOAT], [MASK] = world[MASK], [GT] = sparse() }

local function one(key) return md.ArraySource { key, Counting { key = key, array = arrays[key] } } end

local function sources()
  return { one(RAW), one(FLOAT), one(MASK), one(GT), md.GraphSource { POINTS, world[POINTS] } } + md.MergeProvider {}
end

local BATCHES = 6
local SMALL = md.Coordinate { 120, 40, 40 }

local function request_of(keys)
  local request = md.BatchRequest {}
  for _, key in ipairs(keys) do request:add(key, SMALL) end
  return request
end

-- ------------------------------------------------------------------------------------------------ with and without

local function graph_text(graph)
  local locations, ids, edges = graph:arrays()
  return tostring(locations.size > 0 and locations:hash() or 0) .. tostring(ids.size > 0 and ids:hash() or 0) .. tostring(edges.size > 0 and edges:hash() or 0)
end

local function fingerprint(batch)
  local parts = { tostring(batch.random_seed) }
  for key, item in batch:items() do
    parts[#parts + 1] = key.name .. tostring(item.spec) .. (item.data and tostring(item.data:hash()) or graph_text(item))
  end
  return table.concat(parts, "\n")
end

-- The batches of a stream, what was read for them, and whether looks came to nothing. `make` gives the pipeline down to the
-- sink, with each rejecting node handed to the function that it gets.
local function run(make, keys, looking, count, seed)
  reads = {}
  local nodes = {}
  local pipeline = make(function(node)
    nodes[#nodes + 1] = node
    if not looking then node.look_ahead = false end
    return node
  end)
  local texts = {}
  local built <close> = pipeline:build()
  for batch in built:batches(request_of(keys), { count = count or BATCHES, seed = seed or 11 }) do
    texts[#texts + 1] = fingerprint(batch)
    batch:close()
  end
  local vain = 0
  for _, node in ipairs(nodes) do if node.looks_in_vain then vain = vain + 1 end end
  return texts, reads, vain
end

local least, share

local function compare(make, keys, count, seed)
  local plain, all = run(make, keys, false, count, seed)
  local looked, fewer, vain = run(make, keys, true, count, seed)
  assert.same(plain, looked)
  return all, fewer, vain
end

-- What rejecting needn't read is read once a batch, whatever was rejected.
local function assert_saves(make, keys, key)
  local all, fewer, vain = compare(make, keys)
  assert.equal(0, vain)
  assert.is_true(fewer[key.name] < all[key.name], ("%s was read %d times, %d without"):format(key.name, fewer[key.name], all[key.name]))
  return all, fewer
end

-- Looks come to nothing, and nothing is different.
local function assert_in_vain(make, keys, count, seed)
  local all, fewer, vain = compare(make, keys, count, seed)
  assert.equal(1, vain)
  return all, fewer
end

local function reject() return md.RejectIfEmpty { GT, 1 } end

describe("a look", function()
  setup(function()
    least, share = Look.least_voxels, Look.least_rejected
    Look.least_voxels, Look.least_rejected = 1, -1
  end)
  teardown(function() Look.least_voxels, Look.least_rejected = least, share end)

  it("reads the rest of accepted places only, and nothing twice", function()
    local all, fewer = assert_saves(function(judge) return sources() + md.RandomLocation {} + judge(reject()) end, { RAW, GT, MASK }, RAW)
    assert.equal(BATCHES, fewer.RAW)
    assert.equal(BATCHES, fewer.MASK)
    assert.equal(all.GT, fewer.GT)
  end)

  local augments = {
    ElasticAugment = function()
      return md.ElasticAugment { { 4, 4, 4 }, { 0, 2, 2 }, { 0, math.pi / 2 }, subsample = 2 }
    end,
    DeformAugment = function() return md.DeformAugment { { 40, 16, 16 }, { 0, 2, 2 }, rotate = false } end,
    SimpleAugment = function() return md.SimpleAugment { transpose_only = { 2, 3 } } end,
    ShiftAugment = function() return md.ShiftAugment { prob_slip = 0.4, prob_shift = 0.4, sigma = { 0, 6, 6 } } end,
    DefectAugment = function() return md.DefectAugment { FLOAT, 0.2, 0.2, prob_deform = 0.2, deformation_strength = 2 } end,
    NoiseAugment = function() return md.NoiseAugment { FLOAT, p = 0.6 } end,
    IntensityAugment = function() return md.IntensityAugment { FLOAT, 0.9, 1.1, -0.1, 0.1, z_section_wise = true, p = 0.7 } end,
    GammaAugment = function() return md.GammaAugment { { FLOAT }, 0.5, 2 } end,
    Normalize = function() return md.Normalize { RAW } end,
    Unsqueeze = function() return md.Unsqueeze { { GT, MASK } } end,
    GrowBoundary = function() return md.GrowBoundary { GT, MASK, steps = 1 } end,
  }
  local order = {}
  for name in pairs(augments) do order[#order + 1] = name end
  table.sort(order)
  local function padded()
    return sources() + md.Pad { RAW } + md.Pad { FLOAT, { 80, 24, 24 } } + md.Pad { MASK, { 80, 24, 24 } } + md.Pad { POINTS } + md.RandomLocation {}
  end

  for _, name in ipairs(order) do
    it("changes nothing with " .. name .. " on the way", function()
      assert_saves(function(judge) return padded() + augments[name]() + judge(reject()) end, { RAW, FLOAT, GT, MASK, POINTS }, RAW)
    end)
  end

  it("changes nothing with all of them on the way, and behind", function()
    local function chain(pipeline, names)
      for _, name in ipairs(names) do pipeline = pipeline + augments[name]() end
      return pipeline
    end
    assert_saves(function(judge)
      local before = chain(padded(), { "ElasticAugment", "SimpleAugment", "NoiseAugment", "GammaAugment", "IntensityAugment" })
      return chain(before + judge(reject()), { "DefectAugment", "GammaAugment", "IntensityAugment", "Unsqueeze" })
    end, { RAW, FLOAT, GT, MASK, POINTS }, FLOAT)
  end)

  it("changes nothing where a rejecting node stands between draws, seed by seed alone", function()
    local function make(look)
      local node = reject()
      node.look_ahead = look and node.look_ahead
      return (padded() + augments.IntensityAugment() + node + augments.GammaAugment() + augments.IntensityAugment()):build()
    end
    local with <close> = make(true)
    local without <close> = make(false)
    for seed = 1, 20 do
      local request = request_of { FLOAT, GT }
      request.random_seed = seed
      assert.equal(fingerprint(without:request_batch(request)), fingerprint(with:request_batch(request)))
    end
  end)

  it("keeps the context that nodes for other keys ask for", function()
    -- Affinities and weights widen what is asked of GT and MASK, and with it what RandomLocation and ElasticAugment draw.
    assert_saves(function(judge)
      return padded() + augments.ElasticAugment() + md.AddAffinities { { { -1, 0, 0 }, { 0, -2, 0 }, { 0, 0, 3 } }, GT, AFFS }
        + md.BalanceLabels { MASK, WEIGHTS } + judge(md.Reject { MASK, 0.9 })
    end, { RAW, GT, AFFS, WEIGHTS, MASK }, RAW)
  end)

  it("judges by what is made on the way", function()
    assert_saves(function(judge)
      return padded() + md.AddAffinities { { { 0, 0, 1 } }, GT, AFFS } + judge(md.RejectIf { md.policy.empty(AFFS) })
    end, { RAW, AFFS, GT }, RAW)
  end)

  it("judges by several keys, and graphs", function()
    assert_saves(function(judge)
      return sources() + md.RandomLocation {}
        + judge(md.RejectIf { md.policy.any(md.policy.empty(POINTS), md.policy.negate(md.policy.masked_below(MASK, 0.99))), p = 0.8 })
    end, { RAW, GT, MASK, POINTS }, RAW)
  end)

  it("tells where the place was", function()
    assert_saves(function(judge) return sources() + md.RandomLocation { random_shift_key = SHIFT } + judge(reject()) end, { RAW, GT }, RAW)
  end)

  it("goes the way that RandomProvider chose", function()
    local function make(judge)
      local function branch() return { one(RAW), one(GT) } + md.MergeProvider {} + md.RandomLocation {} end
      return { branch(), branch() + md.SimpleAugment { transpose_only = { 2, 3 } } } + md.RandomProvider { random_provider_key = WHICH } + judge(reject())
    end
    assert_saves(make, { RAW, GT }, RAW)
  end)

  it("takes a place at random from a list", function()
    local places = {}
    for i = 1, 12 do places[i] = { 200 + 40 * i, 20 + 4 * i, 70 + i } end
    assert_saves(function(judge) return sources() + md.SpecifiedLocation { places, true, jitter = { 40, 4, 4 } } + judge(reject()) end, { RAW, GT }, RAW)
  end)

  it("looks through a rejecting node", function()
    local all, fewer = assert_saves(function(judge)
      return padded() + judge(md.Reject { MASK, 0.6 }) + augments.ElasticAugment() + judge(reject())
    end, { RAW, FLOAT, GT, MASK }, RAW)
    assert.equal(BATCHES, fewer.RAW)
    assert.is_true(all.RAW > BATCHES)
  end)

  it("looks through a rejecting node that draws its verdict", function()
    assert_saves(function(judge)
      return padded() + judge(md.Reject { MASK, 0.95, reject_probability = 0.7 }) + augments.GammaAugment() + judge(reject()) + augments.IntensityAugment()
    end, { RAW, FLOAT, GT, MASK }, RAW)
  end)

  it("draws verdicts from the streams as they are without it", function()
    -- The verdict comes from the stream from which none of the augmentations draws after all.
    local Late = md.class("Late", md.BatchFilter)
    function Late:setup()
      if not self.spec[RAW] then return end
      local spec = self.spec[RAW]:copy()
      spec.dtype = "float32"
      self:updates(RAW, spec)
    end
    function Late:process(batch, request) batch[RAW].data = batch[RAW].data:astype "float32" * request.rng:random() end -- luacheck: ignore self
    local function make(before)
      return function(judge) return before() + judge(md.Reject { MASK, 0.95, reject_probability = 0.5 }) + augments.IntensityAugment() + Late {} end
    end
    assert_saves(make(padded), { RAW, FLOAT, MASK }, RAW)
    assert_saves(make(function() return padded() + augments.GammaAugment() end), { RAW, FLOAT, MASK }, RAW)
    assert_in_vain(make(function() return padded() + augments.IntensityAugment() end), { RAW, FLOAT, MASK })
  end)

  it("is given up where what it judges by takes draws that others make", function()
    for seed = 1, 3 do
      assert_in_vain(function(judge)
        return padded() + md.CopyMask { FLOAT, WEIGHTS } + md.IntensityAugment { FLOAT, 0.9, 1.1, -0.1, 0.1 } + md.IntensityAugment { WEIGHTS, 0.5, 1, -0.5, 0.5 }
          + judge(md.RejectIf { md.policy.mean_below(WEIGHTS, 0.4) })
      end, { RAW, FLOAT, WEIGHTS }, 1, seed)
    end
  end)

  it("is given up where nodes behind draw after what it judged by", function()
    assert_in_vain(function(judge)
      return padded() + augments.IntensityAugment() + judge(md.RejectIf { md.policy.mean_below(FLOAT, 0.5) }) + augments.GammaAugment()
    end, { RAW, FLOAT, GT })
  end)

  it("is given up at a node of one's own, which may draw as it likes", function()
    local Flicker = md.class("Flicker", md.BatchFilter)
    function Flicker:setup() self:updates(FLOAT, self.spec[FLOAT]) end
    function Flicker:process(batch, request)
      if batch[RAW].data:mean() > 120 then request.rng:random() end -- data decide how much is drawn
      batch[FLOAT].data = batch[FLOAT].data * request.rng:random()
    end
    local all, fewer = assert_in_vain(function(judge)
      return padded() + Flicker {} + judge(reject()) + augments.GammaAugment()
    end, { RAW, FLOAT, GT })
    assert.same(all, fewer)
  end)

  it("goes through a node of one's own that says so, and not through one derived from it", function()
    local Invert = md.class("Invert", md.BatchFilter)
    Invert.look_ahead = "dependencies"
    function Invert:setup()
      self:enable_autoskip()
      self:updates(RAW, self.spec[RAW])
    end
    function Invert:prepare(request)
      local dependencies = md.BatchRequest {}
      dependencies[RAW] = request[RAW]
      return dependencies
    end
    function Invert:process(batch) batch[RAW].data = 255 - batch[RAW].data end
    local Derived = md.class("Derived", Invert)
    assert_saves(function(judge) return padded() + Invert {} + judge(reject()) end, { RAW, GT }, RAW)
    assert_in_vain(function(judge) return padded() + Derived {} + judge(reject()) end, { RAW, GT })
    assert_in_vain(function(judge)
      local node = Invert {}
      node.look_ahead = false
      return padded() + node + judge(reject())
    end, { RAW, GT })
  end)

  it("is given up at a method of a node's own", function()
    local asked = 0
    local all, fewer = assert_in_vain(function(judge)
      local node = md.RandomLocation {}
      function node:accepts() -- luacheck: ignore self
        asked = asked + 1
        return asked % 3 ~= 0
      end
      asked = 0
      return sources() + node + judge(reject())
    end, { RAW, GT })
    assert.same(all, fewer)
  end)

  it("is given up where batches leave a trace", function()
    local folder = os.tmpname()
    os.remove(folder)
    assert_in_vain(function(judge) return sources() + md.RandomLocation {} + md.PrintProfilingStats { print = function() end } + judge(reject()) end, { RAW, GT })
    assert_in_vain(function(judge)
      return sources() + md.RandomLocation {} + md.DaCapoTargetFilter { md.OneHotPredictor { { "a", "b", "c", "d", "e", "f", "g", "h" } }, GT, AFFS, WEIGHTS, moving_counts = true }
        + judge(md.RejectIf { md.policy.empty(GT) })
    end, { RAW, GT, WEIGHTS })
    assert_in_vain(function(judge)
      return sources() + md.RandomLocation {} + md.Snapshot { { [GT] = "gt" }, output_dir = folder, every = 100, output_filename = "a.hdf" } + judge(reject())
    end, { RAW, GT })
    os.remove(folder .. "/a.hdf")
    os.remove(folder)
  end)

  it("doesn't go on behind the back of who takes what comes after all", function()
    for _, on_giving_up in ipairs { "accept", "error" } do
      local said = 0
      local function make(look)
        local node = md.RejectIfEmpty { GT, 1, max_attempts = 2, on_giving_up = on_giving_up }
        node.look_ahead = look and node.look_ahead
        function node:say() said = said + 1 end -- luacheck: ignore self
        return (sources() + md.RandomLocation {} + node + augments.IntensityAugment()):build()
      end
      local with <close> = make(true)
    local without <close> = make(false)
      for seed = 1, 12 do
        local request = request_of { FLOAT, GT, RAW }
        request.random_seed = seed
        local function result(p)
          local ok, batch = pcall(p.request_batch, p, request)
          return ok and fingerprint(batch) or tostring(batch):gsub("%d+%.%d s", "")
        end
        reads = {}
        assert.equal(result(without), result(with))
      end
      assert.is_true(said % 2 == 0 and (said > 0) == (on_giving_up == "accept"))
    end
  end)

  describe("of a function of one's own", function()
    local function policy(seen)
      return function(batch, _, attempt)
        seen[#seen + 1] = ("%d %s"):format(attempt, batch:names())
        return batch[GT].data:count(7) < 10
      end
    end

    it("is at everything", function()
      local seen = {}
      local all, fewer, vain = compare(function(judge) return sources() + md.RandomLocation {} + judge(md.RejectIf { policy(seen) }) end, { RAW, GT })
      assert.same(all, fewer)
      assert.equal(0, vain)
      assert.matches("^0 RAW, GT$", seen[1])
    end)

    it("is at what 'keys' says, as often as without", function()
      for _, keys in ipairs { GT, { GT } } do
        local seen = {}
        assert_saves(function(judge) return sources() + md.RandomLocation {} + judge(md.RejectIf { policy(seen), keys = keys }) end, { RAW, GT }, RAW)
        assert.equal("0 GT", seen[#seen // 2 + 1])
        assert.equal(0, #seen % 2)
      end
    end)

    it("is at everything when composed with what md.policy knows", function()
      assert.same({ GT, MASK }, md.policy.keys(md.policy.all(md.policy.empty(GT), md.policy.negate(md.policy.masked_below(MASK, 1)))))
      assert.is_nil(md.policy.keys(md.policy.any(md.policy.empty(GT), print)))
      assert.is_nil(md.policy.keys(md.policy.negate(print)))
    end)
  end)

  it("asks for everything when there is nothing else, or hardly anything", function()
    Look.least_voxels = 1e9
    local all, fewer, vain = compare(function(judge) return sources() + md.RandomLocation {} + judge(reject()) end, { RAW, GT })
    Look.least_voxels = 1
    assert.same(all, fewer)
    assert.equal(0, vain)
    all, fewer = compare(function(judge) return sources() + md.RandomLocation {} + judge(reject()) end, { GT })
    assert.same(all, fewer)
  end)

  it("begins when something was rejected, and ends when hardly anything is", function()
    Look.least_rejected = share
    local accepts = false
    local node = md.RejectIf { function(_, _, attempt) return not accepts and attempt < 1 end, keys = GT }
    local built <close> = (sources() + md.RandomLocation {} + node):build()
    local function reads_of(seed)
      reads = {}
      local request = request_of { RAW, GT }
      request.random_seed = seed
      built:request_batch(request):close()
      return reads.RAW, reads.GT
    end
    assert.same({ 2, 2 }, { reads_of(1) }) -- asked for whole, then looked at
    assert.same({ 1, 2 }, { reads_of(2) }) -- looked at only
    accepts = true
    for seed = 3, 40 do assert.same({ 1, 1 }, { reads_of(seed) }) end
    assert.is_true(node.rejected <= (node.judged + 1) * share)
    assert.equal(0, node.judged - 42)
    Look.least_rejected = -1
  end)

  it("raises what the whole batch would raise", function()
    local function message(look)
      local node = reject()
      node.look_ahead = look and node.look_ahead
      local built <close> = (sources() + md.RandomLocation {} + md.NoiseAugment { GT } + node):build()
      local request = request_of { RAW, GT }
      request.random_seed = 3
      local _, raised = pcall(built.request_batch, built, request)
      return tostring(raised)
    end
    assert.matches("noise augmentation needs float32", message(true))
    assert.equal(message(false), message(true))
    local request = request_of { RAW, OTHER }
    local built <close> = (sources() + md.RandomLocation {} + reject()):build()
    assert.has_error(function() built:request_batch(request) end)
  end)

  it("leaves nothing behind", function()
    local core = require "moondust.core"
    local built <close> = (padded() + augments.ElasticAugment() + reject()):build()
    local function batches(n)
      for batch in built:batches(request_of { RAW, FLOAT, GT, MASK }, { count = n, seed = 3 }) do batch:close() end
      collectgarbage()
      collectgarbage()
      return (core.memory())
    end
    local before = batches(3)
    assert.equal(before, batches(10))
  end)
end)
