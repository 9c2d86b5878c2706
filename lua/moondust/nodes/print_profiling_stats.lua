--- PrintProfilingStats: prints where the time went upstream. Original: gunpowder/nodes/print_profiling_stats.py
--- (PrintProfilingStats).
local error = require("moondust.error").raise
local core = require "moondust.core"
local class = require("moondust.class").class
local BatchFilter = require "moondust.filter"
local Profile = require "moondust.profile"

--- Every `every` batches prints what each node upstream spent, and the wall time of the whole: upstream of this node,
--- and downstream (between two batches, so from the second on). Nothing that passes is changed.
---@class moondust.PrintProfilingStats : moondust.BatchFilter
---@field every integer
---@field print fun(text: string)?
---@overload fun(options: table?): moondust.PrintProfilingStats
local PrintProfilingStats = class("PrintProfilingStats", BatchFilter)
PrintProfilingStats.options = {
  { "every", type = "integer", default = 1, doc = "batches between two reports; default 1" },
  { "print", type = "function", doc = "function(text) that takes a report; default: standard error" },
}

local function to_stderr(text) io.stderr:write(text, "\n") end

function PrintProfilingStats:init()
  if self.every < 1 then error(("PrintProfilingStats: 'every' must be 1 or more, not %s"):format(self.every), 3) end
  self.print = self.print or to_stderr
end

local function start_over(self) self.profile, self.upstream, self.downstream = Profile(), Profile(), Profile() end

function PrintProfilingStats:setup()
  self.count, self.seen, self.left = 0, setmetatable({}, { __mode = "k" }), nil
  start_over(self)
end

function PrintProfilingStats:prepare()
  self.asked = core.clock()
  if self.left then self.downstream:add("TOTAL", "downstream", self.asked - self.left) end
end

-- A request may pass here several times (Stack): only what is new since then counts.
local function take_in(self, profile)
  local seen = self.seen[profile] or {}
  self.seen[profile] = seen
  for i, row in ipairs(profile:all_rows()) do
    for n = (seen[i] or 0) + 1, #row.times do self.profile:add(row.node, row.method, row.times[n]) end
    seen[i] = #row.times
  end
end

local function totals(self)
  local lines = {}
  for _, profile in ipairs { self.upstream, self.downstream } do
    for _, row in ipairs(profile:summaries()) do
      lines[#lines + 1] = ("%-28s %-10s %5d %9.3f %9.3f %9.3f %9.3f"):format(row.node, row.method, row.count, row.min * 1e3, row.median * 1e3,
        row.mean * 1e3, row.max * 1e3)
    end
  end
  return table.concat(lines, "\n")
end

function PrintProfilingStats:process(_, request)
  local now = core.clock()
  self.left = now
  self.upstream:add("TOTAL", "upstream", now - self.asked)
  take_in(self, request.context.profile)
  self.count = self.count + 1
  if self.count % self.every ~= 0 then return end
  self.print(("%s\n%s"):format(self.profile:report(), totals(self)))
  start_over(self)
end

function PrintProfilingStats:teardown() self.profile, self.upstream, self.downstream, self.seen = nil, nil, nil, nil end

return PrintProfilingStats
