-- What happens to edges at a ROI's faces: docs/concepts.md, "Edges at a face".
local md = require "moondust"

local G, A = md.GraphKey "G", md.ArrayKey "A"

local function random_graph(rng, dims, dtype)
  local nodes, edges, offset, shape = {}, {}, {}, {}
  for d = 1, dims do offset[d], shape[d] = -20, 60 end
  for i = 1, 12 do
    local place = {}
    for d = 1, dims do place[d] = rng:random() < 0.3 and rng:randint(-20, 39) or rng:random() * 59 - 20 end
    nodes[i] = md.Node { i, place }
    if i > 1 then edges[#edges + 1] = md.Edge { rng:randint(1, i - 1), i } end
  end
  local roi = md.Roi(offset, shape)
  return md.Graph { nodes, edges, md.GraphSpec { roi = roi, dtype = dtype, directed = rng:random() < 0.5 } }, roi
end

local function length(graph)
  local sum = 0
  for edge in graph:edges() do
    local u, v, square = graph:node(edge.u).location, graph:node(edge.v).location, 0
    for d = 1, #u do square = square + (u[d] - v[d]) ^ 2 end
    sum = sum + square ^ 0.5
  end
  return sum
end

local function ask(pipeline, key, roi)
  local p <close> = pipeline:build()
  return p:request_batch(md.BatchRequest { random_seed = 1, [key] = roi })[key]
end

local function tiles(dims, side)
  local list = { {} }
  for _ = 1, dims do
    local longer = {}
    for _, rest in ipairs(list) do
      for at = -20, 39, side do longer[#longer + 1] = table.move(rest, 1, #rest, 1, {}) longer[#longer][#rest + 1] = at end
    end
    list = longer
  end
  return list
end

describe("Edges at a face", function()
  it("keeps the piece of an edge that passes through", function()
    local graph = md.Graph { { md.Node { 1, { 5, -5 } }, md.Node { 2, { 5, 25 } } }, { md.Edge { 1, 2 } }, md.GraphSpec { dtype = "float64" }, ndim = 2 }
    local piece = graph:trim(md.Roi({ 0, 0 }, { 10, 10 }))
    assert.same({ 2, 1 }, { piece:num_nodes(), piece:num_edges() })
    assert.same({ { 5, 0 }, true }, { piece:node(0).location, piece:node(0).temporary })
    assert.is_true(piece:node(1).location[2] < 10)
    assert.equal(0, graph:trim(md.Roi({ -5, 0 }, { 10, 10 })):num_edges()) -- along an upper face
    assert.equal(1, graph:trim(md.Roi({ 5, 0 }, { 10, 10 })):num_edges()) -- along a lower one
  end)

  for dims = 1, 3 do
    for _, dtype in ipairs { "float32", "float64" } do
      it(("sums to the whole over tiles, and scans as it is, %d axes, %s"):format(dims, dtype), function()
        local rng = require("moondust.core").Rng(dims)
        for _ = 1, 5 do
          local graph, roi = random_graph(rng, dims, dtype)
          local side, sum, shape = ({ 10, 15, 20 })[rng:randint(1, 3)], 0, {}
          for d = 1, dims do shape[d] = side end
          for _, offset in ipairs(tiles(dims, side)) do
            local tile = md.Roi(offset, shape)
            local part = ask(md.Pipeline { md.GraphSource { G, graph } }, G, tile)
            for node in part:nodes() do assert.is_true(tile:contains(node.location)) end
            sum = sum + length(part)
          end
          assert.near(length(graph), sum, 1e-2)
          local whole = ask(md.Pipeline { md.GraphSource { G, graph } }, G, roi)
          local reference = md.BatchRequest { [G] = md.Roi(tiles(dims, side)[1], shape) }
          local scanned = ask(md.GraphSource { G, graph } + md.Scan { reference }, G, roi)
          assert.same({ whole:num_nodes(), whole:num_edges() }, { scanned:num_nodes(), scanned:num_edges() })
          assert.near(length(whole), length(scanned), 1e-3)
        end
      end)
    end
  end

  it("puts points that are voxel indices at voxel centres, so that a mirror leaves them on their voxels", function()
    local values, nodes = {}, {}
    for i = 0, 99 do values[i + 1], nodes[i + 1] = i, md.Node { i, { i } } end
    local all, part = md.Roi({ 0 }, { 100 }), md.Roi({ 10 }, { 10 })
    local array = md.Array { md.ndarray(values, "int64"), md.ArraySpec { roi = all, voxel_size = { 1 } } }
    local graph = md.Graph { nodes, {}, md.GraphSpec { roi = all } }
    local pipeline = { md.ArraySource { A, array }, md.GraphSource { G, graph, voxel_centres = { 1 } } } + md.MergeProvider {}
    local p <close> = (pipeline + md.SimpleAugment { mirror_probs = { 1 } }):build()
    local batch = p:request_batch(md.BatchRequest { random_seed = 1, [A] = part, [G] = part })
    assert.equal(10, batch[G]:num_nodes())
    for node in batch[G]:nodes() do assert.equal(node.id, batch[A].data[math.floor(node.location[1]) - 9]) end
  end)

  it("shows a predicate of the user's what is delivered", function()
    local graph = md.Graph { { md.Node { 1, { 5 } }, md.Node { 2, { 25 } } }, { md.Edge { 1, 2 } }, md.GraphSpec { roi = md.Roi({ 0 }, { 30 }) } }
    local seen
    ask(md.GraphSource { G, graph } + md.RejectIf { function(batch)
      for node in batch[G]:nodes() do seen = math.max(seen or 0, node.location[1]) end
      return false
    end }, G, md.Roi({ 0 }, { 10 }))
    assert.is_true(seen < 10)
  end)

  it("scans a skeleton as it is", function()
    local nodes, edges = {}, {}
    for i, x in ipairs { 5, 15, 35, 36.5 } do nodes[i] = md.Node { i, { x } } edges[i - 1] = i > 1 and md.Edge { i - 1, i } or nil end
    local graph = md.Graph { nodes, edges, md.GraphSpec { roi = md.Roi({ 0 }, { 100 }) } }
    local scanned = ask(md.GraphSource { G, graph } + md.Scan { md.BatchRequest { [G] = md.Roi({ 0 }, { 12 }) } }, G, md.Roi({ 0 }, { 48 }))
    assert.same({ 4, 3 }, { scanned:num_nodes(), scanned:num_edges() })
  end)

  it("draws a tile as the part of the whole", function()
    local rng = require("moondust.core").Rng(7)
    for _ = 1, 5 do
      local graph, roi = random_graph(rng, 2, "float64")
      local pipeline = function()
        return md.GraphSource { G, graph } + md.RasterizeGraph { G, A, md.ArraySpec { voxel_size = { 1, 1 } }, md.RasterizationSettings { radius = 1.5 } }
      end
      local whole = ask(pipeline(), A, roi)
      for _, offset in ipairs(tiles(2, 15)) do
        local tile = md.Roi(offset, { 15, 15 })
        assert.is_true(whole:crop(tile).data:equal(ask(pipeline(), A, tile).data))
      end
    end
  end)
end)
