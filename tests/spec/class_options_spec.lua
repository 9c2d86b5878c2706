-- md.class, options, keys.
local md = require "moondust"
local errors = require "spec.support.errors"
local is_a = require("moondust.class").is_a
local options = require "moondust.options"

describe("md.class", function()
  local Base = md.class "Base"
  Base.options = { { "size", type = "integer", required = true }, { "name", type = "string", default = "x" }, { "factor", type = "number" } }
  function Base:init(values) self.seen = values.size end
  function Base:double() return 2 * self.size end
  function Base:__tostring() return "a Base of " .. self.size end
  local Derived = md.class("Derived", Base)
  function Derived:double() return Base.double(self) + 1 end

  it("makes objects of one table, by position and by name", function()
    local a, b = Base { 3, "y" }, Base { size = 4, factor = 0.5 }
    assert.same({ 3, "y", nil, 3 }, { a.size, a.name, a.factor, a.seen })
    assert.same({ 4, "x", 0.5 }, { b.size, b.name, b.factor })
  end)

  it("inherits methods, options and metamethods", function()
    local d = Derived { 3 }
    assert.equal(7, d:double())
    assert.equal("a Base of 3", tostring(d))
    assert.is_true(is_a(d, Derived) and is_a(d, Base))
    assert.is_false(is_a(Base { 1 }, Derived))
    assert.is_false(is_a(5, Base))
    assert.equal("class Derived", tostring(Derived))
  end)

  it("points at the line that is wrong", function()
    assert.matches("class_options_spec.lua:%d+: Base: 'size' is missing: a whole number$", errors.message(function() local _ = Base {} end))
    assert.matches("class_options_spec.lua:%d+: Derived has no option 'sise'; did you mean 'size'%?$", errors.message(function() local _ = Derived { sise = 3 } end))
  end)

  it("says what is wrong", function()
    local function of(fields) return errors.bare(function() local _ = Base(fields) end) end
    assert.equal("Base: 'size' must be a whole number, not 1.5", of { 1.5 })
    assert.equal("Base: 'name' must be a string, not true", of { 1, true })
    assert.equal("Base: 'size' is given twice, by position 1 and by name", of { 1, size = 2 })
    assert.equal("Base takes at most 3 positional arguments, 4 given", of { 1, "a", 2, 4 })
    assert.equal("Base has no option 'zzzzzzzzz'; it takes size, name, factor", of { 1, zzzzzzzzz = 1 })
    assert.equal("Base: RAW stands on the left of '='; put it into the table without a name", of { 1, [md.ArrayKey "RAW"] = 2 })
    assert.equal("Base is made with one table: Base{ … }, not with 5", of(5))
    assert.matches("Base is made with one table", of(md.ArrayKey "RAW"))
  end)

  it("refuses names and bases that are none", function()
    assert.matches("md.class wants a name", errors.message(md.class, 5))
    assert.matches("the base must be a class such as md.BatchFilter, not a table", errors.message(md.class, "A", {}))
  end)
end)

describe("options", function()
  local function parse(type, value) return select(2, options.parse("T", { { "v", type = type } }, { v = value })) end

  it("knows its types", function()
    local RAW, POINTS = md.ArrayKey "RAW", md.GraphKey "POINTS"
    local good = {
      { "number", 1.5 }, { "integer", 3.0 }, { "probability", 0 }, { "probability", 1 }, { "function", print }, { "function", md.ArraySource },
      { "array_key", RAW }, { "graph_key", POINTS }, { "key", POINTS }, { "array_keys", { RAW } }, { "array_key|array_keys", RAW },
      { "coordinate", { 1, 2 } }, { "coordinate", md.Coordinate { 1 } }, { "numbers", { 1.5, 2 } }, { "roi", md.Roi({ 0 }, { 1 }) },
      { "request", md.BatchRequest {} }, { "dtype", "uint8" }, { "any", false }, { "boolean", false },
    }
    for _, case in ipairs(good) do assert.is_nil(parse(case[1], case[2]), case[1]) end
  end)

  it("refuses others in words", function()
    local bad = {
      { "number", 0 / 0, "a number" }, { "number", "1", "a number" }, { "integer", 1.5, "a whole number" }, { "probability", 1.1, "a number from 0 to 1" },
      { "array_key", md.GraphKey "POINTS", "an ArrayKey" }, { "array_keys", {}, "a list of ArrayKeys" },
      { "array_key|array_keys", 5, "an ArrayKey or a list of ArrayKeys" }, { "coordinate", { 1.5 }, "a coordinate such as {40, 4, 4}" },
      { "dtype", "float31", "a dtype such as \"float32\"" }, { "roi", { 1 }, "a Roi" },
    }
    for _, case in ipairs(bad) do
      assert.equal(("T: 'v' must be %s, not %s"):format(case[3], options.describe(case[2])), parse(case[1], case[2]))
    end
  end)

  it("finds the nearest name, or none", function()
    assert.equal("array_specs", options.nearest("array_spec", { "filename", "datasets", "array_specs" }))
    assert.equal("datasets", options.nearest("DataSets", { "filename", "datasets" }))
    assert.is_nil(options.nearest("zzz", { "filename", "datasets" }))
  end)
end)

describe("keys", function()
  it("are interned by name, arrays and graphs apart", function()
    assert.equal(md.ArrayKey "RAW", md.ArrayKey "RAW")
    assert.are_not.equal(md.ArrayKey "RAW", md.ArrayKey "GT")
    assert.is_false(rawequal(md.ArrayKey "RAW", md.GraphKey "RAW"))
    assert.equal("RAW", tostring(md.ArrayKey "RAW"))
    assert.equal("RAW", md.ArrayKey("RAW").name)
  end)

  it("have names of letters, digits and '_'", function()
    for _, name in ipairs { "", "a b", "a/b", 5, {} } do
      assert.matches("ArrayKey wants a name of letters, digits and '_', such as ArrayKey \"RAW\"", errors.message(md.ArrayKey, name))
    end
    assert.has_error(function() md.ArrayKey() end)
  end)

  it("can't be changed", function()
    assert.matches("can't be changed", errors.message(function() md.ArrayKey("RAW").name2 = 1 end))
    assert.matches("has only a name, no 'spec'", errors.message(function() return md.ArrayKey("RAW").spec end))
  end)
end)

describe("require \"moondust\"", function()
  it("suggests names", function()
    assert.matches("moondust has no 'Hdf5Sorce'; did you mean 'Hdf5Source'%?", errors.message(function() return md.Hdf5Sorce end))
    assert.matches("moondust has no 'zzzzzzzzzzzz'$", errors.message(function() return md.zzzzzzzzzzzz end))
  end)

  it("loads everything that it names", function()
    for _, name in ipairs(md.lazy_names()) do assert.is_truthy(md[name], name) end
  end)

  it("sets no globals", function()
    local handle = assert(io.popen([[lua5.4 -e 'local before = {} for k in pairs(_G) do before[k] = true end
      local md = require "moondust" for _, n in ipairs(md.lazy_names()) do local _ = md[n] end
      for k in pairs(_G) do if not before[k] then print(k) end end' 2>&1]]))
    assert.equal("", handle:read "a")
    handle:close()
  end)
end)
