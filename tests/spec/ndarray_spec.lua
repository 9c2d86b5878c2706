local core = require "moondust.core"

local A = core.ndarray
local INTEGERS = { "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64" }
local BIG = (1 << 53) + 1 -- a double can't hold it
local TOP = -1            -- 2^64 - 1 as a Lua integer
local NAN = 0 / 0

local function message(f, ...)
  local ok, text = pcall(f, ...)
  assert.is_false(ok)
  return (tostring(text):gsub("^[^:]+:%d+: ", ""))
end

local function every_dtype(f)
  for _, dtype in ipairs(INTEGERS) do f(dtype) end
  f "float32"
  f "float64"
end

describe("making ndarrays", function()
  it("from nested tables, of every dtype", function()
    every_dtype(function(dtype)
      local a = A({ { 1, 2, 3 }, { 4, 5, 6 } }, dtype)
      assert.equal(dtype, a.dtype)
      assert.same({ 2, 3 }, a.shape)
      assert.equal(2, a.ndim)
      assert.equal(6, a.size)
      assert.equal(2, #a)
      assert.same({ { 1, 2, 3 }, { 4, 5, 6 } }, a:totable())
    end)
    assert.equal("float32", A{ 1 }.dtype)
    assert.equal(48, A({ { 1, 2, 3 }, { 4, 5, 6 } }, "float64").nbytes)
  end)

  it("rounds half to even and saturates", function()
    assert.same({ 0, 2, 2, 255, 0, 0 }, A({ 0.5, 1.5, 2.5, 300, -4, NAN }, "uint8"):totable())
    assert.same({ -128, 127 }, A({ -1000, 1000 }, "int8"):totable())
  end)

  it("keeps 64-bit ids, above 2^63 as the same bits", function()
    for _, dtype in ipairs{ "uint64", "int64" } do
      assert.same({ BIG, TOP, math.mininteger, math.maxinteger }, A({ BIG, TOP, math.mininteger, math.maxinteger }, dtype):totable())
    end
    assert.equal("ndarray uint64 1 [18446744073709551615]", tostring(A({ TOP }, "uint64")))
  end)

  it("of no axes and of no elements", function()
    local scalar = A(3.5)
    assert.equal(0, scalar.ndim)
    assert.equal(3.5, scalar[{}])
    assert.equal(3.5, scalar:totable())
    assert.equal("an array of no axes has no length", message(function() return #scalar end))
    local none = core.zeros{ 0, 3 }
    assert.equal(0, none.size)
    assert.same({}, none:totable())
    assert.same({ 0 }, A({}).shape)
  end)

  it("says where nested tables are ragged or hold something else", function()
    assert.equal("values[2] has 1 entries where the first of its kind has 2", message(A, { { 1, 2 }, { 3 } }))
    assert.equal("values[2] must be a table of 2, not number", message(A, { { 1, 2 }, 3 }))
    assert.equal("values[1][2] must be a number, not string", message(A, { { 1, "2" } }))
    assert.equal("values[2] must be a number, not table", message(A, { 1, { 2 } }))
    assert.equal("values must be a number or nested tables of numbers, not string", message(A, "1"))
    assert.equal("values must be a number or nested tables of numbers, not nil", message(A))
    assert.equal("values are nested deeper than 8 axes", message(A, { { { { { { { { { 1 } } } } } } } } }))
  end)

  it("refuses shapes and dtypes that can't be", function()
    assert.equal("shape must be a table of whole numbers, not number", message(core.zeros, 5))
    assert.equal("entry 2 of shape must be a whole number, not 1.5", message(core.zeros, { 1, 1.5 }))
    assert.equal("shape has 9 entries; there are at most 8 axes", message(core.zeros, { 1, 1, 1, 1, 1, 1, 1, 1, 1 }))
    assert.is_truthy(message(core.zeros, { -1 }):find("-1", 1, true))
    assert.is_truthy(message(core.empty, { 1 << 40, 1 << 40 }):find("bytes", 1, true))
    assert.is_truthy(message(core.empty, { 1 << 62 }, "uint8"):find("bytes", 1, true))
    assert.is_truthy(message(core.zeros, { 1 }, "float16"):find("float16", 1, true))
    assert.equal('dtype must be a name such as "uint8" or "float32", not number', message(core.zeros, { 1 }, 8))
  end)
end)

describe("ndarray indexing", function()
  local a = A({ { { 1, 2, 3 }, { 4, 5, 6 } }, { { 7, 8, 9 }, { 10, 11, 12 } } }, "uint16")

  it("reads elements from 1, negative numbers from the end", function()
    assert.equal(6, a[{ 1, 2, 3 }])
    assert.equal(10, a[{ -1, -1, -3 }])
    assert.equal("integer", math.type(a[{ 1, 1, 1 }]))
    assert.equal("float", math.type(A{ 1 }[{ 1 }]))
  end)

  it("makes views with inclusive ranges, steps and whole axes", function()
    assert.same({ { 4, 5, 6 }, { 10, 11, 12 } }, a[{ {}, 2 }]:totable())
    assert.same({ { { 8, 9 } } }, a[{ { 2, 2 }, { 1, 1 }, { 2, 3 } }]:totable())
    assert.same({ 9, 8, 7 }, a[{ 2, 1, { 3, 1, -1 } }]:totable())
    assert.same({ 7, 9 }, a[{ 2, 1, { 1, 3, 2 } }]:totable())
    assert.same({ 12, 10 }, a[{ 2, 2, { -1, 1, -2 } }]:totable())
    assert.same({ 2 }, a[{ 1, 1, { 2, 2, -1 } }]:totable())
    assert.same({ { 1, 2, 3 }, { 4, 5, 6 } }, a[1]:totable())
    assert.same({ 2, 0, 3 }, a[{ {}, { 2, 1 } }].shape)
    assert.same({ 0 }, a[{ 1, 1, { 4, 3 } }].shape)
    assert.same({ 0 }, a[{ 1, 1, { 1, 2, -1 } }].shape)
    assert.same(a:totable(), a[{}]:totable())
  end)

  it("walks like a sequence with plain numbers", function()
    local seen = {}
    for i, v in ipairs(A({ 5, 6, 7 }, "int8")) do seen[i] = v end
    assert.same({ 5, 6, 7 }, seen)
    assert.equal(7, A({ 5, 6, 7 }, "int8")[-1])
  end)

  it("says what is outside, and of what", function()
    assert.equal("index 3 of axis 1 is not from 1 to 2", message(function() return a[{ 3 }] end))
    assert.equal("index 0 of axis 2 is not from 1 to 2", message(function() return a[{ 1, 0 }] end))
    assert.equal("index -4 of axis 3 is not from 1 to 3", message(function() return a[{ 1, 1, -4 }] end))
    assert.equal("index of axis 1 must be a whole number, not 1.5", message(function() return a[{ 1.5 }] end))
    assert.equal("the range {1, 4} of axis 3 is not within 1 to 3",
      message(function() return a[{ 1, 1, { 1, 4 } }] end))
    assert.equal("the range {3, 1} of axis 3 is not within 1 to 3",
      message(function() return a[{ 1, 1, { 3, 1 } }] end))
    assert.equal("the range {1, 3} of axis 3 is not within 1 to 3 going down",
      message(function() return a[{ 1, 1, { 1, 3, -1 } }] end))
    assert.equal("the range {5, 4} of axis 3 is not within 1 to 3",
      message(function() return a[{ 1, 1, { 5, 4 } }] end))
    assert.equal("the step of axis 3 must not be 0", message(function() return a[{ 1, 1, { 1, 3, 0 } }] end))
    assert.equal("a range of axis 1 is {first, last}, {first, last, step} or {}, not a table of 1",
      message(function() return a[{ { 1 } }] end))
    assert.equal("last of axis 1 must be a whole number, not string", message(function() return a[{ { 1, "2" } }] end))
    assert.equal("an index of 4 entries into an array of 3 axes", message(function() return a[{ 1, 1, 1, 1 }] end))
    assert.equal("the index of axis 1 must be a number or a range {first, last}, not string",
      message(function() return a[{ "1" }] end))
    assert.equal("an array is indexed with a table such as {z, y, x}, not boolean",
      message(function() return a[true] end))
    assert.is_nil(a.nothing)
  end)

  it("survives ranges at the ends of 64 bits", function()
    local top, bottom = math.maxinteger, math.mininteger
    for _, range in ipairs{ { top, top }, { bottom, bottom }, { 1, top }, { bottom, 1 }, { top, bottom }, { 1, 3, bottom } } do
      assert.is_false((pcall(function() return a[{ 1, 1, range }] end)))
    end
    assert.same({ 1 }, a[{ 1, 1, { 1, 3, top } }]:totable())
    assert.same({ 3 }, a[{ 1, 1, { 3, 1, -top } }]:totable())
  end)

  it("writes numbers and arrays, which are broadcast", function()
    local b = core.zeros({ 2, 3 }, "uint8")
    b[{ 1, 2 }] = 7
    b[{ 2 }] = A({ 1, 2, 3 }, "uint8")
    assert.same({ { 0, 7, 0 }, { 1, 2, 3 } }, b:totable())
    b[{ {}, { 1, 2 } }] = A({ 8, 9 }, "int64")
    assert.same({ { 8, 9, 0 }, { 8, 9, 3 } }, b:totable())
    b[{}] = 1.5
    assert.same({ { 2, 2, 2 }, { 2, 2, 2 } }, b:totable())
    b[1] = 300
    assert.same({ { 255, 255, 255 }, { 2, 2, 2 } }, b:totable())
    b[{}] = A{ 1.9 }
    assert.same({ { 1, 1, 1 }, { 1, 1, 1 } }, b:totable())
  end)

  it("refuses what can't be written", function()
    local b = core.zeros({ 2, 3 }, "uint8")
    assert.equal("an array is written with a number or an ndarray, not string", message(function() b[{ 1 }] = "1" end))
    assert.equal("an array is written with a number or an ndarray, not nil", message(function() b[{ 1 }] = nil end))
    assert.equal("index 3 of axis 1 is not from 1 to 2", message(function() b[3] = 1 end))
    assert.is_truthy(message(function() b[{ 1 }] = A{ 1, 2 } end):find("2", 1, true))
    assert.equal("an ndarray's field 'shape' can't be set; elements are written as a[{z, y, x}] = value",
      message(function() b.shape = { 3, 2 } end))
  end)

  it("copies on write: other views keep what they saw", function()
    local b = A({ 1, 2, 3, 4 }, "uint8")
    local view, half = b:view(), b[{ { 1, 2 } }]
    b[1] = 9
    assert.same({ 1, 2, 3, 4 }, view:totable())
    assert.same({ 1, 2 }, half:totable())
    half[2] = 7
    assert.same({ 9, 2, 3, 4 }, b:totable())
    view:fill(0)
    assert.same({ 1, 7 }, half:totable())
  end)

  it("reads what it writes to itself", function()
    local b = A({ 1, 2, 3, 4 }, "uint8")
    b[{ { 4, 1, -1 } }] = b
    assert.same({ 4, 3, 2, 1 }, b:totable())
    b[{ { 2, 4 } }] = b[{ { 1, 3 } }]
    assert.same({ 4, 4, 3, 2 }, b:totable())
  end)
end)

describe("ndarray views", function()
  local a = A({ { 1, 2, 3 }, { 4, 5, 6 } }, "int16")

  it("transpose, flip, reshape, slice, add and drop axes", function()
    assert.same({ { 1, 4 }, { 2, 5 }, { 3, 6 } }, a:transpose():totable())
    assert.same(a:totable(), a:transpose(1, 2):totable())
    assert.same({ { 3, 2, 1 }, { 6, 5, 4 } }, a:flip(2):totable())
    assert.same({ 1, 4, 2, 5, 3, 6 }, a:transpose():reshape{ -1 }:totable())
    assert.same({ { 2, 3 }, { 5, 6 } }, a:slice(2, 2, 3):totable())
    assert.same({ { 3, 1 }, { 6, 4 } }, a:slice(2, 3, 1, -2):totable())
    assert.same({ 1, 2, 3 }, a:add_axis(1).shape)
    assert.same({ 2, 3, 1 }, a:add_axis(3).shape)
    assert.same(a:totable(), a:add_axis(2):drop_axis(2):totable())
  end)

  it("check their axes", function()
    assert.equal("axis 3: there are axes 1 to 2", message(a.flip, a, 3))
    assert.equal("axis 0: there are axes 1 to 2", message(a.flip, a, 0))
    assert.equal("axis must be a whole number, not nil", message(a.flip, a))
    assert.equal("axis 4: there are axes 1 to 3", message(a.add_axis, a, 4))
    assert.equal("axis 2 has length 3; only an axis of length 1 can be dropped", message(a.drop_axis, a, 2))
    assert.equal("transpose needs the 2 axes in their new order (or none: reversed), got 1", message(a.transpose, a, 1))
    assert.is_truthy(message(a.transpose, a, 1, 1):find("twice", 1, true))
    assert.is_truthy(message(a.reshape, a, { 4 }):find("2x3", 1, true))
    assert.equal("first must be a whole number, not nil", message(a.slice, a, 1))
    assert.equal("expected an ndarray, got table", message(a.flip, {}, 1))
  end)

  it("cast as numpy's astype", function()
    assert.same({ 1, -1, 300, 0 }, A{ 1.9, -1.9, 300, NAN }:astype("int16"):totable())
    assert.same({ BIG }, A({ BIG }, "uint64"):astype("int64"):totable())
    assert.same({ 44, 255 }, A({ 300, -1 }, "int32"):astype("uint8"):totable())
    assert.same({ 1, -1 }, A({ 1.9, -1.9 }, "float64"):astype("int8"):totable())
    assert.equal("astype needs the name of a dtype", message(a.astype, a))
  end)
end)

describe("closing ndarrays", function()
  it("gives the bytes back at once, and twice is fine", function()
    collectgarbage()
    collectgarbage()
    local before = core.memory()
    local a = core.zeros({ 1000, 1000 }, "uint8")
    assert.is_true(core.memory() - before >= 1000000)
    a:close()
    a:close()
    assert.is_true(core.memory() - before < 1000)
    assert.is_true(a.closed)
    assert.equal("ndarray (closed)", tostring(a))
    do
      local b <close> = core.zeros({ 1000, 1000 }, "uint8")
      assert.is_false(b.closed)
    end
    assert.is_true(core.memory() - before < 1000)
  end)

  it("makes every use an error that says so", function()
    local a, open = A{ 1 }, A{ 1 }
    a:close()
    for name in ("min max minmax sum mean std any all unique first_nan copy view transpose hash totable tostring_bytes"):gmatch "%S+" do
      assert.equal("this array was closed", message(a[name], a), name)
    end
    for _, f in ipairs{
      function() return a + 1 end, function() return open * a end, function() return -a end, function() return #a end,
      function() return a.shape end, function() return a[1] end, function() a[1] = 1 end, function() open[1] = a end,
      function() return a:fill(1) end, function() return a:astype "uint8" end, function() return a:eq(1) end,
      function() return open:eq(a) end, function() return open:equal(a) end, function() return a:count(1) end,
      function() return a:histogram(3) end, function() return a:reshape{ 1 } end, function() return a:flip(1) end,
      function() return core.stack{ open, a } end,
    } do assert.equal("this array was closed", message(f)) end
  end)

  it("leaves views alive", function()
    local a = A({ 1, 2 }, "uint8")
    local view = a:view()
    a:close()
    assert.same({ 1, 2 }, view:totable())
  end)
end)

describe("ndarray arithmetic", function()
  it("has numpy's result types for two arrays", function()
    local function result(x, y) return (A({ 1 }, x) + A({ 1 }, y)).dtype end
    assert.equal("int16", result("uint8", "int8"))
    assert.equal("uint16", result("uint8", "uint16"))
    assert.equal("float64", result("uint64", "int64"))
    assert.equal("float64", result("float32", "int32"))
    assert.equal("float32", result("float32", "int16"))
    assert.equal("float32", (A({ 1 }, "uint8") / A({ 2 }, "int32")).dtype)
    assert.equal("float64", (A({ 1 }, "uint8") / A({ 2 }, "int64")).dtype)
    assert.equal("float64", (A({ 1 }, "uint8") / A({ 2 }, "float64")).dtype)
  end)

  it("never widens for a number", function()
    every_dtype(function(dtype)
      assert.equal(dtype, (A({ 1 }, dtype) + 1000000).dtype)
      assert.equal(dtype, (0.5 * A({ 1 }, dtype)).dtype)
      assert.equal(dtype, (-A({ 1 }, dtype)).dtype)
      assert.equal(dtype, (A({ 1 }, dtype) ^ 2).dtype)
    end)
    assert.equal("float32", (A({ 1 }, "uint8") / 2).dtype)
    assert.equal("float64", (A({ 1 }, "int64") / 2).dtype)
    assert.equal("float32", (1 / A({ 2 }, "float32")).dtype)
  end)

  it("saturates and rounds integer results", function()
    local a = A({ 0, 1, 3, 200, 255 }, "uint8")
    assert.same({ 100, 101, 103, 255, 255 }, (a + 100):totable())
    assert.same({ 0, 0, 0, 100, 155 }, (a - 100):totable())
    assert.same({ 1, 0, 0, 0, 0 }, (1 - a):totable())
    assert.same({ 0, 0, 2, 100, 128 }, (a * 0.5):totable())
    assert.same({ 0, 0, 0, 0, 0 }, (-a):totable())
    assert.same({ 0, 1, 9, 255, 255 }, (a ^ 2):totable())
    assert.same({ 0, 0.5, 1.5, 100, 127.5 }, (a / 2):totable())
    assert.same({ 127, -128 }, (A({ -128, 127 }, "int8") * -2):totable())
  end)

  it("is exact for 64-bit integers, and saturates", function()
    local max, min = math.maxinteger, math.mininteger
    local a = A({ BIG, max, min }, "int64")
    assert.same({ BIG + 2, max, min + 2 }, (a + 2):totable())
    assert.same({ BIG - 2, max - 2, min }, (a - 2):totable())
    assert.same({ BIG * 3, max, min }, (a * 3):totable())
    assert.same({ -BIG, -max, max }, (-a):totable())
    assert.equal(5559060566555523, (A({ 3 }, "int64") ^ 33)[1])
    assert.same({ 4052555153018976267, max, max }, (A({ 3, 3, 2 }, "int64") ^ A({ 39, 40, 63 }, "int64")):totable())
    assert.same({ min, min, 1, 0, -1 }, (A({ -2, -3, 1, 2, -1 }, "int64") ^ A({ 63, 99, -5, -1, -3 }, "int64")):totable())
    local u = A({ BIG, TOP, 5 }, "uint64")
    assert.same({ BIG + 2, TOP, 7 }, (u + 2):totable())
    assert.same({ BIG - 6, TOP - 6, 0 }, (u - 6):totable())
    assert.same({ BIG - 6, TOP - 6, 0 }, (u + -6):totable())
    assert.same({ 0, 0, 0 }, (u * -1):totable())
    assert.same({ BIG * 2, TOP, 10 }, (u * 2):totable())
    assert.same({ BIG * 2, TOP, 10 }, (u + u):totable())
    assert.same({ 0, TOP - BIG, 0 }, (u - BIG):totable())
  end)

  it("keeps the signs of zero and lets floats be infinite", function()
    assert.equal(-math.huge, 1 / (-A{ 0 })[1])
    assert.same({ math.huge, -math.huge }, (A{ 1, -1 } / 0):totable())
    local nan = (A{ 0 } / 0)[1]
    assert.is_true(nan ~= nan)
  end)

  it("computes float32 in float32", function()
    local x = string.unpack("f", string.pack("f", 0.1))
    assert.equal(string.unpack("f", string.pack("f", x * x)), (A{ 0.1 } * A{ 0.1 })[1])
  end)

  it("broadcasts", function()
    local row, column = A({ 1, 2, 3 }, "int32"), A({ { 10 }, { 20 } }, "int32")
    assert.same({ { 11, 12, 13 }, { 21, 22, 23 } }, (row + column):totable())
    assert.same({ { 9, 8, 7 }, { 19, 18, 17 } }, (column - row):totable())
    assert.same({ 0, 3 }, (core.zeros{ 0, 1 } + row).shape)
    assert.equal("arrays of shapes 3 and 2 don't go together: each axis must agree or be 1",
      message(function() return row + A{ 1, 2 } end))
  end)

  it("refuses other things", function()
    assert.equal("arrays are combined with arrays and numbers, not string", message(function() return A{ 1 } + "1" end))
    assert.equal("arrays are combined with arrays and numbers, not table",
      message(function() return { 1 } * A{ 1 } end))
    assert.equal("arrays are combined with arrays and numbers, not nil", message(function() return A{ 1 } - nil end))
  end)

  it("gives the same for any number of threads, strides and lengths", function()
    local n = core.threads()
    local rng = core.Rng(5)
    local a, b = rng:np_normals(0, 1, { 37, 61, 83 }), rng:np_normals(0, 1, { 61, 83 })
    local hashes = {}
    for _, threads in ipairs{ 1, 2, 3 } do
      core.threads(threads)
      local c = (a * b + a:flip(3)) / 3
      hashes[#hashes + 1] = c:hash() .. ("%a %a %a %d"):format(c:sum(), c:mean(), c:std(), c:gt(0):sum())
    end
    core.threads(n)
    assert.equal(hashes[1], hashes[2])
    assert.equal(hashes[1], hashes[3])
    assert.is_true((a:transpose() * 2):equal((a * 2):transpose():copy()))
  end)
end)

describe("ndarray comparisons", function()
  it("give uint8 masks", function()
    every_dtype(function(dtype)
      local a = A({ 1, 2, 3 }, dtype)
      assert.equal("uint8", a:eq(2).dtype)
      assert.same({ 0, 1, 0 }, a:eq(2):totable())
      assert.same({ 1, 0, 1 }, a:ne(2):totable())
      assert.same({ 1, 0, 0 }, a:lt(2):totable())
      assert.same({ 1, 1, 0 }, a:le(2):totable())
      assert.same({ 0, 0, 1 }, a:gt(2):totable())
      assert.same({ 0, 1, 1 }, a:ge(2):totable())
      assert.same({ 1, 1, 0 }, a:lt(2.5):totable())
      assert.same({ 0, 0, 1 }, a:ge(2.5):totable())
      assert.same({ 0, 0, 0 }, a:eq(2.5):totable())
      assert.same({ 1, 0, 0 }, a:eq(A({ 1, 1, 1 }, dtype)):totable())
      assert.same({ 0, 0, 0 }, a:gt(math.huge):totable())
      assert.same({ 1, 1, 1 }, a:gt(-math.huge):totable())
      assert.same({ 1, 1, 1 }, a:lt(1e300):totable())
      assert.same({ 0, 0, 0 }, a:lt(NAN):totable())
      assert.same({ 1, 1, 1 }, a:ne(NAN):totable())
    end)
  end)

  it("are exact for 64-bit ids", function()
    for _, dtype in ipairs{ "uint64", "int64" } do
      local a = A({ BIG - 1, BIG, BIG + 1 }, dtype)
      assert.same({ 0, 1, 0 }, a:eq(BIG):totable())
      assert.same({ 1, 0, 0 }, a:lt(BIG):totable())
      assert.same({ 1, 0, 0 }, a:eq(2.0 ^ 53):totable())
      assert.same({ 0, 1, 0 }, a:eq(A({ BIG }, dtype)):totable())
    end
    local u, s = A({ TOP, 1 }, "uint64"), A({ -1, 1 }, "int64")
    assert.same({ 1, 0 }, u:eq(TOP):totable())
    assert.same({ 0, 1 }, u:lt(TOP):totable())
    assert.same({ 0, 1 }, u:eq(s):totable())
    assert.same({ 1, 0 }, u:gt(s):totable())
    assert.same({ 1, 0 }, s:lt(u):totable())
    assert.same({ 0, 1 }, u:lt(2.0 ^ 63):totable())
    assert.same({ 0, 1 }, s:gt(-0.5):totable())
    assert.same({ 1, 1 }, u:gt(-0.5):totable())
  end)

  it("find in float32 what was stored", function()
    assert.same({ 1 }, A{ 0.1 }:eq(0.1):totable())
    assert.equal(2, A{ 0.1, 0.2, 0.1 }:count(0.1))
  end)
end)

describe("ndarray reductions", function()
  it("of every dtype", function()
    every_dtype(function(dtype)
      local a = A({ { 3, 1 }, { 2, 5 } }, dtype)
      assert.equal(1, a:min())
      assert.equal(5, a:max())
      assert.same({ 1, 5 }, { a:minmax() })
      assert.equal(11, a:sum())
      assert.equal(2.75, a:mean())
      assert.is_true(math.abs(a:std() - math.sqrt(35 / 16)) < 1e-12)
      assert.equal(dtype:find "float" and "float" or "integer", math.type(a:sum()))
      assert.equal(dtype:find "float" and "float" or "integer", math.type(a:min()))
      assert.is_true(a:any())
      assert.is_true(a:all())
      assert.equal(1, a:count(5))
      local values, counts = A({ 7, 3, 7, 7, 3 }, dtype):unique()
      assert.equal(dtype, values.dtype)
      assert.equal("uint64", counts.dtype)
      assert.same({ 3, 7 }, values:totable())
      assert.same({ 2, 3 }, counts:totable())
    end)
  end)

  it("are exact for 64-bit ids", function()
    local u = A({ BIG, TOP, BIG + 1, 3 }, "uint64")
    assert.same({ 3, TOP }, { u:minmax() })
    assert.equal(BIG, u[{ { 1, 1 } }]:max())
    assert.equal(1, u:count(BIG))
    assert.equal(1, u:count(TOP))
    assert.equal(BIG + BIG + 3, u:sum())
    assert.same({ 3, BIG, BIG + 1, TOP }, (u:unique()):totable())
    local s = A({ BIG, -1, BIG + 1, math.mininteger }, "int64")
    assert.same({ math.mininteger, BIG + 1 }, { s:minmax() })
    assert.same({ math.mininteger, -1, BIG, BIG + 1 }, (s:unique()):totable())
    assert.equal(math.mininteger, A({ math.maxinteger, 1 }, "int64"):sum())
    assert.same({ BIG }, core.zeros({ 1 }, "uint64"):fill(BIG):totable())
  end)

  it("propagate NaN as numpy does", function()
    for _, dtype in ipairs{ "float32", "float64" } do
      for at = 1, 40 do
        local a = core.zeros({ 40 }, dtype)
        a[at] = NAN
        local low, high = a:minmax()
        assert.is_true(low ~= low and high ~= high)
        assert.same({ at }, a:first_nan())
      end
    end
    local a = core.zeros{ 3, 40, 50 }
    assert.is_nil(a:first_nan())
    a[{ 3, 39, 2 }] = NAN
    assert.same({ 3, 39, 2 }, a:first_nan())
    assert.same({ 2, 39, 3 }, a:transpose():first_nan())
    assert.is_nil(A({ 1 }, "uint8"):first_nan())
    assert.equal(0, A{ NAN }:count(NAN))
    assert.is_true(A{ NAN }:any())
    local values, counts = A{ NAN, 1, -0.0, NAN, 0, -5, math.huge }:unique()
    assert.same({ -5, 0, 1, math.huge }, values[{ { 1, 4 } }]:totable())
    assert.same({ 1, 2, 1, 1, 2 }, counts:totable())
  end)

  it("of arrays without elements", function()
    local none = core.zeros({ 0 }, "uint8")
    assert.equal("an array of no elements has no minimum or maximum", message(none.min, none))
    assert.equal("an array of no elements has no mean", message(none.mean, none))
    assert.equal("an array of no elements has no mean", message(none.std, none))
    assert.equal(0, none:sum())
    assert.is_false(none:any())
    assert.is_true(none:all())
    assert.equal(0, none:count(0))
    assert.equal(0, (none:unique()).size)
  end)

  it("look at every element of long and strided arrays", function()
    local a = core.zeros({ 7, 300, 411 }, "uint8")
    a[{ 7, 300, 411 }] = 9
    assert.equal(9, a:max())
    assert.is_true(a:any())
    assert.is_false(a:all())
    assert.equal(1, a:count(9))
    assert.equal(9, a:transpose():sum())
    local strided = a[{ { 7, 1, -2 }, { 2, 300, 2 }, { 1, 411, 2 } }]
    assert.equal(9, strided:sum())
    assert.equal(strided.size - 1, strided:count(0))
    assert.is_true(a:eq(0):any())
    a:fill(1)
    assert.is_true(a:all())
    assert.equal(a.size, a:sum())
  end)

  it("count distinct values that are many", function()
    local n, step = 20000, 0x9e3779b97f4a7c15
    local t = {}
    for i = 1, n do t[i] = i * step end
    local values, counts = A(t, "uint64"):unique()
    assert.equal(n, values.size)
    assert.equal(1, counts:max())
    table.sort(t, math.ult)
    assert.same(t, values:totable())
  end)

  it("make histograms by numpy's rule", function()
    local counts, low, high = A({ 0, 1, 1, 2, 3, 4 }, "uint8"):histogram(4)
    assert.same({ 1, 2, 1, 2 }, counts:totable())
    assert.same({ 0, 4 }, { low, high })
    assert.same({ 1, 1 }, (A{ 0.1, 0.5, 7, NAN, -1 }:histogram(2, 0, 1)):totable())
    assert.same({ 0, 2 }, (A({ 3, 3 }, "int8"):histogram(2)):totable())
    assert.equal("a histogram has from 1 to 2^31 bins, not 0", message(function() return A{ 1 }:histogram(0) end))
    assert.equal("the range of a histogram must be finite and not empty, not [1, 1]",
      message(function() return A{ 1 }:histogram(3, 1, 1) end))
    assert.equal("the array has elements that are not finite: give the histogram low and high",
      message(function() return A{ NAN }:histogram(3) end))
    assert.equal("the histogram of an array of no elements needs low and high",
      message(function() return core.zeros{ 0 }:histogram(3) end))
    assert.equal("bins must be a whole number, not nil", message(function() return A{ 1 }:histogram() end))
  end)
end)

describe("ndarray equality and hash", function()
  it("see dtype, shape and elements, not how they lie", function()
    local a = A({ { 1, 2, 3 }, { 4, 5, 6 } }, "uint8")
    assert.equal(a:hash(), a:transpose():copy():transpose():hash())
    assert.is_true(a:equal(a:transpose():copy():transpose()))
    for _, other in ipairs{ a:astype "int8", a:reshape{ 3, 2 }, a + 1, a:transpose(), core.zeros({ 2, 3 }, "uint8") } do
      assert.not_equal(a:hash(), other:hash())
      assert.is_false(a:equal(other))
    end
    assert.is_true(A{ NAN, 1 }:equal(A{ NAN, 1 }))
    assert.equal(A{ NAN }:hash(), A{ -NAN }:hash())
    assert.is_false(A{ 0 }:equal(A{ -0.0 }))
    assert.is_truthy(a:hash():match "^%x%x%x%x%x%x%x%x%x%x%x%x%x%x%x%x$")
  end)

  it("the hash is what it was", function()
    assert.equal("e3f82c4f6abdccf6", A({ { 1, 2, 3 }, { 4, 5, 6 } }, "uint8"):hash())
  end)

  it("one flipped bit anywhere changes the hash", function()
    local a = core.zeros({ 1, 5001 }, "uint8")
    local hash = a:hash()
    for _, at in ipairs{ 1, 2, 9, 1024, 1025, 4097, 5000, 5001 } do
      local b = a:copy()
      b[{ 1, at }] = 1
      assert.not_equal(hash, b:hash())
    end
  end)
end)

describe("joining ndarrays", function()
  it("stacks and concatenates", function()
    local a, b = A({ { 1, 2 } }, "uint8"), A({ { 3, 4 } }, "uint8")
    assert.same({ { { 1, 2 } }, { { 3, 4 } } }, core.stack{ a, b }:totable())
    assert.same({ { 1, 2 }, { 3, 4 } }, core.concatenate({ a, b }, 1):totable())
    assert.same({ { 1, 2, 3, 4 } }, core.concatenate({ a, b }, 2):totable())
    assert.equal("array 2 has shape 2, the first 1x2: all must have one shape", message(core.stack, { a, b[1] }))
    assert.equal("array 2 has shape 1x1, the first 1x2: only axis 1 may differ", message(core.concatenate, { a, b[{ {}, { 1, 1 } }] }, 1))
    assert.equal("array 2 is int8, the first is uint8: all must have one dtype (use :astype)", message(core.stack, { a, b:astype "int8" }))
    assert.equal("arrays is empty; there must be at least one", message(core.stack, {}))
    assert.equal("arrays must be a table of ndarrays, not ndarray", message(core.stack, a))
    assert.equal("expected an ndarray, got number", message(core.stack, { 1 }))
    assert.equal("axis 3: there are axes 1 to 2", message(core.concatenate, { a }, 3))
  end)
end)

describe("tostring(ndarray)", function()
  it("is one line for a short array", function()
    assert.equal("ndarray uint8 3 [1 2 3]", tostring(A({ 1, 2, 3 }, "uint8")))
    assert.equal("ndarray float32 0x3 []", tostring(core.zeros{ 0, 3 }))
    assert.equal("ndarray float64 () 0.5", tostring(A(0.5, "float64")))
    assert.equal("ndarray float32 2 [nan inf]", tostring(A{ NAN, math.huge }))
  end)

  it("aligns columns", function()
    assert.equal("ndarray int16 2x2\n[[  1 -20]\n [300   4]]", tostring(A({ { 1, -20 }, { 300, 4 } }, "int16")))
  end)

  it("is never more than a screen", function()
    for _, shape in ipairs{
      { 1000 }, { 1000, 1000 }, { 16, 256, 256 }, { 3, 3, 3, 3, 3 },
      { 5, 5, 5, 5, 5, 5, 5, 5 }, { 1, 1, 1, 1, 1, 500 }, { 500, 1 }, { 25, 2 },
    } do
      for _, dtype in ipairs{ "uint8", "uint64", "float64" } do
        local a = core.zeros(shape, dtype):fill(dtype == "float64" and -1.23456789e-200 or TOP)
        local lines = 0
        for line in tostring(a):gmatch "[^\n]+" do
          lines = lines + 1
          assert.is_true(#line <= 100, line)
        end
        assert.is_true(lines <= 24)
      end
    end
    assert.is_truthy(tostring(core.zeros{ 1000 }):find("0 ... 0", 1, true))
  end)
end)

describe("bytes of ndarrays", function()
  it("are native, in C order", function()
    assert.equal(string.pack("=I2I2I2I2", 1, 3, 2, 4), A({ { 1, 2 }, { 3, 4 } }, "uint16"):transpose():tostring_bytes())
    assert.equal("", core.zeros{ 0 }:tostring_bytes())
  end)
end)

describe("memory", function()
  it("stays bounded when nobody closes anything", function()
    collectgarbage()
    collectgarbage()
    core.reset_peak()
    local before = core.memory()
    for _ = 1, 200 do core.zeros({ 4 << 20 }, "uint8") end
    local _, peak = core.memory()
    assert.is_true(peak - before < 160 << 20, peak - before)
  end)

  it("is safe when a finaliser closes an array that is in use", function()
    local a
    for _ = 1, 200 do
      a = core.zeros({ 100 }, "uint8")
      setmetatable({ a }, { __gc = function(t) t[1]:close() end })
      for _ = 1, 20 do
        pcall(function() return a + 1, a[{ { 1, 3 } }], a:copy(), a:totable(), tostring(a), a.shape, a:unique(), core.stack{ a, a } end)
      end
      collectgarbage()
    end
    assert.is_true(a.closed)
  end)

  it("is safe when an index closes the array it indexes", function()
    local a = core.zeros{ 3 }
    local index = setmetatable({}, { __len = function() return 1 end, __index = function() a:close() return 1 end })
    assert.equal("this array was closed", message(function() return a[index] end))
    a = core.zeros{ 3 }
    assert.equal("this array was closed", message(function() a[index] = 1 end))
  end)
end)

describe("the machine", function()
  it("has threads", function()
    local n = core.threads()
    assert.equal(3, core.threads(3))
    assert.equal(3, core.threads())
    assert.equal("the number of threads must be from 1 to 1024, not 0", message(core.threads, 0))
    core.threads(n)
  end)

  it("has a clock, terminals and a version", function()
    local t = core.clock()
    assert.is_true(core.clock() >= t)
    local is, columns = core.is_terminal "stdin"
    assert.equal("boolean", type(is))
    assert.is_true(columns > 0)
    assert.equal("is_terminal has no choice 'stdot'; did you mean 'stdout'?", message(core.is_terminal, "stdot"))
    local v = core.version()
    assert.equal("Lua 5.4", v.lua:sub(1, 7))
    assert.is_truthy(v.hdf5:match "^%d+%.%d+%.%d+$")
    assert.equal("boolean", type(v.features.png))
    assert.equal(core.threads(), v.threads)
  end)

  it("makes directories with their parents", function()
    local base = os.tmpname()
    local ok, text = core.make_directory(base)
    assert.is_nil(ok)
    assert.equal(("can't make the directory '%s': there is a file of that name"):format(base), text)
    os.remove(base)
    assert.is_true(core.make_directory(base .. "/a//b/c/"))
    assert.is_true(core.make_directory(base .. "/a/b"))
    assert.is_nil((core.make_directory "/proc/nowhere/x"))
    assert.equal("path must be the name of a directory, not empty", message(core.make_directory, ""))
    for _, d in ipairs{ "/a/b/c", "/a/b", "/a", "" } do assert(os.remove(base .. d)) end
  end)
end)
