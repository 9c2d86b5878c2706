--- What SpecifiedLocation and IterateLocations share: requests are answered around a place, on the voxel grid, and come back as
--- if they had been answered where they were asked.
---
--- Every key is announced without bounds. The place, floored to whole world units, goes to the centre of the request's total ROI,
--- to the nearest shift on the grid of the voxel sizes' least common multiple (half-way to the even one). Places from which a
--- requested ROI would stick out of what upstream has are passed over.
---
--- Which place comes next belongs to the stream of batches: the i-th batch of a stream has the i-th place (also when the stream
--- begins later, with `first`; places that are passed over count once), and a single request_batch the first, unless it is given
--- a stream table of the caller's own: `p:request_batch(request, stream)`.
local core = require "moondust.core"
local class = require("moondust.class").class
local geometry = require "moondust.geometry"
local key = require "moondust.key"
local BatchFilter = require "moondust.filter"

---@class moondust.LocationFilter : moondust.BatchFilter
---@field places number[][]
---@field choose_randomly boolean
---@field shift moondust.Coordinate?
local LocationFilter = class("LocationFilter", BatchFilter)
LocationFilter.chooses_place = true

--- Announces everything without bounds; for setup().
function LocationFilter:take_bounds_away()
  for name, spec in self.spec:items() do
    if spec.roi then
      spec.roi = geometry.endless(spec.roi.dims)
      self:updates(name, spec)
    end
  end
end

local function next_place(self, request)
  local count = #self.places
  if self.choose_randomly then return request.rng:randint(0, count - 1) + 1 end
  local stream = request.context.stream
  local position = (stream[self] or stream.first or 0) % count + 1
  stream[self] = position
  return position
end

--- World units to add to a place before it is rounded; for nodes that jitter.
---@param _rng moondust.Rng
---@param _dims integer
---@return integer[]?
function LocationFilter:jitter_of(_rng, _dims) end

local function shift_to(self, request, place, center, grid)
  local jitter, shift = self:jitter_of(request.rng, #center), {}
  if #place ~= #center then self:fail("location {%s} has %d axes, the request has %d", table.concat(place, ", "), #place, #center) end
  for d = 1, #center do
    local whole = math.floor(place[d]) - center[d] + (jitter and jitter[d] or 0)
    shift[d] = grid[d] * geometry.round(whole / grid[d])
  end
  return core.Coordinate(shift)
end

-- The key whose ROI would stick out, or nil.
local function sticks_out(self, request, shift)
  local offered = self:get_upstream_provider().spec
  for name, wanted in request:items() do
    local there = wanted.roi and offered[name] and offered[name].roi
    if there and not there:contains(wanted.roi:shift(shift)) then return name end
  end
end

--- Finds the next place that fits, sets self.position and self.shift, and moves the request there.
---@param request moondust.BatchRequest
---@param attempts integer
function LocationFilter:move_request(request, attempts)
  local total = request:get_total_roi()
  if not total then self:fail("the request has no ROI that could be moved to a location") end
  if total.unbounded then self:fail("the request has no bounds (ROI %s), so it has no centre to put on a location", total) end
  local grid = self:common_voxel_size(request) or total.shape * 0 + 1
  local outside
  for _ = 1, attempts do
    self.position = next_place(self, request)
    self.shift = shift_to(self, request, self.places[self.position], total.center, grid)
    outside = sticks_out(self, request, self.shift)
    if not outside then break end
  end
  if outside then
    self:fail({ key = outside, roi = request[outside].roi }, "%d of %d locations tried, and around none of them is everything there that is requested "
      .. "(%s was there in %s only); ask for less, or put md.Pad{ %s } upstream", attempts, #self.places, outside, self:get_upstream_provider().spec[outside].roi, outside)
  end
  core.shift_rois(request._order, request._values, self.shift)
end

--- Puts what came into the ROIs that were wanted.
---@param batch moondust.Batch
---@param request moondust.BatchRequest
function LocationFilter:move_back(batch, request)
  for name, wanted in request:items() do
    local item = batch[name]
    if item and wanted.roi and key.is_array_key(name) then
      item.spec.roi = wanted.roi
    elseif item and wanted.roi then
      batch[name] = item:moved(wanted.roi, -self.shift)
    end
  end
end

return LocationFilter
