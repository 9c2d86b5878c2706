--- Where the voxels of a stored dataset lie in the world, whatever format it is stored in: which axis is which, voxel size
--- and offset in whole world units, and which part of the dataset a ROI is.
---
--- A format hands over what is written beside a dataset (moondust.Stored), the caller what he knows better (moondust.Said).
--- What can be told for sure is taken; everything else is one sentence that names the dataset, the attribute, its value
--- and the option that says it.
---
--- Axes are letters, one an axis of the dataset, in the order of the file: t, z, y, x are axes of the world, c is one of
--- channels. Served are channels first, then t, z, y, x, whatever the order in the file. Without a word on axes the voxel
--- size tells how many axes are spatial, and those before them are channels (channels_first = false: those behind): that is
--- taken as long as the shape allows nothing else. A time axis that is taken for channels would be read as other voxels.
local core = require "moondust.core"

local M = {}

---@class moondust.Word  an attribute as it is written
---@field name string     of the attribute
---@field value any       number, string, list of them, or ndarray
---@field problem string? what it is, where it has no value: "compound of 2 fields"

---@class moondust.Stored
---@field about string           "dataset 'volumes/raw' of a.h5"
---@field shape integer[]
---@field voxel_size moondust.Word[]  in the order of rank; several must agree
---@field offset moondust.Word?
---@field axes moondust.Word?
---@field units moondust.Word?

---@class moondust.Said
---@field voxel_size moondust.Coordinate?
---@field roi moondust.Roi?
---@field channels_first boolean?
---@field axes string?
---@field pick table<string, integer|integer[]>?
---@field unit string?
---@field way_out string    how voxel_size is said where the caller is

---@class moondust.Placed
---@field roi moondust.Roi
---@field voxel_size moondust.Coordinate
---@field shape integer[]   as served
---@field channels integer  how many axes of it are channels
---@field order integer[]   axis of the dataset, for each axis served
---@field fixed table<integer, integer>    axis of the dataset -> the one index (from 0) that is read
---@field chosen table<integer, integer[]> axis of the dataset -> the indices (from 0) that are read

-- ------------------------------------------------------------------------------------------------ words

local function number(value)
  if math.type(value) == "float" and value % 1 == 0 and math.abs(value) < 2 ^ 53 then return ("%d"):format(value) end
  return tostring(value)
end

local function list(values)
  local words = {}
  for i, value in ipairs(values) do words[i] = type(value) == "string" and ("%q"):format(core.printable(value)) or number(value) end
  if #words > 12 then words = { table.concat(words, ", ", 1, 12), "…" } end
  return "(" .. table.concat(words, ", ") .. ")"
end
M.list = list

local function is_list(value) return type(value) == "table" end

--- An attribute's value in words.
---@param word moondust.Word
---@return string
local function shown(word)
  local value = word.value
  if word.problem then return word.problem end
  if type(value) == "string" then return ("the text %q"):format(core.printable(value)) end
  if is_list(value) then return #value == 0 and "empty" or list(value) end
  if math.type(value) then return number(value) end
  return tostring(value:reshape { -1 }) -- uint64 beyond Lua's integers
end

local function fail(stored, format, ...) return nil, stored.about .. " " .. format:format(...) end

-- ------------------------------------------------------------------------------------------------ axes

local KINDS = { t = "world", z = "world", y = "world", x = "world", c = "channel" }
local RANK = { t = 1, z = 2, y = 3, x = 4 }

--- Letters of a string such as "tczyx"; nil and what is wrong.
---@param text string
---@param count integer?  axes there are
---@return string[]? letters
---@return string? message
function M.letters(text, count)
  local letters, seen = {}, {}
  for letter in text:lower():gmatch "." do
    if not KINDS[letter] then return nil, ("has '%s', and axes are t, z, y, x and c"):format(core.printable(letter)) end
    if seen[letter] then return nil, ("has '%s' twice"):format(letter) end
    seen[letter] = true
    letters[#letters + 1] = letter
  end
  if count and #letters ~= count then return nil, ("has %d letters for %d axes"):format(#letters, count) end
  return letters
end

local NAMES = { time = "t", channel = "c", channels = "c", ["c^"] = "c", ["t^"] = "t" }

-- What the file calls its axes; nil where it doesn't say, false and a message where that can't be understood.
local function written_axes(stored)
  local word, letters = stored.axes, {}
  if not word then return nil end
  local names = word.value
  if type(names) == "string" then names = { names } end
  if is_list(names) and #names == 1 and #stored.shape > 1 and #names[1] == #stored.shape then
    local out = {}
    for letter in names[1]:gmatch "." do out[#out + 1] = letter end
    names = out
  end
  local seen = {}
  for i, name in ipairs(is_list(names) and names or {}) do
    local letter = type(name) == "string" and (NAMES[name:lower()] or name:lower())
    if letter and #letter > 1 and letter:sub(-1) == "^" then letter = "channel" end -- "c1^": not of the world
    if not letter or seen[letter] or not (KINDS[letter] or letter == "channel") then break end
    letters[i], seen[letter] = letter, letter ~= "channel"
  end
  if #letters == #stored.shape then return letters end
  return false, ("has axes that can't be understood, attribute '%s' = %s for the shape %s"):format(word.name, shown(word), list(stored.shape))
end

local WORLD = { "t", "z", "y", "x" }

--- What says so that the axes of a dataset are channels first, then those of the world: the value of attribute `axis_names`.
--- nil where it needs no word, or there is none.
---@param ndim integer
---@param dims integer?  axes of the world, the last ones
---@return string[]?
function M.axis_names(ndim, dims)
  if not dims or dims < 1 or dims > #WORLD or ndim <= dims then return nil end
  local names, channels = {}, ndim - dims
  for c = 1, channels do names[c] = channels == 1 and "c^" or ("c%d^"):format(c) end
  return table.move(WORLD, #WORLD - dims + 1, #WORLD, channels + 1, names)
end

-- Where nobody says: as many spatial axes as the voxel size has entries, channels before (or behind) them. Only as long as the
-- shape allows nothing else: channels are fewer than voxels along any axis, and no spatial axis is as short as channels are.
local FEW = 4

local function guessed_axes(stored, said, dims)
  local shape, letters, extra = stored.shape, {}, #stored.shape - dims
  local first = said.channels_first == false and 0 or extra
  if extra > 0 and said.channels_first == nil then
    if dims == 1 then
      return fail(stored, "has %d axes, %s, and a voxel size of one number, %s: which axis it is for can't be told; say all of them, or the axes: %s, axes = \"zyx\"",
        #shape, list(shape), stored.one or "1 entry", said.way_out)
    end
    local most, least = 0, math.huge
    for axis, length in ipairs(shape) do
      if axis <= extra then most = math.max(most, length) else least = math.min(least, length) end
    end
    if most >= least or least <= FEW then
      return fail(stored, "has %d axes, %s, and a voxel size of %d entries: whether the first axis is channels or time, and where the channels are, can't be told; "
        .. "say it: axes = \"czyx\" (or \"tcyx\" with pick = { c = 1 }, …), or channels_first = true or false", #shape, list(shape), dims)
    end
  end
  for axis = 1, #shape do letters[axis] = (axis > first and axis <= first + dims) and "world" or "channel" end
  return letters
end

-- ------------------------------------------------------------------------------------------------ units

local PICOMETRES = {
  pm = 1, picometer = 1, picometre = 1, nm = 1000, nanometer = 1000, nanometre = 1000, um = 10 ^ 6, ["µm"] = 10 ^ 6, ["μm"] = 10 ^ 6,
  micron = 10 ^ 6, micrometer = 10 ^ 6, micrometre = 10 ^ 6, mm = 10 ^ 9, millimeter = 10 ^ 9, millimetre = 10 ^ 9, cm = 10 ^ 10,
  centimeter = 10 ^ 10, centimetre = 10 ^ 10, m = 10 ^ 12, meter = 10 ^ 12, metre = 10 ^ 12, angstrom = 100, ["å"] = 100, ["Å"] = 100,
}

local function picometres(name)
  name = name:lower()
  return PICOMETRES[name] or PICOMETRES[name:gsub("s$", "")]
end

--- Whether a unit is known.
---@param name string
---@return boolean
function M.is_unit(name) return picometres(name) ~= nil end

-- World units in one of the file's, for each of `count` numbers; nil where nothing has to be done.
local function factors(stored, said, count)
  local word = stored.units
  if not word then return nil end
  local names = word.value
  if type(names) == "string" then
    local one = names
    names = {}
    for i = 1, count do names[i] = one end
  end
  if not is_list(names) or #names ~= count then
    return fail(stored, "has units that don't fit its voxel size of %d entries, attribute '%s' = %s; give the voxel size (and roi) in world units: %s", count, word.name,
      shown(word), said.way_out)
  end
  local out, world = {}, picometres(said.unit or "nm")
  for i, name in ipairs(names) do
    local size = type(name) == "string" and picometres(name)
    if not size then
      return fail(stored, "has a unit that isn't known, attribute '%s' = %s; give the voxel size (and roi) in world units: %s", word.name, shown(word), said.way_out)
    end
    out[i] = { size, world }
  end
  return out
end

-- A number in world units, whole if it is one but for what decimal fractions lose in binary.
local function converted(value, factor)
  if not factor or factor[1] == factor[2] then return value end
  local integer = math.tointeger(value)
  local scaled = integer and integer * math.tointeger(factor[1]) or value * factor[1]
  if integer and math.abs(integer) > (1 << 62) // math.tointeger(factor[1]) then scaled = integer * factor[1] end
  local result = scaled / factor[2]
  if math.type(scaled) == "integer" and scaled % math.tointeger(factor[2]) == 0 then return scaled // math.tointeger(factor[2]) end
  local near = math.floor(result + 0.5)
  return math.abs(result - near) <= 1e-9 * math.max(1, math.abs(near)) and near or result
end

-- ------------------------------------------------------------------------------------------------ numbers

-- The attribute's numbers as a list; nil and a message.
local function numbers_of(stored, word, what, way_out)
  local value = word.value
  local values = math.type(value) and { value } or value
  if word.problem or type(value) == "string" or not is_list(values) or #values == 0 or type(values[1]) == "string" then
    local beyond = not word.problem and type(value) == "userdata" and "beyond 64 signed bits" or "no numbers"
    return fail(stored, "has %s that is %s, attribute '%s' = %s; give %s: %s", what, beyond, word.name, shown(word),
      what == "an offset" and "a roi" or "one", way_out)
  end
  return values
end

local function whole(value) return math.tointeger(value) end

-- All numbers in world units, as a coordinate.
local function world_numbers(stored, said, word, values, what, hint)
  local scale, message = factors(stored, said, #values)
  if message then return nil, message end
  local out = {}
  for i, value in ipairs(values) do
    local scaled = converted(value, scale and scale[i])
    out[i] = whole(scaled)
    if not out[i] then
      local beyond = scaled ~= scaled or math.abs(scaled) == math.huge or math.abs(scaled) >= 2 ^ 63
      return fail(stored, "has the %s %s, attribute '%s'%s, and world units are whole numbers%s; %s: %s", what, list(values), word.name,
        scale and (" in %s"):format(shown(stored.units)) or "", beyond and " of 64 bits" or "", hint, said.way_out)
    end
  end
  return out
end

local function same(a, b)
  if #a ~= #b then return false end
  for i = 1, #a do if a[i] ~= b[i] then return false end end
  return true
end

-- The voxel size as written: a list of whole numbers and the attribute.
local function written_voxel_size(stored, said)
  local word = stored.voxel_size[1]
  if not word then
    return fail(stored, "has no voxel size (attribute 'resolution' or 'voxel_size'); give one: %s", said.way_out)
  end
  local values, message = numbers_of(stored, word, "a voxel size", said.way_out)
  if not values then return nil, message end
  local other = stored.voxel_size[2]
  if other then
    local others = numbers_of(stored, other, "a voxel size", said.way_out)
    if not others or not same(values, others) then
      return fail(stored, "has two voxel sizes that differ, attributes '%s' = %s and '%s' = %s; give the right one: %s", word.name, shown(word),
        other.name, shown(other), said.way_out)
    end
  end
  if math.type(word.value) then stored.one = number(word.value) end
  if #values > #stored.shape then
    return fail(stored, "has %d axes, %s, too few for the voxel size %s, attribute '%s'; give one with %d entries: %s", #stored.shape, list(stored.shape),
      list(values), word.name, #stored.shape, said.way_out)
  end
  local out
  out, message = world_numbers(stored, said, word, values, "voxel size", "give it in a smaller unit")
  if not out then return nil, message end
  for i = 1, #out do
    if out[i] < 1 then
      return fail(stored, "has the voxel size %s, attribute '%s', and each entry must be 1 or more; give another: %s", list(values), word.name, said.way_out)
    end
  end
  return out, nil, word
end

-- ------------------------------------------------------------------------------------------------ picking

local function check_pick(stored, letters, pick)
  for letter, wanted in pairs(pick or {}) do
    local axis
    for i, own in ipairs(letters) do if own == letter then axis = i end end
    if not axis then
      return fail(stored, "has no axis '%s' to pick from; it has %s (axes = \"…\" says which they are)", core.printable(tostring(letter)),
        table.concat(letters, ", "))
    end
    local indices = type(wanted) == "table" and wanted or { wanted }
    for _, index in ipairs(indices) do
      if not math.tointeger(index) or index < 1 or index > stored.shape[axis] then
        return fail(stored, "has %d places along axis '%s', and pick wants %s of them (they are counted from 1)", stored.shape[axis], letter, tostring(index))
      end
    end
    if #indices == 0 or type(wanted) == "table" and KINDS[letter] ~= "channel" then
      return fail(stored, "can't be picked from along '%s' by a list%s: one number", letter, #indices == 0 and " of nothing" or "")
    end
  end
  return true
end

-- fixed and chosen, from `pick`.
local function apply_pick(placed, letters, pick)
  for axis, letter in ipairs(letters) do
    local wanted = pick and pick[letter]
    if type(wanted) == "table" then
      local indices = {}
      for i, index in ipairs(wanted) do indices[i] = math.tointeger(index) - 1 end
      placed.chosen[axis] = indices
    elseif wanted then
      placed.fixed[axis] = math.tointeger(wanted) - 1
    end
  end
end

-- ------------------------------------------------------------------------------------------------ putting it together

-- The letters of all axes: said, written, or (kinds only) guessed.
local function find_axes(stored, said, entries)
  local letters, message
  if said.axes then
    letters, message = M.letters(said.axes, #stored.shape)
    if not letters then return fail(stored, "has the shape %s, and axes = %q %s", list(stored.shape), said.axes, message) end
    return letters
  end
  if said.channels_first == nil or said.pick then
    letters, message = written_axes(stored)
    if letters then return letters end
    if letters == false and entries ~= #stored.shape then
      return nil, stored.about .. " " .. message .. "; say them: axes = \"czyx\""
    end
  end
  if said.pick and next(said.pick) then return fail(stored, "doesn't say which axes it has, which pick needs; say it: axes = \"tczyx\"") end
  return guessed_axes(stored, said, entries)
end

-- Axes of the world and of channels as served, axes picked from left out.
local function set_order(placed, letters)
  local world, channels = {}, {}
  for axis, letter in ipairs(letters) do
    if not placed.fixed[axis] then
      local into = (letter == "channel" or KINDS[letter] == "channel") and channels or world
      into[#into + 1] = axis
    end
  end
  if RANK[letters[world[1]]] then table.sort(world, function(a, b) return RANK[letters[a]] < RANK[letters[b]] end) end
  placed.channels, placed.world = #channels, world
  placed.order = table.move(world, 1, #world, #channels + 1, channels)
end

-- For each axis of the world as served, its entry in a list of numbers that has one for each axis of the dataset, for each of
-- the world, or for each that is left.
local function entries_for(stored, placed, letters, count)
  local all, left, place = {}, {}, {}
  for axis, letter in ipairs(letters) do
    if letter == "world" or KINDS[letter] == "world" then
      all[#all + 1] = axis
      if not placed.fixed[axis] then left[#left + 1] = axis end
    end
  end
  local from = count == #stored.shape and {} or count == #all and all or count == #left and left or nil
  if not from then return nil end
  if #from == 0 then for axis = 1, count do from[axis] = axis end end
  for i, axis in ipairs(from) do place[axis] = i end
  local out = {}
  for d, axis in ipairs(placed.world) do out[d] = place[axis] end
  return out
end

local function chosen_numbers(values, entries)
  local out = {}
  for d, entry in ipairs(entries) do out[d] = values[entry] end
  return core.Coordinate(out)
end

local function find_offset(stored, said, placed, letters, voxel_size)
  local word = stored.offset
  if not word then return voxel_size * 0 end
  local values, message = numbers_of(stored, word, "an offset", said.way_out)
  if not values then return nil, message end
  local out
  out, message = world_numbers(stored, said, word, values, "offset", "give roi (and voxel_size) in a smaller unit")
  if not out then return nil, message end
  local entries = entries_for(stored, placed, letters, #out)
  if not entries then
    return fail(stored, "has the offset %s, attribute '%s', and the voxel size %s, which differ in their number of axes; give roi or voxel_size: %s", list(values),
      word.name, tostring(voxel_size), said.way_out)
  end
  local offset = chosen_numbers(out, entries)
  for d = 1, #offset do
    if offset[d] % voxel_size[d] ~= 0 then
      return fail(stored, "has the offset %s, attribute '%s', which is not on the grid of its voxel size %s (axis %d); give a roi that is: %s", tostring(offset),
        word.name, tostring(voxel_size), d, said.way_out)
    end
  end
  return offset
end

-- A ROI that the caller gives puts the first voxel that is read at its begin.
local function check_roi(stored, roi, voxel_size, shape)
  if roi.dims ~= #voxel_size or roi.unbounded then
    return fail(stored, "can't be put into ROI %s: %d bounded axes are wanted", tostring(roi), #voxel_size)
  end
  for d = 1, roi.dims do
    if roi.offset[d] % voxel_size[d] ~= 0 or roi.shape[d] % voxel_size[d] ~= 0 then
      return fail(stored, "can't be put into ROI %s, which is not on the grid of the voxel size %s (axis %d)", tostring(roi), tostring(voxel_size), d)
    end
    if roi.shape[d] // voxel_size[d] > shape[d] then
      return fail(stored, "can't fill ROI %s: on axis %d it has %d voxels of size %d", tostring(roi), d, shape[d], voxel_size[d])
    end
  end
  return roi
end

local function find_roi(stored, said, placed, letters)
  local voxel_size, shape = placed.voxel_size, {}
  for d, axis in ipairs(placed.world) do shape[d] = stored.shape[axis] end
  if said.roi then return check_roi(stored, said.roi, voxel_size, shape) end
  local offset, message = find_offset(stored, said, placed, letters, voxel_size)
  if not offset then return nil, message end
  for d = 1, #shape do
    local length = shape[d] * voxel_size[d]
    if shape[d] ~= 0 and (length // shape[d] ~= voxel_size[d] or length < 0 or math.ult(math.maxinteger, offset[d] + length) and offset[d] > 0) then
      return fail(stored, "reaches beyond 64 bits: %d voxels of size %d from %d on (axis %d); give another voxel size: %s", shape[d], voxel_size[d], offset[d], d,
        said.way_out)
    end
  end
  return core.Roi(offset, core.Coordinate(shape) * voxel_size)
end

local function check_said_voxel_size(stored, said)
  local voxel_size = said.voxel_size
  for d = 1, #voxel_size do
    if voxel_size[d] == core.unbounded or voxel_size[d] < 1 then
      return fail(stored, "is given the voxel size %s, and each entry must be 1 or more", tostring(voxel_size))
    end
  end
  if #voxel_size > #stored.shape then
    return fail(stored, "has %d axes, %s, too few for the voxel size %s; give one with %d entries: %s", #stored.shape, list(stored.shape), tostring(voxel_size),
      #stored.shape, said.way_out)
  end
  local out = {}
  for d = 1, #voxel_size do out[d] = voxel_size[d] end
  return out
end

--- Places a dataset in the world; nil and one sentence where that can't be done for sure.
---@param stored moondust.Stored
---@param said moondust.Said
---@return moondust.Placed?
---@return string? message
function M.place(stored, said)
  local placed = { fixed = {}, chosen = {} }
  local sizes, letters, message
  if said.voxel_size then
    sizes, message = check_said_voxel_size(stored, said)
  else
    sizes, message = written_voxel_size(stored, said)
  end
  if not sizes then return nil, message end
  letters, message = find_axes(stored, said, #sizes)
  if not letters then return nil, message end
  local ok
  ok, message = check_pick(stored, letters, said.pick)
  if not ok then return nil, message end
  apply_pick(placed, letters, said.pick)
  set_order(placed, letters)
  if #placed.world == 0 then return fail(stored, "has no axis of the world left: axes %s", table.concat(letters, ", ")) end
  local entries = entries_for(stored, placed, letters, #sizes)
  if not entries then
    return fail(stored, "has the axes %s and a voxel size of %d entries, %s: one an axis of the world is wanted; give it, or pick = { t = 1 }: %s",
      table.concat(letters, ""), #sizes, list(sizes), said.way_out)
  end
  placed.voxel_size = chosen_numbers(sizes, entries)
  placed.roi, message = find_roi(stored, said, placed, letters)
  if not placed.roi then return nil, message end
  placed.shape = {}
  for i, axis in ipairs(placed.order) do placed.shape[i] = placed.chosen[axis] and #placed.chosen[axis] or stored.shape[axis] end
  return placed
end

-- ------------------------------------------------------------------------------------------------ reading

--- The box of the dataset (begin and shape over its own axes, voxels from 0) that holds a ROI.
---@param placed moondust.Placed
---@param stored_shape integer[]
---@param roi moondust.Roi
---@return integer[] begin
---@return integer[] shape
function M.box(placed, stored_shape, roi)
  local begin, shape = {}, {}
  for axis = 1, #stored_shape do begin[axis], shape[axis] = placed.fixed[axis] or 0, placed.fixed[axis] and 1 or stored_shape[axis] end
  for axis, indices in pairs(placed.chosen) do
    local first, last = math.min(table.unpack(indices)), math.max(table.unpack(indices))
    begin[axis], shape[axis] = first, last - first + 1
  end
  local offset, length = (roi.offset - placed.roi.offset) // placed.voxel_size, roi.shape // placed.voxel_size
  for d, axis in ipairs(placed.world) do begin[axis], shape[axis] = offset[d], length[d] end
  return begin, shape
end

local function is_run(indices)
  for i = 2, #indices do if indices[i] ~= indices[i - 1] + 1 then return false end end
  return true
end

-- The indices along an axis, in their order.
local function take(data, axis, indices)
  local first, shape = math.min(table.unpack(indices)), data.shape
  shape[axis] = #indices
  local out, from, to = core.empty(shape, data.dtype), {}, {}
  for a = 1, data.ndim do from[a], to[a] = {}, {} end
  for i, index in ipairs(indices) do
    from[axis], to[axis] = { index - first + 1, index - first + 1 }, { i, i }
    out[to] = data[from]
  end
  return out
end

--- What was read of the box as it is served: picked, channels first, world axes in their order.
---@param placed moondust.Placed
---@param data moondust.ndarray
---@return moondust.ndarray
function M.serve(placed, data)
  for axis, indices in pairs(placed.chosen) do if not is_run(indices) then data = take(data, axis, indices) end end
  local kept, place, order, moved = {}, {}, {}, false
  local shape = {}
  for axis = 1, data.ndim do
    if not placed.fixed[axis] then
      kept[#kept + 1] = axis
      place[axis], shape[#shape + 1] = #kept, data.shape[axis]
    end
  end
  if #kept < data.ndim then data = data:reshape(shape) end
  for i, axis in ipairs(placed.order) do
    order[i] = place[axis]
    moved = moved or order[i] ~= i
  end
  return moved and data:transpose(table.unpack(order)) or data
end

return M
