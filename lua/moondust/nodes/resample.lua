--- Resample: an array at any other voxel size. Original: gunpowder/nodes/resample.py (Resample).
---
--- Voxel centres stay where they are in the world. Interpolatable arrays are interpolated linearly, after smoothing by a Gaussian
--- where voxels become larger; others, labels above all, take the nearest voxel as it is.
local error = require("moondust.error").raise
local core = require "moondust.core"
local class = require("moondust.class").class
local Array = require "moondust.array"
local Batch = require "moondust.batch"
local BatchFilter = require "moondust.filter"
local BatchRequest = require "moondust.request"
local voxels = require "moondust.nodes.resize"

---@class moondust.Resample : moondust.BatchFilter
---@field source moondust.ArrayKey
---@field target_voxel_size moondust.Coordinate
---@field target moondust.ArrayKey
---@field ndim integer?
---@field interp_order integer?
---@overload fun(options: table): moondust.Resample
local Resample = class("Resample", BatchFilter)
Resample.look_ahead = "dependencies"
Resample.options = {
  { "source", type = "array_key", required = true, doc = "the array to resample" },
  { "target_voxel_size", type = "coordinate", required = true, doc = "world units, any relation to the source's" },
  { "target", type = "array_key", required = true, doc = "key of the resampled array" },
  { "ndim", type = "integer", doc = "only the last ndim axes may change; default: all" },
  { "interp_order", type = "integer", doc = "0: nearest, 1: linear (interpolatable arrays only); default: linear unless interpolatable is false" },
}

function Resample:init()
  self.target_voxel_size = core.Coordinate(self.target_voxel_size)
  local order = self.interp_order
  if order and order ~= 0 and order ~= 1 then error(("Resample: 'interp_order' must be 0 (nearest) or 1 (linear), not %s"):format(order), 3) end
  for d = 1, self.target_voxel_size.dims do
    if self.target_voxel_size[d] == core.unbounded or self.target_voxel_size[d] < 1 then
      error(("Resample: 'target_voxel_size' must be 1 or more on each axis, it is %s"):format(tostring(self.target_voxel_size)), 3)
    end
  end
  if self.ndim and (self.ndim < 1 or self.ndim > self.target_voxel_size.dims) then
    error(("Resample: 'ndim' must be from 1 to %d, it is %s"):format(self.target_voxel_size.dims, self.ndim), 3)
  end
end

function Resample:setup()
  self:enable_autoskip()
  local spec = self:need(self.source):copy()
  local own, roi = spec.voxel_size, spec.roi
  if not own or not roi then self:fail({ key = self.source }, "%s is nonspatial: it has no voxels to resample", self.source) end
  if self.target_voxel_size.dims ~= own.dims then
    self:fail({ key = self.source }, "target_voxel_size %s has %d axes, %s has %d", self.target_voxel_size, self.target_voxel_size.dims, self.source, own.dims)
  end
  for d = 1, own.dims - (self.ndim or own.dims) do
    if own[d] ~= self.target_voxel_size[d] then
      self:fail({ key = self.source }, "with ndim = %d axis %d of %s stays at %d, target_voxel_size is %s", self.ndim, d, self.source, own[d], self.target_voxel_size)
    end
  end
  self:choose_mode(spec)
  spec.voxel_size = self.target_voxel_size
  spec.roi = roi:snap_to_grid(self.target_voxel_size, "shrink")
  if spec.roi.empty then self:fail({ key = self.source, roi = roi }, "%s's ROI %s holds no whole voxel of %s", self.source, roi, self.target_voxel_size) end
  self:provides(self.target, spec)
end

function Resample:choose_mode(spec)
  if self.interp_order == 1 and spec.interpolatable == false then
    self:fail({ key = self.source }, "%s is not interpolatable, so interp_order can't be 1: leave it out, or say interpolatable = true at its source", self.source)
  end
  self.mode = self.interp_order ~= 0 and spec.interpolatable ~= false and "linear" or "nearest"
end

-- A voxel for interpolation, and as far as the smoothing reaches: its sigma is (scale - 1) / 2 voxels, cut at 4 sigma.
function Resample:context(own)
  local context = {}
  for d = 1, own.dims do
    local scale = self.target_voxel_size[d] / own[d]
    local smoothing = self.mode == "linear" and math.max(0, math.floor(2 * (scale - 1) + 0.5)) or 0
    context[d] = scale == 1 and 0 or (1 + smoothing) * own[d]
  end
  return context
end

function Resample:prepare(request)
  local spec = self.spec[self.source]
  local roi = request[self.target].roi:snap_to_grid(spec.voxel_size):grow(self:context(spec.voxel_size)):intersect(spec.roi)
  local dependencies = BatchRequest {}
  dependencies[self.source] = core.ArraySpec { roi = roi }
  return dependencies
end

function Resample:process(batch, request)
  local spec, outputs = self.spec[self.target]:copy(), Batch {}
  spec.roi = request[self.target].roi
  outputs[self.target] = Array { voxels.resize(batch[self.source], spec.roi, spec.voxel_size, self.mode), spec }
  return outputs
end

return Resample
