-- Provider specs and requests.
local md = require "moondust"
local core = require "moondust.core"
local errors = require "spec.support.errors"
local golden = require "spec.support.golden"
local ProviderSpec = require "moondust.provider_spec"

local A, B, C, P = md.ArrayKey "A", md.ArrayKey "B", md.ArrayKey "C", md.GraphKey "P"

local function names(list)
  local found = {}
  for i, key in ipairs(list) do found[i] = key.name end
  return table.concat(found, " ")
end

describe("a provider spec", function()
  it("remembers the order in which keys came, arrays before graphs", function()
    local spec = ProviderSpec {}
    spec[P] = md.GraphSpec {}
    spec[B] = md.ArraySpec {}
    spec[A] = md.ArraySpec {}
    assert.equal("B A P", names(spec:keys()))
    spec[B] = nil
    spec[B] = md.ArraySpec {}
    assert.equal("A B P", names(spec:keys()))
    spec[A] = md.ArraySpec { dtype = "uint8" } -- replaced where it stands
    assert.equal("A B P", names(spec:keys()))
    assert.equal(3, #spec)
    assert.equal("A, B, P", spec:names())
  end)

  it("takes a table's keys by name", function()
    assert.equal("A B C P", names(ProviderSpec({ [C] = md.ArraySpec {}, [P] = md.GraphSpec {}, [A] = md.ArraySpec {}, [B] = md.ArraySpec {} }):keys()))
  end)

  it("copies what is put in, and takes a Roi for a spec", function()
    local own = md.ArraySpec { dtype = "uint8" }
    local spec = ProviderSpec { [A] = own, [P] = md.Roi({ 0 }, { 4 }) }
    own.dtype = "int8"
    assert.equal("uint8", spec[A].dtype)
    assert.equal(md.Roi({ 0 }, { 4 }), spec[P].roi)
    local clone = spec:clone()
    clone[A].dtype = "float32"
    assert.equal("uint8", spec[A].dtype)
  end)

  it("may be changed while it is gone through", function()
    local spec = ProviderSpec { [A] = md.ArraySpec {}, [B] = md.ArraySpec { placeholder = true }, [C] = md.ArraySpec {} }
    spec:remove_placeholders()
    assert.equal("A C", names(spec:keys()))
  end)

  it("knows total and common ROI and the common grid", function()
    local spec = ProviderSpec {
      [A] = md.ArraySpec { roi = md.Roi({ 0, 0 }, { 10, 10 }), voxel_size = { 4, 6 } },
      [B] = md.ArraySpec { roi = md.Roi({ 5, 5 }, { 10, 10 }), voxel_size = { 6, 4 } },
      [C] = md.ArraySpec { nonspatial = true },
    }
    assert.equal(md.Roi({ 0, 0 }, { 15, 15 }), spec:get_total_roi())
    assert.equal(md.Roi({ 5, 5 }, { 5, 5 }), spec:get_common_roi())
    assert.equal(md.Coordinate { 12, 12 }, spec:get_lcm_voxel_size())
    assert.equal(md.Coordinate { 4, 6 }, spec:get_lcm_voxel_size { A })
    assert.is_nil(spec:get_lcm_voxel_size { C })
    assert.is_nil(ProviderSpec({}):get_total_roi())
  end)

  it("refuses what is no spec", function()
    assert.matches("request_spec.lua:%d+: A wants an ArraySpec or a Roi, not 5", errors.message(function() ProviderSpec({})[A] = 5 end))
    assert.matches("P wants a GraphSpec or a Roi, not a moondust.ArraySpec", errors.message(function() ProviderSpec({})[P] = md.ArraySpec {} end))
    assert.matches("is indexed by ArrayKeys and GraphKeys, not by 1", errors.message(function() ProviderSpec({})[1] = md.ArraySpec {} end))
  end)
end)

describe("BatchRequest", function()
  it("centres what is added by shape", function()
    local request = md.BatchRequest {}
    request:add(A, { 100, 100 }):add(B, { 40, 60 })
    assert.equal(md.Roi({ 0, 0 }, { 100, 100 }), request[A].roi)
    assert.equal(md.Roi({ 30, 20 }, { 40, 60 }), request[B].roi)
    request:add(C, { 200, 50 }, { voxel_size = { 10, 10 }, placeholder = true })
    local centre = request[C].roi.center
    assert.equal(centre, request[A].roi.center)
    assert.equal(centre, request[B].roi.center)
    assert.is_true(request[C].placeholder)
  end)

  it("moves what was added onto the voxel grid of what is offered, what was put by hand not", function()
    local offered = ProviderSpec { [A] = md.ArraySpec { voxel_size = { 8 } }, [B] = md.ArraySpec { voxel_size = { 8 } } }
    local request = md.BatchRequest {}
    request:add(A, { 80 }):add(B, { 24 })
    assert.equal(28, request[B].roi.offset[1])
    request:align_to(offered)
    assert.equal(0, request[A].roi.offset[1])
    assert.equal(24, request[B].roi.offset[1])
    request[B] = md.Roi({ 28 }, { 24 })
    request:align_to(offered)
    assert.equal(28, request[B].roi.offset[1])
  end)

  it("moves the seed of a copy as upstream does", function()
    for _, case in ipairs(golden.cases "streams") do
      local request = md.BatchRequest { random_seed = case.case.seed }
      for i, seed in ipairs(case.arrays.request_copy_seeds:totable()) do
        request = request:copy()
        assert.equal(seed, request.random_seed, case.name .. ", copy " .. i)
      end
    end
    assert.is_nil(md.BatchRequest({}):copy().random_seed)
  end)

  it("clones with its seed, derives with another, attempts with one of their own", function()
    local request = md.BatchRequest { random_seed = 7, [A] = md.Roi({ 0 }, { 4 }) }
    request.context, request.rng = {}, core.Rng(1)
    local clone, derived = request:clone(), request:derive(9)
    assert.equal(7, clone.random_seed)
    assert.equal(request.context, clone.context)
    clone[A].roi = md.Roi({ 0 }, { 8 })
    assert.equal(md.Roi({ 0 }, { 4 }), request[A].roi)
    assert.same({ 9, 0 }, { derived.random_seed, #derived })
    assert.equal(request.rng, derived.rng)
    assert.equal(7, request:attempt(0).random_seed)
    local seen = {}
    for attempt = 0, 99 do
      local seed = request:attempt(attempt).random_seed
      assert.is_nil(seen[seed])
      seen[seed] = true
    end
  end)

  it("share what they have in common until one is given something else", function()
    local request = md.BatchRequest { random_seed = 7, [A] = md.Roi({ 0 }, { 4 }) }
    request.context = { stream = {} }
    local copy = request:copy()
    copy.looked = { [A] = true }
    assert.equal(request.context, copy.context)
    assert.is_nil(request.looked)
    assert.equal(copy.looked, copy:copy().looked)
  end)

  it("asks for one key alone", function()
    local request = md.BatchRequest { random_seed = 7, [A] = md.Roi({ 0 }, { 4 }), [B] = md.Roi({ 0 }, { 8 }) }
    request.context = {}
    local only = request:only(B)
    only[B].roi = md.Roi({ 0 }, { 2 })
    assert.equal("B", only:names())
    assert.is_nil(only.random_seed)
    assert.is_nil(only.context)
    assert.equal(md.Roi({ 0 }, { 8 }), request[B].roi)
    assert.equal(0, #request:only(md.ArrayKey "NOT_THERE"))
  end)

  it("unites with another", function()
    local one = md.BatchRequest { random_seed = 7, [A] = md.Roi({ 0 }, { 4 }) }
    local other = md.BatchRequest { [A] = md.Roi({ 2 }, { 4 }), [B] = md.Roi({ 0 }, { 2 }) }
    local both = one:update_with(other)
    assert.equal(md.Roi({ 0 }, { 6 }), both[A].roi)
    assert.equal(md.Roi({ 0 }, { 2 }), both[B].roi)
    assert.equal(core.seed_copy(7), both.random_seed)
    assert.equal(md.Roi({ 0 }, { 4 }), one[A].roi)
    assert.is_nil(one[B])
  end)

  it("prints", function()
    local request = md.BatchRequest { random_seed = 7, [A] = md.Roi({ 0 }, { 4 }), [B] = md.ArraySpec { placeholder = true, roi = md.Roi({ 0 }, { 2 }) } }
    assert.equal("A [0:4] (4), B [0:2] (2) (placeholder), seed 7", request:describe())
    assert.equal("nothing", md.BatchRequest({}):describe())
    assert.matches("^BatchRequest\n  A: ", tostring(request))
    assert.matches("random_seed: 7$", tostring(request))
  end)

  it("refuses to put ROIs of 2 and of 3 axes into one box, in words, on the caller's line", function()
    local request = md.BatchRequest {}
    request:add(A, { 4, 4, 4 })
    local wrong = "^[^:]*request_spec%.lua:%d+: A has 3 spatial axes, B has 2: they share no space"
    assert.matches(wrong, select(2, pcall(function() request:add(B, { 4, 4 }) return true end)))
    local mixed = md.BatchRequest { [A] = md.Roi({ 0, 0, 0 }, { 4, 4, 4 }), [B] = md.Roi({ 0, 0 }, { 4, 4 }) }
    assert.matches(wrong, select(2, pcall(function() return (mixed:get_total_roi()) end)))
    local flat = md.ArraySource { B, md.Array { md.zeros({ 8, 8 }, "uint8"), md.ArraySpec { roi = md.Roi({ 0, 0 }, { 8, 8 }), voxel_size = { 1, 1 } } } }
    local deep = md.ArraySource { A, md.Array { md.zeros({ 8, 8, 8 }, "uint8"), md.ArraySpec { roi = md.Roi({ 0, 0, 0 }, { 8, 8, 8 }), voxel_size = { 1, 1, 1 } } } }
    local both = { deep, flat } + md.MergeProvider {}
    do -- where nothing is to be placed, both are served
      local p <close> = both:build()
      assert.same({ 4, 4 }, p:request_batch(mixed)[B].data.shape)
    end
    for _, node in ipairs { md.RandomLocation {}, md.SpecifiedLocation { { { 1, 1, 1 } } }, md.SimpleAugment {}, md.ShiftAugment { prob_slip = 1, sigma = 2 } } do
      assert.matches("^" .. node.class_name .. ": A has 3 spatial axes, B has 2: they share no space", errors.message(function()
        local p <close> = (both + node):build()
        return p:request_batch(mixed)
      end))
    end
    local p <close> = ({ deep + md.RandomLocation {}, flat + md.RandomLocation {} } + md.MergeProvider {}):build() -- the way out
    assert.same({ 4, 4, 4 }, p:request_batch(mixed)[A].data.shape)
  end)

  it("refuses wrong seeds and options", function()
    for _, seed in ipairs { -1, 1.5, 4294967296, "7" } do
      assert.matches("random_seed must be a whole number from 0 to 4294967295", errors.message(md.BatchRequest, { random_seed = seed }))
    end
    assert.equal(4294967295, md.BatchRequest({ random_seed = 4294967295 }).random_seed)
    assert.matches("BatchRequest has no option 'seed'; ", errors.message(md.BatchRequest, { seed = 5 }))
    assert.matches("request:add wants an ArrayKey or GraphKey, not \"RAW\"", errors.message(function() md.BatchRequest({}):add("RAW", { 1 }) end))
    assert.matches("request:add has no option 'voxelsize'; did you mean 'voxel_size'%?",
      errors.message(function() md.BatchRequest({}):add(A, { 1 }, { voxelsize = { 1 } }) end))
  end)
end)
