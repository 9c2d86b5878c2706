--- help(x): the manual entry of a function, a node, an option, a value or a name, as plain text for a screen of some width.
local annotations = require "moondust.annotations"
local manual = require "moondust.repl.manual"
local names = require "moondust.repl.names"

local M = {}

local WIDEST = 100 -- columns that are read with ease

-- ------------------------------------------------------------------------------------------------ text

--- Words set in lines of `width`, the first line behind `head`, the others behind as many spaces.
local function wrap(text, width, head, out)
  local indent = (" "):rep(utf8.len(head) or #head)
  local line, empty = head, true
  for word in text:gmatch "%S+" do
    local length = (utf8.len(line) or #line) + (utf8.len(word) or #word) + 1
    if not empty and length > width then
      out[#out + 1] = line
      line, empty = indent, true
    end
    line = line .. (empty and "" or " ") .. word
    empty = false
  end
  out[#out + 1] = (line:gsub("%s+$", ""))
end

-- Paragraphs flow; what is indented stays as it is.
local function prose(lines, width, out)
  local paragraph = {}
  local function flush()
    if #paragraph > 0 then wrap(table.concat(paragraph, " "), width, "", out) end
    paragraph = {}
  end
  for _, line in ipairs(lines) do
    if line:find "^%s" or line == "" then
      flush()
      out[#out + 1] = line
    else
      paragraph[#paragraph + 1] = line
    end
  end
  flush()
  if out[#out] ~= "" and #lines > 0 then out[#out + 1] = "" end
end

local function plain_type(text) return (text:gsub("moondust%.", "")) end

-- Rows of { name, type, text } with their columns aligned; long ones push only their own line.
local function rows(list, width, out)
  local first, second = 0, 0
  for _, row in ipairs(list) do
    first = math.max(first, math.min(#row[1], 24))
    second = math.max(second, math.min(#row[2], 24))
  end
  for _, row in ipairs(list) do
    local head = ("  %-" .. first .. "s  %-" .. second .. "s  "):format(row[1], row[2])
    if row[3] == "" then head = head:gsub("%s+$", "") end
    wrap(row[3], width, head, out)
  end
end

--- The first sentence of a block, on one line.
---@param block moondust.Annotation?
---@return string
function M.summary(block)
  local text = block and table.concat(block.prose, " "):gsub("%s+", " ") or ""
  return text:match "^(.-[^%d%s]%.)%s" or text:match "^(.-:)%s%s" or text
end

-- ------------------------------------------------------------------------------------------------ entries

local function describe_option(option)
  local kind = option.type:gsub("_", " "):gsub("|", " or ")
  local default = option.default ~= nil and (option.doc or ""):find "default" == nil and ("default " .. annotations.literal(option.default)) or nil
  local text = option.doc or ""
  local extra = option.required and "required" or default
  if extra then text = text == "" and extra or extra .. "; " .. text end
  return { option[1], kind, text }
end

--- How a node is made: `md.RejectIfEmpty{ gt, p = 0.5, background = 0 }`; options without a default in brackets.
---@param name string
---@param made moondust.Class
---@return string
function M.signature(name, made)
  local parts = {}
  for i, option in ipairs(made.options) do
    if option.required then
      parts[i] = option[1]
    elseif option.default ~= nil then
      parts[i] = option[1] .. " = " .. annotations.literal(option.default)
    else
      parts[i] = "[" .. option[1] .. "]"
    end
  end
  return #parts == 0 and name .. "{}" or ("%s{ %s }"):format(name, table.concat(parts, ", "))
end

local function fields_of(block, tag, out)
  for _, text in ipairs(annotations.tags(block, tag)) do
    local name, kind, rest = annotations.split_field(text)
    out[#out + 1] = { name, plain_type(kind), rest }
  end
  return out
end

local function function_text(entry, width, out)
  wrap(entry.name .. (entry.parameters or "(…)"), width, "", out)
  out[#out + 1] = ""
  if not entry.block then
    out[#out + 1] = "Nothing is written about it."
    return
  end
  prose(entry.block.prose, width, out)
  local list = fields_of(entry.block, "param", {})
  for _, text in ipairs(annotations.tags(entry.block, "return")) do list[#list + 1] = { "returns", plain_type(text), "" } end
  rows(list, width, out)
end

local function members(entry, width, out)
  local fields = {}
  for _, text in ipairs(entry.fields or {}) do
    local name, kind, rest = annotations.split_field(text)
    if not name:find "^[_%[]" then fields[#fields + 1] = { "." .. name, plain_type(kind), rest } end
  end
  rows(fields, width, out)
  local methods = {}
  for _, method in ipairs(entry.methods or entry.functions or {}) do
    local name = method.name:match "[.:][%w_]+$"
    if not name:find "^[.:]_" and not names.internal[name:sub(2)] then
      methods[#methods + 1] = { name .. (method.parameters or "()"), "", M.summary(method.block) }
    end
  end
  if #fields > 0 and #methods > 0 then out[#out + 1] = "" end
  local widest = 0
  for _, method in ipairs(methods) do widest = math.max(widest, #method[1] <= 28 and #method[1] or 0) end
  for _, method in ipairs(methods) do
    local head = ("  %-" .. widest .. "s  "):format(method[1])
    if #method[1] > widest and method[3] ~= "" then
      out[#out + 1] = "  " .. method[1]
      head = (" "):rep(widest + 4)
    end
    wrap(method[3], width, method[3] == "" and head:gsub("%s+$", "") or head, out)
  end
end

local function class_text(entry, width, out)
  wrap(entry.made and M.signature(entry.name, entry.made) or entry.name, width, "", out)
  out[#out + 1] = ""
  if entry.about then prose(entry.about.prose, width, out) end
  if entry.block then prose(entry.block.prose, width, out) end
  if entry.made then
    local list = {}
    for i, option in ipairs(entry.made.options) do list[i] = describe_option(option) end
    rows(list, width, out)
  else
    members(entry, width, out)
  end
end

local function option_text(entry, width, out)
  out[#out + 1] = entry.name
  out[#out + 1] = ""
  rows({ describe_option(entry.option) }, width, out)
end

local writers = { ["function"] = function_text, class = class_text, node = class_text, module = class_text, option = option_text }

local function write(entries, width)
  local out = {}
  for i, entry in ipairs(entries) do
    if i > 1 then out[#out + 1] = "" end
    writers[entry.kind](entry, width, out)
  end
  while out[#out] == "" do out[#out] = nil end
  return table.concat(out, "\n")
end

-- ------------------------------------------------------------------------------------------------ the function

local OVERVIEW = [[
A pipeline is nodes put together with `+`; a request says what is wanted of it; a batch is the answer.

  md.<TAB>                 every node and value; TAB also completes fields, methods, options, keys, files, datasets
  help(md.GammaAugment)    a node and its options; help "GammaAugment.gamma_min" one of them
  help(md.zeros)           a function; help(x) what can be done with the value x
  help "ndarray.mean"      the same by name
  md.GammaAugment          how it is made, in short; an array shows itself, a batch and a pipeline too
  traceback()              where the last error came from

The values: md.Coordinate md.Roi md.ArrayKey md.GraphKey md.ArraySpec md.BatchRequest md.Batch md.Array md.ndarray md.Graph
Files: md.hdf5.read md.hdf5.write md.hdf5.list md.open_array md.Hdf5Source
]]

local function nothing_about(what, near)
  local hint = ""
  if near and #near == 1 then hint = ("; did you mean help %q?"):format(near[1]) end
  if near and #near > 1 then
    local shown = table.move(near, 1, 6, 1, {})
    hint = "; there is " .. table.concat(shown, ", ") .. (#near > 6 and " …" or "")
  end
  return ("the manual has nothing about %s%s"):format(what, hint)
end

local function standard_text(value)
  local name = names.function_name(value)
  if name then return ("%s: see the manual of Lua 5.4 (https://www.lua.org/manual/5.4/)"):format(name) end
  local info = debug.getinfo(value, "S")
  return nothing_about(("this function (%s:%d)"):format(info.short_src, info.linedefined))
end

--- The manual's text about a value or a name; without an argument a short overview.
---@param columns integer  of the screen
---@param count integer  how many arguments help() had
---@param value any
---@return string
function M.text(columns, count, value)
  local width = math.max(30, math.min(columns, WIDEST))
  if count == 0 or rawequal(value, require "moondust") then return (OVERVIEW:gsub("\n$", "")) end
  local entries, near = manual.of(value), nil
  if type(value) == "string" then entries, near = manual.find(value) end
  if entries then return write(entries, width) end
  if type(value) == "function" then return standard_text(value) end
  return nothing_about(type(value) == "string" and ("%q"):format(value) or "a " .. type(value), near)
end

return M
