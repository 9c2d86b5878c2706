--- `moondust view FILE.h5 [dataset…]`: a contact sheet of slices as a PNG picture (see moondust.picture). Without a dataset it shows
--- a batch of a file that `moondust run --out` wrote, otherwise volumes/raw or what there is. Planes are read as they are drawn.
local core = require "moondust.core"
local LazyArray = require "moondust.dataset"
local cli = require "moondust.cli"
local colors = require "moondust.picture.colors"
local items = require "moondust.picture.item"
local options = require "moondust.options"
local picture = require "moondust.picture"
local must = cli.must

local M = { summary = "A picture of datasets or a batch: a contact sheet of slices." }

--- What a picture looks like; shared with `preview`.
---@param parser table
---@param slices string  how many there are by default, in words
function M.configure_style(parser, slices)
  parser:option("--slices", "How many slices, evenly spread. Default: " .. slices):convert(cli.integer(1, 1024)):argname "N"
  parser:option("--width", "Pixels of the sheet at most.", "1600"):convert(cli.integer(64, 20000)):argname "PIXELS"
  parser:option("--kind", "Draw NAME so: grey, labels, mask, distance, weights, rgb or affinities."):argname("NAME=KIND"):count "*"
  parser:option("--overlay", "Draw labels over this image."):argname "NAME"
  parser:option("--opacity", "Of labels over an image, 0 to 1.", "0.5"):convert(tonumber):argname "SHARE"
end

function M.configure(parser)
  parser:argument("file", "An HDF5 file.")
  parser:argument("dataset", "Datasets, or one group of them such as batch_000003. Default: volumes/raw, the first batch, or the "
    .. "largest that is a picture rather than a table."):args "*"
  parser:option("-o --out", "The picture; default: FILE.png beside where you are."):argname "OUT.png"
  parser:option("--batch", "Of a file of batches: this one."):convert(cli.integer(0, 999999)):argname "N"
  parser:option("--axes", "Which axis of the datasets is which, such as tczyx or zyxc. Default: what the file says."):argname "LETTERS"
  parser:option("--pick", "One place of an axis, or some channels, counted from 1: t=3, c=1,2."):argname "AXIS=N[,N]":count "*"
  M.configure_style(parser, "12 of one dataset, 5 of several.")
  parser:mutex(
    parser:flag("--labels", "Colour it, whatever it is."),
    parser:flag("--grey", "Show it in grey, whatever it is."))
end

--- Options of a picture out of arguments.
---@param args table
---@return table
function M.style_of(args)
  local style = { slices = args.slices, width = args.width, kind = args.labels and "labels" or args.grey and "grey" or nil }
  for _, word in ipairs(args.kind) do
    local name, kind = word:match "^(.+)=(%w+)$"
    if not name then cli.usage_error(("--kind wants NAME=KIND such as GT=labels, not '%s'"):format(word)) end
    style.kind = type(style.kind) == "table" and style.kind or {}
    style.kind[name] = kind
  end
  if args.overlay then style.overlay = { args.overlay, opacity = args.opacity } end
  return style
end

-- What --axes and --pick say; nil: nothing.
local function placement_of(args)
  if not args.axes and #args.pick == 0 then return nil end
  local pick
  for _, word in ipairs(args.pick) do
    local letter, list = word:match "^(%a)=([%d,]+)$"
    local indices = {}
    for index in (list or ""):gmatch "%d+" do indices[#indices + 1] = math.tointeger(tonumber(index)) end
    if #indices == 0 then cli.usage_error(("--pick wants AXIS=N or AXIS=N,N such as t=3, not '%s'"):format(core.printable(word))) end
    pick = pick or {}
    pick[letter:lower()] = #indices == 1 and indices[1] or indices
  end
  local wrong = LazyArray.check({ axes = args.axes }, "--axes")
  if wrong then cli.usage_error(wrong) end
  return { axes = args.axes, pick = pick }
end

local function is_picture(info) return info.dtype and #info.shape >= 2 end

local function find(list, wanted)
  for _, info in ipairs(list) do if info.name == wanted then return info end end
end

local function inside(list, group)
  local found = {}
  for _, info in ipairs(list) do if info.name:sub(1, #group + 1) == group .. "/" then found[#found + 1] = info end end
  return found
end

local function no_dataset(path, list, others, wanted)
  for _, other in ipairs(others) do if other.name == wanted then error(("%s: %s"):format(core.printable(path), other.problem), 0) end end
  local names = {}
  for i, info in ipairs(list) do names[i] = info.name end
  local near = options.nearest(wanted, names)
  error(("%s has no dataset '%s'%s"):format(core.printable(path), core.printable(wanted), near and ("; did you mean '%s'?"):format(core.printable(near)) or ""), 0)
end

-- Datasets of a batch, images first, weights last: graphs are the triples KEY-ids, KEY-locations, KEY-edges.
local function batch_items(file, list, group)
  local out, part = {}, inside(list, group)
  for _, info in ipairs(part) do
    local name = info.name:sub(#group + 2)
    local graph = name:match "^(.*)%-locations$"
    if graph and find(part, group .. "/" .. graph .. "-ids") and find(part, group .. "/" .. graph .. "-edges") then
      out[#out + 1] = M.read_graph(file, group .. "/" .. graph, graph)
    elseif not (name:find "%-ids$" or name:find "%-edges$") and info.dtype then
      out[#out + 1] = items.from_dataset(file, info, name)
    end
  end
  local rank = { grey = 1, rgb = 1, labels = 2, mask = 3, distance = 4, affinities = 5, weights = 6 }
  for i, item in ipairs(out) do item.rank = (item.plane and rank[colors.kind(item)] or 9) * 1000 + (item.channels > 3 and 4000 or 0) + i end
  table.sort(out, function(a, b) return a.rank < b.rank end)
  return out
end

--- A graph as `moondust run --out` writes it.
---@param file moondust.Hdf5File
---@param path string
---@param name string
---@return moondust.picture.Item
function M.read_graph(file, path, name)
  local ids, places = must(file:read(path .. "-ids")):totable(), must(file:read(path .. "-locations"))
  local nodes, edges = {}, {}
  for i, location in ipairs(places:totable()) do nodes[i] = core.Node { ids[i], location } end
  for i, edge in ipairs(must(file:read(path .. "-edges")):totable()) do edges[i] = core.Edge { edge[1], edge[2] } end
  return items.from_graph(name, core.Graph { nodes, edges, ndim = places.shape[2] })
end

local LEAST = 16 -- voxels along two axes of what is a picture rather than a table

-- How much of a picture a dataset is: the greater the better, nil: none at all. Names of raw data first, then by the number of voxels,
-- grey ones before labels; tables, and what can't be read, behind all others.
local function worth(info)
  if not is_picture(info) then return nil end
  local size, long = 1, 0
  for _, length in ipairs(info.shape) do
    size = size * length
    if length >= LEAST then long = long + 1 end
  end
  if size == 0 then return nil end
  local is_raw, is_called_raw = info.name:find "volumes/raw$", info.name:find "raw$"
  return { info.problem and 0 or 1, long >= 2 and 1 or 0, is_raw and 1 or 0, size, is_called_raw and 1 or 0, colors.are_labels(info.dtype, info.name) and 0 or 1 }
end

local function default_of(list)
  local best, most
  for _, info in ipairs(list) do
    local own = worth(info)
    for i = 1, own and #own or 0 do
      if not most or own[i] > most[i] then
        best, most = info, own
        break
      elseif own[i] < most[i] then
        break
      end
    end
  end
  return best
end

local function one(file, path, info, said)
  if not is_picture(info) then
    error(("%s in %s is no picture: %s of %d axes"):format(core.printable(info.name), core.printable(path), info.dtype or info.type, #info.shape), 0)
  end
  return items.from_dataset(file, info, nil, said)
end

-- What is to be drawn, and what it is called.
local function choose(file, args)
  local said = placement_of(args)
  local list, others = must(file:list())
  local first = list[1] and list[1].name:match "^(batch_%d+)/"
  local group = args.batch and ("batch_%06d"):format(args.batch) or #args.dataset == 0 and first
    or #args.dataset == 1 and not find(list, args.dataset[1]) and args.dataset[1]
  if said and group and #inside(list, group) > 0 then error("--axes and --pick go with a dataset: name one", 0) end
  if group and #inside(list, group) > 0 then return batch_items(file, list, group), group end
  if args.batch then
    error(("%s has no batch %d (%s)"):format(args.file, args.batch, first and "the first is " .. first or "it is no file of batches"), 0)
  end
  if #args.dataset == 0 then
    local info = default_of(list) or error(("%s has no dataset with two axes or more%s"):format(core.printable(args.file), others[1]
      and (" that can be read (%s: %s)"):format(core.printable(others[1].name), others[1].problem) or ""), 0)
    return { one(file, args.file, info, said) }, info.name
  end
  local out = {}
  for i, name in ipairs(args.dataset) do
    out[i] = one(file, args.file, find(list, name) or file:info(name) or no_dataset(args.file, list, others, name), said)
  end
  return out, table.concat(args.dataset, ", ")
end

local function default_out(path) return path:match "[^/]*$":gsub("%.[^.]*$", "") .. ".png" end

function M.run(args)
  local file <close> = must(core.hdf5.open(args.file, "r"))
  local out = args.out or default_out(args.file)
  must(core.output.allowed(out))
  local list, what = choose(file, args)
  local style = M.style_of(args)
  style.title = core.printable(("%s  %s"):format(args.file:match "[^/]*$", what))
  local image, slices = picture.sheet(list, picture.parse("moondust view", style))
  must(core.png.write(out, image))
  local shape = #list == 1 and list[1].shape and (" (%s)"):format(table.concat(list[1].shape, "x")) or ""
  print(("%s: %d slice%s of %s%s"):format(core.printable(out), slices, slices == 1 and "" or "s", core.printable(what), shape))
end

return M
