-- Graphs as scripts see them: what is refused and in which words, order, copy on write, cutting at a ROI, and
-- upstream's figures for it.

local core = require "moondust.core"

local Graph, Node, Edge, Roi, GraphSpec = core.Graph, core.Node, core.Edge, core.Roi, core.GraphSpec

local function ids(graph)
  local list = {}
  for node in graph:nodes() do list[#list + 1] = node.id end
  return list
end

local function pairs_of(graph)
  local list = {}
  for edge in graph:edges() do list[#list + 1] = { edge.u, edge.v } end
  return list
end

--- Runs f and expects it to raise exactly this message (a "file:line:" in front is not looked at).
local function refuses(message, f, ...)
  local ok, raised = pcall(f, ...)
  assert.is_false(ok, "expected: " .. message)
  assert.equal(message, (tostring(raised):gsub("^[^\n]-:%d+: ", "")))
end

local function chain(n, options)
  local nodes, edges = {}, {}
  for i = 1, n do nodes[i] = Node { i, { i, 0, 0 } } end
  for i = 1, n - 1 do edges[i] = Edge { i, i + 1 } end
  return Graph { nodes, edges, GraphSpec(options or {}) }
end

describe("Node and Edge", function()
  it("are made by position or by name", function()
    local a = Node { 7, { 1, 2.5, 3 }, { radius = 4 } }
    local b = Node { id = 7, location = core.Coordinate { 1, 2, 3 }, temporary = true }
    assert.same({ 7, { 1, 2.5, 3 }, false, { radius = 4 } }, { a.id, a.location, a.temporary, a.attrs })
    assert.same({ 7, { 1, 2, 3 }, true, {} }, { b.id, b.location, b.temporary, b.attrs })
    assert.equal("Node 7 at (1, 2.5, 3)", tostring(a))
    assert.equal("temporary Node 7 at (1, 2, 3)", tostring(b))
    local edge = Edge { 3, 4, { length = 2 } }
    assert.same({ 3, 4, { length = 2 } }, { edge.u, edge.v, edge.attrs })
    assert.equal("Edge (3, 4)", tostring(edge))
  end)

  it("share no table with what they were made of", function()
    local location, attrs = { 1, 2, 3 }, { size = 1 }
    local node = Node { 1, location, attrs }
    location[1], attrs.size = 9, 9
    assert.same({ { 1, 2, 3 }, { size = 1 } }, { node.location, node.attrs })
  end)

  it("print whatever a script has put into them", function()
    local node = Node { 1, { 1, 2, 3 } }
    node.id, node.location = nil, "nowhere"
    assert.equal("Node nil at ()", tostring(node))
  end)

  it("refuse what makes no sense", function()
    refuses("Node is made with one table, not number", function() Node(3) end)
    refuses("Node has no id", Node, { location = { 1, 2, 3 } })
    refuses("node 7 has no location", Node, { 7 })
    refuses("id of Node must be a whole number, not string", Node, { "7", { 1, 2, 3 } })
    refuses("id of Node must be a whole number, not 1.5", Node, { 1.5, { 1, 2, 3 } })
    refuses("location of node 7 must be a table of numbers, not string", Node, { 7, "here" })
    refuses("entry 2 of location of node 7 must be a number, not string", Node, { 7, { 1, "2", 3 } })
    refuses("location of node 7 has 0 entries; there are 1 to 8 axes", Node, { 7, {} })
    refuses("location of node 7 has 9 entries; there are 1 to 8 axes", Node, { 7, { 1, 2, 3, 4, 5, 6, 7, 8, 9 } })
    refuses("location of node 7 is NaN on axis 2", Node, { 7, { 1, 0 / 0, 3 } })
    refuses("location of node 7 must not be unbounded", Node, { 7, core.Coordinate { 1, core.unbounded } })
    refuses("attribute 'kind' of node 7 must be a number, not string", Node, { 7, { 1, 2, 3 }, { kind = "soma" } })
    refuses("attribute 'kind' of node 7 must be a number, not boolean", Node, { 7, { 1, 2, 3 }, { kind = true } })
    refuses("an attribute of node 7 has a number as name; names are strings", Node, { 7, { 1, 2, 3 }, { 5 } })
    refuses("attrs of node 7 must be a table, not number", Node, { 7, { 1, 2, 3 }, 5 })
    refuses("temporary of node 7 must be true or false, not number", Node, { 7, { 1, 2, 3 }, temporary = 1 })
    refuses("Node has no field 'locaton'; did you mean 'location'?", Node, { 7, locaton = { 1, 2, 3 } })
    refuses("Edge is made with one table, not nil", Edge)
    refuses("Edge has no v", Edge, { 3 })
    refuses("u of Edge must be a whole number, not string", Edge, { "3", 4 })
    refuses("attribute 'kind' of edge (3, 4) must be a number, not table", Edge, { 3, 4, { kind = {} } })
  end)
end)

describe("Graph", function()
  it("keeps nodes, edges, attributes and their order", function()
    local nodes = { Node { 5, { 1, 2, 3 }, { size = 2 } }, { 3, { 4, 5, 6 } } }
    local graph = Graph { nodes, { Edge { 3, 5, { weight = 0.5 } } } }
    assert.same({ 5, 3 }, ids(graph))
    assert.same({ { 3, 5 } }, pairs_of(graph))
    assert.same({ 2, 1, 3, true }, { graph:num_nodes(), graph:num_edges(), graph.ndim, graph.directed })
    assert.same({ size = 2 }, graph:node(5).attrs)
    assert.same({}, graph:node(3).attrs)
    assert.is_nil(graph:node(4))
    assert.is_true(graph:contains(3))
    assert.is_false(graph:contains(4))
    for edge in graph:edges() do assert.same({ weight = 0.5 }, edge.attrs) end
    assert.equal("float32", graph.spec.dtype)
    assert.truthy(tostring(graph):find("Graph with 2 nodes and 1 edges, ROI: ", 1, true))
  end)

  it("rounds locations to the spec's dtype", function()
    local node = Node { 1, { 0.1, 16777217, 0 } }
    assert.same({ string.unpack("f", string.pack("f", 0.1)), 16777216, 0 }, Graph { { node } }:node(1).location)
    assert.same({ 0.1, 16777217, 0 }, Graph { { node }, {}, GraphSpec { dtype = "float64" } }:node(1).location)
  end)

  it("refuses what makes no sense", function()
    refuses("Graph is made with one table, not string", function() Graph("x") end)
    refuses("nodes of Graph must be a table, not function", Graph, { nodes = print })
    refuses("nodes[2] must be a Node, not number", Graph, { { Node { 1, { 1, 2, 3 } }, 4 } })
    refuses("nodes[1] has no id", Graph, { { {} } })
    refuses("node 7 has no location", Graph, { { { id = 7 } } })
    refuses("location of node 2 has 2 entries, the graph has 3 axes", Graph,
      { { { 1, { 1, 2, 3 } }, { 2, { 1, 2 } } } })
    refuses("location of node 1 has 3 entries, the graph has 2 axes", Graph,
      { { { 1, { 1, 2, 3 } } }, {}, GraphSpec { roi = Roi({ 0, 0 }, { 1, 1 }) } })
    refuses("location of node 2 is NaN on axis 3", Graph, { { { 1, { 1, 2, 3 } }, { 2, { 1, 2, 0 / 0 } } } })
    refuses("location of node 2: inf on axis 1 is no finite number", Graph, { { { 2, { math.huge, 2, 0 } } } })
    refuses("location of node 2: 1e+39 on axis 1 is too large for float32", Graph, { { { 2, { 1e39, 2, 0 } } } })
    refuses("edge (1, 99): there is no node 99 in the graph", Graph, { { { 1, { 1, 2, 3 } } }, { { 1, 99 } } })
    refuses("edge (98, 99): there is no node 98 in the graph", Graph, { { { 1, { 1, 2, 3 } } }, { { 98, 99 } } })
    refuses("edges[1] must be an Edge, not string", Graph, { { { 1, { 1, 2, 3 } } }, { "1-2" } })
    refuses("attribute 'kind' of node 1 must be a number, not string", Graph,
      { { { 1, { 1, 2, 3 }, { kind = "soma" } } } })
    refuses("expected a GraphSpec, got table", Graph, { {}, {}, {} })
    refuses("a Graph without nodes must be told its axes: give its spec a roi, or say ndim = …", Graph, {})
    refuses("a graph has 1 to 8 axes, not 0", Graph, { ndim = 0 })
    refuses("the spec's ROI has 2 axes, the graph has 3", Graph,
      { {}, {}, GraphSpec { roi = Roi({ 0, 0 }, { 1, 1 }) }, ndim = 3 })
    refuses("Graph has no field 'node'; did you mean 'nodes'?", Graph, { node = {} })
  end)

  it("can be empty", function()
    local graph <close> = Graph { ndim = 2 }
    assert.same({ 0, 0, 2 }, { graph:num_nodes(), graph:num_edges(), graph.ndim })
    assert.same({}, graph:connected_components())
    assert.same({}, graph:nodes_in(Roi({ 0, 0 }, { 5, 5 })))
    assert.equal(0, graph:crop(Roi({ 0, 0 }, { 5, 5 })):num_nodes())
    assert.equal(0, graph:trim(Roi({ 0, 0 }, { 5, 5 })):num_nodes())
    local locations, node_ids, edges = graph:arrays()
    assert.same({ { 0, 2 }, { 0 }, { 0, 2 } }, { locations.shape, node_ids.shape, edges.shape })
  end)

  it("overwrites a node that is there, in place, and updates its attributes", function()
    local graph = chain(3)
    graph:add_node(Node { 2, { 9, 9, 9 }, { size = 1 } })
    graph:add_node { 2, { 8, 8, 8 }, { mass = 2 } }
    assert.same({ 1, 2, 3 }, ids(graph))
    assert.equal(2, graph:num_edges())
    assert.same({ { 8, 8, 8 }, { size = 1, mass = 2 } }, { graph:node(2).location, graph:node(2).attrs })
    graph:add_edge { 2, 3, { weight = 4 } }
    assert.equal(2, graph:num_edges())
  end)

  it("knows (u, v) from (v, u) only when directed", function()
    local directed, undirected = chain(3), chain(3, { directed = false })
    directed:add_edge { 2, 1 }
    undirected:add_edge { 2, 1 }
    assert.same({ { 1, 2 }, { 2, 3 }, { 2, 1 } }, pairs_of(directed))
    assert.same({ { 1, 2 }, { 2, 3 } }, pairs_of(undirected))
    assert.same({ 3, 1, 1 }, directed:neighbors(2))
    assert.same({ 1, 3 }, undirected:neighbors(2))
    undirected:remove_edge(2, 1)
    assert.same({ { 2, 3 } }, pairs_of(undirected))
    refuses("there is no edge (3, 2) in the graph", directed.remove_edge, directed, 3, 2)
    refuses("there is no node 9 in the graph", directed.neighbors, directed, 9)
  end)

  it("removes nodes, with or without keeping what they connect", function()
    local cut, kept = chain(4), chain(4)
    cut:remove_node(2)
    kept:remove_node(2, true)
    assert.same({ { 3, 4 } }, pairs_of(cut))
    assert.same({ { 3, 4 }, { 1, 3 } }, pairs_of(kept))
    assert.same({ { 1 }, { 3, 4 } }, cut:connected_components())
    assert.same({ { 1, 3, 4 } }, kept:connected_components())
    refuses("there is no node 2 in the graph", cut.remove_node, cut, 2)
    refuses("the node's id must be a whole number, not nil", cut.remove_node, cut)
    refuses("retain_connectivity must be true or false, not number", cut.remove_node, cut, 1, 1)
  end)

  it("may be changed within a loop over itself", function()
    local graph, seen = chain(1000), 0
    for node in graph:nodes() do
      seen = seen + 1
      if node.id % 2 == 0 then graph:remove_node(node.id) end
      graph:add_node { 5000 + node.id, { 0, 0, 0 } }
    end
    assert.same({ 1000, 1500, 0 }, { seen, graph:num_nodes(), graph:num_edges() })
  end)

  it("copies on write", function()
    local graph = chain(3)
    local copy = graph:copy()
    copy:add_node { 9, { 0, 0, 0 } }
    local shifted = graph:shift { 10, 0.5, -1 }
    assert.same({ 3, 4 }, { graph:num_nodes(), copy:num_nodes() })
    assert.same({ { 1, 0, 0 }, { 11, 0.5, -1 } }, { graph:node(1).location, shifted:node(1).location })
    refuses("the shift has 2 entries, the graph has 3 axes", graph.shift, graph, { 1, 2 })
  end)

  it("takes a new spec", function()
    local graph = chain(2, { dtype = "float64" })
    graph.spec = GraphSpec { roi = Roi({ 0, 0, 0 }, { 5, 5, 5 }) }
    assert.equal(Roi({ 0, 0, 0 }, { 5, 5, 5 }), graph.spec.roi)
    refuses("a graph with edges can't be made undirected; make a new one of its nodes and edges",
      function() graph.spec = GraphSpec { directed = false } end)
    refuses("the spec's ROI has 2 axes, the graph has 3",
      function() graph.spec = GraphSpec { roi = Roi({ 0, 0 }, { 5, 5 }) } end)
    refuses("expected a GraphSpec, got table", function() graph.spec = {} end)
    refuses("Graph has no field to set 'spek'; did you mean 'spec'?", function() graph.spek = 1 end)
    assert.equal(Roi({ 0, 0, 0 }, { 5, 5, 5 }), graph.spec.roi)
  end)

  it("goes to arrays and back", function()
    local graph = chain(3)
    graph:remove_node(1)
    local locations, node_ids, edges = graph:arrays()
    assert.same({ { { 2, 0, 0 }, { 3, 0, 0 } }, { 2, 3 }, { { 2, 3 } } },
      { locations:totable(), node_ids:totable(), edges:totable() })
    assert.same({ "float64", "int64", "int64" }, { locations.dtype, node_ids.dtype, edges.dtype })
    local moved = graph:with_locations(core.ndarray({ { 1, 2 }, { 3, 4 }, { 5, 6 } }, "int16"):transpose())
    assert.same({ { 1, 3, 5 }, { 2, 4, 6 }, { 2, 0, 0 } },
      { moved:node(2).location, moved:node(3).location, graph:node(2).location })
    refuses("locations must have shape 2x3 (nodes, axes), not 3x2", graph.with_locations, graph, core.zeros { 3, 2 })
    refuses("location of node 3 is NaN on axis 2", graph.with_locations, graph,
      core.ndarray { { 1, 2, 3 }, { 1, 0 / 0, 3 } })
  end)

  it("is unusable once closed, and closes twice", function()
    local graph = chain(2)
    graph:close()
    graph:close()
    assert.is_true(graph.closed)
    assert.equal("Graph (closed)", tostring(graph))
    refuses("the graph is closed", graph.num_nodes, graph)
    refuses("the graph is closed", function() return graph.spec end)
    refuses("expected a Graph, got table", graph.num_nodes, {})
    refuses("expected a Graph, got nil", chain(2).merge, chain(2))
  end)

  it("gives every byte back", function()
    collectgarbage()
    collectgarbage()
    local before = core.memory()
    do
      local graph <close> = chain(200)
      local cut <close> = graph:crop(Roi({ 10, 0, 0 }, { 50, 1, 1 }))
      for node in graph:nodes() do if node.id == 5 then break end end -- left early
      graph:neighbors(5)
      pcall(Graph, { { { 1, { 1, 2, 3 } } }, { { 1, 99 } } })
      assert.equal(52, cut:num_nodes())
    end
    collectgarbage()
    collectgarbage()
    assert.equal(before, (core.memory()))
  end)
end)

describe("Cutting", function()
  local box = Roi({ 0, 0, 0 }, { 10, 10, 10 })

  it("crops to a ROI with dangling nodes, trims to it with temporary ones", function()
    local graph = Graph {
      { { 4, { 5, 5, 5 } }, { 2, { 5, 5, 25 }, { size = 3 } }, { 7, { 90, 5, 5 } }, { 1, { 0, -5, 5 } } },
      { { 4, 2, { weight = 2 } }, { 2, 7 }, { 1, 7 }, { 1, 4 } } }
    local cropped = graph:crop(box)
    assert.same({ { 4, 2, 1 }, { { 4, 2 }, { 1, 4 } } }, { ids(cropped), pairs_of(cropped) })
    assert.equal(box, cropped.spec.roi)
    assert.is_nil(graph.spec.roi)
    for _, trimmed in ipairs { graph:trim(box), cropped:trim(box) } do
      assert.same({ { 4, 5, 6 }, { { 4, 5 }, { 6, 4 } } }, { ids(trimmed), pairs_of(trimmed) })
      local node = trimmed:node(5)
      assert.same({ 5, 5, true, { size = 3 } }, { node.location[1], node.location[2], node.temporary, node.attrs })
      assert.is_true(node.location[3] < 10 and node.location[3] > 9.99999)
      assert.same({ 2.5, 0, 5 }, trimmed:node(6).location)
      for edge in trimmed:edges() do assert.same(edge.u == 4 and { weight = 2 } or {}, edge.attrs) end
    end
  end)

  it("trims where a ROI ends at 0 or below", function()
    for stop = -30, 0, 10 do
      local roi = Roi({ stop - 10, 0, 0 }, { 10, 10, 10 })
      local graph = Graph { { { 1, { stop - 5, 5, 5 } }, { 2, { stop + 5, 5, 5 } } }, { { 1, 2 } } }
      local node = graph:trim(roi):node(3)
      assert.is_true(roi:contains(node.location))
      assert.near(stop, node.location[1], 1e-5)
    end
  end)

  it("makes no node where the inner one sits on the face already", function()
    local graph = Graph { { { 1, { 0, 5, 5 } }, { 2, { -5, 5, 5 } } }, { { 1, 2 } } }
    local trimmed = graph:trim(box)
    assert.same({ { 1 }, {} }, { ids(trimmed), pairs_of(trimmed) })
  end)

  it("cuts an edge that leaves a face on which it doesn't start", function()
    local graph = Graph { { { 1, { 0, 5, 5 } }, { 2, { 10, 5, 25 } } }, { { 1, 2 } } }
    assert.equal(1, graph:trim(box):num_edges())
  end)

  it("leaves axes without end alone", function()
    local graph = Graph { { { 1, { 5, 5, 5 } }, { 2, { 5, 5, 1e9 } }, { 3, { 50, 5, 5 } } }, { { 1, 2 }, { 2, 3 } } }
    local roi = Roi({ 0, 0, core.unbounded }, { 10, 10, core.unbounded })
    assert.same({ 1, 2 }, graph:nodes_in(roi))
    assert.same({ { 1, 2 }, { 2, 4 } }, pairs_of(graph:trim(roi)))
  end)

  it("refuses a ROI of another rank, and what is no ROI", function()
    refuses("the ROI has 2 axes, the graph has 3", function() chain(2):crop(Roi({ 0, 0 }, { 1, 1 })) end)
    refuses("the ROI has 2 axes, the graph has 3", function() chain(2):trim(Roi({ 0, 0 }, { 1, 1 })) end)
    assert.has_error(function() chain(2):crop { 0, 0, 0 } end)
  end)

  it("merges: the other graph wins", function()
    local a = Graph { { { 1, { 1, 1, 1 }, { old = 1 } }, { 2, { 2, 2, 2 } } }, { { 1, 2 } },
      GraphSpec { roi = Roi({ 0, 0, 0 }, { 5, 5, 5 }) } }
    local b = Graph { { { 3, { 3, 3, 3 } }, { 1, { 9, 9, 9 }, { new = 1 } } }, { { 3, 1 } },
      GraphSpec { roi = Roi({ 5, 0, 0 }, { 5, 5, 5 }) } }
    local merged = a:merge(b)
    assert.same({ { 1, 2, 3 }, { { 1, 2 }, { 3, 1 } } }, { ids(merged), pairs_of(merged) })
    assert.same({ { 9, 9, 9 }, { old = 1, new = 1 } }, { merged:node(1).location, merged:node(1).attrs })
    assert.equal(Roi({ 0, 0, 0 }, { 10, 5, 5 }), merged.spec.roi)
    refuses("a directed and an undirected graph can't be merged", a.merge, a, chain(2, { directed = false }))
    refuses("graphs of 3 and 2 axes can't be merged", a.merge, a, Graph { ndim = 2 })
  end)
end)

-- Upstream hands out temporary ids in the order in which CPython walks a set of edges, so which id sits where is not
-- compared: whole edges are known by their ids, cut ones by the id inside and the direction; places must be the same.
-- Upstream's just inside an upper face are a unit or two in the last place lower than ours.
describe("Upstream's GraphSource", function()
  local input, cases = assert(core.hdf5.open "tests/golden/input.h5"), assert(core.hdf5.open "tests/golden/nodes.h5")
  local points = input:read("points"):totable()
  local nodes, edges = {}, {}
  for i = 0, 39 do nodes[i + 1] = Node { i, points[i + 1] } end
  for i = 0, 38 do edges[i + 1] = Edge { i, i + 1 } end
  local roi = Roi({ 200, 90, 90 }, { 800, 300, 300 })
  local want_ids = cases:read("graph_source/POINTS_ids"):totable()
  local want_places = cases:read("graph_source/POINTS"):totable()
  local want_edges = cases:read("graph_source/POINTS_edges"):totable()
  local ours = Graph { nodes, edges }:crop(roi):trim(roi)
  -- Pieces of edges that pass through, which the original drops: both ends are temporary.
  for edge in ours:copy():edges() do
    if ours:node(edge.u).temporary and ours:node(edge.v).temporary then
      ours:remove_node(edge.u)
      ours:remove_node(edge.v)
    end
  end

  it("has the same nodes: ids, order, number of temporary ones, places", function()
    assert.same(want_ids, ids(ours))
    local k, inside = 0, 0
    for node in ours:nodes() do
      k = k + 1
      assert.equal(want_ids[k] >= 40, node.temporary)
      assert.is_true(roi:contains(node.location))
      if not node.temporary then
        inside = inside + 1
        assert.same(want_places[k], node.location)
      end
    end
    assert.equal(10, inside)
  end)

  it("has the same edges, cut at the same places", function()
    local function described(place_of, list)
      local whole, cut = {}, {}
      for _, edge in ipairs(list) do
        local u, v = edge[1], edge[2]
        if u < 40 and v < 40 then whole[#whole + 1] = { u, v }
        else cut[u < 40 and u .. ">" or ">" .. v] = place_of(u < 40 and v or u) end
      end
      return whole, cut
    end
    local position = {}
    for k, id in ipairs(want_ids) do position[id] = k end
    local want_whole, want_cut = described(function(id) return want_places[position[id]] end, want_edges)
    local whole, cut = described(function(id) return ours:node(id).location end, pairs_of(ours))
    assert.same(want_whole, whole)
    local count = 0
    for key, place in pairs(want_cut) do
      count = count + 1
      assert.is_table(cut[key], "edge " .. key)
      for d = 1, 3 do assert.near(place[d], cut[key][d], 1e-3, "edge " .. key) end
    end
    assert.equal(18, count)
    assert.equal(19, ours:num_edges())
  end)
end)
