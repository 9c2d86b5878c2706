--- What the arrays of md.arrays share: their sources, what they say of themselves, and the checks of what is read.
---
--- A subclass calls self:describe{ … } in init() and makes voxels in make(roi), where roi is not empty, inside of its own ROI and
--- on its grid.
local error = require("moondust.error").raise
local core = require "moondust.core"
local classes = require "moondust.class"
local Array = require "moondust.array"
local options = require "moondust.options"

---@class moondust.WrapperArray : moondust.Class
---@field roi moondust.Roi
---@field voxel_size moondust.Coordinate
---@field dtype string
---@field shape integer[]         channels first
---@field interpolatable boolean?
---@field attrs table
---@field sources table[]         what it is made of
local WrapperArray = classes.class "WrapperArray"

-- ------------------------------------------------------------------------------------------------ sources

-- An md.Array as the same kind of object as a lazy one.
local MemoryArray = classes.class("MemoryArray", WrapperArray)
MemoryArray.look_ahead = true

function MemoryArray:init(fields)
  self.array, self.sources = fields.array, {}
  local data, spec = self.array.data, self.array.spec
  self.roi, self.voxel_size, self.dtype, self.shape = spec.roi, spec.voxel_size, data.dtype, data.shape
  self.interpolatable, self.attrs = spec.interpolatable, self.array.attrs
end

function MemoryArray:make(roi) return self.array:crop(roi).data:view() end

function MemoryArray:close() self.array:close() end

--- A source that a caller gave: an md.Array or an object such as md.open_array returns; an error that names the option otherwise.
--- For init() of subclasses.
---@param value any
---@param what string
---@return table
function WrapperArray:source(value, what)
  if classes.is_a(value, Array) then
    if not value.spec.roi or not value.spec.voxel_size then
      error(("%s: %s is nonspatial; give its spec a roi and a voxel_size"):format(self.class_name, what), 4)
    end
    return MemoryArray { array = value }
  end
  if type(value) == "table" and value.roi and value.voxel_size and value.dtype and value.shape and value.read then return value end
  error(("%s: %s must be an md.Array or an object such as md.open_array(…) returns, not %s"):format(self.class_name, what, options.describe(value)), 4)
end

--- The leading axes of a source.
---@param source table
---@return integer[]
function WrapperArray.channels_of(source) return table.move(source.shape, 1, #source.shape - source.roi.dims, 1, {}) end

--- Sets what the array says of itself.
---@param fields table  sources (list); the rest as the first source says, unless given: roi, voxel_size, dtype, channels (list), interpolatable, attrs
function WrapperArray:describe(fields)
  local first = fields.sources[1]
  self.sources, self.roi, self.voxel_size = fields.sources, fields.roi or first.roi, fields.voxel_size or first.voxel_size
  self.dtype, self.attrs = fields.dtype or first.dtype, fields.attrs or first.attrs or {}
  if fields.interpolatable ~= nil then self.interpolatable = fields.interpolatable else self.interpolatable = first.interpolatable end
  self.channels = fields.channels or self.channels_of(first)
  self.shape = self:shape_of(self.roi)
end

--- An error where sources don't lie on one another's grid.
---@param sources table[]
function WrapperArray:check_grids(sources)
  for i, source in ipairs(sources) do
    local same = source.voxel_size == sources[1].voxel_size
    for d = 1, same and source.roi.dims or 0 do
      same = same and (source.roi.offset[d] - sources[1].roi.offset[d]) % source.voxel_size[d] == 0
    end
    if not same then
      error(("%s: array %d (voxel size %s, ROI %s) doesn't lie on the voxel grid of the first (voxel size %s, ROI %s)"):format(self.class_name, i,
        tostring(source.voxel_size), tostring(source.roi), tostring(sources[1].voxel_size), tostring(sources[1].roi)), 4)
    end
  end
end

--- Where all of the sources are.
---@param sources table[]
---@return moondust.Roi
function WrapperArray:common_roi(sources)
  local common = sources[1].roi
  for i = 2, #sources do common = common:intersect(sources[i].roi) end
  if common.empty then error(("%s: the arrays have no place in common"):format(self.class_name), 4) end
  return common
end

-- ------------------------------------------------------------------------------------------------ reading

--- Channels and voxels of a ROI.
---@param roi moondust.Roi
---@return integer[]
function WrapperArray:shape_of(roi)
  local shape = table.move(self.channels, 1, #self.channels, 1, {})
  for d = 1, roi.dims do shape[#shape + 1] = math.max(0, roi.shape[d] // self.voxel_size[d]) end
  return shape
end

local function check_wanted(self, roi)
  local name = self.class_name
  if options.class_name_of(roi) ~= "moondust.Roi" then error(("%s: read wants a Roi in world units, not %s"):format(name, options.describe(roi)), 3) end
  if roi.dims ~= self.roi.dims then error(("%s has %d spatial axes, ROI %s has %d"):format(name, self.roi.dims, tostring(roi), roi.dims), 3) end
  if roi.empty then return end
  if not self.roi:contains(roi) then error(("%s covers ROI %s, which doesn't contain %s"):format(name, tostring(self.roi), tostring(roi)), 3) end
  for d = 1, roi.dims do
    if (roi.offset[d] - self.roi.offset[d]) % self.voxel_size[d] ~= 0 or roi.shape[d] % self.voxel_size[d] ~= 0 then
      error(("%s has the voxel size %s; ROI %s is not on its grid (axis %d)"):format(name, tostring(self.voxel_size), tostring(roi), d), 3)
    end
  end
end

--- The voxels of a ROI, channels first; an empty ROI gives an empty array. nil and a message when a source can't be read.
---@param roi moondust.Roi?  world units, on the voxel grid; default: all of it
---@return moondust.ndarray?
---@return string? message
function WrapperArray:read(roi)
  roi = roi or self.roi
  check_wanted(self, roi)
  if roi.empty then
    self.channels = self.channels or self.channels_of(self)
    return core.zeros(self:shape_of(roi), self.dtype)
  end
  return self:make(roi)
end

--- The voxels of a ROI; for subclasses.
---@param _roi moondust.Roi
---@return moondust.ndarray?
---@return string? message
function WrapperArray:make(_roi) error(self.class_name .. ": the class has no make()") end

--- Closes what it is made of. Closing again is fine.
function WrapperArray:close()
  for _, source in ipairs(self.sources) do source:close() end
end
WrapperArray.__close = WrapperArray.close

function WrapperArray.__tostring(self)
  return ("%s %s %s ROI %s voxel size %s"):format(self.class_name, self.dtype, table.concat(self.shape, "x"), tostring(self.roi), tostring(self.voxel_size))
end

return WrapperArray
