--- DaCapoTargetFilter (dacapo.gp dacapo_create_target.py): a predictor's target and weights from ground truth.
---
--- Class counts. Weights balance classes by how often each occurs. By default that is counted in the batch at hand, so that a
--- batch depends on nothing but the request. With moving_counts the counts go on through a stream of batches, as upstream's do;
--- they belong to the stream, not to the node; a batch then depends on those before it, and can't be had alone.
local error = require("moondust.error").raise
local class = require("moondust.class").class
local is_a = require("moondust.class").is_a
local core = require "moondust.core"
local Batch = require "moondust.batch"
local BatchFilter = require "moondust.filter"
local BatchRequest = require "moondust.request"
local Look = require "moondust.look"
local Predictor = require "moondust.predictors.predictor"
local spatial = require "moondust.nodes.spatial_array"

---@class moondust.DaCapoTargetFilter : moondust.BatchFilter
---@field predictor moondust.Predictor
local DaCapoTargetFilter = class("DaCapoTargetFilter", BatchFilter)
DaCapoTargetFilter.look_ahead = "dependencies"

DaCapoTargetFilter.options = {
  { "predictor", type = "table", required = true, doc = "a predictor such as md.DistancePredictor{ … }" },
  { "gt_key", type = "array_key", required = true, doc = "ground truth: integer labels" },
  { "target_key", type = "array_key", doc = "key of the target" },
  { "weights_key", type = "array_key", doc = "key of the weights" },
  { "mask_key", type = "array_key", doc = "where ground truth counts; default: everywhere" },
  { "moving_counts", type = "boolean", default = false, doc = "class counts go on through the batches of a stream" },
}

function DaCapoTargetFilter:init()
  if not self.target_key and not self.weights_key then
    error("DaCapoTargetFilter: give 'target_key', 'weights_key' or both", 3)
  end
  if not is_a(self.predictor, Predictor) then
    error("DaCapoTargetFilter: 'predictor' must be a predictor such as md.DistancePredictor{ … }, or one of your own, derived from md.Predictor", 3)
  end
end

function DaCapoTargetFilter:setup()
  self.keeps_state = self.moving_counts
  -- Counts that go on would count what a look has seen.
  self.look_ahead = not self.moving_counts and Look.sees(self.predictor) and "dependencies"
  self:enable_autoskip()
  local gt = spatial(self, self.gt_key)
  if self.mask_key then
    local mask = spatial(self, self.mask_key)
    if mask.voxel_size ~= gt.voxel_size then
      self:fail({ key = self.mask_key }, "%s has voxel size %s, %s has %s; they must be the same", self.mask_key, mask.voxel_size, self.gt_key, gt.voxel_size)
    end
  end
  local function announce(name, interpolatable, dtype)
    self:provides(name, core.ArraySpec { roi = gt.roi, voxel_size = gt.voxel_size, interpolatable = interpolatable, dtype = dtype })
  end
  if self.target_key then announce(self.target_key, self.predictor.interpolatable, self.predictor.target_dtype) end
  if self.weights_key then announce(self.weights_key, true, "float32") end
end

-- Weights are made from the target, so they need the same context.
function DaCapoTargetFilter:prepare(request)
  local wanted
  for _, name in ipairs { self.target_key or false, self.weights_key or false } do
    local spec = name and request[name]
    if spec then wanted = wanted and wanted:update_with(spec) or spec:copy() end
  end
  wanted.voxel_size, wanted.dtype = self.spec[self.gt_key].voxel_size, nil
  local region = self.predictor:gt_region_for_roi(wanted)
  local dependencies = BatchRequest {}
  dependencies[self.gt_key] = region
  if self.mask_key then dependencies[self.mask_key] = region end
  return dependencies
end

function DaCapoTargetFilter:weigh(gt, target, mask, request)
  local stream = self.moving_counts and request.context.stream
  local weights, counts = self.predictor:create_weight(gt, target, mask, stream and stream[self] or nil)
  if stream then stream[self] = counts end
  return weights
end

function DaCapoTargetFilter:process(batch, request)
  local gt, outputs = batch[self.gt_key], Batch {}
  local target = self.predictor:create_target(gt)
  if self.target_key and request[self.target_key] then
    outputs[self.target_key] = target:crop(request[self.target_key].roi)
  end
  if self.weights_key and request[self.weights_key] then
    local weights = self:weigh(gt, target, self.mask_key and batch[self.mask_key], request)
    outputs[self.weights_key] = weights:crop(request[self.weights_key].roi)
  end
  return outputs
end

return DaCapoTargetFilter
