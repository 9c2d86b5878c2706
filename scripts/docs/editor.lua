--- lua/moondust/meta/moondust.lua: what an editor needs to complete `md.` and the options of each node, which are data to Lua and so hidden from it.
local annotations = require "moondust.annotations"
local classes = require "docs.classes"

local HEAD = [[
---@meta
--- Made by `make docs` from the options that nodes and predictors list; read by editors (LuaCATS), never run.

---@alias moondust.dtype "uint8"|"uint16"|"uint32"|"uint64"|"int8"|"int16"|"int32"|"int64"|"float32"|"float64"
]]

local TYPES = {
  array_key = "moondust.ArrayKey", array_keys = "moondust.ArrayKey[]", graph_key = "moondust.GraphKey", key = "moondust.Key", keys = "moondust.Key[]",
  coordinate = "moondust.Coordinate|integer[]", numbers = "number[]", probability = "number", roi = "moondust.Roi", graph = "moondust.Graph",
  request = "moondust.BatchRequest", dtype = "moondust.dtype", any = "any", ["function"] = "function", table = "table",
  boolean = "boolean", number = "number", integer = "integer", string = "string", label = "integer|string", id = "string",
}

local function type_of(option)
  local out = {}
  for name in option.type:gmatch "[^|]+" do out[#out + 1] = TYPES[name] or error("no editor's type for the option type " .. name) end
  return table.concat(out, "|")
end

local function note(option)
  local text = option.doc or ""
  if option.default ~= nil and not text:find "default" then
    text = ("%s%sdefault %s"):format(text, text ~= "" and "; " or "", annotations.literal(option.default))
  end
  return text
end

local function add_options(out, item)
  out[#out + 1] = ("---@class moondust.%s.Options"):format(item.name)
  for i, option in ipairs(item.class.options) do
    -- By position or by name, so neither is asked for.
    out[#out + 1] = ("---@field [%d]? %s"):format(i, type_of(option))
    out[#out + 1] = ("---@field %s? %s %s"):format(option[1], type_of(option), note(option))
  end
  out[#out + 1] = ""
end

--- Path -> text.
return function()
  local out, fields = { HEAD }, { "---@class moondust" }
  for _, item in ipairs(classes.list()) do
    local takes = "table?"
    if item.class.options then
      add_options(out, item)
      takes = ("moondust.%s.Options"):format(item.name)
    end
    fields[#fields + 1] = ("---@field %s fun(options: %s): moondust.%s %s"):format(item.name, takes, item.name, item.prose[1] or "")
  end
  table.move(fields, 1, #fields, #out + 1, out)
  return { ["lua/moondust/meta/moondust.lua"] = table.concat(out, "\n") .. "\n" }
end
