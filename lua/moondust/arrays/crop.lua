--- Crop: a part of an array. Original: dacapo (CropArrayConfig).
local error = require("moondust.error").raise
local class = require("moondust.class").class
local WrapperArray = require "moondust.arrays.wrapper"

---@class moondust.CropArray : moondust.WrapperArray
---@overload fun(options: table): moondust.CropArray
local Crop = class("Crop", WrapperArray)
Crop.look_ahead = true
Crop.options = {
  { "source_array", type = "any", required = true, doc = "the array to crop" },
  { "roi", type = "roi", required = true, doc = "what is left, world units, on the voxel grid and inside of where the array is" },
}

function Crop:init(values)
  local source, roi = self:source(self.source_array, "'source_array'"), values.roi
  if roi.dims ~= source.roi.dims or roi.empty or not source.roi:contains(roi) then
    error(("Crop: ROI %s is not inside of where the array is, %s"):format(tostring(roi), tostring(source.roi)), 3)
  end
  for d = 1, roi.dims do
    if (roi.offset[d] - source.roi.offset[d]) % source.voxel_size[d] ~= 0 or roi.shape[d] % source.voxel_size[d] ~= 0 then
      error(("Crop: ROI %s is not on the grid of the array's voxel size %s (axis %d); roi:snap_to_grid(…) puts it there"):format(tostring(roi),
        tostring(source.voxel_size), d), 3)
    end
  end
  self:describe { sources = { source }, roi = roi }
end

function Crop:make(roi) return self.sources[1]:read(roi) end

return Crop
