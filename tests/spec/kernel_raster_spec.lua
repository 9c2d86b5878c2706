--- kernel.draw_graph, grow_balls and grow_peaks: what the node doesn't reach.
local md = require "moondust"
local core = require "moondust.core"
local errors = require "spec.support.errors"

local kernel = core.kernel

local function graph(nodes, edges)
  local made, lines = {}, {}
  for i, place in ipairs(nodes) do made[i] = core.Node { i, place } end
  for i, edge in ipairs(edges or {}) do lines[i] = core.Edge(edge) end
  return core.Graph { made, lines, core.GraphSpec { directed = false, dtype = "float64" }, ndim = 2 }
end

local box = core.Roi({ 0, 0 }, { 4, 6 })

describe("kernel.draw_graph", function()
  it("draws lines a voxel a step along the longest axis", function()
    local got = kernel.draw_graph(graph({ { 0, 0 }, { 3, 5 } }, { { 1, 2 } }), box, { 1, 1 })
    assert.same({ { 1, 0, 0, 0, 0, 0 }, { 0, 1, 1, 0, 0, 0 }, { 0, 0, 0, 1, 1, 0 }, { 0, 0, 0, 0, 0, 1 } }, got:totable())
  end)

  it("draws the part of a long line that lies inside, at once", function()
    local far = 1e12
    local got = kernel.draw_graph(graph({ { -far, 2 }, { far, 2 } }, { { 1, 2 } }), box, { 1, 1 })
    assert.equal(4, got:sum())
    assert.equal(4, got[{ {}, 3 }]:sum())
    assert.equal(0, kernel.draw_graph(graph({ { -far, 9 }, { far, 9 } }, { { 1, 2 } }), box, { 1, 1 }):sum())
  end)

  it("leaves out what lies outside, however far", function()
    assert.equal(0, kernel.draw_graph(graph { { 1e300, 0 }, { -1, 0 }, { 0, 6 } }, box, { 1, 1 }):sum())
    assert.equal("the edge from node 1 to node 2 ends more than 2^52 voxels away: no line can be drawn there", errors.bare(function()
      kernel.draw_graph(graph({ { 1e300, 0 }, { 0, 0 } }, { { 1, 2 } }), box, { 1, 1 })
    end))
  end)

  it("makes any dtype, and nothing for an empty box", function()
    for dtype in ("uint8 int64 float32 float64"):gmatch "%S+" do
      local got = kernel.draw_graph(graph { { 2, 3 } }, box, { 2, 3 }, dtype)
      assert.equal(dtype, got.dtype)
      assert.same({ { 0, 0 }, { 0, 1 } }, got:totable())
    end
    assert.same({ 0, 6 }, kernel.draw_graph(graph { { 0, 0 } }, core.Roi({ 0, 0 }, { 0, 6 }), { 1, 1 }).shape)
  end)

  it("refuses what makes no sense", function()
    local one = graph { { 0, 0 } }
    local function message(...) return errors.bare(kernel.draw_graph, ...) end
    assert.equal("voxel_size has 3 entries, the array has 2 axes", message(one, box, { 1, 1, 1 }))
    assert.equal("voxel_size is 0 on axis 2, it must be 1 or more", message(one, box, { 1, 0 }))
    assert.equal("the ROI is not on the grid of the voxel size on axis 2", message(one, box, { 1, 4 }))
    assert.equal("a graph can't be drawn in a ROI without end", message(one, core.Roi({ core.unbounded, 0 }, { core.unbounded, 6 }), { 1, 1 }))
    assert.equal("the graph has 2 axes, the box to draw it in 3", message(one, core.Roi({ 0, 0, 0 }, { 1, 1, 1 }), { 1, 1, 1 }))
    assert.matches("bytes", message(one, core.Roi({ 0, 0 }, { 1 << 40, 1 << 21 }), { 1, 1 }))
  end)
end)

describe("kernel.grow_balls", function()
  it("gives each voxel the value of the nearest, of equally near ones the first", function()
    local drawn = core.ndarray({ { 0, 5, 0, 0, 0, 9, 0 } }, "uint64")
    assert.same({ { 5, 5, 5, 5, 9, 9, 9 } }, kernel.grow_balls(drawn, { 1, 1 }, { 1, 2 }):totable())
    assert.same({ { 0, 5, 0, 0, 0, 9, 0 } }, drawn:totable())
  end)

  it("measures as the plain definition does", function()
    local rng, shape, values = core.Rng(4), { 9, 11, 12 }, {}
    local seeds = {}
    for z = 1, shape[1] do
      values[z] = {}
      for y = 1, shape[2] do
        values[z][y] = {}
        for x = 1, shape[3] do
          local here = rng:random() < 0.01
          values[z][y][x] = here and 1 or 0
          if here then seeds[#seeds + 1] = { z, y, x } end
        end
      end
    end
    local size, radius, inner = { 40, 4, 5 }, { 90, 13, 16 }, 0.4
    local got = kernel.grow_balls(core.ndarray(values, "uint8"), size, radius, inner):totable()
    local peaks = kernel.grow_peaks(core.ndarray(values, "uint8"), size, radius, "float64"):totable()
    for z = 1, shape[1] do for y = 1, shape[2] do for x = 1, shape[3] do
      local nearest = math.huge
      for _, s in ipairs(seeds) do
        local sum = 0
        for d, at in ipairs { z, y, x } do sum = sum + ((at - s[d]) * size[d] / radius[d]) ^ 2 end
        nearest = math.min(nearest, sum)
      end
      assert.equal(nearest <= 1 and nearest > inner ^ 2 and 1 or 0, got[z][y][x])
      assert.near(nearest <= 16 and math.exp(-nearest / 2) or 0, peaks[z][y][x], 1e-12)
    end end end
  end)

  it("refuses what makes no sense", function()
    local drawn = core.zeros({ 2, 3 }, "uint8")
    assert.equal("radius is 0 on axis 2, it must be positive", errors.bare(kernel.grow_balls, drawn, { 1, 1 }, { 1, 0 }))
    assert.equal("voxel_size is -1 on axis 1, it must be positive", errors.bare(kernel.grow_balls, drawn, { -1, 1 }, { 1, 1 }))
    assert.equal("radius has 1 entries, the array has 2 axes", errors.bare(kernel.grow_balls, drawn, { 1, 1 }, { 1 }))
    assert.equal("the inner fraction of the radius is 2, it must be from 0 to 1", errors.bare(kernel.grow_balls, drawn, { 1, 1 }, { 1, 1 }, 2))
    assert.equal("peaks are float32 or float64, not uint8", errors.bare(kernel.grow_peaks, drawn, { 1, 1 }, { 1, 1 }, "uint8"))
    assert.equal("sigma is -2 on axis 1, it must be positive", errors.bare(kernel.grow_peaks, drawn, { 1, 1 }, { -2, 1 }))
    assert.equal("nothing can grow in an array without axes", errors.bare(kernel.grow_balls, core.zeros({}, "uint8"), {}, {}))
    assert.equal(0, kernel.grow_balls(core.zeros({ 0, 3 }, "uint8"), { 1, 1 }, { 1, 1 }).size)
  end)

  it("gives the same bytes for any number of threads", function()
    local threads, found = md.threads(), {}
    local drawn = core.zeros({ 40, 50, 60 }, "uint16")
    for i = 1, 30 do drawn[{ (i * 7) % 40 + 1, (i * 11) % 50 + 1, (i * 13) % 60 + 1 }] = i end
    for i, n in ipairs { 1, 2, 7 } do
      md.threads(n)
      found[i] = kernel.grow_balls(drawn, { 2, 1, 1 }, { 9, 9, 7 }, 0.3):hash() .. kernel.grow_peaks(drawn, { 2, 1, 1 }, { 3, 2, 2 }):hash()
    end
    md.threads(threads)
    assert.equal(found[1], found[2])
    assert.equal(found[1], found[3])
  end)
end)
