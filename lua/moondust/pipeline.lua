--- Pipelines: trees of nodes, composed with `+`, built, asked for batches, closed.
---
---     a + b + c             a chain: c asks b, b asks a
---     { a, b } + m + n      m asks a and b
---
--- Composing only notes who feeds whom; pipelines share nodes freely until one of them is built.
local error = require("moondust.error").raise
local class = require("moondust.class").class
local is_a = require("moondust.class").is_a
local errors = require "moondust.error"
local options = require "moondust.options"
local BatchProvider = require "moondust.provider"
local BatchRequest = require "moondust.request"
local Seed = require "moondust.seed"

---@class moondust.Pipeline
---@field output moondust.BatchProvider
---@field children moondust.Pipeline[]
---@field spec moondust.ProviderSpec?  what it offers, once built
---@field loop table?  the stream of unseeded requests that are asked for one by one, while it is built
local Pipeline = class "Pipeline"

function Pipeline:init(fields) self.output, self.children = fields[1], fields[2] or {} end

local function as_pipeline(value, what)
  if is_a(value, Pipeline) then return value end
  if is_a(value, BatchProvider) then return Pipeline { value } end
  if type(value) == "table" and rawget(value, "class_name") then
    error(("%s is the class itself; make a node of it: %s{ … }"):format(value.class_name, value.class_name), 3)
  end
  error(("only nodes and pipelines can be %s, not %s"):format(what, options.describe(value)), 3)
end

local function copy_onto(tree, sources)
  if #tree.children == 0 then return Pipeline { tree.output, sources } end
  local children = {}
  for i, child in ipairs(tree.children) do children[i] = copy_onto(child, sources) end
  return Pipeline { tree.output, children }
end

--- left + right, where left may be a list of pipelines.
local function add(left, right)
  local sources
  if type(left) == "table" and not getmetatable(left) then
    if #left == 0 then error("the list left of '+' is empty: { a, b } + md.MergeProvider{}", 2) end
    sources = {}
    for i, item in ipairs(left) do sources[i] = as_pipeline(item, "in the list left of '+'") end
  else
    sources = { as_pipeline(left, "added") }
  end
  return copy_onto(as_pipeline(right, "added"), sources)
end

--- Visits nodes from sources to sink, each once; visit(node, upstream nodes).
local function traverse(tree, visit, seen)
  seen = seen or {}
  local upstream = {}
  for i, child in ipairs(tree.children) do upstream[i] = traverse(child, visit, seen) end
  if not seen[tree.output] then
    seen[tree.output] = true
    visit(tree.output, upstream)
  elseif #upstream > 0 and tree.output.upstream_providers then
    for i, node in ipairs(upstream) do
      if tree.output.upstream_providers[i] ~= node then
        tree.output:fail("stands in this pipeline twice with different upstream nodes; make a second one")
      end
    end
  end
  return tree.output
end

local function set_up(self, node, upstream)
  if node.built_in then
    node:fail("belongs to a pipeline that is built already; close that one first, or make another node")
  end
  node.built_in = self
  self.nodes[#self.nodes + 1] = node
  node:connect(upstream)
  node:setup()
end

--- Sets up every node from source to sink. The result is the pipeline itself, to be closed: `local p <close> = pipeline:build()`.
--- When a node can't be set up, those before it are closed again.
---@return moondust.Pipeline
function Pipeline:build()
  if self.nodes then error("this pipeline is built already", 2) end
  self.nodes, self.loop = {}, {}
  local current = self.output
  local ok, raised = xpcall(traverse, errors.handler(function() return current:name() end), self, function(node, upstream)
    current = node
    set_up(self, node, upstream)
  end)
  if not ok then
    self:close()
    error(raised, 0)
  end
  self.spec = self.output.spec
  return self
end

--- Closes every node, sink first; the first error is raised after all are closed. Closing twice is fine.
function Pipeline:close()
  local nodes, failed = self.nodes or {}, nil
  self.nodes, self.spec, self.loop = nil, nil, nil
  for i = #nodes, 1, -1 do
    local node = nodes[i]
    node.built_in = nil
    local ok, raised = xpcall(node.disconnect, errors.handler(function() return node:name() end), node)
    if not ok then failed = failed or raised end
  end
  if failed then error(failed, 0) end
end

function Pipeline.__close(self, pending)
  if pending == nil then return self:close() end
  pcall(self.close, self) -- the error on its way says more than one of closing
end

--- One batch. Unseeded requests are seeded from the system; batch.random_seed tells.
---
--- A seeded request gives the same batch however often it is asked for. Unseeded ones, asked for without a `stream`, are a stream of their own, as a script's loop
--- around request_batch is for gunpowder: the n-th since the pipeline was built has the n-th place of SpecifiedLocation. A loop of seeded ones that is to go
--- through the places hands the same table to each: `local stream = {}`, `built:request_batch(request, stream)`; { first = i } begins with batch i.
---@param request moondust.BatchRequest
---@param stream table?  state shared by the batches of one stream
---@param watch (fun(node: moondust.BatchProvider, batch: moondust.Batch))?  is shown what each node hands down
---@return moondust.Batch
function Pipeline:request_batch(request, stream, watch)
  if not self.nodes then error("the pipeline is not built: local p <close> = pipeline:build()", 2) end
  if not stream and BatchRequest.is_request(request) and not request.random_seed then stream = self.loop end
  return self.output:serve(request, stream, watch)
end

local STREAM = {
  { "count", type = "integer" }, { "seed", type = "any" }, { "first", type = "integer", default = 0 },
}

--- A stream: `for batch, i in pipeline:batches(request, { count = 100, seed = { 7, epoch } }) do … end`. Builds and closes the pipeline unless it is built already.
--- Options: count (endless without), seed (default: the request's, or one from the system), first (number of the first batch, default 0).
---
--- With a list as seed, batch i (from 0) has random_seed = hash(list, i) (moondust/seed.lua has the hash, md.batch_seed(seed, i) the number): streams of {7, 0} and
--- {7, 1} have nothing in common. With a whole number it has (seed + i) mod 2^32: the stream of seed 8 is the one of seed 7 without its first batch, so
--- neighbouring numbers are no seeds for epochs and workers; lists are.
---
--- Batch i can be requested again alone: { seed = the same, first = i, count = 1 }.
---@param request moondust.BatchRequest
---@param fields table?
function Pipeline:batches(request, fields)
  local values, message = options.parse("pipeline:batches", STREAM, fields)
  if not values then error(message, 2) end
  if not BatchRequest.is_request(request) then
    error(("pipeline:batches wants a BatchRequest, not %s"):format(options.describe(request)), 2)
  end
  local seed = Seed.choose(values.seed, request, 2)
  local own = not self.nodes and self:build() or nil
  local state = { i = math.tointeger(values.first) }
  local stream = {} -- where nodes keep what belongs to the stream
  local last = values.count and state.i + math.tointeger(values.count) or math.huge
  local function next_batch()
    local i = state.i
    if i >= last then return nil end
    state.i = i + 1
    local wanted = request:clone()
    rawset(wanted, "random_seed", Seed.of_batch(seed, i))
    stream.next = i
    return self:request_batch(wanted, stream), i
  end
  return next_batch, nil, nil, own
end

function Pipeline.__add(left, right) return add(left, right) end
-- Nodes can be asked like the pipelines they are.
function BatchProvider:build() return Pipeline({ self }):build() end
function BatchProvider:batches(request, fields) return Pipeline({ self }):batches(request, fields) end

--- "(Hdf5Source[a.h5], Hdf5Source[b.h5]) -> MergeProvider -> Normalize", as upstream prints it.
function Pipeline.__tostring(self)
  local parts = {}
  for i, child in ipairs(self.children) do parts[i] = tostring(child) end
  local upstream = table.concat(parts, ", ")
  if #parts > 1 then upstream = "(" .. upstream .. ")" end
  return (#parts > 0 and upstream .. " -> " or "") .. self.output:name()
end

return Pipeline
