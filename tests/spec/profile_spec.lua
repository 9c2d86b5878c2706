-- md.Profile and PrintProfilingStats.
local md = require "moondust"
local battery = require "spec.support.battery"
local errors = require "spec.support.errors"

describe("Profile", function()
  it("summarises, most expensive first", function()
    local profile = md.Profile()
    for _, seconds in ipairs { 0.3, 0.1, 0.2 } do profile:add("A", "process", seconds) end
    profile:add("B", "process", 5)
    profile:add("B", "prepare", 1)
    profile:add("B", "process", 6)
    local list = profile:summaries()
    assert.equal(3, #list)
    assert.same({ "B", "process", 2 }, { list[1].node, list[1].method, list[1].count })
    assert.same({ "B", "prepare", 1 }, { list[2].node, list[2].method, list[2].count })
    assert.equal(5.5, list[1].median)
    assert.equal(0.2, list[3].median)
    assert.near(0.2, list[3].mean, 1e-12)
    assert.equal(0.1, list[3].min)
    assert.equal(0.3, list[3].max)
  end)

  it("takes in others without changing them", function()
    local a, b = md.Profile(), md.Profile()
    a:add("A", "process", 1)
    b:add("A", "process", 2)
    b:add("C", "process", 3)
    a:merge(b)
    assert.equal(2, a:summaries()[1].count + 0)
    assert.equal(2, #a:summaries())
    assert.equal(1, b:summaries()[2].count)
  end)

  it("prints a table for people", function()
    local profile = md.Profile()
    profile:add("Normalize", "process", 0.0015)
    local text = tostring(profile)
    assert.matches("^NODE +METHOD +COUNTS +MIN ms +MEDIAN +MEAN +MAX +SHARE\nNormalize +process +1 +1.500 +1.500 +1.500 +1.500 +100.0%%\n", text)
    assert.matches("peak of array memory: %d+%.%d MiB$", text)
    assert.matches("peak of array memory", md.Profile():report())
  end)

  it("notes any number of nodes", function()
    local profile = md.Profile()
    for i = 1, 40 do profile:note("N" .. i, i > 1 and 0.5, 1) end
    local rows = profile:all_rows()
    assert.equal(79, #rows)
    assert.same({ node = "N40", method = "process", times = { 1 } }, rows[79])
    profile:note("N1", false, 2)
    assert.same({ 1, 2 }, profile:all_rows()[1].times)
  end)

  it("counts a node's own time only", function()
    local Slow = md.class("Slow", md.BatchFilter)
    local core = require "moondust.core"
    function Slow:process()
      local stop = core.clock() + 0.02
      while core.clock() < stop do end
    end
    local Above = md.class("Above", md.BatchFilter)
    function Above:process() end
    local p <close> = (battery.source() + Slow {} + Above {}):build()
    local seconds = {}
    for _, row in ipairs(p:request_batch(battery.request(1)).profiling_stats:summaries()) do
      seconds[row.node] = (seconds[row.node] or 0) + row.total
    end
    assert.is_true(seconds.Slow >= 0.02)
    assert.is_true(seconds.Above < 0.02)
    assert.is_true(seconds.WorldSource < 0.02)
  end)
end)

describe("PrintProfilingStats", function()
  it("reports every so many batches what happened since", function()
    local reports = {}
    local p <close> = (battery.source() + md.RandomLocation {} + md.PrintProfilingStats { 3, print = function(text) reports[#reports + 1] = text end }):build()
    for seed = 1, 7 do p:request_batch(battery.request(seed)) end
    assert.equal(2, #reports)
    for i, text in ipairs(reports) do
      assert.matches("WorldSource +process +3 ", text)
      assert.matches("RandomLocation +prepare +3 ", text)
      assert.matches("RandomLocation +process +3 ", text)
      assert.matches("\nTOTAL +upstream +3 ", text)
      assert.matches("\nTOTAL +downstream +" .. (i == 1 and 2 or 3) .. " ", text)
      assert.is_nil(text:find "PrintProfilingStats")
    end
  end)

  it("counts nothing twice when one request passes several times", function()
    local reports = {}
    local p <close> = (battery.source() + md.PrintProfilingStats { 4, print = function(text) reports[#reports + 1] = text end } + md.Stack { 4 }):build()
    p:request_batch(battery.request(1))
    assert.equal(1, #reports)
    assert.matches("WorldSource +process +4 ", reports[1])
  end)

  it("refuses wrong options", function()
    assert.equal("PrintProfilingStats: 'every' must be 1 or more, not 0", errors.bare(function() md.PrintProfilingStats { 0 } end))
  end)
end)

battery.node("PrintProfilingStats", {
  node = function() return md.PrintProfilingStats { print = function() end } end, deterministic = true, untouched = { battery.LABELS },
})
