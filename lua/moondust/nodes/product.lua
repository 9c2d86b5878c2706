--- Product (dacapo.gp product.py): y = x1 * x2, numpy's result dtype, integers saturating instead of wrapping.
local core = require "moondust.core"
local class = require("moondust.class").class
local Array = require "moondust.array"
local Batch = require "moondust.batch"
local BatchFilter = require "moondust.filter"
local BatchRequest = require "moondust.request"

---@class moondust.Product : moondust.BatchFilter
local Product = class("Product", BatchFilter)
Product.look_ahead = "dependencies"

Product.options = {
  { "x1_key", type = "array_key", required = true, doc = "the first factor" },
  { "x2_key", type = "array_key", required = true, doc = "the second factor: same voxel size" },
  { "y_key", type = "array_key", required = true, doc = "the product" },
}

function Product:setup()
  self:enable_autoskip()
  local x1, x2 = self:need(self.x1_key), self:need(self.x2_key)
  if x1.voxel_size ~= x2.voxel_size then
    self:fail({ key = self.x2_key }, "%s has voxel size %s, %s has %s; they must be the same", self.x1_key, x1.voxel_size, self.x2_key, x2.voxel_size)
  end
  local spec = x1:copy()
  spec.roi = x1.roi and x2.roi and x1.roi:intersect(x2.roi)
  if spec.roi and spec.roi.empty then
    self:fail({ key = self.y_key }, "%s (ROI %s) and %s (ROI %s) have no place in common", self.x1_key, x1.roi, self.x2_key, x2.roi)
  end
  spec.dtype = x1.dtype and x2.dtype and (core.zeros({ 1 }, x1.dtype) * core.zeros({ 1 }, x2.dtype)).dtype or nil
  self:provides(self.y_key, spec)
end

function Product:prepare(request)
  request[self.y_key].dtype = nil
  local dependencies = BatchRequest {}
  dependencies[self.x1_key] = request[self.y_key]
  dependencies[self.x2_key] = request[self.y_key]
  return dependencies
end

-- Space is the same by now; what can differ is channels, which broadcast as numpy's.
function Product:check_channels(x1, x2)
  local a, b = x1.data.shape, x2.data.shape
  for back = 0, math.min(#a, #b) - 1 do
    local one, other = a[#a - back], b[#b - back]
    if one ~= other and one ~= 1 and other ~= 1 then
      self:fail({ key = self.y_key }, "%s has shape {%s} and %s {%s}; channels must be the same or 1", self.x1_key, table.concat(a, ", "), self.x2_key,
        table.concat(b, ", "))
    end
  end
end

function Product:process(batch)
  local x1, x2 = batch[self.x1_key], batch[self.x2_key]
  self:check_channels(x1, x2)
  local data = x1.data * x2.data
  local spec, outputs = x1.spec:copy(), Batch {}
  spec.dtype = data.dtype
  outputs[self.y_key] = Array { data, spec }
  return outputs
end

return Product
