--- Where the time goes: seconds a node spends on its own, before it asks upstream ("prepare") and after ("process"), over any
--- number of batches.
local core = require "moondust.core"
local class = require("moondust.class").class

---@class moondust.Profile
---@overload fun(): moondust.Profile
local Profile = class "Profile"

-- Times are noted one after the other, three entries a node, and sorted into rows when somebody looks. There is room for 16 nodes: a table that grows by and by
-- is made six times.
local NONE = {}
for i = 1, 48 do NONE[i] = false end

function Profile.blank(own) return setmetatable({ noted = { table.unpack(NONE) }, count = 0, rows = false, order = false }, own) end

function Profile:_row(node, method)
  local id = node .. "\0" .. method
  if not self.rows then self.rows, self.order = {}, {} end
  local row = self.rows[id]
  if not row then
    row = { node = node, method = method, times = {} }
    self.rows[id] = row
    self.order[#self.order + 1] = row
  end
  return row
end

function Profile:_add(node, method, seconds)
  local times = self:_row(node, method).times
  times[#times + 1] = seconds
end

---@param node string
---@param method string
---@param seconds number
function Profile:add(node, method, seconds)
  self:all_rows()
  self:_add(node, method, seconds)
end

--- What a node took on its own: before it asked upstream (false if it didn't ask) and apart from that.
---@param node string
---@param prepare number|false
---@param process number
function Profile:note(node, prepare, process)
  local noted, n = self.noted, self.count
  noted[n + 1], noted[n + 2], noted[n + 3] = node, prepare, process
  self.count = n + 3
end

--- All rows, in the order in which they began: { node =, method =, times = { seconds, … } }.
---@return table[]
function Profile:all_rows()
  local noted = self.noted
  for i = 1, self.count, 3 do
    if noted[i + 1] then self:_add(noted[i], "prepare", noted[i + 1]) end
    self:_add(noted[i], "process", noted[i + 2])
  end
  self.count = 0
  return self.order or {}
end

--- Takes in what another profile has seen.
---@param other moondust.Profile
function Profile:merge(other)
  self:all_rows()
  for _, row in ipairs(other:all_rows()) do
    local times = self:_row(row.node, row.method).times
    table.move(row.times, 1, #row.times, #times + 1, times)
  end
end

---@class moondust.ProfileSummary
---@field node string
---@field method string
---@field count integer
---@field total number   seconds
---@field min number
---@field max number
---@field mean number
---@field median number

local function summarise(row)
  local sorted, total = table.move(row.times, 1, #row.times, 1, {}), 0
  table.sort(sorted)
  for _, seconds in ipairs(sorted) do total = total + seconds end
  local n = #sorted
  return {
    node = row.node, method = row.method, count = n, total = total, min = sorted[1], max = sorted[n], mean = total / n,
    median = (sorted[(n + 1) // 2] + sorted[n // 2 + 1]) / 2,
  }
end

--- A summary a node and method, most expensive first.
---@return moondust.ProfileSummary[]
function Profile:summaries()
  local list = {}
  for i, row in ipairs(self:all_rows()) do list[i] = summarise(row) end
  table.sort(list, function(a, b)
    if a.total ~= b.total then return a.total > b.total end
    return a.node .. a.method < b.node .. b.method
  end)
  return list
end

--- A table for people: milliseconds, shares, and the most memory that C ever held.
---@return string
function Profile:report()
  local list, total = self:summaries(), 0
  for _, row in ipairs(list) do total = total + row.total end
  local lines = { ("%-28s %-8s %7s %9s %9s %9s %9s %6s"):format("NODE", "METHOD", "COUNTS", "MIN ms", "MEDIAN", "MEAN", "MAX", "SHARE") }
  for _, row in ipairs(list) do
    lines[#lines + 1] = ("%-28s %-8s %7d %9.3f %9.3f %9.3f %9.3f %5.1f%%"):format(
      row.node:sub(1, 28), row.method, row.count, row.min * 1e3, row.median * 1e3, row.mean * 1e3, row.max * 1e3,
      total > 0 and row.total / total * 100 or 0)
  end
  local _, peak = core.memory()
  lines[#lines + 1] = ("peak of array memory: %.1f MiB"):format(peak / 2 ^ 20)
  return table.concat(lines, "\n")
end

Profile.__tostring = Profile.report

return Profile
