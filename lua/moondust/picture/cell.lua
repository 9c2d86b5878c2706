--- One cell of a sheet: a layer at one z in the frame of its group, on an image if there is to be one, with graphs on top.
local core = require "moondust.core"
local items = require "moondust.picture.item"
local layers = require "moondust.picture.layer"

local M = {}

M.EMPTY = { 226, 229, 233 } -- where a key has no voxels

-- Distinct on grey, on each other, and for those who don't see red and green apart.
M.GRAPHS = { { 255, 196, 0 }, { 0, 200, 255 }, { 255, 92, 168 }, { 120, 230, 90 }, { 255, 128, 40 }, { 170, 130, 255 } }

--- Fills a rectangle of a picture; top and left from 0.
---@param canvas moondust.ndarray
---@param top integer
---@param left integer
---@param height integer
---@param width integer
---@param color integer[]
function M.fill(canvas, top, left, height, width, color)
  for c = 1, 3 do canvas[{ { top + 1, top + height }, { left + 1, left + width }, c }] = color[c] end
end

--- A picture of one colour.
---@param height integer
---@param width integer
---@param color integer[]
---@return moondust.ndarray
function M.blank(height, width, color)
  local picture = core.zeros({ height, width, 3 }, "uint8")
  M.fill(picture, 0, 0, height, width, color)
  return picture
end

-- First pixel, and how many, of a stretch of the world along one axis.
local function pixels(begin, stop, from, scale)
  local first = math.floor((begin - from) * scale + 0.5)
  return first, math.max(1, math.floor((stop - from) * scale + 0.5) - first)
end

local function rectangle(item, frame, scale)
  local box = {}
  for d = 2, 3 do box[d] = { pixels(item.begin[d], item.begin[d] + item.count[d] * item.step[d], frame.begin[d], scale) } end
  return box[2][1], box[3][1], box[2][2], box[3][2]
end

--- Draws a channel of a layer where it lies; what lies outside of the cell is cut off.
---@param cell moondust.ndarray
---@param layer moondust.picture.Layer
---@param channel integer
---@param view { frame: moondust.picture.Frame, scale: number, z: number }
---@param opacity number?  nil: as it is; otherwise over what is there already, nothing where it is 0
function M.draw_layer(cell, layer, channel, view, opacity)
  if not layer.kind then return end
  local top, left, height, width = rectangle(layer.item, view.frame, view.scale)
  local y0, y1 = math.max(top, 0), math.min(top + height, cell.shape[1])
  local x0, x1 = math.max(left, 0), math.min(left + width, cell.shape[2])
  if y0 >= y1 or x0 >= x1 then return end
  local picture, mask = layers.picture(layer, channel, view.z, height, width)
  if not picture then return end
  local here, there = { { y0 + 1, y1 }, { x0 + 1, x1 } }, { { y0 - top + 1, y1 - top }, { x0 - left + 1, x1 - left } }
  picture = picture[there]
  if opacity then picture = core.kernel.blend(cell[here], picture, mask[there], opacity) end
  cell[here] = picture
end

-- The part of the line from a to b (z, y, x) that lies in the slab low <= z < high, or nil.
local function clip(a, b, low, high)
  local first, last, dz = 0, 1, b[1] - a[1]
  if math.max(a[1], b[1]) < low or math.min(a[1], b[1]) >= high then return nil end
  if dz ~= 0 then
    local enters, leaves = (low - a[1]) / dz, (high - a[1]) / dz
    first, last = math.max(0, math.min(enters, leaves)), math.min(1, math.max(enters, leaves))
  end
  local from, to = {}, {}
  for d = 1, 3 do from[d], to[d] = a[d] + first * (b[d] - a[d]), a[d] + last * (b[d] - a[d]) end
  return from, to
end
M.clip = clip

local function zyx(location)
  local n = #location
  return { location[n - 2] or 0, location[n - 1] or 0, location[n] }
end

-- The slab of z that a cell shows: the voxel of the layer's item that holds z.
local function slab(item, frame, z)
  if not frame.has_z then return -math.huge, math.huge end
  local index = item and item.plane and item.has_z and items.plane_at(item, z)
  if not index then return z - 0.5, z + 0.5 end
  return item.begin[1] + index * item.step[1], item.begin[1] + (index + 1) * item.step[1]
end

-- Strokes of the nodes in the slab and of what lies in it of the edges, in pixels of the cell.
local function strokes_of(graph, view, low, high, radius)
  local at, discs, lines = {}, {}, {}
  local function pixel(p) return (p[2] - view.frame.begin[2]) * view.scale, (p[3] - view.frame.begin[3]) * view.scale end
  for node in graph:nodes() do
    local p = zyx(node.location)
    at[node.id] = p
    if p[1] >= low and p[1] < high then
      local y, x = pixel(p)
      table.move({ y, x, y, x, radius }, 1, 5, #discs + 1, discs)
    end
  end
  for edge in graph:edges() do
    local from, to = clip(at[edge.u], at[edge.v], low, high)
    if from then
      local y0, x0 = pixel(from)
      local y1, x1 = pixel(to)
      table.move({ y0, x0, y1, x1, radius / 3 }, 1, 5, #lines + 1, lines)
    end
  end
  return discs, lines
end

local function widened(strokes, by)
  local out = table.move(strokes, 1, #strokes, 1, {})
  for i = 5, #out, 5 do out[i] = out[i] + by end
  return out
end

--- Draws a graph's nodes that lie in the slab, and of its edges what does. Returns how many nodes.
---@param cell moondust.ndarray
---@param graph moondust.Graph
---@param color integer[]
---@param item moondust.picture.Item?  whose voxels say how thick the slice is
---@param view { frame: moondust.picture.Frame, scale: number, z: number, radius: number }
---@return integer
function M.draw_graph(cell, graph, color, item, view)
  local low, high = slab(item, view.frame, view.z)
  local discs, lines = strokes_of(graph, view, low, high, view.radius)
  for _, strokes in ipairs { lines, discs } do
    core.kernel.draw_strokes(cell, widened(strokes, view.radius / 4), { 16, 18, 24 })
    core.kernel.draw_strokes(cell, strokes, color)
  end
  return #discs // 5
end

--- A thin outline of a box (world, z y x) where the slice cuts it.
---@param cell moondust.ndarray
---@param begin number[]
---@param stop number[]
---@param view { frame: moondust.picture.Frame, scale: number, z: number }
---@param color integer[]
function M.draw_outline(cell, begin, stop, view, color)
  if view.frame.has_z and (view.z < begin[1] or view.z >= stop[1]) then return end
  local top, height = pixels(begin[2], stop[2], view.frame.begin[2], view.scale)
  local left, width = pixels(begin[3], stop[3], view.frame.begin[3], view.scale)
  local y0, y1, x0, x1 = top + 0.5, top + height - 0.5, left + 0.5, left + width - 0.5
  core.kernel.draw_strokes(cell, { y0, x0, y0, x1, 0.5, y1, x0, y1, x1, 0.5, y0, x0, y1, x0, 0.5, y0, x1, y1, x1, 0.5 }, color)
end

return M
