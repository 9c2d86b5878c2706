-- Predicates for RejectIf.
local md = require "moondust"
local errors = require "spec.support.errors"

local A, P = md.ArrayKey "A", md.GraphKey "P"
local policy = md.policy

local function batch(values, nodes)
  local new = md.Batch {}
  new[A] = md.Array { md.ndarray(values, "int32") }
  new[P] = md.Graph { nodes or {}, {}, md.GraphSpec { roi = md.Roi({ 0 }, { 10 }) } }
  return new
end

local yes, no = function() return true end, function() return false end

describe("md.policy", function()
  it("empty", function()
    assert.is_true(policy.empty(A)(batch { 0, 0, 0 }))
    assert.is_false(policy.empty(A)(batch { 0, -1, 1 }))
    assert.is_true(policy.empty(A, 3)(batch { 3, 3 }))
    assert.is_false(policy.empty(A, 3)(batch { 0, 3 }))
    assert.is_true(policy.empty(P)(batch { 1 }))
    assert.is_false(policy.empty(P)(batch({ 1 }, { md.Node { 1, { 2 } } })))
  end)

  it("masked_below", function()
    assert.is_false(policy.masked_below(A, 0.5)(batch { 0, 0, 1, 255 }))
    assert.is_true(policy.masked_below(A, 0.5)(batch { 0, 0, 0, 255 }))
    assert.is_false(policy.masked_below(A, 1)(batch { 1, 2 }))
  end)

  it("fewer_nodes_than counts inside of the ROI", function()
    local nodes = { md.Node { 1, { 2 } }, md.Node { 2, { 9 } }, md.Node { 3, { 11 } } }
    assert.is_true(policy.fewer_nodes_than(P, 3)(batch({ 1 }, nodes)))
    assert.is_false(policy.fewer_nodes_than(P, 2)(batch({ 1 }, nodes)))
  end)

  it("fewer_labels_than doesn't count 0", function()
    assert.is_true(policy.fewer_labels_than(A, 3)(batch { 0, 1, 2, 2 }))
    assert.is_false(policy.fewer_labels_than(A, 2)(batch { 0, 1, 2, 2 }))
    assert.is_false(policy.fewer_labels_than(A, 2)(batch { 1, 2 }))
  end)

  it("mean_below", function()
    assert.is_true(policy.mean_below(A, 2)(batch { 1, 2 }))
    assert.is_false(policy.mean_below(A, 1.5)(batch { 1, 2 }))
  end)

  it("composes", function()
    assert.is_true(policy.any(no, yes)())
    assert.is_false(policy.any(no, no)())
    assert.is_true(policy.all(yes, yes)())
    assert.is_false(policy.all(yes, no)())
    assert.is_true(policy.negate(no)())
    assert.is_false(policy.any()())
    assert.is_true(policy.all()())
    local seen
    local function look(...) seen = { ... } return false end
    policy.any(policy.all(policy.negate(look)), look)(1, 2, 3)
    assert.same({ 1, 2, 3 }, seen)
  end)

  it("refuses what is no predicate, and names what isn't there", function()
    assert.matches("md.policy.any takes functions of %(batch, request, attempt%), not a number", errors.message(policy.any, yes, 5))
    assert.matches("md.policy.negate takes functions", errors.message(policy.negate))
    assert.matches("B is not in the batch %(it has A, P%)", errors.message(policy.empty(md.ArrayKey "B"), batch { 1 }))
  end)
end)
