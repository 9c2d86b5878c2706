--- docs/reference.md: the module's own tables and moondust.core, from their annotations.
local annotations = require "moondust.annotations"

local HEAD = [[
# Reference

Made by `make docs` from the annotations in lua/moondust; change it there. Nodes and predictors have [pages of their own](nodes/README.md), the C core has
[one](c-api.md).
]]

-- What a script doesn't call by itself.
local INSIDE = { "/nodes/", "/predictors/", "/meta/", "/cli/", "/repl/", "/viewer/", "/picture/" }

local function list_files(folder)
  local pipe, list = io.popen(("find '%s' -name '*.lua' | LC_ALL=C sort"):format(folder)), {}
  for path in pipe:lines() do
    local inside = false
    for _, part in ipairs(INSIDE) do inside = inside or path:find(part, 1, true) end
    if not inside then list[#list + 1] = path end
  end
  pipe:close()
  return list
end

local function code(text) return "`" .. text .. "`" end

local function add_fields(out, block)
  for _, tag in ipairs { "param", "field" } do
    for _, text in ipairs(annotations.tags(block, tag)) do
      local name, kind, rest = annotations.split_field(text)
      out[#out + 1] = ("- %s %s%s"):format(code(name), code(kind), rest ~= "" and ": " .. rest or "")
    end
  end
  for _, text in ipairs(annotations.tags(block, "return")) do out[#out + 1] = "- returns " .. code(text) end
  if #out > 0 and out[#out] ~= "" then out[#out + 1] = "" end
end

local function add_prose(out, block)
  table.move(block.prose, 1, #block.prose, #out + 1, out)
  if #block.prose > 0 then out[#out + 1] = "" end
end

local function add_file(out, path)
  for i, block in ipairs(annotations.read(path)) do
    local title = annotations.title_of(block)
    if title and not title:find "[.:]_" then
      out[#out + 1] = "### " .. code(title)
      out[#out + 1] = ""
      add_prose(out, block)
      add_fields(out, block)
    elseif i == 1 then
      add_prose(out, block)
    end
  end
end

--- Path -> text.
return function()
  local out = { HEAD }
  for _, path in ipairs(list_files "lua/moondust") do
    out[#out + 1] = ("## %s\n"):format(code((path:gsub("^lua/", ""))))
    add_file(out, path)
  end
  out[#out + 1] = "## `moondust.core`: values and kernels\n"
  add_file(out, "lua/moondust/meta/core.lua")
  return { ["docs/reference.md"] = table.concat(out, "\n"):gsub("\n\n\n+", "\n\n"):gsub("%s*$", "\n") .. "" }
end
