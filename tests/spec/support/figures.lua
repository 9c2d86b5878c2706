--- A line for each of the originals' figures that a test has reproduced: "file<TAB>case<TAB>deviation". `make golden` sets
--- MOONDUST_FIGURES to the file that takes the lines and sums them up; without it nothing is written.
local M = {}

--- Called after a case has passed. `deviation` is the worst there was, as a share of the value range (voxels that differ: as a
--- share of all).
---@param file string  such as "nodes.h5"
---@param case string
---@param deviation number?  default 0: exact
function M.passed(file, case, deviation)
  local path = os.getenv "MOONDUST_FIGURES"
  if not path or path == "" then return end
  local out <close> = assert(io.open(path, "a"))
  out:write(("%s\t%s\t%.3g\n"):format(file, case, deviation or 0))
end

return M
