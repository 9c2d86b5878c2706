--- MergeProvider: one provider out of several with different keys. Original: gunpowder/nodes/merge_provider.py (MergeProvider).
local class = require("moondust.class").class
local Batch = require "moondust.batch"
local BatchProvider = require "moondust.provider"

--- `{ a, b, c } + md.MergeProvider{}` offers everything that a, b and c offer; no key may come from two of them. Each
--- branch gets a seed of its own, drawn from the request's, so that two random branches go different ways.
---@class moondust.MergeProvider : moondust.BatchProvider
---@overload fun(options: table?): moondust.MergeProvider
local MergeProvider = class("MergeProvider", BatchProvider)
MergeProvider.look_ahead = "each"
MergeProvider.needs_upstream = true
MergeProvider.options = {}

function MergeProvider:setup()
  self:enable_placeholders()
  self.source_of = {}
  for _, provider in ipairs(self:get_upstream_providers()) do
    for name, spec in provider.spec:items() do
      local other = self.source_of[name]
      if other then
        self:fail({ key = name }, "%s is provided by both %s and %s; give one of them another key, or use md.RandomProvider{} to choose between them",
          name, other:name(), provider:name())
      end
      self:provides(name, spec)
      self.source_of[name] = provider
    end
  end
end

-- One seed a branch, drawn when its first key comes up. randint's 2^32 itself is a seed that NumPy refuses; it counts as 0 here.
local function split(self, request)
  local parts, order = {}, {}
  for name, spec in request:items() do
    local provider = self.source_of[name]
    if not parts[provider] then
      parts[provider] = request:derive(request.rng:randint(0, 4294967296) % 4294967296)
      order[#order + 1] = provider
    end
    parts[provider][name] = spec
  end
  return parts, order
end

function MergeProvider:provide(request)
  local parts, order = split(self, request)
  local merged = Batch {}
  for _, provider in ipairs(order) do
    for name, item in provider:request_batch(parts[provider]):items() do merged[name] = item end
  end
  return merged
end

function MergeProvider:teardown() self.source_of = nil end

return MergeProvider
