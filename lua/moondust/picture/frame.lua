--- The part of the world that a group of cells shows, and the slices through it.
local M = {}

---@class moondust.picture.Frame
---@field begin number[]  z, y, x in world units
---@field stop number[]
---@field has_z boolean

local function stop_of(item, d) return item.begin[d] + item.count[d] * item.step[d] end

--- The box of an item with voxels.
---@param item moondust.picture.Item
---@return number[] begin
---@return number[] stop
function M.box(item) return item.begin, { stop_of(item, 1), stop_of(item, 2), stop_of(item, 3) } end

local function extend(frame, begin, stop)
  for d = 1, 3 do
    frame.begin[d] = math.min(frame.begin[d] or math.huge, begin[d])
    frame.stop[d] = math.max(frame.stop[d] or -math.huge, stop[d])
  end
end

--- z, y, x of a ROI, whatever its number of axes.
---@param roi moondust.Roi
---@return number[] begin
---@return number[] stop
local function three(roi)
  local begin, stop, lead = {}, {}, roi.dims - 3
  for d = 1, 3 do
    begin[d] = d + lead >= 1 and roi.begin[d + lead] or 0
    stop[d] = d + lead >= 1 and roi.stop[d + lead] or 1
  end
  return begin, stop
end
M.three = three

--- The box around all items that have voxels; around graphs where none has. nil when there is nothing.
---@param list moondust.picture.Item[]
---@return moondust.picture.Frame?
function M.of(list)
  local frame, any = { begin = {}, stop = {}, has_z = false }, false
  for _, item in ipairs(list) do
    if item.plane then
      any, frame.has_z = true, frame.has_z or item.has_z
      extend(frame, M.box(item))
    end
  end
  for _, item in ipairs(any and {} or list) do
    if item.box and not item.box.empty then
      any, frame.has_z = true, frame.has_z or item.box.dims >= 3
      extend(frame, three(item.box))
    end
  end
  return any and frame or nil
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

--- World z of the middles of slices, spread evenly over what all arrays have in common (where they have nothing in common, over the
--- frame), on the planes of the thinnest voxels.
---@param frame moondust.picture.Frame
---@param list moondust.picture.Item[]
---@param wanted integer|number[]  how many, or where
---@return number[]
function M.slices(frame, list, wanted)
  if type(wanted) == "table" then return wanted end
  if not frame.has_z then return { frame.begin[1] + 0.5 } end
  local begin, stop, thinnest = -math.huge, math.huge, nil
  for _, item in ipairs(list) do
    if item.plane and item.has_z then
      begin, stop = math.max(begin, item.begin[1]), math.min(stop, stop_of(item, 1))
      if not thinnest or item.step[1] < thinnest.step[1] then thinnest = item end
    end
  end
  if not thinnest or begin >= stop then begin, stop = frame.begin[1], frame.stop[1] end
  local step = thinnest and thinnest.step[1] or 1
  local places = M.spread(math.max(1, math.floor((stop - begin) / step)), wanted)
  for i, plane in ipairs(places) do places[i] = begin + (plane + 0.5) * step end
  return places
end

return M
