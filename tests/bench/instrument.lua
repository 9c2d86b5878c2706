--- Where a batch's time goes, seen from Lua: every call into C that works on voxels is timed. To be loaded before moondust is, whose
--- files keep what they find. Calls cost about 0.2 us more for it, which counts as time outside.
local core = require "moondust.core"

local instrument = { seconds = { kernels = 0, reading = 0, copies = 0 } }
local seconds, clock, depth = instrument.seconds, core.clock, 0

local function finish(kind, before, ...)
  depth = depth - 1
  seconds[kind] = seconds[kind] + clock() - before
  return ...
end

-- Inner calls (none today) belong to the outer one. An error from within ends the benchmark, so nobody tidies up after it.
local function timed(kind, body)
  return function(...)
    if depth > 0 then return body(...) end
    depth = depth + 1
    return finish(kind, clock(), body(...))
  end
end

local COPIES = { copy = true, stack = true, concatenate = true }

local function wrap_methods(object, kind_of)
  local meta = debug.getmetatable(object)
  local old, wrapped = meta.__index, {}
  meta.__index = function(self, key)
    if wrapped[key] then return wrapped[key] end
    local value
    if type(old) == "function" then value = old(self, key) else value = old[key] end
    local kind = type(value) == "function" and kind_of(key)
    if not kind then return value end
    wrapped[key] = timed(kind, value)
    return wrapped[key]
  end
  for _, name in ipairs { "__add", "__sub", "__mul", "__div", "__pow", "__unm" } do
    if meta[name] then meta[name] = timed("kernels", meta[name]) end
  end
end

--- Wraps kernels, array methods, transformations and the reading of files.
---@param file string  an HDF5 file, opened and closed again
function instrument.install(file)
  for name, body in pairs(core.kernel) do
    if type(body) == "function" then core.kernel[name] = timed("kernels", body) end
  end
  for _, name in ipairs { "stack", "concatenate" } do core[name] = timed("copies", core[name]) end
  for _, name in ipairs { "ndarray", "zeros", "empty", "Transform" } do core[name] = timed("kernels", core[name]) end
  local array <close> = core.zeros({ 1 }, "float32")
  wrap_methods(array, function(name) return COPIES[name] and "copies" or "kernels" end)
  local voxel_size = core.Coordinate { 1, 1 }
  local transform = core.Transform { roi = core.Roi({ 0, 0 }, { 8, 8 }), voxel_size = voxel_size }
  wrap_methods(transform, function() return "kernels" end)
  transform:close()
  local opened = assert(core.hdf5.open(file))
  wrap_methods(opened, function(name) return name == "read" and "reading" or nil end)
  opened:close()
end

function instrument.reset()
  for kind in pairs(seconds) do seconds[kind] = 0 end
end

return instrument
