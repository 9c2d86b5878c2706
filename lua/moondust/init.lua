--- Moondust: augmentation pipelines for large n-d volumes. `local md = require "moondust"` gives this table; no globals are set.
---
--- Nodes and predictors load when they are first named.
local error = require("moondust.error").raise
local core = require "moondust.core"
local class = require "moondust.class"
local key = require "moondust.key"

---@class moondust
local md = {
  ArrayKey = key.ArrayKey, GraphKey = key.GraphKey,
  Coordinate = core.Coordinate, Roi = core.Roi, unbounded = core.unbounded,
  ArraySpec = core.ArraySpec, GraphSpec = core.GraphSpec,
  ndarray = core.ndarray, zeros = core.zeros, empty = core.empty, stack = core.stack, concatenate = core.concatenate,
  Graph = core.Graph, Node = core.Node, Edge = core.Edge,
  threads = core.threads, memory = core.memory,
  class = class.class,
  BatchRequest = require "moondust.request",
  Batch = require "moondust.batch",
  Array = require "moondust.array",
  BatchProvider = require "moondust.provider",
  BatchFilter = require "moondust.filter",
  Pipeline = require "moondust.pipeline",
  Profile = require "moondust.profile",
  batch_seed = require("moondust.seed").batch_seed,
}

local modules = {
  hdf5 = "moondust.hdf5", policy = "moondust.policy", open_array = "moondust.lazy_array", arrays = "moondust.arrays",
  picture = "moondust.picture", preview = "moondust.preview",
  -- sources and providers
  Hdf5Source = "moondust.nodes.hdf5_source", ArraySource = "moondust.nodes.array_source",
  DaCapoArraySource = "moondust.nodes.dacapo_array_source", GraphSource = "moondust.nodes.graph_source",
  CsvPointsSource = "moondust.nodes.csv_points_source",
  MergeProvider = "moondust.nodes.merge_provider", RandomProvider = "moondust.nodes.random_provider",
  -- places and policies
  RandomLocation = "moondust.nodes.random_location", Reject = "moondust.nodes.reject",
  RejectIf = "moondust.nodes.reject_if", RejectIfEmpty = "moondust.nodes.reject_if_empty",
  SpecifiedLocation = "moondust.nodes.specified_location", IterateLocations = "moondust.nodes.iterate_locations", Scan = "moondust.nodes.scan",
  -- shape
  Pad = "moondust.nodes.pad", Crop = "moondust.nodes.crop", Squeeze = "moondust.nodes.squeeze", Unsqueeze = "moondust.nodes.unsqueeze",
  Stack = "moondust.nodes.stack",
  UpSample = "moondust.nodes.upsample", DownSample = "moondust.nodes.downsample", Resample = "moondust.nodes.resample", AsType = "moondust.nodes.astype",
  -- augmentations
  Normalize = "moondust.nodes.normalize", IntensityScaleShift = "moondust.nodes.intensity_scale_shift",
  IntensityAugment = "moondust.nodes.intensity_augment", GammaAugment = "moondust.nodes.gamma_augment",
  SimpleAugment = "moondust.nodes.simple_augment", ElasticAugment = "moondust.nodes.elastic_augment",
  DeformAugment = "moondust.nodes.deform_augment",
  NoiseAugment = "moondust.nodes.noise_augment", ShiftAugment = "moondust.nodes.shift_augment", DefectAugment = "moondust.nodes.defect_augment",
  -- targets
  DaCapoTargetFilter = "moondust.nodes.dacapo_target_filter", CopyMask = "moondust.nodes.copy_mask", Product = "moondust.nodes.product",
  DistancePredictor = "moondust.predictors.distance", InnerDistancePredictor = "moondust.predictors.inner_distance",
  HotDistancePredictor = "moondust.predictors.hot_distance", OneHotPredictor = "moondust.predictors.one_hot",
  AffinitiesPredictor = "moondust.predictors.affinities", Predictor = "moondust.predictors.predictor",
  AddAffinities = "moondust.nodes.add_affinities", BalanceLabels = "moondust.nodes.balance_labels", GrowBoundary = "moondust.nodes.grow_boundary",
  ExcludeLabels = "moondust.nodes.exclude_labels", RenumberConnectedComponents = "moondust.nodes.renumber_connected_components",
  RasterizeGraph = "moondust.nodes.rasterize_graph", RasterizationSettings = "moondust.nodes.rasterization_settings",
  -- sinks
  Hdf5Write = "moondust.nodes.hdf5_write", Snapshot = "moondust.nodes.snapshot",
  PrintProfilingStats = "moondust.nodes.print_profiling_stats",
}

--- Names of everything that loads when first used, for completion and help.
---@return string[]
function md.lazy_names()
  local names = {}
  for name in pairs(modules) do names[#names + 1] = name end
  table.sort(names)
  return names
end

--- Version, libraries and optional features of this build.
---@return table
function md.version() return core.version() end

return setmetatable(md, {
  __index = function(self, name)
    local module = modules[name]
    if not module then
      if type(name) ~= "string" then return nil end
      local names = self.lazy_names()
      for known in pairs(self) do names[#names + 1] = known end
      local near = require("moondust.options").nearest(name, names)
      error(("moondust has no '%s'%s"):format(name, near and ("; did you mean '%s'?"):format(near) or ""), 2)
    end
    local value = require(module)
    rawset(self, name, value)
    return value
  end,
  __name = "moondust",
  __names = md.lazy_names, -- for completion and help
})
