--- IterateLocations: answers requests around the nodes of a graph. Original: gunpowder/nodes/iterate_locations.py
--- (IterateLocations).
local error = require("moondust.error").raise
local core = require "moondust.core"
local class = require("moondust.class").class
local Array = require "moondust.array"
local BatchRequest = require "moondust.request"
local LocationFilter = require "moondust.nodes.location_filter"

--- The nodes, read once when the pipeline is built, come in turn, from the first again after the last, or at random with
--- replacement; those around which upstream doesn't have everything are passed over. In turn means: batch i of a stream, counted from 0, has the i-th node, alone
--- too; behind Stacks of n, ask k of batch i has node i * n + k; an attempt that is rejected downstream goes on to a node drawn by seed and attempt. In a loop of
--- request_batch, unseeded requests get the nodes in turn, a seeded one the same each time. (SpecifiedLocation says more.)
---@class moondust.IterateLocations : moondust.LocationFilter
---@field graph moondust.GraphKey
---@field roi moondust.Roi?
---@field node_id moondust.ArrayKey?
---@field max_attempts integer
---@overload fun(options: table): moondust.IterateLocations
local IterateLocations = class("IterateLocations", LocationFilter)
IterateLocations.look_ahead = "each"
IterateLocations.options = {
  { "graph", type = "graph_key", required = true, doc = "the graph whose nodes are the places" },
  { "roi", type = "roi", doc = "only nodes in here; default: all" },
  { "node_id", type = "array_key", doc = "nonspatial int64 array {1}: the id of the node; default: none" },
  { "choose_randomly", type = "boolean", default = false, doc = "draw a node for each request instead of taking them in turn; default false" },
  { "max_attempts", type = "integer", default = 10000, doc = "nodes that choose_randomly tries before giving up; default 10000" },
}

function IterateLocations:init()
  if self.max_attempts < 1 then error(("IterateLocations: 'max_attempts' must be 1 or more, not %s"):format(self.max_attempts), 3) end
end

local function read_nodes(self)
  local spec = self:need(self.graph):copy()
  if self.roi then spec.roi = spec.roi and spec.roi:intersect(self.roi) or self.roi end
  -- Built pipelines have no request yet; the seed only makes the answer the same every time.
  local batch <close> = self:get_upstream_provider():request_batch(BatchRequest { [self.graph] = spec, random_seed = 0 })
  self.places, self.ids = {}, {}
  for node in batch[self.graph]:nodes() do
    if not node.temporary then self.places[#self.places + 1], self.ids[#self.ids + 1] = node.location, node.id end
  end
  if #self.places == 0 then self:fail({ key = self.graph, roi = spec.roi }, "%s has no nodes in ROI %s to iterate over", self.graph, spec.roi) end
end

function IterateLocations:setup()
  read_nodes(self)
  self:take_bounds_away()
  if self.node_id then self:provides(self.node_id, core.ArraySpec { nonspatial = true }) end
end

function IterateLocations:teardown()
  LocationFilter.teardown(self)
  self.places, self.ids = nil, nil
end

function IterateLocations:prepare(request)
  self:move_request(request, math.tointeger(self.max_attempts))
end

function IterateLocations:process(batch, request)
  self:move_back(batch, request)
  if self.node_id then
    batch[self.node_id] = Array { core.ndarray({ self.ids[self.position] }, "int64"), core.ArraySpec { nonspatial = true } }
  end
end

return IterateLocations
