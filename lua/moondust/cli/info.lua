--- `moondust info FILE.h5`: what is in a file as Moondust understands it, a line a dataset.
local core = require "moondust.core"
local must = require("moondust.cli").must

local M = { summary = "What is in a file: dataset, shape, dtype, chunks, filter, voxel size, offset, ROI." }

function M.configure(parser)
  parser:argument("file", "An HDF5 file.")
end

local function numbers(list)
  local parts = {}
  for i, value in ipairs(list) do
    parts[i] = math.tointeger(value) and ("%d"):format(math.tointeger(value)) or ("%.6g"):format(value)
  end
  return "(" .. table.concat(parts, ", ") .. ")"
end

local function whole(list)
  for _, value in ipairs(list) do if not math.tointeger(value) then return false end end
  return true
end

--- The ROI in world units, or nil when the file doesn't say enough (or says it with fractions).
---@param info moondust.DatasetInfo
---@return moondust.Roi?
function M.roi(info)
  local size = info.voxel_size
  if not size or not whole(size) or info.offset and not whole(info.offset) or #size > #info.shape then return nil end
  local offset, shape = {}, {}
  for d = 1, #size do
    offset[d] = info.offset and info.offset[d] or 0
    shape[d] = info.shape[#info.shape - #size + d] * size[d]
  end
  return core.Roi(offset, shape)
end

--- The columns of one dataset.
---@param info moondust.DatasetInfo
---@return string[]
function M.columns(info)
  local columns = { info.name, #info.shape > 0 and table.concat(info.shape, "x") or "scalar", info.dtype or info.type }
  columns[#columns + 1] = info.chunks and "chunks " .. table.concat(info.chunks, "x") or "contiguous"
  columns[#columns + 1] = #info.filters > 0 and table.concat(info.filters, "+") or "no filter"
  columns[#columns + 1] = info.voxel_size and "voxel size " .. numbers(info.voxel_size) or ""
  columns[#columns + 1] = info.offset and "offset " .. numbers(info.offset) or ""
  local roi = M.roi(info)
  columns[#columns + 1] = roi and "ROI " .. tostring(roi) or ""
  return columns
end

--- Rows of words as lines with aligned columns.
---@param rows string[][]
---@return string[]
function M.align(rows)
  local width, lines = {}, {}
  for _, row in ipairs(rows) do
    for i, word in ipairs(row) do width[i] = math.max(width[i] or 0, utf8.len(word) or #word) end
  end
  for _, row in ipairs(rows) do
    local words = {}
    for i, word in ipairs(row) do
      if width[i] > 0 then words[#words + 1] = word .. (" "):rep(width[i] - (utf8.len(word) or #word)) end
    end
    lines[#lines + 1] = (table.concat(words, "  "):gsub("%s+$", ""))
  end
  return lines
end

function M.run(args)
  local file <close> = must(core.hdf5.open(args.file, "r"))
  local list = must(file:list())
  if #list == 0 then
    print(("%s holds no datasets"):format(args.file))
    return 0
  end
  local rows = {}
  for i, info in ipairs(list) do rows[i] = M.columns(info) end
  for _, line in ipairs(M.align(rows)) do print(line) end
end

return M
