-- The battery itself, on nodes that do nothing, and on some that are wrong.
local md = require "moondust"
local battery = require "spec.support.battery"

local Nothing = md.class("Nothing", md.BatchFilter)
function Nothing:process() end

battery.node("a node that does nothing", {
  node = function() return Nothing {} end, deterministic = true, untouched = { battery.LABELS },
  request = function(seed) return battery.request(seed, battery.RAW, battery.LABELS, battery.POINTS) end,
})

battery.node("a bare source", { pipeline = function() return md.Pipeline { battery.source() } end, deterministic = true })

describe("the world of the battery", function()
  it("has arrays that differ everywhere", function()
    local world = battery.world()
    assert.is_true(world[battery.RAW].data:unique().size > 200)
    assert.is_true(world[battery.LABELS].data:unique().size > 20)
    assert.equal(30, world[battery.POINTS]:num_nodes())
  end)
end)

describe("the battery notices", function()
  local RAW, FLOAT = battery.RAW, battery.FLOAT

  local function fails(test, process, options)
    local Wrong = md.class("Wrong", md.BatchFilter)
    Wrong.process = process
    options = options or {}
    function Wrong:setup() if options.setup then options.setup(self) end end
    options.node = function() return Wrong {} end
    assert.has_error(function() battery.tests[test](battery.complete(options)) end)
  end

  it("what depends on the tile", function()
    fails("tiles", function(_, batch) batch[RAW].data = batch[RAW].data - batch[RAW].data:mean() end)
  end)

  it("what depends on the number of threads", function()
    fails("threads", function(_, batch) batch[RAW].data = batch[RAW].data + md.threads() end)
  end)

  it("what depends on more than the seed", function()
    local n = 0
    fails("seeds", function(_, batch)
      n = n + 1
      batch[RAW].data = batch[RAW].data + n
    end)
  end)

  it("seeds that matter where they shouldn't, and don't where they should", function()
    fails("seeds", function(_, batch, request) batch[RAW].data = batch[RAW].data + request.rng:randint(0, 100) end, { deterministic = true })
    fails("seeds", function() end, { random = true })
  end)

  it("a spec that isn't what was announced", function()
    fails("spec", function(_, batch)
      batch[RAW].data = batch[RAW].data:astype "float32"
      batch[RAW].spec.dtype = "float32"
    end)
    fails("spec", function(_, batch) batch[RAW].spec.interpolatable = false end)
  end)

  it("changes of upstream's arrays", function()
    local data = battery.world()[FLOAT].data
    fails("unchanged", function() battery.world()[FLOAT].data = data + 1 end)
    battery.world()[FLOAT].data = data
  end)

  it("bytes that are kept", function()
    local kept = {}
    fails("memory", function(_, batch) kept[#kept + 1] = batch[RAW].data:copy() end)
  end)

  it("a node that changes what it doesn't concern", function()
    fails("untouched", function(_, batch) batch[battery.LABELS].data = batch[battery.LABELS].data + 1 end, { untouched = { battery.LABELS } })
  end)
end)
