--- Stack: several batches as one. Original: gunpowder/nodes/stack.py (Stack).
local error = require("moondust.error").raise
local core = require "moondust.core"
local class = require("moondust.class").class
local Array = require "moondust.array"
local Batch = require "moondust.batch"
local BatchFilter = require "moondust.filter"

--- Asks upstream `num_repetitions` times, each time with another seed, and stacks every array along a new first axis:
--- (c, z, y, x) becomes (n, c, z, y, x). Graphs are those of the first batch. Makes sense where there is randomness, or places
--- in turn, upstream: ask k, counted from 0, of batch i has place i * num_repetitions + k of SpecifiedLocation.
---@class moondust.Stack : moondust.BatchFilter
---@field num_repetitions integer
---@overload fun(options: table): moondust.Stack
local Stack = class("Stack", BatchFilter)
Stack.options = {
  { "num_repetitions", type = "integer", required = true, doc = "how many batches to stack" },
}

function Stack:init()
  if self.num_repetitions < 1 then error(("Stack: 'num_repetitions' must be 1 or more, not %s"):format(self.num_repetitions), 3) end
end

function Stack:setup() end

local function ask(self, request)
  local batches = {}
  for i = 1, self.num_repetitions do
    local upstream = request:copy()
    -- randint's 2^32 itself is a seed that NumPy refuses; it counts as 0 here.
    upstream:repeats(i - 1, self.num_repetitions)
    rawset(upstream, "random_seed", request.rng:randint(0, 4294967296) % 4294967296)
    batches[i] = self:get_upstream_provider():request_batch(upstream)
  end
  return batches
end

local function stack(self, name, batches)
  local arrays, first = {}, batches[1][name].data
  for i, batch in ipairs(batches) do
    local data = batch[name].data
    if table.concat(data.shape, "x") ~= table.concat(first.shape, "x") or data.dtype ~= first.dtype then
      self:fail({ key = name, roi = batch[name].spec.roi }, "can't stack %s: batch 1 has it as %s {%s}, batch %d as %s {%s}", name, first.dtype,
        table.concat(first.shape, ", "), i, data.dtype, table.concat(data.shape, ", "))
    end
    arrays[i] = data
  end
  return Array { core.stack(arrays), batches[1][name].spec }
end

function Stack:provide(request)
  local batches, stacked = ask(self, request), Batch {}
  request:remove_placeholders()
  for _, name in ipairs(request:array_keys()) do stacked[name] = stack(self, name, batches) end
  for _, name in ipairs(request:graph_keys()) do
    stacked[name] = batches[1][name]
    batches[1][name] = nil -- handed on, not to be closed
  end
  for _, batch in ipairs(batches) do batch:close() end
  return stacked
end

return Stack
