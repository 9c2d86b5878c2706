--- DownSample: an array at a multiple of its voxel size, of every block of voxels one. Original:
--- gunpowder/nodes/downsample.py (DownSample).
---
--- By default that is the block's first voxel, as in the original: what is seen moves by half a block less half a voxel against
--- everything that counts voxel centres (Resample, md.arrays.Resampled, targets and graphs at the new voxel size). With
--- `at = "centre"` it is the voxel in the middle of the block, of an even number the upper of the two, which is what
--- md.Resample{ …, interp_order = 0 } and md.arrays.Resampled take: labels downsampled so fit grey values resampled by those.
local core = require "moondust.core"
local class = require("moondust.class").class
local Array = require "moondust.array"
local Batch = require "moondust.batch"
local BatchFilter = require "moondust.filter"
local BatchRequest = require "moondust.request"
local voxels = require "moondust.nodes.resize"

---@class moondust.DownSample : moondust.BatchFilter
---@field source moondust.ArrayKey
---@field factor integer|moondust.Coordinate
---@field target moondust.ArrayKey
---@field at "corner"|"centre"
---@overload fun(options: table): moondust.DownSample
local DownSample = class("DownSample", BatchFilter)
DownSample.look_ahead = "dependencies"
DownSample.options = {
  { "source", type = "array_key", required = true, doc = "the array to downsample" },
  { "factor", type = "integer|coordinate", required = true, doc = "voxels that become one: a number, or one an axis" },
  { "target", type = "array_key", required = true, doc = "key of the downsampled array" },
  { "at", type = "string", default = "corner", doc = "which voxel of a block: \"corner\", its first, as the original; or \"centre\", the one in its middle, as Resample" },
}

function DownSample:init()
  if self.at ~= "corner" and self.at ~= "centre" then
    error(("DownSample: 'at' must be \"corner\" (the first voxel of each block) or \"centre\" (the one in its middle), not %q"):format(self.at), 3)
  end
end

function DownSample:setup()
  self:enable_autoskip()
  local spec = self:need(self.source):copy()
  self.step = voxels.factor(self, spec)
  spec.voxel_size = spec.voxel_size * self.step
  local roi = spec.roi
  spec.roi = roi:snap_to_grid(spec.voxel_size, "shrink")
  if spec.roi.empty then self:fail({ key = self.source, roi = roi }, "%s's ROI %s holds no whole voxel of %s", self.source, roi, spec.voxel_size) end
  self:provides(self.target, spec)
end

function DownSample:prepare(request)
  local dependencies = BatchRequest {}
  dependencies[self.source] = core.ArraySpec { roi = request[self.target].roi }
  return dependencies
end

function DownSample:process(batch, request)
  local data, spec, outputs = batch[self.source].data, self.spec[self.target]:copy(), Batch {}
  local shape, channels = data.shape, data.ndim - self.step.dims
  for d = 1, self.step.dims do
    local step = self.step[d]
    local first = self.at == "centre" and step // 2 + 1 or 1
    if step > 1 and shape[channels + d] > 0 then data = data:slice(channels + d, first, shape[channels + d], step) end
  end
  spec.roi = request[self.target].roi
  outputs[self.target] = Array { data:copy(), spec } -- a view would keep all of what was read
  return outputs
end

return DownSample
