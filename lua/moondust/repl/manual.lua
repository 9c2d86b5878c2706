--- The manual by name and by value, from the annotations in the sources. Files are read when first asked about; a lookup by name
--- loads every node once, since only then all names are known.
---
--- Names are written as one would in a script, `md.` in front or not, `.` for `:`: "GammaAugment", "GammaAugment.gamma_min",
--- "md.hdf5.read", "ndarray.mean".
local annotations = require "moondust.annotations"
local core = require "moondust.core"
local options = require "moondust.options"
local md = require "moondust"

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

--- The table of methods of a userdata's metatable: __index, or what its __index function looks into.
---@param meta table?
---@return table?
function M.methods_of(meta)
  local index = type(meta) == "table" and rawget(meta, "__index") or nil
  if type(index) == "function" then index = select(2, debug.getupvalue(index, 1)) end
  return type(index) == "table" and index or nil
end

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

local function module_of(value)
  for module, loaded in pairs(package.loaded) do
    if loaded == value and module:find "^moondust%." then return module end
  end
end

--- The names of what a table loads when it is first asked for it, as its metatable's __names tells; nil for other values.
---@param value any
---@return string[]?
function M.late_names(value)
  local meta = type(value) == "table" and debug.getmetatable(value)
  local names = type(meta) == "table" and rawget(meta, "__names")
  return type(names) == "function" and names() or nil
end

local function is_class(value) return type(value) == "table" and rawget(value, "class_name") ~= nil end

-- The block of the function that begins at a line of a file, the line being its own or that of `return function`.
local function block_at(path, line)
  for _, block in ipairs(blocks_of(path)) do if block.line == line then return block end end
end

local function class_entry(name, made)
  local module = module_of(made)
  local blocks = blocks_of(module and annotations.path_of(module))
  local entry = classes_in(blocks)["moondust." .. made.class_name] or { kind = "class", fields = {}, methods = {} }
  entry.name, entry.about = name, leading_block(blocks)
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
  for _, method in ipairs(entry.methods or {}) do add(index, method) end
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
  local names = {}
  for class in pairs(core_classes) do names[#names + 1] = class end
  table.sort(names)
  for _, class in ipairs(names) do
    local entry = core_classes[class]
    if entry.name ~= "core" and type(rawget(core, entry.name)) ~= "table" then add(index, entry) end
  end
end

-- Functions of a module's table: md.policy.any.
local function add_module(index, name, module)
  local path = annotations.path_of(module_of(module) or "?")
  local entry = { name = name, kind = "module", block = leading_block(blocks_of(path)), functions = {} }
  add(index, entry)
  local names = {}
  for field in pairs(module) do if type(field) == "string" and not field:find "^_" then names[#names + 1] = field end end
  table.sort(names)
  for _, field in ipairs(names) do
    local value = module[field]
    if type(value) == "function" and not index[short(name .. "." .. field)] then
      local own = lua_function_entry(name .. "." .. field, value)
      add(index, own)
      table.insert(entry.functions, own)
    elseif is_class(value) then
      add(index, class_entry(name .. "." .. field, value))
    end
  end
end

local function add_exported(index, name, value)
  if is_class(value) then
    add(index, class_entry("md." .. name, value))
  elseif type(value) == "function" then
    if not index[name] then add(index, lua_function_entry("md." .. name, value)) end
  elseif type(value) == "table" and getmetatable(value) == nil then
    add_module(index, "md." .. name, value)
  elseif M.late_names(value) then
    for _, field in ipairs(M.late_names(value)) do local _ = value[field] end
    add_module(index, "md." .. name, value)
  end
end

--- Every name that a script can use of md, sorted; what loads late by its name alone.
---@return string[]
function M.exported()
  local names, seen = md.lazy_names(), {}
  for _, name in ipairs(names) do seen[name] = true end
  for name in pairs(md) do if not seen[name] then names[#names + 1] = name end end
  table.sort(names)
  return names
end

local index
local function whole_index()
  if index then return index end
  local new = {}
  add_core(new)
  for _, name in ipairs(M.exported()) do add_exported(new, name, md[name]) end
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
  local names = {}
  for name in pairs(whole_index()) do names[#names + 1] = name end
  table.sort(names)
  return names
end

-- ------------------------------------------------------------------------------------------------ by value

local function name_in(values, value)
  for name, other in pairs(values) do if rawequal(other, value) and type(name) == "string" then return name end end
end

local STANDARD = { "string", "table", "math", "io", "os", "coroutine", "utf8", "debug", "package" }

-- C functions have no source: their name is where they are found.
local function c_function_name(value)
  local own = name_in(md, value)
  if own then return "md." .. own end
  own = name_in(core, value)
  if own then return "core." .. own end
  for name, part in pairs(core) do
    own = type(part) == "table" and name_in(part, value)
    if own then return ("core.%s.%s"):format(name, own) end
  end
  for class, meta in pairs(debug.getregistry()) do
    own = type(class) == "string" and class:find "^moondust%." and name_in(M.methods_of(meta) or {}, value)
    if own then return ("%s:%s"):format(class:match "[^.]+$", own) end
  end
end

-- Methods and module functions in Lua, whose block says their name; the table they stand in says what a script calls it.
local function lua_function_name(value)
  for _, name in ipairs(M.exported()) do
    local holder = rawget(md, name)
    if rawequal(holder, value) then return "md." .. name end
    local own = type(holder) == "table" and name_in(holder, value)
    if own then return is_class(holder) and ("%s:%s"):format(holder.class_name, own) or ("md.%s.%s"):format(name, own) end
  end
end

--- What a function is called, if it has a name that a script can use: "md.zeros", "ndarray:mean", "string.format".
---@param value function
---@return string?
function M.function_name(value)
  local name = debug.getinfo(value, "S").what == "C" and c_function_name(value) or lua_function_name(value)
  if name then return name end
  for _, library in ipairs(STANDARD) do
    local own = name_in(_G[library], value)
    if own then return library .. "." .. own end
  end
  local global = name_in(_G, value)
  return global
end

local function of_function(value)
  local name = M.function_name(value)
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
  local made = is_class(value) and value or is_class(meta) and meta
  if made then return { class_entry((rawequal(made, rawget(md, made.class_name)) and "md." or "") .. made.class_name, made) } end
  local class = options.class_name_of(value)
  if class and M.core_class(class) then return M.find(class) end
  local module = type(value) == "table" and module_of(value)
  local name = module and name_in(md, value)
  return name and M.find(name)
end

return M
