--- SimpleAugment (gunpowder simple_augment.py): mirrors and transposes everything in a batch together.
---
--- All ROIs are mirrored about the whole request's box and transposed about its centre (both on the grid that all voxel sizes
--- share), so that a batch is asked for where it will fit once turned; arrays are turned as views. Vectors in channels
--- (affinities, gradients) are not re-oriented: make such targets after this node.
local core = require "moondust.core"
local class = require("moondust.class").class
local BatchFilter = require "moondust.filter"

---@class moondust.SimpleAugment : moondust.BatchFilter
local SimpleAugment = class("SimpleAugment", BatchFilter)
SimpleAugment.look_ahead = "each"

SimpleAugment.options = {
  { "mirror_only", type = "table", doc = "spatial axes, counted from 1, that may be mirrored; {}: none; default: all" },
  { "transpose_only", type = "table", doc = "spatial axes, counted from 1, that may change places; {}: none; default: all" },
  { "mirror_probs", type = "numbers", doc = "probability of mirroring each spatial axis; default: 0.5" },
  { "transpose_probs", type = "table",
    doc = "a probability for each axis of leaving its place, or a list of { permutation, probability }; default: every permutation equally likely" },
  { "p", type = "probability", default = 1, doc = "probability that a batch is changed" },
}

-- ------------------------------------------------------------------------------------------------ what may happen

local function contains(list, item)
  for _, other in ipairs(list) do if other == item then return true end end
  return false
end

-- Every order of 1 … n, the way itertools.permutations lists them.
local function permutations(n)
  local all = {}
  local function extend(prefix)
    if #prefix == n then all[#all + 1] = prefix end
    for axis = 1, n do
      if not contains(prefix, axis) then
        local longer = table.move(prefix, 1, #prefix, 1, {})
        longer[#longer + 1] = axis
        extend(longer)
      end
    end
  end
  extend {}
  return all
end

-- Only axes in `allowed` leave their places.
local function stays_within(permutation, allowed)
  for axis, from in ipairs(permutation) do
    if axis ~= from and not contains(allowed, axis) then return false end
  end
  return true
end

local function weigh_axes(permutation, probabilities)
  local weight = 1
  for axis, from in ipairs(permutation) do
    weight = weight * (axis == from and 1 - probabilities[axis] or probabilities[axis])
  end
  return weight
end

function SimpleAugment:weighted_permutations()
  local list, probabilities = {}, self.transpose_probs
  if type(probabilities[1]) == "number" then
    for _, permutation in ipairs(permutations(self.dims)) do
      local weight = stays_within(permutation, self.transpose_dims) and weigh_axes(permutation, probabilities) or 0
      if weight > 0 then list[#list + 1] = { permutation, weight } end
    end
  else
    for _, item in ipairs(probabilities) do
      if item[2] > 0 and stays_within(item[1], self.transpose_dims) then list[#list + 1] = item end
    end
  end
  if #list == 0 then self:fail("transpose_probs leaves no permutation that transpose_only allows") end
  return list
end

function SimpleAugment:check_axes(name, axes)
  local seen = {}
  for _, axis in ipairs(axes or {}) do
    if type(axis) ~= "number" or axis % 1 ~= 0 or axis < 1 or axis > self.dims then
      self:fail("%s names axis %s; spatial axes are counted from 1 to %d", name, axis, self.dims)
    elseif seen[axis] then
      self:fail("%s names axis %d twice", name, axis)
    end
    seen[axis] = true
  end
end

function SimpleAugment:check_probabilities(name, probabilities)
  if #probabilities ~= self.dims then self:fail("%s has %d entries, there are %d spatial axes", name, #probabilities, self.dims) end
  for axis, probability in ipairs(probabilities) do
    if type(probability) ~= "number" or not (probability >= 0 and probability <= 1) then
      self:fail("%s must be numbers from 0 to 1, not %s", name, probability, axis)
    end
  end
end

function SimpleAugment:check_permutation(i, item)
  local permutation, probability = table.unpack(type(item) == "table" and item or {}, 1, 2)
  if type(permutation) ~= "table" or type(probability) ~= "number" or not (probability >= 0 and probability < math.huge) then
    self:fail("transpose_probs[%d] must be a permutation and a probability, such as { {1, 3, 2}, 0.5 }", i)
  end
  self:check_axes(("transpose_probs[%d]"):format(i), permutation)
  if #permutation ~= self.dims then
    self:fail("transpose_probs[%d] has a permutation of %d axes, there are %d spatial axes", i, #permutation, self.dims)
  end
end

function SimpleAugment:check_transpose_probs()
  local probabilities = self.transpose_probs
  if not probabilities then return end
  if type(probabilities[1]) == "number" or #probabilities == 0 then
    self:check_probabilities("transpose_probs", probabilities)
  else
    for i, item in ipairs(probabilities) do self:check_permutation(i, item) end
  end
end

-- Axes that change places must be of one voxel size, or nothing would stay on the grid.
function SimpleAugment:check_voxel_sizes()
  for name, spec in self.spec:items() do
    local voxel_size = spec.voxel_size
    for _, axis in ipairs(voxel_size and self.transpose_dims or {}) do
      local first = self.transpose_dims[1]
      if voxel_size[axis] ~= voxel_size[first] then
        self:fail({ key = name }, "axes %d and %d of %s can't change places, their voxel sizes are %d and %d; name those that can in transpose_only",
          first, axis, name, voxel_size[first], voxel_size[axis])
      end
    end
  end
end

function SimpleAugment:setup()
  local total = self.spec:get_total_roi()
  if not total then self:fail("there is nothing with a ROI upstream that could be mirrored") end
  self.dims = total.dims
  self:check_axes("mirror_only", self.mirror_only)
  self:check_axes("transpose_only", self.transpose_only)
  if self.mirror_probs then self:check_probabilities("mirror_probs", self.mirror_probs) end
  self:check_transpose_probs()
  self.transpose_dims = self.transpose_only
  if not self.transpose_dims then
    self.transpose_dims = {}
    for axis = 1, self.dims do self.transpose_dims[axis] = axis end
  end
  self:check_voxel_sizes()
  self.choices = self.transpose_probs and self:weighted_permutations()
end

-- ------------------------------------------------------------------------------------------------ draws

function SimpleAugment:skip_node(request) return request.rng:exceeds(self.p) end

function SimpleAugment:draw_mirror(rng)
  local mirror, only, probabilities = {}, self.mirror_only, self.mirror_probs
  for axis = 1, self.dims do
    mirror[axis] = (not only or contains(only, axis)) and rng:random() < (probabilities and probabilities[axis] or 0.5)
  end
  return mirror
end

function SimpleAugment:draw_transpose(rng)
  local choices = self.choices
  if choices then
    local cumulative, sum = {}, 0
    for i, item in ipairs(choices) do
      sum = sum + item[2]
      cumulative[i] = sum
    end
    return choices[rng:choice_cumulative(cumulative)][1]
  end
  local transpose, allowed = {}, self.transpose_dims
  for axis = 1, self.dims do transpose[axis] = axis end
  for i, from in ipairs(rng:sample(#allowed, #allowed)) do transpose[allowed[i]] = allowed[from] end
  return transpose
end

-- ------------------------------------------------------------------------------------------------ boxes

local function is_in_order(permutation)
  for axis, from in ipairs(permutation) do
    if axis ~= from then return false end
  end
  return true
end

local function inverse(permutation)
  local back = {}
  for axis, from in ipairs(permutation) do back[from] = axis end
  return back
end

local function permuted(coordinate, permutation)
  local entries = {}
  for axis, from in ipairs(permutation) do entries[axis] = coordinate[from] end
  return core.Coordinate(entries)
end

-- `ends`: where the total box begins plus where it stops.
local function mirrored(roi, ends, mirror)
  local offset, begin, far = {}, roi.begin, ends - roi.stop
  for axis = 1, #begin do offset[axis] = mirror[axis] and far[axis] or begin[axis] end
  return core.Roi(offset, roi.shape)
end

local function transposed(roi, centre, permutation)
  return core.Roi(centre - permuted(centre - roi.offset, permutation), permuted(roi.shape, permutation))
end

-- The centre of a box, moved down onto the grid on which all arrays asked for lie.
local function grid_centre(roi, voxel_size)
  local centre = roi.center
  return voxel_size and centre - centre % voxel_size or centre
end

local function each_roi(request, change, ...)
  for _, spec in request:items() do
    local roi = spec.roi
    if roi then spec.roi = change(roi, ...) end
  end
end

function SimpleAugment:prepare(request)
  self.mirror, self.transpose = self:draw_mirror(request.rng), self:draw_transpose(request.rng)
  local total, grid = request:get_total_roi(), self:common_voxel_size(request)
  if not total then return request end
  self:moves_graphs(request)
  self.centre = grid_centre(total, grid)
  if not is_in_order(self.transpose) then
    each_roi(request, transposed, self.centre, inverse(self.transpose))
    total = request:get_total_roi()
  end
  -- A box that ends between voxels of some array would put the mirrored ROIs between them, too.
  self.total = grid and total:snap_to_grid(grid, "grow") or total
  if contains(self.mirror, true) then each_roi(request, mirrored, self.total.begin + self.total.stop, self.mirror) end
  return request
end

-- ------------------------------------------------------------------------------------------------ turning

function SimpleAugment:turn(data)
  local channels, transpose = data.ndim - self.dims, self.transpose
  for axis, flips in ipairs(self.mirror) do
    if flips then data = data:flip(channels + axis) end
  end
  if is_in_order(transpose) then return data end
  local order = {}
  for axis = 1, channels do order[axis] = axis end
  for axis, from in ipairs(transpose) do order[channels + axis] = channels + from end
  return data:transpose(table.unpack(order))
end

function SimpleAugment:source_box(roi)
  if not is_in_order(self.transpose) then roi = transposed(roi, self.centre, inverse(self.transpose)) end
  if contains(self.mirror, true) then roi = mirrored(roi, self.total.begin + self.total.stop, self.mirror) end
  return roi
end

function SimpleAugment:source_of(place)
  local source = {}
  for axis, from in ipairs(self.transpose) do source[from] = place[axis] - self.centre[axis] + self.centre[from] end
  for axis = 1, self.dims do
    if self.mirror[axis] then source[axis] = self.total.begin[axis] + self.total.stop[axis] - source[axis] end
  end
  return source
end

function SimpleAugment:destination_of(place)
  local upright, turned = {}, {}
  for axis = 1, self.dims do
    upright[axis] = self.mirror[axis] and self.total.begin[axis] + self.total.stop[axis] - place[axis] or place[axis]
  end
  for axis, from in ipairs(self.transpose) do turned[axis] = upright[from] - self.centre[from] + self.centre[axis] end
  return turned
end

function SimpleAugment:turn_graph(graph, roi)
  local by, flip, ends = {}, {}, self.total.begin + self.total.stop
  for axis, from in ipairs(self.transpose) do
    flip[axis] = self.mirror[from]
    by[axis] = self.centre[axis] - self.centre[from] + (flip[axis] and ends[from] or 0)
  end
  return graph:moved(roi, by, self.transpose, flip)
end

function SimpleAugment:process(batch, request)
  for name, wanted in request:items() do
    local item, roi = batch[name], wanted.roi
    if roi and item.data then
      item.data = self:turn(item.data)
      item.spec.roi = roi
    elseif roi then
      batch[name] = self:turn_graph(item, roi)
    end
  end
end

return SimpleAugment
