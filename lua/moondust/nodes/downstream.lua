--- What lies between a node and whoever made the request: which ROI they want in the end, and how nodes in between move graphs on the way down.
---
--- Nodes downstream have prepared already when a request comes by, so their draws are made, and each that moves graphs has said so with
--- BatchProvider:moves_graphs(request). It has two methods then, for places as tables of numbers, in world units:
---
---     Some:source_of(place)         where upstream what comes out at `place` lies
---     Some:destination_of(place)    where a graph node that lies at `place` upstream comes out; nil where it doesn't
---
--- and, if all it does is to add one shift, `translation`, the Coordinate source - destination, instead of both. One that turns boxes into boxes has also
---
---     Some:source_box(roi)          where upstream what comes out in `roi` lies
local M = {}

local function roi_of(request, name)
  local wanted = request[name]
  return wanted and wanted.roi
end

-- The keys for which those in `names` were asked for by `node`: themselves where they are in what is wanted of it, else what it makes of them.
local function wanted_for(node, wanted, names)
  local before = {}
  for name in pairs(names) do
    if roi_of(wanted, name) then
      before[name] = true
    else
      for _, list in ipairs { node.provided_items, node.updated_items } do
        for _, made in ipairs(list) do if roi_of(wanted, made) then before[made] = true end end
      end
    end
  end
  return before
end

local function union_of(request, names)
  local total
  for name in request:items() do
    local roi = names[name] and roi_of(request, name)
    if roi then total = total and total:union(roi) or roi end
  end
  return total
end

--- The ROI that whoever made the request wants of `name`, or of what is made of it; of all that this node is asked for if it isn't asked for `name`. The second
--- result lists the nodes downstream that move graphs, the nearest first. A node that asks for its own in parts (Scan) made the request.
---@param request moondust.BatchRequest  as it came to the node that calls
---@param name moondust.Key
---@return moondust.Roi
---@return moondust.BatchProvider[]
function M.seen(request, name)
  local context, names, movers = request.context, {}, {}
  if roi_of(request, name) then
    names[name] = true
  else
    for other in request:items() do names[other] = roi_of(request, other) and true or nil end
  end
  local roi = union_of(request, names)
  for depth = context.depth - 1, 1, -1 do
    local node, wanted = context.nodes[depth], context.requests[depth]
    if node.asks_in_parts then break end
    movers[#movers + 1] = context.moves[depth] or nil
    names = wanted_for(node, wanted, names)
    roi = union_of(wanted, names) or roi
  end
  return roi, movers
end

--- Where what comes out in a box in the end lies; nil where that is no box.
---@param movers moondust.BatchProvider[]
---@param roi moondust.Roi
---@return moondust.Roi?
function M.source_box(movers, roi)
  for i = #movers, 1, -1 do
    local node = movers[i]
    if node.translation then
      roi = roi:shift(node.translation)
    elseif node.source_box then
      roi = node:source_box(roi)
    else
      return nil
    end
  end
  return roi
end

local function moved(place, shift, sign)
  local all = {}
  for d = 1, #place do all[d] = place[d] + sign * shift[d] end
  return all
end

--- Where what comes out at `place` in the end lies.
---@param movers moondust.BatchProvider[]
---@param place number[]
---@return number[]
function M.source_of(movers, place)
  for i = #movers, 1, -1 do
    local node = movers[i]
    if node.translation then place = moved(place, node.translation, 1) else place = node:source_of(place) end
  end
  return place
end

-- A graph's locations are float32 by default, and rounded at each step: whether a node is inside of a ROI may hang by that.
local function as_stored(place, dtype)
  if dtype ~= "float32" then return place end
  local rounded = {}
  for d = 1, #place do rounded[d] = ("f"):unpack(("f"):pack(place[d])) end
  return rounded
end

--- Where a graph node at `place` comes out in the end if it is moved by -shift first, bit for bit as the graph will have it; or nil.
---@param movers moondust.BatchProvider[]
---@param place number[]
---@param shift moondust.Coordinate
---@param dtype string  of the graph's locations
---@return number[]?
function M.destination_of(movers, place, shift, dtype)
  place = as_stored(moved(place, shift, -1), dtype)
  for _, node in ipairs(movers) do
    if node.translation then place = moved(place, node.translation, -1) else place = node:destination_of(place) end
    if not place then return nil end
    place = as_stored(place, dtype)
  end
  return place
end

return M
