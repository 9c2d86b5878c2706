--- What a user says about a picture: the options, checked and in the form in which they are used.
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
  { "slices", type = "integer|numbers", doc = "how many slices along z, or a list of world z; default: 5 (of a single array 12, with channels 6)" },
  { "width", type = "integer", default = 1600, doc = "pixels of the sheet at most" },
  { "kind", type = "string|table", doc = "\"grey\", \"labels\", \"mask\", \"distance\", \"weights\", \"rgb\" or \"affinities\", or a table of these by key; "
    .. "default: what dtype, values, name and spec suggest" },
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
      error(("%s: there is no %s in the picture%s"):format(what, tostring(name), (options.suggestion(tostring(name), names):gsub("it takes", "it has"))), 0)
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

local function check_sizes(values)
  if values.width < 64 or values.width > 20000 then error(("width is %s, it must be from 64 to 20000 pixels"):format(values.width), 0) end
  if values.text and (values.text < 0 or values.text > 4) then error(("text is %s, it must be from 0 to 4"):format(values.text), 0) end
  if values.colors and (values.colors < 2 or values.colors > 256) then error(("colors is %s, it must be from 2 to 256"):format(values.colors), 0) end
  if values.columns and values.columns < 1 then error(("columns is %s, it must be 1 or more"):format(values.columns), 0) end
  if math.type(values.slices) == "integer" and values.slices < 1 then error(("slices is %s, it must be 1 or more"):format(values.slices), 0) end
end

--- The options in the form in which they are used; raises in words, without a place.
---@param what string
---@param fields table?
---@param list moondust.Option[]?
---@return table
function M.parse(what, fields, list)
  local values, message = options.parse(what, list or M.OPTIONS, fields)
  if not values then error(message, 0) end
  check_sizes(values)
  values.kinds, values.kind = by_name(values.kind, function(v) return type(v) == "string" end)
  values.windows, values.window = by_name(values.window, is_window)
  if values.kind then check_kind(values.kind) end
  if values.window then check_window(values.window) end
  for _, kind in pairs(values.kinds or {}) do check_kind(kind) end
  for _, window in pairs(values.windows or {}) do check_window(window) end
  local overlay = values.overlay
  if overlay ~= nil then
    local listed = type(overlay) == "table" and not key.is_key(overlay)
    values.under, values.opacity = name_of(listed and overlay[1] or overlay), listed and overlay.opacity or 0.5
    if type(values.under) ~= "string" then error(("%s: overlay is a key or { KEY, opacity = 0.5 }"):format(what), 0) end
    if type(values.opacity) ~= "number" or not (values.opacity >= 0 and values.opacity <= 1) then error("opacity must be from 0 to 1", 0) end
  end
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
