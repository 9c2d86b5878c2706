--- Pad (gunpowder pad.py): a key can be requested beyond where it is; what lies outside is a constant or a reflection.
local error = require("moondust.error").raise
local core = require "moondust.core"
local class = require("moondust.class").class
local geometry = require "moondust.geometry"
local key = require "moondust.key"
local BatchFilter = require "moondust.filter"

---@class moondust.Pad : moondust.BatchFilter
local Pad = class("Pad", BatchFilter)
Pad.look_ahead = "dependencies"

Pad.options = {
  { "key", type = "key", required = true, doc = "array or graph to pad" },
  { "size", type = "coordinate", doc = "world units added on both sides of each axis; without: no end" },
  { "mode", type = "string", default = "constant", doc = "\"constant\" or \"reflect\" (the edge itself is not repeated)" },
  { "value", type = "number|id", default = 0, doc = "what stands in a constant padding; an id from 2^63 on as 0xffffffffffffffff or \"18446744073709551615\"" },
}

function Pad:init()
  if self.mode ~= "constant" and self.mode ~= "reflect" then
    error(("Pad: 'mode' must be \"constant\" or \"reflect\", not %q"):format(self.mode), 3)
  end
  self.size = self.size and core.Coordinate(self.size)
end

function Pad:setup()
  self:enable_autoskip()
  local spec = self:need(self.key):copy()
  local roi = spec.roi
  if not roi then self:fail({ key = self.key }, "%s has no ROI to pad", self.key) end
  if self.size and self.size.dims ~= roi.dims then
    self:fail({ key = self.key, roi = roi }, "size %s has %d axes, %s has %d", self.size, self.size.dims, self.key, roi.dims)
  end
  self:check_value(spec)
  if self.size then
    self:check_size_on_grid(spec)
    spec.roi = roi:grow(self.size, self.size)
  else
    spec.roi = geometry.endless(roi.dims)
  end
  self:updates(self.key, spec)
end

function Pad:check_size_on_grid(spec)
  local voxel_size = key.is_array_key(self.key) and spec.voxel_size
  for d = 1, voxel_size and self.size.dims or 0 do
    if self.size[d] % voxel_size[d] ~= 0 then
      self:fail({ key = self.key }, "size %s is not a multiple of %s's voxel size %s on axis %d", self.size, self.key, voxel_size, d)
    end
  end
end

function Pad:check_value(spec)
  local dtype = key.is_array_key(self.key) and spec.dtype
  if not dtype then return end
  local ok = pcall(core.kernel.pad, core.zeros({ 1 }, dtype), { 1 }, { 1 }, "constant", self.value)
  -- The kernel rounds a fraction to the nearest whole number, which would be another label.
  local fraction = not dtype:find "^float" and type(self.value) == "number" and self.value % 1 ~= 0
  if not ok or fraction then
    self:fail({ key = self.key }, "value %s doesn't fit %s, which is %s", self.value, self.key, dtype)
  end
end

function Pad:prepare(request)
  local there = self:get_upstream_provider().spec[self.key].roi
  local inside = request[self.key].roi:intersect(there)
  if inside.empty then inside = core.Roi(there.offset, there.shape * 0) end -- a valid request for nothing
  request[self.key].roi = inside
  return request:only(self.key)
end

function Pad:process(batch, request)
  local wanted = request[self.key].roi
  if key.is_graph_key(self.key) then
    -- There is nothing outside: what leaves is cut there. The far ends of edges are as they would be in a larger request.
    local there = self:get_upstream_provider().spec[self.key].roi
    local graph = batch[self.key]:trim(there)
    local spec = graph.spec
    spec.roi = wanted
    graph.spec = spec
    batch[self.key] = graph:crop(wanted)
    return
  end
  local array = batch[self.key]
  array.data = self:expand(array, wanted)
  array.spec.roi = wanted
end

function Pad:expand(array, wanted)
  local there, voxel_size = array.spec.roi, array.spec.voxel_size
  if there == wanted then return array.data end
  local shape = array.data.shape
  local channels, size = #shape - wanted.dims, wanted.shape / voxel_size
  if there.empty then
    for d = 1, wanted.dims do shape[channels + d] = size[d] end
    if self.mode == "reflect" and not wanted.empty then
      self:fail({ key = self.key, roi = wanted }, "ROI %s lies outside of where %s is; there is nothing to reflect", wanted, self.key)
    end
    return core.zeros(shape, array.data.dtype):fill(self.value)
  end
  local below, above = (there.begin - wanted.begin) / voxel_size, (wanted.stop - there.stop) / voxel_size
  local before, after, any = {}, {}, false
  for axis = 1, #shape do
    before[axis] = axis > channels and below[axis - channels] or 0
    after[axis] = axis > channels and above[axis - channels] or 0
    any = any or before[axis] > 0 or after[axis] > 0
  end
  return any and core.kernel.pad(array.data, before, after, self.mode, self.value) or array.data
end

return Pad
