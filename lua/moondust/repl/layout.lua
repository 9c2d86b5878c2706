--- Lines for a screen: tables with aligned columns, and what is cut off where the screen ends.
local M = {}

--- Columns that a text takes. Wide East Asian characters are not told apart; nothing here prints any of its own.
---@param text string
---@return integer
function M.length(text) return utf8.len(text) or #text end

local function ellipsis(style) return style.utf8 and "…" or "..." end

--- A line no longer than the screen is wide.
---@param line string
---@param style moondust.Style
---@return string
function M.cut(line, style)
  local width = style.columns - 1
  if M.length(line) <= width then return line end
  local mark = ellipsis(style)
  local keep = math.max(0, width - M.length(mark))
  local stop = utf8.len(line) and utf8.offset(line, keep + 1) or keep + 1
  return line:sub(1, stop - 1) .. mark
end

--- Lines no longer than `rows`; the last says how many are left out.
---@param lines string[]
---@param rows integer
---@param style moondust.Style
---@return string[]
function M.limit(lines, rows, style)
  rows = math.max(1, rows)
  if #lines <= rows then return lines end
  local kept = table.move(lines, 1, rows - 1, 1, {})
  kept[rows] = ("%s %d more lines"):format(ellipsis(style), #lines - rows + 1)
  return kept
end

--- Rows of cells as lines with aligned columns, two spaces between; columns without any text are left out.
---@param rows string[][]
---@param indent string
---@param style moondust.Style
---@return string[]
function M.grid(rows, indent, style)
  local widths, count = {}, 0
  for _, row in ipairs(rows) do
    count = math.max(count, #row)
    for column, cell in ipairs(row) do widths[column] = math.max(widths[column] or 0, M.length(cell)) end
  end
  local lines = {}
  for i, row in ipairs(rows) do
    local parts = {}
    for column = 1, count do
      local cell = row[column] or ""
      if widths[column] > 0 then parts[#parts + 1] = cell .. (" "):rep(widths[column] - M.length(cell)) end
    end
    lines[i] = M.cut(indent .. table.concat(parts, "  "):gsub("%s+$", ""), style)
  end
  return lines
end

return M
