--- What is not ours against a peer: time over size, how long a start takes, instruction counts.
local core = require "moondust.core"
local figures = require "figures"
local report = require "report"
local rows = require "rows"
local Stage = require "stage"

local extras = {}

--- Time a voxel over sizes. What is in memory at 512^3 needs about 6 GB.
---@param stage bench.Stage
---@param add fun(row: table)
---@return table[]
function extras.scaling(stage, add)
  local sizes = { 64, 96, 128, 192, 256, 384, 512 }
  local found_series = {}
  for i, work in ipairs(rows.scaling) do found_series[i] = { work = work, points = {} } end
  for _, size in ipairs(sizes) do
    local one = stage:start("scaling", stage:kernels(size), "kept")
    local rounds = size > 256 and 3 or size < 128 and 15 or 5
    for _, series in ipairs(found_series) do
      local found = {}
      for round = 0, rounds do
        local answer = one:ask("run 1 " .. series.work)
        if round > 0 then found[round] = answer.seconds / answer.voxels * 1e9 end
      end
      table.insert(series.points, { size = size, ns = figures.median(found) })
    end
    one:close()
  end
  for _, series in ipairs(found_series) do
    local line = { title = series.work .. ", 64^3 to 512^3", unit = "x", below = 1.5, group = "Over size" }
    add(figures.judge({ group = line.group, title = line.title, unit = "x", ours = figures.spread(series.points), rounds = 1, peer_name = "slowest / fastest a voxel" }, line))
  end
  return found_series
end

-- By the processor's clock: core, which has the other one, is a part of what is loaded.
local REQUIRE = "local t = os.clock() require \"moondust\" io.write(os.clock() - t)"

function extras.start_times(stage, add)
  local lines = {
    { "require \"moondust\"", 10, ("LUA_PATH='lua/?.lua;lua/?/init.lua;;' LUA_CPATH='%s/?.so;;' lua5.4 -e '%s'"):format(stage.options.build, REQUIRE), true },
    { "moondust -e ''", 20, ("exec %s -e ''"):format(stage.options.program) },
  }
  for _, line in ipairs(lines) do
    local found = {}
    for round = 1, 11 do
      local before = core.clock()
      local text = Stage.capture(line[3])
      local seconds = core.clock() - before
      if line[4] then seconds = assert(tonumber(text), line[1] .. " can't be timed: it failed") end
      found[round] = seconds * 1e3
    end
    add(figures.judge({ group = "Start", title = line[1], unit = "ms", ours = figures.median(found), rounds = 11 }, { below = line[2], unit = "ms" }))
  end
end

--- Instructions a voxel, by callgrind: the same on any machine of the same instruction set (callgrind knows none beyond AVX2).
---@return table[]?
function extras.counts(stage)
  if Stage.capture "command -v valgrind" == "" then return print "instruction counts need valgrind" end
  local size, isa = 48, os.getenv "MOONDUST_ISA" or "v3"
  local stem = stage.folder .. "/callgrind.out"
  os.execute(("rm -f %s*"):format(stem))
  local tool = ("valgrind --tool=callgrind --callgrind-out-file=%s --toggle-collect=bench_counted --dump-after=bench_counted"):format(stem)
  local text = Stage.capture(("MOONDUST_ISA=%s %s %s/bench/bench_kernels %d --count 2>%s/callgrind.log"):format(isa, tool, stage.options.build, size, stage.folder))
  local list = {}
  for voxels, work in text:gmatch "(%d+) ([^\n]+)" do
    local file = io.open(("%s.%d"):format(stem, #list + 1))
    local total = file and file:read("a"):match "\nsummary: (%d+)"
    if file then file:close() end
    list[#list + 1] = { work = work, isa = isa, size = size, instructions = total and tonumber(total) / tonumber(voxels) }
  end
  print(("\ninstructions a voxel (%s, %d^3)"):format(isa, size))
  for _, count in ipairs(list) do print(("  %-40s %10s"):format(count.work, report.number(count.instructions))) end
  return list
end

return extras
