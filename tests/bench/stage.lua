--- Who takes part: our programs and the peers' interpreter, each a process that stays (coprocess.lua), by name and by the way it gets memory.
local Coprocess = require "coprocess"

---@class bench.Stage
---@field options table   of bench.lua
---@field folder string   where inputs, FIFOs and logs go
---@field volume string   the training pipeline's file
---@field python string?  the peers' interpreter, when it is there
local Stage = {}
Stage.__index = Stage

-- As it comes ("default"), glibc gives each large block back to the system and gets fresh, zeroed pages the next time, whose making costs as
-- much as a cheap kernel; "kept" is an allocator that keeps what it has. See figures.lua for which counts where.
local MEMORY = { default = "", kept = "MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=1000000000000 MALLOC_TOP_PAD_=16777216 " }

local COMMANDS = {
  kernels = function(s) return s:kernels(s.options.size) end,
  baseline = function(s) return "MOONDUST_ISA=baseline " .. s:kernels(s.options.size) end,
  ours = function(s) return ("%s tests/bench/ours.lua '%s'"):format(s.options.program, s.folder) end,
  instrumented = function(s) return ("%s tests/bench/ours.lua '%s' --instrument '%s'"):format(s.options.program, s.folder, s.volume) end,
  peers = function(s) return ("'%s' tests/bench/peers/peers.py '%s' 2>'%s/peers.log'"):format(s.python, s.folder, s.folder) end,
  -- The same with the h5py that tests/bench/setup-peers puts beside the newest.
  ["peers, HDF5 1"] = function(s)
    return ("PYTHONPATH='%s/hdf5-1' '%s' tests/bench/peers/peers.py '%s' 2>'%s/peers-1.log'"):format(s.options.peers, s.python, s.folder, s.folder)
  end,
}

function Stage.exists(path)
  local file = io.open(path)
  if file then file:close() end
  return file ~= nil
end

--- What a shell command prints.
function Stage.capture(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "a"
  pipe:close()
  return text
end

---@param options table
---@return bench.Stage
function Stage.new(options)
  local folder, python = options.build .. "/bench", options.peers .. "/bin/python"
  return setmetatable({ options = options, folder = folder, servers = {}, volume = options.volume or folder .. "/trainer.h5",
    python = Stage.exists(python) and python or nil }, Stage)
end

function Stage:kernels(size) return ("%s/bench/bench_kernels %d --serve"):format(self.options.build, size) end

--- A process of its own, to be closed by the caller.
---@param command string
---@param memory "default"|"kept"
---@return bench.Coprocess
function Stage:start(name, command, memory) return Coprocess.start(name, MEMORY[memory] .. command, self.folder) end

---@param name string
---@param memory "default"|"kept"|nil
---@return bench.Coprocess
function Stage:server(name, memory)
  memory = memory or "default"
  local id = name .. " " .. memory
  if not self.servers[id] then self.servers[id] = self:start(id, COMMANDS[name](self), memory) end
  return self.servers[id]
end

--- The answer; { missing = why } when there is none. A server that failed is started anew when it is asked next.
---@return table
function Stage:ask(name, question, memory)
  local ok, answer = pcall(function() return self:server(name, memory):ask(question) end)
  if ok then return answer end
  self.servers[name .. " " .. (memory or "default")] = nil
  return { missing = tostring(answer) }
end

function Stage:close()
  for _, one in pairs(self.servers) do one:close() end
  self.servers = {}
end

return Stage
