--- The benchmarks' arithmetic and table, on recorded samples: nothing is timed here.
local figures = require "bench.figures"
local report = require "bench.report"
local rows = require "bench.rows"
local json = require "dkjson"

-- Rounds of a machine whose clock changed by a factor of three in the second and third.
local function mine(value, copy, faults) return { value = value, copy = copy, copied = 4, faults = faults, voxels = 1e6 } end
local function theirs(value) return { value = value, faults = 900, voxels = 1e6 } end
local RUNS = { ours = { mine(1, 0.5, 3), mine(3, 1.5, 0), mine(3.6, 1.5, 2) }, peer = { theirs(100), theirs(300), theirs(360) } }

local function line(fields)
  local whole = { group = "Kernels", title = "gamma", unit = "ns", ours = "ours" }
  for name, value in pairs(fields) do whole[name] = value end
  return figures.line(whole, RUNS)
end

describe("figures", function()
  it("takes medians of odd, even and no values, and leaves the list as it was", function()
    local values = { 3, 1, 2 }
    assert.equal(2, figures.median(values))
    assert.same({ 3, 1, 2 }, values)
    assert.equal(2.5, figures.median { 4, 1, 2, 3 })
    assert.is_nil(figures.median {})
  end)

  it("takes the median of the rounds' ratios, not the ratio of medians", function()
    local row = line { peer = "memcpy", most = 2.2 }
    assert.equal(3, row.ours)
    assert.equal(1.5, row.peer)
    assert.near(2, row.ratio, 1e-12)
    assert.is_true(row.met)
    assert.equal("<= 2.2", row.goal)
    assert.equal("memcpy of 4 bytes", row.peer_name)
  end)

  it("counts how many times longer a peer takes", function()
    local row = line { peer = "peer", label = "numpy", least = 101 }
    assert.equal(100, row.ratio)
    assert.is_false(row.met)
    assert.equal("numpy", row.peer_name)
    assert.is_true(line({ peer = "peer", least = 100 }).met)
  end)

  it("judges nothing where the peer is missing or there is no goal", function()
    local row = line { peer = "not there", label = "torch", least = 10 }
    assert.is_nil(row.ratio)
    assert.is_nil(row.met)
    assert.is_nil(line({ peer = "peer" }).met)
    assert.is_nil(figures.line({ ours = "not there" }, RUNS))
  end)

  it("holds a figure alone against a limit", function()
    assert.is_true(line({ below = 3.1 }).met)
    assert.is_false(line({ below = 3 }).met)
  end)

  it("tells fresh pages from memory used before", function()
    local row = line { peer = "peer" }
    assert.equal("reused", row.ours_memory)
    assert.equal("fresh", row.peer_memory)
  end)

  it("measures how flat a series is", function()
    assert.equal(3, figures.spread { { size = 64, ns = 2 }, { size = 128, ns = 1 }, { size = 256, ns = 3 } })
  end)
end)

describe("report", function()
  local good, bad = line { peer = "memcpy", most = 2.2 }, line { peer = "peer", label = "numpy", least = 101 }
  local open, wrong = line { peer = "not there", label = "torch", least = 10 }, line { peer = "peer", label = "scipy", least = 50, agrees = false }

  it("gives each row its cells", function()
    assert.same({ "gamma", "3.00 ns", "memcpy of 4 bytes", "1.50 ns", "2.00", "<= 2.2", "yes", "reused", "" }, report.cells(good))
    assert.equal("NO", report.cells(bad)[7])
    assert.equal("?", report.cells(open)[7])
    assert.equal("DIFFERS", report.cells(wrong)[7])
  end)

  it("judges memcpy by memory that is kept, peers by memory as it comes, and adds the other", function()
    local kept = { ours = { { value = 1, copy = 1, copied = 1, faults = 0, voxels = 1e6 } }, peer = { { value = 60, faults = 0, voxels = 1e6 } } }
    local wanted = { title = "gamma", unit = "ns", ours = "ours", peer = "peer", label = "numpy", least = 70 }
    local row = figures.both(wanted, { default = RUNS, kept = kept })
    assert.equal(100, row.ratio)
    assert.is_true(row.met)
    assert.equal("60.0 reused/reused", report.cells(row)[9])
    wanted.peer, wanted.least, wanted.most = "memcpy", nil, 1.5
    row = figures.both(wanted, { default = RUNS, kept = kept })
    assert.equal(1, row.ratio)
    assert.equal("2.00 reused", report.cells(row)[9])
    assert.is_nil(figures.both({ ours = "ours", peer = "peer" }, { default = RUNS, kept = {} }).other)
  end)

  it("counts goals and names those that are missed", function()
    local text = report.summary { good, bad, open, wrong }
    assert.matches("^1 of 4 goals met, 1 without anything to compare with; not met:", text)
    assert.matches("gamma, numpy: 100, goal >= 101", text, 1, true)
    assert.matches("gamma, scipy", text, 1, true)
    assert.equal("1 of 1 goals met", report.summary { good })
  end)

  it("writes between the marks of the document and leaves the rest", function()
    local result = {
      machine = "A machine", rounds = 3, size = 216, rows = { good, bad }, versions = { "numpy 2" },
      scaling = { { work = "gamma", points = { { size = 64, ns = 0.5 }, { size = 128, ns = 0.75 } } } },
      counts = { { work = "gamma", isa = "v3", size = 48, instructions = 12.5 } },
    }
    local recorded = assert(json.decode(json.encode(result))) -- as it comes back from build/bench.json
    local before = "# Speed\n\nBy hand.\n\n<!-- figures: written by `make bench-docs` -->\nold\n<!-- end of figures -->\n\nAfter.\n"
    local after = report.into(before, recorded)
    assert.matches("By hand.", after, 1, true)
    assert.matches("\n\nAfter.\n$", after)
    assert.is_nil(after:find("old", 1, true))
    assert.matches("| gamma | 3.00 ns | memcpy of 4 bytes | 1.50 ns | 2.00 | <= 2.2 | yes | reused |  |", after, 1, true)
    assert.matches("| gamma | 0.500 | 0.750 |", after, 1, true)
    assert.matches("| gamma | 12.5 |", after, 1, true)
    assert.equal(after, report.into(after, recorded))
  end)

  it("asks for the marks", function()
    assert.error_matches(function() report.into("# Speed\n", { rows = {} }) end, "lacks the marks")
  end)
end)

describe("the rows", function()
  it("are read off runs that they have, and each has one kind of goal at most", function()
    local all = rows.kernels()
    table.move(rows.files("boxes.h5", 320, 216), 1, 100, #all + 1, all)
    table.move(rows.pipelines("volume.h5", "labels", { 1, 2 }), 1, 100, #all + 1, all)
    assert.is_true(#all > 40)
    for _, row in ipairs(all) do
      local runs = {}
      for _, run in ipairs(row.runs) do runs[run.id] = true end
      for _, one in ipairs(row.lines) do
        assert.is_true(runs[one.ours], one.title)
        assert.is_true(one.peer == nil or one.peer == "memcpy" or runs[one.peer], one.title)
        assert.is_true((one.most and 1 or 0) + (one.least and 1 or 0) + (one.below and 1 or 0) <= 1, one.title)
      end
    end
  end)

  it("read boxes that stay within the volume and differ from round to round", function()
    local ask = rows.files("boxes.h5", 320, 216)[1].runs[1].ask
    local seen = {}
    for round = 1, 20 do
      local question = ask(round)
      for d = 1, 3 do assert.is_true(question.begin[d] >= 0 and question.begin[d] + question.shape[d] <= 320) end
      seen[table.concat(question.begin, " ")] = true
    end
    local distinct = 0
    for _ in pairs(seen) do distinct = distinct + 1 end
    assert.equal(20, distinct)
  end)
end)
