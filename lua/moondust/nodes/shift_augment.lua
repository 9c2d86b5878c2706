--- ShiftAugment (gunpowder shift_augment.py): sections out of place, one by one (slip) or from one on (shift).
---
--- Shifts are drawn for each step of the coarsest voxel grid along one axis of the whole request, in multiples of that grid
--- across it, so that arrays of every voxel size and graphs move together. The node asks upstream for as much more as it shifts.
local error = require("moondust.error").raise
local core = require "moondust.core"
local class = require("moondust.class").class
local BatchFilter = require "moondust.filter"

---@class moondust.ShiftAugment : moondust.BatchFilter
local ShiftAugment = class("ShiftAugment", BatchFilter)
ShiftAugment.look_ahead = "each"

ShiftAugment.options = {
  { "prob_slip", type = "probability", default = 0, doc = "probability that a section shifts alone" },
  { "prob_shift", type = "probability", default = 0, doc = "probability that a section and all behind it shift" },
  { "sigma", type = "number|numbers", default = 0, doc = "standard deviation of a shift, world units; one number, or one a spatial axis with 0 for shift_axis" },
  { "shift_axis", type = "integer", default = 1, doc = "spatial axis, counted from 1, along which sections lie" },
  { "p", type = "probability", default = 1, doc = "probability that a batch is changed" },
}

local function misuse(format, ...) error("ShiftAugment: " .. format:format(...), 4) end

function ShiftAugment:init()
  if self.prob_slip + self.prob_shift > 1 then misuse("'prob_slip' and 'prob_shift' sum to %g, more than 1", self.prob_slip + self.prob_shift) end
  if self.shift_axis < 1 then misuse("'shift_axis' is %d; spatial axes are counted from 1", self.shift_axis) end
  local sigmas, largest = type(self.sigma) == "number" and { self.sigma } or self.sigma, 0
  for axis = 1, #sigmas do
    if sigmas[axis] < 0 then misuse("'sigma' must not be negative, it is %g", sigmas[axis]) end
    largest = math.max(largest, sigmas[axis])
  end
  if largest == 0 then misuse("'sigma' is 0, nothing would ever shift") end
  if type(self.sigma) ~= "number" and self.sigma[self.shift_axis] ~= 0 then
    misuse("'sigma' must be 0 along shift_axis %d, it is %s", self.shift_axis, tostring(self.sigma[self.shift_axis]))
  end
end

function ShiftAugment:setup()
  local total = self.spec:get_total_roi()
  if not total then self:fail("there is nothing spatial upstream to shift") end
  self.dims = total.dims
  if self.shift_axis > self.dims then self:fail("shift_axis is %d, there are %d spatial axes", self.shift_axis, self.dims) end
  self.sigmas = {}
  for axis = 1, self.dims do
    self.sigmas[axis] = type(self.sigma) ~= "number" and self.sigma[axis] or axis ~= self.shift_axis and self.sigma or 0
  end
  if type(self.sigma) ~= "number" and #self.sigma ~= self.dims then
    self:fail("sigma has %d entries, there are %d spatial axes", #self.sigma, self.dims)
  end
end

function ShiftAugment:skip_node(request) return request.rng:exceeds(self.p) end

-- ------------------------------------------------------------------------------------------------ draws

-- numpy's rint: halves to even.
local function rint(x)
  local below = math.floor(x)
  local rest = x - below
  if rest > 0.5 or rest == 0.5 and below % 2 == 1 then return below + 1 end
  return below
end

-- A shift (world units, one entry an axis) for each section of the coarsest grid.
function ShiftAugment:draw(rng, sections, grid)
  local base, shifts = core.Coordinate(grid) * 0, {}
  for section = 1, sections do
    local r, slip = rng:random(), {}
    for axis = 1, self.dims do slip[axis] = rint(rng:np_normal(0, self.sigmas[axis] / grid[axis])) * grid[axis] end
    local shifted = base + slip
    if r > self.prob_slip and r <= self.prob_slip + self.prob_shift then base = shifted end
    shifts[section] = r <= self.prob_slip and shifted or base
  end
  return shifts
end

-- ------------------------------------------------------------------------------------------------ boxes

-- The section of a position along shift_axis.
function ShiftAugment:section(position)
  local axis = self.shift_axis
  local section = math.floor((position - self.total.begin[axis]) / self.grid[axis]) + 1
  return math.max(1, math.min(#self.shifts, section))
end

-- The smallest and largest shift of the sections that a ROI covers.
function ShiftAugment:extremes(roi)
  local axis = self.shift_axis
  local first, last = self:section(roi.begin[axis]), self:section(roi.stop[axis] - 1)
  local low, high = self.shifts[first]:totable(), self.shifts[first]:totable()
  for section = first + 1, last do
    for d = 1, self.dims do
      low[d], high[d] = math.min(low[d], self.shifts[section][d]), math.max(high[d], self.shifts[section][d])
    end
  end
  return core.Coordinate(low), core.Coordinate(high)
end

function ShiftAugment:prepare(request)
  self.total = request:get_total_roi()
  self.shifts = {}
  if not self.total or self.total.empty then return nil end
  if self.total.unbounded then self:fail({ roi = self.total }, "a request without end, %s, can't be shifted", self.total) end
  self.grid = self:common_voxel_size(request) or self.spec:get_lcm_voxel_size()
  if not self.grid then self:fail("there is no array upstream whose voxel size could say what a section is") end
  local axis = self.shift_axis
  local sections = (self.total.shape[axis] + self.grid[axis] - 1) // self.grid[axis]
  self.shifts = self:draw(request.rng, sections, self.grid:totable())
  self:moves_graphs(request)
  for _, spec in request:items() do
    if spec.roi and not spec.roi.empty then
      local low, high = self:extremes(spec.roi)
      spec.roi = core.Roi(spec.roi.offset - high, spec.roi.shape + high - low)
    end
  end
  return request
end

-- ------------------------------------------------------------------------------------------------ shifting

-- The voxels of `roi` in sections first … last (voxels along shift_axis), which all shift by `shift`.
function ShiftAugment:piece(array, roi, high, first, last, shift)
  local index, channels, voxel_size = {}, array.data.ndim - self.dims, array.spec.voxel_size
  for c = 1, channels do index[c] = {} end
  for d = 1, self.dims do
    local begin = (high[d] - shift[d]) // voxel_size[d]
    index[channels + d] = { begin + 1, begin + roi.shape[d] // voxel_size[d] }
  end
  index[channels + self.shift_axis] = { first, last }
  return array.data[index]
end

function ShiftAugment:shift_array(array, roi)
  local axis, _, high = self.shift_axis, self:extremes(roi)
  local voxel, pieces, first = array.spec.voxel_size[axis], {}, 1
  local sections = roi.shape[axis] // voxel
  local function shift_at(section) return self.shifts[self:section(roi.begin[axis] + (section - 1) * voxel)] end
  for section = 1, sections do
    if section == sections or shift_at(section + 1) ~= shift_at(section) then
      pieces[#pieces + 1] = self:piece(array, roi, high, first, section, shift_at(section))
      first = section + 1
    end
  end
  return #pieces == 1 and pieces[1] or core.concatenate(pieces, array.data.ndim - self.dims + axis)
end

-- Nothing moves along shift_axis, so that a place is in the same section before and after.
local function shifted(self, place, sign)
  local shift, moved = self.shifts[self:section(place[self.shift_axis])], {}
  for d = 1, self.dims do moved[d] = place[d] + sign * shift[d] end
  return moved
end

function ShiftAugment:source_of(place) return shifted(self, place, -1) end
function ShiftAugment:destination_of(place) return shifted(self, place, 1) end

function ShiftAugment:shift_graph(graph, roi)
  local rows = graph:arrays():totable()
  for _, location in ipairs(rows) do
    local shift = self.shifts[self:section(location[self.shift_axis])]
    for d = 1, self.dims do location[d] = location[d] + shift[d] end
  end
  if #rows > 0 then graph = graph:with_locations(core.ndarray(rows, "float64")) end
  return graph:crop(roi)
end

function ShiftAugment:process(batch, request)
  if #self.shifts == 0 then return end
  for name, wanted in request:items() do
    local item = batch[name]
    if wanted.roi and not wanted.roi.empty then
      if item.data then
        item.data = self:shift_array(item, wanted.roi)
        item.spec.roi = wanted.roi
      else
        batch[name] = self:shift_graph(item, wanted.roi)
      end
    end
  end
end

return ShiftAugment
