--- core.Transform: T(p) = centre + R (p - centre) + D(p), in world units, at voxel centres.
local core = require "moondust.core"

local function turn(angle)
  local c, s = math.cos(angle), math.sin(angle)
  return { { 1, 0, 0 }, { 0, c, s }, { 0, -s, c } }
end

--- (ndim, points…) normals of a seed.
local function jitter(seed, sigma, points)
  local rng, axes = core.Rng(seed), {}
  for d = 1, #points do axes[d] = rng:np_normals(0, sigma[d], points) end
  return core.stack(axes)
end

local function abs_max(a)
  local low, high = a:minmax()
  return math.max(-low, high)
end

local function difference(a, b) return abs_max(a:astype("float64") - b:astype("float64")) end

--- Calls f(world position of the centre, indices) for each voxel of a 3-d ROI.
local function each_voxel(roi, voxel_size, f)
  local n = (roi.shape // voxel_size):totable()
  for z = 1, n[1] do
    for y = 1, n[2] do
      for x = 1, n[3] do
        f({ roi.offset[1] + (z - 0.5) * voxel_size[1], roi.offset[2] + (y - 0.5) * voxel_size[2],
          roi.offset[3] + (x - 0.5) * voxel_size[3] }, z, y, x)
      end
    end
  end
end

--- An array whose voxels hold f(world position of their centre).
local function paint(roi, voxel_size, f, dtype)
  local n, values = (roi.shape // voxel_size):totable(), {}
  each_voxel(roi, voxel_size, function(p) values[#values + 1] = f(p) end)
  return core.ndarray(values, dtype or "float32"):reshape(n)
end

local function wave(p) return math.sin(p[1] / 90) + math.sin(p[2] / 60 + 1) * math.cos(p[3] / 75) end

describe("Transform", function()
  local roi, voxel_size = core.Roi({ 100, 50, 25 }, { 500, 200, 220 }), { 50, 5, 5 }

  local function elastic(options)
    options = options or {}
    return core.Transform {
      roi = roi, voxel_size = voxel_size, subsample = options.subsample, quirks = options.quirks,
      displacement = options.displacement or jitter(5, { 20, 9, 9 }, { 4, 4, 3 }),
      rotation = options.rotation or turn(0.4),
    }
  end

  describe("without rotation or displacement", function()
    it("is the identity", function()
      for _, subsample in ipairs { 1, 4 } do
        local t <close> = core.Transform { roi = roi, voxel_size = voxel_size, subsample = subsample }
        assert.equal(roi, t:source_roi(roi, voxel_size))
        local a = jitter(1, { 1, 1, 1 }, { 10, 40, 44 })
        for _, interpolate in ipairs { true, false } do
          assert.is_true(a:equal(t:sample(a, roi, roi, voxel_size, interpolate)))
        end
        assert.same({ 130.5, 77.25, 31 }, t:map { 130.5, 77.25, 31 })
        local field = t:field(roi, voxel_size)
        assert.same({ 3, 10, 40, 44 }, field.shape)
        assert.equal(125, field[{ 1, 1, 1, 1 }])
        assert.equal(52.5, field[{ 2, 1, 1, 1 }])
        assert.equal(242.5, field[{ 3, 10, 40, 44 }])
      end
    end)

    it("keeps NaN where it is", function()
      local t <close> = core.Transform { roi = roi, voxel_size = voxel_size }
      local a = core.zeros({ 10, 40, 44 }, "float32")
      a[{ 5, 6, 7 }] = 0 / 0
      assert.is_true(a:equal(t:sample(a, roi, roi, voxel_size, true)))
    end)

    it("reads zero outside of the input and its edge within half a voxel of it", function()
      local line, one = core.Roi({ 0 }, { 40 }), core.ndarray({ 5, 6, 7, 8 })
      for shift, want in pairs {
        [0] = { 5, 6, 7, 8 },
        [4] = { 5.4, 6.4, 7.4, 8 },
        [5] = { 5.5, 6.5, 7.5, 0 }, -- exactly on the face belongs to the voxel beyond
        [7] = { 5.7, 6.7, 7.7, 0 },
        [-5] = { 5, 5.5, 6.5, 7.5 },
        [-6] = { 0, 5.4, 6.4, 7.4 },
      } do
        local t <close> = core.Transform { roi = line, voxel_size = { 10 }, displacement = core.ndarray({ { shift } }) }
        local got = t:sample(one, line, line, { 10 }, true)
        assert.is_true(difference(got, core.ndarray(want)) < 1e-5, tostring(shift))
      end
    end)
  end)

  describe("of a rotation", function()
    it("by a quarter turn moves voxels to voxels", function()
      local square = core.Roi({ -40, 8 }, { 48, 48 })
      local t <close> = core.Transform { roi = square, voxel_size = { 4, 4 }, rotation = { { 0, 1 }, { -1, 0 } } }
      local a = core.Rng(3):np_normals(0, 1, { 12, 12 })
      local turned = a:transpose():flip(1)
      assert.is_true(turned:equal(t:sample(a, square, square, { 4, 4 }, false)))
      assert.is_true(difference(turned, t:sample(a, square, square, { 4, 4 }, true)) < 1e-5)
      assert.same({ -18, 54 }, t:map { -38, 30 })
    end)

    it("about any axis is R (p - centre)", function()
      local r = core.Rng(8):np_rotation()
      local t <close> = core.Transform { roi = roi, voxel_size = voxel_size, rotation = r }
      local p, c = { 310, 77, 140.5 }, { 350, 150, 135 }
      local got = t:map(p)
      for d = 1, 3 do
        local want = c[d]
        for e = 1, 3 do want = want + r[d][e] * (p[e] - c[e]) end
        assert.is_true(math.abs(want - got[d]) < 1e-9)
      end
    end)
  end)

  describe("of displaced control points", function()
    it("goes through the control points at the outer voxel centres", function()
      local d = jitter(9, { 20, 9, 9 }, { 4, 4, 3 })
      local t <close> = core.Transform { roi = roi, voxel_size = voxel_size, displacement = d }
      for _, at in ipairs { { 1, 1, 1 }, { 4, 4, 3 }, { 2, 3, 2 }, { 1, 4, 2 } } do
        local p = { 125 + (at[1] - 1) * 450 / 3, 52.5 + (at[2] - 1) * 195 / 3, 27.5 + (at[3] - 1) * 215 / 2 }
        local got = t:map(p)
        for axis = 1, 3 do
          assert.is_true(math.abs(p[axis] + d[{ axis, at[1], at[2], at[3] }] - got[axis]) < 1e-9)
        end
      end
    end)

    it("is constant along an axis with one control point", function()
      local shift = core.ndarray { { { { 7 } } }, { { { -3 } } }, { { { 0 } } } }
      local t <close> = core.Transform { roi = roi, voxel_size = voxel_size, displacement = shift }
      assert.same({ 207, 97, 60 }, t:map { 200, 100, 60 })
      assert.equal(core.Roi({ 100, 45, 25 }, { 550, 205, 220 }), t:source_roi(roi, voxel_size))
    end)

    it("puts an axis of one voxel at its only control points' first", function()
      local flat = core.Roi({ 0, 0, 0 }, { 40, 200, 200 })
      local d = core.zeros({ 3, 2, 1, 1 }, "float64")
      d[{ 2, 1, 1, 1 }] = 12
      d[{ 2, 2, 1, 1 }] = 50
      for _, subsample in ipairs { 1, 3 } do
        local t <close> = core.Transform {
          roi = flat, voxel_size = { 40, 4, 4 }, displacement = d, subsample = subsample,
        }
        assert.is_true(math.abs(t:map({ 20, 100, 100 })[2] - 112) < 1e-9)
      end
    end)
  end)

  it("agrees with quirks = true away from the faces", function()
    for _, subsample in ipairs { 1, 4 } do
      local t <close> = elastic { subsample = subsample }
      local q <close> = elastic { subsample = subsample, quirks = true }
      local a, b = t:source_roi(roi, voxel_size), q:source_roi(roi, voxel_size)
      local all = a:union(b):grow(voxel_size)
      local world = paint(all, voxel_size, wave)
      local x = t:sample(world, all, roi, voxel_size, true)[{ { 2, 9 }, { 2, 39 }, { 2, 43 } }]
      local y = q:sample(world, all, roi, voxel_size, true)[{ { 2, 9 }, { 2, 39 }, { 2, 43 } }]
      local off, range = difference(x, y), world:max() - world:min()
      assert.is_true(off < 1e-3 * range, ("subsample %d: %g"):format(subsample, off))
      assert.is_true(difference(t:field(roi, voxel_size)[{ 1 }] - 25, q:field(roi, voxel_size)[{ 1 }]) < 1e-2)
    end
  end)

  it("shows the same tissue at every voxel size", function()
    local t <close> = elastic()
    local inner = core.Roi({ 200, 80, 60 }, { 300, 140, 140 })
    for _, size in ipairs { { 50, 5, 5 }, { 100, 10, 10 }, { 50, 20, 10 }, { 25, 5, 4 } } do
      local target = inner:snap_to_grid(size)
      local source = t:source_roi(target, size)
      local got = t:sample(paint(source, size, wave, "float64"), source, target, size, true)
      local worst = 0
      each_voxel(target, size, function(p, z, y, x)
        worst = math.max(worst, math.abs(got[{ z, y, x }] - wave(t:map(p))))
      end)
      -- linear interpolation of a wave: curvature times voxel size squared over 8, summed over the axes
      local bound = 0
      for d, length in ipairs { 90, 60, 75 } do bound = bound + (size[d] / length) ^ 2 / 8 end
      assert.is_true(worst < bound + 1e-3, ("%g, bound %g"):format(worst, bound))
    end
  end)

  it("moves ids whole, and nearest agrees with the field", function()
    local t <close> = elastic()
    local source = t:source_roi(roi, voxel_size)
    local id = 0
    local labels = paint(source, voxel_size, function()
      id = id + 1
      return (1 << 53) + 2 * id
    end, "uint64")
    local got, field = t:sample(labels, source, roi, voxel_size, false), t:field(roi, voxel_size)
    local wrong = 0
    each_voxel(roi, voxel_size, function(_, z, y, x)
      local at = {}
      for d = 1, 3 do
        at[d] = math.floor((field[{ d, z, y, x }] - source.offset[d]) / voxel_size[d]) + 1
      end
      if got[{ z, y, x }] ~= labels[at] then wrong = wrong + 1 end
    end)
    assert.is_true(wrong <= 10, wrong .. " voxels differ") -- float32 positions within 1e-4 of half-way
    assert.equal("uint64", got.dtype)
  end)

  it("rounds integers half away from zero and keeps every dtype", function()
    local line = core.Roi({ 0 }, { 4 })
    local t <close> = core.Transform { roi = line, voxel_size = { 1 }, displacement = core.ndarray({ { 0.5 } }) }
    for dtype in ("uint8 uint16 uint32 uint64 int8 int16 int32 int64 float32 float64"):gmatch "%S+" do
      local whole = dtype:sub(1, 5) ~= "float"
      local got = t:sample(core.ndarray({ 1, 2, 5, 100, 100 }, dtype), core.Roi({ 0 }, { 5 }), line, { 1 }, true)
      assert.equal(dtype, got.dtype)
      assert.same(whole and { 2, 4, 53, 100 } or { 1.5, 3.5, 52.5, 100 }, got:totable())
      if whole and dtype:sub(1, 1) == "i" then
        got = t:sample(core.ndarray({ -1, -2, -5, -100, -100 }, dtype), core.Roi({ 0 }, { 5 }), line, { 1 }, true)
        assert.same({ -2, -4, -53, -100 }, got:totable())
      end
    end
  end)

  it("treats every channel alike", function()
    local t <close> = elastic()
    local source = t:source_roi(roi, voxel_size)
    local a = paint(source, voxel_size, wave)
    local b = a * 2 + 1
    for _, interpolate in ipairs { true, false } do
      local one = t:sample(a, source, roi, voxel_size, interpolate)
      local two = t:sample(b, source, roi, voxel_size, interpolate)
      local both = t:sample(core.stack { a, b }:add_axis(1), source, roi, voxel_size, interpolate)
      assert.same({ 1, 2, 10, 40, 44 }, both.shape)
      assert.is_true(both[{ 1, 1 }]:equal(one))
      assert.is_true(both[{ 1, 2 }]:equal(two))
    end
  end)

  it("gives the same bytes with any number of threads", function()
    local before, hashes = core.threads(), {}
    for _, n in ipairs { 1, 2, 5 } do
      core.threads(n)
      local t <close> = elastic()
      local source = t:source_roi(roi, voxel_size)
      local a = paint(source, voxel_size, wave)
      local got, field = t:sample(a, source, roi, voxel_size, true), t:field(roi, voxel_size)
      hashes[#hashes + 1] = got:hash() .. field:hash() .. tostring(source)
    end
    core.threads(before)
    assert.equal(hashes[1], hashes[2])
    assert.equal(hashes[1], hashes[3])
  end)

  it("never reads zero where the source ROI is there; quirks do", function()
    local zeros = { [false] = 0, [true] = 0 }
    for seed = 1, 6 do
      for _, quirks in ipairs { false, true } do
        local d = jitter(seed, { 0, 8, 8 }, { 2, 5, 5 })
        local t <close> = elastic { displacement = d, rotation = turn(seed / 3), quirks = quirks }
        local source = t:source_roi(roi, voxel_size)
        local ones = core.zeros((source.shape // voxel_size):totable(), "uint8"):fill(1)
        zeros[quirks] = zeros[quirks] + t:sample(ones, source, roi, voxel_size, true):count(0)
      end
    end
    assert.equal(0, zeros[false])
    assert.is_true(zeros[true] > 0)
  end)

  it("leads points back to where they are fetched from", function()
    for _, subsample in ipairs { 1, 3 } do
      local t <close> = elastic { subsample = subsample }
      local points, sources = {}, {}
      each_voxel(core.Roi(roi.offset, { 500, 200, 220 }), { 100, 20, 20 }, function(p)
        points[#points + 1], sources[#sources + 1] = p, t:map(p)
      end)
      local back, converged = t:invert(core.ndarray(sources, "float64"))
      assert.same({ #points, 3 }, back.shape)
      assert.equal("float64", back.dtype)
      assert.equal("uint8", converged.dtype)
      assert.equal(#points, converged:sum())
      for d = 1, 3 do
        local off = back[{ {}, d }] - core.ndarray(points, "float64")[{ {}, d }]
        assert.is_true(abs_max(off) < 0.05 * voxel_size[d])
      end
    end
  end)

  it("says which points it could not lead back", function()
    local fold = core.ndarray({ { 400, -400 } }, "float64") -- the line is turned over
    local t <close> = core.Transform { roi = core.Roi({ 0 }, { 100 }), voxel_size = { 1 }, displacement = fold }
    local _, converged = t:invert(core.ndarray({ { 50 }, { 1e7 } }, "float64"))
    assert.same({ 1, 1 }, converged:totable()) -- beyond the mirrored faces the displacement stays bounded
    local flat <close> = core.Transform { roi = core.Roi({ 0 }, { 100 }), voxel_size = { 1 }, rotation = { { 0 } } }
    local _, none = flat:invert(core.ndarray({ { 50 }, { 80 } }, "float64"))
    assert.same({ 1, 0 }, none:totable())
  end)

  it("works in one to four axes", function()
    for ndim = 1, 4 do
      local shape, size, points, sigma = {}, {}, {}, {}
      for d = 1, ndim do shape[d], size[d], points[d], sigma[d] = 8 + 2 * d, 2, 3, 2 end
      local begin = {}
      for d = 1, ndim do begin[d] = 10 * d end
      local box = core.Roi(begin, shape)
      local t <close> = core.Transform { roi = box, voxel_size = size, displacement = jitter(ndim, sigma, points) }
      local source = t:source_roi(box, size)
      local n = (source.shape // size):totable()
      -- a ramp along the last axis comes out as the field's last component
      local values = {}
      for i = 1, n[ndim] do values[i] = source.offset[ndim] + (i - 0.5) * 2 end
      local ramp = core.zeros(n, "float64") + core.ndarray(values, "float64")
      local got, field = t:sample(ramp, source, box, size, true), t:field(box, size)
      assert.is_true(difference(got, field[{ ndim }]) < 1e-3, "axes: " .. ndim)
    end
  end)

  describe("refuses", function()
    local function refuses(message, f, ...)
      local ok, err = pcall(f, ...)
      assert.is_false(ok)
      assert.is_truthy(tostring(err):find(message, 1, true), tostring(err))
    end
    local function options(changes)
      local o = { roi = roi, voxel_size = voxel_size }
      for k, v in pairs(changes) do o[k] = v end
      return o
    end

    it("options that make no sense", function()
      local function refuses_options(message, changes) refuses(message, core.Transform, options(changes)) end
      refuses("Transform needs a roi", core.Transform, { voxel_size = voxel_size })
      refuses("Transform needs a voxel_size", core.Transform, { roi = roi })
      refuses("1 to 4 axes, not 5", core.Transform, {
        roi = core.Roi({ 0, 0, 0, 0, 0 }, { 1, 1, 1, 1, 1 }), voxel_size = { 1, 1, 1, 1, 1 },
      })
      refuses_options("did you mean 'subsample'?", { subsampel = 2 })
      refuses_options("subsample must be at least 1, not 0", { subsample = 0 })
      refuses_options("subsample must be a whole number", { subsample = 1.5 })
      refuses_options("ROI [1:51, 0:5, 0:5] (50, 5, 5) is not on the grid of voxel size (50, 5, 5); snap it first",
        { roi = core.Roi({ 1, 0, 0 }, { 50, 5, 5 }) })
      refuses_options("is unbounded; a transformation needs an end on each axis",
        { roi = core.Roi({ 0, 0, 0 }, { core.unbounded, 5, 5 }) })
      refuses_options("is empty", { roi = core.Roi({ 0, 0, 0 }, { 0, 5, 5 }) })
      refuses_options("displacement must be float32 or float64, not uint8",
        { displacement = core.zeros({ 3, 1, 1, 1 }, "uint8") })
      refuses_options(
        "displacement of shape 2x1x1x1 doesn't fit 3 axes: it must be (3, control points along each axis)",
        { displacement = core.zeros { 2, 1, 1, 1 } })
      refuses_options("displacement of shape 3x0x1x1 has no control points",
        { displacement = core.zeros { 3, 0, 1, 1 } })
      refuses_options("at element 1 of 3; every control point must be a finite number",
        { displacement = core.zeros { 3, 1, 1, 1 }:fill(0 / 0) })
      refuses_options("rotation has 2 rows; the ROI has 3 axes", { rotation = { { 1, 0 }, { 0, 1 } } })
      refuses_options("row 2 of rotation has 1 entries; the ROI has 3 axes",
        { rotation = { { 1, 0, 0 }, { 1 }, { 0, 0, 1 } } })
      refuses_options("rotation has inf in row 3, column 3; every entry must be a finite number",
        { rotation = { { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 / 0 } } })
    end)

    it("ROIs and arrays that don't fit", function()
      local t <close> = elastic()
      local off, huge = core.Roi({ 1, 0, 0 }, { 50, 5, 5 }), core.Roi({ 0, 0, 0 }, { 50 << 28, 5 << 28, 5 << 28 })
      local fits = core.zeros { 10, 40, 44 }
      refuses("ROI [1:51, 0:5, 0:5] (50, 5, 5) is not on the grid", t.source_roi, t, off, voxel_size)
      refuses("input ROI [1:51, 0:5, 0:5] (50, 5, 5) is not", t.sample, t, fits, off, roi, voxel_size, true)
      refuses("is not on the grid", t.sample, t, fits, roi, off, voxel_size, true)
      refuses("has 2 axes, the transformation 3", t.field, t, core.Roi({ 0, 0 }, { 5, 5 }), voxel_size)
      refuses("voxel size (50, 0, 5) must be positive", t.field, t, roi, { 50, 0, 5 })
      local narrow = fits:slice(3, 1, 43)
      refuses("array of shape 10x40x43 doesn't fit input ROI", t.sample, t, narrow, roi, roi, voxel_size, true)
      refuses("which has 10x40x44 voxels", t.sample, t, core.zeros { 40, 44 }, roi, roi, voxel_size, true)
      refuses("interpolate must be true or false", t.sample, t, fits, roi, roi, voxel_size, 1)
      refuses("voxels (as many bytes at the least)", t.source_roi, t, huge, voxel_size)
      refuses("more than 2^29 voxels along axis 3", t.field, t, core.Roi({ 0, 0, 0 }, { 50, 5, 5 << 60 }), voxel_size)
      refuses("points of shape 4x2 must be (n, 3)", t.invert, t, core.zeros({ 4, 2 }, "float64"))
      refuses("point has 2 entries; the transformation has 3 axes", t.map, t, { 1, 2 })
    end)

    it("to map points with quirks", function()
      local t <close> = elastic { quirks = true }
      refuses("no continuous form", t.map, t, { 1, 2, 3 })
      refuses("no continuous form", t.invert, t, core.zeros({ 1, 3 }, "float64"))
    end)

    it("to work when closed, and closes twice", function()
      local t = elastic()
      t:close()
      t:close()
      refuses("this Transform is closed", t.map, t, { 1, 2, 3 })
    end)
  end)

  it("has displacements: the field less the voxels' own places, to full precision far away", function()
    local far = core.Coordinate { 4000000, 8000000, 0 }
    local here = elastic {}
    local there = core.Transform {
      roi = roi:shift(far), voxel_size = voxel_size, displacement = core.zeros { 3, 2, 2, 2 }, rotation = turn(0.5),
    }
    local near = core.Transform { roi = roi, voxel_size = voxel_size, displacement = core.zeros { 3, 2, 2, 2 }, rotation = turn(0.5) }
    local got = there:displacement(roi:shift(far), voxel_size)
    assert.is_true(got:equal(near:displacement(roi, voxel_size)))
    local own = core.Transform { roi = roi, voxel_size = voxel_size }:field(roi, voxel_size)
    assert.is_true(difference(here:displacement(roi, voxel_size), here:field(roi, voxel_size) - own) < 1e-3)
    assert.error_matches(function() elastic({ quirks = true }):displacement(roi, voxel_size) end,
      "a transformation with quirks = true has no displacements; its field has its positions")
  end)

  it("leaves not a byte behind", function()
    collectgarbage()
    collectgarbage()
    local before = core.memory()
    for _, quirks in ipairs { false, true } do
      local t = elastic { quirks = quirks, displacement = core.zeros { 3, 2, 2, 2 } }
      local source = t:source_roi(roi, voxel_size)
      local a = core.zeros((source.shape // voxel_size):totable())
      t:sample(a, source, roi, voxel_size, true):close()
      t:field(roi, voxel_size):close()
      a:close()
      t:close()
    end
    collectgarbage()
    collectgarbage()
    assert.equal(before, (core.memory()))
  end)
end)
