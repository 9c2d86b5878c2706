--- Reads the annotations of Lua sources: what the manual is made of, and what help() prints.
---
--- A block is a run of lines that begin with `---`: prose, and tags in LuaCATS form (`---@param`, `---@return`, `---@class`,
--- `---@field` …). The line of code under it says what it is about. Nothing is loaded or run; sources are found where require
--- finds them.
local M = {}

---@class moondust.Annotation
---@field prose string[]      its lines
---@field tags string[][]     { tag, the rest of its line }, in order
---@field next string         the line of code under it
---@field bare string[]       further lines right below that begin functions of which nothing is written
---@field line integer        number of that line
---@field leads boolean       stands at the top of its file: speaks of all of it

local function read_block(lines, first)
  local prose, tags, i = {}, {}, first
  while lines[i] and lines[i]:find "^%-%-%-" do
    local text = lines[i]:gsub("^%-%-%-", "")
    local tag, rest = text:match "^@(%w+)%s*(.*)$"
    if tag then tags[#tags + 1] = { tag, rest } else prose[#prose + 1] = (text:gsub("^ ", "")) end
    i = i + 1
  end
  local block = { prose = prose, tags = tags, next = lines[i] or "", bare = {}, line = i, leads = first == 1 }
  while (lines[i + 1] or ""):find "^function " do
    i = i + 1
    block.bare[#block.bare + 1] = lines[i]
  end
  return block, i
end

--- The blocks of a text, in order.
---@param text string
---@return moondust.Annotation[]
function M.parse(text)
  local lines, blocks, i = {}, {}, 1
  for line in text:gmatch "([^\n]*)\n?" do lines[#lines + 1] = line end
  while i <= #lines do
    if lines[i]:find "^%-%-%-" then
      blocks[#blocks + 1], i = read_block(lines, i)
    end
    i = i + 1
  end
  return blocks
end

--- The blocks of a file; none when it can't be read.
---@param path string
---@return moondust.Annotation[]
function M.read(path)
  local file = io.open(path)
  if not file then return {} end
  local text = file:read "a"
  file:close()
  return M.parse(text)
end

--- Where the source of a module such as "moondust.batch" is.
---@param module string
---@return string? path
function M.path_of(module) return (package.searchpath(module, package.path)) end

--- What stands behind the tags of a name, in order: M.tags(block, "param").
---@param block moondust.Annotation
---@param name string
---@return string[]
function M.tags(block, name)
  local list = {}
  for _, tag in ipairs(block.tags) do if tag[1] == name then list[#list + 1] = tag[2] end end
  return list
end

--- "name type text" in its three parts. A type may hold spaces inside of brackets or after a colon, a comma or a bar.
---@param text string
---@return string name
---@return string type
---@return string text
function M.split_field(text)
  local name, rest = text:match "^(%S+)%s+(.*)$"
  if not name then return text, "", "" end
  local depth, i = 0, 1
  while i <= #rest do
    local c = rest:sub(i, i)
    if c:find "[%(%[<{]" then depth = depth + 1 elseif c:find "[%)%]>}]" then depth = depth - 1 end
    if c == " " and depth == 0 and not rest:sub(1, i - 1):find "[:,|]$" then break end
    i = i + 1
  end
  return name, rest:sub(1, i - 1), (rest:sub(i):gsub("^%s+", ""))
end

--- The class that a block declares and the one it derives from: "moondust.Batch", "moondust.Keyed".
---@param block moondust.Annotation
---@return string? class
---@return string? base
function M.class_of(block)
  local text = M.tags(block, "class")[1]
  if not text then return nil end
  return text:match "^([%w_.]+)", text:match ":%s*([%w_.]+)"
end

--- The function that a line of code begins: "M.read", "(path, dataset, roi)"; nil when there is none.
---@param line string
---@return string? name
---@return string? parameters
function M.function_in(line) return line:match "^function ([%w_.:]+)(%b())" end

--- What a block is about, as a heading: "class moondust.Batch : moondust.Keyed", "Batch:crop(request)"; nil for prose alone.
---@param block moondust.Annotation
---@return string?
function M.title_of(block)
  local made = M.tags(block, "class")[1]
  if made then return "class " .. made end
  local name, parameters = M.function_in(block.next)
  return name and name .. parameters
end

--- A default of a class's option as Lua writes it.
---@param value any
---@return string
function M.literal(value)
  if type(value) == "string" then return ("%q"):format(value) end
  if type(value) ~= "table" then return tostring(value) end
  return #value == 0 and next(value) == nil and "{}" or "{ " .. table.concat(value, ", ") .. " }"
end

return M
