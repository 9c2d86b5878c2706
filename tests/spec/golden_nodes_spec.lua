-- Whole nodes against figures that the originals made, draw for draw (tests/golden/nodes.h5).
local md = require "moondust"
local figures = require "spec.support.figures"
local golden = require "spec.support.golden"

-- How a case's pipeline is made, by the beginning of its name.
local pipelines = {
  random_location_masked = function()
    return golden.source("RAW", "MASK") + md.RandomLocation { min_masked = 0.9, mask = md.ArrayKey "MASK" }
  end,
  random_location = function() return golden.source("RAW", "LABELS") + md.RandomLocation {} end,
  random_provider = function()
    local a, b = golden.source("RAW", "LABELS") + md.RandomLocation {}, golden.source("RAW", "LABELS") + md.RandomLocation {}
    return { a, b } + md.RandomProvider { { 0.3, 0.7 } }
  end,
  merge_provider = function()
    return { golden.source "RAW" + md.RandomLocation {}, golden.source "LABELS" + md.RandomLocation {} } + md.MergeProvider {}
  end,
}

describe("figures of gunpowder", function()
  for name, make in pairs(pipelines) do
    for _, case in ipairs(golden.cases("nodes", "^" .. name .. "_%d$")) do
      it(case.name, function()
        local p <close> = make():build()
        local batch <close> = p:request_batch(case.request)
        golden.compare(batch, case)
      end)
    end
  end

  it("finds four cases of each", function()
    for name in pairs(pipelines) do assert.equal(4, #golden.cases("nodes", "^" .. name .. "_%d$"), name) end
  end)
end)

local function by_id(ids, locations)
  local place = {}
  for i, id in ipairs(ids) do place[id] = locations[i] end
  return place
end

-- Edges between nodes of the source as "3-4", ends of edges that were cut as { inner node, where }. Ids of the nodes made at the
-- cuts depend on the order in which a Python set gives edges, so they are left out.
local function split_edges(rows, place)
  local inner, cut = {}, {}
  for _, row in ipairs(rows) do
    local u, v = math.min(row[1], row[2]), math.max(row[1], row[2])
    if v < 40 then inner[#inner + 1] = ("%d-%d"):format(u, v) else cut[#cut + 1] = { u, place[v] } end
  end
  table.sort(inner)
  table.sort(cut, function(a, b)
    if a[1] ~= b[1] then return a[1] < b[1] end
    return a[2][1] + 7 * a[2][2] < b[2][1] + 7 * b[2][2]
  end)
  return inner, cut
end

local function near_places(expected, actual, what)
  for d = 1, 3 do assert.near(expected[d], actual[d], 1e-3, what) end
end

describe("figures of dacapo.gp", function()
  it("graph_source", function()
    local case, POINTS = golden.case("nodes", "graph_source"), md.GraphKey "POINTS"
    local p <close> = md.GraphSource({ POINTS, golden.graph() }):build()
    local batch <close> = p:request_batch(case.request)
    local graph = batch[POINTS]
    for edge in graph:copy():edges() do -- the original drops edges that pass through
      if graph:node(edge.u).temporary and graph:node(edge.v).temporary then
        graph:remove_node(edge.u)
        graph:remove_node(edge.v)
      end
    end
    local locations, ids, edges = graph:arrays()
    local place = by_id(ids:totable(), locations:totable())
    local wanted = by_id(case.arrays.POINTS_ids:totable(), case.arrays.POINTS:totable())
    assert.equal(case.arrays.POINTS_ids.size, ids.size)
    for id, location in pairs(wanted) do
      if id < 40 then near_places(location, place[id], "node " .. id) end
    end
    local inner, cut = split_edges(edges:totable(), place)
    local wanted_inner, wanted_cut = split_edges(case.arrays.POINTS_edges:totable(), wanted)
    assert.same(wanted_inner, inner)
    assert.equal(#wanted_cut, #cut)
    for i, ending in ipairs(wanted_cut) do
      assert.equal(ending[1], cut[i][1])
      near_places(ending[2], cut[i][2], "cut at node " .. ending[1])
      assert.is_true(case.request[POINTS].roi:contains(cut[i][2]))
    end
    figures.passed(case.file, case.name)
  end)
end)
