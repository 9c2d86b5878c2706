--- Compares files by what they hold, with Moondust alone.
local core = require "moondust.core"

local M = {}

local function same_list(a, b)
  if a == nil or b == nil then return a == b end
  if #a ~= #b then return false end
  for i = 1, #a do if a[i] ~= b[i] then return false end end
  return true
end

local function batch_of(name) return tonumber(name:match "^/?batch_(%d+)/") end

-- The datasets that are to be compared: of batches below `batches`, where it is given.
local function datasets(file, batches)
  local list, message = file:list()
  if not list then return nil, message end
  local out = {}
  for _, info in ipairs(list) do
    if not batches or batch_of(info.name) < batches then out[#out + 1] = info end
  end
  return out
end

local function same_dataset(file, other, info, wanted)
  if info.name ~= wanted.name then return nil, ("has %s where %s is wanted"):format(info.name, wanted.name) end
  if info.dtype ~= wanted.dtype or not same_list(info.shape, wanted.shape) then return nil, info.name .. ": another dtype or shape" end
  if not same_list(info.voxel_size, wanted.voxel_size) or not same_list(info.offset, wanted.offset) then return nil, info.name .. ": another voxel size or offset" end
  local found <close>, message = file:read(info.name)
  if not found then return nil, message end
  local right <close> = assert(other:read(info.name))
  if not found:equal(right) then return nil, info.name .. ": other voxels" end
  local index = batch_of(info.name)
  local group = index and ("batch_%06d"):format(index)
  if group and file:attribute(group, "random_seed") ~= other:attribute(group, "random_seed") then return nil, group .. ": another random_seed" end
  return true
end

-- Whether `path` holds what `reference` does; `batches`: of both only the batches below this number, and no others may be in `path`.
local function compare(path, reference, batches)
  local file <close>, message = core.hdf5.open(path)
  if not file then return nil, message end
  local other <close> = assert(core.hdf5.open(reference))
  local found, why = datasets(file)
  if not found then return nil, why end
  local wanted = assert(datasets(other, batches))
  if #found ~= #wanted then return nil, ("%s has %d datasets, not %d"):format(path, #found, #wanted) end
  for i, info in ipairs(found) do
    local ok, difference = same_dataset(file, other, info, wanted[i])
    if not ok then return nil, ("%s: %s"):format(path, difference) end
  end
  return true
end

--- Whether two files have the same datasets, voxels, dtypes, shapes, places and seeds.
---@param path string
---@param reference string
---@return true?
---@return string? difference
function M.same(path, reference) return compare(path, reference) end

--- How many batches `path` has, when they are the first ones of `reference`.
---@param path string
---@param reference string
---@return integer?
---@return string? difference
function M.prefix(path, reference)
  local batches = 0
  do
    local file <close>, message = core.hdf5.open(path)
    if not file then return nil, message end
    while file:exists(("batch_%06d"):format(batches)) do batches = batches + 1 end
  end
  local ok, difference = compare(path, reference, batches)
  if not ok then return nil, difference end
  return batches
end

return M
