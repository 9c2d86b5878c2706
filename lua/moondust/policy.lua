--- Predicates for RejectIf: each takes (batch, request, attempt) and says true when the batch is to be rejected. They compose.
--- What they look at is known, so that a pipeline asks for that first and for the rest only where they are content.
local error = require("moondust.error").raise
local key = require "moondust.key"
local options = require "moondust.options"

local M = {}

---@alias moondust.Predicate fun(batch: moondust.Batch, request: moondust.BatchRequest, attempt: integer): boolean

local function predicate(what, value)
  local meta = getmetatable(value)
  if type(value) ~= "function" and not (type(meta) == "table" and meta.__call) then
    error(("%s takes functions of (batch, request, attempt), not a %s"):format(what, type(value)), 3)
  end
  return value
end

local keys_of = setmetatable({}, { __mode = "k" })

-- Notes what a predicate looks at.
local function looks_at(keys, rejects)
  keys_of[rejects] = keys
  return rejects
end

-- What several look at together; nil if that isn't known of one of them.
local function united(list)
  local all = {}
  for _, rejects in ipairs(list) do
    local keys = keys_of[rejects]
    if not keys then return nil end
    table.move(keys, 1, #keys, #all + 1, all)
  end
  return all
end

--- The keys that a predicate of this module looks at; nil for other functions, and for what is composed with such.
---@param rejects moondust.Predicate
---@return moondust.Key[]?
function M.keys(rejects) return keys_of[rejects] end

local function item(batch, name)
  return batch:has(name) and batch[name] or error(("%s is not in the batch (it has %s); request it"):format(
    tostring(name), batch:names()), 0)
end

local function need_key(what, name)
  if not key.is_key(name) then error(("md.policy.%s looks at an ArrayKey or GraphKey, not %s"):format(what, options.describe(name)), 3) end
end

local function need_number(what, name, value)
  if type(value) ~= "number" or value ~= value then error(("md.policy.%s: '%s' must be a number, not %s"):format(what, name, options.describe(value)), 3) end
end

-- The voxels of an array, nonspatial or not.
local function data_of(batch, what, name)
  local found = item(batch, name)
  if not found.data then error(("md.policy.%s looks at arrays, %s is a graph; md.policy.fewer_nodes_than counts its nodes"):format(what, name.name), 0) end
  return found.data
end

-- Whether a graph has `n` nodes inside of its ROI; ends of cut edges are none.
local function has_nodes(graph, n)
  if graph:num_nodes() < n then return false end
  local roi, count = graph.spec.roi, 0
  if n <= 0 then return true end
  for node in graph:nodes() do
    if not node.temporary and (not roi or roi:contains(node.location)) then
      count = count + 1
      if count >= n then return true end
    end
  end
  return false
end

--- Nothing but `background` in an array; a graph without nodes in its ROI (ends of cut edges are none).
---@param name moondust.Key
---@param background number?  default 0
---@return moondust.Predicate
function M.empty(name, background)
  need_key("empty", name)
  return looks_at({ name }, function(batch)
    local found = item(batch, name)
    if not found.data then return not has_nodes(found, 1) end
    return found.data:count(background or 0) == found.data.size
  end)
end

--- Share of non-zero voxels in `mask` below `ratio`.
---@param mask moondust.ArrayKey
---@param ratio number
---@return moondust.Predicate
function M.masked_below(mask, ratio)
  need_key("masked_below", mask)
  need_number("masked_below", "ratio", ratio)
  return looks_at({ mask }, function(batch)
    local data = data_of(batch, "masked_below", mask)
    return data.size == 0 or (data.size - data:count(0)) / data.size < ratio
  end)
end

--- Fewer than `n` nodes of a graph inside its ROI (ends of cut edges are none).
---@param graph moondust.GraphKey
---@param n integer
---@return moondust.Predicate
function M.fewer_nodes_than(graph, n)
  need_key("fewer_nodes_than", graph)
  need_number("fewer_nodes_than", "n", n)
  return looks_at({ graph }, function(batch)
    local found = item(batch, graph)
    if found.data then error(("md.policy.fewer_nodes_than looks at graphs, %s is an array; md.policy.fewer_labels_than counts its labels"):format(graph.name), 0) end
    return not has_nodes(found, n)
  end)
end

--- Fewer than `n` distinct values other than 0.
---@param name moondust.ArrayKey
---@param n integer
---@return moondust.Predicate
function M.fewer_labels_than(name, n)
  need_key("fewer_labels_than", name)
  need_number("fewer_labels_than", "n", n)
  return looks_at({ name }, function(batch)
    local data = data_of(batch, "fewer_labels_than", name)
    local background = data:count(0) > 0 and 1 or 0
    return data:unique().size - background < n
  end)
end

--- The mean of an array below `value`; also where there is nothing in it.
---@param name moondust.ArrayKey
---@param value number
---@return moondust.Predicate
function M.mean_below(name, value)
  need_key("mean_below", name)
  need_number("mean_below", "value", value)
  return looks_at({ name }, function(batch)
    local data = data_of(batch, "mean_below", name)
    return data.size == 0 or data:mean() < value
  end)
end

--- Rejects when one of the predicates does.
---@param ... moondust.Predicate
---@return moondust.Predicate
function M.any(...)
  local list = { ... }
  for _, value in ipairs(list) do predicate("md.policy.any", value) end
  return looks_at(united(list), function(batch, request, attempt)
    for _, rejects in ipairs(list) do
      if rejects(batch, request, attempt) then return true end
    end
    return false
  end)
end

--- Rejects when all of the predicates do.
---@param ... moondust.Predicate
---@return moondust.Predicate
function M.all(...)
  local list = { ... }
  for _, value in ipairs(list) do predicate("md.policy.all", value) end
  return looks_at(united(list), function(batch, request, attempt)
    for _, rejects in ipairs(list) do
      if not rejects(batch, request, attempt) then return false end
    end
    return true
  end)
end

--- Rejects what `rejects` would accept.
---@param rejects moondust.Predicate
---@return moondust.Predicate
function M.negate(rejects)
  predicate("md.policy.negate", rejects)
  return looks_at(keys_of[rejects], function(batch, request, attempt) return not rejects(batch, request, attempt) end)
end

return M
