--- Some kernels as plain loops over nested tables: what spec/kernel_shapes_spec compares with.
---
--- make(shape, dtype, seed) -> arguments by name; call(arguments) -> an array or plain values; plain(arguments, shape) -> the elements in C order, or those values.
local core = require "moondust.core"
local kernels = require "spec.support.kernels"
local kernel = core.kernel

local M = {}

--- Elements in C order, and a function that gives the one at a place (nil outside).
local function elements(array)
  local shape, list = array.shape, array:copy():reshape({ array.size }):totable()
  local function at(place)
    local i = 0
    for d, n in ipairs(shape) do
      if place[d] < 1 or place[d] > n then return nil end
      i = i * n + place[d] - 1
    end
    return list[i + 1]
  end
  return list, at
end

--- Calls visit(place, i) for all places in C order.
local function each(shape, visit)
  local place, i = {}, 0
  local function level(d)
    if d > #shape then
      i = i + 1
      return visit(place, i)
    end
    for k = 1, shape[d] do
      place[d] = k
      level(d + 1)
    end
  end
  level(1)
end

local function moved(place, offset)
  local to = {}
  for d = 1, #place do to[d] = place[d] + offset[d] end
  return to
end

local function along(n, axis, step)
  local offset = {}
  for d = 1, n do offset[d] = d == axis and step or 0 end
  return offset
end

local function labelled(shape, dtype, seed) return { labels = kernels.labels(shape, dtype, seed) } end
local function masked(shape, dtype, seed) return { labels = kernels.labels(shape, dtype, seed), mask = kernels.labels(shape, "uint8", seed + 100):gt(0) } end

M.affinities = {
  dtypes = kernels.integers, make = labelled, most = 4,
  call = function(t)
    local n = t.labels.ndim
    return kernel.affinities(t.labels, { along(n, n, 1), along(n, 1, -2) })
  end,
  plain = function(t, shape)
    local _, at = elements(t.labels)
    local out = {}
    for _, offset in ipairs { along(#shape, #shape, 1), along(#shape, 1, -2) } do
      each(shape, function(place) out[#out + 1] = at(place) ~= 0 and at(place) == at(moved(place, offset)) and 1 or 0 end)
    end
    return out
  end,
}

M.one_hot = {
  dtypes = kernels.integers, make = labelled, call = function(t) return kernel.one_hot(t.labels, 3) end,
  plain = function(t)
    local list, out = elements(t.labels), {}
    for class = 0, 2 do
      for _, id in ipairs(list) do out[#out + 1] = id == class and 1 or 0 end
    end
    return out
  end,
}

M.max_channels = {
  dtypes = kernels.dtypes, least = 2, make = function(shape, dtype, seed) return { a = kernels.grey(shape, dtype, seed) } end,
  call = function(t) return kernel.max_channels(t.a, t.a.ndim - 1) end,
  plain = function(t, shape)
    local list, out = elements(t.a), {}
    local inner = #list // shape[1]
    for i, value in ipairs(list) do
      local k = (i - 1) % inner + 1
      out[k] = out[k] and math.max(out[k], value) or value
    end
    return out
  end,
}

M.exclude_labels = {
  dtypes = kernels.integers, make = labelled, call = function(t) return (kernel.exclude_labels(t.labels, { 1, 3 }, 9)) end,
  plain = function(t)
    local out = elements(t.labels)
    for i, id in ipairs(out) do out[i] = (id == 1 or id == 3) and 9 or id end
    return out
  end,
}

M.binarize = {
  dtypes = kernels.integers, make = labelled, call = function(t) return kernel.binarize(t.labels, { { 1, 3 }, {} }) end,
  plain = function(t)
    local list, out = elements(t.labels), {}
    for _, id in ipairs(list) do out[#out + 1] = (id == 1 or id == 3) and 1 or 0 end
    for _, id in ipairs(list) do out[#out + 1] = id ~= 0 and 1 or 0 end
    return out
  end,
}

M.intensity = {
  dtypes = { "float64" }, tolerance = 1e-9, make = function(shape, dtype, seed) return { a = kernels.grey(shape, dtype, seed) } end,
  call = function(t)
    local slab, scales, shifts = {}, {}, {}
    for d = 1, t.a.ndim do slab[d] = d == t.a.ndim and 1 or -1 end
    for s = 1, t.a.shape[t.a.ndim] do scales[s], shifts[s] = s, s / 10 end
    return kernel.intensity(t.a, slab, scales, shifts, false)
  end,
  plain = function(t, shape)
    local out, width, sum = elements(t.a), shape[#shape], {}
    for i, value in ipairs(out) do sum[(i - 1) % width + 1] = (sum[(i - 1) % width + 1] or 0) + value end
    for i, value in ipairs(out) do
      local s = (i - 1) % width + 1
      local mean = sum[s] / (#out / width)
      out[i] = mean + (value - mean) * s + s / 10
    end
    return out
  end,
}

M.balance_weights = {
  dtypes = kernels.integers, tolerance = 1e-6, make = masked,
  call = function(t)
    local slab = {}
    for d = 1, t.labels.ndim do slab[d] = d == t.labels.ndim and 1 or -1 end
    return (kernel.balance_weights(t.labels, 4, { t.mask }, slab))
  end,
  plain = function(t, shape)
    local ids, mask, width, out = elements(t.labels), elements(t.mask), shape[#shape], {}
    local count, all = {}, {}
    for i, id in ipairs(ids) do
      local s = (i - 1) % width
      if mask[i] ~= 0 then
        count[s * 4 + id] = (count[s * 4 + id] or 0) + 1
        all[s] = (all[s] or 0) + 1
      end
    end
    for i, id in ipairs(ids) do
      local s = (i - 1) % width
      local fraction = (count[s * 4 + id] or 0) / ((all[s] or 0) + 1)
      out[i] = mask[i] ~= 0 and 1 / 4 / math.min(math.max(fraction, 0.05), 0.95) or 0
    end
    return out
  end,
}

local function eroded(steps)
  return function(t, shape)
    local now = elements(t.labels)
    for _ = 1, steps do
      local before, out = now, {}
      local function at(place)
        local i = 0
        for d, n in ipairs(shape) do
          if place[d] < 1 or place[d] > n then return nil end
          i = i * n + place[d] - 1
        end
        return before[i + 1]
      end
      each(shape, function(place, i)
        out[i] = before[i]
        for d = 1, #shape do
          for step = -1, 1, 2 do
            local there = at(moved(place, along(#shape, d, step)))
            if there and there ~= before[i] then out[i] = 0 end
          end
        end
      end)
      now = out
    end
    return now
  end
end

M.grow_boundary = { dtypes = kernels.integers, make = labelled, call = function(t) return kernel.grow_boundary(t.labels, 1) end, plain = eroded(1) }
M.erode_labels = { dtypes = kernels.integers, make = labelled, call = function(t) return kernel.erode_labels(t.labels, 2) end, plain = eroded(2) }

M.within = {
  dtypes = kernels.dtypes, make = labelled,
  call = function(t)
    local size = {}
    for d = 1, t.labels.ndim do size[d] = d end
    return kernel.within(t.labels, size, 2.5)
  end,
  plain = function(t, shape)
    local list, out, zeros = elements(t.labels), {}, {}
    each(shape, function(place, i)
      if list[i] == 0 then zeros[#zeros + 1] = moved(place, along(#shape, 0, 0)) end
    end)
    each(shape, function(place, i)
      out[i] = 0
      for _, zero in ipairs(zeros) do
        local square = 0
        for d = 1, #shape do square = square + (d * (place[d] - zero[d])) ^ 2 end
        if square <= 2.5 ^ 2 then out[i] = 1 end
      end
    end)
    return out
  end,
}

M.components = {
  dtypes = kernels.integers, make = labelled, call = function(t) return select(2, kernel.components(t.labels)) end,
  plain = function(t, shape)
    local _, at = elements(t.labels)
    local seen, count = {}, 0
    local function fill(place)
      seen[table.concat(place, " ")] = true
      for d = 1, #shape do
        for step = -1, 1, 2 do
          local to = moved(place, along(#shape, d, step))
          if at(to) == at(place) and not seen[table.concat(to, " ")] then fill(to) end
        end
      end
    end
    each(shape, function(place)
      if at(place) ~= 0 and not seen[table.concat(place, " ")] then
        count = count + 1
        fill(moved(place, along(#shape, 0, 0)))
      end
    end)
    return count
  end,
}

M.integral = {
  dtypes = kernels.dtypes, make = labelled,
  call = function(t)
    local integral <close> = kernel.integral(t.labels)
    local from, shape = {}, {}
    for d = 1, t.labels.ndim do from[d], shape[d] = 1, 2 end
    return integral:count(from, shape)
  end,
  plain = function(t, shape)
    local list, count = elements(t.labels), 0
    each(shape, function(place, i)
      local inside = list[i] > 0
      for d = 1, #shape do inside = inside and place[d] >= 2 and place[d] <= 3 end
      if inside then count = count + 1 end
    end)
    return count
  end,
}

return M
