--- Hdf5Write: assembles passing arrays in one HDF5 file. Original: gunpowder/nodes/hdf5_write.py and hdf5like_write_base.py
--- (Hdf5Write).
local error = require("moondust.error").raise
local core = require "moondust.core"
local class = require("moondust.class").class
local key = require "moondust.key"
local BatchFilter = require "moondust.filter"
local BatchRequest = require "moondust.request"
local options = require "moondust.options"
local placement = require "moondust.placement"

--- Writes each passing array where its ROI says, into datasets as large as the ROI announced upstream, so that tiles
--- asked for one by one become one volume. Datasets carry `resolution`, `voxel_size` and `offset` (world units), and `axis_names` where there are channels.
--- Those that are in the file already are written into; what lies outside of them is left out. A new file appears when
--- the pipeline is closed (before, it has a temporary name); one that is there is written in place, batch by batch, which is
--- refused while a source of the process has it open.
---@class moondust.Hdf5Write : moondust.BatchFilter
---@field dataset_names table<moondust.ArrayKey, string>
---@field output_dir string
---@field output_filename string
---@field compression_type string|integer|nil
---@field dataset_dtypes table<moondust.ArrayKey, string>
---@overload fun(options: table): moondust.Hdf5Write
local Hdf5Write = class("Hdf5Write", BatchFilter)
Hdf5Write.options = {
  { "dataset_names", type = "table", required = true, doc = "{ [ArrayKey] = \"path/in/file\" }" },
  { "output_dir", type = "string", default = ".", doc = "made when it isn't there; default \".\"" },
  { "output_filename", type = "string", default = "output.hdf", doc = "default \"output.hdf\"" },
  { "compression_type", type = "string|integer", doc = "\"gzip\", or a gzip level from 1 to 9; default: none" },
  { "dataset_dtypes", type = "table", doc = "{ [ArrayKey] = dtype }: stored as; default: as they come" },
}

--- Whether a compression can be written, for init() of nodes that write.
---@param what string
---@param compression any
---@param level integer
function Hdf5Write.check_compression(what, compression, level)
  local number = math.tointeger(compression)
  if compression == nil or compression == "gzip" or number and number >= 1 and number <= 9 then return end
  error(("%s: 'compression_type' must be \"gzip\" or a gzip level from 1 to 9, not %s"):format(what, options.describe(compression)), level + 1)
end

--- The keys of a { [key] = string } table in a fixed order, or an error in words.
---@param what string
---@param option string
---@param names table
---@param is_key fun(value: any): boolean
---@param level integer
---@return moondust.Key[]
function Hdf5Write.keys_of(what, option, names, is_key, level)
  local keys = {}
  for name, path in pairs(names) do
    if not is_key(name) or type(path) ~= "string" then
      error(("%s: '%s' maps keys to strings, { [RAW] = \"volumes/raw\" }; it has %s = %s"):format(what, option,
        key.is_key(name) and ("[%s]"):format(name.name) or options.describe(name), options.describe(path)), level + 1)
    end
    keys[#keys + 1] = name
  end
  table.sort(keys, function(a, b) return a.name < b.name end)
  return keys
end

function Hdf5Write:init()
  self.keys = Hdf5Write.keys_of("Hdf5Write", "dataset_names", self.dataset_names, key.is_array_key, 3)
  if #self.keys == 0 then error("Hdf5Write: 'dataset_names' is empty: { [RAW] = \"volumes/raw\" }", 3) end
  self.dataset_dtypes = self.dataset_dtypes or {}
  Hdf5Write.keys_of("Hdf5Write", "dataset_dtypes", self.dataset_dtypes, key.is_array_key, 3)
  Hdf5Write.check_compression("Hdf5Write", self.compression_type, 3)
end

function Hdf5Write:name() return ("Hdf5Write[%s]"):format(self.output_filename) end

function Hdf5Write:setup()
  for _, name in ipairs(self.keys) do
    local spec = self:need(name)
    if not spec.roi or not spec.voxel_size then
      self:fail({ key = name }, "%s has no ROI, so it has no place in a volume; write it with md.Snapshot{…}", name)
    end
    self:updates(name, spec)
  end
  self:enable_autoskip()
end

function Hdf5Write:prepare(request)
  local dependencies = BatchRequest {}
  for _, name in ipairs(self.keys) do
    if not request[name] then self:fail({ key = name }, "%s is to be written and not in the request; request:add(%s, …)", name, name) end
    dependencies[name] = request[name]
  end
  return dependencies
end

-- Raises what the world said.
local function sure(self, name, value, message)
  if value == nil or value == false then self:fail({ key = name }, "%s can't be written: %s", name, message) end
  return value
end

local function numbers(values)
  local words = {}
  for i, value in ipairs(values or {}) do words[i] = ("%.17g"):format(value) end
  return table.concat(words, ", ")
end

-- Whether what the file says can be written into on this grid.
local function fits(info, dims, voxel_size)
  for d = 1, dims do
    if info.voxel_size and info.voxel_size[d] ~= voxel_size[d] then return false end
    if info.offset and (info.offset[d] or 0.5) % voxel_size[d] ~= 0 then return false end
  end
  return true
end

local function existing(self, name, path, array)
  local info = sure(self, name, self.file:info(path))
  local dims, voxel_size = array.spec.roi.dims, array.spec.voxel_size
  if #info.shape ~= array.data.ndim or not fits(info, dims, voxel_size) then
    self:fail({ key = name }, "%s is in %s already, with shape {%s}, voxel size {%s} and offset {%s}; %s, with shape {%s} and voxel size %s, doesn't fit; "
      .. "write to another file or dataset", path, self.file.path, table.concat(info.shape, ", "), numbers(info.voxel_size), numbers(info.offset),
      name, table.concat(array.data.shape, ", "), voxel_size)
  end
  local shape = {}
  for d = 1, dims do shape[d] = info.shape[#info.shape - dims + d] end
  return core.Roi(info.offset or voxel_size * 0, core.Coordinate(shape) * voxel_size)
end

local function create(self, name, path, array)
  local roi, voxel_size = self.spec[name].roi, array.spec.voxel_size
  if roi.unbounded then
    self:fail({ key = name }, "%s is announced without bounds, %s, so its dataset has no size; put md.Crop{ %s, roi } upstream", name, roi, name)
  end
  local shape, channels = {}, array.data.ndim - roi.dims
  for c = 1, channels do shape[c] = array.data.shape[c] end
  for d = 1, roi.dims do shape[channels + d] = roi.shape[d] // voxel_size[d] end
  sure(self, name, self.file:create(path, shape, self.dataset_dtypes[name] or array.data.dtype, {
    compression = self.compression_type, voxel_size = voxel_size, offset = roi.offset,
    attributes = { axis_names = placement.axis_names(#shape, roi.dims) },
  }))
  return roi
end

local function open(self, batch)
  local message
  local ok, why = core.make_directory(self.output_dir)
  if not ok then self:fail("%s", why) end
  self.file, message = core.hdf5.open(("%s/%s"):format(self.output_dir, self.output_filename), "a")
  if not self.file then self:fail("%s", message) end
  self.rois = {}
  for _, name in ipairs(self.keys) do
    local path = self.dataset_names[name]
    self.rois[name] = (self.file:exists(path) and existing or create)(self, name, path, batch[name])
  end
end

local function write(self, name, array)
  local dataset, own = self.rois[name], array.spec.roi
  local common = dataset:intersect(own)
  if common.empty then return end
  local begin, channels = {}, array.data.ndim - own.dims
  for c = 1, channels do begin[c] = 0 end
  local first = (common.offset - dataset.offset) // array.spec.voxel_size
  for d = 1, own.dims do begin[channels + d] = first[d] end
  sure(self, name, self.file:write(self.dataset_names[name], array:crop(common).data, begin))
end

function Hdf5Write:process(batch)
  self.within = true -- a batch: until all of it is written, what is in the file is not for anybody
  if not self.rois then open(self, batch) end
  for _, name in ipairs(self.keys) do write(self, name, batch[name]) end
  if not self.file.new then
    local ok, message = self.file:flush()
    if not ok then self:fail("%s", message) end
  end
  self.within = false
end

function Hdf5Write:teardown()
  local file, within = self.file, self.within
  self.file, self.rois, self.within = nil, nil, nil
  if not file then return end
  if within then -- the error that ended the batch is on its way
    local is_new = file.new
    file:discard()
    if is_new then warn(("%s: %s is not written: an error ended a batch that was half in it"):format(self:name(), file.path)) end
    return
  end
  local ok, message = file:close()
  if not ok then self:fail("%s", message) end
end

return Hdf5Write
