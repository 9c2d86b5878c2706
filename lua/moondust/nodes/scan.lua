--- Scan: a request too large to be answered at once, chunk by chunk. Original: gunpowder/nodes/scan.py (Scan).
---
--- The reference request is moved over what is requested, its smallest ROI side by side, the last step of each axis cut short so that nothing sticks out:
---
---     requested   [--------------------)
---     chunks      [------)[------)
---                              [------)
---
--- An empty request scans everything upstream has and gives an empty batch (for the sake of nodes upstream that write).
local error = require("moondust.error").raise
local core = require "moondust.core"
local class = require("moondust.class").class
local key = require "moondust.key"
local Array = require "moondust.array"
local Batch = require "moondust.batch"
local BatchFilter = require "moondust.filter"

--- Chunks are requested one after the other, chunk i with a seed of its own that follows from the request's (or the reference's,
--- where it has one) and i; kernels use all threads. Where chunks overlap the later one stands. Of graphs
--- nodes and edges of all chunks are united: an edge across chunks is whole again.
---@class moondust.Scan : moondust.BatchFilter
---@field reference moondust.BatchRequest
---@field num_workers integer
---@field cache_size integer
---@field progress_callback function|table|nil
---@overload fun(options: table): moondust.Scan
local Scan = class("Scan", BatchFilter)
Scan.asks_in_parts = true -- each chunk is a request of its own for nodes upstream
Scan.options = {
  { "reference", type = "request", required = true, doc = "the request of one chunk; only how its ROIs lie to one another counts" },
  { "num_workers", type = "integer", default = 1, doc = "taken for the sake of upstream's scripts; chunks come one after the other" },
  { "cache_size", type = "integer", default = 50, doc = "the same" },
  { "progress_callback", type = "function|table", doc = "called with (chunks done, chunks in all), or an object with :start(all), :update(done), :stop(); default: none" },
}

function Scan:init()
  self.reference = self.reference:clone()
  if #self.reference == 0 then error("Scan: 'reference' asks for nothing", 3) end
  for _, name in ipairs { "num_workers", "cache_size" } do
    if self[name] < 1 then error(("Scan: '%s' must be 1 or more, not %s"):format(name, self[name]), 3) end
  end
  local callback = self.progress_callback
  if type(callback) == "table" and not (getmetatable(callback) or {}).__call and not (callback.start or callback.update or callback.stop) then
    error("Scan: 'progress_callback' must be a function or have :start(all), :update(done) or :stop()", 3)
  end
end

local function tell(self, event, done, all)
  local callback = self.progress_callback
  if not callback then return end
  if type(callback) == "table" and (callback.start or callback.update or callback.stop) then
    local method = callback[event]
    if method then method(callback, event == "start" and all or event == "update" and done or nil) end
  elseif event ~= "stop" then
    callback(done, all)
  end
end

-- ------------------------------------------------------------------------------------------------ where to go

local function check_reference(self)
  for name, spec in self.reference:items() do
    local offered = self:need(name)
    if spec.roi and offered.roi and spec.roi.dims ~= offered.roi.dims then
      self:fail({ key = name, roi = spec.roi }, "the reference wants %s in %d dimensions, it has %d", name, spec.roi.dims, offered.roi.dims)
    end
    if not spec.nonspatial and (not spec.roi or spec.roi.unbounded or spec.roi.empty) then
      self:fail({ key = name, roi = spec.roi }, "the reference must want %s in a bounded ROI, not in %s", name, spec.roi)
    end
  end
end

function Scan:setup()
  self.reference:align_to(self.spec)
  check_reference(self)
  local total = self.reference:get_total_roi()
  if not total then self:fail("the reference has no ROI that could be moved") end
  self.grid = self.spec:get_lcm_voxel_size(self.reference:array_keys()) or total.shape * 0 + 1
  local stride
  for _, spec in self.reference:items() do
    if spec.roi then
      local shape = spec.roi.shape:totable()
      for d = 1, stride and #shape or 0 do shape[d] = math.min(shape[d], stride[d]) end
      stride = shape
    end
  end
  self.stride = core.Coordinate(stride) // self.grid * self.grid
  for d = 1, #stride do
    if self.stride[d] == 0 then
      self:fail("the reference's smallest ROI is %d on axis %d, less than the voxel sizes' least common multiple %s", stride[d], d, self.grid)
    end
  end
end

-- The shifts that keep the reference inside of `wanted`: first and last, on the grid.
local function shift_range(self, wanted)
  local range
  for name, spec in self.reference:items() do
    local roi = spec.roi and wanted[name] and wanted[name].roi
    if roi then
      for d = 1, roi.dims do
        if roi.shape[d] ~= core.unbounded and roi.shape[d] < spec.roi.shape[d] then
          self:fail({ key = name, roi = roi }, "the reference's ROI %s of %s doesn't fit into %s; scan more, or give a smaller reference", spec.roi, name, roi)
        end
      end
      local shifts = core.Roi(roi.begin - spec.roi.begin, roi.shape - spec.roi.shape + 1)
      range = range and range:intersect(shifts) or shifts
    end
  end
  if not range then self:fail("the request (%s) has nothing that the reference (%s) has", wanted:names(), self.reference:names()) end
  if range.unbounded then self:fail("what is to be scanned has no bounds: ask for a bounded ROI, or put md.Scan upstream of the node that takes them away") end
  -- On the grid: the first shift up, the last one down.
  local first = (range.begin + (self.grid - 1)) // self.grid * self.grid
  local last = (range.stop - 1) // self.grid * self.grid
  for d = 1, range.dims do
    if range.empty or first[d] > last[d] then
      self:fail("there is no shift on the grid %s that brings the reference (%s) into what is to be scanned", self.grid, self.reference:describe())
    end
  end
  return first, last
end

-- Positions along one axis.
local function steps(first, last, stride)
  local list = {}
  for at = first, last, stride do list[#list + 1] = at end
  if list[#list] < last then list[#list + 1] = last end
  return list
end

-- All shifts, the first axis running fastest, as upstream's.
local function shifts_of(self, first, last)
  local shifts = { {} }
  for d = #first, 1, -1 do
    local longer = {}
    for _, rest in ipairs(shifts) do
      for _, at in ipairs(steps(first[d], last[d], self.stride[d])) do longer[#longer + 1] = { at, table.unpack(rest) } end
    end
    shifts = longer
  end
  for i, shift in ipairs(shifts) do shifts[i] = core.Coordinate(shift) end
  return shifts
end

-- Chunks lie gapless between the first and the last, so the ends tell whether everything is covered.
local function check_cover(self, request, first, last)
  for name, wanted in request:items() do
    local spec = self.reference[name]
    if not spec then self:fail({ key = name, roi = wanted.roi }, "%s is wanted, the reference has %s only", name, self.reference:names()) end
    if not wanted.roi then self:fail({ key = name }, "%s is nonspatial: it can't be put together from chunks", name) end
    local covered = core.Roi(spec.roi.begin + first, spec.roi.shape + last - first)
    if not covered:contains(wanted.roi) then
      self:fail({ key = name, roi = wanted.roi }, "the reference, kept inside of everything that is wanted, covers %s of %s's ROI %s; let ROIs lie in the request as in the reference",
        covered, name, wanted.roi)
    end
  end
end

-- ------------------------------------------------------------------------------------------------ chunks

local function chunk_request(self, request, shift, i)
  local chunk = request:derive(core.seed_attempt(self.reference.random_seed or request.random_seed, i))
  for name, spec in self.reference:items() do
    chunk[name] = spec
    if spec.roi then chunk[name].roi = spec.roi:shift(shift) end
  end
  return chunk
end

local function fill(self, name, roi, whole, chunk)
  local spec = self.spec[name]
  if not whole then
    local shape, channels = chunk.data.shape, chunk.data.ndim - roi.dims
    for d = 1, roi.dims do shape[channels + d] = roi.shape[d] // spec.voxel_size[d] end
    local own = spec:copy()
    own.roi, own.dtype = roi, chunk.data.dtype
    whole = Array { core.zeros(shape, chunk.data.dtype), own, chunk.attrs }
  end
  local common = roi:intersect(chunk.spec.roi)
  if common.empty then return whole end
  local index, channels = {}, chunk.data.ndim - roi.dims
  for c = 1, channels do index[c] = {} end
  for d = 1, roi.dims do
    local first = (common.offset[d] - roi.offset[d]) // spec.voxel_size[d]
    index[channels + d] = { first + 1, first + common.shape[d] // spec.voxel_size[d] }
  end
  whole.data[index] = chunk:crop(common).data
  return whole
end

local function add_graph(self, name, roi, whole, chunk, cut)
  if not whole then
    local spec = self.spec[name]
    spec = spec:copy()
    spec.roi, spec.directed = roi, chunk.directed
    whole = core.Graph { {}, {}, spec, ndim = roi.dims }
  end
  -- Who lies in the chunk is known best by it; far ends of its edges stand until their own chunk comes.
  for node in chunk:nodes() do
    if not node.temporary and (chunk.spec.roi:contains(node.location) or not whole:contains(node.id)) then whole:add_node(node) end
  end
  for edge in chunk:edges() do
    local u, v = chunk:node(edge.u), chunk:node(edge.v)
    if u.temporary or v.temporary then cut[#cut + 1] = { edge, u, v } else whole:add_edge(edge) end
  end
  return whole
end

-- What a temporary node is known by: several chunks may have the same one under different ids.
local function identity(node)
  if not node.temporary then return ("%d"):format(node.id) end
  local words = { "at" }
  for d, place in ipairs(node.location) do words[d + 1] = ("%a"):format(place) end
  return table.concat(words, " ")
end

-- Adds the edges that were cut upstream already (md.Pad, a source's own), once each.
local function add_cut_edges(whole, cut)
  local ids, largest = {}, -1
  for node in whole:nodes() do largest = math.max(largest, node.id) end
  for _, item in ipairs(cut) do
    local edge = item[1]
    local name = identity(item[2]) .. ">" .. identity(item[3])
    if not ids[name] then
      ids[name] = true
      local ends = {}
      for k = 1, 2 do
        local node = item[k + 1]
        ends[k] = node.id
        if node.temporary then
          largest = largest + 1
          ends[k] = largest
          whole:add_node(core.Node { largest, node.location, node.attrs, temporary = true })
        end
      end
      whole:add_edge(core.Edge { ends[1], ends[2], edge.attrs })
    end
  end
end

function Scan:provide(request)
  local empty = #request == 0
  local first, last = shift_range(self, empty and self.spec or request)
  if not empty then check_cover(self, request, first, last) end
  local shifts, result, delivered, cut = shifts_of(self, first, last), Batch {}, request:clone(), {}
  delivered:remove_placeholders()
  tell(self, "start", 0, #shifts)
  for i, shift in ipairs(shifts) do
    local chunk <close> = self:get_upstream_provider():request_batch(chunk_request(self, request, shift, i - 1))
    for name, wanted in delivered:items() do
      cut[name] = cut[name] or {}
      result[name] = (key.is_array_key(name) and fill or add_graph)(self, name, wanted.roi, result[name], chunk[name], cut[name])
    end
    tell(self, "update", i, #shifts)
  end
  for name, wanted in delivered:items() do
    if key.is_graph_key(name) then
      add_cut_edges(result[name], cut[name])
      result[name] = result[name]:crop(wanted.roi)
    end
  end
  tell(self, "stop", #shifts, #shifts)
  return result
end

return Scan
