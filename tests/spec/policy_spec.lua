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

  it("counts real nodes inside of the ROI, not ends of cut edges", function()
    local cut = { md.Node { 1, { 4 }, temporary = true }, md.Node { 2, { 12 } } }
    assert.is_true(policy.empty(P)(batch({ 1 }, cut)))
    assert.is_true(policy.fewer_nodes_than(P, 1)(batch({ 1 }, cut)))
    cut[3] = md.Node { 3, { 5 } }
    assert.is_false(policy.empty(P)(batch({ 1 }, cut)))
    assert.is_false(policy.fewer_nodes_than(P, 1)(batch({ 1 }, cut)))
    assert.is_false(policy.fewer_nodes_than(P, 0)(batch({ 1 }, {})))
    local nowhere = batch { 1 }
    nowhere[P] = md.Graph { { md.Node { 1, { 400 } } }, {} }
    assert.is_false(policy.empty(P)(nowhere))
  end)

  it("looks at nonspatial arrays, and at empty ones", function()
    local new = md.Batch {}
    new[A] = md.Array { md.ndarray({ 0, 1, 2 }, "int64"), md.ArraySpec { nonspatial = true } }
    assert.is_false(policy.empty(A)(new))
    assert.is_true(policy.masked_below(A, 0.7)(new))
    assert.is_false(policy.mean_below(A, 1)(new))
    assert.is_true(policy.fewer_labels_than(A, 3)(new))
    new[A] = md.Array { md.zeros({ 0 }, "int64"), md.ArraySpec { nonspatial = true } }
    for _, rejects in ipairs { policy.empty(A), policy.masked_below(A, 0), policy.mean_below(A, -1), policy.fewer_labels_than(A, 1) } do assert.is_true(rejects(new)) end
  end)

  it("says what it can't look at", function()
    local function message(rejects) return errors.bare(function() rejects(batch { 1 }) end) end
    assert.equal("md.policy.mean_below looks at arrays, P is a graph; md.policy.fewer_nodes_than counts its nodes", message(policy.mean_below(P, 1)))
    assert.equal("md.policy.masked_below looks at arrays, P is a graph; md.policy.fewer_nodes_than counts its nodes", message(policy.masked_below(P, 1)))
    assert.equal("md.policy.fewer_labels_than looks at arrays, P is a graph; md.policy.fewer_nodes_than counts its nodes", message(policy.fewer_labels_than(P, 1)))
    assert.equal("md.policy.fewer_nodes_than looks at graphs, A is an array; md.policy.fewer_labels_than counts its labels", message(policy.fewer_nodes_than(A, 1)))
    for _, name in ipairs { "empty", "masked_below", "mean_below", "fewer_labels_than", "fewer_nodes_than" } do
      local function raised(...)
        local arguments = { ... }
        local ok, why = pcall(function()
          local made = policy[name](table.unpack(arguments))
          return made
        end)
        assert.is_false(ok)
        return why
      end
      assert.matches("^[^:]*policy_spec%.lua:%d+: md%.policy%." .. name .. " looks at an ArrayKey or GraphKey, not \"A\"$", raised("A", 1))
      if name ~= "empty" then assert.matches("policy_spec%.lua:%d+: md%.policy%." .. name .. ": '%w+' must be a number, not nil$", raised(A)) end
    end
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
