--- The code blocks of a page of the manual, run as a reader would: ```lua blocks are saved under the name that the prose before them gives ("Save … as `x.lua`:"),
--- ```sh blocks run by sh in one folder, and a ```text block behind one is what it prints, with … for anything.
local program = require "spec.support.program"
local M = {}

---@param text string  a page in Markdown
---@return { kind: string, name: string?, text: string, line: integer }[]
function M.of(text)
  local list, inside, prose, number = {}, nil, {}, 0
  for line in (text .. "\n"):gmatch "(.-)\n" do
    number = number + 1
    local fence = line:match "^```(%w*)$"
    if fence and inside then
      inside.text = table.concat(inside.lines, "\n") .. "\n"
      list[#list + 1], inside, prose = inside, nil, {}
    elseif fence then
      inside = { kind = fence, lines = {}, line = number, name = table.concat(prose, " "):match "[Ss]ave.*as%s+`([%w_]+%.lua)`:" }
    elseif inside then
      inside.lines[#inside.lines + 1] = line
    else
      prose[#prose + 1] = line
    end
  end
  return list
end

--- A Lua pattern for a text block: … stands for anything within a line, a line of it alone for any lines.
---@param text string
---@return string
function M.pattern(text)
  local out = text:gsub("[%^%$%(%)%%%.%[%]%*%+%-%?]", "%%%0")
  out = out:gsub("…\n", "\0"):gsub("…", "[^\n]*"):gsub("\0", ".-\n")
  return "^" .. out .. "$"
end

--- Runs a page's blocks in an empty folder; returns what was wrong, each a sentence with the line of the page.
---@param path string  of the page
---@return string[] faults, integer ran
function M.run(path)
  local file <close> = assert(io.open(path))
  local folder, faults, ran, out = program.temporary(), {}, 0, nil
  os.execute("mkdir " .. folder)
  local here = program.shell("pwd").out:gsub("\n", "")
  local bin = program.path:sub(1, 1) == "/" and program.path or here .. "/" .. program.path
  for _, block in ipairs(M.of(file:read "a")) do
    local where = ("%s:%d: "):format(path, block.line)
    if block.kind == "lua" then
      if block.name then
        local target <close> = assert(io.open(folder .. "/" .. block.name, "w"))
        target:write(block.text)
      else
        faults[#faults + 1] = where .. "a lua block without a name to save it under"
      end
    elseif block.kind == "sh" then
      local result = program.shell(("cd %s && moondust() { %s \"$@\"; } && set -e\n%s"):format(folder, bin, block.text))
      ran, out = ran + 1, result.out
      if result.status ~= 0 then faults[#faults + 1] = ("%sexit status %d: %s%s"):format(where, result.status, out, result.err) end
    elseif block.kind == "text" then
      if not out then
        faults[#faults + 1] = where .. "output of nothing"
      elseif not out:find(M.pattern(block.text)) then
        faults[#faults + 1] = where .. "prints\n" .. out
      end
      out = nil
    end
  end
  os.execute("rm -r " .. folder)
  return faults, ran
end

return M
