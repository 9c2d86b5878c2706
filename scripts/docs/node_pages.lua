--- docs/nodes/NAME.md, a page a node and predictor: what it does, a picture, its options, the original; and their index.
local annotations = require "moondust.annotations"
local classes = require "docs.classes"

local MADE = "<!-- made by `make docs` from %s and docs/nodes.md -->\n"

local function exists(path)
  local file = io.open(path)
  if file then file:close() end
  return file ~= nil
end

local function cell(text) return (text:gsub("|", "\\|"):gsub("\n", " ")) end

-- ------------------------------------------------------------------------------------------------ docs/nodes.md's rows

--- Rows of the tables "there | here | same draws | deviations" by the name that they have here.
local function originals()
  local rows = {}
  for line in io.lines "docs/nodes.md" do
    local there, here, draws, deviations = line:match "^| (.-) | (.-) | (.-) | (.-) |$"
    if here and here:find "^`" then
      for name in here:match "^[^:;(]*":gmatch "`([%w]+)`" do
        rows[name] = rows[name] or {}
        table.insert(rows[name], { there = there, here = here, draws = draws, deviations = deviations })
      end
    end
  end
  return rows
end

local function add_originals(out, rows)
  if not rows then return end
  out[#out + 1] = "## The original"
  out[#out + 1] = ""
  for _, row in ipairs(rows) do
    local link = row.deviations ~= "none" and ("; what differs: %s"):format((row.deviations:gsub("%(deviations", "(../deviations"))) or ""
    out[#out + 1] = ("- %s. Same draws: %s%s"):format(row.there, row.draws, link)
  end
  out[#out + 1] = ""
end

-- ------------------------------------------------------------------------------------------------ a page

local function signature(item)
  local words = {}
  for i, option in ipairs(item.class.options or {}) do words[i] = option.required and option[1] or ("[%s]"):format(option[1]) end
  return ("    md.%s{ %s }"):format(item.name, table.concat(words, ", "))
end

local function default_of(option)
  if option.required then return "**required**" end
  return option.default == nil and "" or ("`%s`"):format(annotations.literal(option.default))
end

local function add_options(out, item)
  local options = item.class.options
  if not options or #options == 0 then return end
  out[#out + 1] = "| option | takes | default | |"
  out[#out + 1] = "|---|---|---|---|"
  for _, option in ipairs(options) do
    out[#out + 1] = ("| `%s` | %s | %s | %s |"):format(option[1], classes.type_of(option), cell(default_of(option)), cell(option.doc or ""))
  end
  out[#out + 1] = ""
end

-- Methods that a script calls or overwrites, beyond those that every node has.
local CONTRACT = { init = true, setup = true, prepare = true, process = true, provide = true, skip_node = true, teardown = true, name = true }

local function add_methods(out, item)
  local first = true
  for _, block in ipairs(annotations.read(item.path)) do
    local name, parameters = annotations.function_in(block.next)
    local method = name and name:match("^" .. item.name .. "[:.]([%a][%w_]*)$")
    if method and not CONTRACT[method] and #block.prose > 0 then
      if first then out[#out + 1] = "## Methods\n" end
      first = false
      out[#out + 1] = ("- `%s%s`: %s"):format(name, parameters, table.concat(block.prose, " "))
    end
  end
  if not first then out[#out + 1] = "" end
end

local function page(item, rows)
  local out = { MADE:format(item.path), "# " .. item.name, "" }
  table.move(item.prose, 1, #item.prose, #out + 1, out)
  out[#out + 1] = ""
  if exists(("docs/img/%s.png"):format(item.name)) then
    out[#out + 1] = ("![What %s does](../img/%s.png)\n"):format(item.name, item.name)
  end
  out[#out + 1] = signature(item)
  out[#out + 1] = ""
  add_options(out, item)
  add_methods(out, item)
  add_originals(out, rows)
  out[#out + 1] = ("Source: [%s](../../%s). All nodes: [nodes](README.md)."):format(item.path:match "[^/]*$", item.path)
  return table.concat(out, "\n"):gsub("\n\n\n+", "\n\n") .. "\n"
end

-- ------------------------------------------------------------------------------------------------ the index

--- The first sentence, without the name and source that it begins with.
local function summary(item)
  local text = table.concat(item.prose, " "):gsub("^" .. item.name .. "%s*", ""):gsub("^%b()%s*", ""):gsub("^:%s*", ""):gsub("^,%s*", "")
  return (text:match "^(.-[.:])%s" or text):gsub("[.:]$", "")
end

local function index(list)
  local out = { MADE:format "lua/moondust/nodes", [[# Nodes and predictors

A node is made with one table: its array part fills the options in the order in which they are listed, its named part by name. [../nodes.md](../nodes.md) has the originals'
names beside ours.
]] }
  for _, part in ipairs { { "nodes", "Nodes" }, { "predictors", "Predictors" } } do
    out[#out + 1] = ("## %s\n\n| | |\n|---|---|"):format(part[2])
    for _, item in ipairs(list) do
      if item.kind == part[1] then out[#out + 1] = ("| [%s](%s.md) | %s |"):format(item.name, item.name, cell(summary(item))) end
    end
    out[#out + 1] = ""
  end
  return table.concat(out, "\n")
end

--- Path -> text.
return function()
  local files, list, rows = {}, classes.list(), originals()
  for _, item in ipairs(list) do
    if item.kind ~= "other" then files[("docs/nodes/%s.md"):format(item.name)] = page(item, rows[item.name]) end
  end
  files["docs/nodes/README.md"] = index(list)
  return files
end
