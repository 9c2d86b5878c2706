--- RejectIfEmpty: asks again while the ground truth is empty. Original: dacapo/gp/reject_if_empty.py (RejectIfEmpty).
local class = require("moondust.class").class
local RejectIf = require "moondust.nodes.reject_if"
local policy = require "moondust.policy"

--- With probability p (drawn once a request) insists on a batch in which `gt` has a voxel other than `background` (a
--- graph: a node). Everything else is RejectIf's.
---@class moondust.RejectIfEmpty : moondust.RejectIf
---@field gt moondust.Key
---@field p number
---@field background number
---@overload fun(options: table): moondust.RejectIfEmpty
local RejectIfEmpty = class("RejectIfEmpty", RejectIf)
RejectIfEmpty.look_ahead = "each"
RejectIfEmpty.options = RejectIf.with_limits {
  { "gt", type = "key", required = true, doc = "the array (or graph) that must not be empty; has to be in the request" },
  { "p", type = "probability", default = 0.5, doc = "with which an empty batch is rejected, drawn once a request; default 0.5" },
  { "background", type = "number|id", default = 0, doc = "the value that counts as empty; default 0" },
}

function RejectIfEmpty:init()
  self:check_limits(3)
  self.predicate = policy.empty(self.gt, self.background)
end

function RejectIfEmpty:setup() self:need(self.gt) end

function RejectIfEmpty:reason() return ("%s was empty in every batch (nothing but %s)"):format(self.gt, self.background) end

-- The original seeds once more, with the seed of its own copy of the request, before it draws.
function RejectIfEmpty:insists(request)
  if not request[self.gt] then
    self:fail({ key = self.gt }, "can't reject on %s, which is not in the request; request:add(%s, …)", self.gt, self.gt)
  end
  request.rng:seed(request.random_seed)
  return RejectIf.insists(self, request)
end

return RejectIfEmpty
