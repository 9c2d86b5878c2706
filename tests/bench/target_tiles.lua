--- How far targets of tiles are from those of the whole volume, with and without context: ./moondust tests/bench/target_tiles.lua
--- [LABELS.h5 DATASET [MASK-DATASET]]. Without a file the volume is the one of `moondust sample`. A table on standard output.
package.path = "tests/?.lua;" .. package.path
local md = require "moondust"
local core = require "moondust.core"
local tiles = require "spec.support.target_tiles"

local path, dataset, mask_dataset = arg[1], arg[2], arg[3]
local SIZE = { 8, 100, 100 } -- voxels of the whole: a corner of a larger volume

local function corner(array)
  local size = {}
  for d = 1, 3 do size[d] = math.min(SIZE[d] * array.spec.voxel_size[d], array.spec.roi.shape[d]) end
  return array:crop(md.Roi(array.spec.roi.offset, size))
end

local function read(name)
  local KEY = md.ArrayKey((name:upper():gsub("%W", "_")))
  local p <close> = (md.Hdf5Source { path, { [KEY] = name } }):build()
  local spec, size = p.spec[KEY], {}
  for d = 1, 3 do size[d] = math.min(SIZE[d] * spec.voxel_size[d], spec.roi.shape[d]) end
  return p:request_batch(md.BatchRequest { random_seed = 1, [KEY] = md.Roi(spec.roi.offset, size) })[KEY]
end

local labels, mask
if path then
  labels, mask = read(dataset), mask_dataset and read(mask_dataset)
else
  local volume = core.kernel.synthesize { shape = { 16, 256, 256 }, voxel_size = { 50, 5, 5 } }
  labels = corner(md.Array { volume.neuron_ids, md.ArraySpec { roi = md.Roi({ 0, 0, 0 }, { 800, 1280, 1280 }), voxel_size = { 50, 5, 5 } } })
end
-- Without a mask of the file one that leaves out a corner of every slice.
if not mask then
  local shape = labels.data.shape
  local known = core.zeros(shape, "uint8"):fill(1)
  known[{ {}, { 1, shape[2] // 3 }, { 1, shape[3] // 3 } }] = 0
  mask = md.Array { known, md.ArraySpec { roi = labels.spec.roi, voxel_size = labels.spec.voxel_size } }
end

local NEAR = { { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, -1 }, { 0, -9, 0 } }
local predictors = {
  { "Distance", function(context) return md.DistancePredictor { { "a" }, 30, false, context = context } end },
  { "Distance, mask_distances", function(context) return md.DistancePredictor { { "a" }, 30, true, context = context } end },
  { "Distance, exact_mask", function(context) return md.DistancePredictor { { "a" }, 30, true, context = context, exact_mask = true } end },
  { "InnerDistance", function(context) return md.InnerDistancePredictor { { "a" }, 30, context = context } end },
  { "HotDistance", function(context) return md.HotDistancePredictor { { "a" }, 30, false, context = context } end },
  { "HotDistance, mask_distances", function(context) return md.HotDistancePredictor { { "a" }, 30, true, context = context } end },
  { "OneHot", function(context) return md.OneHotPredictor { { "background", "a" }, context = context } end },
  { "Affinities, grown by 2", function(context)
    return md.AffinitiesPredictor { NEAR, lsds = false, grow_boundary_iterations = 2, context = context }
  end },
  { "Affinities and descriptors", function(context) return md.AffinitiesPredictor { NEAR, num_voxels = 1, context = context } end },
  { "descriptors, every 2nd voxel", function(context)
    return md.AffinitiesPredictor { NEAR, num_voxels = 1, downsample_lsds = 2, context = context }
  end },
}

local roi, voxel_size = labels.spec.roi, labels.spec.voxel_size
print(("%s, ROI %s, voxel size %s"):format(path and path .. " " .. dataset or "synthetic neurons", tostring(roi), tostring(voxel_size)))
print "predictor                      context  tile (voxels)  target off by  where weighed  other weights  share of whole  of tiles"
for _, entry in ipairs(predictors) do
  for _, shape in ipairs { { 8, 25, 25 }, { 2, 50, 50 } } do
    for _, context in ipairs { "default", true } do
      local found = tiles.compare(entry[2](context == true or nil), labels, mask, roi, tiles.tiling(roi, voxel_size, shape))
      print(("%-30s %-8s %-13s %14.6f %14.6f %14d %15.4f %9.4f"):format(
        entry[1], tostring(context), table.concat(shape, " "), found.target, found.weighed, found.weights, found.whole, found.tiles))
    end
  end
end
