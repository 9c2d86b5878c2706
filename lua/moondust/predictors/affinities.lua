--- AffinitiesPredictor (dacapo affinities_predictor.py): for each offset of a neighbourhood whether a voxel and the one there belong together.
local core = require "moondust.core"
local class = require("moondust.class").class
local Predictor = require "moondust.predictors.predictor"

---@class moondust.AffinitiesPredictor : moondust.Predictor
---@field neighborhood integer[][]
local AffinitiesPredictor = class("AffinitiesPredictor", Predictor)

AffinitiesPredictor.options = {
  { "neighborhood", type = "table", required = true, doc = "list of offsets in voxels, zyx, such as {{1,0,0}, {0,1,0}, {0,0,1}}" },
  { "lsds", type = "boolean", default = true, doc = "local shape descriptors as further channels" },
  { "num_voxels", type = "integer", default = 20, doc = "descriptors: sigma in voxels of the coarsest axis" },
  { "downsample_lsds", type = "integer", default = 1, doc = "descriptors: computed on a grid coarser by this factor" },
  { "grow_boundary_iterations", type = "integer", default = 0, doc = "voxels that this many steps of growing the boundaries between objects eat get no weight" },
  { "affs_weight_clipmin", type = "number", default = 0.05, doc = "smallest class share used for balancing affinities" },
  { "affs_weight_clipmax", type = "number", default = 0.95, doc = "largest class share used for balancing affinities" },
  { "lsd_weight_clipmin", type = "number", default = 0.05, doc = "the same for descriptors" },
  { "lsd_weight_clipmax", type = "number", default = 0.95, doc = "the same for descriptors" },
  { "background_as_object", type = "boolean", default = false, doc = "label 0 is an object like any other" },
}

local function check_neighborhood(neighborhood)
  local rank
  for i, offset in ipairs(neighborhood) do
    local ok, coordinate = pcall(core.Coordinate, offset)
    if not ok then return ("neighborhood[%d] is not an offset such as {1, 0, 0}"):format(i) end
    rank = rank or coordinate.dims
    if coordinate.dims ~= rank then return ("neighborhood[%d] has %d axes, the first has %d"):format(i, coordinate.dims, rank) end
  end
  if not rank then return "'neighborhood' is empty" end
end

function AffinitiesPredictor:init()
  local message = check_neighborhood(self.neighborhood)
  if not message and self.grow_boundary_iterations < 0 then message = "'grow_boundary_iterations' must not be negative" end
  if message then error("AffinitiesPredictor: " .. message, 4) end
end

function AffinitiesPredictor:spatial_labels(gt)
  local labels = self:channels_of(gt, 1):drop_axis(1)
  local rank = #self.neighborhood[1]
  if rank ~= labels.ndim then
    error(("AffinitiesPredictor: the neighborhood has offsets of %d axes, the ground truth has %d"):format(rank, labels.ndim), 0)
  end
  return labels
end

--- float32 (offsets, spatial…): 1 where both ends carry the same object.
function AffinitiesPredictor:create_target(gt)
  local labels = self:spatial_labels(gt)
  local affinities = core.kernel.affinities(labels, self.neighborhood, self.background_as_object):astype "float32"
  return self:like(gt, affinities)
end

--- The mask (spatial…) that counts, or nil.
function AffinitiesPredictor:weight_mask(gt, mask)
  local own = mask and mask.data
  if self.grow_boundary_iterations == 0 then return own end
  local labels = self:spatial_labels(gt)
  local kept = core.kernel.grow_boundary(labels, self.grow_boundary_iterations):eq(labels)
  return own and own * kept or kept
end

function AffinitiesPredictor:create_weight(gt, target, mask, counts)
  local rank, n = gt.spec.roi.dims, #self.neighborhood
  local affinities = target.data:slice(1, 1, n):astype "uint8"
  local own_mask = self:weight_mask(gt, mask)
  counts = counts or {}
  local weights, new = core.kernel.balance_weights(affinities, 2, own_mask and { own_mask } or {},
    self.slab_per_channel(affinities, rank), self.affs_weight_clipmin, self.affs_weight_clipmax, counts.affinities)
  return self:like(gt, weights), { affinities = new }
end

--- The context each offset reaches, on both sides: upstream's negative offsets shrink the region instead.
function AffinitiesPredictor:reach(voxel_size)
  local negative, positive = {}, {}
  for d = 1, voxel_size.dims do
    local low, high = 0, 0
    for _, offset in ipairs(self.neighborhood) do low, high = math.min(low, offset[d]), math.max(high, offset[d]) end
    negative[d], positive[d] = -low * voxel_size[d], high * voxel_size[d]
  end
  return core.Coordinate(negative), core.Coordinate(positive)
end

function AffinitiesPredictor:gt_region_for_roi(spec)
  local region = spec:copy()
  region.roi = spec.roi:grow(self:reach(spec.voxel_size)):snap_to_grid(spec.voxel_size)
  region.dtype = nil
  return region
end

function AffinitiesPredictor:padding(gt_voxel_size)
  local negative, positive = self:reach(gt_voxel_size)
  local both = {}
  for d = 1, negative.dims do both[d] = math.max(negative[d], positive[d]) end
  return core.Coordinate(both)
end

return AffinitiesPredictor
