-- What the REPL is made of, without a terminal: chunks, completion, what values look like.
local md = require "moondust"
local core = require "moondust.core"
local block_picture = require "moondust.repl.block_picture"
local chunks = require "moondust.repl.chunk"
local complete = require("moondust.repl.complete").complete
local layout = require "moondust.repl.layout"
local lexer = require "moondust.repl.lexer"
local members = require "moondust.repl.members"
local show = require "moondust.repl.show"
local terminal = require "moondust.repl.terminal"
local program = require "spec.support.program"

local RAW, GT, PTS = md.ArrayKey "RAW", md.ArrayKey "GT", md.GraphKey "PTS"

local function style(fields)
  local new = { columns = 100, rows = 40, colours = "none", utf8 = true }
  for name, value in pairs(fields or {}) do new[name] = value end
  return new
end

local function shown(value, fields) return table.concat(show.lines(value, style(fields)), "\n") end

local function array_of(data, voxel_size)
  local roi = md.Roi({ 0, 0 }, { data.shape[1] * voxel_size[1], data.shape[2] * voxel_size[2] })
  return md.Array { data, md.ArraySpec { roi = roi, voxel_size = voxel_size, interpolatable = data.dtype:find "^float" ~= nil } }
end

local function ramp(height, width)
  local rows = {}
  for y = 1, height do
    rows[y] = {}
    for x = 1, width do rows[y][x] = x end
  end
  return md.ndarray(rows, "float32")
end

describe("a chunk", function()
  local environment, declared
  before_each(function() environment, declared = chunks.environment() end)

  local function run(text)
    local chunk, message = chunks.compile(text, environment, declared)
    return assert(chunk, message)()
  end

  it("is an expression or statements", function()
    assert.equal(3, run "1 + 2")
    assert.equal(3, run "= 1 + 2")
    assert.is_nil(run "x_of_repl_spec = 1")
    assert.equal(1, rawget(_G, "x_of_repl_spec"))
    assert.equal(1, run "x_of_repl_spec")
    _G.x_of_repl_spec = nil
  end)

  it("says when more is to come", function()
    for _, text in ipairs { "for i = 1, 2 do", "f(", "{ 1,", "x = {", "[[abc", "if x then", "function f()", "--[[", "md.Normalize{" } do
      local chunk, _, unfinished = chunks.compile(text, environment, declared)
      assert.is_nil(chunk, text)
      assert.is_true(unfinished, text)
    end
    for _, text in ipairs { "x x", "'abc", "end", "1 = 2", ")" } do
      local chunk, message, unfinished = chunks.compile(text, environment, declared)
      assert.is_nil(chunk, text)
      assert.is_string(message)
      assert.is_false(unfinished, text)
    end
  end)

  it("keeps the locals of the prompt, and those alone", function()
    run "local a <const>, b = 1, 2"
    assert.same({ 1, 2 }, { run "return a, b" })
    run "local b"
    assert.is_nil(run "b")
    run "local function f(n) local inner = n return n == 0 and 'done' or f(n - 1) end"
    assert.equal("done", run "f(3)")
    assert.is_nil(run "inner")
    run "do local hidden = 1 end for i = 1, 2 do local too = i end if true then local three = 3 end repeat local four = 4 until four"
    for _, name in ipairs { "hidden", "too", "three", "four" } do assert.is_nil(run(name), name) end
    assert.is_nil(rawget(_G, "a"))
    run "local print = 'mine'"
    assert.equal("mine", run "print")
    assert.is_function(_G.print)
    run "closed = 0 local c <close> = setmetatable({}, { __close = function() closed = closed + 1 end })"
    assert.equal(1, run "closed")
    assert.is_nil(run "c")
    _G.closed = nil
  end)

  it("names the line of a fault behind a local", function()
    run "local a = 1"
    local ok, message = pcall(run, "local x = 1\nlocal y <const>, z\nerror 'here'")
    assert.is_false(ok)
    assert.equal("stdin:3: here", message)
  end)
end)

describe("tokens", function()
  it("are names, strings, comments and signs, closed or not", function()
    local texts = {}
    for i, token in ipairs(lexer.tokens [==[a.b["x\"y"] = [[long]] -- rest
      1.5e3 //]==]) do texts[i] = token.kind .. " " .. token.text end
    assert.same({ "name a", "sign .", "name b", "sign [", 'string x\\"y', "sign ]", "sign =", "string long", "comment ", "number 1.5e3", "sign //" }, texts)
    for _, text in ipairs { "'abc", "\"", "[[abc\n", "[==[ ]]", "--[[ a", "-- a", "'a\\" } do
      local tokens = lexer.tokens(text)
      assert.is_false(tokens[#tokens].closed, text)
      assert.equal(#text, tokens[#tokens].last)
    end
  end)
end)

describe("completion", function()
  local session, effects

  before_each(function()
    effects = 0
    local array = array_of(ramp(4, 6), { 2, 3 })
    session = {
      md = md, RAW = RAW, GT = GT, arr = array.data, array = array, roi = md.Roi({ 0 }, { 1 }), point = md.Coordinate { 1, 2 }, graph = md.Graph { ndim = 3 },
      batch = md.Batch {}, request = md.BatchRequest {}, text = "abc", path = nil,
      pipeline = md.ArraySource { RAW, array } + md.Normalize { RAW },
      trap = setmetatable({ real = 1 }, {
        __index = function() effects = effects + 1 end, __pairs = function() effects = effects + 1 end, __len = function() effects = effects + 1 end,
        __call = function() effects = effects + 1 end,
      }),
    }
    session.batch[RAW] = array
    session.batch[md.ArrayKey "OTHER"] = md.Array { md.zeros { 2 } }
    session.request:add(GT, { 4, 6 })
  end)

  local function candidates(text)
    local found = complete(text, session)
    return table.concat(found, " "), found
  end

  local function has(text, ...)
    local _, found = candidates(text)
    local set = {}
    for _, name in ipairs(found) do set[name] = true end
    for _, name in ipairs { ... } do assert.is_true(set[name], ("%s: %s is not among %s"):format(text, name, table.concat(found, " "))) end
  end

  it("knows globals, keywords and the session's own variables", function()
    assert.equal("string", (candidates "stri"))
    assert.equal("function", (candidates "functio"))
    has("", "print", "batch", "md")
    assert.equal("batch", (candidates "x = bat"))
  end)

  it("knows fields and methods of every kind of value", function()
    assert.equal("mean", (candidates "arr:me"))
    has("arr.", "shape", "dtype", "mean")
    has("roi.", "offset", "shape", "contains")
    has("point.", "dims", "totable")
    has("graph:", "nodes", "crop")
    has("pipeline:", "build", "batches")
    has("RAW.", "name")
    has("md.", "GammaAugment", "zeros", "hdf5")
    has("md.hdf5.", "read", "list")
    has("md.arrays.", "Binarize")
    has("batch:", "get_total_roi", "keys")
    assert.equal("", (candidates "arr:sha"))
    assert.equal("begin", (candidates "batch[RAW].spec.roi.beg"))
    assert.equal("mean", (candidates "batch[RAW].data:me"))
    assert.equal("upper", (candidates "text:upp"))
    assert.equal("format", (candidates "string.form"))
    has("io.stdout:", "write")
  end)

  it("knows what calls give, from the manual", function()
    assert.equal("mean", (candidates "md.zeros({2}, 'uint8'):me"))
    assert.equal("mean", (candidates "arr:transpose(1, 2):copy():me"))
    has("md.Roi({0}, {1}).", "offset", "contains")
    has("md.Coordinate{1, 2}:", "totable")
    has("md.Pad{ RAW }:", "build", "name")
    assert.equal("", (candidates "arr:mean():"))
    assert.equal("", (candidates "nothing():"))
  end)

  it("lists every field that the C side answers to", function()
    for _, name in ipairs(members.names(md.Roi({ 0 }, { 1 }))) do assert.is_not_nil(members.get(session.roi, name), name) end
    for _, name in ipairs(members.names(session.arr)) do assert.is_not_nil(members.get(session.arr, name), name) end
  end)

  it("knows the options of a node that are not given yet", function()
    local text = candidates "md.RejectIfEmpty{ "
    assert.matches("^gt = ", text)
    assert.matches(" p = ", text)
    assert.equal("p = ", (candidates "md.RejectIfEmpty{ GT, p"))
    assert.not_matches("gt = ", (candidates "md.RejectIfEmpty{ GT, "))
    assert.not_matches(" p = ", (candidates "md.RejectIfEmpty{ p = 0.5, "))
    assert.matches("background = ", (candidates "x = 1\nmd.RejectIfEmpty{\n  GT,\n  "))
    assert.matches("key = ", (candidates "md.Normalize{ RAW } + md.Pad{ "))
    has("md.RejectIfEmpty{ p = ", "GT", "md")
  end)

  it("knows the keys of a batch and of a request", function()
    assert.equal('RAW] md.ArrayKey "OTHER"]', (candidates "batch["))
    assert.equal("RAW]", (candidates "batch[R"))
    assert.equal("GT]", (candidates "request["))
  end)

  it("knows the datasets of a file", function()
    local path = program.temporary ".h5"
    assert(md.hdf5.write(path, "volumes/raw", md.zeros { 2, 2 }))
    assert(md.hdf5.write(path, "volumes/labels", md.zeros { 2, 2 }))
    local text, found = candidates(('md.open_array("%s", "vol'):format(path))
    assert.equal("volumes/labels volumes/raw", text)
    assert.equal(1, found.in_string)
    text, found = candidates(('md.Hdf5Source{ "%s", datasets = { [RAW] = "volumes/r'):format(path))
    assert.equal("volumes/raw", text)
    assert.equal(('"'):byte(), found.append)
    session.path = path
    assert.equal("volumes/labels", (candidates "md.hdf5.read(path, 'volumes/l"))
    session.file = core.hdf5.open(path)
    assert.equal("volumes/raw", (candidates "file:read('volumes/r"))
    session.file:close()
    os.remove(path)
  end)

  it("knows the names of the manual", function()
    local before = rawget(_G, "help")
    rawset(_G, "help", function() end)
    has('help "GammaAug', "GammaAugment", "GammaAugment.gamma_min")
    rawset(_G, "help", before)
  end)

  it("runs nothing and never raises", function()
    for _, text in ipairs { "trap.", "trap:", "trap.x.", "trap[", "trap['", "trap{ ", "trap.x[1].", "print('x').", "('x'):", "nothing.here.", "1 + ", "]", "a)}", "{{{[", "'\\",
      "[==[", "-- comment", "--[[ c", "x:", ":", ".", "batch[batch[", "md.zeros({2}):", "f(function() return arr.", "md.unbounded.", "..." } do
      for stop = 1, #text do
        local found = complete(text:sub(1, stop), session)
        assert.is_number(found.start)
      end
    end
    assert.equal("real", (candidates "trap."))
    assert.equal(0, effects)
  end)

  it("tells where its candidates begin", function()
    assert.equal(4, complete("arr:me", session).start)
    assert.equal(11, complete('md.x("a", "b', session).start)
    assert.equal(0, complete("", session).start)
  end)
end)

describe("a value on the screen", function()
  it("is one line where it is simple", function()
    assert.equal("nil", shown(nil))
    assert.equal("2.5", shown(2.5))
    assert.equal('"a\\nb\\1\\"c\\""', shown "a\nb\1\"c\"")
    assert.equal('ArrayKey "RAW"', shown(RAW))
    assert.equal("(1, 2)", shown(md.Coordinate { 1, 2 }))
    assert.equal("function md.zeros, in C", shown(md.zeros))
    assert.matches("^function md.hdf5.read, .*lua/moondust/hdf5.lua:%d+$", shown(md.hdf5.read))
    assert.matches("^function, .*repl_spec.lua:%d+$", shown(function() end))
    assert.equal("thread", shown(coroutine.create(print)))
  end)

  it("has its tables sorted, nested to a depth, cycles named", function()
    assert.equal("{}", shown {})
    assert.equal("{ 1, 2, a = \"x\", b = { [true] = 3 } }", shown { 1, 2, b = { [true] = 3 }, a = "x" })
    local t = { [RAW] = 1 }
    t.t = t
    assert.equal("{ t = (itself), [RAW] = 1 }", shown(t))
    assert.equal("{ a = { b = { c = { d = {…} } } } }", shown { a = { b = { c = { d = { e = {} } } } } })
    local long = {}
    for i = 1, 1000 do long[i] = i end
    local text = shown(long, { rows = 12 })
    assert.equal(10, select(2, (text .. "\n"):gsub("\n", "")))
    assert.matches("… %d+ more lines$", text)
  end)

  it("is never more than a screen, whatever its tostring does", function()
    assert.equal(49, layout.length(shown(("x"):rep(500), { columns = 50 })))
    assert.matches("^table %(its tostring fails: .*oops", shown(setmetatable({}, { __tostring = function() error "oops" end })))
    for _, value in ipairs { _G, package.loaded, md.zeros { 300, 300 }, debug.getregistry() } do
      for _, rows in ipairs { 5, 24 } do
        local lines = show.lines(value, style { rows = rows, columns = 40 })
        assert.is_true(#lines <= math.max(1, rows - 2))
        for _, line in ipairs(lines) do assert.is_true(layout.length(line) < 40) end
      end
    end
  end)

  it("joins short results, stacks long ones", function()
    assert.equal("1  nil  \"a\"", show.results(table.pack(1, nil, "a"), style()))
    assert.is_nil(show.results(table.pack(), style()))
    assert.equal("nil", show.results(table.pack(nil), style()))
    assert.equal(2, select(2, show.results(table.pack(("x"):rep(60), ("y"):rep(60), 1), style()):gsub("\n", "")))
  end)

  it("is a table for a batch and a request", function()
    local batch = md.Batch {}
    batch[RAW] = array_of(ramp(2, 3), { 2, 4 })
    batch[PTS] = md.Graph { { md.Node { 1, { 1, 1 } } }, {}, md.GraphSpec { roi = md.Roi({ 0, 0 }, { 4, 12 }) } }
    assert.equal(table.concat({
      "Batch",
      "  key  dtype    shape             voxel size  ROI            min  mean  max",
      "  RAW  float32  2x3               (2, 4)      [0:4, 0:12]    1    2     3",
      "  PTS  graph    1 nodes, 0 edges              [0:4, 0:12]",
    }, "\n"):gsub("%[0:4, 0:12%]    1", "[0:4, 0:12]  1"):gsub("ROI            min", "ROI          min"), shown(batch))
    local request = md.BatchRequest { random_seed = 3 }
    request:add(RAW, { 4, 12 })
    assert.equal("BatchRequest, seed 3\n  key  ROI          shape\n  RAW  [0:4, 0:12]  (4, 12)", shown(request))
    assert.equal("Batch, empty", shown(md.Batch {}))
    batch:close()
    assert.matches("RAW  %(closed%)", shown(batch))
    assert.matches("PTS  graph %(closed%)", shown(batch))
  end)

  it("is a tree for a pipeline, with what each node announces once it is built", function()
    local function source(value) return md.ArraySource { RAW, array_of(ramp(2, 3) * value, { 2, 4 }) } end
    local pipeline = { source(1), source(2) + md.Normalize { RAW, factor = 0.5 } } + md.RandomProvider {} + md.Pad { RAW }
    assert.equal(table.concat({
      "Pipeline, not built", "  ┌ ArraySource[RAW]{ array = Array }", "  ├ ArraySource[RAW]{ array = Array }",
      "  │ Normalize{ array = RAW, factor = 0.5 }", "  RandomProvider", "  Pad{ key = RAW }" }, "\n"), shown(pipeline))
    assert.matches("  %+ ArraySource.*  | Normalize", shown(pipeline, { utf8 = false }))
    pipeline:build()
    local text = shown(pipeline)
    pipeline:close()
    assert.matches("^Pipeline, built\n  ┌ ArraySource[^\n]*\n  │     RAW  float32  %(2, 4%)  %[0:4, 0:12%]  %(4, 12%)  interpolatable\n  ├ ", text)
    assert.matches("Pad{ key = RAW }\n      RAW  float32  %(2, 4%)  everywhere  interpolatable$", text)
  end)

  it("is the signature and summary of a class", function()
    local text = shown(md.RejectIfEmpty, { columns = 200 })
    assert.matches("^md.RejectIfEmpty{ gt, p = 0.5, background = 0, max_attempts = 1000, %[timeout%], on_giving_up = \"error\" }\n  With probability p", text)
    assert.matches("help%(md.RejectIfEmpty%) tells more$", text)
  end)
end)

describe("an array on the screen", function()
  it("is numbers where it is small", function()
    assert.equal("ndarray int16 2x2\n  values  min 1, mean 2.5, max 4\n[[1 2]\n [3 4]]", shown(md.ndarray({ { 1, 2 }, { 3, 4 } }, "int16")))
    assert.equal("ndarray uint8 3\n  values  min 1, mean 2, max 3\n[1 2 3]", shown(md.ndarray({ 1, 2, 3 }, "uint8")))
    assert.equal("ndarray float32 0", shown(md.zeros { 0 }))
    local closed = md.zeros { 2 }
    closed:close()
    assert.equal("ndarray (closed)", shown(closed))
  end)

  it("is a picture in shades of characters without colours", function()
    local array = array_of(ramp(16, 16), { 2, 4 })
    assert.equal(table.concat({
      "Array float32 16x16", "  voxel size  (2, 4)", "  ROI         [0:32, 0:64] (32, 64)", "  values      min 1, mean 8.5, max 16" }, "\n"),
      (shown(array):match "^(.-)\n[^\n]*█"))
    local lines = show.lines(array, style())
    for i = 5, #lines - 1 do
      assert.equal(32, layout.length(lines[i])) -- voxels twice as wide as high: two columns each
      assert.equal((" "):rep(7) .. ("░"):rep(6) .. ("▒"):rep(6) .. ("▓"):rep(6) .. ("█"):rep(7), lines[i])
    end
    assert.equal("grey from 1.25 to 15.75", lines[#lines])
    assert.matches("\n +%.+:+%-+=+%++%*+#+%%+@+\n", shown(array, { utf8 = false }))
  end)

  it("has half blocks in true colour or 256 of them", function()
    local slice = md.ndarray({ { 0, 255 }, { 255, 0 } }, "float32")
    local lines = block_picture.draw(slice, style { colours = "true" }, { labels = false })
    assert.same({ "\27[38;2;0;0;0;48;2;255;255;255m▀\27[38;2;255;255;255;48;2;0;0;0m▀\27[0m" }, lines)
    lines = block_picture.draw(slice, style { colours = "256" }, { labels = false })
    assert.same({ "\27[38;5;16;48;5;231m▀\27[38;5;231;48;5;16m▀\27[0m" }, lines)
    lines = block_picture.draw(md.ndarray({ { 5, 5 } }, "float32"), style { colours = "true" }, { labels = false })
    assert.same({ "\27[38;2;128;128;128;49m▀▀\27[0m" }, lines)
  end)

  it("has the colours of labels that belong to their ids", function()
    local ids = md.ndarray({ { 7, 7 }, { 0, 9 } }, "uint64")
    local colours = core.kernel.colorize(ids):totable()
    local lines, legend = block_picture.draw(ids, style { colours = "true" }, { labels = true })
    local c = colours[1][1]
    assert.equal("labels", legend)
    assert.equal(1, (lines[1]:find(("\27[38;2;%d;%d;%d;48;2;0;0;0m▀"):format(c[1], c[2], c[3]), 1, true)))
    assert.same({ "hh", ".j" }, (block_picture.draw(ids, style { rows = 99 }, { labels = true, voxel_size = { 2, 1 } })))
  end)

  it("fits any screen and survives odd values", function()
    for _, columns in ipairs { 2, 20, 61, 300 } do
      for _, rows in ipairs { 1, 5, 60 } do
        local lines = block_picture.draw(ramp(50, 400), style { columns = columns }, { labels = false, rows = rows, voxel_size = { 40, 4 } })
        assert.is_true(#lines >= 1 and #lines <= rows)
        for _, line in ipairs(lines) do assert.is_true(layout.length(line) < columns) end
      end
    end
    local odd = md.ndarray({ { 0 / 0, 1 / 0, 3 }, { -1 / 0, 1, 2 } }, "float32")
    assert.has_no.errors(function() block_picture.draw(odd, style(), { labels = false }) end)
    assert.has_no.errors(function() shown(md.zeros({ 19, 19 }, "float32"):fill(0 / 0)) end)
    assert.has_no.errors(function() shown(md.zeros({ 2, 3, 4, 19, 19 }, "uint8")) end)
  end)

  it("shows the middle slice of the first channel", function()
    local data = md.zeros({ 2, 5, 9, 9 }, "float32")
    data[{ 1, 3 }] = ramp(9, 9)
    local slice, where = block_picture.middle(data, 3)
    assert.is_true(slice:equal(ramp(9, 9)))
    assert.equal("channel 1 of 2, slice 3 of 5", where)
    assert.is_nil(block_picture.middle(md.zeros { 4 }, 1))
  end)

  it("tells labels from grey values", function()
    local patches, grain = md.zeros({ 8, 8 }, "uint8"), ramp(8, 8):astype "uint8"
    assert.is_true(block_picture.is_labels(patches, {}))
    assert.is_false(block_picture.is_labels(patches, { interpolatable = true }))
    assert.is_false(block_picture.is_labels(grain, { interpolatable = false }))
    assert.is_true(block_picture.is_labels(grain:astype "uint64", { interpolatable = false }))
    assert.is_false(block_picture.is_labels(ramp(8, 8), { interpolatable = false }))
  end)
end)

describe("the terminal's style", function()
  it("is what size and environment say", function()
    local function said(env) return terminal.style(function(name) return env[name] end) end
    assert.is_true(said({ LANG = "C", LC_ALL = "en_US.utf8" }).utf8)
    assert.is_false(said({ LANG = "en_US.UTF-8", LC_CTYPE = "C" }).utf8)
    assert.is_false(said({}).utf8)
    assert.is_true(said({}).columns > 0 and said({}).rows > 0)
  end)
end)
