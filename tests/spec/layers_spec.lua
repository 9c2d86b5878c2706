-- The rules of the house, and that the scripts which guard them can say no.
local program = require "spec.support.program"

-- A core.so with a sanitiser in it loads only behind the sanitiser's library.
local preload = os.getenv "PRELOAD"

local function shell(command)
  return program.shell(("BUILD=%s %s %s"):format(program.build, preload and "LD_PRELOAD=" .. preload or "", command))
end

-- A source tree of one file.
local function tree(path, text)
  local root = program.temporary()
  program.shell(("mkdir -p %s/%s"):format(root, path:match "^(.*)/"))
  local file = assert(io.open(root .. "/" .. path, "w"))
  file:write(text)
  file:close()
  return root
end

local function layers(path, text)
  local root = tree(path, text)
  local result = shell("scripts/lint-layers " .. root)
  program.shell("rm -r " .. root)
  return result
end

describe("the rooms of src/", function()
  it("know only what they may", function()
    local result = shell "scripts/lint-layers"
    assert.equal("", result.out .. result.err)
    assert.equal(0, result.status)
  end)

  it("are guarded", function()
    for _, case in ipairs {
      { "kernel/a.c", '#include "store/hdf5.h"\n', 'a.c:1: kernel must not know store: "store/hdf5.h"' },
      { "store/a.c", '\n#include "kernel/pad.h"\n', 'a.c:2: store must not know kernel: "kernel/pad.h"' },
      { "base/a.h", '#include "volume/roi.h"\n', "base must not know volume" },
      { "volume/a.h", '#  include <lua.h>\n', "<lua.h> belongs to lua and main only" },
      { "kernel/a.c", "#include <hdf5.h>\n", "<hdf5.h> belongs to store and lua only" },
      { "kernel/a.c", '#include "pad.h"\n', 'does not name its room: write "room/pad.h"' },
      { "attic/a.c", '#include "base/mem.h"\n', "there is no room 'attic'" },
    } do
      local result = layers(case[1], case[2])
      assert.equal(1, result.status, case[1])
      assert.truthy(result.out:find(case[3], 1, true), result.out)
    end
    assert.equal(0, layers("kernel/a.c", '#include "volume/roi.h"\n#include <math.h>\n').status)
  end)
end)

describe("the contract of moondust.core", function()
  it("lists every function there is, and no other", function()
    local result = shell "scripts/lint-bindings"
    assert.equal("", result.out .. result.err)
    assert.equal(0, result.status)
  end)

  it("is guarded in both directions", function()
    local file = assert(io.open "lua/moondust/meta/core.lua")
    local text = file:read "a"
    file:close()
    local changed = program.file_with((text:gsub("function core%.zeros%(", "function core.zeroes("):gsub("function ndarray:minmax%(", "function ndarray:maxmin(")))
    local result = shell("scripts/lint-bindings " .. changed)
    os.remove(changed)
    assert.equal(1, result.status)
      for _, line in ipairs { "core.zeros: is in moondust.core, not in ", "core.zeroes: is in ",
      "ndarray:minmax: is in moondust.core, not in ", "ndarray:maxmin: is in " } do
      assert.truthy(result.out:find(line, 1, true), result.out)
    end
  end)
end)
