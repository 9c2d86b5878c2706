local md = require "moondust"
local battery = require "spec.support.battery"
local errors = require "spec.support.errors"

local POINTS, LABELS, PAINT = battery.POINTS, battery.LABELS, md.ArrayKey "PAINT"
local Settings = md.RasterizationSettings

-- Nodes { {id, place, attrs}, … } and edges { {u, v, attrs}, … } in the plane, voxels of `size`.
local function plane(nodes, edges, roi)
  local made, lines = {}, {}
  for i, node in ipairs(nodes) do made[i] = md.Node(node) end
  for i, edge in ipairs(edges or {}) do lines[i] = md.Edge(edge) end
  return md.GraphSource { POINTS, md.Graph { made, lines, md.GraphSpec { roi = roi or md.Roi({ -20, -20 }, { 60, 60 }), directed = false } } }
end

local function ask(pipeline, roi)
  local p <close> = pipeline:build()
  return p:request_batch(md.BatchRequest { random_seed = 1, [PAINT] = roi })[PAINT].data
end

local function draw(source, settings, roi, fields) return ask(source + md.RasterizeGraph { POINTS, PAINT, md.ArraySpec(fields or {}), settings }, roi) end

local box = md.Roi({ 0, 0 }, { 5, 5 })

describe("RasterizeGraph", function()
  it("draws balls, of radius 1 by default, the surface included", function()
    local got = ask(plane { { 1, { 2, 2 } } } + md.RasterizeGraph { POINTS, PAINT }, box)
    assert.same({ { 0, 0, 0, 0, 0 }, { 0, 0, 1, 0, 0 }, { 0, 1, 1, 1, 0 }, { 0, 0, 1, 0, 0 }, { 0, 0, 0, 0, 0 } }, got:totable())
    assert.equal("uint8", got.dtype)
  end)

  it("draws what reaches in from outside of the ROI", function()
    assert.same({ { 1, 1, 0, 0, 0 } }, draw(plane { { 1, { 0, -1 } } }, Settings { 2 }, md.Roi({ 0, 0 }, { 1, 5 })):totable())
  end)

  it("puts a node at -0.5 into voxel -1, not into voxel 0", function()
    local got = draw(plane { { 1, { 0, -0.5 } } }, Settings { 0.5 }, md.Roi({ 0, -2 }, { 1, 4 }))
    assert.same({ { 0, 1, 0, 0 } }, got:totable())
  end)

  it("draws edges where they are, wherever the ROI begins", function()
    local source = function() return plane({ { 1, { 2, 1 } }, { 2, { 9, 13 } } }, { { 1, 2 } }) end
    local whole = draw(source(), Settings { 0.5 }, md.Roi({ -20, -20 }, { 60, 60 }))
    assert.equal(13, whole:sum())
    local part = draw(source(), Settings { 0.5 }, md.Roi({ 1, -3 }, { 10, 20 }))
    assert.is_true(whole[{ { 22, 31 }, { 18, 37 } }]:equal(part))
  end)

  it("asks for what the originals ask for where there are but points, for half a voxel more where lines may pass by", function()
    local function asked(source, settings)
      local seen
      local Spy = md.class("Spy", md.BatchFilter)
      function Spy:setup() self:enable_autoskip() self:updates(POINTS, self.spec[POINTS]:copy()) end
      function Spy:prepare(request) seen = request[POINTS].roi return request end
      function Spy:process() end
      ask(source + Spy {} + md.RasterizeGraph { POINTS, PAINT, md.ArraySpec { voxel_size = { 4, 1 } }, settings }, md.Roi({ 0, 0 }, { 8, 5 }))
      return seen
    end
    local nodes = { { 1, { 2, 2 } }, { 2, { 3, 3 } } }
    assert.equal(md.Roi({ -4, -4 }, { 16, 13 }), asked(plane(nodes), Settings { 4 }))
    assert.equal(md.Roi({ -6, -5 }, { 20, 15 }), asked(plane(nodes, { { 1, 2 } }), Settings { 4 }))
    assert.equal(md.Roi({ -4, -4 }, { 16, 13 }), asked(plane(nodes, { { 1, 2 } }), Settings { 4, edges = false }))
    assert.equal(md.Roi({ -7, -8 }, { 22, 21 }), asked(plane(nodes, { { 1, 2 } }), Settings { { 7, 7.5 } }))
  end)

  it("leaves edges out when told to", function()
    local source = plane({ { 1, { 2, 1 } }, { 2, { 2, 4 } } }, { { 1, 2 } })
    assert.same({ { 0, 1, 0, 0, 1 } }, draw(source, Settings { 0.5, edges = false }, md.Roi({ 2, 0 }, { 1, 5 })):totable())
  end)

  it("draws hollow balls, ellipsoids, and other values", function()
    local row = md.Roi({ 0, 0 }, { 1, 7 })
    assert.same({ { 1, 1, 0, 0, 0, 1, 1 } }, draw(plane { { 1, { 0, 3 } } }, Settings { 3, inner_radius_fraction = 0.5 }, row):totable())
    assert.same({ { 9, 7, 7, 7, 7, 7, 9 } }, draw(plane { { 1, { 0, 3 } } }, Settings { { 1, 2 }, fg_value = 7, bg_value = 9 }, row):totable())
  end)

  it("gives background where there is no node at all", function()
    assert.same({ { 3, 3 }, { 3, 3 } }, draw(plane { { 1, { 30, 30 } } }, Settings { 1, fg_value = 2, bg_value = 3 }, md.Roi({ 0, 0 }, { 2, 2 })):totable())
  end)

  it("gives each voxel the colour of the nearest node, and keeps every node's own", function()
    local nodes = { { 1, { 0, 1 }, { kind = 4 } }, { 2, { 0, 4 }, { kind = 9 } }, { 3, { 0, 8 } } }
    local got = draw(plane(nodes), Settings { 3, color_attr = "kind" }, md.Roi({ 0, 0 }, { 1, 10 }), { dtype = "uint16" })
    assert.same({ { 4, 4, 4, 9, 9, 9, 9, 9, 0, 0 } }, got:totable())
    assert.equal("uint16", got.dtype)
    local edge = plane({ { 1, { 0, 1 } }, { 2, { 0, 4 } } }, { { 1, 2, { kind = 6 } } })
    assert.same({ { 0, 6, 6, 6, 6, 0 } }, draw(edge, Settings { 0.5, color_attr = "kind" }, md.Roi({ 0, 0 }, { 1, 6 })):totable())
    local background = draw(plane(nodes), Settings { 1, color_attr = "kind", bg_value = 5, fg_value = 8 }, md.Roi({ 0, 0 }, { 1, 7 }))
    assert.same({ { 4, 4, 4, 9, 9, 9, 5 } }, background:totable())
  end)

  it("draws peaks of height 1 wherever other nodes are", function()
    local row = md.Roi({ 0, 0 }, { 1, 4 })
    local got = draw(plane { { 1, { 0, 0 } } }, Settings { 2, "peak" }, row)
    assert.equal("float32", got.dtype)
    for x = 0, 3 do assert.near(math.exp(-x * x / 8), got[{ 1, x + 1 }], 1e-6) end
    local crowd = draw(plane { { 1, { 0, 0 } }, { 2, { 0, 1 } } }, Settings { 2, "peak" }, row)
    assert.near(1, crowd[{ 1, 1 }], 1e-6)
    assert.near(1, crowd[{ 1, 2 }], 1e-6)
  end)

  describe("with a mask", function()
    -- left half 7, right half 2^40, an island of background
    local function mask(dtype)
      local rows = {}
      for y = 1, 6 do
        rows[y] = {}
        for x = 1, 10 do rows[y][x] = y == 6 and 0 or x <= 5 and 7 or (dtype == "uint64" and 1 << 40 or 9) end
      end
      local spec = md.ArraySpec { roi = md.Roi({ 0, 0 }, { 6, 10 }), voxel_size = { 1, 1 } }
      return md.ArraySource { LABELS, md.Array { md.ndarray(rows, dtype), spec } }
    end
    local function masked(source, settings, dtype)
      settings.mask = LABELS
      local pipeline = { source, mask(dtype or "uint64") } + md.MergeProvider {}
      return ask(pipeline + md.RasterizeGraph { POINTS, PAINT, settings = Settings(settings) }, md.Roi({ 0, 0 }, { 1, 10 }))
    end

    it("stays inside of the object at the node", function()
      for _, dtype in ipairs { "uint64", "uint8", "int16" } do
        assert.same({ { 0, 1, 1, 1, 1, 0, 0, 0, 0, 0 } }, masked(plane { { 1, { 0, 4 } } }, { 3 }, dtype):totable())
      end
      assert.same({ { 0, 0, 0, 0, 0, 1, 1, 1, 1, 0 } }, masked(plane { { 1, { 0, 5 } } }, { 3 }):totable())
      assert.same({ { 0, 1, 1, 1, 1, 1, 1, 1, 1, 0 } }, masked(plane { { 1, { 0, 4 } }, { 2, { 0, 5 } } }, { 3 }):totable())
    end)

    it("leaves out nodes on the background", function()
      assert.equal(0, masked(plane { { 1, { 5, 4 } } }, { 9 }):sum())
    end)

    it("draws a line in the objects that it passes through, with nodes there or not", function()
      local edge = plane({ { 1, { 0, 4 } }, { 2, { 0, 15 } } }, { { 1, 2 } })
      assert.same({ { 0, 0, 0, 1, 1, 1, 1, 1, 1, 1 } }, masked(edge, { 1 }):totable())
      assert.same({ { 0, 0, 0, 1, 1, 0, 0, 0, 0, 0 } }, masked(edge, { 1, edges = false }):totable())
    end)

    it("keeps colours apart from the mask", function()
      local source = plane { { 1, { 0, 3 }, { kind = 4 } }, { 2, { 0, 6 }, { kind = 6 } } }
      assert.same({ { 0, 4, 4, 4, 4, 6, 6, 6, 6, 0 } }, masked(source, { 2, color_attr = "kind" }):totable())
    end)

    it("wants it without channels and at the same voxel size", function()
      local array = md.Array { md.zeros({ 2, 6, 10 }, "uint8"), md.ArraySpec { roi = md.Roi({ 0, 0 }, { 6, 10 }), voxel_size = { 1, 1 } } }
      local pipeline = { plane { { 1, { 0, 4 } } }, md.ArraySource { LABELS, array } } + md.MergeProvider {}
      assert.equal("RasterizeGraph: the mask LABELS has 3 axes, 2 are wanted: labels without channels", errors.message(function()
        ask(pipeline + md.RasterizeGraph { POINTS, PAINT, settings = Settings { 1, mask = LABELS } }, md.Roi({ 0, 0 }, { 1, 10 }))
      end))
      assert.equal("RasterizeGraph: the mask LABELS has voxel size (1, 1), PAINT has (2, 2); they must be the same", errors.message(function()
        local source = { plane { { 1, { 0, 4 } } }, mask "uint8" } + md.MergeProvider {}
        ask(source + md.RasterizeGraph { POINTS, PAINT, md.ArraySpec { voxel_size = { 2, 2 } }, Settings { 1, mask = LABELS } }, box)
      end))
    end)
  end)

  it("says what is wrong with its settings", function()
    local function message(fields) return errors.bare(function() Settings(fields) end) end
    assert.equal("RasterizationSettings: 'radius' is missing: a number or a list of numbers", message {})
    assert.equal("RasterizationSettings: 'radius' must be positive, it is 0", message { 0 })
    assert.equal("RasterizationSettings: 'radius' must be positive, it is -1", message { { 2, -1 } })
    assert.equal("RasterizationSettings: 'mode' must be \"ball\" or \"peak\", not \"cube\"", message { 1, "cube" })
    assert.equal("RasterizationSettings: 'inner_radius_fraction' must lie between 0 and 1, it is 1", message { 1, inner_radius_fraction = 1 })
    assert.equal("RasterizationSettings: 'color_attr' is for mode \"ball\" only", message { 1, "peak", color_attr = "kind" })
    assert.equal("RasterizationSettings: 'fg_value' and 'bg_value' are for mode \"ball\" only", message { 1, "peak", fg_value = 2 })
    assert.equal("RasterizationSettings has no option 'radus'; did you mean 'radius'?", message { radus = 1 })
  end)

  it("says what is wrong with it", function()
    local function message(...)
      local fields = { POINTS, PAINT, ... }
      return errors.bare(function() ask(plane { { 1, { 0, 0 } } } + md.RasterizeGraph(fields), box) end)
    end
    assert.equal("RasterizeGraph: 'settings' must be md.RasterizationSettings{ … }, not 5", message(md.ArraySpec {}, 5))
    assert.equal("RasterizeGraph: 'array_spec' must be md.ArraySpec{ … }, not a table", message {})
    assert.equal("RasterizeGraph: radius has 3 entries, POINTS has 2 axes", message(md.ArraySpec {}, Settings { { 1, 2, 3 } }))
    assert.equal("RasterizeGraph: voxel size (1, 1, 1) has 3 axes, POINTS has 2", message(md.ArraySpec { voxel_size = { 1, 1, 1 } }))
    assert.equal("RasterizeGraph: ROI [-20:40, -20:40] (60, 60) holds no whole voxel of (100, 100)", message(md.ArraySpec { voxel_size = { 100, 100 } }))
    assert.equal("RasterizeGraph: peaks have values between 0 and 1, PAINT is uint8; give it a float dtype", message(md.ArraySpec { dtype = "uint8" }, Settings { 1, "peak" }))
    assert.equal("RasterizeGraph: fg_value 300 doesn't fit uint8, the dtype of PAINT", message(md.ArraySpec {}, Settings { 1, fg_value = 300 }))
    local large = (1 << 53) + 1
    for _, values in ipairs { { large, 0, "int64" }, { 1, large, "int64" }, { math.mininteger, 1, "int64" }, { large, 0, "uint64" }, { 1, 2.0^63, "float32" } } do
      local fg, bg, dtype = table.unpack(values)
      assert.equal(("RasterizeGraph: fg_value %s and bg_value %s: what is drawn is blended as a number, which is exact to 2^53; take smaller ones"):format(fg, bg),
        message(md.ArraySpec { dtype = dtype }, Settings { 1, fg_value = fg, bg_value = bg }))
    end
  end)

  it("says which colour doesn't fit", function()
    local source = plane { { 1, { 0, 1 }, { kind = 300 } } }
    assert.matches("the colour of node 1: 300 doesn't fit uint8, which holds 0 to 255", errors.message(function()
      draw(source, Settings { 1, color_attr = "kind" }, box)
    end), 1, true)
  end)
end)

for mode, settings in pairs {
  balls = { { 60, 12, 12 }, edges = false }, tubes = { { 60, 12, 12 } }, hollow = { { 90, 15, 15 }, inner_radius_fraction = 0.5 }, peaks = { { 45, 5, 6 }, "peak" },
  objects = { { 60, 20, 20 }, mask = LABELS },
} do
  battery.node("RasterizeGraph, " .. mode, {
    node = function() return md.RasterizeGraph { POINTS, PAINT, md.ArraySpec { voxel_size = battery.voxel_size }, Settings(settings) } end,
    request = function(seed) return battery.request(seed, PAINT) end, deterministic = true, untouched = { battery.RAW, POINTS },
  })
end
battery.node("RasterizeGraph, edges", {
  node = function() return md.RasterizeGraph { POINTS, PAINT, md.ArraySpec { voxel_size = battery.voxel_size }, Settings { 40 } } end,
  request = function(seed) return battery.request(seed, PAINT, POINTS) end,
})
