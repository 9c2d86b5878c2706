local md = require "moondust"
local battery = require "spec.support.battery"
local errors = require "spec.support.errors"

local POINTS = md.GraphKey "POINTS"

local function chain(roi)
  local nodes, edges = {}, {}
  for i = 1, 4 do
    nodes[i] = md.Node { i, { i * 10 - 25, 0, 0 } } -- at -15, -5, 5, 15
    if i > 1 then edges[#edges + 1] = md.Edge { i - 1, i } end
  end
  return md.Graph { nodes, edges, md.GraphSpec { roi = roi or md.Roi({ -20, -5, -5 }, { 40, 10, 10 }), directed = false } }
end

local function ask(graph, roi)
  local p <close> = md.GraphSource({ POINTS, graph }):build()
  return p:request_batch(md.BatchRequest { [POINTS] = roi })[POINTS]
end

describe("GraphSource", function()
  it("serves what is inside and cuts edges at the faces", function()
    local got = ask(chain(), md.Roi({ -10, -5, -5 }, { 20, 10, 10 }))
    assert.is_true(got:contains(2) and got:contains(3))
    assert.equal(4, got:num_nodes())
    local cut = {}
    for node in got:nodes() do
      if node.temporary then cut[#cut + 1] = node.location[1] end
    end
    table.sort(cut)
    assert.near(-10, cut[1], 1e-4)
    assert.near(10, cut[2], 1e-4)
    assert.is_true(cut[2] < 10)
  end)

  it("cuts at a face that lies at 0, where upstream's trim fails", function()
    local roi = md.Roi({ -20, -5, -5 }, { 20, 10, 10 })
    local got = ask(chain(), roi)
    assert.equal(3, got:num_nodes())
    for node in got:nodes() do assert.is_true(roi:contains(node.location)) end
  end)

  it("leaves its graph as it is", function()
    local graph = chain()
    local p <close> = md.GraphSource({ POINTS, graph }):build()
    for _ = 1, 2 do
      local batch = p:request_batch(md.BatchRequest { [POINTS] = md.Roi({ -10, -5, -5 }, { 20, 10, 10 }) })
      batch:close()
    end
    assert.equal(4, graph:num_nodes())
    assert.equal(3, graph:num_edges())
    assert.equal(md.Roi({ -20, -5, -5 }, { 40, 10, 10 }), graph.spec.roi)
  end)

  it("announces whether it is directed", function()
    local p <close> = md.GraphSource({ POINTS, chain() }):build()
    assert.is_false(p.spec[POINTS].directed)
    assert.matches("POINTS is wanted directed, it is undirected", errors.message(function()
      p:request_batch(md.BatchRequest { [POINTS] = md.GraphSpec { roi = md.Roi({ -10, -5, -5 }, { 20, 10, 10 }), directed = true } })
    end))
  end)

  it("refuses what is no graph", function()
    assert.equal("GraphSource: 'graph' must be a Graph, not 5", errors.bare(function() md.GraphSource { POINTS, 5 } end))
    assert.equal("GraphSource: 'key' must be a GraphKey, not an ArrayKey", errors.bare(function() md.GraphSource { md.ArrayKey "RAW", chain() } end))
  end)
end)

battery.node("GraphSource", {
  pipeline = function() return md.Pipeline { md.GraphSource { battery.POINTS, battery.world()[battery.POINTS] } } end,
  request = function(seed) return battery.request(seed, battery.POINTS) end,
})
