-- The REPL on a real terminal, as a person meets it.
local program = require "spec.support.program"
local tmux = require "spec.support.tmux"

local it = tmux.is_there() and it or function(name) pending(name .. " (tmux is missing)") end

-- A pipeline in memory that never ends.
local PIPELINE = [[
RAW = ArrayKey "RAW"
local spec = md.ArraySpec{ voxel_size = {2, 2}, roi = md.Roi({0, 0}, {128, 128}), interpolatable = true }
local rows = {}
for y = 1, 64 do rows[y] = {} for x = 1, 64 do rows[y][x] = x + y end end
pipeline = md.ArraySource{ RAW, md.Array{ md.ndarray(rows, "float32"), spec } } + md.RandomLocation{} + md.SimpleAugment{}
request = md.BatchRequest{}
request:add(RAW, {64, 64})
]]

describe("the REPL on a terminal", function()
  local screen
  after_each(function()
    if screen then screen:close() end
    screen = nil
  end)

  local function start(options)
    screen = tmux.start(options)
    screen:expect "Moondust %d.*\n> ?$"
    return screen
  end

  local function write(name, text)
    local file = assert(io.open(screen.home .. "/" .. name, "w"))
    file:write(text)
    file:close()
  end

  it("greets, evaluates, goes on over lines, keeps locals, ends with Ctrl-D", function()
    start()
    assert.matches("md, ArrayKey, GraphKey, Coordinate, Roi, ArraySpec, BatchRequest", screen:screen())
    screen:ask("1 + 1", "\n2")
    screen:ask("= 'a' .. 'b'", '\n"ab"')
    screen:ask('local RAW = md.ArrayKey "RAW"', "RAW\"")
    screen:ask("RAW", '\nArrayKey "RAW"')
    screen:clear()
    screen:enter "for i = 1, 2 do"
    screen:expect "\n>> ?$"
    screen:enter "  print(i * 21)"
    screen:enter "end"
    screen:expect "\n21\n42\n> ?$"
    screen:press "C-d"
    screen:expect "ended 0"
  end)

  it("completes", function()
    start()
    assert.equal(0, program.run({ "sample", "--quiet", screen.home .. "/volume.h5", "--shape", "4,32,32" }).status)
    screen:type "md.GammaAug"
    screen:press "Tab"
    screen:expect "> md.GammaAugment$"
    screen:drop()
    screen:type "md.Rej"
    screen:press "Tab"
    screen:expect "Reject +RejectIf +RejectIfEmpty\n> md.Reject$"
    screen:drop()
    screen:type "md.RejectIfEmpty{ GT, "
    screen:press "Tab"
    screen:expect "max_attempts = .* p = .*GT,$"
    screen:drop()
    screen:type 'md.hdf5.read("vol'
    screen:press "Tab"
    screen:expect 'read%("volume.h5"$'
    screen:type ', "volumes/la'
    screen:press "Tab"
    screen:type "n"
    screen:press "Tab"
    screen:expect ', "volumes/labels/neuron_ids"$'
    screen:enter ")"
    screen:expect "Array uint64 4x24x24"
    screen:enter "a = md.zeros{2, 3}"
    screen:type "a:me"
    screen:press "Tab"
    screen:expect "> a:mean$"
    screen:enter "()"
    screen:expect "\n0.0\n> ?$"
    screen:press "C-d"
    screen:expect "ended 0"
  end)

  it("takes a script that is pasted", function()
    start()
    screen:clear()
    screen:paste "local a = 20\nlocal function twice(x)\n  return x\n    * 2\nend\nlocal b = 1\n  + twice(a)\nprint('b', b)"
    screen:expect "print%('b', b%)$"
    screen:press "Enter"
    screen:expect "\nb +41\n> ?$"
    screen:ask("a + b", "\n61")
  end)

  it("shows an array with a picture in colours where the terminal has them", function()
    start { env = "COLORTERM=truecolor" }
    screen:clear()
    screen:enter 'md.zeros({16, 16}, "uint64"):fill(7)'
    local text = screen:expect "labels\n> ?$"
    assert.matches("ndarray uint64 16x16\n  values  min 7, mean 7, max 7\n" .. ("▀"):rep(16) .. "\n", text)
    assert.matches("\27%[38;2;%d+;%d+;%d+", (screen:screen(true):gsub(":", ";")))
  end)

  it("shows one message of an error, and the rest on demand", function()
    start()
    local text = screen:ask("function broken() error('no luck') end broken()", "\nstdin:1: no luck")
    assert.not_matches("traceback", text)
    text = screen:ask("traceback()", "stack traceback:")
    assert.matches("in function 'broken'", text)
    assert.not_matches("repl", text)
    screen:ask("x x", "\nstdin:1: syntax error near 'x'")
    screen:ask("error({ code = 3 })", "\nerror object: { code = 3 }")
    screen:ask("function deeper() return 1 + deeper() end deeper()", "\nstdin:1: stack overflow")
    text = screen:ask("md.Normalize{ 5 }", "\nNormalize: 'array' must be an ArrayKey, not 5")
    assert.not_matches("repl", text)
  end)

  it("shows every traceback with --debug", function()
    start { arguments = "--debug" }
    screen:ask("error 'no luck'", "\nstdin:1: no luck\nstack traceback:")
  end)

  it("Ctrl-C clears the line", function()
    start()
    screen:clear()
    screen:type "nonsense("
    screen:expect "nonsense%($"
    screen:press "C-c"
    screen:expect "%^C\n> ?$"
    screen:enter "for i = 1, 2 do"
    screen:expect "\n>> ?$"
    screen:press "C-c"
    screen:expect "%^C\n> ?$"
    screen:ask("6 * 7", "\n42")
  end)

  it("Ctrl-C stops a loop, also one that catches errors, and the session goes on", function()
    start()
    screen:clear()
    screen:enter "print 'running' while true do end"
    screen:expect "\nrunning"
    screen:press "C-c"
    screen:expect "interrupted\n> ?$"
    screen:clear()
    screen:enter "print 'running' pcall(function() while true do end end) print 'caught' while true do end"
    screen:expect "\nrunning"
    screen:press "C-c"
    screen:expect "caught"
    screen:press "C-c"
    screen:expect "interrupted\n> ?$"
    screen:clear()
    screen:enter "coroutine.wrap(function() print 'running' while true do end end)()"
    screen:expect "\nrunning"
    screen:press "C-c"
    screen:expect "interrupted\n> ?$"
    screen:ask("coroutine.wrap(function(...) return select('#', ...) end)(nil, nil)", "\n2")
    screen:ask("coroutine.wrap(function() error 'no luck' end)()", "\nstdin:1: .*no luck")
    screen:ask("coroutine.resume(coroutine.create(function() return 6 * 7 end))", "\ntrue  42")
  end)

  it("Ctrl-C stops a stream of batches and leaves the pipeline usable and no memory behind", function()
    start()
    write("pipeline.lua", PIPELINE)
    screen:ask('dofile "pipeline.lua"', "lua\"")
    screen:ask("for b in pipeline:batches(request, { count = 2, seed = 1 }) do first = first or b[RAW].data:hash() b:close() end", "")
    screen:ask("collectgarbage() collectgarbage() before = md.memory()", "before = md.memory%(%)")
    screen:clear()
    screen:enter "for b, i in pipeline:batches(request, { seed = 1 }) do if i == 20 then print 'running' end end"
    screen:expect "\nrunning"
    screen:press "C-c"
    screen:expect "interrupted.*\n> ?$"
    screen:ask("collectgarbage() collectgarbage() return md.memory() - before", "\n0")
    screen:ask("for b in pipeline:batches(request, { count = 1, seed = 1 }) do return b[RAW].data:hash() == first end", "\ntrue")
    screen:press "C-d"
    screen:expect "ended 0"
  end)

  it("helps", function()
    start()
    screen:ask('help "GammaAugment.gamma_min"', "gamma_min +number +required; smallest gamma")
    screen:ask("help(md.zeros({2}).mean)", "ndarray:mean%(%)\n.*returns +number")
    screen:ask("help()", "traceback%(%)")
  end)

  -- Types the inputs of docs/repl.md; true when the last line is a prompt and as many are there as lines were typed, plus one.
  local function all_answered(count)
    return function(text)
      local _, prompts = ("\n" .. text):gsub("\n>>?%f[%s\0]", "")
      return prompts == count + 1 and text:find "\n>>?$" ~= nil
    end
  end

  it("does what docs/repl.md shows", function()
    local file = assert(io.open "docs/repl.md")
    local transcript = file:read("a"):match "```text\n(.-)\n```"
    file:close()
    start { rows = 250 }
    assert.equal(0, program.run({ "sample", "--quiet", screen.home .. "/volume.h5", "--shape", "16,128,128" }).status)
    screen:clear()
    local count, text = 0, ""
    for input in ("\n" .. transcript):gmatch "\n>>? ([^\n]*)" do
      count = count + 1
      screen:enter(input)
      text = screen:expect(all_answered(count))
    end
    assert.is_true(count > 10)
    assert.equal(transcript, (text:gsub("\n>$", "")))
  end)

  it("keeps history across runs, inputs of several lines as one", function()
    start()
    screen:clear()
    screen:enter "sum = 1 +"
    screen:expect "\n>> ?$"
    screen:enter "41"
    screen:expect "41\n> ?$"
    screen:press "C-d"
    screen:expect "ended 0"
    local home = screen.home
    screen:run "kill-server"
    start { home = home }
    screen:press "Up"
    screen:expect "> sum = 1 %+\n41$"
    screen:press "Enter"
    screen:ask("sum", "\n42")
  end)
end)
