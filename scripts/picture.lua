--- The picture at the top of the README: batches of the training pipeline, a row a batch, as raw, ground truth on raw, distance
--- target, weights.
---
---     moondust scripts/picture.lua OUT.png [volume.h5]
local core = require "moondust.core"
local md = require "moondust"
local sheet = require("moondust.cli.view").sheet

local out, volume = arg[1] or "batches.png", arg[2]
local ROWS, SEED = 3, 3

local RAW, GT = md.ArrayKey "RAW", md.ArrayKey "GT"
local TARGET, WEIGHT = md.ArrayKey "TARGET", md.ArrayKey "WEIGHT"

-- The middle section, over the ground truth's extent, as float32 (height, width).
local function section(batch, key)
  local roi = batch[GT].spec.roi
  local data = batch[key]:crop(roi).data
  if data.ndim == 4 then data = data[{ 1 }] end
  return data[{ data.shape[1] // 2 + 1 }]:astype "float32"
end

local function bytes(values) return core.kernel.scale_shift(values, 255, 0, "uint8", 0, 255) end

local function rgb(red, green, blue)
  return core.stack({ bytes(red), bytes(green), bytes(blue) }):transpose(2, 3, 1)
end

-- White at 0, red above, blue below.
local function diverging(values)
  local above, below = values * values:gt(0):astype "float32", -values * values:lt(0):astype "float32"
  return rgb(1 - below * 0.85, 1 - above * 0.8 - below * 0.6, 1 - above * 0.85)
end

local function overlay(grey, labels)
  local inside = labels:gt(0):astype "float32"
  return rgb(grey + inside * (1 - grey) * 0.45, grey * (1 - inside * 0.25), grey * (1 - inside * 0.6))
end

local function panels(batch)
  local raw, weight = section(batch, RAW), section(batch, WEIGHT)
  weight = weight / math.max(weight:max(), 1e-6)
  return { rgb(raw, raw, raw), overlay(raw, section(batch, GT)), diverging(section(batch, TARGET)), rgb(weight, weight * 0.8, weight * 0.35) }
end

local pipeline, request = assert(loadfile "scripts/train_organelles.lua")(volume)
local pictures = {}
for batch in pipeline:batches(request, { count = ROWS, seed = SEED }) do
  table.move(panels(batch), 1, 4, #pictures + 1, pictures)
  batch:close()
end
assert(core.png.write(out, sheet(pictures, 4)))
print(("%s: %d batches of %s"):format(out, ROWS, tostring(pipeline)))
