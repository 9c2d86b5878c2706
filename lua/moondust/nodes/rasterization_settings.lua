--- RasterizationSettings: how md.RasterizeGraph draws. Original: gunpowder/nodes/rasterize_graph.py (RasterizationSettings).
local error = require("moondust.error").raise
local class = require("moondust.class").class

--- Radii, colours and limits of what is drawn; a plain value, shared freely.
---@class moondust.RasterizationSettings
---@field radius number|number[]
---@field mode "ball"|"peak"
---@field mask moondust.ArrayKey?
---@field inner_radius_fraction number?
---@field fg_value number
---@field bg_value number
---@field edges boolean
---@field color_attr string?
---@overload fun(options: table): moondust.RasterizationSettings
local RasterizationSettings = class "RasterizationSettings"
RasterizationSettings.options = {
  { "radius", type = "number|numbers", required = true, doc = "of balls and tubes, or sigma of peaks; world units, one number or one an axis" },
  { "mode", type = "string", default = "ball", doc = "\"ball\", or \"peak\": exp(-d^2 / 2 sigma^2) around what is drawn; default \"ball\"" },
  { "mask", type = "array_key", doc = "labels: what is drawn at a node stays inside the object there, nodes on 0 are left out; default: none" },
  { "inner_radius_fraction", type = "number", doc = "balls are hollow up to this fraction of the radius, between 0 and 1; default: full" },
  { "fg_value", type = "number", default = 1, doc = "what is drawn (balls without color_attr); default 1" },
  { "bg_value", type = "number", default = 0, doc = "where nothing is drawn (balls); default 0" },
  { "edges", type = "boolean", default = true, doc = "edges are drawn as straight lines; default true" },
  { "color_attr", type = "string", doc = "the attribute of nodes and edges to draw instead of fg_value (balls); items without it are left out; default: none" },
}

local function refuse(format, ...) error(("RasterizationSettings: " .. format):format(...), 4) end

function RasterizationSettings:init()
  local radii = type(self.radius) == "number" and { self.radius } or self.radius
  for d = 1, #radii do
    if not (radii[d] > 0) or radii[d] == math.huge then refuse("'radius' must be positive, it is %s", radii[d]) end
  end
  if self.mode ~= "ball" and self.mode ~= "peak" then refuse("'mode' must be \"ball\" or \"peak\", not %q", self.mode) end
  local inner = self.inner_radius_fraction
  if inner and not (inner > 0 and inner < 1) then refuse("'inner_radius_fraction' must lie between 0 and 1, it is %s", inner) end
  if self.mode == "ball" then return end
  for _, name in ipairs { "inner_radius_fraction", "color_attr" } do
    if self[name] ~= nil then refuse("'%s' is for mode \"ball\" only", name) end
  end
  if self.fg_value ~= 1 or self.bg_value ~= 0 then refuse("'fg_value' and 'bg_value' are for mode \"ball\" only") end
end

--- The radius of each axis; nil where their number isn't `dims`.
---@param dims integer
---@return number[]?
function RasterizationSettings:radii(dims)
  local radii = {}
  if type(self.radius) == "number" or #self.radius == 1 then
    for d = 1, dims do radii[d] = type(self.radius) == "number" and self.radius or self.radius[1] end
    return radii
  end
  if #self.radius ~= dims then return nil end
  for d = 1, dims do radii[d] = self.radius[d] end
  return radii
end

return RasterizationSettings
