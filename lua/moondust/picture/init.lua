--- Pictures of arrays and batches: contact sheets as PNG files.
---
---     batch[RAW]:png("raw.png")                                                  an array
---     batch:png("batch.png", { slices = 4, overlay = { RAW, opacity = 0.4 } })   everything in a batch
---     md.zeros({ 8, 64, 64 }):png("zeros.png")                                   an ndarray
---
--- Keys are rows, slices columns, and all keys lie where they are in the world, at one scale. `moondust view` and md.preview draw
--- with this module, too:
---
---     item    what there is to see          layer   an item as it is drawn       frame   the part of the world that is shown
---     block   rows and cells of a batch     sheet   blocks on paper, legends     style   the options
---     strip   a few panels under captions, for illustrations
local error = require("moondust.error").raise
local core = require "moondust.core"
local blocks = require "moondust.picture.block"
local class = require "moondust.class"
local items = require "moondust.picture.item"
local key = require "moondust.key"
local options = require "moondust.options"
local sheet = require "moondust.picture.sheet"
local styles = require "moondust.picture.style"

local M = {}

M.OPTIONS, M.parse = styles.OPTIONS, styles.parse

local function nothing_to_draw(item)
  if not item then error("there is nothing to draw", 0) end
  error(("%s: there is nothing to draw (%s%s)"):format(item.name, item.note or "no ROI", item.roi and ", ROI " .. item.roi or ""), 0)
end

--- A sheet of items; raises in words, without a place, when there is nothing to see.
---@param list moondust.picture.Item[]
---@param style table  from M.parse
---@return moondust.ndarray picture
---@return integer slices
function M.sheet(list, style)
  styles.check(list, style)
  local group = { items = styles.chosen(list, style.keys), under = style.under and styles.item_called(list, style.under) }
  local single = #group.items == 1 and group.items[1].plane and group.items[1].name or nil
  local count = not single and 5 or group.items[1].channels == 1 and 12 or 6
  local block = blocks.make({ group }, style, count, single) or nothing_to_draw(group.items[1])
  return sheet.draw({ block }, { width = style.width, title = style.title, text = style.text }), #group.slices
end

-- ------------------------------------------------------------------------------------------------ what there is

local function of_batch(batch)
  local list = {}
  for name, item in batch:items() do
    list[#list + 1] = key.is_graph_key(name) and items.from_graph(name.name, item) or items.from_array(name.name, item)
  end
  return list
end

local function check_open(name, data) if data.closed then error(name .. " is closed: draw it before", 0) end end

local function items_of(thing, style)
  if class.is_a(thing, require "moondust.batch") then
    for name, item in thing:items() do check_open(name.name, item.data or item) end
    if not style.title and thing.random_seed then style.title = ("batch, seed %d"):format(thing.random_seed) end
    return of_batch(thing)
  elseif class.is_a(thing, require "moondust.array") then
    local name = thing.key and thing.key.name or "array"
    check_open(name, thing.data)
    return { items.from_array(name, thing) }
  elseif options.class_name_of(thing) == "moondust.ndarray" then
    return { items.from_ndarray("array", thing, style.channels) }
  elseif options.class_name_of(thing) == "moondust.Graph" then
    return { items.from_graph("graph", thing) }
  end
  error(("a picture is made of an array, an ndarray, a graph or a batch, not of %s"):format(options.describe(thing)), 0)
end

--- The sheet as an array of pixels.
---@param thing moondust.Array|moondust.ndarray|moondust.Graph|moondust.Batch
---@param fields table?  options of a picture
---@return moondust.ndarray  uint8 (height, width, 3)
---@return moondust.picture.Style
function M.image(thing, fields)
  local style = M.parse("a picture", fields)
  return M.sheet(items_of(thing, style), style), style
end

--- Writes pixels, in as many colours as the style allows.
---@param path string
---@param image moondust.ndarray
---@param style moondust.picture.Style
---@return true?
---@return string? message
function M.write(path, image, style)
  if not style.colors then return core.png.write(path, image) end
  return core.png.write(path, core.kernel.reduce_colors(image, style.colors))
end

--- Draws a sheet of slices into a PNG file: what array:png, ndarray:png and batch:png do. Batch:png lists the options.
---@param path string
---@param thing moondust.Array|moondust.ndarray|moondust.Graph|moondust.Batch
---@param fields table?
---@param level integer?  of errors, as for error(); default 2
---@return true?
---@return string? message
function M.png(path, thing, fields, level)
  level = level or 2
  if type(path) ~= "string" then error(("png wants the path of a file, not %s"):format(options.describe(path)), level) end
  local ok, image, style = pcall(M.image, thing, fields)
  if not ok then error(image, level) end
  return M.write(path, image, style)
end

return M
