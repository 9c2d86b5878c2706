--- RandomLocation: answers a request at a random place upstream. Original: gunpowder/nodes/random_location.py (RandomLocation).
---
--- A shift is drawn on the grid of the voxel sizes' least common multiple, uniformly over all shifts that keep every
--- requested ROI inside what upstream has, and drawn again until the place meets all conditions. The request goes
--- upstream shifted, what comes back is shifted to where it was wanted.
---
---     request.begin        request.begin + shift
---     [---------)    ->    [---------)              offered ROI: begin - request.begin <= shift <= end - request.end
local error = require("moondust.error").raise
local core = require "moondust.core"
local class = require("moondust.class").class
local conditions = require "moondust.nodes.place_conditions"
local downstream_of = require "moondust.nodes.downstream"
local geometry = require "moondust.geometry"
local key = require "moondust.key"
local Array = require "moondust.array"
local BatchFilter = require "moondust.filter"

--- The node that `ensure_nonempty` promises is one of the batch as you get it: inside of the ROI that the pipeline was asked for, behind all nodes downstream that
--- ask for more than they deliver (targets, RasterizeGraph) or move what they get (ElasticAugment, DeformAugment, SimpleAugment, ShiftAugment), whose draws are
--- made by then. Ends of cut edges don't count. A node of your own that moves graphs says so (nodes/downstream.lua); one that doesn't say, or takes nodes out, can
--- leave a batch without a node: md.RejectIf{ md.policy.empty(G) } behind it asks again.
---
--- `min_masked` is judged, as by the original, in the mask's ROI as it is asked for here, with what nodes downstream asked for around it, before they move anything.
--- For a share in the batch as you get it: md.RejectIf{ md.policy.masked_below(MASK, 0.5) } at the end, the mask in the request.
---
--- Announces every key without bounds. The mask and the graph that places are judged by are read once, whole, when
--- the pipeline is built; of the mask a bit a voxel and a summed-area table of blocks are kept. The search ends with an error after
--- `max_attempts` places. Overwrite :accepts(request) for conditions of your own.
---@class moondust.RandomLocation : moondust.BatchFilter
---@field min_masked number
---@field mask moondust.ArrayKey?
---@field ensure_nonempty moondust.GraphKey?
---@field p_nonempty number
---@field ensure_centered boolean
---@field point_balance_radius number
---@field random_shift_key moondust.ArrayKey?
---@field max_attempts integer
---@overload fun(options: table?): moondust.RandomLocation
local RandomLocation = class("RandomLocation", BatchFilter)
RandomLocation.chooses_place = true
RandomLocation.look_ahead = "each"
RandomLocation.options = {
  { "min_masked", type = "probability", default = 0, doc = "least share of masked-in (> 0) voxels of `mask` in its requested ROI; default 0" },
  { "mask", type = "array_key", doc = "the mask to judge places by; where it isn't requested, in the request's total ROI; default: none" },
  { "ensure_nonempty", type = "graph_key",
    doc = "a graph that must have a node in the ROI that the pipeline is asked for (of the graph, or of what is made of it; else in the total ROI); default: none" },
  { "p_nonempty", type = "probability", default = 1, doc = "with which ensure_nonempty is insisted on, drawn once a request; default 1" },
  { "ensure_centered", type = "boolean", default = false,
    doc = "the node sits in the ROI's central voxel, or as near as it comes where nodes downstream turn the grid; default false" },
  { "point_balance_radius", type = "number", default = 1,
    doc = "world units; a node is chosen in inverse proportion to the number of nodes this near; default 1" },
  { "random_shift_key", type = "array_key", doc = "nonspatial int64 array {axes}: the shift, world units; default: none" },
  { "max_attempts", type = "integer", default = 10000, doc = "places to try before giving up with an error; default 10000" },
}

function RandomLocation:init()
  if self.min_masked > 0 and not self.mask then error("RandomLocation: 'min_masked' needs a 'mask' to judge by", 3) end
  if self.point_balance_radius < 0 then
    error(("RandomLocation: 'point_balance_radius' can't be negative, it is %s"):format(self.point_balance_radius), 3)
  end
  if self.max_attempts < 1 then error(("RandomLocation: 'max_attempts' must be 1 or more, not %s"):format(self.max_attempts), 3) end
end

--- Whether a place that meets all other conditions is taken. To be overwritten.
---@param _request moondust.BatchRequest  shifted to the place
---@return boolean
function RandomLocation:accepts(_request) return true end

-- ------------------------------------------------------------------------------------------------ setup

RandomLocation.mask_piece = 1 << 24 -- voxels of the mask that are read at once

function RandomLocation:setup()
  if self.mask and self.min_masked > 0 then conditions.read_mask(self) end
  if self.ensure_nonempty then conditions.read_points(self) end
  for name, spec in self.spec:items() do
    if spec.roi then
      spec.roi = geometry.endless(spec.roi.dims)
      self:updates(name, spec)
    end
  end
  if self.random_shift_key then self:provides(self.random_shift_key, core.ArraySpec { nonspatial = true }) end
end

function RandomLocation:teardown()
  if self.integral then self.integral:close() end
  self.integral, self.points, self.cumulative = nil, nil, nil
end

-- ------------------------------------------------------------------------------------------------ the shifts there are

local function refuse_unbounded(self, request, offered)
  local total
  for name, wanted in request:items() do
    local roi = wanted.roi and offered[name] and offered[name].roi
    if roi and not roi.unbounded then return end
    total = total or roi
  end
  if not total then self:fail("the request has no ROI that a place could be drawn for") end
  self:fail("nothing that is requested has bounds upstream (%s), so there is no place to draw; put RandomLocation upstream of the node "
    .. "that takes them away, or pad by a finite size", total)
end

local function grid_of(self, request)
  local total = request:get_total_roi()
  return self:common_voxel_size(request) or total.shape * 0 + 1
end

-- A mask or graph judges places of its own space only.
local function check_axes(self, request, name, dims)
  local total = request:get_total_roi()
  if total.dims ~= dims then
    self:fail({ key = name }, "%s has %d spatial axes, the request has %d: it can't judge places there", name, dims, total.dims)
  end
end

local function shifts_of(self, name, wanted, offered, grid)
  local shifts = core.shifts_within(offered, wanted, grid)
  if shifts.empty then
    self:fail({ key = name, roi = wanted }, "%s is wanted in the shape %s, upstream has %s only (%s); ask for less, or put md.Pad{ %s } upstream", name,
      wanted.shape, offered.shape, offered, name)
  end
  return shifts
end

local function possible_shifts(self, request, grid)
  local offered, total = self:get_upstream_provider().spec, nil
  for name, wanted in request:items() do
    local roi = wanted.roi and offered[name] and offered[name].roi
    if roi then
      local shifts = shifts_of(self, name, wanted.roi, roi, grid)
      if not total then total = shifts elseif total ~= shifts then total = total:intersect(shifts) end
    end
  end
  local snapped = not total.empty and total:snap_to_grid(grid, "shrink") or total
  if snapped.empty then
    self:fail("no shift brings all ROIs that are requested (%s) into what upstream has on a grid of %s; ask for less, or pad upstream", request:describe(), grid)
  elseif snapped.unbounded then
    self:fail("what is requested has no bounds upstream on some axis (shifts %s), so there is no place to draw; pad by a finite size", snapped)
  end
  return snapped / grid
end

-- ------------------------------------------------------------------------------------------------ the search

local function draw(request, shifts, grid) return request.rng:point_in(shifts) * grid end

local function floored(place, grid)
  local voxel = {}
  for d = 1, #place do voxel[d] = math.floor(place[d] / grid[d]) end
  return core.Coordinate(voxel)
end

-- All shifts, in grid voxels, that bring a place into the box:
--
--     box           place       least shifted   most shifted
--     [---------)   .           [---------)     [---------)
--                                         .     .
local function shifts_around(self, place, box)
  -- The central voxel, of an even number the lower of the two. (Upstream's is one too low where the number is odd.)
  if self.ensure_centered then return core.Roi(place - box.begin - (box.shape - 1) // 2, box.shape * 0 + 1) end
  return core.Roi(place - box.begin - box.shape + 1, box.shape)
end

local function comes_out_in(self, roi, movers, place, shift)
  local found = downstream_of.destination_of(movers, place, shift, self.spec[self.ensure_nonempty].dtype)
  return found and roi:contains(found)
end

-- `box`: where the node is to lie, in voxels of the grid. Mirroring takes what lies on a lower face to the upper one, out of the ROI `seen`.
local function draw_with_point(self, request, shifts, grid, box, movers, seen)
  local place = self.points[request.rng:choice_cumulative(self.cumulative)]
  local around = shifts_around(self, floored(place, grid), box)
  if not around:intersects(shifts) then return nil end
  local shift = draw(request, around:intersect(shifts), grid)
  if not comes_out_in(self, seen, movers, place, shift) then return nil end
  return shift
end

-- After so many tries a node that is to be centred may lie a voxel further from the central one: of a grid that was turned none may lie in there.
local TRIES_FOR_CENTRE = 100

-- A shift that lets a node come out in the box, behind nodes that move it: what comes out at a place drawn in there is put on the node, as near as the grid allows.
local function draw_with_moved_point(self, request, shifts, grid, box, movers)
  local place = self.points[request.rng:choice_cumulative(self.cumulative)]
  local aim, shift = {}, {}
  for d = 1, #place do aim[d] = box.begin[d] + request.rng:random() * box.shape[d] end
  local source = downstream_of.source_of(movers, aim)
  for d = 1, #place do shift[d] = geometry.round((place[d] - source[d]) / grid[d]) end
  shift = core.Coordinate(shift)
  if not shifts:contains(shift) then return nil end
  shift = shift * grid
  return comes_out_in(self, box, movers, place, shift) and shift or nil
end

local function central_voxel(box, grid) return core.Roi((box.begin + (box.shape - 1) // 2) * grid, grid) end

-- How to draw a shift that brings a node to where it is wanted.
local function drawer_with_points(self, request, shifts, grid)
  check_axes(self, request, self.ensure_nonempty, #self.points[1])
  local roi, movers = downstream_of.seen(request, self.ensure_nonempty)
  local source = downstream_of.source_box(movers, roi)
  local box = self:box_for_points(source or roi, grid)
  if source then return function() return draw_with_point(self, request, shifts, grid, box, movers, roi) end end
  return function(try)
    local goal, reach = roi, (try - 1) // TRIES_FOR_CENTRE
    if self.ensure_centered then goal = central_voxel(box, grid):grow(grid * reach, grid * reach):intersect(roi) end
    return draw_with_moved_point(self, request, shifts, grid, goal, movers)
  end
end

-- A ROI in voxels of the grid.
function RandomLocation:box_for_points(roi, grid)
  local box = roi:snap_to_grid(grid, "shrink")
  if box.empty then
    self:fail({ key = self.ensure_nonempty, roi = roi }, "the ROI %s wanted of %s holds no whole voxel of the grid %s; ask for more", roi, self.ensure_nonempty, grid)
  end
  return box / grid
end

local function mask_box(self, request)
  check_axes(self, request, self.mask, self.mask_roi.dims)
  local wanted = request[self.mask]
  local roi = wanted and wanted.roi or request:get_total_roi()
  if roi.empty then self:fail({ key = self.mask, roi = roi }, "%s can't be judged in the empty ROI %s", self.mask, roi) end
  local size = (roi:snap_to_grid(self.mask_voxel_size) / self.mask_voxel_size).size
  if self.masked_in < self.min_masked * size then
    self:fail({ key = self.mask, roi = roi }, "no place can be masked in by %s: %s has %d voxels masked in altogether, ROI %s has %d; ask for less", self.min_masked,
      self.mask, self.masked_in, roi, size)
  end
  return roi
end

local function masked_share(self, roi, shift)
  local voxels = roi:shift(shift):snap_to_grid(self.mask_voxel_size):shift(-self.mask_roi.offset) / self.mask_voxel_size
  return self.integral:count(voxels.begin:totable(), voxels.shape:totable()) / voxels.size
end

local function shift_request(request, shift) core.shift_rois(request._order, request._values, shift) end

local function accepted(self, request, shift)
  if self.accepts == RandomLocation.accepts then return true end
  local shifted = request:copy()
  shift_request(shifted, shift)
  return self:accepts(shifted)
end

local function give_up(self, found)
  local reasons = {}
  if found.best then
    reasons[1] = ("%s is to be masked in by %s, the best place had %.4g"):format(self.mask, self.min_masked, found.best)
  end
  if found.unreachable > 0 then
    reasons[#reasons + 1] = ("%d times the node of %s that was chosen lies where the request can't be moved"):format(found.unreachable, self.ensure_nonempty)
  end
  if found.refused > 0 then reasons[#reasons + 1] = ("accepts() refused %d"):format(found.refused) end
  self:fail("found no place in %d tries: %s; ask for less, or raise max_attempts", self.max_attempts, table.concat(reasons, "; "))
end

--- Draws until a place is found; the shift in world units.
---@param request moondust.BatchRequest
---@return moondust.Coordinate
function RandomLocation:choose_shift(request)
  refuse_unbounded(self, request, self:get_upstream_provider().spec)
  local grid = grid_of(self, request)
  local shifts = possible_shifts(self, request, grid)
  local with_points = self.ensure_nonempty and request.rng:random() <= self.p_nonempty
  local draw_point = with_points and drawer_with_points(self, request, shifts, grid)
  local mask_roi = self.integral and mask_box(self, request)
  local found = { unreachable = 0, refused = 0 }
  for try = 1, self.max_attempts do
    local shift
    if draw_point then shift = draw_point(try) else shift = draw(request, shifts, grid) end
    local share = shift and mask_roi and masked_share(self, mask_roi, shift) or 1
    if not shift then
      found.unreachable = found.unreachable + 1
    elseif share < self.min_masked then
      found.best = math.max(found.best or 0, share)
    elseif accepted(self, request, shift) then
      return shift
    else
      found.refused = found.refused + 1
    end
  end
  give_up(self, found)
end

-- ------------------------------------------------------------------------------------------------ the contract

-- The request itself goes upstream, without the copy that other filters make: the seed upstream depends on it.
function RandomLocation:provide(request)
  local downstream = request:copy()
  local shift = request:keep(self, self.choose_shift, request)
  self.translation = shift
  self:moves_graphs(request)
  shift_request(request, shift)
  self:remove_provided(request)
  local batch = self:get_upstream_provider():request_batch(request)
  self:move_back(batch, downstream, shift)
  return batch
end

--- Puts what came into the ROIs that were wanted.
---@param batch moondust.Batch
---@param request moondust.BatchRequest
---@param shift moondust.Coordinate
function RandomLocation:move_back(batch, request, shift)
  for name, wanted in request:items() do
    local item, roi = batch[name], wanted.roi
    if item and roi and key.is_array_key(name) then
      item.spec.roi = roi
    elseif item and roi then
      batch[name] = item:moved(roi, -shift)
    end
  end
  if self.random_shift_key then
    batch[self.random_shift_key] = Array { core.ndarray(shift:totable(), "int64"), core.ArraySpec { nonspatial = true } }
  end
end

return RandomLocation
