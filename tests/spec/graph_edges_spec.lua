-- What happens to edges at a ROI's faces: docs/concepts.md, "Edges at a face".
local md = require "moondust"
local errors = require "spec.support.errors"

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

-- What a graph is, whatever the order: its nodes with their places, its edges with where they begin and end; temporary nodes by place alone.
local function outline(graph)
  local lines = {}
  local function place(id)
    local node, entries = graph:node(id), {}
    for d, x in ipairs(node.location) do entries[d] = ("%.4f"):format(x) end
    return (node.temporary and "cut" or tostring(id)) .. " at " .. table.concat(entries, ", ")
  end
  for node in graph:nodes() do lines[#lines + 1] = place(node.id) end
  for edge in graph:edges() do lines[#lines + 1] = place(edge.u) .. " - " .. place(edge.v) end
  table.sort(lines)
  return lines
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
          assert.same(outline(whole), outline(scanned))
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

  it("scans a skeleton behind Pad, and a part of it, as they are", function()
    local rng = require("moondust.core").Rng(5)
    local graph = random_graph(rng, 2, "float64")
    local function scanned(roi, ...)
      local pipeline = md.GraphSource { G, graph } + md.Pad { G, { 7, 11 } }
      for _, node in ipairs { ... } do pipeline = pipeline + node end
      return outline(ask(pipeline, G, roi))
    end
    local chunks = function() return md.Scan { md.BatchRequest { [G] = md.Roi({ 0, 0 }, { 13, 9 }) } } end
    for _, roi in ipairs { md.Roi({ -27, -31 }, { 74, 82 }), md.Roi({ -27, -3 }, { 40, 30 }), md.Roi({ 1, 2 }, { 30, 21 }) } do
      assert.same(scanned(roi), scanned(roi, chunks()))
    end
  end)

  it("keeps edges to nodes that a shifted section took away", function()
    local roi, part = md.Roi({ 0, 0 }, { 6, 40 }), md.Roi({ 2, 12 }, { 2, 16 })
    local nodes, edges = {}, {}
    for z = 0, 5 do
      for x = 0, 3 do
        local id = #nodes + 1
        nodes[id] = md.Node { id, { z + 0.5, x * 10 + 5.5 } }
        if x > 0 then edges[#edges + 1] = md.Edge { id - 1, id } end
        if z > 0 then edges[#edges + 1] = md.Edge { id - 4, id } end
      end
    end
    local array = md.Array { md.zeros({ 6, 40 }, "uint8"), md.ArraySpec { roi = roi, voxel_size = { 1, 1 } } }
    local graph = md.Graph { nodes, edges, md.GraphSpec { roi = roi, dtype = "float64" } }
    local p <close> = ({ md.ArraySource { A, array }, md.GraphSource { G, graph } } + md.MergeProvider {} + md.ShiftAugment { prob_shift = 1, sigma = { 0, 3 } }):build()
    local crossings = 0
    for seed = 1, 10 do
      local moved, inside, crossing, delivered = p:request_batch(md.BatchRequest { random_seed = seed, [A] = part, [G] = part })[G], {}, 0, 0
      for node in moved:nodes() do
        assert.is_true(part:contains(node.location))
        if not node.temporary then inside[node.id] = true end
      end
      for _, edge in ipairs(edges) do if inside[edge.u] ~= inside[edge.v] then crossing = crossing + 1 end end
      for edge in moved:edges() do if inside[edge.u] ~= inside[edge.v] then delivered = delivered + 1 end end
      assert.equal(crossing, delivered)
      crossings = crossings + crossing
    end
    assert.is_true(crossings > 20)
  end)

  for _, dtype in ipairs { "float32", "float64" } do
    for name, node in pairs { source = false, RandomLocation = md.RandomLocation, SimpleAugment = md.SimpleAugment } do
      it(("has temporary nodes inside the half-open ROI: %s, %s"):format(name, dtype), function()
        local roi, part = md.Roi({ -100, -100 }, { 300, 300 }), md.Roi({ -20, -30 }, { 60, 90 })
        local nodes, edges = {}, {}
        for y = 0, 29 do
          for x = 0, 29 do
            local id = #nodes + 1
            nodes[id] = md.Node { id, { y * 10 - 94.7, x * 10 - 95.9 } }
            if x > 0 then edges[#edges + 1] = md.Edge { id - 1, id } end
            if y > 0 then edges[#edges + 1] = md.Edge { id - 30, id } end
          end
        end
        local array = md.Array { md.zeros({ 300, 300 }, "uint8"), md.ArraySpec { roi = roi, voxel_size = { 1, 1 } } }
        local graph = md.Graph { nodes, edges, md.GraphSpec { roi = roi, dtype = dtype } }
        local pipeline = { md.ArraySource { A, array }, md.GraphSource { G, graph } } + md.MergeProvider {}
        if node then pipeline = pipeline + node {} end
        local temporary = 0
        for batch in pipeline:batches(md.BatchRequest { [A] = part, [G] = part }, { count = 20, seed = 1 }) do
          for found in batch[G]:nodes() do
            if found.temporary then temporary = temporary + 1 end
            assert.is_true(part:contains(found.location))
          end
        end
        assert.is_true(temporary > 300)
      end)
    end
  end

  describe("graph:moved", function()
    local whole = md.Roi({ 0, 0 }, { 10, 20 })
    local function graph() return md.Graph { { md.Node { 1, { 3, 19 } }, md.Node { 2, { 0, 5 } } }, { md.Edge { 1, 2 } }, md.GraphSpec { roi = whole, dtype = "float64" } } end

    it("shifts, transposes and mirrors", function()
      local there = md.Roi({ 100, -7 }, { 20, 10 })
      local moved = graph():moved(there, { 100, -7 }, { 2, 1 })
      assert.same({ { 119, -4 }, { 105, -7 } }, { moved:node(1).location, moved:node(2).location })
      assert.equal(there, moved.spec.roi)
      local mirrored = graph():moved(there, { 120, 3 }, { 2, 1 }, { true, true })
      assert.same({ 101, 0 }, mirrored:node(1).location)
      assert.same({ 115, 3 }, mirrored:node(2).location) -- from the lower face to the upper one: the end of an edge, outside
      assert.is_false(there:contains(mirrored:node(2).location))
      assert.same({ 13, 29 }, graph():moved(md.Roi({ 10, 10 }, { 10, 20 }), { 10, 10 }):node(1).location)
    end)

    it("says what is wrong", function()
      local function message(...)
        local arguments = table.pack(...)
        return errors.bare(function() graph():moved(table.unpack(arguments, 1, arguments.n)) end)
      end
      assert.equal("the shift has 1 entry, the graph has 2 axes", message(whole, { 1 }))
      assert.equal("the axes that a graph is turned by must be 1 to 2, each once", message(whole, { 1, 1 }, { 1, 1 }))
      assert.equal("the axes that a graph is turned by must be 1 to 2, each once", message(whole, { 1, 1 }, { 1, 3 }))
      assert.equal("the ROI has 1 axes, the graph has 2", message(md.Roi({ 0 }, { 1 }), { 1, 1 }))
      assert.matches("no finite number", message(whole, { math.huge, 0 }), 1, true)
    end)
  end)

  it("draws a tile as the part of the whole", function()
    local rng, L = require("moondust.core").Rng(7), md.ArrayKey "L"
    for trial = 1, 8 do
      local graph, roi = random_graph(rng, 2, "float64")
      local voxel_size, radius = ({ { 1, 1 }, { 5, 1 } })[trial % 2 + 1], ({ 1, 1.5, 3, 4.2 })[rng:randint(1, 4)]
      local labels = {}
      for y = 1, 60 // voxel_size[1] do
        labels[y] = {}
        for x = 1, 60 do labels[y][x] = (y * voxel_size[1] // 9 * 3 + x // 11) % 5 end
      end
      local objects = md.Array { md.ndarray(labels, "uint64"), md.ArraySpec { roi = roi, voxel_size = voxel_size } }
      for _, settings in ipairs { { radius }, { radius, mask = L }, { radius + 1, inner_radius_fraction = 0.5 }, { radius / 2, "peak" }, { radius / 2, "peak", mask = L } } do
        local function draw(tile)
          local sources = { md.GraphSource { G, graph }, md.ArraySource { L, objects } } + md.MergeProvider {}
          return ask(sources + md.RasterizeGraph { G, A, md.ArraySpec { voxel_size = voxel_size }, md.RasterizationSettings(settings) }, A, tile)
        end
        local whole = draw(roi)
        assert.is_true(whole.data:sum() > 0)
        for _, offset in ipairs(tiles(2, 15)) do
          local tile = md.Roi(offset, { 15, 15 })
          assert.is_true(whole:crop(tile).data:equal(draw(tile).data))
        end
      end
    end
  end)
end)
