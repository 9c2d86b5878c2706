--- An array of a batch: n-d data and the spec that says what it is (gunpowder's Array).
local error = require("moondust.error").raise
local core = require "moondust.core"
local class = require("moondust.class").class
local options = require "moondust.options"

---@class moondust.Array
---@field data moondust.ndarray
---@field spec moondust.ArraySpec
---@field attrs table
---@field key moondust.ArrayKey?  under which it stands in a batch
---@overload fun(fields: table): moondust.Array
local Array = class "Array"
Array.look_ahead = true

local FIELDS = { { "data", type = "any", required = true }, { "spec", type = "any" }, { "attrs", type = "table" } }

local function check_grid(data, spec)
  local roi, voxel_size = spec.roi, spec.voxel_size
  local shape = data.shape
  local channels = #shape - roi.dims
  if channels < 0 then return ("data with %d axes can't fill a ROI with %d"):format(#shape, roi.dims) end
  for d = 1, roi.dims do
    if shape[channels + d] * voxel_size[d] ~= roi.shape[d] then
      return ("shape {%s} at voxel size %s does not fill ROI %s (axis %d)"):format(
        table.concat(shape, ", "), tostring(voxel_size), tostring(roi), d)
    end
    if not roi.empty and roi.offset[d] % voxel_size[d] ~= 0 then
      return ("ROI %s does not begin on the voxel grid %s (axis %d)"):format(tostring(roi), tostring(voxel_size), d)
    end
  end
end

--- What keeps `spec` from describing `data`, or nil.
---@param data moondust.ndarray
---@param spec moondust.ArraySpec
---@return string?
function Array.mismatch(data, spec)
  if core.delivery_fits(spec, spec, spec, data) and core.request_fits(spec, spec) then return nil end
  if spec.roi and spec.voxel_size then
    local message = check_grid(data, spec)
    if message then return message end
  end
  if spec.dtype and spec.dtype ~= data.dtype then
    return ("the data is %s, its spec says %s"):format(data.dtype, spec.dtype)
  end
end

-- Data, spec and perhaps attrs by position, as nodes make arrays: nothing to parse.
local function is_plain(fields)
  local attrs = fields[3]
  if fields[2] == nil or attrs ~= nil and type(attrs) ~= "table" then return false end
  for position in next, fields do
    if position ~= 1 and position ~= 2 and position ~= 3 then return false end
  end
  return true
end

function Array:init(fields)
  local data, spec, attrs = fields[1], fields[2], fields[3]
  if not is_plain(fields) then
    local values, message = options.parse("Array", FIELDS, fields)
    if not values then error(message, 3) end
    data, spec, attrs = values.data, values.spec or core.ArraySpec { nonspatial = true }, values.attrs
  end
  if options.class_name_of(data) ~= "moondust.ndarray" then
    error(("Array: 'data' must be an ndarray, not %s"):format(options.describe(data)), 3)
  end
  if options.class_name_of(spec) ~= "moondust.ArraySpec" then
    error(("Array: 'spec' must be an ArraySpec, not %s"):format(options.describe(spec)), 3)
  end
  local message = Array.mismatch(data, spec)
  if message then error("Array: " .. message, 3) end
  self.data, self.spec, self.attrs = data, spec:copy(), attrs or {}
end

-- An array of the same origin.
local function of(array, data, spec) return setmetatable({ data = data, spec = spec, attrs = array.attrs, key = array.key }, Array) end

--- The same data (one more view of it) with a spec of its own: whatever is done to the new array, this one stays.
---@return moondust.Array
function Array:share() return of(self, self.data:view(), self.spec:copy()) end

--- A copy with bytes of its own.
---@return moondust.Array
function Array:copy()
  local new = self:share()
  new.data = self.data:copy()
  return new
end

--- The part inside a ROI in world units, as a view; the array itself when that is all of it.
---@param roi moondust.Roi
---@return moondust.Array
function Array:crop(roi)
  local own = self.spec.roi
  if own == roi then return self end
  if not own or not own:contains(roi) then
    error(("%s covers ROI %s, which doesn't contain %s"):format(self.key and self.key.name or "the array", tostring(own), tostring(roi)), 2)
  end
  local spec = self.spec:copy()
  spec.roi = roi
  return of(self, self.data[own:index_of(roi, spec.voxel_size, self.data.ndim - roi.dims)], spec)
end

--- Draws slices of it into a PNG file: a contact sheet with a legend. Options as Batch:png has them.
---@param path string
---@param fields table?  slices, width, kind, window, columns, colors, title, text
---@return true?
---@return string? message
function Array:png(path, fields)
  local ok, message = require("moondust.picture").png(path, self, fields, 3)
  return ok, message
end

--- Gives the bytes back now.
function Array:close() self.data:close() end
Array.__close = Array.close

local function number(value) return math.type(value) == "integer" and tostring(value) or ("%.4g"):format(value) end

function Array.__tostring(self)
  local parts = { self.key and self.key.name or "Array" }
  if self.data.closed then
    parts[2] = "(closed)"
    return table.concat(parts, " ")
  end
  parts[#parts + 1] = self.data.dtype
  parts[#parts + 1] = table.concat(self.data.shape, "x")
  if self.spec.roi then parts[#parts + 1] = "ROI " .. tostring(self.spec.roi) end
  if self.spec.voxel_size then parts[#parts + 1] = "voxel size " .. tostring(self.spec.voxel_size) end
  if self.data.size > 0 then
    local low, high = self.data:minmax()
    parts[#parts + 1] = ("min/mean/max %s/%s/%s"):format(number(low), number(self.data:mean()), number(high))
  end
  return table.concat(parts, " ")
end

return Array
