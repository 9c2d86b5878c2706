--- `moondust sample OUT.h5`: a synthetic electron-microscopy volume in the CREMI layout, to try pipelines on.
--- The same options give the same file.
---
---     volumes/raw                    uint8, the whole
---     volumes/labels/neuron_ids      uint64   \
---     volumes/labels/organelles      uint8     > the labelled region: an eighth less on each side, as annotated volumes are
---     volumes/masks/labelled         uint8    /
---     annotations/{ids,types,locations,presynaptic_site/partners}   synapses of the whole; types: 1 presynaptic, 2 postsynaptic
local core = require "moondust.core"
local cli = require "moondust.cli"
local must = cli.must
local Progress = require "moondust.cli.progress"

local M = { summary = "Write a synthetic EM volume with labels, in the CREMI layout." }

local SLAB = 8 -- planes made at once, and per chunk

function M.configure(parser)
  parser:argument("out", "The HDF5 file to write; replaced when it exists."):argname "OUT.h5"
  parser:option("--shape", "Voxels of the whole: z, y, x.", "64,512,512"):convert(cli.integers(3)):argname "Z,Y,X"
  parser:option("--voxel-size", "In nm: z, y, x.", "40,4,4"):convert(cli.integers(3)):argname "Z,Y,X"
  parser:option("--seed", "Another seed, another tissue.", "0"):convert(cli.integer(0, 1 << 53)):argname "S"
  parser:flag("-q --quiet", "Print nothing but errors.")
end

--- First plane, row and column (0-based) and shape of the labelled region.
---@param shape integer[]
---@return integer[] begin
---@return integer[] size
function M.labelled_region(shape)
  local begin, size = {}, {}
  for d = 1, 3 do
    begin[d] = shape[d] // 8
    size[d] = shape[d] - 2 * begin[d]
  end
  return begin, size
end

local function chunks_for(shape)
  return { math.min(SLAB, shape[1]), math.min(128, shape[2]), math.min(128, shape[3]) }
end

local LABELS = {
  { "volumes/labels/neuron_ids", "neuron_ids", "uint64" }, { "volumes/labels/organelles", "organelles", "uint8" },
  { "volumes/masks/labelled", "labelled", "uint8" },
}

local function create_datasets(file, shape, voxel_size)
  local begin, size = M.labelled_region(shape)
  local offset = { begin[1] * voxel_size[1], begin[2] * voxel_size[2], begin[3] * voxel_size[3] }
  must(file:create("volumes/raw", shape, "uint8",
    { chunks = chunks_for(shape), compression = 1, voxel_size = voxel_size, offset = { 0, 0, 0 } }))
  for _, label in ipairs(LABELS) do
    must(file:create(label[1], size, label[3],
      { chunks = chunks_for(size), compression = 1, voxel_size = voxel_size, offset = offset }))
  end
end

--- Planes first … last (1-based, of the whole) of what was drawn go where they belong.
local function write_slab(file, drawn, shape, first, last)
  local begin, size = M.labelled_region(shape)
  must(file:write("volumes/raw", drawn.raw, { first - 1, 0, 0 }))
  local from, to = math.max(first, begin[1] + 1), math.min(last, begin[1] + size[1])
  if from > to then return end
  drawn.labelled = core.zeros({ last - first + 1, shape[2], shape[3] }, "uint8"):fill(1)
  local index = { { from - first + 1, to - first + 1 }, { begin[2] + 1, begin[2] + size[2] }, { begin[3] + 1, begin[3] + size[3] } }
  for _, label in ipairs(LABELS) do must(file:write(label[1], drawn[label[2]][index], { from - 1 - begin[1], 0, 0 })) end
end

local function write_annotations(file, drawn)
  local arrays = { ids = drawn.ids, types = drawn.types, locations = drawn.locations, ["presynaptic_site/partners"] = drawn.partners }
  for _, name in ipairs { "ids", "types", "locations", "presynaptic_site/partners" } do
    local array, path = arrays[name], "annotations/" .. name
    must(file:create(path, array.shape, array.dtype, { chunks = false }))
    if array.size > 0 then must(file:write(path, array)) end
  end
  must(file:set_attribute("annotations/types", "names", "1 presynaptic_site, 2 postsynaptic_site"))
  must(file:set_attribute("annotations", "offset", { 0, 0, 0 }))
end

--- Writes the volume. Options: shape, voxel_size, seed, progress.
---@param path string
---@param options table
function M.write(path, options)
  local shape, voxel_size = options.shape, options.voxel_size
  local file <close> = must(core.hdf5.open(path, "w"))
  create_datasets(file, shape, voxel_size)
  for first = 1, shape[1], SLAB do
    local last = math.min(first + SLAB - 1, shape[1])
    local drawn = core.kernel.synthesize { shape = shape, voxel_size = voxel_size, seed = options.seed, first = first, last = last }
    write_slab(file, drawn, shape, first, last)
    if first == 1 then write_annotations(file, drawn) end
    for _, array in pairs(drawn) do array:close() end
    if options.progress then options.progress:update(last) end
  end
  must(file:close()) -- it appears now; an error before this gives it up
end

function M.run(args)
  local progress = not args.quiet and Progress.new { total = args.shape[1], unit = "sections" } or nil
  M.write(args.out, { shape = args.shape, voxel_size = args.voxel_size, seed = args.seed, progress = progress })
  if progress then progress:finish() end
  if not args.quiet then print(("%s: %s voxels, seed %d"):format(core.printable(args.out), table.concat(args.shape, "x"), args.seed)) end
end

return M
