--- NoiseAugment (gunpowder noise_augment.py, after skimage.util.random_noise): random noise on an array of floats.
---
--- Noise is a function of the request's seed and of the voxel's place in the array: no draws are made for it, so nodes behind
--- this one draw what they draw upstream. The numbers themselves are not upstream's, whose generator can't be run in parallel;
--- their distributions are.
local error = require("moondust.error").raise
local core = require "moondust.core"
local class = require("moondust.class").class
local floats = require "moondust.nodes.float_array"
local options = require "moondust.options"
local BatchFilter = require "moondust.filter"

---@class moondust.NoiseAugment : moondust.BatchFilter
local NoiseAugment = class("NoiseAugment", BatchFilter)
NoiseAugment.look_ahead = "dependencies"

NoiseAugment.options = {
  { "array", type = "array_key", required = true, doc = "the intensity array, float32 or float64" },
  { "mode", type = "string", default = "gaussian",
    doc = "gaussian, localvar, poisson, salt, pepper, s&p or speckle (a + a * noise)" },
  { "clip", type = "boolean", default = true, doc = "values must lie in the array's range and are clipped to it afterwards" },
  { "p", type = "probability", default = 1, doc = "probability that a batch is changed" },
  { "mean", type = "number", doc = "gaussian, speckle: mean of the noise; default 0" },
  { "var", type = "number", doc = "gaussian, speckle: variance of the noise; default 0.01" },
  { "local_vars", type = "any", doc = "localvar: an ndarray of variances, the array's shape or one that is repeated to it; default 0.01" },
  { "amount", type = "probability", doc = "salt, pepper, s&p: share of voxels that are replaced; default 0.05" },
  { "salt_vs_pepper", type = "probability", doc = "s&p: share of salt (1) among them, the rest is the range's lower end; default 0.5" },
  { "signed", type = "boolean", default = false, doc = "the array's range is [-1, 1] instead of [0, 1]" },
}

local TAKES = {
  gaussian = { "mean", "var" }, speckle = { "mean", "var" }, localvar = { "local_vars" }, poisson = {},
  salt = { "amount" }, pepper = { "amount" }, ["s&p"] = { "amount", "salt_vs_pepper" },
}

local function misuse(format, ...) error("NoiseAugment: " .. format:format(...), 4) end

local function check_parameters(self)
  local allowed, taken = TAKES[self.mode], {}
  for _, name in ipairs(allowed) do taken[name] = true end
  for _, name in ipairs { "mean", "var", "local_vars", "amount", "salt_vs_pepper" } do
    if self[name] ~= nil and not taken[name] then
      misuse("mode '%s' has no '%s'; it takes %s", self.mode, name, #allowed > 0 and table.concat(allowed, ", ") or "no parameters")
    end
  end
  if self.var and self.var < 0 then misuse("'var' must not be negative, it is %g", self.var) end
  if self.local_vars ~= nil and options.class_name_of(self.local_vars) ~= "moondust.ndarray" then
    misuse("'local_vars' must be an ndarray of variances, not %s", options.describe(self.local_vars))
  end
end

function NoiseAugment:init()
  self.mode = self.mode:lower()
  if not TAKES[self.mode] then
    misuse("there is no mode '%s'; there are gaussian, localvar, pepper, poisson, s&p, salt, speckle", self.mode)
  end
  check_parameters(self)
end

function NoiseAugment:setup()
  self:enable_autoskip()
  self:updates(self.array, self:need(self.array))
end

function NoiseAugment:skip_node(request) return request.rng:exceeds(self.p) end

function NoiseAugment:prepare(request)
  return request:only(self.array)
end

function NoiseAugment:check_range(array, low, high)
  local bottom = self.signed and -1 or 0
  if self.clip and (low < bottom or high > 1) then
    self:fail({ key = self.array, roi = array.spec.roi },
      "%s lies in [%g, %g], clipping needs [%d, 1]; %s", self.array, low, high, bottom,
      low < 0 and low >= -1 and high <= 1 and "say signed = true if that is its range, or set clip = false"
        or ("put md.Normalize{ %s } before it or set clip = false"):format(self.array.name))
  end
  if self.mode == "poisson" and low < bottom then
    self:fail({ key = self.array, roi = array.spec.roi },
      "%s has values down to %g, poisson noise counts from %d up%s", self.array, low, bottom, self.signed and "" or "; say signed = true for a range of [-1, 1]")
  end
end

-- Upstream's: as many counts for full brightness as there are different values, rounded up to a power of two.
local function levels_of(data)
  local different, levels = data:unique().size, 1
  while levels < different do levels = levels * 2 end
  return levels
end

function NoiseAugment:parameters(data, high)
  local mode, bottom = self.mode, self.signed and -1 or 0
  local parameters = { clip_low = self.clip and bottom or nil, clip_high = self.clip and 1 or nil }
  if mode == "poisson" then
    parameters.levels = levels_of(data)
    if self.signed then parameters.low, parameters.span = -1, high + 1 end
  elseif mode == "localvar" then
    parameters.local_vars = self.local_vars
  elseif mode == "gaussian" or mode == "speckle" then
    parameters.mean, parameters.var = self.mean, self.var
  else
    parameters.amount, parameters.pepper = self.amount, bottom
    parameters.salt_vs_pepper = mode == "salt" and 1 or mode == "pepper" and 0 or self.salt_vs_pepper
  end
  return parameters
end

local KERNEL_MODE = { localvar = "gaussian", salt = "s&p", pepper = "s&p" }

function NoiseAugment:process(batch, request)
  local array = batch[self.array]
  floats.need(self, array, "noise augmentation")
  if array.data.size == 0 then return end
  local low, high = floats.range(self, array)
  self:check_range(array, low, high)
  if self.mode == "poisson" and self.signed and high <= -1 then return end -- no light at all
  local ok, made = pcall(core.kernel.noise, array.data, KERNEL_MODE[self.mode] or self.mode, request.random_seed, self:parameters(array.data, high))
  if not ok then self:fail({ key = self.array, roi = array.spec.roi }, "%s: %s", self.array, made) end
  array.data = made
end

return NoiseAugment
