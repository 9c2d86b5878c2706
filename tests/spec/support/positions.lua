--- An endless source in which each voxel holds its own world position, a channel an axis: what comes out of a transformation says
--- where each voxel was fetched from.
---
---     Positions { { { RAW, voxel_size, interpolatable }, … }, graph = …, graph_key = … }
---
--- Positions are linear, so linear interpolation gives them exactly. The graph is served trimmed.
local md = require "moondust"
local core = require "moondust.core"
local geometry = require "moondust.geometry"

local M = {}

M.endless = geometry.endless

--- (axes, voxels…) float64: the centres of the voxels of a ROI.
---@param roi moondust.Roi
---@param voxel_size moondust.Coordinate
---@return moondust.ndarray
function M.of(roi, voxel_size)
  local n = (roi.shape / voxel_size):totable()
  local axes, whole = {}, core.zeros(n, "float64")
  for d = 1, #n do
    local line, shape = {}, {}
    for i = 1, n[d] do line[i] = roi.offset[d] + (i - 0.5) * voxel_size[d] end
    for e = 1, #n do shape[e] = e == d and n[d] or 1 end
    axes[d] = whole + core.ndarray(line, "float64"):reshape(shape)
  end
  return core.stack(axes)
end

local Positions = md.class("Positions", md.BatchProvider)
Positions.arity = 0

function Positions:init(fields) self.arrays, self.graph, self.graph_key = fields[1], fields.graph, fields.graph_key end

function Positions:setup()
  for _, a in ipairs(self.arrays) do
    self:provides(a[1], md.ArraySpec { roi = M.endless(#a[2]), voxel_size = a[2], interpolatable = a[3] })
  end
  if self.graph then self:provides(self.graph_key, md.GraphSpec { roi = M.endless(self.graph.ndim), directed = false }) end
end

function Positions:provide(request)
  local batch = md.Batch {}
  for _, a in ipairs(self.arrays) do
    local wanted = request[a[1]]
    if wanted then
      local spec = md.ArraySpec { roi = wanted.roi, voxel_size = a[2], interpolatable = a[3] }
      batch[a[1]] = md.Array { M.of(wanted.roi, md.Coordinate(a[2])), spec }
    end
  end
  if self.graph and request[self.graph_key] then batch[self.graph_key] = self.graph:trim(request[self.graph_key].roi) end
  return batch
end

M.Source = Positions
return M
