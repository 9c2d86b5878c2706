--- Values as a person wants them on a screen: deterministic, and never more than a screen.
local class = require "moondust.class"
local key = require "moondust.key"
local options = require "moondust.options"
local help = require "moondust.repl.help"
local layout = require "moondust.repl.layout"
local manual = require "moondust.repl.manual"
local names = require "moondust.repl.names"
local show_array = require "moondust.repl.show_array"
local show_pipeline = require "moondust.repl.show_pipeline"
local md = require "moondust"

local M = {}

local DEPTH = 4 -- of tables in tables
local ITEMS = 200 -- of one table that are looked at

local function split(text)
  local lines = {}
  for line in (text .. "\n"):gmatch "([^\n]*)\n" do lines[#lines + 1] = line end
  return lines
end

-- ------------------------------------------------------------------------------------------------ on one line

local function function_text(value)
  local name = names.function_name(value)
  local info = debug.getinfo(value, "S")
  if info.what == "C" then return name and ("function %s, in C"):format(name) or "function, in C" end
  return ("function%s, %s:%d"):format(name and " " .. name or "", info.short_src, info.linedefined)
end

-- tostring may be a user's, and wrong; addresses differ from run to run and say nothing.
local function safe_tostring(value)
  local ok, text = pcall(tostring, value)
  if not ok then return ("%s (its tostring fails: %s)"):format(type(value), tostring(text)) end
  return (text:gsub("^([%w_. ]-):? %(?0x%x+%)?$", "%1"))
end

-- Quoted as Lua writes it, on one line.
local function quoted(text) return (("%q"):format(text):gsub("\\\n", "\\n")) end

local function brief(value)
  if type(value) == "string" then return quoted(value) end
  if type(value) == "function" then return function_text(value) end
  if key.is_key(value) then return ("%s %q"):format(options.class_name_of(value), value.name) end
  return (safe_tostring(value):match "^[^\n]*")
end

-- ------------------------------------------------------------------------------------------------ plain tables

local function is_plain(value)
  if type(value) ~= "table" then return false end
  local meta = debug.getmetatable(value)
  return meta == nil or type(meta) == "table" and rawget(meta, "__tostring") == nil and rawget(meta, "__name") == nil
end

local function order(a, b)
  local ta, tb = type(a), type(b)
  if ta ~= tb then return ta < tb end
  if ta == "number" or ta == "string" then return a < b end
  return safe_tostring(a) < safe_tostring(b)
end

local function keys_of(value)
  local keys, count = {}, 0
  for name in next, value do
    count = count + 1
    if math.type(name) ~= "integer" or name < 1 or name > #value then keys[#keys + 1] = name end
  end
  table.sort(keys, order)
  return keys, count
end

local function key_text(name)
  if type(name) == "string" and name:find "^[%a_][%w_]*$" then return name end
  return ("[%s]"):format(key.is_key(name) and name.name or brief(name))
end

local table_lines

local function item_lines(prefix, value, depth, seen, style)
  if not is_plain(value) or depth >= DEPTH or seen[value] then
    local text = is_plain(value) and (seen[value] and "(itself)" or next(value) and "{…}" or "{}") or brief(value)
    return { prefix .. text .. "," }
  end
  local lines = table_lines(value, depth, seen, style)
  lines[1] = prefix .. lines[1]
  lines[#lines] = lines[#lines] .. ","
  return lines
end

-- "{ 1, 2, 3 }" where everything fits on a line.
local function joined(items, style)
  local parts, length = {}, 4
  for i, lines in ipairs(items) do
    if #lines > 1 then return nil end
    parts[i] = lines[1]
    length = length + layout.length(lines[1]) + 1
  end
  if length > math.min(style.columns - 1, 100) then return nil end
  return #parts == 0 and "{}" or "{ " .. table.concat(parts, " "):gsub(",$", "") .. " }"
end

function table_lines(value, depth, seen, style)
  seen[value] = true
  local items, keys, count = {}, keys_of(value)
  for i = 1, math.min(#value, ITEMS) do items[i] = item_lines("", rawget(value, i), depth + 1, seen, style) end
  for i = 1, math.min(#keys, ITEMS) do
    items[#items + 1] = item_lines(key_text(keys[i]) .. " = ", rawget(value, keys[i]), depth + 1, seen, style)
  end
  if #items < count then items[#items + 1] = { ("… %d more"):format(count - #items) } end
  seen[value] = nil
  local line = joined(items, style)
  if line then return { line } end
  local out = { "{" }
  for _, lines in ipairs(items) do
    for _, item in ipairs(lines) do out[#out + 1] = "  " .. item end
  end
  out[#out + 1] = "}"
  return out
end

-- ------------------------------------------------------------------------------------------------ by kind

local function class_lines(made)
  local entries = manual.of(made)
  local entry = entries and entries[1] or { name = made.class_name }
  local out = { made.options and help.signature(entry.name, made) or "class " .. entry.name }
  local summary = help.summary(entry.block)
  if summary == "" then summary = help.summary(entry.about) end
  if summary ~= "" then out[2] = "  " .. summary end
  if made.options or entry.block then out[#out + 1] = ("  help(%s) tells more"):format(entry.name) end
  return out
end

local function object_lines(value, style)
  if class.is_a(value, md.Array) then return show_array.array(value, style) end
  if class.is_a(value, md.Batch) then return show_array.batch(value, style) end
  if class.is_a(value, md.Pipeline) then return show_pipeline.pipeline(value, style) end
  if class.is_a(value, md.BatchProvider) then return show_pipeline.node(value, style) end
  if class.is_a(value, md.BatchRequest.base) then return show_array.specs(value, style) end
end

local function lines_of(value, style)
  if rawequal(value, md) then return { ("the module moondust %s; md.<TAB> lists it, help() helps"):format(md.version().version) } end
  if type(value) == "table" and rawget(value, "class_name") then return class_lines(value) end
  if options.class_name_of(value) == "moondust.ndarray" then return show_array.ndarray(value, style) end
  if key.is_key(value) or type(value) == "string" or type(value) == "function" then return { brief(value) } end
  if is_plain(value) then return table_lines(value, 0, {}, style) end
  return object_lines(value, style) or split(safe_tostring(value))
end

local function fit(lines, style)
  for i, line in ipairs(lines) do
    if not style.utf8 then line = line:gsub("…", "...") end
    lines[i] = line:find "\27" and line or layout.cut(line, style) -- a picture in colours fits already
  end
  return lines
end

--- A value as lines of the screen.
---@param value any
---@param style moondust.Style
---@return string[]
function M.lines(value, style) return layout.limit(fit(lines_of(value, style), style), style.rows - 2, style) end

--- Several results: short ones on one line, as print does.
---@param results table  with n
---@param style moondust.Style
---@return string?  nil when there is nothing to print
function M.results(results, style)
  if results.n == 0 then return nil end
  local all, single = {}, {}
  for i = 1, results.n do
    local lines = M.lines(results[i], style)
    if single and #lines == 1 then single[i] = lines[1] else single = nil end
    table.move(lines, 1, #lines, #all + 1, all)
  end
  local line = single and table.concat(single, "  ")
  if line and layout.length(line) < style.columns then return line end
  return table.concat(layout.limit(all, style.rows - 2, style), "\n")
end

return M
