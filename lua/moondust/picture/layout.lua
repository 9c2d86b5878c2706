--- Where everything on a sheet goes, in pixels: widths of legends and cells, the one scale, heights of rows and blocks.
local fonts = require "moondust.picture.font"
local legends = require "moondust.picture.legend"

local M = {}

local MOST_ZOOM = 8 -- pixels a voxel
local TALLEST = 4 -- a cell's height, in widths of the sheet

---@class moondust.picture.Group
---@field title string?
---@field frame moondust.picture.Frame
---@field slices number[]
---@field columns integer
---@field graphs (moondust.picture.Item|false)[]
---@field outline (fun(layer: moondust.picture.Layer): number[]?, number[]?)?  begin and stop of a box to mark
---@field boxes { [1]: number[], [2]: number[] }[]?  more boxes to mark

---@class moondust.picture.Entry
---@field layer moondust.picture.Layer
---@field channel integer
---@field z number
---@field caption string
---@field under moondust.picture.Layer?  what the layer is laid on

---@class moondust.picture.Row
---@field name string
---@field layer moondust.picture.Layer      for the legend
---@field note string?                      a line more there
---@field entries moondust.picture.Entry[][]  one list a group
---@field captioned boolean?                each cell has its caption; otherwise z stands above the first such row
---@field opacity number?                   of layers that lie on others
---@field with_graphs boolean?
---@field graph integer?                    number of the graph whose legend this row is

---@class moondust.picture.Block
---@field title string?
---@field groups moondust.picture.Group[]
---@field rows moondust.picture.Row[]

local function measures_of(options)
  local size = options.text or options.width >= 1100 and 2 or 1
  local font = fonts.new(math.max(size, 1))
  return {
    legends = size > 0, beside = size > 0 and options.legend ~= false, font = font,
    gap = 3 * math.max(size, 1), margin = size > 0 and font.line or 0, group_gap = size > 0 and 2 * font.line or 8,
    row_gap = font.line // 2, bar = 12 * font.advance, swatches = 10,
  }
end

local function extent(frame) return frame.stop[2] - frame.begin[2], frame.stop[3] - frame.begin[3] end

local function legend_width(style, blocks)
  local width = 0
  for _, block in ipairs(blocks) do
    for _, row in ipairs(block.rows) do
      row.legend = style.beside and legends.compose(row) or {}
      for _, part in ipairs(row.legend) do width = math.max(width, legends.width(style, part)) end
    end
  end
  return width > 0 and width + style.font.line or 0
end

-- Pixels a world unit: what lets the widest block fit into the width; whole multiples of the finest voxel where that is enlarged.
local function scale_of(style, blocks, width)
  local scale, finest = math.huge, math.huge
  for _, block in ipairs(blocks) do
    local room, needed = width - 2 * style.margin - style.legend, 0
    for g, group in ipairs(block.groups) do
      local down, across = extent(group.frame)
      scale = math.min(scale, TALLEST * width / down)
      room = room - (group.columns - 1) * style.gap - (g > 1 and style.group_gap or 0)
      needed = needed + group.columns * across
    end
    scale = math.min(scale, math.max(room, 32) / needed)
    for _, row in ipairs(block.rows) do
      for _, entries in ipairs(row.entries) do
        for _, entry in ipairs(entries) do
          if entry.layer.kind then finest = math.min(finest, entry.layer.item.step[2], entry.layer.item.step[3]) end
        end
      end
    end
  end
  local zoom = scale * finest
  if finest < math.huge and zoom >= 1 then scale = math.min(math.floor(zoom), MOST_ZOOM) / finest end
  return scale
end

-- Places of the groups' columns, sizes of their cells; the width of all.
local function measure_groups(style, blocks)
  local right = 0
  for _, block in ipairs(blocks) do
    local x = style.margin + style.legend
    for g, group in ipairs(block.groups) do
      local down, across = extent(group.frame)
      group.cell = { math.max(1, math.floor(down * style.scale + 0.5)), math.max(1, math.floor(across * style.scale)) }
      group.left = x + (g > 1 and style.group_gap or 0)
      x = group.left + group.columns * (group.cell[2] + style.gap) - style.gap
    end
    right = math.max(right, x)
  end
  return right + style.margin
end

-- Lines of cells, the height of one, what stands above each; a row is as high as these or as its legend.
local function measure_row(style, block, row)
  row.lines, row.cell_height = 0, 0
  for g, group in ipairs(block.groups) do
    local count = #row.entries[g]
    row.lines = math.max(row.lines, (count + group.columns - 1) // group.columns)
    if count > 0 then row.cell_height = math.max(row.cell_height, group.cell[1]) end
  end
  row.above = row.captioned and style.legends and style.font.line or 0
  local cells_height = row.lines * (row.above + row.cell_height + style.gap) - (row.lines > 0 and style.gap or 0)
  row.height = math.max(cells_height, row.above + legends.height(style, row.legend))
end

-- Where z is said: above the first row of slices, and again after rows with captions of their own.
local function place_header(style, block)
  local said = false
  for _, row in ipairs(block.rows) do
    local any = false
    for g, group in ipairs(block.groups) do any = any or group.frame.has_z and #row.entries[g] > 0 end
    row.header = any and not row.captioned and not said and style.beside and style.font.line or 0
    if any then said = not row.captioned end
  end
end

local function measure_block(style, block)
  block.titles = 0
  for _, group in ipairs(block.groups) do
    if group.title and style.legends then block.titles = style.font.line end
  end
  block.above = block.title and style.legends and style.font.line + style.row_gap or 0
  block.height = block.above + block.titles
  place_header(style, block)
  for _, row in ipairs(block.rows) do
    measure_row(style, block, row)
    block.height = block.height + row.header + row.height + style.row_gap
  end
end

--- Measures a sheet: gives blocks, groups and rows their places and sizes.
---@param blocks moondust.picture.Block[]
---@param options { width: integer, text: integer?, legend: boolean? }
---@return table style  font, gaps, margin, scale …, width and height of all blocks
function M.measure(blocks, options)
  local style = measures_of(options)
  style.legend = legend_width(style, blocks)
  style.scale = scale_of(style, blocks, options.width)
  style.width, style.height = measure_groups(style, blocks), 0
  style.radius = math.max(4, blocks[1].groups[1].cell[1] / 50)
  for _, block in ipairs(blocks) do
    measure_block(style, block)
    style.height = style.height + block.height + style.row_gap
  end
  return style
end

return M
