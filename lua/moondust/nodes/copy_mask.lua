--- CopyMask (dacapo.gp copy.py): a copy of an array under a new key; the source is never changed.
local core = require "moondust.core"
local class = require("moondust.class").class
local Array = require "moondust.array"
local Batch = require "moondust.batch"
local BatchFilter = require "moondust.filter"
local BatchRequest = require "moondust.request"

---@class moondust.CopyMask : moondust.BatchFilter
local CopyMask = class("CopyMask", BatchFilter)
CopyMask.look_ahead = "dependencies"

CopyMask.options = {
  { "array_key", type = "array_key", required = true, doc = "what to copy" },
  { "copy_key", type = "array_key", required = true, doc = "key of the copy" },
  { "drop_channels", type = "boolean", default = false, doc = "collapse leading channel axes by their maximum" },
}

function CopyMask:setup()
  self:enable_autoskip()
  local spec = self:need(self.array_key)
  if self.drop_channels and not spec.voxel_size then
    self:fail({ key = self.array_key }, "%s is nonspatial: which of its axes are channels can't be told; leave 'drop_channels' out", self.array_key)
  end
  self:provides(self.copy_key, spec:copy())
end

function CopyMask:prepare(request)
  local dependencies = BatchRequest {}
  dependencies[self.array_key] = request[self.copy_key]
  return dependencies
end

function CopyMask:process(batch)
  local source, outputs = batch[self.array_key], Batch {}
  local voxel_size, data = source.spec.voxel_size, source.data
  local dims = voxel_size and voxel_size.dims
  data = self.drop_channels and data.ndim > dims and core.kernel.max_channels(data, dims) or data:view()
  outputs[self.copy_key] = Array { data, source.spec, source.attrs }
  return outputs
end

return CopyMask
