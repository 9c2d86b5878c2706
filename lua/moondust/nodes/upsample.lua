--- UpSample: an array at a whole fraction of its voxel size, every voxel repeated. Original: gunpowder/nodes/upsample.py
--- (UpSample).
local core = require "moondust.core"
local class = require("moondust.class").class
local Array = require "moondust.array"
local Batch = require "moondust.batch"
local BatchFilter = require "moondust.filter"
local BatchRequest = require "moondust.request"
local voxels = require "moondust.nodes.resize"

---@class moondust.UpSample : moondust.BatchFilter
---@field source moondust.ArrayKey
---@field factor integer|moondust.Coordinate
---@field target moondust.ArrayKey
---@overload fun(options: table): moondust.UpSample
local UpSample = class("UpSample", BatchFilter)
UpSample.look_ahead = "dependencies"
UpSample.options = {
  { "source", type = "array_key", required = true, doc = "the array to upsample" },
  { "factor", type = "integer|coordinate", required = true, doc = "voxels made of one: a number, or one an axis; divides the voxel size" },
  { "target", type = "array_key", required = true, doc = "key of the upsampled array" },
}

function UpSample:setup()
  self:enable_autoskip()
  local spec = self:need(self.source):copy()
  local factor = voxels.factor(self, spec)
  for d = 1, factor.dims do
    if spec.voxel_size[d] % factor[d] ~= 0 then
      self:fail({ key = self.source }, "%s's voxel size %s is not a multiple of factor %s on axis %d: world units are whole numbers", self.source, spec.voxel_size,
        factor, d)
    end
  end
  spec.voxel_size = spec.voxel_size / factor
  self:provides(self.target, spec)
end

function UpSample:prepare(request)
  local dependencies = BatchRequest {}
  dependencies[self.source] = core.ArraySpec { roi = request[self.target].roi:snap_to_grid(self.spec[self.source].voxel_size) }
  return dependencies
end

function UpSample:process(batch, request)
  local source, spec, outputs = batch[self.source], self.spec[self.target]:copy(), Batch {}
  spec.roi = request[self.target].roi
  outputs[self.target] = Array { voxels.resize(source, spec.roi, spec.voxel_size, "nearest"), spec }
  return outputs
end

return UpSample
