---@meta moondust.core
--- What the C side gives to Lua. `require "moondust"` re-exports the parts that scripts use; nodes and predictors use the rest.
--- Axes, indices and channels count from 1, world coordinates from 0. Every function raises on misuse with one clear message;
--- functions that open files return `nil, message` where the world says no.

---@class moondust.core
local core = {}

--- Written where a coordinate or a shape has no end. Compares equal to itself only; prints as `unbounded`.
core.unbounded = nil

-- ---------------------------------------------------------------------------------------------------- geometry

--- Immutable integers, one per axis (zyx), each possibly `core.unbounded`.
--- Operators: + - * // % with a coordinate, a table of numbers or a number; `/` truncates towards zero as funlib.geometry's;
--- unary minus; ==; #c; c[1].
---@class moondust.Coordinate
---@field dims integer
---@operator add: moondust.Coordinate
---@operator sub: moondust.Coordinate
---@operator mul: moondust.Coordinate
---@operator div: moondust.Coordinate
---@operator idiv: moondust.Coordinate
---@operator mod: moondust.Coordinate
---@operator unm: moondust.Coordinate
local Coordinate = {}

--- The entries as a plain table (`core.unbounded` where there is no end).
---@return (integer|userdata)[]
function Coordinate:totable() end

---@param values moondust.Coordinate|number[]  whole numbers (floats with a fraction are refused) or core.unbounded
---@return moondust.Coordinate
function core.Coordinate(values) end

--- An immutable box in world units, half-open. Fields: offset, begin (= offset), shape, stop (offset + shape), center, size (nil
--- when unbounded), dims, empty, unbounded. Operators: + - shift by a coordinate or number; * / // scale offset and shape; ==.
---@class moondust.Roi
---@field offset moondust.Coordinate
---@field begin moondust.Coordinate
---@field shape moondust.Coordinate
---@field stop moondust.Coordinate
---@field center moondust.Coordinate
---@field size integer?
---@field dims integer
---@field empty boolean
---@field unbounded boolean
local Roi = {}
---@param other moondust.Roi|moondust.Coordinate|number[]  a ROI or a point (points may be fractions)
---@return boolean
function Roi:contains(other) end
---@param other moondust.Roi
---@return boolean
function Roi:intersects(other) end
---@param other moondust.Roi
---@return moondust.Roi
function Roi:intersect(other) end
---@param other moondust.Roi
---@return moondust.Roi
function Roi:union(other) end
---@param by moondust.Coordinate|number[]|number
---@return moondust.Roi
function Roi:shift(by) end
---@param negative moondust.Coordinate|number[]|number
---@param positive moondust.Coordinate|number[]|number|nil  default: as negative
---@return moondust.Roi
function Roi:grow(negative, positive) end
---@param voxel_size moondust.Coordinate|number[]
---@param mode "grow"|"shrink"|"closest"|nil  default "grow"
---@return moondust.Roi
function Roi:snap_to_grid(voxel_size, mode) end
--- The index, for an ndarray that has this ROI behind `channels` axes, of a part of it: { {}, { first, last }, … }.
---@param part moondust.Roi
---@param voxel_size moondust.Coordinate|number[]
---@param channels integer
---@return table[]
function Roi:index_of(part, voxel_size, channels) end

---@param offset moondust.Coordinate|number[]
---@param shape moondust.Coordinate|number[]
---@return moondust.Roi
function core.Roi(offset, shape) end

-- ---------------------------------------------------------------------------------------------------- specs

--- Mutable fields, each nil when not said: roi, voxel_size, interpolatable, dtype; nonspatial and placeholder are booleans.
--- Setting a field checks it. ==, tostring.
---@class moondust.ArraySpec
---@field roi moondust.Roi?
---@field voxel_size moondust.Coordinate?
---@field interpolatable boolean?
---@field nonspatial boolean
---@field placeholder boolean
---@field dtype string?
local ArraySpec = {}
---@return moondust.ArraySpec
function ArraySpec:copy() end
--- Unites the ROIs, takes over what `other` says (gunpowder's update_with); changes and returns self.
---@param other moondust.ArraySpec
---@return moondust.ArraySpec
function ArraySpec:update_with(other) end
---@param fields table?
---@return moondust.ArraySpec
function core.ArraySpec(fields) end

--- Mutable fields: roi, directed, dtype ("float32" by default), placeholder.
---@class moondust.GraphSpec
---@field roi moondust.Roi?
---@field directed boolean?
---@field dtype string
---@field placeholder boolean
local GraphSpec = {}
---@return moondust.GraphSpec
function GraphSpec:copy() end
---@param other moondust.GraphSpec
---@return moondust.GraphSpec
function GraphSpec:update_with(other) end
---@param fields table?
---@return moondust.GraphSpec
function core.GraphSpec(fields) end
--- Whether `wanted` can be answered where `offered` is announced: ROI inside, voxel size the same, begin and shape on its grid.
--- False for whatever isn't an ArraySpec.
---@param offered moondust.ArraySpec?
---@param wanted moondust.ArraySpec?
---@return boolean
function core.request_fits(offered, wanted) end
--- Whether an array with the spec `delivered` is what was wanted and announced: ROI, voxel size, shape, dtype.
---@param offered moondust.ArraySpec?
---@param wanted moondust.ArraySpec?
---@param delivered moondust.ArraySpec?
---@param data moondust.ndarray?
---@return boolean
function core.delivery_fits(offered, wanted, delivered, data) end
--- request_fits of every key that `order` lists, and whether one of them is a placeholder. False where there is a graph.
---@param order moondust.Key[]
---@param wanted table<moondust.Key, moondust.ArraySpec|moondust.GraphSpec>
---@param offered table<moondust.Key, moondust.ArraySpec|moondust.GraphSpec>
---@return boolean fits
---@return boolean placeholder
function core.request_fits_all(order, wanted, offered) end
--- delivery_fits of every key that `order` lists. False where there is a graph.
---@param order moondust.Key[]
---@param wanted table<moondust.Key, moondust.ArraySpec|moondust.GraphSpec>
---@param offered table<moondust.Key, moondust.ArraySpec|moondust.GraphSpec>
---@param items table<moondust.Key, moondust.Array|moondust.Graph>
---@return boolean
function core.delivery_fits_all(order, wanted, offered, items) end
--- Whether what is listed and no graph has an ndarray as `data` and an ArraySpec as `spec`.
---@param order moondust.Key[]
---@param items table<moondust.Key, moondust.Array|moondust.Graph>
---@return boolean
function core.are_arrays(order, items) end
--- What `order` lists, out of `items` or else out of `others`, as a new table; nil unless all are arrays that have the ROI wanted of them.
---@param order moondust.Key[]
---@param wanted table<moondust.Key, moondust.ArraySpec|moondust.GraphSpec>
---@param items table<moondust.Key, moondust.Array|moondust.Graph>
---@param others table<moondust.Key, moondust.Array|moondust.Graph>?
---@return table<moondust.Key, moondust.Array>?
function core.pick(order, wanted, items, others) end
--- Bytes that an array has in the ROI wanted, of the voxel size and dtype offered; nil where there is no ROI or no voxel size.
---@param offered moondust.ArraySpec
---@param wanted moondust.ArraySpec
---@return number?
function core.bytes_wanted(offered, wanted) end
--- Whether two specs have the same ROI, or both none.
---@param a moondust.ArraySpec|moondust.GraphSpec
---@param b moondust.ArraySpec|moondust.GraphSpec
---@return boolean
function core.same_roi(a, b) end
--- `for key, value in core.items(order, values) do`: what `order` lists, as it was when the loop began.
---@generic V
---@param order moondust.Key[]
---@param values table<moondust.Key, V>
---@return fun(): moondust.Key, V
function core.items(order, values) end
--- What holds the ROIs of all specs that `order` lists; nil when they have none, and nil with two places in `order` when those have not as many axes.
---@param order moondust.Key[]
---@param values table<moondust.Key, moondust.ArraySpec|moondust.GraphSpec>
---@return moondust.Roi?
---@return integer? first
---@return integer? other
function core.total_roi(order, values) end
--- Moves the ROIs of all specs that `order` lists.
---@param order moondust.Key[]
---@param values table<moondust.Key, moondust.ArraySpec|moondust.GraphSpec>
---@param shift moondust.Coordinate
function core.shift_rois(order, values, shift) end
--- The shifts that keep the box `wanted` inside of `offered`, each with the rest of its step of `grid`.
---@param offered moondust.Roi
---@param wanted moondust.Roi
---@param grid moondust.Coordinate
---@return moondust.Roi
function core.shifts_within(offered, wanted, grid) end
--- Copies of the specs under the keys that `order` lists, as a new table; an error where there is none. And, of a request's seed, that of its copy.
---@param order moondust.Key[]
---@param values table<moondust.Key, moondust.ArraySpec|moondust.GraphSpec>
---@param seed integer?
---@return table<moondust.Key, moondust.ArraySpec|moondust.GraphSpec>
---@return integer? seed
function core.copy_specs(order, values, seed) end
--- Whether one of these specs is a placeholder.
---@param order moondust.Key[]
---@param values table<moondust.Key, moondust.ArraySpec|moondust.GraphSpec>
---@return boolean
function core.has_placeholder(order, values) end

-- ---------------------------------------------------------------------------------------------------- arrays

--- An n-d array: a strided view of refcounted bytes. Elements 1-based: `a[{z, y, x}]`; views `a[{{1, 3}, {}, 5}]` (inclusive
--- ranges, optional third entry = step, `{}` = all, a number drops the axis, negative numbers count from the end, fewer entries
--- than axes: the rest whole). `a[index] = number or array` writes (copy on write: other views keep what they saw). Arithmetic +
--- - * / ^ and unary minus with arrays (broadcast) and numbers make new arrays: numpy's result types, but a number never widens
--- an array (uint8 + 1 is uint8, saturating; float32 * 2 is float32; integer arrays / anything is float32, 64-bit integers
--- float64). Numbers written into an array (also by :fill and core.ndarray) round half to even and saturate, NaN becomes 0 in
--- integer arrays; arrays written into an array are cast as by :astype. A plain number is an index of the first axis, so that
--- `a[1]`, `#a` and `ipairs(a)` work as for a sequence (reading outside gives nil there; in a table it is an error). uint64
--- elements from 2^63 on come back as the Lua integer with the same bits (negative; math.ult compares them, tostring(array)
--- prints them right), and so are they written, filled, counted and compared with. In arithmetic a negative number is negative.
---@class moondust.ndarray
---@field shape integer[]
---@field dtype string
---@field ndim integer
---@field size integer     elements
---@field nbytes integer
---@field closed boolean
---@operator add: moondust.ndarray
---@operator sub: moondust.ndarray
---@operator mul: moondust.ndarray
---@operator div: moondust.ndarray
---@operator pow: moondust.ndarray
---@operator unm: moondust.ndarray
local ndarray = {}
--- Of an integer array an integer, exact for 64-bit ids. NaN anywhere gives NaN, as in numpy. An array of no elements is an
--- error.
---@return number
function ndarray:min() end
---@return number
function ndarray:max() end
--- Both in one pass.
---@return number min, number max
function ndarray:minmax() end
--- Of an integer array an integer, mod 2^64; of a float array computed in double.
---@return number
function ndarray:sum() end
--- In double; an array of no elements is an error.
---@return number
function ndarray:mean() end
--- Of the population (numpy's default), in double.
---@return number
function ndarray:std() end
--- Is any element other than 0 (NaN is)?
---@return boolean
function ndarray:any() end
---@return boolean
function ndarray:all() end
--- Sorted distinct values, and how often each occurs.
---@return moondust.ndarray values, moondust.ndarray counts  counts: uint64
function ndarray:unique() end
--- Elements that are equal to value, as by :eq (NaN never is).
---@param value number
---@return integer
function ndarray:count(value) end
--- Counts of values in `bins` equal bins over [low, high] (high included in the last bin); default range: min to max.
---@param bins integer
---@param low number?
---@param high number?
---@return moondust.ndarray counts uint64
---@return number low, number high
function ndarray:histogram(bins, low, high) end
--- Index (1-based, as a table) of the first NaN in C order, or nil. Integer arrays have none.
---@return integer[]?
function ndarray:first_nan() end
--- Sets every element; copy on write. Returns self.
---@param value number
---@return moondust.ndarray
function ndarray:fill(value) end
--- numpy's astype (integers wrap, floats are truncated); one more view when the dtype is that already.
---@param dtype string
---@return moondust.ndarray
function ndarray:astype(dtype) end
---@return moondust.ndarray
function ndarray:copy() end
--- One more view of the same elements (writing to either copies first).
---@return moondust.ndarray
function ndarray:view() end
---@param ... integer  axes in their new order; none: reversed
---@return moondust.ndarray view
function ndarray:transpose(...) end
---@param axis integer
---@return moondust.ndarray view
function ndarray:flip(axis) end
---@param shape integer[]  one entry may be -1
---@return moondust.ndarray
function ndarray:reshape(shape) end
--- Rows first … last (inclusive, 1-based) along an axis.
---@param axis integer
---@param first integer
---@param last integer
---@param step integer?
---@return moondust.ndarray view
function ndarray:slice(axis, first, last, step) end
--- A new axis of length 1 in front of `axis`.
---@param axis integer
---@return moondust.ndarray view
function ndarray:add_axis(axis) end
--- Removes an axis of length 1.
---@param axis integer
---@return moondust.ndarray view
function ndarray:drop_axis(axis) end
--- Comparisons broadcast; exact for 64-bit integers; a number is rounded to float32 before it meets a float32 array, so that
--- :eq(0.1) finds a stored 0.1.
---@param other moondust.ndarray|number
---@return moondust.ndarray mask uint8
function ndarray:eq(other) end
function ndarray:ne(other) end
function ndarray:lt(other) end
function ndarray:le(other) end
function ndarray:gt(other) end
function ndarray:ge(other) end
--- Same dtype, shape and bytes (NaN equals NaN).
---@param other moondust.ndarray
---@return boolean
function ndarray:equal(other) end
--- 64-bit hash of dtype, shape and elements in C order, as 16 hex digits; the same on every machine.
---@return string
function ndarray:hash() end
--- Nested tables.
---@return table
function ndarray:totable() end
--- The elements in C order as a string of native-endian bytes (for other Lua libraries).
---@return string
function ndarray:tostring_bytes() end
--- Draws slices of it into a PNG file, with options as Batch:png has them. The last axes, three at most, are space; those before
--- them are channels.
---@param path string
---@param options table?  slices, width, kind, window, columns, channels, colors, title, text
---@return true?
---@return string? message
function ndarray:png(path, options) end
--- Gives the bytes back now; using the array afterwards is an error.
function ndarray:close() end

---@param values table|number  nested tables
---@param dtype string?  default "float32"
---@return moondust.ndarray
function core.ndarray(values, dtype) end
---@param shape integer[]
---@param dtype string?
---@return moondust.ndarray
function core.zeros(shape, dtype) end
---@param shape integer[]
---@param dtype string?
---@return moondust.ndarray
function core.empty(shape, dtype) end
--- All arrays along a new first axis; same shape and dtype.
---@param arrays moondust.ndarray[]
---@return moondust.ndarray
function core.stack(arrays) end
---@param arrays moondust.ndarray[]
---@param axis integer
---@return moondust.ndarray
function core.concatenate(arrays, axis) end

-- ---------------------------------------------------------------------------------------------------- graphs

--- Plain value made by md.Node{ id, location, attrs }: fields id, location (table of numbers), temporary, attrs (numbers by
--- name).
---@class moondust.Node
---@field id integer
---@field location number[]
---@field temporary boolean
---@field attrs table<string, number>
---@class moondust.Edge
---@field u integer
---@field v integer
---@field attrs table<string, number>

--- Changes never reach a copy, nor the graph that a running loop walks along: each sees what was there when it began.
---@class moondust.Graph
---@field spec moondust.GraphSpec   a copy; assign to change it (directedness can't change once there are edges)
---@field directed boolean
---@field ndim integer
---@field closed boolean
local Graph = {}
--- Iterates over nodes in insertion order.
---@return fun(): moondust.Node?
function Graph:nodes() end
---@return fun(): moondust.Edge?
function Graph:edges() end
---@return integer
function Graph:num_nodes() end
---@return integer
function Graph:num_edges() end
---@param id integer
---@return moondust.Node?
function Graph:node(id) end
---@param id integer
---@return boolean
function Graph:contains(id) end
--- A node with an id that is there is overwritten in place; attributes that the new one doesn't have stay. The same for edges.
---@param node moondust.Node
function Graph:add_node(node) end
---@param edge moondust.Edge
function Graph:add_edge(edge) end
---@param id integer
---@param retain_connectivity boolean?
function Graph:remove_node(id, retain_connectivity) end
---@param u integer
---@param v integer
function Graph:remove_edge(u, v) end
--- Nodes inside, the edges that touch the ROI (those too that pass through it) and those edges' ends outside.
---@param roi moondust.Roi
---@return moondust.Graph
function Graph:crop(roi) end
--- The crop with its ends outside replaced by temporary nodes where the edges leave the ROI; these come last, with ids from the
--- largest + 1 (docs/concepts.md, "Edges at a face").
---@param roi moondust.Roi
---@return moondust.Graph
function Graph:trim(roi) end
--- Moved to `roi`, which is the graph's own ROI moved likewise, and cropped to it: axis d of a place is axis from[d] of the old one,
--- negated where flip[d], plus by[d] (world units). Rounding carries no node across a face.
---@param roi moondust.Roi
---@param by moondust.Coordinate|number[]
---@param from integer[]?  default: each axis stays
---@param flip boolean[]?  of the new axes; default: none
---@return moondust.Graph
function Graph:moved(roi, by, from, flip) end
---@param other moondust.Graph
---@return moondust.Graph
function Graph:merge(other) end
--- A shifted copy.
---@param by moondust.Coordinate|number[]
---@return moondust.Graph
function Graph:shift(by) end
--- By age of the edges; in a directed graph successors, then predecessors (who is both, twice).
---@param id integer
---@return integer[] ids
function Graph:neighbors(id) end
---@return integer[][] ids of each weakly connected component
function Graph:connected_components() end
--- Ids of nodes inside a ROI (spatial index).
---@param roi moondust.Roi
---@return integer[]
function Graph:nodes_in(roi) end
---@return moondust.Graph
function Graph:copy() end
--- Id of the first node that lies outside `roi` and isn't the end of edges only that may touch it ("dangling", which is allowed); nil
--- if there is none.
---@param roi moondust.Roi
---@return integer?
function Graph:first_stray(roi) end
--- (n, ndim) float64 locations, n uint64-compatible int64 ids, (m, 2) int64 edges.
---@return moondust.ndarray locations, moondust.ndarray ids, moondust.ndarray edges
function Graph:arrays() end
--- A copy in which every node sits where `locations` (n, ndim) says; order as in :arrays().
---@param locations moondust.ndarray
---@return moondust.Graph
function Graph:with_locations(locations) end
function Graph:close() end

---@param fields table  { nodes, edges, spec } or named nodes=, edges=, spec=; ndim= where neither a node nor the spec's roi says the number of axes
---@return moondust.Graph
function core.Graph(fields) end
---@param fields table  { id, location, attrs } or named id=, location=, attrs=, temporary=
---@return moondust.Node
function core.Node(fields) end
---@param fields table  { u, v, attrs } or named
---@return moondust.Edge
function core.Edge(fields) end

-- ---------------------------------------------------------------------------------------------------- random streams

--- The pair of reference streams that travels with a request. np_* draw from NumPy's legacy stream, the others from CPython's.
---@class moondust.Rng
local Rng = {}
---@param seed integer
function Rng:seed(seed) end
---@return number
function Rng:random() end
--- Whether random() > p, with the same draw; of p = 1 the number isn't made.
---@param p number
---@return boolean
function Rng:exceeds(p) end
---@param low integer
---@param high integer  included
---@return integer
function Rng:randint(low, high) end
--- A point of a Roi: one randint an axis, in order.
---@param roi moondust.Roi
---@return moondust.Coordinate
function Rng:point_in(roi) end
--- One draw of random.choices(cum_weights = cumulative): index from 1.
---@param cumulative number[]
---@return integer
function Rng:choice_cumulative(cumulative) end
--- random.sample(range(n), k), indices from 1.
---@param n integer
---@param k integer
---@return integer[]
function Rng:sample(n, k) end
---@return number
function Rng:np_random() end
---@param low number
---@param high number
---@return number
function Rng:np_uniform(low, high) end
---@param loc number
---@param scale number
---@return number
function Rng:np_normal(loc, scale) end
--- float64 array of normals in C order.
---@param loc number
---@param scale number
---@param shape integer[]
---@return moondust.ndarray
function Rng:np_normals(loc, scale, shape) end
--- Displacements of control points, float32 (axes, points…): of each axis in turn np_normals(0, sigma, points), but nothing is drawn where sigma is 0; nil where
--- all are.
---@param sigmas number[]
---@param points integer[]
---@return moondust.ndarray?
function Rng:np_displacement(sigmas, points) end
---@param low integer
---@param high integer  excluded
---@return integer
function Rng:np_randint(low, high) end
--- np.random.choice(range(n), p): index from 1.
---@param n integer
---@param p number[]?  must sum to 1
---@return integer
function Rng:np_choice(n, p) end
--- scipy's Rotation.random().as_matrix() as a 3x3 table, acting on (z, y, x) columns as upstream applies it.
---@return number[][]
function Rng:np_rotation() end

---@param seed integer?  default 0
---@return moondust.Rng
function core.Rng(seed) end
--- Seed of a request's copy().
---@param seed integer
---@return integer
function core.seed_copy(seed) end
--- Seed of rejection attempt n (0: the seed itself).
---@param seed integer
---@param attempt integer
---@return integer
function core.seed_attempt(seed, attempt) end
--- Seed of a batch, counted from 0, of the stream that a list of whole numbers names (moondust/seed.lua has the hash).
---@param list integer[]
---@param batch integer
---@return integer
function core.seed_stream(list, batch) end
--- Where `index` goes in a one-to-one map of 0 … count - 1 onto itself, another map for each key.
---@param key integer  0 to 2^32 - 1
---@param count integer
---@param index integer
---@return integer
function core.permute(key, count, index) end
--- 32 bits from the operating system.
---@return integer
function core.seed_from_system() end

-- ---------------------------------------------------------------------------------------------------- kernels
-- Arrays in, new arrays out; inputs are never changed. Leading channel axes are allowed wherever an argument says "spatial".

---@class moondust.kernel
local kernel = {}
core.kernel = kernel
--- Adds before[i] / after[i] elements on each axis. mode "constant" (value) or "reflect" (numpy's: the edge is not repeated;
--- wider than the array: reflects again).
---@param a moondust.ndarray
---@param before integer[]
---@param after integer[]
---@param mode "constant"|"reflect"
---@param value number?
---@return moondust.ndarray
function kernel.pad(a, before, after, mode, value) end
--- a * scale + shift, stored as dtype (default: a's), clipped to [low, high] when given. Computed in float32 for float32 output
--- and in float64 otherwise; integer outputs round and saturate.
---@param a moondust.ndarray
---@param scale number
---@param shift number
---@param dtype string?
---@param low number?
---@param high number?
---@return moondust.ndarray
function kernel.scale_shift(a, scale, shift, dtype, low, high) end
--- a * factor as `dtype`, the same as scale_shift(a, factor, 0, dtype). Of integers of 1 and 2 bytes as float32 the elements are made when somebody asks for
--- them: views, kernel.pad and Transform:sample do without, and are faster for it.
---@param a moondust.ndarray
---@param factor number
---@param dtype string?  default float32
---@return moondust.ndarray
function kernel.scale_later(a, factor, dtype) end
--- Normalise to [0, 1] by the array's min and max, raise to gamma, un-normalise. Float arrays; a range <= 1e-3 returns a view of
--- a.
---@param a moondust.ndarray
---@param gamma number
---@return moondust.ndarray
function kernel.gamma(a, gamma) end
--- Per slab s (slabs in C order, shape `slab`, -1 = whole axis): mean + (a - mean) * scales[s] + shifts[s]; clipped to [0, 1] if
--- clip. Float arrays.
---@param a moondust.ndarray
---@param slab integer[]
---@param scales number[]
---@param shifts number[]
---@param clip boolean
---@return moondust.ndarray
function kernel.intensity(a, slab, scales, shifts, clip) end
--- Number of slabs that :intensity and :balance_weights see.
---@param a moondust.ndarray
---@param slab integer[]
---@return integer
function kernel.slab_count(a, slab) end
--- Maximum over the leading axes until `ndim` axes are left.
---@param a moondust.ndarray
---@param ndim integer
---@return moondust.ndarray
function kernel.max_channels(a, ndim) end
--- Affinities (edges, spatial…) uint8 of a label array (spatial, 1 to 4 axes): 1 where the voxel and the one `offset` away carry
--- the same non-zero id. Voxels whose partner lies outside are 0. With background_as_object 0 counts as an id.
---@param labels moondust.ndarray
---@param offsets integer[][]
---@param background_as_object boolean?
---@return moondust.ndarray
function kernel.affinities(labels, offsets, background_as_object) end
--- (classes, spatial…) uint8.
---@param labels moondust.ndarray
---@param classes integer
---@return moondust.ndarray
function kernel.one_hot(labels, classes) end
--- Signed Euclidean distance (world units, float32) of each voxel centre to the nearest face between voxels of different label:
--- positive on non-zero labels, negative on zero. No face at all: min over axes of shape * voxel_size / 2, with that sign.
--- labels: leading channel axes are handled one by one. With `scale`: tanh(d / scale).
---@param labels moondust.ndarray
---@param voxel_size moondust.Coordinate|number[]
---@param scale number?
---@return moondust.ndarray
function kernel.boundary_distance(labels, voxel_size, scale) end
--- dacapo's create_distance_mask: mask without the voxels whose |target| + epsilon (capped at threshold) reaches the tanh-scaled distance to the mask's border.
---@param target moondust.ndarray float32 (channels, spatial…), tanh-scaled distances
---@param mask moondust.ndarray same shape, or without the channel axis
---@param voxel_size moondust.Coordinate|number[]
---@param scale number
---@param epsilon number
---@param threshold number
---@return moondust.ndarray uint8, shape of mask
function kernel.distance_mask(target, mask, voxel_size, scale, epsilon, threshold) end
--- dacapo's balance_weights: float32 error scale of labels' shape; masks multiply (broadcast over leading axes). `counts`: {
--- {num, den, num, den, …} per slab } from an earlier call, or nil. clipmin, clipmax: limits of the fractions, nil = upstream's
--- 0.05 and 0.95, false = none. Slabs in `counts` that labels doesn't have are handed on.
---@param labels moondust.ndarray
---@param classes integer|"positive"  how many; "positive": labels of any kind are two classes, up to 0 and above
---@param masks moondust.ndarray[]
---@param slab integer[]
---@param clipmin (number|false)?
---@param clipmax (number|false)?
---@param counts number[][]?
---@return moondust.ndarray weights
---@return number[][] counts
function kernel.balance_weights(labels, classes, masks, slab, clipmin, clipmax, counts) end
--- Every step turns voxels of an object that touch another label by a face into background (gunpowder's GrowBoundary); the
--- array's own border doesn't count.
---@param labels moondust.ndarray
---@param steps integer
---@return moondust.ndarray
function kernel.grow_boundary(labels, steps) end
--- Local shape descriptors (lsd package, mode "gaussian"), float32 (10, z, y, x) or (6, y, x): mean offset, variance, Pearson
--- coefficients and size of each object's part around the voxel, weighted by a Gaussian of `sigma` (world units an axis), all
--- scaled to [0, 1]; background 0. Axes must be multiples of `downsample` long.
---@param labels moondust.ndarray  2 or 3 axes
---@param voxel_size moondust.Coordinate|number[]
---@param sigma moondust.Coordinate|number[]
---@param downsample integer?  default 1
---@return moondust.ndarray
function kernel.local_shape(labels, voxel_size, sigma, downsample) end
--- Random noise on a float array, a function of seed and each element's position alone: the same for any number of threads. mode "gaussian": a + n, n normal; "speckle":
--- a + a * n; "s&p": a share `amount` becomes 1 (with probability salt_vs_pepper) or pepper; "poisson": low + span * k / levels
--- with k Poisson of mean (a - low) / span * levels. Options: mean 0, var 0.01, local_vars (gaussian: array of variances,
--- broadcast), amount 0.05, salt_vs_pepper 0.5, pepper 0, low 0, span 1, levels 256, clip_low, clip_high.
---@param a moondust.ndarray
---@param mode "gaussian"|"speckle"|"s&p"|"poisson"
---@param seed integer
---@param options table?
---@return moondust.ndarray
function kernel.noise(a, mode, seed, options) end
--- A section (channels…, rows, columns) with a fold along the line from `from` to `to` ({row, column} from 0, on the border:
--- first to last row, or first to last column): without `strength` elements at each border, each element from `strength` further
--- away from the line, and 0 up to `width` elements (along the axes) from the line. Interpolation is cubic, or nearest.
---@param section moondust.ndarray
---@param from integer[]
---@param to integer[]
---@param along "rows"|"columns"
---@param strength integer
---@param width integer
---@param interpolate boolean
---@return moondust.ndarray
function kernel.fold(section, from, to, along, strength, width, interpolate) end
--- Connected components (through faces, along the last `spatial` axes) of equal label, numbered 1, 2, … by falling size, those of
--- one size by their first elements; 0 stays 0.
---@param labels moondust.ndarray
---@param spatial integer?  default: all axes
---@return moondust.ndarray components, integer count
function kernel.components(labels, spatial) end
--- Like grow_boundary, along the last `axes` axes (default: all), with a mask that is 0 where labels are unknown (nothing grows
--- towards there) and `background` (default 0) as label of what is eroded.
---@param labels moondust.ndarray
---@param steps integer
---@param mask moondust.ndarray?
---@param background integer?
---@param axes integer?
---@return moondust.ndarray
function kernel.erode_labels(labels, steps, mask, background, axes) end
--- Labels with every id of `ids` replaced by `value` (default 0), and a uint8 mask of where that was.
---@param labels moondust.ndarray
---@param ids integer[]
---@param value integer?
---@return moondust.ndarray labels, moondust.ndarray where
function kernel.exclude_labels(labels, ids, value) end
--- uint8: 1 where a zero of the mask lies no further than `distance` (world units, from centre to centre) away. As many of the
--- last axes are space as voxel_size has entries.
---@param mask moondust.ndarray
---@param voxel_size moondust.Coordinate|number[]
---@param distance number
---@return moondust.ndarray
function kernel.within(mask, voxel_size, distance) end
--- What is set in a mask (mask > 0), for counting in any box: a summed-area table of blocks, and the mask as bits.
---@class moondust.Integral
local Integral = {}
--- Masked-in elements in the box (0-based begin, shape), clipped to the array.
---@param begin integer[]
---@param shape integer[]
---@return integer
function Integral:count(begin, shape) end
--- A piece of the mask: as many layers along the first axis, from layer `first` (0-based) on, as it has. With one axis: all of it.
---@param piece moondust.ndarray
---@param first integer
---@return moondust.Integral self
function Integral:put(piece, first) end
--- After the last piece.
---@return moondust.Integral self
function Integral:finish() end
function Integral:close() end
---@param mask moondust.ndarray
---@return moondust.Integral
function kernel.integral(mask) end
--- An integral whose mask comes piece by piece; what is not put is not set.
---@param shape integer[]
---@return moondust.Integral
function kernel.integral_in_pieces(shape) end

--- The voxels of a graph's nodes and, unless edges is false, of the lines between them as 1 in zeros, or as the attribute `color`
--- (items without it are left out). Voxels are counted by floor from world position 0; what lies outside of the ROI isn't drawn.
---@param graph moondust.Graph
---@param roi moondust.Roi  on the grid of voxel_size
---@param voxel_size moondust.Coordinate|integer[]
---@param dtype string?  default "uint8"
---@param edges boolean?  default true
---@param color string?
---@return moondust.ndarray
function kernel.draw_graph(graph, roi, voxel_size, dtype, edges, color) end
--- Each voxel within `radius` (world units an axis) of a non-zero one takes the value of the nearest; with inner (a fraction of
--- radius) those nearer than that become 0.
---@param drawn moondust.ndarray  all axes spatial
---@param voxel_size moondust.Coordinate|number[]
---@param radius moondust.Coordinate|number[]
---@param inner number?  default 0: full balls
---@return moondust.ndarray
function kernel.grow_balls(drawn, voxel_size, radius, inner) end
--- exp(-d^2 / 2), d = the distance to the nearest non-zero voxel in units of sigma (world units an axis); 0 beyond 4 sigma.
---@param drawn moondust.ndarray  all axes spatial
---@param voxel_size moondust.Coordinate|number[]
---@param sigma moondust.Coordinate|number[]
---@param dtype string?  "float32" (default) or "float64"
---@return moondust.ndarray
function kernel.grow_peaks(drawn, voxel_size, sigma, dtype) end
--- Other voxel sizes: output voxel o (from 0) of a spatial axis lies at input coordinate o * scale + shift. "nearest" moves
--- elements as they are; "linear" interpolates, and smooths first where scale > 1 (scikit-image's rescale); "mean" averages
--- `scale` (whole) voxels around the coordinate. #shape spatial axes, channels in front.
---@param a moondust.ndarray
---@param shape integer[]
---@param scale number[]
---@param shift number[]
---@param mode "nearest"|"linear"|"mean"
---@return moondust.ndarray
function kernel.resize(a, shape, scale, shift, mode) end
--- (groups, shape of labels) uint8: 1 where the id is in the group and is not background. An empty group takes every id.
---@param labels moondust.ndarray
---@param groups integer[][]
---@param background integer?  default 0
---@return moondust.ndarray
function kernel.binarize(labels, groups, background) end

--- A synthetic electron-microscopy volume, labels true by construction, the same for any number of threads. Options: shape (z, y,
--- x in voxels, of the whole), voxel_size (nm), seed (default 0), first and last (planes to draw, 1-based, inclusive; default:
--- all). A volume made in slabs is the volume made at once.
---@param options table
---@return moondust.Synthesis
function kernel.synthesize(options) end
---@class moondust.Synthesis
---@field raw moondust.ndarray         uint8
---@field neuron_ids moondust.ndarray  uint64, 1 and up
---@field organelles moondust.ndarray  uint8, 1 = mitochondrion
---@field locations moondust.ndarray   float64 (n, 3): synaptic sites of the whole volume, world units
---@field ids moondust.ndarray         uint64 (n)
---@field types moondust.ndarray       uint8 (n): 1 presynaptic, 2 postsynaptic
---@field partners moondust.ndarray    uint64 (n / 2, 2): ids of the two sites of a synapse

--- Labels as a picture: uint8 (shape of labels, 3). Each id has a colour that never changes; 0 is black.
---@param labels moondust.ndarray
---@return moondust.ndarray
function kernel.colorize(labels) end
--- Of the finite values, those that these fractions (0 to 1) of them are below (the element nearest to fraction * (count - 1) in
--- sorted order; 0 when there are none), and what there is: numbers of finite, NaN and infinite elements, lowest and highest finite
--- one.
---@param a moondust.ndarray
---@param fractions number[]
---@return number[] values
---@return { count: integer, nan: integer, infinite: integer, low: number, high: number } found
function kernel.quantiles(a, fractions) end
--- Numbers in colour: uint8 (shape of a, 3). `colors` (two to 256 of { red, green, blue }, evenly spread, mixed in between) go from
--- `low` to `high`; what lies beyond takes the first or the last, NaN takes `nan`.
---@param a moondust.ndarray
---@param low number
---@param high number
---@param colors integer[][]
---@param nan integer[]
---@return moondust.ndarray
function kernel.map_colors(a, low, high, colors, nan) end
--- One picture over another: under + opacity * (over - under) where `where` isn't 0 (nil: everywhere), else under.
---@param under moondust.ndarray  uint8 (height, width, 3)
---@param over moondust.ndarray   the same shape
---@param where moondust.ndarray?  (height, width)
---@param opacity number?  0 to 1, default 1
---@return moondust.ndarray
function kernel.blend(under, over, where, opacity) end
--- A picture in at most `most` colours (2 to 256, default 256): which one each pixel has, and the colours. Exact where it has no more.
---@param image moondust.ndarray  uint8 (height, width, 3)
---@param most integer?
---@return moondust.ndarray index    uint8 (height, width), from 0
---@return moondust.ndarray palette  uint8 (n, 3)
function kernel.reduce_colors(image, most) end
--- Draws lines with round ends, and discs (lines whose ends are one place), on a picture; smooth edges. Changes and returns it.
---@param canvas moondust.ndarray  uint8 (height, width, 3)
---@param strokes number[]  five numbers each, in pixels: y0, x0, y1, x1, radius; 0.5, 0.5 is the centre of the first pixel
---@param color integer[]  red, green, blue
---@return moondust.ndarray canvas
function kernel.draw_strokes(canvas, strokes, color) end
--- Draws a line of text on a picture; what lies outside is cut off. Changes and returns it.
---@param canvas moondust.ndarray  uint8 (height, width, 3)
---@param glyphs moondust.ndarray  uint8 (count, rows, columns): ink (0 to 255) of the bytes from the space on; the last stands for what has none
---@param text string
---@param y integer  0-based pixel of the upper left corner
---@param x integer
---@param advance integer  pixels from one glyph to the next
---@param color integer[]  red, green, blue
---@return moondust.ndarray canvas
function kernel.draw_text(canvas, glyphs, text, y, x, advance, color) end

-- ---------------------------------------------------------------------------------------------------- transformations

--- A place-to-place transformation in world units: output position p is fetched from p + displacement(p) + rotation about the
--- ROI's centre. Options: roi (master ROI on the voxel grid), voxel_size, displacement = float array (ndim, control points…) or
--- nil, rotation = n x n matrix (table, zyx) or nil, subsample = integer, quirks = boolean (upstream's arithmetic as it stands).
---@class moondust.Transform
local Transform = {}
--- The ROI (on the grid of voxel_size) that must be read so that every voxel of `roi` can be fetched.
---@param roi moondust.Roi
---@param voxel_size moondust.Coordinate
---@return moondust.Roi
function Transform:source_roi(roi, voxel_size) end
--- Fetches the voxels of out_roi from `a`, which covers in_roi (leading channel axes allowed): linear if interpolate, else
--- nearest. 0 outside.
---@param a moondust.ndarray
---@param in_roi moondust.Roi
---@param out_roi moondust.Roi
---@param voxel_size moondust.Coordinate
---@param interpolate boolean
---@return moondust.ndarray
function Transform:sample(a, in_roi, out_roi, voxel_size, interpolate) end
--- :sample of several arrays of one dtype that cover the same ROI. Each comes out as it would alone; where voxels come from is found out once.
---@param arrays moondust.ndarray[]
---@param in_roi moondust.Roi
---@param out_roi moondust.Roi
---@param voxel_size moondust.Coordinate
---@param interpolate boolean
---@return moondust.ndarray[]
function Transform:sample_all(arrays, in_roi, out_roi, voxel_size, interpolate) end
--- Where the world position `point` is fetched from.
---@param point number[]
---@return number[]
function Transform:map(point) end
--- (n, ndim) float64 source positions -> positions that are fetched from there (inverse of :map, to 1e-3 of a voxel) ; third
--- result: uint8 mask of those that converged.
---@param points moondust.ndarray
---@return moondust.ndarray positions, moondust.ndarray converged
function Transform:invert(points) end
--- The dense field (ndim, spatial…) float32: source position, in world units, of each voxel of `roi` (its centre; with quirks its
--- lower corner).
---@param roi moondust.Roi
---@param voxel_size moondust.Coordinate
---@return moondust.ndarray
function Transform:field(roi, voxel_size) end
--- How far away each voxel of `roi` is fetched, (ndim, spatial…) float32 in world units: its source position less its own. Not
--- with quirks.
---@param roi moondust.Roi
---@param voxel_size moondust.Coordinate
---@return moondust.ndarray
function Transform:displacement(roi, voxel_size) end
--- How far away each voxel of `roi` is fetched, (ndim, spatial…) float32 in world units: its source position less its own. Not
--- with quirks.
---@param roi moondust.Roi
---@param voxel_size moondust.Coordinate
---@return moondust.ndarray
function Transform:displacement(roi, voxel_size) end
function Transform:close() end
---@param options table
---@return moondust.Transform
function core.Transform(options) end

-- ---------------------------------------------------------------------------------------------------- HDF5

--- What a file says of a dataset.
---@class moondust.DatasetInfo
---@field name string         path from the root, without a leading slash
---@field shape integer[]
---@field dtype string?       nil when it is none of ours (strings, compounds)
---@field type string         the file's own type in words
---@field chunks integer[]?
---@field filters string[]    "gzip", "shuffle", "lzf", "scale-offset", "szip" …
---@field voxel_size number[]? as the file says, fractions kept; from `resolution`, or from `voxel_size` where there is no `resolution`
---@field offset number[]?    world units
---@field axes string[]?      attribute `axis_names`, when there
---@field bytes integer       stored size

---@class moondust.hdf5
local hdf5 = {}
core.hdf5 = hdf5
--- An open file; closes with :close(), <close> and the collector. Names are paths from the root, with or without a leading slash.
--- What the world says no to comes back as nil and a message; misuse (a closed file, a box outside of the dataset, a wrong
--- option) and a lack of memory raise.
---
--- A file made anew ("w", and "a" where there is none) is written under a temporary name in the folder of its own, and takes that
--- when it is closed and whole: flushed, its structure read back, on the disk. Until then, and after any failure, what was there
--- stays. An error that leaves a <close> scope gives such a file up, and so does the collector, with a warning. A file in place
--- ("r+", and "a" where there is one) is refused while this process reads it; after a failure it is as at its last flush, but for
--- boxes written over since. Outputs that are a folder, a device, a pipe, the script, or a file that this process reads (under
--- any name) are refused, when they are opened and again before they take their name.
---
--- Datasets get an attribute `crc32c`, the CRC32C of their voxels in C order, little-endian; hdf5.check compares.
---@class moondust.Hdf5File
---@field path string
---@field new boolean  written under a temporary name
local Hdf5File = {}
---@param path string
---@param mode "r"|"r+"|"w"|"a"|nil  default "r"; "w" makes anew, "a" opens or makes
---@param options { fast: boolean?, stream: boolean?, resume: boolean?, replace: boolean? }? fast = false: HDF5 alone reads; boxes of a file open for reading otherwise come past it where the storage is simple enough (same values). stream = true, with "w": the temporary name is PATH.partial, which holds what was flushed, and nothing else, at every moment, also when the process is killed; where it is there already that is an error, unless resume = true (it is added to) or replace = true (it goes)
---@return moondust.Hdf5File? file
---@return string? message
function hdf5.open(path, mode, options) end
--- Every dataset in the file, sorted by path. Links are followed (each group is entered once), those that lead nowhere left out.
---@return moondust.DatasetInfo[]?
---@return string? message
function Hdf5File:list() end
---@param name string
---@return moondust.DatasetInfo?
---@return string? message
function Hdf5File:info(name) end
--- Reads a box: 0-based begin and shape over all axes (default: everything).
---@param name string
---@param begin integer[]?
---@param shape integer[]?
---@return moondust.ndarray?
---@return string? message
function Hdf5File:read(name, begin, shape) end
--- options: chunks (table, cut to the shape, or nil = chosen; false = contiguous), compression = "gzip"|1..9|nil, voxel_size, offset (written as resolution, voxel_size, offset), attributes (name -> number, string or table of numbers). Parent groups are made. An existing dataset is an error.
---@param name string
---@param shape integer[]
---@param dtype string
---@param options table?
---@return true?
---@return string? message
function Hdf5File:create(name, shape, dtype, options) end
--- Writes an array into a box that starts at 0-based `begin` (default: origin); converts to the dataset's dtype (clips, cuts
--- fractions off).
---@param name string
---@param array moondust.ndarray
---@param begin integer[]?
---@return true?
---@return string? message
function Hdf5File:write(name, array, begin) end
--- Numbers, strings or tables of either (several axes: flattened in C order).
---@param name string  dataset or group ("/" for the root)
---@param attribute string
---@return any value
---@return string? message
function Hdf5File:attribute(name, attribute) end
---@param name string
---@param attribute string
---@param value number|string|number[]|string[]|moondust.Coordinate  replaces what was there; integers become int64, other numbers float64
---@return true?
---@return string? message
function Hdf5File:set_attribute(name, attribute, value) end
---@param name string
---@return boolean
function Hdf5File:exists(name) end
--- Everything written so far is the system's to keep afterwards. Of a stream: PATH.partial has it from now on, what the root links
--- to all at once; what is added later to a group that was flushed is not held back.
---@return true?
---@return string? message
function Hdf5File:flush() end
--- Gives a dataset or group another name in the file.
---@param from string
---@param to string
---@return true?
---@return string? message
function Hdf5File:move(from, to) end
--- A file made anew takes its name. Closing again is fine. Fails when the disk is full, say; at the end of a <close> scope that
--- raises.
---@return true?
---@return string? message
function Hdf5File:close() end
--- Closes without what wasn't flushed: a file made anew doesn't appear, a stream stays as PATH.partial if something was flushed.
---@return true?
---@return string? message
function Hdf5File:discard() end
--- Reads all voxels of a file. A dataset is fine (`ok`) when all of it can be read and is what its attribute crc32c says, where it
--- has one (`checksum`). Elements that are none of ours (strings, compounds) are not read.
---@param path string
---@return { name: string, ok: boolean, checksum: boolean, message: string? }[]?
---@return string? message  the file can't be opened or listed
function hdf5.check(path) end
--- Whether files that lead to other files (external links and storage, virtual datasets) are opened where hdf5.open isn't told; at first not.
---@param allowed boolean?  from now on; nil: as it is
---@return boolean
function hdf5.allow_foreign(allowed) end
--- HDF5 runs no handler of its own when the process ends. For a program all of whose HDF5 files are Moondust's, before it opens one.
function hdf5.no_exit_handler() end

-- ---------------------------------------------------------------------------------------------------- other files that are written

---@class moondust.output
local output = {}
core.output = output
--- A file of these bytes, whole under its name or not there; refused as Hdf5File's are.
---@param path string
---@param bytes string
---@return true?
---@return string? message
function output.write(path, bytes) end
--- No output of this process goes to that file from now on. One that isn't there is nothing to protect.
---@param path string
---@return true?
---@return string? message
function output.protect(path) end
--- Whether an output may go there, as far as can be told beforehand.
---@param path string
---@return true?
---@return string? message
function output.allowed(path) end
--- How many files are being written: made anew or in place, and neither closed nor given up.
---@return integer
function output.unfinished() end
--- Whether files that are read from now on are remembered when they are closed, for output.unread.
---@param on boolean
function output.remember(on) end
--- Whether a file isn't one that was read while output.remember was on.
---@param path string
---@return true?
---@return string? message
function output.unread(path) end
--- A note that this file is being read: no output of this process goes there until it is closed or collected.
---@param path string
---@return { close: fun(self) }
function output.reading(path) end

-- ---------------------------------------------------------------------------------------------------- pictures

---@class moondust.png
local png = {}
core.png = png
--- uint8 (height, width), grey, or (height, width, 3), RGB, as a PNG file; with a palette, uint8 (n, 3), the pixels of (height, width)
--- are places in it, from 0.
---@param path string
---@param image moondust.ndarray
---@param palette moondust.ndarray?
---@return true?
---@return string? message
function png.write(path, image, palette) end
--- The pixels of a PNG file, uint8 (height, width) of a grey one, (height, width, 3) of any other; transparency is laid on white.
---@param path string
---@return moondust.ndarray? image
---@return string? message
function png.read(path) end

-- ---------------------------------------------------------------------------------------------------- HTTP

---@class moondust.http
local http = {}
core.http = http
--- An HTTP server for this machine alone (127.0.0.1). Closes with :close(), <close> and the collector.
---@class moondust.HttpServer
---@field port integer
local HttpServer = {}
--- Waits up to `seconds` for requests and answers those that came, in this thread: handler(method, path, query, headers) ->
--- status, headers, body. Names of request headers come in lower case; of several with one name the last counts. A request with a
--- body is handed over before that is read, and its connection ends with the answer. What the handler raises, serve raises.
---@param handler fun(method: string, path: string, query: table<string, string>, headers: table<string, string>): integer, table<string, string>, string
---@param seconds number  0 to 3600
---@return integer answered
function HttpServer:serve(handler, seconds) end
function HttpServer:close() end
---@param port integer?  default 0: any that is free
---@return moondust.HttpServer?
---@return string? message
function http.listen(port) end

-- ---------------------------------------------------------------------------------------------------- the machine

--- Sets (and returns) the number of kernel threads of this Lua state.
---@param n integer?
---@return integer
function core.threads(n) end
--- Sets (and returns) the instruction set of the kernels, for the whole process: "baseline", "v3" or "v4" (x86-64's levels). The default is the
--- best there is, or what the environment's MOONDUST_ISA says. Every set gives the same bytes.
---@param name "baseline"|"v3"|"v4"|nil
---@return "baseline"|"v3"|"v4"
function core.isa(name) end
--- C bytes in use now, and the most there were.
---@return integer in_use, integer peak
function core.memory() end
--- Bytes of memory this machine has.
---@return integer
function core.physical_memory() end

--- Text from outside (a name in a file, a path) with what would steer a terminal written out: control characters, marks of
--- writing direction, bytes that are no UTF-8.
---@param text string
---@return string
function core.printable(text) end
--- Bytes an element takes.
---@param dtype string
---@return integer
function core.dtype_size(dtype) end
--- Forgets the peak.
function core.reset_peak() end
--- Seconds, monotonic.
---@return number
function core.clock() end
--- Says which Lua functions are the library's own: errors of core name the line of the first other one up the stack.
---@param prefix string  of their chunks' sources: "@/usr/local/share/lua/5.4/moondust/"
function core.own_sources(prefix) end
--- True when standard error / output is a terminal, and its size.
---@param which "stdout"|"stderr"|"stdin"
---@return boolean, integer columns, integer rows
function core.is_terminal(which) end
--- Makes a directory and its parents.
---@param path string
---@return true?
---@return string? message
function core.make_directory(path) end
--- Version, libraries and optional features of this build.
---@return table
function core.version() end

return core
