--- `moondust check FILE.h5`: reads all voxels of a file and says what is damaged. Exit status 1 when anything is.
local cli = require "moondust.cli"
local core = require "moondust.core"

local M = { summary = "Read a whole HDF5 file and say what in it is damaged." }

function M.configure(parser)
  parser:argument("file", "The HDF5 file. Voxels are compared with checksums where there are some: those that Moondust writes (attribute crc32c), and fletcher32."):argname "FILE.h5"
  parser:flag("-q --quiet", "Print only what is damaged.")
end

local function line_of(finding)
  local name = core.printable(finding.name)
  if not finding.ok then return ("%s: DAMAGED: %s"):format(name, core.printable(finding.message)) end
  return ("%s: %s"):format(name, finding.checksum and "as it was written" or finding.message or "readable; it has no checksum to compare with")
end

function M.run(args)
  local findings = cli.must(core.hdf5.check(args.file))
  local damaged, compared = 0, 0
  for _, finding in ipairs(findings) do
    if not finding.ok then damaged = damaged + 1 end
    if finding.checksum then compared = compared + 1 end
    if not args.quiet or not finding.ok then print(line_of(finding)) end
  end
  if damaged > 0 then error(("%s: %d of %d objects %s damaged"):format(args.file, damaged, #findings, damaged == 1 and "is" or "are"), 0) end
  if not args.quiet then print(("%s: nothing is damaged; %d of %d datasets have checksums"):format(core.printable(args.file), compared, #findings)) end
end

return M
