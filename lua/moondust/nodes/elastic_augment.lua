--- ElasticAugment (dacapo.gp elastic_augment_fuse.py): one random deformation and rotation for everything in a batch, in world units.
---
--- Control points on a grid are displaced independently, space between them follows by cubic B-splines, then everything is rotated about the centre of the request. The
--- node asks upstream for the box that the transformed one needs, and fetches each voxel from there: linear for interpolatable arrays, nearest for
--- others. Graph nodes move along. Arrays of different voxel size stay in register, because positions are those of voxel centres.
---
--- quirks = true is upstream's arithmetic as it stands (positions of lower corners, context short by a voxel at upper faces), for comparison with its figures.
local core = require "moondust.core"
local class = require("moondust.class").class
local key = require "moondust.key"
local BatchFilter = require "moondust.filter"

---@class moondust.ElasticAugment : moondust.BatchFilter
local ElasticAugment = class("ElasticAugment", BatchFilter)

ElasticAugment.options = {
  { "control_point_spacing", type = "numbers", required = true, doc = "distance between control points, voxels an axis" },
  { "control_point_displacement_sigma", type = "numbers", required = true, doc = "standard deviation of their displacement, world units an axis" },
  { "rotation_interval", type = "numbers", required = true, doc = "two angles in radians between which the rotation in the plane of the last two axes is drawn" },
  { "subsample", type = "integer", default = 1, doc = "make the deformation on a grid coarser by this factor and interpolate linearly between" },
  { "augmentation_probability", type = "probability", default = 1, doc = "probability that a batch is changed" },
  { "seed", type = "integer", doc = "for tests: draw from a stream of this seed, the same deformation for every request" },
  { "uniform_3d_rotation", type = "boolean", default = false, doc = "a uniformly random rotation in 3-d instead; rotation_interval is not used" },
  { "quirks", type = "boolean", default = false, doc = "upstream's arithmetic, faults included" },
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
  local finest
  for name, spec in self.spec:items() do
    local voxel_size = key.is_array_key(name) and spec.voxel_size
    if voxel_size then
      local entries = voxel_size:totable()
      if finest and #entries ~= finest.dims then
        self:fail({ key = name }, "%s has %d spatial axes, others have %d", name, #entries, finest.dims)
      end
      for axis = 1, finest and #entries or 0 do entries[axis] = math.min(entries[axis], finest[axis]) end
      finest = core.Coordinate(entries)
    end
  end
  if not finest then self:fail("there is no array upstream whose voxel size could make the grid of control points") end
  self.voxel_size = finest
  self:check_ranks(finest.dims)
end

function ElasticAugment:check_ranks(dims)
  for _, name in ipairs { "control_point_spacing", "control_point_displacement_sigma" } do
    if #self[name] ~= dims then self:fail("%s has %d entries, arrays have %d spatial axes", name, #self[name], dims) end
  end
  if self.uniform_3d_rotation and dims ~= 3 then self:fail("uniform_3d_rotation needs 3 spatial axes, there are %d", dims) end
  local turns = self.rotation_interval[1] ~= 0 or self.rotation_interval[2] ~= 0
  if dims == 1 and turns then self:fail("there is no rotation in one dimension; give rotation_interval = {0, 0}") end
end

-- ------------------------------------------------------------------------------------------------ draws

-- Python's round(): halves to even.
local function round(x)
  local below = math.floor(x)
  local rest = x - below
  if rest > 0.5 or rest == 0.5 and below % 2 == 1 then return below + 1 end
  return below
end

function ElasticAugment:draw_displacement(rng, voxels)
  local dims, points, wanted = self.voxel_size.dims, {}, false
  for axis = 1, dims do
    points[axis + 1] = math.max(1, round(voxels[axis] / self.control_point_spacing[axis]))
    wanted = wanted or self.control_point_displacement_sigma[axis] > 0
  end
  if not wanted then return nil end
  points[1] = dims
  local displacement = core.zeros(points, "float32")
  local size = table.move(points, 2, dims + 1, 1, {})
  for axis = 1, dims do
    local sigma = self.control_point_displacement_sigma[axis]
    if sigma > 0 then displacement[{ axis }] = rng:np_normals(0, sigma, size) end
  end
  return displacement
end

function ElasticAugment:draw_rotation(rng)
  if self.uniform_3d_rotation then return rng:np_rotation() end
  local low, high = self.rotation_interval[1], self.rotation_interval[2]
  local angle = rng:np_random() * (high - low) + low
  if angle == 0 then return nil end
  local dims, matrix = self.voxel_size.dims, {}
  for row = 1, dims do
    matrix[row] = {}
    for column = 1, dims do matrix[row][column] = row == column and 1 or 0 end
  end
  matrix[dims - 1][dims - 1], matrix[dims - 1][dims] = math.cos(angle), math.sin(angle)
  matrix[dims][dims - 1], matrix[dims][dims] = -math.sin(angle), math.cos(angle)
  return matrix
end

-- The field is looked at voxel by voxel, for graphs too, which no check of array sizes has seen.
function ElasticAugment:check_size(master)
  local voxels, memory = 1, core.physical_memory()
  for axis = 1, master.dims do voxels = voxels * (master.shape[axis] / self.voxel_size[axis]) end
  if voxels > memory then
    self:fail({ roi = master }, "the request spans %.0f voxels of %s, more than this machine has bytes (%.0f); ask for a smaller ROI", voxels,
      self.voxel_size, memory)
  end
end

function ElasticAugment:draw(request, total)
  local rng = self.seed and core.Rng(self.seed) or request.rng
  local master = total:snap_to_grid(self.voxel_size, "grow")
  self:check_size(master)
  local displacement = self:draw_displacement(rng, master.shape / self.voxel_size)
  return core.Transform {
    roi = master, voxel_size = self.voxel_size, displacement = displacement, rotation = self:draw_rotation(rng),
    subsample = self.subsample, quirks = self.quirks,
  }
end

-- ------------------------------------------------------------------------------------------------ boxes and voxels

-- Where the nodes of a graph that end up in `roi` may come from: a voxel more than voxel centres say.
function ElasticAugment:graph_source(roi)
  if self.quirks then return roi end -- upstream leaves graphs where they are
  local source = self.transform:source_roi(roi:snap_to_grid(self.voxel_size, "grow"), self.voxel_size)
  return source:grow(self.voxel_size, self.voxel_size)
end

function ElasticAugment:prepare(request)
  self.transform = nil
  local total = request:get_total_roi()
  if request.rng:np_random() >= self.augmentation_probability or not total then return nil end
  if total.unbounded then self:fail({ roi = total }, "a request without end, %s, can't be transformed", total) end
  self.transform = self:draw(request, total)
  for name, spec in request:items() do
    if spec.roi then
      spec.roi = key.is_array_key(name) and self.transform:source_roi(spec.roi, self.spec[name].voxel_size)
        or self:graph_source(spec.roi)
    end
  end
end

function ElasticAugment:move_graph(graph, roi)
  local locations, ids = graph:arrays()
  if ids.size > 0 and not self.quirks then
    local moved, converged = self.transform:invert(locations)
    graph = graph:with_locations(moved)
    for i, ok in ipairs(converged:totable()) do
      if ok == 0 then graph:remove_node(ids[{ i }]) end
    end
  end
  return graph:crop(roi)
end

function ElasticAugment:process(batch, request)
  local transform = self.transform
  if not transform then return end
  for name, wanted in request:items() do
    local item = batch[name]
    if wanted.roi and item.data then
      local spec = self.spec[name]
      item.data = transform:sample(item.data, item.spec.roi, wanted.roi, spec.voxel_size, spec.interpolatable == true)
      item.spec.roi = wanted.roi
    elseif wanted.roi then
      batch[name] = self:move_graph(item, wanted.roi)
    end
  end
  transform:close()
  self.transform = nil
end

return ElasticAugment
