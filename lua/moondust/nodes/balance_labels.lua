--- BalanceLabels (gunpowder balance_labels.py): weights that let rare classes count as much as common ones, counted batch by
--- batch.
local error = require("moondust.error").raise
local core = require "moondust.core"
local class = require("moondust.class").class
local key = require "moondust.key"
local Array = require "moondust.array"
local Batch = require "moondust.batch"
local BatchFilter = require "moondust.filter"
local BatchRequest = require "moondust.request"

---@class moondust.BalanceLabels : moondust.BatchFilter
local BalanceLabels = class("BalanceLabels", BatchFilter)
BalanceLabels.look_ahead = "dependencies"

BalanceLabels.options = {
  { "labels", type = "array_key", required = true, doc = "classes: integers from 0 to num_classes - 1" },
  { "scales", type = "array_key", required = true, doc = "key of the weights, float32, shape of labels" },
  { "mask", type = "array_key|array_keys", doc = "one mask or several, shape of labels: where one is 0 nothing is counted and the weight is 0" },
  { "slab", type = "numbers", doc = "shape in voxels, channels included, of the parts that are balanced one by one, -1 = all of the axis; default: all at once" },
  { "num_classes", type = "integer", default = 2, doc = "number of classes" },
  { "clipmin", type = "number|boolean", default = 0.05, doc = "smallest share of a class that counts; false: none" },
  { "clipmax", type = "number|boolean", default = 0.95, doc = "largest share of a class that counts; false: none" },
}

function BalanceLabels:init()
  if self.num_classes < 1 then error(("BalanceLabels: 'num_classes' must be at least 1, not %d"):format(self.num_classes), 3) end
  for _, name in ipairs { "clipmin", "clipmax" } do
    if self[name] == true then error(("BalanceLabels: '%s' must be a number, or false for none"):format(name), 3) end
  end
  self.masks = self.mask == nil and {} or key.is_key(self.mask) and { self.mask } or self.mask
end

function BalanceLabels:setup()
  self:enable_autoskip()
  local labels = self:need(self.labels)
  for _, mask in ipairs(self.masks) do
    if self:need(mask).voxel_size ~= labels.voxel_size then
      self:fail({ key = mask }, "%s has voxel size %s, %s has %s; they must be the same", mask, self.spec[mask].voxel_size, self.labels, labels.voxel_size)
    end
  end
  local spec = labels:copy()
  spec.dtype = "float32"
  self:provides(self.scales, spec)
end

function BalanceLabels:prepare(request)
  local dependencies = BatchRequest {}
  local spec = core.ArraySpec { roi = request[self.scales].roi, nonspatial = request[self.scales].nonspatial }
  dependencies[self.labels] = spec
  for _, mask in ipairs(self.masks) do dependencies[mask] = spec end
  return dependencies
end

function BalanceLabels:slab_of(data)
  if self.slab then
    if #self.slab ~= data.ndim then
      self:fail({ key = self.labels }, "slab has %d axes, %s has %d (channels count too)", #self.slab, self.labels, data.ndim)
    end
    return self.slab
  end
  local slab = {}
  for axis = 1, data.ndim do slab[axis] = -1 end
  return slab
end

-- Fractions are of this batch alone: nothing was seen before.
local function no_counts(data, slab, classes)
  local counts, none = {}, {}
  for i = 1, 2 * classes do none[i] = 0 end
  for s = 1, core.kernel.slab_count(data, slab) do counts[s] = none end
  return counts
end

function BalanceLabels:process(batch)
  local labels, outputs, masks = batch[self.labels], Batch {}, {}
  local data = labels.data
  for i, name in ipairs(self.masks) do
    masks[i] = batch[name].data
    local shape, wanted = table.concat(masks[i].shape, ", "), table.concat(data.shape, ", ")
    if shape ~= wanted then
      self:fail({ key = name, roi = labels.spec.roi }, "mask %s has shape {%s}, %s has {%s}; they must be the same", name, shape, self.labels, wanted)
    end
  end
  local slab = self:slab_of(data)
  local ok, scales = pcall(core.kernel.balance_weights, data, self.num_classes, masks, slab, self.clipmin, self.clipmax,
    no_counts(data, slab, self.num_classes))
  if not ok then self:fail({ key = self.labels, roi = labels.spec.roi }, "%s: %s", self.labels, scales) end
  local spec = labels.spec:copy()
  spec.dtype = "float32"
  outputs[self.scales] = Array { scales, spec }
  return outputs
end

return BalanceLabels
