--- The Integral: boxes counted against a slow sum, clipping, closing.
local core = require "moondust.core"

local function slow(a, begin, shape)
  local view, axes = a, #begin
  for axis = 1, axes do
    local first, last = math.max(begin[axis], 0) + 1, math.min(begin[axis] + shape[axis], a.shape[axis])
    if first > last then return 0 end
    view = view:slice(axis, first, last)
  end
  return view:gt(0):sum()
end

describe("kernel.integral", function()
  it("counts boxes in 1 to 4 axes and on views", function()
    local rng = core.Rng(7)
    for ndim = 1, 4 do
      local shape, size = {}, 1
      for d = 1, ndim do shape[d], size = 3 + d, size * (3 + d) end
      local values = {}
      for i = 1, size do values[i] = rng:randint(0, 1) * rng:randint(0, 3) end
      local mask = core.ndarray(values, "uint8"):reshape(shape)
      if ndim > 1 then mask = mask:flip(1):transpose() end
      local integral <close> = core.kernel.integral(mask)
      for _ = 1, 60 do
        local begin, box = {}, {}
        for d = 1, ndim do begin[d], box[d] = rng:randint(-3, 6), rng:randint(0, 8) end
        assert.equal(slow(mask, begin, box), integral:count(begin, box))
      end
    end
  end)

  it("counts boxes that hold whole blocks, and parts of them", function()
    local rng = core.Rng(8)
    for _, case in ipairs { { { 20, 30, 130 }, "uint8" }, { { 17, 9, 33 }, "float32" }, { { 40, 1100 }, "uint8" }, { { 9, 8, 16, 20 }, "uint16" }, { { 300 }, "uint8" } } do
      local shape, dtype = table.unpack(case)
      local size = 1
      for _, n in ipairs(shape) do size = size * n end
      local values = {}
      for i = 1, size do values[i] = rng:randint(0, 1) * rng:randint(0, 3) end
      local mask = core.ndarray(values, dtype):reshape(shape)
      local integral <close> = core.kernel.integral(mask)
      for _ = 1, 60 do
        local begin, box = {}, {}
        for d, n in ipairs(shape) do
          begin[d] = rng:randint(-3, n)
          box[d] = rng:randint(0, n - begin[d] + 3)
        end
        assert.equal(slow(mask, begin, box), integral:count(begin, box))
      end
    end
  end)

  it("counts more rows a block than a byte can", function()
    local integral <close> = core.kernel.integral(core.zeros({ 16, 16, 16, 70 }, "uint8"):fill(1))
    assert.equal(16 ^ 3 * 70, integral:count({ 0, 0, 0, 0 }, { 16, 16, 16, 70 }))
    assert.equal(8 ^ 3 * 5, integral:count({ 8, 0, 8, 64 }, { 8, 8, 8, 5 }))
  end)

  it("comes in pieces", function()
    local rng, values = core.Rng(9), {}
    for i = 1, 20 * 10 * 70 do values[i] = rng:randint(0, 1) end
    local mask = core.ndarray(values, "uint8"):reshape { 20, 10, 70 }
    local whole <close> = core.kernel.integral(mask)
    local pieces <close> = core.kernel.integral_in_pieces { 20, 10, 70 }
    assert.error_matches(function() pieces:count({ 0, 0, 0 }, { 1, 1, 1 }) end, "the integral is not finished")
    for first = 14, 0, -7 do pieces:put(mask:slice(1, first + 1, math.min(20, first + 7)), first) end
    pieces:finish()
    for _ = 1, 40 do
      local begin, box = {}, {}
      for d, n in ipairs { 20, 10, 70 } do begin[d], box[d] = rng:randint(0, n - 1), rng:randint(0, n) end
      assert.equal(whole:count(begin, box), pieces:count(begin, box))
    end
    for _, bad in ipairs { { { 5, 10, 70 }, 16 }, { { 5, 10, 70 }, -1 }, { { 5, 11, 70 }, 0 }, { { 10, 70 }, 0 } } do
      assert.error_matches(function() pieces:put(core.zeros(bad[1], "uint8"), bad[2]) end, "is no part of a mask of 20x10x70")
    end
    assert.error_matches(function() core.kernel.integral_in_pieces { 70 }:put(core.zeros({ 6 }, "uint8"), 64) end, "is no part of a mask of 70")
    assert.error_matches(function() core.kernel.integral_in_pieces {} end, "one to eight axes")
    assert.error_matches(function() core.kernel.integral_in_pieces { 3, -1 } end, "%-1 elements along axis 2")
  end)

  it("takes little more than the mask as bits", function()
    local mask = core.zeros({ 64, 128, 128 }, "uint8"):fill(1)
    collectgarbage()
    local before = core.memory()
    local integral <close> = core.kernel.integral(mask)
    assert.is_true(core.memory() - before < mask.size * 0.22)
    assert.equal(mask.size, integral:count({ 0, 0, 0 }, { 64, 128, 128 }))
  end)

  it("counts what is above 0 in any dtype", function()
    assert.equal(2, core.kernel.integral(core.ndarray({ -1, 0, 0.25, 7 }, "float32")):count({ 0 }, { 4 }))
    assert.equal(1, core.kernel.integral(core.ndarray({ -1, 0, 7 }, "int16")):count({ 0 }, { 3 }))
    assert.equal(1, core.kernel.integral(core.ndarray({ math.mininteger, 0 }, "uint64")):count({ 0 }, { 2 }))
  end)

  it("clips boxes, however far out", function()
    local integral = core.kernel.integral(core.ndarray({ 1, 1, 1 }, "uint8"))
    assert.equal(3, integral:count({ -10 }, { 100 }))
    assert.equal(0, integral:count({ 3 }, { 5 }))
    assert.equal(0, integral:count({ 1 }, { 0 }))
    assert.equal(0, integral:count({ 1 }, { -4 }))
    assert.equal(2, integral:count({ 1 }, { math.maxinteger }))
    assert.equal(0, integral:count({ math.mininteger }, { math.maxinteger }))
    assert.equal(0, core.kernel.integral(core.zeros({ 0, 2 }, "uint8")):count({ 0, 0 }, { 1, 1 }))
  end)

  it("closes, twice as well, and tells then", function()
    local mask = core.ndarray({ 1, 1 }, "uint8")
    local integral = core.kernel.integral(mask)
    assert.equal("Integral of a mask of 2", tostring(integral))
    integral:close()
    integral:close()
    assert.equal("Integral (closed)", tostring(integral))
    assert.error_matches(function() integral:count({ 0 }, { 1 }) end, "the integral is closed")
  end)

  it("refuses what makes no sense", function()
    local integral = core.kernel.integral(core.ndarray({ { 1, 1 } }, "uint8"))
    assert.has_error(function() integral:count({ 0 }, { 1, 1 }) end, "begin has 1 entries, the array has 2 axes")
    assert.has_error(function() core.kernel.integral({ 1 }) end)
  end)
end)
