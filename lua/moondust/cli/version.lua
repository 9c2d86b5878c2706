--- `moondust --version`: what this build is made of.
local core = require "moondust.core"

local M = { summary = "What this build is made of." }

function M.configure() end

function M.run()
  local v = core.version()
  local features = {}
  for name, on in pairs(v.features) do features[#features + 1] = ("%s %s"):format(name, on and "yes" or "no") end
  table.sort(features)
  print(("moondust %s"):format(v.version))
  print(("%s, HDF5 %s, GSL %s"):format(v.lua, v.hdf5, v.gsl))
  print(("optional: %s"):format(table.concat(features, ", ")))
  print(("kernel threads: %d, instruction set: %s"):format(core.threads(), core.isa()))
end

return M
