--- Normalize (gunpowder normalize.py): grey values as floats from 0 to 1, by a factor that follows from the dtype.
---
--- Bytes and 16-bit values are multiplied when somebody looks at them, which is the node where that time is spent then; padding and
--- elastic sampling go without, and multiply only what they fetch.
local error = require("moondust.error").raise
local core = require "moondust.core"
local class = require("moondust.class").class
local BatchFilter = require "moondust.filter"

---@class moondust.Normalize : moondust.BatchFilter
local Normalize = class("Normalize", BatchFilter)
Normalize.look_ahead = "dependencies"

Normalize.options = {
  { "array", type = "array_key", required = true, doc = "the array to normalise" },
  { "factor", type = "number", doc = "what to multiply by; default: 1/255 for uint8, 1/65535 for uint16, 1 for floats that lie in [0, 1]" },
  { "dtype", type = "dtype", default = "float32", doc = "of the result: float32 or float64" },
}

local FACTORS = { uint8 = 1 / 255, uint16 = 1 / 65535 }

function Normalize:init()
  if not self.dtype:find "^float" then
    error(("Normalize: 'dtype' must be float32 or float64, not %s: values from 0 to 1 need fractions"):format(self.dtype), 3)
  end
end

function Normalize:setup()
  self:enable_autoskip()
  local spec = self:need(self.array):copy()
  spec.dtype = self.dtype
  self:updates(self.array, spec)
end

function Normalize:prepare(request)
  request[self.array].dtype = nil
  return request:only(self.array)
end

function Normalize:factor_for(data)
  if self.factor then return self.factor end
  if FACTORS[data.dtype] then return FACTORS[data.dtype] end
  if not data.dtype:find "^float" then
    self:fail({ key = self.array }, "%s is %s, for which there is no factor of its own; give one: md.Normalize{ %s, factor = … }", self.array,
      data.dtype, self.array)
  end
  local low, high = 0, 0
  if data.size > 0 then low, high = data:minmax() end
  if not (low >= 0 and high <= 1) then
    self:fail({ key = self.array }, "%s is %s from %g to %g, not within [0, 1]; give a factor: md.Normalize{ %s, factor = … }", self.array,
      data.dtype, low, high, self.array)
  end
  return 1
end

function Normalize:process(batch)
  local array = batch[self.array]
  array.data = core.kernel.scale_later(array.data, self:factor_for(array.data), self.dtype)
  array.spec.dtype = self.dtype
end

return Normalize
