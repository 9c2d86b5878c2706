--- ExcludeLabels (gunpowder exclude_labels.py): some ids become background; a mask tells where that leaves the ground truth
--- unknown.
local error = require("moondust.error").raise
local core = require "moondust.core"
local class = require("moondust.class").class
local Array = require "moondust.array"
local Batch = require "moondust.batch"
local spatial = require "moondust.nodes.spatial_array"
local BatchFilter = require "moondust.filter"
local BatchRequest = require "moondust.request"
local options = require "moondust.options"

---@class moondust.ExcludeLabels : moondust.BatchFilter
local ExcludeLabels = class("ExcludeLabels", BatchFilter)
ExcludeLabels.look_ahead = "dependencies"

ExcludeLabels.options = {
  { "labels", type = "array_key", required = true, doc = "the label array to change" },
  { "exclude", type = "table", required = true, doc = "list of ids" },
  { "ignore_mask", type = "array_key", doc = "key of a mask, uint8: 0 on voxels of excluded ids that are further than ignore_mask_erode from all others, 1 elsewhere" },
  { "ignore_mask_erode", type = "number", default = 0, doc = "distance, world units" },
  { "background_value", type = "label", default = 0, doc = "what excluded ids become" },
}

function ExcludeLabels:init()
  for i, id in ipairs(self.exclude) do
    if not options.is_label(id) then error(("ExcludeLabels: exclude[%d] is not a whole number"):format(i), 3) end
  end
  if self.ignore_mask_erode < 0 then error(("ExcludeLabels: 'ignore_mask_erode' must not be negative, it is %g"):format(self.ignore_mask_erode), 3) end
end

function ExcludeLabels:setup()
  self:enable_autoskip()
  local labels = spatial(self, self.labels)
  self:updates(self.labels, labels)
  if self.ignore_mask then
    local spec = labels:copy()
    spec.dtype = "uint8"
    self:provides(self.ignore_mask, spec)
  end
end

-- What the mask depends on: labels as far around it as the distance reaches, where there are any.
function ExcludeLabels:context(roi)
  local spec, reach = self.spec[self.labels], {}
  for d, voxel in ipairs(spec.voxel_size:totable()) do reach[d] = math.floor(self.ignore_mask_erode / voxel) * voxel end
  local grown = roi:grow(reach)
  return spec.roi and grown:intersect(spec.roi) or grown
end

function ExcludeLabels:prepare(request)
  local dependencies, labels, mask = BatchRequest {}, request[self.labels], self.ignore_mask and request[self.ignore_mask]
  local roi = labels and labels.roi
  if mask then
    local context = self:context(mask.roi)
    roi = roi and roi:union(context) or context
  end
  local spec = labels and labels:copy() or core.ArraySpec {}
  spec.roi = roi
  dependencies[self.labels] = spec
  return dependencies
end

function ExcludeLabels:make_mask(labels, excluded, roi)
  if excluded.ndim ~= labels.spec.voxel_size.dims then
    self:fail({ key = self.labels }, "an ignore mask is made of labels without channels, %s has shape {%s}; put md.Squeeze{ … } before", self.labels,
      table.concat(excluded.shape, ", "))
  end
  local spec = labels.spec:copy()
  spec.dtype = "uint8"
  return Array { core.kernel.within(excluded, spec.voxel_size, self.ignore_mask_erode), spec }:crop(roi)
end

function ExcludeLabels:process(batch, request)
  local labels = batch[self.labels]
  local ok, kept, excluded = pcall(core.kernel.exclude_labels, labels.data, self.exclude, self.background_value)
  if not ok then self:fail({ key = self.labels, roi = labels.spec.roi }, "%s: %s", self.labels, kept) end
  local outputs, mask = Batch {}, self.ignore_mask and request[self.ignore_mask]
  if mask then outputs[self.ignore_mask] = self:make_mask(labels, excluded, mask.roi) end
  outputs[self.labels] = Array { kept, labels.spec, labels.attrs }
  return outputs
end

return ExcludeLabels
