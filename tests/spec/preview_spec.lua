--- md.preview and `moondust preview`: the batch is the one that a run gives, and beside it stands what it came from.
local md = require "moondust"
local core = require "moondust.core"
local errors = require "spec.support.errors"
local program = require "spec.support.program"

local OTHER, GT, TARGET, POINTS = md.ArrayKey "OTHER", md.ArrayKey "GT", md.ArrayKey "TARGET", md.GraphKey "POINTS"
local has_png = core.version().features.png

-- A row of 64 voxels of 10 world units, each with an id of its own.
local function source(first)
  local ids = core.zeros({ 1, 64 }, "uint64")
  for i = 1, 64 do ids[{ 1, i }] = first + i end
  return md.ArraySource { GT, md.Array { ids, md.ArraySpec { roi = md.Roi({ 0, 0 }, { 10, 640 }), voxel_size = { 10, 10 }, interpolatable = false } } }
end

local function request(length)
  local wanted = md.BatchRequest {}
  wanted:add(GT, { 10, length or 40 })
  return wanted
end

-- Everything becomes the id 5; what was there is kept for the test.
local Flatten = md.class("Flatten", md.BatchFilter)
function Flatten.init() end
function Flatten:setup() self:updates(GT, self.spec[GT]) end
function Flatten:process(batch)
  self.seen = batch[GT].data[{ 1 }]:totable()
  batch[GT].data = batch[GT].data:copy():fill(5)
end

-- Asks for a voxel more on each side.
local Wider = md.class("Wider", md.BatchFilter)
function Wider.init() end
function Wider:setup() self:updates(GT, self.spec[GT]) end
function Wider.prepare(_, wanted)
  local own = md.BatchRequest {}
  own[GT] = wanted[GT]
  own[GT].roi = wanted[GT].roi:grow({ 0, 10 }, { 0, 10 })
  return own
end
function Wider.process(_, batch, wanted) batch[GT] = batch[GT]:crop(wanted[GT].roi) end

local function color_of(id) return core.kernel.colorize(core.ndarray({ id }, "uint64"))[1]:totable() end

local function image_of(pipeline, wanted, fields)
  local path = os.tmpname()
  fields.path, fields.text, fields.width = path, 0, fields.width or 200
  assert(md.preview(pipeline, wanted, fields))
  local image = assert(core.png.read(path))
  os.remove(path)
  return image
end

-- Pixels at voxel x of before (an outline runs along its border) and after, which begins at `left`.
local function voxel(image, left, x) return image[{ 4, left + x * 8 + 4 }]:totable() end

describe("md.preview", function()
  if not has_png then return it("needs libpng", function() pending "no libpng" end) end

  it("shows what the place that was chosen looked like, beside the batch", function()
    local flatten = Flatten {}
    local image = image_of(source(100) + md.RandomLocation {} + flatten, request(), { count = 1, seed = 3 })
    local place = flatten.seen
    assert.same({ 8, 4 * 8 + 8 + 4 * 8, 3 }, image.shape)
    for x = 0, 3 do
      assert.same(color_of(place[x + 1]), voxel(image, 0, x))
      assert.same(color_of(5), voxel(image, 40, x))
    end
  end)

  it("has before as large as what was asked for, at the same scale, and marks where after lies", function()
    local image = image_of(source(0) + md.SpecifiedLocation { { { 5, 300 } } } + Wider {} + Flatten {}, request(), { count = 1, seed = 3 })
    assert.same({ 8, 6 * 8 + 8 + 4 * 8, 3 }, image.shape)
    local first = image[{ 4, 1 }]:totable()
    for x = 0, 5 do assert.same(color_of(28 + x), voxel(image, 0, x), x) end
    assert.same(color_of(28), first)
    local yellow = require("moondust.picture.sheet").OUTLINE
    assert.same(yellow, image[{ 4, 8 + 1 }]:totable())
    assert.same(yellow, image[{ 1, 8 + 16 }]:totable())
  end)

  it("shows the attempt that was not rejected", function()
    local seen = {}
    local pipeline = source(0) + md.RandomLocation {} + md.RejectIf { function(batch, _, attempt)
      seen[attempt] = batch[GT].data[{ 1, 1 }]
      return attempt < 3
    end }
    local image = image_of(pipeline, request(), { count = 1, seed = 11 })
    assert.equal(3, #seen)
    assert.not_equal(seen[0], seen[3])
    assert.same(color_of(seen[3]), voxel(image, 0, 0))
    assert.same(color_of(seen[3]), voxel(image, 40, 0))
  end)

  it("changes no draw", function()
    local pipeline = source(0) + md.RandomLocation {} + md.SimpleAugment { transpose_only = {} }
    local wanted, hash = request(), nil
    for batch in pipeline:batches(wanted, { count = 1, seed = 8 }) do hash = batch[GT].data:hash() end
    local p <close> = pipeline:build()
    wanted.random_seed = 8
    local nodes = {}
    local batch = p:request_batch(wanted, nil, function(node) nodes[#nodes + 1] = node:name() end)
    assert.equal(hash, batch[GT].data:hash())
    assert.same({ "ArraySource[GT]", "RandomLocation", "SimpleAugment" }, nodes)
    image_of(p, wanted, { count = 2 })
    assert.equal(hash, p:request_batch(wanted)[GT].data:hash()) -- and the pipeline stays built
  end)

  it("takes each key from where it was placed, and sources where nothing places", function()
    local other = md.ArraySource { OTHER, md.Array { core.zeros({ 1, 4 }, "uint64"):fill(9),
      md.ArraySpec { roi = md.Roi({ 0, 0 }, { 10, 40 }), voxel_size = { 10, 10 }, interpolatable = false } } }
    local wanted = request()
    wanted:add(OTHER, { 10, 40 })
    local image = image_of({ source(0) + md.SpecifiedLocation { { { 5, 300 } } }, other } + md.MergeProvider {} + Flatten {}, wanted, { count = 1, seed = 1 })
    assert.same({ 8 + 5 + 8, 72, 3 }, image.shape)
    assert.same(color_of(29), voxel(image, 0, 0))
    assert.same(color_of(5), voxel(image, 40, 0))
    assert.same(color_of(9), image[{ 8 + 5 + 4, 12 }]:totable())
    assert.same(color_of(9), image[{ 8 + 5 + 4, 40 + 12 }]:totable())
  end)

  it("has rows for placeholders, and only the keys that are asked for", function()
    local function both() -- of one source, two keys
      local function array(name, value)
        return md.ArraySource { name, md.Array { core.zeros({ 1, 4 }, "uint64"):fill(value),
          md.ArraySpec { roi = md.Roi({ 0, 0 }, { 10, 40 }), voxel_size = { 10, 10 }, interpolatable = false } } }
      end
      return { array(GT, 3), array(OTHER, 9) } + md.MergeProvider {}
    end
    local wanted = request()
    wanted:add(OTHER, { 10, 40 }, { placeholder = true })
    local image = image_of(both() + Flatten {}, wanted, { count = 1, seed = 1 })
    assert.same({ 8 + 5, 72, 3 }, image.shape)
    wanted = request()
    wanted:add(OTHER, { 10, 40 })
    image = image_of(both() + Flatten {}, wanted, { count = 1, seed = 1, keys = { OTHER } })
    assert.same({ 8, 72, 3 }, image.shape)
    assert.same(color_of(9), voxel(image, 40, 1))
  end)

  it("stacks batches, leaves room where there was nothing before, and draws graphs", function()
    local graph = md.Graph { { md.Node { 1, { 5, 305 } } }, {}, md.GraphSpec { roi = md.Roi({ 0, 0 }, { 10, 640 }), directed = false } }
    local Copy = md.class("Copy", md.BatchFilter)
    function Copy.init() end
    function Copy:setup() self:provides(TARGET, self.spec[GT]:copy()) end
    function Copy.prepare(_, asked)
      local own = md.BatchRequest {}
      own[GT] = asked[TARGET]:copy()
      return own
    end
    function Copy.process(_, batch)
      local made = md.Batch {}
      made[TARGET] = batch[GT]:copy()
      return made
    end
    local wanted = request()
    wanted:add(TARGET, { 10, 40 })
    wanted:add(POINTS, { 10, 40 })
    local pipeline = { source(0), md.GraphSource { POINTS, graph } } + md.MergeProvider {} + md.SpecifiedLocation { { { 5, 300 } } } + Copy {}
    local image = image_of(pipeline, wanted, { count = 2, seed = 1 })
    local paper = image[{ 8 + 5 + 4, 12 }]:totable()
    assert.same({ 252, 252, 253 }, paper)
    assert.same(color_of(29), image[{ 8 + 5 + 4, 40 + 4 }]:totable())
    local dot = require("moondust.picture.cell").GRAPHS[1]
    assert.same(dot, image[{ 4, 20 }]:totable())
    assert.same(dot, image[{ 4, 40 + 20 }]:totable())
    assert.is_true(image.shape[1] > 2 * (8 + 5 + 8))
  end)

  it("leaves nothing behind", function()
    collectgarbage()
    local before = core.memory()
    do
      local pipeline = source(0) + md.RandomLocation {} + Flatten {}
      image_of(pipeline, request(), { count = 3, seed = 1 })
    end
    collectgarbage()
    collectgarbage()
    assert.is_true(core.memory() <= before + 4096)
  end)

  it("says what is wrong", function()
    local pipeline = source(0) + md.RandomLocation {}
    local function bare(...) return errors.bare(md.preview, ...) end
    assert.equal("md.preview wants a pipeline, not nil", bare(nil, request(), {}))
    assert.equal("md.preview wants a BatchRequest, not nil", bare(pipeline, nil, {}))
    assert.equal("md.preview has no option 'cuont'; did you mean 'count'?", bare(pipeline, request(), { cuont = 3 }))
    assert.equal("md.preview: 'count' must be 1 or more, not 0", bare(pipeline, request(), { count = 0 }))
    assert.matches("random_seed must be a whole number", bare(pipeline, request(), { seed = -1 }))
    assert.matches("overlay: there is no OTHER in the picture", bare(pipeline, request(), { seed = 1, overlay = OTHER }))
    local raised = errors.raised(md.preview, pipeline, request(6400), { seed = 1 })
    assert.equal("RandomLocation", raised.node)
    assert.is_nil(pipeline.nodes) -- closed again
    local ok, message = md.preview(pipeline, request(), { path = "/no/such/folder/a.png" })
    assert.is_nil(ok)
    assert.matches("/no/such/folder/a.png", message, 1, true)
  end)
end)

describe("moondust preview", function()
  it("draws the batches of a script", function()
    local script, out = program.temporary ".lua", program.temporary ".png"
    local file = assert(io.open(script, "w"))
    file:write [[
      local md = require "moondust"
      local GT = md.ArrayKey "GT"
      local data = md.zeros({ 4, 40, 40 }, "uint64"):fill(tonumber((...)))
      local spec = md.ArraySpec { roi = md.Roi({ 0, 0, 0 }, { 4, 40, 40 }), voxel_size = { 1, 1, 1 }, interpolatable = false }
      local request = md.BatchRequest {}
      request:add(GT, { 2, 20, 20 })
      return md.ArraySource { GT, md.Array { data, spec } } + md.RandomLocation {} + md.SimpleAugment { transpose_only = { 2, 3 } }, request
    ]]
    file:close()
    local result = program.run { "preview", script, "-n", "2", "--seed", "5", "-o", out, "--width", "400", "--", "7" }
    if not has_png then
      assert.matches("this build has no libpng", result.err)
    else
      assert.equal(("%s: 2 batches beside what they came from, seed 5\n"):format(out), result.out)
      local one = program.run { "preview", script, "-n", "1", "--seed", "5", "-o", out .. "1", "--width", "400", "--", "7" }
      assert.equal(("%s1: 1 batch beside what it came from, seed 5\n"):format(out), one.out)
      os.remove(out .. "1")
      local image, seven = assert(core.png.read(out)), color_of(7)
      assert.is_true((image[{ {}, {}, 1 }]:eq(seven[1]) * image[{ {}, {}, 2 }]:eq(seven[2])):sum() > 4 * 400)
    end
    assert.equal(2, program.run({ "preview" }).status)
    assert.matches("must return `pipeline, request`", program.run({ "preview", "tests/spec/support/errors.lua", "-o", out }).err, 1, true)
    os.remove(script)
    os.remove(out)
  end)
end)
