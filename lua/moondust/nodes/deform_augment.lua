--- DeformAugment (gunpowder deform_augment.py): one random deformation, rotation and scaling for everything in a batch, in world
--- units.
---
--- Control points lie control_point_spacing apart, one in the middle of each cell of that grid, over the request and one cell
--- more on every side. Each is displaced
--- independently, space between them follows by cubic B-splines; then everything is rotated and scaled about the middle of that grid:
---
---     voxel p comes from   c + R (p - c) / scale + D(p)
---
--- The node asks upstream for the box that this needs, and fetches each voxel from there: linear for interpolatable arrays,
--- nearest for others. Graph nodes move along, exactly, by inverting the same formula. transform_key delivers where voxels came
--- from: (axes, spatial) float32, world units from the voxel's own centre, at a voxel size of control_point_spacing; zero for a
--- batch that `p` left alone.
local error = require("moondust.error").raise
local core = require "moondust.core"
local class = require("moondust.class").class
local Array = require "moondust.array"
local TransformFilter = require "moondust.nodes.transform_filter"

---@class moondust.DeformAugment : moondust.TransformFilter
local DeformAugment = class("DeformAugment", TransformFilter)
DeformAugment.look_ahead = "each"

DeformAugment.options = {
  { "control_point_spacing", type = "coordinate", required = true, doc = "distance between control points, world units an axis" },
  { "jitter_sigma", type = "numbers", required = true, doc = "standard deviation of their displacement, world units an axis" },
  { "scale_interval", type = "numbers", default = { 1, 1 }, doc = "two factors between which the scale is drawn; 2 makes things twice as large" },
  { "rotate", type = "boolean", default = true, doc = "rotate too, by any angle (2-d, or two rotation_axes) or uniformly (3-d)" },
  { "subsample", type = "integer", default = 1, doc = "deform on a grid coarser than the control points' by this factor and interpolate linearly between" },
  { "spatial_dims", type = "integer", default = 3, doc = "how many axes are spatial, the last ones; axes of a ROI before them pass" },
  { "use_fast_points_transform", type = "boolean", default = false, doc = "no effect: all nodes are moved at once and exactly" },
  { "recompute_missing_points", type = "boolean", default = true, doc = "no effect: no node is lost on a raster" },
  { "transform_key", type = "array_key", doc = "the key under which the displacement of each voxel is delivered" },
  { "graph_raster_voxel_size", type = "coordinate",
    doc = "the grid on which the box of a graph is found, world units; default the finest voxel size upstream, or control_point_spacing" },
  { "p", type = "probability", default = 1, doc = "probability that a batch is changed" },
  { "rotation_axes", type = "numbers", doc = "the two or three spatial axes, counted from 1, that are rotated; default all (in 4-d the last three)" },
}

local MOST_SUBSAMPLE = 1 << 20

local function any(list, bad)
  for axis = 1, #list do
    if bad(list[axis]) then return true end
  end
  return false
end

-- ------------------------------------------------------------------------------------------------ options

local function count_fault(self)
  local dims = #self.control_point_spacing
  for _, name in ipairs { "jitter_sigma", "graph_raster_voxel_size" } do
    if self[name] and #self[name] ~= dims then
      return ("'%s' has %d entries, 'control_point_spacing' has %d"):format(name, #self[name], dims)
    end
  end
  if dims > self.spatial_dims then
    return ("'control_point_spacing' has %d entries, 'spatial_dims' is %d"):format(dims, self.spatial_dims)
  end
  if self.rotate and dims == 1 then return "there is no rotation in one dimension; give rotate = false" end
  return self.rotation_axes and TransformFilter.axes_fault(self.rotation_axes, dims, 3)
end

-- What is wrong with the options, or nil.
local function fault(self)
  local function no_length(length) return math.type(length) ~= "integer" or length < 1 end
  for _, name in ipairs { "control_point_spacing", "graph_raster_voxel_size" } do
    if self[name] and any(self[name], no_length) then return ("'%s' must be at least 1 on each axis"):format(name) end
  end
  if any(self.jitter_sigma, function(sigma) return sigma < 0 or sigma == math.huge end) then
    return "'jitter_sigma' must be finite and not negative"
  end
  if #self.scale_interval ~= 2 then return "'scale_interval' wants two factors, {low, high}" end
  if any(self.scale_interval, function(scale) return scale <= 0 or scale == math.huge end) then
    return "'scale_interval' must be positive and finite"
  end
  if self.subsample < 1 or self.subsample > MOST_SUBSAMPLE then
    return ("'subsample' must be from 1 to %d, not %d"):format(MOST_SUBSAMPLE, self.subsample)
  end
  return count_fault(self)
end

function DeformAugment:init()
  self.control_point_spacing = core.Coordinate(self.control_point_spacing)
  self.graph_raster_voxel_size = self.graph_raster_voxel_size and core.Coordinate(self.graph_raster_voxel_size)
  local message = fault(self)
  if message then error("DeformAugment: " .. message, 3) end
  if self.rotation_axes then
    self.rotation_axes = table.move(self.rotation_axes, 1, #self.rotation_axes, 1, {})
    table.sort(self.rotation_axes)
  end
end

-- ------------------------------------------------------------------------------------------------ what is announced

-- All ROIs upstream together, their spatial axes.
local function upstream_roi(self)
  local total
  for name, spec in self.spec:items() do
    local roi = spec.roi
    if roi then
      local expected = math.min(self.spatial_dims, roi.dims)
      if expected ~= self.dims then
        self:fail({ key = name, roi = roi }, "control_point_spacing has %d entries, %s has %d spatial axes (spatial_dims is %d, its ROI has %d axes)", self.dims,
          name, expected, self.spatial_dims, roi.dims)
      end
      total = total and total:union(self:spatial(roi)) or self:spatial(roi)
    end
  end
  return total
end

function DeformAugment:setup()
  local spacing = self.control_point_spacing
  self.dims = spacing.dims
  local total = upstream_roi(self)
  self.voxel_size = self.graph_raster_voxel_size or self:finest_voxel_size(self.dims) or spacing
  if not self.transform_key then return end
  if not total then self:fail({ key = self.transform_key }, "%s has no ROI: nothing upstream has one", self.transform_key) end
  local roi = total:snap_to_grid(spacing, "shrink")
  if any(roi.shape:totable(), function(length) return length ~= core.unbounded and length <= 0 end) then
    self:fail({ key = self.transform_key, roi = total }, "%s can't be provided: no cell of control_point_spacing %s lies in %s, all that there is upstream",
      self.transform_key, spacing, total)
  end
  self:provides(self.transform_key, core.ArraySpec { roi = roi, voxel_size = spacing, interpolatable = true, dtype = "float32" })
end

-- ------------------------------------------------------------------------------------------------ draws

function DeformAugment:draw_rotation(rng)
  local axes, dims = self.rotation_axes, self.dims
  if not self.rotate then return TransformFilter.unit_matrix(dims) end
  if not axes then
    axes = {}
    for axis = math.max(1, dims - 2), dims do axes[#axes + 1] = axis end
  end
  local turn
  if #axes == 2 then turn = TransformFilter.turn(rng:random() * math.pi * 2) else turn = rng:np_rotation() end
  return TransformFilter.rotation_of(dims, axes, turn)
end

function DeformAugment:draw_matrix(rng, scale)
  local matrix = self:draw_rotation(rng)
  for _, row in ipairs(matrix) do
    for column = 1, #row do row[column] = row[column] / scale end
  end
  return matrix
end

function DeformAugment:draw(request, total)
  local rng, spacing = request.rng, self.control_point_spacing
  self:check_size(total)
  local master = total:snap_to_grid(spacing, "grow"):grow(spacing, spacing)
  local scale = self.scale_interval[1] + rng:random() * (self.scale_interval[2] - self.scale_interval[1])
  local displacement = self.draw_displacement(rng, (master.shape / spacing):totable(), self.jitter_sigma)
  return {
    roi = master, voxel_size = spacing, displacement = displacement, rotation = self:draw_matrix(rng, scale), subsample = self.subsample,
  }
end

-- ------------------------------------------------------------------------------------------------ a request

-- One that `p` leaves alone passes by, unless it wants to know how voxels moved.
function DeformAugment:skip_node(request)
  self.skips = request.rng:exceeds(self.p)
  return self.skips and not (self.transform_key and request[self.transform_key])
end

function DeformAugment:prepare(request)
  self.transform = nil
  if not self.skips then self:transform_request(request) end
end

function DeformAugment:displacement(roi)
  local spacing = self.control_point_spacing
  local data = self.transform and self.transform:displacement(roi, spacing)
    or core.zeros({ self.dims, table.unpack((roi.shape / spacing):totable()) }, "float32")
  return Array { data, core.ArraySpec { roi = roi, voxel_size = spacing, interpolatable = true, dtype = "float32" } }
end

function DeformAugment:process(batch, request)
  local wanted = self.transform_key and request[self.transform_key]
  if wanted then batch[self.transform_key] = self:displacement(wanted.roi) end
  return TransformFilter.process(self, batch, request)
end

return DeformAugment
