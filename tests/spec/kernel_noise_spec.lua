-- The bindings of kernels on noise, folds, components and erosion: what they refuse, and what nodes don't show.
local core = require "moondust.core"
local errors = require "spec.support.errors"
local kernel = core.kernel

local function refused(message, f, ...) assert.equal(message, errors.bare(f, ...)) end

describe("kernel.noise", function()
  local grey = core.zeros({ 4, 5 }, "float32"):fill(0.5)

  it("leaves its input and other views alone", function()
    local view = grey[{ {}, { 2, 4 } }]
    assert.equal("4x3", table.concat(kernel.noise(view, "gaussian", 1).shape, "x"))
    assert.equal(20, grey:count(0.5))
  end)

  it("refuses what makes no sense", function()
    refused("mode has no choice 'salt'; there are gaussian, speckle, s&p and poisson", kernel.noise, grey, "salt", 1)
    refused("noise has no field 'amout'; did you mean 'amount'?", kernel.noise, grey, "s&p", 1, { amout = 0.1 })
    refused("amount is 1.5, it must be from 0 to 1", kernel.noise, grey, "s&p", 1, { amount = 1.5 })
    refused("clipping to [1, 0] leaves nothing: the lower end is above the upper one", kernel.noise, grey, "s&p", 1, { clip_low = 1, clip_high = 0 })
    refused("noise needs a float32 or float64 array, not uint8: normalize it before", kernel.noise, core.zeros({ 2 }, "uint8"), "s&p", 1)
    refused("poisson noise counts from 0 up, but the array's smallest value is -1", kernel.noise, core.ndarray { -1 }, "poisson", 1)
    refused("expected an ndarray, got table", kernel.noise, grey, "gaussian", 1, { local_vars = { 1 } })
    local closed = core.zeros({ 2 }, "float32")
    closed:close()
    refused("this array was closed", kernel.noise, closed, "gaussian", 1)
  end)
end)

describe("kernel.fold", function()
  it("refuses what makes no sense", function()
    local section = core.zeros({ 10, 12 }, "float32")
    refused("along has no choice 'diagonal'; there are rows and columns", kernel.fold, section, { 0, 1 }, { 9, 1 }, "diagonal", 1, 1, true)
    refused("from has 3 entries, the array has 2 axes", kernel.fold, section, { 0, 1, 2 }, { 9, 1 }, "rows", 1, 1, true)
    refused("a fold's line must run from border to border of the section, 10x12, not from {0, 1} to {9, 12}", kernel.fold, section, { 0, 1 }, { 9, 12 }, "rows", 1, 1, true)
    refused("the strength and the width of a fold must not be negative", kernel.fold, section, { 0, 1 }, { 9, 1 }, "rows", -1, 1, true)
    refused("a fold runs across 2 axes, the section has 1", kernel.fold, core.zeros({ 4 }), { 0, 1 }, { 9, 1 }, "rows", 1, 1, true)
  end)

  it("nearest keeps values, a fold of columns mirrors one of rows", function()
    local data = kernel.noise(core.zeros({ 30, 30 }, "float32"):fill(0.5), "gaussian", 3)
    local rows = kernel.fold(data, { 0, 11 }, { 29, 17 }, "rows", 4, 2, true)
    local columns = kernel.fold(data:transpose(2, 1), { 11, 0 }, { 17, 29 }, "columns", 4, 2, true)
    assert.near(0, (columns:transpose(2, 1) - rows):std(), 1e-6)
    local nearest, known = kernel.fold(data, { 0, 11 }, { 29, 17 }, "rows", 4, 2, false), { [0] = true }
    for _, row in ipairs(data:totable()) do for _, value in ipairs(row) do known[value] = true end end
    for _, row in ipairs(nearest:totable()) do for _, value in ipairs(row) do assert.is_true(known[value]) end end
  end)
end)

describe("kernels on labels", function()
  local labels = core.ndarray({ { 1, 1, 2 }, { 0, 2, 2 } }, "uint8")

  it("count components", function()
    local _, count = kernel.components(labels)
    assert.equal(2, count)
    assert.equal(4, select(2, kernel.components(core.ndarray({ { 3, 0, 3 }, { 3, 0, 3 } }, "int8"), 1)))
  end)

  it("grow_boundary is erode_labels where all is known", function()
    assert.is_true(kernel.grow_boundary(labels, 1):equal(kernel.erode_labels(labels, 1)))
    assert.is_true(kernel.erode_labels(labels, 1):equal(kernel.erode_labels(labels, 1, labels:ge(0))))
  end)

  it("within: Euclidean, to the voxel", function()
    local mask = core.zeros({ 9, 9 }, "uint8"):fill(1)
    mask[{ 5, 5 }] = 0
    local near = kernel.within(mask, { 3, 4 }, 5)
    for y = 1, 9 do
      for x = 1, 9 do assert.equal((3 * (y - 5)) ^ 2 + (4 * (x - 5)) ^ 2 <= 25 and 1 or 0, near[{ y, x }]) end
    end
  end)

  it("refuse what makes no sense", function()
    refused("spatial is 3, the array has 2 axes", kernel.components, labels, 3)
    refused("axes is 0, the array has 2 axes", kernel.erode_labels, labels, 1, nil, 0, 0)
    refused("the labels are 2x3, the mask is 2x2: they must have one shape", kernel.erode_labels, labels, 1, core.zeros({ 2, 2 }, "uint8"))
    refused("voxel_size has 3 entries, the mask has 2 axes", kernel.within, labels, { 1, 1, 1 }, 1)
    refused("distance is -1, it must be finite and not negative", kernel.within, labels, { 1, 1 }, -1)
    refused("labels must have an integer dtype, not float32: use :astype", kernel.exclude_labels, labels:astype "float32", { 1 })
  end)
end)
