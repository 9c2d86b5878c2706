--- Reject: asks again while a mask is too sparse or a graph empty. Original: gunpowder/nodes/reject.py (Reject).
local error = require("moondust.error").raise
local class = require("moondust.class").class
local RejectIf = require "moondust.nodes.reject_if"
local policy = require "moondust.policy"

--- Takes batches whose `mask` is non-zero in at least a share `min_masked` of its voxels and whose graph
--- `ensure_nonempty` has a node. Another batch is rejected with `reject_probability`, drawn anew for each. Place it
--- downstream of RandomLocation.
---@class moondust.Reject : moondust.RejectIf
---@field mask moondust.ArrayKey?
---@field min_masked number
---@field ensure_nonempty moondust.GraphKey?
---@field reject_probability number
---@overload fun(options: table): moondust.Reject
local Reject = class("Reject", RejectIf)
Reject.look_ahead = "each"
Reject.options = RejectIf.with_limits {
  { "mask", type = "array_key", doc = "the mask to judge by; default: none" },
  { "min_masked", type = "probability", default = 0.5, doc = "least share of non-zero voxels in mask; default 0.5" },
  { "ensure_nonempty", type = "graph_key", doc = "a graph that must have a node in the batch; default: none" },
  { "reject_probability", type = "probability", default = 1, doc = "with which a batch that falls short is rejected; default 1" },
}

function Reject:init()
  self:check_limits(3)
  local list = {}
  if self.mask then list[1] = policy.masked_below(self.mask, self.min_masked) end
  if self.ensure_nonempty then list[#list + 1] = policy.empty(self.ensure_nonempty) end
  if #list == 0 then error("Reject: give it a mask, or a graph as ensure_nonempty, to judge by", 3) end
  self.predicate = policy.any(table.unpack(list))
  self.draws_late = self.reject_probability < 1
end

function Reject:setup()
  if self.mask then self:need(self.mask) end
  if self.ensure_nonempty then self:need(self.ensure_nonempty) end
end

function Reject:reason()
  local reasons = {}
  if self.mask then reasons[1] = ("%s was non-zero in less than %s of its voxels"):format(self.mask, self.min_masked) end
  if self.ensure_nonempty then reasons[#reasons + 1] = ("%s had no node"):format(self.ensure_nonempty) end
  return table.concat(reasons, " or ") .. " in every batch"
end

-- Nothing is drawn before upstream is asked.
function Reject:insists(request)
  for _, name in pairs { self.mask or false, self.ensure_nonempty or false } do
    if name and not request[name] then
      self:fail({ key = name }, "can't reject on %s, which is not in the request; request:add(%s, …)", name, name)
    end
  end
  return true
end

function Reject:rejects(batch, request, attempt)
  if not self.predicate(batch, request, attempt) then return false end
  return self.reject_probability >= 1 or request.rng:random() <= self.reject_probability
end

return Reject
