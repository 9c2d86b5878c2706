--- AsType (gunpowder astype.py): another dtype, in place or under another key; numpy's casting.
local class = require("moondust.class").class
local Array = require "moondust.array"
local Batch = require "moondust.batch"
local BatchFilter = require "moondust.filter"
local BatchRequest = require "moondust.request"

---@class moondust.AsType : moondust.BatchFilter
local AsType = class("AsType", BatchFilter)
AsType.look_ahead = "dependencies"

AsType.options = {
  { "source", type = "array_key", required = true, doc = "the array to cast" },
  { "target_dtype", type = "dtype", required = true, doc = "numpy's name of the new dtype" },
  { "target", type = "array_key", doc = "key of the cast array; default: the source itself" },
}

function AsType:init() self.target = self.target or self.source end

function AsType:setup()
  self:enable_autoskip()
  local spec = self:need(self.source):copy()
  spec.dtype = self.target_dtype
  if self.target == self.source then self:updates(self.source, spec) else self:provides(self.target, spec) end
end

function AsType:prepare(request)
  local wanted = request[self.target]
  wanted.dtype = nil -- what is wanted of the cast says nothing about what is cast
  local dependencies = BatchRequest {}
  dependencies[self.source] = wanted
  return dependencies
end

function AsType:process(batch)
  local source = batch[self.source]
  local spec, outputs = source.spec:copy(), Batch {}
  spec.dtype = self.target_dtype
  outputs[self.target] = Array { source.data:astype(self.target_dtype), spec, source.attrs }
  return outputs
end

return AsType
