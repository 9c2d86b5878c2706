/* Reductions where Lua can't reach: every allocation failing, any number of threads, the error of long sums. */
#include "check.h"
#include <math.h>
#include "base/pool.h"
#include "kernel/compare.h"
#include "kernel/hash.h"
#include "kernel/reduce.h"
#include "kernel/unique.h"

static dust_ndarray noise(dust_dtype dtype, int64_t rows, int64_t columns) {
  dust_ndarray a = {0};
  int64_t shape[2] = {rows, columns};
  uint64_t state = 1;
  CHECK_OK(dust_ndarray_empty(&a, dtype, 2, shape));
  for (int64_t i = 0; i < rows * columns; i++) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    double value = (double)(state >> 40) / 65536.0;
    dust_row_from_double(a.data + i * (int64_t)dust_dtype_size(dtype), 0, dtype, &value, 1);
  }
  return a;
}

static dust_status reduce_all(void *context) {
  const dust_ndarray *a = context;
  dust_ndarray values = {0}, counts = {0};
  dust_scalar three = dust_scalar_integer(3);
  uint64_t low, high, bits;
  int64_t count;
  double mean, deviation;
  DUST_TRY(dust_minmax(&low, &high, a, NULL));
  DUST_TRY(dust_sum_integer(&bits, a, NULL));
  DUST_TRY(dust_mean(&mean, &deviation, a, NULL));
  DUST_TRY(dust_count_value(&count, a, &three, NULL));
  DUST_TRY(dust_hash(&bits, a));
  DUST_TRY(dust_unique(&values, &counts, a));
  dust_ndarray_release(&values);
  dust_ndarray_release(&counts);
  DUST_TRY(dust_histogram(&counts, a, 5, 0, 10));
  dust_ndarray_release(&counts);
  return DUST_OK;
}

static void test_allocations(void) {
  dust_ndarray a = noise(DUST_UINT32, 40, 50), across = {0};
  CHECK_OK(dust_ndarray_transpose(&across, &a, (int[]){1, 0}));
  check_every_allocation("reductions", reduce_all, &a);
  check_every_allocation("reductions of a transposed array", reduce_all, &across);
  dust_ndarray_release(&across);
  dust_ndarray_release(&a);
}

static void check_threads(dust_dtype dtype, dust_pool *pool) {
  dust_ndarray a = noise(dtype, 531, 777);
  uint64_t low[2], high[2];
  double mean[2], deviation[2];
  memset(low, 0, sizeof low);
  memset(high, 0, sizeof high);
  for (int t = 0; t < 2; t++) {
    CHECK_OK(dust_minmax(&low[t], &high[t], &a, t ? pool : NULL));
    CHECK_OK(dust_mean(&mean[t], &deviation[t], &a, t ? pool : NULL));
  }
  CHECK(low[0] == low[1] && high[0] == high[1]);
  CHECK(memcmp(&mean[0], &mean[1], sizeof(double)) == 0 && memcmp(&deviation[0], &deviation[1], sizeof(double)) == 0);
  dust_ndarray_release(&a);
}

static void test_threads(void) {
  dust_pool *pool = NULL;
  CHECK_OK(dust_pool_create(&pool, 3));
  for (int d = 0; d < DUST_DTYPE_COUNT; d++) check_threads((dust_dtype)d, pool);
  dust_pool_release(pool);
}

/* Ten million times 0.1f: added up one by one in float32, the sum would be off by 9%. */
static void test_long_sum(void) {
  dust_ndarray a = {0};
  int64_t n = 10000000;
  double sum, tenth = 0.1f;
  CHECK_OK(dust_ndarray_empty(&a, DUST_FLOAT32, 1, &n));
  for (int64_t i = 0; i < n; i++) ((float *)(void *)a.data)[i] = 0.1f;
  CHECK_OK(dust_sum_double(&sum, &a, 0, false, NULL));
  CHECK(fabs(sum - tenth * (double)n) < 1e-6);
  dust_ndarray_release(&a);
}

static void test_empty(void) {
  dust_ndarray a = {0};
  int64_t n = 0;
  uint64_t low, high;
  double mean;
  CHECK_OK(dust_ndarray_empty(&a, DUST_FLOAT32, 1, &n));
  CHECK_FAILS(dust_minmax(&low, &high, &a, NULL), DUST_ERROR_ARGUMENT, "no elements");
  CHECK_FAILS(dust_mean(&mean, NULL, &a, NULL), DUST_ERROR_ARGUMENT, "no elements");
  dust_ndarray_release(&a);
}

/* Runs or none, small ids or large ones, of each type: counts of each value against a count of that value alone, and of all, any and all. */
static void check_counting(dust_dtype dtype, int64_t run, int64_t values, int64_t step) {
  dust_ndarray a = noise(dtype, 71, 97), found = {0}, counts = {0};
  int64_t n = dust_ndarray_count(&a), size = (int64_t)dust_dtype_size(dtype), total = 0, zeros = 0;
  bool any, all;
  for (int64_t i = 0; i < n; i++) {
    double value = (double)((i / run * 7919 % values - (dust_dtype_is_signed(dtype) ? values / 2 : 0)) * step);
    dust_row_from_double(a.data + i * size, 8, dtype, &value, 1);
    zeros += value == 0;
  }
  CHECK_OK(dust_unique(&found, &counts, &a));
  for (int64_t k = 0; k < found.shape[0]; k++) {
    double value;
    int64_t alone;
    dust_row_to_double(&value, found.data + k * size, 8, dtype, 1);
    dust_scalar number = dust_scalar_number(value);
    CHECK_OK(dust_count_value(&alone, &a, &number, NULL));
    CHECK(alone == (int64_t)((uint64_t *)(void *)counts.data)[k] && alone > 0);
    total += alone;
  }
  CHECK(total == n);
  CHECK_OK(dust_any(&any, &a));
  CHECK_OK(dust_all(&all, &a));
  CHECK(any == (zeros < n) && all == (zeros == 0));
  dust_ndarray_release(&a), dust_ndarray_release(&found), dust_ndarray_release(&counts);
}

static void test_counting(void) {
  static const dust_dtype types[] = {DUST_UINT8, DUST_INT8, DUST_UINT16, DUST_INT32, DUST_UINT64, DUST_INT64, DUST_FLOAT32, DUST_FLOAT64};
  for (int t = 0; t < 8; t++)
    for (int64_t run = 1; run <= 3000; run = run * 5 + 2) {
      check_counting(types[t], run, 100, 1);
      check_counting(types[t], run, 1, 0);
      if (dust_dtype_size(types[t]) > 1) check_counting(types[t], run, 50, 600);
    }
}

int main(void) {
  test_counting();
  test_allocations();
  test_threads();
  test_long_sum();
  test_empty();
  return check_done();
}
