-- The program as a person starts it, asked with curl.
local core = require "moondust.core"
local dkjson = require "dkjson"
local program = require "spec.support.program"
local Served = require "spec.support.served"

local SCRIPT = [[
  local md = require "moondust"
  local RAW = md.ArrayKey "RAW"
  local data = md.zeros({ 8, 16, 16 }, "float32")
  local pipeline = md.ArraySource{ RAW, md.Array{ data, md.ArraySpec{ voxel_size = {1, 1, 1}, roi = md.Roi({0, 0, 0}, {8, 16, 16}) } } }
    + md.NoiseAugment{ RAW, "gaussian", clip = false }
  local request = md.BatchRequest{}
  request:add(RAW, {4, 8, 8})
  if ... == "slow" then
    local Slow = md.class("Slow", md.BatchFilter)
    function Slow:setup() self:updates(RAW, self.spec[RAW]) end
    function Slow:process() while true do end end
    pipeline = pipeline + Slow{}
  end
  return pipeline, request
]]

describe("moondust serve-view", function()
  if not core.version().features.http then return pending "this build has no HTTP server" end
  local script, served
  setup(function()
    script = program.file_with(SCRIPT)
    served = Served.start { script, "--seed", "9", "--", "p" }
  end)
  teardown(function()
    served:stop()
    os.remove(script)
  end)

  it("prints a URL with a port and a token, and serves the page there", function()
    assert.matches("^%d+$", served.port)
    assert.equal(32, #served.token)
    local status, body, head = served:curl "URL"
    assert.equal(200, status)
    assert.matches("<title>Moondust</title>", body)
    assert.matches("Content%-Security%-Policy: default%-src 'none'", head)
    assert.is_nil(head:lower():match "access%-control")
    assert.equal(200, (served:curl "-I URL"))
    assert.same({ 308, "" }, { (served:curl("-o /dev/null " .. served.url:sub(1, -2))), "" })
  end)

  it("serves nobody without the token or under another name", function()
    local root = "http://127.0.0.1:" .. served.port
    for _, words in ipairs { root .. "/", root .. "/scene", root .. "/" .. served.token:reverse() .. "/", "-H 'Host: evil.example' URL",
      "-H 'Host: evil.example:" .. served.port .. "' URL", "-H 'Origin: http://evil.example' URL", "-H 'Host:' URL" } do
      local status = served:curl(words)
      assert.is_true(status == 403 or words:find "Host:'" and status == 400, words .. " " .. status) -- no Host at all is refused by the library
    end
    assert.equal(200, (served:curl("-H 'Host: localhost:" .. served.port .. "' URL")))
  end)

  it("reaches no file", function()
    for _, path in ipairs { "../../../etc/passwd", "..%2f..%2f..%2fetc%2fpasswd", "page/../init.lua", "%2e%2e/guard.lua", "viewer.js/../../guard.lua", "/etc/passwd",
      ("a/"):rep(2000) } do
      assert.equal(404, (served:curl("'URL" .. path .. "'")), path)
    end
    assert.is_true((served:curl("'URL" .. ("a"):rep(100000) .. "'")) >= 400)
  end)

  it("answers methods, bodies and queries as they deserve", function()
    assert.equal(405, (served:curl "-X PUT URLscene"))
    assert.equal(413, (served:curl "-d number=1 URLscene"))
    assert.equal(413, (served:curl "-X POST -H 'Transfer-Encoding: chunked' -d x URLscene"))
    local status, body = served:curl "-X POST 'URLscene?number=abc'"
    assert.same({ 400, "'number' must be a whole number from 0 to 4294967295, not 'abc'\n" }, { status, body })
  end)

  it("gives the same bytes for the same seed", function()
    local function bytes(number)
      local status, body = served:curl(("-X POST 'URLscene?number=%d'"):format(number))
      assert.equal(200, status)
      local id = dkjson.decode(body).id
      return select(2, served:curl(("'URLtile?scene=%d&pane=0&channel=0&place=1&level=0&row=0&column=0&as=grey'"):format(id)))
    end
    local nine = bytes(9)
    assert.equal(8 * 8 * 4, #nine)
    assert.are_not.equal(nine, bytes(10))
    assert.is_true(nine == bytes(9))
  end)

  local function head(fields, path)
    return ("GET %s HTTP/1.1\r\n%s\r\n"):format(path or "/" .. served.token .. "/source", table.concat(fields))
  end
  local function own_host() return "Host: 127.0.0.1:" .. served.port .. "\r\n" end
  local function fields(count)
    local list = { own_host(), "Connection: close\r\n" }
    while #list < count do list[#list + 1] = ("X-%d: a\r\n"):format(#list) end
    return list
  end
  local function statuses(answer)
    local list = {}
    for status in answer:gmatch "HTTP/1%.1 (%d+)" do list[#list + 1] = tonumber(status) end
    return list
  end

  it("serves others on beside silent and half-sent connections, few or many, held or dropped", function()
    for _, case in ipairs { { 64, "" }, { 64, "GET /x HTTP/1.1\r\nHo" }, { 900, "GET /x HTTP/1.1\r\nHo" } } do
      local close = served:occupy(table.unpack(case))
      local function is_served()
        local begin = core.clock()
        assert.equal(200, (served:curl "--max-time 5 URLsource"))
        assert.is_true(core.clock() - begin < 5)
      end
      is_served()
      close()
      for _ = 1, 3 do is_served() end
    end
  end)

  it("gives a head ten seconds, also when it trickles in or comes behind an answer", function()
    local closes = {}
    for _, bytes in ipairs { "", "GET /x HTTP/1.1\r\nHo", head { own_host() }, head { own_host() } .. "GET /" } do
      closes[#closes + 1] = served:occupy(1, bytes)
    end
    local trickle = program.temporary()
    os.execute(([[env -u LD_PRELOAD bash -c 'exec 3<>/dev/tcp/127.0.0.1/%s; (timeout 20 cat <&3 >/dev/null; echo >%s.end) & printf "GET /x HTTP/1.1\r\nX: " >&3
      for i in {1..60}; do [ -e %s.end ] && exit; printf a >&3; sleep 0.2; done' >/dev/null 2>&1 &]]):format(served.port, trickle, trickle))
    local begin = core.clock()
    local function open_connections()
      return tonumber(program.shell(("cat /proc/net/tcp | grep -ci ' 0100007F:%04X [0-9A-F:]* 01 '"):format(served.port)).out)
    end
    Served.wait_for("five connections", function() return open_connections() == 5 end)
    Served.wait_for("their end", function() return open_connections() == 0 end)
    local seconds = core.clock() - begin
    assert.is_true(seconds > 8 and seconds < 14, seconds .. " s")
    Served.wait_for("the end of the trickle", function() return os.remove(trickle .. ".end") end)
    for _, close in ipairs(closes) do close() end
  end)

  it("refuses what can't be judged", function()
    local close, evil = "Connection: close\r\n", "Host: evil.example\r\n"
    local cases = {
      { 200, head(fields(64)) }, { 431, head(fields(65)) }, { 431, head(fields(1000)) }, { 431, head { own_host(), "X: " .. ("a"):rep(100000) .. "\r\n" } },
      { 431, head { table.concat(fields(70)), "Origin: http://evil.example\r\n" } },
      { 400, head { own_host(), evil, close } }, { 400, head { evil, own_host(), close } }, { 400, head { own_host(), "hOST: evil.example\r\n", close } },
      { 400, head { own_host(), own_host(), close } }, { 400, head { own_host(), "Host : evil.example\r\n", close } }, { 403, head { close } },
      { 400, head { own_host(), "Origin: http://127.0.0.1:" .. served.port .. "\r\nOrigin: http://evil.example\r\n", close } },
      { 400, head({ own_host(), close }, "/" .. served.token .. "/source%00x") }, { 400, head({ own_host(), close }, "/" .. served.token .. "/source?a=1&a=2") },
      { 403, head({ own_host(), close }, served.url .. "source") }, { 400, head { own_host(), "Content-Length: 0\r\nContent-Length: 5\r\n", close } .. "abcde" },
      { 400, "no request at all\r\n\r\n" },
    }
    for i, case in ipairs(cases) do assert.same({ case[1] }, statuses((served:talk(case[2]))), "case " .. i) end
  end)

  it("answers requests that come all at once, in order", function()
    local one = head { own_host() }
    local answer = served:talk(one:rep(20) .. head({ own_host() }, "/nothing") .. head { own_host(), "Connection: close\r\n" })
    local want = { [21] = 403, [22] = 200 }
    for i = 1, 20 do want[i] = 200 end
    assert.same(want, statuses(answer))
  end)

  it("ends cleanly with Ctrl-C, also in the middle of a batch", function()
    local idle = Served.start { script }
    assert.equal(200, (idle:curl "URL"))
    local status, err = idle:stop()
    assert.equal(0, status, err)
    local busy = Served.start { script, "--", "slow" }
    os.execute(("env -u LD_PRELOAD curl -s --max-time 20 -o /dev/null %sscene >/dev/null 2>&1 &"):format(busy.url))
    os.execute "sleep 0.3"
    status, err = busy:stop()
    assert.equal(0, status, err)
    assert.equal("Open this in a browser on this machine; Ctrl-C ends.\n", err)
  end)

  it("says in one line why it can't start", function()
    local function complaint(...)
      local result = program.run { "serve-view", ... }
      assert.equal("", result.out)
      assert.equal(1, result.status, result.err)
      return result.err
    end
    assert.equal("moondust: can't listen on port " .. served.port .. " of 127.0.0.1: Address already in use; choose another, or 0 for any that is free\n",
      complaint(script, "--port", served.port))
    assert.matches("^moondust: cannot open /no/such%.lua", complaint "/no/such.lua")
    assert.equal("moondust: /no/such.h5: no such file\n", complaint "/no/such.h5")
    assert.matches("^moondust: README%.md is not an HDF5 file[^\n]*\n$", complaint "README.md")
    local wrong = program.file_with "return 1"
    assert.equal("moondust: " .. wrong .. " must return `pipeline, request`: the first value is 1\n", complaint(wrong))
    os.remove(wrong)
    assert.equal(2, program.run({ "serve-view", "a.h5", "--", "b" }).status)
    assert.equal(2, program.run({ "serve-view", "a.h5", "--port", "99999" }).status)
  end)
end)
