--- DownSample: an array at a multiple of its voxel size, of every block of voxels the first. Original:
--- gunpowder/nodes/downsample.py (DownSample).
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
---@overload fun(options: table): moondust.DownSample
local DownSample = class("DownSample", BatchFilter)
DownSample.look_ahead = "dependencies"
DownSample.options = {
  { "source", type = "array_key", required = true, doc = "the array to downsample" },
  { "factor", type = "integer|coordinate", required = true, doc = "voxels that become one: a number, or one an axis" },
  { "target", type = "array_key", required = true, doc = "key of the downsampled array" },
}

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
    if self.step[d] > 1 and shape[channels + d] > 0 then data = data:slice(channels + d, 1, shape[channels + d], self.step[d]) end
  end
  spec.roi = request[self.target].roi
  outputs[self.target] = Array { data:copy(), spec } -- a view would keep all of what was read
  return outputs
end

return DownSample
