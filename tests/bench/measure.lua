--- A row of rows.lua measured: what takes turns is asked round by round; results are compared where they can be the same.
local core = require "moondust.core"
local json = require "dkjson"

local measure = {}

-- ---------------------------------------------------------------------------------------------------- inputs and agreement

local inputs = {}

function measure.write_json(path, value)
  assert(core.output.write(path, json.encode(value, { indent = true }) .. "\n"))
end

--- The peers read what ours works on. inputs.json grows; peers that run read it at their start, so all come first.
---@param stage bench.Stage
function measure.save_inputs(stage, list)
  for _, row in ipairs(list) do
    for _, name in ipairs(row.inputs or {}) do
      if not inputs[name] then
        local path = ("%s/%s.bin"):format(stage.folder, name:gsub(" ", "-"))
        local verb = name == "dense field" and "save" or "input"
        inputs[name] = stage:server("kernels"):ask(("%s %s %s"):format(verb, path, name))
        inputs[name].file = path
      end
    end
  end
  measure.write_json(stage.folder .. "/inputs.json", inputs)
end

--- true or false when our result was compared with the peer's, nil when it wasn't; and what was found.
local function agreement(stage, row)
  local good, note
  for _, check in ipairs(row.checks or {}) do
    local path = stage.folder .. "/result.bin"
    local saved = stage:server("kernels"):ask(("save %s %s"):format(path, check[1]))
    local found = stage:ask("peers", { check = check[2], file = path, dtype = saved.dtype, shape = saved.shape })
    os.remove(path)
    if found.difference then
      good, note = found.difference <= check[3], ("%s %.2g"):format(found.what, found.difference)
    else
      io.stderr:write(("%s can't be compared with %s: %s\n"):format(check[1], check[2], found.missing))
    end
  end
  return good, note
end

local KEPT_ALIKE = { "GT", "MASK", "TARGET", "WEIGHT" }

--- The same batch from both: labels, targets and weights.
local function same_batch(stage, row)
  local question = row.compare
  local common = { file = question.file, subsample = question.subsample, seeds = question.seeds, keep = true }
  local function asked(fields)
    for name, value in pairs(common) do fields[name] = value end
    return fields
  end
  local mine = stage:ask("ours", asked { ask = "batch", threads = 1 })
  local theirs = stage:ask("peers", asked { run = "trainer", labels = question.labels })
  if mine.missing or theirs.missing then return nil, mine.missing or theirs.missing end
  local parts, good = {}, true
  for _, key in ipairs(KEPT_ALIKE) do
    local found = stage:ask("peers", { check = "batch", file = mine[key].file, dtype = mine[key].dtype, shape = mine[key].shape, peer = theirs[key] })
    if found.missing then return nil, found.missing end
    parts[#parts + 1], good = ("%s %.1e"):format(key, found.difference), good and found.difference <= 2e-3
  end
  return good, "voxels that differ: " .. table.concat(parts, ", ")
end

function measure.remove_inputs()
  for _, input in pairs(inputs) do os.remove(input.file) end
  inputs = {}
end

-- ---------------------------------------------------------------------------------------------------- rounds

local SCALE = { ["ns"] = 1e9, ["us"] = 1e6, ["ms"] = 1e3 }

--- An answer as a sample: value in the row's unit (a voxel where the answer counts voxels).
local function sample(answer, row, voxels)
  local scale = SCALE[row.unit or "ns"]
  local one = { faults = answer.faults, voxels = answer.voxels or voxels or row.voxels, share = answer.share,
    wall = answer.wall and answer.wall * scale, first = answer.first and answer.first * scale }
  one.value = answer.seconds * scale / (row.unit and 1 or one.voxels)
  if answer.copy_seconds then one.copy, one.copied = answer.copy_seconds * scale / answer.copy_voxels, answer.copied end
  if answer.peak then one.peak = answer.peak / 2 ^ 20 end
  return one
end

local function forget_pages(path) os.execute(("sync '%s' 2>/dev/null; dd if='%s' iflag=nocache count=0 status=none 2>/dev/null"):format(path, path)) end

--- One round of everything that isn't missing. voxels: those of ours, for peers that don't count.
local function play(stage, row, round, samples, missing, memory)
  local voxels, sums = nil, {}
  for _, run in ipairs(row.runs) do
    if not missing[run.id] and (round > 0 or not run.server:find "^peers") then
      if row.before then forget_pages(row.before) end
      local answer = stage:ask(run.server, type(run.ask) == "function" and run.ask(round) or run.ask, memory)
      if answer.missing or answer.refused then
        missing[run.id] = answer.missing or answer.refused
      elseif round > 0 then
        voxels = voxels or answer.voxels
        table.insert(samples[run.id], sample(answer, row, voxels))
      end
      sums[#sums + 1] = answer[row.same or ""]
    end
  end
  for _, sum in ipairs(sums) do row.differs = row.differs or sum ~= sums[1] end
end

--- Samples by run, why runs are missing, and how long a round takes.
local function rounds_of(stage, row, memory, with_peers)
  local samples, missing = {}, {}
  for _, run in ipairs(row.runs) do
    samples[run.id] = {}
    if run.server:find "^peers" and not with_peers then missing[run.id] = "not asked" end
  end
  play(stage, row, 0, samples, missing, memory) -- ours makes inputs and touches memory; not counted
  local begin, once = core.clock(), nil
  for round = 1, stage.options.rounds do
    play(stage, row, round, samples, missing, memory)
    local passed = core.clock() - begin
    once = once or passed
    if round >= (once > stage.options.seconds and 2 or 3) and passed > stage.options.seconds then break end
  end
  return samples, missing, once
end

--- Samples with either memory, and why runs are missing. Peers that take seconds run with memory as it comes only.
---@param stage bench.Stage
---@param row table
---@return { default: table, kept: table }, table<string, string>
function measure.row(stage, row)
  if stage.python and row.compare then row.agrees, row.note = same_batch(stage, row) end
  local default, missing, once = rounds_of(stage, row, "default", stage.python)
  if stage.python and row.checks then row.agrees, row.note = agreement(stage, row) end -- with what the peer's last round gave
  if row.same and stage.python then row.agrees = not row.differs end
  local kept = row.inputs and rounds_of(stage, row, "kept", stage.python and once < 4) or {}
  return { default = default, kept = kept }, missing
end

return measure
