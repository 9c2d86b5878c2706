--- How far a stream is: on a terminal one line that is drawn again and again, elsewhere a plain line now and then.
local core = require "moondust.core"

---@class moondust.Progress
---@field total integer?  nil: without end
---@field unit string
local Progress = {}
Progress.__index = Progress

local REDRAW = 0.1 -- seconds between two drawings on a terminal
local QUIET = 10 -- seconds after which a plain line is due

local function duration(seconds)
  seconds = math.max(0, math.floor(seconds + 0.5))
  if seconds >= 3600 then return ("%d:%02d:%02d"):format(seconds // 3600, seconds // 60 % 60, seconds % 60) end
  return ("%d:%02d"):format(seconds // 60, seconds % 60)
end
Progress.duration = duration

--- Options: total, unit ("batches"), output (io.stderr), terminal (asked of the system), columns, clock: a function telling
--- seconds.
---@param options table
---@return moondust.Progress
function Progress.new(options)
  local self = setmetatable({}, Progress)
  local terminal, columns = core.is_terminal "stderr"
  self.total, self.unit, self.output = options.total, options.unit or "batches", options.output or io.stderr
  self.terminal = terminal
  if options.terminal ~= nil then self.terminal = options.terminal end
  self.columns = options.columns or columns or 80
  self.clock = options.clock or core.clock
  self.start = self.clock()
  self.last_time, self.last_quarter, self.done, self.before, self.drawn = self.start, 0, 0, 0, false
  return self
end

--- `done` units were there already: they don't count for the rate.
---@param done integer
function Progress:begin_at(done)
  self.start, self.done, self.before = self.clock(), done, done
end

--- Units a second so far; 0 before anything is known.
---@return number
function Progress:rate()
  local seconds = self.clock() - self.start
  return seconds > 0 and (self.done - self.before) / seconds or 0
end

function Progress:text()
  local rate = self:rate()
  if not self.total then return ("%d %s, %.2f a second"):format(self.done, self.unit, rate) end
  local left = rate > 0 and duration((self.total - self.done) / rate) or "?"
  return ("%d/%d %s, %.2f a second, %s left"):format(self.done, self.total, self.unit, rate, left)
end

function Progress:draw()
  local text = self:text()
  local width = math.min(40, self.columns - #text - 4)
  local bar = ""
  if width >= 8 and self.total then
    local full = self.total > 0 and width * self.done // self.total or width
    bar = "[" .. ("#"):rep(full) .. (" "):rep(width - full) .. "] "
  end
  self.output:write("\r", (bar .. text):sub(1, self.columns - 1), "\27[K")
  self.output:flush()
  self.drawn = true
end

--- Says that `done` units are done.
---@param done integer
function Progress:update(done)
  self.done = done
  local now = self.clock()
  if self.terminal then
    if now - self.last_time < REDRAW and self.drawn and done ~= self.total then return end
    self:draw()
  else
    local quarter = self.total and self.total > 0 and 4 * done // self.total or 0
    if quarter == self.last_quarter and now - self.last_time < QUIET then return end
    self.last_quarter = quarter
    self.output:write(self:text(), "\n")
  end
  self.last_time = now
end

--- Leaves the terminal's line clean for what comes next.
function Progress:finish()
  if self.terminal and self.drawn then self.output:write("\r\27[K") end
  self.drawn = false
end

return Progress
