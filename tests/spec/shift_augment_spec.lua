-- ShiftAugment: everything moves together, and what it refuses. Draws are in golden_more1_spec.lua.
local md = require "moondust"
local core = require "moondust.core"
local battery = require "spec.support.battery"
local errors = require "spec.support.errors"

local RAW, LABELS, POINTS = battery.RAW, battery.LABELS, battery.POINTS
local FINE, COARSE, TABLE = md.ArrayKey "FINE", md.ArrayKey "COARSE", md.ArrayKey "TABLE"

battery.node("ShiftAugment", {
  node = function() return md.ShiftAugment { 0.3, 0.2, 4 } end, random = true,
  request = function(seed) return battery.request(seed, RAW, LABELS, POINTS) end,
})

-- A position, x * 100 + y, at two voxel sizes: where it came from can be read off.
local function position(n, voxel, channels)
  local planes = {}
  for z = 1, n do
    planes[z] = {}
    for y = 1, n do
      planes[z][y] = {}
      for x = 1, n do planes[z][y][x] = ((x - 0.5) * voxel * 1000 + (y - 0.5) * voxel) end
    end
  end
  local data = core.ndarray(planes, "float32")
  if channels then data = core.stack { data, data + 1 } end
  return md.Array { data, md.ArraySpec { roi = md.Roi({ 0, 0, 0 }, { n * voxel, n * voxel, n * voxel }), voxel_size = { voxel, voxel, voxel } } }
end

local function shifted(seed, roi)
  local sources = { md.ArraySource { FINE, position(60, 2, true) }, md.ArraySource { COARSE, position(30, 4) },
    md.ArraySource { TABLE, md.Array { core.ndarray({ 1, 2, 3 }, "int64") } } }
  local p <close> = (sources + md.MergeProvider {} + md.ShiftAugment { 0.5, 0.1, 6 }):build()
  local request = md.BatchRequest { random_seed = seed }
  request[FINE], request[COARSE] = roi, md.Roi({ 40, 48, 48 }, { 40, 24, 24 })
  request[TABLE] = md.ArraySpec { nonspatial = true }
  return p:request_batch(request)
end

-- Shift in x of each voxel plane of one channel.
local function shifts_of(data, begin, voxel)
  local found = {}
  for z = 1, data.shape[1] do found[z] = begin + voxel / 2 - math.floor(data[{ z, 1, 1 }] / 1000 + 0.001) end
  return found
end

describe("ShiftAugment", function()
  it("moves all voxel sizes together", function()
    local moved = 0
    for seed = 1, 6 do
      local batch = shifted(seed, md.Roi({ 40, 48, 48 }, { 40, 24, 24 }))
      local fine, coarse = shifts_of(batch[FINE].data[{ 1 }], 48, 2), shifts_of(batch[COARSE].data, 48, 4)
      for z, shift in ipairs(coarse) do
        assert.near(shift, fine[2 * z], 1e-3)
        assert.near(shift, fine[2 * z - 1], 1e-3)
        assert.equal(0, shift % 4)
        if shift ~= 0 then moved = moved + 1 end
      end
    end
    assert.is_true(moved > 10)
  end)

  it("moves channels together", function()
    local data = shifted(3, md.Roi({ 40, 48, 48 }, { 40, 24, 24 }))[FINE].data
    assert.is_true((data[{ 1 }] + 1):equal(data[{ 2 }]))
  end)

  it("takes requests off the common grid, and nonspatial arrays", function()
    local batch = shifted(3, md.Roi({ 38, 46, 46 }, { 46, 30, 30 }))
    assert.equal("2x23x15x15", table.concat(batch[FINE].data.shape, "x"))
    assert.same({ 1, 2, 3 }, batch[TABLE].data:totable())
  end)

  it("moves graphs with arrays", function()
    local nodes, n = {}, 0
    for z = 0, 19 do
      for x = 0, 9 do
        n = n + 1
        nodes[n] = md.Node { n, { z * 40 + 20, 10, x * 12 + 6 } }
      end
    end
    local roi = md.Roi({ 0, 0, 0 }, { 800, 120, 120 })
    local sources = { md.GraphSource { POINTS, md.Graph { nodes, {}, md.GraphSpec { roi = roi, directed = false } } }, md.ArraySource { RAW, md.Array {
      core.zeros({ 20, 30, 30 }, "uint8"), md.ArraySpec { roi = roi, voxel_size = { 40, 4, 4 } } } } }
    local p <close> = (sources + md.MergeProvider {} + md.ShiftAugment { 0.5, 0, { 0, 0, 8 } }):build()
    local request = md.BatchRequest { random_seed = 2 }
    request[RAW], request[POINTS] = md.Roi({ 200, 0, 40 }, { 400, 40, 40 }), md.GraphSpec { roi = md.Roi({ 200, 0, 40 }, { 400, 40, 40 }) }
    local graph, by_section = p:request_batch(request)[POINTS], {}
    for node in graph:nodes() do
      local section = (node.location[1] - 20) // 40
      local x = ((node.id - 1) % 10) * 12 + 6
      by_section[section] = by_section[section] or node.location[3] - x
      assert.near(by_section[section], node.location[3] - x, 1e-4)
      assert.is_true(graph.spec.roi:contains(node.location))
    end
    local different = {}
    for _, shift in pairs(by_section) do different[shift] = true end
    assert.is_true(next(different, next(different)) ~= nil, "sections shift differently")
  end)

  it("a request for a graph alone uses the grid of what there is upstream", function()
    local request = md.BatchRequest { random_seed = 1 }
    request[POINTS] = md.GraphSpec { roi = md.Roi({ 280, 12, 36 }, { 400, 64, 72 }) }
    local p <close> = (battery.source() + md.ShiftAugment { 0.3, 0.2, 4 }):build()
    assert.equal(request[POINTS].roi, p:request_batch(request)[POINTS].spec.roi)
  end)

  it("refuses what makes no sense", function()
    local function refused(message, options) assert.equal(message, errors.bare(md.ShiftAugment, options)) end
    refused("ShiftAugment: 'sigma' is 0, nothing would ever shift", {})
    refused("ShiftAugment: 'prob_slip' and 'prob_shift' sum to 1.2, more than 1", { 0.6, 0.6, 3 })
    refused("ShiftAugment: 'sigma' must be 0 along shift_axis 1, it is 3", { 0.5, 0, { 3, 3, 0 } })
    refused("ShiftAugment: 'sigma' must not be negative, it is -3", { 0.5, 0, -3 })
    refused("ShiftAugment: 'shift_axis' is 0; spatial axes are counted from 1", { 0.5, 0, 3, 0 })
    local function built(options)
      local p <close> = (battery.source() + md.ShiftAugment(options)):build()
      return p
    end
    assert.equal("ShiftAugment: shift_axis is 4, there are 3 spatial axes", errors.message(built, { 0.5, 0, 3, 4 }))
    assert.equal("ShiftAugment: sigma has 2 entries, there are 3 spatial axes", errors.message(built, { 0.5, 0, { 0, 3 } }))
  end)
end)
