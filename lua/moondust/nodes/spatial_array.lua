--- What nodes that look at neighbours or sections ask of an array: that it lies in space.

--- The announced spec of a key, in the name of `node`; raises when upstream doesn't have it or it is nonspatial.
---@param node moondust.BatchProvider
---@param name moondust.ArrayKey
---@return moondust.ArraySpec
return function(node, name)
  local spec = node:need(name)
  if not spec.voxel_size then node:fail({ key = name }, "%s is nonspatial, %s needs an array with a ROI and a voxel size", name, node:name()) end
  return spec
end
