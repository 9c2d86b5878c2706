--- A file of batches: batch i goes into the group /batch_00000i, each array under its key (with resolution, voxel_size and
--- offset), each graph as KEY-ids, KEY-locations and KEY-edges; the group's attribute random_seed tells how to request the batch
--- again. What is written depends on the batches alone.
local core = require "moondust.core"
local must = require("moondust.cli").must
local key = require "moondust.key"

---@class moondust.BatchFile
---@field path string
---@field count integer   batches written
local BatchFile = {}
BatchFile.__index = BatchFile

---@param path string  replaced when it exists
---@return moondust.BatchFile
function BatchFile.create(path)
  local file = must(core.hdf5.open(path, "w"))
  return setmetatable({ path = path, count = 0, file = file }, BatchFile)
end

local function write_array(file, name, data, spec)
  local options = { chunks = false }
  if spec and spec.roi and spec.voxel_size then options.voxel_size, options.offset = spec.voxel_size, spec.roi.offset end
  must(file:create(name, data.shape, data.dtype, options))
  if data.size > 0 then must(file:write(name, data)) end
end

local function write_graph(file, name, graph)
  local locations, ids, edges = graph:arrays()
  write_array(file, name .. "-ids", ids)
  write_array(file, name .. "-locations", locations)
  write_array(file, name .. "-edges", edges)
end

local function sorted_items(batch)
  local items = {}
  for name, item in batch:items() do items[#items + 1] = { name, item } end
  table.sort(items, function(a, b) return a[1].name < b[1].name end)
  return items
end

--- Adds a batch under its number in the stream, counted from 0.
---@param batch moondust.Batch
---@param index integer
function BatchFile:write(batch, index)
  local group = ("/batch_%06d"):format(index)
  for _, pair in ipairs(sorted_items(batch)) do
    local name, item = pair[1], pair[2]
    if key.is_graph_key(name) then
      write_graph(self.file, group .. "/" .. name.name, item)
    else
      write_array(self.file, group .. "/" .. name.name, item.data, item.spec)
    end
  end
  if batch.random_seed then must(self.file:set_attribute(group, "random_seed", batch.random_seed)) end
  self.count = self.count + 1
end

function BatchFile:close() self.file:close() end
BatchFile.__close = BatchFile.close

return BatchFile
