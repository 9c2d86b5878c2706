--- balance_weights: upstream's arithmetic by hand.
local core = require "moondust.core"
local balance = core.kernel.balance_weights

local function labels(values, dtype) return core.ndarray(values, dtype or "uint8") end

local function nearly(expected, actual)
  for i, value in ipairs(expected) do
    if type(value) == "table" then nearly(value, actual[i]) else assert.near(value, actual[i], 1e-6) end
  end
end

describe("kernel.balance_weights", function()
  it("weighs a class by its fraction", function()
    -- den starts at 1: fractions are 1/5 and 3/5.
    local w, counts = balance(labels { 0, 1, 1, 1 }, 2, {}, { -1 })
    assert.equal("float32", w.dtype)
    nearly({ 2.5, 5 / 6, 5 / 6, 5 / 6 }, w:totable())
    assert.same({ { 1, 5, 3, 5 } }, counts)
  end)

  it("counts masked-in voxels only, and gives masked-out ones no weight", function()
    local w, counts = balance(labels { 0, 1, 1, 1 }, 2, { labels { 1, 1, 0, 0 } }, { -1 })
    nearly({ 1.5, 1.5, 0, 0 }, w:totable())
    assert.same({ { 1, 3, 1, 3 } }, counts)
    w, counts = balance(labels { 0, 1 }, 2,
      { core.ndarray({ 0.5, 2 }, "float32"), core.ndarray({ 1, 0.25 }, "float64") }, { -1 })
    nearly({ 0.5, 0.5 }, w:totable()) -- masks multiply: 0.5 and 0.5; fractions 1/2
    assert.same({ { 1, 2, 1, 2 } }, counts)
  end)

  it("weighs bytes as it weighs ids, few classes and many, however many voxels", function()
    for _, n in ipairs { 1, 63, 64, 65, 1023, 1025, 5000 } do
      for _, classes in ipairs { 1, 6, 8, 9 } do
        local values, some = {}, {}
        for i = 1, n do values[i], some[i] = i * i % 31 % classes, i % 3 end
        for _, masks in ipairs { {}, { labels(some) } } do
          local a, counts = balance(labels(values), classes, masks, { -1 })
          local b, wanted = balance(labels(values, "uint64"), classes, masks, { -1 })
          assert.same(wanted, counts)
          assert.equal(b:hash(), a:hash())
        end
      end
    end
  end)

  it("clips fractions, to upstream's 0.05 and 0.95 unless told", function()
    local a = core.zeros({ 1000 }, "uint8")
    a[{ 1 }] = 1
    local function of(...) local w = balance(a, 2, {}, { -1 }, ...); return w[{ 1 }], w[{ 2 }] end
    local rare, common = of()
    assert.near(10, rare, 1e-6)
    assert.near(0.5 / 0.95, common, 1e-6)
    rare, common = of(0.01, 0.5)
    assert.near(50, rare, 1e-5)
    assert.near(1, common, 1e-6)
    rare, common = of(false, false)
    assert.near(500.5, rare, 1e-4)
    assert.near(0.5 / (999 / 1001), common, 1e-6)
  end)

  it("goes on counting from an earlier call, slab by slab, without changing its table", function()
    local first = { { 10, 20, 10, 20 } }
    local w, counts = balance(labels { { 0, 1 }, { 1, 1 } }, 2, {}, { 1, -1 }, nil, nil, first)
    assert.same({ { 11, 22, 11, 22 }, { 0, 3, 2, 3 } }, counts)
    assert.same({ { 10, 20, 10, 20 } }, first)
    nearly({ { 1, 1 }, { 0.75, 0.75 } }, w:totable())
    local _, more = balance(labels { { 0, 1 } }, 2, {}, { 1, -1 }, nil, nil, counts)
    assert.same({ { 12, 24, 12, 24 }, { 0, 3, 2, 3 } }, more)
  end)

  it("weighs in one byte a voxel what it weighs in floats, masks of yes and no of any shape and strides", function()
    local ids, inside = {}, {}
    for i = 1, 2 * 30 * 41 do ids[i], inside[i] = i * i % 3, i % 7 < 4 and 1 or 0 end
    local a = labels(ids):reshape { 2, 30, 41 }
    local mask = labels(inside):reshape { 2, 30, 41 }
    for _, dtype in ipairs { "uint8", "int16", "uint64" } do
      for _, masks in ipairs { { mask }, { mask, mask:flip(3) }, { mask:transpose(1, 3, 2):copy():transpose(1, 3, 2) }, {},
                               { mask[{ 1 }]:add_axis(1) } } do
        local floats = {}
        for m, one in ipairs(masks) do floats[m] = one:astype "float32" end
        local w, counts = balance(a:astype(dtype):flip(2), 3, masks, { 1, -1, -1 })
        -- Eight classes don't go into such bytes, floats aren't yes or no.
        local wanted, same = balance(a:astype(dtype):flip(2), 3, floats, { 1, -1, -1 })
        assert.is_true(w:equal(wanted))
        assert.same(same, counts)
      end
    end
    local w = balance(labels { 6, 0, 7, 7 }, 8, { labels { 1, 1, 0, 1 } }, { -1 })
    nearly({ 0.5, 0.5, 0, 0.5 }, w:totable())
  end)

  it("takes what is positive for one class and the rest for another", function()
    local a = core.ndarray({ 0, -3, 5, 1 << 40, 0, 2 }, "int64")
    for _, masks in ipairs { {}, { labels { 1, 1, 1, 0, 0, 1 } }, { core.ndarray({ 0.5, 1, 1, 0, 0, 1 }, "float32") } } do
      for _, dtype in ipairs { "int64", "int32", "uint64" } do
        local one = a:astype(dtype)
        local w, counts = balance(one, "positive", masks, { -1 })
        local wanted, same = balance(one:gt(0), 2, masks, { -1 })
        assert.is_true(w:equal(wanted))
        assert.same(same, counts)
      end
    end
    assert.has_error(function() balance(a, "negative", {}, { -1 }) end)
  end)

  it("weighs bytes of few classes as any labels, with masks of any numbers", function()
    local ids, parts = {}, {}
    for i = 1, 1500 do ids[i], parts[i] = i * i % 7, i % 5 / 3 end
    local masks = { core.ndarray(parts, "float32"), labels(ids) }
    for given = 0, 2 do
      local mask = { masks[1], given == 2 and masks[2] or nil }
      if given == 0 then mask = {} end
      local expected, counted = balance(labels(ids, "uint32"), 8, mask, { -1 })
      local weights, counts = balance(labels(ids), 8, mask, { -1 })
      assert.is_true(expected:equal(weights))
      assert.same(counted, counts)
    end
    local column = labels(ids):add_axis(2)
    local weights = balance(column, 8, { masks[1]:add_axis(2) }, { -1, 1 })
    assert.is_true(balance(labels(ids), 8, { masks[1] }, { -1 }):add_axis(2):equal(weights))
  end)

  it("broadcasts masks over leading axes, and drops their leading axes of one", function()
    local w = balance(labels { { 0, 1 }, { 1, 1 } }, 2, { labels { 1, 0 } }, { 1, -1 })
    nearly({ { 1, 0 }, { 1, 0 } }, w:totable())
    nearly({ 1, 0 }, balance(labels { 0, 1 }, 2, { labels { { 1, 0 } } }, { -1 }):totable())
    assert.error_matches(function() balance(labels { 0, 1 }, 2, { labels { 1, 0, 1 } }, { -1 }) end,
      "a mask doesn't go with the labels")
  end)

  it("takes views", function()
    local a, m = labels { { 0, 1, 1 }, { 1, 1, 0 } }, labels { { 1, 1, 0 }, { 0, 1, 1 } }
    local w = balance(a:flip(2):transpose(), 2, { m:flip(2):transpose() }, { 1, -1 })
    local straight = balance(a:flip(2):transpose():copy(), 2, { m:flip(2):transpose():copy() }, { 1, -1 })
    assert.is_true(w:equal(straight))
  end)

  it("names a label that is no class, its value and place", function()
    assert.has_error(function() balance(labels { { 0, 1 }, { 2, 9 } }, 2, {}, { -1, -1 }) end,
      "label 2 at {2, 1} is none of the 2 classes, which are 0 to 1: map labels to classes before")
    assert.has_error(function() balance(labels({ 0, -3 }, "int32"), 2, {}, { -1 }) end,
      "label -3 at {2} is none of the 2 classes, which are 0 to 1: map labels to classes before")
    assert.has_error(function() balance(labels({ 0, math.mininteger }, "uint64"), 2, {}, { -1 }) end,
      "label 9223372036854775808 at {2} is none of the 2 classes, which are 0 to 1: map labels to classes before")
  end)

  it("refuses other bad input", function()
    local a = labels { 0, 1 }
    assert.has_error(function() balance(core.zeros { 2 }, 2, {}, { -1 }) end,
      "labels must have an integer dtype, not float32: use :astype")
    assert.has_error(function() balance(a, 0, {}, { -1 }) end, "classes is 0, it must be from 1 to 16777216")
    assert.has_error(function() balance(a, 2, {}, { -1 }, 0.9, 0.1) end, "clipmin 0.9 is above clipmax 0.1")
    assert.has_error(function() balance(a, 2, {}, { -1 }, nil, nil, { { 1, 2 } }) end,
      "counts of slab 1: 2 numbers, 2 classes have 4")
    assert.has_error(function() balance(a, 2, {}, { -1, -1 }) end,
      "slab has 2 entries, the array has 1 axes: give one for each, -1 for a whole axis")
  end)
end)
