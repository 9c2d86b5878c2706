--- BatchProvider: what every node is. It announces what it offers in setup() and answers requests in provide().
---
--- request_batch() is the contract's keeper: it seeds the random streams, checks the request against what was announced, calls
--- provide() with a copy, and checks what comes back. The number of copies a request goes through is part of what a seed means
--- (upstream's rule), so nodes copy exactly where the originals do.
---
--- Looking ahead. A node that rejects batches (RejectIf) asks for what it judges by first, and for the rest of the same request
--- only when it is content (look.lua has how). Batches are the same either way. All nodes upstream must agree to being asked like
--- that; a class of your own says so with an attribute, and without one everything is asked for at once:
---
---     Some.look_ahead = "each"            what it delivers of a key depends on the request and, for a filter, on that key alone
---     Some.look_ahead = "dependencies"    a filter: process() makes what the node provides and updates from what prepare() asks for,
---                                         and needn't run when nothing of that is looked at
---     Some.draws_late = true              process() draws from request.rng
---
--- By this a class promises that what it does follows from the request alone (nothing is counted, printed, written) and that it
--- asks upstream once. It holds for that class, not for those derived from it. A node can take it back: self.look_ahead = false.
local error = require("moondust.error").raise
local core = require "moondust.core"
local class = require("moondust.class").class
local contract = require "moondust.contract"
local errors = require "moondust.error"
local key = require "moondust.key"
local options = require "moondust.options"
local Batch = require "moondust.batch"
local Look = require "moondust.look"
local BatchRequest = require "moondust.request"
local Profile = require "moondust.profile"
local ProviderSpec = require "moondust.provider_spec"

---@class moondust.BatchProvider : moondust.Class
---@field spec moondust.ProviderSpec?  what the node offers; after build
---@field arity integer?  how many upstream providers it takes; nil: one or more
---@field look_ahead "each"|"dependencies"|false|nil  whether a node downstream may look ahead through this one
---@field draws_late boolean?  process() draws
local BatchProvider = class "BatchProvider"
BatchProvider.check_items = contract.check_items
-- Whether placeholders reach provide(): not those of a source. Filters only do arithmetic with them and ask on.
BatchProvider.passes_placeholders = false
-- Whether the node answers at a place of its own choice: what it hands down is what the data look like there, as yet unchanged.
BatchProvider.chooses_place = false
-- Whether a source's graphs have no edges.
BatchProvider.only_points = false
-- Whether what it hands down depends on earlier batches of the stream, so that a batch can't be had without those.
BatchProvider.keeps_state = false

--- node + node, { node, node } + node: a pipeline.
function BatchProvider.__add(left, right) return require("moondust.pipeline").__add(left, right) end

-- ------------------------------------------------------------------------------------------------ for nodes to override

--- Announce what is offered, with :provides() and :updates(). Upstream is set up already.
function BatchProvider:setup()
  self:fail("the class has no setup(): announce there what it provides")
end

--- Answer a request.
---@param _request moondust.BatchRequest  a copy, the node's own to change
---@return moondust.Batch
function BatchProvider:provide(_request)
  self:fail("the class has no provide(): answer a request there")
end

--- Let go of files and the like; called once when the pipeline closes.
function BatchProvider:teardown() end

-- ------------------------------------------------------------------------------------------------ for nodes to call

--- Raises an error that names this node: self:fail("%s is %s", key, dtype), or with `about = { key =, roi = }` first.
---@param about table|string
---@param ... any
function BatchProvider:fail(about, ...)
  local format, fields = about, {}
  local arguments = table.pack(...)
  if type(about) == "table" then
    fields, format = about, table.remove(arguments, 1)
    arguments.n = arguments.n - 1
  end
  for i = 1, arguments.n do
    if type(arguments[i]) ~= "number" then arguments[i] = tostring(arguments[i]) end
  end
  error(errors.new {
    node = self:name(), key = fields.key and fields.key.name, roi = fields.roi,
    cause = arguments.n > 0 and format:format(table.unpack(arguments, 1, arguments.n)) or format,
  }, 0)
end

--- The announced spec of a key; an error when upstream doesn't have it.
---@param name moondust.Key
---@return moondust.ArraySpec|moondust.GraphSpec
function BatchProvider:need(name)
  local spec = self.spec[name]
  if not spec then
    self:fail({ key = name }, "%s is not provided upstream (there is %s)", name, self.spec:names())
  end
  return spec
end

--- The least common multiple of the voxel sizes of what a request names, axis by axis, as announced; nil when nothing has one. Found once for each set of keys.
---@param request moondust.BatchRequest
---@return moondust.Coordinate?
function BatchProvider:common_voxel_size(request)
  local known, order = self.common_voxel_sizes, request._order
  if known[order] == nil then known[order] = self.spec:get_lcm_voxel_size(request:array_keys()) or false end
  return known[order] or nil
end

-- What provides() and updates() are called with.
function BatchProvider:check_announcement(method, name, spec)
  if not key.is_key(name) then self:fail("%s(key, spec) wants an ArrayKey or GraphKey, not %s", method, options.describe(name)) end
  if spec == nil then self:fail({ key = name }, "%s(%s, spec) is called without a spec", method, name) end
end

--- Announces a new key.
---@param name moondust.Key
---@param spec moondust.ArraySpec|moondust.GraphSpec
function BatchProvider:provides(name, spec)
  self:check_announcement("provides", name, spec)
  if self.spec[name] then self:fail({ key = name }, "%s is provided already", name) end
  self.spec[name] = spec
  self.provided_items[#self.provided_items + 1] = name
end

--- Requests reach provide() with their placeholders (MergeProvider and the like, which only pass them on).
function BatchProvider:enable_placeholders() self.keeps_placeholders = true end

---@return moondust.BatchProvider[]
function BatchProvider:get_upstream_providers() return self.upstream_providers end

--- Takes the keys that this node makes out of a request that goes upstream.
---@param request moondust.BatchRequest
function BatchProvider:remove_provided(request)
  for _, name in ipairs(self.provided_items) do request[name] = nil end
end

--- For prepare() of a node that moves graphs and has drawn how: lets nodes upstream that choose places know where graph nodes will come out
--- (nodes/downstream.lua says which methods they call then). Holds for this request.
---@param request moondust.BatchRequest
function BatchProvider:moves_graphs(request)
  local context = request.context
  if context then context.moves[context.depth] = self end
end

--- What messages and timings call the node.
---@return string
function BatchProvider:name() return self.class_name end

-- ------------------------------------------------------------------------------------------------ life of a node in a pipeline

--- Called by the pipeline: links the node and starts its spec; a provider's is empty.
---@param upstream moondust.BatchProvider[]
function BatchProvider:connect(upstream)
  local wanted = self.arity
  if wanted and #upstream ~= wanted then
    self:fail("takes %d upstream provider%s, has %d%s", wanted, wanted == 1 and "" or "s", #upstream,
      #upstream > 1 and "; put md.MergeProvider{} or md.RandomProvider{} in between" or "")
  elseif wanted == nil and #upstream == 0 and self.needs_upstream then
    self:fail("has nothing upstream: write { a, b } + md.%s{}", self.class_name)
  end
  self.upstream_providers, self.provided_items, self.updated_items = upstream, {}, {}
  self.common_voxel_sizes, self.timed_as = {}, nil
  self.keeps_placeholders = self.passes_placeholders
  self.spec = self:initial_spec()
end

function BatchProvider:initial_spec() return ProviderSpec {} end

--- Called by the pipeline when it closes.
function BatchProvider:disconnect()
  self:teardown()
  self.upstream_providers, self.spec, self.idle_rng = nil, nil, nil
end

-- ------------------------------------------------------------------------------------------------ serving

local function remove_unneeded(batch, request)
  local order, wanted = batch._order, request._values
  if order == request._order then return end
  for i = 1, #order do
    if not wanted[order[i]] then batch:drop(order[i]) end
  end
end

-- What a source hands out may be its own memory; whoever closes the batch must not close that. Sources that make all that they hand out say so in their class:
-- Some.hands_out_copies = true.
local function share_all(node, batch)
  if rawget(getmetatable(node), "hands_out_copies") then return end
  for name, item in batch:items() do batch[name] = key.is_array_key(name) and item:share() or item:copy() end
end

-- Deeper than any pipeline: a node that asks itself.
local MAX_DEPTH = 1000

--- Answers a request; raises a PipelineError when that can't be done. Without a context (from outside of a pipeline's run) it is
--- served as from the top.
---@param request moondust.BatchRequest
---@return moondust.Batch
function BatchProvider:request_batch(request)
  local common = request._common
  local context, look = common and common.context, common and common.look
  if not context then return self:serve(request) end
  if look and not Look.sees(self) then
    look.blind = true
    return Batch {}
  end
  local depth, started = context.depth + 1, core.clock()
  if depth > MAX_DEPTH then self:fail("the request has come through %d nodes: one of them asks itself without end", MAX_DEPTH) end
  local asked, nested = context.asked or started, context.nested -- of the node downstream
  context.depth, context.nodes[depth], context.requests[depth], context.moves[depth] = depth, self, request, false
  context.asked, context.nested = false, 0

  common.rng:seed(request.random_seed)
  local is_plain = contract.check_request(self, request) and not look
  local own = BatchRequest.copy(request)
  if not is_plain and not self.keeps_placeholders then own:remove_placeholders() end
  local batch = self:provide(own, is_plain)
  if not (look and look.blind) then
    if not is_plain then request:remove_placeholders() end
    contract.check_batch(self, batch, request)
    remove_unneeded(batch, request)
    if #self.upstream_providers == 0 then share_all(self, batch) end
    if context.watch then context.watch(self, batch) end
  end

  local whole, prepare = core.clock() - started, context.asked and context.asked - started
  local name = self.timed_as or self:name()
  self.timed_as = name
  context.profile:note(name, prepare, whole - context.nested - (prepare or 0))
  context.depth, context.asked, context.nested = depth - 1, asked, nested + whole
  return batch
end

-- Who is serving what, a node at each depth, which of them move graphs, and the times of the deepest one: when it first asked upstream, and how long it waited for that.
local function new_context(rng, stream, watch)
  return {
    rng = rng, profile = Profile(), stream = stream or {}, watch = watch,
    depth = 0, nodes = {}, requests = {}, moves = {}, asked = false, nested = 0,
  }
end

-- Between nodes edges are whole; who asked gets them cut at the faces.
local function cut_graphs(batch)
  for name, item in batch:items() do
    local roi = key.is_graph_key(name) and item.spec.roi
    if roi then batch[name] = item:trim(roi) end
  end
end

local function run(self, request, context, turn)
  local own, seed = request:clone(), request.random_seed or core.seed_from_system()
  own:begin(seed, context, turn)
  own:align_to(self.spec)
  contract.check_size(self, own)
  local batch = self:request_batch(own)
  cut_graphs(batch)
  rawset(batch, "random_seed", seed)
  rawset(batch, "index", turn)
  rawset(batch, "is_served", true)
  rawset(batch, "profiling_stats", context.profile)
  return batch
end

--- Serves a request from the top: with a context of its own, a seed from the system if it has none, and ROIs that were added by
--- shape on the voxel grid. The caller's request stays as it is.
---@param request moondust.BatchRequest
---@param stream table?  where nodes keep what belongs to a stream of batches; `first` is the number of its first batch (0), `next` of the next one
---@param watch (fun(node: moondust.BatchProvider, batch: moondust.Batch))?  is shown what each node hands down; to be left as it is
---@return moondust.Batch
function BatchProvider:serve(request, stream, watch)
  if not BatchRequest.is_request(request) then
    error(("request_batch wants a BatchRequest, not %s"):format(tostring(request)), 3)
  end
  if not self.spec then error(("%s is not built: local p <close> = pipeline:build()"):format(self:name()), 3) end
  -- The streams' 5 KB are kept for the next request; one that is served meanwhile (by a node's own script) finds none.
  local rng = self.idle_rng or core.Rng(0)
  self.idle_rng = nil
  local context, turn = new_context(rng, stream, watch), 0
  if stream then turn, stream.next = stream.next or stream.first or 0, (stream.next or stream.first or 0) + 1 end
  local ok, result = xpcall(run, errors.handler(function()
    local depth = context.depth
    return (context.nodes[depth] or self):name(), (context.requests[depth] or request):describe()
  end), self, request, context, turn)
  self.idle_rng = rng
  if ok then return result end
  error(result, 0)
end

return BatchProvider
