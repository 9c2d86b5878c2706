--- DistancePredictor (dacapo distance_predictor.py): signed distance to the label boundary through tanh, class-balanced weights.
---
--- Context. At the border of a batch the nearest boundary may lie outside of it. With `context = true` ground truth is asked for as
--- far around as tanh tells distances apart (3.81 scale_factors, rounded up to whole voxels on each axis), and a batch is the part of
--- the whole volume that it covers: targets to 0.001, voxels with weight exactly. Left out, it is the original's: with
--- mask_distances one scale_factor, rounded down to whole voxels (none, where a voxel is larger), otherwise nothing; targets near
--- the border may be wrong by as much as if there were no boundary outside. That stays the default since places are drawn by what
--- is asked for. Put md.Pad{ KEY } behind sources that end.
---
--- Masked distances. The original compares min(|target| + 0.05, 0.8) with tanh(b / 2 / scale_factor), where b is the distance to
--- the nearest voxel centre outside of the mask: many voxels whose distance is right get no weight, and from 0.97 scale_factors
--- off a boundary on any voxel counts whose b is above 2.2 of them. Figures were made with that, so it is what mask_distances does.
--- With `exact_mask = true` a voxel counts if no boundary outside of the mask can be nearer than its own or, where tanh doesn't tell
--- them apart, so near that it would matter: its distance is at most that to the nearest face of the mask, or the latter is 3.8
--- scale_factors or more.
local error = require("moondust.error").raise
local core = require "moondust.core"
local class = require("moondust.class").class
local Predictor = require "moondust.predictors.predictor"

---@class moondust.DistancePredictor : moondust.Predictor
---@field channels string[]
---@field scale_factor number
---@field mask_distances boolean
---@field context boolean?      nil: the original's rule
---@field exact_mask boolean
local DistancePredictor = class("DistancePredictor", Predictor)
DistancePredictor.look_ahead = true

DistancePredictor.options = {
  { "channels", type = "table", required = true, doc = "names of the ground truth's channels" },
  { "scale_factor", type = "number", required = true, doc = "distance at which tanh reaches 0.76, world units" },
  { "mask_distances", type = "boolean", required = true,
    doc = "weigh a voxel only if its distance is smaller than that to the mask's border, as the original measures it: beyond it a nearer boundary may lie unseen" },
  { "clipmin", type = "number", default = 0.05, doc = "smallest class share used for balancing" },
  { "clipmax", type = "number", default = 0.95, doc = "largest class share used for balancing" },
  { "context", type = "boolean",
    doc = "true: ask for 3.81 scale_factors more on all sides, so that a tile is the part of the whole; false: for none; default: the original's (see above)" },
  { "exact_mask", type = "boolean", default = false,
    doc = "with mask_distances: measure to the mask's faces, as it says, instead of the original's way" },
}

-- Beyond which distance nothing matters: |tanh(x) - 1| < 0.001 from x = atanh(0.999) = 3.80 on. Of the 0.001 a hundredth is left to
-- the rounding of float32. With m voxels of context a face that isn't seen is (m + 1/2) voxels away at least, so m voxels that are
-- as long as that are enough.
local TOLERANCE = 1e-3
local DIFFERS = 0.99 * TOLERANCE
local REACH = 0.5 * math.log((2 - DIFFERS) / DIFFERS)

-- Upstream's constants: how much is added to a distance before it is compared with that to the mask's border, and where the
-- comparison is capped.
local EPSILON, THRESHOLD = 0.05, 0.8

function DistancePredictor:init()
  local message
  if #self.channels == 0 then message = "'channels' is empty: name each channel of the ground truth" end
  if not (self.scale_factor > 0 and self.scale_factor < math.huge) then
    message = ("'scale_factor' must be positive and finite, not %g"):format(self.scale_factor)
  end
  if self.context and not message and self.scale_factor * REACH > 2^53 then
    message = ("'scale_factor' is %g: no volume has context of %.2f times that"):format(self.scale_factor, REACH)
  end
  if self.clipmin > self.clipmax then message = ("'clipmin' (%g) is above 'clipmax' (%g)"):format(self.clipmin, self.clipmax) end
  if self.exact_mask and not self.mask_distances then
    message = "'exact_mask' says how mask_distances measures, and that is false: set mask_distances = true, or leave exact_mask out"
  end
  if message then error(self.class_name .. ": " .. message, 3) end
end

--- tanh(distance / scale_factor), float32 (channels, spatial…): positive inside labels.
function DistancePredictor:create_target(gt)
  local labels = self:channels_of(gt, #self.channels)
  return self:like(gt, core.kernel.boundary_distance(labels, gt.spec.voxel_size, self.scale_factor))
end

-- A channel for each of the target's.
local function each_channel(data, channels)
  if data.shape[1] ~= 1 or channels == 1 then return data end
  local copies = {}
  for channel = 1, channels do copies[channel] = data end
  return core.concatenate(copies, 1)
end

--- The mask without voxels whose distance can't be trusted, measured as the original does.
---@param target moondust.ndarray
---@param mask moondust.ndarray  a channel for each of target's, or one for all of them
---@param voxel_size moondust.Coordinate
---@return moondust.ndarray
function DistancePredictor:distance_mask(target, mask, voxel_size)
  return core.kernel.distance_mask(target, each_channel(mask, target.shape[1]), voxel_size, self.scale_factor, EPSILON, THRESHOLD)
end

-- The same with `exact_mask`. What is unknown may be another label than what is known beside it, so a boundary may lie at any face
-- between the two, and none nearer; faces of the array are such faces too.
function DistancePredictor:known_mask(target, mask, voxel_size)
  local known, around, inside = mask:ne(0), { 0 }, { {} }
  for d = 1, voxel_size.dims do around[d + 1], inside[d + 1] = 1, { 2, known.shape[d + 1] + 1 } end
  local padded = core.kernel.pad(known, around, around, "constant", 0)
  local border = core.kernel.boundary_distance(padded, voxel_size, self.scale_factor)[inside]
  local sure = target:le(border) * target:ge(border * -1) + border:ge(1 - TOLERANCE)
  return known * sure:gt(0)
end

--- The mask (channels, spatial…) of distances that count, by `mask_distances` and `exact_mask`; nil where all of them do.
---@param target moondust.ndarray  distances alone
---@param mask moondust.ndarray
---@param voxel_size moondust.Coordinate
---@return moondust.ndarray?
function DistancePredictor:trusted(target, mask, voxel_size)
  if not self.mask_distances then return nil end
  if self.exact_mask then return self:known_mask(target, mask, voxel_size) end
  return self:distance_mask(target, mask, voxel_size)
end

function DistancePredictor:create_weight(gt, target, mask, counts)
  local labels = self:channels_of(gt, #self.channels)
  local masks = { self:mask_like(mask, labels) }
  masks[2] = self:trusted(target.data, masks[1], gt.spec.voxel_size)
  local slab = self.slab_per_channel(labels, gt.spec.roi.dims)
  local weights, new = core.kernel.balance_weights(labels, "positive", masks, slab, self.clipmin, self.clipmax, counts)
  return self:like(gt, weights), new
end

function DistancePredictor:gt_region_for_roi(spec)
  local region = spec:copy()
  if self.context then
    region.roi = spec.roi:grow(self:padding(spec.voxel_size)):snap_to_grid(spec.voxel_size)
  elseif self.context == nil and self.mask_distances then
    region.roi = spec.roi:grow(self:padding(spec.voxel_size)):snap_to_grid(spec.voxel_size, "shrink")
  end
  return region
end

--- With `context`: as many whole voxels as tanh tells distances apart over; else one scale_factor, whatever the voxels' size.
function DistancePredictor:padding(gt_voxel_size)
  if not self.context then return gt_voxel_size * 0 + math.floor(self.scale_factor) end
  local around = {}
  for d = 1, gt_voxel_size.dims do around[d] = math.ceil(REACH * self.scale_factor / gt_voxel_size[d]) * gt_voxel_size[d] end
  return core.Coordinate(around)
end

return DistancePredictor
