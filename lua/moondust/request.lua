--- A batch request: what is wanted, by key, and the seed that decides everything random on the way (gunpowder's BatchRequest).
---
--- Each request served from the top of a pipeline has a context that travels with its copies: the pair of random streams, the
--- timings, and, in a stream of batches, the table where nodes keep what belongs to the stream. `request.rng` is the pair.
local core = require "moondust.core"
local class = require("moondust.class").class
local key = require "moondust.key"
local Keyed = require "moondust.keyed"
local ProviderSpec = require "moondust.provider_spec"
local options = require "moondust.options"

---@class moondust.BatchRequest : moondust.ProviderSpec
---@field random_seed integer?   0 to 2^32 - 1; nil: drawn from the system when the request is served
---@field rng moondust.Rng?      the random streams, while the request is being served
---@field context table?
---@field look moondust.Look?    while a rejecting node looks ahead (look.lua)
---@field looked table<moondust.Key, true>?  the keys that this look is for
local BatchRequest = class("BatchRequest", ProviderSpec)

local SEEDS = 1 << 32

--- A seed as it must be, or an error in words.
---@param seed any
---@param level integer
---@return integer
function BatchRequest.check_seed(seed, level)
  local whole = math.tointeger(seed)
  if not whole or type(seed) ~= "number" or whole < 0 or whole >= SEEDS then
    error(("random_seed must be a whole number from 0 to 4294967295, not %s"):format(options.describe(seed)), level + 1)
  end
  return whole
end

function BatchRequest:init(fields)
  for name in pairs(fields) do
    if name ~= "random_seed" and not key.is_key(name) then
      error(("BatchRequest has no option '%s'%s"):format(
        tostring(name), options.suggestion(tostring(name), { "random_seed" })), 3)
    end
  end
  if fields.random_seed ~= nil then
    rawset(self, "random_seed", BatchRequest.check_seed(fields.random_seed, 3))
  end
  rawset(self, "_centred", {})
  ProviderSpec.init(self, fields)
end

function BatchRequest.convert(self, name, value)
  self._centred[name] = nil -- set by hand: stays where it was put
  return ProviderSpec.convert(self, name, value)
end

Keyed.seal(BatchRequest)

--- Adds a key by the shape of its ROI in world units. All ROIs of the request are centred on one another: exactly, as upstream,
--- where the voxel grid allows, otherwise on the nearest place of each key's voxel grid (found when the pipeline, which knows the
--- voxel sizes, gets the request).
---@param name moondust.Key
---@param shape moondust.Coordinate|number[]
---@param fields table?  voxel_size, directed (graphs), placeholder
---@return moondust.BatchRequest self
function BatchRequest:add(name, shape, fields)
  if not key.is_key(name) then error(("request:add wants an ArrayKey or GraphKey, not %s"):format(options.describe(name)), 2) end
  local values, message = options.parse("request:add", {
    { "voxel_size", type = "coordinate" }, { "directed", type = "boolean" }, { "placeholder", type = "boolean" },
  }, fields)
  if not values then error(message, 2) end
  shape = core.Coordinate(shape)
  values.roi = core.Roi(shape * 0, shape)
  self[name] = key.is_array_key(name) and core.ArraySpec(values) or core.GraphSpec(values)
  self._centred[name] = true
  self:_centre()
  return self
end

function BatchRequest:_centre()
  local total = self:get_total_roi()
  for _, spec in self:items() do
    local roi = spec.roi
    if roi then spec.roi = roi:shift(total.center - roi.center) end
  end
end

local function nearest_on_grid(offset, voxel_size)
  return (offset + (voxel_size - 1) // 2) // voxel_size * voxel_size
end

--- Moves ROIs that were added by shape to the nearest place on the voxel grid of what `spec` offers.
---@param spec moondust.ProviderSpec
function BatchRequest:align_to(spec)
  for name in pairs(self._centred) do
    local own, offered = self[name], spec[name]
    local voxel_size = key.is_array_key(name) and offered and (own.voxel_size or offered.voxel_size)
    if voxel_size and voxel_size.dims == own.roi.dims then
      own.roi = core.Roi(nearest_on_grid(own.roi.offset, voxel_size), own.roi.shape)
    end
  end
end

---@param value any
---@return boolean
function BatchRequest.is_request(value) return getmetatable(value) == BatchRequest end

--- The same request with the same seed. Context is shared.
---@return moondust.BatchRequest
function BatchRequest:clone()
  local new = self:derive(self.random_seed)
  for name, spec in self:items() do new[name] = spec end
  for name in pairs(self._centred) do new._centred[name] = true end
  return new
end

--- An empty request of the same context with another seed.
---@param seed integer?
---@return moondust.BatchRequest
function BatchRequest:derive(seed)
  local new = BatchRequest { random_seed = seed }
  rawset(new, "context", self.context)
  rawset(new, "rng", self.rng)
  rawset(new, "look", self.look)
  rawset(new, "looked", self.looked)
  return new
end

--- Takes out what is not delivered: placeholders, and what a look is not for.
function BatchRequest:remove_placeholders()
  local looked = self.looked
  for name, spec in self:items() do
    if spec.placeholder or looked and not looked[name] then self[name] = nil end
  end
end

--- What `make` gives; in a look, which goes through the pipeline twice, what it gave the first time. For what prepare() finds
--- out at some cost.
---@generic T
---@param node moondust.BatchProvider
---@param make fun(): T
---@return T
function BatchRequest:keep(node, make)
  if self.look then return self.look:keep(node, make) end
  return make()
end

--- A copy as upstream's: the seed of a seeded request moves on, seed <- hash((seed + 1)^2) mod 2^32. How often a node copies is
--- part of what its seed means.
---@return moondust.BatchRequest
function BatchRequest:copy()
  local new = self:clone()
  if new.random_seed then rawset(new, "random_seed", core.seed_copy(new.random_seed)) end
  return new
end

--- A copy (seed and all) that also asks for what `other` asks: ROIs united, what `other` says of a spec taken over.
---@param other moondust.BatchRequest
---@return moondust.BatchRequest
function BatchRequest:update_with(other)
  local merged = self:copy()
  for name, spec in other:items() do
    if merged[name] then merged[name]:update_with(spec) else merged[name] = spec end
  end
  return merged
end

--- The request of rejection attempt `attempt` (0: this one): same wishes, another seed.
---@param attempt integer
---@return moondust.BatchRequest
function BatchRequest:attempt(attempt)
  local new = self:clone()
  rawset(new, "random_seed", core.seed_attempt(self.random_seed, attempt))
  return new
end

--- What is wanted on one line, for messages: "RAW [0:600, …] (600, …), seed 7".
---@return string
function BatchRequest:describe()
  local parts = {}
  for name, spec in self:items() do
    parts[#parts + 1] = name.name .. (spec.roi and " " .. tostring(spec.roi) or "") .. (spec.placeholder and " (placeholder)" or "")
  end
  local text = #parts == 0 and "nothing" or table.concat(parts, ", ")
  return text .. (self.random_seed and (", seed %d"):format(self.random_seed) or "")
end

function BatchRequest.__tostring(self)
  return ProviderSpec.__tostring(self) .. (self.random_seed and ("\n  random_seed: %d"):format(self.random_seed) or "")
end

return BatchRequest
