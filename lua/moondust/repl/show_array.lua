--- Arrays, batches and requests on the screen: what they are in words and columns, and a coarse picture.
local key = require "moondust.key"
local block_picture = require "moondust.repl.block_picture"
local layout = require "moondust.repl.layout"

local M = {}

local PICTURE_FROM = 16 -- voxels an axis; what is smaller is better read as numbers

local function number(value)
  if math.type(value) == "integer" then return tostring(value) end
  if value == nil then return "" end
  return ("%.4g"):format(value)
end

local function shape_of(data) return data.ndim == 0 and "scalar" or table.concat(data.shape, "x") end

local function statistics(data)
  if data.closed or data.size == 0 then return "", "", "" end
  local low, high = data:minmax()
  return number(low), number(data:mean()), number(high)
end

local function is_everything(roi) return roi.unbounded and tostring(roi):find "^%[[: ,]*%]" ~= nil end

local function box(roi)
  if not roi then return "" end
  return is_everything(roi) and "everywhere" or tostring(roi):match "^%b[]"
end

local function shape_text(roi) return roi and not is_everything(roi) and tostring(roi.shape) or "" end

local function text(value) return value == nil and "" or tostring(value) end

-- ------------------------------------------------------------------------------------------------ one array

local function facts(data, spec)
  local low, mean, high = statistics(data)
  local rows = {}
  if spec.voxel_size then rows[#rows + 1] = { "voxel size", tostring(spec.voxel_size) } end
  if spec.roi then rows[#rows + 1] = { "ROI", tostring(spec.roi) } end
  if low ~= "" then rows[#rows + 1] = { "values", ("min %s, mean %s, max %s"):format(low, mean, high) } end
  return rows
end

-- Few enough elements to be read as numbers: what tostring prints behind the dtype and shape.
local function numbers(data, out)
  for line in (tostring(data):match "^ndarray %S+ %S+%s*(.*)" or ""):gmatch "[^\n]+" do out[#out + 1] = line end
end

local function picture(data, spec, style, out)
  local spatial = spec.roi and spec.roi.dims or math.min(data.ndim, 3)
  local slice, where = block_picture.middle(data, spatial)
  if not slice then return end
  local voxel_size = spec.voxel_size
  local dims = voxel_size and voxel_size.dims or 0
  local lines, legend = block_picture.draw(slice, style, {
    labels = block_picture.is_labels(slice, spec), rows = style.rows - 8,
    voxel_size = dims >= 2 and { voxel_size[dims - 1], voxel_size[dims] } or nil,
  })
  table.move(lines, 1, #lines, #out + 1, out)
  out[#out + 1] = (where ~= "" and where .. ", " or "") .. legend
end

local function is_small(data)
  local n, shape = data.ndim, data.shape
  return n < 2 or shape[n] < PICTURE_FROM or shape[n - 1] < PICTURE_FROM
end

local function array_lines(name, data, spec, style)
  if data.closed then return { name .. " (closed)" } end
  local out = { ("%s %s %s"):format(name, data.dtype, shape_of(data)) }
  for _, line in ipairs(layout.grid(facts(data, spec), "  ", style)) do out[#out + 1] = line end
  if data.size == 0 then return out end
  if is_small(data) then numbers(data, out) else picture(data, spec, style, out) end
  return out
end

---@param data moondust.ndarray
---@param style moondust.Style
---@return string[] lines
function M.ndarray(data, style) return array_lines("ndarray", data, {}, style) end

---@param array moondust.Array
---@param style moondust.Style
---@return string[] lines
function M.array(array, style)
  local name = rawget(array, "key") and array.key.name or "Array"
  local out = array_lines(name, array.data, array.spec, style)
  if next(array.attrs or {}) then
    local names = {}
    for attribute in pairs(array.attrs) do names[#names + 1] = tostring(attribute) end
    table.sort(names)
    table.insert(out, 2, layout.cut("  attrs: " .. table.concat(names, ", "), style))
  end
  return out
end

-- ------------------------------------------------------------------------------------------------ tables of keys

--- A row about what is known of a spec before there is data: dtype, voxel size, where it lies, how large.
---@param name moondust.Key
---@param spec moondust.ArraySpec|moondust.GraphSpec
---@return string[]
function M.spec_row(name, spec)
  if key.is_graph_key(name) then
    local direction = spec.directed == nil and "graph" or spec.directed and "directed graph" or "undirected graph"
    return { name.name, direction, "", box(spec.roi), shape_text(spec.roi), spec.placeholder and "placeholder" or "" }
  end
  local notes = {}
  if spec.nonspatial then notes[1] = "nonspatial" end
  if spec.placeholder then notes[#notes + 1] = "placeholder" end
  if spec.interpolatable ~= nil then notes[#notes + 1] = (spec.interpolatable and "" or "not ") .. "interpolatable" end
  return { name.name, text(spec.dtype), text(spec.voxel_size), box(spec.roi), shape_text(spec.roi), table.concat(notes, ", ") }
end

local function batch_row(name, item)
  if key.is_graph_key(name) then
    if item.closed then return { name.name, "graph (closed)" } end
    return { name.name, "graph", ("%d nodes, %d edges"):format(item:num_nodes(), item:num_edges()), "", box(item.spec.roi) }
  end
  local data = item.data
  if data.closed then return { name.name, "(closed)" } end
  local low, mean, high = statistics(data)
  return { name.name, data.dtype, shape_of(data), text(item.spec.voxel_size), box(item.spec.roi), low, mean, high }
end

local function put(lines, out) return table.move(lines, 1, #lines, #out + 1, out) end

---@param batch moondust.Batch
---@param style moondust.Style
---@return string[] lines
function M.batch(batch, style)
  local seed = rawget(batch, "random_seed")
  local out = { "Batch" .. (seed and (", seed %d"):format(seed) or "") }
  local rows = { { "key", "dtype", "shape", "voxel size", "ROI", "min", "mean", "max" } }
  for name, item in batch:items() do rows[#rows + 1] = batch_row(name, item) end
  if #rows == 1 then return { out[1] .. ", empty" } end
  return put(layout.grid(rows, "  ", style), out)
end

--- Requests and provider specs.
---@param specs moondust.ProviderSpec
---@param style moondust.Style
---@return string[] lines
function M.specs(specs, style)
  local seed = rawget(specs, "random_seed")
  local out = { specs.class_name .. (seed and (", seed %d"):format(seed) or "") }
  local rows, heads = {}, { "key", "dtype", "voxel size", "ROI", "shape", "" }
  for name, spec in specs:items() do rows[#rows + 1] = M.spec_row(name, spec) end
  if #rows == 0 then return { out[1] .. ", empty" } end
  for column, head in ipairs(heads) do -- no heading over nothing
    local some = false
    for _, row in ipairs(rows) do some = some or row[column] ~= "" end
    heads[column] = some and head or ""
  end
  table.insert(rows, 1, heads)
  return put(layout.grid(rows, "  ", style), out)
end

return M
