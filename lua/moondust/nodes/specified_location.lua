--- SpecifiedLocation: answers requests around given places. Original: gunpowder/nodes/specified_location.py (SpecifiedLocation).
local error = require("moondust.error").raise
local class = require("moondust.class").class
local options = require "moondust.options"
local core = require "moondust.core"
local LocationFilter = require "moondust.nodes.location_filter"

--- The places come in turn, from the first again after the last, or at random with replacement; those around which upstream
--- doesn't have everything are passed over. In turn means: batch i of a stream, counted from 0, has the i-th place, alone too; behind Stacks of n, ask k of batch i
--- has place i * n + k; an attempt that is rejected downstream goes on to a place drawn by seed and attempt, of which each comes once before one comes again
--- (location_filter.lua has more). Of two branches of a MergeProvider each goes through its own places; one of a RandomProvider has the places of the batches that
--- it is chosen for.
---
--- In a loop of request_batch, unseeded requests get the places in turn; a seeded request is the same batch, so the same place, each time, unless the loop hands on a
--- table: `local stream = {}`, `built:request_batch(request, stream)`. `pipeline:batches(request, { seed = S })` needs none of this.
---@class moondust.SpecifiedLocation : moondust.LocationFilter
---@field locations number[][]
---@field extra_data any[]?
---@field jitter moondust.Coordinate?
---@field attempt_factor integer
---@overload fun(options: table): moondust.SpecifiedLocation
local SpecifiedLocation = class("SpecifiedLocation", LocationFilter)
SpecifiedLocation.look_ahead = "each"
SpecifiedLocation.options = {
  { "locations", type = "table", required = true, doc = "places in world units, { {z, y, x}, … }" },
  { "choose_randomly", type = "boolean", default = false, doc = "draw a place for each request instead of taking them in turn; default false" },
  { "extra_data", type = "table", doc = "one value a location, handed on as attrs.specified_location_extra_data of each array; default: none" },
  { "jitter", type = "coordinate", doc = "world units an axis: the place is moved by up to this much to either side; default: none" },
  { "attempt_factor", type = "integer", default = 5, doc = "choose_randomly tries this many times the number of locations before giving up; default 5" },
}

local function place_of(location, i)
  local place = {}
  if type(location) == "table" or options.class_name_of(location) == "moondust.Coordinate" then
    for d = 1, #location do place[d] = location[d] end
  end
  for d = 1, #place do
    if type(place[d]) ~= "number" or place[d] ~= place[d] or math.abs(place[d]) == math.huge then place = {} break end
  end
  if #place == 0 then
    error(("SpecifiedLocation: location %d must be a list of numbers such as {400, 40, 40}, not %s"):format(i, options.describe(location)), 4)
  end
  return place
end

function SpecifiedLocation:init()
  self.places = {}
  for i, location in ipairs(self.locations) do self.places[i] = place_of(location, i) end
  if #self.places == 0 then error("SpecifiedLocation: 'locations' is empty", 3) end
  if self.extra_data and #self.extra_data ~= #self.places then
    error(("SpecifiedLocation: 'extra_data' has %d entries for %d locations; give one each"):format(#self.extra_data, #self.places), 3)
  end
  if self.attempt_factor < 1 then error(("SpecifiedLocation: 'attempt_factor' must be 1 or more, not %s"):format(self.attempt_factor), 3) end
  self.jitter = self.jitter and core.Coordinate(self.jitter)
  for d = 1, self.jitter and self.jitter.dims or 0 do
    if self.jitter[d] == core.unbounded or self.jitter[d] < 0 then
      error(("SpecifiedLocation: 'jitter' must be 0 or more on each axis, it is %s"):format(tostring(self.jitter)), 3)
    end
  end
end

function SpecifiedLocation:setup() self:take_bounds_away() end

function SpecifiedLocation:jitter_of(rng, dims)
  if not self.jitter then return nil end
  if self.jitter.dims ~= dims then self:fail("jitter %s has %d axes, the request has %d", self.jitter, self.jitter.dims, dims) end
  local jitter = {}
  for d = 1, dims do jitter[d] = rng:np_randint(-self.jitter[d], self.jitter[d] + 1) end
  return jitter
end

function SpecifiedLocation:prepare(request)
  self:move_request(request, #self.places * math.tointeger(self.attempt_factor))
end

local function with_extra_data(attrs, data)
  local new = {}
  for name, value in pairs(attrs or {}) do new[name] = value end
  new.specified_location_extra_data = data
  return new
end

function SpecifiedLocation:process(batch, request)
  self:move_back(batch, request)
  if not self.extra_data then return end
  for _, name in ipairs(request:array_keys()) do
    batch[name].attrs = with_extra_data(batch[name].attrs, self.extra_data[self.position])
  end
end

return SpecifiedLocation
