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
  self:provides(self.copy_key, self:need(self.array_key):copy())
end

function CopyMask:prepare(request)
  local dependencies = BatchRequest {}
  dependencies[self.array_key] = request[self.copy_key]
  return dependencies
end

function CopyMask:process(batch)
  local source, outputs = batch[self.array_key], Batch {}
  local dims = source.spec.voxel_size.dims
  local data = source.data
  data = self.drop_channels and data.ndim > dims and core.kernel.max_channels(data, dims) or data:view()
  outputs[self.copy_key] = Array { data, source.spec, source.attrs }
  return outputs
end

return CopyMask
