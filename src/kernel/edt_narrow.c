/* Distances in 16 bits, a volume of three axes (one or two are seen as three). The first axis is scanned for the whole volume, into a
 * byte a lattice and voxel (edt_scan.h); then each plane is finished while it is in the cache (edt_plane.h), row by row to the caller.
 *
 * Where squares may be larger than 16 bits hold they are cut off, and if any was, all is in vain: `fits` is false.
 */
#include <math.h>
#include "base/mem.h"
#include "kernel/edt_plane.h"
#include "kernel/edt_ways.h"

#define CHUNKS 16            /* planes are cut into about so many … */
#define VOXELS_A_CHUNK 65536 /* … but not smaller than this */

typedef struct narrow_plan {
  const dust_edt_job *job;
  dust_edt_planes planes;
  double unit;
  bool cut; /* far is less than squares may be */
  atomic_bool in_vain;
  double *table; /* what is wanted for each square; NULL where there are fewer voxels than squares */
} narrow_plan;

/* What is wanted for `n` squares. */
static void values_of(double *value, const uint16_t *square, const narrow_plan *plan, int64_t n) {
  if (plan->table) {
    for (int64_t x = 0; x < n; x++) value[x] = plan->table[square[x]];
    return;
  }
  for (int64_t x = 0; x < n; x++) value[x] = dust_edt_distance(square[x], plan->unit);
  if (plan->job->curve) plan->job->curve(plan->job->context, value, (size_t)n);
}

static void finish_plane(dust_edt_plane *plane, narrow_plan *plan, int64_t z, double *value) {
  int64_t rows = plan->planes.shape[1], n = plan->planes.shape[2];
  for (int64_t y = 0; y < rows; y++) {
    uint16_t most = dust_edt_plane_row(plane, &plan->planes, y);
    if (most >= plan->planes.far && plan->cut) atomic_store_explicit(&plan->in_vain, true, memory_order_relaxed);
    values_of(value, plane->row, plan, n);
    plan->job->row(plan->job->context, z * rows + y, value, (size_t)n);
  }
}

static dust_status finish_planes(void *context, size_t begin, size_t end, size_t chunk) {
  narrow_plan *plan = context;
  dust_edt_plane plane = {0};
  double *value = NULL;
  dust_status status;
  DUST_GO(dust_edt_plane_acquire(&plane, &plan->planes));
  DUST_GO(dust_alloc((void **)&value, (size_t)plan->planes.shape[2] * sizeof *value));
  for (size_t z = begin; z < end && !atomic_load_explicit(&plan->in_vain, memory_order_relaxed); z++) {
    dust_edt_plane_enter(&plane, &plan->planes, (int64_t)z, z == begin);
    finish_plane(&plane, plan, (int64_t)z, value);
  }
done:
  dust_edt_plane_release(&plane);
  dust_free(value);
  return status;
}

/* Where there is no site every voxel gets the same. */
static dust_status same_rows(void *context, size_t begin, size_t end, size_t chunk) {
  const narrow_plan *plan = context;
  const dust_edt_job *job = plan->job;
  size_t n = (size_t)plan->planes.shape[2];
  double *value;
  DUST_TRY(dust_alloc((void **)&value, n * sizeof *value));
  for (size_t x = 0; x < n; x++) value[x] = job->none;
  if (job->curve) job->curve(job->context, value, n);
  for (size_t row = begin; row < end; row++) job->row(job->context, (int64_t)row, value, n);
  dust_free(value);
  return DUST_OK;
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
  dust_edt_planes *planes = &plan->planes;
  planes->far = plan->cut ? DUST_EDT_FAR : (uint16_t)far;
  for (int a = 0; a < 3; a++) planes->shape[a] = labels->shape[a];
  planes->border[0] = border && last > 0, planes->border[1] = border && last > 1, planes->border[2] = border;
  return dust_edt_planes_make(planes, labels, faces, weight, pool);
}

static dust_status make_table(narrow_plan *plan) {
  const int64_t *shape = plan->planes.shape;
  size_t count = (size_t)plan->planes.far + 1;
  if ((size_t)(shape[0] * shape[1] * shape[2]) < count) return DUST_OK;
  DUST_TRY(dust_alloc((void **)&plan->table, count * sizeof *plan->table));
  for (size_t square = 0; square < count; square++) plan->table[square] = dust_edt_distance((double)square, plan->unit);
  if (plan->job->curve) plan->job->curve(plan->job->context, plan->table, count);
  return DUST_OK;
}

dust_status dust_edt_narrow(const dust_edt_job *job, const dust_edt_units *units, bool *fits, dust_pool *pool) {
  narrow_plan plan = {.job = job};
  dust_ndarray labels = {0};
  dust_status status;
  DUST_GO(three_axes(&labels, job->labels));
  DUST_GO(prepare(&plan, &labels, units, pool));
  size_t depth = (size_t)labels.shape[0], rows = (size_t)labels.shape[1], plane = rows * (size_t)labels.shape[2];
  size_t grain = depth / CHUNKS > VOXELS_A_CHUNK / plane ? depth / CHUNKS : VOXELS_A_CHUNK / plane;
  if (plan.planes.scan.any || job->sites == DUST_EDT_ZEROS_AND_BORDER) {
    DUST_GO(make_table(&plan));
    DUST_GO(dust_pool_for(pool, depth, grain, finish_planes, &plan));
  } else {
    DUST_GO(dust_pool_for(pool, depth * rows, grain * rows, same_rows, &plan));
  }
  *fits = !plan.in_vain;
done:
  dust_edt_planes_release(&plan.planes);
  dust_free(plan.table);
  dust_ndarray_release(&labels);
  return status;
}
