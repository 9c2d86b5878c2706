--- DaCapoArraySource: an array as DaCapo's pipelines want it, with a channel axis and without NaN. Original:
--- dacapo.gp (DaCapoArraySource).
local class = require("moondust.class").class
local ArraySource = require "moondust.nodes.array_source"

--- An ArraySource that adds a channel axis in front when the array has none, so (z, y, x) is served as (1, z, y, x),
--- and refuses NaN, naming the first one's place. An empty ROI gives an empty array.
---@class moondust.DaCapoArraySource : moondust.ArraySource
---@overload fun(options: table): moondust.DaCapoArraySource
local DaCapoArraySource = class("DaCapoArraySource", ArraySource)
DaCapoArraySource.look_ahead = "each"
DaCapoArraySource.options = {
  { "array", type = "any", required = true, doc = "an md.Array, an ndarray (with spec), md.open_array(…), or an object with .roi .voxel_size .dtype :read(roi)" },
  { "key", type = "array_key", required = true, doc = "under which the array is served" },
  { "interpolatable", type = "boolean", doc = "default: what the array says; where it doesn't, floats are and integers aren't" },
  { "spec", type = "any", doc = "for an ndarray: md.ArraySpec{ roi = …, voxel_size = … }, world units" },
}

local function refuse_nan(self, data, roi)
  local index = data:first_nan()
  if not index then return end
  local place = ""
  if roi then
    local world, channels = {}, #index - roi.dims
    for d = 1, roi.dims do world[d] = roi.offset[d] + (index[channels + d] - 1) * self.array_spec.voxel_size[d] end
    place = (" at world position (%s)"):format(table.concat(world, ", "))
  end
  self:fail({ key = self.key, roi = roi }, "%s has a NaN%s, index {%s} of what was read; mend the data or mask it", self.key, place,
    table.concat(index, ", "))
end

function DaCapoArraySource:read(roi)
  local data = ArraySource.read(self, roi)
  if data.size > 0 then refuse_nan(self, data, roi) end
  if roi and data.ndim == roi.dims then return data:add_axis(1) end
  return data
end

return DaCapoArraySource
