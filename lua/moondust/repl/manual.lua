--- The manual by name and by value, from the annotations in the sources. Files are read when first asked about; a lookup by name
--- loads every node once, since only then all names are known.
---
--- Names are written as one would in a script, `md.` in front or not, `.` for `:`: "GammaAugment", "GammaAugment.gamma_min",
--- "md.hdf5.read", "ndarray.mean".
local annotations = require "moondust.annotations"
local core = require "moondust.core"
local options = require "moondust.options"
local md = require "moondust"
local names = require "moondust.repl.names"

local M = {}

---@class moondust.ManualEntry
---@field name string        as a script writes it: "md.hdf5.read", "ndarray:mean"
---@field kind "function"|"class"|"node"|"option"|"module"
---@field block moondust.Annotation?   nil: nothing is written about it
---@field about moondust.Annotation?   what its file says of itself
---@field parameters string?    of a function: "(path, dataset)"
---@field made table?           of a node: the class
---@field option moondust.Option?
---@field fields string[]?      of a class: "name type text"
---@field methods moondust.ManualEntry[]?  of a class

local read = {} -- path -> blocks
local function blocks_of(path)
  if not path then return {} end
  if not read[path] then read[path] = annotations.read(path) end
  return read[path]
end

-- The contract of the C side; it stands beside this file's folder and is never loaded.
local function core_blocks() return blocks_of(annotations.path_of "moondust.meta.core") end

local function leading_block(blocks) return blocks[1] and blocks[1].leads and #blocks[1].tags == 0 and blocks[1] or nil end

local function function_entry(name, block)
  return { name = name, kind = "function", block = block, parameters = block.next:match "function%s*[%w_.:]*(%b())" }
end

-- ------------------------------------------------------------------------------------------------ classes

local function add_method(by_variable, line, block)
  local owner, mark, name, parameters = line:match "^function ([%w_]+)([.:])([%a][%w_]*)(%b())"
  local entry = owner ~= "core" and by_variable[owner]
  if entry then
    table.insert(entry.methods, { name = entry.name .. mark .. name, kind = "function", block = block, parameters = parameters })
  end
end

-- Classes of a list of blocks: full name -> { block, base, fields, methods, variable }.
local function classes_in(blocks)
  local found, by_variable = {}, {}
  for _, block in ipairs(blocks) do
    local class, base = annotations.class_of(block)
    if class then
      local variable = block.next:match "^local ([%w_]+)" or class:match "[^.]+$"
      local entry = { name = class:match "[^.]+$", kind = "class", block = block, base = base, fields = annotations.tags(block, "field"), methods = {} }
      found[class] = entry
      by_variable[variable] = by_variable[variable] or entry
    end
    add_method(by_variable, block.next, block)
    for _, line in ipairs(block.bare) do add_method(by_variable, line) end
  end
  return found
end

local core_classes
--- What the contract says of a class of userdata such as "moondust.Roi".
---@param class string?
---@return moondust.ManualEntry?
function M.core_class(class)
  core_classes = core_classes or classes_in(core_blocks())
  return core_classes[class]
end

-- ------------------------------------------------------------------------------------------------ the index

-- The block of the function that begins at a line of a file, the line being its own or that of `return function`.
local function block_at(path, line)
  for _, block in ipairs(blocks_of(path)) do if block.line == line then return block end end
end

local class_entry

-- Adds the methods of the base that the class doesn't override; a node's are the contract's and not for its users.
local function inherit(entry, made)
  local base, own = rawget(made, "base"), {}
  if not base or made.options then return end
  for _, method in ipairs(entry.methods) do own[method.name:match "[%w_]+$"] = true end
  for _, method in ipairs(class_entry(base.class_name, base).methods) do
    if not own[method.name:match "[%w_]+$"] then table.insert(entry.methods, method) end
  end
end

function class_entry(name, made)
  local module = names.module_of(made)
  local blocks = blocks_of(module and annotations.path_of(module))
  local entry = classes_in(blocks)["moondust." .. made.class_name] or { kind = "class", fields = {}, methods = {} }
  entry.name, entry.about = name, leading_block(blocks)
  inherit(entry, made)
  if made.options then entry.kind, entry.made = "node", made end
  return entry
end

local function source_of(value)
  local info = debug.getinfo(value, "S")
  return info.source:match "^@(.*)", info.linedefined
end

-- Where nothing is written above a function its file may say what it is for.
local function lua_function_entry(name, value)
  local path, line = source_of(value)
  local block = path and block_at(path, line)
  if block then return function_entry(name, block) end
  return { name = name, kind = "function", block = leading_block(blocks_of(path)), parameters = "(…)" }
end

local function short(name) return (name:gsub("^moondust%.", ""):gsub("^md%.", ""):gsub("^core%.", ""):gsub(":", ".")) end

local function add(index, entry)
  local key = short(entry.name)
  index[key] = index[key] or {}
  table.insert(index[key], entry)
  for _, method in ipairs(entry.methods or {}) do
    if not index[short(method.name)] then add(index, method) end -- an inherited one stands under its own class
  end
  for _, option in ipairs(entry.kind == "node" and entry.made.options or {}) do
    add(index, { name = entry.name .. "." .. option[1], kind = "option", option = option, made = entry.made })
  end
end

local function add_core(index)
  for _, block in ipairs(core_blocks()) do
    local name = annotations.function_in(block.next)
    local owner, own = (name or ""):match "^([%w_]+)%.([%w_]+)$"
    if owner == "core" then
      add(index, function_entry((rawget(md, own) ~= nil and "md." or "core.") .. own, block))
    elseif owner and type(rawget(core, owner)) == "table" then
      add(index, function_entry("core." .. name, block))
    end
  end
  M.core_class ""
  local classes = {}
  for class in pairs(core_classes) do classes[#classes + 1] = class end
  table.sort(classes)
  for _, class in ipairs(classes) do
    local entry = core_classes[class]
    if entry.name ~= "core" and type(rawget(core, entry.name)) ~= "table" then add(index, entry) end
  end
end

-- Functions of a module's table: md.policy.any.
local function add_module(index, name, module)
  local path = annotations.path_of(names.module_of(module) or "?")
  local entry = { name = name, kind = "module", block = leading_block(blocks_of(path)), functions = {} }
  add(index, entry)
  local fields = {}
  for field in pairs(module) do if type(field) == "string" and not field:find "^_" then fields[#fields + 1] = field end end
  table.sort(fields)
  for _, field in ipairs(fields) do
    local value = module[field]
    if type(value) == "function" and not index[short(name .. "." .. field)] then
      local own = lua_function_entry(name .. "." .. field, value)
      add(index, own)
      table.insert(entry.functions, own)
    elseif names.is_class(value) then
      add(index, class_entry(name .. "." .. field, value))
    end
  end
end

local function add_exported(index, name, value)
  if names.is_class(value) then
    add(index, class_entry("md." .. name, value))
  elseif type(value) == "function" then
    if not index[name] then add(index, lua_function_entry("md." .. name, value)) end
  elseif type(value) == "table" and getmetatable(value) == nil then
    add_module(index, "md." .. name, value)
  elseif names.late_names(value) then
    for _, field in ipairs(names.late_names(value)) do local _ = value[field] end
    add_module(index, "md." .. name, value)
  end
end

local index
local function whole_index()
  if index then return index end
  local new = {}
  add_core(new)
  for _, name in ipairs(names.exported()) do add_exported(new, name, md[name]) end
  index = new
  return index
end

--- The entries of a name (a constructor and the class it makes share theirs), or nil and names like it.
---@param name string
---@return moondust.ManualEntry[]?
---@return string[]? near
function M.find(name)
  local all, wanted = whole_index(), short(name)
  if all[wanted] then return all[wanted] end
  local alike, last = {}, "." .. wanted:lower()
  for known in pairs(all) do
    local lower = known:lower()
    if lower == last:sub(2) or lower:sub(-#last) == last then alike[#alike + 1] = known end
  end
  table.sort(alike)
  if #alike == 1 then return all[alike[1]] end
  if #alike == 0 then alike[1] = options.nearest(wanted, M.names()) end
  return nil, alike
end

--- All names of the manual, sorted.
---@return string[]
function M.names()
  local all = {}
  for name in pairs(whole_index()) do all[#all + 1] = name end
  table.sort(all)
  return all
end

-- ------------------------------------------------------------------------------------------------ by value

local function of_function(value)
  local name = names.function_name(value)
  if debug.getinfo(value, "S").what == "C" then return name and whole_index()[short(name)] end
  local path, line = source_of(value)
  local block = path and block_at(path, line)
  if block then return { function_entry(name or block.next:match "function%s+([%w_.:]+)" or "function", block) } end
  return name and whole_index()[short(name)]
end

--- The entries about a value: a function, a class, or something of a class that has an entry.
---@param value any
---@return moondust.ManualEntry[]?
function M.of(value)
  if type(value) == "function" then return of_function(value) end
  if rawequal(value, md) then return nil end
  local meta = getmetatable(value)
  local made = names.is_class(value) and value or names.is_class(meta) and meta
  if made then return { class_entry((rawequal(made, rawget(md, made.class_name)) and "md." or "") .. made.class_name, made) } end
  local class = options.class_name_of(value)
  if class and M.core_class(class) then return M.find(class) end
  local module = type(value) == "table" and names.module_of(value)
  local name = module and names.name_in(md, value)
  return name and M.find(name)
end

return M
