-- Reject, RejectIf, RejectIfEmpty.
local md = require "moondust"
local core = require "moondust.core"
local battery = require "spec.support.battery"
local errors = require "spec.support.errors"

local RAW, LABELS, MASK, POINTS = battery.RAW, battery.LABELS, battery.MASK, battery.POINTS

local VALUE = md.ArrayKey "VALUE"

-- Delivers one of 0 … 9, drawn, in every voxel, and remembers seeds and what it drew.
local Dice = md.class("Dice", md.BatchProvider)
Dice.arity = 0
function Dice:init(fields) self.sides, self.asked, self.background = fields.sides or 10, {}, fields.background or 0 end
function Dice:setup() self:provides(VALUE, md.ArraySpec { roi = md.Roi({ 0 }, { 10 }), voxel_size = { 1 }, dtype = "uint8" }) end
function Dice:provide(request)
  local value = request.rng:np_randint(0, self.sides) + self.background
  self.asked[#self.asked + 1] = { seed = request.random_seed, value = value }
  local batch = md.Batch {}
  local roi = request[VALUE].roi
  batch[VALUE] = md.Array { md.zeros({ roi.shape[1] }, "uint8"):fill(value), md.ArraySpec { roi = roi, voxel_size = { 1 }, dtype = "uint8" } }
  return batch
end

local function request(seed) return md.BatchRequest { random_seed = seed, [VALUE] = md.Roi({ 0 }, { 10 }) } end
local function value(batch) return batch[VALUE].data[{ 1 }] end
local function below(n) return function(batch) return value(batch) < n end end

local function message(node, wanted, source)
  return errors.message(function()
    local p <close> = ((source or Dice {}) + node):build()
    p:request_batch(wanted or request(1))
  end)
end

describe("RejectIf", function()
  it("asks until the predicate is content, with another seed each time", function()
    local dice = Dice {}
    local p <close> = (dice + md.RejectIf { below(8) }):build()
    for seed = 1, 20 do
      dice.asked = {}
      assert.is_true(value(p:request_batch(request(seed))) >= 8)
      local seeds = {}
      for i, asked in ipairs(dice.asked) do
        assert.is_nil(seeds[asked.seed])
        seeds[asked.seed] = true
        assert.equal(i == #dice.asked, asked.value >= 8)
      end
    end
  end)

  it("asks attempt 0 with the seed that any filter upstream would see", function()
    local dice = Dice {}
    local p <close> = (dice + md.RejectIf { below(0) }):build()
    p:request_batch(request(42))
    assert.equal(core.seed_copy(core.seed_copy(42)), dice.asked[1].seed)
    assert.equal(1, #dice.asked)
  end)

  it("gives the same batch for the same seed", function()
    local p <close> = (Dice { sides = 200 } + md.RejectIf { below(150) }):build()
    local first = value(p:request_batch(request(3)))
    assert.equal(first, value(p:request_batch(request(3))))
  end)

  it("tells the predicate the attempt and the request", function()
    local attempts = {}
    local p <close> = (Dice {} + md.RejectIf { function(batch, wanted, attempt)
      assert.equal(10, wanted[VALUE].roi.shape[1])
      assert.equal(10, batch[VALUE].data.size)
      attempts[#attempts + 1] = attempt
      return attempt < 3
    end }):build()
    p:request_batch(request(1))
    assert.same({ 0, 1, 2, 3 }, attempts)
  end)

  it("takes whatever comes with probability 1 - p", function()
    local p <close> = (Dice { sides = 1 } + md.RejectIf { below(1), p = 0.3, max_attempts = 1 }):build()
    local given_up = 0
    for seed = 1, 200 do
      if not pcall(p.request_batch, p, request(seed)) then given_up = given_up + 1 end
    end
    assert.near(60, given_up, 20)
  end)

  it("gives up with an error", function()
    assert.matches("^RejectIf: gave up after 5 attempts %(%d+%.%d s%): the predicate rejected every batch; look at what is upstream, raise max_attempts, or take "
      .. "the last batch with on_giving_up = \"accept\"$", message(md.RejectIf { below(99), max_attempts = 5 }))
  end)

  it("gives up after a while", function()
    local started = core.clock()
    assert.matches("^RejectIf: gave up after %d+ attempts?.* raise timeout, or", message(md.RejectIf { below(99), max_attempts = 1e9, timeout = 0.05 }))
    assert.is_true(core.clock() - started < 5)
  end)

  it("gives up with the last batch, and says so", function()
    local said = {}
    local node = md.RejectIf { below(99), max_attempts = 3, on_giving_up = "accept" }
    function node:say(text) said[#said + 1] = self:name() .. ": " .. text end
    local dice = Dice {}
    local p <close> = (dice + node):build()
    local batch = p:request_batch(request(1))
    assert.equal(dice.asked[3].value, value(batch))
    assert.equal(1, #said)
    assert.matches("^RejectIf: gave up after 3 attempts .*; the last one is taken, as on_giving_up = \"accept\" says", said[1])
  end)

  it("keeps memory flat over many rejections", function()
    local p <close> = (Dice {} + md.RejectIf { function(_, _, attempt) return attempt < 400 end }):build()
    local _, before
    collectgarbage()
    core.reset_peak()
    before = core.memory()
    p:request_batch(request(1)):close()
    _ = select(2, core.memory())
    assert.is_true(_ - before < 64 * 1024)
  end)

  it("names itself when the predicate fails", function()
    assert.matches("^RejectIf: .*OTHER is not in the batch %(it has VALUE%)", message(md.RejectIf { md.policy.empty(md.ArrayKey "OTHER") }))
  end)

  it("refuses wrong options", function()
    assert.equal("RejectIf: 'predicate' is missing: a function", errors.bare(function() md.RejectIf {} end))
    assert.equal("RejectIf: 'p' must be a number from 0 to 1, not 2", errors.bare(function() md.RejectIf { print, 2 } end))
    assert.equal("RejectIf: 'on_giving_up' must be \"error\" or \"accept\", not \"maybe\"",
      errors.bare(function() md.RejectIf { print, on_giving_up = "maybe" } end))
    assert.equal("RejectIf: 'max_attempts' must be 1 or more, not 0", errors.bare(function() md.RejectIf { print, max_attempts = 0 } end))
    assert.equal("RejectIf: 'timeout' must be more than 0 seconds, not 0", errors.bare(function() md.RejectIf { print, timeout = 0 } end))
  end)
end)

describe("RejectIfEmpty", function()
  it("rejects nothing but background", function()
    local p <close> = (Dice { sides = 3 } + md.RejectIfEmpty { VALUE, p = 1 }):build()
    local q <close> = (Dice { sides = 3, background = 7 } + md.RejectIfEmpty { VALUE, p = 1, background = 7 }):build()
    for seed = 1, 30 do
      assert.is_true(value(p:request_batch(request(seed))) > 0)
      assert.is_true(value(q:request_batch(request(seed))) > 7)
    end
  end)

  it("draws whether it insists as the original does", function()
    local p <close> = (Dice { sides = 1 } + md.RejectIfEmpty { VALUE, p = 0.5, max_attempts = 1 }):build()
    for seed = 1, 50 do
      -- random.seed(request.random_seed) of the copy that provide() gets, then random() < p
      local insists = core.Rng(core.seed_copy(seed)):random() < 0.5
      assert.equal(not insists, (pcall(p.request_batch, p, request(seed))))
    end
  end)

  it("says what it looked for", function()
    assert.matches("^RejectIfEmpty: gave up after 4 attempts .*: VALUE was empty in every batch %(nothing but 0%);",
      message(md.RejectIfEmpty { VALUE, 1, max_attempts = 4 }, nil, Dice { sides = 1 }))
    assert.equal("RejectIfEmpty: can't reject on LABELS, which is not in the request; request:add(LABELS, …)",
      message(md.RejectIfEmpty { LABELS }, battery.request(1, RAW), battery.source()))
    assert.equal("RejectIfEmpty: LABELS is not provided upstream (there is VALUE)", message(md.RejectIfEmpty { LABELS }))
  end)

  it("takes graphs too", function()
    local roi = md.Roi({ 0, 0, 0 }, { 80, 24, 24 })
    local p <close> = (battery.source() + md.RandomLocation {} + md.RejectIfEmpty { POINTS, 1 }):build()
    for seed = 1, 10 do
      local wanted = md.BatchRequest { random_seed = seed, [RAW] = roi, [POINTS] = roi }
      assert.is_true(p:request_batch(wanted)[POINTS]:num_nodes() > 0)
    end
  end)
end)

describe("Reject", function()
  local roi = md.Roi({ 0, 0, 0 }, { 160, 24, 32 })
  local function masked(seed) return md.BatchRequest { random_seed = seed, [RAW] = roi, [MASK] = roi } end

  it("takes batches that are masked in", function()
    local p <close> = (battery.source() + md.RandomLocation {} + md.Reject { MASK, 0.75 }):build()
    for seed = 1, 20 do
      local data = p:request_batch(masked(seed))[MASK].data
      assert.is_true(data:sum() / data.size >= 0.75)
    end
  end)

  it("can be met exactly, where upstream's comparison can't", function()
    local p <close> = (battery.source() + md.RandomLocation {} + md.Reject { MASK, 1 }):build()
    assert.is_true(p:request_batch(masked(1))[MASK].data:all())
  end)

  it("takes batches with nodes", function()
    local p <close> = (battery.source() + md.RandomLocation {} + md.Reject { ensure_nonempty = POINTS }):build()
    local wanted = md.BatchRequest { random_seed = 1, [POINTS] = md.Roi({ 0, 0, 0 }, { 80, 24, 24 }) }
    assert.is_true(p:request_batch(wanted)[POINTS]:num_nodes() > 0)
  end)

  it("rejects with a probability, drawn anew for each batch", function()
    local p <close> = (battery.source() + md.Reject { MASK, 1, reject_probability = 0.5, max_attempts = 1 }):build()
    local taken = 0
    for seed = 1, 100 do
      local wanted = md.BatchRequest { random_seed = seed, [MASK] = battery.roi }
      if pcall(p.request_batch, p, wanted) then taken = taken + 1 end
    end
    assert.near(50, taken, 20)
  end)

  it("says what it looked for", function()
    assert.matches("^Reject: gave up after 3 attempts .*: MASK was non%-zero in less than 1 of its voxels in every batch;",
      message(md.Reject { MASK, 1, max_attempts = 3 }, md.BatchRequest { random_seed = 1, [MASK] = battery.roi }, battery.source()))
    assert.equal("Reject: can't reject on MASK, which is not in the request; request:add(MASK, …)",
      message(md.Reject { MASK }, battery.request(1, RAW), battery.source()))
    assert.equal("Reject: give it a mask, or a graph as ensure_nonempty, to judge by", errors.bare(function() md.Reject {} end))
  end)
end)

local function with_mask(seed)
  local roi = md.Roi({ 0, 0, 0 }, { 160, 24, 32 })
  return md.BatchRequest { random_seed = seed, [RAW] = roi, [MASK] = roi, [LABELS] = roi }
end
for name, node in pairs {
  Reject = function() return md.Reject { MASK, 0.8 } end,
  RejectIf = function() return md.RejectIf { md.policy.any(md.policy.mean_below(RAW, 100), md.policy.masked_below(MASK, 0.5)), p = 0.7 } end,
  RejectIfEmpty = function() return md.RejectIfEmpty { LABELS, 1 } end,
} do
  battery.node(name, { pipeline = function() return battery.source() + md.RandomLocation {} + node() end, request = with_mask, random = true })
end
