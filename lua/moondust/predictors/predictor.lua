--- Predictor: turns ground truth into what a network is to learn, and says how each voxel weighs (dacapo's Predictor).
---
--- A predictor of one's own derives from this class and overrides create_target; the rest has defaults: weights of one where the
--- mask is, no context.
local error = require("moondust.error").raise
local core = require "moondust.core"
local class = require("moondust.class").class
local Array = require "moondust.array"

---@class moondust.Predictor : moondust.Class
---@field target_dtype string       of create_target's data
---@field interpolatable boolean    whether targets may be interpolated
local Predictor = class "Predictor"
Predictor.target_dtype = "float32"
Predictor.interpolatable = true

--- The target for all of gt's ROI, channels first.
---@param _gt moondust.Array
---@return moondust.Array
function Predictor:create_target(_gt)
  error(self.class_name .. " has no create_target(gt): make the target there", 2)
end

--- Weights for all of gt's ROI, and class counts to hand to the next call.
---@param _gt moondust.Array
---@param target moondust.Array
---@param mask moondust.Array?
---@param counts any  what the last call of the same stream returned; nil at first
---@return moondust.Array weights
---@return any counts
function Predictor:create_weight(_gt, target, mask, counts)
  local ones = self:like(target, core.zeros(target.data.shape, "float32"):fill(1))
  if mask then ones.data = ones.data * mask.data:astype "float32" end
  return ones, counts
end

--- Which ground truth is needed to make a target for `spec.roi`; spec.voxel_size is the ground truth's.
---@param spec moondust.ArraySpec
---@return moondust.ArraySpec
function Predictor:gt_region_for_roi(spec) return spec:copy() end

--- How far outside of a target's ROI the ground truth is needed, in world units.
---@param gt_voxel_size moondust.Coordinate
---@return moondust.Coordinate
function Predictor:padding(gt_voxel_size) return gt_voxel_size * 0 end

-- ------------------------------------------------------------------------------------------------ for predictors to call

--- `data` as an array of gt's ROI and voxel size.
---@param gt moondust.Array
---@param data moondust.ndarray
---@return moondust.Array
function Predictor:like(gt, data)
  return Array { data, core.ArraySpec {
    roi = gt.spec.roi, voxel_size = gt.spec.voxel_size, interpolatable = self.interpolatable, dtype = data.dtype,
  } }
end

--- Number of leading channel axes.
---@param array moondust.Array
---@return integer
function Predictor.channel_axes(array)
  if not array.spec.roi then error("predictors need arrays with a ROI and a voxel size; this one is nonspatial", 0) end
  return array.data.ndim - array.spec.roi.dims
end

--- Labels of gt with exactly one channel axis in front.
---@param gt moondust.Array
---@param channels integer?  how many there must be
---@return moondust.ndarray
function Predictor:channels_of(gt, channels)
  if not gt.spec.roi or not gt.spec.voxel_size then
    error(("%s needs ground truth with a ROI and a voxel size; this array is nonspatial"):format(self.class_name), 0)
  end
  local axes = self.channel_axes(gt)
  if axes > 1 then
    error(("%s handles at most one channel axis, the ground truth has %d (shape {%s})"):format(
      self.class_name, axes, table.concat(gt.data.shape, ", ")), 0)
  end
  local data = axes == 1 and gt.data or gt.data:add_axis(1)
  if data.dtype:find "^float" then
    error(("%s wants integer labels as ground truth, not %s; put md.AsType{ KEY, \"uint8\" } before it"):format(
      self.class_name, data.dtype), 0)
  end
  if channels and data.shape[1] ~= channels then
    error(("%s is made for %d channel%s, the ground truth has %d"):format(
      self.class_name, channels, channels == 1 and "" or "s", data.shape[1]), 0)
  end
  return data
end

--- Slabs for balancing: every channel on its own, all of space together.
---@param data moondust.ndarray
---@param spatial integer  spatial axes
---@return integer[]
function Predictor.slab_per_channel(data, spatial)
  local slab = {}
  for axis = 1, data.ndim do slab[axis] = -1 end
  if data.ndim > spatial then slab[data.ndim - spatial] = 1 end
  return slab
end

--- mask.data, or ones where there is no mask, with a channel axis in front.
---@param mask moondust.Array?
---@param labels moondust.ndarray  (channels, spatial…)
---@return moondust.ndarray
function Predictor:mask_like(mask, labels)
  if not mask then return core.zeros(labels.shape, "uint8"):fill(1) end
  local data = self.channel_axes(mask) == 0 and mask.data:add_axis(1) or mask.data
  local fits = data.ndim == labels.ndim and (data.shape[1] == 1 or data.shape[1] == labels.shape[1])
  for axis = 2, labels.ndim do fits = fits and data.shape[axis] == labels.shape[axis] end
  if not fits then
    error(("%s: the mask has shape {%s}, the ground truth {%s}; the mask must have the same voxels, in one channel or as many"):format(
      self.class_name, table.concat(data.shape, ", "), table.concat(labels.shape, ", ")), 0)
  end
  return data
end

return Predictor
