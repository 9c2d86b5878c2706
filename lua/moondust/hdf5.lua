--- Reading and writing datasets of HDF5 files in one call. Where the world says no (missing, truncated, no
--- permission) the answer is nil and a message.
local error = require("moondust.error").raise
local core = require "moondust.core"
local class = require "moondust.class"
local Array = require "moondust.array"
local LazyArray = require "moondust.dataset"
local options = require "moondust.options"
local placement = require "moondust.placement"

local M = {}

local function two_strings(what, path, dataset)
  if type(path) ~= "string" or type(dataset) ~= "string" then
    error(("%s wants a file and a dataset, two strings, not %s and %s"):format(what, options.describe(path), options.describe(dataset)), 3)
  end
end

--- An open file, with :list :info :read :create :write :attribute :set_attribute :exists :move :flush :close :discard.
--- "w", and "a" where there is no file, write under a temporary name: the file appears, or takes the place of the one that
--- was there, when it is closed and whole. "r+", and "a" where there is one, write in place, and are refused while this
--- process reads the file.
---@type fun(path: string, mode: "r"|"r+"|"w"|"a"|nil): moondust.Hdf5File?, string?
M.open = core.hdf5.open

--- What is in a file, sorted by path: its datasets, and a second list of { name, problem } for what can't be opened (an object of
--- a newer HDF5, a damaged one, a link that leads nowhere or into another file).
---@param path string
---@return moondust.DatasetInfo[]?
---@return string|{ name: string, problem: string }[]? message
function M.list(path)
  if type(path) ~= "string" then error(("md.hdf5.list wants a file, not %s"):format(options.describe(path)), 2) end
  local file, message = core.hdf5.open(path, "r")
  if not file then return nil, message end
  local infos
  infos, message = file:list()
  file:close()
  return infos, message
end

local function says_voxel_size(info) return info.world.resolution or info.world.voxel_size end

local function read(file, dataset, roi, fields)
  local info, message = file:info(dataset)
  if not info then return nil, message end
  if not roi and not says_voxel_size(info) and next(fields) == nil then return file:read(dataset) end
  local lazy
  local said = core.ArraySpec { voxel_size = fields.voxel_size, roi = fields.roi }
  lazy, message = LazyArray.open(file, dataset, said, setmetatable({ way_out = ("md.hdf5.read(file, %q, roi, { voxel_size = {…} })"):format(dataset) },
    { __index = fields }))
  if not lazy then return nil, message end
  local data
  data, message = lazy:read(roi)
  if not data then return nil, message end
  local spec = lazy.spec:copy()
  spec.roi = roi or lazy.roi
  return Array { data, spec }
end

local READ = options.with_placement {
  { "voxel_size", type = "coordinate", doc = "world units; default: what the file says" },
  { "roi", type = "roi", doc = "where the dataset lies; default: the file's offset and the dataset's shape" },
}

--- A dataset, or the part of it in a ROI (world units): an md.Array where the file says a voxel size, otherwise an
--- ndarray. What the file doesn't say, or says with fractions, `fields` says; md.open_array takes the same.
---@param path string
---@param dataset string
---@param roi moondust.Roi?
---@param fields table?  voxel_size, roi (where the dataset lies), channels_first, axes, pick, unit, allow_foreign
---@return moondust.Array|moondust.ndarray?
---@return string? message
function M.read(path, dataset, roi, fields)
  two_strings("md.hdf5.read", path, dataset)
  if roi ~= nil and options.class_name_of(roi) ~= "moondust.Roi" then
    local hint = type(roi) == "table" and getmetatable(roi) == nil and "; options are the fourth: md.hdf5.read(file, dataset, nil, { … })" or ""
    error(("md.hdf5.read: the third argument must be a Roi in world units, not %s%s"):format(options.describe(roi), hint), 2)
  end
  local values, wrong = options.parse("md.hdf5.read", READ, fields)
  if values then wrong = LazyArray.check(values, "md.hdf5.read") end
  if wrong then error(wrong, 2) end
  local foreign = values.allow_foreign
  values.allow_foreign = nil
  local file <close>, message = core.hdf5.open(path, "r", { allow_foreign = foreign })
  if not file then return nil, message end
  return read(file, dataset, roi, values)
end

local WRITE = {
  { "compression", type = "string|integer", doc = "\"gzip\" or a level from 1 to 9; default: none" },
  { "chunks", type = "numbers|boolean", doc = "voxels an axis; false: contiguous; default: chosen" },
  { "voxel_size", type = "coordinate", doc = "world units, for an ndarray; an Array brings its own" },
  { "offset", type = "coordinate", doc = "world units, for an ndarray" },
  { "attributes", type = "table", doc = "name -> number, string or list of numbers" },
  { "dtype", type = "dtype", doc = "of the dataset; default: the array's" },
}

local function creation(array, values)
  local create = { compression = values.compression, chunks = values.chunks, voxel_size = values.voxel_size, offset = values.offset, attributes = {} }
  if class.is_a(array, Array) then
    local spec = array.spec
    if not spec.nonspatial then
      create.voxel_size = create.voxel_size or spec.voxel_size
      create.offset = create.offset or spec.roi and spec.roi.offset
    end
    for name, value in pairs(array.attrs) do create.attributes[name] = value end
    local names = create.voxel_size and placement.axis_names(array.data.ndim, #create.voxel_size)
    if names then create.attributes.axis_names = names end
  end
  for name, value in pairs(values.attributes or {}) do create.attributes[name] = value end
  return create
end

--- Writes an array as a new dataset of an already open file.
---@param file moondust.Hdf5File
---@param dataset string
---@param array moondust.Array|moondust.ndarray
---@param values table  as M.write's options
---@return true?
---@return string? message
function M.write_to(file, dataset, array, values)
  local data = class.is_a(array, Array) and array.data or array
  local ok, message = file:create(dataset, data.shape, values.dtype or data.dtype, creation(array, values))
  if not ok then return nil, message end
  if data.size == 0 then return true end
  return file:write(dataset, data)
end

--- Writes an array as a new dataset; the file is made when it isn't there, and so are groups on the way. An md.Array
--- brings `resolution`, `voxel_size` and `offset` along, and `axis_names` where it has channels. An existing dataset is an error. A file that is made appears when
--- it is whole; one that is there is as before after a failure.
---@param path string
---@param dataset string
---@param array moondust.Array|moondust.ndarray
---@param fields table?  compression, chunks, voxel_size, offset, attributes, dtype
---@return true?
---@return string? message
function M.write(path, dataset, array, fields)
  two_strings("md.hdf5.write", path, dataset)
  if not class.is_a(array, Array) and options.class_name_of(array) ~= "moondust.ndarray" then
    error(("md.hdf5.write: the third argument must be an md.Array or an ndarray, not %s"):format(options.describe(array)), 2)
  end
  local values, message = options.parse("md.hdf5.write", WRITE, fields)
  if not values then error(message, 2) end
  local file <close>, why = core.hdf5.open(path, "a") -- given up when an error leaves this
  if not file then return nil, why end
  local ok
  ok, why = M.write_to(file, dataset, array, values)
  if ok then return file:close() end
  file:discard()
  return nil, why
end

return M
