--- A slice of an array as characters: the coarse picture that the REPL shows.
---
--- With colours each cell is a half block `▀`, whose foreground is the upper pixel and whose background the lower one, so pixels
--- are about square; without, a cell is one pixel in shades. Grey values are windowed, labels have the colours that belong to
--- their ids (a letter each where there are no colours).
local core = require "moondust.core"

local M = {}

local MAX_COLUMNS, MAX_ROWS = 72, 22
local SHADES = { [true] = { " ", "░", "▒", "▓", "█" }, [false] = { " ", ".", ":", "-", "=", "+", "*", "#", "%", "@" } }

-- ------------------------------------------------------------------------------------------------ which slice, what size

local FLAT = 0.75 -- of the neighbours along a row are equal in labels, fewer in what a microscope gives

local function is_flat(slice)
  local shape = slice.shape
  if shape[2] < 2 then return false end
  return slice[{ {}, { 2, -1 } }]:eq(slice[{ {}, { 1, -2 } }]):mean() > FLAT
end

--- Ids rather than values: integers of 32 bits or more, and others that lie in patches, unless the spec says that they may be
--- interpolated. (That they may not says little: it is what integers of a file are unless somebody knows better.)
---@param slice moondust.ndarray  (height, width)
---@param spec { interpolatable: boolean? }
---@return boolean
function M.is_labels(slice, spec)
  local dtype = slice.dtype
  if dtype:find "^float" or spec.interpolatable then return false end
  return dtype:find "32$" ~= nil or dtype:find "64$" ~= nil or is_flat(slice)
end

--- The middle slice, (height, width), of the first channel, and where it lies; nil where there is none to see.
---@param data moondust.ndarray
---@param spatial integer  how many of the last axes are space
---@return moondust.ndarray?
---@return string? where  "slice 3 of 5", "channel 1 of 4"
function M.middle(data, spatial)
  local n, shape, index, where = data.ndim, data.shape, {}, {}
  if n < 2 or data.size == 0 then return nil end
  for axis = 1, n - 2 do
    local channel = axis <= n - spatial
    index[axis] = channel and 1 or (shape[axis] + 1) // 2
    if shape[axis] > 1 then where[#where + 1] = ("%s %d of %d"):format(channel and "channel" or "slice", index[axis], shape[axis]) end
  end
  return n == 2 and data or data[index], table.concat(where, ", ")
end

-- Pixels of the picture: the slice's proportions in the world, not larger than the screen, never larger than life but to even out
-- voxels that are not square.
local function size_of(shape, voxel_size, columns, rows, per_cell)
  local height, width = shape[1], shape[2]
  local tall, wide = 1, 1
  if voxel_size then
    local finest = math.min(voxel_size[1], voxel_size[2])
    tall, wide = voxel_size[1] / finest, voxel_size[2] / finest
  end
  -- A cell is twice as high as it is wide; one that holds a single pixel shows half as many rows.
  local h, w = height * tall * per_cell / 2, width * wide
  local scale = math.min(1, columns / w, rows * per_cell / h)
  return math.max(1, math.floor(h * scale + 0.5)), math.max(1, math.floor(w * scale + 0.5))
end

local function resize(slice, h, w, mode)
  local shape = slice.shape
  local sy, sx = shape[1] / h, shape[2] / w
  if sy == 1 and sx == 1 then return slice end
  return core.kernel.resize(slice, { h, w }, { sy, sx }, { sy / 2 - 0.5, sx / 2 - 0.5 }, mode)
end

-- ------------------------------------------------------------------------------------------------ pixels

-- The values between which grey runs: all but the extreme half percent on either side.
local function window(pixels)
  local sorted = {}
  for _, row in ipairs(pixels) do
    for _, value in ipairs(row) do if value == value and value - value == 0 then sorted[#sorted + 1] = value end end
  end
  if #sorted == 0 then return 0, 0 end
  table.sort(sorted)
  local cut = math.floor(0.005 * #sorted)
  return sorted[1 + cut], sorted[#sorted - cut]
end

local function level(value, low, high)
  if value ~= value then return 0 end
  if high <= low then return 0.5 end
  return math.min(1, math.max(0, (value - low) / (high - low)))
end

-- Rows of levels 0 to 1, and the window.
local function grey_pixels(slice, h, w)
  local pixels = resize(slice:astype "float32", h, w, "linear"):totable()
  local low, high = window(pixels)
  for _, row in ipairs(pixels) do
    for x, value in ipairs(row) do row[x] = level(value, low, high) end
  end
  return pixels, low, high
end

-- ------------------------------------------------------------------------------------------------ cells

local CUBE = { 0, 95, 135, 175, 215, 255 } -- the levels of the 256 colours' cube

local function nearest_in_cube(value)
  local best = 1
  for i = 2, #CUBE do if math.abs(CUBE[i] - value) < math.abs(CUBE[best] - value) then best = i end end
  return best - 1
end

local function colour_256(r, g, b)
  if r == g and g == b then
    local step = (r - 8 + 5) // 10 -- the 24 greys: 8, 18, … 238
    return step < 0 and 16 or step > 23 and 231 or 232 + step
  end
  return 16 + 36 * nearest_in_cube(r) + 6 * nearest_in_cube(g) + nearest_in_cube(b)
end

local function sgr(colours, layer, pixel)
  local r, g, b = pixel[1], pixel[2], pixel[3]
  if colours == "true" then return ("%d;2;%d;%d;%d"):format(layer, r, g, b) end
  return ("%d;5;%d"):format(layer, colour_256(r, g, b))
end

-- One line of half blocks; a colour is said only where it changes.
local function half_blocks(upper, lower, colours)
  local out, over, under = {}, nil, nil
  for x = 1, #upper do
    local top, bottom = sgr(colours, 38, upper[x]), lower and sgr(colours, 48, lower[x]) or "49"
    local change = {}
    if top ~= over then change[1] = top end
    if bottom ~= under then change[#change + 1] = bottom end
    if #change > 0 then out[#out + 1] = "\27[" .. table.concat(change, ";") .. "m" end
    out[#out + 1] = "▀"
    over, under = top, bottom
  end
  return table.concat(out) .. "\27[0m"
end

local function coloured_lines(pixels, colours)
  local lines = {}
  for y = 1, #pixels, 2 do lines[#lines + 1] = half_blocks(pixels[y], pixels[y + 1], colours) end
  return lines
end

local function shaded_lines(pixels, shades)
  local lines = {}
  for y, row in ipairs(pixels) do
    local cells = {}
    for x, value in ipairs(row) do cells[x] = shades[math.min(#shades, 1 + math.floor(value * #shades))] end
    lines[y] = table.concat(cells)
  end
  return lines
end

local function lettered_lines(ids)
  local lines = {}
  for y, row in ipairs(ids) do
    local cells = {}
    for x, id in ipairs(row) do cells[x] = id == 0 and "." or string.char(97 + id % 26) end
    lines[y] = table.concat(cells)
  end
  return lines
end

local function as_colours(levels)
  for _, row in ipairs(levels) do
    for x, value in ipairs(row) do
      local grey = math.floor(value * 255 + 0.5)
      row[x] = { grey, grey, grey }
    end
  end
  return levels
end

-- ------------------------------------------------------------------------------------------------ the picture

local function number(value) return ("%.4g"):format(value) end

--- Lines of the picture of a slice, and what it shows in words.
---@param slice moondust.ndarray  (height, width)
---@param style moondust.Style
---@param options { labels: boolean, voxel_size: number[]?, rows: integer? }  voxel_size of the two axes; rows: at most so many
---@return string[] lines
---@return string legend
function M.draw(slice, style, options)
  local coloured = style.colours ~= "none" and style.utf8
  local columns, rows = math.min(style.columns - 1, MAX_COLUMNS), math.min(options.rows or MAX_ROWS, MAX_ROWS)
  local h, w = size_of(slice.shape, options.voxel_size, columns, rows, coloured and 2 or 1)
  if options.labels then
    local ids = resize(slice, h, w, "nearest")
    if coloured then return coloured_lines(core.kernel.colorize(ids):totable(), style.colours), "labels" end
    return lettered_lines(ids:totable()), "labels, a letter each"
  end
  local pixels, low, high = grey_pixels(slice, h, w)
  local legend = ("grey from %s to %s"):format(number(low), number(high))
  if coloured then return coloured_lines(as_colours(pixels), style.colours), legend end
  return shaded_lines(pixels, SHADES[style.utf8]), legend
end

return M
