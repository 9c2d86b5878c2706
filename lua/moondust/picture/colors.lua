--- What a value looks like: kinds of arrays, and the colours of each.
---
---     grey      black to white over a window, by default from the 0.5% to the 99.5% quantile
---     labels    an id has one colour everywhere and for ever; 0 is black, or nothing where it lies on an image
---     mask      0 dark, anything else sea green
---     distance  blue below 0, red above, 0 exactly neutral; the window reaches as far down as up
---     weights   dark at the window's lower end (0), bright at its upper (the maximum)
---     rgb       three channels as red, green and blue over one window (affinities: 0 to 1)
---
--- NaN is magenta in all that have a window. Infinite values take the colours of the window's ends.
local core = require "moondust.core"

local M = {}

M.KINDS = { "grey", "labels", "mask", "distance", "weights", "rgb", "affinities" }
M.NAN = { 255, 0, 255 }

local GREY = { { 0, 0, 0 }, { 255, 255, 255 } }
M.MAPS = {
  grey = GREY, rgb = GREY,
  mask = { { 30, 34, 42 }, { 128, 196, 178 } },
  distance = {
    { 16, 44, 112 }, { 44, 112, 190 }, { 140, 190, 226 }, { 247, 247, 247 }, { 246, 180, 140 }, { 214, 84, 62 }, { 128, 14, 36 },
  },
  weights = { { 12, 8, 24 }, { 66, 14, 92 }, { 142, 36, 98 }, { 208, 68, 66 }, { 242, 130, 36 }, { 250, 194, 70 }, { 252, 250, 196 } },
}

local WORDS = { grey = "grey", labels = "labels", mask = "mask", distance = "distance", weights = "weights", rgb = "RGB" }
M.WORDS = WORDS

local function says(name, ...)
  for _, word in ipairs { ... } do if name:find(word) then return true end end
  return false
end

--- Whether an array holds ids, as far as that can be told without its values.
---@param dtype string
---@param name string             of the dataset or key
---@param interpolatable boolean?
---@return boolean
function M.are_labels(dtype, name, interpolatable)
  name = name:lower()
  if dtype:find "^float" or interpolatable == true or says(name, "raw", "image") then return false end
  return interpolatable == false or dtype:find "64$" ~= nil or dtype:find "32$" ~= nil or says(name, "label", "gt", "seg", "_ids$")
end

local function kind_of_integers(item, name)
  if says(name, "mask", "labelled$") then return "mask" end
  if item.interpolatable == true or says(name, "raw", "image") then return "grey" end
  if M.are_labels(item.dtype, name, item.interpolatable) then
    return item.channels > 1 and item.found.high <= 1 and "mask" or "labels"
  end
  return item.found.high <= 1 and item.found.low >= 0 and "mask" or "grey"
end

local function kind_of_floats(item, name)
  if says(name, "mask") then return "mask" end
  if says(name, "weight") then return "weights" end
  if says(name, "raw", "image") then return "grey" end
  return item.found.low < 0 and item.found.high > 0 and "distance" or "grey"
end

--- What an array is, as far as its dtype, values, name and spec tell.
---@param item moondust.picture.Item
---@return string kind
function M.kind(item)
  local name = item.name:lower()
  local kind = (item.dtype:find "^float" and kind_of_floats or kind_of_integers)(item, name)
  if item.channels == 3 and (kind == "grey" or kind == "mask") then
    return (kind == "mask" or says(name, "aff")) and "affinities" or "rgb"
  end
  return kind
end

--- The window of a kind over what quantiles() found in some planes.
---@param kind string
---@param quantiles number[]  of 0.5% and 99.5%
---@param found table
---@return number low
---@return number high
function M.window(kind, quantiles, found)
  if kind == "mask" then return 0, 1 end
  if kind == "distance" then
    local reach = math.max(math.abs(found.low), math.abs(found.high))
    return -reach, reach
  end
  if kind == "weights" then return math.min(0, found.low), found.high end
  return quantiles[1], quantiles[2]
end

--- A plane as a picture, uint8 (height, width, 3). For "rgb" it is a list of three.
---@param plane moondust.ndarray|moondust.ndarray[]
---@param kind string
---@param low number?
---@param high number?
---@return moondust.ndarray
function M.render(plane, kind, low, high)
  if kind == "labels" then return core.kernel.colorize(plane) end
  if kind == "mask" then plane, low, high = plane:ne(0), 0, 1 end
  if kind ~= "rgb" then return core.kernel.map_colors(plane, low, high, M.MAPS[kind], M.NAN) end
  local channels = {}
  for i, channel in ipairs(plane) do channels[i] = core.kernel.map_colors(channel, low, high, GREY, M.NAN)[{ {}, {}, i }] end
  return core.stack(channels):transpose(2, 3, 1)
end

return M
