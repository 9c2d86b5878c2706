--- What RandomLocation judges places by, read once while the pipeline is built: a mask as bits and a summed-area table of blocks, in pieces where nodes upstream
--- allow it, and the nodes of a graph with their weights.
local core = require "moondust.core"
local BatchRequest = require "moondust.request"

local M = {}

local function request_at_build(self, name, spec)
  -- Built pipelines have no request yet; the seed only makes the answer the same every time.
  return self:get_upstream_provider():request_batch(BatchRequest { [name] = spec, random_seed = 0 })
end

-- Nodes that deliver of a part what they deliver of the whole.
local STITCHABLE = {
  "array_source", "dacapo_array_source", "hdf5_source", "graph_source", "csv_points_source", "merge_provider", "pad", "crop", "squeeze", "unsqueeze",
  "normalize", "intensity_scale_shift", "astype", "copy_mask", "product",
}

local function can_be_stitched(provider)
  local known = false
  for _, name in ipairs(STITCHABLE) do known = known or getmetatable(provider) == package.loaded["moondust.nodes." .. name] end
  for _, upstream in ipairs(provider:get_upstream_providers()) do known = known and can_be_stitched(upstream) end
  return known
end

-- The mask's ROI in pieces along the first axis; whole where nodes upstream may see a part with other eyes.
local function pieces_of(self, spec)
  local roi, layer = spec.roi, spec.voxel_size[1]
  local voxels = roi / spec.voxel_size
  if roi.dims < 2 or voxels.empty or not can_be_stitched(self:get_upstream_provider()) then return { roi } end
  local shape, pieces = voxels.shape, {}
  local layers = math.max(1, self.mask_piece // (voxels.size // shape[1])) * layer
  local part = roi.shape:totable()
  for first = 0, roi.shape[1] - 1, layers do
    local offset = roi.offset:totable()
    offset[1], part[1] = offset[1] + first, math.min(layers, roi.shape[1] - first)
    pieces[#pieces + 1] = core.Roi(offset, part)
  end
  return pieces
end

--- Leaves `mask_roi`, `mask_voxel_size`, `masked_in` (how many voxels) and `integral` in the node.
---@param self moondust.RandomLocation
function M.read_mask(self)
  local spec = self:need(self.mask):copy()
  if not spec.roi or not spec.voxel_size then self:fail({ key = self.mask }, "%s has no ROI or no voxel size, so it is no mask of places", self.mask) end
  if spec.roi.unbounded then
    self:fail({ key = self.mask }, "the mask %s has no bounds (ROI %s); put RandomLocation upstream of the node that takes them away, or pad by a finite size",
      self.mask, spec.roi)
  end
  self.mask_roi, self.mask_voxel_size = spec.roi, spec.voxel_size
  local all = (spec.roi.shape / spec.voxel_size):totable()
  self.integral = core.kernel.integral_in_pieces(all)
  for _, piece in ipairs(pieces_of(self, spec)) do
    spec.roi = piece
    local batch <close> = request_at_build(self, self.mask, spec)
    local data <close> = core.kernel.max_channels(batch[self.mask].data, piece.dims)
    self.integral:put(data, (piece.offset[1] - self.mask_roi.offset[1]) // self.mask_voxel_size[1])
  end
  self.masked_in = self.integral:finish():count((self.mask_roi.shape * 0):totable(), all)
end

local function squared_distance(a, b)
  local sum = 0
  for d = 1, #a do sum = sum + (a[d] - b[d]) ^ 2 end
  return sum
end

local function neighbour_count(graph, place, by_id, radius)
  local begin, shape = {}, {}
  for d = 1, #place do
    begin[d] = math.floor(place[d] - radius)
    shape[d] = math.ceil(place[d] + radius) + 1 - begin[d]
  end
  local count = 0
  for _, id in ipairs(graph:nodes_in(core.Roi(begin, shape))) do
    if by_id[id] and squared_distance(place, by_id[id]) <= radius * radius then count = count + 1 end
  end
  return count
end

--- Leaves `points` and `cumulative` (their weights summed, each point in inverse proportion to its neighbours) in the node.
---@param self moondust.RandomLocation
function M.read_points(self)
  local batch <close> = request_at_build(self, self.ensure_nonempty, self:need(self.ensure_nonempty))
  local graph, by_id = batch[self.ensure_nonempty], {}
  self.points, self.cumulative = {}, {}
  for node in graph:nodes() do
    if not node.temporary and graph.spec.roi:contains(node.location) then -- the end of an edge is no node
      self.points[#self.points + 1] = node.location
      by_id[node.id] = node.location
    end
  end
  if #self.points == 0 then self:fail({ key = self.ensure_nonempty }, "%s has no nodes, so no place has one", self.ensure_nonempty) end
  local sum = 0
  for i, place in ipairs(self.points) do
    sum = sum + 1 / neighbour_count(graph, place, by_id, self.point_balance_radius)
    self.cumulative[i] = sum
  end
end

return M
