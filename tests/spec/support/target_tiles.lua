--- Targets and weights of a volume, made at once and tile by tile, and how far the two are apart.
local md = require "moondust"
local M = {}

local GT, MASK, TARGET, WEIGHTS = md.ArrayKey "GT", md.ArrayKey "MASK", md.ArrayKey "TARGET", md.ArrayKey "WEIGHTS"

--- Every part of `roi` on a tiling by `shape` (voxels); the last of an axis may be thinner.
---@param roi moondust.Roi
---@param voxel_size moondust.Coordinate
---@param shape integer[]
---@return moondust.Roi[]
function M.tiling(roi, voxel_size, shape)
  local tiles = { { offset = {}, size = {} } }
  for d = 1, roi.dims do
    local more, step = {}, shape[d] * voxel_size[d]
    for _, tile in ipairs(tiles) do
      for at = roi.begin[d], roi.stop[d] - 1, step do
        local offset, size = { table.unpack(tile.offset) }, { table.unpack(tile.size) }
        offset[d], size[d] = at, math.min(step, roi.stop[d] - at)
        more[#more + 1] = { offset = offset, size = size }
      end
    end
    tiles = more
  end
  local rois = {}
  for i, tile in ipairs(tiles) do rois[i] = md.Roi(tile.offset, tile.size) end
  return rois
end

--- The graph that makes a predictor's targets of a volume that ends.
---@param predictor moondust.Predictor
---@param labels moondust.Array
---@param mask moondust.Array?
---@return moondust.Pipeline
function M.pipeline(predictor, labels, mask)
  local filter = md.DaCapoTargetFilter { predictor, GT, TARGET, WEIGHTS, mask and MASK }
  if not mask then return md.ArraySource { GT, labels } + md.Pad { GT } + filter end
  return { md.ArraySource { GT, labels }, md.ArraySource { MASK, mask } } + md.MergeProvider {} + md.Pad { GT } + md.Pad { MASK } + filter
end

--- Target and weights of a ROI.
---@return moondust.Array target, moondust.Array weights
function M.ask(pipeline, roi)
  local batch = pipeline:request_batch(md.BatchRequest { random_seed = 1, [TARGET] = roi, [WEIGHTS] = roi })
  return batch[TARGET], batch[WEIGHTS]
end

--- How far tiles are from the parts of `roi` made at once: the largest difference of targets anywhere, the same where the tile has weight,
--- the number of voxels that have weight in one of the two only, and the shares of voxels with weight.
---@param predictor moondust.Predictor
---@param labels moondust.Array
---@param mask moondust.Array?
---@param roi moondust.Roi
---@param rois moondust.Roi[]  tiles
---@return { target: number, weighed: number, weights: integer, whole: number, tiles: number }
function M.compare(predictor, labels, mask, roi, rois)
  local p <close> = M.pipeline(predictor, labels, mask):build()
  local target, weights = M.ask(p, roi)
  local found, counts = { target = 0, weighed = 0, weights = 0 }, { whole = 0, tiles = 0, all = 0 }
  for _, tile in ipairs(rois) do
    local own, own_weights = M.ask(p, tile)
    local there, here = weights:crop(tile).data:gt(0), own_weights.data:gt(0)
    local off = own.data:astype "float64" - target:crop(tile).data:astype "float64"
    local low, high = off:minmax()
    found.target = math.max(found.target, -low, high)
    low, high = (off * here:astype "float64"):minmax()
    found.weighed = math.max(found.weighed, -low, high)
    found.weights = found.weights + here:ne(there):count(1)
    counts.whole, counts.tiles, counts.all = counts.whole + there:count(1), counts.tiles + here:count(1), counts.all + here.size
  end
  found.whole, found.tiles = counts.whole / counts.all, counts.tiles / counts.all
  return found
end

return M
