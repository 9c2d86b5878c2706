-- Batch i of a stream alone is batch i of the stream: behind places in turn, Stacks, rejections, branches, and for every kind of seed.
local md = require "moondust"
local core = require "moondust.core"
local errors = require "spec.support.errors"
local program = require "spec.support.program"
local Seed = require "moondust.seed"

local A, B, G, ID = md.ArrayKey "A", md.ArrayKey "B", md.GraphKey "G", md.ArrayKey "ID"
local LENGTH = 100

-- Values say where they are from: 0 … 99.
local function source(key)
  local values = {}
  for i = 1, LENGTH do values[i] = i - 1 end
  return md.ArraySource { key or A, md.Array { md.ndarray(values, "int64"), md.ArraySpec { roi = md.Roi({ 0 }, { LENGTH }), voxel_size = { 1 } } } }
end

local function places(count, step)
  local list = {}
  for i = 1, count do list[i] = { (i - 1) * (step or 3) } end
  return list
end

local function request(shape, keys)
  local wanted = md.BatchRequest {}
  for _, key in ipairs(keys or { A }) do wanted[key] = md.Roi({ 0 }, { shape or 1 }) end
  return wanted
end

local function text(batch, keys)
  local parts = {}
  for i, key in ipairs(keys or { A }) do parts[i] = table.concat(batch[key].data:reshape { -1 }:totable(), " ") end
  return table.concat(parts, " | ")
end

-- What a stream gives, and each of its batches alone from a pipeline of its own; they must be the same.
local function stream_of(make, fields, wanted, keys)
  local stream = {}
  local count = fields.count or 12
  for batch, i in make():batches(wanted or request(), { count = count, seed = fields.seed or 1 }) do
    assert.equal(i, batch.index)
    stream[i + 1] = text(batch, keys)
  end
  for i = count - 1, 0, -1 do
    for batch in make():batches(wanted or request(), { count = 1, first = i, seed = fields.seed or 1 }) do
      assert.equal(stream[i + 1], text(batch, keys), ("batch %d alone"):format(i))
    end
  end
  return stream
end

describe("batch i alone", function()
  it("has its place in turn", function()
    assert.same({ "0", "3", "6", "9", "0" }, stream_of(function() return source() + md.SpecifiedLocation { places(4) } end, { count = 5 }))
  end)

  it("has its places behind a Stack, and behind Stacks of Stacks", function()
    local stream = stream_of(function() return source() + md.SpecifiedLocation { places(30) } + md.Stack { 2 } end, { count = 3 })
    assert.same({ "0 3", "6 9", "12 15" }, stream)
    stream = stream_of(function() return source() + md.SpecifiedLocation { places(30) } + md.Stack { 2 } + md.Stack { 3 } end, { count = 2 })
    assert.same({ "0 3 6 9 12 15", "18 21 24 27 30 33" }, stream)
  end)

  it("numbers only places that fit what is asked for", function()
    -- of 0, 3 … 99 those from which 0 … 5 around the centre lie inside
    local stream = stream_of(function() return source() + md.SpecifiedLocation { places(34) } + md.Stack { 2 } end, { count = 16 }, request(6))
    assert.equal("0 1 2 3 4 5 3 4 5 6 7 8", stream[1])
    local seen = {}
    for i = 1, 16 do
      for _, word in ipairs { stream[i]:match "^(%d+)", stream[i]:match "^%d+ %d+ %d+ %d+ %d+ %d+ (%d+)" } do
        assert.is_nil(seen[word])
        seen[word] = true
      end
    end
  end)

  local function odd(batch) return batch[A].data[1] % 2 == 1 end

  it("goes on to another place when it is rejected, not to the next batch's", function()
    local function make() return source() + md.SpecifiedLocation { places(20) } + md.RejectIf { odd } end
    local stream = stream_of(make, { count = 20 })
    local others = {}
    for i, value in ipairs(stream) do
      local place = (i - 1) * 3
      if place % 2 == 0 then assert.equal(tostring(place), value) else others[value] = true end
    end
    local different = 0
    for _ in pairs(others) do different = different + 1 end
    assert.is_true(different > 4, "rejected batches all went to the same places")
    assert.not_same(stream, stream_of(make, { count = 20, seed = 100 })) -- another seed, other ways to go on
  end)

  it("comes to every place once before one comes again", function()
    for count = 1, 9 do
      local asked = {}
      local function never(batch) asked[#asked + 1] = batch[A].data[1] return #asked < count end
      for batch in (source() + md.SpecifiedLocation { places(count) } + md.RejectIf { never }):batches(request(), { count = 1, first = 2, seed = 5 }) do batch:close() end
      local seen = {}
      for _, value in ipairs(asked) do
        assert.is_nil(seen[value])
        seen[value] = true
      end
      assert.equal(count, #asked)
    end
  end)

  it("is the same with Stacks and rejections inside of one another", function()
    local function first_small(batch) return batch[A].data:max() < 30 end
    local function sum_odd(batch) return batch[A].data:sum() % 2 == 1 end
    local makes = {
      function() return source() + md.SpecifiedLocation { places(30) } + md.RejectIf { odd } + md.Stack { 3 } end,
      function() return source() + md.SpecifiedLocation { places(30) } + md.Stack { 3 } + md.RejectIf { sum_odd } end,
      function() return source() + md.SpecifiedLocation { places(30) } + md.RejectIf { odd } + md.Stack { 2 } + md.RejectIf { first_small } + md.Stack { 2 } end,
      function() return source() + md.SpecifiedLocation { places(30) } + md.RejectIf { odd } + md.RejectIf { first_small } end,
      function() return source() + md.RandomLocation {} + md.RejectIf { odd } + md.Stack { 2 } + md.RejectIf { first_small } end,
    }
    for _, make in ipairs(makes) do stream_of(make, { count = 10 }) end
    -- all of a rejected Stack go on together: they stay different
    for _, batch in ipairs(stream_of(makes[2], { count = 10 })) do
      local a, b, c = batch:match "^(%d+) (%d+) (%d+)$"
      assert.is_true(a ~= b and b ~= c and a ~= c)
    end
  end)

  it("is the same behind branches", function()
    local function merged()
      local function in_eights(batch) return batch[B].data[1] % 8 == 0 end
      return { source(A) + md.SpecifiedLocation { places(7) }, source(B) + md.SpecifiedLocation { places(5, 4) } + md.RejectIf { in_eights } }
        + md.MergeProvider {} + md.Stack { 2 }
    end
    local stream = stream_of(merged, { count = 8 }, request(1, { A, B }), { A, B })
    assert.equal("0 3", stream[1]:match "^(.-) |")
    assert.equal("6 9", stream[2]:match "^(.-) |")
    local function chosen()
      return { source() + md.SpecifiedLocation { places(7) }, source() + md.SpecifiedLocation { { { 90 }, { 91 } } } } + md.RandomProvider {} + md.Stack { 2 }
    end
    for i, batch in ipairs(stream_of(chosen, { count = 12 })) do
      for k, word in ipairs { batch:match "^(%d+)", batch:match "(%d+)$" } do
        local turn = (i - 1) * 2 + k - 1
        assert.is_true(word == tostring(turn % 7 * 3) or word == tostring(90 + turn % 2), word)
      end
    end
  end)

  it("is the same when places are jittered, and when more is asked for than is delivered", function()
    stream_of(function() return source() + md.SpecifiedLocation { places(34), jitter = { 4 } } + md.Stack { 2 } end, { count = 12 }, request(5))
    local Wider = md.class("Wider", md.BatchFilter)
    function Wider:setup() self:updates(A, self.spec[A]) end
    function Wider:prepare(wanted) -- luacheck: ignore self
      local more = md.BatchRequest {}
      more[A] = md.ArraySpec { roi = wanted[A].roi:grow({ wanted.rng:randint(0, 3) }, { wanted.rng:randint(0, 3) }) }
      return more
    end
    function Wider:process(batch, wanted) batch[A] = batch[A]:crop(wanted[A].roi) end -- luacheck: ignore self
    stream_of(function() return source() + md.SpecifiedLocation { places(34) } + Wider {} + md.RejectIf { odd } + md.Stack { 2 } end, { count = 12 }, request(5))
  end)

  it("has its node of IterateLocations", function()
    local nodes = {}
    for i = 1, 9 do nodes[i] = md.Node { i * 11, { i * 10 } } end
    local function make()
      local graph = md.Graph { nodes, {}, md.GraphSpec { roi = md.Roi({ 0 }, { LENGTH }) } }
      return { source(), md.GraphSource { G, graph } } + md.MergeProvider {} + md.IterateLocations { G, node_id = ID } + md.RejectIf { odd } + md.Stack { 2 }
    end
    local wanted = request()
    wanted[ID] = md.ArraySpec { nonspatial = true }
    local stream = stream_of(make, { count = 6 }, wanted, { A, ID })
    assert.equal("10 20 | 11 22", stream[1])
    assert.equal("30 40 | 33 44", stream[2])
  end)

  it("is the same batch in a look ahead", function()
    local Look = require "moondust.look"
    local least, share = Look.least_voxels, Look.least_rejected
    Look.least_voxels, Look.least_rejected = 1, -1
    local function make(looking)
      return function()
        local node = md.RejectIf { md.policy.mean_below(A, 30) }
        if not looking then node.look_ahead = false end
        return { source(A), source(B) } + md.MergeProvider {} + md.SpecifiedLocation { places(20), jitter = { 1 } } + node
      end
    end
    local looked = stream_of(make(true), { count = 20 }, request(3, { A, B }), { A, B })
    local plain = stream_of(make(false), { count = 20 }, request(3, { A, B }), { A, B })
    Look.least_voxels, Look.least_rejected = least, share
    assert.same(plain, looked)
  end)

  it("is the same with a list as seed", function()
    stream_of(function() return source() + md.RandomLocation {} + md.Stack { 2 } end, { seed = { 7, 3 } })
    stream_of(function() return source() + md.SpecifiedLocation { places(30) } + md.RejectIf { odd } end, { seed = { -1 } })
  end)
end)

describe("a loop of request_batch", function()
  local function loop(make, seed, table_of)
    local p <close> = make():build()
    local wanted, seen = request(), {}
    wanted.random_seed = seed
    for i = 1, 4 do seen[i] = p:request_batch(wanted, table_of)[A].data[1] end
    return seen
  end
  local function make() return source() + md.SpecifiedLocation { places(3) } end

  it("goes through places in turn when requests have no seed, or hand on a table", function()
    assert.same({ 0, 3, 6, 0 }, loop(make))
    assert.same({ 0, 0, 0, 0 }, loop(make, 5)) -- a seed is a batch
    assert.same({ 0, 3, 6, 0 }, loop(make, 5, {}))
    assert.same({ 6, 0, 3, 6 }, loop(make, 5, { first = 2 }))
  end)

  it("begins anew with each build", function()
    local pipeline = make()
    for _ = 1, 2 do
      local p <close> = pipeline:build()
      assert.equal(0, p:request_batch(request()).index)
      local second = p:request_batch(request())
      assert.equal(1, second.index)
      assert.equal(3, second[A].data[1])
      local again = request()
      again.random_seed = second.random_seed
      assert.equal(3, p:request_batch(again, { first = second.index })[A].data[1])
    end
  end)

  it("gives artifacts of a DefectAugment their places, too", function()
    local X, M = md.ArrayKey "X", md.ArrayKey "M"
    local spec = md.ArraySpec { roi = md.Roi({ 0, 0 }, { 6, 1 }), voxel_size = { 1, 1 } }
    local dirt = { md.ArraySource { X, md.Array { md.ndarray({ { 0 }, { 0.1 }, { 0.2 }, { 0.3 }, { 0.4 }, { 0.5 } }, "float32"), spec } },
      md.ArraySource { M, md.Array { md.zeros({ 6, 1 }, "float32"):fill(1), spec } } } + md.MergeProvider {}
      + md.SpecifiedLocation { { { 0, 0 }, { 1, 0 }, { 2, 0 }, { 3, 0 }, { 4, 0 }, { 5, 0 } } }
    local clean = md.ArraySource { B, md.Array { md.zeros({ 3, 1 }, "float32"), md.ArraySpec { roi = md.Roi({ 0, 0 }, { 3, 1 }), voxel_size = { 1, 1 } } } }
    local pipeline = clean + md.DefectAugment { B, 0, 0, 1, artifact_source = dirt, artifacts = X, artifacts_mask = M }
    local wanted, seen = md.BatchRequest {}, {}
    wanted[B] = md.Roi({ 0, 0 }, { 3, 1 })
    for batch in pipeline:batches(wanted, { count = 2, seed = 1 }) do
      for _, value in ipairs(batch[B].data:reshape { -1 }:totable()) do seen[#seen + 1] = math.floor(value * 10 + 0.5) end
    end
    assert.same({ 0, 1, 2, 3, 4, 5 }, seen)
  end)
end)

describe("a stream's seed", function()
  -- As the page has it, step by step.
  local function mix(z)
    z = (z ~ (z >> 30)) * 0xbf58476d1ce4e5b9
    z = (z ~ (z >> 27)) * 0x94d049bb133111eb
    return z ~ (z >> 31)
  end
  local function by_hand(list, i)
    local h = 0
    for _, word in ipairs { #list, table.unpack(list) } do h = mix((h ~ word) + 0x9e3779b97f4a7c15) end
    return mix((h ~ i) + 0x9e3779b97f4a7c15) >> 32
  end

  it("is a hash of a list and a batch's number", function()
    for _, list in ipairs { { 7 }, { 7, 3 }, { -1 }, { 0, 0, 0 }, { math.mininteger, math.maxinteger }, { 5000000000, 2 } } do
      for _, i in ipairs { 0, 1, 41, 1 << 40 } do assert.equal(by_hand(list, i), md.batch_seed(list, i)) end
    end
    -- made in Python
    assert.same({ 2622745305, 2695968683, 1389303178, 1877099915 },
      { md.batch_seed({ 7, 3 }, 0), md.batch_seed({ 7, 3 }, 1), md.batch_seed({ -1 }, 0), md.batch_seed({ 7, 3, 1 << 40 }, 5) })
    assert.equal(md.batch_seed({ 7, 3 }, 0), md.batch_seed({ 7.0, 3 }, 0))
    assert.equal(4, md.batch_seed(4294967295, 5))
  end)

  it("gives batches that one can ask for again by their own seed", function()
    local pipeline = source() + md.RandomLocation {}
    for batch, i in pipeline:batches(request(), { count = 5, seed = { 7, 3 } }) do
      assert.equal(md.batch_seed({ 7, 3 }, i), batch.random_seed)
      for again in pipeline:batches(request(), { count = 1, seed = batch.random_seed }) do assert.equal(text(batch), text(again)) end
    end
  end)

  it("isn't shared by lists that are neighbours", function()
    local seen, twice = {}, 0
    for epoch = 0, 39 do
      for worker = 0, 9 do
        for i = 0, 99 do
          local seed = core.seed_stream({ epoch, worker }, i)
          if seen[seed] then twice = twice + 1 end
          seen[seed] = true
        end
      end
    end
    assert.is_true(twice <= 2, twice .. " of 40000 seeds twice, 0.19 are to be expected") -- the test in C has ten millions
    local function batches(seed)
      local found = {}
      for batch in (source() + md.RandomLocation {} + md.Stack { 8 }):batches(request(), { count = 50, seed = seed }) do found[text(batch)] = true end
      return found
    end
    local function common(a, b)
      local count = 0
      for batch in pairs(a) do count = count + (b[batch] and 1 or 0) end
      return count
    end
    assert.equal(0, common(batches { 7, 1 }, batches { 7, 2 }))
    assert.equal(49, common(batches(1), batches(2))) -- as integers have it
  end)

  it("is kept as it was when the stream began", function()
    local list, seeds = { 7, 3 }, {}
    for batch in (source() + md.RandomLocation {}):batches(request(), { count = 3, seed = list }) do
      seeds[#seeds + 1] = batch.random_seed
      list[2] = list[2] + 1
    end
    assert.same({ md.batch_seed({ 7, 3 }, 0), md.batch_seed({ 7, 3 }, 1), md.batch_seed({ 7, 3 }, 2) }, seeds)
  end)

  it("is refused in words", function()
    local function message(seed) return errors.message(function() source():batches(request(), { seed = seed }) end) end
    assert.matches("a seed's list is empty", message {})
    assert.matches("number 2 of a seed's list must be a whole number from %-2%^63 to 2%^63 %- 1, not 0.5", message { 7, 0.5 })
    assert.matches("number 1 of a seed's list must be a whole number .*, not 1e%+300", message { 1e300 })
    assert.matches("number 1 of a seed's list must be a whole number .*, not \"7\"", message { "7" })
    assert.matches("takes numbers without names, {7, epoch}; it has 'epoch'", message { 7, epoch = 3 })
    assert.matches("random_seed must be a whole number from 0 to 4294967295, not %-1", message(-1))
    assert.matches("random_seed must be a whole number from 0 to 4294967295, not 0.5", message(0.5))
    assert.matches("random_seed must be a whole number from 0 to 4294967295, not \"7\"; a list of numbers is a table, {7, 3}", message "7")
    for _, seed in ipairs { {}, { 7, 0.5 }, -1 } do -- on the user's line
      local ok, raised = pcall(function() source():batches(request(), { seed = seed }) end)
      assert.is_false(ok)
      assert.matches("stream_spec%.lua:%d+: ", tostring(raised))
    end
    assert.matches("batches are counted 0, 1, 2 …, not %-1", errors.message(function() md.batch_seed(1, -1) end))
  end)

  it("is written and read on the command line", function()
    for _, seed in ipairs { 0, 4294967295, { 7 }, { 7, 3 }, { -1, math.mininteger, math.maxinteger } } do assert.same(seed, Seed.parse(Seed.text(seed))) end
    for _, words in ipairs { "", "-1", "4294967296", "1.5", "7,x", "7,,3", ",", "9223372036854775808,1", "0x7" } do
      local seed, why = Seed.parse(words)
      assert.is_nil(seed, words)
      assert.matches("whole number", why)
    end
  end)
end)

describe("the program", function()
  local script
  setup(function()
    script = os.tmpname() .. ".lua"
    local file = assert(io.open(script, "w"))
    file:write [[
      local md = require "moondust"
      local A, t, places = md.ArrayKey "A", {}, {}
      for i = 1, 100 do t[i] = i - 1 end
      for i = 1, 20 do places[i] = { i * 3 } end
      local request = md.BatchRequest {}
      request[A] = md.Roi({ 0 }, { 1 })
      return md.ArraySource { A, md.Array { md.ndarray(t, "int64"), md.ArraySpec { roi = md.Roi({ 0 }, { 100 }), voxel_size = { 1 } } } }
        + md.SpecifiedLocation { places } + md.RejectIf { function(b) return b[A].data[1] % 2 == 1 end }, request
    ]]
    file:close()
  end)
  teardown(function() os.remove(script) end)

  -- What `run` writes, and what the viewer shows, is what a script's stream gives.
  for words, seed in pairs { ["7"] = 7, ["7,3"] = { 7, 3 }, ["7,"] = { 7 } } do
    it("takes --seed " .. words, function()
      local out = os.tmpname()
      local result = program.run { "run", script, "-n", "5", "--seed", words, "--out", out }
      assert.equal(0, result.status, result.err)
      assert.matches("seed " .. words:gsub("%p", "%%%0"), result.out)
      local pipeline, wanted = dofile(script)
      local scenes <close> = require "moondust.viewer.pipeline_scenes" { pipeline = dofile(script), request = wanted, title = "test", seed = seed }
      for batch, i in pipeline:batches(wanted, { count = 5, seed = seed }) do
        local there <close> = assert(core.hdf5.open(out, "r"))
        local group = ("batch_%06d"):format(i)
        assert.equal(batch.random_seed, there:attribute(group, "random_seed"))
        assert.is_true(batch[A].data:equal(assert(there:read(group .. "/A"))))
        local scene = scenes:load((scenes.first + i) % (1 << 32))
        assert.equal(batch[A].data[1], scene.panes[1].data[1])
        assert.matches(type(seed) == "table" and ("^batch %d, seed %d$"):format(i, batch.random_seed) or "^seed " .. batch.random_seed .. "$", scene.label)
        scene.close()
      end
      os.remove(out)
    end)
  end

  it("says what is wrong with --seed", function()
    local result = program.run { "run", script, "--seed", "7,x" }
    assert.equal(2, result.status)
    assert.matches("'7,x' must be whole numbers", result.err)
    assert.matches("'%-5' must be a whole number from 0 to 4294967295, or a list", program.run({ "run", script, "--seed=-5" }).err)
  end)
end)
