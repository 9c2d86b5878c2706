--- What the nodes and arrays that change voxel sizes share.
local core = require "moondust.core"

local M = {}

--- A node's `factor` as a coordinate of the array's rank, each entry 1 or more.
---@param node moondust.BatchFilter  with .factor and .source
---@param spec moondust.ArraySpec    of the source
---@return moondust.Coordinate
function M.factor(node, spec)
  if not spec.voxel_size or not spec.roi then node:fail({ key = node.source }, "%s is nonspatial: it has no voxels to count", node.source) end
  local factor, dims = node.factor, spec.voxel_size.dims
  if type(factor) == "number" then
    local entries = {}
    for d = 1, dims do entries[d] = math.tointeger(factor) end
    factor = entries
  end
  factor = core.Coordinate(factor)
  if factor.dims ~= dims then node:fail({ key = node.source }, "factor %s has %d axes, %s has %d", factor, factor.dims, node.source, dims) end
  for d = 1, dims do
    if factor[d] == core.unbounded or factor[d] < 1 then node:fail({ key = node.source }, "factor %s must be 1 or more on each axis", factor) end
  end
  return factor
end

--- The voxels of `roi` at `voxel_size`, made of an array that covers it: centres on centres.
---@param array moondust.Array  or anything with .data and .spec
---@param roi moondust.Roi
---@param voxel_size moondust.Coordinate
---@param mode "nearest"|"linear"|"mean"
---@return moondust.ndarray
function M.resize(array, roi, voxel_size, mode)
  local from, own, shape, scale, shift = array.spec.roi, array.spec.voxel_size, {}, {}, {}
  for d = 1, roi.dims do
    shape[d] = roi.empty and math.max(0, roi.shape[d] // voxel_size[d]) or roi.shape[d] // voxel_size[d]
    scale[d] = voxel_size[d] / own[d]
    shift[d] = roi.empty and 0 or (roi.offset[d] - from.offset[d] + voxel_size[d] / 2) / own[d] - 0.5
  end
  if roi.empty then
    local whole, channels = {}, array.data.ndim - roi.dims
    for c = 1, channels do whole[c] = array.data.shape[c] end
    table.move(shape, 1, #shape, channels + 1, whole)
    return core.zeros(whole, array.data.dtype)
  end
  return core.kernel.resize(array.data, shape, scale, shift, mode)
end

return M
