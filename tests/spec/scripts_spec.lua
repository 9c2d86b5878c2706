-- The example pipelines on a synthetic volume, the project's own tools, and what `make install` leaves.
local core = require "moondust.core"
local program = require "spec.support.program"

local sample
setup(function()
  sample = program.temporary ".h5"
  assert.equal(0, program.run({ "sample", sample, "--shape", "32,192,192", "--quiet" }).status)
end)
teardown(function() os.remove(sample) end)

--- Streams two batches of a script and gives their file.
local function stream(script, words, check)
  local out = program.temporary ".h5"
  local command = { "run", "scripts/" .. script, "-n", "2", "--seed", "1", "--quiet", "--out", out, "--", sample }
  table.move(words, 1, #words, #command + 1, command)
  local result = program.run(command)
  assert.equal("", result.out .. result.err)
  assert.equal(0, result.status)
  do
    local file <close> = assert(core.hdf5.open(out))
    check(file)
  end
  os.remove(out)
end

describe("scripts/train_organelles.lua", function()
  it("makes distances, weights and grey values", function()
    stream("train_organelles.lua", { "--raw-shape", "8,64,64", "--gt-shape", "6,48,48", "--subsample", "2" }, function(file)
      for i = 0, 1 do
        local group = ("batch_%06d/"):format(i)
        local raw, target = file:read(group .. "RAW"), file:read(group .. "TARGET")
        assert.same({ 8, 64, 64 }, raw.shape)
        assert.same({ 1, 6, 48, 48 }, target.shape)
        assert.is_true(raw:std() > 0.02)
        assert.is_true(target:max() <= 1 and target:min() >= -1)
        -- Positive inside of organelles and nowhere else.
        local labels = file:read(group .. "GT")
        assert.same({ 1, 6, 48, 48 }, labels.shape)
        assert.is_true(target:gt(0):equal(labels:gt(0)))
        assert.is_true(file:read(group .. "WEIGHT"):min() >= 0)
        assert.equal(1, file:read(group .. "MASK"):max())
      end
    end)
  end)

  it("makes itself a volume when it gets none", function()
    local folder = program.temporary()
    program.shell("mkdir " .. folder)
    local command = ("TMPDIR=%s %s run scripts/train_organelles.lua -n 1 --seed 3 -q -- --raw-shape 4,32,32 --gt-shape 4,32,32"):format(folder, program.path)
    local result = program.shell(command)
    assert.equal("", result.out .. result.err)
    assert.equal(0, result.status)
    assert.truthy(core.hdf5.open(folder .. "/moondust-sample.h5"))
    program.shell("rm -r " .. folder)
  end)

  it("says what a file lacks", function()
    local result = program.run { "run", "scripts/train_organelles.lua", "--seed", "1", "--", sample, "--labels", "volumes/labels/nuclei" }
    assert.equal(1, result.status)
    assert.equal(("moondust: %s has no organelle labels with a voxel size; name them with --labels\n"):format(sample), result.err)
  end)
end)

describe("scripts/train_affinities.lua", function()
  it("makes an affinity an offset", function()
    stream("train_affinities.lua", { "--raw-shape", "8,64,64", "--gt-shape", "6,48,48" }, function(file)
      local affinities = file:read "batch_000000/AFFINITIES"
      assert.same({ 6, 6, 48, 48 }, affinities.shape)
      assert.same({ 0, 1 }, affinities:unique():totable())
      assert.same({ 6, 48, 48 }, file:read("batch_000001/NEURONS").shape)
    end)
  end)
end)

describe("scripts/custom_policy.lua", function()
  it("runs a node and a policy in Lua", function()
    local out = program.temporary ".h5"
    local result = program.run { "run", "scripts/custom_policy.lua", "-n", "3", "--seed", "1", "-q", "--out", out, "--", sample }
    assert.equal("", result.err)
    local file <close> = assert(core.hdf5.open(out))
    local raw = file:read "batch_000002/RAW"
    assert.same({ 8, 128, 128 }, raw.shape)
    assert.is_true(raw:min() >= 0 and raw:max() <= 1)
    os.remove(out)
  end)
end)

describe("scripts/setup", function()
  -- A machine on which dpkg knows `installed` packages; what apt-get and sudo are told is written down.
  local function machine(missing, words)
    local folder = program.temporary()
    program.shell("mkdir " .. folder)
    local function tool(name, text)
      local file = assert(io.open(folder .. "/" .. name, "w"))
      file:write("#!/bin/sh\n", text, "\n")
      file:close()
    end
    tool("dpkg", ("case \"$2\" in %s) exit 1 ;; *) echo 'Status: install ok installed' ;; esac"):format(missing))
    tool("apt-get", ("echo \"$@\" >>%s/log"):format(folder))
    tool("id", "echo 1000")
    tool("sudo", ("echo sudo >>%s/log; exec \"$@\""):format(folder))
    program.shell(("chmod +x %s/*"):format(folder))
    local result = program.shell(("PATH=%s:$PATH scripts/setup %s; echo \"status $?\"; cat %s/log 2>/dev/null"):format(folder, words or "", folder))
    program.shell("rm -r " .. folder)
    return result
  end

  it("does nothing when everything is there", function()
    assert.equal("status 0\n", machine("none").out)
  end)

  it("installs what is missing, as root, and says what", function()
    local out = machine("liblua5.4-dev|lua-check").out
    assert.matches("^installing: liblua5%.4%-dev lua%-check\nstatus 0\n", out)
    assert.matches("sudo\nupdate %-qq\nsudo\ninstall %-y %-qq %-%-no%-install%-recommends liblua5%.4%-dev\n", out)
  end)

  it("installs what only tests need for tests only", function()
    assert.equal("status 0\n", machine("chromium").out)
    assert.matches("^installing: chromium\nstatus 0\n", machine("chromium", "test").out)
  end)

  it("is switched off by NO_SETUP", function()
    local result = program.shell "NO_SETUP=1 PATH=/nowhere:$PATH scripts/setup"
    assert.equal(0, result.status)
    assert.equal("", result.out .. result.err)
  end)

  it("says what it needs where there is no apt", function()
    local folder = program.temporary()
    program.shell(("mkdir %s; ln -s $(command -v bash) %s/bash"):format(folder, folder))
    local result = program.shell(("PATH=%s %s/bash scripts/setup"):format(folder, folder))
    assert.equal(1, result.status)
    assert.matches("knows Debian and Ubuntu only", result.out)
    program.shell("rm -r " .. folder)
  end)
end)

describe("the counting of results", function()
  it("adds up, and fails when anything failed or nothing ran", function()
    local folder = program.temporary()
    program.shell(("mkdir %s; echo 3 0 0 >%s/a; echo 4 0 2 >%s/b"):format(folder, folder, folder))
    local fine = program.shell("scripts/sum-results " .. folder .. " /no/such")
    assert.same({ 0, "7 passed, 0 failed, 2 skipped\n" }, { fine.status, fine.out })
    program.shell(("echo 1 1 0 >%s/c"):format(folder))
    local failed = program.shell("scripts/sum-results " .. folder)
    assert.same({ 1, "8 passed, 1 failed, 2 skipped\n" }, { failed.status, failed.out })
    assert.equal(1, program.shell("scripts/sum-results /no/such").status)
    program.shell("rm -r " .. folder)
  end)

  it("counts a C test that crashes", function()
    local crashing, result_file = program.file_with("#!/bin/sh\necho '3 passed, 0 failed'\nkill -SEGV $$\n", ""), program.temporary()
    program.shell("chmod +x " .. crashing)
    local result = program.shell(("scripts/test-c %s %s; echo; cat %s"):format(result_file, crashing, result_file))
    assert.matches("\n3 1 0\n$", result.out)
    os.remove(crashing)
    os.remove(result_file)
  end)

  it("counts a spec that fails, and one that doesn't load", function()
    local result_file = program.temporary()
    local failing = program.file_with("describe('x', function() it('is', function() assert.equal(1, 2) end) it('was', function() end) end)", "_spec.lua")
    local broken = program.file_with("error('no')", "_spec.lua")
    local result = program.shell(("BUILD=%s scripts/test-lua %s %s; echo $?; cat %s"):format(program.build, result_file, failing, result_file))
    assert.matches("\n1\n1 1 0\n$", result.out)
    result = program.shell(("BUILD=%s scripts/test-lua %s %s; echo $?; cat %s"):format(program.build, result_file, broken, result_file))
    assert.matches("\n1\n0 1 0\n$", result.out)
    for _, path in ipairs { failing, broken, result_file } do os.remove(path) end
  end)
end)

describe("make install", function()
  it("puts everything where it is found again, and make uninstall takes it away", function()
    if program.build == "build-asan" then return end -- what is installed is the same; its linking is not the sanitiser's business
    local root = program.temporary()
    local make = ("make -s BUILD=%s DESTDIR=%s PREFIX=/usr "):format(program.build, root)
    local result = program.shell(make .. "install")
    assert.equal(0, result.status, result.err)
    for _, path in ipairs { "bin/moondust", "lib/libmoondust.a", "lib/lua/5.4/moondust/core.so", "share/lua/5.4/moondust/init.lua",
      "share/lua/5.4/moondust/nodes/pad.lua", "share/lua/5.4/moondust/viewer/page/index.html", "include/moondust/volume/roi.h", "lib/pkgconfig/moondust.pc" } do
      local file = io.open(root .. "/usr/" .. path)
      assert.truthy(file, path)
      file:close()
    end
    -- The program and a stock Lua find it there and not here.
    local version = core.version().version .. "\n"
    local code = "print(require('moondust').version().version, package.searchpath('moondust', package.path))"
    local expected = core.version().version .. "\t" .. root .. "/usr/share/lua/5.4/moondust/init.lua\n"
    assert.equal(expected, program.shell(("cd / && %s/usr/bin/moondust -e %s"):format(root, program.quote(code))).out)
    local stock = program.shell(("cd / && LUA_PATH='%s/usr/share/lua/5.4/?.lua;%s/usr/share/lua/5.4/?/init.lua' LUA_CPATH='%s/usr/lib/lua/5.4/?.so' lua5.4 -e %s")
      :format(root, root, root, program.quote "print(require('moondust').version().version)"))
    assert.equal(version, stock.out)
    -- A C program builds against it.
    local c = program.file_with('#include "volume/roi.h"\n#include <stdio.h>\nint main(void) { dust_coordinate c = dust_coordinate_filled(3, 7); '
      .. 'char text[64]; dust_coordinate_format(text, sizeof text, &c); puts(text); return 0; }\n', ".c")
    local compiled = program.shell(("cd %s && export PKG_CONFIG_PATH=%s/usr/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=; "
      .. "cc -o %s.out %s $(pkg-config --static --define-variable=prefix=%s/usr --cflags --libs moondust) && %s.out"):format(root, root, c, c, root, c))
    assert.equal("(7, 7, 7)\n", compiled.out, compiled.err)
    os.remove(c)
    os.remove(c .. ".out")
    assert.equal(0, program.shell(make .. "uninstall").status)
    assert.equal("", program.shell(("find %s -type f"):format(root)).out)
    program.shell("rm -r " .. root)
  end)
end)
