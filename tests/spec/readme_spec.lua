-- What README shows runs as it stands there.
local program = require "spec.support.program"

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

describe("README", function()
  local readme = read "README.md"

  it("has an example that runs on the sample", function()
    local code = assert(readme:match "```lua\n(.-)```")
    local volume = program.temporary ".h5"
    assert.equal(0, program.run({ "sample", "--quiet", "--shape", "20,384,384", volume }).status)
    local script = program.file_with((code:gsub('"volume.h5"', ("%q"):format(volume))))
    local result = program.run { script }
    os.remove(script)
    os.remove(volume)
    assert.equal(0, result.status, result.err)
    assert.equal(10, select(2, result.out:gsub("RAW float32 8x128x128 ", "")))
  end)

  it("points at files that are there", function()
    for path in readme:gmatch "%]%(([%w_./-]+)%)" do read(path) end
    for path in readme:gmatch "`(docs/[%w_./-]+)`" do read(path) end
    for path in readme:gmatch "`(scripts/[%w_./-]+)`" do read(path) end
  end)
end)
