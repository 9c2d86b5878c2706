--- One dataset of an open HDF5 file as an array in the world: what the file says of it, checked, and reading a ROI of it.
---
--- World units are whole numbers. `resolution` (or `voxel_size`) and `offset` of the file must be so too; where they
--- aren't, or aren't there, whoever opens the dataset says a voxel size himself. Nothing is truncated and no voxel
--- size is made up. Which axis is which, and what a ROI is of the dataset: moondust.placement.
local error = require("moondust.error").raise
local core = require "moondust.core"
local class = require("moondust.class").class
local options = require "moondust.options"
local placement = require "moondust.placement"

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

--- What is wrong with options of placement, whatever the dataset; nil: nothing.
---@param values table  axes, pick, unit
---@param what string
---@return string? message
function LazyArray.check(values, what)
  if type(values.axes) == "string" then
    local _, message = placement.letters(values.axes)
    if message then return ("%s: axes = %q %s"):format(what, values.axes, message) end
  elseif values.axes then
    return ("%s: 'axes' must be a string of letters such as \"tczyx\", not %s"):format(what, options.describe(values.axes))
  end
  if values.unit and not placement.is_unit(values.unit) then
    return ("%s: unit = %q isn't known; there are \"pm\", \"nm\", \"um\", \"mm\", \"cm\", \"m\""):format(what, values.unit)
  end
end

-- "dataset 'volumes/raw' of a.h5 …".
local function about(self, format, ...)
  return ("dataset '%s' of %s "):format(core.printable(self.name), core.printable(self.file.path)) .. format:format(...)
end

local function word(info, name)
  local written = info.world[name]
  return written and { name = name, value = written.value, problem = written.problem } or nil
end

-- What the file says of the dataset's place, for any format's rules.
local function stored_of(self)
  local info = self.info
  local sizes = { word(info, "resolution") }
  sizes[#sizes + 1] = word(info, "voxel_size")
  return { about = about(self, ""):sub(1, -2), shape = info.shape, voxel_size = sizes, offset = word(info, "offset"), axes = word(info, "axis_names"),
    units = word(info, "units") }
end

local function find_spec(self, said)
  local info = self.info
  if info.problem then return nil, info.problem end
  if not info.dtype then return nil, about(self, "holds %s, which is no array of numbers", info.type) end
  if said.dtype and said.dtype ~= info.dtype then
    return nil, about(self, "is %s, not %s as the spec given for it says; put md.AsType behind the source", info.dtype, said.dtype)
  end
  local placed, message = placement.place(stored_of(self), { voxel_size = said.voxel_size, roi = said.roi, channels_first = self.channels_first,
    axes = self.axes, pick = self.pick, unit = self.unit, way_out = self.way_out })
  if not placed then return nil, message end
  self.placed = placed
  local interpolatable = said.interpolatable
  if interpolatable == nil then interpolatable = LazyArray.interpolatable_by_dtype(info.dtype) end
  return core.ArraySpec { roi = placed.roi, voxel_size = placed.voxel_size, dtype = info.dtype, interpolatable = interpolatable }
end

--- The dataset `name` of an open file; nil and one sentence when it isn't there or can't be placed in the world.
---@param file moondust.Hdf5File
---@param name string
---@param said moondust.ArraySpec?   what the caller knows better than the file: voxel_size, roi, interpolatable, dtype (checked)
---@param fields table?  channels_first, axes, pick, unit (see moondust.placement); way_out: how the caller would say it, for messages
---@return moondust.LazyArray?
---@return string? message
function LazyArray.open(file, name, said, fields)
  fields = fields or {}
  local self = setmetatable({ file = file, name = name }, LazyArray)
  self.channels_first, self.axes, self.pick, self.unit = fields.channels_first, fields.axes, fields.pick, fields.unit
  self.way_out = fields.way_out or ("md.open_array(file, %q, { voxel_size = {…} })"):format(name)
  local info, message = file:info(name)
  if not info then return nil, message end
  self.info = info
  local spec
  spec, message = find_spec(self, said or core.ArraySpec {})
  if not spec then return nil, message end
  self.spec, self.roi, self.voxel_size = spec, spec.roi, spec.voxel_size
  self.dtype, self.interpolatable = spec.dtype, spec.interpolatable
  self.shape = self.placed.shape
  self.attrs = setmetatable({}, { __index = function(_, attribute) return (file:attribute(name, attribute)) end })
  return self
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
  local begin, shape = placement.box(self.placed, self.info.shape, roi)
  local data, message = self.file:read(self.name, begin, shape)
  if not data then return nil, message end
  return placement.serve(self.placed, data)
end

--- Closes the file. Reading afterwards is an error.
function LazyArray:close() self.file:close() end
LazyArray.__close = LazyArray.close

function LazyArray:__tostring()
  return ("LazyArray %s[%s] %s %s ROI %s voxel size %s"):format(core.printable(self.file.path), core.printable(self.name), self.dtype, table.concat(self.shape, "x"),
    tostring(self.roi),
    tostring(self.voxel_size))
end

return LazyArray
