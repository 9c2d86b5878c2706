--- A strip: panels beside each other under their captions, one slice each and no legend, at one scale. For illustrations; sheets say
--- more.
local error = require("moondust.error").raise
local frames = require "moondust.picture.frame"
local items = require "moondust.picture.item"
local layers = require "moondust.picture.layer"
local sheet = require "moondust.picture.sheet"

local M = {}

---@class moondust.picture.Panel
---@field [1] string                 caption
---@field array moondust.Array
---@field channel integer?           from 1
---@field kind string?
---@field window number[]?
---@field under moondust.Array?      labels and masks are laid on it
---@field graph moondust.Graph?
---@field boxes moondust.Roi[]?      outlines
---@field within moondust.Roi?       the part of the world that is shown; default: where the array is
---@field z number?                  world; default: the middle

local function group_of(panel)
  local item = items.from_array(panel[1], panel.array)
  if not item.plane then error(("%s: there is nothing to draw (%s)"):format(panel[1], item.note), 3) end
  local group = { title = panel[1], items = { item }, columns = 1, graphs = {}, boxes = {} }
  if panel.graph then group.graphs[1] = items.from_graph("", panel.graph) end
  group.frame = frames.of { item }
  if panel.within then group.frame.begin, group.frame.stop = frames.three(panel.within) end
  group.slices = panel.z and { panel.z } or frames.slices(group.frame, group.items, 1)
  for i, box in ipairs(panel.boxes or {}) do group.boxes[i] = { frames.three(box) } end
  return group
end

local function entry_of(panel, group)
  local z = group.slices[1]
  local layer = layers.of(group.items[1], { z }, { kind = panel.kind, window = panel.window })
  local under = panel.under and layers.of(items.from_array("raw", panel.under), { z }, { kind = "grey", window = panel.under_window })
  return { layer = layer, channel = (panel.channel or 1) - 1, z = z, caption = "", under = under }
end

--- Draws panels beside each other.
---@param panels moondust.picture.Panel[]
---@param options { width: integer?, text: integer?, opacity: number? }
---@return moondust.ndarray picture
function M.draw(panels, options)
  local row = { name = "", entries = {}, with_graphs = true, opacity = options.opacity or 0.45 }
  local groups = {}
  for g, panel in ipairs(panels) do
    groups[g] = group_of(panel)
    row.entries[g] = { entry_of(panel, groups[g]) }
    if row.entries[g][1].under then groups[g].outline = function() end end
  end
  row.layer = row.entries[1][1].layer
  return sheet.draw({ { groups = groups, rows = { row } } }, { width = options.width or 800, text = options.text or 1, legend = false })
end

return M
