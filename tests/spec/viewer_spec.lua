-- The viewer's answers, asked in this process; cli_serve_view_spec and viewer_browser_spec go through the program and a browser.
local md = require "moondust"
local core = require "moondust.core"
local dkjson = require "dkjson"
local guard = require "moondust.viewer.guard"
local json = require "moondust.viewer.json"
local program = require "spec.support.program"
local FileScenes = require "moondust.viewer.file_scenes"
local Pane = require "moondust.viewer.pane"
local PipelineScenes = require "moondust.viewer.pipeline_scenes"
local Viewer = require "moondust.viewer"
local Window = require "moondust.viewer.window"

local PORT = 4711
local HOST = { host = "127.0.0.1:4711" }

-- status, headers, body of a request behind the token.
local function ask(viewer, method, path, query, headers)
  return viewer:handle(method, "/" .. viewer.token .. path, query or {}, headers or HOST)
end

local function get(viewer, path, query)
  local status, headers, body = ask(viewer, "GET", path, query)
  if headers["Content-Type"] == "application/json" then body = dkjson.decode(body, 1, dkjson.null) end
  return body, status, headers
end

local function pipeline_viewer(pipeline, request, seed)
  return Viewer { port = PORT, scenes = PipelineScenes { pipeline = pipeline, request = request, title = "test", seed = seed } }
end

local function file_viewer(path, first) return Viewer { port = PORT, scenes = FileScenes { path = path, first = first } } end

local RAW, IDS, BAD = md.ArrayKey "RAW", md.ArrayKey "IDS", md.ArrayKey "BAD"
local PTS = md.GraphKey "PTS"
local BIG = math.mininteger -- 2^63 as uint64

local function ramp(shape, dtype)
  local values, n = {}, 1
  for _, length in ipairs(shape) do n = n * length end
  for i = 1, n do values[i] = dtype == "uint8" and (i - 1) % 251 or i - 1 end
  return md.ndarray(values, dtype):reshape(shape)
end

-- RAW 2x3x4 voxels of 10x2x2 from 0; IDS 2x3x2 voxels of 10x2x4 from (10, 0, 0), ids to 2^64; PTS two nodes.
local function example()
  local raw = md.Array { ramp({ 2, 3, 4 }, "float32") * 0.1, md.ArraySpec { voxel_size = { 10, 2, 2 }, roi = md.Roi({ 0, 0, 0 }, { 20, 6, 8 }) } }
  local ids = ramp({ 2, 3, 2 }, "uint64")
  ids[{ 1, 1, 1 }], ids[{ 1, 1, 2 }] = -1, BIG
  local labels = md.Array { ids, md.ArraySpec { voxel_size = { 10, 2, 4 }, roi = md.Roi({ 10, 0, 0 }, { 20, 6, 8 }), interpolatable = false } }
  local graph = md.Graph { { md.Node { 3, { 5, 1, 1 } }, md.Node { 8, { 15, 4, 5 } } }, { md.Edge { 3, 8 } }, md.GraphSpec { roi = md.Roi({ 0, 0, 0 }, { 20, 6, 8 }) } }
  local request = md.BatchRequest {}
  request[RAW] = md.ArraySpec { roi = raw.spec.roi }
  request[IDS] = md.ArraySpec { roi = labels.spec.roi }
  request[PTS] = md.GraphSpec { roi = graph.spec.roi }
  return { md.ArraySource { RAW, raw }, md.ArraySource { IDS, labels }, md.GraphSource { PTS, graph } } + md.MergeProvider {}, request
end

describe("the viewer lets in", function()
  local viewer
  setup(function() viewer = pipeline_viewer(example()) end)
  teardown(function() viewer:close() end)

  it("whoever has the token and asks this very host", function()
    local page, status, headers = get(viewer, "/")
    assert.equal(200, status)
    assert.matches("^<!doctype html>", page)
    assert.equal("text/html; charset=utf-8", headers["Content-Type"])
    assert.equal(200, (ask(viewer, "GET", "/", {}, { host = "localhost:4711" })))
    assert.equal(200, (ask(viewer, "GET", "/", {}, { host = "127.0.0.1:4711", origin = "http://127.0.0.1:4711" })))
  end)

  it("nobody else", function()
    local token = viewer.token
    assert.matches("^%x+$", token)
    assert.equal(32, #token)
    for _, path in ipairs { "/", "", "/scene", "/" .. token:sub(1, 31), "/" .. token .. "0/", "/" .. ("0"):rep(32) .. "/", token, "//" .. token .. "/",
      "/" .. token:upper():gsub("%d", "x") .. "/scene" } do
      assert.equal(403, (viewer:handle("GET", path, {}, HOST)), path)
    end
    for _, headers in ipairs { {}, { host = "evil.example:4711" }, { host = "127.0.0.1" }, { host = "127.0.0.1:80" }, { host = "127.0.0.1:4711.evil.example" },
      { host = "127.0.0.1:4711", origin = "http://evil.example" }, { host = "127.0.0.1:4711", origin = "null" } } do
      assert.equal(403, (ask(viewer, "GET", "/", {}, headers)), tostring(headers.host))
    end
    assert.are_not.equal(token, guard.new_token())
  end)

  it("with a comparison that looks at every byte", function()
    assert.is_true(guard.same("abc", "abc"))
    for _, other in ipairs { "abd", "bbc", "ab", "abcd", "", "abc\0" } do assert.is_false(guard.same("abc", other)) end
  end)

  it("for the routes there are, with the methods they have", function()
    for _, path in ipairs { "/page/index.html", "/../../etc/passwd", "/..", "/init.lua", "/viewer.js/", "/%2e%2e", "/etc/passwd", "//" } do
      assert.equal(404, (ask(viewer, "GET", path)), path)
    end
    for _, path in ipairs { "/style.css", "/viewer.js", "/panel.js", "/pane.js", "/tiles.js", "/look.js", "/points.js" } do
      assert.equal(200, (ask(viewer, "GET", path)), path)
    end
    local status, headers = ask(viewer, "DELETE", "/scene")
    assert.same({ 405, "GET, HEAD, POST" }, { status, headers.Allow })
    assert.equal(405, (ask(viewer, "POST", "/")))
    assert.equal(405, (ask(viewer, "OPTIONS", "/tile")))
    assert.equal(200, (ask(viewer, "HEAD", "/scene")))
    assert.equal(413, (ask(viewer, "POST", "/scene", { number = "1" }, { host = HOST.host, ["content-length"] = "3" })))
    assert.equal(413, (ask(viewer, "POST", "/scene", { number = "1" }, { host = HOST.host, ["transfer-encoding"] = "chunked" })))
    status, headers = ask(viewer, "GET", "")
    assert.same({ 308, "/" .. viewer.token .. "/" }, { status, headers.Location })
  end)

  it("with headers that keep the page to itself", function()
    local _, _, headers = get(viewer, "/")
    assert.matches("^default%-src 'none'; script%-src 'self';", headers["Content-Security-Policy"])
    assert.equal("no-referrer", headers["Referrer-Policy"])
    assert.equal("nosniff", headers["X-Content-Type-Options"])
    assert.equal("no-store", headers["Cache-Control"])
    for name in pairs(headers) do assert.is_nil(name:lower():match "^access%-control") end
    local page = get(viewer, "/")
    assert.is_nil(page:match "https?://[^w]") -- nothing from elsewhere; www.w3.org is a name in an icon
    assert.is_nil(page:match "<script[^>]*>[^<]")
  end)
end)

describe("the viewer of a pipeline", function()
  local viewer, scene
  before_each(function()
    viewer = pipeline_viewer(example())
    scene = get(viewer, "/scene")
  end)
  after_each(function() viewer:close() end)

  local function tile(fields)
    local query = { scene = tostring(scene.id), pane = "0", channel = "0", place = "0", level = "0", row = "0", column = "0", as = "grey" }
    for name, value in pairs(fields or {}) do query[name] = value or nil end
    return get(viewer, "/tile", query)
  end

  it("puts every key into one world", function()
    assert.same({ { name = "z", begin = 0, stop = 30, step = 10 }, { name = "y", begin = 0, stop = 6, step = 2 }, { name = "x", begin = 0, stop = 8, step = 2 } },
      scene.axes)
    assert.same({ "RAW", "grey", "IDS", "labels" }, { scene.panes[1].name, scene.panes[1].kind, scene.panes[2].name, scene.panes[2].kind })
    assert.same({ { 10, 2, 4 }, { 10, 0, 0 }, { 2, 3, 2 } }, { scene.panes[2].voxel_size, scene.panes[2].offset, scene.panes[2].lengths })
    assert.same({ { name = "PTS", count = 2, total = 2 } }, scene.points)
    local source = get(viewer, "/source")
    assert.same({ "pipeline", "test", 4294967296, "seed", scene.number }, { source.kind, source.title, source.count, source.step, source.first })
    local nodes = {}
    for _, row in ipairs(scene.timing) do nodes[row.node] = true end
    assert.same({ true, true, true }, { nodes["ArraySource[RAW]"], nodes["GraphSource[PTS]"], nodes["MergeProvider"] })
  end)

  it("sends slices as they are", function()
    local bytes = tile { place = "1" }
    assert.equal(12 * 4, #bytes)
    for i = 0, 11 do assert.is_true(math.abs((12 + i) * 0.1 - string.unpack("<f", bytes, 4 * i + 1)) < 1e-6) end
    local thin = tile { level = "1" }
    assert.same({ 0, 2, 8, 10 }, { math.floor(10 * string.unpack("<f", thin) + 0.5), math.floor(10 * string.unpack("<f", thin, 5) + 0.5),
      math.floor(10 * string.unpack("<f", thin, 9) + 0.5), math.floor(10 * string.unpack("<f", thin, 13) + 0.5) })
  end)

  it("colours labels as moondust view does", function()
    local bytes = tile { pane = "1", place = "1", as = "labels" }
    assert.equal(core.kernel.colorize(ramp({ 2, 3, 2 }, "uint64")[{ 2 }]):tostring_bytes(), bytes)
  end)

  it("tells the exact value at a place of the world", function()
    local function at(position)
      local values = get(viewer, "/value", { scene = tostring(scene.id), at = position })
      return values[1] and values[1].values[1], values[2] and values[2].values[1]
    end
    assert.same({ "0.5", false }, { at "9.99,2,3.5" })
    assert.same({ "1.2", "18446744073709551615" }, { at "10,0,0" })
    assert.same({ "1.4", "9223372036854775808" }, { at "15,0.5,4" })
    assert.same({ false, "11" }, { at "29,5,7" })
    assert.same({ false, false }, { at "-1,0,0" })
    assert.same({ voxel = { 1, 2, 3 }, values = { "2.3" } }, get(viewer, "/value", { scene = tostring(scene.id), at = "19,5.5,7.5" })[1])
  end)

  it("tells nodes and edges", function()
    assert.same({ name = "PTS", total = 2, ids = { "3", "8" }, nodes = { { 5, 1, 1 }, { 15, 4, 5 } }, edges = { { 0, 1 } } },
      get(viewer, "/points", { scene = tostring(scene.id), index = "0" }))
  end)

  it("refuses queries that make no sense, with a sentence", function()
    local cases = {
      { { level = "13" }, "'level' must be a whole number from 0 to 12, not '13'" }, { { level = "-1" }, "'level'" }, { { level = "1e0" }, "'level'" },
      { { pane = "2" }, "'pane' must be a whole number from 0 to 1" }, { { channel = "1" }, "'channel' must be a whole number from 0 to 0" },
      { { place = "2" }, "'place' must be whole numbers inside of RAW %(axis 1 has 2 voxels%)" }, { { place = "0.5" }, "'place'" },
      { { place = "0,0" }, "'place' must be 1 numbers" }, { { place = "nan" }, "'place'" }, { { place = ("9"):rep(300) }, "'place'" },
      { { row = "1" }, "'row' must be a whole number from 0 to 0" }, { { as = "jpeg" }, "'as' must be grey or labels, not 'jpeg'" },
      { { as = false }, "the query value 'as' is missing" }, { { file = "/etc/passwd" }, "there is no query value 'file' here" },
      { { scene = "x" }, "'scene' must be a whole number" },
    }
    for _, case in ipairs(cases) do
      local message, status = tile(case[1])
      assert.equal(400, status, case[2])
      assert.matches(case[2], message)
    end
    for _, at in ipairs { "", "1,2", "1,2,3,4", "1,2,inf", "1,2,1e999", "a,b,c" } do
      assert.equal(400, select(2, get(viewer, "/value", { scene = tostring(scene.id), at = at })), at)
    end
    for _, number in ipairs { "-1", "4294967296", "1.5", "", "0x10", ("1"):rep(400) } do
      assert.equal(400, (ask(viewer, "POST", "/scene", { number = number })), number)
    end
  end)

  it("shows another batch, and no longer the one before", function()
    local status, _, body = ask(viewer, "POST", "/scene", { number = "77" })
    assert.equal(200, status)
    local second = dkjson.decode(body)
    assert.same({ 77, "seed 77", scene.id + 1 }, { second.number, second.label, second.id })
    local message, gone = tile()
    assert.same({ 410, "scene 1 is no longer on show\n" }, { gone, message })
    scene = second
    assert.equal(200, select(2, tile()))
  end)
end)

describe("the viewer's batches", function()
  local function noisy()
    local raw = md.Array { md.zeros({ 4, 8, 8 }, "float32"), md.ArraySpec { voxel_size = { 1, 1, 1 }, roi = md.Roi({ 0, 0, 0 }, { 4, 8, 8 }) } }
    local request = md.BatchRequest {}
    request[RAW] = md.ArraySpec { roi = raw.spec.roi }
    return md.ArraySource { RAW, raw } + md.NoiseAugment { RAW, "gaussian", clip = false }, request
  end
  local function bytes_of(viewer, number)
    local _, _, body = ask(viewer, "POST", "/scene", { number = tostring(number) })
    local scene = dkjson.decode(body)
    return (get(viewer, "/tile", { scene = tostring(scene.id), pane = "0", channel = "0", place = "2", level = "0", row = "0", column = "0", as = "grey" })),
      scene.fingerprint
  end

  it("are the stream's: the same seed the same bytes, another seed others", function()
    local pipeline, request = noisy()
    local viewer <close> = pipeline_viewer(pipeline, request)
    local five, print = bytes_of(viewer, 5)
    local six, other = bytes_of(viewer, 6)
    assert.is_true(five ~= six and print ~= other)
    assert.same({ five, print }, { bytes_of(viewer, 5) })
    local built, same = noisy()
    for batch in built:batches(same, { seed = 4, count = 2 }) do
      if batch.random_seed == 5 then assert.equal(batch[RAW].data[{ 3 }]:tostring_bytes(), five) end
      batch:close()
    end
  end)

  it("begin with the seed given, or the request's", function()
    local pipeline, request = noisy()
    local viewer = pipeline_viewer(pipeline, request, 12)
    assert.equal(12, get(viewer, "/scene").number)
    viewer:close()
    rawset(request, "random_seed", 13)
    viewer = pipeline_viewer(pipeline, request)
    assert.equal(13, get(viewer, "/scene").number)
    viewer:close()
  end)

  it("leave no array behind", function()
    collectgarbage()
    local before = core.memory()
    local viewer = pipeline_viewer(noisy())
    for number = 1, 4 do bytes_of(viewer, number) end
    viewer:close()
    viewer = nil -- luacheck: ignore 311
    collectgarbage()
    collectgarbage()
    assert.equal(before, (core.memory()))
  end)

  it("that fail are told, and the one before stays on show", function()
    local Moody = md.class("Moody", md.BatchFilter)
    function Moody:setup() self:updates(RAW, self.spec[RAW]) end
    function Moody:process(batch, request) if request.random_seed and batch[RAW].data.size > 0 and self.broken then error("no mood", 0) end end
    local pipeline, request = noisy()
    local moody = Moody {}
    local viewer <close> = pipeline_viewer(pipeline + moody, request)
    local scene = get(viewer, "/scene")
    moody.broken = true
    local status, headers, body = ask(viewer, "POST", "/scene", { number = "3" })
    assert.equal(500, status)
    assert.matches("^text/plain", headers["Content-Type"])
    assert.matches("^Moody: no mood\n", body)
    assert.equal(scene.id, get(viewer, "/scene").id)
    moody.broken = false
    assert.equal(200, (ask(viewer, "POST", "/scene", { number = "3" })))
  end)

  it("end with Ctrl-C, which no answer swallows", function()
    local Slow = md.class("Slow", md.BatchFilter)
    local pressed = false
    function Slow:setup() self:updates(RAW, self.spec[RAW]) end
    function Slow:process() pressed = true error("interrupted") end -- luacheck: ignore 212
    local pipeline, request = noisy()
    local viewer <close> = Viewer { port = PORT, scenes = PipelineScenes { pipeline = pipeline + Slow {}, request = request, title = "slow" },
      interrupted = function() return pressed end }
    assert.has_error(function() get(viewer, "/scene") end)
  end)
end)

describe("the viewer of a file", function()
  local path
  before_each(function() path = program.temporary ".h5" end)
  after_each(function() os.remove(path) end)

  it("shows datasets where they lie, fractions and all, and points beside them", function()
    do
      local file <close> = assert(core.hdf5.open(path, "w"))
      assert(file:create("raw", { 3, 700, 600 }, "uint8", { attributes = { resolution = { 4.5, 0.5, 0.5 }, offset = { 9, 0, 1.5 } }, chunks = { 1, 64, 64 } }))
      assert(file:write("raw", ramp({ 3, 700, 600 }, "uint8")))
      assert(file:create("labels/ids", { 2, 3, 4 }, "uint64", { attributes = { resolution = { 4.5, 1, 1 } } }))
      assert(file:create("plain", { 5, 6 }, "int16"))
      assert(file:create("count", {}, "int32"))
      assert(file:create("sites/locations", { 2, 3 }, "float64"))
      assert(file:write("sites/locations", md.ndarray({ { 1, 2, 3 }, { 4, 5.5, 6 } }, "float64")))
      assert(file:create("sites/ids", { 2 }, "uint64"))
      assert(file:write("sites/ids", md.ndarray({ -1, 7 }, "int64"):astype "uint64"))
      assert(file:set_attribute("sites", "offset", { 10, 20, 30 }))
    end
    assert.has_error(function() file_viewer(path, 1) end, path .. " holds no batches of `moondust run --out`: --seed has nothing to choose from")
    local viewer <close> = file_viewer(path)
    local scene = get(viewer, "/scene")
    local names = {}
    for i, pane in ipairs(scene.panes) do names[i] = pane.name .. " " .. pane.kind end
    assert.same({ "plain grey", "raw grey", "labels/ids labels" }, names)
    assert.same({ { 4.5, 0.5, 0.5 }, { 9, 0, 1.5 } }, { scene.panes[2].voxel_size, scene.panes[2].offset })
    assert.matches("no voxel size", scene.panes[1].note)
    assert.same({ 0, 22.5, 4.5 }, { scene.axes[1].begin, scene.axes[1].stop, scene.axes[1].step })
    assert.same({ "count int32 scalar" }, scene.others)
    local points = get(viewer, "/points", { scene = "1", index = "0" })
    assert.same({ "sites", { { 11, 22, 33 }, { 14, 25.5, 36 } }, { "18446744073709551615", "7" } }, { points.name, points.nodes, points.ids })

    -- Tiles of one plane, put together again.
    local whole = ramp({ 3, 700, 600 }, "uint8")
    local function tile(level, row, column)
      return (get(viewer, "/tile", { scene = "1", pane = "1", channel = "0", place = "2", level = level, row = row, column = column, as = "grey" }))
    end
    assert.equal(whole[{ 3, { 1, 512 }, { 1, 512 } }]:tostring_bytes(), tile("0", "0", "0"))
    assert.equal(whole[{ 3, { 513, 700 }, { 513, 600 } }]:tostring_bytes(), tile("0", "1", "1"))
    assert.equal(whole[{ 3, { 1, 700, 4 }, { 1, 600, 4 } }]:tostring_bytes(), tile("2", "0", "0"))
    local most <close> = setmetatable({ Pane.STRIP }, { __close = function(kept) Pane.STRIP = kept[1] end })
    for _, few in ipairs { 1, 600 * 3, 600 * 11 } do -- the same in strips of any height
      Pane.STRIP = few
      assert.equal(whole[{ 3, { 1, 512 }, { 1, 512 } }]:tostring_bytes(), tile("0", "0", "0"))
      assert.equal(whole[{ 3, { 1, 700, 4 }, { 1, 600, 4 } }]:tostring_bytes(), tile("2", "0", "0"))
    end
    assert.truthy(most)
    local values = get(viewer, "/value", { scene = "1", at = "18.1,349.9,301.4" })
    assert.same({ false, { voxel = { 2, 699, 599 }, values = { tostring((3 * 700 * 600 - 1) % 251) } }, false }, values)
  end)

  it("reads what is asked for only", function()
    do
      local file <close> = assert(core.hdf5.open(path, "w"))
      assert(file:create("raw", { 4000, 20000, 20000 }, "uint8", { attributes = { resolution = { 1, 1, 1 } }, chunks = { 1, 256, 256 } })) -- 1.5 TiB, nothing written
    end
    local viewer <close> = file_viewer(path)
    core.reset_peak()
    local before = core.memory()
    local scene = get(viewer, "/scene")
    assert.same({ 4000, 20000, 20000 }, scene.panes[1].shape)
    local bytes, status = get(viewer, "/tile", { scene = "1", pane = "0", channel = "0", place = "1234", level = "0", row = "20", column = "30", as = "grey" })
    assert.same({ 200, 512 * 512 }, { status, #bytes })
    local _, peak = core.memory()
    assert.is_true(peak - before < 64 << 20)
  end)

  it("steps through a file of batches", function()
    local pipeline, request = example()
    do
      local file = require("moondust.cli.batch_file").create(path, { script = "", arguments = "", seed = "1" })
      for batch, i in pipeline:batches(request, { count = 2, seed = 1 }) do file:write(batch, i) end
      assert(file:close())
    end
    local viewer <close> = file_viewer(path, 1)
    local scene = get(viewer, "/scene")
    local source = get(viewer, "/source")
    assert.same({ "batches", 2, "batch", 1, 1, "batch_000001" }, { source.kind, source.count, source.step, source.first, scene.number, scene.label })
    assert.same({ "RAW", "IDS" }, { scene.panes[1].name, scene.panes[2].name })
    assert.same({ "PTS" }, { scene.points[1].name })
    assert.same({ name = "PTS", total = 2, ids = { "3", "8" }, nodes = { { 5, 1, 1 }, { 15, 4, 5 } }, edges = { { 0, 1 } } },
      get(viewer, "/points", { scene = "1", index = "0" }))
    assert.equal("18446744073709551615", get(viewer, "/value", { scene = "1", at = "10,0,0" })[2].values[1])
    assert.equal(400, (ask(viewer, "POST", "/scene", { number = "2" })))
    assert.equal(200, (ask(viewer, "POST", "/scene", { number = "0" })))
    assert.has_error(function() file_viewer(path, 2) end, path .. " has the batches 0 to 1, no 2")
  end)

  it("says what can't be read, in the place where it is", function()
    do
      local file <close> = assert(core.hdf5.open(path, "w"))
      assert(file:create("raw", { 2, 64, 64 }, "uint8", { attributes = { resolution = { 1, 1, 1 } }, chunks = { 1, 64, 64 }, compression = "gzip" }))
      assert(file:write("raw", ramp({ 2, 64, 64 }, "uint8")))
    end
    local file = assert(io.open(path, "r+b"))
    local text = file:read "a"
    local at = text:find("\x78[\x01\x5e\x9c\xda]")
    file:seek("set", at + 20)
    file:write(("\xff"):rep(400))
    file:close()
    local viewer <close> = file_viewer(path)
    local scene, status = get(viewer, "/scene")
    assert.equal(200, status)
    assert.matches("raw", scene.panes[1].note)
    local message
    message, status = get(viewer, "/tile", { scene = "1", pane = "0", channel = "0", place = "0", level = "0", row = "0", column = "0", as = "grey" })
    assert.equal(500, status)
    assert.matches("raw", message)
  end)
end)

describe("arrays of other shapes", function()
  local function only(array)
    local request = md.BatchRequest {}
    request[BAD] = array.spec.nonspatial and md.ArraySpec { nonspatial = true } or md.ArraySpec { roi = array.spec.roi }
    return pipeline_viewer(md.ArraySource { BAD, array }, request)
  end
  local function tile(viewer, more)
    local query = { scene = "1", pane = "0", channel = "0", level = "0", row = "0", column = "0", as = "grey" }
    for name, value in pairs(more or {}) do query[name] = value end
    return get(viewer, "/tile", query)
  end

  it("are shown by channel, all channels' values under the mouse", function()
    local viewer <close> = only(md.Array { ramp({ 2, 3, 4, 5 }, "uint8"), md.ArraySpec { voxel_size = { 1, 1 }, roi = md.Roi({ 0, 0 }, { 4, 5 }) } })
    local scene = get(viewer, "/scene")
    assert.equal(6, scene.panes[1].channels)
    assert.equal(ramp({ 6, 4, 5 }, "uint8")[{ 5 }]:tostring_bytes(), (tile(viewer, { channel = "4" })))
    assert.same({ "19", "39", "59", "79", "99", "119" }, get(viewer, "/value", { scene = "1", at = "3,4" })[1].values)
  end)

  it("are shown in time, as a plane, as a row", function()
    local four <close> = only(md.Array { ramp({ 2, 2, 3, 4 }, "uint8"), md.ArraySpec { voxel_size = { 1, 1, 1, 1 }, roi = md.Roi({ 0, 0, 0, 0 }, { 2, 2, 3, 4 }) } })
    assert.same({ "t", "z", "y", "x" }, { get(four, "/scene").axes[1].name, get(four, "/scene").axes[2].name, get(four, "/scene").axes[3].name,
      get(four, "/scene").axes[4].name })
    assert.equal(ramp({ 2, 2, 3, 4 }, "uint8")[{ 2, 1 }]:tostring_bytes(), (tile(four, { place = "1,0" })))
    local row <close> = only(md.Array { ramp({ 7 }, "uint8"), md.ArraySpec { voxel_size = { 3 }, roi = md.Roi({ 6 }, { 21 }) } })
    assert.same({ 1, 7 }, get(row, "/scene").panes[1].lengths)
    assert.equal(ramp({ 7 }, "uint8"):tostring_bytes(), (tile(row)))
    assert.same({ "2" }, get(row, "/value", { scene = "1", at = "0,12" })[1].values)
  end)

  it("without a place in the world are told in words", function()
    local viewer <close> = only(md.Array { ramp({ 3 }, "float32"), md.ArraySpec { nonspatial = true } })
    local scene = get(viewer, "/scene")
    assert.same({}, scene.panes)
    assert.matches("^BAD float32 3", scene.others[1])
  end)

  it("may hold NaN and infinities", function()
    local data = ramp({ 4, 4 }, "float32")
    data[{ 1, 1 }], data[{ 2, 2 }] = 0 / 0, 1 / 0
    local viewer <close> = only(md.Array { data, md.ArraySpec { voxel_size = { 1, 1 }, roi = md.Roi({ 0, 0 }, { 4, 4 }) } })
    local scene = get(viewer, "/scene")
    assert.same({ 1, 15 }, { scene.panes[1].window.low, scene.panes[1].window.high })
    assert.same({ "nan" }, get(viewer, "/value", { scene = "1", at = "0,0" })[1].values)
    assert.same({ "inf" }, get(viewer, "/value", { scene = "1", at = "1,1" })[1].values)
  end)
end)

describe("what the viewer computes", function()
  it("a window that leaves out the rare", function()
    local data = ramp({ 100, 100 }, "float32")
    local window = Window.of(data)
    assert.same({ 0, 9999 }, { window.low, window.high })
    assert.is_true(math.abs(window.from - 50) < 5 and math.abs(window.to - 9950) < 5)
    assert.same({ low = 3, high = 4, from = 3, to = 4 }, Window.of(md.zeros({ 5 }, "uint8"):fill(3)))
    assert.same({ low = 0, high = 1, from = 0, to = 1 }, Window.of(md.zeros({ 0 }, "uint8")))
    assert.equal(2.0 ^ 63, Window.of(md.zeros({ 2 }, "uint64"):fill(BIG)).low)
  end)

  it("exact words for elements", function()
    assert.equal("-5", Pane.exact(-5, "int64"))
    assert.equal("18446744073709551615", Pane.exact(-1, "uint64"))
    assert.equal("9223372036854775808", Pane.exact(BIG, "uint64"))
    assert.equal("0.1", Pane.exact(string.unpack("f", string.pack("f", 0.1)), "float32"))
    assert.equal("0.1", Pane.exact(0.1, "float64"))
    for _, value in ipairs { 1 / 3, 2 ^ -1074, 1e300, -0.1234567890123 } do assert.equal(value, tonumber(Pane.exact(value, "float64"))) end
  end)

  it("JSON that others read", function()
    local value = { a = "q\"\\\n\0\127é", b = json.list {}, c = { 1, 2.5, -3 }, d = true, e = {} }
    local read = dkjson.decode(json.encode(value))
    assert.same({ a = value.a, b = {}, c = value.c, d = true, e = {} }, read)
    assert.equal('{"b":[],"c":[1,null,null],"e":{}}', json.encode { b = json.list {}, c = { 1, 0 / 0, 1 / 0 }, e = {} })
  end)
end)
