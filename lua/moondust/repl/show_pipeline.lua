--- A pipeline on the screen: its nodes from source to sink, with what each announces once it is built.
---
---     ┌ Hdf5Source[a.h5]{ … }
---     │     RAW  uint8  (40, 4, 4)  [0:2000, …]       what changes at this node
---     ├ Hdf5Source[b.h5]{ … }
---     RandomProvider{}
---     Normalize{ array = RAW }
local key = require "moondust.key"
local options = require "moondust.options"
local layout = require "moondust.repl.layout"
local show_array = require "moondust.repl.show_array"

local M = {}

local function brief(value)
  if key.is_key(value) then return value.name end
  local class = options.class_name_of(value)
  if class == "moondust.Coordinate" or class == "moondust.Roi" then return tostring(value) end
  if class then return class end
  if type(value) == "string" then return ("%q"):format(value) end
  if type(value) == "function" then return "function" end
  if type(value) ~= "table" then return tostring(value) end
  local parts, named = {}, {}
  for i, item in ipairs(value) do parts[i] = brief(item) end
  for name, item in pairs(value) do
    if math.type(name) ~= "integer" then named[#named + 1] = ("[%s] = %s"):format(brief(name), brief(item)) end
  end
  table.sort(named)
  return "{" .. table.concat(table.move(named, 1, #named, #parts + 1, parts), ", ") .. "}"
end

local function same(value, default)
  if rawequal(value, default) or default == nil and type(value) == "table" and next(value) == nil then return true end
  return type(value) == "table" and type(default) == "table" and options.class_name_of(value) == nil
    and brief(value) == brief(default)
end

-- The options that somebody gave: `md.Normalize{ array = RAW }`.
local function signature(node)
  local parts, name = {}, node:name()
  for _, option in ipairs(node.options or {}) do
    local value = rawget(node, option[1])
    local text = type(value) == "string" and value or key.is_key(value) and value.name
    local said = text and name:find("[" .. text .. "]", 1, true) -- Hdf5Source[a.h5] has said it
    if value ~= nil and not same(value, option.default) and not said then
      parts[#parts + 1] = option[1] .. " = " .. brief(value)
    end
  end
  return #parts == 0 and name or ("%s{ %s }"):format(name, table.concat(parts, ", "))
end

-- Specs that upstream doesn't offer just so.
local function announced(node, upstream)
  local rows = {}
  if not node.spec then return rows end
  for name, spec in node.spec:items() do
    local known = false
    for _, other in ipairs(upstream) do known = known or other.spec and other.spec[name] == spec end
    if not known then rows[#rows + 1] = show_array.spec_row(name, spec) end
  end
  return rows
end

local function tree_lines(tree, style, out)
  local bars = style.utf8 and { "┌ ", "├ ", "│ " } or { "+ ", "+ ", "| " }
  local upstream = {}
  for i, child in ipairs(tree.children) do
    local lines = #tree.children == 1 and out or {}
    upstream[i] = tree_lines(child, style, lines)
    if lines ~= out then
      for j, line in ipairs(lines) do out[#out + 1] = (j > 1 and bars[3] or i == 1 and bars[1] or bars[2]) .. line end
    end
  end
  out[#out + 1] = signature(tree.output)
  for _, line in ipairs(layout.grid(announced(tree.output, upstream), "    ", style)) do out[#out + 1] = line end
  return tree.output
end

---@param pipeline moondust.Pipeline
---@param style moondust.Style
---@return string[] lines
function M.pipeline(pipeline, style)
  local out = { rawget(pipeline, "nodes") and "Pipeline, built" or "Pipeline, not built" }
  tree_lines(pipeline, style, out)
  for i, line in ipairs(out) do out[i] = layout.cut((i > 1 and "  " or "") .. line, style) end
  return out
end

---@param node moondust.BatchProvider
---@param style moondust.Style
---@return string[] lines
function M.node(node, style)
  local out = { signature(node) }
  for _, line in ipairs(layout.grid(announced(node, {}), "    ", style)) do out[#out + 1] = line end
  return out
end

return M
