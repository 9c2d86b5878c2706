--- What Moondust writes is complete under its name, or not there.
local md = require "moondust"
local core = require "moondust.core"
local errors = require "spec.support.errors"

describe("outputs", function()
  local dir

  before_each(function()
    dir = os.tmpname()
    os.remove(dir)
    assert(core.make_directory(dir))
  end)
  after_each(function() os.execute(("rm -rf '%s'"):format(dir)) end)

  local function path(name) return dir .. "/" .. name end
  local function bytes(name)
    local file <close> = assert(io.open(path(name), "rb"))
    return file:read "a"
  end
  local function count()
    local pipe <close> = io.popen(("ls -A '%s' | wc -l"):format(dir))
    return pipe:read "n"
  end
  local function array(value) return core.zeros({ 4, 5, 6 }, "uint16"):fill(value) end
  local function write(file, name, value)
    assert(file:create(name, { 4, 5, 6 }, "uint16", { chunks = false }))
    assert(file:write(name, array(value)))
  end
  local function good(name)
    for _, finding in ipairs(assert(core.hdf5.check(path(name)))) do
      if not (finding.ok and finding.checksum) then return false end
    end
    return true
  end

  it("appear when they are closed, and stay away when an error leaves the scope", function()
    assert(md.hdf5.write(path "a.h5", "old", array(1)))
    local before = bytes "a.h5"
    assert.is_false(pcall(function()
      local file <close> = assert(md.hdf5.open(path "a.h5", "w"))
      write(file, "new", 2)
      error "an error of the script's"
    end))
    assert.equal(before, bytes "a.h5")
    do
      local file <close> = assert(md.hdf5.open(path "a.h5", "w"))
      write(file, "new", 2)
      assert.equal(before, bytes "a.h5")
      assert.is_true(file.new)
      assert.equal(path "a.h5", file.path)
    end
    assert.equal("new", assert(md.hdf5.list(path "a.h5"))[1].name)
    assert.equal(1, count())
    assert.is_true(good "a.h5")
  end)

  it("are given up, with a warning, when the collector finds them open", function()
    md.hdf5.open(path "a.h5", "w")
    local command = ("'%s' -e \"warn '@on' local md = require 'moondust' md.hdf5.open('%s', 'w') collectgarbage() collectgarbage()\" 2>&1"):format(
      os.getenv "MOONDUST_PROGRAM" or "./moondust", path "b.h5")
    local pipe <close> = io.popen(command)
    local said = pipe:read "a"
    collectgarbage()
    collectgarbage()
    assert.matches("b%.h5 was never closed, so it is not written", said)
    assert.equal(0, count())
  end)

  it("are no file that this process reads, under any name", function()
    assert(md.hdf5.write(path "a.h5", "old", array(1)))
    os.execute(("ln -s a.h5 '%s'; ln '%s' '%s'"):format(path "soft", path "a.h5", path "hard"))
    local before = bytes "a.h5"
    local reader = assert(md.hdf5.open(path "a.h5"))
    for _, name in ipairs { "a.h5", "soft", "hard" } do
      for _, mode in ipairs { "w", "a", "r+" } do
        local file, message = md.hdf5.open(path(name), mode)
        assert.is_nil(file)
        assert.matches("is open for reading in this process", message)
      end
      local ok, message = core.png.write(path(name), core.zeros({ 2, 2 }, "uint8"))
      assert.is_nil(ok)
      assert.matches("is open for reading in this process", message)
    end
    assert.equal(before, bytes "a.h5")
    reader:close()
    assert(md.hdf5.write(path "soft", "new", array(2)))
    assert.equal(2, #assert(md.hdf5.list(path "hard"))) -- in place
  end)

  it("are refused again when a source opened the target meanwhile", function()
    assert(md.hdf5.write(path "a.h5", "old", array(1)))
    local file = assert(md.hdf5.open(path "a.h5", "w"))
    write(file, "new", 2)
    local reader <close> = assert(md.hdf5.open(path "a.h5"))
    local ok, message = file:close()
    assert.is_nil(ok)
    assert.matches("is open for reading in this process", message)
    assert.equal("old", assert(reader:list())[1].name)
    assert.equal(1, count())
  end)

  it("are no folder, device, pipe or script", function()
    os.execute(("mkfifo '%s'"):format(path "pipe"))
    for name, words in pairs { [dir] = "is a directory", ["/dev/null"] = "is a device", [path "pipe"] = "a pipe", [path "no/where"] = "there is no directory" } do
      local file, message = md.hdf5.open(name, "w")
      assert.is_nil(file)
      assert.matches(words, message, 1, true)
      local ok
      ok, message = core.output.write(name, "text")
      assert.is_nil(ok)
      assert.matches(words, message, 1, true)
    end
    assert(core.output.write(path "s.lua", "return 1"))
    assert(core.output.protect(path "s.lua"))
    local ok, message = core.output.write(path "s.lua", "x")
    assert.is_nil(ok)
    assert.matches("is the script that runs", message)
    assert.equal("return 1", bytes "s.lua")
  end)

  it("keep the mode and the link of what they replace", function()
    assert(core.output.write(path "a", "1"))
    os.execute(("chmod 640 '%s'; ln -s a '%s'"):format(path "a", path "link"))
    assert(core.output.write(path "link", "2"))
    local pipe <close> = io.popen(("stat -c '%%a %%F' '%s' '%s'"):format(path "a", path "link"))
    assert.equal("640 regular file\n777 symbolic link\n", pipe:read "a")
    assert.equal("2", bytes "a")
  end)

  describe("as streams", function()
    local function batch(file, i)
      write(file, ("batch_%06d/RAW"):format(i), i)
      assert(file:set_attribute(("batch_%06d"):format(i), "random_seed", i))
    end

    it("hold what was flushed, and nothing else", function()
      local file = assert(core.hdf5.open(path "s.h5", "w", { stream = true }))
      for i = 0, 2 do
        batch(file, i)
        assert(file:flush())
      end
      batch(file, 3)
      assert(file:discard())
      assert.equal(1, count())
      assert.equal(3, #assert(md.hdf5.list(path "s.h5.partial")))
      assert.is_true(good "s.h5.partial")

      local again, message = core.hdf5.open(path "s.h5", "w", { stream = true })
      assert.is_nil(again)
      assert.matches("s.h5.partial is there from a run that didn't end", message)
      file = assert(core.hdf5.open(path "s.h5", "w", { stream = true, resume = true }))
      batch(file, 3)
      assert(file:flush())
      assert(file:close())
      assert.equal(1, count())
      assert.equal(4, #assert(md.hdf5.list(path "s.h5")))
      assert.is_true(good "s.h5")
      assert.is_true(array(3):equal(assert(md.hdf5.read(path "s.h5", "batch_000003/RAW"))))
    end)

    it("leave nothing when nothing was flushed, and start anew when told to", function()
      local file = assert(core.hdf5.open(path "s.h5", "w", { stream = true }))
      batch(file, 0)
      assert(file:discard())
      assert.equal(0, count())
      assert(core.output.write(path "s.h5.partial", "something"))
      file = assert(core.hdf5.open(path "s.h5", "w", { stream = true, replace = true }))
      batch(file, 0)
      assert(file:close())
      assert.equal(1, count())
      assert.is_true(good "s.h5")
      assert.is_nil((core.hdf5.open(path "s.h5", "w", { stream = true, resume = true })))
    end)

    it("refuse options that make no sense", function()
      for options, words in pairs {
        [{ stream = true, mode = "r" }] = "goes with mode \"w\"", [{ resume = true, mode = "w" }] = "go with stream = true",
        [{ stream = true, resume = true, replace = true, mode = "w" }] = "resumed or replaced",
      } do
        local mode = options.mode
        options.mode = nil
        assert.matches(words, errors.message(function() core.hdf5.open(path "s.h5", mode, options) end))
      end
    end)
  end)

  -- A size that files of the shell may not exceed: writing fails as on a full disk.
  local function limited(blocks, words)
    local program = os.getenv "MOONDUST_PROGRAM" or "./moondust"
    local pipe = io.popen(("bash -c \"trap '' XFSZ; ulimit -f %d; '%s' %s\" 2>&1; echo status $?"):format(blocks, program, words))
    local said = pipe:read "a"
    pipe:close()
    return said
  end

  it("that find no room say so and leave what was there", function()
    local sample = ("sample -q %s --shape 24,64,64"):format(path "v.h5")
    assert.matches("status 0", limited(10000, sample))
    local before = bytes "v.h5"
    for _, blocks in ipairs { 0, 1, 8, 40 } do
      local said = limited(blocks, sample .. " --seed 2")
      assert.matches("moondust: .*v.h5: writing failed .*: File too large; nothing is there under that name that wasn't before\nstatus 1\n", said)
      assert.equal(before, bytes "v.h5")
      assert.equal(1, count())
      said = limited(0, ("view %s -o %s"):format(path "v.h5", path "v.png"))
      assert.matches("v.png can't be written: writing failed: File too large\nstatus 1\n", said)
      assert.equal(1, count())
    end
  end)

  it("don't replace what they are made from", function()
    limited(10000, ("sample -q %s --shape 24,64,64"):format(path "v.h5"))
    local before = bytes "v.h5"
    assert.matches("v.h5 is open for reading.*status 1", limited(10000, ("view %s -o %s"):format(path "v.h5", path "v.h5")))
    assert.equal(before, bytes "v.h5")
    assert(core.output.write(path "p.lua", "error 'not run'"))
    assert.matches("p.lua is the script that runs.*status 1", limited(10000, ("preview %s -o %s"):format(path "p.lua", path "p.lua")))
    assert.equal("error 'not run'", bytes "p.lua")
  end)
end)
