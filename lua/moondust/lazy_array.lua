--- md.open_array: a dataset that stays in its file and is read ROI by ROI.
local core = require "moondust.core"
local LazyArray = require "moondust.dataset"
local options = require "moondust.options"

local FIELDS = options.with_placement {
  { "voxel_size", type = "coordinate", doc = "world units; default: what the file says" },
  { "roi", type = "roi", doc = "where the dataset lies; default: the file's offset and the dataset's shape" },
  { "interpolatable", type = "boolean", doc = "default: floats are, integers aren't" },
}

--- Opens a dataset of an HDF5 file without reading it. The result has .roi .voxel_size .dtype .shape .interpolatable
--- .attrs, :read(roi) and :close(), and closes with `<close>`; md.ArraySource serves it. nil and a message where the
--- world says no: no such file, no such dataset, no voxel size.
---
---     local raw <close> = assert(md.open_array("vnc.h5", "volumes/raw"))
---     print(raw:read(md.Roi({0, 0, 0}, {500, 500, 500})):mean())
---@param path string
---@param dataset string
---@param fields table?  voxel_size, roi, interpolatable, channels_first, axes, pick, unit, allow_foreign
---@return moondust.LazyArray?
---@return string? message
return function(path, dataset, fields)
  if type(path) ~= "string" or type(dataset) ~= "string" then
    error(("md.open_array wants a file and a dataset, two strings, not %s and %s"):format(options.describe(path), options.describe(dataset)), 2)
  end
  local values, message = options.parse("md.open_array", FIELDS, fields)
  if not values then error(message, 2) end
  message = LazyArray.check(values, "md.open_array")
  if message then error(message, 2) end
  local file
  file, message = core.hdf5.open(path, "r", { allow_foreign = values.allow_foreign })
  if not file then return nil, message end
  local said = core.ArraySpec { voxel_size = values.voxel_size, roi = values.roi, interpolatable = values.interpolatable }
  local array
  array, message = LazyArray.open(file, dataset, said, values)
  if not array then file:close() end
  return array, message
end
