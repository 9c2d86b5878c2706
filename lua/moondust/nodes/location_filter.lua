--- What SpecifiedLocation and IterateLocations share: requests are answered around a place, on the voxel grid, and come back as
--- if they had been answered where they were asked.
---
--- Every key is announced without bounds. The place, floored to whole world units, goes to the centre of the request's total ROI,
--- to the nearest shift on the grid of the voxel sizes' least common multiple (half-way to the even one). Places from which a
--- requested ROI would stick out of what upstream has are dropped before places are counted.
---
--- Which place a request gets follows from its batch's number i in the stream, so that batch i alone is batch i of the stream: with m places that fit, the i-th (mod
--- m). Behind a Stack of n (or several, n their product) batch i asks n times, and ask k has place i * n + k. An attempt that a node downstream rejects goes on to
--- a place drawn by seed and attempt, not to the next batch's; all m come before one comes again. A node that draws how much it asks for (ElasticAugment with
--- rotation) may let another number of places fit each time; md.Pad upstream of this node lets all of them fit. Chunks of a Scan downstream all have their
--- batch's place.
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

--- World units to add to a place before it is rounded; for nodes that jitter.
---@param _rng moondust.Rng
---@param _dims integer
---@return integer[]?
function LocationFilter:jitter_of(_rng, _dims) end

local function shift_to(self, place, center, grid, jitter)
  local shift = {}
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

local function give_up(self, request, outside, attempts)
  self:fail({ key = outside, roi = request[outside].roi }, "%d of %d locations tried, and around none of them is everything there that is requested "
    .. "(%s was there in %s only); ask for less, or put md.Pad{ %s } upstream", attempts, #self.places, outside, self:get_upstream_provider().spec[outside].roi, outside)
end

-- Least and largest shift along each axis that keep what is requested inside of what upstream has. Nothing where an empty ROI is among it: whether one is inside isn't
-- said by its ends, so each shift is looked at by itself.
local function range_of_shifts(self, request, dims)
  local offered, low, high = self:get_upstream_provider().spec, {}, {}
  for d = 1, dims do low[d], high[d] = math.mininteger, math.maxinteger end
  for name, wanted in request:items() do
    local roi, there = wanted.roi, wanted.roi and offered[name] and offered[name].roi
    if there and (roi.empty or there.empty) then return nil end
    for d = 1, there and dims or 0 do
      if there.begin[d] ~= core.unbounded then low[d] = math.max(low[d], there.begin[d] - roi.begin[d]) end
      if there.stop[d] ~= core.unbounded then high[d] = math.min(high[d], there.stop[d] - roi.stop[d]) end
    end
  end
  return low, high
end

-- What shift_to() is for a place without jitter, compared along each axis: there may be very many places.
local function is_within(place, center, grid, low, high)
  for d = 1, #center do
    local shift = grid[d] * geometry.round((math.floor(place[d]) - center[d]) / grid[d])
    if shift < low[d] or shift > high[d] then return false end
  end
  return true
end

local function find_fitting(self, request, center, grid)
  local dims, list, middle, step = #center, {}, center:totable(), grid:totable()
  local low, high = range_of_shifts(self, request, dims)
  for i, place in ipairs(self.places) do
    local fits
    if low and #place == dims then
      fits = is_within(place, middle, step, low, high)
    else
      fits = not sticks_out(self, request, shift_to(self, place, center, grid))
    end
    if fits then list[#list + 1] = i end
  end
  if #list == 0 then give_up(self, request, sticks_out(self, request, shift_to(self, self.places[#self.places], center, grid)), #self.places) end
  return list
end

-- The places that fit, unmoved by jitter, of which those for the last few shapes of a request are kept.
local MOST_KNOWN = 8

local function fitting(self, request, center, grid)
  local parts = { tostring(grid) }
  for name, wanted in request:items() do parts[#parts + 1] = name.name .. tostring(wanted.roi) end
  local shape, known = table.concat(parts, " "), self.fitting
  if known and known[shape] then return known[shape] end
  if not known or #known >= MOST_KNOWN then known = {} end
  known[#known + 1], known[shape] = shape, find_fitting(self, request, center, grid)
  self.fitting = known
  return known[shape]
end

-- A place whose jitter leads out is jittered again. The place itself fits, so that it comes to that in the end.
local MOST_JITTERS = 1000

local function take_in_turn(self, request, center, grid)
  local jitter = self:jitter_of(request.rng, #center)
  local list = fitting(self, request, center, grid)
  self.position = list[request:in_turn(#list) + 1]
  local place = self.places[self.position]
  for _ = 1, MOST_JITTERS do
    self.shift = shift_to(self, place, center, grid, jitter)
    if not jitter or not sticks_out(self, request, self.shift) then return end
    jitter = self:jitter_of(request.rng, #center)
  end
  self.shift = shift_to(self, place, center, grid)
end

local function take_at_random(self, request, center, grid, attempts)
  local outside
  for _ = 1, attempts do
    self.position = request.rng:randint(0, #self.places - 1) + 1
    self.shift = shift_to(self, self.places[self.position], center, grid, self:jitter_of(request.rng, #center))
    outside = sticks_out(self, request, self.shift)
    if not outside then return end
  end
  give_up(self, request, outside, attempts)
end

--- Finds the place that a request is for, sets self.position and self.shift, and moves the request there.
---@param request moondust.BatchRequest
---@param attempts integer  for places at random
function LocationFilter:move_request(request, attempts)
  local total = request:get_total_roi()
  if not total then self:fail("the request has no ROI that could be moved to a location") end
  if total.unbounded then self:fail("the request has no bounds (ROI %s), so it has no centre to put on a location", total) end
  local grid = self:common_voxel_size(request) or total.shape * 0 + 1
  if self.choose_randomly then
    take_at_random(self, request, total.center, grid, attempts)
  else
    take_in_turn(self, request, total.center, grid)
  end
  self.translation = self.shift
  self:moves_graphs(request)
  core.shift_rois(request._order, request._values, self.shift)
end

function LocationFilter:teardown() self.fitting = nil end

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
