--- RenumberConnectedComponents (gunpowder renumber_connected_components.py): a new id for each connected component of equal
--- label.
---
--- Voxels connect through their faces. Ids are 1, 2, … by falling size, components of one size in the order of their first
--- voxels; 0 stays 0.
local core = require "moondust.core"
local class = require("moondust.class").class
local BatchFilter = require "moondust.filter"

---@class moondust.RenumberConnectedComponents : moondust.BatchFilter
local RenumberConnectedComponents = class("RenumberConnectedComponents", BatchFilter)
RenumberConnectedComponents.look_ahead = "dependencies"

RenumberConnectedComponents.options = {
  { "labels", type = "array_key", required = true, doc = "the label array to change" },
}

function RenumberConnectedComponents:setup()
  self:enable_autoskip()
  self:updates(self.labels, self:need(self.labels))
end

function RenumberConnectedComponents:prepare(request)
  return request:only(self.labels)
end

function RenumberConnectedComponents:process(batch)
  local labels = batch[self.labels]
  local spatial = labels.spec.voxel_size and labels.spec.voxel_size.dims
  local ok, components = pcall(core.kernel.components, labels.data, spatial)
  if not ok then self:fail({ key = self.labels, roi = labels.spec.roi }, "%s: %s", self.labels, components) end
  labels.data = components
end

return RenumberConnectedComponents
