--- AddAffinities (gunpowder add_affinities.py): for each voxel and each offset of a neighbourhood whether the two carry the same
--- object.
local error = require("moondust.error").raise
local core = require "moondust.core"
local class = require("moondust.class").class
local Array = require "moondust.array"
local Batch = require "moondust.batch"
local spatial = require "moondust.nodes.spatial_array"
local BatchFilter = require "moondust.filter"
local BatchRequest = require "moondust.request"

---@class moondust.AddAffinities : moondust.BatchFilter
---@field affinity_neighborhood integer[][]
local AddAffinities = class("AddAffinities", BatchFilter)
AddAffinities.look_ahead = "dependencies"

AddAffinities.options = {
  { "affinity_neighborhood", type = "table", required = true, doc = "list of offsets in voxels, zyx, such as {{-1,0,0}, {0,-1,0}, {0,0,-1}}" },
  { "labels", type = "array_key", required = true, doc = "objects by id, integers of any width; 0 is background" },
  { "affinities", type = "array_key", required = true, doc = "key of the affinities: (offsets, spatial…), 1 where both ends carry the same id and it is not 0" },
  { "labels_mask", type = "array_key", doc = "where labels count; affinities with an end where it is 0 are masked out; default: everywhere" },
  { "unlabelled", type = "array_key",
    doc = "0 where nothing is labelled: affinities with one end there are 0, those with both are masked out; default: labelled everywhere" },
  { "affinities_mask", type = "array_key", doc = "key of the mask of the affinities, same shape" },
  { "dtype", type = "dtype", default = "uint8", doc = "of affinities and mask" },
}

local function check_neighborhood(neighborhood)
  local rank
  for i, offset in ipairs(neighborhood) do
    local ok, coordinate = pcall(core.Coordinate, offset)
    if not ok then return ("affinity_neighborhood[%d] is not an offset such as {-1, 0, 0}"):format(i) end
    rank = rank or coordinate.dims
    if coordinate.dims ~= rank then return ("affinity_neighborhood[%d] has %d axes, the first has %d"):format(i, coordinate.dims, rank) end
  end
  if not rank then return "'affinity_neighborhood' is empty" end
end

function AddAffinities:init()
  local message = check_neighborhood(self.affinity_neighborhood)
  if message then error("AddAffinities: " .. message, 3) end
end

-- Context that the offsets reach, world units, below and above.
local function reach(neighborhood, voxel_size)
  local negative, positive = {}, {}
  for d = 1, voxel_size.dims do
    local low, high = 0, 0
    for _, offset in ipairs(neighborhood) do low, high = math.min(low, offset[d]), math.max(high, offset[d]) end
    negative[d], positive[d] = -low * voxel_size[d], high * voxel_size[d]
  end
  return core.Coordinate(negative), core.Coordinate(positive)
end

function AddAffinities:setup()
  self:enable_autoskip()
  local labels = spatial(self, self.labels)
  local voxel_size, rank = labels.voxel_size, #self.affinity_neighborhood[1]
  if voxel_size.dims ~= rank then
    self:fail({ key = self.labels }, "the offsets have %d axes, %s has %d", rank, self.labels, voxel_size.dims)
  end
  for _, name in ipairs { self.labels_mask or false, self.unlabelled or false } do
    if name and self:need(name).voxel_size ~= voxel_size then
      self:fail({ key = name }, "%s has voxel size %s, %s has %s; they must be the same", name, self.spec[name].voxel_size, self.labels, voxel_size)
    end
  end
  self.negative, self.positive = reach(self.affinity_neighborhood, voxel_size)
  local spec = labels:copy()
  spec.roi = labels.roi and labels.roi:grow(-self.negative, -self.positive)
  spec.dtype = self.dtype
  self:provides(self.affinities, spec)
  if self.affinities_mask then self:provides(self.affinities_mask, spec) end
end

function AddAffinities:prepare(request)
  local wanted
  for _, name in ipairs { self.affinities, self.affinities_mask or false } do
    local roi = name and request[name] and request[name].roi
    if roi then wanted = wanted and wanted:union(roi) or roi end
  end
  local dependencies = BatchRequest {}
  local spec = core.ArraySpec { roi = wanted:grow(self.negative, self.positive) }
  for _, name in ipairs { self.labels, self.labels_mask or false, self.unlabelled or false } do
    if name then dependencies[name] = spec end
  end
  return dependencies
end

-- Affinities of an array that covers the context, without it.
function AddAffinities:of(data)
  if data.ndim ~= self.negative.dims then
    self:fail({ key = self.labels }, "affinities are made of arrays without channels, %s has shape {%s}; put md.Squeeze{ … } before", self.labels,
      table.concat(data.shape, ", "))
  end
  local made, index = core.kernel.affinities(data, self.affinity_neighborhood), { {} }
  for d = 1, data.ndim do
    local voxel = self.spec[self.labels].voxel_size[d]
    index[d + 1] = { self.negative[d] // voxel + 1, data.shape[d] - self.positive[d] // voxel }
  end
  return made[index]
end

function AddAffinities:mask(batch, shape)
  local mask = self.labels_mask and self:of(batch[self.labels_mask].data:ne(0))
  if self.unlabelled then
    local known = self:of(batch[self.unlabelled].data:eq(0)):eq(0)
    mask = mask and mask * known or known
  end
  return mask or core.zeros(shape, "uint8"):fill(1)
end

function AddAffinities:process(batch, request)
  local labels, outputs = batch[self.labels], Batch {}
  local ids = labels.data
  if self.unlabelled then ids = ids * batch[self.unlabelled].data:ne(0):astype(ids.dtype) end
  local spec = labels.spec:copy()
  spec.roi, spec.dtype = labels.spec.roi:grow(-self.negative, -self.positive), self.dtype
  local function deliver(name, data)
    outputs[name] = Array { data:astype(self.dtype), spec }:crop(request[name].roi)
  end
  local affinities = self:of(ids)
  if request[self.affinities] then deliver(self.affinities, affinities) end
  if self.affinities_mask and request[self.affinities_mask] then deliver(self.affinities_mask, self:mask(batch, affinities.shape)) end
  return outputs
end

return AddAffinities
