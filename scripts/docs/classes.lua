--- The nodes and predictors that the module names, for the pages made of them.
local annotations = require "moondust.annotations"
local md = require "moondust"

local M = {}

---@class docs.Class
---@field name string      "GammaAugment"
---@field class table      as loaded: .options
---@field module string    "moondust.nodes.gamma_augment"
---@field path string      "lua/moondust/nodes/gamma_augment.lua"
---@field prose string[]   what is written at the top of its file and above its class
---@field kind "nodes"|"predictors"|"other"

local function module_of(value)
  for module, loaded in pairs(package.loaded) do
    if loaded == value and type(module) == "string" and module:find "^moondust%." then return module end
  end
end

local function prose_of(name, path)
  local prose = {}
  for i, block in ipairs(annotations.read(path)) do
    local own = annotations.class_of(block)
    if i == 1 or own == "moondust." .. name then
      if #prose > 0 and #block.prose > 0 then prose[#prose + 1] = "" end
      table.move(block.prose, 1, #block.prose, #prose + 1, prose)
    end
  end
  return prose
end

--- Sorted by name.
---@return docs.Class[]
function M.list()
  local list = {}
  for _, name in ipairs(md.lazy_names()) do
    local made = md[name]
    if type(made) == "table" and rawget(made, "class_name") then
      local module = module_of(made)
      local path = annotations.path_of(module)
      list[#list + 1] = { name = name, class = made, module = module, path = path, prose = prose_of(name, path),
        kind = path:match "/(nodes)/" or path:match "/(predictors)/" or "other" }
    end
  end
  return list
end

--- A type of an option as a person says it: "array key or array keys".
---@param option moondust.Option
---@return string
function M.type_of(option) return (option.type:gsub("_", " "):gsub("|", " or ")) end

return M
