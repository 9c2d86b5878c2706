local md = require "moondust"
local battery = require "spec.support.battery"
local errors = require "spec.support.errors"

local POINTS = md.GraphKey "POINTS"

local files = {}
local function file_with(text)
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  files[#files + 1] = path
  return path
end

-- What is read, as { id, z, y, x } in the order of the nodes, and the ROI.
local function read(text, fields, roi)
  fields.filename, fields.points = file_with(text), POINTS
  local p <close> = md.CsvPointsSource(fields):build()
  local whole = p.spec[POINTS].roi
  local batch = p:request_batch(md.BatchRequest { [POINTS] = roi or whole })
  local found = {}
  for node in batch[POINTS]:nodes() do found[#found + 1] = { node.id, table.unpack(node.location) } end
  return found, whole, batch
end

local function message(text, fields)
  local raised = errors.message(read, text, fields)
  return (raised:gsub("%[/tmp/[^%]]*%]", "[FILE]"))
end

describe("CsvPointsSource", function()
  it("puts points that are voxel indices at voxel centres, after scale", function()
    local found, roi = read("1,2,3\n4,5,6\n", { spatial_cols = { 1, 2, 3 }, scale = { 40, 4, 3 }, voxel_centres = { 40, 4, 3 } })
    assert.same({ { 0, 60, 10, 10.5 }, { 1, 180, 22, 19.5 } }, found)
    assert.is_true(roi:contains { 180, 22, 19.5 })
    assert.matches("CsvPointsSource: 'voxel_centres' has 2 entries for 3 spatial columns", message("1,2,3\n", { spatial_cols = { 1, 2, 3 }, voxel_centres = { 1, 1 } }), 1, true)
  end)

  it("reads a point a line, ids counting from 0", function()
    local found, roi, batch = read("1,2,3\n4,5,6.5\n", { spatial_cols = { 1, 2, 3 } })
    assert.same({ { 0, 1, 2, 3 }, { 1, 4, 5, 6.5 } }, found)
    assert.equal(md.Roi({ 1, 2, 3 }, { 4, 4, 5 }), roi)
    assert.equal(0, batch[POINTS]:num_edges())
  end)

  it("passes over a header, a byte order mark, empty lines and carriage returns", function()
    local expected = { { 0, 1, 2 }, { 1, 3, 4 } }
    assert.same(expected, (read("\xEF\xBB\xBFy,x\r\n1,2\r\n\r\n3,4", { spatial_cols = { 1, 2 } })))
    assert.same(expected, (read("\xEF\xBB\xBF1,2\n3,4\n", { spatial_cols = { 1, 2 } })))
  end)

  it("takes columns in any order, counted from 1, the first as id too", function()
    local text = "id,x,y,z\n7,1,2,3\n9,4,5,6\n"
    assert.same({ { 7, 3, 2, 1 }, { 9, 6, 5, 4 } }, (read(text, { spatial_cols = { 4, 3, 2 }, id_col = 1 })))
  end)

  it("takes other delimiters and quoted fields", function()
    assert.same({ { 0, 1, 2 } }, (read("1\t2\n", { spatial_cols = { 1, 2 }, delimiter = "\t" })))
    assert.same({ { 5, 1, 2 } }, (read('"a ""b"", c", "5" ,1,"2"\n', { spatial_cols = { 3, 4 }, id_col = 2 })))
  end)

  it("scales, by one number or one an axis", function()
    assert.same({ { 0, 2, 4 } }, (read("1,2\n", { spatial_cols = { 1, 2 }, scale = 2 })))
    assert.same({ { 0, 40, 8 } }, (read("1,2\n", { spatial_cols = { 1, 2 }, scale = { 40, 4 } })))
  end)

  it("serves what is inside of a ROI", function()
    assert.same({ { 1, 4, 5 } }, (read("1,2\n4,5\n9,9\n", { spatial_cols = { 1, 2 } }, md.Roi({ 2, 2 }, { 7, 7 }))))
  end)

  it("takes a ROI and float64 from points_spec", function()
    local spec = md.GraphSpec { roi = md.Roi({ 0, 0 }, { 20000000, 10 }), dtype = "float64" }
    local found, roi = read("16777217,2\n", { spatial_cols = { 1, 2 }, points_spec = spec })
    assert.same({ { 0, 16777217, 2 } }, found)
    assert.equal(spec.roi, roi)
    assert.same({}, (read("", { spatial_cols = { 1, 2 }, points_spec = spec })))
  end)

  it("says what is wrong with the file, and in which line", function()
    local cols = function() return { spatial_cols = { 1, 3 } } end
    assert.equal("CsvPointsSource[FILE]: line 2 has 2 columns, column 3 is wanted", message("1,2,3\n4,5\n", cols()))
    assert.equal("CsvPointsSource[FILE]: line 2, column 3: \"six\" is not a number", message("1,2,3\n4,5,six\n", cols()))
    assert.equal("CsvPointsSource[FILE]: line 2, column 2: \"b\" is no id; ids are whole numbers", message("1,2,3\n4,b,6\n", { spatial_cols = { 1, 3 }, id_col = 2 }))
    assert.equal("CsvPointsSource[FILE]: line 1 has 3 columns, column 4 (the id) is wanted", message("1,2,3\n", { spatial_cols = { 1, 3 }, id_col = 4 }))
    assert.equal("CsvPointsSource[FILE]: id 5 is there twice, in lines 1 and 3", message("1,5,3\n1,6,3\n2,5,3\n", { spatial_cols = { 1, 3 }, id_col = 2 }))
    assert.equal("CsvPointsSource[FILE]: line 1: a quoted field has no end", message('"1,5,3\n', cols()))
    assert.equal("CsvPointsSource[FILE]: there is no point in the file; give points_spec = md.GraphSpec{ roi = … } if that is meant", message("z,y,x\n", cols()))
    local spec = md.GraphSpec { roi = md.Roi({ 0, 0, 0 }, { 9, 9, 9 }) }
    assert.equal("CsvPointsSource[FILE]: points_spec has a ROI with 3 axes, there are 2 spatial columns", message("1,2,3\n", { spatial_cols = { 1, 3 }, points_spec = spec }))
    assert.equal("CsvPointsSource[nowhere.csv]: can't be read: nowhere.csv: No such file or directory", errors.message(function()
      md.CsvPointsSource({ "nowhere.csv", POINTS, { 1, 2 } }):build()
    end))
  end)

  it("says what is wrong with its options", function()
    local function bare(fields)
      fields[1], fields[2] = "a.csv", POINTS
      return errors.bare(function() md.CsvPointsSource(fields) end)
    end
    assert.equal("CsvPointsSource: 'spatial_cols' are whole numbers from 1, not 0", bare { [3] = { 0, 1 } })
    assert.equal("CsvPointsSource: 'id_col' counts from 1, it is 0", bare { [3] = { 1, 2 }, id_col = 0 })
    assert.equal("CsvPointsSource: 'delimiter' must be one character, not \"; \"", bare { [3] = { 1, 2 }, delimiter = "; " })
    assert.equal("CsvPointsSource: 'scale' has 3 entries for 2 spatial columns", bare { [3] = { 1, 2 }, scale = { 1, 2, 3 } })
    assert.equal("CsvPointsSource: 'points_spec' must be md.GraphSpec{ … }, not 5", bare { [3] = { 1, 2 }, points_spec = 5 })
  end)
end)

local battery_file
battery.node("CsvPointsSource", {
  pipeline = function()
    if not battery_file then
      local lines = {}
      for node in battery.world()[battery.POINTS]:nodes() do lines[#lines + 1] = ("%.17g,%.17g,%.17g"):format(table.unpack(node.location)) end
      battery_file = file_with(table.concat(lines, "\n"))
    end
    return md.Pipeline { md.CsvPointsSource { battery_file, battery.POINTS, { 1, 2, 3 }, md.GraphSpec { roi = battery.roi } } }
  end,
  request = function(seed) return battery.request(seed, battery.POINTS) end,
})

describe("CsvPointsSource's temporary files", function()
  it("go", function() for _, path in ipairs(files) do assert.is_true(os.remove(path)) end end)
end)
