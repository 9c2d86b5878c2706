local md = require "moondust"
local battery = require "spec.support.battery"
local errors = require "spec.support.errors"

local RAW, LABELS, MASK, POINTS = battery.RAW, battery.LABELS, battery.MASK, battery.POINTS

local function reference(rois)
  local made = md.BatchRequest {}
  for key, roi in pairs(rois) do made[key] = roi end
  return made
end

local chunk = { [RAW] = md.Roi({ 0, 0, 0 }, { 160, 20, 24 }) }
local region = md.Roi({ 120, 0, 20 }, { 600, 64, 100 })

-- A filter that notes seeds and where RAW is requested.
local function noting(log)
  local Note = md.class("Note", md.BatchFilter)
  function Note:prepare(request) log[#log + 1] = { request.random_seed, tostring(request[RAW].roi.begin) } end
  function Note:process() end
  return Note {}
end

describe("Scan", function()
  it("puts chunks together that don't divide the region", function()
    local p <close> = (battery.source() + md.Scan { reference(chunk) }):build()
    local batch = p:request_batch(md.BatchRequest { random_seed = 1, [RAW] = region })
    assert.is_true(batch[RAW].data:equal(battery.world()[RAW]:crop(region).data))
  end)

  it("puts several arrays and channels together", function()
    local both = { [RAW] = md.Roi({ 0, 0, 0 }, { 160, 24, 32 }), [LABELS] = md.Roi({ 40, 4, 8 }, { 80, 16, 16 }) }
    local inner = region:grow({ -40, -4, -8 }, { -40, -4, -8 })
    local p <close> = (battery.source() + md.Unsqueeze { { LABELS } } + md.Scan { reference(both) }):build()
    local batch = p:request_batch(md.BatchRequest { random_seed = 1, [RAW] = region, [LABELS] = inner })
    assert.is_true(batch[RAW].data:equal(battery.world()[RAW]:crop(region).data))
    assert.equal(1, batch[LABELS].data.shape[1])
    assert.is_true(batch[LABELS].data[1]:equal(battery.world()[LABELS]:crop(inner).data))
  end)

  it("puts nodes together, and edges between nodes that are there whole", function()
    local p <close> = (battery.source() + md.Scan { reference { [POINTS] = md.Roi({ 0, 0, 0 }, { 160, 20, 24 }), [RAW] = md.Roi({ 0, 0, 0 }, { 160, 20, 24 }) } }):build()
    local batch, expected = p:request_batch(md.BatchRequest { random_seed = 1, [POINTS] = region, [RAW] = region }), battery.world()[POINTS]:nodes_in(region)
    local got = {}
    for node in batch[POINTS]:nodes() do
      if not node.temporary then got[#got + 1] = node.id end
    end
    table.sort(got)
    table.sort(expected)
    assert.same(expected, got)
    assert.is_true(#got > 3)
    assert.equal(region, batch[POINTS].spec.roi)
  end)

  it("scans everything for an empty request, and returns nothing", function()
    local log, seen = {}, {}
    local p <close> = (battery.source() + noting(log) + md.Scan { reference { [RAW] = md.Roi({ 0, 0, 0 }, { 400, 60, 128 }) },
      progress_callback = function(done, all) seen[#seen + 1] = done .. "/" .. all end }):build()
    local batch = p:request_batch(md.BatchRequest { random_seed = 1 })
    assert.equal(0, #batch)
    local begins = {}
    for i, entry in ipairs(log) do begins[i] = entry[2] end
    assert.same({ "(80, -8, 16)", "(480, -8, 16)", "(80, 52, 16)", "(480, 52, 16)" }, begins)
    assert.same({ "0/4", "1/4", "2/4", "3/4", "4/4" }, seen)
  end)

  it("tells an object of its progress", function()
    local log, callback = {}, {}
    function callback:start(all) log[#log + 1] = "start " .. all end
    function callback:update(done) log[#log + 1] = "update " .. done end
    function callback:stop() log[#log + 1] = "stop" end
    local p <close> = (battery.source() + md.Scan { reference { [RAW] = md.Roi({ 0, 0, 0 }, { 400, 120, 128 }) }, progress_callback = callback }):build()
    p:request_batch(md.BatchRequest {})
    assert.same({ "start 2", "update 1", "update 2", "stop" }, log)
  end)

  it("gives each chunk a seed of its own, the same for the same request", function()
    local function seeds(seed, own)
      local log, wanted = {}, reference(chunk)
      if own then rawset(wanted, "random_seed", own) end
      local p <close> = (battery.source() + noting(log) + md.Scan { wanted }):build()
      p:request_batch(md.BatchRequest { random_seed = seed, [RAW] = region })
      local list, seen = {}, {}
      for i, entry in ipairs(log) do
        list[i] = entry[1]
        assert.is_nil(seen[entry[1]])
        seen[entry[1]] = true
      end
      return list
    end
    assert.same(seeds(1), seeds(1))
    assert.not_same(seeds(1), seeds(2))
    assert.same(seeds(1, 5), seeds(2, 5))
  end)

  it("strides by the voxel sizes' least common multiple", function()
    local OUT, log = md.ArrayKey "OUT", {}
    local two = { [RAW] = md.Roi({ 0, 0, 0 }, { 120, 12, 12 }), [OUT] = md.Roi({ 0, 0, 0 }, { 160, 16, 16 }) }
    local p <close> = (battery.source() + md.DownSample { RAW, 2, OUT } + noting(log) + md.Scan { reference(two) }):build()
    local roi = md.Roi({ 160, 0, 16 }, { 320, 32, 32 })
    local batch = p:request_batch(md.BatchRequest { random_seed = 1, [OUT] = roi, [RAW] = md.Roi({ 160, 0, 16 }, { 280, 28, 28 }) })
    assert.is_true(batch[OUT].data:equal(battery.world()[RAW]:crop(roi).data[{ { 1, 8, 2 }, { 1, 8, 2 }, { 1, 8, 2 } }]))
    assert.equal(27, #log)
  end)

  it("refuses to leave voxels uncovered", function()
    local both = { [RAW] = md.Roi({ 0, 0, 0 }, { 160, 24, 32 }), [LABELS] = md.Roi({ 40, 4, 8 }, { 80, 16, 16 }) }
    local p <close> = (battery.source() + md.Scan { reference(both) }):build()
    assert.equal("Scan: the reference, kept inside of everything that is wanted, covers [160:680, 4:60, 28:112] (520, 56, 84) of LABELS's ROI "
      .. "[120:720, 0:64, 20:120] (600, 64, 100); let ROIs lie in the request as in the reference", errors.message(function()
      p:request_batch(md.BatchRequest { random_seed = 1, [RAW] = region, [LABELS] = region })
    end))
  end)

  it("says what is wrong", function()
    assert.equal("Scan: 'reference' asks for nothing", errors.bare(function() md.Scan { md.BatchRequest {} } end))
    assert.equal("Scan: 'reference' must be a BatchRequest, not 5", errors.bare(function() md.Scan { 5 } end))
    assert.equal("Scan: 'num_workers' must be 1 or more, not 0", errors.bare(function() md.Scan { reference(chunk), 0 } end))
    assert.equal("Scan: 'progress_callback' must be a function or have :start(all), :update(done) or :stop()",
      errors.bare(function() md.Scan { reference(chunk), progress_callback = {} } end))
    local function message(rois, wanted)
      return errors.message(function()
        local p <close> = (battery.source() + md.Scan { reference(rois) }):build()
        p:request_batch(md.BatchRequest(wanted or {}))
      end)
    end
    assert.equal("Scan: the reference's smallest ROI is 20 on axis 1, less than the voxel sizes' least common multiple (40, 4, 4)",
      message { [RAW] = md.Roi({ 0, 0, 0 }, { 40, 8, 8 }), [POINTS] = md.Roi({ 0, 0, 0 }, { 20, 8, 8 }) })
    assert.equal("Scan: the reference wants RAW in 2 dimensions, it has 3", message { [RAW] = md.Roi({ 0, 0 }, { 40, 8 }) })
    assert.equal("Scan: the reference must want RAW in a bounded ROI, not in nil", message { [RAW] = md.ArraySpec {} })
    assert.equal("Scan: the reference's ROI [0:1600, 0:8, 0:8] (1600, 8, 8) of RAW doesn't fit into [80:880, -8:112, 16:144] (800, 120, 128); scan more, or give a smaller reference",
      message { [RAW] = md.Roi({ 0, 0, 0 }, { 1600, 8, 8 }) })
    assert.equal("Scan: MASK is wanted, the reference has RAW only", message(chunk, { [MASK] = region, [RAW] = region }))
    assert.equal("Scan: the request (MASK) has nothing that the reference (RAW) has", message(chunk, { [MASK] = region }))
    assert.equal("Scan: what is to be scanned has no bounds: ask for a bounded ROI, or put md.Scan upstream of the node that takes them away", errors.message(function()
      local p <close> = (battery.source() + md.Pad { RAW } + md.Scan { reference(chunk) }):build()
      p:request_batch(md.BatchRequest {})
    end))
  end)
end)

battery.node("Scan", {
  node = function() return md.Scan { reference { [RAW] = md.Roi({ 0, 0, 0 }, { 160, 24, 32 }), [LABELS] = md.Roi({ 40, 8, 12 }, { 80, 8, 8 }) } } end,
  request = function(seed)
    return md.BatchRequest { random_seed = seed, [RAW] = md.Roi({ 280, 12, 36 }, { 400, 64, 72 }), [LABELS] = md.Roi({ 320, 20, 48 }, { 320, 48, 48 }) }
  end,
})
