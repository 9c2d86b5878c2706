--- kernel.quantiles, map_colors, blend, draw_strokes, draw_text; core.png.
local core = require "moondust.core"
local errors = require "spec.support.errors"

local kernel = core.kernel
local GREY, MAGENTA = { { 0, 0, 0 }, { 255, 255, 255 } }, { 255, 0, 255 }

local function picture(height, width, value) return core.zeros({ height, width, 3 }, "uint8"):fill(value or 0) end

describe("kernel.quantiles", function()
  it("takes elements in sorted order, whatever their order", function()
    local values = {}
    for i = 1, 201 do values[i] = (i * 77) % 201 end
    local got, found = kernel.quantiles(core.ndarray(values, "float32"), { 0, 0.005, 0.5, 0.995, 1 })
    assert.same({ 0, 1, 100, 199, 200 }, got)
    assert.same({ count = 201, nan = 0, infinite = 0, low = 0, high = 200 }, found)
    local grid = core.ndarray({ { 3, 1 }, { 2, 2 } }, "uint64")
    assert.same({ 1, 2, 3 }, (kernel.quantiles(grid:transpose():flip(1), { 0, 0.5, 1 })))
  end)

  it("leaves out what is not finite, and counts it", function()
    local got, found = kernel.quantiles(core.ndarray({ 0 / 0, 2, math.huge, -math.huge, -5, 0 / 0 }, "float64"), { 0, 1 })
    assert.same({ -5, 2 }, got)
    assert.same({ count = 2, nan = 2, infinite = 2, low = -5, high = 2 }, found)
    got, found = kernel.quantiles(core.ndarray({ 0 / 0 }, "float32"), { 0.5 })
    assert.same({ 0 }, got)
    assert.equal(0, found.count)
    assert.equal(0, select(2, kernel.quantiles(core.zeros({ 0 }), {})).count)
    assert.same({ count = 2, nan = 1, infinite = 0, low = 1, high = 4 }, select(2, kernel.quantiles(core.ndarray({ 4, 0 / 0, 1 }, "float32"), {})))
  end)

  it("refuses what is no fraction", function()
    assert.equal("there is no quantile 1.5; fractions go from 0 to 1", errors.bare(kernel.quantiles, core.zeros { 2 }, { 1.5 }))
  end)
end)

describe("kernel.map_colors", function()
  it("mixes neighbouring colours, and stays at the ends beyond", function()
    local got = kernel.map_colors(core.ndarray({ -9, 0, 1, 2, 3, 4, math.huge, -math.huge }, "float32"), 0, 4,
      { { 0, 0, 200 }, { 100, 100, 100 }, { 200, 0, 0 } }, MAGENTA)
    assert.same({ { 0, 0, 200 }, { 0, 0, 200 }, { 50, 50, 150 }, { 100, 100, 100 }, { 150, 50, 50 }, { 200, 0, 0 }, { 200, 0, 0 }, { 0, 0, 200 } },
      got:totable())
  end)

  it("shows NaN in a colour of its own, in any window", function()
    local values = core.ndarray({ 0 / 0, 1 }, "float64")
    assert.same({ 255, 0, 255 }, kernel.map_colors(values, 0, 2, GREY, MAGENTA)[1]:totable())
    assert.same({ { 255, 0, 255 }, { 128, 128, 128 } }, kernel.map_colors(values, 1, 1, GREY, MAGENTA):totable())
  end)

  it("takes views, and gives the same for any number of threads", function()
    local values = core.zeros({ 64, 300 }, "float32")
    for i = 1, 64 do values[{ i }] = i * 0.37 end
    local before = core.threads()
    core.threads(1)
    local one = kernel.map_colors(values:transpose(), 0, 20, GREY, MAGENTA)
    core.threads(3)
    assert.is_true(one:equal(kernel.map_colors(values:transpose(), 0, 20, GREY, MAGENTA)))
    core.threads(before)
    assert.same({ 300, 64, 3 }, one.shape)
  end)

  it("says what is wrong", function()
    local a = core.zeros { 2 }
    assert.equal("the window [2, 1] is none: low must not be above high", errors.bare(kernel.map_colors, a, 2, 1, GREY, MAGENTA))
    assert.equal("a colour map has 2 to 256 colours, not 1", errors.bare(kernel.map_colors, a, 0, 1, { { 0, 0, 0 } }, MAGENTA))
    assert.equal("a colour of the map has 256; red, green and blue go from 0 to 255",
      errors.bare(kernel.map_colors, a, 0, 1, { { 0, 0, 0 }, { 0, 256, 0 } }, MAGENTA))
    assert.equal("the colour of NaN must be three whole numbers: red, green, blue", errors.bare(kernel.map_colors, a, 0, 1, GREY, { 1, 2 }))
  end)
end)

describe("kernel.blend", function()
  it("lays one picture over another where a mask says", function()
    local where = core.ndarray({ { 1, 0 } }, "uint64")
    local got = kernel.blend(picture(1, 2, 100), picture(1, 2, 200), where, 0.5)
    assert.same({ { { 150, 150, 150 }, { 100, 100, 100 } } }, got:totable())
    assert.is_true(picture(1, 2, 200):equal(kernel.blend(picture(1, 2, 100), picture(1, 2, 200))))
    assert.is_true(picture(1, 2, 100):equal(kernel.blend(picture(1, 2, 100), picture(1, 2, 200), nil, 0)))
  end)

  it("says what is wrong", function()
    assert.matches("the upper picture must be uint8 of shape %(height, width, 3%), not float32 with 1 axes",
      errors.bare(kernel.blend, picture(1, 2), core.zeros { 2 }))
    assert.equal("opacity is 2, it must be from 0 to 1", errors.bare(kernel.blend, picture(1, 1), picture(1, 1), nil, 2))
    assert.matches("shape", errors.bare(kernel.blend, picture(1, 2), picture(2, 1)))
  end)
end)

describe("kernel.draw_strokes", function()
  it("covers discs and lines, with smooth edges, cut at the border", function()
    local canvas = picture(5, 9)
    assert.equal(canvas, kernel.draw_strokes(canvas, { 2.5, 2.5, 2.5, 2.5, 1 }, { 200, 100, 0 }))
    assert.same({ 200, 100, 0 }, canvas[{ 3, 3 }]:totable())
    assert.same({ 100, 50, 0 }, canvas[{ 3, 4 }]:totable()) -- its edge goes through the middle of this one
    assert.same({ 0, 0, 0 }, canvas[{ 3, 5 }]:totable())
    local line = kernel.draw_strokes(picture(3, 6), { 1.5, 0.5, 1.5, 5.5, 0.5 }, { 255, 255, 255 })
    assert.equal(6 * 255, line[{ 2, {}, 1 }]:sum())
    assert.equal(0, line[{ 1 }]:sum())
    local far = kernel.draw_strokes(picture(3, 3), { 1.5, -1e12, 1.5, 1e12, 0.5, 0 / 0, 0, 1, 1, 3, 1e30, 1e30, 1e30, 1e30, 5 }, { 9, 9, 9 })
    assert.same({ 9, 9, 9 }, far[{ 2, {}, 1 }]:totable())
    assert.equal(27 * 3, far:sum())
  end)

  it("copies what others hold", function()
    local canvas = picture(3, 3)
    local other = canvas:view()
    kernel.draw_strokes(canvas, { 1.5, 1.5, 1.5, 1.5, 1 }, { 9, 9, 9 })
    assert.equal(0, other:sum())
  end)

  it("says what is wrong", function()
    assert.equal("strokes are five numbers each (y0, x0, y1, x1, radius), there are 4",
      errors.bare(kernel.draw_strokes, picture(2, 2), { 1, 1, 1, 1 }, { 0, 0, 0 }))
    assert.matches("a canvas must be uint8 of shape", errors.bare(kernel.draw_strokes, core.zeros { 2, 2 }, {}, { 0, 0, 0 }))
  end)
end)

describe("kernel.draw_text", function()
  local glyphs = core.ndarray({ { { 0, 0 } }, { { 255, 0 } }, { { 51, 255 } } }, "uint8") -- space, !, anything else

  it("inks glyph after glyph, cut at the border", function()
    local canvas = picture(2, 7)
    kernel.draw_text(canvas, glyphs, "! !x", 1, 0, 3, { 100, 0, 200 })
    assert.same({ 100, 0, 0, 0, 0, 0, 100 }, canvas[{ 2, {}, 1 }]:totable())
    assert.equal(0, canvas[1]:sum())
    kernel.draw_text(canvas, glyphs, "x", 0, -1, 3, { 100, 0, 200 })
    assert.same({ 100, 0, 200 }, canvas[{ 1, 1 }]:totable())
    kernel.draw_text(canvas, glyphs, "\xff", 0, 3, 3, { 100, 0, 200 })
    assert.same({ 20, 0, 40 }, canvas[{ 1, 4 }]:totable())
  end)

  it("says what is wrong", function()
    assert.equal("glyphs must be uint8 of shape (count, rows, columns), not float32 with 1 axes",
      errors.bare(kernel.draw_text, picture(2, 2), core.zeros { 2 }, "a", 0, 0, 1, { 0, 0, 0 }))
  end)
end)

describe("core.png", function()
  it("reads back what it wrote", function()
    if not core.version().features.png then return pending "no libpng" end
    local path = os.tmpname()
    local grey = core.ndarray({ { 1, 2, 3 }, { 253, 254, 255 } }, "uint8")
    assert(core.png.write(path, grey))
    assert.is_true(grey:equal(assert(core.png.read(path))))
    local colours = kernel.colorize(grey)
    assert(core.png.write(path, colours:transpose(2, 1, 3)))
    assert.is_true(colours:transpose(2, 1, 3):copy():equal(assert(core.png.read(path))))
    local file = assert(io.open(path, "wb"))
    file:write "no picture"
    file:close()
    local image, message = core.png.read(path)
    assert.is_nil(image)
    assert.matches(path, message, 1, true)
    os.remove(path)
    assert.matches("can't read '/no/such.png'", select(2, core.png.read "/no/such.png"), 1, true)
  end)
end)
