/* The last axis, row by row, and the order of the passes; each pass is envelope.c's. Along the last axis every lattice gets the
 * squared distance to its own sites in the row; along each further axis d the centres take the envelope of themselves and of the
 * lattice of d, and the lattices of the axes still to come that of themselves. */
#include "kernel/edt_ways.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>
#include "base/mem.h"
#include "base/clones.h"
#include "kernel/envelope.h"
#include "kernel/unlike.h"
#include "kernel/channels.h"

#define ROWS_A_CHUNK 64

typedef struct edt_plan {
  const dust_edt_job *job;
  const dust_ndarray *labels;
  bool faces, border, wide;
  const dust_edt_units *units;
  dust_ndarray centre;
  dust_ndarray lattice[DUST_MAXDIM]; /* between voxels along the axis; faces only, not for the last axis */
  atomic_bool any;
  size_t rows;
} edt_plan;

/* Half voxels from each centre of the row to its nearest site; sites at 2 x + shift where flag[x]. */
static void nearest_in_row(int64_t *restrict steps, const uint8_t *restrict flag, int64_t n, int shift, bool border) {
  const int64_t never = INT64_C(1) << 40;
  int64_t last = border ? -2 : -never;
  for (int64_t x = 0; x < n; x++) {
    if (shift == 0 && flag[x]) last = 2 * x;
    steps[x] = 2 * x - last;
    if (shift == 1 && flag[x]) last = 2 * x + 1;
  }
  last = border ? 2 * n : never;
  for (int64_t x = n - 1; x >= 0; x--) {
    if (flag[x]) last = 2 * x + shift;
    if (last - 2 * x < steps[x]) steps[x] = last - 2 * x;
  }
}

/* Squares of a row, at most far. */
DUST_CLONED(void, square_narrow, (int32_t *restrict out, const int64_t *restrict steps, int64_t n, double weight, double far),
            (out, steps, n, weight, far)) {
  for (int64_t x = 0; x < n; x++) {
    double square = weight * (double)steps[x] * (double)steps[x];
    out[x] = (int32_t)(square < far ? square : far);
  }
}

static void square_wide(double *restrict out, const int64_t *restrict steps, int64_t n, double weight, double far) {
  for (int64_t x = 0; x < n; x++) {
    double square = weight * (double)steps[x] * (double)steps[x];
    out[x] = square < far ? square : far;
  }
}

static void fill_far(const edt_plan *plan, dust_ndarray *volume, int64_t begin, int64_t n) {
  if (plan->wide)
    for (int64_t x = 0; x < n; x++) ((double *)volume->data)[begin + x] = plan->units->far;
  else
    for (int64_t x = 0; x < n; x++) ((int32_t *)volume->data)[begin + x] = (int32_t)plan->units->far;
}

/* One row of a lattice from the flags of its sites. */
static void store_row(edt_plan *plan, dust_ndarray *volume, int64_t row, const uint8_t *flag, int64_t *steps, int shift) {
  int64_t n = plan->labels->shape[plan->labels->ndim - 1];
  bool border = plan->border, some = memchr(flag, 1, (size_t)n) != NULL;
  double weight = plan->units->weight[plan->labels->ndim - 1];
  if (some) atomic_store_explicit(&plan->any, true, memory_order_relaxed);
  if (!some && !border) {
    fill_far(plan, volume, row * n, n);
    return;
  }
  nearest_in_row(steps, flag, n, shift, border);
  if (plan->wide)
    square_wide((double *)volume->data + row * n, steps, n, weight, plan->units->far);
  else
    square_narrow((int32_t *)volume->data + row * n, steps, n, weight, plan->units->far);
}

/* First element of a row, and the row's index along each outer axis. */
static const char *row_start(const dust_ndarray *labels, int64_t row, int64_t *index) {
  const char *start = labels->data;
  for (int a = labels->ndim - 2; a >= 0; a--) {
    index[a] = row % labels->shape[a];
    row /= labels->shape[a];
    start += index[a] * labels->stride[a];
  }
  return start;
}

static void flag_zeros(uint8_t *restrict flag, const uint64_t *restrict mask, int64_t n) {
  for (int64_t x = 0; x < n; x++) flag[x] = mask[x] == 0;
}

static void flag_unlike(uint8_t *restrict flag, const uint64_t *restrict a, const uint64_t *restrict b, int64_t n) {
  for (int64_t x = 0; x < n; x++) flag[x] = a[x] != b[x];
}

typedef struct row_scratch {
  uint64_t *here, *there;
  uint8_t *flag;
  int64_t *steps;
} row_scratch;

static void face_row(edt_plan *plan, int64_t row, row_scratch *s) {
  const dust_ndarray *labels = plan->labels;
  int last = labels->ndim - 1;
  int64_t n = labels->shape[last], index[DUST_MAXDIM] = {0};
  const char *start = row_start(labels, row, index);
  dust_row_to_label(s->here, start, labels->stride[last], labels->dtype, (size_t)n);
  flag_unlike(s->flag, s->here, s->here + 1, n - 1);
  s->flag[n - 1] = 0;
  store_row(plan, &plan->centre, row, s->flag, s->steps, 1);
  for (int a = 0; a < last; a++) {
    if (index[a] + 1 < labels->shape[a]) {
      dust_row_to_label(s->there, start + labels->stride[a], labels->stride[last], labels->dtype, (size_t)n);
      flag_unlike(s->flag, s->here, s->there, n);
    } else {
      memset(s->flag, 0, (size_t)n);
    }
    store_row(plan, &plan->lattice[a], row, s->flag, s->steps, 0);
  }
}

static void zero_row(edt_plan *plan, int64_t row, row_scratch *s) {
  const dust_ndarray *mask = plan->labels;
  int last = mask->ndim - 1;
  int64_t n = mask->shape[last], index[DUST_MAXDIM] = {0};
  dust_row_to_label(s->here, row_start(mask, row, index), mask->stride[last], mask->dtype, (size_t)n);
  flag_zeros(s->flag, s->here, n);
  store_row(plan, &plan->centre, row, s->flag, s->steps, 0);
}

static dust_status row_body(void *context, size_t begin, size_t end, size_t chunk) {
  edt_plan *plan = context;
  size_t n = (size_t)plan->labels->shape[plan->labels->ndim - 1];
  row_scratch s = {0};
  dust_status status;
  DUST_GO(dust_alloc((void **)&s.here, n * sizeof *s.here));
  DUST_GO(dust_alloc((void **)&s.there, n * sizeof *s.there));
  DUST_GO(dust_alloc((void **)&s.flag, n));
  DUST_GO(dust_alloc((void **)&s.steps, n * sizeof *s.steps));
  for (size_t row = begin; row < end; row++) {
    if (plan->faces)
      face_row(plan, (int64_t)row, &s);
    else
      zero_row(plan, (int64_t)row, &s);
  }
done:
  dust_free(s.here);
  dust_free(s.there);
  dust_free(s.flag);
  dust_free(s.steps);
  return status;
}

/* Everything after the last axis. Lattices go as soon as they are used up. */
static dust_status spread_axes(edt_plan *plan, dust_pool *pool) {
  for (int a = plan->labels->ndim - 2; a >= 0; a--) {
    dust_envelope envelope = {.weight = plan->units->weight[a], .far = plan->units->far, .border = plan->border};
    DUST_TRY(dust_envelope_spread(&plan->centre, plan->faces ? &plan->lattice[a] : NULL, a, &envelope, pool));
    dust_ndarray_release(&plan->lattice[a]);
    for (int d = 0; plan->faces && d < a; d++) DUST_TRY(dust_envelope_spread(&plan->lattice[d], NULL, a, &envelope, pool));
  }
  return DUST_OK;
}

static dust_status transform(edt_plan *plan, dust_pool *pool) {
  const dust_ndarray *labels = plan->labels;
  dust_dtype dtype = plan->wide ? DUST_FLOAT64 : DUST_INT32;
  DUST_TRY(dust_ndarray_empty(&plan->centre, dtype, labels->ndim, labels->shape));
  for (int a = 0; plan->faces && a < labels->ndim - 1; a++)
    DUST_TRY(dust_ndarray_empty(&plan->lattice[a], dtype, labels->ndim, labels->shape));
  DUST_TRY(dust_pool_for(pool, plan->rows, ROWS_A_CHUNK, row_body, plan));
  return spread_axes(plan, pool);
}

/* Squares to what is wanted, a row at a time. */
static dust_status finish_rows(void *context, size_t begin, size_t end, size_t chunk) {
  const edt_plan *plan = context;
  const dust_edt_job *job = plan->job;
  size_t n = (size_t)plan->labels->shape[plan->labels->ndim - 1];
  double *value = NULL;
  uint8_t *zero = NULL;
  dust_status status;
  DUST_GO(dust_alloc((void **)&value, n * sizeof *value));
  DUST_GO(dust_alloc((void **)&zero, n));
  for (size_t row = begin; row < end; row++) {
    for (size_t x = 0; x < n; x++) {
      double square = plan->wide ? ((double *)plan->centre.data)[row * n + x] : ((int32_t *)plan->centre.data)[row * n + x];
      value[x] = plan->any || plan->border ? dust_edt_distance(square, plan->units->unit) : job->none;
    }
    if (job->curve) job->curve(job->context, value, n);
    if (!job->out) {
      job->row(job->context, (int64_t)row, value, n);
      continue;
    }
    dust_zero_row(zero, dust_row_start(job->labels, (int64_t)row), (int64_t)n, dust_dtype_size(job->labels->dtype));
    dust_edt_sign_row(job->out + row * n, value, zero, n);
  }
done:
  dust_free(value);
  dust_free(zero);
  return status;
}

dust_status dust_edt_wide(const dust_edt_job *job, const dust_edt_units *units, dust_pool *pool) {
  edt_plan plan = {.job = job,
                   .labels = job->labels,
                   .faces = job->sites == DUST_EDT_FACES,
                   .border = job->sites == DUST_EDT_ZEROS_AND_BORDER,
                   .units = units,
                   .wide = !(units->whole && units->far < DUST_ENVELOPE_NARROW)};
  plan.rows = (size_t)(dust_ndarray_count(job->labels) / job->labels->shape[job->labels->ndim - 1]);
  dust_status status;
  DUST_GO(transform(&plan, pool));
  DUST_GO(dust_pool_for(pool, plan.rows, ROWS_A_CHUNK, finish_rows, &plan));
done:
  dust_ndarray_release(&plan.centre);
  for (int a = 0; a < job->labels->ndim; a++) dust_ndarray_release(&plan.lattice[a]);
  return status;
}
