--- What ElasticAugment and DeformAugment share: a random transformation of a request (core.Transform), through which everything
--- in the batch is fetched.
---
--- A subclass sets `dims` (the last axes of all ROIs, those that are transformed) and `voxel_size` (the grid on which the box of a graph is found) in setup(), and draws:
---
---     function Some:draw(request, total)     the options of core.Transform, for a bounded ROI around all that is wanted
---
--- Each array is asked for in the box that its voxels are fetched from, linear if interpolatable, else nearest. Graph nodes move
--- the other way, so that a node stays on the voxel that it was on. Arrays of different voxel size stay in register, because
--- positions are those of voxel centres. ROIs may have more axes in front (time): these pass.
local core = require "moondust.core"
local class = require("moondust.class").class
local key = require "moondust.key"
local BatchFilter = require "moondust.filter"

---@class moondust.TransformFilter : moondust.BatchFilter
---@field dims integer
---@field voxel_size moondust.Coordinate
---@field transform moondust.Transform?  between prepare() and process()
---@field transform_key moondust.ArrayKey?  a key that the subclass makes itself
local TransformFilter = class("TransformFilter", BatchFilter)

-- ------------------------------------------------------------------------------------------------ axes

local function last(coordinate, count)
  local entries = coordinate:totable()
  return core.Coordinate(table.move(entries, #entries - count + 1, #entries, 1, {}))
end

--- The part of a ROI that is transformed.
---@param roi moondust.Roi
---@return moondust.Roi
function TransformFilter:spatial(roi)
  if roi.dims == self.dims then return roi end
  if roi.dims < self.dims then self:fail({ roi = roi }, "ROI %s has %d axes, %d are to be transformed", roi, roi.dims, self.dims) end
  return core.Roi(last(roi.offset, self.dims), last(roi.shape, self.dims))
end

-- `roi` with another such part.
local function with_spatial(roi, part)
  if roi.dims == part.dims then return part end
  local offset, shape, lead = roi.offset:totable(), roi.shape:totable(), roi.dims - part.dims
  for axis = 1, part.dims do offset[lead + axis], shape[lead + axis] = part.offset[axis], part.shape[axis] end
  return core.Roi(offset, shape)
end

function TransformFilter:spatial_voxel_size(name)
  local known = self.spatial_voxel_sizes[name]
  if not known then
    known = self.spec[name].voxel_size
    if known.dims ~= self.dims then known = last(known, self.dims) end
    self.spatial_voxel_sizes[name] = known
  end
  return known
end

function TransformFilter:connect(upstream)
  BatchFilter.connect(self, upstream)
  self.spatial_voxel_sizes = {}
end

--- The finest voxel size along each of the last `dims` axes of the arrays upstream (nil: all axes, which all arrays must agree
--- on); nil without arrays.
---@param dims integer?
---@return moondust.Coordinate?
function TransformFilter:finest_voxel_size(dims)
  local finest
  for name, spec in self.spec:items() do
    local voxel_size = key.is_array_key(name) and spec.voxel_size
    if voxel_size then
      local entries = (dims and last(voxel_size, dims) or voxel_size):totable()
      if finest and #entries ~= finest.dims then
        self:fail({ key = name }, "%s has %d spatial axes, others have %d", name, #entries, finest.dims)
      end
      for axis = 1, finest and #entries or 0 do entries[axis] = math.min(entries[axis], finest[axis]) end
      finest = core.Coordinate(entries)
    end
  end
  return finest
end

-- ------------------------------------------------------------------------------------------------ draws

--- Displacements (axes, control points) float32 in world units, drawn axis by axis from NumPy's stream; nil when nothing is
--- displaced.
---@param rng moondust.Rng
---@param points integer[]  control points along each axis
---@param sigmas number[]   standard deviation along each axis; 0 draws nothing
---@return moondust.ndarray?
function TransformFilter.draw_displacement(rng, points, sigmas) return rng:np_displacement(sigmas, points) end

--- The unit matrix of `dims` axes, times `factor`.
---@param dims integer
---@param factor number?
---@return number[][]
function TransformFilter.unit_matrix(dims, factor)
  local matrix = {}
  for row = 1, dims do
    matrix[row] = {}
    for column = 1, dims do matrix[row][column] = row == column and (factor or 1) or 0 end
  end
  return matrix
end

--- The rotation of `dims` axes that turns those named as `turn` says, and leaves the others.
---@param dims integer
---@param axes integer[]
---@param turn number[][]  as many rows and columns as there are axes
---@return number[][]
function TransformFilter.rotation_of(dims, axes, turn)
  local matrix = TransformFilter.unit_matrix(dims)
  for i, row in ipairs(axes) do
    for j, column in ipairs(axes) do matrix[row][column] = turn[i][j] end
  end
  return matrix
end

--- Turning by `angle` in a plane, as upstream has it.
---@param angle number
---@return number[][]
function TransformFilter.turn(angle)
  local sine, cosine = math.sin(angle), math.cos(angle)
  return { { cosine, sine }, { -sine, cosine } }
end

--- What is wrong with a list of axes to rotate, or nil.
---@param axes integer[]
---@param dims integer  axes there are
---@param most integer  the most that can be rotated
---@return string?
function TransformFilter.axes_fault(axes, dims, most)
  local seen = {}
  if #axes < 2 or #axes > most then
    return ("'rotation_axes' wants %s axes, there are %d"):format(most == 2 and "two" or "two or three", #axes)
  end
  for _, axis in ipairs(axes) do
    if axis % 1 ~= 0 or axis < 1 or axis > dims then
      return ("'rotation_axes' has %s; there are spatial axes 1 to %d"):format(axis, dims)
    end
    if seen[axis] then return ("'rotation_axes' has axis %d twice"):format(axis) end
    seen[axis] = true
  end
end

-- ------------------------------------------------------------------------------------------------ boxes

local SURELY_THERE = 1 << 26 -- bytes; any machine has more, and asking how much is a call into the system

--- Refuses a ROI whose field no machine of this size can hold: it is looked at voxel by voxel, for graphs too, which no check of
--- array sizes has seen.
---@param master moondust.Roi
function TransformFilter:check_size(master)
  local voxels, shape, voxel_size = 1, master.shape, self.voxel_size
  for axis = 1, #shape do voxels = voxels * (shape[axis] / voxel_size[axis]) end
  local memory = voxels > SURELY_THERE and core.physical_memory()
  if memory and voxels > memory then
    self:fail({ roi = master }, "the request spans %.0f voxels of %s, more than this machine has bytes (%.0f); ask for a smaller ROI", voxels,
      self.voxel_size, memory)
  end
end

--- How far from its centre a voxel may reach after the matrix, in whole voxels along each axis.
local function reach(matrix, voxel_size)
  local margin = {}
  for row = 1, voxel_size.dims do
    local half = 0
    for column = 1, voxel_size.dims do
      half = half + math.abs(matrix and matrix[row][column] or (row == column and 1 or 0)) * voxel_size[column] / 2
    end
    margin[row] = math.max(1, math.ceil(half / voxel_size[row] - 1e-9)) * voxel_size[row]
  end
  return core.Coordinate(margin)
end

-- Where the nodes of a graph that end up in `roi` may come from: more than voxel centres say.
local function graph_source(self, roi, matrix)
  if self.quirks then return roi end -- upstream leaves graphs where they are
  local margin = reach(matrix, self.voxel_size)
  return self.transform:source_roi(roi:snap_to_grid(self.voxel_size, "grow"), self.voxel_size):grow(margin, margin)
end

-- Where the voxels of arrays come from. Labels and their mask mostly share ROI and voxel size, and the box takes a walk over the field; `known` has those found so far.
local function array_source(self, known, roi, voxel_size)
  for _, it in ipairs(known) do
    if it.roi == roi and it.voxel_size == voxel_size then return it.source end
  end
  local source = self.transform:source_roi(roi, voxel_size)
  known[#known + 1] = { roi = roi, voxel_size = voxel_size, source = source }
  return source
end

--- Makes the transformation for all that is wanted, and asks for where it comes from.
---@param request moondust.BatchRequest
function TransformFilter:transform_request(request)
  local total
  for _, spec in request:items() do
    local roi = spec.roi
    if roi then
      local part = self:spatial(roi)
      total = total and total:union(part) or part
    end
  end
  if not total then return end
  if total.unbounded then self:fail({ roi = total }, "a request without end, %s, can't be transformed", total) end
  local made = request:keep(self, self.make_transform, request, total)
  self.transform = made.transform
  if not self.quirks then self:moves_graphs(request) end
  for name, roi in pairs(made.rois) do request[name].roi = roi end
end

local function close_transform(made) made.transform:close() end

-- The transformation, and where each key comes from.
function TransformFilter:make_transform(request, total)
  local options, rois = self:draw(request, total), {}
  self.transform = core.Transform(options)
  local known = {}
  for name, spec in request:items() do
    local roi = spec.roi
    if roi and name ~= self.transform_key then
      local part = self:spatial(roi)
      rois[name] = with_spatial(roi, key.is_array_key(name) and array_source(self, known, part, self:spatial_voxel_size(name))
        or graph_source(self, part, options.rotation))
    end
  end
  return { transform = self.transform, rois = rois, close = close_transform }
end

-- ------------------------------------------------------------------------------------------------ voxels and nodes

-- The locations of all nodes as they will be, and which of them there are.
local function invert(self, locations)
  local lead = locations.shape[2] - self.dims
  if lead == 0 then return self.transform:invert(locations) end
  local axes = { {}, { lead + 1, lead + self.dims } }
  local moved, converged = self.transform:invert(locations[axes])
  local all = locations:copy()
  all[axes] = moved
  return all, converged
end

-- `place` with its spatial axes changed.
local function with_moved(self, place, change)
  local lead, part = #place - self.dims, {}
  for axis = 1, self.dims do part[axis] = place[lead + axis] end
  part = change(part)
  return part and table.move(part, 1, self.dims, lead + 1, table.move(place, 1, lead, 1, {}))
end

function TransformFilter:source_of(place)
  return with_moved(self, place, function(part) return self.transform:map(part) end)
end

function TransformFilter:destination_of(place)
  return with_moved(self, place, function(part)
    local moved, converged = self.transform:invert(core.ndarray({ part }, "float64"))
    return converged[{ 1 }] ~= 0 and moved:totable()[1] or nil
  end)
end

local function move_graph(self, graph, roi)
  local locations, ids = graph:arrays()
  if ids.size > 0 and not self.quirks then
    local moved, converged = invert(self, locations)
    local source = graph.spec.roi
    local is_inside = {}
    for i, location in ipairs(locations:totable()) do is_inside[i] = source:contains(location) end
    graph = graph:with_locations(moved)
    -- The far end of an edge may stay where the search for its place has ended, as long as that is outside.
    for i, ok in ipairs(converged:totable()) do
      local id = ids[{ i }]
      if ok == 0 and (is_inside[i] or roi:contains(graph:node(id).location)) then graph:remove_node(id) end
    end
  end
  return graph:crop(roi)
end

-- Whether two arrays come from the same places. Interpolated ones stay by themselves: they may still have to be scaled, which is done on
-- the way.
local function alike(a, b)
  return not a.interpolate and not b.interpolate and a.dtype == b.dtype and a.from == b.from and a.to == b.to and a.voxel_size == b.voxel_size
end

-- The group that an array belongs to, `own` itself if there is none yet.
local function join(groups, own)
  for _, group in ipairs(groups) do
    if alike(group, own) then return group end
  end
  groups[#groups + 1] = own
  return own
end

-- Arrays by what they have in common: the box they come from, that they fill, voxel size and dtype.
local function groups_of(self, batch, request)
  local groups = {}
  for name, wanted in request:items() do
    local item = batch[name]
    if wanted.roi and name ~= self.transform_key and item.data then
      local group = join(groups, {
        from = self:spatial(item.spec.roi), to = self:spatial(wanted.roi), voxel_size = self:spatial_voxel_size(name),
        interpolate = self.spec[name].interpolatable == true, dtype = item.data.dtype, items = {}, rois = {},
      })
      group.items[#group.items + 1], group.rois[#group.rois + 1] = item, wanted.roi
    end
  end
  return groups
end

local function sample(transform, group)
  local items = group.items
  if #items == 1 then
    items[1].data = transform:sample(items[1].data, group.from, group.to, group.voxel_size, group.interpolate)
  else
    local list = {}
    for i, item in ipairs(items) do list[i] = item.data end
    for i, made in ipairs(transform:sample_all(list, group.from, group.to, group.voxel_size, group.interpolate)) do items[i].data = made end
  end
  for i, item in ipairs(items) do item.spec.roi = group.rois[i] end
end

function TransformFilter:process(batch, request)
  local transform = self.transform
  if not transform then return end
  for _, group in ipairs(groups_of(self, batch, request)) do sample(transform, group) end
  for name, wanted in request:items() do
    local item = batch[name]
    if wanted.roi and name ~= self.transform_key and not item.data then batch[name] = move_graph(self, item, wanted.roi) end
  end
  if not request.look then transform:close() end -- a look may have to come again
  self.transform = nil
end

return TransformFilter
