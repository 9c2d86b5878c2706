--- Every kernel on arrays of all kinds: axes of 1 and of 0, flipped, transposed, strided, of no axes to four, of every dtype. The result is that of the copy in C order,
--- and, for some, that of a plain loop in Lua; what a kernel doesn't take is an error.
local core = require "moondust.core"
local kernels = require "spec.support.kernels"
local views = require "spec.support.views"
local plain = require "spec.support.plain_kernels"

local MUCH = 300 -- elements: of larger arrays only some dtypes are tried

local function size_of(shape)
  local size = 1
  for _, n in ipairs(shape) do size = size * n end
  return size
end

local some = { uint8 = true, int32 = true, float32 = true }
local function tried(shape, dtype) return size_of(shape) <= MUCH or some[dtype] end

--- Texts of results; where a sum's order shows, numbers to 9 digits.
local function texts(case, ...)
  if not case.sums then return kernels.describe_all(...) end
  local parts = table.pack(...)
  for i = 1, parts.n do
    local rounded = parts[i]:astype "float64"
    parts[i] = kernels.describe(parts[i].shape) .. parts[i].dtype .. (rounded.size == 0 and "" or kernels.describe((rounded * 1e9):astype "int64"))
  end
  return table.concat(parts, " ")
end

describe("the table of kernels", function()
  it("has every function of core.kernel, and no other", function()
    local there = {}
    for name in pairs(core.kernel) do there[#there + 1] = name end
    table.sort(there)
    assert.same(there, kernels.names)
  end)

  it("has views of the same values", function()
    for _, shape in ipairs(views.shapes) do
      local a = kernels.grey(shape, "float64")
      for _, kind in ipairs(views.names) do
        local view = views.kinds[kind](a)
        assert.same(a.shape, view.shape)
        assert.is_true(a:equal(view), kind)
      end
    end
  end)
end)

describe("a kernel gives the same for every array of the same values:", function()
  local threads = core.threads() -- arrays are small: waking a thread would take longer than the call; kernel_threads_spec has the others
  setup(function() core.threads(1) end)
  teardown(function() core.threads(threads) end)

  for _, name in ipairs(kernels.names) do
    local case = kernels.cases[name]
    if not case.no_array then
      it(name, function()
        local calls = 0
        for _, shape in ipairs(views.shapes) do
          for _, dtype in ipairs(kernels.dtypes) do
            if tried(shape, dtype) and kernels.takes(case, shape, dtype) then
              local what = ("%s of %s {%s}"):format(name, dtype, table.concat(shape, ", "))
              local things = case.make(shape, dtype)
              local before = kernels.describe(things)
              local made, expected = pcall(function() return texts(case, case.call(things)) end)
              assert.is_true(made, ("%s: %s"):format(what, expected))
              assert.equal(before, kernels.describe(things), what .. " changed what it was given")
              for _, kind in ipairs(views.names) do
                local ok, found = pcall(function() return texts(case, case.call(views.all(things, kind))) end)
                assert.is_true(ok and found == expected, ("%s, %s:\n%s\n%s"):format(what, kind, expected, found))
                calls = calls + 1
              end
            end
          end
        end
        assert.is_true(calls > 0)
      end)
    end
  end

  it("arrays whose elements are due", function()
    for _, name in ipairs(kernels.names) do
      local case = kernels.cases[name]
      if case.takes.float32 and not case.no_array and not case.picture then
        for _, shape in ipairs { { 4, 5 }, { 3, 1 }, { 2, 3, 5 } } do
          if kernels.takes(case, shape, "float32") then
            local things = case.make(shape, "float32")
            local grey = kernels.grey(shape, "uint8")
            things[case.array] = core.kernel.scale_later(grey, 1 / 255)
            local due = texts(case, case.call(things))
            things[case.array] = core.kernel.scale_shift(grey, 1 / 255, 0, "float32")
            assert.equal(texts(case, case.call(things)), due, name)
          end
        end
      end
    end
  end)
end)

describe("what a kernel doesn't take is one clear error:", function()
  for _, name in ipairs(kernels.names) do
    local case = kernels.cases[name]
    if not case.no_array then
      it(name, function()
        local refused = 0
        for _, shape in ipairs(views.shapes) do
          for _, dtype in ipairs(kernels.dtypes) do
            local possible = not case.picture or #shape == 2
            if possible and tried(shape, dtype) and kernels.takes(case, shape, dtype) == false then
              local ok, message = pcall(case.call, case.make(shape, dtype))
              assert.is_false(ok, ("%s of %s {%s} is taken"):format(name, dtype, table.concat(shape, ", ")))
              assert.is_true(type(message) == "string" and #message > 20, message)
              refused = refused + 1
            end
          end
        end
        assert.is_true(refused > 0 or #case.dtypes == #kernels.dtypes)
      end)
    end
  end
end)

describe("a kernel gives what a plain loop in Lua gives:", function()
  for name, reference in pairs(plain) do
    it(name, function()
      for seed = 1, 40 do
        local rng = core.Rng(seed)
        local shape = {}
        for d = 1, rng:randint(reference.least or 1, reference.most or 3) do shape[d] = rng:randint(1, 5) end
        local dtype = reference.dtypes[seed % #reference.dtypes + 1]
        local things = views.all(reference.make(shape, dtype, seed), views.names[seed % #views.names + 1])
        local expected, found = reference.plain(things, shape), reference.call(things)
        local what = ("%s of %s {%s}, seed %d"):format(name, dtype, table.concat(shape, ", "), seed)
        if type(found) ~= "userdata" then
          assert.same(expected, found, what)
        else
          local list = found:reshape({ found.size }):totable()
          assert.equal(#expected, #list, what)
          for i = 1, #list do assert.is_true(math.abs(expected[i] - list[i]) <= (reference.tolerance or 0), ("%s: element %d is %s, not %s"):format(what, i, list[i], expected[i])) end
        end
      end
    end)
  end
end)

describe("a number of steps, voxels or pixels that no array has", function()
  local kernel = core.kernel
  local a = kernels.labels({ 6, 7 }, "uint8")

  it("ends when nothing changes any more", function()
    for _, shape in ipairs { { 12 }, { 6, 7 }, { 3, 5, 4 }, { 1, 40 } } do
      local labels, mask = kernels.labels(shape, "uint64"), kernels.labels(shape, "uint8", 11):gt(0)
      local all = 0
      for _, n in ipairs(shape) do all = all + n end
      for axes = 1, #shape do
        assert.is_true(kernel.erode_labels(labels, all + 5, nil, 0, axes):equal(kernel.erode_labels(labels, math.maxinteger, nil, 0, axes)))
        local step_by_step = kernel.erode_labels(labels, all + 5, mask, 0, axes)
        assert.is_true(step_by_step:equal(kernel.erode_labels(labels, math.maxinteger, mask, 0, axes)))
      end
    end
    local line = core.zeros({ 400 }, "uint8"):fill(1)
    line[{ 400 }] = 2
    assert.equal(199, kernel.grow_boundary(line, 200):sum())
    assert.equal(0, kernel.grow_boundary(line, 399):sum())
    assert.is_true(kernel.grow_boundary(a, math.maxinteger):equal(kernel.grow_boundary(a, 13)))
  end)

  it("covers all of a section that is folded", function()
    local section = kernels.grey { 8, 9 }
    local folded = kernel.fold(section, { 0, 4 }, { 7, 4 }, "rows", 1, math.maxinteger, false)
    assert.equal(0, folded:astype("float64"):sum())
    assert.is_true(folded:equal(kernel.fold(section, { 0, 4 }, { 7, 4 }, "rows", 1, 20, false)))
  end)

  it("is refused", function()
    local canvas, glyphs = core.zeros({ 4, 5, 3 }, "uint8"), core.zeros({ 2, 3, 3 }, "uint8")
    assert.error_matches(function() kernel.draw_text(canvas, glyphs, "ab", math.maxinteger, 0, 1, { 0, 0, 0 }) end, "text at 9223372036854775807, 0 ")
    assert.error_matches(function() kernel.draw_text(canvas, glyphs, "ab", 0, 0, math.mininteger, { 0, 0, 0 }) end, "2%^31")
    assert.error_matches(function() kernel.grow_boundary(a, -1) end, "%-1 steps")
  end)

  it("of a line to the edge of what doubles count is refused", function()
    local far = 2.0 ^ 52
    local graph = core.Graph { { { 1, { -far } }, { 2, { far } } }, { { 1, 2 } }, core.GraphSpec { roi = core.Roi({ 0 }, { 10 }) } }
    assert.error_matches(function() kernel.draw_graph(graph, core.Roi({ math.tointeger(far) - 5 }, { 10 }), { 1 }) end, "no line can be drawn there")
  end)
end)
