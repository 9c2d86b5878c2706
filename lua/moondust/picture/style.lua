--- What a user says about a picture: the options, checked and in the form in which they are used.
local error = require("moondust.error").raise
local colors = require "moondust.picture.colors"
local key = require "moondust.key"
local options = require "moondust.options"

local M = {}

---@class moondust.picture.Style
---@field slices (integer|number[])?
---@field width integer
---@field kinds table<string, string>?      by name
---@field kind string?                      of all
---@field windows table<string, number[]>?
---@field window number[]?
---@field under string?                     what labels and masks lie on
---@field opacity number
---@field keys any[]?
---@field columns integer?
---@field channels integer?
---@field colors integer?
---@field title string?
---@field text integer?

--- Options of every picture. Where one is said by key, a key or its name stands on the left.
---@type moondust.Option[]
M.OPTIONS = {
  { "slices", type = "integer|numbers",
    doc = "how many slices along z, or a list of world z; default: 5 (of a single array 12, with channels 6)" },
  { "width", type = "integer", default = 1600, doc = "pixels of the sheet at most" },
  { "kind", type = "string|table", doc = "\"grey\", \"labels\", \"mask\", \"distance\", \"weights\", \"rgb\" or \"affinities\", "
    .. "or a table of these by key; default: what dtype, values, name and spec suggest" },
  { "window", type = "table", doc = "{ low, high } of grey values, or a table of these by key; default: the 0.5% and 99.5% quantiles" },
  { "overlay", type = "any", doc = "a key whose array lies under all labels and masks, or { KEY, opacity = 0.5 }" },
  { "keys", type = "table", doc = "which keys, in this order; default: all" },
  { "columns", type = "integer", doc = "slices beside each other; default: all (of a single array: as near to a square as may be)" },
  { "channels", type = "integer", doc = "of an ndarray: leading axes that are channels; default: those beyond three" },
  { "colors", type = "integer", doc = "at most so many, 2 to 256: a file of a third of the size; default: all there are" },
  { "title", type = "string", doc = "first line of the sheet" },
  { "text", type = "integer", doc = "size of the text, 0 to 4: 0 is none; default: by the width" },
}

local function name_of(value) return key.is_key(value) and value.name or value end

local function by_name(values, is_one)
  if values == nil or is_one(values) then return nil, values end
  local out = {}
  for name, value in pairs(values) do out[name_of(name)] = value end
  return out
end

local function is_window(value) return type(value) == "table" and type(value[1]) == "number" and type(value[2]) == "number" end

local function check_kind(kind)
  for _, known in ipairs(colors.KINDS) do if kind == known then return end end
  error(("there is no kind %s%s"):format(options.describe(kind), options.suggestion(tostring(kind), colors.KINDS)), 0)
end

local function check_window(window)
  if not is_window(window) or not (window[1] <= window[2]) then error("a window is { low, high } with low not above high", 0) end
end

local function check_names(what, wanted, list)
  local known, names = {}, {}
  for i, item in ipairs(list) do known[item.name], names[i] = true, item.name end
  for name in pairs(wanted or {}) do
    if not known[name] then
      local near = options.suggestion(tostring(name), names):gsub("it takes", "it has")
      error(("%s: there is no %s in the picture%s"):format(what, tostring(name), near), 0)
    end
  end
end

--- Raises when the options name what is not in the picture.
---@param list moondust.picture.Item[]
---@param style table
function M.check(list, style)
  check_names("kind", style.kinds, list)
  check_names("window", style.windows, list)
  check_names("overlay", style.under and { [style.under] = true }, list)
end

local function check_range(values, name, least, most)
  local value = values[name]
  if type(value) == "number" and (value < least or value > most) then
    error(("%s is %s, it must be from %d to %d"):format(name, value, least, most), 0)
  end
end

local function check_sizes(values)
  check_range(values, "slices", 1, 10000)
  check_range(values, "width", 64, 20000)
  check_range(values, "columns", 1, 10000)
  check_range(values, "colors", 2, 256)
  check_range(values, "text", 0, 4)
end

local function read_overlay(values)
  local overlay = values.overlay
  local listed = type(overlay) == "table" and not key.is_key(overlay)
  values.under, values.opacity = name_of(listed and overlay[1] or overlay), listed and overlay.opacity or 0.5
  if type(values.under) ~= "string" then error("overlay is a key or { KEY, opacity = 0.5 }", 0) end
  local opacity = values.opacity
  if type(opacity) ~= "number" or not (opacity >= 0 and opacity <= 1) then error("opacity must be from 0 to 1", 0) end
end

--- The options in the form in which they are used; raises in words, without a place.
---@param what string
---@param fields table?
---@param list moondust.Option[]?
---@return table
function M.parse(what, fields, list)
  local values, message = options.parse(what, list or M.OPTIONS, fields)
  if not values then error(message, 0) end
  if type(values.slices) == "number" then values.slices = math.tointeger(values.slices) end
  check_sizes(values)
  values.kinds, values.kind = by_name(values.kind, function(v) return type(v) == "string" end)
  values.windows, values.window = by_name(values.window, is_window)
  if values.kind then check_kind(values.kind) end
  if values.window then check_window(values.window) end
  for _, kind in pairs(values.kinds or {}) do check_kind(kind) end
  for _, window in pairs(values.windows or {}) do check_window(window) end
  if values.overlay ~= nil then read_overlay(values) end
  return values
end

local function item_called(list, name)
  for _, item in ipairs(list) do if item.name == name then return item end end
end
M.item_called = item_called

--- The items that were asked for, in that order; all when `keys` is nil.
---@param list moondust.picture.Item[]
---@param keys any[]?
---@param lenient boolean?  leave out what is not there
---@return moondust.picture.Item[]
function M.chosen(list, keys, lenient)
  if not keys then return list end
  local out = {}
  for _, wanted in ipairs(keys) do
    local name = name_of(wanted)
    if not lenient then check_names("keys", { [name] = true }, list) end
    out[#out + 1] = item_called(list, name)
  end
  return out
end

return M
