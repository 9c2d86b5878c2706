--- A headless Chromium, driven through chromedriver (WebDriver) with curl: real keys, a real mouse, pictures of the page.
local core = require "moondust.core"
local dkjson = require "dkjson"
local program = require "spec.support.program"
local Served = require "spec.support.served"

local Browser = {}
Browser.__index = Browser

local PATIENCE = 20

--- Whether this machine has what is needed.
---@return boolean
function Browser.there() return program.shell("command -v chromedriver && command -v chromium && command -v curl").status == 0 end

local function call(self, method, path, value)
  local body = program.file_with(dkjson.encode(value or setmetatable({}, { __jsontype = "object" })), ".json")
  local result = program.shell(("curl -s --max-time %d -X %s %s http://127.0.0.1:%d%s"):format(PATIENCE, method,
    method == "POST" and "-H 'Content-Type: application/json' --data-binary @" .. body or "", self.port, path))
  os.remove(body)
  local answer = dkjson.decode(result.out)
  if not answer then error(("chromedriver doesn't answer %s %s"):format(method, path), 2) end
  if type(answer.value) == "table" and answer.value.error then error(answer.value.error .. ": " .. answer.value.message:match "[^\n]*", 2) end
  return answer.value
end

--- Starts one. Fields: width, height, dark.
---@param fields table?
function Browser.start(fields)
  fields = fields or {}
  local self = setmetatable({ log = program.temporary ".log", folder = program.temporary() }, Browser)
  -- A session of its own for everything it starts, so that :close() can end all of it.
  os.execute(("env -u LD_PRELOAD -u LUA_PATH -u LUA_CPATH setsid sh -c 'echo $$ >%s.pid; exec chromedriver --port=0' >%s 2>&1 </dev/null &"):format(self.log, self.log))
  self.port = Served.wait_for("chromedriver", function()
    local file = io.open(self.log)
    local text = file and file:read "a" or ""
    if file then file:close() end
    return tonumber(text:match "started successfully on port (%d+)")
  end)
  local arguments = { "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--user-data-dir=" .. self.folder,
    ("--window-size=%d,%d"):format(fields.width or 1400, fields.height or 900) }
  if fields.dark then arguments[#arguments + 1] = "--force-dark-mode" end
  self.session = "/session/" .. call(self, "POST", "/session", { capabilities = { alwaysMatch = {
    browserName = "chrome", ["goog:chromeOptions"] = { args = arguments }, ["goog:loggingPrefs"] = { browser = "ALL" },
  } } }).sessionId
  return self
end

---@param url string
function Browser:open(url) call(self, "POST", self.session .. "/url", { url = url }) end

--- What a piece of JavaScript returns.
---@param script string
function Browser:js(script)
  return call(self, "POST", self.session .. "/execute/sync", { script = script, args = setmetatable({}, { __jsontype = "array" }) })
end

--- Waits until a JavaScript expression is true.
---@param expression string
function Browser:wait(expression)
  local deadline = core.clock() + PATIENCE
  repeat
    if self:js("return !!(" .. expression .. ")") then return end
  until core.clock() > deadline
  error(("the page never got to %s (state %s)"):format(expression, self:js "return document.body.dataset.state"), 2)
end

local NAMED = { Down = "\u{E015}", Up = "\u{E013}", Home = "\u{E011}", End = "\u{E010}", Enter = "\u{E007}" }

--- Presses keys one after another: characters, or names as above.
---@param ... string
function Browser:press(...)
  local actions = {}
  for _, name in ipairs { ... } do
    local key = NAMED[name] or name
    actions[#actions + 1] = { type = "keyDown", value = key }
    actions[#actions + 1] = { type = "keyUp", value = key }
  end
  call(self, "POST", self.session .. "/actions", { actions = { { type = "key", id = "keys", actions = actions } } })
end

local function pointer(self, ...)
  call(self, "POST", self.session .. "/actions",
    { actions = { { type = "pointer", id = "mouse", parameters = { pointerType = "mouse" }, actions = { ... } } } })
end

--- Moves the mouse to a place in the window.
---@param x integer
---@param y integer
function Browser:move(x, y) pointer(self, { type = "pointerMove", x = x, y = y, duration = 0 }) end

--- Drags with the left button.
function Browser:drag(x, y, to_x, to_y)
  pointer(self, { type = "pointerMove", x = x, y = y, duration = 0 }, { type = "pointerDown", button = 0 },
    { type = "pointerMove", x = to_x, y = to_y, duration = 50 }, { type = "pointerUp", button = 0 })
end

function Browser:click(x, y)
  pointer(self, { type = "pointerMove", x = x, y = y, duration = 0 }, { type = "pointerDown", button = 0 }, { type = "pointerUp", button = 0 })
end

--- Turns the wheel over a place.
function Browser:wheel(x, y, by)
  call(self, "POST", self.session .. "/actions",
    { actions = { { type = "wheel", id = "wheel", actions = { { type = "scroll", x = x, y = y, deltaX = 0, deltaY = by, duration = 0 } } } } })
end

--- What went wrong in the page: exceptions, refused resources, answers that were errors.
---@return string[]
function Browser:complaints()
  local list = {}
  for _, entry in ipairs(call(self, "POST", self.session .. "/se/log", { type = "browser" })) do
    if entry.level == "SEVERE" then list[#list + 1] = entry.message end
  end
  return list
end

--- A picture of the page as a PNG file.
---@param path string
function Browser:screenshot(path)
  local encoded = program.file_with(call(self, "GET", self.session .. "/screenshot"), ".b64")
  program.shell(("base64 -d %s >%s"):format(encoded, program.quote(path)))
  os.remove(encoded)
end

function Browser:close()
  pcall(call, self, "DELETE", self.session)
  local file = io.open(self.log .. ".pid")
  if file then
    program.shell(("kill -TERM -%s"):format(file:read "n"))
    file:close()
  end
  program.shell(("rm -rf %s %s %s.pid"):format(self.folder, self.log, self.log))
end

return Browser
