--- A terminal with the program in it, driven as a person would: real tmux, keys, and the screen read back.
---
--- Nothing waits for a fixed time: expect() looks at the screen until it shows what is wanted, and fails with the screen when it
--- doesn't within a bound.
local program = require "spec.support.program"

local M = {}
M.__index = M

local SECONDS = 20 -- far more than anything takes, even under a sanitiser on a busy machine
local quote = program.quote

local function output(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "a"
  pipe:close()
  return text
end

---@return boolean
function M.is_there() return os.execute "command -v tmux >/dev/null 2>&1" == true end

local function absolute(path) return path:find "^/" and path or output("pwd"):gsub("\n", "") .. "/" .. path end

--- A new terminal in a folder of its own, which is the program's HOME too.
---@param options { columns: integer?, rows: integer?, home: string?, env: string?, arguments: string? }?
function M.start(options)
  options = options or {}
  local self = setmetatable({ home = options.home or program.temporary(), socket = program.temporary ".tmux" }, M)
  os.execute("mkdir -p " .. quote(self.home))
  -- The shell tells how the program ended and keeps the screen; Ctrl-C reaches it too.
  local command = ("trap : INT; cd %s && %s %s; echo ended $?; cat"):format(quote(self.home), quote(absolute(program.path)), options.arguments or "")
  local environment = "env -u LUA_PATH -u LUA_CPATH -u LD_PRELOAD -u TMUX -u COLORTERM -u NO_COLOR -u XDG_STATE_HOME -u INPUTRC LC_ALL=C.UTF-8 TERM=screen HOME=" .. quote(self.home)
  self.environment = environment
  self:run(("-f /dev/null new-session -d -x %d -y %d %s"):format(options.columns or 100, options.rows or 50,
    quote(("env TERM=screen %s sh -c %s"):format(options.env or "", quote(command)))))
  return self
end

function M:run(words) return output(("%s tmux -u -S %s %s 2>&1"):format(self.environment, self.socket, words)) end

--- Types text as it stands.
---@param text string
function M:type(text) self:run("send-keys -t 0 -l -- " .. quote(text)) end

--- Presses keys by their names: "Enter", "Tab", "C-c".
---@param ... string
function M:press(...) self:run("send-keys -t 0 " .. table.concat({ ... }, " ")) end

--- Types a line and ends it.
---@param text string
function M:enter(text)
  self:type(text)
  self:press "Enter"
end

--- Pastes text as a terminal does, in brackets that keep its lines together.
---@param text string
function M:paste(text)
  local path = program.file_with(text, ".txt")
  self:run("load-buffer " .. path)
  self:run "paste-buffer -p -t 0"
  os.remove(path)
end

--- What the screen shows, without what is empty at its end.
---@param escapes boolean?  with colours
---@return string
function M:screen(escapes)
  local text = self:run("capture-pane -p " .. (escapes and "-e " or "") .. "-t 0")
  return (text:gsub("%s+$", ""))
end

--- Waits until the screen has what the pattern says (or the function does, of the screen); fails after a bound.
---@param pattern string|fun(screen: string): boolean
---@return string screen
function M:expect(pattern)
  local deadline = os.time() + SECONDS
  repeat
    local text = self:screen()
    local found
    if type(pattern) == "function" then found = pattern(text) else found = text:find(pattern) end
    if found then return text end
    os.execute "sleep 0.02"
  until os.time() > deadline
  error(("the screen never showed '%s':\n%s"):format(tostring(pattern), self:screen()), 2)
end

--- Empties the screen but for the prompt.
function M:clear()
  self:press "C-l"
  self:expect "^> ?$"
end

--- Drops the line that is being typed, with Ctrl-C, and clears the screen.
function M:drop()
  self:press "C-c"
  self:expect "%^C\n> ?$"
  self:clear()
end

--- Clears the screen, enters a line, waits for what it brings and a new prompt.
---@param line string
---@param pattern string
---@return string screen
function M:ask(line, pattern)
  self:clear()
  self:enter(line)
  return self:expect(pattern .. ".*\n> ?$")
end

--- Ends tmux and removes its folder.
function M:close()
  self:run "kill-server"
  os.execute(("rm -rf %s %s"):format(quote(self.home), quote(self.socket)))
end

return M
