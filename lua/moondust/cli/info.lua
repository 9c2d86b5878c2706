--- `moondust info FILE.h5`: what is in a file as Moondust understands it, a line a dataset.
local core = require "moondust.core"
local LazyArray = require "moondust.dataset"
local must = require("moondust.cli").must

local M = { summary = "What is in a file: dataset, shape, dtype, chunks, filter, voxel size, offset, ROI." }

function M.configure(parser)
  parser:argument("file", "An HDF5 file.")
end

local function numbers(list)
  local parts = {}
  for i, value in ipairs(list) do
    parts[i] = math.type(value) == "integer" and ("%d"):format(value) or math.tointeger(value) and ("%d"):format(math.tointeger(value)) or ("%.6g"):format(value)
  end
  return "(" .. table.concat(parts, ", ") .. ")"
end

--- The ROI in world units, or nil and why not when the file doesn't say enough, or nothing that can be understood.
---@param file moondust.Hdf5File
---@param info moondust.DatasetInfo
---@return moondust.Roi?
---@return string? why  nil where the file says nothing
function M.roi(file, info)
  if not info.dtype or info.problem or not (info.world.resolution or info.world.voxel_size or info.world.offset) then return nil end
  local array, why = LazyArray.open(file, info.name, nil, { way_out = "…" })
  if array then return array.roi end
  if not (info.world.resolution or info.world.voxel_size) then return nil end
  local start = ("dataset '%s' of %s "):format(core.printable(info.name), core.printable(file.path))
  if why:sub(1, #start) == start then why = why:sub(#start + 1):gsub("^has ", "") end
  return nil, (why:gsub("; [^;]*$", "", 1):gsub(": …$", "", 1))
end

local STORAGE = { chunked = "chunks ", external = "external", virtual = "virtual", compact = "compact", contiguous = "contiguous" }

-- The file's name is known where it is listed.
local function without_path(file, problem)
  local prefix = core.printable(file.path) .. ": "
  return problem:sub(1, #prefix) == prefix and problem:sub(#prefix + 1) or problem
end

--- The columns of one dataset.
---@param file moondust.Hdf5File
---@param info moondust.DatasetInfo
---@return string[]
function M.columns(file, info)
  local columns = { core.printable(info.name), #info.shape > 0 and table.concat(info.shape, "x") or "scalar", info.dtype or info.type }
  columns[#columns + 1] = STORAGE[info.storage] .. (info.chunks and table.concat(info.chunks, "x") or "")
  columns[#columns + 1] = #info.filters > 0 and table.concat(info.filters, "+") or "no filter"
  columns[#columns + 1] = info.voxel_size and "voxel size " .. numbers(info.voxel_size) or ""
  columns[#columns + 1] = info.offset and "offset " .. numbers(info.offset) or ""
  local roi, why = M.roi(file, info)
  columns[#columns + 1] = roi and "ROI " .. tostring(roi) or ""
  columns[#columns + 1] = info.problem and "(" .. without_path(file, info.problem) .. ")" or why and "(" .. why .. ")" or ""
  return columns
end

local WIDEST = 60 -- characters of a column; what is longer pushes the rest of its line aside

--- Rows of words as lines with aligned columns.
---@param rows string[][]
---@return string[]
function M.align(rows)
  local width, lines = {}, {}
  for _, row in ipairs(rows) do
    for i, word in ipairs(row) do width[i] = math.max(width[i] or 0, math.min(utf8.len(word) or #word, WIDEST)) end
  end
  for _, row in ipairs(rows) do
    local words = {}
    for i, word in ipairs(row) do
      if width[i] > 0 then words[#words + 1] = word .. (" "):rep(math.max(0, width[i] - (utf8.len(word) or #word))) end
    end
    lines[#lines + 1] = (table.concat(words, "  "):gsub("%s+$", ""))
  end
  return lines
end

function M.run(args)
  local file <close> = must(core.hdf5.open(args.file, "r"))
  local list, others = must(file:list())
  if #list == 0 then print(("%s holds no datasets"):format(core.printable(args.file))) end
  local rows = {}
  for i, info in ipairs(list) do rows[i] = M.columns(file, info) end
  for _, line in ipairs(M.align(rows)) do print(line) end
  for _, other in ipairs(others) do print(("%s  (%s)"):format(core.printable(other.name), other.problem)) end
end

return M
