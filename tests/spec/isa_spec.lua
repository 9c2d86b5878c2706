--- Every instruction set gives the same bytes: kernels that have a body for each, on lengths that don't fill a vector, on views
--- and on all element types that they take.
local md = require "moondust"
local program = require "spec.support.program"
local core = require "moondust.core"
local kernel = core.kernel
local kernels = require "spec.support.kernels"
local views = require "spec.support.views"

local sets, best = {}, core.isa()
for _, name in ipairs { "baseline", "v3", "v4" } do
  if pcall(core.isa, name) then sets[#sets + 1] = name end
end
core.isa(best)

local types = kernels.dtypes

describe("instruction sets", function()
  after_each(function() core.isa(best) end)

  --- What `work` returns (hashes, numbers) under each set.
  local function check(work)
    core.isa "baseline"
    local plain = table.pack(work())
    assert.is_true(plain.n > 0)
    for _, name in ipairs(sets) do
      core.isa(name)
      assert.equal(name, core.isa())
      local other = table.pack(work())
      for i = 1, plain.n do assert.equal(plain[i], other[i], ("result %d under %s"):format(i, name)) end
    end
  end

  local function grey(shape, seed) return kernels.grey(shape, "float32", seed or 3) end
  local function labels(shape, seed) return (grey(shape, seed) * 4):astype "uint64" end

  it("are there", function()
    assert.equal("baseline", sets[1])
    assert.equal(best, sets[#sets])
  end)

  it("have the same results of every kernel", function()
    for _, name in ipairs(kernels.names) do
      local case = kernels.cases[name]
      for _, shape in ipairs { { 37 }, { 5, 37 }, { 3, 17, 45 }, { 2, 3, 4, 19 } } do
        for _, dtype in ipairs(types) do
          if case.no_array and dtype == "uint8" and #shape == 1 or not case.no_array and kernels.takes(case, shape, dtype) then
            check(function()
              local things = case.make(shape, dtype)
              return kernels.describe_all(case.brief(things)), kernels.describe_all(case.brief(views.all(things, "mixed")))
            end)
          end
        end
      end
    end
  end)

  it("cast rows, side by side and not", function()
    local wide = core.Rng(5):np_normals(0, 300, { 5, 37 })
    for _, from in ipairs(types) do
      local a = wide:astype(from)
      check(function()
        local out = {}
        for _, to in ipairs(types) do
          out[#out + 1] = a:astype(to):hash()
          out[#out + 1] = a:transpose():astype(to):hash()
          out[#out + 1] = kernel.scale_shift(a:slice(2, 1, 36, 3), 1.7, -0.3, to):hash()
        end
        return table.unpack(out)
      end)
    end
  end)

  it("scale, shift and raise to a power", function()
    for _, n in ipairs { 1, 7, 16, 45 } do
      local a = grey { 3, n }
      check(function()
        return kernel.scale_shift(a, 2, -1, "float32", -0.9, 0.9):hash(), kernel.gamma(a, 0.7):hash(),
          kernel.gamma(a:astype "float64", 1.3):hash(), kernel.gamma(a:transpose(), 2.1):hash(),
          kernel.intensity(a, { -1, 1 }, grey({ n }):totable(), grey({ n }, 4):totable(), true):hash()
      end)
    end
  end)

  it("reduce", function()
    for _, dtype in ipairs(types) do
      local a = (grey { 7, 83 } * 100):astype(dtype)
      check(function()
        local low, high = a:minmax()
        local tlow, thigh = a:transpose():slice(1, 1, 83, 2):minmax()
        return low, high, tlow, thigh, a:sum(), a:mean(), a:std(), a:any(), a:all(), a:count(50), a:unique():hash()
      end)
    end
  end)

  it("make noise", function()
    local a = kernel.scale_shift(grey { 3, 1231 }, 1, 0, "float32", 0, 1)
    for _, dtype in ipairs { "float32", "float64" } do
      local typed = a:astype(dtype)
      check(function()
        local out = {}
        for i, mode in ipairs { "gaussian", "speckle", "s&p", "poisson" } do
          out[i] = kernel.noise(typed, mode, 7, { clip_low = 0, clip_high = 1 }):hash()
        end
        return out[1], out[2], out[3], out[4], kernel.noise(typed, "gaussian", 8, { local_vars = grey { 1231 } * grey { 1231 } }):hash()
      end)
    end
  end)

  it("measure distances", function()
    for _, shape in ipairs { { 9, 21, 35 }, { 40, 67 } } do
      local objects, space, large, scale, shift = labels(shape), {}, {}, {}, {}
      for d = 1, #shape do space[d], large[d], scale[d], shift[d] = 6 - d, 3 * shape[d], 1 / 3, -1 / 3 end
      local blocky = kernel.resize(objects, large, scale, shift, "nearest")
      check(function()
        local target = kernel.boundary_distance(blocky, space, 20)
        return target:hash(), kernel.boundary_distance(blocky, space):hash(), kernel.boundary_distance(objects, space):hash(),
          kernel.distance_mask(target, blocky:gt(0), space, 20, 0.05, 0.8):hash(), kernel.within(blocky:gt(1), space, 9):hash()
      end)
    end
  end)

  it("look at labels", function()
    for _, dtype in ipairs { "uint8", "uint16", "uint32", "uint64", "int64" } do
      local a = labels({ 5, 11, 43 }):astype(dtype)
      check(function()
        local weights, counts = kernel.balance_weights(a:astype "uint8", 9, { a:gt(0) }, { -1, -1, -1 })
        return kernel.affinities(a, { { 0, 0, 1 }, { 1, -2, 5 }, { 0, -1, 0 } }):hash(), kernel.affinities(a, { { 0, 0, 1 } }, true):hash(),
          kernel.erode_labels(a, 2, a:gt(0), 0):hash(), kernel.grow_boundary(a, 1):hash(), kernel.one_hot(a, 4):hash(),
          kernel.components(a:astype "uint32"):hash(), weights:hash(), table.concat(counts[1], " ")
      end)
    end
  end)

  local cases = {
    { shape = { 7, 33, 41 }, controls = { 2, 4, 5 }, sigma = { 1, 3, 3 }, angle = 0.6 },
    { shape = { 7, 33, 41 }, controls = { 2, 4, 5 }, sigma = { 0, 3, 3 }, angle = 0.6 }, -- the first axis is still
    { shape = { 7, 33, 41 }, controls = { 2, 4, 1 }, sigma = { 1, 0, 3 }, angle = -2 }, -- one control point along the row
    { shape = { 7, 33, 41 }, controls = { 2, 4, 5 }, sigma = { 1, 3, 3 }, angle = 0.6, subsample = 4 },
    { shape = { 5, 20, 201 }, controls = { 2, 3, 90 }, sigma = { 1, 1, 1 }, angle = 0 }, -- several control points a vector
    { shape = { 60, 517 }, controls = { 5, 30 }, sigma = { 2, 2 }, angle = 1.2 }, -- rows of two pieces
    { shape = { 60, 77 }, controls = { 5, 30 }, sigma = { 0, 0 }, angle = 1.2 }, -- rotation only
    { shape = { 230 }, controls = { 9 }, sigma = { 4 }, subsample = 3 },
    { shape = { 3, 6, 20, 25 }, controls = { 2, 2, 3, 3 }, sigma = { 0, 1, 2, 2 }, angle = 0.3 },
    { shape = { 3, 6, 20, 25 }, controls = { 2, 2, 3, 3 }, sigma = { 0.4, 1, 2, 2 }, angle = 0.3 },
  }

  local function transform(case, voxel_size, roi)
    local n = #case.shape
    local parts, rotation = {}, nil
    for d = 1, n do parts[d] = core.Rng(d):np_normals(0, 1, case.controls) * case.sigma[d] end
    if case.angle then
      rotation = {}
      for d = 1, n do
        rotation[d] = {}
        for e = 1, n do rotation[d][e] = d == e and 1 or 0 end
      end
      local c, s = math.cos(case.angle), math.sin(case.angle)
      rotation[n - 1][n - 1], rotation[n - 1][n], rotation[n][n - 1], rotation[n][n] = c, s, -s, c
    end
    local displacement = core.stack(parts)
    return core.Transform { roi = roi, voxel_size = voxel_size, displacement = displacement, rotation = rotation, subsample = case.subsample or 1 }
  end

  for i, case in ipairs(cases) do
    it("transform, case " .. i, function()
      local n, ones, zeros = #case.shape, {}, {}
      for d = 1, n do ones[d], zeros[d] = 1, 0 end
      local voxel_size, roi = core.Coordinate(ones), core.Roi(zeros, case.shape)
      local t <close> = transform(case, voxel_size, roi)
      local whole = t:source_roi(roi, voxel_size)
      local tight = whole:grow(core.Coordinate(zeros) - core.Coordinate(ones) * 2, core.Coordinate(zeros) - core.Coordinate(ones) * 2)
      for _, source in ipairs { whole, tight } do
        if not source.empty then
          for _, dtype in ipairs { "uint8", "int16", "uint64", "float32", "float64" } do
            local a = (core.Rng(9):np_normals(100, 40, source.shape)):astype(dtype)
            check(function()
              return tostring(t:source_roi(roi, voxel_size)), t:field(roi, voxel_size):hash(),
                t:sample(a, source, roi, voxel_size, true):hash(), t:sample(a, source, roi, voxel_size, false):hash()
            end)
          end
        end
      end
    end)
  end

  it("read compressed files", function()
    local path = program.temporary ".h5"
    finally(function() os.remove(path) end)
    for _, dtype in ipairs { "uint16", "uint32", "uint64", "float32" } do
      local a = (grey { 13, 45 } * 1000):astype(dtype)
      assert(md.hdf5.write(path, dtype, a, { chunks = { 5, 19 }, compression = "gzip" }))
      check(function()
        local back = assert(md.hdf5.read(path, dtype))
        return back:hash(), back:equal(a)
      end)
    end
  end)

  it("that don't exist are refused", function()
    local run = program.shell("MOONDUST_ISA=v9 " .. program.path .. " -e 'require \"moondust\"'")
    assert.equal(1, run.status)
    assert.matches("MOONDUST_ISA: 'v9' is no instruction set: baseline, v3 and v4 are", run.err, 1, true)
    assert.equal("", run.out)
    assert.has_error(function() core.isa "sse" end, "'sse' is no instruction set: baseline, v3 and v4 are (x86-64's levels)")
  end)

  it("can be forced", function()
    local run = program.shell("MOONDUST_ISA=baseline " .. program.path .. " -e 'print(require(\"moondust.core\").isa())'")
    assert.equal("baseline\n", run.out)
  end)
end)
