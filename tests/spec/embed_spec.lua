-- The ways into other people's programs: each example in scripts/embed is built against an installed Moondust, as its reader would, and run.
local program = require "spec.support.program"

local SANITIZED = program.build:find "asan"
local FLAGS = "-Wall -Wextra -Werror -Wno-unused-parameter -pthread" .. (SANITIZED and " -fsanitize=address,undefined" or "")
local PRELOAD = os.getenv "PRELOAD"

local function must(command)
  local result = program.shell(command)
  assert.equal(0, result.status, result.out .. result.err)
  return result.out
end

describe("embedding", function()
  local root = program.temporary()

  setup(function() must(("make -s BUILD=%s PREFIX=%s install"):format(program.build, root)) end)
  teardown(function() program.shell("rm -rf " .. root) end)

  --- Builds scripts/embed/NAME.c in an empty folder elsewhere; the program's path.
  local function build(name, package)
    must(("mkdir -p %s/example && cd %s/example && PKG_CONFIG_PATH=%s/lib/pkgconfig && export PKG_CONFIG_PATH && "
      .. "cc %s -o %s %s/scripts/embed/%s.c $(pkg-config --static --cflags --libs %s)")
      :format(root, root, root, FLAGS, name, must "pwd":gsub("\n", ""), name, package))
    return ("cd %s/example && ./%s"):format(root, name)
  end

  it("works from a stock Lua", function()
    local out = must(("cp scripts/embed/stock.lua %s && cd / && LUA_PATH='%s/share/lua/5.4/?.lua;%s/share/lua/5.4/?/init.lua' LUA_CPATH='%s/lib/lua/5.4/?.so' "
      .. "%s lua5.4 %s/stock.lua"):format(root, root, root, root, PRELOAD and "LD_PRELOAD=" .. PRELOAD or "", root))
    assert.matches("^0\tCELLS uint64 16x16x16 .-\n1\tCELLS .-\n2\tCELLS [^\n]*voxels inside\n$", out)
  end)

  it("links into a C host that brings its own allocator", function()
    local out = must(build("host", "moondust-lua"))
    local most, left = out:match "^target from %-0%.8569 to 0%.3364\nat the most (%d+) KiB of the host's memory, (%d+) bytes left\n$"
    assert.truthy(most, out)
    assert.is_true(tonumber(most) > 2 * 24 ^ 3 * 8 / 1024)
    assert.equal("0", left)
  end)

  it("runs two Lua states in two threads", function()
    assert.equal("two threads, one seed: the same batches\nanother seed: other batches\n", must(build("two_states", "moondust-lua")))
  end)

  it("is a C library without Lua", function()
    local run = build("core", "moondust")
    assert.equal("distances.h5: tanh(distance / 50) over [0:1920, 0:192, 0:192] (1920, 192, 192)\n", must(run .. " distances.h5"))
    assert.equal("distance\n", must(("%s info %s/example/distances.h5 | cut -d ' ' -f 1"):format(program.path, root)))
    assert.equal("", must(("nm -u %s/example/core | grep -w lua_pcall || true"):format(root)))
    local failed = program.shell(run .. " /nowhere/distances.h5")
    assert.equal(1, failed.status)
    assert.matches("^core: .*/nowhere/distances%.h5", failed.err)
  end)
end)
