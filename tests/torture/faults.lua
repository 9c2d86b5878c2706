--- One call of the C library fails, at each place: what the program then says and leaves.
---
--- A run with a failed call may end well: then its output is right. Or it ends with status 1 and a message: then under its name is what was there before, or the
--- whole file. Everything else is a fault.
local compare = require "compare"
local shell = require "shell"
local quote = shell.quote

local M = {}

local CALLS = { "open", "read", "pread", "write", "pwrite", "fsync", "rename", "close", "malloc" }
local OLD = "what was there before\n"
local PATIENCE = 60 -- seconds

local function same_bytes(path, reference)
  if shell.read(path) == shell.read(reference) then return true end
  return nil, path .. ": other bytes"
end

-- What is run in the folder of work. `same(out, reference)` compares what is written; `printed` is what success has on standard output.
local COMMANDS = {
  { name = "run --out", words = "run pipeline.lua -n 3 --seed 4 --out out.h5 -- volume.h5", out = "out.h5", same = compare.same, partial = true,
    printed = "^3 batches in .*written to out%.h5" },
  { name = "view -o", words = "view volume.h5 -o out.png --width 200 --slices 3", out = "out.png", same = same_bytes },
  { name = "sample", words = "sample out.h5 --shape 9,32,32 --seed 3", out = "out.h5", same = compare.same },
  { name = "info", words = "info volume.h5" },
  { name = "REPL", words = "", input = "6 * 7\n", is_repl = true },
}

local function read_report(path)
  local report = { counts = {} }
  for line in (shell.read(path) or ""):gmatch "[^\n]+" do
    report.failed = line:match "^failed (%w+)" or report.failed
    report.crash = line:match "^crash (%w+)" or report.crash
    if line:find "^calls" then
      for call, count in line:gmatch "(%w+)=(%d+)" do report.counts[call] = tonumber(count) end
    end
  end
  return report
end

local function execute(place_of_work, command, call, place)
  for _, name in ipairs { "report", "printed", "said" } do os.remove(place_of_work.folder .. "/" .. name) end
  local faults = ("TORTURE_CALL=%s TORTURE_PLACE=%d TORTURE_REPORT=report %s LD_PRELOAD=%s"):format(
    call, place, command.is_repl and "TORTURE_TERMINAL=1" or "", quote(place_of_work.library))
  local status = shell.run(("cd %s && printf %%s %s | timeout %d env -u LUA_PATH -u LUA_CPATH HOME=. MOONDUST_THREADS=2 %s %s %s >printed 2>said"):format(
    quote(place_of_work.folder), quote(command.input or ""), PATIENCE, faults, quote(place_of_work.program), command.words))
  local result = read_report(place_of_work.folder .. "/report")
  result.status, result.printed, result.said = status, shell.read(place_of_work.folder .. "/printed") or "", shell.read(place_of_work.folder .. "/said") or ""
  return result
end

local function clean(work, command)
  if not command.out then return end
  for _, name in ipairs(shell.names(work.folder)) do
    if name ~= command.reference and name ~= "volume.h5" and name ~= "pipeline.lua" then os.remove(work.folder .. "/" .. name) end
  end
end

-- A fault in what the run printed, or nil.
local function printed_fault(command, call, result)
  if command.is_repl then
    if call == "read" then return nil end -- a terminal that can't be read any more is the end of the input, as it is for sh
    local noticed = result.printed:find("42", 1, true) or result.said ~= "" or result.printed:find("memory", 1, true)
    return not noticed and "false success: neither a result nor a message" or nil
  end
  if command.printed then return not result.printed:find(command.printed) and "false success: what was printed is missing" or nil end
  return result.printed ~= command.good.printed:gsub("\r", "") and "false success: other output" or nil
end

-- A fault in the files that the run left, or nil.
local function files_fault(work, command, result, before)
  if not command.out then return nil end
  local out, reference = work.folder .. "/" .. command.out, work.folder .. "/" .. command.reference
  local text = shell.read(out)
  if result.status == 0 or text and text ~= before then
    local ok, difference = command.same(out, reference)
    if not ok then return (result.status == 0 and "false success: " or "half a file: ") .. difference end
  elseif text ~= before then
    return "lost: what was there before"
  end
  for _, name in ipairs(shell.names(work.folder)) do
    if command.partial and name == command.out .. ".partial" then
      local count, difference = compare.prefix(out .. ".partial", reference)
      if not count then return "half a batch: " .. difference end
    elseif name:find(command.out, 1, true) and name ~= command.out and name ~= command.reference and result.status < 128 then
      return "left over: " .. name
    end
  end
end

local function fault_of(work, command, call, result, before)
  if result.status == 124 then return "hangs" end
  if result.status >= 128 then
    if call == "malloc" and result.failed == "hdf5" and result.crash == "hdf5" then return files_fault(work, command, result, before), true end
    return ("crash: status %d, in %s"):format(result.status, result.crash or "?")
  end
  if result.status == 0 then return printed_fault(command, call, result) or files_fault(work, command, result, before) end
  if result.status ~= 1 then return ("status %d"):format(result.status) end
  if result.said == "" then return "no message" end
  return files_fault(work, command, result, before)
end

-- The places to fail at: all, or `most` of them, spread evenly and the last one among them.
local function places(count, most)
  local out, stride = {}, most and math.max(1, math.ceil(count / most)) or 1
  for place = count, 1, -stride do table.insert(out, 1, place) end
  return out
end

local function torture_call(work, command, call, count, sums)
  for _, place in ipairs(places(count, work.places[call] or work.places.default)) do
    clean(work, command)
    local before
    if command.out and place % 2 == 0 then
      before = OLD
      shell.write(work.folder .. "/" .. command.out, OLD)
    end
    local result = execute(work, command, call, place)
    local fault, theirs = fault_of(work, command, call, result, before)
    sums.points = sums.points + 1
    if result.failed then sums.reached = sums.reached + 1 end
    if theirs then sums.theirs = sums.theirs + 1 end
    if fault then
      local kind = fault:match "^[^:]+"
      sums.faults[kind] = (sums.faults[kind] or 0) + 1
      sums.failed = sums.failed + 1
      print(("  %s, %s %d of %d: %s (it said: %s)"):format(command.name, call, place, count, fault, result.said:gsub("%s+", " "):sub(1, 160)))
    end
  end
end

-- The same without a failure: what is right, and how many places there are.
local function try_command(work, command)
  clean(work, command)
  local good = execute(work, command, "none", 0)
  assert(good.status == 0, ("%s fails where nothing was made to fail: %s"):format(command.name, good.said))
  command.good = good
  if command.out then
    command.reference = "right-" .. command.out
    assert(os.rename(work.folder .. "/" .. command.out, work.folder .. "/" .. command.reference))
  end
  return good.counts
end

-- Tortures one command; prints a line.
local function torture_command(work, command)
  local counts = try_command(work, command)
  local sums = { points = 0, reached = 0, failed = 0, theirs = 0, faults = {} }
  for _, call in ipairs(CALLS) do
    if not work.only or work.only == call then torture_call(work, command, call, counts[call] or 0, sums) end
  end
  local kinds, found = {}, sums.faults
  for kind, count in pairs(found) do kinds[#kinds + 1] = ("%d %s"):format(count, kind) end
  table.sort(kinds)
  print(("%-10s %5d points, %5d reached, %d crashes, %d false successes, %d half files, %d crashes of libhdf5 without memory%s"):format(command.name, sums.points, sums.reached,
    found.crash or 0, found["false success"] or 0, (found["half a file"] or 0) + (found["half a batch"] or 0) + (found.lost or 0), sums.theirs,
    #kinds > 0 and "; FAULTS: " .. table.concat(kinds, ", ") or ""))
  clean(work, command)
  if command.out then os.remove(work.folder .. "/" .. command.reference) end
  return sums
end

--- Tortures all commands, or the one that `command` names, at all calls, or the one that `only` names.
---@param work { folder: string, program: string, library: string, places: table, only: string?, command: string? }
---@return integer passed
---@return integer failed
function M.run(work)
  local passed, failed = 0, 0
  for _, command in ipairs(COMMANDS) do
    if not work.command or work.command == command.name then
      local sums = torture_command(work, command)
      passed, failed = passed + sums.points - sums.failed, failed + sums.failed
    end
  end
  return passed, failed
end

return M
