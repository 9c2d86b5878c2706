--- The same bytes for 1 to 8 threads, of C-order arrays and of views.
local core = require "moondust.core"
local kernel = core.kernel
local kernels = require "spec.support.kernels"
local views = require "spec.support.views"

describe("kernels on any number of threads", function()
  local threads = core.threads()
  after_each(function() core.threads(threads) end)

  -- Large enough for several chunks; each kernel on few threads and on many.
  local function check(kind)
    for _, name in ipairs(kernels.names) do
      local case = kernels.cases[name]
      local shape = case.most >= 3 and { 3, 60, 513 } or { 180, 257 }
      for _, dtype in ipairs { "uint8", "int32", "uint64", "float32", "float64" } do
        if case.no_array and dtype == "uint8" or not case.no_array and kernels.takes(case, shape, dtype) then
          local things = case.make(shape, dtype)
          if kind then things = views.all(things, kind) end
          core.threads(1)
          local expected = kernels.describe_all(case.brief(things))
          for _, n in ipairs { 2, 3, 8 } do
            core.threads(n)
            assert.equal(expected, kernels.describe_all(case.brief(things)), ("%s of %s on %d threads"):format(name, dtype, n))
          end
        end
      end
    end
  end

  it("in C order", function() check() end)

  it("on views", function()
    check "transposed"
    check "strided"
  end)
end)

describe("kernels", function()
  it("never change what they are given, and leave nothing behind", function()
    kernel.one_hot(core.zeros({ 1 }, "uint8"), 1):close() -- makes the pool, which stays
    collectgarbage()
    collectgarbage()
    local before = core.memory()
    do
      local a <close> = core.ndarray({ { 0, 1, 1 }, { 2, 0, 1 } }, "uint8")
      local f <close> = a:astype "float32"
      local hash, float_hash = a:hash(), f:hash()
      for _, made in ipairs {
        kernel.pad(a, { 1, 1 }, { 1, 1 }, "reflect"), kernel.scale_shift(a, 2, 1), kernel.gamma(f, 2),
        kernel.intensity(f, { -1, 1 }, { 1, 2, 3 }, { 0, 0, 1 }, true), kernel.max_channels(a, 1),
        kernel.affinities(a, { { 0, 1 } }), kernel.one_hot(a, 2),
        kernel.boundary_distance(a, { 1, 1 }, 2),
        kernel.distance_mask(f, a, { 1, 1 }, 1, 0.1, 0.9),
        (kernel.balance_weights(a, 3, { a }, { -1, -1 })), kernel.integral(a),
      } do made:close() end
      assert.equal(hash, a:hash())
      assert.equal(float_hash, f:hash())
    end
    assert.equal(before, (core.memory()))
  end)
end)
