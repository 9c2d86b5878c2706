--- Figures as text: the table on the terminal, the table in docs/performance.md. The latter stands between two marks; what is written
--- around them by hand stays.
local report = {}

local BEGIN, END = "<!-- figures: written by `make bench-docs` -->", "<!-- end of figures -->"

---@param value number?
---@return string
function report.number(value)
  if not value then return "" end
  local size = math.abs(value)
  return (size >= 1000 and "%.0f" or size >= 100 and "%.0f" or size >= 10 and "%.1f" or size >= 1 and "%.2f" or "%.3f"):format(value)
end

local function figure(value, unit) return value and report.number(value) .. " " .. unit or "" end

local function verdict(row)
  if row.agrees == false then return "DIFFERS" end
  if row.met == nil then return row.goal and "?" or "" end
  return row.met and "yes" or "NO"
end

local function memory(row)
  if not row.ours_memory then return "" end
  return row.ours_memory .. (row.peer_memory and "/" .. row.peer_memory or "")
end

-- The ratio with the other memory.
local function other(row)
  local o = row.other
  return o and o.ratio and ("%s %s"):format(report.number(o.ratio), memory(o)) or ""
end

--- The cells of a row: work, ours, peer, its figure, ratio, goal, met, memory, the ratio with the other memory.
---@param row table
---@return string[]
function report.cells(row)
  return { row.title, figure(row.ours, row.unit), row.peer_name or "", figure(row.peer, row.unit), row.ratio and report.number(row.ratio) or "",
    row.goal or "", verdict(row), memory(row), other(row) }
end

local HEAD = { "work", "ours", "peer", "peer's", "ratio", "goal", "met", "memory", "other memory" }
local FORMAT = "%-44s %14s  %-36s %14s %8s  %-9s %-7s %-14s %s"

function report.head() return FORMAT:format(table.unpack(HEAD)) end
function report.line(row) return (FORMAT:format(table.unpack(report.cells(row)))) end

--- "41 of 52 goals met, 3 without a peer to compare with" and the titles of those that aren't.
---@param rows table[]
---@return string
function report.summary(rows)
  local met, goals, open, missed = 0, 0, 0, {}
  for _, row in ipairs(rows) do
    if row.goal then
      goals = goals + 1
      if row.met == nil then
        open = open + 1
      elseif row.met and row.agrees ~= false then
        met = met + 1
      else
        local what = row.title .. (row.peer_name and ", " .. row.peer_name or "")
        missed[#missed + 1] = ("  %s: %s, goal %s"):format(what, report.number(row.ratio or row.ours), row.goal)
      end
    end
  end
  local text = ("%d of %d goals met"):format(met, goals)
  if open > 0 then text = text .. (", %d without anything to compare with"):format(open) end
  if #missed > 0 then text = text .. "; not met:\n" .. table.concat(missed, "\n") end
  return text
end

local function markdown_row(cells) return "| " .. table.concat(cells, " | ") .. " |" end

local function markdown_table(rows, lines)
  local group
  for _, row in ipairs(rows) do
    if row.group ~= group then
      group = row.group
      lines[#lines + 1] = ("\n### %s\n"):format(group)
      lines[#lines + 1] = markdown_row(HEAD)
      lines[#lines + 1] = "|---|--:|---|--:|--:|--:|---|---|---|"
    end
    lines[#lines + 1] = markdown_row(report.cells(row))
  end
end

-- Stands below the last group of rows, which is that of sizes.
local function scaling_table(scaling, lines)
  if not scaling or #scaling == 0 then return end
  local sizes, head = {}, { "work, ns a voxel" }
  for i, point in ipairs(scaling[1].points) do sizes[i], head[i + 1] = point.size, ("%d³"):format(point.size) end
  lines[#lines + 1] = "\n![Time per voxel over the size of the volume](performance.png)\n"
  lines[#lines + 1] = markdown_row(head)
  lines[#lines + 1] = "|---|" .. ("--:|"):rep(#sizes)
  for _, series in ipairs(scaling) do
    local cells = { series.work }
    for i, point in ipairs(series.points) do cells[i + 1] = report.number(point.ns) end
    lines[#lines + 1] = markdown_row(cells)
  end
end

local function counts_table(counts, lines)
  if not counts or #counts == 0 then return end
  lines[#lines + 1] = ("\n### Instructions a voxel (%s, %d³)\n"):format(counts[1].isa, counts[1].size)
  lines[#lines + 1] = "| work | instructions |\n|---|--:|"
  for _, count in ipairs(counts) do lines[#lines + 1] = markdown_row { count.work, report.number(count.instructions) } end
end

--- What stands between the marks.
---@param result table  what build/bench.json holds
---@return string
function report.markdown(result)
  local lines = { ("%s, %d rounds at most, volumes of %d³. %s."):format(result.machine, result.rounds, result.size, (report.summary(result.rows):match "^[^;]*")) }
  markdown_table(result.rows, lines)
  scaling_table(result.scaling, lines)
  counts_table(result.counts, lines)
  if result.versions then lines[#lines + 1] = "\nPeers: " .. table.concat(result.versions, ", ") .. "." end
  return table.concat(lines, "\n")
end

--- document with the part between the marks replaced.
---@param document string
---@param result table
---@return string
function report.into(document, result)
  local first, last = document:find(BEGIN, 1, true), document:find(END, 1, true)
  if not first or not last then error("the document lacks the marks that the figures stand between", 2) end
  return document:sub(1, first + #BEGIN - 1) .. "\n" .. report.markdown(result) .. "\n" .. document:sub(last)
end

return report
