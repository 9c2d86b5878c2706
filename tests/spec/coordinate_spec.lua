local core = require "moondust.core"
local C = core.Coordinate

local function message(f, ...)
  local ok, text = pcall(f, ...)
  assert.is_false(ok)
  return (tostring(text):gsub("^[^:]+:%d+: ", ""))
end

describe("Coordinate", function()
  it("is made of a table of whole numbers or another coordinate", function()
    assert.equal("(40, 4, 4)", tostring(C{ 40, 4, 4 }))
    assert.equal("(40, 4)", tostring(C{ 40.0, 4 }))
    assert.equal(C{ 1, 2 }, C(C{ 1, 2 }))
    assert.same({ 1, 2, 3 }, C({ 1, 2, 3 }):totable())
  end)

  it("says what is wrong with what it is given", function()
    assert.equal("entry 2 of Coordinate must be a whole number, not 4.5", message(C, { 40, 4.5 }))
    assert.equal("entry 1 of Coordinate must be a whole number, not string", message(C, { "40" }))
    assert.equal("entry 1 of Coordinate must be a whole number, not inf", message(C, { math.huge }))
    assert.equal("entry 1 of Coordinate is nil; where there is no end, write `unbounded`", message(C, { nil, 4, 4 }))
    assert.equal("Coordinate has no entries; give one number per axis", message(C, {}))
    assert.equal("Coordinate has 9 entries; there are at most 8 axes", message(C, { 1, 2, 3, 4, 5, 6, 7, 8, 9 }))
    assert.equal("Coordinate must be a Coordinate or a table of whole numbers, not number", message(C, 3))
    assert.equal("Coordinate must be a Coordinate or a table of whole numbers, not nil", message(C))
    assert.equal("Coordinate must be a Coordinate or a table of whole numbers, not Rng", message(C, core.Rng()))
  end)

  it("has entries, a length and dims, and nothing else", function()
    local c = C{ 40, 4, -7 }
    assert.equal(3, #c)
    assert.equal(3, c.dims)
    assert.equal(-7, c[3])
    assert.equal("integer", math.type(c[3]))
    assert.is_nil(c[0])
    assert.is_nil(c[4])
    assert.is_nil(c[1.5])
    assert.is_nil(c.nothing)
    local seen = {}
    for i, v in ipairs(c) do seen[i] = v end
    assert.same({ 40, 4, -7 }, seen)
  end)

  it("is immutable", function()
    local c = C{ 1, 2 }
    assert.equal("a Coordinate can't be changed; make a new one", message(function() c[1] = 5 end))
    assert.equal("a Coordinate can't be changed; make a new one", message(function() c.x = 5 end))
    assert.equal(1, c[1])
  end)

  it("computes with coordinates, tables and numbers on either side", function()
    local c = C{ 40, 4, 4 }
    assert.equal(C{ 41, 6, 7 }, c + { 1, 2, 3 })
    assert.equal(C{ 41, 6, 7 }, { 1, 2, 3 } + c)
    assert.equal(C{ 45, 9, 9 }, 5 + c)
    assert.equal(C{ 35, -1, -1 }, c - 5)
    assert.equal(C{ -35, 1, 1 }, 5 - c)
    assert.equal(C{ 80, 12, 4 }, c * C{ 2, 3, 1 })
    assert.equal(C{ 20, 2, 2 }, c * 0.5)
    assert.equal(C{ 20, 2, 2 }, 0.5 * c)
    assert.equal(C{ 28, 7 }, C{ 280, 70 } * 0.1)
    assert.matches("4 %* 0.3 on axis 2 is 1.2%d*, and world units are whole", message(function() return c * 0.3 end))
    assert.equal(C{ -40, -4, -4 }, -c)
  end)

  it("divides towards zero with /, downwards with //, and % has the divisor's sign", function()
    local c = C{ -7, 7, 8 }
    assert.equal(C{ -3, 3, 4 }, c / 2)
    assert.equal(C{ -4, 3, 4 }, c // 2)
    assert.equal(C{ 1, 1, 0 }, c % 2)
    assert.equal(C{ -1, -1, 0 }, c % -2)
    assert.is_truthy(message(function() return c // 0 end):find("zero", 1, true))
  end)

  it("keeps 64-bit numbers whole and refuses to overflow", function()
    local big = (1 << 53) + 1
    assert.equal(big + 1, (C{ big } + 1)[1])
    assert.is_truthy(message(function() return C{ math.maxinteger } + 1 end))
    assert.is_truthy(message(function() return -C{ math.mininteger } end))
  end)

  it("refuses other numbers of axes", function()
    assert.equal("the right operand has 3 axes where 2 are wanted", message(function() return C{ 1, 2 } + C{ 1, 2, 3 } end))
    assert.equal("the left operand has 1 axes where 2 are wanted", message(function() return { 1 } + C{ 1, 2 } end))
    assert.equal("the right operand must be a Coordinate or a table of whole numbers, not string",
      message(function() return C{ 1, 2 } + "x" end))
  end)

  it("knows unbounded, which swallows what it meets", function()
    local u = core.unbounded
    local c = C{ u, 4 }
    assert.equal("unbounded", tostring(u))
    assert.equal(u, c[1])
    assert.not_equal(u, c[2])
    assert.equal(C{ u, 5 }, c + 1)
    assert.equal(C{ u, u }, c + C{ 1, u })
    assert.same({ u, 4 }, c:totable())
    assert.not_equal(C{ 0, 4 }, c)
  end)

  it("compares by value and never with other things", function()
    assert.equal(C{ 1, 2 }, C{ 1, 2 })
    assert.not_equal(C{ 1, 2 }, C{ 1, 2, 0 })
    assert.is_false(C{ 1, 2 } == core.Roi({ 1 }, { 2 }))
    assert.is_false(C{ 1, 2 } == { 1, 2 })
  end)
end)
