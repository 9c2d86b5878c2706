local md = require "moondust"
local battery = require "spec.support.battery"
local errors = require "spec.support.errors"

local RAW, LABELS, POINTS = battery.RAW, battery.LABELS, battery.POINTS

local roi = md.Roi({ 0, 0, 0 }, { 160, 24, 32 })
local function request(seed) return md.BatchRequest { random_seed = seed, [RAW] = roi, [LABELS] = roi, [POINTS] = roi } end

describe("Stack", function()
  it("stacks different batches along a new first axis", function()
    local p <close> = (battery.source() + md.RandomLocation {} + md.Stack { 3 }):build()
    local batch <close> = p:request_batch(request(1))
    assert.same({ 3, 4, 6, 8 }, batch[RAW].data.shape)
    assert.same({ 3, 4, 6, 8 }, batch[LABELS].data.shape)
    assert.equal(roi, batch[RAW].spec.roi)
    assert.is_false(batch[RAW].data[1]:equal(batch[RAW].data[2]))
    assert.is_false(batch[RAW].data[2]:equal(batch[RAW].data[3]))
  end)

  it("keeps what belongs together together", function()
    local p <close> = (battery.source() + md.RandomLocation { ensure_nonempty = POINTS } + md.Stack { 2 }):build()
    local batch = p:request_batch(request(1))
    assert.is_true(batch[POINTS]:num_nodes() > 0)
    local one <close> = (battery.source() + md.Stack { 2 }):build()
    local wanted = battery.request(1, RAW)
    local whole = one:request_batch(wanted)[RAW].data
    local expected = battery.world()[RAW]:crop(wanted[RAW].roi).data
    assert.is_true(whole[1]:equal(expected) and whole[2]:equal(expected))
  end)

  it("names arrays that don't fit on one another", function()
    local Odd = md.class("Odd", md.BatchFilter)
    function Odd:setup()
      self.n = 0
      local spec = self.spec[RAW]:copy()
      spec.dtype = nil -- it changes from batch to batch
      self:updates(RAW, spec)
    end
    function Odd:process(batch)
      self.n = self.n + 1
      batch[RAW].data = batch[RAW].data:astype(self.n == 1 and "uint8" or "float32")
    end
    local p <close> = (battery.source() + Odd {} + md.Stack { 2 }):build()
    assert.equal("Stack: can't stack RAW: batch 1 has it as uint8 {10, 16, 18}, batch 2 as float32 {10, 16, 18}",
      errors.message(function() p:request_batch(battery.request(1, RAW)) end))
  end)

  it("refuses to stack nothing", function()
    assert.equal("Stack: 'num_repetitions' must be 1 or more, not 0", errors.bare(function() md.Stack { 0 } end))
    assert.equal("Stack: 'num_repetitions' is missing: a whole number", errors.bare(function() md.Stack {} end))
  end)
end)

battery.node("Stack", {
  pipeline = function() return battery.source() + md.RandomLocation {} + md.Stack { 2 } end, request = request, random = true,
})
