--- One table of what core.kernel has: how each function is called, for the specs that call them all (shapes, instruction sets, threads, closing, fuzzing).
---
--- A case takes arrays of any shape, so that a battery can choose them:
---
---     make     from a shape, a dtype and a seed: the arguments that are objects, by name, in C order
---     array    the name of that which has the shape and the dtype
---     call     those -> results
---     brief    the same with less, for specs that call it some hundred times
---     dtypes, least, most, fits(shape, dtype)   what it takes: dtypes, numbers of axes, and what else there is to say; all else is refused
---     picture  the shape is that of a picture (height, width), whose array has a third axis
---     sums     results depend on the order of a sum, and so, in the last digits, on where elements lie
---     no_array nothing of it has a shape
local core = require "moondust.core"
local kernel = core.kernel

local M = {}

M.integers = { "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64" }
M.floats = { "float32", "float64" }
M.dtypes = { table.unpack(M.integers) }
table.move(M.floats, 1, #M.floats, #M.dtypes + 1, M.dtypes)

--- Normal numbers around 0.5 (of integers: around 50).
---@param shape integer[]
---@param dtype string?
---@param seed integer?
---@return moondust.ndarray
function M.grey(shape, dtype, seed)
  local float = not dtype or dtype:find "float"
  return core.Rng(seed or 5):np_normals(float and 0.5 or 50, float and 0.2 or 20, shape):astype(dtype or "float32")
end

--- Labels from 0 to 3 or so, in patches of a few voxels where the array is large enough.
---@param shape integer[]
---@param dtype string?
---@param seed integer?
---@return moondust.ndarray
function M.labels(shape, dtype, seed)
  local small, scale, shift = {}, {}, {}
  for d, n in ipairs(shape) do small[d], scale[d], shift[d] = (n + 1) // 2, 0.5, 0 end
  local ids = kernel.scale_shift(core.Rng(seed or 6):np_normals(1.2, 1.3, #small > 0 and small or {}), 1, 0, "uint8", 0, 3)
  local empty = #shape == 0
  for _, n in ipairs(shape) do empty = empty or n == 0 end
  if not empty then ids = kernel.resize(ids, shape, scale, shift, "nearest") end
  return (empty and core.zeros(shape, "uint8") or ids):astype(dtype or "uint32")
end

--- n times a value, or what a function of 1 to n gives.
local function filled(n, value)
  local list = {}
  for d = 1, n do list[d] = type(value) == "function" and value(d) or value end
  return list
end

local function one(name, of, more)
  return function(shape, dtype, seed)
    local arrays = { [name] = of(shape, dtype, seed) }
    if more then more(arrays, shape, seed) end
    return arrays
  end
end

local grey, labels = M.grey, M.labels
local function on_grey(call, options) return { "a", grey, call, options } end
local function on_labels(call, options) return { "labels", labels, call, options } end

local function size_of(shape)
  local size = 1
  for _, n in ipairs(shape) do size = size * n end
  return size
end
local function has_elements(shape) return size_of(shape) > 0 end

local function graph()
  local nodes = {}
  for i = 1, 9 do nodes[i] = { i, { i, 2 * i, 3 }, { weight = i / 2 } } end
  return core.Graph { nodes, { { 1, 2 }, { 2, 3 }, { 5, 6 } }, core.GraphSpec { roi = core.Roi({ 0, 0, 0 }, { 30, 30, 30 }) } }
end
M.graph = graph

local function mask_of(arrays, shape, seed) arrays.mask = labels(shape, "uint8", (seed or 6) + 1):gt(0) end
local function picture(shape, dtype, seed) return grey({ shape[1], shape[2], 3 }, dtype or "uint8", seed) end

--- Without one case for each function a spec says so.
local cases = {
  pad = on_grey(function(t)
    local n = t.a.ndim
    return kernel.pad(t.a, filled(n, 1), filled(n, function(d) return d end), "reflect"), kernel.pad(t.a, filled(n, 0), filled(n, 2), "constant", 3)
  end, { fits = has_elements }),
  scale_shift = on_grey(function(t) return kernel.scale_shift(t.a, 1.7, -0.3), kernel.scale_shift(t.a, 2, 1, "float64"), kernel.scale_shift(t.a, 1.7, -0.3, "uint8", 0, 90) end),
  scale_later = on_grey(function(t) return kernel.scale_later(t.a, 1 / 255), kernel.scale_later(t.a, 3, "float64") end),
  gamma = on_grey(function(t) return kernel.gamma(t.a, 1.5), kernel.gamma(t.a, 0.7) end, { dtypes = M.floats }),
  intensity = on_grey(function(t)
    local n = t.a.ndim
    local slabs, whole = filled(n, function(d) return d == 1 and 2 or -1 end), filled(n, -1)
    local thin = filled(n, function(d) return d == n and 1 or -1 end) -- one voxel along the last axis
    local results = {}
    for i, slab in ipairs { slabs, whole, thin } do
      local count = kernel.slab_count(t.a, slab)
      results[i] = kernel.intensity(t.a, slab, filled(count, function(s) return 1 + s / 10 end), filled(count, function(s) return s / 50 end), i == 1)
    end
    return table.unpack(results)
  end, { dtypes = M.floats, sums = true }),
  slab_count = on_grey(function(t)
    local n = t.a.ndim
    return kernel.slab_count(t.a, filled(n, 2)), kernel.slab_count(t.a, filled(n, -1))
  end, {}),
  max_channels = on_grey(function(t)
    return kernel.max_channels(t.a, t.a.ndim - 1), kernel.max_channels(t.a, t.a.ndim), kernel.max_channels(t.a, 1)
  end, { least = 1, fits = function(shape) return size_of({ table.unpack(shape, 1, math.max(#shape - 1, 1)) }) > 0 end }),
  quantiles = on_grey(function(t)
    local values, found = kernel.quantiles(t.a, { 0, 0.1, 0.5, 1 })
    return values, { found.count, found.nan, found.infinite, found.low, found.high }
  end, {}),
  map_colors = on_grey(function(t) return kernel.map_colors(t.a, 0.1, 80, { { 0, 0, 0 }, { 255, 0, 9 }, { 255, 255, 255 } }, { 0, 0, 255 }) end, { most = 7 }),
  noise = {
    "a", grey, function(t)
      return kernel.noise(t.a, "gaussian", 5, { local_vars = t.vars }), kernel.noise(t.a, "speckle", 6), kernel.noise(t.a, "s&p", 7),
        kernel.noise(kernel.scale_shift(t.a, 1, 0, nil, 0, 1), "poisson", 8, { clip_low = 0, clip_high = 1 })
    end, { dtypes = M.floats, more = function(t, shape) t.vars = kernel.scale_shift(grey(shape, "float64", 8), 1, 0, nil, 0.01, 1) end },
  },
  fold = on_grey(function(t)
    local shape = t.a.shape
    local rows, columns = shape[#shape - 1], shape[#shape]
    return kernel.fold(t.a, { 0, columns // 2 }, { rows - 1, columns // 2 }, "rows", 1, 0, true),
      kernel.fold(t.a, { rows // 2, 0 }, { rows // 2, columns - 1 }, "columns", 1, 1, false)
  end, { least = 2, fits = function(shape) return shape[#shape] >= 2 and shape[#shape - 1] >= 2 end }),
  resize = on_grey(function(t)
    local n, shape = t.a.ndim, t.a.shape
    local double, same = filled(n, function(d) return 2 * shape[d] end), filled(n, 0)
    return kernel.resize(t.a, double, filled(n, 0.5), filled(n, -0.25), "nearest"), kernel.resize(t.a, double, filled(n, 0.5), filled(n, -0.25), "linear"),
      kernel.resize(t.a, shape, filled(n, 1), same, "mean"), kernel.resize(t.a, { double[n] }, { 0.5 }, { 0 }, "linear"),
      kernel.resize(t.a, filled(n, function(d) return (shape[d] + 1) // 2 end), filled(n, 2), same, "linear")
  end, { least = 1 }),

  affinities = on_labels(function(t)
    local n = t.labels.ndim
    local last, slanted = filled(n, function(d) return d == n and 1 or 0 end), filled(n, function(d) return d % 2 == 0 and -d or 1 end)
    return kernel.affinities(t.labels, { last, slanted, filled(n, 0) }), kernel.affinities(t.labels, { last }, true)
  end, { dtypes = M.integers, least = 1, most = 4 }),
  one_hot = on_labels(function(t) return kernel.one_hot(t.labels, 3), kernel.one_hot(t.labels, 300) end, { dtypes = M.integers, most = 7 }),
  boundary_distance = on_labels(function(t)
    local n = math.min(t.labels.ndim, 4)
    local size = filled(n, function(d) return 5 - d end)
    return kernel.boundary_distance(t.labels, size, 10), kernel.boundary_distance(t.labels, size), kernel.boundary_distance(t.labels, { 2 })
  end, { dtypes = M.integers, least = 1, most = 4 }),
  distance_mask = {
    "target", function(shape, dtype, seed) return kernel.scale_shift(grey(shape, "float64", seed), 1, 0, dtype, -0.99, 0.99) end, function(t)
      local n = math.min(t.target.ndim, 3)
      return kernel.distance_mask(t.target, t.mask, filled(n, function(d) return 5 - d end), 10, 0.1, 0.8)
    end, { dtypes = M.floats, least = 1, most = 4, more = mask_of },
  },
  balance_weights = {
    "labels", labels, function(t)
      local n = t.labels.ndim
      local whole, results = filled(n, -1), {}
      local function add(...)
        local weights, counts = kernel.balance_weights(...)
        results[#results + 1], results[#results + 2] = weights, counts
      end
      for _, masks in ipairs { {}, { t.mask }, { t.mask, t.soft } } do
        for d = 1, n do
          for _, width in ipairs { 1, 3 } do add(t.labels, 4, masks, filled(n, function(e) return e == d and width or -1 end)) end
        end
        if t.labels.size < 300 then add(t.labels, 9, masks, filled(n, 1)) end
        add(t.labels, 300, masks, whole)
        add(t.labels, "positive", masks, filled(n, function(d) return d == n and 1 or -1 end))
      end
      add(t.labels, 4, {}, whole, false, false, { { 1, 2, 3, 4, 5, 6, 7, 8 } })
      return table.unpack(results)
    end, {
      brief = function(t) return kernel.balance_weights(t.labels, 4, { t.mask, t.soft }, filled(t.labels.ndim, -1)) end,
      dtypes = M.integers, more = function(t, shape, seed)
        mask_of(t, shape, seed)
        t.soft = grey(shape, "float32", 9)
      end,
    },
  },
  grow_boundary = on_labels(function(t) return kernel.grow_boundary(t.labels, 1), kernel.grow_boundary(t.labels, 3), kernel.grow_boundary(t.labels, math.maxinteger) end,
    { dtypes = M.integers, least = 1 }),
  erode_labels = {
    "labels", labels, function(t)
      return kernel.erode_labels(t.labels, 1, t.mask), kernel.erode_labels(t.labels, 2, nil, 7, 1), kernel.erode_labels(t.labels, 40, t.mask, 1),
        kernel.erode_labels(t.labels, math.maxinteger, t.mask)
    end, { dtypes = M.integers, least = 1, more = mask_of },
  },
  local_shape = on_labels(function(t)
    local n = t.labels.ndim
    return kernel.local_shape(t.labels, filled(n, 1), filled(n, function(d) return 1 + d / 2 end))
  end, { dtypes = M.integers, least = 2, most = 3 }),
  grow_balls = on_labels(function(t)
    local n = t.labels.ndim
    return kernel.grow_balls(t.labels, filled(n, function(d) return d end), filled(n, 2.5)), kernel.grow_balls(t.labels, filled(n, 1), filled(n, 3), 0.5)
  end, { least = 1 }),
  grow_peaks = on_labels(function(t)
    local n = t.labels.ndim
    return kernel.grow_peaks(t.labels, filled(n, function(d) return d end), filled(n, 2.5)), kernel.grow_peaks(t.labels, filled(n, 1), filled(n, 1), "float64")
  end, { least = 1 }),
  components = on_labels(function(t)
    local all, count = kernel.components(t.labels)
    local planes, many = kernel.components(t.labels, 1)
    return all, count, planes, many
  end, { dtypes = M.integers, least = 1, fits = function(shape, dtype) return dtype:sub(-2) ~= "t8" or size_of(shape) < 100 or nil end }),
  exclude_labels = on_labels(function(t)
    local a, b = kernel.exclude_labels(t.labels, { 1, 3 })
    local c, d = kernel.exclude_labels(t.labels, { 0 }, 9)
    return a, b, c, d
  end, { dtypes = M.integers }),
  within = on_labels(function(t)
    local n = t.labels.ndim
    return kernel.within(t.labels, filled(math.min(n, 4), function(d) return 5 - d end), 6), kernel.within(t.labels, { 1 }, 1)
  end, { least = 1, most = 4 }),
  binarize = on_labels(function(t) return kernel.binarize(t.labels, { { 1, 2 }, { 3 }, {} }), kernel.binarize(t.labels, { { 0, 1 } }, 2) end, { dtypes = M.integers, most = 7 }),
  colorize = on_labels(function(t) return kernel.colorize(t.labels) end, { most = 7 }),
  integral = on_labels(function(t)
    local integral <close> = kernel.integral(t.labels)
    local n, shape = t.labels.ndim, t.labels.shape
    return integral:count(filled(n, 0), shape), integral:count(filled(n, 1), filled(n, 2)), integral:count(filled(n, -3), filled(n, 5))
  end, { least = 1 }),
  integral_in_pieces = on_labels(function(t)
    local n, shape = t.labels.ndim, t.labels.shape
    local integral <close> = kernel.integral_in_pieces(shape)
    local step = n == 1 and math.max(shape[1], 1) or 2
    for first = 1, shape[1], step do
      local piece <close> = t.labels:slice(1, first, math.min(first + step - 1, shape[1]))
      integral:put(piece, first - 1)
    end
    integral:finish()
    return integral:count(filled(n, 0), shape), integral:count(filled(n, 1), filled(n, 2))
  end, { least = 1 }),

  blend = {
    "under", picture, function(t) return kernel.blend(t.under, t.over, t.where, 0.3), kernel.blend(t.under, t.over) end,
    { dtypes = { "uint8" }, least = 2, most = 2, picture = true, more = function(t, shape) t.over, t.where = picture(shape, nil, 8), labels({ shape[1], shape[2] }, "int16") end },
  },
  reduce_colors = {
    "image", picture, function(t) return kernel.reduce_colors(t.image, 16), select(2, kernel.reduce_colors(t.image)) end,
    { dtypes = { "uint8" }, least = 2, most = 2, picture = true, fits = has_elements },
  },
  draw_strokes = {
    "canvas", picture, function(t) return kernel.draw_strokes(t.canvas:view(), { 1, 1, 6, 4, 1.5, -9, 2, 3, 99, 0.5 }, { 1, 2, 250 }):copy() end,
    { dtypes = { "uint8" }, least = 2, most = 2, picture = true },
  },
  draw_text = {
    "canvas", picture, function(t) return kernel.draw_text(t.canvas:view(), t.glyphs, "a b", -1, 1, 4, { 1, 2, 250 }):copy() end,
    { dtypes = { "uint8" }, least = 2, most = 2, picture = true, more = function(t) t.glyphs = grey({ 100, 5, 4 }, "uint8", 10) end },
  },
  draw_graph = {
    "graph", function() return graph() end, function(t)
      local roi = core.Roi({ 0, 0, 0 }, { 10, 20, 10 })
      return kernel.draw_graph(t.graph, roi, { 1, 1, 1 }, "uint64"), kernel.draw_graph(t.graph, roi, { 1, 2, 5 }, "float32", false, "weight")
    end, { no_array = true },
  },
  synthesize = {
    nil, nil, function()
      local made = kernel.synthesize { shape = { 6, 40, 30 }, voxel_size = { 40, 16, 16 }, seed = 3 }
      return made.raw, made.neuron_ids, made.organelles, made.locations, made.ids, made.types, made.partners
    end, { no_array = true },
  },
}

M.cases = {}
for name, entry in pairs(cases) do
  local options = entry[4] or {}
  M.cases[name] = {
    name = name, array = entry[1], make = entry[1] and one(entry[1], entry[2], options.more) or function() return {} end, call = entry[3],
    dtypes = options.dtypes or M.dtypes, takes = {}, least = options.least or 0, most = options.most or 4, fits = options.fits, no_array = options.no_array,
    brief = options.brief or entry[3], sums = options.sums, picture = options.picture,
  }
end

for _, case in pairs(M.cases) do
  for _, dtype in ipairs(case.dtypes) do case.takes[dtype] = true end
end

--- Whether a case takes arrays of this shape and dtype; nil where it depends on the values.
---@param case table
---@param shape integer[]
---@param dtype string
---@return boolean?
function M.takes(case, shape, dtype)
  if not case.takes[dtype] or #shape < case.least or #shape > case.most then return false end
  if case.fits then return case.fits(shape, dtype) end
  return true
end

--- The names in order.
M.names = {}
for name in pairs(M.cases) do M.names[#M.names + 1] = name end
table.sort(M.names)

local describe

local function describe_table(value)
  local parts = {}
  for k, v in pairs(value) do parts[#parts + 1] = tostring(k) .. "=" .. describe(v) end
  table.sort(parts)
  return "{" .. table.concat(parts, ",") .. "}"
end

--- The same text for equal values: of an array its dtype, shape and hash.
---@param value any
---@return string
function describe(value)
  if type(value) == "table" then return describe_table(value) end
  local kind = type(value) == "userdata" and getmetatable(value).__name
  if kind == "moondust.ndarray" then return value.dtype .. table.concat(value.shape, "x") .. ":" .. value:hash() end
  if kind == "moondust.Graph" then
    local locations, ids, ends = value:arrays()
    return describe(locations) .. describe(ids) .. describe(ends) .. tostring(value.spec)
  end
  if kind == "moondust.Transform" then return describe(value:map { 3, 4, 5 }) end
  if math.type(value) == "float" then return ("%a"):format(value) end
  return tostring(value)
end
M.describe = describe

--- What a call returns as one text.
function M.describe_all(...)
  local parts = table.pack(...)
  for i = 1, parts.n do parts[i] = describe(parts[i]) end
  return table.concat(parts, " ")
end

return M
