local md = require "moondust"
local battery = require "spec.support.battery"
local errors = require "spec.support.errors"

local RAW = battery.RAW

-- Notes in `log` when it is set up and torn down.
local function noting(name, log, base)
  local Noting = md.class(name, base or md.BatchFilter)
  function Noting:setup()
    log[#log + 1] = "+" .. name
    if base == md.BatchProvider then self:provides(md.ArrayKey(name), md.ArraySpec { nonspatial = true }) end
  end
  function Noting:teardown() log[#log + 1] = "-" .. name end
  function Noting:process() end
  return Noting {}
end

describe("a pipeline", function()
  it("is composed with +", function()
    local log = {}
    local a, b = noting("A", log, md.BatchProvider), noting("B", log, md.BatchProvider)
    local pipeline = { a, b + noting("C", log) } + md.MergeProvider {} + noting("D", log)
    assert.equal("(A, B -> C) -> MergeProvider -> D", tostring(pipeline))
    local right = a + (noting("E", log) + noting("F", log))
    assert.equal("A -> E -> F", tostring(right))
  end)

  it("can be used in several, one after the other", function()
    local source = battery.source()
    local left = source + md.RandomLocation {}
    local one, other = left + md.Stack { 2 }, left + md.Stack { 3 }
    assert.equal("WorldSource -> RandomLocation", tostring(left))
    local p = one:build()
    assert.matches("WorldSource: belongs to a pipeline that is built already; close that one first, or make another node",
      errors.message(function() other:build() end))
    p:close()
    local q <close> = other:build()
    assert.equal(3, q:request_batch(battery.request(1, RAW))[RAW].data.shape[1])
  end)

  it("is set up from source to sink and closed the other way", function()
    local log = {}
    do
      local p <close> = (noting("A", log, md.BatchProvider) + noting("B", log)):build()
      assert.same({ "+A", "+B" }, log)
      assert.is_not_nil(p.spec[md.ArrayKey "A"])
    end
    assert.same({ "+A", "+B", "-B", "-A" }, log)
  end)

  it("closes what was set up when a node can't be", function()
    local log = {}
    local Bad = md.class("Bad", md.BatchFilter)
    function Bad:setup() self:fail("can't") end
    function Bad:teardown() log[#log + 1] = "-Bad" end
    local pipeline = noting("A", log, md.BatchProvider) + Bad {} + noting("B", log)
    assert.equal("Bad: can't", errors.message(function() pipeline:build() end))
    assert.same({ "+A", "-Bad", "-A" }, log)
    assert.equal("Bad: can't", errors.message(function() pipeline:build() end), "and can be built again")
  end)

  it("closes every node though one fails, and tells the first error", function()
    local log = {}
    local Bad = md.class("Bad", md.BatchFilter)
    function Bad:setup() end
    function Bad:teardown() error("stuck" .. #self.class_name) end
    local p = (noting("A", log, md.BatchProvider) + Bad {} + noting("B", log)):build()
    assert.matches("^Bad: .*stuck3", errors.message(function() p:close() end))
    assert.same({ "+A", "+B", "-B", "-A" }, log)
    p:close()
  end)

  it("keeps the error on its way when closing fails too", function()
    local Bad = md.class("Bad", md.BatchFilter)
    function Bad:setup() end
    function Bad:teardown() error "second" end
    local raised = errors.message(function()
      local p <close> = (battery.source() + Bad {}):build()
      error("first " .. #p.nodes)
    end)
    assert.matches("first 2$", raised)
  end)

  it("may be closed twice, and not be asked unless built", function()
    local pipeline = md.Pipeline { battery.source() }
    assert.matches("pipeline_spec.lua:%d+: the pipeline is not built: local p <close> = pipeline:build%(%)", errors.message(function()
      return pipeline:request_batch(battery.request(1)), nil
    end))
    local p = pipeline:build()
    assert.matches("this pipeline is built already", errors.message(function() pipeline:build() end))
    p:close()
    p:close()
    assert.is_nil(p.spec)
  end)

  it("refuses what can't be composed", function()
    assert.matches("only nodes and pipelines can be added, not 5", errors.message(function() return battery.source() + 5 end))
    assert.matches("Stack is the class itself; make a node of it: Stack{ … }", errors.message(function() return battery.source() + md.Stack end))
    assert.matches("the list left of '%+' is empty", errors.message(function() return {} + md.MergeProvider {} end))
    assert.matches("only nodes and pipelines can be in the list left of '%+', not 1", errors.message(function() return { 1 } + md.MergeProvider {} end))
    assert.equal("Stack: takes 1 upstream provider, has 2; put md.MergeProvider{} or md.RandomProvider{} in between",
      errors.message(function() ({ battery.source(), battery.source() } + md.Stack { 2 }):build() end))
    assert.equal("Stack: takes 1 upstream provider, has 0", errors.message(function() md.Stack({ 2 }):build() end))
    assert.equal("WorldSource: takes 0 upstream providers, has 1", errors.message(function() (battery.source() + battery.source()):build() end))
  end)
end)

describe("a stream of batches", function()
  local pipeline = function() return battery.source() + md.RandomLocation {} end

  it("requests batch i with seed + i, from 0, so that each can be asked for again alone", function()
    local made, seen = pipeline(), {}
    for batch, i in made:batches(battery.request(nil, RAW), { count = 3, seed = 4294967295 }) do
      seen[#seen + 1] = { i, batch.random_seed, battery.hash(batch) }
    end
    assert.same({ 0, 1, 2 }, { seen[1][1], seen[2][1], seen[3][1] })
    assert.same({ 4294967295, 0, 1 }, { seen[1][2], seen[2][2], seen[3][2] })
    local p <close> = pipeline():build()
    for _, one in ipairs(seen) do assert.equal(one[3], battery.hash(p:request_batch(battery.request(one[2], RAW)))) end
  end)

  it("can begin later, and takes the request's seed", function()
    local seeds = {}
    for batch, i in pipeline():batches(battery.request(10, RAW), { count = 2, first = 5 }) do seeds[#seeds + 1] = { i, batch.random_seed } end
    assert.same({ { 5, 15 }, { 6, 16 } }, seeds)
  end)

  it("builds and closes by itself, also when left early or by an error", function()
    local made = pipeline()
    for _, i in made:batches(battery.request(1, RAW)) do
      if i == 1 then break end
    end
    assert.is_nil(made.nodes)
    assert.has_error(function()
      for _ in made:batches(battery.request(1, RAW)) do error "out" end
    end)
    assert.is_nil(made.nodes)
    local p <close> = made:build()
    for _ in p:batches(battery.request(1, RAW), { count = 1 }) do assert.is_not_nil(p.nodes) end
    assert.is_not_nil(p.nodes)
  end)

  it("gives nodes a place for what belongs to the stream", function()
    local Counter = md.class("Counter", md.BatchFilter)
    local counts = {}
    function Counter:process(_, request)
      local stream = request.context.stream
      stream[self] = (stream[self] or 0) + 1
      counts[#counts + 1] = stream[self]
    end
    local p <close> = (battery.source() + Counter {}):build()
    for _ in p:batches(battery.request(1, RAW), { count = 2 }) do assert.is_true(#counts > 0) end
    for _ in p:batches(battery.request(1, RAW), { count = 2 }) do assert.is_true(#counts > 0) end
    p:request_batch(battery.request(1, RAW))
    assert.same({ 1, 2, 1, 2, 1 }, counts)
  end)

  it("runs in constant memory", function()
    local core = require "moondust.core"
    local p <close> = pipeline():build()
    local largest = 0
    collectgarbage()
    local before = core.memory()
    for batch in p:batches(battery.request(1, RAW), { count = 300 }) do
      largest = math.max(largest, core.memory() - before)
      batch:close()
    end
    assert.is_true(largest < 50 * 10 * 16 * 18)
  end)

  it("refuses wrong options", function()
    assert.matches("pipeline:batches has no option 'n'", errors.message(function() pipeline():batches(battery.request(1), { n = 5 }) end))
    assert.matches("pipeline:batches wants a BatchRequest, not a table", errors.message(function() pipeline():batches {} end))
    assert.matches("random_seed must be a whole number", errors.message(function() pipeline():batches(battery.request(1), { seed = -1 }) end))
  end)
end)
