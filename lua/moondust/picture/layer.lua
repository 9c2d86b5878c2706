--- A layer is an item as it is drawn: which channels, of which kind, in which window; and what a legend says of that.
local error = require("moondust.error").raise
local core = require "moondust.core"
local colors = require "moondust.picture.colors"
local items = require "moondust.picture.item"

local M = {}

M.MOST_CHANNELS = 12
local QUANTILES = { 0.005, 0.995 }

---@class moondust.picture.Layer
---@field item moondust.picture.Item
---@field kind string?           nil: there is nothing to see
---@field channels integer[]     those that are drawn, from 0; of "rgb" the first
---@field low number?            the window of all its channels
---@field high number?
---@field window string?        how the window was found, where that isn't plain
---@field ids integer[]?         of labels: those in the slices shown

-- All planes that will be seen, thinned, as one array.
local function seen_planes(item, channels, places)
  local planes = {}
  for _, channel in ipairs(channels) do
    for _, z in ipairs(places) do
      local index = items.plane_at(item, z)
      if index then planes[#planes + 1] = items.thinned(item.plane(channel, index)) end
    end
  end
  return #planes > 0 and core.stack(planes) or core.zeros({ 1 }, "uint8")
end

local function find_ids(layer, places)
  layer.ids = {}
  for _, id in ipairs(seen_planes(layer.item, layer.channels, places):unique():totable()) do
    if id ~= 0 then layer.ids[#layer.ids + 1] = id end
  end
end

local function find_window(layer, places)
  local channels = layer.kind == "rgb" and { 0, 1, 2 } or layer.channels
  local quantiles, found = core.kernel.quantiles(seen_planes(layer.item, channels, places), QUANTILES)
  layer.low, layer.high = colors.window(layer.kind, quantiles, found)
  layer.window = (layer.kind == "grey" or layer.kind == "rgb") and "window 0.5% .. 99.5%" or nil
end

local function channels_of(item, together)
  local channels = {}
  for channel = 1, together and 1 or math.min(item.channels, M.MOST_CHANNELS) do channels[channel] = channel - 1 end
  return channels
end

--- The layer of an item.
---@param item moondust.picture.Item
---@param places number[]  the slices, world z
---@param wish { kind: string?, window: number[]?, words: string? }  words: what the window is
---@return moondust.picture.Layer
function M.of(item, places, wish)
  if not item.plane then return { item = item, channels = { 0 } } end
  local kind = wish.kind or colors.kind(item)
  local together = (kind == "affinities" or kind == "rgb") and item.channels == 3
  if kind == "rgb" and not together then
    error(("%s has %d channel%s; three make red, green and blue"):format(item.name, item.channels, item.channels == 1 and "" or "s"), 0)
  end
  local window = wish.window or kind == "affinities" and { 0, 1 } or nil
  if kind == "affinities" then kind = together and "rgb" or "grey" end
  local layer = { item = item, kind = kind, channels = channels_of(item, together) }
  if kind == "labels" then
    find_ids(layer, places)
  elseif window then
    layer.low, layer.high, layer.window = window[1], window[2], wish.words
  else
    find_window(layer, places)
  end
  return layer
end

-- How pixels of a picture `pixels` long are fetched from `voxels`: scale and shift for kernel.resize.
local function mapping(voxels, pixels)
  local scale = voxels / pixels
  return scale, scale / 2 - 0.5
end

-- Smoothing looks at every voxel, and needs no more than a few a pixel.
local function coarser(plane, height, width)
  local shape = plane.shape
  local down, along = math.max(1, shape[1] // height // 3), math.max(1, shape[2] // width // 3)
  return (down > 1 or along > 1) and plane[{ { 1, -1, down }, { 1, -1, along } }] or plane
end

local function resized(plane, height, width, smooth)
  if smooth then plane = coarser(plane, height, width) end
  local shape = plane.shape
  local down, left = mapping(shape[1], height)
  local along, first = mapping(shape[2], width)
  smooth = smooth and (down > 1 or along > 1)
  return core.kernel.resize(plane, { height, width }, { down, along }, { left, first }, smooth and "linear" or "nearest")
end

--- A channel's plane at world position z as a picture of height x width pixels, and a mask of where it is something; nil where the
--- item has no voxels there.
---@param layer moondust.picture.Layer
---@param channel integer
---@param z number
---@param height integer
---@param width integer
---@return moondust.ndarray? picture
---@return moondust.ndarray? mask
function M.picture(layer, channel, z, height, width)
  local index = layer.kind and items.plane_at(layer.item, z)
  if not index then return nil end
  local found = layer.item.found
  local smooth = layer.kind ~= "labels" and layer.kind ~= "mask" and found.nan + found.infinite == 0
  local planes = {}
  for i = 1, layer.kind == "rgb" and 3 or 1 do planes[i] = resized(layer.item.plane(channel + i - 1, index), height, width, smooth) end
  return colors.render(layer.kind == "rgb" and planes or planes[1], layer.kind, layer.low, layer.high), planes[1]:ne(0)
end

return M
