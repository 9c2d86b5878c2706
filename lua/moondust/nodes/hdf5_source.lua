--- Hdf5Source: arrays from the datasets of an HDF5 file. Original: gunpowder/nodes/hdf5_source.py and
--- hdf5like_source_base.py (Hdf5Source).
local core = require "moondust.core"
local class = require("moondust.class").class
local key = require "moondust.key"
local Array = require "moondust.array"
local Batch = require "moondust.batch"
local BatchProvider = require "moondust.provider"
local LazyArray = require "moondust.dataset"
local options = require "moondust.options"

--- Serves datasets of one file, each with its own voxel size and its own number of spatial axes (that of the voxel
--- size); further axes are channels.
---
--- What the file says is taken from the attributes `resolution` (or `voxel_size`) and `offset`, in world units;
--- `array_specs` overrides it. World units are whole numbers: a fractional voxel size or offset is an error, as is a
--- missing voxel size; a missing offset is 0. `interpolatable`, unless array_specs says it: floats are, integers
--- aren't (grey values kept as integers need `array_specs = { [RAW] = md.ArraySpec{ interpolatable = true } }`).
---
--- Which axis is which, where the file doesn't say it (attribute `axis_names`): `axes = "tczyx"`, and `pick = { t = 1 }` takes a
--- place of an axis; both may be tables by ArrayKey. Without a word the axes that the voxel size has no entry for are channels, the
--- first ones, as long as the shape allows nothing else: where it might be time, or channels behind it, that is an error that says
--- how to tell. `units` of the file ("nm", "um") are understood: a world unit is a nanometre then, or what `unit` says.
---
--- The file is opened once, when the pipeline is built; each request reads its ROI only.
---@class moondust.Hdf5Source : moondust.BatchProvider
---@field filename string
---@field datasets table<moondust.ArrayKey, string>
---@field array_specs table<moondust.ArrayKey, moondust.ArraySpec>
---@field channels_first boolean?
---@field axes string|table<moondust.ArrayKey, string>?
---@field pick table?
---@field unit string?
---@field allow_foreign boolean?
---@overload fun(options: table): moondust.Hdf5Source
local Hdf5Source = class("Hdf5Source", BatchProvider)
Hdf5Source.look_ahead = "each"
Hdf5Source.hands_out_copies = true
Hdf5Source.arity = 0
Hdf5Source.options = options.with_placement {
  { "filename", type = "string", required = true, doc = "the file" },
  { "datasets", type = "table", required = true, doc = "{ [ArrayKey] = \"path/in/file\" }" },
  { "array_specs", type = "table", doc = "{ [ArrayKey] = ArraySpec }: what overrides the file (voxel_size, roi, interpolatable); default: nothing" },
}

local function check_datasets(datasets)
  local keys = {}
  for name, path in pairs(datasets) do
    if not key.is_array_key(name) or type(path) ~= "string" then
      error(("Hdf5Source: 'datasets' maps ArrayKeys to paths, { [RAW] = \"volumes/raw\" }; it has %s = %s"):format(
        key.is_key(name) and ("[%s]"):format(name.name) or options.describe(name), options.describe(path)), 4)
    end
    keys[#keys + 1] = name
  end
  if #keys == 0 then error("Hdf5Source: 'datasets' is empty: { [RAW] = \"volumes/raw\" }", 4) end
  table.sort(keys, function(a, b) return a.name < b.name end)
  return keys
end

local function check_specs(specs, datasets)
  for name, spec in pairs(specs) do
    if not key.is_array_key(name) or options.class_name_of(spec) ~= "moondust.ArraySpec" then
      error(("Hdf5Source: 'array_specs' maps ArrayKeys to ArraySpecs; it has %s = %s"):format(
        key.is_key(name) and ("[%s]"):format(name.name) or options.describe(name), options.describe(spec)), 4)
    end
    if not datasets[name] then error(("Hdf5Source: 'array_specs' has %s, 'datasets' hasn't"):format(name.name), 4) end
  end
end

-- An option for one key: as it is for all, or by key.
local function for_key(value, name)
  if type(value) ~= "table" then return value end
  for own in pairs(value) do if key.is_array_key(own) then return value[name] end end
  return value
end

local function check_placement(self)
  for _, name in ipairs(self.keys) do
    local message = LazyArray.check({ axes = for_key(self.axes, name), unit = self.unit }, "Hdf5Source")
    if message then error(message, 4) end
    local pick = for_key(self.pick, name)
    if pick ~= nil and type(pick) ~= "table" then
      error(("Hdf5Source: 'pick' must be a table such as { t = 1 }, not %s"):format(options.describe(pick)), 4)
    end
  end
end

function Hdf5Source:init()
  self.array_specs = self.array_specs or {}
  self.keys = check_datasets(self.datasets)
  check_specs(self.array_specs, self.datasets)
  check_placement(self)
end

function Hdf5Source:name() return ("Hdf5Source[%s]"):format(self.filename) end

-- Why there is nothing under that name: not there, a link that leads nowhere, or something that can't be opened.
local function missing(self, path)
  local names, list, others = {}, self.file:list()
  if not list then return others end
  path = path:gsub("^/+", ""):gsub("/+$", "")
  for _, other in ipairs(others) do if other.name == path then return ("%s: %s"):format(core.printable(self.filename), other.problem) end end
  for i, info in ipairs(list) do names[i] = info.name end
  local shown, name = core.printable(self.filename), core.printable(path)
  if #names == 0 then return ("%s has no dataset '%s', nor any other"):format(shown, name) end
  local near = options.nearest(path, names)
  return ("%s has no dataset '%s'; %s"):format(shown, name, near and ("did you mean '%s'?"):format(core.printable(near))
    or "it has " .. core.printable(table.concat(names, ", ", 1, math.min(#names, 12))) .. (#names > 12 and ", …" or ""))
end

function Hdf5Source:setup()
  local file, message = core.hdf5.open(self.filename, "r", { allow_foreign = self.allow_foreign })
  if not file then self:fail("%s", message) end
  self.file, self.arrays = file, {}
  for _, name in ipairs(self.keys) do
    local path = self.datasets[name]
    if not file:exists(path) then self:fail({ key = name }, "%s", missing(self, path)) end
    local array
    array, message = LazyArray.open(file, path, self.array_specs[name], {
      channels_first = self.channels_first, axes = for_key(self.axes, name), pick = for_key(self.pick, name), unit = self.unit,
      way_out = ("array_specs = { [%s] = md.ArraySpec{ voxel_size = {…} } }"):format(name.name),
    })
    if not array then self:fail({ key = name }, "%s (for %s)", message, name) end
    self.arrays[name] = array
    self:provides(name, array.spec)
  end
end

function Hdf5Source:provide(request)
  local batch = Batch {}
  for name, wanted in request:items() do
    local roi = wanted.roi
    local data, message = self.arrays[name]:read(roi)
    if not data then self:fail({ key = name, roi = roi }, "%s can't be read in ROI %s: %s", name, roi, message) end
    local spec = self.spec[name]:copy()
    spec.roi = roi
    batch[name] = Array { data, spec }
  end
  return batch
end

function Hdf5Source:teardown()
  if self.file then self.file:close() end
  self.file, self.arrays = nil, nil
end

return Hdf5Source
