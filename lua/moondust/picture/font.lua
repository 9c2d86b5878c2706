--- The letters of our pictures: ASCII 32 to 126 on five columns and nine rows (seven above the base line, two below), drawn by hand.
---
--- Each block below holds eight glyphs side by side. At larger sizes corners are filled in and cut by the rule of Scale2x, so that
--- diagonals stay diagonals.
local core = require "moondust.core"

local M = {}

local COLUMNS, ROWS, FIRST, LAST = 5, 9, 32, 126

local BLOCKS = { [[
..... ..#.. .#.#. ..... ..#.. ##..# .##.. ..#..
..... ..#.. .#.#. .#.#. .#### ##..# #..#. ..#..
..... ..#.. .#.#. ##### #.#.. ...#. #.#.. ..#..
..... ..#.. ..... .#.#. .###. ..#.. .#... .....
..... ..#.. ..... ##### ..#.# .#... #.#.# .....
..... ..... ..... .#.#. ####. #..## #..#. .....
..... ..#.. ..... ..... ..#.. #..## .##.# .....
..... ..... ..... ..... ..... ..... ..... .....
..... ..... ..... ..... ..... ..... ..... .....
]], [[
...#. .#... ..... ..... ..... ..... ..... .....
..#.. ..#.. .#.#. ..#.. ..... ..... ..... ....#
..#.. ..#.. ..#.. ..#.. ..... ..... ..... ...#.
..#.. ..#.. ##### ##### ..... ##### ..... ..#..
..#.. ..#.. ..#.. ..#.. ..... ..... ..... .#...
..#.. ..#.. .#.#. ..#.. .##.. ..... .##.. #....
...#. .#... ..... ..... .##.. ..... .##.. .....
..... ..... ..... ..... ..#.. ..... ..... .....
..... ..... ..... ..... .#... ..... ..... .....
]], [[
.###. ..#.. .###. ##### ...#. ##### ..##. #####
#...# .##.. #...# ...#. ..##. #.... .#... ....#
#..## ..#.. ....# ..#.. .#.#. ####. #.... ...#.
#.#.# ..#.. ...#. ...#. #..#. ....# ####. ..#..
##..# ..#.. ..#.. ....# ##### ....# #...# .#...
#...# ..#.. .#... #...# ...#. #...# #...# .#...
.###. .###. ##### .###. ...#. .###. .###. .#...
..... ..... ..... ..... ..... ..... ..... .....
..... ..... ..... ..... ..... ..... ..... .....
]], [[
.###. .###. ..... ..... ...#. ..... .#... .###.
#...# #...# .##.. .##.. ..#.. ..... ..#.. #...#
#...# #...# .##.. .##.. .#... ##### ...#. ....#
.###. .#### ..... ..... #.... ..... ....# ...#.
#...# ....# ..... ..... .#... ##### ...#. ..#..
#...# ...#. .##.. .##.. ..#.. ..... ..#.. .....
.###. .##.. .##.. .##.. ...#. ..... .#... ..#..
..... ..... ..... ..#.. ..... ..... ..... .....
..... ..... ..... .#... ..... ..... ..... .....
]], [[
.###. .###. ####. .###. ###.. ##### ##### .###.
#...# #...# #...# #...# #..#. #.... #.... #...#
#.### #...# #...# #.... #...# #.... #.... #....
#.#.# ##### ####. #.... #...# ####. ####. #.###
#.### #...# #...# #.... #...# #.... #.... #...#
#.... #...# #...# #...# #..#. #.... #.... #...#
.###. #...# ####. .###. ###.. ##### #.... .####
..... ..... ..... ..... ..... ..... ..... .....
..... ..... ..... ..... ..... ..... ..... .....
]], [[
#...# .###. ..### #...# #.... #...# #...# .###.
#...# ..#.. ...#. #..#. #.... ##.## #...# #...#
#...# ..#.. ...#. #.#.. #.... #.#.# ##..# #...#
##### ..#.. ...#. ##... #.... #.#.# #.#.# #...#
#...# ..#.. ...#. #.#.. #.... #...# #..## #...#
#...# ..#.. #..#. #..#. #.... #...# #...# #...#
#...# .###. .##.. #...# ##### #...# #...# .###.
..... ..... ..... ..... ..... ..... ..... .....
..... ..... ..... ..... ..... ..... ..... .....
]], [[
####. .###. ####. .#### ##### #...# #...# #...#
#...# #...# #...# #.... ..#.. #...# #...# #...#
#...# #...# #...# #.... ..#.. #...# #...# #...#
####. #...# ####. .###. ..#.. #...# #...# #.#.#
#.... #.#.# #.#.. ....# ..#.. #...# #...# #.#.#
#.... #..#. #..#. ....# ..#.. #...# .#.#. ##.##
#.... .##.# #...# ####. ..#.. .###. ..#.. #...#
..... ..... ..... ..... ..... ..... ..... .....
..... ..... ..... ..... ..... ..... ..... .....
]], [[
#...# #...# ##### ..### ..... ###.. ..#.. .....
#...# #...# ....# ..#.. #.... ..#.. .#.#. .....
.#.#. #...# ...#. ..#.. .#... ..#.. #...# .....
..#.. .#.#. ..#.. ..#.. ..#.. ..#.. ..... .....
.#.#. ..#.. .#... ..#.. ...#. ..#.. ..... .....
#...# ..#.. #.... ..#.. ....# ..#.. ..... .....
#...# ..#.. ##### ..### ..... ###.. ..... .....
..... ..... ..... ..... ..... ..... ..... #####
..... ..... ..... ..... ..... ..... ..... .....
]], [[
.#... ..... #.... ..... ....# ..... ..##. .....
..#.. ..... #.... ..... ....# ..... .#..# .....
..... .###. #.##. .###. .##.# .###. .#... .####
..... ....# ##..# #.... #..## #...# ###.. #...#
..... .#### #...# #.... #...# ##### .#... #...#
..... #...# #...# #...# #...# #.... .#... #...#
..... .#### ####. .###. .#### .###. .#... .####
..... ..... ..... ..... ..... ..... ..... ....#
..... ..... ..... ..... ..... ..... ..... .###.
]], [[
#.... ..#.. ...#. .#... .##.. ..... ..... .....
#.... ..... ..... .#... ..#.. ..... ..... .....
#.##. .##.. ..##. .#..# ..#.. ##.#. #.##. .###.
##..# ..#.. ...#. .#.#. ..#.. #.#.# ##..# #...#
#...# ..#.. ...#. .##.. ..#.. #.#.# #...# #...#
#...# ..#.. ...#. .#.#. ..#.. #.#.# #...# #...#
#...# .###. ...#. .#..# .###. #...# #...# .###.
..... ..... .#.#. ..... ..... ..... ..... .....
..... ..... ..#.. ..... ..... ..... ..... .....
]], [[
..... ..... ..... ..... .#... ..... ..... .....
..... ..... ..... ..... .#... ..... ..... .....
####. .#### #.##. .#### ###.. #...# #...# #...#
#...# #...# ##..# #.... .#... #...# #...# #...#
#...# #...# #.... .###. .#... #...# #...# #.#.#
#...# #...# #.... ....# .#..# #..## .#.#. #.#.#
####. .#### #.... ####. ..##. .##.# ..#.. .#.#.
#.... ....# ..... ..... ..... ..... ..... .....
#.... ....# ..... ..... ..... ..... ..... .....
]], [[
..... ..... ..... ...#. ..#.. .#... ..... .....
..... ..... ..... ..#.. ..#.. ..#.. ..... .....
#...# #...# ##### ..#.. ..#.. ..#.. .#... .....
.#.#. #...# ...#. .#... ..#.. ...#. #.#.# .....
..#.. #...# ..#.. ..#.. ..#.. ..#.. ...#. .....
.#.#. #...# .#... ..#.. ..#.. ..#.. ..... .....
#...# .#### ##### ...#. ..#.. .#... ..... .....
..... ....# ..... ..... ..... ..... ..... .....
..... .###. ..... ..... ..... ..... ..... .....
]] }

--- The rows of a character as drawn above.
---@param byte integer
---@return string[]
function M.rows(byte)
  local index = (byte < FIRST or byte > LAST) and ("?"):byte() - FIRST or byte - FIRST
  local block, column, rows = BLOCKS[index // 8 + 1], index % 8, {}
  for line in block:gmatch "[^\n]+" do
    local from = column * (COLUMNS + 1) + 1
    rows[#rows + 1] = line:sub(from, from + COLUMNS - 1)
  end
  return rows
end

-- Twice as large: a pixel's quarter takes its two outer neighbours' value where these agree and their opposites don't (Scale2x).
local function doubled(grid)
  local rows, columns, out = #grid, #grid[1], {}
  local function at(y, x) return grid[y] and grid[y][x] or 0 end
  for y = 1, rows do
    local upper, lower = {}, {}
    for x = 1, columns do
      local self, above, below, left, right = at(y, x), at(y - 1, x), at(y + 1, x), at(y, x - 1), at(y, x + 1)
      local turns = above ~= below and left ~= right
      upper[2 * x - 1] = turns and left == above and left or self
      upper[2 * x] = turns and above == right and right or self
      lower[2 * x - 1] = turns and left == below and left or self
      lower[2 * x] = turns and below == right and right or self
    end
    out[2 * y - 1], out[2 * y] = upper, lower
  end
  return out
end

local function repeated(grid, times)
  local out = {}
  for y = 0, #grid * times - 1 do
    local row = {}
    for x = 0, #grid[1] * times - 1 do row[x + 1] = grid[y // times + 1][x // times + 1] end
    out[y + 1] = row
  end
  return out
end

local function grid_of(byte, scale)
  local grid = {}
  for y, text in ipairs(M.rows(byte)) do
    grid[y] = {}
    for x = 1, #text do grid[y][x] = text:sub(x, x) == "#" and 255 or 0 end
  end
  if scale % 2 == 0 then return repeated(doubled(grid), scale // 2) end
  return repeated(grid, scale)
end

---@class moondust.Font
---@field glyphs moondust.ndarray  (characters, rows, columns) uint8, 255 = ink; the last is for bytes that are no ASCII
---@field advance integer  pixels from one character to the next
---@field height integer   pixels from the top of capitals to the lowest descender
---@field caps integer     pixels of a capital
---@field line integer     pixels from one line to the next

--- The font at a whole multiple of its size.
---@param scale integer
---@return moondust.Font
function M.new(scale)
  local all = {}
  for byte = FIRST, LAST do all[#all + 1] = grid_of(byte, scale) end
  all[#all + 1] = grid_of(0, scale)
  return {
    glyphs = core.ndarray(all, "uint8"), advance = (COLUMNS + 1) * scale,
    height = ROWS * scale, caps = 7 * scale, line = (ROWS + 2) * scale,
  }
end

--- Pixels that a text takes.
---@param font moondust.Font
---@param text string
---@return integer
function M.width(font, text) return #text == 0 and 0 or #text * font.advance - font.advance // (COLUMNS + 1) end

--- Draws a line of text; y and x are of its upper left pixel, from 0.
---@param canvas moondust.ndarray
---@param font moondust.Font
---@param text string
---@param y integer
---@param x integer
---@param color integer[]
function M.draw(canvas, font, text, y, x, color)
  core.kernel.draw_text(canvas, font.glyphs, text, y, x, font.advance, color)
end

return M
