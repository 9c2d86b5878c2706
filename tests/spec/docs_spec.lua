-- docs/nodes.md and docs/deviations.md speak of what is there.
local md = require "moondust"
local is_a = require("moondust.class").is_a
local golden = require "spec.support.golden"

local function read(path)
  local file = assert(io.open(path))
  local text = file:read "a"
  file:close()
  return text
end

local nodes, deviations = read "docs/nodes.md", read "docs/deviations.md"

-- What is in the cells of a line of a table, or nil.
local function cells(line)
  if not line:find "^| " then return nil end
  local list = {}
  for cell in line:gmatch "| ([^|]*) " do list[#list + 1] = cell end
  return list
end

-- `file_spec: "one", "two"` -> file_spec, one; file_spec, two. "battery, " may stand in front of a name.
local function each_test(text)
  local found = {}
  for file, at in text:gmatch "([%w_]+_spec): ()" do
    local where = file
    while true do
      local stop = text:match('^battery, ()', at)
      if stop then where, at = "support/battery", stop end
      local name, after = text:match('^"([^"]*)"()', at)
      if not name then break end
      found[#found + 1] = { where, name }
      at = text:match("^, ()", after)
      if not at then break end
    end
  end
  return found
end

local function plain(text) return (text:gsub("%p", "%%%0")) end

-- Names of tests in a spec as Lua patterns: literal ones, formats, and those that go on with something computed.
local function names_in(file)
  local text, patterns = read(("tests/spec/%s.lua"):format(file)), {}
  for _, call in ipairs { "it", "describe" } do
    for name, after in text:gmatch(call .. '%(%(?"(.-)"([^\n]*)') do
      local pattern = plain(name):gsub("%%%%[dsg]", ".+")
      patterns[#patterns + 1] = "^" .. pattern .. (after:find "^ *%.%." and "" or "$")
    end
  end
  if text:find "it%(case%.name" then
    for _, set in ipairs { "nodes", "nodes_more1", "nodes_more2", "trainer" } do
      for _, case in ipairs(golden.cases(set)) do patterns[#patterns + 1] = "^" .. plain(case.name) .. "$" end
    end
  end
  return patterns
end

local HEADINGS = { original = true, upstream = true, node = true }

local known = {}
local function has_test(file, name)
  known[file] = known[file] or names_in(file)
  for _, pattern in ipairs(known[file]) do
    if name:find(pattern) then return true end
  end
  return false
end

local function anchors(text)
  local found = {}
  for heading in text:gmatch "\n#+ ([^\n]+)" do
    found[heading:lower():gsub("[^%w%- ]", ""):gsub(" ", "-")] = true
  end
  return found
end

describe("docs/nodes.md", function()
  it("has every node and every predictor", function()
    local count = 0
    for _, name in ipairs(md.lazy_names()) do
      local value = md[name]
      if type(value) == "table" and (is_a(setmetatable({}, value), md.BatchProvider) or is_a(setmetatable({}, value), md.Predictor)) then
        count = count + 1
        assert.is_truthy(nodes:find("`" .. name .. "`", 1, true), name .. " is missing")
      end
    end
    assert.is_true(count >= 40, count .. " found only")
  end)

  it("has every wrapped array", function()
    local source = read "lua/moondust/arrays/init.lua"
    local list = assert(source:match "local modules = {(.-)}")
    for name in list:gmatch "(%w+) = " do
      assert.is_truthy(nodes:find("`arrays." .. name .. "`", 1, true), name .. " is missing")
    end
  end)

  it("names what is there", function()
    for line in nodes:gmatch "[^\n]+" do
      local row = cells(line)
      local here = row and row[2] or ""
      for name in here:gmatch "`([%w_.]+)`" do
        local value = md
        for part in name:gsub("^md%.", ""):gmatch "[%w_]+" do value = value[part] end
        assert.is_truthy(value, name)
      end
    end
  end)
end)

describe("docs/deviations.md", function()
  it("names tests that are there", function()
    local tests = each_test(deviations)
    assert.is_true(#tests > 120, #tests .. " found only")
    for _, test in ipairs(tests) do
      assert.is_true(has_test(test[1], test[2]), ("%s.lua has no test \"%s\""):format(test[1], test[2]))
    end
  end)

  it("has a test in every row", function()
    local rows = 0
    for line in deviations:gmatch "[^\n]+" do
      local row = cells(line)
      if row and not HEADINGS[row[1]] then
        rows = rows + 1
        assert.is_true(#each_test(row[#row]) > 0, line)
      end
    end
    assert.is_true(rows > 100, rows .. " rows found only")
  end)

  it("is where links lead to", function()
    local there = anchors(deviations)
    local count = 0
    for _, text in ipairs { nodes, deviations } do
      for anchor in text:gmatch "%]%([%w./]*#([%w-]+)%)" do
        count = count + 1
        assert.is_true(there[anchor], "#" .. anchor)
      end
    end
    assert.is_true(count > 10)
  end)

  it("would be missed", function()
    assert.is_false(has_test("graph_spec", "trims where a ROI ends at 1"))
    assert.is_true(has_test("graph_spec", "trims where a ROI ends at 0 or below"))
    assert.is_true(has_test("node_deform_augment_spec", "are upstream's with seed 42"))
    assert.is_false(has_test("node_deform_augment_spec", "are upstream's with seeds"))
    assert.same({ { "a_spec", "one, two" }, { "a_spec", "three" }, { "support/battery", "four" } },
      each_test 'a_spec: "one, two", "three"; b_spec: battery, "four"')
  end)
end)
