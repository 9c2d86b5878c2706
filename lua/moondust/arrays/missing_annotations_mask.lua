--- MissingAnnotationsMask: where labels may be learned from, a channel for each group of ids. Original: dacapo
--- (MissingAnnotationsMaskConfig).
local error = require("moondust.error").raise
local class = require("moondust.class").class
local core = require "moondust.core"
local WrapperArray = require "moondust.arrays.wrapper"
local groups_of = require "moondust.arrays.groupings"

--- uint8 (groups, spatial…): 1 where there is a label (> 0); all 0 for a group with an id that is present in the volume but not
--- annotated, since what isn't marked as such there may be it all the same.
---@class moondust.MissingAnnotationsMaskArray : moondust.WrapperArray
---@overload fun(options: table): moondust.MissingAnnotationsMaskArray
local MissingAnnotationsMask = class("MissingAnnotationsMask", WrapperArray)
MissingAnnotationsMask.look_ahead = true
MissingAnnotationsMask.options = {
  { "source_array", type = "any", required = true, doc = "labels, integers, without channel axes" },
  { "groupings", type = "table", required = true, doc = "{ { \"mito\", { 3, 4 } }, … }: a channel each, in this order" },
  { "labels", type = "table",
    doc = "what is annotated: { { value = 3, annotationState = { present = true, annotated = false } }, … }; default: the array's attrs.labels" },
}

local function refuse(format, ...) error(("MissingAnnotationsMask: " .. format):format(...), 4) end

local function present_not_annotated(labels)
  local ids = {}
  for i, label in ipairs(labels) do
    local state = type(label) == "table" and label.annotationState
    local value = type(label) == "table" and math.tointeger(label.value)
    if type(state) ~= "table" or not value then
      refuse("label %d must be { value = id, annotationState = { present = …, annotated = … } }", i)
    end
    if state.present and not state.annotated then ids[value] = true end
  end
  return ids
end

function MissingAnnotationsMask:init()
  local source = self:source(self.source_array, "'source_array'")
  local groups = groups_of("MissingAnnotationsMask", self.groupings)
  if source.dtype:find "^float" then refuse("the array is %s, ids are integers", source.dtype) end
  if #source.shape ~= source.roi.dims then refuse("the array has %d channel axes; labels have none", #source.shape - source.roi.dims) end
  local labels = self.labels or source.attrs and source.attrs.labels
  if type(labels) ~= "table" then refuse("the array has no table attrs.labels; say what is annotated: labels = { { value = 3, annotationState = {…} }, … }") end
  local missing = present_not_annotated(labels)
  self.hidden = {}
  for g, ids in ipairs(groups) do
    for _, id in ipairs(ids) do self.hidden[g] = self.hidden[g] or missing[id] or false end
  end
  self:describe { sources = { source }, dtype = "uint8", channels = { #groups }, interpolatable = false }
end

function MissingAnnotationsMask:make(roi)
  local data, message = self.sources[1]:read(roi)
  if not data then return nil, message end
  local labelled, planes = data:gt(0), {}
  local nothing = core.zeros(labelled.shape, "uint8")
  for g = 1, self.channels[1] do planes[g] = self.hidden[g] and nothing or labelled end
  return core.stack(planes)
end

return MissingAnnotationsMask
