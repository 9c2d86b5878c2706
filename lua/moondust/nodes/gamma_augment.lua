--- GammaAugment (dacapo.gp gamma_noise.py): a power of the values, normalised to [0, 1] by each array's own minimum and maximum.
---
--- The draw is symmetric about 1: an interval from 1/2 to 2 gives darker and brighter batches equally often. Arrays whose range
--- is at most 1e-3 stay as they are.
local error = require("moondust.error").raise
local core = require "moondust.core"
local class = require("moondust.class").class
local key = require "moondust.key"
local floats = require "moondust.nodes.float_array"
local BatchFilter = require "moondust.filter"

---@class moondust.GammaAugment : moondust.BatchFilter
local GammaAugment = class("GammaAugment", BatchFilter)
GammaAugment.look_ahead, GammaAugment.draws_late = "each", true

GammaAugment.options = {
  { "arrays", type = "array_key|array_keys", required = true, doc = "the intensity arrays; all get the same gamma" },
  { "gamma_min", type = "number", required = true, doc = "smallest gamma, > 0" },
  { "gamma_max", type = "number", required = true, doc = "largest gamma" },
}

function GammaAugment:init()
  if key.is_key(self.arrays) then self.arrays = { self.arrays } end
  if self.gamma_min <= 0 then error(("GammaAugment: 'gamma_min' must be greater than 0, not %g"):format(self.gamma_min), 3) end
  if self.gamma_max == math.huge then error("GammaAugment: 'gamma_max' must be finite, not inf", 3) end
  if self.gamma_max < self.gamma_min then
    error(("GammaAugment: 'gamma_max' (%g) is smaller than 'gamma_min' (%g)"):format(self.gamma_max, self.gamma_min), 3)
  end
end

function GammaAugment:setup()
  self:enable_autoskip()
  for _, name in ipairs(self.arrays) do self:updates(name, self:need(name)) end
end

-- gamma as a signed distance from 1: 2 is as far above as 1/2 below.
local function signed(gamma) return gamma < 1 and 1 - 1 / gamma or gamma - 1 end

function GammaAugment:draw(rng)
  local drawn = rng:np_uniform(signed(self.gamma_min), signed(self.gamma_max))
  return drawn < 0 and 1 / (1 - drawn) or drawn + 1
end

function GammaAugment:process(batch, request)
  local gamma = self:draw(request.rng)
  for _, name in ipairs(self.arrays) do
    local array = batch[name]
    if array and array.data.size > 0 then
      floats.need(self, array, "gamma augmentation")
      local ok, made = pcall(core.kernel.gamma, array.data, gamma)
      if not ok then
        floats.refuse_nan(self, array)
        error(made, 0)
      end
      array.data = made
    end
  end
end

return GammaAugment
