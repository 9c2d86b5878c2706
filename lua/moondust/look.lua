--- Looking before leaping: how a node that rejects batches sees what it judges by before anything else is read or computed.
---
--- A look is the request itself, with a set of keys that count (`request.looked`). Nodes seed, draw, move and ask for what they
--- depend on as always, so all draws and all places are those of the whole request; only what is delivered is less: to sources and
--- to process() every other key is a placeholder. A rejected batch costs what the look costs; for an accepted one the same request
--- is looked at once more for the rest. What nodes find out on the way (a place, a transformation) they keep in between.
---
--- Nodes say that this is all right with `look_ahead` (see provider.lua); at one that doesn't the look is `blind`: it comes to
--- nothing, and whole batches are asked for as if there were no looks. A node that draws in process() and had nothing to do makes the
--- look `strayed`: its random streams aren't those of the whole request any more, so nobody who draws after it may go on.
local class = require("moondust.class").class
local key = require "moondust.key"
local Batch = require "moondust.batch"

---@class moondust.Look
---@field kept table<moondust.BatchProvider, any>  what nodes keep from one pass to the next
---@field blind boolean
---@field strayed boolean
local Look = class "Look"

function Look:init() self.kept, self.blind, self.strayed = {}, false, false end

--- What make(node, …) gave when the node was here in the first pass.
---@generic T
---@param node moondust.BatchProvider
---@param make fun(node: moondust.BatchProvider, ...: any): T
---@param ... any
---@return T
function Look:keep(node, make, ...)
  if self.kept[node] == nil then self.kept[node] = make(node, ...) end
  return self.kept[node]
end

--- Lets go of what nodes kept.
function Look:close()
  for _, value in pairs(self.kept) do
    if value.close then value:close() end
  end
  self.kept = {}
end
Look.__close = Look.close

--- Whether a node may take part in a look, or an array or predictor that it uses: its class says so itself (a subclass may do
--- anything), and no method was put into the node alone.
---@param node table
---@return boolean
function Look.sees(node)
  local own = getmetatable(node) or node
  if not rawget(own, "look_ahead") or not node.look_ahead then return false end
  for name, value in next, node do
    if type(value) == "function" and own ~= node and type(own[name]) == "function" then return false end
  end
  for _, source in ipairs(rawget(node, "sources") or {}) do
    if not Look.sees(source) then return false end
  end
  return true
end

-- ------------------------------------------------------------------------------------------------ asking

-- What is to be delivered in the end: of a request that is itself a look, what is looked at.
local function delivered_by(request)
  local set = {}
  for name, spec in request:items() do
    if not spec.placeholder and (not request.looked or request.looked[name]) then set[name] = true end
  end
  return set
end

-- Asking twice costs more than it saves below this many voxels that needn't be computed, and where no more than this share of what was judged so far was
-- rejected. Batches are the same either way, so the past may decide.
Look.least_voxels = 1 << 14
Look.least_rejected = 1 / 16

local function is_worth_it(node, request, rest)
  if request.look then return next(rest) ~= nil end
  if node.rejected < Look.least_rejected * (node.judged + 1) then return false end
  local voxels = 0
  for name in pairs(rest) do
    local roi, voxel_size = request[name].roi, key.is_array_key(name) and node.spec[name].voxel_size
    if roi and voxel_size then voxels = voxels + (roi / voxel_size).size end
  end
  return voxels >= Look.least_voxels
end

local function ask(node, request, look, looked)
  request.look, request.looked = look, looked
  return node:get_upstream_provider():request_batch(request)
end

-- One batch of both, in the order of the request.
local function join(request, first, second)
  local joined = Batch {}
  for name in request:items() do
    local item = first[name] or second and second[name]
    if item then joined[name] = item end
  end
  return joined
end

--- Asks for everything at once: what is to be delivered and what is judged by.
---@param node moondust.RejectIf
---@param request moondust.BatchRequest
---@param attempt integer
---@param judged table<moondust.Key, true>?  keys that are judged by, where they are known
---@return moondust.Batch
---@return boolean rejected
function Look.ask_at_once(node, request, attempt, judged)
  -- A clone of what was wanted: the request of attempt 0 loses its placeholders upstream.
  local wanted, outer = request:attempt(attempt), request.look
  if not outer then
    local batch = node:get_upstream_provider():request_batch(wanted)
    return judged and join(request, batch) or batch, node:rejects(batch, request, attempt)
  end
  local look, both = Look {}, delivered_by(request)
  for name in pairs(judged) do both[name] = true end
  local batch = ask(node, wanted, look, both)
  look:close()
  outer.strayed = outer.strayed or look.strayed
  if look.blind or look.strayed and node.draws_late then
    outer.blind = true
    return batch, false
  end
  return batch, node:rejects(batch, request, attempt)
end

-- An accepted batch with the rest; nil when that can't be had without what was seen already.
local function complete(node, request, attempt, look, seen, rest)
  if not next(rest) then return join(request, seen) end
  local batch = ask(node, request:attempt(attempt), look, rest)
  if look.blind or look.strayed and not request.look then return nil end
  local joined = join(request, seen, batch)
  -- A verdict that was drawn is drawn again, so that the streams go on from there.
  if node.draws_late then node:rejects(joined, request, attempt) end
  return joined
end

-- What a look says: the verdict, with the whole batch if it is accepted; nothing where it can't say.
local function look_first(node, request, attempt, judged, rest)
  local look <close> = Look {}
  local seen = ask(node, request:attempt(attempt), look, judged)
  if look.blind or look.strayed and node.draws_late then return nil end
  if node:rejects(seen, request, attempt) then return seen, true end
  look.strayed = look.strayed and not next(rest)
  local batch = complete(node, request, attempt, look, seen, rest)
  if not batch then seen:close() end
  if request.look then request.look.strayed = request.look.strayed or look.strayed end
  return batch, false
end

-- The keys a node judges by, as a set; nil when they aren't known or not all in the request.
local function judged_by(node, request)
  local keys = Look.sees(node) and node:judges_by()
  if not keys then return nil end
  local judged = {}
  for _, name in ipairs(keys) do
    if not request[name] or request[name].placeholder then return nil end
    judged[name] = true
  end
  return judged
end

--- Asks upstream for attempt `attempt` of a request, and `node:rejects(batch, request, attempt)` for a verdict; `node:judges_by()`
--- names the keys that it depends on.
---@param node moondust.RejectIf
---@param request moondust.BatchRequest
---@param attempt integer
---@return moondust.Batch
---@return boolean rejected
---@return boolean? partly  the batch, a rejected one, has only what it was judged by
function Look.ask(node, request, attempt)
  local judged, rest = judged_by(node, request), {}
  if not judged and request.look then
    request.look.blind = true
    return Batch {}, false
  elseif not judged or node.looks_in_vain or request.context.watch then -- who watches is to see whole batches
    return Look.ask_at_once(node, request, attempt, judged)
  end
  for name in pairs(delivered_by(request)) do
    if not judged[name] then rest[name] = true end
  end
  if is_worth_it(node, request, rest) then
    local batch, rejected = look_first(node, request, attempt, judged, rest)
    if batch then return batch, rejected, rejected end
    node.looks_in_vain = true -- from now on
  end
  return Look.ask_at_once(node, request, attempt, judged)
end

return Look
