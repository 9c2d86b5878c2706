--- What intensity augmentations ask of an array: floats.

--- Raises, in the name of `node`, when the array is not a float one.
---@param node moondust.BatchProvider
---@param array moondust.Array
---@param what string  what is to be done with it
return function(node, array, what)
  local dtype, name = array.data.dtype, array.key
  if not dtype:find "^float" then
    node:fail({ key = name, roi = array.spec.roi }, "%s is %s, %s needs float32 or float64; put md.Normalize{ %s } before it", name, dtype, what, name)
  end
  local bad = array.data:first_nan()
  if bad then
    node:fail({ key = name, roi = array.spec.roi }, "%s has a NaN at {%s}", name, table.concat(bad, ", "))
  end
end
