-- What the manual shows runs as it stands there.
local blocks = require "spec.support.blocks"

describe("the manual's blocks", function()
  it("are found, with their names and places", function()
    local list = blocks.of "Hello.\n\nSave as `a.lua`:\n\n```lua\nprint(1)\n```\nthen\n```sh\nmoondust a.lua\n```\n```text\n1\n```\n"
    assert.same({ "lua", "a.lua", "print(1)\n", 5 }, { list[1].kind, list[1].name, list[1].text, list[1].line })
    assert.same({ "sh", "moondust a.lua\n" }, { list[2].kind, list[2].text })
    assert.same({ "text", "1\n" }, { list[3].kind, list[3].text })
  end)

  it("compare what is printed", function()
    assert.truthy(("a 1.5 b\nc\nd\ne\n"):find(blocks.pattern "a … b\n…\ne\n"))
    assert.falsy(("a 1.5 b\nc\n"):find(blocks.pattern "a … c\nc\n"))
    assert.falsy(("a\nb\n"):find(blocks.pattern "a\n"))
  end)

  for _, page in ipairs { "tutorial", "from-gunpowder" } do
    it(("of %s.md run"):format(page), function()
      local faults, ran = blocks.run(("docs/%s.md"):format(page))
      assert.same({}, faults)
      assert.is_true(ran > 0)
    end)
  end
end)

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

describe("errors.md", function()
  it("has messages that there are", function()
    local sources, count = {}, 0
    for path in io.popen("find lua src -name '*.lua' -o -name '*.c'"):lines() do sources[#sources + 1] = read(path) end
    local all = table.concat(sources)
    for message in read("docs/errors.md"):gmatch "\n| `([^\n]-)` |" do
      for fragment in (message .. "…"):gmatch "(.-)…" do
        fragment = fragment:match "^%s*(.-)%s*$"
        if #fragment > 7 then
          count = count + 1
          assert.truthy(all:find(fragment, 1, true), fragment)
        end
      end
    end
    assert.is_true(count > 12)
  end)
end)
