--- What a node offers: an ArraySpec or GraphSpec by key (gunpowder's ProviderSpec). Requests are such tables too.
local error = require("moondust.error").raise
local core = require "moondust.core"
local class = require("moondust.class").class
local key = require "moondust.key"
local Keyed = require "moondust.keyed"
local options = require "moondust.options"

---@class moondust.ProviderSpec : moondust.Keyed
---@field [moondust.ArrayKey] moondust.ArraySpec
---@field [moondust.GraphKey] moondust.GraphSpec
local ProviderSpec = class("ProviderSpec", Keyed)

local kinds = {
  ["moondust.ArraySpec"] = key.is_array_key,
  ["moondust.GraphSpec"] = key.is_graph_key,
}

--- Specs are copied when they are put in, a Roi alone becomes a spec.
function ProviderSpec.convert(_, name, value)
  local is_array = key.is_array_key(name)
  local value_class = options.class_name_of(value)
  if value_class == "moondust.Roi" then
    return is_array and core.ArraySpec { roi = value } or core.GraphSpec { roi = value }
  end
  if not kinds[value_class] or not kinds[value_class](name) then
    error(("%s wants %s or a Roi, not %s"):format(
      name.name, is_array and "an ArraySpec" or "a GraphSpec", options.describe(value)), 3)
  end
  return value:copy()
end

function ProviderSpec:init(fields)
  local names = {}
  for name in pairs(fields) do
    if key.is_key(name) then names[#names + 1] = name end
  end
  -- The order of a table's keys is Lua's secret; by name it is the same in every run.
  table.sort(names, function(a, b) return a.name < b.name end)
  for _, name in ipairs(names) do self[name] = fields[name] end
end

Keyed.seal(ProviderSpec)

--- The same specs under a new table; the seed of a request is not touched.
---@return moondust.ProviderSpec
function ProviderSpec:clone()
  local new = ProviderSpec {}
  for name, spec in self:items() do new[name] = spec end
  return new
end

function ProviderSpec:remove_placeholders()
  for name, spec in self:items() do
    if spec.placeholder then self[name] = nil end
  end
end

-- What has no box, or no grid, in common.
local function refuse_mixed(a, dims_a, b, dims_b, level)
  error(("%s has %d spatial axes, %s has %d: they share no space, so they can't be placed, moved or centred together; ask for them in requests of their own, or put "
    .. "nodes that do so into a branch upstream of md.MergeProvider{}, with one of them only"):format(a.name, dims_a, b.name, dims_b), level + 1)
end

--- Union of all ROIs; nil when there is none.
---@param level integer?  of the error where ROIs have not as many axes, as for error(); default: the caller's line
---@return moondust.Roi?
function ProviderSpec:get_total_roi(level)
  local total, first, other = core.total_roi(self._order, self._values)
  if first then
    local a, b = self._order[first], self._order[other]
    refuse_mixed(a, self[a].roi.dims, b, self[b].roi.dims, level and level + 1 or 2)
  end
  return total
end

--- Intersection of all ROIs; nil when there is none.
---@return moondust.Roi?
function ProviderSpec:get_common_roi()
  local common
  for _, spec in self:items() do
    local roi = spec.roi
    if roi then common = common and common:intersect(roi) or roi end
  end
  return common
end

local function gcd(a, b)
  while b ~= 0 do a, b = b, a % b end
  return a
end

--- Least common multiple of voxel sizes, axis by axis; nil when no array has one.
---@param array_keys moondust.ArrayKey[]?  default: all
---@return moondust.Coordinate?
function ProviderSpec:get_lcm_voxel_size(array_keys)
  local lcm, first
  for _, name in ipairs(array_keys or self:array_keys()) do
    local spec = self[name]
    local voxel_size = spec and spec.voxel_size
    if voxel_size then
      local merged = voxel_size:totable()
      if lcm and #merged ~= #lcm then refuse_mixed(first, #lcm, name, #merged, 2) end
      first = first or name
      for d = 1, lcm and #merged or 0 do merged[d] = lcm[d] * (merged[d] // gcd(lcm[d], merged[d])) end
      lcm = core.Coordinate(merged)
    end
  end
  return lcm
end

function ProviderSpec.__tostring(self)
  local lines = {}
  for name, spec in self:items() do lines[#lines + 1] = ("  %s: %s"):format(name.name, tostring(spec)) end
  return self.class_name .. "\n" .. table.concat(lines, "\n")
end

return ProviderSpec
