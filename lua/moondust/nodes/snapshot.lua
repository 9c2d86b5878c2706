--- Snapshot: saves passing batches, a file each. Original: gunpowder/nodes/snapshot.py (Snapshot).
local core = require "moondust.core"
local class = require("moondust.class").class
local key = require "moondust.key"
local BatchFilter = require "moondust.filter"
local BatchRequest = require "moondust.request"
local Hdf5Write = require "moondust.nodes.hdf5_write"
local ProviderSpec = require "moondust.provider_spec"
local hdf5 = require "moondust.hdf5"

--- Saves every `every`th batch, beginning with the first, as an HDF5 file: arrays as datasets with `resolution`,
--- `voxel_size` and `offset` (world units) and their own attributes, graphs as NAME-ids, NAME-locations and
--- NAME-edges. A file is there when it is whole; one of that name stays until then. Batches are counted from 1 since the pipeline was built. Overwrite :write_if(batch) to choose by
--- content.
---@class moondust.Snapshot : moondust.BatchFilter
---@field dataset_names table<moondust.Key, string>
---@field output_dir string
---@field output_filename string
---@field every integer
---@field additional_request moondust.BatchRequest?
---@field compression_type string|integer|nil
---@field dataset_dtypes table<moondust.ArrayKey, string>
---@field store_value_range boolean
---@overload fun(options: table): moondust.Snapshot
local Snapshot = class("Snapshot", BatchFilter)
Snapshot.options = {
  { "dataset_names", type = "table", required = true, doc = "{ [key] = \"path/in/file\" }, arrays and graphs" },
  { "output_dir", type = "string", default = "snapshots", doc = "made when it isn't there; default \"snapshots\"" },
  { "output_filename", type = "string", default = "{iteration}.hdf",
    doc = "{iteration}: the batch's number, {id}: the same with eight digits; default \"{iteration}.hdf\"" },
  { "every", type = "integer", default = 1, doc = "saves the first of every so many batches; default 1" },
  { "additional_request", type = "request", doc = "asked for as well when a batch is saved; default: nothing" },
  { "compression_type", type = "string|integer", doc = "\"gzip\", or a gzip level from 1 to 9; default: none" },
  { "dataset_dtypes", type = "table", doc = "{ [ArrayKey] = dtype }: stored as; default: as they come" },
  { "store_value_range", type = "boolean", default = false, doc = "attribute value_range = {min, max}; default false" },
}

function Snapshot:init()
  self.keys = Hdf5Write.keys_of("Snapshot", "dataset_names", self.dataset_names, key.is_key, 3)
  self.dataset_dtypes = self.dataset_dtypes or {}
  Hdf5Write.keys_of("Snapshot", "dataset_dtypes", self.dataset_dtypes, key.is_array_key, 3)
  Hdf5Write.check_compression("Snapshot", self.compression_type, 3)
  self.every = math.max(1, self.every)
  if self.output_filename:find("%.zarr/?$") then
    error(("Snapshot: '%s': Zarr is not supported yet; use a name that ends in .hdf"):format(self.output_filename), 3)
  end
  for name in (self.additional_request or ProviderSpec {}):items() do
    if not self.dataset_names[name] then error(("Snapshot: 'additional_request' has %s, 'dataset_names' hasn't"):format(name.name), 3) end
  end
end

--- Whether a batch that is due is saved. To be overwritten.
---@param _batch moondust.Batch
---@return boolean
function Snapshot:write_if(_batch) return true end

function Snapshot:setup()
  self.count = 0
  for name in (self.additional_request or ProviderSpec {}):items() do self:updates(name, self:need(name)) end
end

function Snapshot:prepare(request)
  local dependencies = BatchRequest {}
  for name, spec in request:items() do
    if self.dataset_names[name] then dependencies[name] = spec end
  end
  self.due = self.count % self.every == 0
  if not self.due then return dependencies end
  for name, spec in (self.additional_request or ProviderSpec {}):items() do
    if not dependencies[name] then dependencies[name] = spec end
  end
  for _, name in ipairs(self.keys) do
    if not dependencies[name] then
      self:fail({ key = name }, "%s is to be saved and neither in the request nor in additional_request; add it to one of them", name)
    end
  end
  return dependencies
end

local function sure(self, name, value, message)
  if value == nil or value == false then self:fail({ key = name }, "%s can't be saved: %s", name, message) end
end

local function save_array(self, file, name, array)
  local attributes = {}
  if self.store_value_range and array.data.size > 0 then attributes.value_range = { array.data:minmax() } end
  sure(self, name, hdf5.write_to(file, self.dataset_names[name], array, {
    compression = self.compression_type, dtype = self.dataset_dtypes[name], attributes = attributes,
  }))
end

local function save_graph(self, file, name, graph)
  local parts = {}
  parts.locations, parts.ids, parts.edges = graph:arrays()
  for _, what in ipairs { "ids", "locations", "edges" } do
    sure(self, name, hdf5.write_to(file, ("%s-%s"):format(self.dataset_names[name], what), parts[what], { compression = self.compression_type }))
  end
end

local function file_name(self)
  local words = { iteration = tostring(self.count), id = ("%08d"):format(self.count) }
  return ("%s/%s"):format(self.output_dir, self.output_filename:gsub("{(%w+)}", words))
end

local function save(self, batch)
  local ok, why = core.make_directory(self.output_dir)
  if not ok then self:fail("%s", why) end
  local file <close>, message = core.hdf5.open(file_name(self), "w")
  if not file then self:fail("%s", message) end
  for _, name in ipairs(self.keys) do
    (key.is_array_key(name) and save_array or save_graph)(self, file, name, batch[name])
  end
  local closed
  closed, message = file:close() -- an error before this gives the file up
  if not closed then self:fail("%s", message) end
end

function Snapshot:process(batch)
  self.count = self.count + 1
  if self.due and self:write_if(batch) then save(self, batch) end
end

return Snapshot
