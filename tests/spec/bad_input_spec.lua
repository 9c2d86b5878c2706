-- What whole pipelines say to a node, a request or a use that makes no sense; what single nodes say stands with each node.
local md = require "moondust"
local core = require "moondust.core"
local battery = require "spec.support.battery"
local errors = require "spec.support.errors"

local RAW, LABELS, B = battery.RAW, battery.LABELS, md.ArrayKey "B"

local function mine(methods)
  local Mine = md.class("Mine", md.BatchFilter)
  function Mine:process() end
  for name, method in pairs(methods) do Mine[name] = method end
  return Mine {}
end

local function raised(methods, more)
  return errors.raised(function()
    local p <close> = (battery.source() + mine(methods) + (more or md.Normalize { RAW })):build()
    p:request_batch(battery.request(1))
  end)
end

local function says(methods, more) return (tostring(raised(methods, more)):match "^[^\n]*") end

describe("A node of one's own that", function()
  it("raises is named with its request, and keeps cause and traceback", function()
    local inner = function() error "too dark" end
    local e = raised { process = function(_, batch) inner(batch) end }
    assert.equal("Mine", e.node)
    assert.matches("^tests/spec/bad_input_spec.lua:%d+: too dark$", e.cause)
    assert.matches("upvalue 'inner'", e.traceback)
    assert.matches("^Mine: tests/spec/bad_input_spec.lua:%d+: too dark\n  %(serving RAW %[280:680, 12:76, 36:108%] %(400, 64, 72%), LABELS .*, seed %d+%)$",
      tostring(e))
    local thing = setmetatable({}, { __tostring = function() return "a thing" end })
    e = raised { skip_node = function() error(thing) end }
    assert.equal(thing, e.cause)
    assert.matches("^Mine: a thing\n", tostring(e))
  end)

  it("raises nothing, or runs out of stack, is named all the same", function()
    assert.equal("Mine: nil", says { process = function() error() end })
    assert.matches("^Mine: .*stack overflow", says { process = function()
      local function f() return 1 + f() end
      return f()
    end })
    assert.matches("^Mine: attempt to yield", says { process = function() coroutine.yield() end })
  end)

  it("prepares nonsense", function()
    assert.equal("Mine: prepare() must return a BatchRequest or nil, not a table", says { prepare = function() return {} end })
    assert.equal("Mine: prepare() must return a BatchRequest or nil, not true", says { prepare = function() return true end })
    assert.equal("WorldSource: B is not provided here (there is RAW, FLOAT, LABELS, MASK, POINTS)",
      says { prepare = function() return md.BatchRequest { [B] = md.Roi({ 0, 0, 0 }, { 40, 4, 4 }) } end })
    assert.equal("WorldSource: RAW is wanted in ROI [0:40000, 0:76, 0:108] (40000, 76, 108), it is there in [80:880, -8:112, 16:144] (800, 120, 128) only; "
      .. "ask inside of it, or put md.Pad{ RAW } upstream", says { prepare = function() return md.BatchRequest { [RAW] = md.Roi({ 0, 0, 0 }, { 40000, 4, 4 }) } end })
    assert.equal("WorldSource: the shape of RAW's ROI [280:680, 12:76, 21:108] (400, 64, 87) is not a multiple of the voxel size (40, 4, 4) on axis 3; "
      .. "roi:snap_to_grid{40, 4, 4} makes it one", says { prepare = function() return md.BatchRequest { [RAW] = md.Roi({ 280, 12, 21 }, { 40, 4, 4 }) } end })
    assert.matches("^Mine: .*RAW is not in the batch %(it has LABELS%)$", says { prepare = function(_, request) request[RAW] = nil end })
  end)

  it("delivers nonsense", function()
    assert.equal("Mine: process() must return a Batch or nil, not a table", says { process = function() return {} end })
    assert.equal("Mine: RAW's ROI [280:680, 12:76, 36:108] (400, 64, 72) is (10, 16, 18) voxels, the array delivered has shape {1, 2, 3}",
      says { process = function(_, batch) batch[RAW].data = core.zeros { 1, 2, 3 } end })
    assert.equal("Mine: RAW's ROI [280:680, 12:76, 36:108] (400, 64, 72) is (10, 16, 18) voxels, the array delivered has shape {3}",
      says { process = function(_, batch) batch[RAW].data = core.zeros { 3 } end })
    assert.matches("^Mine: .*RAW covers ROI %[0:40, 0:4, 0:4%] %(40, 4, 4%), which doesn't contain %[280:680, 12:76, 36:108%] %(400, 64, 72%)$",
      says { process = function(_, batch) batch[RAW].spec.roi = md.Roi({ 0, 0, 0 }, { 40, 4, 4 }) end })
    assert.equal("Mine: RAW.data must be an ndarray, not 5", says { process = function(_, batch) batch[RAW].data = 5 end })
    assert.equal("Mine: RAW.spec must be an ArraySpec, not nil", says { process = function(_, batch) batch[RAW].spec = nil end })
    assert.equal("Mine: process() must return a Batch or nil, not a table", says { process = function() return md.Batch end })
    assert.matches("^Mine: .*this array was closed$", says { process = function(_, batch) batch[RAW].data:close() end })
    assert.matches("^Mine: .*RAW in a batch must be an md.Array, not 5$", says { process = function(_, batch) batch[RAW] = 5 end })
    assert.matches("^Mine: .*RAW is not in the batch %(it has LABELS%)$", says { process = function(_, batch) batch[RAW] = nil end })
    assert.matches("^Mine: ", says { process = function(_, batch) batch[RAW].data = 5 end })
    assert.matches("^Mine: ", says { process = function(_, batch) batch[RAW].spec = nil end })
  end)

  it("asks for more than the machine has", function()
    assert.matches("^Mine: .*an array of 2147483648x2147483648 float32 would take 16.0 EiB %(18446744073709551616 bytes%); this machine has",
      says { process = function() return core.zeros { 1 << 31, 1 << 31 } end })
  end)

  it("announces nonsense", function()
    assert.matches("^Mine: .*B wants an ArraySpec or a Roi, not 5$", says { setup = function(self) self:provides(B, 5) end })
    assert.equal("Mine: B is not provided upstream (there is RAW, FLOAT, LABELS, MASK, POINTS)",
      says { setup = function(self) self:updates(B, md.ArraySpec {}) end })
    assert.equal("Mine: RAW is provided already", says { setup = function(self) self:provides(RAW, md.ArraySpec {}) end })
  end)

  it("leaves nothing behind when it fails", function()
    core.zeros({ 2 }, "uint8"):astype "float64" -- threads are made once
    collectgarbage()
    collectgarbage()
    local before = core.memory()
    for _ = 1, 5 do
      says { process = function(_, batch) batch[RAW].data = batch[RAW].data:astype "float64" error "late" end }
      says { prepare = function() return {} end }
      says { setup = function() error "early" end }
    end
    collectgarbage()
    collectgarbage()
    assert.equal(before, (core.memory()))
  end)
end)

describe("A seed", function()
  it("must be a whole number of 32 bits", function()
    for value, words in pairs { [-1] = "-1", [1 << 32] = "4294967296", [1.5] = "1.5", x = '"x"', [true] = "true" } do
      assert.equal("random_seed must be a whole number from 0 to 4294967295, not " .. words, errors.bare(function() md.BatchRequest { random_seed = value } end))
    end
    local function stream(seed)
      for _, i in md.Pipeline({ battery.source() }):batches(battery.request(1), { seed = seed, count = 1 }) do assert.equal(0, i) end
    end
    assert.equal("random_seed must be a whole number from 0 to 4294967295, not -1", errors.bare(stream, -1))
    assert.equal("random_seed must be a whole number from 0 to 4294967295, not 4294967296", errors.bare(stream, 1 << 32))
    assert.equal("random_seed must be a whole number from 0 to 4294967295, not 1.5", errors.bare(stream, 1.5))
    stream((1 << 32) - 1)
    stream(7.0)
  end)
end)

describe("A node", function()
  it("can stand in one built pipeline at a time", function()
    local node = md.Normalize { RAW }
    local first, second = battery.source() + node, battery.source() + node
    local p = first:build()
    assert.equal("Normalize: belongs to a pipeline that is built already; close that one first, or make another node",
      errors.message(function() second:build() end))
    assert.equal("float32", p:request_batch(battery.request(1, RAW))[RAW].data.dtype) -- and the first still works
    p:close()
    local q <close> = second:build()
    assert.equal("float32", q:request_batch(battery.request(1, RAW))[RAW].data.dtype)
  end)

  it("isn't asked before it is built", function()
    local node = md.Normalize { RAW }
    assert.equal("Normalize is not built: local p <close> = pipeline:build()", errors.bare(function() node:request_batch(battery.request(1)) end))
    assert.equal("the pipeline is not built: local p <close> = pipeline:build()",
      errors.bare(function() (battery.source() + node):request_batch(battery.request(1)) end))
  end)
end)

describe("Voxel sizes that don't agree", function()
  it("are named", function()
    local other = md.ArraySource { B, md.Array { core.zeros({ 10, 15, 16 }), md.ArraySpec { roi = battery.roi, voxel_size = { 80, 8, 8 } } } }
    local both = { battery.source(), other } + md.MergeProvider {}
    assert.equal("Product: RAW has voxel size (40, 4, 4), B has (80, 8, 8); they must be the same",
      errors.message(function() (both + md.Product { RAW, B, md.ArrayKey "Y" }):build() end))
    local request = battery.request(1)
    request[LABELS] = md.ArraySpec { roi = request[LABELS].roi, voxel_size = { 80, 8, 8 } }
    assert.equal("WorldSource: LABELS is wanted at voxel size (80, 8, 8), it is offered at (40, 4, 4)", errors.message(function()
      local p <close> = battery.source():build()
      p:request_batch(request)
    end))
  end)
end)
