--- A file of batches: batch i goes into the group /batch_00000i, each array under its key (with resolution, voxel_size and
--- offset), each graph as KEY-ids, KEY-locations and KEY-edges; the group's attribute random_seed tells how to request the batch
--- again. What is written depends on the batches alone.
---
--- OUT.partial holds the batches that are whole, whatever happens to the process, and becomes OUT when it is closed. Attributes of its
--- root say which stream they are of, so that it can be resumed: `seed` as --seed takes it, `script` a hash of the script's text,
--- `arguments` what stood behind `--`.
local core = require "moondust.core"
local cli = require "moondust.cli"
local must = cli.must
local key = require "moondust.key"
local placement = require "moondust.placement"
local Seed = require "moondust.seed"

---@class moondust.BatchFile
---@field path string
---@field partial string  the name of the file until it is closed
---@field count integer   batches in it
local BatchFile = {}
BatchFile.__index = BatchFile

local function group_of(index) return ("batch_%06d"):format(index) end

-- ------------------------------------------------------------------------------------------------ which stream it is

-- FNV-1a, 64 bits, in hexadecimal.
local function hash(text)
  local h = 0xcbf29ce484222325
  for i = 1, #text do h = (h ~ text:byte(i)) * 0x100000001b3 end
  return ("%016x"):format(h)
end

local function read_text(path)
  local file <close> = must(io.open(path, "rb"))
  return must(file:read "a")
end

--- What a file of batches is told by: the script's text, its arguments and the seed of the stream.
---@param script string  path
---@param words string[]
---@param seed integer|integer[]
---@return { script: string, arguments: string, seed: string }
function BatchFile.identity(script, words, seed)
  local quoted = {}
  for i, word in ipairs(words) do quoted[i] = ("%q"):format(word) end
  return { script = hash(read_text(script)), arguments = table.concat(quoted, " "), seed = Seed.text(seed) }
end

local PARTS = { "seed", "script", "arguments" }
local DIFFERS = {
  seed = "it has the seed %s, not %s: give --seed %s", script = "it was made by another text of the script (hash %s, now %s); leave --resume away to begin anew",
  arguments = "it was made with the arguments '%s', not '%s'; leave --resume away to begin anew",
}

-- Raises unless the file holds batches of this stream.
local function check_identity(file, path, identity)
  for _, part in ipairs(PARTS) do
    local there = file:attribute("/", part)
    if type(there) ~= "string" then
      error(("%s can't be resumed: it doesn't say of which stream its batches are (no attribute '%s'); leave --resume away to begin anew"):format(path, part), 0)
    elseif there ~= identity[part] then
      error(("%s can't be resumed: %s"):format(path, DIFFERS[part]:format(there, identity[part], there)), 0)
    end
  end
end

--- The seed of the stream in OUT.partial or, where there is none, in OUT; nil where that doesn't say.
---@param path string
---@return integer|integer[]|nil
function BatchFile.seed_of(path)
  local file <close> = core.hdf5.open(path .. ".partial", "r") or core.hdf5.open(path, "r")
  local text = file and file:attribute("/", "seed")
  return type(text) == "string" and Seed.parse(text) or nil
end

-- How many batches there are; they have the numbers 0, 1, 2 ….
local function count_batches(file)
  local low, high = -1, 1 -- batch `low` is there, batch `high` isn't
  while file:exists(group_of(high - 1)) do low, high = high - 1, 2 * high end
  high = high - 1
  while high - low > 1 do
    local middle = (low + high) // 2
    if file:exists(group_of(middle)) then low = middle else high = middle end
  end
  return low + 1
end

-- ------------------------------------------------------------------------------------------------ opening

-- An earlier OUT.partial keeps its batches under another name. One that another process writes is refused.
local function set_aside(partial)
  local earlier <close>, message = core.hdf5.open(partial, "r")
  if not earlier and message:find("locked", 1, true) then error(message, 0) end
  if earlier and count_batches(earlier) == 0 then return end
  local number = 1
  while cli.is_file(("%s.%d"):format(partial, number)) do number = number + 1 end
  local name = ("%s.%d"):format(partial, number)
  must(os.rename(partial, name))
  io.stderr:write(("moondust: %s of an earlier run is kept as %s (to go on with it, give it its old name back and use --resume)\n"):format(
    core.printable(partial), core.printable(name)))
end

-- Whether the run was killed before its first batch was whole: then there is nothing to go on with, nor a word on the stream.
local function is_blank(partial)
  local bytes <close> = must(io.open(partial, "rb"))
  if bytes:seek "end" == 0 then return true end
  local there <close> = must(core.hdf5.open(partial, "r"))
  return count_batches(there) == 0 and #must(there:list()) == 0
end

--- Opens `path`.partial, anew or (resume) with the batches that are in it.
---@param path string  replaced, when it exists, once all batches are written
---@param identity { script: string, arguments: string, seed: string }
---@param resume boolean?
---@return moondust.BatchFile
function BatchFile.create(path, identity, resume)
  local partial = path .. ".partial"
  must(core.output.allowed(path))
  for _, name in ipairs { path, partial } do must(core.output.unread(name)) end
  resume = resume and cli.is_file(partial)
  if resume and is_blank(partial) then resume = false end
  if resume then
    local there <close> = must(core.hdf5.open(partial, "r"))
    check_identity(there, partial, identity)
  elseif cli.is_file(partial) then
    set_aside(partial)
  end
  local file = must(core.hdf5.open(path, "w", { stream = true, resume = resume, replace = not resume }))
  local self = setmetatable({ path = path, partial = partial, count = resume and count_batches(file) or 0, file = file }, BatchFile)
  if not resume then
    for _, part in ipairs(PARTS) do must(file:set_attribute("/", part, identity[part])) end
  end
  return self
end

--- The number of batches in `path` when it is a whole file of this stream; nil when it is not there.
---@param path string
---@param identity { script: string, arguments: string, seed: string }
---@return integer?
function BatchFile.count_whole(path, identity)
  if not cli.is_file(path) then return nil end
  local file <close>, message = core.hdf5.open(path, "r")
  if not file then error(message .. "; leave --resume away to begin anew", 0) end
  check_identity(file, path, identity)
  return count_batches(file)
end

-- ------------------------------------------------------------------------------------------------ writing

local function write_array(file, name, data, spec)
  local options = { chunks = false }
  if spec and spec.roi and spec.voxel_size then
    options.voxel_size, options.offset, options.attributes = spec.voxel_size, spec.roi.offset, { axis_names = placement.axis_names(data.ndim, spec.roi.dims) }
  end
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

local function write_batch(self, batch, index)
  local group = "/" .. group_of(index)
  for _, pair in ipairs(sorted_items(batch)) do
    local name, item = pair[1], pair[2]
    if key.is_graph_key(name) then
      write_graph(self.file, group .. "/" .. name.name, item)
    else
      write_array(self.file, group .. "/" .. name.name, item.data, item.spec)
    end
  end
  if batch.random_seed then must(self.file:set_attribute(group, "random_seed", batch.random_seed)) end
  must(self.file:flush())
  self.count = self.count + 1
end

--- Adds a batch under its number in the stream, counted from 0. When this returns the file holds it, whatever happens to the
--- process; no signal cuts it short.
---@param batch moondust.Batch
---@param index integer
function BatchFile:write(batch, index) cli.uninterrupted(write_batch, self, batch, index) end

--- Gives the file its name: all batches are in it. When that fails they are in .partial.
---@return true?
---@return string? message
function BatchFile:close()
  local ok, message = core.output.unread(self.path)
  if ok then return self.file:close() end
  local failed = self:discard()
  return nil, failed or message
end

--- Leaves .partial with the batches that are whole (none: no file).
---@return string? message  what went wrong with that
function BatchFile:discard()
  local ok, message = self.file:discard()
  if not ok then return message end
end

return BatchFile
