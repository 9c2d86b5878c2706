local core = require "moondust.core"

local GOLDEN = "tests/golden/hdf5/"
local TYPES, ATTRIBUTES, LINKS = GOLDEN .. "types.h5", GOLDEN .. "attributes.h5", GOLDEN .. "links.h5"

local function names(list)
  local out = {}
  for i, info in ipairs(list) do out[i] = info.name end
  return out
end

--- 0 … 23 in shape 2x3x4, scaled and shifted.
local function ramp(dtype, shift, scale)
  local values = {}
  for i = 0, 23 do values[i + 1] = i * (scale or 1) + (shift or 0) end
  return core.ndarray(values, dtype):reshape { 2, 3, 4 }
end

local function refuses(message, value, said)
  assert.is_nil(value)
  assert.are.equal(message, said)
end

describe("files that h5py wrote", function()
  local file
  before_each(function() file = assert(core.hdf5.open(TYPES)) end)
  after_each(function() file:close() end)

  local dtypes = { u1 = "uint8", u2 = "uint16", u4 = "uint32", u8 = "uint64", i1 = "int8", i2 = "int16", i4 = "int32", i8 = "int64",
    f2 = "float32", f4 = "float32", f8 = "float64" }
  for code, dtype in pairs(dtypes) do
    for _, order in ipairs { "little", "big" } do
      it("give " .. order .. "-endian " .. code .. " as " .. dtype, function()
        local name = order .. "/" .. code
        local shift = code:sub(1, 1) == "u" and 0 or -12
        assert.are.equal(dtype, file:info(name).dtype)
        assert.is_true(file:read(name):equal(ramp(dtype, shift)))
        local box = file:read("/" .. name, { 1, 0, 2 }, { 1, 3, 2 })
        assert.are.same({ { { 14 + shift, 15 + shift }, { 18 + shift, 19 + shift }, { 22 + shift, 23 + shift } } }, box:totable())
      end)
    end
  end

  it("say what type they have", function()
    local types = { ["big/u1"] = "uint8", ["big/f2"] = "float16, big-endian", ["little/i8"] = "int64", ["big/i8"] = "int64, big-endian",
      bool = "bool", enum = "enumeration of 3 names over int16, big-endian", bits12 = "uint of 12 bits in 2 bytes", int24 = "int24",
      bitfield = "bitfield8", text = "string of 5 bytes", texts = "string of any length", compound = "compound of 2 fields" }
    for name, words in pairs(types) do assert.are.equal(words, file:info(name).type) end
  end)

  it("lose no bit of 64-bit numbers", function()
    assert.are.same({ 0, (1 << 53) + 1, -1 }, file:read("edges/u8"):totable())
    assert.are.same({ math.mininteger, math.maxinteger }, file:read("edges/i8"):totable())
  end)

  it("hold booleans, enumerations, few bits, odd sizes and packed integers", function()
    assert.are.same({ "uint8", 8 }, { file:info("bool").dtype, file:read("bool"):sum() })
    assert.are.same({ { 1, 0, 0, 1 }, { 0, 0, 1, 0 }, { 0, 1, 0, 0 } }, file:read("bool"):totable()[1])
    assert.are.same({ { 0, 1, 2, 0 }, { 1, 2, 0, 1 }, { 2, 0, 1, 2 } }, file:read("enum"):totable()[1])
    assert.is_true(file:read("bits12"):equal(ramp("uint16", 0, 100)))
    assert.is_true(file:read("int24"):equal(ramp("int32", -12)))
    assert.is_true(file:read("bitfield"):equal(ramp("uint8")))
    assert.is_true(file:read("scaleoffset"):equal(ramp("uint16", 1000)))
    assert.is_true(file:read("shuffled"):equal(ramp("uint64")))
  end)

  it("may have no axes or no elements", function()
    local scalar = file:read("scalar")
    assert.are.same({ "int16", 0, 1 }, { scalar.dtype, scalar.ndim, scalar.size })
    assert.are.equal(-7, scalar:min())
    assert.are.same({ 0, 5 }, file:read("empty").shape)
    assert.are.same({ 0 }, file:read("null").shape)
    assert.are.same({ 0, 2, 3 }, file:read("little/u1", { 2, 1, 1 }, { 0, 2, 3 }).shape)
  end)

  it("name chunks and filters", function()
    local info = file:info("shuffled")
    assert.are.same({ "shuffle", "gzip", "fletcher32" }, info.filters)
    assert.are.same({ 1, 2, 3 }, info.chunks)
    assert.are.same({ "scale-offset" }, file:info("scaleoffset").filters)
    assert.are.same({ "n-bit" }, file:info("bits12").filters)
    assert.are.same({ "lzf" }, file:info("lzf").filters)
    assert.are.same({ "filter 299" }, file:info("unknown").filters)
    assert.is_nil(file:info("little/u1").chunks)
    assert.are.equal(24, file:info("little/u1").bytes)
  end)

  it("are refused where types are no numbers of ours", function()
    local tail = "): only integers and floats of up to 8 bytes can"
    refuses(TYPES .. ": 'text' holds elements that can't be read (string of 5 bytes" .. tail, file:read("text"))
    refuses(TYPES .. ": 'compound' holds elements that can't be read (compound of 2 fields" .. tail, file:read("compound"))
    refuses(TYPES .. ": 'nine' has 9 axes, at most 8 are possible", file:read("nine"))
    refuses(TYPES .. ": 'named' is a named type, not a dataset", file:read("named"))
    assert.is_nil(file:info("text").dtype)
    assert.are.equal(9, #file:info("nine").shape)
  end)

  it("raise for boxes outside of the dataset", function()
    local expected = TYPES .. ": the box [0:2, 2:4, 0:4] is not inside 'big/f4', whose shape is 2x3x4"
    assert.has_error(function() file:read("big/f4", { 0, 2, 0 }, { 2, 2, 4 }) end, expected)
    expected = TYPES .. ": the box [-1:1, 0:1, 0:1] is not inside 'big/f4', whose shape is 2x3x4"
    assert.has_error(function() file:read("big/f4", { -1, 0, 0 }, { 2, 1, 1 }) end, expected)
    assert.has_error(function() file:read("big/f4", { 1, 0, 0 }, { math.maxinteger, 1, 1 }) end)
    assert.has_error(function() file:read("big/f4", { 0, 0 }, { 1, 1 }) end, TYPES .. ": a box of 2 axes for 'big/f4', which has 3 (2x3x4)")
    assert.has_error(function() file:read("big/f4", { 0, 0, 0 }, { 1, 1 }) end, "begin and shape of a box have different numbers of axes")
    assert.has_error(function() file:read("big/f4", { 0, 0, 0.5 }, { 1, 1, 1 }) end)
    assert.has_error(function() file:read("big/f4", { 0, 0, 0 }) end)
    assert.has_error(function() file:read(7) end, "the name of a dataset must be a string, not number")
  end)

  it("suggest names", function()
    refuses(TYPES .. ": no dataset 'little/u3': did you mean 'little/u1'?", file:read("little/u3"))
    refuses(TYPES .. ": 'edges' is a group, not a dataset; it holds i8, u8", file:info("edges"))
    local listed = "big/f2, big/f4, big/f8, big/i1, big/i2, big/i4, big/i8, big/u1 and 34 more"
    refuses(TYPES .. ": no dataset 'something/else/entirely': the file has " .. listed, file:info("something/else/entirely"))
  end)
end)

describe("attributes that h5py wrote", function()
  local file
  before_each(function() file = assert(core.hdf5.open(ATTRIBUTES)) end)
  after_each(function() file:close() end)

  it("say where voxels are, whatever their type", function()
    local function world(name)
      local info = file:info(name)
      return { info.voxel_size or false, info.offset or false }
    end
    assert.are.same({ { 40, 4, 4 }, { 400, 0, -8 } }, world("int64"))
    assert.are.same({ { 4.5, 0.5, 0.25 }, { 1, 2, 3 } }, world("big_float32"))
    assert.are.same({ { 40, 4, 4 }, { 1, 2, 3 } }, world("cremi"))
    assert.are.same({ { 40, 4, 4 }, false }, world("column"))
    assert.are.same({ { 8 }, { 1.5 } }, world("scalars"))
    assert.are.same({ { 40, 4, 4 }, false }, world("both"))
    assert.are.same({ { 8, 8, 8 }, false }, world("voxel_size_only"))
    assert.are.same({ false, false }, world("words"))
    assert.are.same({ false, false }, world("nothing"))
  end)

  it("name axes", function()
    assert.are.same({ "z", "y^", "x" }, file:info("axes").axes)
    assert.are.same({ "zz", "y", "x" }, file:info("fixed_axes").axes)
    assert.is_nil(file:info("nothing").axes)
  end)

  it("are read one by one", function()
    local function value(name) return (file:attribute("mixed", name)) end
    assert.are.equal(1, value("flag"))
    assert.are.equal("integer", math.type(value("small")))
    assert.are.same({ "uint64", -1 }, { value("big").dtype, value("big"):reshape({ 1 }):totable()[1] })
    assert.are.equal("über", value("text"))
    assert.are.equal("ab", value("fixed"))
    assert.are.equal("abc", value("padded"))
    assert.are.equal("", value("none"))
    assert.are.same({}, value("nothing"))
    assert.are.same({ 0, 1, 2, 3, 4, 5 }, value("grid"))
    assert.are.equal("root", file:attribute("/", "title"))
    assert.are.equal(3, file:attribute("group", "n"))
    local expected = ATTRIBUTES .. ": attribute 'pair' of 'mixed' is neither numbers nor text (compound of 2 fields)"
    refuses(expected, file:attribute("mixed", "pair"))
    refuses(ATTRIBUTES .. ": 'int64' has no attribute 'x'; it has offset, resolution", file:attribute("int64", "x"))
    refuses(ATTRIBUTES .. ": 'nothing' has no attribute 'x', nor any other", file:attribute("nothing", "x"))
    refuses(ATTRIBUTES .. ": no dataset 'mixt': did you mean 'mixed'?", file:attribute("mixt", "x"))
  end)
end)

describe("links", function()
  local file
  before_each(function() file = assert(core.hdf5.open(LINKS, "r", { allow_foreign = true })) end)
  after_each(function() file:close() end)

  it("are listed once a group, cycles or not", function()
    local expected = { "alias_raw", "ladder" .. ("/a"):rep(24) .. "/deep" }
    for _, t in ipairs { "f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8" } do expected[#expected + 1] = "other/" .. t end
    expected[#expected + 1] = "real/raw"
    expected[#expected + 1] = "second"
    assert.are.same(expected, names(file:list()))
  end)

  it("are followed", function()
    for _, name in ipairs { "real/raw", "alias/raw", "alias_raw", "second", "real/self/self/raw", "/real/up/alias/raw/" } do
      assert.is_true(file:exists(name))
      assert.are.same({ 0, 1, 2, 3, 4, 5, 6, 7 }, file:read(name):totable())
    end
    assert.is_true(file:read("other/u8"):equal(ramp("uint64")))
    assert.are.equal("alias/raw", file:info("alias/raw").name)
  end)

  it("that lead nowhere say where", function()
    for _, name in ipairs { "broken", "loop", "lost", "broken/x", "real/nope", "no/such" } do assert.is_false(file:exists(name)) end
    assert.is_true(file:exists("/"))
    refuses(LINKS .. ": 'broken' is a link to '/gone/away', which isn't there", file:read("broken"))
    refuses(LINKS .. ": 'lost' is a link to '/x' in the file missing.h5, which isn't there", file:read("lost"))
    refuses(LINKS .. ": 'void' is an empty group, not a dataset", file:read("void"))
  end)
end)

describe("reading past HDF5", function()
  local path, wanted
  before_each(function()
    path = os.tmpname()
    wanted = ramp("uint64", 5, 1 << 40)
    local file <close> = assert(core.hdf5.open(path, "w"))
    assert(file:create("gzip", wanted.shape, "uint64", { compression = "gzip", chunks = { 2, 2, 3 } }))
    assert(file:create("contiguous", wanted.shape, "uint64", { chunks = false }))
    for _, name in ipairs { "gzip", "contiguous" } do assert(file:write(name, wanted)) end
  end)
  after_each(function() os.remove(path) end)

  it("gives what HDF5 gives, with any number of threads", function()
    local before = core.threads()
    local slow <close> = assert(core.hdf5.open(path, "r", { fast = false }))
    for threads = 1, 8 do
      core.threads(threads)
      local file <close> = assert(core.hdf5.open(path, "r", { fast = true }))
      for _, name in ipairs { "gzip", "contiguous" } do
        assert.is_true(file:read(name):equal(wanted))
        for z = 0, 1 do
          local box = file:read(name, { z, 1, 1 }, { 1, 2, 3 })
          assert.is_true(box:equal(slow:read(name, { z, 1, 1 }, { 1, 2, 3 })))
          assert.is_true(box:equal(wanted[{ { z + 1, z + 1 }, { 2, 3 }, { 2, 4 } }]))
        end
        assert.are.same({ 0, 2, 3 }, file:read(name, { 2, 1, 1 }, { 0, 2, 3 }).shape)
      end
    end
    core.threads(before)
  end)

  it("gives back what it kept when the file is closed", function()
    collectgarbage()
    local file = assert(core.hdf5.open(path))
    local open = core.memory()
    file:read("gzip"):close()
    assert.is_true(core.memory() > open)
    file:close()
    assert.is_true(core.memory() < open)
  end)

  it("is asked for by a table with known options", function()
    assert.has_error(function() core.hdf5.open(path, "r", true) end, "the options of hdf5.open must be a table, not boolean")
    assert.has_error(function() core.hdf5.open(path, "r", { fast = 1 }) end)
    assert.has_error(function() core.hdf5.open(path, "r", { fats = true }) end)
    assert.are.equal("boolean", type(core.version().features.deflate))
  end)
end)

describe("writing", function()
  local path
  before_each(function() path = os.tmpname() end)
  after_each(function() os.remove(path) end)

  local function round(dtype, options)
    local data = ramp(dtype)
    do
      local file <close> = assert(core.hdf5.open(path, "w"))
      assert(file:create("a/b/c", data.shape, dtype, options))
      assert(file:write("a/b/c", data))
    end
    local file <close> = assert(core.hdf5.open(path))
    assert.is_true(file:read("a/b/c"):equal(data))
    return file:info("a/b/c")
  end

  it("comes back in every dtype", function()
    for _, dtype in ipairs { "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float32", "float64" } do
      assert.are.equal(dtype, round(dtype, { compression = "gzip" }).type)
    end
  end)

  it("takes chunks, none, and compression", function()
    assert.are.same({ 2, 3, 4 }, round("uint8").chunks)
    assert.are.same({}, round("uint8").filters)
    assert.is_nil(round("uint8", { chunks = false }).chunks)
    local info = round("uint16", { chunks = { 1, 2, 100 }, compression = 9 })
    assert.are.same({ 1, 2, 4 }, info.chunks)
    assert.are.same({ "shuffle", "gzip" }, info.filters)
  end)

  it("says where voxels are, as whole numbers or not", function()
    local info = round("uint8", { voxel_size = { 40, 4, 4 }, offset = core.Coordinate { -80, 8, 0 },
      attributes = { axis_names = { "z", "y", "x" }, one = 1, half = { 1, 0.5 }, text = "é" } })
    assert.are.same({ { 40, 4, 4 }, { -80, 8, 0 }, { "z", "y", "x" } }, { info.voxel_size, info.offset, info.axes })
    do
      local file <close> = assert(core.hdf5.open(path))
      for _, name in ipairs { "resolution", "voxel_size", "offset" } do
        assert.are.equal("integer", math.type(file:attribute("a/b/c", name)[1]))
      end
      assert.are.equal(1, file:attribute("a/b/c", "one"))
      assert.are.same({ 1, 0.5 }, file:attribute("a/b/c", "half"))
      assert.are.equal("é", file:attribute("a/b/c", "text"))
    end
    assert.are.same({ 4.5, 1, 1 }, round("uint8", { voxel_size = { 4.5, 1, 1 } }).voxel_size)
    local file <close> = assert(core.hdf5.open(path, "r+"))
    assert.are.equal("float", math.type(file:attribute("a/b/c", "resolution")[2]))
    assert(file:set_attribute("a/b/c", "resolution", { 1, 2, 3 }))
    assert(file:set_attribute("/", "title", "all of it"))
    assert.are.same({ 1, 2, 3 }, file:info("a/b/c").voxel_size)
    assert.are.equal("all of it", file:attribute("/", "title"))
  end)

  it("puts boxes of any view, converted", function()
    local file <close> = assert(core.hdf5.open(path, "w"))
    assert(file:create("x", { 4, 5 }, "uint8"))
    assert(file:write("x", core.ndarray({ { 1, 2.9, 3 }, { -4, 300, 6 } }, "float32"):transpose(), { 1, 2 }))
    assert.are.same({ { 0, 0, 0, 0, 0 }, { 0, 0, 1, 0, 0 }, { 0, 0, 2, 255, 0 }, { 0, 0, 3, 6, 0 } }, file:read("x"):totable())
    assert(file:write("x", core.zeros({ 0, 5 }, "uint8"), { 4, 0 }))
    local expected = path .. ": the box [2:5, 0:2] is not inside 'x', whose shape is 4x5"
    assert.has_error(function() file:write("x", core.zeros({ 3, 2 }, "uint8"), { 2, 0 }) end, expected)
    assert.has_error(function() file:write("x", core.zeros({ 3 }, "uint8")) end, path .. ": a box of 1 axes for 'x', which has 2 (4x5)")
  end)

  it("reaches booleans and enumerations in h5py's files", function()
    do
      local from <close> = assert(io.open(TYPES, "rb"))
      local to <close> = assert(io.open(path, "wb"))
      to:write(from:read("a"))
    end
    local file <close> = assert(core.hdf5.open(path, "r+"))
    for _, name in ipairs { "bool", "enum", "bitfield", "big/i2", "little/f2" } do
      assert(file:write(name, core.ndarray({ { { 1, 0 } } }, "float64"), { 1, 2, 2 }))
      assert.are.same({ { { 1, 0 } } }, file:read(name, { 1, 2, 2 }, { 1, 1, 2 }):totable())
    end
    assert.are.equal("bool", file:info("bool").type)
  end)

  it("makes scalars and empty datasets", function()
    local file <close> = assert(core.hdf5.open(path, "w"))
    assert(file:create("scalar", {}, "int32"))
    assert(file:write("scalar", core.ndarray({ 5 }, "int32"):reshape {}))
    assert.are.equal(5, file:read("scalar"):min())
    assert(file:create("empty", { 3, 0 }, "float32", { compression = "gzip" }))
    assert.are.same({ 3, 0 }, file:read("empty").shape)
  end)

  it("refuses what makes no sense, before touching the file", function()
    local file <close> = assert(core.hdf5.open(path, "w"))
    local function fails(message, shape, dtype, options)
      assert.has_error(function() file:create("x", shape, dtype, options) end, message)
    end
    fails("Hdf5File:create has no field 'chunk'; did you mean 'chunks'?", { 4 }, "uint8", { chunk = { 1 } })
    fails("chunks must have one entry for each of the 1 axes", { 4 }, "uint8", { chunks = { 1, 1 } })
    fails(path .. ": 'x': chunks of 0 voxels along axis 1, must be 1 or more", { 4 }, "uint8", { chunks = { 0 } })
    fails(path .. ": 'x': a chunk of 4 GiB or more, HDF5 takes less", { 1 << 33 }, "uint8", { chunks = { 1 << 32 } })
    fails('compression is "gzip" or a level from 1 to 9, not \'lzf\'', { 4 }, "uint8", { compression = "lzf" })
    fails('compression is "gzip" or a level from 1 to 9, not 10', { 4 }, "uint8", { compression = 10 })
    fails(path .. ": 'x': a contiguous dataset can't be compressed: give chunks or leave compression away", { 4 }, "uint8",
      { chunks = false, compression = 1 })
    fails("Hdf5File:create needs a dtype such as \"uint8\" for 'x'", { 4 })
    fails(path .. ": 'x': a shape of -4 along axis 1", { -4 }, "uint8")
    fails(path .. ": 'x' would have more than 2^64 bytes", { 1 << 62, 1 << 62 }, "uint8")
    fails("attribute 'a' must be a number, a string or a table of them, not boolean", { 4 }, "uint8", { attributes = { a = true } })
    fails("attribute 'a' mixes numbers and strings", { 4 }, "uint8", { attributes = { a = { 1, "b" } } })
    assert.has_error(function() file:create("/", { 4 }, "uint8") end, path .. ": a dataset needs a name other than '/'")
    assert.are.same({}, file:list())
    assert(file:create("x", { 4 }, "uint8"))
    refuses(path .. ": 'x' is there already: choose another name or file", file:create("x", { 4 }, "uint8"))
  end)

  it("makes the same bytes twice", function()
    local function bytes()
      round("uint16", { compression = 3, voxel_size = { 1, 2, 3 }, attributes = { a = 1, b = 2, c = "x", d = { 1.5 } } })
      local file <close> = assert(io.open(path, "rb"))
      return file:read("a")
    end
    assert.is_true(bytes() == bytes())
  end)

  it("appends, and keeps what was there", function()
    round("uint8")
    do
      local file <close> = assert(core.hdf5.open(path, "a"))
      assert(file:create("more", { 2 }, "int8"))
    end
    local file <close> = assert(core.hdf5.open(path))
    assert.are.same({ "a/b/c", "more" }, names(file:list()))
    local expected = path .. ' is open for reading only: open it with mode "r+" or "a" to write'
    assert.has_error(function() file:write("more", core.zeros({ 2 }, "int8")) end, expected)
  end)

  it("is given up with an error elsewhere, and survives a script that just ends", function()
    local function write(value, raised)
      local file <close> = assert(core.hdf5.open(path, "w"))
      file:create("x", { 2 }, "uint8")
      file:write("x", core.ndarray({ 7, value }, "uint8"))
      if raised then error(raised) end
    end
    write(8)
    assert.is_false(pcall(write, 9, "elsewhere"))
    do
      local file <close> = assert(core.hdf5.open(path))
      assert.are.same({ 7, 8 }, file:read("x"):totable())
    end
    local name = os.tmpname()
    do
      local script <close> = assert(io.open(name, "w"))
      script:write(([[local core = require "moondust.core" local f = core.hdf5.open(%q, "a")
        f:create("y", {2}, "uint8") f:write("y", core.ndarray({1, 2}, "uint8")) os.exit(3)]]):format(path))
    end
    local _, _, code = os.execute("lua5.4 " .. name)
    os.remove(name)
    assert.are.equal(3, code)
    local file <close> = assert(core.hdf5.open(path))
    assert.are.same({ 1, 2 }, file:read("y"):totable())
  end)

  -- What a script that never closes its file leaves: { status, what it says, files in the folder }.
  local function ends(program, script, look)
    local folder = os.tmpname()
    os.remove(folder)
    assert(core.make_directory(folder))
    local name = folder .. "/script.lua"
    do
      local file <close> = assert(io.open(name, "w"))
      file:write(([[local core = require "moondust.core"
        local f = assert(core.hdf5.open("%s/new.h5", "w"))
        assert(f:create("y", {2}, "uint8"))
        ]]):format(folder), script)
    end
    local pipe = assert(io.popen(("%s %s 2>&1; echo status $?; ls -A %s"):format(program, name, folder)))
    local said = pipe:read "a"
    pipe:close()
    local seen
    if look then
      local second = assert(io.popen((look:gsub("new%.h5", folder .. "/new.h5"))))
      seen = second:read "a"
      second:close()
    end
    os.execute("rm -r " .. folder)
    local words, status, files = said:match "^(.*)status (%d+)\n(.*)$"
    return { tonumber(status), (words:gsub(folder .. "/", "")), (files:gsub("\n", " ")), seen }
  end

  it("is told where a script made a file and never closed it, and nothing is left of it", function()
    local program, never = os.getenv "MOONDUST_PROGRAM" or "./moondust", "new.h5 was never closed, so it is not written"
    for _, case in ipairs {
      { program, "", 1, "moondust: " .. never .. ": call file:close() or declare it <close>\n" },
      { program, "f = nil collectgarbage() collectgarbage() print 'on'", 1, "moondust: " .. never .. ": call file:close() or declare it <close>\non\n" },
      { program, "os.exit(0)", 1, "moondust: " .. never .. ": call file:close() or declare it <close>\n" },
      { program, "os.exit(5, true)", 5, "moondust: " .. never .. ": call file:close() or declare it <close>\n" },
      { "lua5.4 -W", "", 0, "Lua warning: new.h5 was never closed, so it is not written: call file:close() or declare it <close>\n" },
      { "lua5.4", "os.exit(0)", 0, "moondust: " .. never .. "\n" },
    } do
      local answer = ends(case[1], case[2])
      assert.are.same({ case[3], case[4], "script.lua " }, answer)
    end
    assert.are.same({ 0, "", "new.h5 script.lua " }, ends(program, "f:close()"))
    assert.are.same({ 0, "", "new.h5 script.lua " }, ends("lua5.4", "f:close()"))
    -- in place: what was written is there, however the script ends
    for _, host in ipairs { program, "lua5.4" } do
      for _, last in ipairs { "", "os.exit(0)", "os.exit(0, true)" } do
        local script = ([[f:close() f = nil
          local path = arg[0]:gsub("script.lua$", "new.h5")
          G = assert(core.hdf5.open(path, "r+")) assert(G:create("z", {2}, "uint8")) assert(G:write("z", core.ndarray({ 1, 2 }, "uint8")))
          %s]]):format(last)
        local read = ("%s -e 'local f = assert(require(\"moondust.core\").hdf5.open(\"new.h5\")) io.write(f:read(\"z\"):sum())'"):format(host)
        assert.are.same({ 0, "", "new.h5 script.lua ", "3" }, ends(host, script, read))
      end
    end
  end)
end)

describe("opening", function()
  it("says why it can't", function()
    refuses("no/such.h5: no such file", core.hdf5.open("no/such.h5"))
    refuses("no/such.h5: there is no directory no: make it first", core.hdf5.open("no/such.h5", "w"))
    refuses("tests is a directory, not an HDF5 file", core.hdf5.open("tests"))
    refuses("Makefile is not an HDF5 file (it has no HDF5 signature)", core.hdf5.open("Makefile"))
    refuses("/dev/null is not a regular file, so it can't be an HDF5 file", core.hdf5.open("/dev/null"))
    assert.has_error(function() core.hdf5.open(TYPES, "rw") end,
      "hdf5.open knows no mode 'rw'; there are r (read), r+ (read and write), w (make anew) and a (write, making it if needed)")
    assert.has_error(function() core.hdf5.open() end, "the path of an HDF5 file must be a string, not nil")
    assert.has_error(function() core.hdf5.open("a\0b") end, "the path of an HDF5 file has a zero byte in it")
  end)

  it("several times at once is fine, for writing it is not", function()
    local path = os.tmpname()
    core.hdf5.open(path, "w"):close()
    local a <close> = assert(core.hdf5.open(path))
    local b <close> = assert(core.hdf5.open(path))
    refuses(path .. " is open for reading in this process and can't be opened for writing too: close it first", core.hdf5.open(path, "r+"))
    refuses(path .. " is open for reading in this process and can't be replaced: name another output, or close it first", core.hdf5.open(path, "w"))
    assert.are.same({ {}, {} }, { (a:list()), (b:list()) })
    os.remove(path)
  end)

  it("ends with close, as often as one likes", function()
    collectgarbage()
    local before = core.memory()
    local file = assert(core.hdf5.open(TYPES))
    assert.are.equal(TYPES, file.path)
    assert.are.equal("Hdf5File(" .. TYPES .. ")", tostring(file))
    for _, name in ipairs(names(file:list())) do
      local array = file:read(name)
      if array then array:close() end
    end
    assert.is_true(file:close())
    assert.is_true(file:close())
    assert.are.equal(before, (core.memory()))
    assert.are.equal("Hdf5File(" .. TYPES .. ", closed)", tostring(file))
    for _, method in ipairs { "list", "info", "read", "create", "write", "attribute", "set_attribute", "exists", "flush" } do
      assert.has_error(function() file[method](file, "x") end, TYPES .. " is closed: open it again to use it")
    end
    assert.is_nil(file.nothing)
  end)
end)
