-- help(x): the manual entry of whatever has one, from the annotations in the sources.
local md = require "moondust"
local annotations = require "moondust.annotations"
local core = require "moondust.core"
local help = require "moondust.repl.help"
local manual = require "moondust.repl.manual"

local function text_of(...) return help.text(90, select("#", ...), (...)) end

describe("annotations", function()
  it("are read from a text", function()
    local blocks = annotations.parse [[
--- What the file is for.
local M = {}

-- no annotation
--- Crops.
---
--- Twice.
---@param roi moondust.Roi  where
---@param mode "a"|"b"|nil  how: well
---@param call fun(a: integer): string, integer what is called
---@return integer
function M.crop(roi, mode, call) end
function M.bare() end
---@class moondust.X : moondust.Y
---@field a integer
local X = class "X"]]
    assert.equal(3, #blocks)
    assert.is_true(blocks[1].leads)
    assert.same({ "What the file is for." }, blocks[1].prose)
    assert.is_false(blocks[2].leads)
    assert.same({ "Crops.", "", "Twice." }, blocks[2].prose)
    assert.equal(12, blocks[2].line)
    assert.equal("M.crop(roi, mode, call)", annotations.title_of(blocks[2]))
    assert.same({ "function M.bare() end" }, blocks[2].bare)
    assert.same({ "roi", "moondust.Roi", "where" }, { annotations.split_field(annotations.tags(blocks[2], "param")[1]) })
    assert.same({ "mode", '"a"|"b"|nil', "how: well" }, { annotations.split_field(annotations.tags(blocks[2], "param")[2]) })
    assert.same({ "call", "fun(a: integer): string, integer", "what is called" }, { annotations.split_field(annotations.tags(blocks[2], "param")[3]) })
    assert.same({ "moondust.X", "moondust.Y" }, { annotations.class_of(blocks[3]) })
    assert.equal("class moondust.X : moondust.Y", annotations.title_of(blocks[3]))
    assert.same({}, annotations.parse "")
    assert.same({}, annotations.read "/no/such/file.lua")
  end)

  it("write defaults as Lua does", function()
    assert.equal('"a"', annotations.literal "a")
    assert.equal("{ 1, 2 }", annotations.literal { 1, 2 })
    assert.equal("{}", annotations.literal {})
    assert.equal("false", annotations.literal(false))
  end)
end)

describe("help", function()
  it("has an overview", function()
    assert.matches("help%(md.GammaAugment%)", text_of())
    assert.equal(text_of(), text_of(md))
  end)

  it("knows every node and predictor, with all options", function()
    for _, name in ipairs(md.lazy_names()) do
      local made = md[name]
      if type(made) == "table" and rawget(made, "options") then
        local text = text_of(made)
        assert.equal(1, (text:find("md." .. name .. "{", 1, true)), name)
        assert.equal(text, text_of(name))
        for _, option in ipairs(made.options) do
          assert.is_truthy(text:find("\n  " .. option[1] .. " ", 1, true), name .. " " .. option[1])
          assert.matches("^md." .. name .. "." .. option[1] .. "\n", text_of(name .. "." .. option[1]))
        end
      end
    end
  end)

  it("knows functions by value and by name", function()
    local mean = text_of(md.zeros({ 2 }).mean)
    assert.matches("^ndarray:mean%(%)\n\nIn double;.*returns  number$", mean)
    for _, name in ipairs { "ndarray.mean", "ndarray:mean", "md.ndarray.mean" } do assert.equal(mean, text_of(name)) end
    assert.matches("^md.zeros%(shape, dtype%)", text_of(md.zeros))
    assert.matches("^md.hdf5.read%(path, dataset, roi, fields%)\n\nA dataset, or", text_of(md.hdf5.read))
    assert.equal(text_of(md.hdf5.read), text_of "hdf5.read")
    assert.matches("^md.open_array%(path, dataset, fields%)", text_of(md.open_array))
    assert.matches("^BatchRequest:add%(name, shape, fields%)", text_of(md.BatchRequest.add))
    assert.matches("^core.kernel.colorize", text_of(core.kernel.colorize))
    assert.matches("^md.ArrayKey%(", text_of(md.ArrayKey))
    assert.matches("^md.class%(name, base%)", text_of(md.class))
    assert.matches("^string.format: see the manual of Lua", text_of(string.format))
    assert.matches("^print: see the manual of Lua", text_of(print))
  end)

  it("knows values by their class", function()
    assert.matches("\n  %.offset +Coordinate\n", text_of(md.Roi({ 0 }, { 1 })))
    assert.equal(text_of(md.Batch), text_of(md.Batch {}))
    assert.equal(text_of "Pad", text_of(md.Pad { md.ArrayKey "RAW" }))
    assert.matches("^md.policy\n.*\n  %.empty%(name, background%)", text_of(md.policy))
  end)

  it("finds what was meant, or says that there is nothing", function()
    assert.matches("gamma_min +number", text_of "gamma_min")
    assert.equal('the manual has nothing about "GammaAugmnt"; did you mean help "GammaAugment"?', text_of "GammaAugmnt")
    assert.matches("there is arrays.Binarize", text_of "Binarize")
    assert.equal("the manual has nothing about a number", text_of(5))
    assert.equal("the manual has nothing about a nil", text_of(nil))
    assert.matches("^the manual has nothing about this function", text_of(function() end))
  end)

  it("has something about every name of the manual, on any width", function()
    for _, name in ipairs(manual.names()) do
      for _, columns in ipairs { 20, 80, 300 } do
        local text = help.text(columns, 1, name)
        assert.is_true(#text > 0, name)
        if columns == 80 then
          for line in text:gmatch "[^\n]+" do
            -- a word, or what is set apart by spaces, is never broken
            assert.is_true((utf8.len(line) or 0) <= 80 or line:find "^%s" ~= nil, name .. ": " .. line)
          end
        end
      end
    end
  end)
end)
