-- What files say that isn't plain: where voxels lie, which axis is which, what is in other files, what can't be opened.
local md = require "moondust"
local core = require "moondust.core"
local errors = require "spec.support.errors"
local program = require "spec.support.program"

local FOREIGN, UNCLOSED = "tests/golden/hdf5/foreign.h5", "tests/golden/hdf5/unclosed.h5"
local RAW = md.ArrayKey "RAW"

local paths = {}
local function file_with(shape, attributes, dtype)
  local path = program.temporary ".h5"
  paths[#paths + 1] = path
  local file <close> = assert(core.hdf5.open(path, "w"))
  local n = 1
  for _, length in ipairs(shape) do n = n * length end
  local values = {}
  for i = 1, n do values[i] = i - 1 end
  local data = core.ndarray(values, dtype or "uint16"):reshape(shape)
  assert(file:create("raw", shape, data.dtype))
  assert(file:write("raw", data))
  for name, value in pairs(attributes or {}) do assert(file:set_attribute("raw", name, value)) end
  return path, data
end

local function refused(path, fields)
  local array, message = md.open_array(path, "raw", fields)
  if array then array:close() end
  assert.is_nil(array)
  return message
end

describe("where a dataset lies", function()
  teardown(function() for _, path in ipairs(paths) do os.remove(path) end end)

  it("isn't guessed where time may be taken for channels", function()
    local path = file_with({ 5, 2, 8, 8 }, { resolution = { 1, 2, 2 } })
    assert.matches("has 4 axes, %(5, 2, 8, 8%), and a voxel size of 3 entries: .* can't be told; say it: axes = \"czyx\"", refused(path))
    assert.matches("can't be told", refused((file_with({ 2, 3, 8, 8 }, { resolution = { 1, 2, 2 } }))))
    local array <close> = assert(md.open_array(path, "raw", { channels_first = true }))
    assert.equal(md.Roi({ 0, 0, 0 }, { 2, 16, 16 }), array.roi)
    local plain <close> = assert(md.open_array(file_with({ 3, 5, 6, 7 }, { resolution = { 1, 2, 2 } }), "raw"))
    assert.same({ 3, 5, 6, 7 }, plain.shape)
  end)

  it("is as `axes` says, t and channels in any place", function()
    local path, all = file_with({ 5, 2, 8, 8 }, { resolution = { 1, 2, 2 } })
    local array <close> = assert(md.open_array(path, "raw", { axes = "tcyx" }))
    assert.equal(md.Roi({ 0, 0, 0 }, { 5, 16, 16 }), array.roi)
    assert.same({ 2, 5, 8, 8 }, array.shape)
    assert.is_true(array:read():equal(all:transpose(2, 1, 3, 4)))
    local part = array:read(md.Roi({ 1, 2, 4 }, { 2, 4, 4 }))
    assert.is_true(part:equal(all:transpose(2, 1, 3, 4)[{ {}, { 2, 3 }, { 2, 3 }, { 3, 4 } }]))
    local xyz, data = file_with({ 3, 4, 5 }, { resolution = { 4, 5, 40 }, axis_names = { "x", "y", "z" }, offset = { 8, 10, 80 } })
    local turned <close> = assert(md.open_array(xyz, "raw"))
    assert.equal(md.Coordinate { 40, 5, 4 }, turned.voxel_size)
    assert.equal(md.Roi({ 80, 10, 8 }, { 200, 20, 12 }), turned.roi)
    assert.is_true(turned:read():equal(data:transpose(3, 2, 1)))
  end)

  it("needs no word where it was written here, however small", function()
    local voxels, at = md.Coordinate { 3, 2, 1 }, md.Coordinate { 6, 4, 2 }
    for _, shape in ipairs { { 5, 2, 3, 4 }, { 2, 2, 2, 2 }, { 6, 1, 1, 1 }, { 2, 3, 2, 2, 3 }, { 3, 2, 2 }, { 4, 2 } } do
      local dims = math.min(3, #shape == 3 and 2 or #shape == 2 and 1 or 3)
      local world = {}
      for d = 1, dims do world[d] = shape[#shape - dims + d] end
      local size, offset = core.Coordinate(table.move(voxels, 4 - dims, 3, 1, {})), core.Coordinate(table.move(at, 4 - dims, 3, 1, {}))
      local roi = md.Roi(offset, core.Coordinate(world) * size)
      local data = core.Rng(3):np_normals(0, 1, shape)
      local spec = md.ArraySpec { roi = roi, voxel_size = size, interpolatable = true }
      local request = md.BatchRequest { [RAW] = roi }
      local folder = program.temporary()
      assert(md.hdf5.write(folder .. "-array.h5", "raw", md.Array { data, spec }))
      for _, write in ipairs {
        function() return folder .. "-array.h5", "raw" end,
        function()
          local p <close> = (md.ArraySource { RAW, md.Array { data, spec } } + md.Snapshot { { [RAW] = "raw" }, folder, output_filename = "snapshot.h5" }):build()
          p:request_batch(request)
          return folder .. "/snapshot.h5", "raw"
        end,
        function()
          do
            local p <close> = (md.ArraySource { RAW, md.Array { data, spec } } + md.Hdf5Write { { [RAW] = "raw" }, folder, "write.h5" }):build()
            p:request_batch(request)
          end
          return folder .. "/write.h5", "raw"
        end,
      } do
        local path, name = write()
        local p <close> = md.Hdf5Source({ path, { [RAW] = name } }):build()
        assert.equal(roi, p.spec[RAW].roi)
        assert.equal(size, p.spec[RAW].voxel_size)
        assert.is_true(p:request_batch(request)[RAW].data:equal(data))
        p:close()
        os.remove(path)
      end
      os.execute("rm -rf " .. folder)
    end
  end)

  it("is refused where as many channels as voxels would be guessed", function()
    assert.matches("can't be told", refused((file_with({ 8, 8, 8 }, { resolution = { 4, 4 } }))))
    local few <close> = assert(md.open_array(file_with({ 5, 8, 8 }, { resolution = { 4, 4 } }), "raw"))
    assert.equal(md.Roi({ 0, 0 }, { 32, 32 }), few.roi)
    local said <close> = assert(md.open_array(file_with({ 8, 8, 8 }, { resolution = { 4, 4 }, axis_names = { "c^", "y", "x" } }), "raw"))
    assert.same({ 8, 8, 8 }, said.shape)
    assert.matches("axes that can't be understood", refused((file_with({ 8, 8, 8 }, { resolution = { 4, 4 }, axis_names = { "c", "c", "x" } }))))
  end)

  it("takes a place of an axis, and some channels", function()
    local path, all = file_with({ 3, 2, 4, 5, 6 }, { resolution = { 40, 4, 4 } })
    assert.matches("the axes tczyx and a voxel size of 3 entries", refused(path, { axes = "tczyx" }))
    local array <close> = assert(md.open_array(path, "raw", { axes = "tczyx", pick = { t = 2, c = { 2, 1, 2 } } }))
    assert.same({ 3, 4, 5, 6 }, array.shape)
    local read = array:read(md.Roi({ 40, 4, 8 }, { 80, 8, 8 }))
    for i, c in ipairs { 2, 1, 2 } do assert.is_true(read[{ i, {}, {}, {} }]:equal(all[{ 2, c, { 2, 3 }, { 2, 3 }, { 3, 4 } }])) end
    local one <close> = assert(md.open_array(path, "raw", { axes = "tczyx", pick = { t = 3, c = 1 } }))
    assert.is_true(one:read():equal(all[{ 3, 1, {}, {}, {} }]))
    local p <close> = md.Hdf5Source({ path, { [RAW] = "raw" }, axes = { [RAW] = "tczyx" }, pick = { [RAW] = { t = 3, c = 1 } } }):build()
    local batch = p:request_batch(md.BatchRequest { [RAW] = p.spec[RAW].roi })
    assert.is_true(batch[RAW].data:equal(all[{ 3, 1, {}, {}, {} }]))
    assert.is_true(md.hdf5.read(path, "raw", nil, { axes = "tczyx", pick = { t = 3, c = 1 } }).data:equal(all[{ 3, 1, {}, {}, {} }]))
    assert.matches("has 3 places along axis 't', and pick wants 4", refused(path, { axes = "tczyx", pick = { t = 4 } }))
    assert.matches("has no axis 's' to pick from", refused(path, { axes = "tczyx", pick = { s = 1 } }))
    assert.matches("axes = \"tzyx\" has 4 letters for 5 axes", refused(path, { axes = "tzyx" }))
    assert.matches("md.open_array: axes = \"tczyy\" has 'y' twice", errors.message(md.open_array, path, "raw", { axes = "tczyy" }))
  end)

  it("is refused where the attribute is of the wrong length or type", function()
    local function message(attributes) return refused((file_with({ 6, 8, 10 }, attributes))) end
    assert.matches("a voxel size of one number, 4: which axis it is for can't be told", message { resolution = 4 })
    assert.matches("a voxel size of one number", message { resolution = { 4.0 } })
    assert.matches("attribute 'resolution' = the text \"40 4 4\"; give one: md.open_array", message { resolution = "40 4 4" })
    assert.matches("attribute 'resolution' = %(\"40\", \"4\", \"4\"%)", message { resolution = { "40", "4", "4" } })
    assert.matches("an offset that is no numbers, attribute 'offset' = the text \"0 0 0\"", message { resolution = { 1, 1, 1 }, offset = "0 0 0" })
    assert.matches("attributes 'resolution' = %(40, 4, 4%) and 'voxel_size' = %(50, 5, 5%)", message { resolution = { 40, 4, 4 }, voxel_size = { 50, 5, 5 } })
    for _, value in ipairs { 0, -40, 0 / 0, math.huge, 1e300, 1 << 62, 4.5 } do
      assert.matches("dataset 'raw' of .*: md%.open_array%(file, \"raw\"", message { resolution = { value, 4, 4 } })
    end
    assert.matches("axes that can't be understood, attribute 'axis_names'", refused((file_with({ 2, 8, 8, 8 }, { resolution = { 1, 1, 1 }, axis_names = { "a", "b" } }))))
  end)

  it("is told by info, or why it can't be", function()
    for words, case in pairs {
      ["(4 axes, (5, 2, 8, 8), and a voxel size of 3 entries: whether the first axis is channels or time, and where the channels are, can't be told)"] =
        { { 5, 2, 8, 8 }, { resolution = { 1, 2, 2 } } },
      ["(2 axes, (8, 8), too few for the voxel size (1, 2, 2), attribute 'resolution')"] = { { 8, 8 }, { resolution = { 1, 2, 2 } } },
      ["(the voxel size (0.5, 2, 2), attribute 'resolution', and world units are whole numbers)"] = { { 8, 8, 8 }, { resolution = { 0.5, 2, 2 } } },
      ["(two voxel sizes that differ, attributes 'resolution' = (1, 1, 1) and 'voxel_size' = (2, 2, 2))"] =
        { { 8, 8, 8 }, { resolution = { 1, 1, 1 }, voxel_size = { 2, 2, 2 } } },
      ["(reaches beyond 64 bits: 8 voxels of size 2305843009213693952 from 0 on (axis 1))"] = { { 8, 8, 8 }, { resolution = { 1 << 61, 1, 1 } } },
      ["ROI [0:8, 0:8, 0:8] (8, 8, 8)"] = { { 2, 8, 8, 8 }, { resolution = { 1, 1, 1 }, axis_names = { "c^", "z", "y", "x" } } },
    } do
      local path = file_with(case[1], case[2])
      local told = program.run { "info", path }
      assert.equal(0, told.status)
      assert.matches(words, told.out, 1, true)
    end
  end)

  it("keeps whole numbers whatever their size", function()
    local path = file_with({ 6, 8, 10 }, { resolution = { (1 << 53) + 1, 1, 1 }, offset = { 3 * ((1 << 53) + 1), 0, 0 } })
    local array <close> = assert(md.open_array(path, "raw"))
    assert.equal((1 << 53) + 1, array.voxel_size[1])
    assert.equal(3 * ((1 << 53) + 1), array.roi.offset[1])
    array:close()
    local file <close> = assert(core.hdf5.open(path, "r+"))
    local big = core.ndarray({ math.mininteger, -1, 5 }, "uint64")
    assert(file:set_attribute("raw", "offset", big))
    assert.is_true(big:equal(file:attribute("raw", "offset")))
    file:close()
    assert.matches("an offset that is beyond 64 signed bits, attribute 'offset' = .*9223372036854775808", refused(path))
  end)

  it("is in nanometres where the file has units", function()
    local path = file_with({ 6, 8, 10 }, { resolution = { 0.04, 0.004, 0.004 }, units = { "um", "um", "um" }, offset = { 0.08, 0, 0.004 } })
    local array <close> = assert(md.open_array(path, "raw"))
    assert.equal(md.Coordinate { 40, 4, 4 }, array.voxel_size)
    assert.equal(md.Coordinate { 80, 0, 4 }, array.roi.offset)
    local fine <close> = assert(md.open_array(path, "raw", { unit = "pm" }))
    assert.equal(md.Coordinate { 40000, 4000, 4000 }, fine.voxel_size)
    assert.matches("world units are whole numbers", refused(path, { unit = "um" }))
    assert.matches("a unit that isn't known, attribute 'units' = the text \"parsec\"", refused((file_with({ 6, 8, 10 }, { resolution = { 1, 1, 1 }, units = "parsec" }))))
  end)
end)

describe("control characters in names", function()
  it("are written out by the REPL, the viewer and in what is said of files", function()
    local path, name = program.temporary "\27[31m.h5", "a\27[31mb"
    do
      local file <close> = assert(core.hdf5.open(path, "w"))
      assert.matches("\\x1b[31m.h5)", tostring(file), 1, true)
      assert(file:create(name, { 4, 20, 20 }, "uint8", { voxel_size = { 1, 1, 1 } }))
      assert(file:create("table\27[31m", { 2 }, "uint8"))
    end
    local said = program.run({}, ([[local f = moondust_file or require("moondust.core").hdf5.open(%q); print(f); error(%q)]]):format(path, name))
    assert.equal(1, said.status)
    assert.is_nil((said.out .. said.err):find("\27", 1, true))
    assert.matches("a\\x1b[31mb", said.err, 1, true)
    local scenes = require "moondust.viewer.file_scenes" { path = path }
    local scene = scenes:load(0)
    assert.equal("a\\x1b[31mb", scene.panes[1].name)
    assert.matches("table\\x1b[31m", scene.others[1], 1, true)
    assert.is_nil(scenes.title:find("\27", 1, true))
    scenes:close()
    os.remove(path)
    local lost = program.temporary "\27[31m.h5"
    said = program.run { "-e", ("G = require('moondust.core').hdf5.open(%q, 'w')"):format(lost) }
    assert.equal(1, said.status)
    assert.matches("\\x1b[31m.h5 was never closed, so it is not written", said.err, 1, true)
    assert.is_nil(said.err:find("\27", 1, true))
  end)
end)

describe("a file that isn't plain", function()
  local ramp = md.hdf5.read(FOREIGN, "plain")

  it("has other files read only where that is allowed", function()
    for _, name in ipairs { "gone", "outside", "link" } do
      local nothing, message = md.hdf5.read(FOREIGN, name)
      assert.is_nil(nothing)
      assert.matches("another file.*`%-%-allow%-foreign`, allow_foreign = true", message)
    end
    local file <close> = assert(core.hdf5.open(FOREIGN, "r", { allow_foreign = true }))
    assert.same({ 2, 3, 4 }, file:read("link").shape)
    assert.equal(24, file:read("outside").size)
    local nothing, message = file:read "gone"
    assert.is_nil(nothing)
    assert.matches("'gone' is a virtual dataset, and its source 'x' in moved.h5 isn't there", message)
  end)

  it("gives a virtual dataset of its own, and none without a source", function()
    assert.is_true(md.hdf5.read(FOREIGN, "own"):equal(ramp))
    local expected = { itself = "voxels come from itself: it has none", round = "voxels come from itself by way of others",
      lost = "its source 'nowhere' isn't there" }
    for name, words in pairs(expected) do
      local nothing, message = md.hdf5.read(FOREIGN, name)
      assert.is_nil(nothing)
      assert.matches(words, message, 1, true)
    end
  end)

  it("is listed though one object can't be opened", function()
    local list, others = md.hdf5.list(FOREIGN)
    local by_name = {}
    for _, info in ipairs(list) do by_name[info.name] = info end
    assert.equal("virtual", by_name.own.storage)
    assert.equal("external", by_name.outside.storage)
    assert.is_nil(by_name.own.problem)
    assert.is_string(by_name.outside.problem)
    local problems = {}
    for _, other in ipairs(others) do problems[other.name] = other.problem end
    assert.matches("of a newer HDF5", problems.newer)
    assert.matches("another file, types.h5", problems.link)
    assert.matches("isn't there", problems.nowhere_link)
  end)

  it("has lzf read where liblzf is there, and a way out where it isn't", function()
    local there = core.version().features.lzf
    for _, name in ipairs { "lzf", "lzf_big" } do
      for _, fast in ipairs { true, false } do
        local file <close> = assert(core.hdf5.open(FOREIGN, "r", { fast = fast }))
        local data, message = file:read(name)
        if there then
          for x = 1, 128, 31 do assert.is_true(data[{ {}, {}, x }]:equal(ramp[{ {}, {}, (x - 1) // 32 + 1 }])) end
        else
          assert.matches("liblzf", message)
        end
      end
    end
  end)

  it("that was never closed says what to do", function()
    local nothing, message = core.hdf5.open(UNCLOSED)
    assert.is_nil(nothing)
    assert.matches("is marked as being written: .* h5clear %-s COPY", message)
  end)

  it("has names that never steer the terminal", function()
    local shown = program.run { "info", FOREIGN }
    assert.equal(0, shown.status)
    assert.matches("\\x1b[31mred\\n", shown.out, 1, true)
    assert.is_nil((shown.out .. shown.err):find "[\0-\9\11-\31\127]")
    for _, text in ipairs { "\27[31m", "a\nb", "\u{9b}31m", "\u{202e}", "\x9b", "\xff" } do assert.is_nil(core.printable(text):find "[\0-\31\127\x9b\xff]") end
    assert.equal("über\\path", core.printable "über\\path")
    local _, message = md.hdf5.read(FOREIGN, "\27[31mrex")
    assert.is_nil(message:find "\27")
  end)

  it("that declares more voxels than memory holds is refused at once", function()
    local path = program.temporary ".h5"
    do
      local file <close> = assert(core.hdf5.open(path, "w"))
      assert(file:create("raw", { 1 << 31, 1 << 29, 4 }, "uint8", { chunks = { 1, 64, 4 } }))
    end
    local nothing, message = md.hdf5.read(path, "raw")
    assert.is_nil(nothing)
    assert.matches("takes more memory than there is", message)
    local shown = program.run { "view", path, "-o", path .. ".png" }
    assert.equal(1, shown.status)
    assert.matches("more than a picture is made of", shown.err)
    os.remove(path)
  end)
end)
