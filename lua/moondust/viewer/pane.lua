--- One array in the world as the viewer shows it: where it lies, cutting tiles out of it, exact values.
---
--- Axes are (channels…, spatial…), the last two spatial axes are the picture's rows and columns. Where an array lies is kept in plain
--- numbers, so that a file's fractional voxel sizes are shown as they are. A tile of level L holds every 2^L-th voxel of a square of
--- TILE * 2^L voxels, so that a plane of any size comes in pieces of at most TILE x TILE.
local core = require "moondust.core"
local class = require("moondust.class").class
local Window = require "moondust.viewer.window"

---@class moondust.viewer.Pane : moondust.Class
---@field name string
---@field dtype string
---@field shape integer[]
---@field dims integer         spatial axes, 2 or more
---@field channels integer     elements of the other axes together
---@field voxel_size number[]  world units, `dims` entries
---@field offset number[]
---@field kind "grey"|"labels"
---@field read fun(begin: integer[], shape: integer[]): moondust.ndarray  0-based box over all axes
---@field note string?         what a person should know
---@overload fun(fields: table): moondust.viewer.Pane
local Pane = class "Pane"

Pane.TILE = 512
Pane.MAX_LEVEL = 12
Pane.STRIP = 1 << 23 -- elements read at once, or one row

-- A line of voxels is shown as a plane of one row.
local function with_rows(fields)
  local inner, n = fields.read, #fields.shape
  local shape = table.move(fields.shape, 1, n, 1, {})
  table.insert(shape, n, 1)
  fields.shape, fields.dims = shape, 2
  fields.voxel_size, fields.offset = { fields.voxel_size[1], fields.voxel_size[1] }, { 0, fields.offset[1] }
  fields.read = function(begin, box)
    local first, last = table.move(begin, 1, n - 1, 1, {}), table.move(box, 1, n - 1, 1, {})
    first[n], last[n] = begin[n + 1], box[n + 1]
    return inner(first, last)
  end
end

function Pane:init(fields)
  if fields.dims == 1 then with_rows(fields) end
  for name, value in pairs(fields) do self[name] = value end
  self.channels = 1
  for axis = 1, #self.shape - self.dims do self.channels = self.channels * self.shape[axis] end
end

--- Length of spatial axis `d`.
---@param d integer
---@return integer
function Pane:length(d) return self.shape[#self.shape - self.dims + d] end

-- A box over all axes that holds one element along each channel axis.
local function channel_box(self, channel)
  local begin, shape, left = {}, {}, channel
  for axis = #self.shape - self.dims, 1, -1 do
    begin[axis], shape[axis] = left % self.shape[axis], 1
    left = left // self.shape[axis]
  end
  return begin, shape
end

--- Rows and columns of one plane, every `step`-th of them, in strips, so that little is held at once.
---@param channel integer  from 0
---@param place integer[]  0-based index along each spatial axis but the last two
---@param rows integer[]   { first (0-based), count }, before thinning
---@param columns integer[]
---@param step integer
---@return moondust.ndarray  (rows, columns)
function Pane:plane(channel, place, rows, columns, step)
  local begin, shape = channel_box(self, channel)
  local n = #self.shape
  for d = 1, self.dims - 2 do begin[n - self.dims + d], shape[n - self.dims + d] = place[d], 1 end
  begin[n], shape[n] = columns[1], columns[2]
  local strips, height = {}, math.max(1, Pane.STRIP // (columns[2] * step)) * step
  for first = 0, rows[2] - 1, height do
    -- Of a strip of `step` rows only the first is shown.
    begin[n - 1], shape[n - 1] = rows[1] + first, height == step and 1 or math.min(height, rows[2] - first)
    local data = self.read(begin, shape):reshape { shape[n - 1], columns[2] }
    strips[#strips + 1] = step > 1 and data[{ { 1, -1, step }, { 1, -1, step } }] or data
  end
  return #strips == 1 and strips[1] or core.concatenate(strips, 1)
end

--- Tiles along rows and columns at a level.
---@param level integer
---@return integer rows
---@return integer columns
function Pane:tiles(level)
  local edge = Pane.TILE << level
  return (self:length(self.dims - 1) + edge - 1) // edge, (self:length(self.dims) + edge - 1) // edge
end

--- The bytes of a tile in C order: labels in colour (3 a voxel), uint8 as it is, everything else as float32 (little-endian machines).
---@param tile { channel: integer, place: integer[], level: integer, row: integer, column: integer, as: "grey"|"labels" }  all from 0
---@return string
function Pane:tile(tile)
  local edge, d = Pane.TILE << tile.level, self.dims
  local function part(index, length) return { index * edge, math.min(edge, length - index * edge) } end
  local data = self:plane(tile.channel, tile.place, part(tile.row, self:length(d - 1)), part(tile.column, self:length(d)), 1 << tile.level)
  if tile.as == "labels" then return core.kernel.colorize(data):tostring_bytes() end
  return (data.dtype == "uint8" and data or data:astype "float32"):tostring_bytes()
end

--- Contrast, from the whole array where it is in memory (field `data`), otherwise from the middle of three planes.
---@return moondust.viewer.Window
function Pane:window()
  if self.data then return Window.of(self.data) end
  local samples, place = {}, {}
  local function middle(length) return { math.max(0, length // 2 - 256), math.min(length, 512) } end
  for _, part in ipairs { 1, 2, 3 } do
    for d = 1, self.dims - 2 do place[d] = self:length(d) * part // 4 end
    samples[part] = self:plane(0, place, middle(self:length(self.dims - 1)), middle(self:length(self.dims)), 1)
  end
  return Window.of(core.stack(samples))
end

-- ------------------------------------------------------------------------------------------------ exact values

local function unsigned(value)
  if value >= 0 then return ("%d"):format(value) end
  local tenth = (value >> 1) // 5
  return ("%d%d"):format(tenth, value - tenth * 10)
end

-- The fewest digits that give the value back.
local function decimal(value, packing, most)
  for digits = 6, most do
    local word = ("%." .. digits .. "g"):format(value)
    if string.unpack(packing, string.pack(packing, tonumber(word) or value)) == value then return word end
  end
  return ("%." .. most .. "g"):format(value)
end

--- An element as text that says all of it.
---@param value number
---@param dtype string
---@return string
function Pane.exact(value, dtype)
  if math.type(value) == "integer" then return dtype == "uint64" and unsigned(value) or ("%d"):format(value) end
  if value ~= value then return "nan" end
  return dtype == "float64" and decimal(value, "d", 17) or decimal(value, "f", 9)
end

--- The voxel at a world position, its element in each channel (at most `most` of them) as text; nil outside of the array.
---@param position number[]  `dims` entries
---@param most integer
---@return integer[]? voxel  0-based
---@return string[]? values
function Pane:at(position, most)
  local voxel, first = {}, #self.shape - self.dims
  for d = 1, self.dims do
    voxel[d] = math.floor((position[d] - self.offset[d]) / self.voxel_size[d])
    if voxel[d] < 0 or voxel[d] >= self:length(d) then return nil end
  end
  local values = {}
  for channel = 0, math.min(self.channels, most) - 1 do
    local begin, shape = channel_box(self, channel)
    for d = 1, self.dims do begin[first + d], shape[first + d] = voxel[d], 1 end
    local data = self.read(begin, shape)
    values[channel + 1] = Pane.exact(data:reshape({ 1 })[1], data.dtype)
  end
  return voxel, values
end

return Pane
