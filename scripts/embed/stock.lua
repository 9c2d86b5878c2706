--- Moondust in a Lua that somebody else started: no program `moondust`, no globals, no set-up.
---
---     make install PREFIX=$HOME/.local
---     export LUA_PATH="$HOME/.local/share/lua/5.4/?.lua;$HOME/.local/share/lua/5.4/?/init.lua;;" LUA_CPATH="$HOME/.local/lib/lua/5.4/?.so;;"
---     lua5.4 scripts/embed/stock.lua
---
--- (Under the default PREFIX, /usr/local, a stock Lua finds it by itself.)
local md = require "moondust"

local CELLS = md.ArrayKey "CELLS"
local cells = md.Array{ md.zeros({ 32, 32, 32 }, "uint64"):fill(7), md.ArraySpec{ roi = md.Roi({ 0, 0, 0 }, { 1280, 128, 128 }), voxel_size = { 40, 4, 4 } } }

local pipeline = md.ArraySource{ CELLS, cells } + md.Pad{ CELLS, { 320, 32, 32 } } + md.RandomLocation{} + md.SimpleAugment{ transpose_only = { 2, 3 } }

local request = md.BatchRequest{ random_seed = 1 }
request:add(CELLS, { 640, 64, 64 })

for batch, i in pipeline:batches(request, { count = 3, seed = 1 }) do
  print(i, batch[CELLS], ("%d voxels inside"):format(batch[CELLS].data:count(7)))
end
