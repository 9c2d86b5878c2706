--- md.arrays: arrays made of other arrays, ROI by ROI, when they are read. Originals:
--- dacapo/experiments/datasplits/datasets/arrays.
---
---     local labels = assert(md.open_array("crop.h5", "labels"))
---     local mito = md.arrays.Binarize{ md.arrays.Crop{ labels, roi }, { { "mito", { 3, 4, 5 } } } }
---     md.DaCapoArraySource{ mito, GT }
---
--- Each takes md.Arrays, lazy arrays (md.open_array) and one another, is an object as md.ArraySource and md.DaCapoArraySource
--- serve it (.roi .voxel_size .dtype .shape .interpolatable .attrs, :read(roi), :close()), and never changes what it is made of.
--- They load when they are first named.
local error = require("moondust.error").raise
local options = require "moondust.options"

local modules = {
  Binarize = "binarize", Concat = "concat", Constant = "constant", Crop = "crop", Intensities = "intensities", LogicalOr = "logical_or",
  MissingAnnotationsMask = "missing_annotations_mask", Ones = "ones", Resampled = "resampled", Sum = "sum",
}

local function names()
  local list = {}
  for known in pairs(modules) do list[#list + 1] = known end
  table.sort(list)
  return list
end

return setmetatable({}, {
  __name = "moondust.arrays",
  __names = names, -- for completion and help
  __index = function(self, name)
    local module = modules[name]
    if not module then
      if type(name) ~= "string" then return nil end
      error(("md.arrays has no '%s'%s"):format(name, (options.suggestion(name, names()):gsub("it takes", "there is"))), 2)
    end
    local value = require("moondust.arrays." .. module)
    rawset(self, name, value)
    return value
  end,
})
