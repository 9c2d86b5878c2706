--- One dataset of an open HDF5 file as an array in the world: what the file says of it, checked, and reading a ROI of it.
---
--- World units are whole numbers. `resolution` (or `voxel_size`) and `offset` of the file must be so too; where they
--- aren't, or aren't there, whoever opens the dataset says a voxel size himself. Nothing is truncated and no voxel
--- size is made up.
---
--- Layout in the file: channel axes first, (c…, z, y, x), or last, (z, y, x, c…); what is read always has them first.
--- The number of spatial axes is that of the voxel size.
local error = require("moondust.error").raise
local core = require "moondust.core"
local class = require("moondust.class").class
local options = require "moondust.options"

---@class moondust.LazyArray : moondust.Class
---@field file moondust.Hdf5File
---@field name string              of the dataset
---@field info moondust.DatasetInfo
---@field spec moondust.ArraySpec  roi, voxel_size, dtype, interpolatable
---@field roi moondust.Roi         world units
---@field voxel_size moondust.Coordinate
---@field dtype string
---@field interpolatable boolean
---@field shape integer[]          as read: channels first
---@field attrs table<string, any> attributes of the dataset, read when asked for
local LazyArray = class "LazyArray"
LazyArray.look_ahead = true

--- Whether arrays of a dtype may be interpolated, when nobody has said: floats may, integers may not, since ids
--- between two ids mean nothing. Grey values kept as integers need a word.
---@param dtype string
---@return boolean
function LazyArray.interpolatable_by_dtype(dtype) return dtype:find("^float") ~= nil end

local function list(values)
  local words = {}
  for i, value in ipairs(values) do
    words[i] = value % 1 == 0 and ("%d"):format(value) or tostring(value)
  end
  return "(" .. table.concat(words, ", ") .. ")"
end

local function whole(values)
  local integers = {}
  for i, value in ipairs(values) do
    integers[i] = math.tointeger(value)
    if not integers[i] then return nil end
  end
  return core.Coordinate(integers)
end

-- Message building: "dataset 'volumes/raw' of a.h5 …".
local function about(self, format, ...)
  return ("dataset '%s' of %s "):format(self.name, self.file.path) .. format:format(...)
end

local function find_voxel_size(self, said)
  local way_out = self.way_out
  if said.voxel_size then return said.voxel_size end
  local written = self.info.voxel_size
  if not written then
    return nil, about(self, "has no voxel size (attribute 'resolution' or 'voxel_size'); give one: %s", way_out)
  end
  local voxel_size = whole(written)
  if not voxel_size then
    return nil, about(self, "has the voxel size %s, and world units are whole numbers; give it in a smaller unit: %s", list(written), way_out)
  end
  return voxel_size
end

local function check_voxel_size(self, voxel_size)
  for d = 1, #voxel_size do
    if voxel_size[d] == core.unbounded or voxel_size[d] < 1 then
      return nil, about(self, "has the voxel size %s, and each entry must be 1 or more; give another: %s", tostring(voxel_size), self.way_out)
    end
  end
  if #voxel_size > #self.info.shape then
    return nil, about(self, "has %d axes, %s, too few for the voxel size %s; give one with %d entries: %s", #self.info.shape,
      list(self.info.shape), tostring(voxel_size), #self.info.shape, self.way_out)
  end
  return true
end

local function find_offset(self, voxel_size)
  local written = self.info.offset
  if not written then return voxel_size * 0 end
  local offset = whole(written)
  if not offset then
    return nil, about(self, "has the offset %s, and world units are whole numbers; give roi (and voxel_size) in a smaller unit: %s", list(written),
      self.way_out)
  end
  if #offset ~= #voxel_size then
    return nil, about(self, "has the offset %s and the voxel size %s, which differ in their number of axes; give roi or voxel_size: %s", list(written),
      tostring(voxel_size), self.way_out)
  end
  for d = 1, #offset do
    if offset[d] % voxel_size[d] ~= 0 then
      return nil, about(self, "has the offset %s, which is not on the grid of its voxel size %s (axis %d); give a roi that is: %s", tostring(offset),
        tostring(voxel_size), d, self.way_out)
    end
  end
  return offset
end

local function spatial_shape(self, dims)
  local shape, first = {}, self.channels_first and #self.info.shape - dims or 0
  for d = 1, dims do shape[d] = self.info.shape[first + d] end
  return core.Coordinate(shape)
end

-- A ROI that the caller gives puts the dataset's first voxel at its begin.
local function check_roi(self, roi, voxel_size, shape)
  if roi.dims ~= #voxel_size or roi.unbounded then
    return nil, about(self, "can't be put into ROI %s: %d bounded axes are wanted", tostring(roi), #voxel_size)
  end
  for d = 1, roi.dims do
    if roi.offset[d] % voxel_size[d] ~= 0 or roi.shape[d] % voxel_size[d] ~= 0 then
      return nil, about(self, "can't be put into ROI %s, which is not on the grid of the voxel size %s (axis %d)", tostring(roi), tostring(voxel_size), d)
    end
    if roi.shape[d] // voxel_size[d] > shape[d] then
      return nil, about(self, "can't fill ROI %s: on axis %d it has %d voxels of size %d", tostring(roi), d, shape[d], voxel_size[d])
    end
  end
  return roi
end

local function find_roi(self, said, voxel_size)
  local shape = spatial_shape(self, #voxel_size)
  if said.roi then return check_roi(self, said.roi, voxel_size, shape) end
  local offset, message = find_offset(self, voxel_size)
  if not offset then return nil, message end
  return core.Roi(offset, shape * voxel_size)
end

local function find_spec(self, said)
  local info = self.info
  if not info.dtype then return nil, about(self, "holds %s, which is no array of numbers", info.type) end
  if said.dtype and said.dtype ~= info.dtype then
    return nil, about(self, "is %s, not %s as the spec given for it says; put md.AsType behind the source", info.dtype, said.dtype)
  end
  local voxel_size, message = find_voxel_size(self, said)
  if not voxel_size then return nil, message end
  local ok
  ok, message = check_voxel_size(self, voxel_size)
  if not ok then return nil, message end
  local roi
  roi, message = find_roi(self, said, voxel_size)
  if not roi then return nil, message end
  local interpolatable = said.interpolatable
  if interpolatable == nil then interpolatable = LazyArray.interpolatable_by_dtype(info.dtype) end
  return core.ArraySpec { roi = roi, voxel_size = voxel_size, dtype = info.dtype, interpolatable = interpolatable }
end

local function read_shape(self)
  local shape, info = {}, self.info
  local dims, channels = self.spec.roi.dims, #info.shape - self.spec.roi.dims
  for c = 1, channels do shape[c] = info.shape[self.channels_first and c or dims + c] end
  for d = 1, dims do shape[channels + d] = info.shape[self.channels_first and channels + d or d] end
  return shape
end

--- The dataset `name` of an open file; nil and one sentence when it isn't there or can't be placed in the world.
---@param file moondust.Hdf5File
---@param name string
---@param said moondust.ArraySpec?   what the caller knows better than the file: voxel_size, roi, interpolatable, dtype (checked)
---@param fields table?  channels_first (default true); way_out: how the caller would say it, for messages
---@return moondust.LazyArray?
---@return string? message
function LazyArray.open(file, name, said, fields)
  fields = fields or {}
  local self = setmetatable({ file = file, name = name }, LazyArray)
  self.channels_first = fields.channels_first ~= false
  self.way_out = fields.way_out or ("md.open_array(file, %q, { voxel_size = {…} })"):format(name)
  local info, message = file:info(name)
  if not info then return nil, message end
  self.info = info
  local spec
  spec, message = find_spec(self, said or core.ArraySpec {})
  if not spec then return nil, message end
  self.spec, self.roi, self.voxel_size = spec, spec.roi, spec.voxel_size
  self.dtype, self.interpolatable = spec.dtype, spec.interpolatable
  self.shape = read_shape(self)
  self.attrs = setmetatable({}, { __index = function(_, attribute) return (file:attribute(name, attribute)) end })
  return self
end

local function box(self, roi)
  local dims, channels = roi.dims, #self.shape - roi.dims
  local begin, shape = {}, {}
  local first, last = 0, channels
  if not self.channels_first then first, last = dims, 0 end
  for c = 1, channels do begin[first + c], shape[first + c] = 0, self.shape[c] end
  local offset, length = (roi.offset - self.roi.offset) // self.voxel_size, roi.shape // self.voxel_size
  for d = 1, dims do begin[last + d], shape[last + d] = offset[d], length[d] end
  return begin, shape
end

local function channels_to_front(data, dims)
  local axes = {}
  for axis = dims + 1, data.ndim do axes[#axes + 1] = axis end
  for axis = 1, dims do axes[#axes + 1] = axis end
  return data:transpose(table.unpack(axes))
end

local function empty(self, roi)
  local shape, channels = {}, #self.shape - roi.dims
  for c = 1, channels do shape[c] = self.shape[c] end
  for d = 1, roi.dims do shape[channels + d] = math.max(0, roi.shape[d] // self.voxel_size[d]) end
  return core.zeros(shape, self.dtype)
end

local function check_wanted(self, roi)
  if options.class_name_of(roi) ~= "moondust.Roi" then
    error(("read wants a Roi in world units, not %s"):format(options.describe(roi)), 3)
  end
  if roi.dims ~= self.roi.dims then
    error(about(self, "has %d spatial axes, ROI %s has %d", self.roi.dims, tostring(roi), roi.dims), 3)
  end
  if roi.empty then return end
  if not self.roi:contains(roi) then
    error(about(self, "covers ROI %s, which doesn't contain %s", tostring(self.roi), tostring(roi)), 3)
  end
  local offset, shape = roi.offset % self.voxel_size, roi.shape % self.voxel_size
  for d = 1, #offset do
    if offset[d] ~= 0 or shape[d] ~= 0 then
      error(about(self, "has the voxel size %s; ROI %s is not on that grid (axis %d)", tostring(self.voxel_size), tostring(roi), d), 3)
    end
  end
end

--- The voxels of a ROI, channels first; an empty ROI gives an empty array. nil and a message when the file can't be read.
---@param roi moondust.Roi?  world units, on the voxel grid; default: all of it
---@return moondust.ndarray?
---@return string? message
function LazyArray:read(roi)
  roi = roi or self.roi
  check_wanted(self, roi)
  if roi.empty then return empty(self, roi) end
  local begin, shape = box(self, roi)
  local data, message = self.file:read(self.name, begin, shape)
  if not data then return nil, message end
  if self.channels_first or data.ndim == roi.dims then return data end
  return channels_to_front(data, roi.dims)
end

--- Closes the file. Reading afterwards is an error.
function LazyArray:close() self.file:close() end
LazyArray.__close = LazyArray.close

function LazyArray:__tostring()
  return ("LazyArray %s[%s] %s %s ROI %s voxel size %s"):format(self.file.path, self.name, self.dtype, table.concat(self.shape, "x"), tostring(self.roi),
    tostring(self.voxel_size))
end

return LazyArray
