-- A script's finaliser may close an array, graph, file or transformation at any moment in which a binding makes a Lua value, and
-- so may a metamethod of a table among the arguments. Here it does, at each such moment in turn: the call either says that
-- something was closed or gives the right result. (Under make asan, a binding that looks at closed memory dies.)
local core = require "moondust.core"
local kernel = core.kernel
local kernels = require "spec.support.kernels"

-- With these numbers each collection is a whole cycle, and each allocation starts one. Returns what puts the collector back as it
-- was (the step's size can't be asked for).
local function hostile()
  local mode = collectgarbage "incremental"
  local pause, multiplier = collectgarbage("setpause", 1), collectgarbage("setstepmul", 1000)
  collectgarbage("incremental", 0, 0, 30)
  collectgarbage() -- the pause begins with the next cycle
  return function()
    collectgarbage("incremental", pause, multiplier, 13)
    collectgarbage(mode)
  end
end

-- Runs call() with a finaliser that calls strike() in the moment-th collection from now; whether it got that far, and pcall's
-- results.
local function strike_at(moment, strike, call)
  local left, armed, struck = moment, true, false
  local mt = {}
  mt.__gc = function()
    if not armed then return end
    left = left - 1
    if left == 0 then
      struck = true
      strike()
    else
      setmetatable({}, mt)
    end
  end
  local restore = hostile()
  setmetatable({}, mt)
  local results = table.pack(pcall(call))
  armed = false
  restore()
  return struck, results
end

local function describe_results(results)
  local parts = {}
  for i = 2, results.n do parts[#parts + 1] = kernels.describe(results[i]) end
  return table.concat(parts, " ")
end

-- case: { make() -> things that can be closed, by name; call(things) -> results }
local function check(case)
  local first = case.make()
  local expected = describe_results(table.pack(true, case.call(first)))
  local victims = {}
  for name in pairs(first) do victims[#victims + 1] = name end
  if first.file then first.file:close() end -- it is open for writing once at a time
  for _, victim in ipairs(victims) do
    local struck, moment, refusals = true, 0, 0
    while struck do
      moment = moment + 1
      assert.is_true(moment < 2000, "the call never ends")
      local things = case.make()
      local results
      struck, results = strike_at(moment, function() things[victim]:close() end, function() return case.call(things) end)
      if results[1] then
        assert.equal(expected, describe_results(results), ("%s closed at moment %d"):format(victim, moment))
      else
        refusals = refusals + 1
        assert.matches("closed", results[2], nil, false)
      end
      if things.file then things.file:close() end
    end
    assert.is_true(moment > 1, "nothing was closed during the call")
    assert.is_true(refusals > 0 or case.holds, "closing never had a consequence: was it during the call?")
  end
end

local function grey(...) return kernels.grey({ ... }) end
local function labels(...) return kernels.labels({ ... }) end
local function transform()
  return core.Transform { roi = core.Roi({ 0, 0, 0 }, { 8, 8, 8 }), voxel_size = { 1, 1, 1 }, displacement = core.Rng(7):np_normals(0, 0.5, { 3, 3, 3, 3 }) }
end
local graph = kernels.graph

local cube, box = core.Roi({ 0, 0, 0 }, { 6, 6, 6 }), core.Roi({ 2, 2, 2 }, { 3, 4, 5 })
local one = core.Coordinate { 1, 1, 1 }
local cases = {
  ["transform:displacement"] = { make = function() return { transform = transform() } end, call = function(t) return t.transform:displacement(box, one) end },
  ["integral:count"] = {
    make = function() return { integral = kernel.integral(labels(5, 6, 7):gt(2)) } end,
    call = function(t) return t.integral:count(setmetatable({}, { __len = function() return 3 end, __index = function() return #{} end }), { 2, 3, 4 }) end,
  },
  Transform = {
    make = function() return { a = core.Rng(7):np_normals(0, 0.5, { 3, 3, 3, 3 }) } end,
    call = function(t)
      return core.Transform { roi = cube, voxel_size = one, displacement = t.a, rotation = { { 1, 0, 0 }, { 0, 0, 1 }, { 0, -1, 0 } } }
    end,
  },
  ["transform:source_roi"] = { make = function() return { transform = transform() } end, call = function(t) return t.transform:source_roi(cube, { 1, 1, #"." }) end },
  ["transform:sample"] = {
    make = function() return { transform = transform(), a = grey(6, 6, 6) } end,
    call = function(t) return t.transform:sample(t.a, cube, box, one, true) end,
  },
  ["transform:field"] = { make = function() return { transform = transform() } end, call = function(t) return t.transform:field(box, one) end },
  ["transform:map"] = { make = function() return { transform = transform() } end, call = function(t) return t.transform:map { 1, 2, 3 } end },
  ["transform:invert"] = {
    make = function() return { transform = transform(), points = core.ndarray({ { 1, 2, 3 }, { 4, 5, 6 } }, "float64") } end,
    call = function(t) return t.transform:invert(t.points) end,
  },
  stack = { make = function() return { a = grey(2, 3), b = grey(2, 3) } end, call = function(t) return core.stack { t.a, t.b } end },
  concatenate = { make = function() return { a = grey(2, 3), b = grey(2, 3) } end, call = function(t) return core.concatenate({ t.a, t.b }, 2) end },
  arithmetic = { make = function() return { a = grey(2, 3), b = grey(2, 3) } end, call = function(t) return t.a + t.b end },
  view = { make = function() return { a = grey(4, 5) } end, call = function(t) return t.a[{ { 1, 2 }, 3 }] end },
  set = {
    make = function() return { a = grey(4, 5), b = grey(2, 5) } end,
    call = function(t)
      t.a[{ { 1, 2 } }] = t.b
      return t.a:copy()
    end,
  },
  unique = { make = function() return { a = labels(4, 5) } end, call = function(t) return t.a:unique() end },
  totable = { make = function() return { a = labels(2, 3) } end, call = function(t) return t.a:totable() end },
  ["graph:spec"] = { make = function() return { graph = graph() } end, call = function(t) return t.graph.spec, {} end, holds = true },
  ["graph:nodes"] = {
    make = function() return { graph = graph() } end,
    call = function(t)
      local list = {}
      for node in t.graph:nodes() do list[#list + 1] = node end
      for edge in t.graph:edges() do list[#list + 1] = edge end
      return list
    end,
  },
  ["graph:node"] = { make = function() return { graph = graph() } end, call = function(t) return t.graph:node(4) end },
  ["graph:neighbors"] = { make = function() return { graph = graph() } end, call = function(t) return t.graph:neighbors(2) end },
  ["graph:nodes_in"] = { make = function() return { graph = graph() } end, call = function(t) return t.graph:nodes_in(core.Roi({ 0, 0, 0 }, { 5, 9, 5 })) end },
  ["graph:connected_components"] = { make = function() return { graph = graph() } end, call = function(t) return t.graph:connected_components() end },
  ["graph:add_node"] = {
    make = function() return { graph = graph() } end,
    call = function(t)
      t.graph:add_node { 20, { 1, 2, 3 }, { weight = 7 } }
      t.graph:add_edge { 20, 1 }
      return t.graph:copy()
    end,
  },
  ["graph:crop"] = { make = function() return { graph = graph() } end, call = function(t) return t.graph:crop(core.Roi({ 0, 0, 0 }, { 5, 9, 5 })) end },
  ["graph:trim"] = { make = function() return { graph = graph() } end, call = function(t) return t.graph:trim(core.Roi({ 0, 0, 0 }, { 5, 9, 5 })) end },
  ["graph:merge"] = { make = function() return { graph = graph(), other = graph() } end, call = function(t) return t.graph:merge(t.other) end },
  ["graph:shift"] = { make = function() return { graph = graph() } end, call = function(t) return t.graph:shift { 1, 2, 3 } end },
  ["graph:copy"] = { make = function() return { graph = graph() } end, call = function(t) return t.graph:copy() end },
  ["graph:arrays"] = { make = function() return { graph = graph() } end, call = function(t) return t.graph:arrays() end },
  ["graph:with_locations"] = {
    make = function() return { graph = graph(), locations = graph():arrays() + 1 } end, call = function(t) return t.graph:with_locations(t.locations) end,
  },
}

-- Kernels: closed is each of the objects, if there is one. Calls that return no object may never make one during the call.
for _, name in ipairs(kernels.names) do
  local case = kernels.cases[name]
  local dtype = case.dtypes[#case.dtypes]
  local shape = table.move({ 3, 4 }, 1, math.min(2, case.most), 1, {})
  cases["kernel." .. name] = { make = function() return case.make(shape, dtype) end, call = case.brief, holds = name == "slab_count" }
end

describe("closing an argument from a finaliser during the call", function()
  local names = {}
  for name in pairs(cases) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    it(name, function() check(cases[name]) end)
  end
end)

describe("closing a file from a finaliser during the call", function()
  local path
  before_each(function()
    path = os.tmpname()
    local file <close> = assert(core.hdf5.open(path, "w"))
    assert(file:create("grey", { 4, 5 }, "float32", { attributes = { words = { "one", "two", "three" } } }))
    assert(file:write("grey", core.zeros({ 4, 5 }, "float32")))
  end)
  after_each(function() os.remove(path) end)

  local function of_file(call, more)
    return {
      make = function()
        local things = more and more() or {}
        things.file = assert(core.hdf5.open(path, "r+"))
        return things
      end,
      call = call,
    }
  end

  it("list", function() check(of_file(function(t) return t.file:list() end)) end)
  it("info", function() check(of_file(function(t) return t.file:info "grey" end)) end)
  it("attribute", function() check(of_file(function(t) return t.file:attribute("grey", "words") end)) end)
  it("set_attribute", function() check(of_file(function(t) return t.file:set_attribute("grey", "n", { 1, 2, 3 }) end)) end)
  it("read", function() check(of_file(function(t) return t.file:read("grey", { 1, 1 }, { 2, 3 }) end)) end)
  it("write", function()
    check(of_file(function(t) return t.file:write("grey", t.array, { 0, 0 }) end, function() return { array = core.zeros({ 4, 5 }, "float32") } end))
  end)
  it("create", function()
    local count = 0
    check(of_file(function(t)
      count = count + 1
      return t.file:create("new" .. count, { 2, 3 }, "uint8", { voxel_size = { 4, 4 }, offset = { 1, 1 }, attributes = { a = { 1, 2 }, b = "word" } })
    end))
  end)
end)

describe("tables with metamethods among the arguments", function()
  -- A list whose entries run `act` when they are read.
  local function acting(values, act)
    return setmetatable({}, {
      __len = function() return #values end,
      __index = function(_, i)
        act()
        return values[i]
      end,
    })
  end

  it("closing an array is refused", function()
    local a, mask = grey(4, 5, 6), labels(4, 5, 6)
    assert.error_matches(function() kernel.pad(a, acting({ 1, 1, 1 }, function() a:close() end), { 1, 1, 1 }, "constant") end, "this array was closed")
    assert.error_matches(function() kernel.affinities(mask, acting({ { 1, 0, 0 } }, function() mask:close() end)) end, "this array was closed")
    local t, b = transform(), grey(6, 6, 6)
    assert.error_matches(function() t:sample(b, cube, box, acting({ 1, 1, 1 }, function() b:close() end), true) end, "this array was closed")
    assert.error_matches(function() t:field(box, acting({ 1, 1, 1 }, function() t:close() end)) end, "this Transform is closed")
  end)

  it("closing one of the masks is refused", function()
    local target, mask = labels(5, 6, 7):gt(3), labels(5, 6, 7):gt(1)
    assert.error_matches(function()
      kernel.balance_weights(target, 2, { mask }, acting({ -1, -1, -1 }, function() mask:close() end))
    end, "array 1 was closed")
  end)

  it("closing a graph that is added to is refused", function()
    local g = graph()
    assert.error_matches(function() g:add_node { 30, acting({ 1, 2, 3 }, function() g:close() end) } end, "the graph is closed")
  end)

  it("attribute texts that only a metamethod hands out are written whole", function()
    local path = os.tmpname()
    do
      local file <close> = assert(core.hdf5.open(path, "w"))
      local restore = hostile()
      local words = setmetatable({}, { __len = function() return 50 end, __index = function(_, i) return ("word "):rep(20) .. i end })
      assert.is_true(file:create("a", { 2 }, "uint8", { attributes = { words = words } }))
      restore()
      local read = file:attribute("a", "words")
      for i = 1, 50 do assert.equal(("word "):rep(20) .. i, read[i]) end
    end
    os.remove(path)
  end)

  it("lengths that make no sense are refused", function()
    local function long(n) return setmetatable({}, { __len = function() return n end }) end
    local a = labels(4, 5)
    assert.error_matches(function() core.zeros(long(-5)) end, "shape has %-5 entries; there are at most %d+ axes")
    assert.error_matches(function() core.stack(long(1 << 61)) end, "arrays has 2305843009213693952 entries; there may be up to 16777216")
    assert.error_matches(function() kernel.affinities(a, long(1 << 61)) end, "there are 2305843009213693952 offsets; there may be up to 1048576")
    assert.error_matches(function() kernel.balance_weights(a, 2, long(-1), { -1, -1 }) end, "masks has %-1 entries")
  end)
end)
