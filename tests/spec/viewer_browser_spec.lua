-- The viewer's page in a real browser: keys, mouse, pictures.
local core = require "moondust.core"
local program = require "spec.support.program"
local Browser = require "spec.support.browser"
local Served = require "spec.support.served"

-- RAW's voxels say where they are: z in the value; IDS has two halves; a node sits in plane 3. The fourth batch fails.
local SCRIPT = [[
  local md = require "moondust"
  local RAW, IDS, PTS = md.ArrayKey "RAW", md.ArrayKey "IDS", md.GraphKey "PTS"
  local roi, made = md.Roi({0, 0, 0}, {80, 128, 128}), tonumber((...)) or 0
  local raw, ids = md.zeros({ 8, 64, 64 }, "uint8"), md.zeros({ 8, 32, 32 }, "uint64")
  for z = 1, 8 do raw[{ z }] = 20 * z end
  ids[{ {}, {}, { 1, 16 } }] = -1
  local whole = { voxel_size = {10, 2, 2}, roi = roi, interpolatable = true }
  local graph = md.Graph{ { md.Node{ 42, { 25, 64, 96 } } }, {}, md.GraphSpec{ roi = roi } }
  local pipeline = { md.ArraySource{ RAW, md.Array{ raw, md.ArraySpec(whole) } },
      md.ArraySource{ IDS, md.Array{ ids, md.ArraySpec{ voxel_size = {10, 4, 4}, roi = roi, interpolatable = false } } }, md.GraphSource{ PTS, graph } }
    + md.MergeProvider{}
    + md.RejectIf{ function()
      made = made + 1
      if made == 4 then error("no batch today", 0) end
      return false
    end }
  local request = md.BatchRequest{}
  request[RAW] = md.ArraySpec{ roi = roi }
  request[IDS] = md.ArraySpec{ roi = roi }
  request[PTS] = md.GraphSpec{ roi = roi }
  return pipeline, request
]]

-- The colour in the middle of pane `index` (from 0), or at other fractions of it.
local PIXEL = [[
  const pane = document.querySelectorAll(".pane canvas")[2 * %d], context = pane.getContext("2d");
  return [...context.getImageData(Math.round(pane.width * %f), Math.round(pane.height * %f), 1, 1).data].join();
]]

describe("the viewer's page", function()
  if not core.version().features.http then return pending "this build has no HTTP server" end
  if not Browser.there() then return pending "chromium, chromedriver and curl are not all there: scripts/setup test installs them" end
  local script, served, browser
  local function pixel(index, x, y) return browser:js(PIXEL:format(index, x or 0.5, y or 0.5)) end
  local function text(selector) return browser:js(("return document.querySelector(%q).textContent"):format(selector)) end
  -- Waits for RAW's grey value, or its opacity (channel 3), at a pixel of its canvas.
  local function wait_for_raw(expected, channel, y)
    browser:wait(("document.querySelector('.pane canvas').getContext('2d').getImageData(200, %d, 1, 1).data[%d] === %d"):format(y or 100, channel or 0, expected))
  end
  local function value(row) return browser:js(("return document.querySelector('#values').rows[%d].cells[1].textContent"):format(row)) end
  local function ready() browser:wait "document.body.dataset.state === 'ready'" end

  setup(function()
    script = program.file_with(SCRIPT)
    served = Served.start { script, "--seed", "1" }
    browser = Browser.start()
    browser:open(served.url)
    ready()
  end)
  teardown(function()
    if browser then browser:close() end
    if served then served:stop() end
    os.remove(script)
  end)

  it("shows every key in one frame, labels on grey", function()
    assert.equal("RAW,IDS", browser:js "return [...document.querySelectorAll('.pane')].map((pane) => pane.dataset.name).join()")
    -- Plane 5 of RAW is 100, shown between 20 and 160.
    assert.equal("146,146,146,255", pixel(0))
    -- Labels on the left half, over the same grey.
    local color = core.kernel.colorize(core.ndarray({ -1 }, "int64"):astype "uint64"):totable()[1]
    local opacity = browser:js "return document.querySelector('#opacity').value / 100"
    local left, expected = pixel(1, 0.45), {}
    for c = 1, 3 do expected[c] = 146 + (color[c] - 146) * opacity end
    local r, g, b = left:match "(%d+),(%d+),(%d+)"
    for c, found in ipairs { r, g, b } do assert.is_true(math.abs(found - expected[c]) <= 2, left) end
    assert.equal("146,146,146,255", pixel(1, 0.55))
  end)

  it("goes through the planes with keys, slider and wheel", function()
    browser:press("j", "Down")
    assert.matches("plane 7 of 8", text ".axis output")
    wait_for_raw(219)
    browser:press "k"
    browser:press "Home"
    assert.matches("^5 · plane 1 of 8$", text ".axis output")
    browser:wheel(200, 200, 120)
    browser:wait "document.querySelector('.axis output').textContent.includes('plane 2 of 8')"
    browser:js "const slider = document.querySelector('.axis input'); slider.value = 2; slider.dispatchEvent(new Event('input'))"
    assert.matches("plane 3 of 8", text ".axis output")
  end)

  it("tells exact values under the mouse, and the node", function()
    local place = browser:js [[
      const box = document.querySelector(".stage").getBoundingClientRect();
      return [Math.round(box.x + box.width / 2), Math.round(box.y + box.height / 2), Math.round(Math.min(box.width, box.height) / 4)] ]]
    browser:move(place[1] - place[3], place[2])
    browser:wait "document.querySelector('#values').rows[1].cells[1].textContent === '18446744073709551615'"
    assert.equal("60", value(0))
    assert.matches("^z 25  y 6[345]%.%d  x 3[123]%.%d$", text "#position")
    browser:move(place[1] + place[3], place[2])
    browser:wait "document.querySelector('#position').textContent.includes('PTS 42')"
    assert.equal("0", value(1))
  end)

  it("changes contrast, opacity and what labels lie on", function()
    browser:js "const low = document.querySelector('.window input'); low.value = 500; low.dispatchEvent(new Event('input'))"
    wait_for_raw(0)
    browser:js "document.querySelector('.window input').dispatchEvent(new Event('dblclick'))"
    wait_for_raw(73)
    browser:press "o"
    browser:wait "document.querySelector('#under').value === ''"
    browser:js "document.querySelectorAll('.pane select')[1].value = 'grey'; document.querySelectorAll('.pane select')[1].onchange()"
    browser:wait "document.querySelectorAll('.pane .window:not([hidden])').length === 2"
    assert.equal("RAW,IDS,", browser:js "return [...document.querySelector('#under').options].map((option) => option.value).join()")
    ready()
    browser:js "document.querySelectorAll('.pane select')[1].value = 'labels'; document.querySelectorAll('.pane select')[1].onchange()"
    browser:press "o"
    browser:wait "document.querySelector('#under').value === 'RAW'"
  end)

  it("zooms, moves and fits", function()
    wait_for_raw(0, 3, 3) -- above the array
    browser:press("+", "+", "+", "+", "+", "+")
    wait_for_raw(255, 3, 3)
    browser:drag(200, 300, 620, 300)
    browser:press "0"
    wait_for_raw(0, 3, 3)
  end)

  it("makes the next batch, the same again, and says what failed", function()
    browser:press "n"
    browser:wait "document.title.startsWith('seed 2 ')"
    ready()
    local print = text("#status"):match "^made in .* · #(%x+)$"
    assert.equal(8, #print)
    browser:move(200, 300)
    browser:wait "document.querySelector('#values').rows[0].cells[1].textContent !== ''"
    browser:js "document.querySelector('#values').rows[0].cells[1].textContent = 'old'"
    browser:press "r"
    browser:wait "document.querySelector('#values').rows[0].cells[1].textContent !== 'old'" -- the mouse rests, the values are the new batch's
    ready()
    assert.equal(print, text("#status"):match "#(%x+)$")
    assert.matches("RejectIf", text "#timing")
    browser:press "n"
    browser:wait "document.body.dataset.state === 'error'"
    assert.matches("^RejectIf: no batch today\n", text "#error pre")
    assert.is_false(browser:js "return document.querySelector('#error').hidden")
    assert.equal("3", browser:js "return document.querySelector('#number').value")
    assert.equal("seed 2 ", (browser:js "return document.title"):sub(1, 7)) -- still on show
    browser:press "r"
    browser:wait "document.body.dataset.state === 'ready' && document.title.startsWith('seed 3 ')"
    assert.is_true(browser:js "return document.querySelector('#error').hidden")
    for _, complaint in ipairs(browser:complaints()) do -- of the batch that failed, or of tiles of one that has gone
      assert.is_truthy(complaint:find "status of 500" or complaint:find "status of 410", complaint)
    end
  end)

  it("goes on when the first batch fails", function()
    local moody = Served.start { script, "--seed", "5", "--", "3" }
    browser:open(moody.url)
    browser:wait "document.body.dataset.state === 'error'"
    assert.matches("no batch today", text "#error pre")
    browser:press "n"
    browser:wait "document.body.dataset.state === 'ready' && document.title.startsWith('seed 6 ')"
    moody:stop()
    browser:press "n"
    browser:wait "document.body.dataset.state === 'error'"
    assert.matches("moondust no longer answers", text "#error pre")
  end)
end)
