--- The pictures in README.md: a training batch, and batches beside what they came from. `make pictures` runs it.
---
---     moondust scripts/pictures.lua FOLDER volume.h5
local md = require "moondust"

local folder, volume = arg[1] or ".", arg[2]
local pipeline, request = assert(loadfile "scripts/train_organelles.lua")(volume)
local RAW, GT, TARGET, WEIGHT = md.ArrayKey "RAW", md.ArrayKey "GT", md.ArrayKey "TARGET", md.ArrayKey "WEIGHT"

for batch in pipeline:batches(request, { count = 1, seed = 3 }) do
  assert(batch:png(folder .. "/batches.png", { slices = 4, keys = { RAW, GT, TARGET, WEIGHT }, overlay = RAW, width = 1200, colors = 200 }))
  batch:close()
end
assert(md.preview(pipeline, request, {
  path = folder .. "/preview.png", count = 2, seed = 3, slices = 1, keys = { RAW, GT }, overlay = RAW, width = 960, text = 2, colors = 128, title = tostring(pipeline),
}))
