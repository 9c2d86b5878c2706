-- CopyMask: an array under a second key.
local md = require "moondust"
local battery = require "spec.support.battery"
local errors = require "spec.support.errors"

local A, COPY = md.ArrayKey "A", md.ArrayKey "COPY"

local function source(values)
  local data = md.ndarray(values, "uint8")
  local array = md.Array { data, md.ArraySpec { roi = md.Roi({ 0 }, { data.shape[data.ndim] }), voxel_size = { 1 } } }
  return md.ArraySource { A, array }, array
end

describe("CopyMask", function()
  it("collapses channels by their maximum and leaves the source whole", function() -- upstream collapses both
    local node, array = source { { 0, 1, 0 }, { 0, 0, 2 } }
    local p <close> = (node + md.CopyMask { A, COPY, true }):build()
    local batch = p:request_batch(md.BatchRequest { [A] = md.Roi({ 0 }, { 3 }), [COPY] = md.Roi({ 0 }, { 3 }) })
    assert.same({ { 0, 1, 0 }, { 0, 0, 2 } }, batch[A].data:totable())
    assert.same({ 0, 1, 2 }, batch[COPY].data:totable())
    assert.same({ { 0, 1, 0 }, { 0, 0, 2 } }, array.data:totable())
  end)

  it("copies with channels by default, and arrays without them", function()
    local p <close> = (source { { 0, 1, 0 } } + md.CopyMask { A, COPY }):build()
    assert.same({ { 0, 1 } }, p:request_batch(md.BatchRequest { [COPY] = md.Roi({ 0 }, { 2 }) })[COPY].data:totable())
    local q <close> = (source { 0, 1, 0 } + md.CopyMask { A, COPY, drop_channels = true }):build()
    assert.same({ 1, 0 }, q:request_batch(md.BatchRequest { [COPY] = md.Roi({ 1 }, { 2 }) })[COPY].data:totable())
  end)

  it("serves both in places of their own", function()
    local p <close> = (source { 5, 6, 7, 8 } + md.CopyMask { A, COPY }):build()
    local batch = p:request_batch(md.BatchRequest { [A] = md.Roi({ 0 }, { 2 }), [COPY] = md.Roi({ 2 }, { 2 }) })
    assert.same({ 5, 6 }, batch[A].data:totable())
    assert.same({ 7, 8 }, batch[COPY].data:totable())
  end)

  it("makes copies that change alone", function()
    local p <close> = (source { 5, 6 } + md.CopyMask { A, COPY }):build()
    local batch = p:request_batch(md.BatchRequest { [A] = md.Roi({ 0 }, { 2 }), [COPY] = md.Roi({ 0 }, { 2 }) })
    batch[COPY].data:fill(0)
    assert.same({ 5, 6 }, batch[A].data:totable())
  end)

  it("says what is wrong", function()
    assert.equal("CopyMask: A is provided already", errors.message(function() (source { 1 } + md.CopyMask { A, A }):build() end))
    assert.equal("CopyMask: COPY is not provided upstream (there is A)", errors.message(function() (source { 1 } + md.CopyMask { COPY, A }):build() end))
    assert.equal("CopyMask: 'drop_channels' must be true or false, not 1", errors.bare(function() md.CopyMask { A, COPY, 1 } end))
  end)
end)

battery.node("CopyMask", {
  pipeline = function() return battery.source() + md.Unsqueeze { battery.MASK } + md.CopyMask { battery.MASK, COPY, true } end,
  request = function(seed)
    local request = battery.request(seed, battery.MASK, battery.LABELS)
    request[COPY] = md.Roi({ 280, 12, 36 }, { 240, 40, 40 })
    return request
  end,
  deterministic = true, untouched = { battery.LABELS, battery.RAW },
})
