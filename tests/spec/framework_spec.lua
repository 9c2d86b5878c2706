-- What a node may rely on: the contract kept by BatchProvider and BatchFilter.
local md = require "moondust"
local core = require "moondust.core"
local errors = require "spec.support.errors"

local A, B, N, P = md.ArrayKey "A", md.ArrayKey "B", md.ArrayKey "N", md.GraphKey "P"
local whole = md.Roi({ 0 }, { 100 })

-- Offers what `spec` says, delivers zeros, notes what it is asked for.
local Source = md.class("Source", md.BatchProvider)
Source.arity = 0
function Source:init(fields) self.offers, self.seen = fields.offers or { [A] = md.ArraySpec { roi = whole, voxel_size = { 5 }, dtype = "uint8" } }, {} end
function Source:setup()
  for _, key in ipairs { A, B, N, P } do
    if self.offers[key] then self:provides(key, self.offers[key]) end
  end
end
function Source:provide(request)
  self.seen[#self.seen + 1] = { request = request:clone(), random = request.rng:random(), np = request.rng:np_random() }
  local batch = md.Batch {}
  for key, wanted in request:items() do
    local spec = self.spec[key]:copy()
    spec.roi = wanted.roi
    if key == P then
      batch[key] = md.Graph { {}, {}, spec }
    elseif spec.nonspatial then
      batch[key] = md.Array { md.zeros({ 1 }, "uint8"), spec }
    else
      batch[key] = md.Array { md.zeros({ wanted.roi.shape[1] // spec.voxel_size[1] }, spec.dtype), spec }
    end
  end
  return batch
end

local function two() return Source { offers = {
  [A] = md.ArraySpec { roi = whole, voxel_size = { 5 }, dtype = "uint8" }, [B] = md.ArraySpec { roi = whole, voxel_size = { 5 }, dtype = "uint8" },
  [N] = md.ArraySpec { nonspatial = true }, [P] = md.GraphSpec { roi = whole, directed = false },
} } end

local function filter(methods)
  local new = md.class("Filter", md.BatchFilter)
  for name, method in pairs(methods) do new[name] = method end
  if not new.process then function new:process() end end
  return new {}
end

local function ask(pipeline, request)
  local p <close> = pipeline:build()
  return p:request_batch(request)
end

local function message(pipeline, request) return errors.message(ask, pipeline, request) end

local function wants(fields)
  local request = md.BatchRequest { random_seed = fields.seed or 1 }
  for _, key in ipairs { A, B, N, P } do
    if fields[key] then request[key] = fields[key] end
  end
  return request
end

describe("a node that asks its own pipeline while it serves", function()
  it("draws what it would draw otherwise", function()
    local function drawn_by(asks)
      local numbers, p = {}, nil
      local node = filter { process = function(_, _, request)
        if asks and #numbers == 0 then
          numbers[1] = "asked"
          p:request_batch(wants { seed = 99, [A] = whole }):close()
        end
        numbers[#numbers + 1] = request.rng:random()
      end }
      p = (Source {} + node):build()
      p:request_batch(wants { seed = 5, [A] = whole }):close()
      p:close()
      return numbers[#numbers]
    end
    assert.equal(drawn_by(false), drawn_by(true))
  end)
end)

describe("a request", function()
  it("is checked against what is announced", function()
    assert.equal("Source: B is not provided here (there is A)", message(Source {}, wants { [B] = whole }))
    assert.equal("Source: A is wanted in ROI [50:150] (100), it is there in [0:100] (100) only; ask inside of it, or put md.Pad{ A } upstream",
      message(Source {}, wants { [A] = md.Roi({ 50 }, { 100 }) }))
    assert.equal("Source: A is wanted at voxel size (4), it is offered at (5)",
      message(Source {}, wants { [A] = md.ArraySpec { roi = md.Roi({ 0 }, { 20 }), voxel_size = { 4 } } }))
    assert.equal("Source: the shape of A's ROI [0:12] (12) is not a multiple of the voxel size (5) on axis 1; roi:snap_to_grid{5} makes it one",
      message(Source {}, wants { [A] = md.Roi({ 0 }, { 12 }) }))
    assert.equal("Source: the begin of A's ROI [2:12] (10) is not a multiple of the voxel size (5) on axis 1; roi:snap_to_grid{5} makes it one",
      message(Source {}, wants { [A] = md.Roi({ 2 }, { 10 }) }))
    assert.equal("Source: A is wanted in 2 dimensions, it has 1", message(Source {}, wants { [A] = md.Roi({ 0, 0 }, { 5, 5 }) }))
    assert.equal("Source: A is wanted without a ROI; it covers [0:100] (100)", message(Source {}, wants { [A] = md.ArraySpec {} }))
    assert.equal("Source: P is wanted directed, it is undirected", message(two(), wants { [P] = md.GraphSpec { roi = whole, directed = true } }))
    assert.equal("Source: A is wanted as float32, it is uint8; put md.AsType{ A, \"float32\" } into the pipeline",
      message(Source {}, wants { [A] = md.ArraySpec { roi = whole, dtype = "float32" } }))
  end)

  it("that no machine can hold is refused before anything is computed", function()
    local endless = Source { offers = { [A] = md.ArraySpec { roi = md.Roi({ core.unbounded }, { core.unbounded }), voxel_size = { 1 }, dtype = "uint8" } } }
    assert.matches("^Source: A in ROI .* would take 4.0 EiB %(4611686018427387904 bytes%), this machine has .*; ask for a smaller ROI$",
      message(endless, wants { [A] = md.Roi({ 0 }, { 1 << 62 }) }))
    assert.equal(0, #endless.seen)
    assert.matches("would take inf", message(endless, wants { [A] = md.Roi({ core.unbounded }, { core.unbounded }) }))
  end)

  it("stays the caller's", function()
    local request = wants { [A] = whole, [B] = md.ArraySpec { roi = whole, placeholder = true } }
    ask(two(), request)
    assert.equal("A, B", request:names())
    assert.equal(1, request.random_seed)
    assert.is_nil(request.context)
    assert.is_nil(request.rng)
  end)

  it("without a seed gets one, which the batch tells", function()
    local request = wants { [A] = whole }
    request.random_seed = nil
    local seed = ask(Source {}, request).random_seed
    assert.equal("integer", math.type(seed))
    assert.is_nil(request.random_seed)
    assert.equal(1, ask(Source {}, wants { [A] = whole }).random_seed)
  end)

  it("counts its placeholders but doesn't deliver them", function()
    local source = two()
    local batch = ask(source, wants { [A] = whole, [B] = md.ArraySpec { roi = whole, placeholder = true } })
    assert.equal("A", batch:names())
    assert.equal("A", source.seen[1].request:names())
  end)

  -- gunpowder's BatchFilter.remove_placeholders is false: filters do arithmetic with placeholders and pass them on.
  it("shows its placeholders to every filter on the way", function()
    local seen = {}
    local function watch(name) return filter { prepare = function(_, request) seen[name] = request:names() end, process = function() end } end
    local batch = ask(two() + watch "upper" + md.Stack { 2 } + watch "lower", wants { [A] = whole, [B] = md.ArraySpec { roi = whole, placeholder = true } })
    assert.same({ upper = "A, B", lower = "A, B" }, seen)
    assert.equal("A", batch:names())
  end)

  it("draws the same place for a placeholder as for the real thing", function()
    local function places(placeholder)
      local list = {}
      local source = two()
      local p <close> = (source + md.RandomLocation {} + md.SimpleAugment { mirror_only = {} }):build()
      for seed = 1, 20 do
        p:request_batch(wants { [A] = md.Roi({ 0 }, { 20 }), [B] = md.ArraySpec { roi = md.Roi({ 0 }, { 85 }), placeholder = placeholder }, seed = seed })
        list[seed] = source.seen[seed].request[A].roi.begin[1]
        assert.is_true(list[seed] <= 15)
      end
      return list
    end
    assert.same(places(false), places(true))
  end)
end)

describe("a batch", function()
  local function deliver(change)
    local Wrong = md.class("Wrong", Source)
    function Wrong:provide(request)
      local batch = Source.provide(self, request)
      return change(batch, request) or batch
    end
    return Wrong { offers = two().offers }
  end
  local request = wants { [A] = md.Roi({ 10 }, { 20 }) }

  it("is checked against the request", function()
    assert.equal("Wrong: A was wanted and not delivered (the batch has nothing)", message(deliver(function(b) b[A] = nil end), request))
    assert.equal("Wrong: A was wanted in ROI [10:30] (20), delivered in [0:20] (20)",
      message(deliver(function(b) b[A].spec.roi = md.Roi({ 0 }, { 20 }) end), request))
    assert.equal("Wrong: announced voxel size (5) for A, delivered (4)", message(deliver(function(b) b[A].spec.voxel_size = { 4 } end), request))
    assert.equal("Wrong: A's ROI [10:30] (20) is (4) voxels, the array delivered has shape {7}",
      message(deliver(function(b) b[A].data = md.zeros({ 7 }, "uint8") end), request))
    assert.equal("Wrong: provide() must return a Batch, not a table", message(deliver(function() return {} end), request))
  end)

  it("can be closed without closing what its source holds", function()
    local Holder = md.class("Holder", md.BatchProvider)
    function Holder:setup() self:provides(A, md.ArraySpec { roi = md.Roi({ 0 }, { 20 }), voxel_size = { 5 } }) end
    function Holder:provide()
      local batch = md.Batch {}
      batch[A] = self.array
      return batch
    end
    local holder = Holder {}
    holder.array = md.Array { md.zeros({ 4 }, "uint8"):fill(7), md.ArraySpec { roi = md.Roi({ 0 }, { 20 }), voxel_size = { 5 } } }
    local p <close> = holder:build()
    p:request_batch(wants { [A] = md.Roi({ 0 }, { 20 }) }):close()
    assert.equal(28, p:request_batch(wants { [A] = md.Roi({ 0 }, { 20 }) })[A].data:sum())
  end)

  it("may not have nodes far outside of the ROI", function()
    local spec = md.GraphSpec { roi = md.Roi({ 0 }, { 10 }), directed = false }
    local stray = deliver(function(b) b[P] = md.Graph { { md.Node { 3, { 5 } }, md.Node { 4, { 50 } } }, {}, spec } end)
    assert.equal("Wrong: P: node 4 lies neither inside ROI [0:10] (10) nor at the end of an edge from there",
      message(stray, wants { [P] = md.Roi({ 0 }, { 10 }) }))
    local dangling = deliver(function(b) b[P] = md.Graph { { md.Node { 3, { 5 } }, md.Node { 4, { 50 } } }, { md.Edge { 3, 4 } }, spec } end)
    assert.equal(2, ask(dangling, wants { [P] = md.Roi({ 0 }, { 10 }) })[P]:num_nodes())
  end)

  it("loses what wasn't asked for", function()
    local more = deliver(function(b) b[B] = md.Array { md.zeros { 1 } } end)
    assert.equal("A", ask(more, request):names())
  end)
end)

describe("random streams", function()
  it("are seeded on entry of each node, with its request's seed", function()
    local source, drawn = Source {}, {}
    local node = filter { skip_node = function(_, request) drawn.seed, drawn.before = request.random_seed, request.rng:random() end,
      process = function(_, _, request) drawn.after = request.rng:random() end }
    ask(source + node, wants { [A] = whole, seed = 42 })
    -- request_batch seeds with 42, then copies for provide(); provide copies for upstream; there it is seeded with that seed
    local upstream_seed = core.seed_copy(core.seed_copy(42))
    assert.equal(core.Rng(42):random(), drawn.before)
    assert.equal(core.seed_copy(42), drawn.seed)
    local rng = core.Rng(upstream_seed)
    assert.equal(rng:random(), source.seen[1].random)
    assert.equal(rng:random(), drawn.after)
    assert.equal(core.Rng(upstream_seed):np_random(), source.seen[1].np)
    assert.equal(core.seed_copy(upstream_seed), source.seen[1].request.random_seed)
  end)

  it("of two pipelines never disturb each other", function()
    local inner <close> = Source {}:build()
    local source = Source {}
    local drawn = {}
    local function run(disturb)
      local node = filter { process = function(_, _, request)
        if disturb then inner:request_batch(wants { [A] = whole, seed = 5 }) end
        drawn[#drawn + 1] = request.rng:random()
      end }
      ask(source + node, wants { [A] = whole, seed = 42 })
    end
    run(false)
    run(true)
    assert.equal(drawn[1], drawn[2])
  end)
end)

describe("a filter", function()
  it("gets the dependencies it names, cropped, and passes the rest through", function()
    local got
    local node = filter {
      prepare = function(_, request)
        local dependencies = md.BatchRequest {}
        dependencies[A] = md.Roi(request[A].roi.offset - 10, request[A].roi.shape + 20)
        return dependencies
      end,
      process = function(_, batch, request)
        got = { batch:names(), batch[A].spec.roi, request:names() }
        batch[A] = batch[A]:crop(request[A].roi)
      end,
    }
    local source = two()
    local batch = ask(source + node, wants { [A] = md.Roi({ 50 }, { 20 }), [B] = md.Roi({ 0 }, { 10 }) })
    assert.same({ "A", md.Roi({ 40 }, { 40 }), "A, B" }, got)
    assert.equal(md.Roi({ 40 }, { 40 }), source.seen[1].request[A].roi)
    assert.equal("A, B", batch:names())
    assert.equal(md.Roi({ 0 }, { 10 }), batch[B].spec.roi)
  end)

  it("takes its provided keys out of the request upstream", function()
    local source = Source {}
    local node = filter {
      setup = function(self) self:provides(N, md.ArraySpec { nonspatial = true }) end,
      process = function(_, batch) batch[N] = md.Array { md.zeros { 1 } } end,
    }
    local batch = ask(source + node, wants { [A] = whole, [N] = md.ArraySpec { nonspatial = true } })
    assert.equal("A, N", batch:names())
    assert.equal("A", source.seen[1].request:names())
  end)

  it("may return a new batch", function()
    local node = filter { process = function(_, batch)
      local new = md.Batch {}
      new[A] = md.Array { batch[A].data + 7, batch[A].spec }
      return new
    end }
    local batch = ask(two() + node, wants { [A] = whole, [B] = whole })
    assert.equal(7, batch[A].data:max())
    assert.equal(0, batch[B].data:max())
  end)

  it("is skipped when nothing of it is wanted, if it says so, with the same seeds upstream", function()
    local processed, source = 0, two()
    local node = filter {
      setup = function(self)
        self:enable_autoskip()
        self:updates(A, self.spec[A])
      end,
      process = function() processed = processed + 1 end,
    }
    local p <close> = (source + node):build()
    p:request_batch(wants { [B] = whole })
    assert.equal(0, processed)
    p:request_batch(wants { [B] = whole, [A] = md.ArraySpec { roi = whole, placeholder = true } })
    assert.equal(0, processed)
    p:request_batch(wants { [B] = whole, [A] = whole })
    assert.equal(1, processed)
    assert.equal(source.seen[1].request.random_seed, source.seen[3].request.random_seed)
  end)

  it("may skip itself", function()
    local processed = 0
    local node = filter { skip_node = function(_, request) return request[B] ~= nil end, process = function() processed = processed + 1 end }
    local p <close> = (two() + node):build()
    p:request_batch(wants { [A] = whole, [B] = whole })
    assert.equal(0, processed)
    p:request_batch(wants { [A] = whole })
    assert.equal(1, processed)
  end)

  it("is told when it breaks the contract", function()
    local request = wants { [A] = whole }
    assert.equal("Filter: prepare() must return a BatchRequest or nil, not 5", message(Source {} + filter { prepare = function() return 5 end }, request))
    assert.equal("Filter: process() must return a Batch or nil, not 5", message(Source {} + filter { process = function() return 5 end }, request))
    assert.equal("Filter: updates(key, spec) wants an ArrayKey or GraphKey, not \"A\"",
      message(Source {} + filter { setup = function(self) self:updates("A", md.ArraySpec {}) end }, request))
    assert.equal("Filter: updates(A, spec) is called without a spec",
      message(Source {} + filter { setup = function(self) self:updates(A) end }, request))
    assert.matches("^%a+: the request has come through 1000 nodes: one of them asks itself without end$",
      message(Source {} + filter { process = function(self, _, again) self:request_batch(again) end }, request))
    assert.equal("Filter: B is not provided upstream (there is A)",
      message(Source {} + filter { setup = function(self) self:updates(B, md.ArraySpec {}) end }, request))
    assert.equal("Filter: A is provided already", message(Source {} + filter { setup = function(self) self:provides(A, md.ArraySpec {}) end }, request))
    local Bare = md.class("Bare", md.BatchFilter)
    assert.equal("Bare: the class has no process(): change the batch there", message(Source {} + Bare {}, request))
    local Empty = md.class("Empty", md.BatchProvider)
    assert.equal("Empty: the class has no setup(): announce there what it provides", message(Empty {}, request))
  end)
end)

describe("a node of one's own", function()
  it("is as short as the manual says", function()
    local Invert = md.class("Invert", md.BatchFilter)
    function Invert:init(o) self.array = o[1] end
    function Invert:setup()
      self:enable_autoskip()
      self:updates(self.array, self.spec[self.array])
    end
    function Invert:process(batch) batch[self.array].data = 255 - batch[self.array].data end
    local batch = ask(Source {} + Invert { A }, wants { [A] = whole })
    assert.equal(255, batch[A].data:min())
  end)
end)
