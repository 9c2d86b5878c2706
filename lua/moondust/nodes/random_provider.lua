--- RandomProvider: asks one of several providers, chosen at random. Original: gunpowder/nodes/random_provider.py
--- (RandomProvider).
local error = require("moondust.error").raise
local core = require "moondust.core"
local class = require("moondust.class").class
local key = require "moondust.key"
local Array = require "moondust.array"
local BatchProvider = require "moondust.provider"

--- `{ a, b, c } + md.RandomProvider{}` passes each request on to a, b or c. Offered is what all of them have, in the
--- ROI that all of them cover; voxel sizes must agree. One with places in turn (SpecifiedLocation) has those of the batches that it is chosen
--- for: batch i the i-th.
---@class moondust.RandomProvider : moondust.BatchProvider
---@field probabilities number[]?
---@field random_provider_key moondust.ArrayKey?
---@overload fun(options: table?): moondust.RandomProvider
local RandomProvider = class("RandomProvider", BatchProvider)
RandomProvider.look_ahead = "each"
RandomProvider.needs_upstream = true
RandomProvider.options = {
  { "probabilities", type = "numbers", doc = "one a provider, in order; they need not sum to 1; default: equal" },
  { "random_provider_key", type = "array_key", doc = "nonspatial int64 array {1}: the number of the provider chosen, counted from 1; default: none" },
}

function RandomProvider:init()
  local given, sum = self.probabilities, 0
  if not given then return end
  for _, p in ipairs(given) do
    if p < 0 or p == math.huge then error(("RandomProvider: probabilities can't be %s"):format(p), 3) end
    sum = sum + p
  end
  if sum == 0 then error("RandomProvider: the probabilities are all 0", 3) end
  self.normalized = {}
  for i, p in ipairs(given) do self.normalized[i] = p / sum end
end

local function differing(self, name, what, a, b, advice)
  self:fail({ key = name }, "the providers differ in the %s of %s, %s and %s; %s", what, name, a, b, advice)
end

local function merge_arrays(self, name, common, other)
  if common.nonspatial ~= other.nonspatial then differing(self, name, "kind", common, other, "one of them is nonspatial") end
  if common.voxel_size ~= other.voxel_size then
    differing(self, name, "voxel size", common.voxel_size, other.voxel_size, "resample one of them, or give it another key")
  end
  if common.interpolatable ~= other.interpolatable then
    differing(self, name, "interpolatable", common.interpolatable, other.interpolatable, "say it in their array_specs")
  end
  if common.dtype ~= other.dtype then common.dtype = nil end
end

local function merge_graphs(self, name, common, other)
  if common.directed ~= other.directed then differing(self, name, "directed", common.directed, other.directed, "make both the same") end
end

local function merge_rois(self, name, common, other)
  if not common.roi or not other.roi then
    common.roi = common.roi or other.roi
  elseif common.roi ~= other.roi then
    if common.roi.dims ~= other.roi.dims then differing(self, name, "number of axes", common.roi.dims, other.roi.dims, "give one another key") end
    local both = common.roi:intersect(other.roi)
    if both.empty then differing(self, name, "ROI", common.roi, other.roi, "they have nothing in common; put md.RandomLocation{} behind each") end
    common.roi = both
  end
end

function RandomProvider:setup()
  self:enable_placeholders()
  local providers = self:get_upstream_providers()
  if self.normalized and #self.normalized ~= #providers then
    self:fail("has %d probabilities for %d providers; give one each", #self.normalized, #providers)
  end
  local common = providers[1].spec:clone()
  for i = 2, #providers do
    for name, spec in common:items() do
      local other = providers[i].spec[name]
      if not other then
        common[name] = nil
      else
        (key.is_array_key(name) and merge_arrays or merge_graphs)(self, name, spec, other)
        merge_rois(self, name, spec, other)
      end
    end
  end
  for name, spec in common:items() do self:provides(name, spec) end
  if self.random_provider_key then self:provides(self.random_provider_key, core.ArraySpec { nonspatial = true }) end
end

function RandomProvider:provide(request)
  if self.random_provider_key then request[self.random_provider_key] = nil end
  local providers = self:get_upstream_providers()
  local chosen = request.rng:np_choice(#providers, self.normalized)
  local batch = providers[chosen]:request_batch(request)
  if self.random_provider_key then
    batch[self.random_provider_key] = Array { core.ndarray({ chosen }, "int64"), core.ArraySpec { nonspatial = true } }
  end
  return batch
end

return RandomProvider
