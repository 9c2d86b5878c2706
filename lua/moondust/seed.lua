--- Seeds of streams. A whole number S: batch i has the seed S + i, so streams of neighbouring numbers are one stream, a batch apart. A list of whole numbers
--- such as {7, epoch, worker}: batch i has a hash of list and i, so streams of different lists have no more batches in common than chance gives them.
---
--- The hash, to be made anywhere (in 64 bits, unsigned, overflow dropped; negative numbers as two's complement):
---
---     mix(z):  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;  return z ^ (z >> 31)
---     h = 0
---     for w in (length of the list, its numbers in order, i):  h = mix((h ^ w) + 0x9e3779b97f4a7c15)
---     seed = h >> 32
local core = require "moondust.core"
local options = require "moondust.options"
local BatchRequest = require "moondust.request"

local M = {}

local SEEDS = 1 << 32

-- A copy, since whoever gave the list may go on counting in it.
local function check_list(list, level)
  local copy = {}
  for position in next, list do
    if math.type(position) ~= "integer" or position < 1 or position > #list then
      error(("a seed's list takes numbers without names, {7, epoch}; it has '%s'"):format(tostring(position)), level + 1)
    end
  end
  for i = 1, #list do
    copy[i] = type(list[i]) == "number" and math.tointeger(list[i]) or nil
    if not copy[i] then
      error(("number %d of a seed's list must be a whole number from -2^63 to 2^63 - 1, not %s"):format(i, options.describe(list[i])), level + 1)
    end
  end
  if #copy == 0 then error("a seed's list is empty; give it a number or more, {7, epoch}", level + 1) end
  return copy
end

--- A stream's seed as it must be, or an error in words.
---@param seed any
---@param level integer
---@return integer|integer[]
function M.check(seed, level)
  if type(seed) == "table" and getmetatable(seed) == nil then return check_list(seed, level + 1) end
  if type(seed) == "string" then
    error(("random_seed must be a whole number from 0 to 4294967295, not %s; a list of numbers is a table, {7, 3}"):format(options.describe(seed)), level + 1)
  end
  return BatchRequest.check_seed(seed, level + 1)
end

--- What a stream goes by: the seed given, else the request's, else one from the system.
---@param seed any
---@param request moondust.BatchRequest
---@param level integer
---@return integer|integer[]
function M.choose(seed, request, level)
  if seed ~= nil then return M.check(seed, level + 1) end
  return request.random_seed or core.seed_from_system()
end

--- The random_seed of batch i, from 0, of the stream with this seed (which is checked already).
---@param seed integer|integer[]
---@param i integer
---@return integer
function M.of_batch(seed, i)
  if type(seed) == "table" then return core.seed_stream(seed, i) end
  return (seed + i) % SEEDS
end

--- As the program's --seed takes it: "7", "7,3", and "7," for a list of one.
---@param seed integer|integer[]
---@return string
function M.text(seed)
  if type(seed) ~= "table" then return ("%d"):format(seed) end
  return table.concat(seed, ",") .. (#seed == 1 and "," or "")
end

--- Reads what text() writes; nil and a sentence when it is no seed.
---@param text string
---@return integer|integer[]|nil
---@return string? message
function M.parse(text)
  if not text:find(",", 1, true) then
    local number = text:match "^%s*%d+%s*$" and math.tointeger(tonumber(text))
    if number and number < SEEDS then return number end
    return nil, ("'%s' must be a whole number from 0 to %d, or a list of whole numbers such as 7,3"):format(text, SEEDS - 1)
  end
  local list = {}
  for word in (text:gsub(",%s*$", "") .. ","):gmatch "(.-)," do
    local number = word:match "^%s*[+-]?%d+%s*$" and math.tointeger(tonumber(word))
    if not number then return nil, ("'%s' must be whole numbers from -2^63 to 2^63 - 1 with commas between: 7,3"):format(text) end
    list[#list + 1] = number
  end
  return list
end

--- md.batch_seed(seed, i): the random_seed that batch i, counted from 0, of `pipeline:batches(request, { seed = seed })` has.
---@param seed integer|integer[]  a whole number from 0 to 4294967295, or a list of whole numbers
---@param i integer  0 or more
---@return integer random_seed
function M.batch_seed(seed, i)
  local checked, index = M.check(seed, 2), type(i) == "number" and math.tointeger(i)
  if not index or index < 0 then error(("md.batch_seed: batches are counted 0, 1, 2 …, not %s"):format(options.describe(i)), 2) end
  return M.of_batch(checked, index)
end

return M
