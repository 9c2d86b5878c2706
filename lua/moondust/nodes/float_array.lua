--- What intensity augmentations ask of an array: floats without NaN. A pass over the voxels that finds something else out anyway
--- finds NaN, too; where it is, is looked for only then.
local M = {}

--- Raises, in the name of `node`, when the array is not a float one.
---@param node moondust.BatchProvider
---@param array moondust.Array
---@param what string  what is to be done with it
function M.need(node, array, what)
  local dtype, name = array.data.dtype, array.key
  if not dtype:find "^float" then
    node:fail({ key = name, roi = array.spec.roi }, "%s is %s, %s needs float32 or float64; put md.Normalize{ %s } before it", name, dtype, what, name)
  end
end

--- Raises when there is a NaN.
---@param node moondust.BatchProvider
---@param array moondust.Array
function M.refuse_nan(node, array)
  local bad = array.data:first_nan()
  if bad then
    node:fail({ key = array.key, roi = array.spec.roi }, "%s has a NaN at {%s}", array.key, table.concat(bad, ", "))
  end
end

--- The smallest and largest value; raises when there is a NaN. Not of an empty array.
---@param node moondust.BatchProvider
---@param array moondust.Array
---@return number low
---@return number high
function M.range(node, array)
  local low, high = array.data:minmax()
  if low ~= low or high ~= high then M.refuse_nan(node, array) end
  return low, high
end

return M
