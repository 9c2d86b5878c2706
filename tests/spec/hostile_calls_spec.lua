--- Whatever core's functions, methods and metamethods are called with by hand, the process goes on (support/hostile_calls.lua, in a process of its own): the stock interpreter
--- with the module, and the program.
local core = require "moondust.core"
local kernels = require "spec.support.kernels"
local program = require "spec.support.program"

local preload = os.getenv "PRELOAD"

local function run(host, seed, rounds)
  local log = program.temporary()
  finally(function() os.remove(log) end)
  local command = ("%s LUA_PATH='lua/?.lua;lua/?/init.lua;tests/?.lua;;' LUA_CPATH='%s/?.so;;' timeout 300 %s tests/spec/support/hostile_calls.lua %d %d %s"):format(
    preload and "LD_PRELOAD=" .. program.quote(preload) or "", program.build, host, seed, rounds, log)
  local result = program.shell(command)
  local last = io.open(log, "r")
  local said = last and last:read "l" or "nothing"
  if last then last:close() end
  -- Files that __gc was called on were never closed, by which the program fails once it is through.
  local got_through = result.out:find "calls %d+, refused" and not result.err:gsub("[^\n]* was never closed, so it is not written[^\n]*\n", ""):find "%S"
  assert.is_true(result.status == 0 or result.status == 1 and got_through, ("it ended with %d in %s\n%s"):format(result.status, said, result.err))
  return result.out
end

describe("calls by hand", function()
  local classes = { "ArraySpec", "Coordinate", "Graph", "GraphSpec", "Hdf5File", "Integral", "Rng", "Roi", "Transform", "ndarray", "unbounded" }
  for name, host in pairs { ["the stock interpreter"] = os.getenv "LUA" or "lua5.4", ["the program"] = program.path } do
    it("in " .. name, function()
      for seed = 1, 2 do
        local out = run(host, seed + (name == "the program" and 10 or 0), 15)
        for _, class in ipairs(classes) do assert.matches("moondust." .. class, out, 1, true) end
        assert.is_true(tonumber(out:match "functions (%d+)") > 300, out)
      end
    end)
  end

  it("of arithmetic without an array", function()
    local mt = getmetatable(core.zeros({ 2 }, "uint8"))
    for _, name in ipairs { "__add", "__sub", "__mul", "__div", "__pow" } do
      assert.has_error(function() mt[name](5, 6) end, "one operand must be an ndarray")
      assert.error_matches(function() mt[name](5) end, "arrays are combined with arrays and numbers, not nil")
      assert.error_matches(function() mt[name]() end, "not nil")
    end
    assert.has_error(function() mt.__unm(5) end, "the operand must be an ndarray")
    assert.error_matches(function() mt.__unm() end, "not nil")
  end)

  it("of a closed object say so", function()
    local a, graph = kernels.labels({ 3, 4 }, "uint8"), kernels.graph()
    a:close()
    graph:close()
    local mt = getmetatable(a)
    for _, f in ipairs { mt.__add, mt.__unm, mt.__len, mt.__newindex } do assert.error_matches(function() f(a, { 1, 1 }, 2) end, "this array was closed") end
    assert.error_matches(function() graph:copy() end, "closed")
  end)
end)

describe("a number of threads", function()
  it("in the environment that is none is an error", function()
    for _, wrong in ipairs { "abc", "100000", "0", "-1", "1025", " 4", "4 ", "3x", "99999999999999999999", "1e2" } do
      local result = program.shell(("MOONDUST_THREADS='%s' %s -e 'require \"moondust\"'"):format(wrong, program.path))
      assert.equal(1, result.status, wrong)
      assert.matches(("MOONDUST_THREADS: '%s' is not a number of threads: it must be a whole number from 1 to 1024"):format(wrong), result.err, 1, true)
      assert.equal("", result.out)
    end
    for said, threads in pairs { ["1"] = "1", ["03"] = "3", ["1024"] = "1024" } do
      assert.equal(threads, program.shell(("MOONDUST_THREADS=%s %s -e 'io.write(require(\"moondust\").threads())'"):format(said, program.path)).out)
    end
    assert.matches("^%d+$", program.shell(("MOONDUST_THREADS= %s -e 'io.write(require(\"moondust\").threads())'"):format(program.path)).out)
  end)

  it("of the script's that is none is an error", function()
    for _, wrong in ipairs { 0, -1, 1025, 100000, math.maxinteger } do
      assert.has_error(function() core.threads(wrong) end, ("the number of threads must be from 1 to 1024, not %d"):format(wrong))
    end
    assert.error_matches(function() core.threads "abc" end, "the number of threads must be a whole number, not string")
    assert.error_matches(function() core.threads(1.5) end, "the number of threads must be a whole number, not 1.5")
  end)

  it("that was asked for and can't be had is an error", function()
    if preload then return end -- a sanitiser needs the room
    local script = [[local c = require "moondust.core"; c.kernel.one_hot(c.zeros({ 2 }, "uint8"), 2)]]
    local result = program.shell(("ulimit -v 1000000; MOONDUST_THREADS=1000 %s -e %s"):format(program.path, program.quote(script)))
    assert.equal(1, result.status)
    assert.matches("only %d+ of 1000 threads could be started .*: use fewer", result.err)
  end)
end)
