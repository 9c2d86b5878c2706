--- RejectIf: asks again until a predicate is content. The machinery of Reject and RejectIfEmpty, and of any policy written in
--- Lua.
local error = require("moondust.error").raise
local core = require "moondust.core"
local class = require("moondust.class").class
local key = require "moondust.key"
local Batch = require "moondust.batch"
local BatchFilter = require "moondust.filter"
local Look = require "moondust.look"
local options = require "moondust.options"
local policy = require "moondust.policy"

--- Asks upstream until `predicate(batch, request, attempt)` is false. Attempt 0 asks with the seed that any node
--- would ask with, each later one with a seed derived from that and the attempt, so a seeded request gives the same
--- batch every time and never the same rejected one twice. Places in turn upstream (SpecifiedLocation) go on to another one, drawn
--- by seed and attempt, not to the next batch's.
---
--- What is judged is the batch that passes here, with what nodes downstream asked for around it. At the end of a pipeline it is what you get.
---
--- With probability 1 - p, drawn once a request, whatever comes is taken. After `max_attempts` rejections, or
--- `timeout` seconds, it gives up: with "error" a clear one, with "accept" the last batch, and a line on stderr. A
--- timeout makes the result depend on the machine; without one it depends on the seed alone.
---
--- Rejected batches are closed at once. md.policy has predicates and ways to combine them.
---
--- Only what the predicate looks at is asked for at first, the rest for an accepted place, where all nodes upstream agree
--- (moondust.BatchProvider says how) and it pays. For a function of your own say what it looks at: `keys = { GT }`. It is
--- then to depend on these, the request and the attempt alone, finds nothing else in the batch, and draws nothing.
---@class moondust.RejectIf : moondust.BatchFilter
---@field predicate moondust.Predicate
---@field p number
---@field max_attempts integer
---@field timeout number?
---@field on_giving_up "error"|"accept"
---@overload fun(options: table): moondust.RejectIf
local RejectIf = class("RejectIf", BatchFilter)
RejectIf.look_ahead = "each"

--- What every node that rejects takes at the end of its options.
---@type moondust.Option[]
RejectIf.limits = {
  { "max_attempts", type = "integer", default = 1000, doc = "batches to ask for before giving up; default 1000" },
  { "timeout", type = "number", doc = "seconds before giving up; makes results depend on the machine; default: none" },
  { "on_giving_up", type = "string", default = "error", doc = "\"error\" (default) or \"accept\": the last batch, rejected or not" },
}

--- `list` with the limits behind it.
---@param list moondust.Option[]
---@return moondust.Option[]
function RejectIf.with_limits(list) return table.move(RejectIf.limits, 1, #RejectIf.limits, #list + 1, list) end

RejectIf.options = RejectIf.with_limits {
  { "predicate", type = "function", required = true, doc = "function(batch, request, attempt): true to reject; attempt counts from 0" },
  { "p", type = "probability", default = 1, doc = "with which rejecting is considered at all, drawn once a request; default 1" },
}
table.insert(RejectIf.options, {
  "keys", type = "key|keys", doc = "what a function of your own looks at; default: for md.policy's what they look at, else all of the batch",
})

--- Call from init() of a class with these limits.
---@param level integer  of the error, as for error()
function RejectIf:check_limits(level)
  if self.max_attempts < 1 then error(("%s: 'max_attempts' must be 1 or more, not %s"):format(self.class_name, self.max_attempts), level + 1) end
  if self.timeout and self.timeout <= 0 then error(("%s: 'timeout' must be more than 0 seconds, not %s"):format(self.class_name, self.timeout), level + 1) end
  if self.on_giving_up ~= "error" and self.on_giving_up ~= "accept" then
    error(("%s: 'on_giving_up' must be \"error\" or \"accept\", not %s"):format(self.class_name, options.describe(self.on_giving_up)), level + 1)
  end
end

function RejectIf:init() self:check_limits(3) end

function RejectIf:setup() end

--- Whether this request is one that insists on a good batch; drawn before upstream is asked.
---@param request moondust.BatchRequest
---@return boolean
function RejectIf:insists(request) return request.rng:random() < self.p end

-- Between nodes the edges of graphs are whole; a function of the user's sees them cut at the faces, as in a batch that is delivered.
local function as_delivered(batch)
  local view
  for name, item in batch:items() do
    local roi = key.is_graph_key(name) and item.spec.roi
    if roi then
      view = view or batch:merge(Batch {})
      view[name] = item:trim(roi)
    end
  end
  return view or batch
end

--- Whether the batch is to be thrown away; may draw.
---@param batch moondust.Batch
---@param request moondust.BatchRequest
---@param attempt integer
---@return boolean
function RejectIf:rejects(batch, request, attempt) return self.predicate(as_delivered(batch), request, attempt) end

--- Why batches were rejected, for the message.
---@return string
function RejectIf:reason() return "the predicate rejected every batch" end

--- Where "accept" leaves its line.
---@param message string
function RejectIf:say(message) io.stderr:write(("%s: %s\n"):format(self:name(), message)) end

--- The keys that rejects() depends on; nil where it may be anything in the batch.
---@return moondust.Key[]?
function RejectIf:judges_by()
  if self.keys then return key.is_key(self.keys) and { self.keys } or self.keys end
  return policy.keys(self.predicate)
end

function RejectIf:give_up(batch, request, attempts, seconds, partly)
  local limit = attempts >= self.max_attempts and "max_attempts" or "timeout"
  local tries = ("gave up after %d attempt%s (%.1f s): %s"):format(attempts, attempts == 1 and "" or "s", seconds, self:reason())
  if self.on_giving_up == "accept" then
    self:say(("%s; the last one is taken, as on_giving_up = \"accept\" says (seed %d)"):format(tries, request.random_seed))
    if not partly then return batch end
    batch:close()
    return (Look.ask_at_once(self, request, attempts - 1, true))
  end
  batch:close()
  self:fail("%s; look at what is upstream, raise %s, or take the last batch with on_giving_up = \"accept\"", tries, limit)
end

-- What may end otherwise the second time, or be heard twice, is nothing to look through.
local function looks_only_once(self) return self.timeout ~= nil or self.on_giving_up == "accept" end

function RejectIf:provide(request)
  local started, attempt = core.clock(), 0
  if not self:insists(request) then return self:get_upstream_provider():request_batch(request) end
  if request.look and looks_only_once(self) then
    request.look.blind = true
    return Batch {}
  end
  while true do
    local batch, rejected, partly = Look.ask(self, request, attempt)
    self.judged, self.rejected = self.judged + 1, self.rejected + (rejected and 1 or 0)
    if not rejected then return batch end
    attempt = attempt + 1
    local seconds = core.clock() - started
    if attempt >= self.max_attempts or self.timeout and seconds >= self.timeout then return self:give_up(batch, request, attempt, seconds, partly) end
    batch:close()
  end
end

-- Verdicts are counted: by them looks are worth their while or not.
function RejectIf:connect(upstream)
  BatchFilter.connect(self, upstream)
  self.judged, self.rejected = 0, 0
end

function RejectIf:disconnect()
  BatchFilter.disconnect(self)
  self.looks_in_vain = nil
end

return RejectIf
