--- From items to a block of a sheet: frames, slices, layers, and the rows and cells in which they stand.
local frames = require "moondust.picture.frame"
local items = require "moondust.picture.item"
local layers = require "moondust.picture.layer"
local styles = require "moondust.picture.style"

local M = {}

local function wish_of(style, item, before)
  local window = style.windows and style.windows[item.name] or style.window
  local kind = style.kinds and style.kinds[item.name] or style.kind
  -- What came before shows in its own window, and so does what it became, if it is comparable.
  kind = kind or before and (before.kind ~= "rgb" or item.channels == 3) and before.kind or nil
  if window or not before or not before.low or before.item.dtype ~= item.dtype then return { kind = kind, window = window } end
  return { kind = kind, window = { before.low, before.high }, words = before.window and before.window .. " before" }
end

local function layers_by_name(list, places, style, before)
  local found = {}
  for _, item in ipairs(list) do
    if not item.graph then found[item.name] = layers.of(item, places, wish_of(style, item, before and before[item.name])) end
  end
  return found
end

local function names_of(groups)
  local names, seen = {}, {}
  for g = #groups, 1, -1 do -- the last group says the order
    for _, item in ipairs(groups[g].items) do
      if not seen[item.name] then
        seen[item.name] = true
        names[#names + 1] = { item.name, item.graph ~= nil }
      end
    end
  end
  return names
end

-- Graphs lie on images; where there is none, on everything.
local function place_graphs(rows)
  local any = false
  for _, row in ipairs(rows) do
    row.with_graphs = row.layer.kind == "grey" and #row.layer.channels == 1
    any = any or row.with_graphs
  end
  for _, row in ipairs(any and {} or rows) do row.with_graphs = true end
end

local function middle(slices) return slices[(#slices + 1) // 2] end

-- A cell a slice; of several channels a cell each, of the middle slice where there are other rows.
local function entries_of(layer, under, slices, single)
  local entries = {}
  if not layer or not layer.kind then return entries end
  local several = #layer.channels > 1
  for _, z in ipairs(several and not single and { middle(slices) } or slices) do
    for _, channel in ipairs(layer.channels) do
      local caption = layer.item.has_z and (single or not several) and items.place_name(layer.item, z) or ""
      if several then caption = caption .. (caption == "" and "" or "  ") .. ("ch %d"):format(channel + 1) end
      entries[#entries + 1] = { layer = layer, channel = channel, z = z, caption = caption, under = under or nil }
    end
  end
  return entries
end

local function array_row(name, groups, by_group, style, single)
  local row = { name = name, entries = {}, opacity = style.opacity }
  for g = #groups, 1, -1 do row.layer = row.layer or by_group[g][name] end
  local laid = (row.layer.kind == "labels" or row.layer.kind == "mask") and name ~= style.under
  for g, group in ipairs(groups) do
    local under = laid and style.under and by_group[g][style.under]
    row.entries[g] = entries_of(by_group[g][name], under, group.slices, single)
    row.captioned = row.captioned or #row.entries[g] > group.columns
  end
  if row.layer.kind and #row.layer.channels > 1 then
    row.captioned = true
    if row.layer.item.has_z and not single then row.note = "channels at z " .. items.number(middle(groups[1].slices)) end
  end
  return row
end

local function graph_row(name, groups, number)
  local row = { name = name, entries = {}, graph = number }
  for g, group in ipairs(groups) do
    local item = styles.item_called(group.items, name)
    row.layer = item and { item = item, channels = { 0 } } or row.layer
    row.entries[g], group.graphs[number] = {}, item or false
  end
  return row
end

-- Something to draw graphs on where there are no arrays.
local function empty_row(groups)
  local row = { name = "", entries = {}, with_graphs = true, layer = { item = { channels = 1 }, channels = { 0 } } }
  for g, group in ipairs(groups) do
    row.entries[g] = {}
    for i, z in ipairs(group.slices) do row.entries[g][i] = { layer = row.layer, channel = 0, z = z, caption = "" } end
  end
  return row
end

local function rows_of(groups, by_group, style, single)
  local rows, names, graphs = {}, names_of(groups), 0
  for _, pair in ipairs(names) do
    if not pair[2] then rows[#rows + 1] = array_row(pair[1], groups, by_group, style, single) end
  end
  place_graphs(rows)
  local drawn = false
  for _, row in ipairs(rows) do
    for _, entries in ipairs(row.entries) do drawn = drawn or #entries > 0 end
  end
  if not drawn then rows[#rows + 1] = empty_row(groups) end
  for _, pair in ipairs(names) do
    if pair[2] then
      graphs = graphs + 1
      rows[#rows + 1] = graph_row(pair[1], groups, graphs)
    end
  end
  return rows
end

-- A row a slice where there are channels; otherwise as near to a square as the slices allow.
local function columns_for(group, layer)
  if layer and #layer.channels > 1 then return #layer.channels end
  local frame, count = group.frame, #group.slices
  local height, width = frame.stop[2] - frame.begin[2], frame.stop[3] - frame.begin[3]
  return math.max(1, math.min(count, math.ceil(math.sqrt(count * height / width))))
end

--- A block out of groups { title, items, under }, where `under` is the item that others lie on, if that isn't to be seen itself.
---@param groups table[]
---@param style table  from M.parse
---@param count integer  slices where the options don't say
---@param single string?  the one key that there is: all its slices and channels
---@return moondust.picture.Block?  nil when there is nothing to see
function M.make(groups, style, count, single)
  local slices, by_group = nil, {}
  for g = #groups, 1, -1 do -- all groups are cut where the last one is
    local group = groups[g]
    group.frame = frames.of(group.items)
    slices = slices or group.frame and frames.slices(group.frame, group.items, style.slices or count)
  end
  if not slices then return nil end
  for g, group in ipairs(groups) do
    group.frame = group.frame or groups[#groups].frame or groups[1].frame
    group.slices, group.graphs = slices, {}
    by_group[g] = layers_by_name(group.items, slices, style, by_group[g - 1])
    if group.under and not by_group[g][group.under.name] then
      by_group[g][group.under.name] = layers_by_name({ group.under }, slices, style, by_group[g - 1])[group.under.name]
    end
    local columns = single and columns_for(group, by_group[g][single]) or #slices
    group.columns = math.min(style.columns or columns, math.max(#slices, columns))
  end
  return { groups = groups, rows = rows_of(groups, by_group, style, single ~= nil) }
end

return M
