/* Sums, means and extremes. A piece is reduced in LANES interleaved partial results, which the compiler turns into vectors and
 * which keep rounding errors of sums small (numpy's pairwise summation does the same with 8); pieces add up in a chunk, chunks in
 * order.
 */
#include "kernel/reduce.h"

#include <math.h>
#include <string.h>
#include "base/clones.h"
#include "base/mem.h"
#include "kernel/blocks.h"

#define LANES 16

/* ---- extremes. Every type is compared as integers of the same order, of which compilers make vectors: 64-bit unsigned ones with the top bit flipped, floats with the other
 * bits of negative ones flipped. NaN is then beyond the infinities, so that the extremes themselves tell whether there is any. -0
 * counts as less than 0. */
typedef dust_extremes extreme;

#define KEY_SAME(v) (v)
#define KEY_TOP(v) ((int64_t)((v) ^ UINT64_C(1) << 63))
#define KEY_FLOAT(v) ((v) ^ ((v) < 0 ? INT32_MAX : 0))
#define KEY_DOUBLE(v) ((v) ^ ((v) < 0 ? INT64_MAX : 0))

/* Of n >= 1 elements side by side, each loaded as `type`. */
#define EXTREMES(name, type, key_type, KEY)                                               \
  DUST_CLONED(void, extremes_##name, (extreme * e, const char *x, size_t n), (e, x, n)) { \
    type v;                                                                               \
    memcpy(&v, x, sizeof v);                                                              \
    key_type low = KEY(v), high = low;                                                    \
    for (size_t i = 0; i < n; i++) {                                                      \
      memcpy(&v, x + i * sizeof v, sizeof v);                                             \
      key_type key = KEY(v);                                                              \
      low = key < low ? key : low;                                                        \
      high = key > high ? key : high;                                                     \
    }                                                                                     \
    if (!e->any || low < e->low) e->low = low;                                            \
    if (!e->any || high > e->high) e->high = high;                                        \
    e->any = true;                                                                        \
  }
EXTREMES(uint8, uint8_t, uint8_t, KEY_SAME)
EXTREMES(uint16, uint16_t, uint16_t, KEY_SAME)
EXTREMES(uint32, uint32_t, uint32_t, KEY_SAME)
EXTREMES(uint64, uint64_t, int64_t, KEY_TOP)
EXTREMES(int8, int8_t, int8_t, KEY_SAME)
EXTREMES(int16, int16_t, int16_t, KEY_SAME)
EXTREMES(int32, int32_t, int32_t, KEY_SAME)
EXTREMES(int64, int64_t, int64_t, KEY_SAME)
EXTREMES(float32, int32_t, int32_t, KEY_FLOAT)
EXTREMES(float64, int64_t, int64_t, KEY_DOUBLE)

static void (*const extremes[DUST_DTYPE_COUNT])(extreme *, const char *, size_t) = {
    [DUST_UINT8] = extremes_uint8,     [DUST_UINT16] = extremes_uint16,   [DUST_UINT32] = extremes_uint32, [DUST_UINT64] = extremes_uint64,
    [DUST_INT8] = extremes_int8,       [DUST_INT16] = extremes_int16,     [DUST_INT32] = extremes_int32,   [DUST_INT64] = extremes_int64,
    [DUST_FLOAT32] = extremes_float32, [DUST_FLOAT64] = extremes_float64,
};

typedef struct extreme_job {
  dust_dtype dtype;
  extreme *partial;
} extreme_job;

static void near_block(void *context, const dust_rows *rows, char *const *pointer, size_t n, size_t chunk) {
  const extreme_job *job = context;
  extremes[job->dtype](&job->partial[chunk], pointer[0], n);
}

static void far_block(void *context, const dust_rows *rows, char *const *pointer, size_t n, size_t chunk) {
  const extreme_job *job = context;
  uint64_t buffer[DUST_BLOCK];
  dust_row_cast(buffer, (ptrdiff_t)dust_dtype_size(job->dtype), job->dtype, pointer[0], rows->stride[0], job->dtype, n);
  extremes[job->dtype](&job->partial[chunk], (const char *)buffer, n);
}

static dust_status find_extremes(extreme_job *job, const dust_rows *rows, dust_pool *pool) {
  if (rows->stride[0] == (int64_t)dust_dtype_size(job->dtype)) return dust_blocks_run_long(rows, pool, near_block, job);
  return dust_blocks_run(rows, pool, far_block, job);
}

void dust_extremes_add(extreme *e, const void *elements, dust_dtype dtype, size_t n) { extremes[dtype](e, elements, n); }

static void combine(extreme *into, const extreme *e) {
  if (!into->any) *into = *e;
  if (!e->any) return;
  if (e->low < into->low) into->low = e->low;
  if (e->high > into->high) into->high = e->high;
}

/* Keys are their own inverse. */
static void store_float32(void *lowest, void *highest, const extreme *e) {
  int32_t low = KEY_FLOAT((int32_t)e->low), high = KEY_FLOAT((int32_t)e->high);
  float nan = NAN;
  memcpy(lowest, &low, sizeof low);
  memcpy(highest, &high, sizeof high);
  if (e->low >= KEY_FLOAT((int32_t)0xff800000) && e->high <= 0x7f800000) return;
  memcpy(lowest, &nan, sizeof nan);
  memcpy(highest, &nan, sizeof nan);
}

static void store_float64(void *lowest, void *highest, const extreme *e) {
  int64_t low = KEY_DOUBLE(e->low), high = KEY_DOUBLE(e->high);
  double nan = (double)NAN;
  memcpy(lowest, &low, sizeof low);
  memcpy(highest, &high, sizeof high);
  if (e->low >= KEY_DOUBLE((int64_t)0xfff0000000000000) && e->high <= 0x7ff0000000000000) return;
  memcpy(lowest, &nan, sizeof nan);
  memcpy(highest, &nan, sizeof nan);
}

static void store_extremes(void *lowest, void *highest, const extreme *e, dust_dtype dtype) {
  if (dtype == DUST_FLOAT32) return store_float32(lowest, highest, e);
  if (dtype == DUST_FLOAT64) return store_float64(lowest, highest, e);
  uint64_t flip = dtype == DUST_UINT64 ? UINT64_C(1) << 63 : 0, low = (uint64_t)e->low ^ flip, high = (uint64_t)e->high ^ flip;
  dust_row_from_label(lowest, 8, dtype, &low, 1);
  dust_row_from_label(highest, 8, dtype, &high, 1);
}

dust_status dust_minmax(void *lowest, void *highest, const dust_ndarray *a, dust_pool *pool) {
  const dust_figures known = dust_ndarray_figures(a);
  if (known.extremes) {
    memcpy(lowest, &known.low, sizeof known.low);
    memcpy(highest, &known.high, sizeof known.high);
    return DUST_OK;
  }
  extreme_job job = {.dtype = a->dtype};
  dust_rows rows;
  void *partial = NULL;
  dust_rows_init_any_order(&rows, a);
  size_t chunks = dust_blocks_chunks(&rows);
  if (chunks == 0) return dust_fail(DUST_ERROR_ARGUMENT, "an array of no elements has no minimum or maximum");
  DUST_TRY(dust_calloc(&partial, chunks, sizeof *job.partial));
  job.partial = partial;
  dust_status status = find_extremes(&job, &rows, pool);
  for (size_t c = 1; c < chunks; c++) combine(&job.partial[0], &job.partial[c]);
  store_extremes(lowest, highest, &job.partial[0], a->dtype);
  dust_free(partial);
  return status;
}

/* ---- sums */
typedef struct sum_job {
  dust_dtype dtype;
  double centre;
  bool squared;
  double *doubles; /* per chunk */
  uint64_t *integers;
} sum_job;

static void integer_block(void *context, const dust_rows *rows, char *const *pointer, size_t n, size_t chunk) {
  const sum_job *job = context;
  uint64_t buffer[DUST_BLOCK], sum = 0;
  const uint64_t *x = dust_block_labels(buffer, pointer[0], rows->stride[0], job->dtype, n);
  for (size_t i = 0; i < n; i++) sum += x[i];
  job->integers[chunk] += sum;
}

static inline double fold(const double *lane) {
  double half[LANES / 2];
  for (int k = 0; k < LANES / 2; k++) half[k] = lane[k] + lane[k + LANES / 2];
  return ((half[0] + half[4]) + (half[1] + half[5])) + ((half[2] + half[6]) + (half[3] + half[7]));
}

#define SUM(type)                                                                                            \
  DUST_CLONED(double, sum_##type, (const type *x, double centre, size_t n), (x, centre, n)) {                \
    double lane[LANES] = {0};                                                                                \
    size_t whole = n / LANES * LANES;                                                                        \
    for (size_t i = 0; i < whole; i += LANES)                                                                \
      for (int k = 0; k < LANES; k++) lane[k] += (double)x[i + k] - centre;                                  \
    for (size_t i = whole; i < n; i++) lane[i - whole] += (double)x[i] - centre;                             \
    return fold(lane);                                                                                       \
  }                                                                                                          \
  DUST_CLONED(double, squares_##type, (const type *x, double centre, size_t n), (x, centre, n)) {            \
    double lane[LANES] = {0};                                                                                \
    size_t whole = n / LANES * LANES;                                                                        \
    for (size_t i = 0; i < whole; i += LANES)                                                                \
      for (int k = 0; k < LANES; k++) lane[k] += ((double)x[i + k] - centre) * ((double)x[i + k] - centre);  \
    for (size_t i = whole; i < n; i++) lane[i - whole] += ((double)x[i] - centre) * ((double)x[i] - centre); \
    return fold(lane);                                                                                       \
  }
SUM(float)
SUM(double)

static void float_block(void *context, const dust_rows *rows, char *const *pointer, size_t n, size_t chunk) {
  const sum_job *job = context;
  float buffer[DUST_BLOCK];
  const float *x = dust_block_floats(buffer, pointer[0], rows->stride[0], job->dtype, n);
  job->doubles[chunk] += job->squared ? squares_float(x, job->centre, n) : sum_float(x, job->centre, n);
}

static void double_block(void *context, const dust_rows *rows, char *const *pointer, size_t n, size_t chunk) {
  const sum_job *job = context;
  double buffer[DUST_BLOCK];
  const double *x = dust_block_doubles(buffer, pointer[0], rows->stride[0], job->dtype, n);
  job->doubles[chunk] += job->squared ? squares_double(x, job->centre, n) : sum_double(x, job->centre, n);
}

static dust_status sum(sum_job *job, const dust_ndarray *a, bool integers, dust_pool *pool, double *real, uint64_t *bits) {
  dust_rows rows;
  void *partial = NULL;
  dust_rows_init_any_order(&rows, a);
  size_t chunks = dust_blocks_chunks(&rows);
  DUST_TRY(dust_calloc(&partial, chunks, sizeof(uint64_t)));
  job->doubles = partial;
  job->integers = partial;
  dust_block_body body = integers ? integer_block : job->dtype == DUST_FLOAT32 ? float_block : double_block;
  dust_status status = dust_blocks_run(&rows, pool, body, job);
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
  const dust_figures known = dust_ndarray_figures(a);
  *out = known.total;
  if (known.sum && centre == 0 && !squared) return DUST_OK;
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

/* ---- tallies */
void dust_tally_floats(dust_tally *tally, const float *elements, size_t n) {
  extremes_float32(&tally->extremes, (const char *)elements, n);
  tally->sum += sum_float(elements, 0, n);
}

void dust_tally_keep(const dust_ndarray *array, const dust_tally *tally, size_t chunks, bool sum) {
  dust_figures figures = {.sum = sum};
  extreme all = {0};
  for (size_t c = 0; c < chunks; c++) {
    combine(&all, &tally[c].extremes);
    figures.total += tally[c].sum;
  }
  figures.extremes = all.any;
  if (all.any) store_extremes(&figures.low, &figures.high, &all, array->dtype);
  dust_ndarray_set_figures(array, &figures);
}
