--- What stands beside a row of a sheet: key, dtype and kind, shape, voxel size, ROI, range, window and its colours.
local core = require "moondust.core"
local cells = require "moondust.picture.cell"
local colors = require "moondust.picture.colors"
local fonts = require "moondust.picture.font"
local items = require "moondust.picture.item"

local M = {}

M.INK, M.SOFT, M.RULE = { 24, 28, 36 }, { 98, 106, 120 }, { 206, 210, 217 }

local function plural(count, word) return ("%d %s%s"):format(count, word, count == 1 and "" or "s") end

local function values(lines, item)
  local found = item.found
  local text = found.count > 0 and ("range %s .. %s"):format(items.number(found.low), items.number(found.high)) or "no finite value"
  lines[#lines + 1] = text .. (item.thin and " *" or "")
  if item.thin then lines[#lines + 1] = "* of " .. item.thin end
  if found.nan > 0 then lines[#lines + 1] = plural(found.nan, "NaN") end
  if found.infinite > 0 then lines[#lines + 1] = plural(found.infinite, "infinite value") end
end

local function graph_legend(item)
  local lines = { plural(item.graph:num_nodes(), "node") .. ", " .. plural(item.graph:num_edges(), "edge") }
  if item.roi then lines[2] = "ROI " .. item.roi end
  return { lines = lines }
end

-- Lines of text, then a bar of colours with the values at its ends, or swatches of ids.
local function words_of(layer)
  local item, lines = layer.item, {}
  if item.graph then return graph_legend(item) end
  if item.dtype then lines[1] = item.dtype .. (layer.kind and " " .. colors.WORDS[layer.kind] or "") end
  if item.shape then lines[#lines + 1] = table.concat(item.shape, "x") end
  if item.voxel_size then lines[#lines + 1] = "voxel " .. item.voxel_size end
  if item.roi then lines[#lines + 1] = "ROI " .. item.roi end
  if item.note then lines[#lines + 1] = item.note end
  if item.found and layer.kind ~= "labels" then values(lines, item) end
  if #layer.channels > 1 and #layer.channels < item.channels then
    lines[#lines + 1] = ("%d of %d channels"):format(#layer.channels, item.channels)
  end
  if layer.kind == "labels" then
    lines[#lines + 1] = plural(#layer.ids, "label") .. " shown"
    return { lines = lines, ids = layer.ids }
  end
  lines[#lines + 1] = layer.window
  if not layer.kind or layer.kind == "mask" then return { lines = lines } end
  return { lines = lines, bar = { kind = layer.kind, low = items.number(layer.low), high = items.number(layer.high) } }
end

--- Everything that is said beside a row, top to bottom: text in a colour, bars and swatches.
---@param row moondust.picture.Row
---@return table[] parts
function M.compose(row)
  local legend = words_of(row.layer)
  local parts = { { text = row.name, color = M.INK, dot = row.graph and cells.GRAPHS[(row.graph - 1) % #cells.GRAPHS + 1] } }
  for _, line in ipairs(legend.lines) do parts[#parts + 1] = { text = line, color = M.SOFT } end
  if row.note then parts[#parts + 1] = { text = row.note, color = M.SOFT } end
  if legend.ids and #legend.ids > 0 then parts[#parts + 1] = { ids = legend.ids } end
  if legend.bar then parts[#parts + 1] = { bar = legend.bar } end
  return parts
end

---@param style table  font, bar and swatches are looked at
---@param part table
---@return integer pixels
local function part_width(style, part)
  if part.ids then return math.min(#part.ids, style.swatches) * style.font.line end
  if part.bar then return math.max(style.bar, fonts.width(style.font, part.bar.low .. "  " .. part.bar.high)) end
  return fonts.width(style.font, part.text) + (part.dot and style.font.line or 0)
end

M.width = part_width

local function part_height(style, part) return part.bar and 2 * style.font.line or style.font.line end

---@param style table
---@param parts table[]
---@return integer pixels
function M.height(style, parts)
  local height = 0
  for _, part in ipairs(parts) do height = height + part_height(style, part) end
  return height
end

local function draw_swatches(canvas, style, ids, y, x)
  for i = 1, math.min(#ids, style.swatches) do
    local side = style.font.line - 3
    canvas[{ { y + 1, y + side }, { x + 1, x + side } }] = core.kernel.colorize(core.zeros({ side, side }, "uint64"):fill(ids[i]))
    x = x + style.font.line
  end
end

local function draw_bar(canvas, style, bar, y, x)
  local width, height = part_width(style, { bar = bar }), style.font.caps
  local ramp = core.zeros({ height, width }, "float32")
  for i = 1, width do ramp[{ {}, i }] = (i - 1) / (width - 1) end
  local map = colors.MAPS[bar.kind]
  cells.fill(canvas, y - 1, x - 1, height + 2, width + 2, M.RULE)
  canvas[{ { y + 1, y + height }, { x + 1, x + width } }] = core.kernel.map_colors(ramp, 0, 1, map, colors.NAN)
  fonts.draw(canvas, style.font, bar.low, y + style.font.line, x, M.SOFT)
  fonts.draw(canvas, style.font, bar.high, y + style.font.line, x + width - fonts.width(style.font, bar.high), M.SOFT)
end

local function draw_line(canvas, style, part, y, x)
  if part.dot then
    local radius = style.font.caps / 2
    local cy, cx = y + radius, x + radius
    core.kernel.draw_strokes(canvas, { cy, cx, cy, cx, radius - 1 }, { 16, 18, 24 })
    core.kernel.draw_strokes(canvas, { cy, cx, cy, cx, radius - 2 }, part.dot)
    x = x + style.font.line
  end
  fonts.draw(canvas, style.font, part.text, y, x, part.color)
end

--- Draws what compose() gave; y, x is its upper left pixel.
---@param canvas moondust.ndarray
---@param style table
---@param parts table[]
---@param y integer
---@param x integer
function M.draw(canvas, style, parts, y, x)
  for _, part in ipairs(parts) do
    if part.ids then
      draw_swatches(canvas, style, part.ids, y, x)
    elseif part.bar then
      draw_bar(canvas, style, part.bar, y, x)
    else
      draw_line(canvas, style, part, y, x)
    end
    y = y + part_height(style, part)
  end
end

return M
