--- Training batches for organelle segmentation: a signed distance to the organelles' boundary, as dacapo's trainer makes them.
---
---     moondust run scripts/train_organelles.lua -n 20 --seed 1 --out batches.h5 -- volume.h5
---
--- Copy it and change it: the file only has to return `pipeline, request`. It wants a file in the CREMI layout: volumes/raw, a
--- volume of organelle labels (0 = none) and volumes/masks/labelled. Without a file it writes a synthetic one and uses that.
--- Sizes are in voxels, zyx.
local argparse = require "argparse"
local cli = require "moondust.cli"
local md = require "moondust"

local parser = argparse("train_organelles.lua", "Distance targets for organelle segmentation.")
parser:argument("file", "HDF5 file in the CREMI layout; default: a synthetic one."):args "?"
parser:option("--labels", "Dataset of the labels; default: the first of volumes/labels/{mito,organelles} that is there.")
parser:option("--raw-shape", "Voxels of RAW.", "16,256,256"):convert(cli.integers(3))
parser:option("--gt-shape", "Voxels of everything else.", "12,200,200"):convert(cli.integers(3))
parser:option("--subsample", "Of the elastic field: 1 is exact, more is faster.", "4"):convert(cli.integer(1, 64))
local args = parser:parse { ... }

local function sample_file()
  local path = (os.getenv "TMPDIR" or "/tmp") .. "/moondust-sample.h5"
  if not md.hdf5.list(path) then
    require("moondust.cli.sample").write(path, { shape = { 64, 512, 512 }, voxel_size = { 40, 4, 4 }, seed = 0 })
  end
  return path
end

local file = args.file or sample_file()
local datasets = {}
for _, info in ipairs(assert(md.hdf5.list(file))) do datasets[info.name:gsub("^/", "")] = info end
local labels = args.labels or datasets["volumes/labels/mito"] and "volumes/labels/mito" or "volumes/labels/organelles"
local voxel_size = datasets[labels] and datasets[labels].voxel_size or error(("%s has no organelle labels with a voxel size; name them with --labels"):format(file), 0)
local raw_shape = md.Coordinate(args.raw_shape) * voxel_size
local gt_shape = md.Coordinate(args.gt_shape) * voxel_size

local RAW, GT, MASK = md.ArrayKey "RAW", md.ArrayKey "GT", md.ArrayKey "MASK"
local TARGET, WEIGHT = md.ArrayKey "TARGET", md.ArrayKey "WEIGHT"

-- Half a request beyond the labels, so that every place keeps some labelled voxels.
local mask_padding = md.Coordinate(args.gt_shape) // 2 * voxel_size

local pipeline = md.Hdf5Source{ file,
    datasets = { [RAW] = "volumes/raw", [GT] = labels, [MASK] = "volumes/masks/labelled" },
    array_specs = {
      [RAW] = md.ArraySpec{ interpolatable = true },
      [GT] = md.ArraySpec{ interpolatable = false },
      [MASK] = md.ArraySpec{ interpolatable = false },
    } }
  + md.Normalize{ RAW }
  + md.Unsqueeze{ {GT, MASK} } -- a channel axis
  + md.Pad{ RAW }              -- no size: without end
  + md.Pad{ GT }
  + md.Pad{ MASK, mask_padding }
  + md.RandomLocation{}
  + md.ElasticAugment{ control_point_spacing = {1, 100, 100}, control_point_displacement_sigma = {0, 10, 10},
                       rotation_interval = {0, math.pi / 2}, subsample = args.subsample }
  + md.SimpleAugment{ transpose_only = {2, 3} }
  + md.GammaAugment{ {RAW}, 0.5, 2.0 }
  + md.IntensityAugment{ RAW, 0.9, 1.1, -0.1, 0.1 }
  + md.RejectIfEmpty{ GT, p = 0.8 }
  + md.DaCapoTargetFilter{ md.DistancePredictor{ {"organelle"}, scale_factor = 50, mask_distances = false }, GT, TARGET, WEIGHT, MASK }

local request = md.BatchRequest{}
request:add(RAW, raw_shape)
for _, key in ipairs{ GT, MASK, TARGET, WEIGHT } do request:add(key, gt_shape) end

return pipeline, request
