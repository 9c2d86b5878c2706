--- ElasticAugment (dacapo.gp elastic_augment_fuse.py): one random deformation and rotation for everything in a batch, in world
--- units.
---
--- Control points on a grid are displaced independently, space between them follows by cubic B-splines, then everything is
--- rotated about the centre of the request. The node asks upstream for the box that the transformed one needs, and fetches each
--- voxel from there: linear for interpolatable arrays, nearest for others. Graph nodes move along. Arrays of different voxel size
--- stay in register, because positions are those of voxel centres.
---
--- quirks = true is upstream's arithmetic as it stands (positions of lower corners, context short by a voxel at upper faces), for
--- comparison with its figures.
local error = require("moondust.error").raise
local core = require "moondust.core"
local class = require("moondust.class").class
local geometry = require "moondust.geometry"
local TransformFilter = require "moondust.nodes.transform_filter"

---@class moondust.ElasticAugment : moondust.TransformFilter
local ElasticAugment = class("ElasticAugment", TransformFilter)
ElasticAugment.look_ahead = "each"

ElasticAugment.options = {
  { "control_point_spacing", type = "numbers", required = true, doc = "distance between control points, voxels an axis" },
  { "control_point_displacement_sigma", type = "numbers", required = true, doc = "standard deviation of their displacement, world units an axis" },
  { "rotation_interval", type = "numbers", required = true, doc = "two angles in radians between which the rotation in the plane of two axes is drawn" },
  { "subsample", type = "integer", default = 1, doc = "make the deformation on a grid coarser by this factor and interpolate linearly between" },
  { "augmentation_probability", type = "probability", default = 1, doc = "probability that a batch is changed" },
  { "seed", type = "integer", doc = "for tests: draw from a stream of this seed, the same deformation for every request" },
  { "uniform_3d_rotation", type = "boolean", default = false, doc = "a uniformly random rotation in 3-d instead; rotation_interval is not used" },
  { "quirks", type = "boolean", default = false, doc = "upstream's arithmetic, faults included" },
  { "rotation_axes", type = "numbers", doc = "the two spatial axes, counted from 1, between which rotation_interval turns; default the last two" },
}

local MOST_SUBSAMPLE, SEEDS = 1 << 20, 1 << 32

-- What is wrong with the options, or nil.
local function fault(self)
  local function any(list, bad)
    for axis = 1, #list do
      if bad(list[axis]) then return true end
    end
  end
  if #self.rotation_interval ~= 2 then return "'rotation_interval' wants two angles, {low, high}" end
  if self.uniform_3d_rotation and self.rotation_axes then
    return "'rotation_axes' and 'uniform_3d_rotation' exclude each other"
  end
  if any(self.rotation_interval, function(angle) return math.abs(angle) == math.huge end) then
    return "'rotation_interval' must be finite"
  end
  if self.subsample < 1 or self.subsample > MOST_SUBSAMPLE then
    return ("'subsample' must be from 1 to %d, not %d"):format(MOST_SUBSAMPLE, self.subsample)
  end
  if self.seed and (self.seed < 0 or self.seed >= SEEDS) then
    return ("'seed' must be from 0 to 4294967295, not %d"):format(self.seed)
  end
  if any(self.control_point_spacing, function(spacing) return spacing <= 0 end) then
    return "'control_point_spacing' must be positive on each axis"
  end
  if any(self.control_point_displacement_sigma, function(sigma) return sigma < 0 or sigma == math.huge end) then
    return "'control_point_displacement_sigma' must be finite and not negative"
  end
end

function ElasticAugment:init()
  local message = fault(self)
  if message then error("ElasticAugment: " .. message, 3) end
end

function ElasticAugment:setup()
  local finest = self:finest_voxel_size()
  if not finest then self:fail("there is no array upstream whose voxel size could make the grid of control points") end
  self.voxel_size, self.dims = finest, finest.dims
  self:check_ranks(finest.dims)
end

function ElasticAugment:check_ranks(dims)
  for _, name in ipairs { "control_point_spacing", "control_point_displacement_sigma" } do
    if #self[name] ~= dims then self:fail("%s has %d entries, arrays have %d spatial axes", name, #self[name], dims) end
  end
  if self.uniform_3d_rotation and dims ~= 3 then self:fail("uniform_3d_rotation needs 3 spatial axes, there are %d", dims) end
  local turns = self.rotation_interval[1] ~= 0 or self.rotation_interval[2] ~= 0
  if dims == 1 and turns then self:fail("there is no rotation in one dimension; give rotation_interval = {0, 0}") end
  local message = self.rotation_axes and TransformFilter.axes_fault(self.rotation_axes, dims, 2)
  if message then self:fail(message) end
end

-- ------------------------------------------------------------------------------------------------ draws

function ElasticAugment:control_points(voxels)
  local points = {}
  for axis = 1, self.dims do points[axis] = math.max(1, geometry.round(voxels[axis] / self.control_point_spacing[axis])) end
  return points
end

function ElasticAugment:draw_rotation(rng)
  if self.uniform_3d_rotation then return rng:np_rotation() end
  local low, high = self.rotation_interval[1], self.rotation_interval[2]
  local angle = rng:np_random() * (high - low) + low
  if angle == 0 then return nil end
  return TransformFilter.rotation_of(self.dims, self.rotation_axes or { self.dims - 1, self.dims }, TransformFilter.turn(angle))
end

function ElasticAugment:draw(request, total)
  local rng = self.seed and core.Rng(self.seed) or request.rng
  local master = total:snap_to_grid(self.voxel_size, "grow")
  self:check_size(master)
  local points = self:control_points(master.shape / self.voxel_size)
  return {
    roi = master, voxel_size = self.voxel_size, subsample = self.subsample, quirks = self.quirks,
    displacement = self.draw_displacement(rng, points, self.control_point_displacement_sigma), rotation = self:draw_rotation(rng),
  }
end

function ElasticAugment:prepare(request)
  self.transform = nil
  if request.rng:np_random() < self.augmentation_probability then self:transform_request(request) end
end

return ElasticAugment
