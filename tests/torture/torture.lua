--- make torture: calls of the C library that fail, and kills. moondust tests/torture/torture.lua --build BUILD --program PROGRAM --result FILE [--long] [--only CALL] [--command NAME] [--kills N]
local argparse = require "argparse"
local core = require "moondust.core"
local cli = require "moondust.cli"

local here = arg[0]:match "^(.*)/" or "."
package.path = here .. "/?.lua;" .. package.path
local shell = require "shell"

local parser = argparse("torture.lua", "Fails calls of the program, and kills it.")
parser:option("--build", "The folder with torture/fail_call.so.", "build")
parser:option("--program", "The program.", "./moondust")
parser:option("--result", "Where `passed failed skipped` goes.")
parser:flag("--long", "Each place instead of a sample.")
parser:option("--only", "This call alone.")
parser:option("--command", "This command alone, such as 'view -o'.")
parser:option("--kills", "How many.", "200"):convert(cli.integer(0, 1000000))
local args = parser:parse { ... }

local function absolute(path)
  local pipe = assert(io.popen("realpath " .. shell.quote(path)))
  local line = assert(pipe:read "l", "there is no " .. path)
  assert(pipe:close())
  return line
end

io.stdout:setvbuf "line"
local folder = os.tmpname()
assert(os.remove(folder))
assert(core.make_directory(folder))
local work = {
  folder = folder, program = absolute(args.program), library = absolute(args.build .. "/torture/fail_call.so"), only = args.only, command = args.command,
  places = args.long and {} or { default = 6, malloc = 40 },
}
shell.write(folder .. "/pipeline.lua", assert(shell.read(here .. "/pipeline.lua")))
assert(shell.run(("%s sample -q %s/volume.h5 --shape 8,48,48"):format(shell.quote(work.program), shell.quote(folder))) == 0)

local start = core.clock()
local passed, failed = require("faults").run(work)
if args.kills > 0 then
  local more_passed, more_failed = require("kills").run(work, args.kills)
  passed, failed = passed + more_passed, failed + more_failed
end
for _, name in ipairs(shell.names(folder)) do os.remove(folder .. "/" .. name) end
os.remove(folder)
print(("torture: %d passed, %d failed, %.0f s"):format(passed, failed, core.clock() - start))
if args.result then shell.write(args.result, ("%d %d 0\n"):format(passed, failed)) end
os.exit(failed == 0)
