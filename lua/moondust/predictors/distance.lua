--- DistancePredictor (dacapo distance_predictor.py): signed distance to the label boundary through tanh, class-balanced weights.
local error = require("moondust.error").raise
local core = require "moondust.core"
local class = require("moondust.class").class
local Predictor = require "moondust.predictors.predictor"

---@class moondust.DistancePredictor : moondust.Predictor
---@field channels string[]
---@field scale_factor number
---@field mask_distances boolean
local DistancePredictor = class("DistancePredictor", Predictor)
DistancePredictor.look_ahead = true

DistancePredictor.options = {
  { "channels", type = "table", required = true, doc = "names of the ground truth's channels" },
  { "scale_factor", type = "number", required = true, doc = "distance at which tanh reaches 0.76, world units" },
  { "mask_distances", type = "boolean", required = true,
    doc = "weigh a voxel only if its distance is smaller than that to the mask's border: beyond it a nearer boundary may lie unseen" },
  { "clipmin", type = "number", default = 0.05, doc = "smallest class share used for balancing" },
  { "clipmax", type = "number", default = 0.95, doc = "largest class share used for balancing" },
  { "context", type = "boolean",
    doc = "ask for ground truth scale_factor beyond the target, so that distances are right at its border; default: as mask_distances (upstream's rule)" },
}

-- Upstream's constants: how much is added to a distance before it is compared with that to the mask's border, and where the
-- comparison is capped.
local EPSILON, THRESHOLD = 0.05, 0.8

function DistancePredictor:init()
  if self.context == nil then self.context = self.mask_distances end
  local message
  if #self.channels == 0 then message = "'channels' is empty: name each channel of the ground truth" end
  if not (self.scale_factor > 0 and self.scale_factor < math.huge) then
    message = ("'scale_factor' must be positive and finite, not %g"):format(self.scale_factor)
  end
  if self.clipmin > self.clipmax then message = ("'clipmin' (%g) is above 'clipmax' (%g)"):format(self.clipmin, self.clipmax) end
  if message then error(self.class_name .. ": " .. message, 3) end
end

--- tanh(distance / scale_factor), float32 (channels, spatial…): positive inside labels.
function DistancePredictor:create_target(gt)
  local labels = self:channels_of(gt, #self.channels)
  return self:like(gt, core.kernel.boundary_distance(labels, gt.spec.voxel_size, self.scale_factor))
end

--- The mask without voxels whose distance can't be trusted.
---@param target moondust.ndarray
---@param mask moondust.ndarray  a channel for each of target's, or one for all of them
---@param voxel_size moondust.Coordinate
---@return moondust.ndarray
function DistancePredictor:distance_mask(target, mask, voxel_size)
  local channels = target.shape[1]
  if mask.shape[1] == 1 and channels > 1 then
    local copies = {}
    for channel = 1, channels do copies[channel] = mask end
    mask = core.concatenate(copies, 1)
  end
  return core.kernel.distance_mask(target, mask, voxel_size, self.scale_factor, EPSILON, THRESHOLD)
end

function DistancePredictor:create_weight(gt, target, mask, counts)
  local labels = self:channels_of(gt, #self.channels)
  local masks = { self:mask_like(mask, labels) }
  if self.mask_distances then masks[2] = self:distance_mask(target.data, masks[1], gt.spec.voxel_size) end
  local slab = self.slab_per_channel(labels, gt.spec.roi.dims)
  local weights, new = core.kernel.balance_weights(labels, "positive", masks, slab, self.clipmin, self.clipmax, counts)
  return self:like(gt, weights), new
end

function DistancePredictor:gt_region_for_roi(spec)
  local region = spec:copy()
  if self.context then
    region.roi = spec.roi:grow(self:padding(spec.voxel_size)):snap_to_grid(spec.voxel_size, "shrink")
  end
  return region
end

function DistancePredictor:padding(gt_voxel_size) return gt_voxel_size * 0 + math.floor(self.scale_factor) end

return DistancePredictor
