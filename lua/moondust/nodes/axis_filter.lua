--- What Squeeze and Unsqueeze share: a view with one axis more or less for each of some arrays.
local error = require("moondust.error").raise
local class = require("moondust.class").class
local key = require "moondust.key"
local Batch = require "moondust.batch"
local BatchFilter = require "moondust.filter"
local BatchRequest = require "moondust.request"

---@class moondust.AxisFilter : moondust.BatchFilter
local AxisFilter = class("AxisFilter", BatchFilter)

AxisFilter.options = {
  { "arrays", type = "array_key|array_keys", required = true, doc = "the arrays to change" },
  { "axis", type = "integer", default = 1, doc = "a channel axis, counted from 1" },
}

function AxisFilter:init()
  if key.is_key(self.arrays) then self.arrays = { self.arrays } end
  if self.axis < 1 then error(("%s: 'axis' counts from 1, %d given"):format(self.class_name, self.axis), 3) end
end

function AxisFilter:setup()
  self:enable_autoskip()
  for _, name in ipairs(self.arrays) do self:updates(name, self:need(name):copy()) end
end

function AxisFilter:prepare(request)
  local dependencies = BatchRequest {}
  for _, name in ipairs(self.arrays) do
    if request[name] then dependencies[name] = request[name] end
  end
  return dependencies
end

--- The view of one array; for subclasses.
---@param _data moondust.ndarray
---@param _channels integer  channel axes it has
---@param _name moondust.ArrayKey
---@return moondust.ndarray
function AxisFilter:change(_data, _channels, _name) self:fail("the class has no change()") end

function AxisFilter:process(batch)
  local outputs = Batch {}
  for _, name in ipairs(self.arrays) do
    local array = batch[name]
    if array then
      local new = array:share()
      local roi = array.spec.roi
      new.data = self:change(array.data, array.data.ndim - (roi and roi.dims or 0), name)
      outputs[name] = new
    end
  end
  return outputs
end

return AxisFilter
