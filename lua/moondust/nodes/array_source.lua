--- ArraySource: serves an array that is there already. Original: gunpowder/nodes/array_source.py (ArraySource).
local error = require("moondust.error").raise
local core = require "moondust.core"
local classes = require "moondust.class"
local Array = require "moondust.array"
local Batch = require "moondust.batch"
local BatchProvider = require "moondust.provider"
local Look = require "moondust.look"
local LazyArray = require "moondust.dataset"
local options = require "moondust.options"

--- Serves ROIs of one array: an md.Array in memory, an ndarray with `spec` (voxel_size and roi, in world units), a
--- lazy one (md.open_array), or any object with .roi .voxel_size .dtype and :read(roi). What is in memory is served
--- as views, and nobody downstream changes it. The array stays the caller's to close, after the pipeline.
---@class moondust.ArraySource : moondust.BatchProvider
---@field key moondust.ArrayKey
---@field array moondust.Array|moondust.LazyArray|moondust.ndarray
---@field interpolatable boolean?
---@overload fun(options: table): moondust.ArraySource
local ArraySource = classes.class("ArraySource", BatchProvider)
ArraySource.look_ahead = "each"
ArraySource.hands_out_copies = true
ArraySource.arity = 0
ArraySource.options = {
  { "key", type = "array_key", required = true, doc = "under which the array is served" },
  { "array", type = "any", required = true, doc = "an md.Array, an ndarray (with spec), md.open_array(…), or an object with .roi .voxel_size .dtype :read(roi)" },
  { "interpolatable", type = "boolean", doc = "default: what the array says; where it doesn't, floats are and integers aren't" },
  { "spec", type = "any", doc = "for an ndarray: md.ArraySpec{ roi = …, voxel_size = … }, world units" },
}

local function as_object(self, level)
  local array, name = self.array, self.class_name
  if options.class_name_of(array) == "moondust.ndarray" then
    if options.class_name_of(self.spec) ~= "moondust.ArraySpec" then
      error(("%s: an ndarray doesn't say where it lies; add spec = md.ArraySpec{ roi = …, voxel_size = … }, or serve an md.Array"):format(name), level + 1)
    end
    local message = Array.mismatch(array, self.spec)
    if message then error(("%s: %s"):format(name, message), level + 1) end
    return Array { array, self.spec }
  end
  if classes.is_a(array, Array) then return array end
  local is_object = type(array) == "table" and array.roi and array.voxel_size and array.dtype and array.read
  if not is_object then
    error(("%s: 'array' must be an md.Array, an ndarray with a spec, or an object with .roi .voxel_size .dtype and :read(roi), not %s"):format(
      name, options.describe(array)), level + 1)
  end
  return array
end

local function spec_of(self, object)
  local spec
  if classes.is_a(object, Array) then
    spec = object.spec:copy()
    spec.dtype = object.data.dtype
  else
    spec = core.ArraySpec { roi = object.roi, voxel_size = object.voxel_size, dtype = object.dtype, interpolatable = object.interpolatable }
  end
  if self.interpolatable ~= nil then spec.interpolatable = self.interpolatable end
  if spec.interpolatable == nil then spec.interpolatable = LazyArray.interpolatable_by_dtype(spec.dtype) end
  spec.placeholder = false
  return spec
end

function ArraySource:init()
  self.object = as_object(self, 3)
  self.array_spec = spec_of(self, self.object)
  self.look_ahead = Look.sees(self.object) and "each"
  self.spec = nil -- from here on, what the node announces
  if not self.array_spec.nonspatial and not (self.array_spec.roi and self.array_spec.voxel_size) then
    error(("%s: the array for %s has no %s; give its spec one"):format(self.class_name, self.key.name,
      self.array_spec.roi and "voxel size" or "ROI"), 3)
  end
end

function ArraySource:name() return ("%s[%s]"):format(self.class_name, self.key.name) end

function ArraySource:setup() self:provides(self.key, self.array_spec) end

local function empty(array, roi)
  local shape, channels = {}, array.data.ndim - roi.dims
  for c = 1, channels do shape[c] = array.data.shape[c] end
  for d = 1, roi.dims do shape[channels + d] = math.max(0, roi.shape[d] // array.spec.voxel_size[d]) end
  return core.zeros(shape, array.data.dtype)
end

--- The voxels of a ROI (nil: a nonspatial array): a view of what is in memory.
---@param roi moondust.Roi?
---@return moondust.ndarray
function ArraySource:read(roi)
  local object = self.object
  if not classes.is_a(object, Array) then
    local data, message = object:read(roi)
    if not data then self:fail({ key = self.key, roi = roi }, "%s can't be read in ROI %s: %s", self.key, roi, message) end
    return options.class_name_of(data) == "moondust.ndarray" and data:view() or data -- it may be the object's own
  end
  if object.data.closed then self:fail({ key = self.key }, "the array for %s is closed", self.key) end
  local own = object.spec.roi
  if not roi or roi == own then return object.data:view() end
  if roi.empty then return empty(object, roi) end
  if not own or not own:contains(roi) then return object:crop(roi).data end -- says what is wrong
  return object.data[own:index_of(roi, object.spec.voxel_size, object.data.ndim - roi.dims)]
end

function ArraySource:provide(request)
  local batch, wanted = Batch {}, request[self.key]
  if not wanted then return batch end
  local spec, roi = self.array_spec:copy(), wanted.roi
  spec.roi = roi
  batch[self.key] = Array { self:read(roi), spec, rawget(self.object, "data") and self.object.attrs or nil }
  return batch
end

return ArraySource
