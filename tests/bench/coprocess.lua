--- A program that is asked and answers, line by line, for as long as it is needed: its standard input is a pipe, its standard output
--- comes back through a FIFO.
local json = require "dkjson"

---@class bench.Coprocess
local Coprocess = {}
Coprocess.__index = Coprocess

--- command: a shell command; folder: where the FIFO is made; name: for messages.
---@param name string
---@param command string
---@param folder string
---@return bench.Coprocess
function Coprocess.start(name, command, folder)
  local fifo = ("%s/%s.fifo"):format(folder, name:gsub("%W", "-"))
  assert(os.execute(("rm -f '%s' && mkfifo '%s'"):format(fifo, fifo)), "mkfifo failed in " .. folder)
  local input = assert(io.popen(("%s > '%s'"):format(command, fifo), "w"))
  local output = assert(io.open(fifo, "r"))
  os.remove(fifo)
  return setmetatable({ name = name, input = input, output = output }, Coprocess)
end

--- question: a line, or a table that goes as JSON. Returns the answer, decoded.
---@param question string|table
---@return table
function Coprocess:ask(question)
  local text = type(question) == "string" and question or json.encode(question)
  self.input:write(text, "\n")
  self.input:flush()
  local line = self.output:read("l")
  if not line then error(("%s ended when asked '%s'"):format(self.name, text), 0) end
  return (assert(json.decode(line)))
end

function Coprocess:close()
  self.input:close()
  self.output:close()
end

return Coprocess
