--- The contact sheet: legends at the left, a row a layer, a column a slice; groups of columns (before, after) beside each other,
--- blocks (batches) below each other, all at one scale.
---
---     title
---     block title
---                  before                   after
---                  z 20     z 60            z 20     z 60
---     RAW …        [cell]   [cell]          [cell]   [cell]
---     GT …         [cell]   [cell]          [cell]   [cell]
---                                           ch 1     ch 2
---     AFFS …                                [cell]   [cell]
---                                           ch 3
---                                           [cell]
---
--- Cells that don't fit beside each other go on below; what each shows stands above it then.
local cells = require "moondust.picture.cell"
local fonts = require "moondust.picture.font"
local frames = require "moondust.picture.frame"
local items = require "moondust.picture.item"
local layout = require "moondust.picture.layout"
local legends = require "moondust.picture.legend"

local M = {}

local PAPER = { 252, 252, 253 }
M.OUTLINE = { 255, 214, 0 }

-- Breaks a text between words where it gets wider than `width`.
local function wrapped(style, text, width)
  local lines, line = {}, ""
  for word in text:gmatch "%S+" do
    local longer = line == "" and word or line .. " " .. word
    if line ~= "" and fonts.width(style.font, longer) > width then
      lines[#lines + 1], line = line, word
    else
      line = longer
    end
  end
  lines[#lines + 1] = line
  return lines
end

local function draw_header(canvas, style, block, y)
  for _, group in ipairs(block.groups) do
    for column = 1, group.frame.has_z and group.columns or 0 do
      local x = group.left + (column - 1) * (group.cell[2] + style.gap)
      fonts.draw(canvas, style.font, items.place_name(group.items[1], group.slices[column]), y, x, legends.SOFT)
    end
  end
end

local function outline_of(entry, group)
  if group.outline then return group.outline(entry.layer) end
  if entry.under and entry.layer.kind then return frames.box(entry.layer.item) end
end

local function draw_cell(style, group, row, entry)
  local cell = cells.blank(group.cell[1], group.cell[2], cells.EMPTY)
  local view = { frame = group.frame, scale = style.scale, z = entry.z, radius = style.radius }
  if entry.under then cells.draw_layer(cell, entry.under, 0, view) end
  cells.draw_layer(cell, entry.layer, entry.channel, view, entry.under and row.opacity or nil)
  for i, graph in ipairs(row.with_graphs and group.graphs or {}) do
    if graph then cells.draw_graph(cell, graph.graph, cells.GRAPHS[(i - 1) % #cells.GRAPHS + 1], entry.layer.item, view) end
  end
  local begin, stop = outline_of(entry, group)
  if begin then cells.draw_outline(cell, begin, stop, view, M.OUTLINE) end
  for _, box in ipairs(group.boxes or {}) do cells.draw_outline(cell, box[1], box[2], view, M.OUTLINE) end
  return cell
end

local function draw_cells(canvas, style, block, row, y)
  for g, group in ipairs(block.groups) do
    for i, entry in ipairs(row.entries[g]) do
      local line, column = (i - 1) // group.columns, (i - 1) % group.columns
      local top = y + line * (row.above + row.cell_height + style.gap) + row.above
      local left = group.left + column * (group.cell[2] + style.gap)
      if row.above > 0 then fonts.draw(canvas, style.font, entry.caption, top - row.above, left, legends.SOFT) end
      canvas[{ { top + 1, top + group.cell[1] }, { left + 1, left + group.cell[2] } }] = draw_cell(style, group, row, entry)
    end
  end
end

local function draw_block(canvas, style, block, y)
  if block.above > 0 then fonts.draw(canvas, style.font, block.title, y, style.margin, legends.INK) end
  y = y + block.above
  for _, group in ipairs(block.titles > 0 and block.groups or {}) do
    if group.title then fonts.draw(canvas, style.font, group.title, y, group.left, legends.INK) end
  end
  y = y + block.titles
  for _, row in ipairs(block.rows) do
    if row.header > 0 then draw_header(canvas, style, block, y) end
    y = y + row.header
    legends.draw(canvas, style, row.legend, y + row.above, style.margin)
    draw_cells(canvas, style, block, row, y)
    y = y + row.height + style.row_gap
  end
end

local function draw_rule(canvas, style, y, width)
  if style.legends then cells.fill(canvas, y, style.margin, 1, width - 2 * style.margin, legends.RULE) end
end

--- Draws a sheet.
---@param blocks moondust.picture.Block[]
---@param options { width: integer, title: string?, text: integer?, legend: boolean? }  legend = false: none
---@return moondust.ndarray picture  uint8 (height, width, 3)
function M.draw(blocks, options)
  local style = layout.measure(blocks, options)
  local width = style.width
  local title = style.legends and options.title and wrapped(style, options.title, width - 2 * style.margin) or {}
  local height = style.margin + style.height + #title * style.font.line + (#title > 0 and style.row_gap or 0)
  local canvas, y = cells.blank(height - 2 * style.row_gap + style.margin, width, PAPER), style.margin
  for _, line in ipairs(title) do
    fonts.draw(canvas, style.font, line, y, style.margin, legends.INK)
    y = y + style.font.line
  end
  y = y + (#title > 0 and style.row_gap or 0)
  for i, block in ipairs(blocks) do
    if i > 1 then draw_rule(canvas, style, y - style.row_gap, width) end
    draw_block(canvas, style, block, y)
    y = y + block.height + style.row_gap
  end
  return canvas
end

return M
