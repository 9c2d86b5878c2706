-- `run --out` under signals, a full disk, and going on again; what can't be printed.
local core = require "moondust.core"
local program = require "spec.support.program"

local run = program.run

-- Batches that differ; the third one can't be made while the file that is named as argument is there.
local SCRIPT = [[
  local md = require "moondust"
  local RAW, stop = md.ArrayKey "RAW", ...
  local Stop = md.class("Stop", md.BatchFilter)
  function Stop:init(o) self.array, self.made = o[1], 0 end
  function Stop:setup() self:enable_autoskip(); self:updates(self.array, self.spec[self.array]) end
  function Stop:process(batch)
    self.made = self.made + 1
    local mark = stop and io.open(stop)
    if mark then mark:close() end
    if mark and self.made > 2 then error("stopped") end
  end
  local data = md.ndarray({ { 1, 2, 3, 4, 5, 6 }, { 7, 8, 9, 10, 11, 12 } }, "float32")
  local spec = md.ArraySpec{ voxel_size = {1, 1}, roi = md.Roi({0, 0}, {2, 6}), interpolatable = true }
  local request = md.BatchRequest{}
  request:add(RAW, {1, 2})
  return md.ArraySource{ RAW, md.Array{ data, spec } } + md.RandomLocation{} + md.NoiseAugment{ RAW, clip = false } + Stop{ RAW }, request
]]

local function contents(path)
  local file <close> = assert(core.hdf5.open(path))
  local out = {}
  for _, info in ipairs(file:list()) do
    out[info.name] = { info.dtype, info.shape, info.offset, file:read(info.name):totable(), file:attribute(info.name:match "^/?(batch_%d+)", "random_seed") }
  end
  return out
end

local function exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

describe("run --out", function()
  local script, out, mark
  before_each(function() script, out, mark = program.file_with(SCRIPT), program.temporary ".h5", program.temporary() end)
  after_each(function() for _, path in ipairs { script, out, out .. ".partial", out .. ".partial.1", mark } do os.remove(path) end end)

  local function stopped()
    assert(io.open(mark, "w")):close()
    local result = run { "run", script, "-n", "5", "--seed", "3", "-q", "--out", out, "--", mark }
    os.remove(mark)
    return result
  end

  it("keeps the whole batches when one fails, and goes on with them to the same file", function()
    local result = stopped()
    assert.equal(1, result.status)
    assert.matches("2 whole batches are in " .. out .. ".partial; the same command with --resume goes on from there", result.err, 1, true)
    assert.is_false(exists(out))
    assert.equal(0, run({ "info", out .. ".partial" }).status)
    assert.equal(0, run({ "check", out .. ".partial" }).status)
    assert.equal(0, run({ "run", script, "-n", "5", "--seed", "3", "-q", "--resume", "--out", out, "--", mark }).status)
    assert.is_false(exists(out .. ".partial"))
    local resumed = contents(out)
    assert.equal(0, run({ "run", script, "-n", "5", "--seed", "3", "-q", "--out", out, "--", mark }).status)
    assert.same(contents(out), resumed)
  end)

  it("goes on with a list of seeds, which the file keeps", function()
    assert(io.open(mark, "w")):close()
    assert.equal(1, run({ "run", script, "-n", "4", "--seed", "7,3", "-q", "--out", out, "--", mark }).status)
    os.remove(mark)
    assert.equal(0, run({ "run", script, "-n", "4", "-q", "--resume", "--out", out, "--", mark }).status)
    local resumed = contents(out)
    assert.equal(0, run({ "run", script, "-n", "4", "--seed", "7,3", "-q", "--out", out, "--", mark }).status)
    assert.same(contents(out), resumed)
  end)

  it("is refused onto a file that the script has read, open or not, and so is a preview", function()
    local source = program.temporary ".h5"
    assert(require("moondust").hdf5.write(source, "x", require("moondust").ndarray({ { 1, 2, 3, 4, 5, 6 }, { 7, 8, 9, 10, 11, 12 } }, "uint8")))
    local closed = program.file_with(SCRIPT:gsub("local data = .-\n", 'local data = md.hdf5.read(stop, "x"):astype "float32"; stop = nil\n'))
    local open = program.file_with [[
      local md = require "moondust"
      local RAW = md.ArrayKey "RAW"
      local request = md.BatchRequest{}
      request:add(RAW, {1, 2})
      return md.Hdf5Source{ ..., { [RAW] = "x" }, { [RAW] = md.ArraySpec{ voxel_size = {1, 1} } } } + md.RandomLocation{}, request]]
    os.execute(("ln -s '%s' '%s'"):format(source, out))
    for _, file in ipairs { closed, open } do
      for _, name in ipairs { source, out } do
        for _, words in ipairs { { "run", file, "-n", "1", "--seed", "1", "-q", "--out", name, "--", source }, { "preview", file, "-o", name, "--", source } } do
          local result = run(words)
          assert.equal(1, result.status)
          assert.matches("name another output", result.err, 1, true)
          assert.equal(78, assert(require("moondust").hdf5.read(source, "x")):sum())
        end
      end
      os.remove(file)
    end
    assert.is_false(exists(out .. ".partial"))
    os.remove(source)
  end)

  it("says how to begin anew where what is there can't be gone on with", function()
    local file = assert(io.open(out, "w"))
    assert(file:write "precious"):close()
    local result = run { "run", script, "-n", "1", "--seed", "3", "--resume", "--out", out }
    assert.equal(1, result.status)
    assert.matches("leave --resume away to begin anew", result.err, 1, true)
    assert.equal("precious", assert(io.open(out)):read "a")
  end)

  it("goes on to more batches than a whole file has, and not to fewer", function()
    assert.equal(0, run({ "run", script, "-n", "3", "--seed", "3", "-q", "--out", out }).status)
    local result = run { "run", script, "-n", "2", "--seed", "3", "-q", "--resume", "--out", out }
    assert.equal(1, result.status)
    assert.matches("has 3 batches, more than -n 2: leave --resume away to begin anew", result.err, 1, true)
    local three = contents(out)
    assert.equal(0, run({ "run", script, "-n", "4", "--seed", "3", "-q", "--resume", "--out", out }).status)
    local four = contents(out)
    for name, item in pairs(three) do assert.same(item, four[name]) end
    assert.equal(0, run({ "run", script, "-n", "4", "--seed", "3", "-q", "--out", out }).status)
    assert.same(contents(out), four)
  end)

  it("steers no terminal with the names of files", function()
    local folder = program.temporary()
    os.execute(("mkdir '%s'"):format(folder))
    local name = folder .. "/\x1b[31m"
    for _, words in ipairs {
      { "run", script, "-n", "1", "--seed", "3", "--out", name }, { "run", script, "-n", "1", "--seed", "3", "--resume", "--out", name },
      { "run", script, "-n", "1", "--seed", "4", "--resume", "--out", name }, { "check", name }, { "info", name }, { "view", name, "-o", name .. ".png" },
      { "preview", script, "-o", name .. ".png" }, { "sample", name, "--shape", "4,16,16" }, { "\x1b[31m" }, { "--\x1b[31m" }, { "run", name .. ".lua" },
    } do
      local result = run(words)
      assert.not_matches("[\0-\8\x0b\x0c\x0e-\x1f]", result.out .. result.err, nil, table.concat(words, " "))
    end
    os.execute(("rm -r '%s'"):format(folder))
  end)

  it("refuses to go on with another seed, other arguments, another script", function()
    stopped()
    local function refused(pattern, words)
      local result = run(words)
      assert.equal(1, result.status)
      assert.matches(pattern, result.err)
      assert.is_true(exists(out .. ".partial"))
    end
    refused("it has the seed 3, not 4", { "run", script, "-n", "5", "--seed", "4", "--resume", "--out", out, "--", mark })
    refused("made with the arguments", { "run", script, "-n", "5", "--seed", "3", "--resume", "--out", out, "--", mark, "more" })
    local file = assert(io.open(script, "a"))
    file:write "-- changed\n"
    file:close()
    refused("another text of the script", { "run", script, "-n", "5", "--seed", "3", "--resume", "--out", out, "--", mark })
  end)

  it("begins anew where the run was killed before its first batch", function()
    assert(io.open(out .. ".partial", "w")):close()
    assert.equal(0, run({ "run", script, "-n", "2", "--seed", "3", "-q", "--resume", "--out", out }).status)
    assert.is_true(exists(out))
    assert.is_false(exists(out .. ".partial"))
  end)

  it("sets an earlier partial file aside", function()
    stopped()
    local result = run { "run", script, "-n", "1", "--seed", "5", "-q", "--out", out }
    assert.equal(0, result.status)
    assert.matches("is kept as " .. out .. ".partial.1 (to go on with it, give it its old name back and use --resume)", result.err, 1, true)
    assert.is_true(exists(out .. ".partial.1"))
  end)

  it("doesn't touch what is there when the run fails, nor the script", function()
    local file = assert(io.open(out, "w"))
    file:write "before"
    file:close()
    stopped()
    file = assert(io.open(out))
    assert.equal("before", file:read "a")
    file:close()
    local result = run { "run", script, "-n", "1", "--seed", "3", "--out", script }
    assert.equal(1, result.status)
    assert.matches("is the script that runs", result.err)
    file = assert(io.open(script))
    assert.equal(SCRIPT, file:read "a")
    file:close()
  end)

  it("says that a file is larger than the limit, and leaves nothing but whole batches", function()
    local source = program.temporary ".h5"
    assert.equal(0, run({ "sample", source, "--shape", "8,64,64", "-q" }).status)
    local folder = program.temporary()
    for _, words in ipairs { "run " .. script .. " -n 5000 --seed 1 -q --out %s/a.h5", "sample -q %s/a.h5 --shape 16,64,64", "view " .. source .. " -o %s/a.png" } do
      local result = program.shell(("mkdir '%s' && ulimit -f 16 && exec %s %s"):format(folder, program.path, words:format(folder)))
      assert.equal(1, result.status, words)
      assert.matches(folder .. "/a%..*: File too large", result.err)
      local left = program.shell(("ls -A '%s'"):format(folder)).out
      if left ~= "" then
        assert.equal("a.h5.partial\n", left)
        assert.equal(0, run({ "check", folder .. "/a.h5.partial" }).status)
      end
      os.execute(("rm -r '%s'"):format(folder))
    end
    os.remove(source)
  end)

  for _, signal in ipairs { { "TERM", 143 }, { "HUP", 129 }, { "INT", 130 } } do
    it("ends by SIG" .. signal[1] .. " with the status that a shell expects; without -n the file is whole then", function()
      local wait = ("& pid=$!; i=0; while [ ! -s %s.partial ] && [ $i -lt 200 ]; do sleep 0.05; i=$((i+1)); done; sleep 0.2; kill -%s $pid; wait $pid"):format(out, signal[1])
      local result = program.shell(("%s run %s -n 1000000000 --seed 1 --out %s %s"):format(program.path, script, out, wait))
      assert.equal(signal[2], result.status)
      assert.is_false(exists(out))
      local done = tonumber(result.err:match "interrupted after (%d+) of")
      local count = 0
      for _ in pairs(contents(out .. ".partial")) do count = count + 1 end
      assert.equal(done, count)
      os.remove(out .. ".partial")
      result = program.shell(("%s run %s --seed 1 --out %s %s"):format(program.path, script, out, wait))
      assert.equal(0, result.status)
      assert.matches("^%d+ batches in .*written to ", result.out)
      assert.is_false(exists(out .. ".partial"))
    end)
  end
end)

describe("what can't be printed", function()
  local file, script
  setup(function()
    file, script = program.temporary ".h5", program.file_with "print 'x'"
    assert.equal(0, run({ "sample", file, "--shape", "4,16,16", "-q" }).status)
  end)
  teardown(function() os.remove(file) os.remove(script) end)

  it("is an error, from a command, a script and at os.exit", function()
    for _, words in ipairs { "info " .. file, "check " .. file, "--help", "version", script, "-e 'print(1)'", "-e 'print(1) os.exit(0)'", "-e 'io.write(1) os.exit(true, true)'" } do
      local result = program.shell(("%s %s >/dev/full"):format(program.path, words))
      assert.equal(1, result.status, words)
      assert.equal("moondust: standard output can't be written: No space left on device\n", result.err, words)
    end
  end)

  it("ends serve-view, whose address nobody would know", function()
    local result = program.shell(("timeout 20 %s serve-view %s >/dev/full"):format(program.path, file))
    assert.equal(1, result.status)
    assert.matches("standard output can't be written.*: No space left on device", result.err)
  end)

  it("quietly ends a program whose reader is gone", function()
    local result = program.shell(("%s -e 'for i = 1, 100000 do print(i) end' | head -n 1"):format(program.path))
    assert.equal("1\n", result.out)
    assert.equal("", result.err)
  end)
end)

describe("moondust check", function()
  it("steers no terminal with the names in a file", function()
    local file = program.temporary ".h5"
    assert(require("moondust").hdf5.write(file, "\x1b[31m\rx", core.ndarray({ 1, 2 }, "uint8")))
    local result = run { "check", file }
    assert.equal(0, result.status)
    assert.matches("\\x1b[31m\\rx: as it was written", result.out, 1, true)
    assert.not_matches("[\0-\t\r\x1b]", result.out)
    os.remove(file)
  end)

  it("says which dataset is damaged", function()
    local file = program.temporary ".h5"
    do
      local made <close> = assert(core.hdf5.open(file, "w"))
      assert(made:create("good", { 4 }, "uint8", { chunks = false }))
      assert(made:write("good", core.ndarray({ 1, 2, 3, 4 }, "uint8")))
      assert(made:create("bad", { 8 }, "uint8", { chunks = false }))
      assert(made:write("bad", core.ndarray({ 81, 82, 83, 84, 85, 86, 87, 88 }, "uint8")))
    end
    local result = run { "check", file }
    assert.equal(0, result.status)
    assert.matches("nothing is damaged; 2 of 2 datasets have checksums", result.out)
    local stream = assert(io.open(file, "r+b"))
    local at = assert(stream:read "a":find("QRSTUVWX", 1, true))
    stream:seek("set", at - 1)
    stream:write "q"
    stream:close()
    result = run { "check", "-q", file }
    assert.equal(1, result.status)
    assert.matches("^/?bad: DAMAGED: ", result.out)
    assert.not_matches("good", result.out)
    assert.matches("1 of 2 objects is damaged", result.err)
    os.remove(file)
  end)

  it("reads what is stored of a dataset that declares more than could ever be read", function()
    local file = program.temporary ".h5"
    local far = (1 << 40) - 8
    do
      local made <close> = assert(core.hdf5.open(file, "w"))
      assert(made:create("empty", { 1 << 20, 1 << 20, 1 << 20 }, "uint8", { chunks = { 8, 8, 8 } }))
      assert(made:create("sparse", { 8, 8, 1 << 40 }, "uint8", { chunks = { 8, 8, 8 }, compression = "gzip" }))
      local block = core.zeros({ 8, 8, 8 }, "uint8"):fill(7)
      assert(made:write("sparse", block, { 0, 0, 0 }))
      assert(made:write("sparse", block, { 0, 0, far }))
    end
    local result = run { "check", file }
    assert.equal(0, result.status, result.err)
    assert.matches("nothing is damaged; 2 of 2 datasets have checksums", result.out)
    local stream = assert(io.open(file, "r+b"))
    local text = stream:read "a"
    local first = assert(text:find("x\x5e", 1, true) or text:find("x\x9c", 1, true) or text:find("x\x01", 1, true))
    local at = assert(text:find(text:sub(first, first + 5), first + 6, true)) -- the same block, in the far chunk
    stream:seek("set", at + 1)
    stream:write "\xff\xff\xff"
    stream:close()
    result = run { "check", file }
    assert.equal(1, result.status)
    assert.matches("sparse: DAMAGED: ", result.out)
    do
      local made <close> = assert(core.hdf5.open(file, "w"))
      assert(made:create("plain", { 8, 8, 1 << 40 }, "uint8", { chunks = { 1, 1, 8 } }))
      assert(made:write("plain", core.ndarray({ { { 81, 82, 83, 84, 85, 86, 87, 88 } } }, "uint8"), { 3, 5, far }))
    end
    assert.equal(0, run({ "check", file }).status)
    stream = assert(io.open(file, "r+b"))
    stream:seek("set", assert(stream:read "a":find("QRSTUVWX", 1, true)) - 1)
    stream:write "q"
    stream:close()
    assert.matches("plain: DAMAGED: .*the voxels of 'plain' aren't those that were written", run({ "check", file }).out)
    os.remove(file)
  end)
end)
