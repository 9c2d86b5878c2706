--- The same bytes for 1 to 8 threads, of C-order arrays and of views.
local core = require "moondust.core"
local kernel = core.kernel

describe("kernels on any number of threads", function()
  local threads = core.threads()
  after_each(function() core.threads(threads) end)

  local function inputs()
    local rng = core.Rng(3)
    local grey = rng:np_normals(0.5, 0.1, { 5, 70, 61, 50 })
    local labels = (grey * 3):astype("uint64")
    return grey:astype("float32"), grey, labels, labels:astype("uint8"):gt(0)
  end

  local function hashes(grey, wide, labels, mask)
    local space = grey.shape
    local out = {
      kernel.pad(grey, { 0, 3, 2, 1 }, { 1, 1, 4, 200 }, "reflect"):hash(),
      kernel.pad(mask, { 0, 3, 2, 1 }, { 1, 1, 4, 200 }, "constant", 3):hash(),
      kernel.scale_shift(grey, 1.7, -0.3, "uint8"):hash(),
      kernel.gamma(grey, 0.7):hash(),
      kernel.gamma(wide, 1.3):hash(),
      kernel.intensity(grey, { -1, 16, -1, -1 }, { 1, 2, 3, 4, 5 }, { 0, 1, 2, 3, 4 }, false):hash(),
      kernel.intensity(wide, { -1, -1, -1, -1 }, { 1.1 }, { 0.01 }, true):hash(),
      kernel.max_channels(labels, 3):hash(),
      kernel.affinities(labels, { { 0, 0, 0, 1 }, { 1, -1, 3, 0 } }):hash(),
      kernel.one_hot(labels, 3):hash(),
    }
    local target = kernel.boundary_distance(labels, { 5, 4, 3 }, 20)
    out[#out + 1] = target:hash()
    out[#out + 1] = kernel.distance_mask(target, mask, { 5, 4, 3 }, 20, 0.05, 0.8):hash()
    local weights, counts = kernel.balance_weights(mask, 2, { grey, mask }, { 1, -1, -1, -1 })
    out[#out + 1] = weights:hash()
    for _, slab in ipairs(counts) do out[#out + 1] = ("%a %a %a %a"):format(table.unpack(slab)) end
    out[#out + 1] = tostring(kernel.integral(mask):count({ 0, 0, 0, 0 }, space))
    return out
  end

  local function check(...)
    core.threads(1)
    local expected = hashes(...)
    for n = 2, 8 do
      core.threads(n)
      assert.same(expected, hashes(...))
    end
  end

  it("in C order", function() check(inputs()) end)

  it("on views", function()
    local arrays = { inputs() }
    for i, a in ipairs(arrays) do arrays[i] = a:flip(2):transpose(1, 2, 4, 3) end
    check(table.unpack(arrays))
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
