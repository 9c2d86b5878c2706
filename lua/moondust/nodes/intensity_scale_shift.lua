--- IntensityScaleShift (gunpowder intensity_scale_shift.py): values * scale + shift. Integer arrays become float32.
local core = require "moondust.core"
local class = require("moondust.class").class
local BatchFilter = require "moondust.filter"

---@class moondust.IntensityScaleShift : moondust.BatchFilter
local IntensityScaleShift = class("IntensityScaleShift", BatchFilter)
IntensityScaleShift.look_ahead = "dependencies"

IntensityScaleShift.options = {
  { "array", type = "array_key", required = true, doc = "the array to change" },
  { "scale", type = "number", required = true, doc = "multiplies" },
  { "shift", type = "number", required = true, doc = "is added" },
}

local function result_dtype(dtype) return dtype and (dtype:find "^float" and dtype or "float32") end

function IntensityScaleShift:setup()
  self:enable_autoskip()
  local spec = self:need(self.array):copy()
  spec.dtype = result_dtype(spec.dtype)
  self:updates(self.array, spec)
end

function IntensityScaleShift:prepare(request)
  request[self.array].dtype = nil
  return request:only(self.array)
end

function IntensityScaleShift:process(batch)
  local array = batch[self.array]
  local dtype = result_dtype(array.data.dtype)
  array.data, array.spec.dtype = core.kernel.scale_shift(array.data, self.scale, self.shift, dtype), dtype
end

return IntensityScaleShift
