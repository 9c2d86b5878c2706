--- What is on show at a time: panes, points and timings of one batch or file, in one world frame.
---
--- Arrays with fewer spatial axes than others line up with them at their last ones: a (y, x) array is there at every z.
local class = require("moondust.class").class
local json = require "moondust.viewer.json"
local Pane = require "moondust.viewer.pane"
local Window = require "moondust.viewer.window"

---@class moondust.viewer.Points
---@field name string
---@field nodes number[][]    { z, y, x }, world units
---@field ids string[]
---@field edges integer[][]   pairs of positions in `nodes`, from 0
---@field total integer       nodes there are; more than #nodes where they are too many to draw

---@class moondust.viewer.Scene : moondust.Class
---@field number integer                  which batch, by seed or place in a file
---@field panes moondust.viewer.Pane[]
---@field points moondust.viewer.Points[]
---@field others string[]                 what has no place in the world, a line each
---@field timing table[]                  { node, method, seconds }, most expensive first
---@field seconds number                  how long it took to make
---@field fingerprint string?             of a batch's bytes
---@field close fun(self: moondust.viewer.Scene)
---@overload fun(fields: table): moondust.viewer.Scene
local Scene = class "Scene"

Scene.MAX_NODES = 100000
local NAMES = { "t", "z", "y", "x" }

function Scene:init(fields)
  self.panes, self.points, self.others, self.timing = {}, {}, {}, {}
  for name, value in pairs(fields) do self[name] = value end
  self.dims = 2
  for _, pane in ipairs(self.panes) do self.dims = math.max(self.dims, pane.dims) end
  for _, points in ipairs(self.points) do
    if points.nodes[1] then self.dims = math.max(self.dims, #points.nodes[1]) end
  end
end

-- The box around all panes, or around the points where there are no panes; along each axis also the finest voxel size.
local function frame(self)
  local axes = json.list {}
  for d = 1, self.dims do axes[d] = { name = NAMES[#NAMES - self.dims + d] or "axis " .. d } end
  local function include(axis, low, high, step)
    axis.begin, axis.stop = math.min(axis.begin or low, low), math.max(axis.stop or high, high)
    axis.step = math.min(axis.step or step, step)
  end
  for _, pane in ipairs(self.panes) do
    for d = 1, pane.dims do
      local low, size = pane.offset[d], pane.voxel_size[d]
      include(axes[self.dims - pane.dims + d], low, low + pane:length(d) * size, size)
    end
  end
  for _, points in ipairs(#self.panes == 0 and self.points or {}) do
    for _, node in ipairs(points.nodes) do
      for d, position in ipairs(node) do include(axes[self.dims - #node + d], position - 1, position + 1, 1) end
    end
  end
  for _, axis in ipairs(axes) do if not axis.begin then include(axis, 0, 1, 1) end end
  return axes
end

local function describe_pane(pane)
  local spatial = json.list {}
  for d = 1, pane.dims do spatial[d] = pane:length(d) end
  local ok, window = pcall(pane.window, pane)
  return {
    name = pane.name, dtype = pane.dtype, shape = json.list(pane.shape), lengths = spatial, channels = pane.channels, kind = pane.kind,
    voxel_size = json.list(pane.voxel_size), offset = json.list(pane.offset), note = not ok and tostring(window) or pane.note,
    window = ok and window or Window.unknown(),
  }
end

--- As the page is told it.
---@return table
function Scene:describe()
  local panes, points = json.list {}, json.list {}
  for i, pane in ipairs(self.panes) do panes[i] = describe_pane(pane) end
  for i, graph in ipairs(self.points) do points[i] = { name = graph.name, count = #graph.nodes, total = graph.total } end
  return {
    id = self.id, number = self.number, label = self.label, axes = frame(self), panes = panes, points = points,
    others = json.list(self.others), timing = json.list(self.timing), seconds = self.seconds, fingerprint = self.fingerprint,
    tile = Pane.TILE, max_level = Pane.MAX_LEVEL,
  }
end

--- Positions with as many axes as the scene, cut down to those that an array has.
---@param position number[]
---@param dims integer
---@return number[]
function Scene:trailing(position, dims) return table.move(position, self.dims - dims + 1, self.dims, 1, {}) end

--- What is at a world position: for each pane the voxel and its values, false outside.
---@param position number[]
---@return table
function Scene:values_at(position)
  local list = json.list {}
  for i, pane in ipairs(self.panes) do
    local voxel, values = pane:at(self:trailing(position, pane.dims), 16)
    list[i] = voxel and { voxel = json.list(voxel), values = json.list(values) } or false
  end
  return list
end

function Scene:close() end

return Scene
