local core = require "moondust.core"
local program = require "spec.support.program"
local Progress = require "moondust.cli.progress"

local run = program.run

-- A pipeline of its own, without any file: counting up in memory.
local SCRIPT = [[
  local md = require "moondust"
  local RAW = md.ArrayKey "RAW"
  local data = md.ndarray({ { 1, 2, 3, 4 }, { 5, 6, 7, 8 } }, "float32")
  local spec = md.ArraySpec{ voxel_size = {2, 3}, roi = md.Roi({4, 6}, {4, 12}), interpolatable = true }
  local pipeline = md.ArraySource{ RAW, md.Array{ data, spec } }
  local request = md.BatchRequest{}
  request[RAW] = md.ArraySpec{ roi = md.Roi({4, 9}, {4, 6}) }
  if select("#", ...) > 0 then print(...) end
  return pipeline, request
]]

describe("the program", function()
  it("says what it is made of", function()
    local result = run { "--version" }
    assert.equal(0, result.status)
    assert.equal("", result.err)
    assert.matches("^moondust %d+%.%d+%.%d+\nLua 5%.4%.%d+, HDF5 [%d.]+, GSL [%d.]+\noptional: deflate %a+, http %a+, lzf %a+, png %a+, readline %a+\n", result.out)
  end)

  it("has help for itself and for each command", function()
    local result = run { "--help" }
    assert.equal(0, result.status)
    for _, name in ipairs { "run", "preview", "info", "sample", "view", "serve-view", "version" } do
      assert.matches("\n  " .. name:gsub("%-", "%%-") .. " ", result.out)
      local own = run { name, "--help" }
      assert.equal(0, own.status, name)
      assert.equal("", own.err)
      assert.matches("^Usage: moondust " .. name:gsub("%-", "%%-"), own.out)
    end
  end)

  it("suggests the nearest command and exits 2", function()
    local result = run { "rnu" }
    assert.equal(2, result.status)
    assert.equal("", result.out)
    assert.matches("^moondust: there is no command or script 'rnu'; did you mean 'run'%?\nUsage: ", result.err)
    assert.equal(2, run { "--colour" }.status)
  end)

  it("exits 2 for wrong usage of a command", function()
    for _, words in ipairs { { "run" }, { "run", "a.lua", "-n", "-3" }, { "run", "a.lua", "--seed", "4294967296" }, { "info" },
      { "sample", "x.h5", "--shape", "1,2" }, { "sample", "x.h5", "--shape", "0,2,3" }, { "info", "x.h5", "--", "y" }, { "-e" } } do
      local result = run(words)
      assert.equal(2, result.status, table.concat(words, " "))
      assert.matches("^moondust: ", result.err)
    end
    assert.matches("'1,2' has 2 numbers, not 3", run { "sample", "x.h5", "--shape", "1,2" }.err)
  end)

  it("runs a chunk, standard input and a script as lua does", function()
    assert.equal("3\ta\tb\n", run({ "-e", "print(1 + 2, ...)", "a", "b" }).out)
    assert.equal("7\tx\n", run({ "-", "x" }, "print(7, arg[1])").out)
    assert.equal("8\n", run({}, "print(8)").out)
    local script = program.file_with "print(arg[0], arg[1], #arg, ...) print(require 'moondust' ~= nil)"
    local result = run { script, "--debug", "z" }
    assert.equal(script .. "\t--debug\t2\t--debug\tz\ntrue\n", result.out)
    assert.equal(0, result.status)
    os.remove(script)
  end)

  it("warns as lua does: when it is told to", function()
    assert.equal("Lua warning: ab\n", run({ "-e", "warn('before') warn('@on') warn('a', 'b') warn('@off') warn('after')" }).err)
  end)

  -- Blocks of all sizes, growing and shrinking across what has lists of its own and what is malloc's.
  it("keeps what Lua writes, whatever the size", function()
    local chunk = "local kept = {} for round = 1, 3 do for n = 1, 700, 7 do kept[n] = (kept[n] or '') .. ('x'):rep(n % 97) "
      .. "local t = {} for i = 1, n do t[i] = i end for i = n, n // 2 + 1, -1 do t[i] = nil end collectgarbage('step') "
      .. "assert(#t == n // 2 and (n < 2 or t[n // 2] == n // 2)) end collectgarbage() end "
      .. "for n = 1, 700, 7 do assert(kept[n] == ('x'):rep(3 * (n % 97))) end print 'kept'"
    assert.equal("kept\n", run({ "-e", chunk }).out)
  end)

  it("leaves no globals behind but arg", function()
    local result = run { "-e", "local g = {} for k in pairs(_G) do g[k] = true end require 'moondust' "
      .. "for k in pairs(_G) do if not g[k] then print(k) end end" }
    assert.equal("", result.out)
  end)

  it("prints one readable message and exits 1, with a traceback on --debug", function()
    local result = run { "-e", "error('no such luck', 0)" }
    assert.equal(1, result.status)
    assert.equal("moondust: no such luck\n", result.err)
    local debugging = run { "--debug", "-e", "error('no such luck', 0)" }
    assert.equal(1, debugging.status)
    assert.matches("no such luck\nstack traceback:\n", debugging.err)
    assert.equal("moondust: can't open the script '/no/such.lua'\n", run({ "/no/such.lua" }).err)
    assert.matches("unexpected symbol", run({ "-e", "1 +" }).err)
    -- A script's own error values are printed, and decide nothing else.
    assert.equal(1, run({ "-e", "error(setmetatable({ status = 0 }, { __tostring = function() return 'mine' end }))" }).status)
  end)

  it("works when it is called from elsewhere", function()
    local result = program.shell(("cd / && %s -e 'print(require(\"moondust\").version().version)'"):format(
      program.path:find "^/" and program.path or '"$OLDPWD"/' .. program.path))
    assert.matches("^%d+%.%d+", result.out .. result.err)
  end)
end)

describe("moondust run", function()
  local script
  setup(function() script = program.file_with(SCRIPT) end)
  teardown(function() os.remove(script) end)

  it("streams, says the seed and the rate", function()
    local result = run { "run", script, "-n", "4", "--", "p", "q" }
    assert.equal(0, result.status)
    local seed = result.err:match "^seed (%d+) %(%-%-seed %d+ gives the same batches again%)\n"
    assert.truthy(seed)
    assert.matches("^p\tq\n4 batches in [%d.]+ s %([%d.]+ a second%), seed " .. seed .. "\n$", result.out)
    assert.matches("^p\tq\n1 batch in [%d.]+ s ", run({ "run", script, "-n", "1", "--", "p", "q" }).out)
  end)

  it("is quiet when told so", function()
    local result = run { "run", script, "--quiet", "-n", "2" }
    assert.equal("", result.out .. result.err)
    assert.equal(0, result.status)
  end)

  it("writes each batch with its spec and its seed, the same bytes every time", function()
    local a, b = program.temporary ".h5", program.temporary ".h5"
    assert.matches("written to " .. a:gsub("%p", "%%%0") .. " %(", run({ "run", script, "-n", "2", "--seed", "41", "--out", a }).out)
    run { "run", script, "-n", "2", "--seed", "41", "--out", b }
    local one, two = assert(io.open(a, "rb")), assert(io.open(b, "rb"))
    assert.is_true(one:read "a" == two:read "a")
    one:close()
    two:close()
    local file <close> = assert(core.hdf5.open(a))
    local names = {}
    for i, info in ipairs(file:list()) do names[i] = info.name end
    assert.same({ "batch_000000/RAW", "batch_000001/RAW" }, names)
    assert.same({ { 2, 3 }, { 6, 7 } }, file:read("batch_000001/RAW"):totable())
    local info = file:info "batch_000000/RAW"
    assert.same({ 2, 3 }, info.voxel_size)
    assert.same({ 4, 9 }, info.offset)
    assert.equal(41, file:attribute("batch_000000", "random_seed"))
    assert.equal(42, file:attribute("batch_000001", "random_seed"))
    os.remove(a)
    os.remove(b)
  end)

  it("writes graphs as ids, locations and edges", function()
    local graphs = program.file_with [[
      local md = require "moondust"
      local PTS = md.GraphKey "PTS"
      local graph = md.Graph{ { md.Node{ 3, {1, 2} }, md.Node{ 8, {3, 4} } }, { md.Edge{ 3, 8 } },
                              md.GraphSpec{ roi = md.Roi({0, 0}, {10, 10}), directed = false } }
      local request = md.BatchRequest{}
      request[PTS] = md.GraphSpec{ roi = md.Roi({0, 0}, {10, 10}) }
      return md.GraphSource{ PTS, graph }, request
    ]]
    local out = program.temporary ".h5"
    assert.equal(0, run({ "run", graphs, "-n", "1", "--out", out }).status)
    local file <close> = assert(core.hdf5.open(out))
    assert.same({ 3, 8 }, file:read("batch_000000/PTS-ids"):totable())
    assert.same({ { 1, 2 }, { 3, 4 } }, file:read("batch_000000/PTS-locations"):totable())
    assert.same({ { 3, 8 } }, file:read("batch_000000/PTS-edges"):totable())
    os.remove(out)
    os.remove(graphs)
  end)

  it("tells where the time went", function()
    local out = run({ "run", script, "-n", "3", "--seed", "1", "--profile" }).out
    assert.matches("NODE +METHOD +COUNTS", out)
    assert.matches("\nArraySource%[RAW%] +process +3 ", out)
    assert.matches("\npeak of array memory", out)
  end)

  it("runs no batch for -n 0", function()
    assert.matches("^0 batches in ", run({ "run", script, "-n", "0", "--seed", "1" }).out)
  end)

  it("says what a script must return", function()
    local wrong = program.file_with "return 5"
    local result = run { "run", wrong }
    assert.equal(1, result.status)
    assert.equal(("moondust: %s must return `pipeline, request`: the first value is 5\n"):format(wrong), result.err)
    os.remove(wrong)
    assert.equal("moondust: cannot open /no/such.lua: No such file or directory\n", run({ "run", "/no/such.lua" }).err)
  end)

  it("fails with one message when a batch can't be made", function()
    local broken = program.file_with((SCRIPT:gsub("{4, 6}%) }\n", "{4, 60}) }\n")))
    local result = run { "run", broken, "-n", "2", "--seed", "1" }
    assert.equal(1, result.status)
    assert.matches("^moondust: ArraySource", result.err)
    assert.matches("RAW", result.err)
    assert.not_matches("traceback", result.err)
    assert.matches("stack traceback", run({ "run", broken, "-n", "2", "--seed", "1", "--debug" }).err)
    os.remove(broken)
  end)

  it("names an output file that can't be made", function()
    local result = run { "run", script, "--out", "/no/such/folder/out.h5", "--seed", "1" }
    assert.equal(1, result.status)
    assert.matches("/no/such/folder/out%.h5", result.err)
  end)

  it("leaves a partial file with the whole batches on Ctrl-C", function()
    local out = program.temporary ".h5"
    local partial = out .. ".partial"
    local command = ("%s run %s -n 1000000000 --seed 1 --out %s & pid=$!; i=0; while [ ! -s %s ] && [ $i -lt 100 ]; do sleep 0.05; i=$((i+1)); done; "
      .. "sleep 0.3; kill -INT $pid; wait $pid"):format(program.path, script, out, partial)
    -- A shell without job control starts background jobs deaf to SIGINT; the program listens again.
    local result = program.shell(command)
    assert.equal(130, result.status)
    local done = result.err:match "moondust: interrupted after (%d+) of 1000000000 batches; "
    assert.truthy(done, result.err)
    assert.matches("--resume", result.err, 1, true)
    assert.is_nil(io.open(out))
    local file <close> = assert(core.hdf5.open(partial))
    assert.equal(tonumber(done), #file:list())
    assert.equal(1, file:attribute("batch_000000", "random_seed"))
    os.remove(partial)
  end)
end)

describe("moondust info", function()
  it("says what is in a file, a line a dataset", function()
    local path = program.temporary ".h5"
    do
      local file <close> = assert(core.hdf5.open(path, "w"))
      assert(file:create("volumes/raw", { 4, 6, 8 }, "uint8", { chunks = { 2, 6, 8 }, compression = "gzip", voxel_size = { 40, 4, 4 }, offset = { 80, 0, 8 } }))
      assert(file:create("plain", { 3 }, "float64", { chunks = false }))
    end
    local result = run { "info", path }
    assert.equal(0, result.status)
    local lines = {}
    for line in result.out:gmatch "[^\n]+" do lines[#lines + 1] = line end
    assert.equal(2, #lines)
    assert.matches("^plain +3 +float64 +contiguous +no filter$", lines[1])
    assert.matches("^volumes/raw +4x6x8 +uint8 +chunks 2x6x8 +%S*gzip +voxel size %(40, 4, 4%) +offset %(80, 0, 8%) +ROI %[80:240, 0:24, 8:40%]", lines[2])
    os.remove(path)
  end)

  it("names what is missing or no HDF5 file", function()
    local result = run { "info", "/no/such.h5" }
    assert.equal(1, result.status)
    assert.equal("moondust: /no/such.h5: no such file\n", result.err)
    local text = program.file_with("hello", ".h5")
    assert.equal(1, run({ "info", text }).status)
    os.remove(text)
  end)
end)

describe("moondust sample", function()
  local path
  setup(function()
    path = program.temporary ".h5"
    assert.equal(0, run({ "sample", path, "--shape", "20,96,80", "--seed", "3", "--quiet" }).status)
  end)
  teardown(function() os.remove(path) end)

  it("writes the CREMI layout", function()
    local file <close> = assert(core.hdf5.open(path))
    local raw, ids = file:info "volumes/raw", file:info "volumes/labels/neuron_ids"
    assert.same({ 20, 96, 80 }, raw.shape)
    assert.same({ 40, 4, 4 }, raw.voxel_size)
    assert.same({ 16, 72, 60 }, ids.shape)
    assert.same({ 80, 48, 40 }, ids.offset)
    assert.equal("uint64", ids.dtype)
    for _, name in ipairs { "volumes/labels/organelles", "volumes/masks/labelled" } do
      assert.same(ids.shape, file:info(name).shape)
      assert.same(ids.offset, file:info(name).offset)
      assert.equal("uint8", file:info(name).dtype)
    end
    assert.is_true(file:read("volumes/masks/labelled"):all())
    assert.equal(3, file:info("annotations/locations").shape[2])
  end)

  it("is the same tissue in slabs and at once, with any number of threads", function()
    local file <close> = assert(core.hdf5.open(path))
    local before = core.threads()
    for threads = 1, 3 do
      core.threads(threads)
      local whole = core.kernel.synthesize { shape = { 20, 96, 80 }, voxel_size = { 40, 4, 4 }, seed = 3 }
      assert.is_true(file:read("volumes/raw"):equal(whole.raw))
      assert.is_true(file:read("volumes/labels/neuron_ids"):equal(whole.neuron_ids[{ { 3, 18 }, { 13, 84 }, { 11, 70 } }]))
    end
    core.threads(before)
  end)

  it("looks like tissue: dark borders between neurons, dark organelles inside of them", function()
    local volume = core.kernel.synthesize { shape = { 8, 256, 256 }, voxel_size = { 40, 4, 4 }, seed = 1 }
    local raw, ids = volume.raw:astype "float32", volume.neuron_ids
    assert.is_true(#ids:unique():totable() > 10)
    assert.equal(0, ids:count(0))
    local border = (1 - core.kernel.affinities(ids, { { 0, 1, 0 } }, false)[{ 1 }]:astype "float32")
    border[{ {}, 256, {} }] = 0
    assert.is_true((raw * border):sum() / border:sum() < raw:mean() - 40)
    local inside = volume.organelles:astype "float32"
    assert.is_true(inside:mean() > 0.01 and inside:mean() < 0.25)
    assert.is_true((raw * inside):sum() / inside:sum() < raw:mean() - 5)
    assert.is_true(raw:std() > 20 and raw:mean() > 90 and raw:mean() < 190)
  end)

  it("puts synaptic sites into the volume, each pair on both sides of a border", function()
    local shape = { 40, 300, 300 }
    local volume = core.kernel.synthesize { shape = shape, voxel_size = { 40, 4, 4 }, seed = 4 }
    local sites, apart = volume.locations:totable(), 0
    assert.is_true(#sites >= 6 and #sites % 2 == 0)
    local function neuron_at(site)
      local index = {}
      for d = 1, 3 do index[d] = math.floor(site[d] / ({ 40, 4, 4 })[d]) + 1 end
      for d = 1, 3 do assert.is_true(index[d] >= 1 and index[d] <= shape[d]) end
      return volume.neuron_ids[index]
    end
    for i = 1, #sites, 2 do if neuron_at(sites[i]) ~= neuron_at(sites[i + 1]) then apart = apart + 1 end end
    assert.is_true(apart >= 0.8 * #sites / 2, ("%d of %d"):format(apart, #sites // 2))
    assert.same({ 1, 2 }, volume.partners[{ 1 }]:totable())
  end)

  it("is another tissue with another seed", function()
    local function hash(seed) return core.kernel.synthesize({ shape = { 2, 32, 32 }, voxel_size = { 40, 4, 4 }, seed = seed }).raw:hash() end
    assert.equal(hash(5), hash(5))
    assert.not_equal(hash(5), hash(6))
  end)

  it("refuses nonsense", function()
    local function message(options)
      local ok, raised = pcall(core.kernel.synthesize, options)
      assert.is_false(ok)
      return raised
    end
    assert.matches("shape must have 3 entries", message { shape = { 1, 2 }, voxel_size = { 1, 1, 1 } })
    assert.matches("axis 2 has 0 voxels", message { shape = { 1, 0, 2 }, voxel_size = { 1, 1, 1 } })
    assert.matches("axis 1 has 0, which must be 1 to 1000000 nm", message { shape = { 1, 1, 2 }, voxel_size = { 0, 1, 1 } })
    assert.matches("planes must be from 1 to 4", message { shape = { 4, 1, 2 }, voxel_size = { 1, 1, 1 }, last = 5 })
    assert.matches("planes 3 to 2", message { shape = { 4, 1, 2 }, voxel_size = { 1, 1, 1 }, first = 3, last = 2 })
    assert.matches("did you mean 'shape'", message { shap = { 4, 1, 2 }, voxel_size = { 1, 1, 1 } })
  end)
end)

describe("moondust view", function()
  local path
  setup(function()
    path = program.temporary ".h5"
    assert.equal(0, run({ "sample", path, "--shape", "8,64,64", "--quiet" }).status)
  end)
  teardown(function() os.remove(path) end)

  local has_png = core.version().features.png

  it("draws slices in rows", function()
    local out = program.temporary ".png"
    local result = run { "view", path, "-o", out, "--slices", "4" }
    if not has_png then
      assert.matches("this build has no libpng", result.err)
      return
    end
    assert.equal(("%s: 4 slices of volumes/raw (8x64x64)\n"):format(out), result.out)
    local grey = assert(core.png.read(out))
    assert.equal(0, run({ "view", path, "volumes/labels/neuron_ids", "-o", out, "--width", "300" }).status)
    local labels = assert(core.png.read(out))
    assert.is_true(labels.shape[2] <= 300 and grey.shape[2] > 300 and grey.shape[2] <= 1600)
    assert.equal(0, run({ "view", path, "volumes/labels/neuron_ids", "-o", out, "--width", "300", "--grey" }).status)
    assert.is_false(labels:equal(assert(core.png.read(out))))
    os.remove(out)
  end)

  it("draws a place of an axis, and axes in any order, as the same voxels stored plainly", function()
    local file_path, out = program.temporary ".h5", program.temporary ".png"
    local all = core.Rng(5):np_normals(0, 1, { 3, 2, 4, 20, 24 })
    local one = all[{ 2, 1, {}, {}, {} }]:copy()
    local turned = one:transpose(3, 2, 1):copy()
    do
      local file <close> = assert(core.hdf5.open(file_path, "w"))
      for name, data in pairs { all = all, one = one, turned = turned, named = turned } do
        assert(file:create(name, data.shape, "float64", { attributes = { axis_names = name == "named" and { "x", "y", "z" } or nil },
          voxel_size = name == "named" and { 1, 1, 1 } or nil }))
        assert(file:write(name, data))
      end
    end
    local items = require "moondust.picture.item"
    do
      local file <close> = assert(core.hdf5.open(file_path))
      local plain = items.from_dataset(file, file:info "one")
      for name, said in pairs { all = { axes = "tczyx", pick = { t = 2, c = 1 } }, turned = { axes = "xyz" }, named = false } do
        local item = items.from_dataset(file, file:info(name), name, said or nil)
        assert.same({ plain.shape, plain.count, plain.found, 1 }, { item.shape, item.count, item.found, item.channels })
        for z = 0, 3 do assert.is_true(plain.plane(0, z):equal(item.plane(0, z))) end
      end
      local both = items.from_dataset(file, file:info "all", "all", { axes = "tczyx", pick = { t = 2, c = { 2, 1 } } })
      assert.equal(2, both.channels)
      for z = 0, 3 do assert.is_true(plain.plane(0, z):equal(both.plane(1, z))) end
    end
    local function draws(...)
      local result = run { "view", file_path, "-o", out, ... }
      if has_png then assert.equal("", result.err) end
    end
    draws("all", "--axes", "tczyx", "--pick", "t=2", "--pick", "c=2,1")
    draws("turned", "--axes", "xyz")
    draws "named"
    local function fails(status, words, ...)
      local result = run { "view", file_path, ... }
      assert.equal(status, result.status)
      assert.matches(words, result.err, 1, true)
    end
    fails(1, "has 3 places along axis 't', and pick wants 4 of them", "all", "--axes", "tczyx", "--pick", "t=4")
    fails(2, "--pick wants AXIS=N or AXIS=N,N such as t=3, not 't'", "all", "--pick", "t")
    fails(2, "axes = \"tczz\" has 'z' twice", "all", "--axes", "tczz")
    fails(1, "say which axes it has (--axes tczyx)", "all", "--pick", "t=1")
    os.remove(file_path)
    os.remove(out)
  end)

  it("draws several datasets in one frame, labels on an image", function()
    local out = program.temporary ".png"
    local words = { "view", path, "volumes/raw", "volumes/labels/organelles", "-o", out, "--slices", "2", "--overlay", "volumes/raw", "--opacity", "0.3",
      "--kind", "volumes/labels/organelles=mask" }
    local result = run(words)
    if has_png then
      assert.equal(("%s: 2 slices of volumes/raw, volumes/labels/organelles\n"):format(out), result.out)
    end
    words[#words] = "volumes/labels/organelles"
    assert.equal(2, run(words).status)
    words[#words] = "volumes/labels/organelles=red"
    assert.matches("there is no kind \"red\"", run(words).err)
    words[10] = "volumes/rwa"
    words[#words] = "volumes/labels/organelles=mask"
    assert.matches("overlay: there is no volumes/rwa in the picture; did you mean 'volumes/raw'?", run(words).err, 1, true)
    os.remove(out)
  end)

  it("draws batches that run wrote, graphs too", function()
    local script, batches, out = program.temporary ".lua", program.temporary ".h5", program.temporary ".png"
    local file = assert(io.open(script, "w"))
    file:write [[
      local md = require "moondust"
      local RAW, POINTS = md.ArrayKey "RAW", md.GraphKey "POINTS"
      local roi = md.Roi({ 0, 0, 0 }, { 4, 32, 32 })
      local graph = md.Graph { { md.Node { 1, { 1, 8, 8 } }, md.Node { 2, { 1, 24, 24 } } }, { md.Edge { 1, 2 } }, md.GraphSpec { roi = roi, directed = false } }
      local raw = md.Array { md.zeros({ 4, 32, 32 }, "uint8"), md.ArraySpec { roi = roi, voxel_size = { 1, 1, 1 }, interpolatable = true } }
      local request = md.BatchRequest {}
      request:add(RAW, { 4, 32, 32 })
      request:add(POINTS, { 4, 32, 32 })
      return { md.ArraySource { RAW, raw }, md.GraphSource { POINTS, graph } } + md.MergeProvider {}, request
    ]]
    file:close()
    assert.equal(0, run({ "run", script, "-n", "2", "--seed", "1", "--out", batches, "--quiet" }).status)
    local result = run { "view", batches, "-o", out, "--slices", "4" }
    if has_png then
      assert.equal(("%s: 4 slices of batch_000000\n"):format(out), result.out)
      assert.equal(("%s: 4 slices of batch_000001\n"):format(out), run({ "view", batches, "-o", out, "--slices", "4", "--batch", "1" }).out)
      local image, yellow = assert(core.png.read(out)), require("moondust.picture.cell").GRAPHS[1]
      assert.is_true((image[{ {}, {}, 1 }]:eq(yellow[1]) * image[{ {}, {}, 2 }]:eq(yellow[2]) * image[{ {}, {}, 3 }]:eq(yellow[3])):sum() > 20)
    end
    assert.equal(("moondust: %s has no batch 7 (the first is batch_000000)\n"):format(batches), run({ "view", batches, "--batch", "7", "-o", out }).err)
    for _, name in ipairs { script, batches, out } do os.remove(name) end
  end)

  it("names what it can't show", function()
    assert.equal(("moondust: %s has no dataset 'volumes/rwa'; did you mean 'volumes/raw'?\n"):format(path), run({ "view", path, "volumes/rwa" }).err)
    local result = run { "view", path, "annotations/ids" }
    assert.equal(1, result.status)
    assert.matches("is no picture", result.err)
    assert.matches("it is no file of batches", run({ "view", path, "--batch", "0" }).err)
    assert.matches("/no/such/x.png", run({ "view", path, "-o", "/no/such/x.png" }).err)
  end)

  it("gives each id a colour that never changes, and none to 0", function()
    local a = core.kernel.colorize(core.ndarray({ { 0, 5 }, { 7, 5 } }, "uint64"))
    assert.same({ 2, 2, 3 }, a.shape)
    assert.same({ 0, 0, 0 }, a[{ 1, 1 }]:totable())
    assert.same(a[{ 1, 2 }]:totable(), a[{ 2, 2 }]:totable())
    assert.not_same(a[{ 1, 2 }]:totable(), a[{ 2, 1 }]:totable())
    assert.same(a[{ 2, 1 }]:totable(), core.kernel.colorize(core.ndarray({ 7 }, "uint8"))[{ 1 }]:totable())
    -- Ids beyond 2^53 are told apart.
    local big = core.zeros({ 2 }, "uint64")
    big[{ 1 }], big[{ 2 }] = (1 << 53) + 1, 1 << 53
    local colours = core.kernel.colorize(big)
    assert.not_same(colours[{ 1 }]:totable(), colours[{ 2 }]:totable())
  end)
end)

describe("progress", function()
  local function record(options)
    local texts, now = {}, 0
    options.output = { write = function(_, ...) texts[#texts + 1] = table.concat { ... } end, flush = function() end }
    options.clock = function() return now end
    return Progress.new(options), texts, function(seconds) now = now + seconds end
  end

  it("draws one line again and again on a terminal", function()
    local progress, texts, pass = record { total = 10, terminal = true, columns = 100 }
    pass(1)
    progress:update(1)
    pass(0.01)
    progress:update(2) -- too soon to draw
    pass(3.99)
    progress:update(5)
    progress:finish()
    assert.equal(3, #texts)
    assert.matches("^\r%[####  +%] 1/10 batches, 1%.00 a second, 0:09 left\27%[K$", texts[1])
    assert.matches("5/10 batches, 1%.00 a second, 0:05 left", texts[2])
    assert.equal("\r\27[K", texts[3])
  end)

  it("fits a narrow terminal", function()
    local progress, texts, pass = record { total = 10, terminal = true, columns = 20 }
    pass(1)
    progress:update(3)
    assert.equal(19, #texts[1]:gsub("^\r", ""):gsub("\27%[K$", ""))
  end)

  it("prints a plain line now and then elsewhere", function()
    local progress, texts, pass = record { total = 100, terminal = false }
    for i = 1, 100 do
      pass(0.01)
      progress:update(i)
    end
    progress:finish()
    assert.equal(4, #texts)
    assert.equal("25/100 batches, 100.00 a second, 0:01 left\n", texts[1])
  end)

  it("writes durations as people do", function()
    assert.equal("0:00", Progress.duration(-1))
    assert.equal("1:05", Progress.duration(65))
    assert.equal("2:00:01", Progress.duration(7201))
  end)
end)
