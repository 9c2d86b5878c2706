--- A node and a policy of one's own, both in Lua.
---
---     moondust run scripts/custom_policy.lua -n 5 --seed 1 -- volume.h5
---
--- The node turns grey values around. The policy takes a place only when it shows contrast, and is less demanding with each try.
local md = require "moondust"

local file = ... or error("name a file: moondust run scripts/custom_policy.lua -- volume.h5", 0)
local RAW = md.ArrayKey "RAW"

local Invert = md.class("Invert", md.BatchFilter)
Invert.options = { { "array", type = "array_key", required = true, doc = "float array in [0, 1]" } }

-- What setup announces is what the node changes; with autoskip it sleeps while nobody asks for that.
function Invert:setup()
  self:enable_autoskip()
  self:updates(self.array, self.spec[self.array])
end

-- Arithmetic makes a new array: what upstream holds stays as it is.
function Invert:process(batch) batch[self.array].data = 1 - batch[self.array].data end

-- A policy is a function: true to reject. It sees the batch, the request, and how often it has said no.
local function too_flat(batch, _, attempt)
  local wanted = 0.12 * 0.98 ^ attempt
  return batch[RAW].data:std() < wanted
end

local voxel_size
for _, info in ipairs(assert(md.hdf5.list(file))) do
  if info.name:find "volumes/raw$" then voxel_size = info.voxel_size end
end
if not voxel_size then error(("%s has no volumes/raw with a voxel size"):format(file), 0) end

local pipeline = md.Hdf5Source{ file, datasets = { [RAW] = "volumes/raw" }, array_specs = { [RAW] = md.ArraySpec{ interpolatable = true } } }
  + md.Normalize{ RAW }
  + md.RandomLocation{}
  + Invert{ RAW }
  + md.RejectIf{ too_flat, p = 0.9, max_attempts = 200 }

local request = md.BatchRequest{}
request:add(RAW, md.Coordinate{ 8, 128, 128 } * voxel_size)

return pipeline, request
