-- Misuse is blamed on the line of the script, whichever of our functions finds it.
local md = require "moondust"

-- Runs a chunk that a user might have written; the misuse stands on its third line.
local function complaint(line)
  local chunk = assert(load("local md, request, batch, c, roi, array, graph = ...\nlocal x\n" .. line .. "\nreturn x", "@user.lua"))
  local roi = md.Roi({ 0, 0 }, { 4, 4 })
  local array = md.Array { md.zeros({ 4, 4 }, "uint8"), md.ArraySpec { roi = roi, voxel_size = { 1, 1 } } }
  local graph = md.Graph { { md.Node { 1, { 1, 1 } } }, {}, md.GraphSpec { roi = roi } }
  local ok, raised = pcall(chunk, md, md.BatchRequest {}, md.Batch {}, md.Coordinate { 1, 2 }, roi, array, graph)
  assert.is_false(ok, line)
  return tostring(raised)
end

describe("an error of misuse names the script's line", function()
  it("in every constructor", function()
    local made = 0
    for _, name in ipairs(md.lazy_names()) do
      local value = md[name]
      if type(value) == "table" and rawget(value, "class_name") and value.options then
        made = made + 1
        for _, wrong in ipairs { "7", "{ no_such_option = 1 }" } do
          assert.matches("^user%.lua:3: ", complaint(("x = md.%s(%s)"):format(name, wrong)))
        end
      end
    end
    assert.is_true(made > 40, made .. " constructors")
  end)

  it("in values, requests and batches", function()
    for _, line in ipairs {
      'md.ArrayKey ""', "md.ArrayKey(nil)", "md.Coordinate{}", 'md.Coordinate{ 1, "a" }', "md.Roi(1)", "md.Roi({ 0 }, { 1, 2 })", "md.ArraySpec{ no = 1 }",
      "md.GraphSpec{ no = 1 }", "md.Array{ 1 }", 'md.zeros({ 1 }, "float99")', "md.zeros(nil)", "md.BatchRequest{ random_seed = -1 }", "md.BatchRequest{ no = 1 }",
      "request:add()", 'request:add("RAW", { 1 })', 'request:add(md.ArrayKey "A")', 'request:add(md.ArrayKey "A", 7)', 'request:add(md.ArrayKey "A", { 1.5 })',
      'request:add(md.ArrayKey "A", { 1 }, { no = 1 })', "c + roi", "c * 0.3", "c + { 1, 2, 3 }", "c // 0", "roi:grow(1, {})", "roi:shift()", "roi:snap_to_grid({ 0, 0 })",
      'roi:snap_to_grid({ 1, 1 }, "no")', "roi:contains()", "array.data:fill()", 'array.data:astype("no")', "array.data:count({})",
      "array.data + {}", "array:crop(md.Roi({ 9, 9 }, { 1, 1 }))",
      "graph:crop()", "graph:shift()", 'request["RAW"]', 'batch["RAW"]', "md.no_such_thing", 'md.class()', 'md.class("A", 1)',
    } do
      assert.matches("^user%.lua:3: ", complaint("x = " .. line), line)
    end
    for _, line in ipairs { 'request["RAW"] = roi', "request[1] = roi", 'request[md.ArrayKey "A"] = 7', 'batch[md.ArrayKey "A"] = 7', 'batch["RAW"] = array', "c[1] = 2",
      "roi.offset = 2", "array.data[{ 9, 9 }] = 1" } do
      assert.matches("^user%.lua:3: ", complaint(line), line)
    end
  end)
end)

describe("a name in place of a key", function()
  local RAW = md.ArrayKey "RAW"
  local roi = md.Roi({ 0 }, { 10 })
  it("is refused in requests and batches, with the key that was meant", function()
    local request = md.BatchRequest {}
    request[RAW] = roi
    local _, message = pcall(function() request["RAW"] = roi end)
    assert.matches("a BatchRequest has no field 'RAW'; it is indexed by keys, not by their names: did you mean %[md.ArrayKey \"RAW\"%]%?", message)
    local source = md.ArraySource { RAW, md.Array { md.zeros({ 10 }, "float32"), md.ArraySpec { roi = roi, voxel_size = { 1 } } } }
    local built <close> = source:build()
    local batch = built:request_batch(request)
    assert.matches("a Batch has no field 'raw'; .- did you mean %[md.ArrayKey \"RAW\"%]", select(2, pcall(function() return batch.raw end)))
    assert.matches("OTHER is not in the batch %(it has RAW%)", select(2, pcall(function() return batch[md.ArrayKey "OTHER"] end)))
    assert.is_false(batch:has(md.ArrayKey "OTHER"))
    assert.is_true(batch:has(RAW))
  end)

  it("and a dtype that was not announced is refused", function()
    local Odd = md.class("Odd", md.BatchFilter)
    function Odd:setup() self:updates(RAW, self.spec[RAW]) end
    function Odd:process(batch) batch[RAW].data = batch[RAW].data:astype "int16" end -- luacheck: ignore self
    local pipeline = md.ArraySource { RAW, md.Array { md.zeros({ 10 }, "float32"), md.ArraySpec { roi = roi, voxel_size = { 1 } } } } + Odd {}
    local built <close> = pipeline:build()
    local request = md.BatchRequest {}
    request[RAW] = roi
    assert.matches("Odd: announced float32 for RAW, delivered int16", tostring(select(2, pcall(built.request_batch, built, request))))
  end)
end)

describe("ids from 2^63 on", function()
  local A = md.ArrayKey "A"
  local roi = md.Roi({ 0 }, { 4 })
  local function ask(node, wanted)
    local labels = md.zeros({ 4 }, "uint64"):fill(0xffffffffffffffff)
    labels[{ 1 }] = 5
    local pipeline = md.ArraySource { A, md.Array { labels, md.ArraySpec { roi = roi, voxel_size = { 1 } } } } + node
    local built <close> = pipeline:build()
    local request = md.BatchRequest {}
    request[A] = wanted or roi
    return built:request_batch(request)[A].data
  end
  it("are taken as integers of the same bits and as digits, everywhere", function()
    for _, id in ipairs { 0xffffffffffffffff, "18446744073709551615", "0xffffffffffffffff" } do
      assert.equal(5, ask(md.Pad { A, value = id }, md.Roi({ -1 }, { 6 })):count(id))
      assert.equal(4, ask(md.ExcludeLabels { A, { 5 }, background_value = id }):count(id))
      assert.equal(3, ask(md.ExcludeLabels { A, { id } }):count(0))
      assert.equal(4, ask(md.GrowBoundary { A, steps = 4, background = id }):count(id))
      assert.same({ 1, 1 }, { ask(md.RejectIfEmpty { A, background = id }):ne(id):sum(), md.zeros({ 1 }, "uint64"):fill(id):count(id) })
    end
    local two_63 = md.zeros({ 1 }, "uint64"):fill(2.0 ^ 63)
    assert.equal(1, two_63:count "9223372036854775808")
    assert.equal(math.maxinteger, md.zeros({ 1 }, "int64"):fill("18446744073709551615")[1]) -- saturates
    assert.equal(0, md.zeros({ 1 }, "int64"):fill(-1):count "18446744073709551615")
  end)
  it("don't fit elsewhere", function()
    local pad = require("moondust.core").kernel.pad
    assert.matches("value 18446744073709551615 doesn't fit int64", select(2, pcall(pad, md.zeros({ 1 }, "int64"), { 1 }, { 1 }, "constant", "18446744073709551615")))
    assert.is_false((pcall(function() return md.zeros({ 1 }, "uint64"):fill "18446744073709551616" end)))
  end)
end)
