--- RasterizeGraph: draws a graph into an array, as balls and tubes or as peaks. Original: gunpowder/nodes/rasterize_graph.py
--- (RasterizeGraph).
---
--- Nodes and edges are drawn as voxels and lines of voxels first; every voxel within the radius of such a one then takes its
--- value. A voxel depends only on what is near, so a ROI holds the same voxels whether it is requested alone or as a part. With a
--- mask, what is drawn in an object grows in that object.
local error = require("moondust.error").raise
local core = require "moondust.core"
local classes = require "moondust.class"
local Array = require "moondust.array"
local BatchFilter = require "moondust.filter"
local BatchRequest = require "moondust.request"
local RasterizationSettings = require "moondust.nodes.rasterization_settings"
local options = require "moondust.options"

---@class moondust.RasterizeGraph : moondust.BatchFilter
---@field graph moondust.GraphKey
---@field array moondust.ArrayKey
---@field array_spec moondust.ArraySpec?
---@field settings moondust.RasterizationSettings
---@overload fun(options: table): moondust.RasterizeGraph
local RasterizeGraph = classes.class("RasterizeGraph", BatchFilter)
RasterizeGraph.look_ahead = "dependencies"
RasterizeGraph.options = {
  { "graph", type = "graph_key", required = true, doc = "what to draw" },
  { "array", type = "array_key", required = true, doc = "what it is drawn into" },
  { "array_spec", type = "any", doc = "voxel_size (default: the mask's, else 1) and dtype (default uint8, peaks float32) of the array" },
  { "settings", type = "any", doc = "md.RasterizationSettings{ … }; default: balls of radius 1" },
}

local PEAK_REACH = 4 -- sigmas

function RasterizeGraph:init()
  self.settings = self.settings or RasterizationSettings { 1 }
  if not classes.is_a(self.settings, RasterizationSettings) then
    error(("RasterizeGraph: 'settings' must be md.RasterizationSettings{ … }, not %s"):format(options.describe(self.settings)), 3)
  end
  self.array_spec = self.array_spec or core.ArraySpec {}
  if options.class_name_of(self.array_spec) ~= "moondust.ArraySpec" then
    error(("RasterizeGraph: 'array_spec' must be md.ArraySpec{ … }, not %s"):format(options.describe(self.array_spec)), 3)
  end
end

-- ------------------------------------------------------------------------------------------------ setup

local function ones(dims)
  local entries = {}
  for d = 1, dims do entries[d] = 1 end
  return core.Coordinate(entries)
end

-- 0 and 1 become bg_value and fg_value by floating-point arithmetic; beyond its precision they would become others.
local function check_blending(self, dtype)
  local fg, bg = self.settings.fg_value, self.settings.bg_value
  if (fg == 1 and bg == 0) or self.settings.color_attr then return end
  local drawn = core.kernel.scale_shift(core.zeros({ 1 }, dtype):fill(1), fg - bg, bg)[1]
  local wanted = core.zeros({ 1 }, dtype):fill(fg)[1]
  local rounding = dtype:find "^float" and 1e-6 * math.max(math.abs(fg), 1) or 0
  local background = core.kernel.scale_shift(core.zeros({ 1 }, dtype), fg - bg, bg)[1]
  if drawn == wanted and background == bg or rounding > 0 and math.abs(drawn - wanted) <= rounding then return end
  self:fail({ key = self.array }, "fg_value %s and bg_value %s: what is drawn is blended as a number, which is exact to 2^53; take smaller ones", fg, bg)
end

local function check_values(self, dtype)
  local settings = self.settings
  if settings.mode == "peak" and not dtype:find "^float" then
    self:fail({ key = self.array }, "peaks have values between 0 and 1, %s is %s; give it a float dtype", self.array, dtype)
  end
  for _, name in ipairs { "fg_value", "bg_value" } do
    local held = core.zeros({ 1 }, dtype):fill(settings[name])[1]
    if held ~= settings[name] and not dtype:find "^float" then
      self:fail({ key = self.array }, "%s %s doesn't fit %s, the dtype of %s", name, settings[name], dtype, self.array)
    end
    if dtype == "uint64" and held < 0 then
      self:fail({ key = self.array }, "%s %s: what is drawn is blended as a number, and no id from 2^63 on can be; take a smaller one", name, settings[name])
    end
  end
  check_blending(self, dtype)
end

-- Whether a source upstream may have edges.
local function may_have_edges(provider, key)
  if not provider.spec[key] then return false end
  if #provider.upstream_providers == 0 then return not provider.only_points end
  for _, upstream in ipairs(provider.upstream_providers) do
    if may_have_edges(upstream, key) then return true end
  end
  return false
end

function RasterizeGraph:setup()
  self:enable_autoskip()
  self.lines = self.settings.edges and may_have_edges(self:get_upstream_provider(), self.graph)
  local roi, spec = self:need(self.graph).roi, self.array_spec:copy()
  if not roi then self:fail({ key = self.graph }, "%s has no ROI to draw in", self.graph) end
  local mask = self.settings.mask and self:need(self.settings.mask)
  spec.voxel_size = spec.voxel_size or mask and mask.voxel_size or ones(roi.dims)
  if spec.voxel_size.dims ~= roi.dims then
    self:fail({ key = self.array }, "voxel size %s has %d axes, %s has %d", spec.voxel_size, spec.voxel_size.dims, self.graph, roi.dims)
  end
  if mask and mask.voxel_size ~= spec.voxel_size then
    self:fail({ key = self.settings.mask }, "the mask %s has voxel size %s, %s has %s; they must be the same", self.settings.mask, mask.voxel_size, self.array,
      spec.voxel_size)
  end
  self.radii = self.settings:radii(roi.dims)
  if not self.radii then self:fail("radius has %d entries, %s has %d axes", #self.settings.radius, self.graph, roi.dims) end
  spec.dtype = spec.dtype or self.settings.mode == "peak" and "float32" or "uint8"
  check_values(self, spec.dtype)
  if mask then roi = roi:intersect(mask.roi) end
  spec.roi = roi:snap_to_grid(spec.voxel_size, "shrink")
  if spec.roi.empty then self:fail({ key = self.array, roi = roi }, "ROI %s holds no whole voxel of %s", roi, spec.voxel_size) end
  self:provides(self.array, spec)
end

-- ------------------------------------------------------------------------------------------------ requests

-- The line of an edge goes from voxel to voxel, up to half a voxel beside the edge: one that passes by must be known too. Not where
-- there are but points: places are drawn by how much is asked for, and are upstream's then.
local function context_along(self, reach, voxel)
  local context = math.ceil(reach)
  return self.lines and math.max(context, reach // voxel * voxel + (voxel + 1) // 2) or context
end

function RasterizeGraph:prepare(request)
  local context = {}
  local voxel_size = self.spec[self.array].voxel_size
  for d, radius in ipairs(self.radii) do
    context[d] = math.tointeger(context_along(self, self.settings.mode == "peak" and PEAK_REACH * radius or radius, voxel_size[d]))
  end
  local roi = request[self.array].roi:grow(context):intersect(self.spec[self.graph].roi)
  local dependencies = BatchRequest {}
  dependencies[self.graph] = core.GraphSpec { roi = roi }
  self.box = roi:snap_to_grid(voxel_size)
  local mask = self.settings.mask
  if mask then
    self.box = self.box:intersect(self.spec[mask].roi)
    dependencies[mask] = core.ArraySpec { roi = self.box }
  end
  return dependencies
end

-- Draws and grows; `own` (uint8): the object that what is drawn must begin in and stay in.
local function grow(self, drawn, own)
  local voxel_size, settings = self.spec[self.array].voxel_size, self.settings
  local dtype = drawn.dtype
  if own then drawn = (drawn * own):astype(dtype) end
  local grown
  if settings.mode == "peak" then
    grown = core.kernel.grow_peaks(drawn, voxel_size, self.radii, dtype)
  else
    grown = core.kernel.grow_balls(drawn, voxel_size, self.radii, settings.inner_radius_fraction)
  end
  return own and (grown * own):astype(dtype) or grown
end

local function grow_in_objects(self, drawn, labels)
  local spec = self.spec[self.array]
  if labels.ndim ~= spec.roi.dims then
    self:fail({ key = self.settings.mask }, "the mask %s has %d axes, %d are wanted: labels without channels", self.settings.mask, labels.ndim, spec.roi.dims)
  end
  local total = core.zeros(drawn.shape, drawn.dtype)
  for _, label in ipairs((labels * drawn:ne(0)):unique():totable()) do
    if label ~= 0 then total = total + grow(self, drawn, labels:eq(label)) end
  end
  return total
end

-- 0 and 1 become bg_value and fg_value; colours stay as they are.
local function recolor(self, data)
  local fg, bg = self.settings.fg_value, self.settings.bg_value
  if fg == 1 and bg == 0 then return data end
  if not self.settings.color_attr then return core.kernel.scale_shift(data, fg - bg, bg) end
  return bg == 0 and data or data + data:eq(0):astype(data.dtype) * bg
end

function RasterizeGraph:process(batch, request)
  local settings, spec, graph = self.settings, self.spec[self.array]:copy(), batch[self.graph]
  local data = core.kernel.draw_graph(graph, self.box, spec.voxel_size, spec.dtype, settings.edges, settings.color_attr)
  if settings.mask then
    data = grow_in_objects(self, data, batch[settings.mask].data)
  else
    data = grow(self, data)
  end
  spec.roi = self.box
  batch[self.array] = Array { recolor(self, data), spec }:crop(request[self.array].roi)
end

return RasterizeGraph
