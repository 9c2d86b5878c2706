--- Calls all functions, methods and metamethods that core has with arguments of all kinds, wrong ones mostly: run by spec/hostile_calls_spec in a process of its own, which
--- must end in good order. Words: the seed, the number of calls a function gets.
local core = require "moondust.core"
local kernels = require "spec.support.kernels"

local seed, rounds = tonumber(arg[1]), tonumber(arg[2])
local state = seed * 2654435761 + 12345
local function random(n)
  state = (state * 6364136223846793005 + 1442695040888963407) & math.maxinteger
  return (state >> 33) % n + 1
end
local function pick(list) return list[random(#list)] end

-- What would end the process, wait for somebody, or write where it shouldn't.
local left_out = {
  ["core.catch_interrupt"] = true, ["core.ignore_interrupt"] = true, -- the program's signals
  ["core.threads"] = true, -- 1024 threads, one after the other
  ["core.http.serve"] = true, ["core.readline"] = true,
}
local folder = os.tmpname()
os.remove(folder)
assert(core.make_directory(folder))

local function closed(object)
  object:close()
  return object
end

local function roi(n)
  local list = { {}, {} }
  for d = 1, n do list[1][d], list[2][d] = d - 2, d + 2 end
  return core.Roi(list[1], list[2])
end

local function transform()
  return core.Transform { roi = core.Roi({ 0, 0, 0 }, { 8, 8, 8 }), voxel_size = { 1, 1, 1 }, displacement = core.Rng(7):np_normals(0, 0.5, { 3, 3, 3, 3 }) }
end
local files, latest = 0, {}
local function file() -- of which few are open at a time
  files = files + 1
  local slot = files % 4
  if latest[slot] then latest[slot]:close() end
  latest[slot] = assert(core.hdf5.open(("%s/%d.h5"):format(folder, files % 8), "w"))
  return latest[slot]
end

-- Makers of values: numbers at the edges, texts, tables, objects of all classes, open and closed.
local values = {
  function() return nil end,
  function() return pick { 0, 1, -1, 2, 3, 5, 255, 65536, math.maxinteger, math.mininteger, 1 << 31, 1 << 53, -(1 << 40) } end,
  function() return pick { 0.5, -0.25, 1e-300, 1e300, 1 / 0, -1 / 0, 0 / 0, 3.0, 2.0 ^ 63 } end,
  function() return pick { true, false } end,
  function() return pick { "", "uint8", "float32", "float64", "reflect", "constant", "gaussian", "poisson", "s&p",
     "speckle", "linear", "nearest", "mean", "rows", "positive", "a\0b", ("x"):rep(3000), "close" } end,
  function() return folder .. "/" .. random(3) end,
  function() return {} end,
  function() return pick { { 1, 2, 3 }, { 1, 1 }, { 0, 0, 0 }, { -1, -1, -1 },
     { 4, 1 }, { 1, -1 }, { 2 }, { 1 }, { 0.5, 0.5 }, { 0.5 }, { 1, 1, 1, 1, 1, 1, 1, 1 }, { 1, 1, 1, 1, 1, 1, 1, 1, 1 } } end,
  function() return pick { { math.maxinteger, 1 }, { math.mininteger, math.mininteger }, { 1 << 31, 1 << 31, 1 << 31 }, { 0 / 0, 1 / 0 }, { math.maxinteger }, { 1 << 62, 4 } } end,
  function() return pick { { { 1, 0 }, { 0, 1 } }, { { 1, 2 }, {} }, { { 1, 2, 3 } }, { { {} } }, { { 0, 0, 0 }, { 255, 255, 255 } } } end,
  function() return pick { { "a", "b" }, { core.zeros({ 2 }, "uint8") }, { core.zeros({ 2, 3 }, "float32"), core.zeros({ 2, 3 }, "uint8") }, { nil, 2 }, { true } } end,
  function() return pick { { mean = 0, var = 1 }, { roi = roi(2), voxel_size = { 1, 1 } },
    { shape = { 2, 3, 4 }, voxel_size = { 8, 8, 8 } }, { dtype = "uint8" }, { local_vars = core.zeros({ 3 }, "float32") } } end,
  function() return setmetatable({}, { __len = function() return pick { -1, 3, 1 << 40, 2 } end, __index = function(_, i) return i end }) end,
  function() return setmetatable({}, { __index = function() error "an error of the script's" end, __len = function() return 2 end }) end,
  function() return print end,
  function() return coroutine.create(print) end,
  function() return io.stdout end,
  function()
    local shape = pick { {}, { 1 }, { 7 }, { 0 }, { 3, 4 }, { 4, 1 }, { 2, 3, 4 }, { 5, 6, 3 }, { 0, 3 }, { 2, 1, 3, 2 }, { 1, 1, 1, 1, 1, 1, 1, 2 } }
    local a = random(2) == 1 and kernels.grey(shape, pick(kernels.dtypes), random(99)) or kernels.labels(shape, pick(kernels.dtypes), random(99))
    if a.ndim > 0 and random(3) == 1 then a = a:flip(random(a.ndim)) end
    if random(3) == 1 then a = a:transpose() end
    return a
  end,
  function() return kernels.labels({ 5, 6 }, "uint64", random(99)) end,
  function() return kernels.grey({ 5, 6 }, "float32", random(99)) end,
  function() return core.kernel.scale_later(kernels.grey({ 4, 5 }, "uint8"), 1 / 255) end,
  function() return closed(core.zeros({ 2, 2 }, "float32")) end,
  function() return core.Coordinate { 1, 2, 3 } end,
  function() return core.Coordinate { 3, core.unbounded } end,
  function() return core.unbounded end,
  function() return roi(random(4)) end,
  function() return core.Roi({ 0, 0 }, { core.unbounded, 4 }) end,
  function() return core.Roi({ math.maxinteger - 9, math.mininteger + 9 }, { 3, 3 }) end,
  function() return core.ArraySpec { roi = roi(2), voxel_size = { 1, 1 }, dtype = "uint8" } end,
  function() return core.GraphSpec { roi = roi(3) } end,
  function() return core.Rng(random(9)) end,
  function() return kernels.graph() end,
  function() return closed(kernels.graph()) end,
  transform,
  function() return closed(transform()) end,
  function() return core.kernel.integral(kernels.labels({ 4, 5 }, "uint8")) end,
  function() return core.kernel.integral_in_pieces { 4, 5 } end,
  function() return closed(core.kernel.integral(kernels.labels({ 4 }, "uint8"))) end,
  file,
  function() return closed(file()) end,
}

-- Everything that can be called, by name.
local targets = {}
local function add(name, f, own)
  if not left_out[name] then targets[#targets + 1] = { name = name, call = f, own = own } end
end
local function add_table(prefix, list, own)
  for name, value in pairs(list) do
    if type(value) == "function" then add(prefix .. tostring(name), value, own) end
    if type(value) == "table" and name ~= "__index" and not left_out[prefix .. tostring(name)] then add_table(prefix .. tostring(name) .. ".", value) end
  end
end
add_table("core.", core)

local seen = {}
for _, make in ipairs(values) do
  for _ = 1, 12 do
    local object = make()
    local mt = type(object) == "userdata" and debug.getmetatable(object)
    if mt and mt.__name and mt.__name:find "^moondust" and not seen[mt.__name] then
      seen[mt.__name] = true
      add_table(mt.__name .. ".", mt, make)
      local methods = type(mt.__index) == "table" and mt.__index
      if not methods then -- an __index of its own sees the methods as its upvalue
        for i = 1, 3 do
          local _, upvalue = debug.getupvalue(mt.__index, i)
          if type(upvalue) == "table" then methods = upvalue end
        end
      end
      if methods then add_table(mt.__name .. ":", methods, make) end
    end
  end
end
table.sort(targets, function(a, b) return a.name < b.name end)

-- What kernels are rightly called with; one or two of these arguments are then replaced.
local right = {}
do
  local own = {}
  for name, f in pairs(core.kernel) do
    own[name], right["core.kernel." .. name] = f, {}
    core.kernel[name] = function(...)
      local list = right["core.kernel." .. name]
      list[#list + 1] = table.pack(...)
      return f(...)
    end
  end
  for _, name in ipairs(kernels.names) do
    local case = kernels.cases[name]
    for _, shape in ipairs { { 4, 5 }, { 3, 4, 2 }, { 1, 6 } } do
      if #shape <= case.most then pcall(function() case.call(case.make(shape, pick(case.dtypes))) end) end
    end
  end
  for name, f in pairs(own) do core.kernel[name] = f end
end
local function arguments_of(target)
  local list = right[target.name]
  if list and #list > 0 and random(4) > 1 then
    local chosen = pick(list)
    local copy = table.pack(table.unpack(chosen, 1, chosen.n))
    for _ = 1, random(2) do
      local _, value = pcall(pick(values))
      copy[random(copy.n + 1)] = value
    end
    copy.n = copy.n + 1
    return copy
  end
  local arguments = { n = random(8) - 1 }
  for i = 1, arguments.n do
    local _, value = pcall(pick(values))
    arguments[i] = value
  end
  if target.own and arguments.n > 0 and random(4) > 1 then arguments[1] = target.own() end
  return arguments
end

local classes = {}
for name in pairs(seen) do classes[#classes + 1] = name end
table.sort(classes)
print("classes " .. table.concat(classes, " "))
print("functions " .. #targets)

-- The name of what is called goes out before the call, so that a crash tells which it was.
local log = assert(io.open(arg[3], "w"))
log:setvbuf "no"
local calls, refused, longest, slowest = 0, 0, 0, ""
for _, target in ipairs(targets) do
  for round = 1, rounds do
    local arguments = arguments_of(target)
    local n = arguments.n
    log:seek "set"
    log:write(("%s, call %d of seed %d                                   \n"):format(target.name, round, seed))
    local before = core.clock()
    local ok, message = pcall(target.call, table.unpack(arguments, 1, n))
    local took = core.clock() - before
    if took > longest then longest, slowest = took, target.name .. " call " .. round end
    calls = calls + 1
    if not ok then
      refused = refused + 1
      if message == nil then error(target.name .. " raised nil") end
    end
    for i = 1, n do -- what was handed in can still be closed, read, printed
      if type(arguments[i]) == "userdata" then
        pcall(tostring, arguments[i])
      end
    end
  end
  collectgarbage()
end
log:close()
print(("calls %d, refused %d; longest %.2f s: %s"):format(calls, refused, longest, slowest))
os.execute("rm -rf " .. folder)
