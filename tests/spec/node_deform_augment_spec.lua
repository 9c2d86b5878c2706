-- DeformAugment by what must be so, and by some of upstream's figures.
local md = require "moondust"
local core = require "moondust.core"
local battery = require "spec.support.battery"
local errors = require "spec.support.errors"
local positions = require "spec.support.positions"

local RAW, COARSE, LABELS, FIELD = md.ArrayKey "RAW", md.ArrayKey "COARSE", md.ArrayKey "LABELS", md.ArrayKey "FIELD"
local POINTS = md.GraphKey "POINTS"
local pi = math.pi

local function box(offset, shape) return md.ArraySpec { roi = md.Roi(offset, shape) } end

local function serve(pipeline, seed, wanted)
  local p <close> = pipeline:build()
  local request = md.BatchRequest { random_seed = seed }
  for name, spec in pairs(wanted) do request[name] = spec end
  return p:request_batch(request)
end

-- How far each voxel of an array of positions was fetched from.
local function moved(array) return array.data - positions.of(array.spec.roi, array.spec.voxel_size) end

local function largest(a)
  local low, high = a:minmax()
  return math.max(-low, high)
end

-- The error's first line has these words.
local function says(f, expected)
  local message = errors.message(f)
  assert.is_truthy(message:find(expected, 1, true), message .. "\nlacks: " .. expected)
end

local function near(expected, actual, tolerance, what)
  assert.same(expected.shape, actual.shape)
  local off = largest(expected:astype "float64" - actual:astype "float64")
  assert.is_true(off <= tolerance, ("%s: off by %g"):format(what or "arrays differ", off))
end

local function deform(options)
  options.control_point_spacing = options.control_point_spacing or { 32, 32, 32 }
  options.jitter_sigma = options.jitter_sigma or { 5, 4, 3 }
  return md.DeformAugment(options)
end

local function source(...) return positions.Source { { ... } } end

describe("DeformAugment's draws", function()
  -- gunpowder 1.4.4's transform_key: the seed, options, some control points and what is there
  local raw3, raw2 = { RAW, { 4, 4, 4 }, true }, { RAW, { 4, 4 }, true }
  local figures = {
    { 42, raw3, { 128, 96, 160 }, { control_point_spacing = { 32, 32, 32 }, jitter_sigma = { 5, 3, 0 } }, {
      { { 1, 1, 1 }, { -13.24880599975586, 34.76689529418945, 126.0856704711914 } },
      { { 4, 3, 5 }, { 15.853588104248047, -29.052536010742188, -126.0856704711914 } },
      { { 3, 2, 3 }, { -5.055205345153809, 13.188277244567871, -8.518489837646484 } },
    } },
    { 7, raw3, { 128, 96, 160 }, { control_point_spacing = { 32, 32, 32 }, jitter_sigma = { 5, 3, 2 }, rotation_axes = { 3, 1 } }, {
      { { 1, 1, 1 }, { 124.21808624267578, 1.3155142068862915, 60.43046188354492 } },
      { { 4, 3, 5 }, { -131.46522521972656, -4.383537292480469, -63.42605209350586 } },
      { { 3, 2, 3 }, { -22.142837524414062, -2.061027765274048, 14.890963554382324 } },
    } },
    { 9, raw2, { 160, 240 }, { control_point_spacing = { 40, 40 }, jitter_sigma = { 4, 4 } }, {
      { { 1, 1 }, { -57.722991943359375, 78.78424072265625 } },
      { { 4, 6 }, { 60.34644317626953, -79.42098236083984 } },
      { { 3, 4 }, { 6.189085960388184, -25.82391357421875 } },
    } },
    { 10, raw2, { 160, 240 }, { control_point_spacing = { 40, 40 }, jitter_sigma = { 4, 4 }, subsample = 2 }, {
      { { 1, 1 }, { 160.78733825683594, 161.10450744628906 } },
      { { 4, 6 }, { -159.67601013183594, -159.38304138183594 } },
      { { 3, 4 }, { -49.47862243652344, -26.803319931030273 } },
    } },
  }

  for _, figure in ipairs(figures) do
    local seed, raw, shape, options, places = table.unpack(figure)
    it(("are upstream's with seed %d"):format(seed), function()
      options.transform_key = FIELD
      local roi = md.Roi(md.Coordinate(shape) * 0, shape)
      local batch = serve(source(raw) + md.DeformAugment(options), seed, { [RAW] = md.ArraySpec { roi = roi }, [FIELD] = md.ArraySpec { roi = roi } })
      local field = batch[FIELD].data
      assert.equal("float32", field.dtype)
      for _, place in ipairs(places) do
        for axis, expected in ipairs(place[2]) do
          local actual = field[{ axis, table.unpack(place[1]) }]
          assert.is_true(math.abs(expected - actual) < 2e-4, ("axis %d at {%s}: %.9g, upstream %.9g"):format(axis, table.concat(place[1], ", "), actual, expected))
        end
      end
    end)
  end

  it("begin with p, then scale, displacements, rotation", function()
    local rng = core.Rng(5)
    rng:random()
    local scale = 0.5 + rng:random() * 1.5
    local points = { 6, 6, 6 }
    local displacement = core.zeros({ 3, 6, 6, 6 }, "float32")
    displacement[{ 1 }] = rng:np_normals(0, 6, points)
    displacement[{ 3 }] = rng:np_normals(0, 2, points)
    local rotation = rng:np_rotation()
    for _, row in ipairs(rotation) do for column = 1, 3 do row[column] = row[column] / scale end end
    local transform = core.Transform {
      roi = md.Roi({ -32, -32, -32 }, { 192, 192, 192 }), voxel_size = { 32, 32, 32 }, displacement = displacement, rotation = rotation,
    }
    local batch = serve(source { RAW, { 4, 4, 4 }, true } + deform { jitter_sigma = { 6, 0, 2 }, scale_interval = { 0.5, 2 } }, 5,
      { [RAW] = box({ 4, 8, 12 }, { 100, 96, 92 }) })
    near(transform:field(batch[RAW].spec.roi, md.Coordinate { 4, 4, 4 }), batch[RAW].data, 1e-3)
  end)
end)

describe("DeformAugment", function()
  it("leaves everything in place when there is nothing to do", function()
    local batch = serve(source({ RAW, { 4, 4, 4 }, true }, { LABELS, { 8, 8, 8 }, false }) + deform { jitter_sigma = { 0, 0, 0 }, rotate = false }, 1,
      { [RAW] = box({ 160, 160, 160 }, { 160, 160, 160 }), [LABELS] = box({ 160, 160, 160 }, { 160, 160, 160 }) })
    assert.equal(0, largest(moved(batch[RAW])))
    assert.equal(0, largest(moved(batch[LABELS])))
  end)

  it("scales about the middle of the control points", function()
    for _, scale in ipairs { 2, 0.5 } do
      local batch = serve(source { RAW, { 4, 4, 4 }, true } + deform { jitter_sigma = { 0, 0, 0 }, rotate = false, scale_interval = { scale, scale } }, 1,
        { [RAW] = box({ 64, 0, 32 }, { 128, 64, 96 }) })
      local own = positions.of(batch[RAW].spec.roi, md.Coordinate { 4, 4, 4 })
      local centre = core.ndarray({ 128, 32, 80 }, "float64"):reshape { 3, 1, 1, 1 }
      near((own - centre) / scale + centre, batch[RAW].data, 1e-4, "scale " .. scale)
    end
  end)

  it("scales and rotates in one: lengths change by the scale alone", function()
    local batch = serve(source { RAW, { 4, 4 }, true }
      + deform { control_point_spacing = { 30, 20 }, jitter_sigma = { 0, 0 }, scale_interval = { 2, 2 } }, 3, { [RAW] = box({ 0, 0 }, { 120, 80 }) })
    local data = batch[RAW].data
    for _, step in ipairs { { { {}, { 2, 30 }, {} }, { {}, { 1, 29 }, {} } }, { { {}, {}, { 2, 20 } }, { {}, {}, { 1, 19 } } } } do
      local along = data[step[1]] - data[step[2]]
      local low, high = (along[{ 1 }] ^ 2 + along[{ 2 }] ^ 2):minmax()
      assert.is_true(math.abs(low - 4) < 1e-3 and math.abs(high - 4) < 1e-3, ("steps of %g to %g"):format(low, high))
    end
  end)

  it("rotates about the axes that it may, rigidly with unequal control point spacings too", function()
    for axes, still in pairs { [{ 1, 2 }] = 3, [{ 3, 1 }] = 2, [{ 2, 3 }] = 1 } do
      local batch = serve(source { RAW, { 4, 4, 4 }, true } + deform { control_point_spacing = { 16, 32, 20 }, jitter_sigma = { 0, 0, 0 }, rotation_axes = axes }, 4,
        { [RAW] = box({ 0, 0, 0 }, { 64, 64, 80 }) })
      local off = moved(batch[RAW])
      assert.is_true(largest(off[{ still }]) < 1e-4)
      assert.is_true(largest(off[{ axes[1] }]) > 4)
      local data = batch[RAW].data
      local step = data[{ {}, {}, {}, { 2, 20 } }] - data[{ {}, {}, {}, { 1, 19 } }]
      local low, high = (step[{ 1 }] ^ 2 + step[{ 2 }] ^ 2 + step[{ 3 }] ^ 2):minmax()
      assert.is_true(math.abs(low - 16) < 1e-2 and math.abs(high - 16) < 1e-2)
    end
  end)

  it("keeps arrays of different voxel size in register, at a spacing equal to a voxel size too", function()
    local pipeline = source({ RAW, { 4, 4, 4 }, true }, { COARSE, { 8, 8, 8 }, true }, { LABELS, { 4, 4, 4 }, false })
      + deform { control_point_spacing = { 8, 8, 8 }, jitter_sigma = { 0.1, 0.1, 0.1 }, scale_interval = { 0.8, 1.3 } }
    local inner = md.Roi({ 8, 16, 0 }, { 40, 48, 32 })
    for seed = 1, 3 do
      local batch = serve(pipeline, seed, { [RAW] = box({ 0, 0, 0 }, { 64, 64, 64 }), [COARSE] = md.ArraySpec { roi = inner }, [LABELS] = md.ArraySpec { roi = inner } })
      local fine = batch[RAW]:crop(inner).data
      assert.is_true(largest(fine - batch[LABELS].data) <= 2.001, "labels are the nearest voxel's")
      -- where eight fine voxels meet is the centre of a coarse one
      local function halves(a, axis)
        local n, low, high = a.shape[axis], {}, {}
        for d = 1, 4 do low[d], high[d] = {}, {} end
        low[axis], high[axis] = { 1, n - 1, 2 }, { 2, n, 2 }
        return (a[low] + a[high]) / 2
      end
      local mean = halves(halves(halves(fine, 2), 3), 4)
      assert.is_true(largest(mean - batch[COARSE].data) < 0.25, ("seed %d: %g"):format(seed, largest(mean - batch[COARSE].data)))
    end
  end)

  it("gives a voxel the same source whatever else is asked of it: no stretching from end to end", function()
    local pipeline = source({ RAW, { 4, 4, 4 }, true }, { COARSE, { 4, 4, 4 }, true }) + deform {}
    local whole, part = md.Roi({ 0, 0, 0 }, { 160, 160, 160 }), md.Roi({ 44, 8, 60 }, { 52, 100, 36 })
    local batch = serve(pipeline, 2, { [RAW] = md.ArraySpec { roi = whole }, [COARSE] = md.ArraySpec { roi = part } })
    near(batch[RAW]:crop(part).data, batch[COARSE].data, 1e-3)
  end)

  it("keeps two points an axis however large subsample is", function()
    local batch = serve(source { RAW, { 32, 32, 32 }, true } + deform { subsample = 1000, rotate = false, transform_key = FIELD }, 2,
      { [FIELD] = box({ 0, 0, 0 }, { 128, 160, 96 }) })
    local field = batch[FIELD].data
    for axis = 2, 4 do
      local first, second, third = {}, {}, {}
      for d = 1, 4 do first[d], second[d], third[d] = {}, {}, {} end
      first[axis], second[axis], third[axis] = { 1, 1 }, { 2, 2 }, { 3, 3 }
      local step = field[second] - field[first]
      near(step, field[third] - field[second], 1e-4, "linear along axis " .. axis)
      assert.is_true(largest(step) > 0.1)
    end
  end)

  it("works along one axis and along four", function()
    local line = serve(source { RAW, { 4 }, true } + deform { control_point_spacing = { 32 }, jitter_sigma = { 3 }, rotate = false }, 1, { [RAW] = box({ 0 }, { 256 }) })
    assert.is_true(largest(moved(line[RAW])) > 1)
    local four = serve(source { RAW, { 4, 4, 4, 4 }, true }
      + deform { control_point_spacing = { 16, 16, 16, 16 }, jitter_sigma = { 0, 0, 0, 0 }, spatial_dims = 4 }, 1, { [RAW] = box({ 0, 0, 0, 0 }, { 16, 32, 32, 32 }) })
    local off = moved(four[RAW])
    assert.is_true(largest(off[{ 1 }]) < 1e-4)
    for axis = 2, 4 do assert.is_true(largest(off[{ axis }]) > 4, "the last three are rotated") end
  end)

  it("reads in no voxel from outside of what it asked for", function()
    local Ones = md.class("Ones", md.BatchFilter)
    function Ones:process(batch) batch[RAW].data = core.zeros(batch[RAW].data.shape, "float32"):fill(1) end
    for seed = 1, 5 do
      local batch = serve(source { RAW, { 40, 4, 4 }, true } + Ones {} + deform { control_point_spacing = { 80, 40, 40 }, scale_interval = { 0.7, 1.4 } }, seed,
        { [RAW] = box({ 0, 0, 0 }, { 400, 80, 120 }) })
      local low, high = batch[RAW].data:minmax()
      assert.is_true(math.abs(low - 1) < 1e-6 and math.abs(high - 1) < 1e-6)
    end
  end)

  it("passes axes before the spatial ones, nonspatial arrays and what has no ROI", function()
    local FLAT = md.ArrayKey "FLAT"
    local Flat = md.class("Flat", md.BatchFilter)
    function Flat:setup() self:provides(FLAT, md.ArraySpec { nonspatial = true }) end
    function Flat:process(batch) batch[FLAT] = md.Array { core.ndarray({ 3, 1, 4 }, "float32"), md.ArraySpec { nonspatial = true } } end
    local Pass = md.class("Pass", Flat)
    function Pass:prepare(request)
      local needs = md.BatchRequest {}
      for name, spec in request:items() do if name ~= FLAT then needs[name] = spec end end
      return needs
    end
    local batch = serve(source { RAW, { 10, 4, 4 }, true } + Pass {} + deform { control_point_spacing = { 32, 32 }, jitter_sigma = { 4, 4 }, spatial_dims = 2 }, 6,
      { [RAW] = box({ 20, 0, 0 }, { 30, 64, 64 }), [FLAT] = md.ArraySpec { nonspatial = true } })
    assert.same({ 3, 1, 4 }, batch[FLAT].data:totable())
    local off = moved(batch[RAW])
    assert.equal(0, largest(off[{ 1 }]))
    assert.is_true(largest(off[{ 2 }]) > 1)
    near(off[{ {}, 1 }], off[{ {}, 3 }], 1e-6, "the same at all times")
  end)
end)

describe("DeformAugment's transform_key", function()
  it("is where voxels were fetched from, less their own places", function()
    for _, subsample in ipairs { 1, 3 } do
      local pipeline = source({ RAW, { 8, 8, 8 }, true }) + deform { scale_interval = { 0.5, 2 }, transform_key = FIELD, control_point_spacing = { 8, 8, 8 },
        jitter_sigma = { 1, 1, 1 }, subsample = subsample }
      local roi = md.Roi({ 1000000, 0, -80 }, { 80, 64, 72 })
      local batch = serve(pipeline, 8, { [RAW] = md.ArraySpec { roi = roi }, [FIELD] = md.ArraySpec { roi = roi } })
      assert.same({ 3, 10, 8, 9 }, batch[FIELD].data.shape)
      assert.equal("float32", batch[FIELD].data.dtype)
      assert.equal(md.Coordinate { 8, 8, 8 }, batch[FIELD].spec.voxel_size)
      near(moved(batch[RAW]), batch[FIELD].data, 1e-3)
    end
  end)

  it("is zero for a batch that p leaves alone", function()
    local pipeline = source({ RAW, { 8, 8, 8 }, true }) + deform { transform_key = FIELD, p = 0.5 }
    local skipped = 0
    for seed = 1, 20 do
      local batch = serve(pipeline, seed, { [RAW] = box({ 0, 0, 0 }, { 64, 64, 64 }), [FIELD] = box({ 0, 0, 0 }, { 64, 32, 64 }) })
      assert.same({ 3, 2, 1, 2 }, batch[FIELD].data.shape)
      local still = largest(moved(batch[RAW])) == 0
      assert.equal(core.Rng(seed):random() > 0.5, still)
      assert.equal(still, not batch[FIELD].data:any())
      skipped = skipped + (still and 1 or 0)
    end
    assert.is_true(skipped > 3 and skipped < 17)
  end)

  it("can be wanted alone, and nothing is asked upstream then", function()
    local batch = serve(source({ RAW, { 8, 8, 8 }, true }) + deform { transform_key = FIELD }, 1, { [FIELD] = box({ 0, 0, 0 }, { 64, 32, 64 }) })
    assert.equal(1, #batch)
    assert.is_true(batch[FIELD].data:any())
  end)

  it("is announced where whole cells of control points are", function()
    local p <close> = (battery.source() + deform { control_point_spacing = { 100, 32, 32 }, transform_key = FIELD }):build()
    assert.equal(md.Roi({ 100, 0, 32 }, { 700, 96, 96 }), p.spec[FIELD].roi)
    assert.equal(md.Coordinate { 100, 32, 32 }, p.spec[FIELD].voxel_size)
    assert.is_true(p.spec[FIELD].interpolatable)
    assert.equal("float32", p.spec[FIELD].dtype)
  end)
end)

describe("DeformAugment moves graphs", function()
  local function grid(step, low, high)
    local nodes, id = {}, 0
    for z = low, high, step do
      for y = low, high, step do
        for x = low, high, step do
          id = id + 1
          nodes[id] = md.Node { id, { z + 0.3, y + 0.1, x + 0.7 } }
        end
      end
    end
    return md.Graph { nodes, {}, md.GraphSpec { roi = positions.endless(3), directed = false, dtype = "float64" } }
  end

  -- Each node that comes out lies where the field fetches its old place from; none is missing.
  local function check(options, seed, tolerance)
    local graph = grid(9, -150, 310)
    local pipeline = positions.Source { { { RAW, { 2, 2, 2 }, true } }, graph = graph, graph_key = POINTS } + deform(options)
    local roi = md.Roi({ 0, 0, 0 }, { 128, 96, 160 })
    local batch = serve(pipeline, seed, { [RAW] = md.ArraySpec { roi = roi }, [POINTS] = md.GraphSpec { roi = roi } })
    local data, here = batch[RAW].data, 0
    for node in batch[POINTS]:nodes() do
      local place, old = node.location, graph:node(node.id).location
      local index, fraction = {}, {}
      local inside = true
      for d = 1, 3 do
        local at = place[d] / 2 + 0.5
        index[d] = math.floor(at)
        fraction[d] = at - index[d]
        inside = inside and index[d] >= 1 and index[d] + 1 <= data.shape[d + 1]
      end
      if inside then
        here = here + 1
        for axis = 1, 3 do
          local cell = data[{ axis, { index[1], index[1] + 1 }, { index[2], index[2] + 1 }, { index[3], index[3] + 1 } }]:totable()
          local value = 0
          for a = 0, 1 do
            for b = 0, 1 do
              for c = 0, 1 do
                local weight = (a == 1 and fraction[1] or 1 - fraction[1]) * (b == 1 and fraction[2] or 1 - fraction[2]) * (c == 1 and fraction[3] or 1 - fraction[3])
                value = value + weight * cell[a + 1][b + 1][c + 1]
              end
            end
          end
          assert.is_true(math.abs(value - old[axis]) < tolerance, ("node %d, axis %d: %g, was at %g"):format(node.id, axis, value, old[axis]))
        end
      end
    end
    return here, batch
  end

  it("onto their voxels, to a twentieth of a voxel", function()
    local nodes = 0
    for seed = 1, 3 do nodes = nodes + check({ jitter_sigma = { 3, 3, 3 }, scale_interval = { 0.8, 1.25 } }, seed, 0.1) end
    assert.is_true(nodes > 3000)
  end)

  it("and loses none: as many as the volume they came from has", function()
    local graph = grid(9, -150, 310)
    local options = { jitter_sigma = { 3, 3, 3 }, rotation_axes = { 1, 3 }, scale_interval = { 0.9, 0.9 }, graph_raster_voxel_size = { 8, 8, 8 } }
    local pipeline = positions.Source { { { RAW, { 2, 2, 2 }, true } }, graph = graph, graph_key = POINTS } + deform(options)
    local roi = md.Roi({ 0, 0, 0 }, { 128, 96, 160 })
    for seed = 1, 4 do
      local batch = serve(pipeline, seed, { [POINTS] = md.GraphSpec { roi = roi } })
      local rng, points = core.Rng(seed), { 6, 5, 7 }
      rng:random()
      rng:random()
      local displacement = core.zeros({ 3, 6, 5, 7 }, "float32")
      for axis = 1, 3 do displacement[{ axis }] = rng:np_normals(0, 3, points) end
      local angle = rng:random() * 2 * pi
      local c, s = math.cos(angle) / 0.9, math.sin(angle) / 0.9
      local transform = core.Transform { roi = md.Roi({ -32, -32, -32 }, { 192, 160, 224 }), voxel_size = { 32, 32, 32 }, displacement = displacement,
        rotation = { { c, 0, s }, { 0, 1 / 0.9, 0 }, { -s, 0, c } } }
      local locations, ids = graph:arrays()
      local places = transform:invert(locations):totable()
      local expected = {}
      for i, place in ipairs(places) do
        if place[1] >= 0 and place[1] < 128 and place[2] >= 0 and place[2] < 96 and place[3] >= 0 and place[3] < 160 then
          expected[ids[{ i }]] = place
        end
      end
      local found = 0
      for node in batch[POINTS]:nodes() do
        found = found + 1
        local place = assert(expected[node.id])
        for d = 1, 3 do assert.is_true(math.abs(place[d] - node.location[d]) < 1e-6) end
      end
      local count = 0
      for _ in pairs(expected) do count = count + 1 end
      assert.equal(count, found)
      assert.is_true(count > 1500)
    end
  end)

  it("leaves axes before the spatial ones", function()
    local graph = md.Graph { { { 1, { 25, 10, 20 } }, { 2, { 35, 30, 30 } } }, { { 1, 2 } }, md.GraphSpec { roi = positions.endless(3), directed = false } }
    local pipeline = positions.Source { {}, graph = graph, graph_key = POINTS }
      + deform { control_point_spacing = { 32, 32 }, jitter_sigma = { 2, 2 }, spatial_dims = 2, rotate = false }
    local batch = serve(pipeline, 1, { [POINTS] = md.GraphSpec { roi = md.Roi({ 20, 0, 0 }, { 20, 64, 64 }) } })
    assert.equal(25, batch[POINTS]:node(1).location[1])
    assert.equal(35, batch[POINTS]:node(2).location[1])
    assert.are_not.equal(10, batch[POINTS]:node(1).location[2])
    assert.equal(1, batch[POINTS]:num_edges())
  end)

  it("the same with use_fast_points_transform, whatever recompute_missing_points says", function()
    local graph = grid(20, -150, 310)
    local hashes = {}
    for _, options in ipairs { {}, { use_fast_points_transform = true }, { use_fast_points_transform = true, recompute_missing_points = false } } do
      local pipeline = positions.Source { { { RAW, { 2, 2, 2 }, true } }, graph = graph, graph_key = POINTS } + deform(options)
      hashes[battery.hash(serve(pipeline, 3, { [POINTS] = md.GraphSpec { roi = md.Roi({ 0, 0, 0 }, { 128, 96, 160 }) } }))] = true
    end
    local count = 0
    for _ in pairs(hashes) do count = count + 1 end
    assert.equal(1, count)
  end)
end)

local function padded()
  local nodes = battery.source()
  for _, name in ipairs { battery.RAW, battery.LABELS } do nodes = nodes + md.Pad { name } end
  return nodes
end

battery.node("DeformAugment", {
  pipeline = function()
    return padded() + md.DeformAugment { { 120, 24, 24 }, { 20, 3, 3 }, { 0.9, 1.1 }, rotation_axes = { 2, 3 }, transform_key = FIELD, p = 0.8 }
  end,
  request = function(seed)
    local request = battery.request(seed)
    request[FIELD] = box({ 360, 24, 48 }, { 240, 48, 24 })
    return request
  end,
  random = true,
})

describe("DeformAugment says", function()
  local function made(options, expected)
    local ok, message = pcall(md.DeformAugment, options)
    assert.is_false(ok)
    assert.equal("DeformAugment: " .. expected, (message:gsub("^[^ ]+:%d+: ", "")))
  end

  it("what its options must be", function()
    made({ jitter_sigma = { 1 } }, "'control_point_spacing' is missing: a coordinate such as {40, 4, 4}")
    made({ { 8, 0, 8 }, { 1, 1, 1 } }, "'control_point_spacing' must be at least 1 on each axis")
    made({ { 8, md.unbounded, 8 }, { 1, 1, 1 } }, "'control_point_spacing' must be at least 1 on each axis")
    made({ { 8, 8 }, { 1, 1, 1 } }, "'jitter_sigma' has 3 entries, 'control_point_spacing' has 2")
    made({ { 8, 8 }, { 1, -1 } }, "'jitter_sigma' must be finite and not negative")
    made({ { 8, 8 }, { 1, math.huge } }, "'jitter_sigma' must be finite and not negative")
    made({ { 8, 8 }, { 1, 1 }, { 1 } }, "'scale_interval' wants two factors, {low, high}")
    made({ { 8, 8 }, { 1, 1 }, { 0, 1 } }, "'scale_interval' must be positive and finite")
    made({ { 8, 8 }, { 1, 1 }, subsample = 0 }, "'subsample' must be from 1 to 1048576, not 0")
    made({ { 8, 8, 8 }, { 1, 1, 1 }, spatial_dims = 2 }, "'control_point_spacing' has 3 entries, 'spatial_dims' is 2")
    made({ { 8, 8 }, { 1, 1 }, graph_raster_voxel_size = { 1, 1, 1 } }, "'graph_raster_voxel_size' has 3 entries, 'control_point_spacing' has 2")
    made({ { 8 }, { 1 } }, "there is no rotation in one dimension; give rotate = false")
    made({ { 8, 8 }, { 1, 1 }, rotation_axes = { 1 } }, "'rotation_axes' wants two or three axes, there are 1")
    made({ { 8, 8 }, { 1, 1 }, rotation_axes = { 0, 1 } }, "'rotation_axes' has 0; there are spatial axes 1 to 2")
    made({ { 8, 8 }, { 1, 1 }, rotation_axes = { 2, 2 } }, "'rotation_axes' has axis 2 twice")
    made({ { 8, 8 }, { 1, 1 }, p = 2 }, "'p' must be a number from 0 to 1, not 2")
  end)

  local function fails(pipeline, wanted, expected)
    says(function() serve(pipeline, 1, wanted) end, expected)
  end

  it("what doesn't fit upstream", function()
    fails(source { RAW, { 4, 4 }, true } + deform {}, { [RAW] = box({ 0, 0 }, { 8, 8 }) },
      "control_point_spacing has 3 entries, RAW has 2 spatial axes (spatial_dims is 3, its ROI has 2 axes)")
    fails(source { RAW, { 4, 4, 4 }, true } + deform { control_point_spacing = { 8, 8 }, jitter_sigma = { 1, 1 } }, { [RAW] = box({ 0, 0, 0 }, { 8, 8, 8 }) },
      "control_point_spacing has 2 entries, RAW has 3 spatial axes (spatial_dims is 3, its ROI has 3 axes)")
    fails(battery.source() + deform { control_point_spacing = { 1000, 8, 8 }, transform_key = FIELD }, { [FIELD] = box({ 0, 0, 0 }, { 1000, 8, 8 }) },
      "FIELD can't be provided: no cell of control_point_spacing (1000, 8, 8) lies in [80:880, -8:112, 16:144] (800, 120, 128), all that there is upstream")
    fails(battery.source() + deform { transform_key = battery.RAW }, { [battery.RAW] = battery.request(1)[battery.RAW] }, "RAW is provided already")
  end)

  it("what is too much", function()
    fails(source { RAW, { 4, 4, 4 }, true } + deform {}, { [RAW] = box({ 0, 0, 0 }, { 1 << 40, 1 << 40, 1 << 40 }) }, "ask for a smaller ROI")
    local graph = md.Graph { {}, {}, md.GraphSpec { roi = positions.endless(3), directed = false } }
    fails(positions.Source { { { RAW, { 4, 4, 4 }, true } }, graph = graph, graph_key = POINTS } + deform {},
      { [POINTS] = md.GraphSpec { roi = md.Roi({ 0, 0, 0 }, { 1 << 40, 1 << 40, 1 << 40 }) } }, "the request spans")
    fails(positions.Source { { { RAW, { 4, 4, 4 }, true } }, graph = graph, graph_key = POINTS } + deform {},
      { [POINTS] = md.GraphSpec { roi = positions.endless(3) } }, "a request without end")
  end)
end)

describe("ElasticAugment's rotation_axes", function()
  local function elastic(axes, more)
    local options = { { 8, 8, 8 }, { 0, 0, 0 }, { pi / 6, pi / 6 }, rotation_axes = axes }
    for name, value in pairs(more or {}) do options[name] = value end
    return md.ElasticAugment(options)
  end

  it("name the plane that turns; the last two by default", function()
    local wanted = { [RAW] = box({ 0, 0, 0 }, { 64, 64, 64 }) }
    for still = 1, 3 do
      local axes = ({ { 2, 3 }, { 1, 3 }, { 1, 2 } })[still]
      local off = moved(serve(source { RAW, { 4, 4, 4 }, true } + elastic(axes), 1, wanted)[RAW])
      assert.is_true(largest(off[{ still }]) < 1e-4)
      assert.is_true(largest(off[{ axes[1] }]) > 4 and largest(off[{ axes[2] }]) > 4)
    end
    local last = serve(source { RAW, { 4, 4, 4 }, true } + elastic { 2, 3 }, 1, wanted)
    local default = serve(source { RAW, { 4, 4, 4 }, true } + elastic(), 1, wanted)
    assert.equal(default[RAW].data:hash(), last[RAW].data:hash())
  end)

  it("must be two that there are", function()
    assert.error_matches(function() elastic({ 2, 3 }, { uniform_3d_rotation = true }) end, "'rotation_axes' and 'uniform_3d_rotation' exclude each other")
    says(function() serve(source { RAW, { 4, 4, 4 }, true } + elastic { 1, 2, 3 }, 1, {}) end, "'rotation_axes' wants two axes, there are 3")
    says(function() serve(source { RAW, { 4, 4, 4 }, true } + elastic { 1, 4 }, 1, {}) end, "'rotation_axes' has 4; there are spatial axes 1 to 3")
  end)
end)
