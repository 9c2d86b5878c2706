--- BatchFilter: a node with exactly one upstream provider, which it asks for what it depends on and whose batch it changes.
---
--- A filter implements process(batch, request), and usually setup() and prepare(request). What it didn't ask for passes through
--- untouched.
local class = require("moondust.class").class
local Batch = require "moondust.batch"
local BatchProvider = require "moondust.provider"
local BatchRequest = require "moondust.request"
local options = require "moondust.options"

---@class moondust.BatchFilter : moondust.BatchProvider
local BatchFilter = class("BatchFilter", BatchProvider)
BatchFilter.arity = 1
BatchFilter.passes_placeholders = true

-- ------------------------------------------------------------------------------------------------ for nodes to override

--- Announce what is provided or updated, and call :enable_autoskip() if the node may be left out when none of that is wanted.
function BatchFilter:setup() end

--- True: this request passes by. Called before prepare; draws made here are the node's first.
---@param _request moondust.BatchRequest
---@return boolean?
function BatchFilter:skip_node(_request) end

--- What is needed from upstream: a request of the dependencies alone, or nil when all of `request` (which may be changed in
--- place) is.
---@param _request moondust.BatchRequest
---@return moondust.BatchRequest?
function BatchFilter:prepare(_request) end

--- Change the batch, or return one with what is new.
---@param _batch moondust.Batch  what prepare asked for, cropped to that
---@param _request moondust.BatchRequest  what is wanted of this node
---@return moondust.Batch?
function BatchFilter:process(_batch, _request)
  self:fail("the class has no process(): change the batch there")
end

-- ------------------------------------------------------------------------------------------------ for nodes to call

--- Announces a change of a key that upstream provides.
---@param name moondust.Key
---@param spec moondust.ArraySpec|moondust.GraphSpec
function BatchFilter:updates(name, spec)
  self:check_announcement("updates", name, spec)
  self:need(name)
  self.spec[name] = spec
  self.updated_items[#self.updated_items + 1] = name
end

--- The node is skipped when nothing that it provides or updates is requested.
---@param skip boolean?  default true
function BatchFilter:enable_autoskip(skip) self.autoskip = skip ~= false end

---@return moondust.BatchProvider
function BatchFilter:get_upstream_provider() return self.upstream_providers[1] end

-- ------------------------------------------------------------------------------------------------ the contract

function BatchFilter:initial_spec() return self.upstream_providers[1].spec:clone() end

local function wants_one_of(wanted, items)
  for i = 1, #items do
    local spec = wanted[items[i]]
    if spec and not spec.placeholder then return true end
  end
  return false
end

function BatchFilter:can_skip(request)
  if not self.autoskip then return false end
  local wanted = request._values
  return not (wants_one_of(wanted, self.provided_items) or wants_one_of(wanted, self.updated_items))
end

-- A copy for what is wanted below, and one for what is asked above: upstream's count, which seeds depend on. `is_plain`: all of it is to be delivered.
function BatchFilter:provide(request, is_plain)
  local skip = self.autoskip and self:can_skip(request) or self:skip_node(request)
  local downstream, dependencies, prepare
  if not skip then
    prepare = self.prepare
    downstream = prepare == BatchFilter.prepare and request or BatchRequest.copy(request)
    dependencies = prepare(self, request)
    if dependencies ~= nil and not BatchRequest.is_request(dependencies) then
      self:fail("prepare() must return a BatchRequest or nil, not %s", options.describe(dependencies))
    end
  end
  local upstream = dependencies and BatchRequest.update_with(request, dependencies) or BatchRequest.copy(request)
  if downstream == request then request.random_seed = upstream.random_seed end -- nobody has changed it: it can be that copy itself
  if #self.provided_items > 0 then self:remove_provided(upstream) end
  local look = request._common.look
  local concerned = not look or self:concerns(request.looked)
  if look and not skip then upstream.looked = self:looked_upstream(request.looked, concerned and dependencies) end
  local batch = self.upstream_providers[1]:request_batch(upstream)
  if skip or look and look.blind then return batch end
  if look and self:passes_over(look, concerned) then
    downstream:remove_placeholders()
    return batch:crop(downstream)
  end
  if look and dependencies then
    dependencies.look, dependencies.looked = look, upstream.looked
  end
  if not is_plain then BatchRequest.remove_placeholders(downstream) end
  return self:finish(batch, dependencies, downstream)
end

--- Whether something that the node provides or updates is among `keys`.
---@param keys table<moondust.Key, any>
---@return boolean
function BatchFilter:concerns(keys)
  for _, items in ipairs { self.provided_items, self.updated_items } do
    for _, name in ipairs(items) do
      if keys[name] then return true end
    end
  end
  return false
end

-- What a look for `looked` is for upstream of this node.
function BatchFilter:looked_upstream(looked, dependencies)
  local keys = {}
  for name in pairs(looked) do keys[name] = true end
  for _, name in ipairs(self.provided_items) do keys[name] = nil end
  if dependencies and self.look_ahead == "dependencies" then
    for name in dependencies:items() do keys[name] = true end
  end
  return keys
end

-- Whether a look leaves process() out; makes it strayed or blind where draws would be missing.
function BatchFilter:passes_over(look, concerned)
  if concerned and self.draws_late and look.strayed then look.blind = true end
  if not concerned and self.look_ahead == "dependencies" then
    look.strayed = look.strayed or self.draws_late == true
    return true
  end
  return look.blind
end

--- Runs process() on what was asked for and merges the result with what passes by.
function BatchFilter:finish(batch, dependencies, downstream)
  local own = batch
  if dependencies then
    BatchRequest.remove_placeholders(dependencies)
    own = Batch.crop(batch, dependencies)
  end
  local processed = self:process(own, downstream)
  local changed = processed == nil and own or processed
  local rule = "process() must return a Batch or nil"
  -- A batch of just what is wanted is looked at as such in the end.
  if getmetatable(changed) ~= Batch or changed._order ~= downstream._order then self:check_items(changed, rule) end
  local merged = Batch.merge_all_of(batch, changed, downstream)
  if merged then return merged end
  self:check_items(changed, rule)
  return batch:merge(changed):crop(downstream)
end

return BatchFilter
