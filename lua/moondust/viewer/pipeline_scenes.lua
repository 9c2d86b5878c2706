--- Scenes from a pipeline: one batch at a time, those of `moondust run` with this seed. Numbered by random seed, so that the same number is the same batch; of a
--- stream that has a list as seed, by place in the stream.
local class = require("moondust.class").class
local colors = require "moondust.picture.colors"
local core = require "moondust.core"
local json = require "moondust.viewer.json"
local key = require "moondust.key"
local Pane = require "moondust.viewer.pane"
local Scene = require "moondust.viewer.scene"
local Seed = require "moondust.seed"

---@class moondust.viewer.PipelineScenes : moondust.Class
---@field title string
---@field kind "pipeline"
---@field first integer   number of the first scene
---@field count integer   numbers go from 0 to count - 1
---@field seed integer|integer[]  of the stream
---@overload fun(fields: { pipeline: moondust.Pipeline, request: moondust.BatchRequest, title: string, seed: integer|integer[]? }): moondust.viewer.PipelineScenes
local PipelineScenes = class "PipelineScenes"

function PipelineScenes:init(fields)
  self.seed = Seed.choose(fields.seed, fields.request, 1)
  local listed = type(self.seed) == "table"
  self.kind, self.title, self.count, self.step = "pipeline", fields.title, 1 << 32, listed and "batch" or "seed"
  self.first = listed and 0 or self.seed
  self.request, self.pipeline = fields.request, fields.pipeline:build()
  self.subtitle = tostring(self.pipeline)
end

local function pane_of(name, array)
  local data, spec = array.data, array.spec
  if not spec.roi or not spec.voxel_size or data.size == 0 then return nil end
  return Pane {
    name = name, dtype = data.dtype, shape = data.shape, dims = spec.roi.dims, data = data,
    kind = colors.are_labels(data.dtype, name, spec.interpolatable) and "labels" or "grey",
    voxel_size = spec.voxel_size:totable(), offset = spec.roi.offset:totable(),
    read = function(begin, shape)
      local index = {}
      for d = 1, #begin do index[d] = { begin[d] + 1, begin[d] + shape[d] } end
      return data[index]
    end,
  }
end

local function points_of(name, graph)
  local locations, ids, edges = graph:arrays()
  local points = { name = name, total = #ids, nodes = json.list {}, ids = json.list {}, edges = json.list {} }
  local place, rows, numbers = {}, locations:totable(), ids:totable()
  for i = 1, math.min(#numbers, Scene.MAX_NODES) do
    points.nodes[i], points.ids[i], place[numbers[i]] = json.list(rows[i]), Pane.exact(numbers[i], ids.dtype), i - 1
  end
  for _, edge in ipairs(edges.size > 0 and edges:totable() or {}) do
    local u, v = place[edge[1]], place[edge[2]]
    if u and v then points.edges[#points.edges + 1] = { u, v } end
  end
  return points
end

local function timing_of(batch)
  local list = {}
  for i, row in ipairs(batch.profiling_stats and batch.profiling_stats:summaries() or {}) do
    list[i] = { node = row.node, method = row.method, seconds = row.total }
  end
  return list
end

-- Eight hex digits that stand for every element of a batch: what one sees of "the same seed gives the same batch".
local function fingerprint(batch)
  local sum = 0
  local function take(data) sum = sum * 31 ~ math.tointeger(tonumber(data:hash(), 16)) end
  for name, item in batch:items() do
    for _, data in ipairs(key.is_graph_key(name) and { item:arrays() } or { item.data }) do take(data) end
  end
  return ("%016x"):format(sum):sub(1, 8)
end

--- The batch with this seed, or number. What goes wrong in the pipeline is raised.
---@param number integer
---@return moondust.viewer.Scene
function PipelineScenes:load(number)
  local started = core.clock()
  local listed = type(self.seed) == "table"
  local index = listed and number or (number - self.seed) % self.count
  local next_batch = self.pipeline:batches(self.request, { seed = self.seed, first = index, count = 1 })
  local batch = next_batch()
  local label = listed and ("batch %d, seed %d"):format(number, batch.random_seed) or "seed " .. number
  local fields = { number = number, label = label, seconds = core.clock() - started, timing = timing_of(batch),
    fingerprint = fingerprint(batch), panes = {}, points = {}, others = {} }
  for name, item in batch:items() do
    if key.is_graph_key(name) then
      fields.points[#fields.points + 1] = points_of(name.name, item)
    else
      local pane = pane_of(name.name, item)
      if pane then fields.panes[#fields.panes + 1] = pane else fields.others[#fields.others + 1] = tostring(item) end
    end
  end
  fields.close = function() batch:close() end
  return Scene(fields)
end

function PipelineScenes:close() self.pipeline:close() end
PipelineScenes.__close = PipelineScenes.close

return PipelineScenes
