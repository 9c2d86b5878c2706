--- Crop (gunpowder crop.py): limits where a key is offered, to a ROI or by fractions cut from its two ends.
local error = require("moondust.error").raise
local core = require "moondust.core"
local class = require("moondust.class").class
local key = require "moondust.key"
local BatchFilter = require "moondust.filter"

---@class moondust.Crop : moondust.BatchFilter
local Crop = class("Crop", BatchFilter)
Crop.look_ahead = "dependencies"

Crop.options = {
  { "key", type = "key", required = true, doc = "array or graph to limit" },
  { "roi", type = "roi", doc = "what is left, world units; inside of what is there" },
  { "fraction_negative", type = "numbers", doc = "share to cut at the lower end of each axis" },
  { "fraction_positive", type = "numbers", doc = "share to cut at the upper end of each axis" },
}

function Crop:init()
  local fractions = self.fraction_negative or self.fraction_positive
  if self.roi and fractions then error("Crop: give 'roi' or fractions, not both", 3) end
  if not self.roi and not fractions then error("Crop: 'roi' or 'fraction_negative' / 'fraction_positive' is missing", 3) end
end

-- Cut in world units at one end: whole voxels, at least the fraction asked for.
local function cut(roi, fractions, voxel_size)
  local amount = {}
  for d = 1, roi.dims do
    local step = voxel_size and voxel_size[d] or 1
    amount[d] = fractions and math.ceil(roi.shape[d] * fractions[d] / step - 1e-9) * step or 0
  end
  return core.Coordinate(amount)
end

function Crop:check_fractions(roi)
  for d = 1, roi.dims do
    local sum = 0
    for _, fractions in ipairs { self.fraction_negative or {}, self.fraction_positive or {} } do
      if #fractions > 0 and #fractions ~= roi.dims then
        self:fail({ key = self.key }, "%d fractions given, %s has %d axes", #fractions, self.key, roi.dims)
      end
      local share = fractions[d] or 0
      if share < 0 then self:fail({ key = self.key }, "fraction %g on axis %d is negative", share, d) end
      sum = sum + share
    end
    if sum >= 1 then self:fail({ key = self.key }, "the fractions on axis %d sum to %g: nothing is left", d, sum) end
  end
end

function Crop:check_roi(roi, voxel_size)
  if self.roi.dims ~= roi.dims then
    self:fail({ key = self.key, roi = self.roi }, "ROI %s has %d axes, %s has %d", self.roi, self.roi.dims, self.key, roi.dims)
  end
  for d = 1, voxel_size and roi.dims or 0 do
    local begin, length = self.roi.offset[d], self.roi.shape[d]
    if begin ~= core.unbounded and begin % voxel_size[d] ~= 0 or length ~= core.unbounded and length % voxel_size[d] ~= 0 then
      self:fail({ key = self.key, roi = self.roi }, "ROI %s is not on the grid of %s's voxel size %s (axis %d); roi:snap_to_grid{%s} puts it there",
        self.roi, self.key, voxel_size, d, table.concat(voxel_size:totable(), ", "))
    end
  end
end

function Crop:setup()
  local spec = self:need(self.key):copy()
  local roi = spec.roi
  local voxel_size = key.is_array_key(self.key) and spec.voxel_size or nil
  if not roi then self:fail({ key = self.key }, "%s has no ROI to crop", self.key) end
  if self.roi then
    self:check_roi(roi, voxel_size)
    if not roi:contains(self.roi) then
      self:fail({ key = self.key, roi = self.roi }, "ROI %s is not inside of where %s is, %s", self.roi, self.key, roi)
    end
    spec.roi = self.roi
  else
    if roi.unbounded then self:fail({ key = self.key }, "%s has no end: there are no fractions of it; crop before md.Pad", self.key) end
    self:check_fractions(roi)
    spec.roi = roi:grow(-cut(roi, self.fraction_negative, voxel_size), -cut(roi, self.fraction_positive, voxel_size))
    if spec.roi.empty then self:fail({ key = self.key }, "nothing is left of %s's ROI %s", self.key, roi) end
  end
  self:updates(self.key, spec)
end

function Crop:process() end

return Crop
