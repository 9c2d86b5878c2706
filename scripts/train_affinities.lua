--- Training batches for neuron segmentation: affinities to near and far neighbours.
---
---     moondust run scripts/train_affinities.lua -n 20 --seed 1 --out batches.h5 -- volume.h5
---
--- It wants volumes/raw, volumes/labels/neuron_ids and volumes/masks/labelled (CREMI's layout), and returns `pipeline, request`.
--- Sizes are in voxels, zyx.
local argparse = require "argparse"
local cli = require "moondust.cli"
local md = require "moondust"

local parser = argparse("train_affinities.lua", "Affinities for neuron segmentation.")
parser:argument("file", "HDF5 file in the CREMI layout.")
parser:option("--raw-shape", "Voxels of RAW.", "16,256,256"):convert(cli.integers(3))
parser:option("--gt-shape", "Voxels of everything else.", "12,200,200"):convert(cli.integers(3))
local args = parser:parse { ... }

local RAW, NEURONS, MASK = md.ArrayKey "RAW", md.ArrayKey "NEURONS", md.ArrayKey "MASK"
local AFFINITIES, WEIGHT = md.ArrayKey "AFFINITIES", md.ArrayKey "WEIGHT"

local voxel_size
for _, info in ipairs(assert(md.hdf5.list(args.file))) do
  if info.name:find "volumes/labels/neuron_ids$" then voxel_size = info.voxel_size end
end
if not voxel_size then error(("%s has no volumes/labels/neuron_ids with a voxel size"):format(args.file), 0) end

-- Direct neighbours say where a membrane is, far ones keep neurons apart that touch in a place or two.
local neighborhood = {
  { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 },
  { 2, 0, 0 }, { 0, 9, 0 }, { 0, 0, 9 },
}

local pipeline = md.Hdf5Source{ args.file,
    datasets = { [RAW] = "volumes/raw", [NEURONS] = "volumes/labels/neuron_ids", [MASK] = "volumes/masks/labelled" },
    array_specs = { [RAW] = md.ArraySpec{ interpolatable = true } } }
  + md.Normalize{ RAW }
  + md.Pad{ RAW }
  + md.Pad{ NEURONS }
  + md.Pad{ MASK, md.Coordinate(args.gt_shape) // 2 * voxel_size }
  + md.RandomLocation{ min_masked = 0.5, mask = MASK }
  + md.ElasticAugment{ control_point_spacing = {1, 100, 100}, control_point_displacement_sigma = {0, 8, 8},
                       rotation_interval = {0, math.pi / 2}, subsample = 4 }
  + md.SimpleAugment{ transpose_only = {2, 3} }
  + md.IntensityAugment{ RAW, 0.9, 1.1, -0.1, 0.1 }
  + md.DaCapoTargetFilter{ md.AffinitiesPredictor{ neighborhood, lsds = false }, NEURONS, AFFINITIES, WEIGHT, MASK }

local request = md.BatchRequest{}
request:add(RAW, md.Coordinate(args.raw_shape) * voxel_size)
for _, key in ipairs{ NEURONS, MASK, AFFINITIES, WEIGHT } do request:add(key, md.Coordinate(args.gt_shape) * voxel_size) end

return pipeline, request
