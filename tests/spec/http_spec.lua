-- core.http: the server in this process, curl in another.
local core = require "moondust.core"
local program = require "spec.support.program"

local function listen() return assert(core.http.listen()) end

-- Serves until `wanted` requests are answered or the client has ended; what curl printed.
local function ask(server, handler, arguments, wanted)
  local out = program.temporary()
  os.execute(("(env -u LD_PRELOAD curl -s --max-time 5 %s >%s 2>&1; echo >%s.end) &"):format(arguments:gsub("URL", "http://127.0.0.1:" .. server.port), out, out))
  local deadline, answered = core.clock() + 5, 0
  local function ended()
    local file = io.open(out .. ".end")
    if file then file:close() end
    return file ~= nil
  end
  local ok, raised = pcall(function()
    while not (ended() and answered >= (wanted or 0)) and core.clock() < deadline do answered = answered + server:serve(handler, 0.02) end
  end)
  while not ended() and core.clock() < deadline do pcall(server.serve, server, handler, 0.02) end
  local file = assert(io.open(out, "rb"))
  local text = file:read "a"
  file:close()
  os.remove(out)
  os.remove(out .. ".end")
  if not ok then error(raised, 0) end
  return text
end

local function fine(body) return function() return 200, { ["Content-Type"] = "text/plain" }, body end end

describe("core.http", function()
  if not core.version().features.http then
    return it("says what it needs", function() assert.matches("install libmicrohttpd%-dev and run make again", select(2, core.http.listen())) end)
  end

  it("hands over method, path, query and headers, and sends what comes back", function()
    local server <close> = listen()
    local seen
    local text = ask(server, function(method, path, query, headers)
      seen = { method, path, query, headers["x-odd-name"], headers.host }
      return 418, { ["X-Answer"] = "yes", ["Content-Type"] = "application/octet-stream" }, "a\0b"
    end, "-i -H 'X-ODD-Name: Val' 'URL/a%20b/c?x=1&y=%2B%00z&flag'", 1)
    assert.same({ "GET", "/a b/c", { x = "1", y = "+\0z", flag = "" }, "Val", "127.0.0.1:" .. server.port }, seen)
    assert.matches("^HTTP/1.1 418 ", text)
    assert.matches("X%-Answer: yes\r\n", text)
    assert.equal("a\0b", text:match "\r\n\r\n(.*)$")
  end)

  it("joins header fields of one name", function()
    local server <close> = listen()
    local seen
    ask(server, function(_, _, _, headers) seen = headers["x-a"] return 200, {}, "" end, "-H 'X-A: 1' -H 'x-a: 2' URL/", 1)
    assert.equal("1, 2", seen)
  end)

  it("keeps a connection for the next request, leaves the body of HEAD out, and ends after a request with a body", function()
    local server <close> = listen()
    assert.matches("^200 1\n?200 0", ask(server, fine "", "-o /dev/null -o /dev/null -w '%{http_code} %{num_connects}\\n' URL/a URL/b", 2))
    local head = ask(server, fine "four", "-I URL/", 1)
    assert.matches("Content%-Length: 4\r\n", head)
    assert.matches("\r\n\r\n$", head)
    assert.matches("Connection: close\r\n", ask(server, fine "x", "-i -d some=body URL/", 1))
  end)

  it("raises what the handler raises, and goes on afterwards", function()
    local server <close> = listen()
    local reason = {}
    local ok, raised = pcall(ask, server, function() error(reason, 0) end, "URL/")
    assert.is_false(ok)
    assert.is_true(raised == reason)
    assert.equal("again", ask(server, fine "again", "URL/", 1))
  end)

  it("refuses answers that are none", function()
    local server <close> = listen()
    local function complaint(...)
      local values = table.pack(...)
      local _, raised = pcall(ask, server, function() return table.unpack(values, 1, values.n) end, "URL/")
      return tostring(raised)
    end
    assert.matches("the status of an answer must be a whole number", complaint("fine", {}, ""))
    assert.matches("must be from 200 to 599, not 99", complaint(99, {}, ""))
    assert.matches("headers of an answer must be a table, not nil", complaint(200, nil, ""))
    assert.matches("headers of an answer must be strings by name", complaint(200, { 1 }, ""))
    assert.matches("can't be a header", complaint(200, { A = "b\r\nSet-Cookie: c" }, ""))
    assert.matches("body of an answer must be a string, not number", complaint(200, {}, 7))
  end)

  it("can't be closed or entered by its own handler", function()
    local server <close> = listen()
    for _, method in ipairs { "close", "serve" } do
      local _, raised = pcall(ask, server, function() return server[method](server, print, 0) end, "URL/")
      assert.matches("neither serve%(%) nor close%(%) can be called by its handler", tostring(raised))
    end
  end)

  it("says why a port can't be had", function()
    local server <close> = listen()
    local none, message = core.http.listen(server.port)
    assert.is_nil(none)
    assert.equal(("can't listen on port %d of 127.0.0.1: Address already in use; choose another, or 0 for any that is free"):format(server.port), message)
    assert.has_error(function() core.http.listen(65536) end, "the port of an HTTP server must be from 0 to 65535, not 65536")
  end)

  it("listens on this machine only, and no longer once closed", function()
    local server = listen()
    local where = program.shell(("cat /proc/net/tcp /proc/net/tcp6 | grep -i ':%04X 0*:0000 0A'"):format(server.port)).out
    assert.matches("^ *%d+: 0100007F:", where)
    assert.equal(1, select(2, where:gsub("\n", "")))
    local port = server.port
    server:close()
    server:close()
    assert.has_error(function() server:serve(print, 0) end, "the HTTP server is closed")
    local another <close> = assert(core.http.listen(port))
    assert.equal(port, another.port)
  end)
end)
