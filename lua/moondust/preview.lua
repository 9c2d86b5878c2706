--- md.preview(pipeline, request, { count = 4, seed = 7, path = "preview.png" }): batches beside the untransformed crop that each
--- came from.
---
--- Before is what the last node that chooses a place (RandomLocation, SpecifiedLocation, IterateLocations, or the source where there
--- is none) handed down for this very batch: the data at the place that was drawn, in the attempt that was not rejected, with all that
--- the nodes behind it asked for around the batch. It is watched on its way, so that nothing is asked for twice and no draw is
--- another: the batch after is the batch that a run with this seed gives. Both are drawn in the request's world frame, at one scale;
--- a thin line marks in before where after lies. An array of the same dtype before and after shows in one window, that of before.
---
--- Options: path ("preview.png"), count (4), seed (as for pipeline:batches, whose batch i this is; default: the request's, or one from the system), and those of
--- Batch:png, of which slices is 2 here. Returns true, or nil and why the file can't be written.
local error = require("moondust.error").raise
local blocks = require "moondust.picture.block"
local class = require "moondust.class"
local frames = require "moondust.picture.frame"
local items = require "moondust.picture.item"
local key = require "moondust.key"
local options = require "moondust.options"
local picture = require "moondust.picture"
local sheet = require "moondust.picture.sheet"
local styles = require "moondust.picture.style"
local Batch = require "moondust.batch"
local BatchProvider = require "moondust.provider"
local BatchRequest = require "moondust.request"
local Pipeline = require "moondust.pipeline"
local Seed = require "moondust.seed"

local OPTIONS = table.move(styles.OPTIONS, 1, #styles.OPTIONS, 4, {
  { "path", type = "string", default = "preview.png", doc = "the PNG file" },
  { "count", type = "integer", default = 4, doc = "how many batches" },
  { "seed", type = "any", doc = "of the stream: batch i, from 0, has seed + i, of a list a hash; default: the request's, or one from the system" },
})
local SLICES = 2

-- The nodes whose batches are "before": those that choose places, next to the sink, and sources with none behind them.
local function places_of(node, found)
  if node.chooses_place or #node.upstream_providers == 0 then
    found[node] = true
  else
    for _, upstream in ipairs(node:get_upstream_providers()) do places_of(upstream, found) end
  end
  return found
end

-- What came last of each key, as views that no later node can change.
local function watcher(places, wanted)
  local before = Batch {}
  return before, function(node, batch)
    if not places[node] then return end
    for name, item in batch:items() do
      if wanted[name] then
        if before[name] then before[name]:close() end
        before[name] = key.is_graph_key(name) and item:trim(item.spec.roi) or item:share()
      end
    end
  end
end

-- In the order of the request, with its placeholders.
local function items_of(batch, request, with_placeholders)
  local list = {}
  for name, wanted in request:items() do
    local item = batch:has(name) and batch[name]
    if item then
      list[#list + 1] = key.is_graph_key(name) and items.from_graph(name.name, item) or items.from_array(name.name, item)
    elseif wanted.placeholder and with_placeholders then
      list[#list + 1] = { name = name.name, channels = 1, note = "placeholder" }
    end
  end
  return list
end

local function block_of(before, after, request, style, title)
  local all = { items_of(before, request), items_of(after, request, true) }
  styles.check(all[2], style)
  local groups = { { title = "before" }, { title = "after" } }
  for g, group in ipairs(groups) do
    group.items, group.under = styles.chosen(all[g], style.keys, g == 1), style.under and styles.item_called(all[g], style.under)
  end
  local block = blocks.make(groups, style, SLICES)
  if not block then error("there is nothing to draw in the batch", 0) end
  local roi_of = {}
  for name, item in after:items() do roi_of[name.name] = item.spec.roi end
  groups[1].outline = function(layer)
    local roi = roi_of[layer.item.name]
    if roi and not roi.unbounded and not roi.empty then return frames.three(roi) end
  end
  block.title = title
  return block
end

local function as_pipeline(pipeline)
  if class.is_a(pipeline, Pipeline) then return pipeline end
  if class.is_a(pipeline, BatchProvider) then return Pipeline { pipeline } end
  error(("md.preview wants a pipeline, not %s"):format(options.describe(pipeline)), 0)
end

local function check(request, style)
  if not BatchRequest.is_request(request) then error(("md.preview wants a BatchRequest, not %s"):format(options.describe(request)), 0) end
  if style.count < 1 then error(("md.preview: 'count' must be 1 or more, not %s"):format(style.count), 0) end
end

local function draw(pipeline, request, style) -- builds and closes what isn't built
  if not pipeline.nodes then
    local own <close> = pipeline:build()
    return draw(own, request, style)
  end
  local seed = Seed.choose(style.seed, request, 1)
  local places, made, batches, stream = places_of(pipeline.output, {}), {}, {}, {}
  for i = 0, style.count - 1 do
    local wanted = request:clone()
    rawset(wanted, "random_seed", Seed.of_batch(seed, i))
    local before, watch = watcher(places, request)
    local after = pipeline:request_batch(wanted, stream, watch)
    table.move({ before, after }, 1, 2, #batches + 1, batches)
    made[#made + 1] = block_of(before, after, request, style, ("batch %d, seed %d"):format(i, after.random_seed))
  end
  local image = sheet.draw(made, { width = style.width, title = style.title, text = style.text })
  for _, batch in ipairs(batches) do batch:close() end
  return image
end

--- Draws batches beside what they came from into a PNG file.
---@param pipeline moondust.Pipeline|moondust.BatchProvider  built or not; one that isn't is built and closed again
---@param request moondust.BatchRequest
---@param fields table?  path ("preview.png"), count (4), seed, and the options of a picture
---@return true?
---@return string? message
local function preview(pipeline, request, fields)
  local style, image
  local ok, raised = pcall(function()
    style = styles.parse("md.preview", fields, OPTIONS)
    check(request, style)
    image = draw(as_pipeline(pipeline), request, style)
  end)
  if not ok then error(raised, type(raised) == "string" and 2 or 0) end
  return picture.write(style.path, image, style)
end

return preview
