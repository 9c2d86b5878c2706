--- From samples to figures: medians, ratios, whether a goal is met. Nothing is measured here.
---
--- Samples come in rounds: round i of ours and round i of the peer (or of memcpy) were measured next to each other, so a ratio is the
--- median of the rounds' ratios, not the ratio of medians.
local figures = {}

---@param values number[]
---@return number?
function figures.median(values)
  local sorted = table.move(values, 1, #values, 1, {})
  table.sort(sorted)
  local n = #sorted
  if n == 0 then return nil end
  return (sorted[(n + 1) // 2] + sorted[n // 2 + 1]) / 2
end

local function each(samples, value)
  local list = {}
  for i, sample in ipairs(samples) do list[i] = value(sample) end
  return list
end

local function ratios(upper, lower)
  local list = {}
  for i = 1, math.min(#upper, #lower) do list[i] = upper[i] / lower[i] end
  return list
end

--- "reused" or "fresh": whether the memory that was written came from the system (page faults) or had been written before.
---@param samples { faults: integer?, voxels: number? }[]
---@return string?
function figures.memory(samples)
  local faults = figures.median(each(samples, function(s) return s.faults or 0 end))
  local voxels = samples[1] and samples[1].voxels
  if not faults or not voxels then return nil end
  return faults * 4096 > 0.05 * voxels and "fresh" or "reused"
end

--- The figures of one line of the table. line: { title, unit, ours, peer, label, and one of most (ours / peer), least (peer / ours),
--- below (ours itself) or none }; runs: samples { value, copy? } by run's id. Returns nil when ours was not measured.
---@param line table
---@param runs table<string, table[]>
---@return table?
function figures.line(line, runs)
  local ours = runs[line.ours]
  if not ours or #ours == 0 then return nil end
  local mine = each(ours, function(s) return line.field and s[line.field] or s.value end)
  local row = { group = line.group, title = line.title, unit = line.unit, ours = figures.median(mine), rounds = #mine, note = line.note,
    ours_memory = figures.memory(ours), peer_name = line.label, agrees = line.agrees }
  local theirs
  if line.peer == "memcpy" then
    local bytes = ours[1].copied
    theirs, row.peer_name = each(ours, function(s) return s.copy end), ("memcpy of %d byte%s"):format(bytes, bytes > 1 and "s" or "")
  elseif line.peer then
    local samples = runs[line.peer] or {}
    theirs, row.peer_memory = each(samples, function(s) return line.field and s[line.field] or s.value end), figures.memory(samples)
  end
  if theirs and #theirs > 0 then
    row.peer = figures.median(theirs)
    row.ratio = figures.median(line.most and ratios(mine, theirs) or ratios(theirs, mine))
  end
  return figures.judge(row, line)
end

--- The line as it counts, and as `other` what it is with the other memory. Against memcpy counts what a kernel takes alone, with memory that
--- the allocator keeps; against a peer what users of either get: the allocator as it comes, for both.
---@param line table
---@param samples { default: table, kept: table }
---@return table?
function figures.both(line, samples)
  local alone = line.peer == "memcpy"
  local row = figures.line(line, alone and samples.kept or samples.default)
  if row then row.other = figures.line(line, alone and samples.default or samples.kept) end
  return row
end

--- Sets goal ("<= 13", ">= 200", "< 10 ms"), target and met; met stays nil where there is no goal or nothing to compare with.
function figures.judge(row, line)
  if line.most then
    row.goal, row.target = ("<= %g"):format(line.most), line.most
    if row.ratio then row.met = row.ratio <= line.most end
  elseif line.least then
    row.goal, row.target = (">= %g"):format(line.least), line.least
    if row.ratio then row.met = row.ratio >= line.least end
  elseif line.below then
    row.goal, row.target = ("< %g %s"):format(line.below, line.unit), line.below
    row.met = row.ours < line.below
  end
  return row
end

--- Largest over smallest value of a series of { size, ns }.
---@param series { size: integer, ns: number }[]
---@return number
function figures.spread(series)
  local low, high = math.huge, 0
  for _, point in ipairs(series) do low, high = math.min(low, point.ns), math.max(high, point.ns) end
  return high / low
end

return figures
