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
