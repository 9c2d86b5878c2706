--- docs/c-api.md: the headers that moondust.h brings, each with its first comment as prose and its declarations as they stand.
local HEAD = [[
<!-- made by `make docs` from src/moondust.h and the headers that it names -->

# The C core

]]

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

--- The text of a comment, without its stars.
local function prose(comment)
  local lines = {}
  for line in (comment .. "\n"):gmatch "(.-)\n" do lines[#lines + 1] = (line:gsub("^%s?%*? ?", "", 1)) end
  return (table.concat(lines, "\n"):gsub("%s+$", ""))
end

--- The first comment, and what stands between the includes and the end of the guard.
local function parts(text)
  local comment, rest = text:match "^/%*%s*(.-)%s*%*/\n(.*)$"
  rest = rest:gsub("#ifndef [%w_]+\n#define [%w_]+\n", "", 1):gsub("#include [^\n]*\n", ""):gsub("\n#endif%s*$", ""):gsub("^%s+", "")
  return prose(comment), rest
end

--- Path -> text.
return function()
  local whole = read "src/moondust.h"
  local out = { HEAD .. parts(whole) .. "\n" }
  for header in whole:gmatch '#include "([^"]+)"' do
    local comment, declarations = parts(read("src/" .. header))
    out[#out + 1] = ("## `%s`\n\n%s\n\n```c\n%s```\n"):format(header, comment, declarations:gsub("%s*$", "\n"))
  end
  return { ["docs/c-api.md"] = table.concat(out, "\n") }
end
