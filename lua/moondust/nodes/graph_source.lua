--- GraphSource: serves a graph. Original: dacapo/gp/dacapo_points_source.py (GraphSource).
local class = require("moondust.class").class
local Batch = require "moondust.batch"
local BatchProvider = require "moondust.provider"

--- Serves the part of a graph inside a ROI: its nodes there and the edges that touch it, which are cut at the ROI's faces when the
--- batch is delivered and end there in temporary nodes. The graph itself stays as it is and the caller's to close, after the
--- pipeline.
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
  { "voxel_centres", type = "coordinate",
    doc = "the voxel size, where locations are voxel indices times it: half a voxel is added to each, so that points lie at voxel centres; default: locations are as they are" },
}

function GraphSource:name() return ("GraphSource[%s]"):format(self.key.name) end

function GraphSource:setup()
  self.served, self.only_points = self.graph, self.graph:num_edges() == 0
  if self.voxel_centres then
    if #self.voxel_centres ~= self.graph.ndim then
      self:fail({ key = self.key }, "voxel_centres has %d axes, the graph has %d", #self.voxel_centres, self.graph.ndim)
    end
    local half = {}
    for d = 1, #self.voxel_centres do half[d] = self.voxel_centres[d] / 2 end
    self.served = self.graph:shift(half)
  end
  local spec = self.graph.spec
  spec.directed, spec.placeholder = self.graph.directed, false
  self:provides(self.key, spec)
end

function GraphSource:provide(request)
  local batch, wanted = Batch {}, request[self.key]
  if not wanted then return batch end
  local roi = wanted.roi
  batch[self.key] = roi and self.served:crop(roi) or self.served:copy()
  return batch
end

function GraphSource:teardown()
  if self.voxel_centres and self.served then self.served:close() end
  self.served = nil
end

return GraphSource
