--- Pictures of arrays, batches and graphs, looked at pixel by pixel. Without text a sheet has no margins, so that its cells lie
--- where one can reckon: rows 5 pixels apart, columns 3.
local md = require "moondust"
local core = require "moondust.core"
local errors = require "spec.support.errors"
local cells = require "moondust.picture.cell"
local colors = require "moondust.picture.colors"
local fonts = require "moondust.picture.font"
local layouts = require "moondust.picture.legend"
local picture = require "moondust.picture"

local RAW, GT, MASK, DIST = md.ArrayKey "RAW", md.ArrayKey "GT", md.ArrayKey "MASK", md.ArrayKey "DIST"
local POINTS = md.GraphKey "POINTS"

local function spec(offset, shape, voxel_size, interpolatable)
  return md.ArraySpec { roi = md.Roi(offset, shape), voxel_size = voxel_size, interpolatable = interpolatable }
end

local function array(values, dtype, offset, voxel_size, interpolatable)
  local data = core.ndarray(values, dtype)
  local size = core.Coordinate(voxel_size)
  local shape, own = {}, data.shape
  for d = 1, size.dims do shape[d] = own[#own - size.dims + d] end
  return md.Array { data, spec(offset, core.Coordinate(shape) * size, size, interpolatable) }
end

local function at(image, y, x) return image[{ y + 1, x + 1 }]:totable() end

local function color_of(id) return core.kernel.colorize(core.ndarray({ id }, "uint64"))[1]:totable() end

local function batch_of(fields)
  local batch = md.Batch {}
  for name, item in pairs(fields) do batch[name] = item end
  return batch
end

local function red_rows(image)
  local rows, bytes, width = {}, image[{ {}, {}, 1 }]:tostring_bytes(), image.shape[2]
  for y = 1, image.shape[1] do rows[y] = bytes:sub((y - 1) * width + 1, y * width) end
  return rows
end

-- Is that text in the picture, in its own colour?
local function shows(image, text, scale, color)
  local font = fonts.new(scale or 1)
  local stamp = cells.blank(font.height, fonts.width(font, text), { 252, 252, 253 })
  fonts.draw(stamp, font, text, 0, 0, color or layouts.SOFT)
  local rows, wanted = red_rows(image), red_rows(stamp)
  for y = 1, #rows - #wanted + 1 do
    local x = rows[y]:find(wanted[1], 1, true)
    while x do
      local same = true
      for i = 2, #wanted do same = same and rows[y + i - 1]:sub(x, x + #wanted[i] - 1) == wanted[i] end
      if same then return true end
      x = rows[y]:find(wanted[1], x + 1, true)
    end
  end
  return false
end

describe("colours", function()
  it("of an id are the same in every picture", function()
    local image = picture.image(array({ { 0, 7 }, { 9, 7 } }, "uint64", { 0, 0 }, { 1, 1 }), { text = 0, width = 64 })
    assert.same({ 16, 16, 3 }, image.shape)
    assert.same({ 0, 0, 0 }, at(image, 3, 3))
    assert.same(color_of(7), at(image, 3, 12))
    assert.same(color_of(9), at(image, 12, 3))
    local other = picture.image(array({ { 9 } }, "uint32", { 40, 8 }, { 4, 4 }, false), { text = 0, width = 64 })
    assert.same(color_of(9), at(other, 1, 1))
    local seen = {}
    for id = 1, 64 do seen[table.concat(color_of(id), ",")] = true end
    local count = 0
    for _ in pairs(seen) do count = count + 1 end
    assert.equal(64, count)
  end)

  it("of a signed distance are neutral at 0 and even on both sides", function()
    local image = picture.image(array({ { -0.5, 0, 0.25, -1 } }, "float32", { 0, 0 }, { 1, 1 }), { text = 0, width = 64 })
    assert.same({ 247, 247, 247 }, at(image, 2, 8 + 2))
    local function ends(x) return table.unpack(at(image, 2, x)) end
    local red, _, blue = ends(2)
    assert.is_true(blue > red)
    red, _, blue = ends(18)
    assert.is_true(red > blue)
    assert.same(colors.MAPS.distance[1], at(image, 2, 26))
  end)

  it("show what is not finite, and leave it out of the window", function()
    local image = picture.image(array({ { 0 / 0, 0, 1, math.huge } }, "float32", { 0, 0 }, { 1, 1 }), { text = 0, width = 64, kind = "grey" })
    assert.same({ 255, 0, 255 }, at(image, 1, 1))
    assert.same({ 0, 0, 0 }, at(image, 1, 9))
    assert.same({ 255, 255, 255 }, at(image, 1, 26))
  end)

  it("go from the 0.5% to the 99.5% quantile, or as the window says", function()
    local row = {}
    for i = 1, 400 do row[i] = i end
    local data = core.ndarray({ row }, "float32")
    local image = picture.image(data, { text = 0, width = 400, kind = "grey" })
    assert.same({ 0, 0, 0 }, at(image, 0, 1))
    assert.same({ 255, 255, 255 }, at(image, 0, 398))
    assert.same({ 127, 127, 127 }, at(image, 0, 199))
    assert.same({ 255, 255, 255 }, at(picture.image(data, { text = 0, width = 400, kind = "grey", window = { 0, 10 } }), 0, 10))
  end)

  it("are chosen by dtype, spec, name and values", function()
    local function kind(name, values, dtype, interpolatable)
      local item = require("moondust.picture.item").from_array(name, array(values, dtype, { 0, 0 }, { 1, 1 }, interpolatable))
      return colors.kind(item)
    end
    assert.equal("grey", kind("RAW", { { -1, 1 } }, "float32"))
    assert.equal("distance", kind("TARGET", { { -1, 1 } }, "float32"))
    assert.equal("weights", kind("LOSS_WEIGHTS", { { 0, 1 } }, "float32"))
    assert.equal("mask", kind("MASK", { { 0, 1 } }, "uint8", false))
    assert.equal("labels", kind("GT", { { 0, 1 } }, "uint8"))
    assert.equal("labels", kind("A", { { 0, 3 } }, "uint8", false))
    assert.equal("grey", kind("A", { { 0, 3 } }, "uint8", true))
    assert.equal("labels", kind("A", { { 0, 3 } }, "uint64"))
    assert.equal("affinities", colors.kind { name = "AFFS", dtype = "float32", channels = 3, found = { low = 0, high = 1 } })
    assert.equal("rgb", colors.kind { name = "RAW", dtype = "uint8", channels = 3, found = { low = 0, high = 200 } })
    assert.equal("mask", colors.kind { name = "ONE_HOT", dtype = "uint8", channels = 4, interpolatable = false, found = { low = 0, high = 1 } })
  end)
end)

describe("a sheet", function()
  it("places each key where it is in the world, at one scale", function()
    local image = picture.image(batch_of {
      [RAW] = md.Array { core.zeros({ 4, 8 }, "uint8"):fill(9), spec({ 0, 0 }, { 40, 80 }, { 10, 10 }, true) },
      [GT] = array({ { 5 } }, "uint64", { 20, 40 }, { 20, 20 }),
    }, { text = 0, width = 64, keys = { RAW, GT } })
    assert.same({ 32 + 5 + 32, 64, 3 }, image.shape) -- eight pixels a voxel of RAW
    local row = 32 + 5
    assert.same(color_of(5), at(image, row + 16, 32))
    assert.same(color_of(5), at(image, row + 31, 47))
    assert.same(cells.EMPTY, at(image, row + 15, 32))
    assert.same(cells.EMPTY, at(image, row + 16, 31))
    assert.same(cells.EMPTY, at(image, row + 16, 48))
  end)

  it("draws voxels with their sides as they are", function()
    local image = picture.image(array({ { 1, 2 } }, "uint64", { 0, 0 }, { 30, 10 }), { text = 0, width = 64 })
    assert.same({ 24, 16, 3 }, image.shape)
  end)

  it("has a column a slice, and says where each lies", function()
    local data = core.zeros({ 6, 4, 4 }, "uint64")
    for z = 1, 6 do data[{ z }] = z end
    local made = md.Array { data, spec({ 80, 0, 0 }, { 240, 16, 16 }, { 40, 4, 4 }) }
    local image = picture.image(made, { text = 0, width = 400, slices = 3, columns = 3 })
    assert.same({ 32, 3 * 32 + 2 * 3, 3 }, image.shape)
    assert.same({ color_of(2), color_of(4), color_of(6) }, { at(image, 1, 1), at(image, 1, 36), at(image, 1, 71) })
    image = picture.image(made, { text = 0, width = 400, slices = { 90, 310 }, columns = 2 })
    assert.same({ color_of(1), color_of(6) }, { at(image, 1, 1), at(image, 1, 36) })
    image = picture.image(made, { text = 1, width = 400, slices = 3, columns = 3, title = "six planes" })
    for _, text in ipairs { "z 140", "z 220", "z 300", "uint64 labels", "6x4x4", "voxel 40 4 4", "ROI 80:320 0:16 0:16", "3 labels shown" } do
      assert.is_true(shows(image, text), text)
    end
    assert.is_true(shows(image, "six planes", 1, layouts.INK))
    assert.is_false(shows(image, "z 141"))
  end)

  it("says key, range and window", function()
    local values = {}
    for i = 1, 100 do values[i] = { i / 4 } end
    local made = array(values, "float32", { 0, 0 }, { 1, 1 })
    local image = picture.image(batch_of { [RAW] = made }, { text = 1, width = 300 })
    assert.is_true(shows(image, "RAW", 1, layouts.INK))
    for _, text in ipairs { "float32 grey", "range 0.25 .. 25", "window 0.5% .. 99.5%" } do assert.is_true(shows(image, text), text) end
    assert.is_true(shows(picture.image(array({ { 0 / 0, 1 } }, "float32", { 0, 0 }, { 1, 1 }), { text = 1, width = 200 }), "1 NaN"))
  end)

  it("draws channels beside each other, and three as red, green and blue", function()
    local two = array({ { { 1 } }, { { 2 } } }, "uint64", { 0, 0 }, { 1, 1 })
    local image = picture.image(two, { text = 0, width = 64 })
    assert.same({ 8, 19, 3 }, image.shape)
    assert.same({ color_of(1), color_of(2) }, { at(image, 1, 1), at(image, 1, 12) })
    local three = array({ { { 0, 1 } }, { { 1, 0 } }, { { 1, 1 } } }, "float32", { 0, 0 }, { 1, 1 })
    image = picture.image(three, { text = 0, width = 64, kind = "affinities" })
    assert.same({ { 0, 255, 255 }, { 255, 0, 255 } }, { at(image, 1, 1), at(image, 1, 9) })
    assert.equal("array has 2 channels; three make red, green and blue", errors.bare(picture.image, two, { kind = "rgb" }))
  end)

  it("lays labels on an image where they are something", function()
    local batch = batch_of { [RAW] = array({ { 0, 255, 0, 255 } }, "uint8", { 0, 0 }, { 1, 1 }, true), [GT] = array({ { 0, 3 } }, "uint8", { 0, 0 }, { 1, 1 }, false) }
    for _, overlay in ipairs { { RAW, opacity = 0.25 }, { "RAW", opacity = 0.25 } } do
      local image = picture.image(batch, { text = 0, width = 64, keys = { GT }, overlay = overlay, window = { RAW = { 0, 255 } } })
      local id, mixed = color_of(3), {}
      for c = 1, 3 do mixed[c] = (255 * 192 + id[c] * 64 + 128) >> 8 end
      assert.same(mixed, at(image, 3, 11))
      assert.same({ 0, 0, 0 }, at(image, 3, 3))
    end
  end)

  it("has 1-d and 2-d arrays and those with time before z", function()
    assert.same({ 8, 128, 3 }, picture.image(core.zeros({ 16 }, "uint8"), { text = 0, width = 160 }).shape)
    assert.same({ 32, 32, 3 }, picture.image(core.zeros({ 4, 4 }, "uint8"), { text = 0, width = 64 }).shape)
    local data = core.zeros({ 3, 2, 2, 2 }, "uint64")
    data[{ 2 }] = 8
    local made = md.Array { data, spec({ 0, 0, 0, 0 }, { 3, 2, 2, 2 }, { 1, 1, 1, 1 }) }
    assert.same(color_of(8), at(picture.image(made, { text = 0, width = 64 }), 1, 1))
  end)

  it("keeps a labelled row for what has nothing to see", function()
    local batch = batch_of {
      [RAW] = array({ { 1, 2 } }, "uint8", { 0, 0 }, { 1, 1 }, true), [GT] = md.Array { core.zeros({ 0, 2 }, "uint8"), spec({ 0, 0 }, { 0, 2 }, { 1, 1 }) },
      [MASK] = md.Array { core.zeros({ 1 }, "int64"):fill(42) },
      [DIST] = md.Array { core.zeros({ 1, 2 }), md.ArraySpec { roi = md.Roi({ 0, 0 }, { 1, 2 }), voxel_size = { 1, 1 }, placeholder = true } },
    }
    local image = picture.image(batch, { text = 1, width = 300 })
    for _, text in ipairs { "no voxels", "42", "placeholder" } do assert.is_true(shows(image, text), text) end
    for _, name in ipairs { "GT", "MASK", "DIST" } do assert.is_true(shows(image, name, 1, layouts.INK), name) end
  end)

  it("is the same for any number of threads", function()
    local raw = core.kernel.synthesize { shape = { 4, 60, 50 }, voxel_size = { 40, 4, 4 }, seed = 3 }
    local batch = batch_of { [RAW] = md.Array { raw.raw, spec({ 0, 0, 0 }, { 160, 240, 200 }, { 40, 4, 4 }, true) },
      [GT] = md.Array { raw.neuron_ids, spec({ 0, 0, 0 }, { 160, 240, 200 }, { 40, 4, 4 }, false) } }
    local before, hashes = core.threads(), {}
    for i, threads in ipairs { 1, 3 } do
      core.threads(threads)
      hashes[i] = picture.image(batch, { width = 500, overlay = RAW }):hash()
    end
    core.threads(before)
    assert.equal(hashes[1], hashes[2])
  end)
end)

describe("graphs", function()
  local function graph(nodes, edges)
    local made, lines = {}, {}
    for i, place in ipairs(nodes) do made[i] = md.Node { i, place } end
    for i, edge in ipairs(edges or {}) do lines[i] = md.Edge(edge) end
    return md.Graph { made, lines, md.GraphSpec { directed = false, roi = md.Roi({ 0, 0, 0 }, { 20, 100, 100 }) } }
  end
  local function image_of(points)
    local batch = batch_of { [RAW] = md.Array { core.zeros({ 2, 10, 10 }, "uint8"), spec({ 0, 0, 0 }, { 20, 100, 100 }, { 10, 10, 10 }, true) }, [POINTS] = points }
    return picture.image(batch, { text = 0, width = 163, slices = 2 })
  end

  it("are drawn on the slices in which their nodes lie", function()
    local image = image_of(graph { { 5, 25, 75 }, { 15, 75, 25 } })
    local color, second = cells.GRAPHS[1], 83
    assert.same(color, at(image, 20, 60)) -- 0.8 pixels a world unit
    assert.same(color, at(image, 60, second + 20))
    assert.not_same(color, at(image, 20, second + 60))
    assert.not_same(color, at(image, 60, 20))
  end)

  it("show of an edge what lies in the slice", function()
    local image = image_of(graph({ { 0, 50, 0 }, { 20, 50, 100 } }, { { 1, 2 } }))
    local color = cells.GRAPHS[1]
    assert.same(color, at(image, 40, 20))
    assert.same(color, at(image, 40, 83 + 60))
    assert.not_same(color, at(image, 40, 60))
    assert.not_same(color, at(image, 40, 83 + 20))
  end)

  it("cut edges at the faces of a slab, wherever they run", function()
    local clip = cells.clip
    assert.same({ { 10, 5, 0 }, { 20, 10, 0 } }, { clip({ 0, 0, 0 }, { 40, 20, 0 }, 10, 20) })
    assert.same({ { 20, 10, 0 }, { 10, 5, 0 } }, { clip({ 40, 20, 0 }, { 0, 0, 0 }, 10, 20) })
    assert.same({ { 12, 1, 1 }, { 12, 9, 9 } }, { clip({ 12, 1, 1 }, { 12, 9, 9 }, 10, 20) })
    assert.is_nil(clip({ 20, 0, 0 }, { 30, 0, 0 }, 10, 20))
    assert.is_nil(clip({ 0, 0, 0 }, { 9, 0, 0 }, 10, 20))
    assert.same({ { 0, 1, 1 }, { 0, 2, 2 } }, { clip({ 0, 1, 1 }, { 0, 2, 2 }, -math.huge, math.huge) })
  end)

  it("can be all there is", function()
    local image = picture.image(graph { { 2, 25, 75 } }, { text = 0, width = 80, slices = { 2 } })
    assert.same(cells.GRAPHS[1], at(image, 20, 60))
    assert.is_true(shows(picture.image(graph({ { 2, 25, 75 } }), { text = 1, width = 300 }), "1 node, 0 edges"))
  end)
end)

describe("a strip", function()
  local strip = require "moondust.picture.strip"

  it("has panels beside each other under captions, and no legend", function()
    local made = array({ { 3, 0 }, { 0, 3 } }, "uint64", { 0, 0 }, { 1, 1 })
    local image = strip.draw({ { "one", array = made }, { "two", array = made, kind = "mask", boxes = { made.spec.roi }, within = md.Roi({ 0, 0 }, { 2, 4 }) } }, { width = 160 })
    assert.is_true(shows(image, "one", 1, layouts.INK) and shows(image, "two", 1, layouts.INK))
    assert.is_false(shows(image, "uint64 labels"))
    assert.same({ 11 + 11 + 16 + 11, 11 + 16 + 22 + 32 + 11, 3 }, image.shape)
    assert.same(color_of(3), at(image, 22 + 2, 11 + 2))
    assert.same(colors.MAPS.mask[1], at(image, 22 + 4, 11 + 16 + 22 + 8 + 4))
    assert.same(cells.EMPTY, at(image, 22 + 4, 11 + 16 + 22 + 20))
    assert.same(require("moondust.picture.sheet").OUTLINE, at(image, 22, 11 + 16 + 22 + 4))
  end)

  it("illustrates nodes", function()
    if not core.version().features.png then return pending "no libpng" end
    local program = require "spec.support.program"
    local folder = program.temporary()
    local result = program.run { "scripts/node_pictures.lua", folder, "SimpleAugment", "DistancePredictor" }
    assert.equal(folder .. ": 2 pictures\n", result.out)
    for _, name in ipairs { "SimpleAugment", "DistancePredictor" } do
      local path = ("%s/%s.png"):format(folder, name)
      assert.same(assert(core.png.read(("docs/img/%s.png"):format(name))).shape, assert(core.png.read(path)).shape)
      os.remove(path)
    end
    os.remove(folder)
  end)
end)

describe("the font", function()
  it("has a glyph of its own for every character", function()
    local seen = {}
    for byte = 32, 126 do
      local rows = fonts.rows(byte)
      assert.equal(9, #rows)
      local text = table.concat(rows)
      assert.equal(45, #text)
      assert.is_nil(seen[text], string.char(byte))
      assert.equal(byte == 32, not text:find "#")
      seen[text] = true
    end
    assert.same(fonts.rows(("?"):byte()), fonts.rows(200))
  end)

  it("comes in any whole size", function()
    local font = fonts.new(3)
    assert.same({ 96, 27, 15 }, font.glyphs.shape)
    assert.equal(18 * 4 - 3, fonts.width(font, "four"))
    assert.equal(0, fonts.width(font, ""))
  end)
end)

describe("png", function()
  local has_png = core.version().features.png
  local path = os.tmpname()
  teardown(function() os.remove(path) end)

  it("is a method of arrays, ndarrays and batches", function()
    if not has_png then return pending "no libpng" end
    local made = array({ { 0, 7 } }, "uint64", { 0, 0 }, { 1, 1 })
    local wanted = picture.image(made, { text = 0, width = 64 })
    for _, thing in ipairs { made, made.data, batch_of { [GT] = made } } do
      assert.is_true(thing:png(path, { text = 0, width = 64 }))
      assert.is_true(wanted:equal(assert(core.png.read(path))))
    end
    local ok, message = made:png "/no/such/folder/a.png"
    assert.is_nil(ok)
    assert.matches("/no/such/folder/a.png", message, 1, true)
  end)

  it("says what this build can't do", function()
    if has_png then return end
    assert.matches("this build has no libpng", select(2, core.zeros({ 2, 2 }):png(path)))
  end)

  it("says what is wrong, at the caller's line", function()
    local made = array({ { 0, 7 } }, "uint64", { 0, 0 }, { 1, 1 })
    made.key = GT
    local batch = batch_of { [GT] = made }
    local empty = md.Array { core.zeros({ 0, 2 }, "uint8"), spec({ 8, 0 }, { 0, 2 }, { 1, 1 }) }
    local function bare(options, thing) return errors.bare(function() (thing or batch):png(path, options) end) end
    assert.equal("a picture has no option 'slice'; did you mean 'slices'?", bare { slice = 3 })
    assert.equal("keys: there is no RAW in the picture; it has GT", bare { keys = { RAW } })
    assert.equal("overlay: there is no RAWW in the picture; it has GT", bare { overlay = "RAWW" })
    assert.equal("there is no kind \"gray\"; did you mean 'grey'?", bare { kind = "gray" })
    assert.equal("kind: there is no RAW in the picture; it has GT", bare { kind = { [RAW] = "grey" } })
    assert.equal("a window is { low, high } with low not above high", bare { window = { 2, 1 } })
    assert.equal("width is 10, it must be from 64 to 20000", bare { width = 10 })
    assert.equal("array: there is nothing to draw (no voxels, ROI 8:8 0:2)", bare(nil, empty))
    assert.equal("a batch of nothing: there is nothing to draw", "a batch of nothing: " .. bare(nil, md.Batch {}))
    assert.matches("^tests/spec/picture_spec.lua:%d+: a picture has no option", errors.message(function() batch:png(path, { slice = 3 }) end))
    assert.matches("^tests/spec/picture_spec.lua:%d+: a picture has no option", errors.message(function() made:png(path, { slice = 3 }) end))
    assert.matches("^tests/spec/picture_spec.lua:%d+: a picture has no option", errors.message(function() made.data:png(path, { slice = 3 }) end))
    assert.matches("png wants the path of a file, not nil", errors.message(function() batch:png() end))
    made:close()
    assert.equal("GT is closed: draw it before", bare())
  end)
end)
