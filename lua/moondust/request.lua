--- A batch request: what is wanted, by key, and the seed that decides everything random on the way (gunpowder's BatchRequest).
---
--- Each request served from the top of a pipeline has a context that travels with its copies: the pair of random streams, the
--- timings, and, in a stream of batches, the table where nodes keep what belongs to the stream. `request.rng` is the pair.
local error = require("moondust.error").raise
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
---@field turn integer?   while it is served: how many requests of its kind came before it in the stream, those of Stacks downstream counted one by one
---@field detour { seed: integer, attempt: integer, before: table? }?  attempts of rejecting nodes downstream that this request belongs to, all but the first
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

-- What all copies of a request have in common, in one table that is never changed but replaced: they are made by the dozen. `centred` are the keys whose ROIs
-- are to be centred on one another.
local COMMON = { context = true, rng = true, look = true, looked = true, centred = true, turn = true, detour = true }
local NOTHING = {}

function BatchRequest.blank(own) return setmetatable({ _values = {}, _order = Keyed.EMPTY, _common = NOTHING }, own) end

local function set_common(self, name, value)
  local common = {}
  for other, known in pairs(self._common) do common[other] = known end
  common[name] = value
  self._common = common
end

function BatchRequest:init(fields)
  if next(fields) == nil then return end
  for name in pairs(fields) do
    if name ~= "random_seed" and not key.is_key(name) then
      error(("BatchRequest has no option '%s'%s"):format(
        tostring(name), options.suggestion(tostring(name), { "random_seed" })), 3)
    end
  end
  if fields.random_seed ~= nil then
    rawset(self, "random_seed", BatchRequest.check_seed(fields.random_seed, 3))
  end
  ProviderSpec.init(self, fields)
end

function BatchRequest.convert(self, name, value)
  local centred = self._common.centred
  if centred and centred[name] then self:_center_on(name, nil) end -- set by hand: stays where it was put
  return ProviderSpec.convert(self, name, value)
end

BatchRequest.fields = { random_seed = true, context = true, rng = true, look = true, looked = true, centred = true }
Keyed.seal(BatchRequest)

local set = BatchRequest.__newindex

function BatchRequest.__index(self, name)
  local value = self._values[name]
  if value == nil then value = self._common[name] end
  if value == nil then value = BatchRequest[name] end
  if value == nil then return Keyed.missing(self, name) end
  return value
end

function BatchRequest.__newindex(self, name, value)
  if COMMON[name] then set_common(self, name, value) else set(self, name, value) end
end

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
  self:_center_on(name, true)
  self:_centre(2)
  return self
end

function BatchRequest:_center_on(name, centred)
  local all = {}
  for other, value in pairs(self._common.centred or NOTHING) do all[other] = value end
  all[name] = centred
  set_common(self, "centred", all)
end

function BatchRequest:_centre(level)
  local total = self:get_total_roi(level + 1)
  for _, spec in self:items() do
    local roi = spec.roi
    if roi then spec.roi = roi:shift(total.center - roi.center) end
  end
end

--- Moves ROIs that were added by shape to the nearest place on the voxel grid of what `spec` offers.
---@param spec moondust.ProviderSpec
function BatchRequest:align_to(spec)
  for name in pairs(self._common.centred or NOTHING) do
    local own, offered = self[name], spec[name]
    local voxel_size = key.is_array_key(name) and offered and (own.voxel_size or offered.voxel_size)
    local roi = voxel_size and own.roi
    if roi and voxel_size.dims == roi.dims then
      local offset = roi:snap_to_grid(voxel_size, "closest").offset
      if offset ~= roi.offset then own.roi = core.Roi(offset, roi.shape) end
    end
  end
end

---@param value any
---@return boolean
function BatchRequest.is_request(value) return getmetatable(value) == BatchRequest end

-- Requests are copied twice or thrice a node: without the checks of a constructor, which all that is in there has passed.
local function with_seed(self, seed, values)
  return setmetatable({ _values = values, _order = self._order, _common = self._common, random_seed = seed }, BatchRequest)
end

--- Makes it a request that is being served.
---@param seed integer
---@param context table
---@param turn integer
function BatchRequest:begin(seed, context, turn)
  rawset(self, "random_seed", BatchRequest.check_seed(seed, 2))
  self._common = { context = context, rng = context.rng, look = self.look, looked = self.looked, centred = self._common.centred, turn = turn }
end

--- The same wish for one key alone, without a seed: what prepare() returns most of the time.
---@param name moondust.Key
---@return moondust.BatchRequest
function BatchRequest:only(name)
  local new, spec = BatchRequest.blank(BatchRequest), self._values[name]
  if spec then new:put(name, spec:copy()) end
  return new
end

local function clone_with(self, seed) return with_seed(self, seed, (core.copy_specs(self._order, self._values))) end

--- The same request with the same seed. Context is shared.
---@return moondust.BatchRequest
function BatchRequest:clone() return clone_with(self, self.random_seed) end

--- An empty request of the same context with another seed.
---@param seed integer?
---@return moondust.BatchRequest
function BatchRequest:derive(seed)
  local new = with_seed(self, seed, {})
  new._order = Keyed.EMPTY
  if self._common.centred then set_common(new, "centred", nil) end
  return new
end

--- Takes out what is not delivered: placeholders, and what a look is not for.
function BatchRequest:remove_placeholders()
  local looked, order, values = self._common.looked, self._order, self._values
  if not looked and not core.has_placeholder(order, values) then return end
  for i = 1, #order do
    local name = order[i]
    if looked and not looked[name] or values[name].placeholder then self:drop(name) end
  end
end

--- What make(node, …) gives; in a look, which goes through the pipeline twice, what it gave the first time. For what prepare() finds
--- out at some cost.
---@generic T
---@param node moondust.BatchProvider
---@param make fun(node: moondust.BatchProvider, ...: any): T
---@param ... any
---@return T
function BatchRequest:keep(node, make, ...)
  local look = self._common.look
  if look then return look:keep(node, make, ...) end
  return make(node, ...)
end

--- A copy as upstream's: the seed of a seeded request moves on, seed <- hash((seed + 1)^2) mod 2^32. How often a node copies is
--- part of what its seed means.
---@return moondust.BatchRequest
function BatchRequest:copy()
  local values, seed = core.copy_specs(self._order, self._values, self.random_seed)
  return with_seed(self, seed, values)
end

--- A copy (seed and all) that also asks for what `other` asks: ROIs united, what `other` says of a spec taken over.
---@param other moondust.BatchRequest
---@return moondust.BatchRequest
function BatchRequest:update_with(other)
  local merged = BatchRequest.copy(self)
  local own, order, values = merged._values, other._order, other._values
  for i = 1, #order do
    local name = order[i]
    if own[name] then own[name]:update_with(values[name]) else merged:put(name, values[name]:copy()) end
  end
  return merged
end

--- The request of rejection attempt `attempt` (0: this one): same wishes, another seed, and another place where places come in turn.
---@param attempt integer
---@return moondust.BatchRequest
function BatchRequest:attempt(attempt)
  local new = clone_with(self, core.seed_attempt(self.random_seed, attempt))
  if attempt > 0 then set_common(new, "detour", { seed = self.random_seed, attempt = attempt, before = self._common.detour }) end
  return new
end

--- Makes it the `number`th, counted from 0, of `count` requests that a node asks upstream instead of one.
---@param number integer
---@param count integer
function BatchRequest:repeats(number, count) set_common(self, "turn", (self._common.turn or 0) * count + number) end

--- Which of `count` things in turn, counted from 0, this request is for: those of one stream go through them one by one, and an attempt that was rejected goes
--- on to another one, drawn by the seed of the rejecting node's request; all of them come before one comes again.
---@param count integer
---@return integer
function BatchRequest:in_turn(count)
  local number, detour = (self._common.turn or 0) % count, self._common.detour
  while detour do
    local attempt = detour.attempt % count
    if attempt > 0 then number = (number + 1 + core.permute(detour.seed, count - 1, attempt - 1)) % count end
    detour = detour.before
  end
  return number
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
