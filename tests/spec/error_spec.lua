-- The error that a pipeline raises.
local md = require "moondust"
local battery = require "spec.support.battery"
local errors = require "spec.support.errors"
local pipeline_error = require "moondust.error"

local RAW = battery.RAW

local function failing(raise)
  local Failing = md.class("Failing", md.BatchFilter)
  Failing.process = raise
  local Above = md.class("Above", md.BatchFilter)
  function Above:process() end
  return battery.source() + Failing {} + Above {}
end

local function raised(pipeline, request)
  return errors.raised(function()
    local p <close> = pipeline:build()
    p:request_batch(request or battery.request(7, RAW))
  end)
end

describe("a pipeline's error", function()
  it("names node, key, ROI, request and cause", function()
    local roi = md.Roi({ 0 }, { 4 })
    local e = raised(failing(function(self) self:fail({ key = RAW, roi = roi }, "%s is %d too %s", RAW, 3, "thin") end))
    assert.is_true(pipeline_error.is_error(e))
    assert.equal("Failing", e.node)
    assert.equal("RAW", e.key)
    assert.equal(roi, e.roi)
    assert.equal("RAW is 3 too thin", e.cause)
    assert.matches("error_spec.lua", e.traceback)
    assert.matches("^Failing: RAW is 3 too thin\n  %(serving RAW %[280:680, .*, seed %d+%)$", tostring(e))
  end)

  it("takes a lone sentence literally", function()
    assert.equal("100% of %s", raised(failing(function(self) self:fail "100% of %s" end)).cause)
  end)

  it("wraps what a node of one's own raises, with the place", function()
    local e = raised(failing(function() error "boom" end))
    assert.equal("Failing", e.node)
    assert.matches("error_spec.lua:%d+: boom", e.cause)
    assert.matches("stack traceback", e.traceback)
    local value = { code = 5 }
    assert.equal(value, raised(failing(function() error(value) end)).cause)
    assert.equal("Failing", raised(failing(function() return nil + 1 end)).node)
  end)

  it("names the node of an inner pipeline as it is", function()
    local inner = failing(function(self) self:fail "inner" end):build()
    local e = raised(failing(function() inner:request_batch(battery.request(1, RAW)) end))
    inner:close()
    assert.equal("inner", e.cause)
  end)

  it("leaves the pipeline usable", function()
    local fail = true
    local p <close> = failing(function(self) if fail then self:fail "once" end end):build()
    assert.has_error(function() p:request_batch(battery.request(1, RAW)) end)
    fail = false
    assert.is_not_nil(p:request_batch(battery.request(1, RAW))[RAW])
  end)

  it("names the node that couldn't be set up", function()
    local e = raised(battery.source() + md.RandomLocation { mask = md.ArrayKey "NONE", min_masked = 0.5 })
    assert.equal("RandomLocation", e.node)
    assert.equal("NONE", e.key)
    assert.is_nil(e.request)
  end)

  it("refuses what is no request", function()
    local p <close> = battery.source():build()
    assert.matches("request_batch wants a BatchRequest, not 5", errors.message(function() p:request_batch(5) end))
  end)
end)
