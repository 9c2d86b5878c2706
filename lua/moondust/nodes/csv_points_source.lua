--- CsvPointsSource: points from a text file, one a line. Original: gunpowder/nodes/csv_points_source.py (CsvPointsSource).
local error = require("moondust.error").raise
local core = require "moondust.core"
local class = require("moondust.class").class
local Batch = require "moondust.batch"
local BatchProvider = require "moondust.provider"
local options = require "moondust.options"

--- Serves the points inside a ROI as a graph without edges. Columns are counted from 1. The file is read once, when the pipeline
--- is built; a first line in which a spatial column isn't a number is a header. Fields may stand in double quotes.
---@class moondust.CsvPointsSource : moondust.BatchProvider
---@field filename string
---@field points moondust.GraphKey
---@field spatial_cols integer[]
---@field points_spec moondust.GraphSpec?
---@field scale number|number[]|nil
---@field id_col integer?
---@field delimiter string
---@overload fun(options: table): moondust.CsvPointsSource
local CsvPointsSource = class("CsvPointsSource", BatchProvider)
CsvPointsSource.look_ahead = "each"
CsvPointsSource.arity = 0
CsvPointsSource.only_points = true
CsvPointsSource.options = {
  { "filename", type = "string", required = true, doc = "the file" },
  { "points", type = "graph_key", required = true, doc = "under which the points are served" },
  { "spatial_cols", type = "numbers", required = true, doc = "columns of the coordinates, in the order of the axes (zyx), counted from 1" },
  { "points_spec", type = "any", doc = "md.GraphSpec{ roi = … }; default: the smallest ROI in whole world units that holds all points" },
  { "scale", type = "number|numbers", doc = "what coordinates are multiplied by, one number or one an axis, say the voxel size; default 1" },
  { "id_col", type = "integer", doc = "column of the points' ids, whole numbers, each but once; default: ids count the points from 0" },
  { "delimiter", type = "string", default = ",", doc = "between columns, one character; default \",\"" },
  { "voxel_centres", type = "coordinate",
    doc = "the voxel size, where coordinates (after scale) are voxel indices times it: half a voxel is added, so that points lie at voxel centres; default: as they are" },
}

local function refuse(format, ...) error(("CsvPointsSource: " .. format):format(...), 4) end

function CsvPointsSource:init()
  for _, column in ipairs(self.spatial_cols) do
    if column < 1 or column % 1 ~= 0 then refuse("'spatial_cols' are whole numbers from 1, not %s", column) end
  end
  if self.id_col and self.id_col < 1 then refuse("'id_col' counts from 1, it is %s", self.id_col) end
  if #self.delimiter ~= 1 or self.delimiter:find '["\n\r]' then refuse("'delimiter' must be one character, not %q", self.delimiter) end
  if self.points_spec ~= nil and options.class_name_of(self.points_spec) ~= "moondust.GraphSpec" then
    refuse("'points_spec' must be md.GraphSpec{ … }, not %s", options.describe(self.points_spec))
  end
  if type(self.scale) == "table" and #self.scale ~= #self.spatial_cols then
    refuse("'scale' has %d entries for %d spatial columns", #self.scale, #self.spatial_cols)
  end
  if self.voxel_centres and #self.voxel_centres ~= #self.spatial_cols then
    refuse("'voxel_centres' has %d entries for %d spatial columns", #self.voxel_centres, #self.spatial_cols)
  end
end

function CsvPointsSource:name() return ("CsvPointsSource[%s]"):format(self.filename) end

-- ------------------------------------------------------------------------------------------------ lines and fields

local function split(line, delimiter)
  local fields, at = {}, 1
  while true do
    local text, after
    if line:find('^%s*"', at) then
      local first = line:find('"', at, true) + 1
      local last = first
      while true do
        last = line:find('"', last, true)
        if not last then return nil end
        if line:sub(last + 1, last + 1) ~= '"' then break end
        last = last + 2
      end
      text = line:sub(first, last - 1):gsub('""', '"')
      after = line:find(delimiter, last + 1, true)
    else
      after = line:find(delimiter, at, true)
      text = line:sub(at, after and after - 1)
    end
    fields[#fields + 1] = text
    if not after then return fields end
    at = after + 1
  end
end

local function place_of(self, fields, number)
  local place = {}
  for d, column in ipairs(self.spatial_cols) do
    local text = fields[math.tointeger(column)]
    if not text then self:fail("line %d has %d columns, column %d is wanted", number, #fields, column) end
    local value = tonumber(text)
    if not value then return nil, column, text end
    place[d] = value * (type(self.scale) == "table" and self.scale[d] or self.scale or 1)
    if self.voxel_centres then place[d] = place[d] + self.voxel_centres[d] / 2 end
  end
  return place
end

local function id_of(self, fields, number, count)
  if not self.id_col then return count end
  local text = fields[math.tointeger(self.id_col)]
  if not text then self:fail("line %d has %d columns, column %d (the id) is wanted", number, #fields, self.id_col) end
  local id = math.tointeger(tonumber(text))
  if not id then self:fail("line %d, column %d: %q is no id; ids are whole numbers", number, self.id_col, text) end
  return id
end

local function read_line(self, line, number, nodes, seen)
  local fields = split(line, self.delimiter)
  if not fields then self:fail("line %d: a quoted field has no end", number) end
  local place, column, text = place_of(self, fields, number)
  if not place then
    if number == 1 then return end -- the header
    self:fail("line %d, column %d: %q is not a number", number, column, text)
  end
  local id = id_of(self, fields, number, #nodes)
  if seen[id] then self:fail("id %d is there twice, in lines %d and %d", id, seen[id], number) end
  seen[id] = number
  nodes[#nodes + 1] = core.Node { id, place }
end

local function read_file(self)
  local file, message = io.open(self.filename, "r")
  if not file then self:fail("can't be read: %s", message) end
  local nodes, seen, number = {}, {}, 0
  local closing <close> = file
  for line in closing:lines() do
    number = number + 1
    line = line:gsub("\r$", "")
    if number == 1 then line = line:gsub("^\xEF\xBB\xBF", "") end
    if line:find "%S" then read_line(self, line, number, nodes, seen) end
  end
  return nodes
end

-- ------------------------------------------------------------------------------------------------ the contract

local function bounding_box(self, nodes)
  if #nodes == 0 then self:fail({ key = self.points }, "there is no point in the file; give points_spec = md.GraphSpec{ roi = … } if that is meant") end
  local low, shape = {}, {}
  for d = 1, #self.spatial_cols do
    local first, last = math.huge, -math.huge
    for _, node in ipairs(nodes) do
      first, last = math.min(first, node.location[d]), math.max(last, node.location[d])
    end
    low[d] = math.floor(first)
    shape[d] = math.ceil(last) + 1 - low[d]
  end
  return core.Roi(low, shape)
end

function CsvPointsSource:setup()
  self.reading = core.output.reading(self.filename) -- no output of this process goes there
  local nodes, spec = read_file(self), self.points_spec and self.points_spec:copy() or core.GraphSpec {}
  spec.roi = spec.roi or bounding_box(self, nodes)
  spec.placeholder = false
  if spec.roi.dims ~= #self.spatial_cols then
    self:fail({ key = self.points }, "points_spec has a ROI with %d axes, there are %d spatial columns", spec.roi.dims, #self.spatial_cols)
  end
  self.graph = core.Graph { nodes, {}, spec, ndim = #self.spatial_cols }
  self:provides(self.points, spec)
end

function CsvPointsSource:provide(request)
  local batch, wanted = Batch {}, request[self.points]
  if wanted then batch[self.points] = self.graph:crop(wanted.roi) end
  return batch
end

function CsvPointsSource:teardown()
  if self.graph then self.graph:close() end
  if self.reading then self.reading:close() end
  self.graph, self.reading = nil, nil
end

return CsvPointsSource
