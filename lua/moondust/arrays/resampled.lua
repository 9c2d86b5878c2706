--- Resampled: an array at a multiple or a fraction of its voxel size. Original: dacapo (ResampledArrayConfig).
local error = require("moondust.error").raise
local class = require("moondust.class").class
local core = require "moondust.core"
local WrapperArray = require "moondust.arrays.wrapper"
local voxels = require "moondust.nodes.resize"

--- With interp_order 1 (grey values) larger voxels are the means of smaller ones, smaller ones are interpolated linearly; with 0
--- (labels) each is the nearest as it is.
---@class moondust.ResampledArray : moondust.WrapperArray
---@overload fun(options: table): moondust.ResampledArray
local Resampled = class("Resampled", WrapperArray)
Resampled.look_ahead = true
Resampled.options = {
  { "source_array", type = "any", required = true, doc = "the array to resample" },
  { "upsample", type = "coordinate", doc = "voxels made of one, an axis each; divides the voxel size" },
  { "downsample", type = "coordinate", doc = "voxels that become one, an axis each; one of upsample and downsample is given" },
  { "interp_order", type = "boolean|integer", doc = "1 or true: mean or linear, 0 or false: nearest; default: 0 unless the array is interpolatable" },
}

local function refuse(format, ...) error(("Resampled: " .. format):format(...), 4) end

local function check_factor(name, factor, dims)
  if factor.dims ~= dims then refuse("'%s' is %s, the array has %d spatial axes", name, tostring(factor), dims) end
  for d = 1, dims do
    if factor[d] == core.unbounded or factor[d] < 1 then refuse("'%s' must be 1 or more on each axis, it is %s", name, tostring(factor)) end
  end
end

local function order_of(self, source)
  local order = self.interp_order
  if order == nil then return source.interpolatable and 1 or 0 end
  if order == true or order == 1 then
    if source.interpolatable == false then refuse("the array is not interpolatable, so interp_order can't be 1") end
    return 1
  end
  if order ~= false and order ~= 0 then refuse("'interp_order' must be 0 (nearest) or 1 (mean or linear), not %s", tostring(order)) end
  return 0
end

function Resampled:init(values)
  local source = self:source(self.source_array, "'source_array'")
  if (values.upsample == nil) == (values.downsample == nil) then error("Resampled: give 'upsample' or 'downsample', one of them", 3) end
  local name = values.upsample and "upsample" or "downsample"
  local factor, voxel_size = core.Coordinate(values[name]), source.voxel_size
  check_factor(name, factor, source.roi.dims)
  for d = 1, values.upsample and factor.dims or 0 do
    if voxel_size[d] % factor[d] ~= 0 then
      refuse("the array's voxel size %s is not a multiple of upsample %s on axis %d: world units are whole numbers", tostring(voxel_size), tostring(factor), d)
    end
  end
  voxel_size = values.upsample and voxel_size / factor or voxel_size * factor
  self.mode = order_of(self, source) == 0 and "nearest" or values.upsample and "linear" or "mean"
  local roi = source.roi:snap_to_grid(voxel_size, "shrink")
  if roi.empty then refuse("the array's ROI %s holds no whole voxel of %s", tostring(source.roi), tostring(voxel_size)) end
  self:describe { sources = { source }, roi = roi, voxel_size = voxel_size }
end

function Resampled:make(roi)
  local source = self.sources[1]
  local from = roi:snap_to_grid(source.voxel_size)
  if self.mode == "linear" then from = from:grow(source.voxel_size) end
  from = from:intersect(source.roi)
  local data, message = source:read(from)
  if not data then return nil, message end
  return voxels.resize({ data = data, spec = { roi = from, voxel_size = source.voxel_size } }, roi, self.voxel_size, self.mode)
end

return Resampled
