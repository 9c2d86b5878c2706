--- Concat: arrays as the channels of one. Original: dacapo (ConcatArrayConfig).
local error = require("moondust.error").raise
local core = require "moondust.core"
local class = require("moondust.class").class
local WrapperArray = require "moondust.arrays.wrapper"

--- (channels, spatial…) in numpy's common dtype, where all of the arrays are. A channel without an array is the default array,
--- without that zeros.
---@class moondust.ConcatArray : moondust.WrapperArray
---@overload fun(options: table): moondust.ConcatArray
local Concat = class("Concat", WrapperArray)
Concat.look_ahead = true
Concat.options = {
  { "channels", type = "table", required = true, doc = "names of the channels, in order: { \"mito\", \"er\" }" },
  { "source_arrays", type = "table", required = true, doc = "{ mito = array, … }, each without channel axes or with one channel" },
  { "default_array", type = "any", doc = "for channels that have none; default: zeros" },
}

local function refuse(format, ...) error(("Concat: " .. format):format(...), 4) end

local function check_names(self)
  local known = {}
  for i, name in ipairs(self.channels) do
    if type(name) ~= "string" then refuse("'channels' are names, entry %d is a %s", i, type(name)) end
    if known[name] then refuse("'channels' has %q twice", name) end
    known[name] = true
  end
  for name in pairs(self.source_arrays) do
    if not known[name] then refuse("'source_arrays' has %q, which is not among the channels", tostring(name)) end
  end
end

function Concat:init()
  check_names(self)
  local names, sources, dtype = self.channels, {}, nil
  self.of_channel = {}
  for i, name in ipairs(names) do
    local value = self.source_arrays[name]
    local what = ("the array of %q"):format(name)
    if value == nil then value, what = self.default_array, "'default_array'" end
    local source = value ~= nil and self:source(value, what)
    if source then
      local channels = 1
      for _, length in ipairs(self.channels_of(source)) do channels = channels * length end
      if channels ~= 1 then refuse("the array of %q has %d channels; give arrays of one", name, channels) end
      local other = dtype or source.dtype
      dtype = (core.zeros({ 1 }, other) * core.zeros({ 1 }, source.dtype)).dtype
      self.of_channel[i], sources[#sources + 1] = source, source
    end
  end
  if #sources == 0 then error("Concat: there is no array for any of the channels", 3) end
  self:check_grids(sources)
  self:describe { sources = sources, roi = self:common_roi(sources), dtype = dtype, channels = { #names } }
  self.count = #names
end

function Concat:make(roi)
  local planes = {}
  local shape = self:shape_of(roi)
  table.remove(shape, 1)
  for i = 1, self.count do
    local source = self.of_channel[i]
    if source then
      local data, message = source:read(roi)
      if not data then return nil, message end
      planes[i] = data:reshape(shape):astype(self.dtype)
    else
      planes[i] = core.zeros(shape, self.dtype)
    end
  end
  return core.stack(planes)
end

return Concat
