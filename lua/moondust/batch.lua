--- A batch: arrays and graphs by key, on its way down a pipeline (gunpowder's Batch).
local error = require("moondust.error").raise
local core = require "moondust.core"
local class = require("moondust.class").class
local key = require "moondust.key"
local Array = require "moondust.array"
local Keyed = require "moondust.keyed"
local options = require "moondust.options"
local is_a = require("moondust.class").is_a

---@class moondust.Batch : moondust.Keyed
---@field [moondust.ArrayKey] moondust.Array
---@field [moondust.GraphKey] moondust.Graph
---@field random_seed integer?  the seed with which the batch can be requested again
---@field index integer?        its number, from 0, in the stream that it came in; 0 when it was asked for alone
---@field profiling_stats moondust.Profile?
---@overload fun(fields: table?): moondust.Batch
local Batch = class("Batch", Keyed)

function Batch.convert(_, name, value)
  if key.is_array_key(name) then
    if getmetatable(value) ~= Array and not is_a(value, Array) then
      error(("%s in a batch must be an md.Array, not %s"):format(name.name, options.describe(value)), 3)
    end
    -- One array under two keys would let a change of one be a change of the other.
    if value.key and value.key ~= name then value = value:share() end
    value.key = name
  elseif options.class_name_of(value) ~= "moondust.Graph" then
    error(("%s in a batch must be an md.Graph, not %s"):format(name.name, options.describe(value)), 3)
  end
  return value
end

Batch.fields = { random_seed = true, profiling_stats = true, is_served = true }

-- In a batch that a pipeline gave to whoever asked, a key that isn't there wasn't asked for: nil would be indexed next. Nodes, who work on parts of a batch, may
-- look and find nil.
function Batch.missing(self, name)
  if key.is_key(name) and rawget(self, "is_served") then
    error(("%s is not in the batch (it has %s); request it, and ask batch:has(%s) where it may be missing"):format(name.name, self:names(), name.name), 3)
  end
  return Keyed.missing(self, name)
end

Keyed.seal(Batch)

--- Union of the ROIs of what is in the batch.
---@return moondust.Roi?
function Batch:get_total_roi()
  local total
  for _, item in self:items() do
    local roi = item.spec.roi
    if roi then total = total and total:union(roi) or roi end
  end
  return total
end

-- A batch of the same origin. Batches are made twice or thrice a node: without the steps of a constructor.
local function made_from(old, order, values)
  return setmetatable({
    _order = order, _values = values, random_seed = rawget(old, "random_seed"), index = rawget(old, "index"),
    profiling_stats = rawget(old, "profiling_stats"),
  }, Batch)
end

local function cropped(self, request)
  local own, order, wanted, values = self._values, request._order, request._values, {}
  for i = 1, #order do
    local name = order[i]
    local item, spec = own[name], wanted[name]
    if not item then
      error(("%s is not in the batch (it has %s)"):format(name.name, self:names()), 3)
    end
    if core.same_roi(item.spec, spec) or not spec.roi then
      values[name] = item
    else
      values[name] = Batch.convert(self, name, item:crop(spec.roi))
    end
  end
  return values
end

--- Only what `request` names, cropped to its ROIs (views).
---@param request moondust.BatchRequest
---@return moondust.Batch
function Batch:crop(request)
  local order = request._order
  return made_from(self, order, core.pick(order, request._values, self._values) or cropped(self, request))
end

--- A batch with what is in either; on equal keys `other` wins.
---@param other moondust.Batch
---@return moondust.Batch
function Batch:merge(other)
  local order, own, values = self._order, self._values, {}
  for i = 1, #order do values[order[i]] = own[order[i]] end
  local new = made_from(self, order, values)
  order, values = other._order, other._values
  for i = 1, #order do new:put(order[i], values[order[i]]) end
  return new
end

--- The same as self:merge(other):crop(request) where nothing has to be cropped; nil where that isn't so, or something isn't there or no array.
---@param other moondust.Batch
---@param request moondust.BatchRequest
---@return moondust.Batch?
function Batch:merge_all_of(other, request)
  local values = core.pick(request._order, request._values, other._values, self._values)
  return values and made_from(self, request._order, values)
end

--- Draws everything in it into a PNG file: a contact sheet, a row a key, a column a slice, each key where it lies in the world, all at
--- one scale; graphs on the slices in which they lie. Options, all optional; those that may differ by key take one value, or a table
--- with keys (or their names) on the left:
---
--- - `slices`: how many along z, or a list of world z; 5, of a single array 12, with channels 6
--- - `width`: pixels of the sheet at most; 1600
--- - `kind` (by key): "grey", "labels", "mask", "distance", "weights", "rgb" or "affinities"; default: what dtype, values, name and
---   spec suggest
--- - `window` (by key): { low, high }; default: the 0.5% and 99.5% quantiles of what is shown
--- - `overlay`: the key of an image on which labels and masks are laid, or { KEY, opacity = 0.5 }
--- - `keys`: which keys, in this order; all
--- - `columns`: slices beside each other; all, of a single array as near to a square as may be
--- - `channels`: of an ndarray, leading axes that are channels; those beyond three
--- - `colors`: 2 to 256, for files of a third of the size; as many as there are
--- - `title`: first line of the sheet
--- - `text`: size of the text, 0 to 4; 0 leaves legends and margins out; 1, from a width of 1100 on 2
---@param path string
---@param fields table?  the options
---@return true?
---@return string? message
function Batch:png(path, fields)
  local ok, message = require("moondust.picture").png(path, self, fields, 3)
  return ok, message
end

--- Gives the bytes of everything in the batch back now.
function Batch:close()
  for _, item in self:items() do item:close() end
end
Batch.__close = Batch.close

function Batch.__tostring(self)
  local lines = { "Batch" .. (self.random_seed and (" (seed %d)"):format(self.random_seed) or "") }
  for name, item in self:items() do
    lines[#lines + 1] = "  " .. (key.is_graph_key(name) and name.name .. " " or "") .. tostring(item)
  end
  return table.concat(lines, "\n")
end

return Batch
