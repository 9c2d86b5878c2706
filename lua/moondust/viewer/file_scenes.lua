--- Scenes from an HDF5 file: its datasets, or, for a file that `moondust run --out` wrote, its batches one by one. Only what is looked
--- at is read.
---
--- Voxel sizes and offsets are the file's, fractions and all; a dataset without them is shown with voxels of size 1 at 0, and says so.
--- Points are datasets named `locations` (n, dims) with `ids` and, in batches, `edges` beside them, as CREMI and batch files have them.
local class = require("moondust.class").class
local colors = require "moondust.picture.colors"
local core = require "moondust.core"
local json = require "moondust.viewer.json"
local Pane = require "moondust.viewer.pane"
local Scene = require "moondust.viewer.scene"

---@class moondust.viewer.FileScenes : moondust.Class
---@field title string
---@field kind "file"|"batches"
---@field first integer
---@field count integer
---@overload fun(fields: { path: string, first: integer? }): moondust.viewer.FileScenes
local FileScenes = class "FileScenes"

local MAX_GUESSED = 3 -- spatial axes of a dataset that does not say how many it has

local function must(value, message) return value ~= nil and value or error(message, 0) end

local function group_of(name) return name:match "^(batch_%d+)/" end

-- { name, infos } a batch, in the order of their names; nil when anything else is in the file.
local function batches_of(infos)
  local groups, order = {}, {}
  for _, info in ipairs(infos) do
    local group = group_of(info.name)
    if not group then return nil end
    if not groups[group] then
      groups[group] = { name = group }
      order[#order + 1] = groups[group]
    end
    table.insert(groups[group], info)
  end
  return order[1] and order
end

function FileScenes:init(fields)
  self.title = core.printable(fields.path)
  self.file = must(core.hdf5.open(fields.path, "r"))
  local infos = must(self.file:list())
  local batches = batches_of(infos)
  self.kind, self.step = batches and "batches" or "file", batches and "batch"
  self.groups = batches or { infos }
  self.first, self.count = fields.first or 0, #self.groups
  self.subtitle = batches and ("%d batches"):format(#batches) or ("%d datasets"):format(#infos)
  if #infos == 0 then error(("%s holds no datasets"):format(fields.path), 0) end
  if fields.first and not batches then
    error(("%s holds no batches of `moondust run --out`: --seed has nothing to choose from"):format(fields.path), 0)
  end
  if self.first >= self.count then
    error(("%s has the batches 0 to %d, no %d"):format(fields.path, self.count - 1, self.first), 0)
  end
end

-- ------------------------------------------------------------------------------------------------ points

-- "annotations/" of "annotations/locations", "batch_000000/PTS-" of "batch_000000/PTS-locations"; nil for what isn't points.
local function points_prefix(info)
  local n = info.shape[2]
  return #info.shape == 2 and n >= 2 and n <= 4 and info.dtype and info.name:match "^(.*[/-])locations$" or nil
end

-- Locations of a CREMI file are relative to the attribute `offset` of their group.
local function offset_of(file, prefix, dims)
  local group = prefix:match "^(.*)/$"
  local offset = group and file:attribute(group, "offset")
  if type(offset) ~= "table" or #offset ~= dims then return nil end
  return offset
end

local function read_rows(file, name, count, width)
  if not file:exists(name) then return nil end
  local info = must(file:info(name))
  if not info.dtype or #info.shape ~= (width and 2 or 1) or width and info.shape[2] ~= width then return nil end
  count = math.min(info.shape[1], count or info.shape[1])
  if count == 0 then return {}, info.dtype end
  local begin, shape = width and { 0, 0 } or { 0 }, width and { count, width } or { count }
  return must(file:read(name, begin, shape)):totable(), info.dtype
end

local function edges_of(file, name, ids)
  local edges, place = json.list {}, {}
  for i, id in ipairs(ids) do place[id] = i - 1 end
  for _, edge in ipairs(read_rows(file, name, 4 * Scene.MAX_NODES, 2) or {}) do
    local u, v = place[edge[1]], place[edge[2]]
    if u and v then edges[#edges + 1] = { u, v } end
  end
  return edges
end

local function read_points(file, info, prefix)
  local dims = info.shape[2]
  local rows = must(read_rows(file, info.name, Scene.MAX_NODES, dims), core.printable(info.name) .. " can't be read")
  local ids, dtype = read_rows(file, prefix .. "ids", #rows)
  local offset = offset_of(file, prefix, dims)
  local name = prefix:gsub("^batch_%d+/", ""):gsub("[/-]$", "")
  local edges = edges_of(file, prefix .. "edges", ids or {})
  local points = { name = core.printable(name), total = info.shape[1], nodes = json.list {}, ids = json.list {}, edges = edges }
  for i, row in ipairs(rows) do
    if offset then for d = 1, dims do row[d] = row[d] + offset[d] end end
    points.nodes[i], points.ids[i] = json.list(row), ids and ids[i] and Pane.exact(ids[i], dtype) or tostring(i)
  end
  return points
end

-- ------------------------------------------------------------------------------------------------ panes

local function placed(info)
  local size, n = info.voxel_size, #info.shape
  if not size or #size < 1 or #size > n then
    local dims, ones, zeros = math.min(n, MAX_GUESSED), {}, {}
    for d = 1, dims do ones[d], zeros[d] = 1, 0 end
    return ones, zeros, "the file says no voxel size: shown with voxels of size 1 at 0"
  end
  local offset = info.offset and #info.offset == #size and info.offset
  if offset then return size, offset end
  local zeros = {}
  for d = 1, #size do zeros[d] = 0 end
  return size, zeros
end

local function pane_of(file, info, prefix)
  local voxel_size, offset, note = placed(info)
  for d = 1, #voxel_size do if not (voxel_size[d] > 0) then return nil end end
  return Pane {
    name = core.printable(info.name:sub(#prefix + 1)), dtype = info.dtype, shape = info.shape, dims = #voxel_size, voxel_size = voxel_size,
    offset = offset, note = note, kind = colors.are_labels(info.dtype, info.name) and "labels" or "grey",
    read = function(begin, shape) return must(file:read(info.name, begin, shape)) end,
  }
end

local function has_elements(info)
  for _, length in ipairs(info.shape) do if length == 0 then return false end end
  return #info.shape > 0
end

local function describe(info)
  return ("%s %s %s"):format(core.printable(info.name), info.dtype or info.type, #info.shape > 0 and table.concat(info.shape, "x") or "scalar")
end

-- Grey values first: what labels are laid on.
local function grey_first(panes)
  local place = {}
  for i, pane in ipairs(panes) do place[pane] = i + (pane.kind == "grey" and 0 or #panes) end
  table.sort(panes, function(a, b) return place[a] < place[b] end)
end

-- Whether a dataset belongs to points: `ids`, `types`, `edges` and the like beside or below their locations.
local function beside_points(name, prefixes)
  for prefix in pairs(prefixes) do if name:sub(1, #prefix) == prefix then return true end end
  return false
end

--- Batch `number`, or the file's datasets.
---@param number integer
---@return moondust.viewer.Scene
function FileScenes:load(number)
  local started, infos = core.clock(), self.groups[number + 1]
  local prefix = infos.name and infos.name .. "/" or ""
  local fields = { number = number, panes = {}, points = {}, others = {}, timing = {}, label = infos.name or self.title }
  local prefixes = {}
  for _, info in ipairs(infos) do
    local own = points_prefix(info)
    if own then
      prefixes[own] = true
      fields.points[#fields.points + 1] = read_points(self.file, info, own)
    end
  end
  for _, info in ipairs(infos) do
    if not beside_points(info.name, prefixes) then
      local image = info.dtype and not info.problem and has_elements(info) and (#info.shape >= 2 or info.voxel_size)
      local pane = image and pane_of(self.file, info, prefix)
      if pane then fields.panes[#fields.panes + 1] = pane else fields.others[#fields.others + 1] = describe(info) end
    end
  end
  grey_first(fields.panes)
  fields.seconds = core.clock() - started
  return Scene(fields)
end

function FileScenes:close() self.file:close() end
FileScenes.__close = FileScenes.close

return FileScenes
