--- What is tortured: a source with a compressed volume and labels, places, a field, a target and a node of Lua's.
local md = require "moondust"
local RAW, GT, TARGET = md.ArrayKey "RAW", md.ArrayKey "GT", md.ArrayKey "TARGET"

local Invert = md.class("Invert", md.BatchFilter)
function Invert:init(o) self.array = o[1] end
function Invert:setup() self:enable_autoskip(); self:updates(self.array, self.spec[self.array]) end
function Invert:process(batch) batch[self.array].data = 1 - batch[self.array].data end

local pipeline = md.Hdf5Source{ (...),
    datasets    = { [RAW] = "volumes/raw", [GT] = "volumes/labels/organelles" },
    array_specs = { [RAW] = md.ArraySpec{ interpolatable = true } } }
  + md.Normalize{ RAW }
  + md.RandomLocation{}
  + md.ElasticAugment{ control_point_spacing = {1, 10, 10}, control_point_displacement_sigma = {0, 1, 1}, rotation_interval = {0, math.pi / 2}, subsample = 4 }
  + md.AddAffinities{ affinity_neighborhood = { {-1, 0, 0}, {0, -1, 0}, {0, 0, -1} }, labels = GT, affinities = TARGET }
  + Invert{ RAW }
local request = md.BatchRequest{}
request:add(RAW, {160, 64, 64})
request:add(GT, {160, 64, 64})
request:add(TARGET, {160, 64, 64})
return pipeline, request
