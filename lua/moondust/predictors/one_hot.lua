--- OneHotPredictor (dacapo one_hot_predictor.py): a channel a class, weights of one.
local error = require("moondust.error").raise
local core = require "moondust.core"
local class = require("moondust.class").class
local Predictor = require "moondust.predictors.predictor"

---@class moondust.OneHotPredictor : moondust.Predictor
---@field classes string[]
local OneHotPredictor = class("OneHotPredictor", Predictor)
OneHotPredictor.look_ahead = true
OneHotPredictor.target_dtype = "uint8"

OneHotPredictor.options = {
  { "classes", type = "table", required = true, doc = "names of the classes; label i (from 0) is the class at place i + 1" },
  { "kernel_size", type = "integer", default = 1, doc = "of the network's last layer; kept for upstream's signature, targets don't depend on it" },
  { "context", type = "boolean", doc = "taken as by the other predictors and of no effect: a voxel's class depends on nothing around it" },
}

function OneHotPredictor:init()
  if #self.classes == 0 then error("OneHotPredictor: 'classes' is empty: name each class, the background first", 3) end
end

--- uint8 (classes, spatial…); labels beyond the classes are zero in all of them.
function OneHotPredictor:create_target(gt)
  local labels = self:channels_of(gt, 1)
  local spatial = labels:drop_axis(1)
  return self:like(gt, core.kernel.one_hot(spatial, #self.classes))
end

--- Ones: upstream does not look at the mask here.
function OneHotPredictor:create_weight(_, target)
  return self:like(target, core.zeros(target.data.shape, "float32"):fill(1))
end

return OneHotPredictor
