--- IntensityAugment (gunpowder intensity_augment.py): mean + (a - mean) * scale + shift, with scale and shift drawn for each
--- slab.
local error = require("moondust.error").raise
local core = require "moondust.core"
local class = require("moondust.class").class
local floats = require "moondust.nodes.float_array"
local BatchFilter = require "moondust.filter"

---@class moondust.IntensityAugment : moondust.BatchFilter
local IntensityAugment = class("IntensityAugment", BatchFilter)
IntensityAugment.look_ahead, IntensityAugment.draws_late = "dependencies", true

IntensityAugment.options = {
  { "array", type = "array_key", required = true, doc = "the intensity array" },
  { "scale_min", type = "number", required = true, doc = "contrast is drawn uniformly from [scale_min, scale_max)" },
  { "scale_max", type = "number", required = true, doc = "see scale_min" },
  { "shift_min", type = "number", required = true, doc = "brightness is drawn uniformly from [shift_min, shift_max)" },
  { "shift_max", type = "number", required = true, doc = "see shift_min" },
  { "z_section_wise", type = "boolean", doc = "a draw for each section along the first spatial axis; the same as a slab of 1 there" },
  { "clip", type = "boolean", default = true, doc = "values must lie in [0, 1] and are clipped to it afterwards" },
  { "p", type = "probability", default = 1, doc = "probability that a batch is changed" },
  { "slab", type = "numbers", doc = "shape of the parts that get a draw each, channels included, -1 = all of the axis" },
}

function IntensityAugment:init()
  if self.z_section_wise ~= nil and self.slab then
    error("IntensityAugment: give 'z_section_wise' or 'slab', not both", 3)
  end
  for _, name in ipairs { "scale_min", "scale_max", "shift_min", "shift_max" } do
    if math.abs(self[name]) == math.huge then error(("IntensityAugment: '%s' must be finite"):format(name), 3) end
  end
end

function IntensityAugment:setup()
  self:enable_autoskip()
  local spec = self:need(self.array)
  if self.z_section_wise and not spec.voxel_size then
    self:fail({ key = self.array }, "%s is nonspatial, z_section_wise needs an array with a ROI and a voxel size", self.array)
  end
  self:updates(self.array, spec)
end

function IntensityAugment:skip_node(request) return request.rng:exceeds(self.p) end

function IntensityAugment:prepare(request)
  return request:only(self.array)
end

function IntensityAugment:slab_of(array)
  local ndim = array.data.ndim
  if self.slab then
    if #self.slab ~= ndim then
      self:fail({ key = self.array }, "slab has %d axes, %s has %d (channels count too)", #self.slab, self.array, ndim)
    end
    return self.slab
  end
  local slab = {}
  for axis = 1, ndim do slab[axis] = -1 end
  if self.z_section_wise then slab[ndim - array.spec.voxel_size.dims + 1] = 1 end
  return slab
end

function IntensityAugment:check_range(array)
  if not self.clip or array.data.size == 0 then return floats.refuse_nan(self, array) end
  local low, high = floats.range(self, array)
  if low < 0 or high > 1 then
    self:fail({ key = self.array, roi = array.spec.roi },
      "%s lies in [%g, %g], clipping needs [0, 1]; put md.Normalize{ %s } before it or set clip = false", self.array, low, high, self.array)
  end
end

function IntensityAugment:process(batch, request)
  local array = batch[self.array]
  floats.need(self, array, "intensity augmentation")
  self:check_range(array)
  local slab, scales, shifts = self:slab_of(array), {}, {}
  for i = 1, core.kernel.slab_count(array.data, slab) do
    scales[i] = request.rng:np_uniform(self.scale_min, self.scale_max)
    shifts[i] = request.rng:np_uniform(self.shift_min, self.shift_max)
  end
  array.data = core.kernel.intensity(array.data, slab, scales, shifts, self.clip)
end

return IntensityAugment
