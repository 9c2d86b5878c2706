--- `moondust serve-view` running beside the test, and curl to ask it.
local core = require "moondust.core"
local program = require "spec.support.program"

local Served = {}
Served.__index = Served

local PATIENCE = 20 -- seconds, for a machine with much else to do

local function read(path)
  local file = io.open(path, "rb")
  if not file then return "" end
  local text = file:read "a"
  file:close()
  return text
end

local function wait_for(what, done)
  local deadline = core.clock() + PATIENCE
  while core.clock() < deadline do
    local result = done()
    if result then return result end
    os.execute "sleep 0.02"
  end
  error("waited in vain for " .. what, 2)
end
Served.wait_for = wait_for

--- Starts it with these words and waits for its URL.
---@param words string[]
function Served.start(words)
  local self = setmetatable({ base = program.temporary() }, Served)
  local quoted = {}
  for i, word in ipairs(words) do quoted[i] = program.quote(word) end
  os.execute(("(env -u LUA_PATH -u LUA_CPATH -u LD_PRELOAD %s serve-view %s >%s.out 2>%s.err </dev/null & echo $! >%s.pid; wait $!; echo $? >%s.status) &"):format(
    program.path, table.concat(quoted, " "), self.base, self.base, self.base, self.base))
  self.url = wait_for("the URL of serve-view", function()
    if read(self.base .. ".status") ~= "" then error("serve-view ended: " .. read(self.base .. ".err"), 0) end
    return read(self.base .. ".out"):match "^(http://[^\n]*)\n"
  end)
  self.port, self.token = self.url:match "^http://127%.0%.0%.1:(%d+)/(%x+)/$"
  return self
end

--- curl with these words, URL in them standing for the page's: status, body, head.
---@param words string
---@return integer status
---@return string body
---@return string head
function Served:curl(words)
  local result = program.shell(("curl -s --path-as-is --max-time %d -D %s.head -w '\\n%%{http_code}' %s"):format(PATIENCE, self.base, (words:gsub("URL", self.url))))
  local head = read(self.base .. ".head")
  os.remove(self.base .. ".head")
  local body, status = result.out:match "^(.*)\n(%d+)$"
  return math.tointeger(tonumber(status)), body, head
end

--- Opens connections that send `bytes` each and nothing more, and holds them until what it returns is called.
---@param count integer
---@param bytes string
---@return fun() close
function Served:occupy(count, bytes)
  local base = program.temporary()
  local sent = program.file_with(bytes, ".bytes")
  os.execute(([[env -u LD_PRELOAD bash -c 'trap "" PIPE; echo $$ >%s.pid
    for i in {1..%d}; do exec {c}<>/dev/tcp/127.0.0.1/%s && cat %s >&$c; done; echo >%s.ready; exec sleep 60' >/dev/null 2>&1 &]]):format(
    base, count, self.port, sent, base))
  wait_for("connections", function() return read(base .. ".ready") ~= "" end)
  return function()
    os.execute("kill " .. read(base .. ".pid"))
    for _, path in ipairs { base .. ".pid", base .. ".ready", sent } do os.remove(path) end
  end
end

--- What the server sends until it ends the connection, to someone who sends these bytes, and how long that took in seconds.
---@param bytes string
---@return string answer
---@return number seconds
function Served:talk(bytes)
  local sent = program.file_with(bytes, ".bytes")
  local begin = core.clock()
  local result = program.shell(("bash -c 'trap \"\" PIPE; exec 3<>/dev/tcp/127.0.0.1/%s; cat %s >&3; timeout %d cat <&3' 2>/dev/null"):format(
    self.port, sent, PATIENCE))
  os.remove(sent)
  assert(result.status ~= 124, "the server kept the connection")
  return result.out, core.clock() - begin
end

--- Ctrl-C; the exit status, and what it had written to standard error.
---@return integer status
---@return string err
function Served:stop()
  os.execute("kill -INT " .. read(self.base .. ".pid"))
  local status = wait_for("the end of serve-view", function() return tonumber(read(self.base .. ".status")) end)
  local err = read(self.base .. ".err")
  for _, suffix in ipairs { ".out", ".err", ".pid", ".status" } do os.remove(self.base .. suffix) end
  return math.tointeger(status), err
end

return Served
