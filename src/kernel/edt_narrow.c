/* Distances in 16 bits, a volume of three axes (one or two are seen as three). The last and the first axis are done sheet by sheet
 * (edt_sheets.h); then each plane is finished while it is in the cache, row by row to the caller.
 *
 * Where squares may be larger than 16 bits hold they are cut off, and if any was, all is in vain: `fits` is false.
 */
#include <math.h>
#include <stdatomic.h>
#include "base/clones.h"
#include "base/mem.h"
#include "kernel/edt_sheets.h"
#include "kernel/edt_ways.h"
#include "kernel/unlike.h"

#define CHUNKS 16            /* planes are cut into about so many … */
#define VOXELS_A_CHUNK 65536 /* … but not smaller than this */

typedef struct narrow_plan {
  const dust_edt_job *job;
  dust_edt_sheets sheets;
  dust_edt_axis y;
  double unit;
  bool cut; /* far is less than squares may be */
  atomic_bool in_vain;
  double *table; /* what is wanted for each square; NULL where there are fewer voxels than squares */
  float *floats; /* the same for job->out */
} narrow_plan;

/* What a thread needs for a plane. */
typedef struct plane {
  dust_edt_blocks blocks;
  dust_edt_square *square; /* rows of sheets.pitch */
  double *value;           /* of one row, as are … */
  uint8_t *zero;
} plane;

static dust_status plane_acquire(plane *p, const narrow_plan *plan) {
  size_t width = (size_t)plan->sheets.pitch;
  DUST_TRY(dust_edt_blocks_acquire(&p->blocks, &plan->y));
  DUST_TRY(dust_alloc((void **)&p->square, width * (size_t)plan->y.n * sizeof *p->square));
  DUST_TRY(dust_alloc((void **)&p->zero, width));
  return dust_alloc((void **)&p->value, width * sizeof *p->value);
}

static void plane_release(plane *p) {
  dust_edt_blocks_release(&p->blocks);
  dust_free(p->square);
  dust_free(p->value);
  dust_free(p->zero);
}

static uint16_t square_at(dust_edt_square square) { return (uint16_t)(square + 32768); }

/* What is wanted for `n` squares. */
static void values_of(double *value, const dust_edt_square *square, const narrow_plan *plan, int64_t n) {
  if (plan->table) {
    for (int64_t x = 0; x < n; x++) value[x] = plan->table[square_at(square[x])];
    return;
  }
  for (int64_t x = 0; x < n; x++) value[x] = dust_edt_distance(square_at(square[x]), plan->unit);
  if (plan->job->curve) plan->job->curve(plan->job->context, value, (size_t)n);
}

static bool any_far(const dust_edt_square *square, int64_t n, uint16_t far) {
  bool any = false;
  for (int64_t x = 0; x < n; x++) any |= square[x] >= dust_edt_square_of(far);
  return any;
}

DUST_CLONED(void, look_up,
            (float *restrict out, const dust_edt_square *restrict square, const uint8_t *restrict zero, const float *restrict table,
             int64_t n),
            (out, square, zero, table, n)) {
  for (int64_t x = 0; x < n; x++) {
    float v = table[square[x] + 32768];
    out[x] = zero[x] ? -v : v;
  }
}

static const uint8_t *zeros_of(uint8_t *buffer, const dust_edt_sheets *sheets, int64_t z, int64_t y) {
  const dust_ndarray *labels = sheets->labels;
  int64_t n = labels->shape[2];
  if (sheets->zero) return sheets->zero + (z * labels->shape[1] + y) * n;
  dust_zero_row(buffer, labels->data + z * labels->stride[0] + y * labels->stride[1], n, dust_dtype_size(labels->dtype));
  return buffer;
}

static void finish_row(plane *p, const narrow_plan *plan, const dust_edt_square *square, int64_t z, int64_t y) {
  const dust_edt_job *job = plan->job;
  int64_t n = plan->sheets.labels->shape[2], row = z * plan->y.n + y;
  const uint8_t *zero = job->out ? zeros_of(p->zero, &plan->sheets, z, y) : NULL;
  if (plan->floats) {
    look_up(job->out + row * n, square, zero, plan->floats, n);
    return;
  }
  values_of(p->value, square, plan, n);
  if (job->out)
    dust_edt_sign_row(job->out + row * n, p->value, zero, (size_t)n);
  else
    job->row(job->context, row, p->value, (size_t)n);
}

static void finish_plane(plane *p, narrow_plan *plan, int64_t z) {
  const dust_edt_sheets *sheets = &plan->sheets;
  int64_t rows = plan->y.n, n = sheets->labels->shape[2], pitch = sheets->pitch, from = z * rows * pitch;
  for (int64_t x = 0; x < n; x += DUST_EDT_LANES) {
    dust_edt_lines lines = {sheets->centre + from + x, sheets->rows ? sheets->rows + from + x : NULL, pitch, p->square + x, pitch};
    dust_edt_spread(&lines, &plan->y, &p->blocks);
  }
  for (int64_t y = 0; y < rows; y++) {
    const dust_edt_square *square = p->square + y * pitch;
    if (plan->cut && any_far(square, n, sheets->far)) atomic_store_explicit(&plan->in_vain, true, memory_order_relaxed);
    finish_row(p, plan, square, z, y);
  }
}

static dust_status finish_planes(void *context, size_t begin, size_t end, size_t chunk) {
  narrow_plan *plan = context;
  plane p = {0};
  dust_status status;
  DUST_GO(plane_acquire(&p, plan));
  for (size_t z = begin; z < end && !atomic_load_explicit(&plan->in_vain, memory_order_relaxed); z++) finish_plane(&p, plan, (int64_t)z);
done:
  plane_release(&p);
  return status;
}

/* Where there is no site every voxel gets the same. */
static dust_status same_rows(void *context, size_t begin, size_t end, size_t chunk) {
  const narrow_plan *plan = context;
  const dust_edt_job *job = plan->job;
  size_t n = (size_t)plan->sheets.labels->shape[2];
  int64_t rows = plan->y.n;
  plane p = {0};
  dust_status status;
  DUST_GO(plane_acquire(&p, plan));
  for (size_t x = 0; x < n; x++) p.value[x] = job->none;
  if (job->curve) job->curve(job->context, p.value, n);
  for (size_t row = begin; row < end; row++)
    if (job->out)
      dust_edt_sign_row(job->out + row * n, p.value, zeros_of(p.zero, &plan->sheets, (int64_t)row / rows, (int64_t)row % rows), n);
    else
      job->row(job->context, (int64_t)row, p.value, n);
done:
  plane_release(&p);
  return status;
}

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
static dust_status prepare(narrow_plan *plan, const dust_ndarray *labels, const dust_edt_units *units, dust_pool *pool) {
  bool faces = plan->job->sites == DUST_EDT_FACES, border = plan->job->sites == DUST_EDT_ZEROS_AND_BORDER;
  int last = plan->job->labels->ndim - 1;
  double part = faces ? 1 : 4, far = ceil(units->far / part), weight[3] = {1, 1, units->weight[last] / part};
  if (last > 0) weight[0] = units->weight[0] / part;
  if (last > 1) weight[1] = units->weight[1] / part;
  plan->unit = faces ? units->unit : 2 * units->unit;
  plan->cut = far > DUST_EDT_FAR;
  plan->sheets = (dust_edt_sheets){.labels = labels, .faces = faces, .border = {border && last > 0, border && last > 1, border}};
  plan->sheets.keep_zeros = plan->job->out && dust_dtype_size(labels->dtype) > 1;
  plan->sheets.far = plan->cut ? DUST_EDT_FAR : (uint16_t)far;
  DUST_TRY(dust_edt_axis_make(&plan->y, labels->shape[1], weight[1], plan->sheets.far, plan->sheets.border[1]));
  return dust_edt_sheets_make(&plan->sheets, weight, pool);
}

DUST_CLONED(void, distances, (double *distance, int64_t count, double unit), (distance, count, unit)) {
  for (int64_t square = 0; square < count; square++) distance[square] = dust_edt_distance((double)square, unit);
}

static dust_status make_table(narrow_plan *plan) {
  const int64_t *shape = plan->sheets.labels->shape;
  size_t count = (size_t)plan->sheets.far + 1;
  if ((size_t)(shape[0] * shape[1] * shape[2]) < count) return DUST_OK;
  DUST_TRY(dust_alloc((void **)&plan->table, count * sizeof *plan->table));
  distances(plan->table, (int64_t)count, plan->unit);
  if (plan->job->curve) plan->job->curve(plan->job->context, plan->table, count);
  if (!plan->job->out) return DUST_OK;
  DUST_TRY(dust_alloc((void **)&plan->floats, count * sizeof *plan->floats));
  for (size_t square = 0; square < count; square++) plan->floats[square] = (float)plan->table[square];
  return DUST_OK;
}

dust_status dust_edt_narrow(const dust_edt_job *job, const dust_edt_units *units, bool *fits, dust_pool *pool) {
  narrow_plan plan = {.job = job};
  dust_ndarray labels = {0};
  dust_status status;
  DUST_GO(three_axes(&labels, job->labels));
  if (labels.shape[0] > DUST_EDT_LONGEST || labels.shape[1] > DUST_EDT_LONGEST) goto done;
  DUST_GO(prepare(&plan, &labels, units, pool));
  size_t depth = (size_t)labels.shape[0], rows = (size_t)labels.shape[1], voxels = rows * (size_t)labels.shape[2];
  size_t grain = depth / CHUNKS > VOXELS_A_CHUNK / voxels ? depth / CHUNKS : VOXELS_A_CHUNK / voxels;
  if (plan.sheets.any || job->sites == DUST_EDT_ZEROS_AND_BORDER) {
    DUST_GO(make_table(&plan));
    DUST_GO(dust_pool_for(pool, depth, grain, finish_planes, &plan));
  } else {
    DUST_GO(dust_pool_for(pool, depth * rows, grain * rows, same_rows, &plan));
  }
  *fits = !plan.in_vain;
done:
  dust_edt_sheets_release(&plan.sheets);
  dust_edt_axis_release(&plan.y);
  dust_free(plan.table);
  dust_free(plan.floats);
  dust_ndarray_release(&labels);
  return status;
}
