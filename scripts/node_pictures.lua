--- A small picture of what a node does, for its page in the manual: FOLDER/NODE.png, made from a synthetic volume. `make
--- node-pictures` runs it.
---
---     moondust scripts/node_pictures.lua FOLDER [NODE…]
---
--- `pictures` is a table of recipes: a node behind the source, a seed, and the panels to show of the batch before it and after it.
local core = require "moondust.core"
local md = require "moondust"
local strip = require "moondust.picture.strip"

local RAW, GT, ORG, MASK = md.ArrayKey "RAW", md.ArrayKey "GT", md.ArrayKey "ORG", md.ArrayKey "MASK"
local OUT, WEIGHT, SHIFT, POINTS = md.ArrayKey "OUT", md.ArrayKey "WEIGHT", md.ArrayKey "SHIFT", md.GraphKey "POINTS"

local VOXEL, SIZE = md.Coordinate { 40, 8, 8 }, md.Coordinate { 16, 256, 256 }
local WHOLE = md.Roi({ 0, 0, 0 }, SIZE * VOXEL)
local VIEW = md.Roi(md.Coordinate { 5, 72, 72 } * VOXEL, md.Coordinate { 5, 112, 112 } * VOXEL) -- what most pictures show

-- ------------------------------------------------------------------------------------------------ the sample

local drawn = core.kernel.synthesize { shape = SIZE:totable(), voxel_size = VOXEL:totable(), seed = 4 }

local function spec(interpolatable, roi) return md.ArraySpec { roi = roi or WHOLE, voxel_size = VOXEL, interpolatable = interpolatable } end

-- A wedge of the plane.
local function wedge()
  local mask = md.zeros(SIZE:totable(), "uint8")
  for y = 1, SIZE[2] do mask[{ {}, y, { 1, math.min(SIZE[3], y + 10) } }] = 1 end
  return mask
end

local function synapses()
  local nodes, edges, locations = {}, {}, drawn.locations:totable()
  for i, location in ipairs(locations) do nodes[i] = md.Node { i, location } end
  for i = 1, #locations - 1, 2 do edges[#edges + 1] = md.Edge { i, i + 1 } end
  return md.Graph { nodes, edges, md.GraphSpec { roi = WHOLE, directed = false } }
end

local raw = core.kernel.scale_shift(drawn.raw, 1 / 255, 0, "float32", 0, 1)
local function source()
  local function array(name, data, interpolatable) return md.ArraySource { name, md.Array { data, spec(interpolatable) } } end
  return { array(RAW, raw, true), array(GT, drawn.neuron_ids, false), array(ORG, drawn.organelles, false), array(MASK, wedge(), false),
    md.GraphSource { POINTS, synapses() } } + md.MergeProvider {}
end

local function request_of(rois)
  local request = md.BatchRequest {}
  for name, roi in pairs(rois) do
    request[name] = name == POINTS and md.GraphSpec { roi = roi } or md.ArraySpec { roi = roi or nil, nonspatial = not roi }
  end
  return request
end

-- A batch of the source with `nodes` behind it.
local function batch_of(nodes, rois, seed)
  local pipeline = nodes and source() + nodes or source()
  local p <close> = pipeline:build()
  local request = request_of(rois)
  request.random_seed = seed
  return p:request_batch(request)
end

-- ------------------------------------------------------------------------------------------------ recipes

local GREY = { 0.1, 0.85 } -- one window for all, so that contrast is what it is

local function raw_panel(caption, batch, more)
  local panel = { caption, array = batch[RAW], kind = "grey", window = GREY }
  for name, value in pairs(more or {}) do panel[name] = value end
  return panel
end

local function label_panel(caption, batch, name, more)
  local panel = { caption, array = batch[name or GT], kind = "labels", under = batch[RAW], under_window = GREY }
  for field, value in pairs(more or {}) do panel[field] = value end
  return panel
end

local function geometry(node, seed)
  local rois = { [RAW] = VIEW, [GT] = VIEW, [POINTS] = VIEW }
  local before, after = batch_of(nil, rois, seed), batch_of(node, rois, seed)
  return { label_panel("before", before), label_panel("after", after) }
end

local function intensity(node, seed)
  local before, after = batch_of(nil, { [RAW] = VIEW }, seed), batch_of(node, { [RAW] = VIEW }, seed)
  return { raw_panel("before", before), raw_panel("after", after) }
end

-- A cut across the sections: z down, x to the right.
local function cut(batch)
  local data, roi = batch[RAW].data, batch[RAW].spec.roi
  return md.Array { data[{ {}, data.shape[2] // 2, {} }]:copy(),
    md.ArraySpec { roi = md.Roi({ roi.offset[1], roi.offset[3] }, { roi.shape[1], roi.shape[3] }), voxel_size = { VOXEL[1], VOXEL[3] } } }
end

local function across(node, seed)
  local roi = md.Roi(md.Coordinate { 1, 100, 60 } * VOXEL, md.Coordinate { 14, 40, 112 } * VOXEL)
  local before, after = batch_of(nil, { [RAW] = roi }, seed), batch_of(node, { [RAW] = roi }, seed)
  return {
    { "before: z down, x across", array = cut(before), kind = "grey", window = GREY }, { "after", array = cut(after), kind = "grey", window = GREY },
  }
end

-- Ground truth, and what is made of it: { caption, key, kind, channel }.
local function target(node, gt, shown, extra)
  local rois = { [RAW] = VIEW, [gt] = VIEW }
  for _, name in ipairs(extra or {}) do rois[name] = VIEW end
  local before = batch_of(nil, { [RAW] = VIEW, [gt] = VIEW }, 0)
  for _, item in ipairs(shown) do rois[item[2]] = VIEW end
  local after, panels = batch_of(node, rois, 0), { label_panel("ground truth", before, gt) }
  for i, item in ipairs(shown) do
    panels[i + 1] = { item[1], array = after[item[2]], kind = item[3], channel = item[4], window = item.window, under = item.under and after[RAW] or nil }
  end
  return panels
end

local function predicted(predictor, gt, shown)
  local keys = { [OUT] = false, [WEIGHT] = false }
  for _, item in ipairs(shown) do keys[item[2]] = true end
  return target(md.DaCapoTargetFilter { predictor, gt, keys[OUT] and OUT or nil, keys[WEIGHT] and WEIGHT or nil, MASK }, gt, shown)
end

local function resampled(node)
  local roi = md.Roi(VIEW.offset, md.Coordinate { 5, 48, 48 } * VOXEL)
  local before, after = batch_of(nil, { [RAW] = roi }, 0), batch_of(node, { [OUT] = roi }, 0)
  return { raw_panel("before", before), { "after", array = after[OUT], kind = "grey", window = GREY } }
end

-- The part of a section that has most nodes.
local function around_nodes()
  local graph, best, most = synapses(), nil, -1
  for node in graph:nodes() do
    local corner = {}
    for d = 1, 3 do corner[d] = math.floor(node.location[d] / VOXEL[d]) - (d > 1 and 56 or 0) end
    for d = 2, 3 do corner[d] = math.max(0, math.min(SIZE[d] - 112, corner[d])) end
    local roi = md.Roi(md.Coordinate(corner) * VOXEL, md.Coordinate { 1, 112, 112 } * VOXEL)
    local count = #graph:nodes_in(roi)
    if count > most then best, most = roi, count end
  end
  return best
end

-- A section with the boxes around some places, and the batches that come from there.
local function places_panels(places, batch_at)
  local section = md.Roi({ math.floor(places[1][1] / VOXEL[1]) * VOXEL[1], 0, 0 }, { VOXEL[1], WHOLE.shape[2], WHOLE.shape[3] })
  local panels, boxes = { raw_panel("places", batch_of(nil, { [RAW] = section }, 0), { boxes = {} }) }, {}
  for i, place in ipairs(places) do
    local batch = batch_at(i)
    local shape = batch[RAW].spec.roi.shape
    boxes[i] = md.Roi({ section.offset[1], math.floor(place[2]) - shape[2] // 2, math.floor(place[3]) - shape[3] // 2 }, shape)
    panels[i + 1] = raw_panel(("batch %d"):format(i - 1), batch)
  end
  panels[1].boxes = boxes
  return panels
end

local SHIFTED = { [-1] = "z - 1", [0] = "y - 3", [1] = "x - 3" }
local NEAR = { { -1, 0, 0 }, { 0, -3, 0 }, { 0, 0, -3 } }

local pictures = {
  ElasticAugment = function()
    return geometry(md.ElasticAugment { { 1, 24, 24 }, { 0, 40, 40 }, { 0, math.pi / 2 } }, 5)
  end,
  DeformAugment = function()
    return geometry(md.DeformAugment { { 200, 200, 200 }, { 0, 40, 40 }, scale_interval = { 0.8, 1.2 }, rotation_axes = { 2, 3 } }, 3)
  end,
  SimpleAugment = function() return geometry(md.SimpleAugment { transpose_only = { 2, 3 } }, 2) end,
  GammaAugment = function() return intensity(md.GammaAugment { { RAW }, 0.4, 2.5 }, 2) end,
  IntensityAugment = function() return intensity(md.IntensityAugment { RAW, 0.4, 0.6, 0.1, 0.2 }, 1) end,
  IntensityScaleShift = function() return intensity(md.IntensityScaleShift { RAW, -1, 1 }, 1) end,
  NoiseAugment = function() return intensity(md.NoiseAugment { RAW, var = 0.02 }, 1) end,
  ShiftAugment = function() return across(md.ShiftAugment { prob_slip = 0.2, prob_shift = 0.2, sigma = { 0, 60, 60 } }, 3) end,
  DefectAugment = function() return across(md.DefectAugment { RAW, prob_missing = 0.15, prob_low_contrast = 0.2, prob_deform = 0 }, 4) end,

  Pad = function()
    local corner = md.Roi({ 160, 0, 0 }, md.Coordinate { 5, 72, 72 } * VOXEL)
    local wide = md.Roi(corner.offset - md.Coordinate { 0, 24, 24 } * VOXEL, md.Coordinate { 5, 96, 96 } * VOXEL)
    local before = batch_of(nil, { [RAW] = corner }, 0)
    local constant = batch_of(md.Pad { RAW, value = 0.5 }, { [RAW] = wide }, 0)
    local mirrored = batch_of(md.Pad { RAW, { 0, 256, 256 }, mode = "reflect" }, { [RAW] = wide }, 0)
    return { raw_panel("what there is", before, { within = wide }), raw_panel("constant", constant, { boxes = { corner } }),
      raw_panel("reflect", mirrored, { boxes = { corner } }) }
  end,
  Crop = function()
    local inner = md.Roi(VIEW.offset + md.Coordinate { 0, 24, 40 } * VOXEL, md.Coordinate { 5, 64, 56 } * VOXEL)
    local before, after = batch_of(nil, { [RAW] = VIEW }, 0), batch_of(md.Crop { RAW, inner }, { [RAW] = inner }, 0)
    return { raw_panel("before", before, { boxes = { inner } }), raw_panel("after", after, { within = VIEW }) }
  end,
  UpSample = function() return resampled(md.UpSample { RAW, { 1, 2, 2 }, OUT }) end,
  DownSample = function() return resampled(md.DownSample { RAW, { 1, 4, 4 }, OUT }) end,
  Resample = function() return resampled(md.Resample { RAW, { 40, 32, 32 }, OUT }) end,
  Stack = function()
    local after = batch_of(md.RandomLocation {} + md.Stack { 3 }, { [RAW] = VIEW }, 1)
    local panels = {}
    for i = 1, 3 do panels[i] = raw_panel(("batch %d of 3"):format(i), after, { channel = i }) end
    return panels
  end,

  SpecifiedLocation = function()
    local roi = md.Roi({ 0, 0, 0 }, md.Coordinate { 1, 64, 64 } * VOXEL)
    local places = { { 300, 400, 400 }, { 300, 1400, 700 }, { 300, 900, 1600 } }
    return places_panels(places, function(i) return batch_of(md.SpecifiedLocation { { places[i] } }, { [RAW] = roi }, 0) end), 440
  end,
  IterateLocations = function()
    local roi = md.Roi({ 0, 0, 0 }, md.Coordinate { 1, 64, 64 } * VOXEL)
    local places, nodes = { { 300, 500, 500 }, { 300, 1500, 800 }, { 300, 900, 1500 } }, {}
    for i, place in ipairs(places) do nodes[i] = md.Node { i, place } end
    local graph = md.Graph { nodes, {}, md.GraphSpec { roi = WHOLE, directed = false } }
    local p <close> = ({ md.ArraySource { RAW, md.Array { raw, spec(true) } }, md.GraphSource { POINTS, graph } } + md.MergeProvider {}
      + md.IterateLocations { POINTS }):build()
    local stream, request = {}, request_of { [RAW] = roi }
    local panels = places_panels(places, function() return p:request_batch(request, stream) end)
    panels[1].graph = graph
    return panels, 440
  end,
  Scan = function()
    local chunk = request_of { [RAW] = md.Roi({ 0, 0, 0 }, md.Coordinate { 5, 40, 40 } * VOXEL) }
    return intensity(md.GammaAugment { { RAW }, 0.3, 3 } + md.Scan { chunk }, 4)
  end,
  RandomLocation = function()
    local roi, flat = md.Roi({ 0, 0, 0 }, md.Coordinate { 1, 64, 64 } * VOXEL), md.Roi({ 280, 0, 0 }, { 40, WHOLE.shape[2], WHOLE.shape[3] })
    local whole, boxes, panels = batch_of(nil, { [RAW] = flat, [MASK] = flat }, 0), {}, {}
    for i, seed in ipairs { 5, 12, 21 } do
      local place = md.RandomLocation { 0.9, MASK, random_shift_key = SHIFT }
      local batch = batch_of(md.Crop { RAW, flat } + md.Crop { MASK, flat } + place, { [RAW] = roi, [SHIFT] = false }, seed)
      boxes[i] = roi:shift(batch[SHIFT].data:totable())
      panels[i + 1] = raw_panel(("seed %d"):format(seed), batch)
    end
    panels[1] = { "mask and places", array = whole[MASK], kind = "mask", under = whole[RAW], under_window = GREY, boxes = boxes }
    return panels, 460
  end,
  RejectIfEmpty = function()
    local roi = md.Roi({ 0, 0, 0 }, md.Coordinate { 3, 64, 64 } * VOXEL)
    local function attempt(p, seed) return batch_of(md.RandomLocation {} + md.RejectIfEmpty { ORG, p = p }, { [RAW] = roi, [ORG] = roi }, seed) end
    local seed = 1
    local first = attempt(0, seed)
    while first[ORG].data:any() do
      seed = seed + 1
      first = attempt(0, seed)
    end
    return { label_panel("first attempt: rejected", first, ORG), label_panel("taken", attempt(1, seed), ORG) }
  end,

  Reject = function()
    local roi = md.Roi({ 0, 0, 0 }, md.Coordinate { 1, 64, 64 } * VOXEL)
    local rois, seed = { [RAW] = roi, [MASK] = roi }, 1
    local function attempt(reject) return batch_of(md.RandomLocation {} + md.Reject { MASK, 0.8, reject_probability = reject }, rois, seed) end
    while attempt(0)[MASK].data:mean() > 0.6 do seed = seed + 1 end
    local function panel(caption, batch) return { caption, array = batch[MASK], kind = "mask", under = batch[RAW], under_window = GREY } end
    return { panel("first attempt: rejected", attempt(0)), panel("taken", attempt(1)) }
  end,

  DistancePredictor = function()
    return predicted(md.DistancePredictor { { "organelle" }, 60, false }, ORG, { { "target", OUT, "distance", window = { -1, 1 } }, { "weights", WEIGHT, "weights" } })
  end,
  InnerDistancePredictor = function()
    return predicted(md.InnerDistancePredictor { { "organelle" }, 60 }, ORG, { { "target", OUT, "weights" } })
  end,
  HotDistancePredictor = function()
    return predicted(md.HotDistancePredictor { { "organelle" }, 60, false }, ORG,
      { { "one-hot", OUT, "grey", 1, window = { 0, 1 } }, { "distance", OUT, "distance", 2, window = { -1, 1 } } })
  end,
  OneHotPredictor = function()
    return predicted(md.OneHotPredictor { { "none", "organelle" } }, ORG, { { "class 'none'", OUT, "mask", 1 }, { "class 'organelle'", OUT, "mask", 2 } })
  end,
  AffinitiesPredictor = function()
    return predicted(md.AffinitiesPredictor { NEAR, lsds = false }, GT, { { "z, y, x as RGB", OUT, "affinities" }, { "weights of z", WEIGHT, "weights", 1 } })
  end,
  DaCapoTargetFilter = function()
    return predicted(md.DistancePredictor { { "neuron" }, 60, true }, GT, { { "target", OUT, "distance", window = { -1, 1 } }, { "weights in the mask", WEIGHT, "weights" } })
  end,
  AddAffinities = function()
    local shown = {}
    for channel = 1, 3 do shown[channel] = { SHIFTED[channel - 2], OUT, "mask", channel } end
    return target(md.AddAffinities { NEAR, GT, OUT }, GT, shown)
  end,
  BalanceLabels = function() return target(md.BalanceLabels { ORG, WEIGHT, MASK }, ORG, { { "mask", MASK, "mask" }, { "weights", WEIGHT, "weights" } }) end,
  GrowBoundary = function() return target(md.GrowBoundary { GT, steps = 3, only_xy = true }, GT, { { "after", GT, "labels", under = true } }) end,
  ExcludeLabels = function()
    local ids = batch_of(nil, { [GT] = VIEW }, 0)[GT].data:unique():totable()
    local some = {}
    for i = 1, #ids, 3 do some[#some + 1] = ids[i] end
    return target(md.ExcludeLabels { GT, some, OUT, 40 }, GT, { { "after", GT, "labels", under = true }, { "ignore mask", OUT, "mask" } })
  end,
  RenumberConnectedComponents = function()
    return target(md.RenumberConnectedComponents { ORG }, ORG, { { "after", ORG, "labels", under = true } })
  end,
  CopyMask = function() return target(md.CopyMask { ORG, OUT }, ORG, { { "copy", OUT, "mask" } }) end,
  Product = function() return target(md.Product { RAW, ORG, OUT }, ORG, { { "raw x ground truth", OUT, "grey", window = GREY } }) end,

  GraphSource = function()
    local roi = around_nodes()
    local batch = batch_of(nil, { [RAW] = roi, [POINTS] = roi }, 0)
    return { raw_panel("RAW", batch), raw_panel("nodes and edges on it", batch, { graph = batch[POINTS] }) }
  end,
  RasterizeGraph = function()
    local roi, panels = around_nodes(), {}
    for i, mode in ipairs { "ball", "peak" } do
      local node = md.RasterizeGraph { POINTS, OUT, md.ArraySpec { voxel_size = VOXEL }, md.RasterizationSettings { 60, mode } }
      local batch = batch_of(node, { [RAW] = roi, [POINTS] = roi, [OUT] = roi }, 0)
      panels[1] = panels[1] or raw_panel("graph", batch, { graph = batch[POINTS] })
      panels[i + 1] = { mode, array = batch[OUT], kind = mode == "ball" and "mask" or "weights" }
    end
    return panels
  end,
}

-- ------------------------------------------------------------------------------------------------ all of them

local folder, wanted = arg[1] or ".", { table.unpack(arg, 2) }
if #wanted == 0 then
  for name in pairs(pictures) do wanted[#wanted + 1] = name end
  table.sort(wanted)
end
assert(core.make_directory(folder))
for _, name in ipairs(wanted) do
  local panels, width = (pictures[name] or error(("there is no picture of %s"):format(name), 0))()
  local image = strip.draw(panels, { width = width or #panels * 248 })
  assert(core.png.write(("%s/%s.png"):format(folder, name), core.kernel.reduce_colors(image, 64)))
end
print(("%s: %d pictures"):format(folder, #wanted))
