/* Distances in 16 bits, a volume of three axes (one or two are seen as three). The first axis is scanned for the whole volume, into a
 * byte a lattice and voxel (edt_scan.h). Then a plane at a time, while it is in the cache:
 *
 *     bytes (y, x) --tiles of 32 columns, squares, window along y--> centres, columns' lattice --window along x--> row --> caller
 *
 * Where squares may be larger than 16 bits hold they are cut off, and if any was, all is in vain: `fits` is false.
 */
#include <math.h>
#include <string.h>
#include "base/clones.h"
#include "base/mem.h"
#include "kernel/edt_scan.h"
#include "kernel/edt_ways.h"
#include "kernel/edt_window.h"

#define LANES DUST_EDT_LANES
#define CHUNKS 16            /* planes are cut into about so many … */
#define VOXELS_A_CHUNK 65536 /* … but not smaller than this */

/* How the steps of a lattice become squares: weight (stride steps + shift)^2, or far from `limit` steps on. */
typedef struct squaring {
  uint16_t weight, stride, shift, limit, far;
} squaring;

typedef struct narrow_plan {
  const dust_edt_job *job;
  dust_edt_scan scan;
  dust_edt_axis y, x;
  squaring square[3]; /* per lattice */
  int64_t shape[3];
  double unit;
  bool border[3]; /* per axis: there are sites before its first and after its last voxel */
  float voxel_z;  /* in roots of squares */
  uint16_t far;
  bool cut; /* far is less than the squares may be */
  atomic_bool in_vain;
  double *table; /* what is wanted for each square; NULL where there are fewer voxels than squares */
} narrow_plan;

/* Squares of 32 columns of `rows` rows; some[y] is set where a row holds any below far. */
DUST_CLONED(void, squares_of,
            (uint16_t *restrict out, uint8_t *restrict some, const uint8_t *restrict steps, int64_t pitch, int64_t rows, const squaring *s),
            (out, some, steps, pitch, rows, s)) {
  uint16_t weight = s->weight, stride = s->stride, shift = s->shift, limit = s->limit, far = s->far;
  for (int64_t y = 0; y < rows; y++, out += LANES, steps += pitch) {
    uint8_t least = DUST_EDT_NEVER;
    for (int l = 0; l < LANES; l++) {
      uint16_t way = (uint16_t)(stride * steps[l] + shift);
      out[l] = steps[l] < limit ? (uint16_t)((unsigned)weight * way * way) : far;
      least = steps[l] < least ? steps[l] : least;
    }
    some[y] |= least < limit;
  }
}

static squaring make_squaring(const narrow_plan *plan, double weight, int stride, int shift) {
  squaring s = {.stride = (uint16_t)stride, .shift = (uint16_t)shift, .far = plan->far};
  s.weight = weight < plan->far ? (uint16_t)weight : 0;
  while (s.limit < DUST_EDT_NEVER && weight * (stride * s.limit + shift) * (stride * s.limit + shift) < plan->far) s.limit++;
  return s;
}

/* ---- what a thread needs for a plane */

typedef struct scratch {
  void *block;
  dust_edt_tile tile;
  uint8_t *some;              /* rows of the tile that hold anything */
  uint16_t *centre, *between; /* planes: of row 0, column 0 */
  int64_t pitch;              /* values from row to row of a plane */
  uint16_t *row;
  float *enough;       /* see dust_edt_tile */
  float *root, *first; /* see dust_edt_window_line; first: of row 0 */
  double *value;
} scratch;

static size_t pieces(const narrow_plan *plan) { return (size_t)((plan->shape[2] + LANES - 1) / LANES); }

/* The last piece ends where the row does. */
static int64_t piece_begin(const narrow_plan *plan, size_t piece) {
  int64_t begin = (int64_t)piece * LANES, last = plan->shape[2] > LANES ? plan->shape[2] - LANES : 0;
  return begin < last ? begin : last;
}

static void fill(uint16_t *out, uint16_t value, int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] = value;
}

/* What lies beyond the ends of a row of a plane. */
static void fill_pads(const narrow_plan *plan, uint16_t *row) {
  int64_t pad = plan->x.pad, n = plan->shape[2], room = n > LANES ? n : LANES;
  fill(row - pad, plan->far, pad);
  fill(row + n, plan->far, pad + room - n);
  if (plan->border[2]) row[-1] = row[n] = 0;
}

static void fill_tile_pads(const narrow_plan *plan, uint16_t *tile) {
  int64_t pad = plan->y.pad * LANES, n = plan->shape[1] * LANES;
  fill(tile - pad, plan->far, pad);
  fill(tile + n, plan->far, pad);
  if (plan->border[1]) fill(tile - LANES, 0, LANES), fill(tile + n, 0, LANES);
}

static void *take(char **next, size_t bytes) {
  void *block = *next;
  *next += (bytes + DUST_ALIGN - 1) / DUST_ALIGN * DUST_ALIGN;
  return block;
}

static dust_status scratch_acquire(scratch *s, const narrow_plan *plan) {
  int64_t rows = plan->shape[1], room = plan->shape[2] > LANES ? plan->shape[2] : LANES, tile_rows = rows + 2 * plan->y.pad;
  s->pitch = room + 2 * plan->x.pad;
  size_t tile = (size_t)(tile_rows * LANES) * sizeof(uint16_t), plane = (size_t)(rows * s->pitch) * sizeof(uint16_t);
  size_t filled = (size_t)(tile_rows + 1) * sizeof(int32_t), root = pieces(plan) * sizeof(float), value = (size_t)room * sizeof(double);
  DUST_TRY(dust_alloc(&s->block, 2 * tile + 2 * plane + filled + 5 * (size_t)rows + 2 * root + 2 * value + 10 * DUST_ALIGN));
  char *next = s->block;
  s->tile.centre = (uint16_t *)take(&next, tile) + plan->y.pad * LANES;
  s->tile.half = (uint16_t *)take(&next, tile) + plan->y.pad * LANES;
  s->tile.filled = (int32_t *)take(&next, filled) + plan->y.pad;
  s->centre = (uint16_t *)take(&next, plane) + plan->x.pad;
  s->between = (uint16_t *)take(&next, plane) + plan->x.pad;
  s->some = take(&next, (size_t)rows);
  s->row = take(&next, value);
  s->value = take(&next, value);
  s->enough = take(&next, (size_t)rows * sizeof *s->enough);
  s->root = take(&next, root);
  s->first = take(&next, root);
  fill_tile_pads(plan, s->tile.centre);
  fill_tile_pads(plan, s->tile.half);
  for (int64_t y = 0; y < rows; y++) fill_pads(plan, s->centre + y * s->pitch), fill_pads(plan, s->between + y * s->pitch);
  return DUST_OK;
}

/* ---- along y */

/* Squares of 32 columns; half: 0 or the lattice between rows. Which rows hold anything is left in tile.filled. */
static void load_tile(scratch *s, const narrow_plan *plan, int64_t z, int64_t x, int centre, int half) {
  const dust_edt_scan *scan = &plan->scan;
  int64_t rows = plan->shape[1], pad = plan->y.pad, pitch = scan->pitch, offset = z * rows * pitch + x;
  int32_t *filled = s->tile.filled, border = plan->border[1], count = border;
  memset(s->some, 0, (size_t)rows);
  squares_of(s->tile.centre, s->some, scan->steps[centre] + offset, pitch, rows, &plan->square[centre]);
  if (half) squares_of(s->tile.half, s->some, scan->steps[half] + offset, pitch, rows, &plan->square[half]);
  for (int64_t y = 0; plan->shape[2] < LANES && y < rows; y++) /* past the end of a row there is nothing to look for */
    fill(s->tile.centre + y * LANES + plan->shape[2], 0, LANES - plan->shape[2]);
  for (int64_t y = -pad; y < 0; y++) filled[y] = 0;
  filled[0] = count;
  for (int64_t y = 0; y < rows; y++) filled[y + 1] = count += s->some[y];
  for (int64_t y = rows + 1; y <= rows + pad; y++) filled[y] = count + border;
}

static void centres_along_y(scratch *s, const narrow_plan *plan, int64_t z) {
  bool between_rows = plan->scan.steps[1] != NULL;
  dust_edt_tile tile = s->tile;
  tile.root = s->enough;
  if (!between_rows) tile.half = NULL;
  for (int64_t y = 0; y < plan->shape[1]; y++) s->enough[y] = 0;
  for (size_t p = 0; p < pieces(plan); p++) {
    int64_t x = piece_begin(plan, p);
    load_tile(s, plan, z, x, 0, between_rows ? 1 : 0);
    dust_edt_window_tile(s->centre + x, s->pitch, &tile, &plan->y);
  }
}

/* The lattice between columns. With R the root of a row's largest centre value, and since something m voxels less a half away can only
 * be nearer than the centre that is half a voxel behind it if its square is smaller or larger by less than (2 m)^2 - (2 m - 1)^2 half
 * voxels squared, where m <= R + 1/2 voxels: nothing above R + a voxel is of any use. */
static void columns_along_y(scratch *s, const narrow_plan *plan, int64_t z) {
  dust_edt_tile tile = s->tile;
  tile.half = NULL, tile.enough = s->enough;
  for (int64_t y = 0; y < plan->shape[1]; y++) s->enough[y] += 1 / plan->x.per_root;
  for (size_t p = 0; p < pieces(plan); p++) {
    int64_t x = piece_begin(plan, p);
    load_tile(s, plan, z, x, 2, 0);
    dust_edt_window_tile(s->between + x, s->pitch, &tile, &plan->y);
  }
}

static void plane_along_y(scratch *s, const narrow_plan *plan, int64_t z) {
  centres_along_y(s, plan, z);
  if (plan->scan.steps[2]) columns_along_y(s, plan, z);
  for (int64_t y = 0; plan->shape[2] < LANES && y < plan->shape[1]; y++)
    fill_pads(plan, s->centre + y * s->pitch), fill_pads(plan, s->between + y * s->pitch);
}

/* ---- along x, and out */

static void values_of(double *value, const uint16_t *square, const narrow_plan *plan, int64_t n) {
  if (plan->table) {
    for (int64_t x = 0; x < n; x++) value[x] = plan->table[square[x]];
    return;
  }
  for (int64_t x = 0; x < n; x++) value[x] = dust_edt_distance(square[x], plan->unit);
  if (plan->job->curve) plan->job->curve(plan->job->context, value, (size_t)n);
}

static void plane_along_x(scratch *s, narrow_plan *plan, int64_t z, bool first) {
  bool faces = plan->job->sites == DUST_EDT_FACES;
  float voxel_y = 1 / plan->y.per_root;
  size_t count = pieces(plan);
  for (size_t p = 0; p < count; p++) s->root[p] = first ? sqrtf(plan->far) : s->first[p] + plan->voxel_z;
  for (int64_t y = 0; y < plan->shape[1]; y++) {
    for (size_t p = 0; y > 0 && p < count; p++) s->root[p] += voxel_y;
    const uint16_t *centre = s->centre + y * s->pitch, *between = s->between + y * s->pitch;
    uint16_t most = dust_edt_window_line(s->row, centre, faces ? between : NULL, &plan->x, s->root);
    if (most >= plan->far && plan->cut) atomic_store_explicit(&plan->in_vain, true, memory_order_relaxed);
    if (y == 0) memcpy(s->first, s->root, count * sizeof *s->first);
    values_of(s->value, s->row, plan, plan->shape[2]);
    plan->job->row(plan->job->context, z * plan->shape[1] + y, s->value, (size_t)plan->shape[2]);
  }
}

static dust_status planes(void *context, size_t begin, size_t end, size_t chunk) {
  narrow_plan *plan = context;
  scratch s = {0};
  DUST_TRY(scratch_acquire(&s, plan));
  for (size_t z = begin; z < end && !atomic_load_explicit(&plan->in_vain, memory_order_relaxed); z++) {
    plane_along_y(&s, plan, (int64_t)z);
    plane_along_x(&s, plan, (int64_t)z, z == begin);
  }
  dust_free(s.block);
  return DUST_OK;
}

/* ---- the whole */

/* Three axes of contiguous rows. Of two the first stays the first: it is the cheapest, and planes go to threads. */
static dust_status three_axes(dust_ndarray *out, const dust_ndarray *labels) {
  dust_ndarray rows = {0};
  int last = labels->ndim - 1;
  if (labels->stride[last] == (int64_t)dust_dtype_size(labels->dtype))
    dust_ndarray_share(&rows, labels);
  else
    DUST_TRY(dust_ndarray_copy(&rows, labels));
  *out = rows;
  out->ndim = 3;
  for (int a = 0; a < 3; a++) {
    int from = a == 2 ? last : a == 0 && last > 0 ? 0 : a == 1 && last > 1 ? 1 : -1;
    out->shape[a] = from < 0 ? 1 : rows.shape[from];
    out->stride[a] = from < 0 ? 0 : rows.stride[from];
  }
  return DUST_OK;
}

/* Zeros lie on centres only: whole voxels will do, so squares are a quarter. */
static dust_status prepare(narrow_plan *plan, const dust_ndarray *labels, const dust_edt_units *units) {
  bool faces = plan->job->sites == DUST_EDT_FACES;
  int last = plan->job->labels->ndim - 1;
  double part = faces ? 1 : 4, far = ceil(units->far / part);
  double depth = last > 0 ? units->weight[0] : 1, height = last > 1 ? units->weight[1] : 1;
  memcpy(plan->shape, labels->shape, sizeof plan->shape);
  if (plan->job->sites == DUST_EDT_ZEROS_AND_BORDER) plan->border[0] = last > 0, plan->border[1] = last > 1, plan->border[2] = true;
  plan->unit = faces ? units->unit : 2 * units->unit;
  plan->cut = far > DUST_EDT_FAR;
  plan->far = plan->cut ? DUST_EDT_FAR : (uint16_t)far;
  plan->voxel_z = (float)(2 * sqrt(depth / part));
  plan->square[0] = make_squaring(plan, depth, faces ? 2 : 1, faces);
  plan->square[1] = plan->square[2] = make_squaring(plan, depth, 2, 0);
  DUST_TRY(dust_edt_axis_make(&plan->y, plan->shape[1], height / part, plan->far, plan->border[1]));
  return dust_edt_axis_make(&plan->x, plan->shape[2], units->weight[last] / part, plan->far, plan->border[2]);
}

static dust_status make_steps(narrow_plan *plan, const dust_ndarray *labels, dust_pool *pool) {
  dust_edt_scan *scan = &plan->scan;
  bool faces = plan->job->sites == DUST_EDT_FACES;
  *scan = (dust_edt_scan){
      .labels = labels, .faces = faces, .border = plan->border[0], .pitch = labels->shape[2] > LANES ? labels->shape[2] : LANES};
  size_t volume = (size_t)labels->shape[0] * (size_t)labels->shape[1] * (size_t)scan->pitch;
  DUST_TRY(dust_alloc((void **)&scan->steps[0], volume));
  if (faces && labels->shape[1] > 1) DUST_TRY(dust_alloc((void **)&scan->steps[1], volume));
  if (faces) DUST_TRY(dust_alloc((void **)&scan->steps[2], volume));
  return dust_edt_scan_run(scan, pool);
}

static dust_status make_table(narrow_plan *plan) {
  size_t count = (size_t)plan->far + 1;
  if ((size_t)(plan->shape[0] * plan->shape[1] * plan->shape[2]) < count) return DUST_OK;
  DUST_TRY(dust_alloc((void **)&plan->table, count * sizeof *plan->table));
  for (size_t square = 0; square < count; square++) plan->table[square] = dust_edt_distance((double)square, plan->unit);
  if (plan->job->curve) plan->job->curve(plan->job->context, plan->table, count);
  return DUST_OK;
}

/* Where there is no site every voxel gets the same. */
static dust_status same_rows(void *context, size_t begin, size_t end, size_t chunk) {
  const narrow_plan *plan = context;
  const dust_edt_job *job = plan->job;
  size_t n = (size_t)plan->shape[2];
  double *value;
  DUST_TRY(dust_alloc((void **)&value, n * sizeof *value));
  for (size_t x = 0; x < n; x++) value[x] = job->none;
  if (job->curve) job->curve(job->context, value, n);
  for (size_t row = begin; row < end; row++) job->row(job->context, (int64_t)row, value, n);
  dust_free(value);
  return DUST_OK;
}

dust_status dust_edt_narrow(const dust_edt_job *job, const dust_edt_units *units, bool *fits, dust_pool *pool) {
  narrow_plan plan = {.job = job};
  dust_ndarray labels = {0};
  dust_status status;
  DUST_GO(three_axes(&labels, job->labels));
  DUST_GO(prepare(&plan, &labels, units));
  DUST_GO(make_steps(&plan, &labels, pool));
  size_t depth = (size_t)plan.shape[0], plane = (size_t)(plan.shape[1] * plan.shape[2]);
  size_t grain = depth / CHUNKS > VOXELS_A_CHUNK / plane ? depth / CHUNKS : VOXELS_A_CHUNK / plane;
  if (plan.scan.any || job->sites == DUST_EDT_ZEROS_AND_BORDER) {
    DUST_GO(make_table(&plan));
    DUST_GO(dust_pool_for(pool, depth, grain, planes, &plan));
  } else {
    DUST_GO(dust_pool_for(pool, depth * (size_t)plan.shape[1], grain * (size_t)plan.shape[1], same_rows, &plan));
  }
  *fits = !plan.in_vain;
done:
  for (int k = 0; k < 3; k++) dust_free(plan.scan.steps[k]);
  dust_edt_axis_release(&plan.y);
  dust_edt_axis_release(&plan.x);
  dust_free(plan.table);
  dust_ndarray_release(&labels);
  return status;
}
