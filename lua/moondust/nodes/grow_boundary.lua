--- GrowBoundary (gunpowder grow_boundary.py): voxels near the border between two labels become background.
---
--- Nothing grows at the border of the batch, where the neighbour is not known, nor towards voxels that the mask calls unknown. With
--- `context = true` labels and mask are asked for `steps` voxels around the batch, as far as there are any, so that boundaries grow
--- into it from outside and a tile is the part of the whole; that isn't the default since places are drawn by what is asked for.
local error = require("moondust.error").raise
local core = require "moondust.core"
local class = require("moondust.class").class
local spatial = require "moondust.nodes.spatial_array"
local BatchFilter = require "moondust.filter"
local BatchRequest = require "moondust.request"

---@class moondust.GrowBoundary : moondust.BatchFilter
local GrowBoundary = class("GrowBoundary", BatchFilter)
GrowBoundary.look_ahead = "dependencies"

GrowBoundary.options = {
  { "labels", type = "array_key", required = true, doc = "the label array to change" },
  { "mask", type = "array_key", doc = "0 where labels are unknown; default: known everywhere" },
  { "steps", type = "integer", default = 1, doc = "how many voxels (not world units) to grow on each side" },
  { "background", type = "label", default = 0, doc = "label of the boundary" },
  { "only_xy", type = "boolean", default = false, doc = "grow along the last two axes only" },
  { "context", type = "boolean", default = false, doc = "ask for as many voxels around the batch as boundaries grow; the original asks for none" },
}

function GrowBoundary:init()
  if self.steps < 0 then error(("GrowBoundary: 'steps' must not be negative, it is %d"):format(self.steps), 3) end
end

function GrowBoundary:setup()
  self:enable_autoskip()
  local labels = spatial(self, self.labels)
  if self.mask and self:need(self.mask).voxel_size ~= labels.voxel_size then
    self:fail({ key = self.mask }, "%s has voxel size %s, %s has %s; they must be the same", self.mask, self.spec[self.mask].voxel_size, self.labels,
      labels.voxel_size)
  end
  if self.only_xy and labels.voxel_size.dims < 2 then
    self:fail({ key = self.labels }, "only_xy needs at least 2 spatial axes, %s has %d", self.labels, labels.voxel_size.dims)
  end
  self:updates(self.labels, labels)
end

-- What labels of `roi` depend on; beyond the end of the labels there is nothing that could grow. No more is asked for than there
-- is, however many the steps.
function GrowBoundary:around(roi)
  local announced, around = self.spec[self.labels], {}
  local voxel_size, offered, dims = announced.voxel_size, announced.roi, roi.dims
  for d = 1, dims do
    local steps = self.only_xy and d <= dims - 2 and 0 or self.steps
    local most = offered and offered.shape[d]
    if most and most ~= core.unbounded then steps = math.min(steps, most // voxel_size[d]) end
    around[d] = steps * voxel_size[d]
  end
  local grown = roi:grow(around)
  return offered and grown:intersect(offered) or grown
end

function GrowBoundary:prepare(request)
  local dependencies, spec = BatchRequest {}, request[self.labels]:copy()
  if self.context and not spec.roi.empty then spec.roi = self:around(spec.roi) end
  local roi = spec.roi
  dependencies[self.labels] = spec
  if self.mask then
    local offered = self.spec[self.mask].roi
    self.common = offered and roi:intersect(offered) or roi
    if self.common.empty then
      self:fail({ key = self.mask, roi = roi }, "%s is wanted in ROI %s, mask %s is there in %s only: they have nothing in common", self.labels, roi, self.mask,
        offered)
    end
    dependencies[self.mask] = core.ArraySpec { roi = self.common }
  end
  return dependencies
end

-- The index of `roi` in an array.
local function index_of(array, roi)
  local index, channels = {}, array.data.ndim - roi.dims
  for c = 1, channels do index[c] = {} end
  local first, length = (roi.offset - array.spec.roi.offset) / array.spec.voxel_size, roi.shape / array.spec.voxel_size
  for d = 1, roi.dims do index[channels + d] = { first[d] + 1, first[d] + length[d] } end
  return index
end

function GrowBoundary:process(batch)
  local labels = batch[self.labels]
  if labels.data.size == 0 then return end
  local axes = self.only_xy and 2 or labels.spec.voxel_size.dims
  local part = self.mask and index_of(labels, self.common)
  local ok, grown = pcall(core.kernel.erode_labels, part and labels.data[part] or labels.data, self.steps, self.mask and batch[self.mask].data, self.background, axes)
  if not ok then self:fail({ key = self.labels, roi = labels.spec.roi }, "%s: %s", self.labels, grown) end
  if part and self.common ~= labels.spec.roi then
    local data = labels.data:view()
    data[part] = grown
    grown = data
  end
  labels.data = grown
end

return GrowBoundary
