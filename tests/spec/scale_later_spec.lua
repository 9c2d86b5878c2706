--- Elements that are made when somebody asks for them (kernel.scale_later), arrays sampled together, results in the order of memory, and what kernels leave
--- with an array: whatever is saved, the bytes are those of the long way.
local core = require "moondust.core"
local md = require "moondust"
local kernel = core.kernel

local FACTOR = 1 / 255

--- Bytes 0 to 255 in no order, (4, 20, 24) or so.
local function grey(shape, dtype)
  local rng, size = core.Rng(3), 1
  for _, n in ipairs(shape) do size = size * n end
  local values = {}
  for i = 1, size do values[i] = rng:randint(0, dtype == "int8" and 127 or 255) end
  return core.ndarray(values, dtype or "uint8"):reshape(shape)
end

local function same(expected, found)
  assert.same(expected.shape, found.shape)
  assert.equal(expected.dtype, found.dtype)
  assert.is_true(expected:tostring_bytes() == found:tostring_bytes())
end

local function eager(a) return kernel.scale_shift(a, FACTOR, 0, "float32") end
local function later(a) return kernel.scale_later(a, FACTOR) end

describe("kernel.scale_later", function()
  it("gives the bytes of scale_shift, to whoever looks", function()
    for _, dtype in ipairs { "uint8", "int8", "uint16", "int16" } do
      local a = grey({ 3, 5, 7 }, dtype)
      same(eager(a), later(a))
      same(eager(a), later(a):copy())
      assert.equal(eager(a):sum(), later(a):sum())
      assert.equal(eager(a)[{ 2, 3, 4 }], later(a)[{ 2, 3, 4 }])
      same(eager(a) + 1, later(a) + 1)
      assert.equal(tostring(eager(a)), tostring(later(a)))
    end
  end)

  it("is made at once where it takes no less memory", function()
    for _, dtype in ipairs { "uint32", "float32", "float64" } do
      local a = grey { 2, 3 }:astype(dtype)
      same(eager(a), later(a))
    end
    same(kernel.scale_shift(grey { 2, 3 }, 0.5, 0, "float64"), kernel.scale_later(grey { 2, 3 }, 0.5, "float64"))
  end)

  it("says what it is before anything is made", function()
    local a = grey { 16, 64, 64 }
    collectgarbage()
    local before = core.memory()
    local b = later(a)
    assert.same({ 16, 64, 64 }, b.shape)
    assert.equal("float32", b.dtype)
    assert.equal(3, b.ndim)
    assert.equal(16 * 64 * 64, b.size)
    assert.equal(16 * 64 * 64 * 4, b.nbytes)
    assert.equal(16, #b)
    assert.is_false(b.closed)
    assert.equal(before, core.memory())
    b:max()
    assert.is_true(core.memory() > before)
    b:close()
    assert.equal(before, core.memory())
  end)

  it("stays due in views, and these are what views of the elements are", function()
    local a = grey { 4, 5, 6 }
    local views = {
      function(x) return x:view() end, function(x) return x:flip(2) end, function(x) return x:transpose(3, 1, 2) end,
      function(x) return x[{ { 2, 3 }, {}, { 6, 1, -2 } }] end, function(x) return x[2] end, function(x) return x:slice(2, 2, 4) end,
      function(x) return x:add_axis(1) end, function(x) return x:add_axis(2):drop_axis(2) end, function(x) return x[{ { 1, 0 } }] end,
      function(x) return x:flip(1):transpose()[{ {}, 2 }] end, function(x) return x:reshape { 20, 6 } end,
    }
    for _, view in ipairs(views) do
      same(view(eager(a)), view(later(a)))
      local due = later(a)
      local of_it = view(due)
      due:close()
      same(view(eager(a)), of_it)
    end
  end)

  it("pads what it is made of, with zeros and reflections; other values are put around the elements", function()
    local a = grey { 3, 4, 5 }
    for _, how in ipairs { { "constant", 0 }, { "reflect", 0 }, { "constant", 0.5 }, { "constant", -1 }, { "constant", -0.0 } } do
      same(kernel.pad(eager(a), { 1, 0, 2 }, { 0, 3, 1 }, how[1], how[2]), kernel.pad(later(a), { 1, 0, 2 }, { 0, 3, 1 }, how[1], how[2]))
    end
    same(kernel.pad(eager(a), { 1, 0, 0 }, { 0, 0, 0 }, "constant", 0)[{ 1, 1, { 1, 2 } }],
      kernel.pad(later(a), { 1, 0, 0 }, { 0, 0, 0 }, "constant", 0)[{ 1, 1, { 1, 2 } }])
  end)

  it("keeps what it was when the grey values change, and may be written to", function()
    local a = grey { 3, 4 }
    local expected, due, another = eager(a), later(a), later(a)
    a:fill(0)
    same(expected, due)
    another[{ 1, 1 }] = 7
    assert.equal(7, another[{ 1, 1 }])
    assert.equal(expected[{ 1, 2 }], another[{ 1, 2 }])
    assert.equal(expected[{ 1, 1 }], due[{ 1, 1 }])
  end)

  it("can be closed, due or made", function()
    local due, made = later(grey { 2, 2 }), later(grey { 2, 2 })
    made:max()
    for _, a in ipairs { due, made } do
      a:close()
      a:close()
      assert.is_true(a.closed)
      assert.error_matches(function() return a.shape end, "this array was closed")
      assert.error_matches(function() return a:max() end, "this array was closed")
      assert.error_matches(function() return a:flip(1) end, "this array was closed")
      assert.equal("ndarray (closed)", tostring(a))
    end
  end)

  it("refuses what makes no sense", function()
    assert.error_matches(function() kernel.scale_later({}, 1) end, "expected an ndarray, got table")
    assert.error_matches(function() kernel.scale_later(grey { 2 }, "1") end, "factor must be a number")
    assert.error_matches(function() kernel.scale_later(grey { 2 }, 1, "float16") end, "float16")
  end)
end)

-- ---------------------------------------------------------------------------------------------------- sampling

local function elastic(angle, options)
  local rng, c, s = core.Rng(7), math.cos(angle), math.sin(angle)
  local all = {
    roi = core.Roi({ 0, 0, 0 }, { 300, 200, 220 }), voxel_size = { 50, 5, 5 }, rotation = { { 1, 0, 0 }, { 0, c, s }, { 0, -s, c } },
    displacement = core.stack { rng:np_normals(0, 20, { 3, 4, 4 }), rng:np_normals(0, 9, { 3, 4, 4 }), rng:np_normals(0, 9, { 3, 4, 4 }) },
  }
  for name, value in pairs(options or {}) do all[name] = value end
  return core.Transform(all)
end

describe("Transform:sample", function()
  local roi, voxel_size = core.Roi({ 0, 0, 0 }, { 300, 200, 220 }), { 50, 5, 5 }

  it("scales on the way, inside of the array and at its borders, with any channels", function()
    for _, angle in ipairs { 0, 0.3, 2 } do
      local t = elastic(angle)
      for _, from in ipairs { t:source_roi(roi, voxel_size), roi } do
        for _, dtype in ipairs { "uint8", "int16" } do
          local shape = (from.shape // core.Coordinate(voxel_size)):totable()
          local a = grey({ 2, table.unpack(shape) }, dtype)
          same(t:sample(eager(a), from, roi, voxel_size, true), t:sample(later(a), from, roi, voxel_size, true))
          same(t:sample(eager(a), from, roi, voxel_size, false), t:sample(later(a), from, roi, voxel_size, false))
        end
      end
    end
  end)

  it("scales on the way whatever the deformation is made with", function()
    for _, options in ipairs { { subsample = 4 }, { quirks = true }, { displacement = false, rotation = false } } do
      local t = elastic(0.3, { subsample = options.subsample, quirks = options.quirks })
      if options.displacement == false then t = core.Transform { roi = roi, voxel_size = voxel_size } end
      local from = t:source_roi(roi, voxel_size)
      local a = grey((from.shape // core.Coordinate(voxel_size)):totable())
      same(t:sample(eager(a), from, roi, voxel_size, true), t:sample(later(a), from, roi, voxel_size, true))
    end
  end)

  it("takes several arrays of a dtype, each as it would come alone", function()
    for _, options in ipairs { {}, { quirks = true } } do
      local t = elastic(0.5, options)
      local from = t:source_roi(roi, voxel_size)
      local shape = (from.shape // core.Coordinate(voxel_size)):totable()
      local plain, flipped, channels = grey(shape), grey(shape):flip(3), grey { 3, table.unpack(shape) }
      for _, interpolate in ipairs { true, false } do
        local list = { plain, flipped, channels }
        local made = t:sample_all(list, from, roi, voxel_size, interpolate)
        assert.equal(3, #made)
        for i, a in ipairs(list) do same(t:sample(a, from, roi, voxel_size, interpolate), made[i]) end
      end
      assert.same({}, t:sample_all({}, from, roi, voxel_size, false))
    end
  end)

  it("refuses arrays that don't go together, and leaves nothing behind", function()
    local t = elastic(0.5)
    local from = t:source_roi(roi, voxel_size)
    local shape = (from.shape // core.Coordinate(voxel_size)):totable()
    local a, b = grey(shape), grey(shape):astype("uint64")
    collectgarbage()
    local before = core.memory()
    assert.error_matches(function() t:sample_all({ a, b }, from, roi, voxel_size, false) end, "uint8 and uint64 can't be sampled together")
    assert.error_matches(function() t:sample_all({ a, grey { 2, 2, 2 } }, from, roi, voxel_size, false) end, "doesn't fit input ROI")
    assert.error_matches(function() t:sample_all(a, from, roi, voxel_size, false) end, "arrays must be a table of ndarrays")
    collectgarbage()
    collectgarbage()
    assert.equal(before, core.memory())
  end)
end)

-- ---------------------------------------------------------------------------------------------------- the order of memory

describe("an element-wise kernel", function()
  local views = {
    function(x) return x end, function(x) return x:flip(3) end, function(x) return x:flip(1):flip(2) end, function(x) return x:transpose(1, 3, 2) end,
    function(x) return x:transpose():flip(1) end, function(x) return x[{ { 2, 3 }, { 1, 4 }, { 5, 2, -1 } }] end,
    function(x) return x[{ {}, {}, { 1, 6, 2 } }] end, function(x) return x[{ {}, { 3, 3 } }]:transpose(2, 3, 1) end,
  }
  local kernels = {
    scale_shift = function(x) return kernel.scale_shift(x, 3, 0.25) end,
    ["scale_shift of bytes"] = function(x) return kernel.scale_shift(x, 3, 0.25, "uint8") end,
    gamma = function(x) return kernel.gamma(x, 1.7) end,
    intensity = function(x) return kernel.intensity(x, { -1, -1, -1 }, { 1.5 }, { 0.1 }, false) end,
    ["intensity in slabs"] = function(x)
      local count = kernel.slab_count(x, { 2, -1, 1 })
      local scales, shifts = {}, {}
      for i = 1, count do scales[i], shifts[i] = 1 + i / 10, i / 20 end
      return kernel.intensity(x, { 2, -1, 1 }, scales, shifts, true)
    end,
  }

  for name, run in pairs(kernels) do
    it(name .. " gives a view what it gives a copy", function()
      for _, dtype in ipairs { "float32", "float64" } do
        local whole = eager(grey { 3, 5, 6 }):astype(dtype)
        local before = whole:tostring_bytes()
        for _, view in ipairs(views) do
          local expected, found = run(view(whole):copy()), run(view(whole))
          assert.same(expected.shape, found.shape)
          assert.is_true((expected - found):minmax() > -1e-7 and select(2, (expected - found):minmax()) < 1e-7)
        end
        assert.is_true(before == whole:tostring_bytes())
      end
    end)
  end

  it("has figures that don't depend on how an array is turned", function()
    local whole = grey { 3, 5, 6 }:astype("float32") * 0.37
    for _, view in ipairs { views[2], views[3], views[4], views[5] } do
      assert.equal(whole:sum(), view(whole):sum())
      assert.same({ whole:minmax() }, { view(whole):minmax() })
      assert.equal(whole:any(), view(whole):any())
      assert.equal(whole:count(whole[{ 1, 1, 1 }]), view(whole):count(whole[{ 1, 1, 1 }]))
    end
  end)
end)

describe("figures left with an array", function()
  local function check(a)
    local fresh = a:copy()
    assert.same({ fresh:minmax() }, { a:minmax() })
    assert.equal(fresh:sum(), a:sum())
    assert.equal(fresh:mean(), a:mean())
    assert.equal(fresh:std(), a:std())
  end

  it("are those that are found by looking", function()
    local a = kernel.gamma(eager(grey { 6, 70, 90 }), 0.6)
    check(a)
    check(a[{ { 2, 3 } }])
    check(a[{ {}, {}, { 1, 90, 3 } }])
    local t, roi = elastic(0.4), core.Roi({ 0, 0, 0 }, { 300, 200, 220 })
    local from = t:source_roi(roi, { 50, 5, 5 })
    local sampled = t:sample(later(grey((from.shape // core.Coordinate { 50, 5, 5 }):totable())), from, roi, { 50, 5, 5 }, true)
    check(sampled)
    check(sampled[3])
    local turned = kernel.gamma(sampled:transpose(1, 3, 2):flip(2), 1.4)
    assert.same({ turned:copy():minmax() }, { turned:minmax() })
    assert.near(turned:copy():sum(), turned:sum(), 1e-9)
  end)

  it("are forgotten when somebody writes", function()
    local a = kernel.gamma(eager(grey { 4, 10, 10 }), 0.6)
    local kept = a:view()
    a[{ 1, 1, 1 }] = 5
    assert.equal(5, a:max())
    assert.is_true(kept:max() <= 1)
    local b = kernel.gamma(eager(grey { 4, 10, 10 }), 0.6)
    b:fill(2)
    assert.same({ 2, 2 }, { b:minmax() })
    assert.equal(800, b:sum())
  end)

  it("tell of NaN", function()
    local t, roi = core.Transform { roi = core.Roi({ 0, 0 }, { 8, 8 }), voxel_size = { 1, 1 } }, core.Roi({ 0, 0 }, { 8, 8 })
    local a = core.zeros({ 8, 8 }, "float32")
    a[{ 3, 4 }] = 0 / 0
    local low, high = t:sample(a, roi, roi, { 1, 1 }, true):minmax()
    assert.is_true(low ~= low and high ~= high)
  end)
end)

describe("Normalize before other nodes", function()
  it("gives the same batch with its work left for later as done at once", function()
    local raw, labels, mask = md.ArrayKey "RAW", md.ArrayKey "LABELS", md.ArrayKey "MASK"
    local roi = md.Roi({ 0, 0, 0 }, { 10, 80, 80 })
    local function source(key, interpolatable)
      return md.ArraySource { key, md.Array { grey { 10, 80, 80 }, md.ArraySpec { roi = roi, voxel_size = { 1, 1, 1 }, interpolatable = interpolatable } } }
    end
    local Look = md.class("Look", md.BatchFilter)
    function Look:setup() self:updates(raw, self.spec[raw]) end
    local looks -- a node, looking or not: each copies the request, which seeds depend on
    function Look:process(batch)
      if looks then batch[raw].data:max() end
    end
    local function bytes(look)
      looks = look
      local pipeline = { source(raw, true), source(labels, false), source(mask, false) } + md.MergeProvider {} + md.Normalize { raw } + Look {}
        + md.Pad { raw, { 4, 40, 40 } } + md.RandomLocation {} + md.SimpleAugment { transpose_only = { 2, 3 } }
        + md.ElasticAugment { control_point_spacing = { 4, 20, 20 }, control_point_displacement_sigma = { 0.5, 3, 3 }, rotation_interval = { 0, 1 } }
        + md.GammaAugment { { raw }, 0.5, 2.0 } + md.IntensityAugment { raw, 0.9, 1.1, -0.1, 0.1 }
      local request = md.BatchRequest {}
      request:add(raw, { 6, 30, 30 })
      request:add(labels, { 4, 20, 20 })
      request:add(mask, { 4, 20, 20 })
      local all = {}
      for batch in pipeline:batches(request, { count = 4, seed = 11 }) do
        for _, key in ipairs { raw, labels, mask } do all[#all + 1] = batch[key].data:tostring_bytes() end
        batch:close()
      end
      return all
    end
    assert.is_true(table.concat(bytes(false)) == table.concat(bytes(true)))
  end)
end)
