--- `moondust view FILE.h5 [dataset]`: a contact sheet of slices as a PNG picture. Grey values between their 0.5% and 99.5%
--- quantiles, labels in colours that belong to their ids.
local core = require "moondust.core"
local cli = require "moondust.cli"
local must = cli.must

local M = { summary = "A picture of a dataset: a contact sheet of slices, labels in colour." }

local GAP = 4 -- pixels between two slices
local BINS = 4096

function M.configure(parser)
  parser:argument("file", "An HDF5 file.")
  parser:argument("dataset", "Default: volumes/raw, or the first with two axes or more."):args "?"
  parser:option("-o --out", "The picture; default: FILE.png beside where you are."):argname "OUT.png"
  parser:option("--slices", "How many slices, evenly spread.", "12"):convert(cli.integer(1, 1024)):argname "N"
  parser:option("--width", "Pixels of the sheet at most; slices are thinned to fit.", "1600"):convert(cli.integer(64, 20000)):argname "PIXELS"
  parser:mutex(
    parser:flag("--labels", "Colour it, whatever it is."),
    parser:flag("--grey", "Show it in grey, whatever it is."))
end

local function is_picture(info) return info.dtype and #info.shape >= 2 end

local function find_dataset(file, path, wanted)
  local list = must(file:list())
  local names = {}
  for _, info in ipairs(list) do
    if wanted == info.name or wanted == nil and info.name:find "volumes/raw$" then return info end
    names[#names + 1] = info.name
  end
  if wanted then
    local near = require("moondust.options").nearest(wanted, names)
    error(("%s has no dataset '%s'%s"):format(path, wanted, near and ("; did you mean '%s'?"):format(near) or ""), 0)
  end
  for _, info in ipairs(list) do if is_picture(info) then return info end end
  error(("%s has no dataset with two axes or more"):format(path), 0)
end

--- Labels are what has a name that says so, or more bits than a microscope gives.
---@param info moondust.DatasetInfo
---@return boolean
function M.is_labels(info)
  if info.dtype:find "64$" and not info.dtype:find "^float" or info.dtype:find "int32$" then return true end
  return info.name:find "label" ~= nil and not info.dtype:find "^float"
end

--- Positions (0-based) of `count` slices spread over `length`.
---@param length integer
---@param count integer
---@return integer[]
function M.spread(length, count)
  count = math.min(count, length)
  local out = {}
  for i = 1, count do out[i] = ((2 * i - 1) * length) // (2 * count) end
  return out
end

--- One slice, (height, width): leading axes beyond the third from the end are taken at their first element.
local function read_slice(file, info, z)
  local begin, shape, n = {}, {}, #info.shape
  for d = 1, n do begin[d], shape[d] = 0, d > n - 2 and info.shape[d] or 1 end
  if n >= 3 then begin[n - 2] = z end
  local data = must(file:read(info.name, begin, shape))
  return data:reshape { info.shape[n - 1], info.shape[n] }
end

local function thin(data, step)
  if step == 1 then return data end
  return data[{ { 1, -1, step }, { 1, -1, step } }]
end

-- The values below which 0.5% and 99.5% of the voxels lie.
local function window(slices)
  local all = core.stack(slices)
  local counts, low, high = all:histogram(BINS)
  local total, seen, from, to = all.size, 0, low, high
  local below, above = 0.005 * total, 0.995 * total
  for bin, count in ipairs(counts:totable()) do
    if seen <= below then from = low + (high - low) * (bin - 1) / BINS end
    if seen < above then to = low + (high - low) * bin / BINS end
    seen = seen + count
  end
  return from, to
end

local function as_grey(slices)
  local low, high = window(slices)
  local scale = high > low and 255 / (high - low) or 1
  for i, data in ipairs(slices) do
    slices[i] = core.kernel.scale_shift(data:astype "float32", scale, -low * scale, "uint8", 0, 255)
  end
end

local function as_colour(slices)
  for i, data in ipairs(slices) do slices[i] = core.kernel.colorize(data) end
end

--- Pictures of one size, in rows, with gaps between.
---@param pictures moondust.ndarray[]  uint8 (height, width) or (height, width, 3)
---@param columns integer
---@return moondust.ndarray
function M.sheet(pictures, columns)
  local shape = pictures[1].shape
  local height, width = shape[1], shape[2]
  local rows = (#pictures + columns - 1) // columns
  local whole = core.zeros({ rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, shape[3] }, "uint8"):fill(255)
  for i, picture in ipairs(pictures) do
    local y, x = (i - 1) // columns * (height + GAP), (i - 1) % columns * (width + GAP)
    local index = { { y + 1, y + height }, { x + 1, x + width } }
    whole[index] = picture
  end
  return whole
end

-- As near to a square as the slices allow.
local function columns_for(count, height, width)
  return math.max(1, math.min(count, math.ceil(math.sqrt(count * height / width))))
end

local function default_out(path) return path:match "[^/]*$":gsub("%.[^.]*$", "") .. ".png" end

function M.run(args)
  local file <close> = must(core.hdf5.open(args.file, "r"))
  local info = find_dataset(file, args.file, args.dataset)
  if not is_picture(info) then error(("%s in %s is no picture: %s of %d axes"):format(info.name, args.file, info.dtype or info.type, #info.shape), 0) end
  local n = #info.shape
  if info.shape[n] == 0 or info.shape[n - 1] == 0 then error(("%s in %s is empty"):format(info.name, args.file), 0) end
  local places = n >= 3 and M.spread(info.shape[n - 2], args.slices) or { 0 }
  local columns = columns_for(#places, info.shape[n - 1], info.shape[n])
  local step = math.max(1, math.ceil(columns * (info.shape[n] + GAP) / args.width))
  local slices = {}
  for i, z in ipairs(places) do slices[i] = thin(read_slice(file, info, z), step) end
  local colour = args.labels or not args.grey and M.is_labels(info)
  if colour then as_colour(slices) else as_grey(slices) end
  local out = args.out or default_out(args.file)
  must(core.png.write(out, M.sheet(slices, columns)))
  print(("%s: %d slices of %s (%s), %s"):format(out, #slices, info.name, table.concat(info.shape, "x"), colour and "labels in colour" or "grey"))
end

return M
