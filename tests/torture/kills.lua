--- `run --out` is killed at random times: OUT.partial has every batch that was reported, OUT is whole or absent, --resume gives what an uninterrupted run gives.
local compare = require "compare"
local core = require "moondust.core"
local shell = require "shell"
local quote = shell.quote

local M = {}

local SIGNALS = { { "KILL", 137 }, { "TERM", 143 }, { "INT", 130 }, { "HUP", 129 } }
local BATCHES = 20

local function command_of(work, words)
  return ("env -u LUA_PATH -u LUA_CPATH MOONDUST_THREADS=2 %s run pipeline.lua -n %d --seed 9 --out killed.h5 %s -- volume.h5"):format(quote(work.program), BATCHES, words)
end

local function run(work, words) return shell.run(("cd %s && %s >printed 2>said"):format(quote(work.folder), command_of(work, words))) end

local function run_killed(work, words, signal, delay)
  os.remove(work.folder .. "/said") -- one may be killed before it begins to say something
  return shell.run(("cd %s && { %s >printed 2>said & pid=$!; sleep %.4f; kill -%s $pid 2>/dev/null; wait $pid; }"):format(
    quote(work.folder), command_of(work, words), delay, signal))
end

-- Batches that the run said it had written.
local function reported(said)
  local most = 0
  for done in said:gmatch("(%d+)/" .. BATCHES .. " batches") do most = math.max(most, tonumber(done)) end
  for done in said:gmatch("interrupted after (%d+) of") do most = math.max(most, tonumber(done)) end
  return most
end

-- What is wrong after a kill, or nil.
local function after_kill(work, status, expected)
  local out, reference = work.folder .. "/killed.h5", work.folder .. "/whole.h5"
  if status ~= 0 and status ~= expected then return ("status %d"):format(status) end
  local whole = shell.read(out)
  if whole then
    local ok, difference = compare.same(out, reference)
    if not ok then return "half a file: " .. difference end
  elseif status == 0 then
    return "false success"
  end
  local said = shell.read(work.folder .. "/said") or ""
  if not shell.read(out .. ".partial") then
    if not whole and reported(said) > 0 then return "what was reported is gone" end
    return nil
  end
  if shell.read(out .. ".partial") == "" and reported(said) == 0 then return nil end -- killed as it was made
  local count, difference = compare.prefix(out .. ".partial", reference)
  if not count then return "partial: " .. difference end
  if count < reported(said) then return ("%d batches are there of %d that were reported"):format(count, reported(said)) end
end

local function after_resume(work, status)
  local out = work.folder .. "/killed.h5"
  if status ~= 0 then return ("--resume: status %d, %s"):format(status, (shell.read(work.folder .. "/said") or ""):gsub("%s+", " ")) end
  if shell.read(out .. ".partial") then return "--resume: the partial file is still there" end
  local ok, difference = compare.same(out, work.folder .. "/whole.h5")
  if not ok then return "--resume: " .. difference end
end

local function clear(work)
  for _, name in ipairs { "killed.h5", "killed.h5.partial" } do os.remove(work.folder .. "/" .. name) end
end

-- One that is over before it is killed is begun anew and killed earlier.
local function kill_first(work, signal, delay)
  for _ = 1, 6 do
    clear(work)
    local status = run_killed(work, "", signal[1], delay)
    if status ~= 0 then return status end
    delay = delay / 2
  end
  return 0
end

local function one(work, signal, delays, sums)
  for i, delay in ipairs(delays) do
    local status = i == 1 and kill_first(work, signal, delay) or i > 1 and run_killed(work, "--resume", signal[1], delay)
    if status == 0 then sums.late = sums.late + 1 end
    local fault = after_kill(work, status, signal[2])
    if fault then return fault end
    if shell.read(work.folder .. "/killed.h5.partial") then sums.partial = sums.partial + 1 end
  end
  return after_resume(work, run(work, "--resume"))
end

--- Kills `count` runs, every fifth of them twice (the second time while it resumes).
---@param work { folder: string, program: string }
---@param count integer
---@return integer passed
---@return integer failed
function M.run(work, count)
  local duration = math.huge -- of the quickest, so that not too many are over before they are killed
  for _ = 1, 5 do
    os.remove(work.folder .. "/killed.h5")
    local start = core.clock()
    assert(run(work, "") == 0, shell.read(work.folder .. "/said"))
    duration = math.min(duration, core.clock() - start)
  end
  assert(os.rename(work.folder .. "/killed.h5", work.folder .. "/whole.h5"))
  math.randomseed(2026)
  local failed, sums = 0, { partial = 0, late = 0 }
  for i = 1, count do
    local signal = SIGNALS[i % #SIGNALS + 1]
    local delays = { math.random() * duration }
    if i % 5 == 0 then delays[2] = math.random() * duration end
    local fault = one(work, signal, delays, sums)
    if fault then
      failed = failed + 1
      print(("  kill %d, SIG%s after %s s: %s"):format(i, signal[1], table.concat(delays, ", "), fault))
    end
  end
  print(("%-10s %5d runs killed (%d left a partial file, %d were over before), %d wrong"):format("kills", count, sums.partial, sums.late, failed))
  return count - failed, failed
end

return M
