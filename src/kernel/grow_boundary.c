/* One pass a step between two copies: a voxel keeps its label if all its face neighbours inside the array carried it in the step before. */
#include "kernel/grow_boundary.h"

#include <inttypes.h>
#include <string.h>
#include "kernel/copy.h"

#define ROWS_A_CHUNK 64

typedef struct erosion {
  int ndim;
  const int64_t *shape;
  int64_t step[DUST_MAXDIM]; /* elements between neighbours along an axis, C order */
  const uint64_t *from;
  uint64_t *to;
} erosion;

/* 0 wherever `there` differs from `here`. */
static void keep_equal(uint64_t *restrict out, const uint64_t *restrict here, const uint64_t *restrict there, int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] = here[i] == there[i] ? out[i] : 0;
}

static void erode_row(const erosion *e, int64_t row) {
  int last = e->ndim - 1;
  int64_t n = e->shape[last], rest = row;
  const uint64_t *here = e->from + row * n;
  uint64_t *out = e->to + row * n;
  memcpy(out, here, (size_t)n * sizeof *out);
  for (int a = last - 1; a >= 0; rest /= e->shape[a--]) {
    int64_t at = rest % e->shape[a];
    if (at > 0) keep_equal(out, here, here - e->step[a], n);
    if (at < e->shape[a] - 1) keep_equal(out, here, here + e->step[a], n);
  }
  keep_equal(out + 1, here + 1, here, n - 1);
  keep_equal(out, here, here + 1, n - 1);
}

static dust_status erode_rows(void *context, size_t begin, size_t end, size_t chunk) {
  for (size_t row = begin; row < end; row++) erode_row(context, (int64_t)row);
  return DUST_OK;
}

static dust_status check(const dust_ndarray *labels, int64_t steps) {
  if (dust_dtype_is_float(labels->dtype))
    return dust_fail(DUST_ERROR_ARGUMENT, "boundaries grow between integer labels, not in %s", dust_dtype_name(labels->dtype));
  if (labels->ndim < 1) return dust_fail(DUST_ERROR_ARGUMENT, "boundaries need an array with at least one axis");
  if (steps < 0) return dust_fail(DUST_ERROR_ARGUMENT, "%" PRId64 " steps of growing boundaries; there must be 0 or more", steps);
  return DUST_OK;
}

dust_status dust_grow_boundary(dust_ndarray *out, const dust_ndarray *labels, int64_t steps, dust_pool *pool) {
  DUST_TRY(check(labels, steps));
  dust_ndarray ids[2] = {0};
  dust_status status;
  DUST_GO(dust_ndarray_empty(&ids[0], DUST_UINT64, labels->ndim, labels->shape));
  DUST_GO(dust_copy_array(&ids[0], labels, pool));
  DUST_GO(dust_ndarray_empty(&ids[1], DUST_UINT64, labels->ndim, labels->shape));
  erosion e = {.ndim = labels->ndim, .shape = labels->shape};
  int64_t count = dust_ndarray_count(labels);
  int64_t rows = count ? count / labels->shape[labels->ndim - 1] : 0;
  int64_t step = 1;
  for (int a = labels->ndim - 1; a >= 0; step *= labels->shape[a--]) e.step[a] = step;
  int now = 0;
  for (int64_t s = 0; s < steps; s++, now = !now) {
    e.from = (const uint64_t *)(const void *)ids[now].data;
    e.to = (uint64_t *)(void *)ids[!now].data;
    DUST_GO(dust_pool_for(pool, (size_t)rows, ROWS_A_CHUNK, erode_rows, &e));
  }
  DUST_GO(dust_cast_array(out, &ids[now], labels->dtype, pool));
done:
  dust_ndarray_release(&ids[0]);
  dust_ndarray_release(&ids[1]);
  return status;
}
