--- InnerDistancePredictor (dacapo inner_distance_predictor.py): the distance inside labels, 0 outside.
---
--- `context = true` is DistancePredictor's; left out, nothing is asked for beyond the target, as in the original, since places are
--- drawn by what is asked for, and distances near the border of a batch may be wrong.
local core = require "moondust.core"
local class = require("moondust.class").class
local DistancePredictor = require "moondust.predictors.distance"

---@class moondust.InnerDistancePredictor : moondust.DistancePredictor
local InnerDistancePredictor = class("InnerDistancePredictor", DistancePredictor)
InnerDistancePredictor.look_ahead = true

InnerDistancePredictor.options = {
  { "channels", type = "table", required = true, doc = "names of the ground truth's channels" },
  { "scale_factor", type = "number", required = true, doc = "distance at which tanh reaches 0.76, world units" },
  { "context", type = "boolean", default = false, doc = "ask for 3.81 scale_factors more on all sides, so that a tile is the part of the whole; the original asks for none" },
}

-- Upstream balances with the default clip and never masks distances.
InnerDistancePredictor.mask_distances = false
InnerDistancePredictor.clipmin, InnerDistancePredictor.clipmax = 0.05, 0.95

function InnerDistancePredictor:create_target(gt)
  local distances = DistancePredictor.create_target(self, gt) -- negative exactly where labels are 0
  return self:like(gt, core.kernel.scale_shift(distances.data, 1, 0, "float32", 0, 1))
end

return InnerDistancePredictor
