--- HotDistancePredictor (dacapo hot_distance_predictor.py): one-hot labels and, behind them, signed distances.
---
--- Context and masked distances are DistancePredictor's, and so are their defaults, but that the original measures whole distances
--- to the mask's border here: it compares min(|target| + 0.05, 0.8) with tanh(b / scale_factor), so that from 0.97 scale_factors off a
--- boundary on any voxel counts whose b is above 1.1 of them, though a boundary may lie unseen half a voxel before b: at the border of
--- a tile whose voxels are larger than scale_factor on an axis such voxels have full weight. `context = true` has the boundary seen,
--- `exact_mask = true` takes the weight away.
local core = require "moondust.core"
local class = require("moondust.class").class
local DistancePredictor = require "moondust.predictors.distance"

---@class moondust.HotDistancePredictor : moondust.DistancePredictor
local HotDistancePredictor = class("HotDistancePredictor", DistancePredictor)
HotDistancePredictor.look_ahead = true

HotDistancePredictor.options = {
  { "channels", type = "table", required = true, doc = "names of the ground truth's channels; the target has twice as many" },
  { "scale_factor", type = "number", required = true, doc = "distance at which tanh reaches 0.76, world units" },
  { "mask_distances", type = "boolean", required = true, doc = "weigh distances only where they are smaller than that to the mask's border, as the original measures it" },
  { "kernel_size", type = "integer", default = 1, doc = "of the network's last layer; kept for upstream's signature, targets don't depend on it" },
  { "context", type = "boolean",
    doc = "true: ask for 3.81 scale_factors more on all sides, so that a tile is the part of the whole; false: for none; default: the original's (see above)" },
  { "exact_mask", type = "boolean", default = false,
    doc = "with mask_distances: measure to the mask's faces, as it says, instead of the original's way" },
}

HotDistancePredictor.clipmin, HotDistancePredictor.clipmax = 0.05, 0.95

--- Upstream measures the distance to the mask's border here in whole voxel sizes, in DistancePredictor in halves.
function HotDistancePredictor:distance_mask(target, mask, voxel_size)
  return DistancePredictor.distance_mask(self, target, mask, voxel_size * 2)
end

function HotDistancePredictor:create_target(gt)
  local hot = self:channels_of(gt, #self.channels):gt(0):astype "float32"
  local distances = DistancePredictor.create_target(self, gt)
  return self:like(gt, core.concatenate({ hot, distances.data }, 1))
end

function HotDistancePredictor:create_weight(gt, target, mask, counts)
  local labels = self:channels_of(gt, #self.channels)
  local own_mask, slab = self:mask_like(mask, labels), self.slab_per_channel(labels, gt.spec.roi.dims)
  local n, hot, masks = #self.channels, labels:gt(0), { own_mask }
  counts = counts or {}
  local weights, new = core.kernel.balance_weights(hot, 2, masks, slab, self.clipmin, self.clipmax, counts.hot)
  masks[2] = self:trusted(target.data:slice(1, n + 1, 2 * n), own_mask, gt.spec.voxel_size)
  local distance_weights, new_distance =
    core.kernel.balance_weights(hot, 2, masks, slab, self.clipmin, self.clipmax, counts.distance)
  return self:like(gt, core.concatenate({ weights, distance_weights }, 1)), { hot = new, distance = new_distance }
end

return HotDistancePredictor
