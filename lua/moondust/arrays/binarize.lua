--- Binarize: labels as masks, a channel for each group of ids. Original: dacapo (BinarizeArrayConfig).
local error = require("moondust.error").raise
local core = require "moondust.core"
local class = require("moondust.class").class
local WrapperArray = require "moondust.arrays.wrapper"
local groups_of = require "moondust.arrays.groupings"

--- uint8 (groups, spatial…): 1 where the id is in the group. A group without ids takes every id but the background, which is in
--- no group.
---@class moondust.BinarizeArray : moondust.WrapperArray
---@overload fun(options: table): moondust.BinarizeArray
local Binarize = class("Binarize", WrapperArray)
Binarize.look_ahead = true
Binarize.options = {
  { "source_array", type = "any", required = true, doc = "labels, integers, without channel axes" },
  { "groupings", type = "table", required = true, doc = "{ { \"mito\", { 3, 4 } }, … }: a channel each, in this order" },
  { "background", type = "label", default = 0, doc = "the id that is in no group; default 0" },
}

function Binarize:init()
  local source = self:source(self.source_array, "'source_array'")
  self.groups = groups_of("Binarize", self.groupings)
  if source.dtype:find "^float" then error(("Binarize: the array is %s, ids are integers"):format(source.dtype), 3) end
  if #source.shape ~= source.roi.dims then
    error(("Binarize: the array has %d channel axes; labels have none"):format(#source.shape - source.roi.dims), 3)
  end
  self:describe { sources = { source }, dtype = "uint8", channels = { #self.groups }, interpolatable = false }
end

function Binarize:make(roi)
  local data, message = self.sources[1]:read(roi)
  if not data then return nil, message end
  return core.kernel.binarize(data, self.groups, self.background)
end

return Binarize
