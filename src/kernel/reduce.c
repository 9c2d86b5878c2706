/* Sums, means and extremes. A piece is reduced in LANES interleaved partial results, which the compiler turns into vectors and which keep rounding errors of sums small
 * (numpy's pairwise summation does the same with 8); pieces add up in a chunk, chunks in order.
 */
#include "kernel/reduce.h"

#include <math.h>
#include <string.h>
#include "base/mem.h"
#include "kernel/blocks.h"

#define LANES 16

/* ---- extremes, in the narrowest family that holds the type exactly */
typedef struct extreme {
  union { float f; double d; int64_t i; uint64_t u; } low, high;
  bool any, nan;
} extreme;

#define EXTREMES(name, type)                                                                    \
  static void name(type *low, type *high, bool *nan, const type *x, size_t n) {                 \
    type lows[LANES], highs[LANES];                                                             \
    uint32_t odd = 0;                                                                           \
    size_t i = 0;                                                                               \
    for (int k = 0; k < LANES; k++) lows[k] = *low, highs[k] = *high;                           \
    for (; i + LANES <= n; i += LANES) {                                                        \
      for (int k = 0; k < LANES; k++) lows[k] = x[i + k] < lows[k] ? x[i + k] : lows[k];        \
      for (int k = 0; k < LANES; k++) highs[k] = x[i + k] > highs[k] ? x[i + k] : highs[k];     \
    }                                                                                           \
    for (; i < n; i++) lows[0] = x[i] < lows[0] ? x[i] : lows[0], highs[0] = x[i] > highs[0] ? x[i] : highs[0]; \
    for (int k = 0; k < LANES; k++) *low = lows[k] < *low ? lows[k] : *low, *high = highs[k] > *high ? highs[k] : *high; \
    for (i = 0; i < n; i++) odd |= x[i] != x[i];                                                \
    *nan |= odd != 0;                                                                           \
  }
EXTREMES(extremes_float, float)
EXTREMES(extremes_double, double)
EXTREMES(extremes_signed, int64_t)
EXTREMES(extremes_unsigned, uint64_t)

typedef struct extreme_job {
  dust_dtype dtype;
  extreme *partial;
} extreme_job;

static bool is_narrow(dust_dtype dtype) { return dtype == DUST_FLOAT32 || dust_dtype_size(dtype) <= 2; }
static bool is_wide(dust_dtype dtype) { return dtype == DUST_UINT64 || dtype == DUST_INT64; }

/* A partial result starts at its first element; where that is NaN the comparisons never leave it, and `nan` says so. */
static void extreme_block(void *context, const dust_rows *rows, char *const *pointer, size_t n, size_t chunk) {
  const extreme_job *job = context;
  extreme *e = &job->partial[chunk];
  uint64_t buffer[DUST_BLOCK];
  if (is_narrow(job->dtype)) {
    const float *x = dust_block_floats((float *)buffer, pointer[0], rows->stride[0], job->dtype, n);
    if (!e->any) e->low.f = e->high.f = x[0];
    extremes_float(&e->low.f, &e->high.f, &e->nan, x, n);
  } else if (job->dtype == DUST_INT64) {
    const int64_t *x = (const int64_t *)dust_block_labels(buffer, pointer[0], rows->stride[0], job->dtype, n);
    if (!e->any) e->low.i = e->high.i = x[0];
    extremes_signed(&e->low.i, &e->high.i, &e->nan, x, n);
  } else if (job->dtype == DUST_UINT64) {
    const uint64_t *x = dust_block_labels(buffer, pointer[0], rows->stride[0], job->dtype, n);
    if (!e->any) e->low.u = e->high.u = x[0];
    extremes_unsigned(&e->low.u, &e->high.u, &e->nan, x, n);
  } else {
    const double *x = dust_block_doubles((double *)buffer, pointer[0], rows->stride[0], job->dtype, n);
    if (!e->any) e->low.d = e->high.d = x[0];
    extremes_double(&e->low.d, &e->high.d, &e->nan, x, n);
  }
  e->any = true;
}

static void combine(extreme *into, const extreme *e, dust_dtype dtype) {
  bool nan = false;
  if (is_narrow(dtype)) {
    extremes_float(&into->low.f, &into->high.f, &nan, &e->low.f, 1);
    extremes_float(&into->low.f, &into->high.f, &nan, &e->high.f, 1);
  } else if (dtype == DUST_INT64) {
    extremes_signed(&into->low.i, &into->high.i, &nan, &e->low.i, 1);
    extremes_signed(&into->low.i, &into->high.i, &nan, &e->high.i, 1);
  } else if (dtype == DUST_UINT64) {
    extremes_unsigned(&into->low.u, &into->high.u, &nan, &e->low.u, 1);
    extremes_unsigned(&into->low.u, &into->high.u, &nan, &e->high.u, 1);
  } else {
    extremes_double(&into->low.d, &into->high.d, &nan, &e->low.d, 1);
    extremes_double(&into->low.d, &into->high.d, &nan, &e->high.d, 1);
  }
  into->nan |= e->nan;
}

static void store_extremes(void *lowest, void *highest, const extreme *e, dust_dtype dtype) {
  ptrdiff_t size = (ptrdiff_t)dust_dtype_size(dtype);
  if (is_wide(dtype)) {
    memcpy(lowest, &e->low.u, sizeof e->low.u);
    memcpy(highest, &e->high.u, sizeof e->high.u);
    return;
  }
  double low = is_narrow(dtype) ? (double)e->low.f : e->low.d, high = is_narrow(dtype) ? (double)e->high.f : e->high.d;
  if (e->nan) low = high = (double)NAN;
  dust_row_from_double(lowest, size, dtype, &low, 1);
  dust_row_from_double(highest, size, dtype, &high, 1);
}

dust_status dust_minmax(void *lowest, void *highest, const dust_ndarray *a, dust_pool *pool) {
  extreme_job job = {.dtype = a->dtype};
  dust_rows rows;
  void *partial = NULL;
  DUST_TRY(dust_rows_init(&rows, 1, &a));
  size_t chunks = dust_blocks_chunks(&rows);
  if (chunks == 0) return dust_fail(DUST_ERROR_ARGUMENT, "an array of no elements has no minimum or maximum");
  DUST_TRY(dust_calloc(&partial, chunks, sizeof *job.partial));
  job.partial = partial;
  dust_status status = dust_blocks_run(&rows, pool, extreme_block, &job);
  for (size_t c = 1; c < chunks; c++) combine(&job.partial[0], &job.partial[c], a->dtype);
  store_extremes(lowest, highest, &job.partial[0], a->dtype);
  dust_free(partial);
  return status;
}

/* ---- sums */
typedef struct sum_job {
  dust_dtype dtype;
  double centre;
  bool squared;
  double *doubles;   /* per chunk */
  uint64_t *integers;
} sum_job;

static void integer_block(void *context, const dust_rows *rows, char *const *pointer, size_t n, size_t chunk) {
  const sum_job *job = context;
  uint64_t buffer[DUST_BLOCK], sum = 0;
  const uint64_t *x = dust_block_labels(buffer, pointer[0], rows->stride[0], job->dtype, n);
  for (size_t i = 0; i < n; i++) sum += x[i];
  job->integers[chunk] += sum;
}

static double fold(const double *lane) {
  double half[LANES / 2];
  for (int k = 0; k < LANES / 2; k++) half[k] = lane[k] + lane[k + LANES / 2];
  return ((half[0] + half[4]) + (half[1] + half[5])) + ((half[2] + half[6]) + (half[3] + half[7]));
}

static void double_block(void *context, const dust_rows *rows, char *const *pointer, size_t n, size_t chunk) {
  const sum_job *job = context;
  double buffer[DUST_BLOCK], lane[LANES] = {0}, centre = job->centre;
  const double *x = dust_block_doubles(buffer, pointer[0], rows->stride[0], job->dtype, n);
  size_t whole = n / LANES * LANES;
  if (job->squared) {
    for (size_t i = 0; i < whole; i += LANES)
      for (int k = 0; k < LANES; k++) lane[k] += (x[i + k] - centre) * (x[i + k] - centre);
    for (size_t i = whole; i < n; i++) lane[i - whole] += (x[i] - centre) * (x[i] - centre);
  } else {
    for (size_t i = 0; i < whole; i += LANES)
      for (int k = 0; k < LANES; k++) lane[k] += x[i + k] - centre;
    for (size_t i = whole; i < n; i++) lane[i - whole] += x[i] - centre;
  }
  job->doubles[chunk] += fold(lane);
}

static dust_status sum(sum_job *job, const dust_ndarray *a, bool integers, dust_pool *pool, double *real, uint64_t *bits) {
  dust_rows rows;
  void *partial = NULL;
  DUST_TRY(dust_rows_init(&rows, 1, &a));
  size_t chunks = dust_blocks_chunks(&rows);
  DUST_TRY(dust_calloc(&partial, chunks, sizeof(uint64_t)));
  job->doubles = partial;
  job->integers = partial;
  dust_status status = dust_blocks_run(&rows, pool, integers ? integer_block : double_block, job);
  for (size_t c = 0; c < chunks && integers; c++) *bits += job->integers[c];
  for (size_t c = 0; c < chunks && !integers; c++) *real += job->doubles[c];
  dust_free(partial);
  return status;
}

dust_status dust_sum_integer(uint64_t *out, const dust_ndarray *a, dust_pool *pool) {
  sum_job job = {.dtype = a->dtype};
  *out = 0;
  return sum(&job, a, true, pool, NULL, out);
}

dust_status dust_sum_double(double *out, const dust_ndarray *a, double centre, bool squared, dust_pool *pool) {
  sum_job job = {.dtype = a->dtype, .centre = centre, .squared = squared};
  *out = 0;
  return sum(&job, a, false, pool, out, NULL);
}

dust_status dust_mean(double *mean, double *deviation, const dust_ndarray *a, dust_pool *pool) {
  double total, n = (double)dust_ndarray_count(a);
  if (n == 0) return dust_fail(DUST_ERROR_ARGUMENT, "an array of no elements has no mean");
  DUST_TRY(dust_sum_double(&total, a, 0, false, pool));
  *mean = total / n;
  if (!deviation) return DUST_OK;
  DUST_TRY(dust_sum_double(&total, a, *mean, true, pool));
  *deviation = sqrt(total / n);
  return DUST_OK;
}
