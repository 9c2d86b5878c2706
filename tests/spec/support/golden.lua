--- Reads cases of tests/golden/*.h5 (a group each, described in JSON by its attribute `case`) and compares batches with them.
---
--- How close: integers exactly, except where a test says otherwise; grey uint8 to one level; floats to 1e-4 of the value range.
local md = require "moondust"
local core = require "moondust.core"
local json = require "dkjson"
local figures = require "spec.support.figures"

local M = {}

--- tests/golden/NAME.h5
---@param name string
---@return string
function M.path(name) return "tests/golden/" .. name .. ".h5" end

-- JSON objects have no order once decoded, requests do (draws are made key by key), so it is read from the text.
local function request_order(text)
  local names, inside = {}, text:match '"request":%s*(%b{})'
  for name in (inside or ""):gmatch '"([%u_]+)":%s*{' do names[#names + 1] = name end
  return names
end

---@class golden.Case
---@field file string   in tests/golden
---@field name string
---@field case table              decoded JSON
---@field request moondust.BatchRequest?
---@field arrays table<string, moondust.ndarray>
---@field offsets table<string, integer[]>

local function request_of(case, text)
  if not case.request then return nil end
  local request = md.BatchRequest { random_seed = case.request.seed }
  for _, name in ipairs(request_order(text)) do
    local roi = md.Roi(case.request[name].offset, case.request[name].shape)
    if name == "POINTS" then
      request[md.GraphKey(name)] = md.GraphSpec { roi = roi }
    else
      request[md.ArrayKey(name)] = md.ArraySpec { roi = roi }
    end
  end
  return request
end

local function read_case(file, group, names)
  local text = assert(file:attribute(group, "case"))
  local case = { name = group, case = json.decode(text), arrays = {}, offsets = {} }
  case.request = request_of(case.case, text)
  for _, dataset in ipairs(names) do
    local path = group .. "/" .. dataset
    case.arrays[dataset] = assert(file:read(path))
    case.offsets[dataset] = file:attribute(path, "offset")
  end
  return case
end

--- All cases of a file whose group's name matches the pattern, by name.
---@param name string  of the file, without .h5
---@param pattern string?
---@return golden.Case[]
function M.cases(name, pattern)
  local file <close> = assert(core.hdf5.open(M.path(name)))
  local groups, order = {}, {}
  for _, info in ipairs(assert(file:list())) do
    local group, dataset = info.name:match "^/?([^/]+)/(.+)$"
    if group and group:find(pattern or ".") then
      if not groups[group] then
        groups[group] = {}
        order[#order + 1] = group
      end
      table.insert(groups[group], dataset)
    end
  end
  table.sort(order)
  local cases = {}
  for i, group in ipairs(order) do
    cases[i] = read_case(file, group, groups[group])
    cases[i].file = name .. ".h5"
  end
  return cases
end

--- One case by its exact name.
---@param name string
---@param case string
---@return golden.Case
function M.case(name, case)
  local found = M.cases(name, "^" .. case:gsub("%p", "%%%0") .. "$")[1]
  return found or error(("tests/golden/%s.h5 has no case %s"):format(name, case))
end

local datasets = { RAW = "raw", RAW_LO = "raw_lo", LABELS = "labels", ORGANELLE = "organelle", MASK = "mask" }

--- Hdf5Source of tests/golden/input.h5 with the keys named, grey values interpolatable.
---@param ... string  RAW, RAW_LO, LABELS, ORGANELLE, MASK
---@return moondust.Hdf5Source
function M.source(...)
  local paths, specs = {}, {}
  for _, name in ipairs { ... } do
    local key = md.ArrayKey(name)
    paths[key] = datasets[name]
    specs[key] = md.ArraySpec { interpolatable = name:find "^RAW" ~= nil }
  end
  return md.Hdf5Source { M.path "input", paths, specs }
end

--- The graph of the cases: nodes 0 … 39 at `points`, edges i -> i + 1, undirected.
---@return moondust.Graph
function M.graph()
  local points = assert(md.hdf5.read(M.path "input", "points")):totable()
  local nodes, edges = {}, {}
  for i, location in ipairs(points) do nodes[i] = md.Node { i - 1, location } end
  for i = 0, #points - 2 do edges[#edges + 1] = md.Edge { i, i + 1 } end
  return md.Graph { nodes, edges, md.GraphSpec { roi = md.Roi({ 0, 0, 0 }, { 1200, 480, 480 }), directed = false } }
end

local function largest_difference(a, b)
  if a.size == 0 then return 0, 0 end
  local wide, other = a:astype "float64", b:astype "float64"
  local low, high = (wide - other):minmax()
  local from, to = other:minmax()
  return math.max(math.abs(low), math.abs(high)), to - from
end

-- What is wrong with values of the right shape, and how far off the worst is.
local function judge(actual, expected, options)
  local largest, range = largest_difference(actual, expected)
  local share = largest / math.max(range, 1e-12)
  if expected.dtype:find "^float" then
    local allowed = options.tolerance or 1e-4
    local fits = share <= allowed -- not so for NaN
    return not fits and ("differs by up to %g, %g allowed (range %g)"):format(largest, allowed * range, range) or nil, share
  end
  if options.grey then return largest > 1 and ("differs by up to %g levels"):format(largest) or nil, share end
  local differing = actual.size - actual:eq(expected):count(1)
  local too_many = differing > (options.misses or 0) * actual.size
  return too_many and ("%d of %d voxels differ"):format(differing, actual.size) or nil, differing / math.max(1, actual.size)
end

--- nil when `actual` is close enough to `expected`, otherwise what is wrong; and the worst deviation as a share of the range
--- (integers: of voxels that differ).
---@param actual moondust.ndarray
---@param expected moondust.ndarray
---@param options table?  grey: one level; misses: share of voxels that may differ (default: none); tolerance: of the range, for floats; dtype = false: may differ
---@return string? message
---@return number? deviation
function M.difference(actual, expected, options)
  options = options or {}
  local shape, wanted = table.concat(actual.shape, "x"), table.concat(expected.shape, "x")
  if shape ~= wanted then return ("shape is %s, wanted %s"):format(shape, wanted) end
  if options.dtype ~= false and actual.dtype ~= expected.dtype then return ("dtype is %s, wanted %s"):format(actual.dtype, expected.dtype) end
  return judge(actual, expected, options)
end

--- One array of a case; raises when it is off.
---@param case golden.Case
---@param name string   of the dataset
---@param actual moondust.ndarray
---@param options table?  as for difference()
function M.check(case, name, actual, options)
  local wrong, deviation = M.difference(actual, case.arrays[name], options)
  if wrong then error(("%s, %s: %s"):format(case.name, name, wrong), 2) end
  figures.passed(case.file, case.name, deviation)
end

--- Compares the arrays of a batch with a case's, key by key; raises when one is off.
---@param batch moondust.Batch
---@param case golden.Case
---@param options table<string, table>?  by key name, as for difference()
function M.compare(batch, case, options)
  local seen, worst = 0, 0
  for key, array in batch:items() do
    local expected = case.arrays[key.name]
    if array.data and expected then
      seen = seen + 1
      local wrong, deviation = M.difference(array.data, expected, options and options[key.name])
      if wrong then error(("%s, %s: %s"):format(case.name, key.name, wrong), 2) end
      worst = math.max(worst, deviation)
      local offset = case.offsets[key.name]
      if offset and array.spec.roi.offset ~= md.Coordinate(offset) then
        error(("%s, %s: lies at %s, wanted (%s)"):format(case.name, key.name, tostring(array.spec.roi.offset), table.concat(offset, ", ")), 2)
      end
    end
  end
  if seen == 0 then error(case.name .. ": the batch has none of the case's arrays", 2) end
  figures.passed(case.file, case.name, worst)
end

return M
