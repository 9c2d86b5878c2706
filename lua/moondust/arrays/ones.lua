--- Ones: a mask of everything wherever an array is. Original: dacapo (OnesArrayConfig).
local class = require("moondust.class").class
local Constant = require "moondust.arrays.constant"

--- The array's shape and dtype, all 1; its voxels are never read.
---@class moondust.OnesArray : moondust.ConstantArray
---@overload fun(options: table): moondust.OnesArray
local Ones = class("Ones", Constant)
Ones.look_ahead = true
Ones.options = {
  { "source_array", type = "any", required = true, doc = "the array whose place, shape and dtype are taken" },
}

return Ones
