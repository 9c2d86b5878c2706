-- Where the program takes its own Lua files from.
local program = require "spec.support.program"

local STRANGER = "io.stderr:write('a stranger\\'s code') return { main = function() return 0 end }"

describe("the program's own files", function()
  local base
  before_each(function()
    base = program.temporary()
    os.execute(("mkdir -p %s/a/b/c && cp %s %s/a/b/c/program"):format(base, program.path, base))
  end)
  after_each(function() os.execute("rm -rf " .. base) end)

  local function run(words) return program.shell(("cd %s/a/b/c && %s ./program --version"):format(base, words or "")) end

  it("are not looked for in folders that happen to lie beside a copy", function()
    for _, place in ipairs { "a/lua", "a/b/lua", "a/b/c/lua", "a/b/c" } do
      os.execute(("mkdir -p %s/%s/moondust/cli"):format(base, place))
      for _, name in ipairs { "init.lua", "cli/init.lua", "cli.lua" } do
        local file = assert(io.open(("%s/%s/moondust/%s"):format(base, place, name), "w"))
        assert(file:write(STRANGER))
        assert(file:close())
      end
    end
    local result = run()
    assert.is_nil(result.err:find("stranger", 1, true), result.err)
    assert.is_true(result.status == 0 or result.err:find("the Lua files of moondust are neither beside the program", 1, true) ~= nil, result.err)
    assert.not_matches("traceback", result.err)
  end)

  it("are taken from ../share/lua/5.4, and from where LUA_PATH says", function()
    local here = io.popen("pwd"):read "l"
    local result = run(("LUA_PATH='%s/lua/?.lua;%s/lua/?/init.lua;;'"):format(here, here))
    assert.equal(0, result.status, result.err)
    assert.matches("^moondust ", result.out)
    os.execute(("mkdir -p %s/a/b/share/lua/5.4 && cp -r lua/moondust %s/a/b/share/lua/5.4/"):format(base, base))
    result = run()
    assert.equal(0, result.status, result.err)
    assert.matches("^moondust ", result.out)
  end)
end)
