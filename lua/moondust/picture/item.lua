--- What can stand in a picture: arrays, lazily read datasets and graphs, all seen as planes at places of one world frame.
---
--- The last three spatial axes are z, y, x. Of an axis before those (time) the middle is taken. Where there is no z there is one
--- plane; a single axis is drawn as a strip. Arrays without ROI lie at 0 with voxels of 1.
local error = require("moondust.error").raise
local core = require "moondust.core"
local LazyArray = require "moondust.dataset"

local M = {}

---@class moondust.picture.Item
---@field name string
---@field dtype string?
---@field shape integer[]?
---@field channels integer       all channel axes taken as one
---@field interpolatable boolean?
---@field begin number[]         z, y, x in world units
---@field step number[]          z, y, x size of a voxel
---@field count integer[]        z, y, x voxels
---@field has_z boolean
---@field found table            what kernel.quantiles finds in it
---@field thin string?           what it was looked for in, if that isn't all
---@field plane (fun(channel: integer, z: integer): moondust.ndarray)?  (y, x), both counted from 0
---@field indexed boolean?       an ndarray: no world, but elements counted from 1
---@field note string?           why there is nothing to see, or what was left out
---@field graph moondust.Graph?
---@field roi string?            for the legend

local THIN = 1 << 22 -- voxels that statistics are taken of, about

--- The elements statistics are taken of: all, or every n-th along the last two axes.
---@param data moondust.ndarray
---@return moondust.ndarray
function M.thinned(data)
  local step = math.ceil(math.sqrt(data.size / THIN))
  if step <= 1 or data.ndim < 2 then return data end
  local index = {}
  for axis = 1, data.ndim do index[axis] = axis > data.ndim - 2 and { 1, -1, step } or {} end
  return data[index]
end

local function ranges(begin, shape)
  local parts = {}
  for d = 1, #shape do parts[d] = ("%s:%s"):format(M.number(begin[d]), M.number(begin[d] + shape[d])) end
  return table.concat(parts, " ")
end

--- A number as people write it.
---@param value number
---@return string
function M.number(value)
  local whole = math.tointeger(value)
  if whole and math.abs(whole) < 1 << 53 then return tostring(whole) end
  return (("%.4g"):format(value):gsub("%.0+$", ""))
end

-- The last spatial axes become z, y, x.
local function place(item, shape, offset, voxel_size)
  local dims = #voxel_size
  item.begin, item.step, item.count, item.has_z = {}, {}, {}, dims >= 3
  for d = 1, 3 do
    local axis = dims - 3 + d
    if axis >= 1 then
      item.begin[d], item.step[d], item.count[d] = offset[axis], voxel_size[axis], shape[#shape - 3 + d]
    else
      item.begin[d], item.step[d], item.count[d] = 0, 1, 1
    end
  end
  if dims == 1 then item.step[2] = math.max(1, item.step[3] * item.count[3] / 16) end -- a strip
  item.spatial = dims
  item.roi, item.voxel_size = {}, {}
  for d = 1, dims do item.roi[d], item.voxel_size[d] = shape[#shape - dims + d] * voxel_size[d], M.number(voxel_size[d]) end
  item.roi, item.voxel_size = ranges(offset, item.roi), table.concat(item.voxel_size, " ")
end

-- begin (0-based) and shape of one plane over all axes.
local function box_of(item, channel, z)
  local begin, shape, n = {}, {}, #item.shape
  for axis = n, 1, -1 do
    local spatial = axis - (n - item.spatial)
    begin[axis], shape[axis] = 0, 1
    if axis > n - math.min(2, item.spatial) then
      shape[axis] = item.shape[axis]
    elseif spatial >= 1 and spatial == item.spatial - 2 then
      begin[axis] = z
    elseif spatial >= 1 then
      begin[axis] = item.shape[axis] // 2
    end
  end
  for axis = n - item.spatial, 1, -1 do
    begin[axis] = channel % item.shape[axis]
    channel = channel // item.shape[axis]
  end
  return begin, shape
end

local function finish(item, read)
  item.channels = 1
  for axis = 1, #item.shape - item.spatial do item.channels = item.channels * item.shape[axis] end
  item.plane = function(channel, z)
    local begin, shape = box_of(item, channel, z)
    return read(begin, shape):reshape { item.count[2], item.count[3] }
  end
  return item
end

local function in_memory(item, data)
  local _, found = core.kernel.quantiles(data, {})
  item.found = found
  return finish(item, function(begin, shape)
    local index = {}
    for axis = 1, #begin do index[axis] = { begin[axis] + 1, begin[axis] + shape[axis] } end
    return data[index]
  end)
end

local function whole(values)
  local out = {}
  for i = 1, #values do out[i] = values[i] end
  return out
end

local function unit(dims, value)
  local out = {}
  for d = 1, dims do out[d] = value end
  return out
end

--- An array's numbers as text, for what has no place in space.
local function listing(data)
  local all = {}
  for i, value in ipairs(data:reshape({ -1 })[{ { 1, math.min(8, data.size) } }]:totable()) do all[i] = M.number(value) end
  return table.concat(all, ", ") .. (data.size > 8 and ", .." or "")
end

--- An md.Array.
---@param name string
---@param array moondust.Array
---@return moondust.picture.Item
function M.from_array(name, array)
  local data, spec = array.data, array.spec
  local item = { name = name, dtype = data.dtype, shape = data.shape, interpolatable = spec.interpolatable, channels = 1 }
  if spec.placeholder then
    item.note = "placeholder"
  elseif data.size == 0 then
    item.note = "no voxels"
  elseif spec.nonspatial or not spec.roi or not spec.voxel_size then
    item.note = listing(data)
  end
  if spec.roi and not spec.roi.unbounded then item.roi = ranges(spec.roi.begin, spec.roi.shape) end
  if item.note then return item end
  place(item, item.shape, whole(spec.roi.begin), whole(spec.voxel_size))
  return in_memory(item, data)
end

--- An ndarray: its last axes (three at most) are space, what stands before them are channels.
---@param name string
---@param data moondust.ndarray
---@param channels integer?  leading channel axes; default: those beyond three
---@return moondust.picture.Item
function M.from_ndarray(name, data, channels)
  local dims = data.ndim - (channels or math.max(0, data.ndim - 3))
  if dims < 1 then error(("an ndarray with %d axes has no spatial one left beside %d of channels"):format(data.ndim, channels or 0), 0) end
  local item = { name = name, dtype = data.dtype, shape = data.shape, channels = 1 }
  if data.size == 0 then
    item.note = "no voxels"
    return item
  end
  place(item, item.shape, unit(dims, 0), unit(dims, 1))
  item.roi, item.voxel_size, item.indexed = nil, nil, true
  return in_memory(item, data)
end

local MOST_PLANE = 1 << 30 -- voxels that are read for one slice

-- A header of two kilobytes can declare any number of voxels.
local function check_plane(info)
  local n = #info.shape
  local voxels = (info.shape[n] or 1) * (info.shape[n - 1] or 1.0)
  if info.problem then error(info.problem, 0) end
  if voxels > MOST_PLANE then
    error(("%s: a slice of %sx%s voxels is more than a picture is made of (at most %d)"):format(core.printable(info.name), info.shape[n - 1] or 1, info.shape[n],
      MOST_PLANE), 0)
  end
end

local function is_as_stored(placed)
  if next(placed.fixed) or next(placed.chosen) then return false end
  for i, axis in ipairs(placed.order) do if i ~= axis then return false end end
  return true
end

-- Where the dataset lies when its axes are said or written and aren't simply channels, then z, y, x; nil otherwise.
local function placed_array(file, info, said)
  if not said and not info.axes then return nil end
  local fields = { axes = said and said.axes, pick = said and said.pick, way_out = "say which axes it has (--axes tczyx), or in the file" }
  local array, message = LazyArray.open(file, info.name, nil, fields)
  if not array and said and not info.world.resolution and not info.world.voxel_size and said.axes then -- any picture has voxels of 1
    local dims = 0
    for letter in said.axes:lower():gmatch "[tzyx]" do dims = dims + ((said.pick or {})[letter] and 0 or 1) end
    if dims > 0 then array, message = LazyArray.open(file, info.name, core.ArraySpec { voxel_size = unit(dims, 1) }, fields) end
  end
  if not array and said then error(message, 0) end
  return array and (said or not is_as_stored(array.placed)) and array or nil
end

-- Planes of a dataset that is turned, or of which a part is picked: of each plane all channels are read.
local function read_placed(array)
  return function(begin, shape)
    local dims, channels = array.roi.dims, #array.shape - array.roi.dims
    local offset, length, index = {}, {}, {}
    for d = 1, dims do offset[d], length[d] = begin[channels + d], shape[channels + d] end
    local roi = core.Roi(array.roi.offset + core.Coordinate(offset) * array.voxel_size, core.Coordinate(length) * array.voxel_size)
    local data, message = array:read(roi)
    if not data then error(message, 0) end
    for c = 1, channels do index[c] = { begin[c] + 1, begin[c] + shape[c] } end
    for d = 1, dims do index[channels + d] = {} end
    return data[index]:copy()
  end
end

local function whole_of(item, read)
  if item.thin then return M.thinned(item.plane(0, item.count[1] // 2)) end
  local begin = {}
  for axis = 1, #item.shape do begin[axis] = 0 end
  return read(begin, item.shape)
end

--- A dataset of an open file; planes are read when they are drawn.
---@param file moondust.Hdf5File
---@param info moondust.DatasetInfo
---@param name string?  default: its path
---@param said { axes: string?, pick: table? }?  as moondust.placement takes them
---@return moondust.picture.Item
function M.from_dataset(file, info, name, said)
  local item = { name = core.printable(name or info.name), dtype = info.dtype, shape = info.shape, channels = 1 }
  local size = 1
  for _, length in ipairs(info.shape) do size = size * (length + 0.0) end
  if size == 0 then
    item.note = "no voxels"
    return item
  end
  check_plane(info)
  local array = placed_array(file, info, said)
  if array then
    item.shape, size = array.shape, 1
    for _, length in ipairs(item.shape) do size = size * (length + 0.0) end
    place(item, item.shape, whole(array.roi.begin), whole(array.voxel_size))
    local read = read_placed(array)
    finish(item, read)
    item.thin = size > THIN and "its middle plane" or nil
    local _, found = core.kernel.quantiles(whole_of(item, read), {})
    item.found = found
    return item
  end
  local dims = info.voxel_size and math.min(#info.voxel_size, #info.shape) or math.min(3, #info.shape)
  local offset = info.offset and #info.offset == dims and info.offset or unit(dims, 0)
  place(item, info.shape, offset, info.voxel_size and #info.voxel_size == dims and info.voxel_size or unit(dims, 1))
  local function read(begin, shape)
    local data, message = file:read(info.name, begin, shape)
    return data or error(message, 0)
  end
  finish(item, read)
  item.thin = size > THIN and "its middle plane" or nil
  local _, found = core.kernel.quantiles(item.thin and M.thinned(item.plane(0, item.count[1] // 2)) or read(nil, nil), {})
  item.found = found
  return item
end

--- A graph.
---@param name string
---@param graph moondust.Graph
---@return moondust.picture.Item
function M.from_graph(name, graph)
  local roi = graph.spec.roi
  local bounded = roi and not roi.unbounded
  return { name = name, graph = graph, channels = 1, roi = bounded and ranges(roi.begin, roi.shape) or nil, box = bounded and roi or nil }
end

--- What a slice is called: its world z, or the index of the plane where the item is an ndarray.
---@param item moondust.picture.Item?
---@param z number
---@return string
function M.place_name(item, z)
  if item and item.indexed then return ("[%d]"):format(math.floor(z) + 1) end
  return "z " .. M.number(z)
end

--- The plane of an item that holds the world position z, or nil.
---@param item moondust.picture.Item
---@param z number
---@return integer?
function M.plane_at(item, z)
  if not item.has_z then return 0 end
  local index = math.floor((z - item.begin[1]) / item.step[1])
  return index >= 0 and index < item.count[1] and index or nil
end

return M
