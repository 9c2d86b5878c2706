--- What holds between a node and who asks it: requests against what was announced, batches against requests. Each check raises in the node's name.
---
--- The common case, that all is well, is one call to C an item; what is wrong is then found out in Lua, slowly and in words.
local core = require "moondust.core"
local is_a = require("moondust.class").is_a
local key = require "moondust.key"
local options = require "moondust.options"
local Batch = require "moondust.batch"

local M = {}

local function check_array_grid(self, name, wanted, offered)
  local roi, voxel_size = wanted.roi, offered.voxel_size
  if wanted.voxel_size and voxel_size and wanted.voxel_size ~= voxel_size then
    self:fail({ key = name, roi = roi }, "%s is wanted at voxel size %s, it is offered at %s", name, wanted.voxel_size, voxel_size)
  end
  if not voxel_size or not roi then return end
  for d = 1, roi.dims do
    local what = roi.shape[d] ~= core.unbounded and roi.shape[d] % voxel_size[d] ~= 0 and "shape"
      or roi.offset[d] ~= core.unbounded and roi.offset[d] % voxel_size[d] ~= 0 and "begin"
    if what then
      self:fail({ key = name, roi = roi },
        "the %s of %s's ROI %s is not a multiple of the voxel size %s on axis %d; roi:snap_to_grid{%s} makes it one",
        what, name, roi, voxel_size, d, table.concat(voxel_size:totable(), ", "))
    end
  end
end

local function check_roi(self, name, wanted, offered)
  local roi = wanted.roi
  if not offered.roi then return end
  if not roi then self:fail({ key = name }, "%s is wanted without a ROI; it covers %s", name, offered.roi) end
  if roi.dims ~= offered.roi.dims then
    self:fail({ key = name, roi = roi }, "%s is wanted in %d dimensions, it has %d", name, roi.dims, offered.roi.dims)
  end
  if not offered.roi:contains(roi) then
    self:fail({ key = name, roi = roi },
      "%s is wanted in ROI %s, it is there in %s only; ask inside of it, or put md.Pad{ %s } upstream", name, roi, offered.roi, name)
  end
end

local function check_spec(self, name, wanted, offered)
  check_roi(self, name, wanted, offered)
  if key.is_array_key(name) then
    check_array_grid(self, name, wanted, offered)
  elseif wanted.directed ~= nil and offered.directed ~= nil and wanted.directed ~= offered.directed then
    self:fail({ key = name }, "%s is wanted %s, it is %s", name,
      wanted.directed and "directed" or "undirected", offered.directed and "directed" or "undirected")
  end
end

--- Refuses what this node can't answer. Says whether the request has no placeholders; nil where it would have to look.
---@param self moondust.BatchProvider
---@param request moondust.BatchRequest
---@return boolean?
function M.check_request(self, request)
  local order, values, announced = request._order, request._values, self.spec._values
  local fits, placeholder = core.request_fits_all(order, values, announced)
  if fits then return not placeholder end
  for i = 1, #order do
    local name = order[i]
    local offered, wanted = announced[name], values[name]
    if not offered then
      self:fail({ key = name, roi = wanted.roi }, "%s is not provided here (there is %s)", name, self.spec:names())
    end
    if not core.request_fits(offered, wanted) then check_spec(self, name, wanted, offered) end
  end
end

local function check_array(self, name, wanted, array)
  local roi, spec = wanted.roi, array.spec
  local announced = self.spec[name].voxel_size
  if spec.voxel_size ~= announced then
    self:fail({ key = name }, "announced voxel size %s for %s, delivered %s", announced, name, spec.voxel_size)
  end
  if roi and announced then
    local shape, expected = array.data.shape, roi.shape / announced
    for d = 1, roi.dims do
      if shape[#shape - roi.dims + d] ~= expected[d] then
        self:fail({ key = name, roi = roi }, "%s's ROI %s is %s voxels, the array delivered has shape {%s}", name, roi, expected,
          table.concat(shape, ", "))
      end
    end
  end
  local told = self.spec[name].dtype
  if told and array.data.dtype ~= told and wanted.dtype ~= array.data.dtype then
    self:fail({ key = name, roi = roi }, "announced %s for %s, delivered %s; announce a copy of the spec with the dtype that process() makes, or convert with :astype",
      told, name, array.data.dtype)
  end
  if wanted.dtype and array.data.dtype ~= wanted.dtype then
    self:fail({ key = name, roi = roi }, "%s is wanted as %s, it is %s; put md.AsType{ %s, \"%s\" } into the pipeline", name, wanted.dtype,
      array.data.dtype, name, wanted.dtype)
  end
end

local function check_graph(self, name, wanted, graph)
  if wanted.directed ~= nil and wanted.directed ~= graph.directed then
    self:fail({ key = name }, "%s is wanted %s, the graph delivered is not", name, wanted.directed and "directed" or "undirected")
  end
  local stray = graph:first_stray(graph.spec.roi)
  if stray then
    self:fail({ key = name, roi = wanted.roi }, "%s: node %d lies neither inside ROI %s nor at the end of an edge from there", name, stray,
      graph.spec.roi)
  end
end

local function check_item(self, name, wanted, item)
  if wanted.roi ~= item.spec.roi then
    self:fail({ key = name, roi = wanted.roi }, "%s was wanted in ROI %s, delivered in %s", name, wanted.roi, item.spec.roi)
  end
  if key.is_array_key(name) then check_array(self, name, wanted, item) else check_graph(self, name, wanted, item) end
end

-- The words for what core.are_arrays() doesn't like.
local NDARRAY, ARRAY_SPEC = getmetatable(core.zeros({ 0 }, "uint8")), getmetatable(core.ArraySpec {})

--- Raises when something is no batch, or has arrays whose data or spec isn't what these must be.
---@param self moondust.BatchProvider
---@param batch any
---@param rule string  what is broken if it is no batch: "provide() must return a Batch"
function M.check_items(self, batch, rule)
  if not is_a(batch, Batch) then self:fail("%s, not %s", rule, options.describe(batch)) end
  local order, items = batch._order, batch._values
  if core.are_arrays(order, items) then return end
  for i = 1, #order do
    local name = order[i]
    local item = items[name]
    if key.is_array_key(name) then
      if getmetatable(item.data) ~= NDARRAY then
        self:fail({ key = name }, "%s.data must be an ndarray, not %s", name, options.describe(item.data))
      elseif getmetatable(item.spec) ~= ARRAY_SPEC then
        self:fail({ key = name }, "%s.spec must be an ArraySpec, not %s", name, options.describe(item.spec))
      end
    end
  end
end

--- Refuses what doesn't answer the request: a fault of this node, not of the request.
---@param self moondust.BatchProvider
---@param batch moondust.Batch
---@param request moondust.BatchRequest
function M.check_batch(self, batch, request)
  if getmetatable(batch) ~= Batch then M.check_items(self, batch, "provide() must return a Batch") end
  local order, values = request._order, request._values
  local items, announced = batch._values, self.spec._values
  local fits = core.delivery_fits_all(order, values, announced, items)
  if fits and batch._order == order then return end
  M.check_items(self, batch, "provide() must return a Batch")
  if fits then return end
  for i = 1, #order do
    local name = order[i]
    local item, wanted = items[name], values[name]
    if not item then self:fail({ key = name, roi = wanted.roi }, "%s was wanted and not delivered (the batch has %s)", name, batch:names()) end
    if not core.delivery_fits(announced[name], wanted, item.spec, item.data) then check_item(self, name, wanted, item) end
  end
end

local UNITS = { "bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" }
local function in_units(bytes)
  local unit = 1
  while bytes >= 1024 and unit < #UNITS do bytes, unit = bytes / 1024, unit + 1 end
  return ("%.1f %s"):format(bytes, UNITS[unit])
end

local SURELY_THERE = 1 << 26 -- any machine has more, and asking how much is a call into the system

--- Refuses, before anything is computed, what no machine of this size can hold.
---@param self moondust.BatchProvider
---@param request moondust.BatchRequest
function M.check_size(self, request)
  for name, wanted in request:items() do
    local offered = key.is_array_key(name) and not wanted.placeholder and self.spec[name]
    local bytes = offered and core.bytes_wanted(offered, wanted)
    if bytes and bytes > SURELY_THERE and bytes > core.physical_memory() then
      self:fail({ key = name, roi = wanted.roi }, "%s in ROI %s would take %s (%.0f bytes), this machine has %s; ask for a smaller ROI", name,
        wanted.roi, in_units(bytes), bytes, in_units(core.physical_memory()))
    end
  end
end

return M
