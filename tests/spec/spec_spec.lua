local core = require "moondust.core"
local ArraySpec, GraphSpec, Roi = core.ArraySpec, core.GraphSpec, core.Roi

local function message(f, ...)
  local ok, text = pcall(f, ...)
  assert.is_false(ok)
  return (tostring(text):gsub("^[^:]+:%d+: ", ""))
end

describe("ArraySpec", function()
  it("says nothing at first", function()
    local s = ArraySpec()
    for _, field in ipairs{ "roi", "voxel_size", "interpolatable", "dtype" } do assert.is_nil(s[field]) end
    assert.is_false(s.nonspatial)
    assert.is_false(s.placeholder)
    assert.equal("ArraySpec{ }", tostring(s))
    assert.equal(s, ArraySpec{})
  end)

  it("takes upstream's arguments by name and by position", function()
    local roi = Roi({ 0, 0 }, { 100, 50 })
    local named = ArraySpec{ roi = roi, voxel_size = { 10, 5 }, interpolatable = false, dtype = "uint8", placeholder = true }
    assert.equal(named, ArraySpec{ roi, { 10, 5 }, false, nil, "uint8", true })
    assert.equal(roi, named.roi)
    assert.equal(core.Coordinate{ 10, 5 }, named.voxel_size)
    assert.is_false(named.interpolatable)
    assert.equal("ArraySpec{ roi = [0:100, 0:50] (100, 50), voxel_size = (10, 5), interpolatable = false, " ..
      "dtype = uint8, placeholder = true }", tostring(named))
    assert.equal("ArraySpec is given 'roi' twice: by position and by name", message(ArraySpec, { roi, roi = roi }))
  end)

  it("names the field that was meant", function()
    assert.equal("ArraySpec has no field 'voxelsize'; did you mean 'voxel_size'?", message(ArraySpec, { voxelsize = { 1 } }))
    assert.equal("ArraySpec has no field 'ROI'; did you mean 'roi'?", message(ArraySpec, { ROI = 1 }))
    assert.equal("ArraySpec has no field 'colour'; there are roi, voxel_size, interpolatable, nonspatial, dtype and placeholder",
      message(ArraySpec, { colour = "red" }))
    assert.equal("ArraySpec takes at most 6 positional values, not one at [7]",
      message(ArraySpec, { nil, nil, nil, nil, nil, nil, 7 }))
    assert.equal("ArraySpec is made with one table, not string", message(ArraySpec, "roi"))
    assert.equal("ArraySpec has no field 'dtpye'; did you mean 'dtype'?", message(function() ArraySpec().dtpye = "uint8" end))
    assert.equal("ArraySpec has no fields with a number as name", message(function() ArraySpec()[1] = 1 end))
  end)

  it("checks each field, and stays as it was when the new value is wrong", function()
    local s = ArraySpec{ roi = Roi({ 0, 0 }, { 10, 10 }), voxel_size = { 1, 1 } }
    assert.equal("roi must be a Roi, not table", message(function() s.roi = { 1, 2 } end))
    assert.equal("voxel_size has 3 axes where 2 are wanted", message(function() s.voxel_size = { 1, 1, 1 } end))
    assert.equal("interpolatable must be true or false, not number", message(function() s.interpolatable = 1 end))
    assert.equal("placeholder must be true or false, not string", message(function() s.placeholder = "no" end))
    assert.is_truthy(message(function() s.dtype = "float16" end):find("float16", 1, true))
    assert.is_truthy(message(function() s.dtype = "bool" end):find("uint8", 1, true))
    assert.is_truthy(message(function() s.voxel_size = { 0, 1 } end))
    assert.is_truthy(message(function() s.nonspatial = true end))
    assert.equal(ArraySpec{ roi = Roi({ 0, 0 }, { 10, 10 }), voxel_size = { 1, 1 } }, s)
    s.voxel_size = nil
    assert.is_nil(s.voxel_size)
    s.voxel_size = 5
    assert.equal(core.Coordinate{ 5, 5 }, s.voxel_size)
  end)

  it("copies and updates", function()
    local s = ArraySpec{ roi = Roi({ 0 }, { 10 }), dtype = "uint8" }
    local t = s:copy()
    t.dtype = "float32"
    assert.equal("uint8", s.dtype)
    assert.equal(s, s:update_with(ArraySpec{ roi = Roi({ 20 }, { 5 }), interpolatable = true }))
    assert.equal(ArraySpec{ roi = Roi({ 0 }, { 25 }), dtype = "uint8", interpolatable = true }, s)
    assert.equal("expected an ArraySpec, got GraphSpec", message(function() s:update_with(GraphSpec()) end))
    assert.equal("expected an ArraySpec, got nil", message(function() s:update_with() end))
  end)
end)

describe("GraphSpec", function()
  it("has float32 locations unless told otherwise", function()
    assert.equal("float32", GraphSpec().dtype)
    assert.equal("GraphSpec{ dtype = float32 }", tostring(GraphSpec()))
    local s = GraphSpec{ directed = false, dtype = "float64" }
    assert.equal("GraphSpec{ directed = false, dtype = float64 }", tostring(s))
    s.dtype = nil
    assert.equal("float32", s.dtype)
  end)

  it("checks and updates as ArraySpec does", function()
    local s = GraphSpec{ Roi({ 0 }, { 10 }), true }
    assert.equal("GraphSpec has no field 'direct'; did you mean 'directed'?", message(function() s.direct = true end))
    assert.is_truthy(message(function() s.dtype = "uint8" end))
    s:update_with(GraphSpec{ roi = Roi({ 5 }, { 10 }) })
    assert.equal(Roi({ 0 }, { 15 }), s.roi)
    assert.is_true(s.directed)
    local t = s:copy()
    t.directed = nil
    assert.is_true(s.directed)
    assert.not_equal(s, t)
    assert.is_false(s == ArraySpec{ roi = s.roi })
  end)
end)
