--- GraphSource: serves a graph. Original: dacapo/gp/dacapo_points_source.py (GraphSource).
local class = require("moondust.class").class
local Batch = require "moondust.batch"
local BatchProvider = require "moondust.provider"

--- Serves the part of a graph inside a ROI: its nodes there, the edges between them, and edges that cross the ROI's
--- faces cut off there, ending in temporary nodes. The graph itself stays as it is and the caller's to close, after
--- the pipeline.
---@class moondust.GraphSource : moondust.BatchProvider
---@field key moondust.GraphKey
---@field graph moondust.Graph
---@overload fun(options: table): moondust.GraphSource
local GraphSource = class("GraphSource", BatchProvider)
GraphSource.look_ahead = "each"
GraphSource.arity = 0
GraphSource.options = {
  { "key", type = "graph_key", required = true, doc = "under which the graph is served" },
  { "graph", type = "graph", required = true, doc = "an md.Graph; locations and ROI in world units" },
}

function GraphSource:name() return ("GraphSource[%s]"):format(self.key.name) end

function GraphSource:setup()
  local spec = self.graph.spec
  spec.directed, spec.placeholder = self.graph.directed, false
  self:provides(self.key, spec)
end

function GraphSource:provide(request)
  local batch, wanted = Batch {}, request[self.key]
  if not wanted then return batch end
  local roi = wanted.roi
  batch[self.key] = roi and self.graph:crop(roi) or self.graph:copy()
  return batch
end

return GraphSource
