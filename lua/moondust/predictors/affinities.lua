--- AffinitiesPredictor (dacapo affinities_predictor.py): for each offset of a neighbourhood whether a voxel and the one there
--- belong together; behind them, if wanted, local shape descriptors of the object around each voxel.
---
--- Context. By default ground truth is asked for as far as offsets reach and, for descriptors, three sigma around the target, as the
--- original does (but for negative offsets), since places are drawn by what is asked for. With `context = true` it is as far as
--- anything reaches (offsets, grown boundaries, the descriptors' Gaussian on its own grid), and a batch is exactly the part of the
--- whole volume that it covers, voxels with weight too.
local error = require("moondust.error").raise
local core = require "moondust.core"
local class = require("moondust.class").class
local Predictor = require "moondust.predictors.predictor"

---@class moondust.AffinitiesPredictor : moondust.Predictor
---@field neighborhood integer[][]
local AffinitiesPredictor = class("AffinitiesPredictor", Predictor)
AffinitiesPredictor.look_ahead = true

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
  { "context", type = "boolean",
    doc = "true: ask for all that targets and weights depend on, so that a tile is the part of the whole; false: for nothing more; default: offsets and three sigma" },
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
  local rank = not message and #self.neighborhood[1]
  if not message and self.grow_boundary_iterations < 0 then message = "'grow_boundary_iterations' must not be negative" end
  for _, name in ipairs { "num_voxels", "downsample_lsds" } do
    if self[name] < 1 then message = message or ("'%s' must be at least 1, not %d"):format(name, self[name]) end
  end
  for _, kind in ipairs { "affs", "lsd" } do
    local low, high = self[kind .. "_weight_clipmin"], self[kind .. "_weight_clipmax"]
    if low > high then message = message or ("'%s_weight_clipmin' (%g) is above '%s_weight_clipmax' (%g)"):format(kind, low, kind, high) end
  end
  if not message and self.lsds and rank ~= 2 and rank ~= 3 then
    message = ("local shape descriptors exist in 2-d and 3-d, the neighborhood has %d axes; set lsds = false"):format(rank)
  end
  if message then error("AffinitiesPredictor: " .. message, 3) end
end

function AffinitiesPredictor:spatial_labels(gt)
  local labels = self:channels_of(gt, 1):drop_axis(1)
  local rank = #self.neighborhood[1]
  if rank ~= labels.ndim then
    error(("AffinitiesPredictor: the neighborhood has offsets of %d axes, the ground truth has %d"):format(rank, labels.ndim), 0)
  end
  return labels
end

--- Sigma of the descriptors' Gaussian: num_voxels of the coarsest axis, world units, the same on each axis.
function AffinitiesPredictor:sigma(voxel_size)
  local coarsest = 0
  for d = 1, voxel_size.dims do coarsest = math.max(coarsest, voxel_size[d]) end
  return voxel_size * 0 + coarsest * self.num_voxels
end

--- float32 (offsets and descriptors, spatial…): 1 where both ends carry the same object; descriptors in [0, 1].
function AffinitiesPredictor:create_target(gt)
  local labels, voxel_size = self:spatial_labels(gt), gt.spec.voxel_size
  local affinities = core.kernel.affinities(labels, self.neighborhood, self.background_as_object):astype "float32"
  if not self.lsds then return self:like(gt, affinities) end
  if self.background_as_object then labels = labels:astype "uint64" + 1 end
  local descriptors = core.kernel.local_shape(labels, voxel_size, self:sigma(voxel_size), self.downsample_lsds)
  return self:like(gt, core.concatenate({ affinities, descriptors }, 1))
end

--- The mask (spatial…) that counts, or nil.
function AffinitiesPredictor:weight_mask(gt, mask)
  local own = mask and mask.data
  if self.grow_boundary_iterations == 0 then return own end
  local labels = self:spatial_labels(gt)
  local kept = core.kernel.grow_boundary(labels, self.grow_boundary_iterations):eq(labels)
  return own and own * kept or kept
end

-- Weights of (channels, spatial…) 0/1 labels, each channel balanced alone.
function AffinitiesPredictor:balance(labels, mask, rank, clipmin, clipmax, counts)
  return core.kernel.balance_weights(labels, 2, mask and { mask } or {}, self.slab_per_channel(labels, rank), clipmin, clipmax, counts)
end

function AffinitiesPredictor:create_weight(gt, target, mask, counts)
  local rank, n, own_mask = gt.spec.roi.dims, #self.neighborhood, self:weight_mask(gt, mask)
  local affinities = target.data:slice(1, 1, n):astype "uint8"
  counts = counts or {}
  local weights, new = self:balance(affinities, own_mask, rank, self.affs_weight_clipmin, self.affs_weight_clipmax, counts.affinities)
  if not self.lsds then return self:like(gt, weights), { affinities = new } end
  local objects = self:spatial_labels(gt):gt(0)
  local shared, new_lsds = self:balance(objects, own_mask, rank, self.lsd_weight_clipmin, self.lsd_weight_clipmax, counts.lsds)
  local parts = { weights }
  for channel = 1, target.data.shape[1] - n do parts[channel + 1] = shared:add_axis(1) end
  return self:like(gt, core.concatenate(parts, 1)), { affinities = new, lsds = new_lsds }
end

-- What offsets reach, in voxels, below and above (upstream's negative offsets shrink the region instead).
function AffinitiesPredictor:offsets(dims)
  local below, above = {}, {}
  for d = 1, dims do
    local low, high = 0, 0
    for _, offset in ipairs(self.neighborhood) do low, high = math.min(low, offset[d]), math.max(high, offset[d]) end
    below[d], above[d] = -low, high
  end
  return below, above
end

--- The default context on both sides, world units: what offsets reach, and three sigma for descriptors.
function AffinitiesPredictor:reach(voxel_size)
  local below, above = self:offsets(voxel_size.dims)
  local around = self.lsds and self:sigma(voxel_size) * 3
  for d = 1, voxel_size.dims do
    local least = around and around[d] or 0
    below[d], above[d] = math.max(below[d] * voxel_size[d], least), math.max(above[d] * voxel_size[d], least)
  end
  return core.Coordinate(below), core.Coordinate(above)
end

-- The grid that descriptors are computed on: a coarse voxel is the first fine one of its block, counted from where the ground truth
-- begins, so that has to be on the same grid in every tile.
function AffinitiesPredictor:grid(voxel_size) return self.lsds and voxel_size * self.downsample_lsds or voxel_size end

--- All that targets and weights depend on, world units. Growing boundaries go a voxel each step; the Gaussian is cut off after whole
--- voxels of its grid (kernel.local_shape), which lie around the block that a voxel is in.
function AffinitiesPredictor:full_reach(voxel_size)
  local below, above = self:offsets(voxel_size.dims)
  local sigma, grid = self.lsds and self:sigma(voxel_size), self:grid(voxel_size)
  for d = 1, voxel_size.dims do
    local least = self.grow_boundary_iterations * voxel_size[d]
    if sigma then least = math.max(least, math.floor(3 * (sigma[d] / grid[d]) + 0.5) * grid[d]) end
    below[d], above[d] = math.max(below[d] * voxel_size[d], least), math.max(above[d] * voxel_size[d], least)
  end
  return core.Coordinate(below), core.Coordinate(above)
end

function AffinitiesPredictor:gt_region_for_roi(spec)
  local region, grid = spec:copy(), self:grid(spec.voxel_size)
  if self.context then
    region.roi = spec.roi:snap_to_grid(grid):grow(self:full_reach(spec.voxel_size)):snap_to_grid(grid)
  elseif self.context == nil then
    region.roi = spec.roi:grow(self:reach(spec.voxel_size)):snap_to_grid(grid)
  else
    region.roi = spec.roi:snap_to_grid(grid)
  end
  region.dtype = nil
  return region
end

function AffinitiesPredictor:padding(gt_voxel_size)
  local reach = self.context and self.full_reach or self.reach
  local below, above = reach(self, gt_voxel_size)
  local both = {}
  for d = 1, below.dims do both[d] = math.max(below[d], above[d]) end
  return core.Coordinate(both)
end

return AffinitiesPredictor
