/* Kernels on the shape of objects where Lua can't reach: every allocation failing in turn, with and without threads, requests no
 * machine can meet. */
#include "check.h"

#include <math.h>
#include "kernel/grow_boundary.h"
#include "kernel/local_shape.h"

static void make(dust_ndarray *out, dust_dtype dtype, int ndim, const int64_t *shape) {
  CHECK_OK(dust_ndarray_zeros(out, dtype, ndim, shape));
  for (int64_t i = 0; i < dust_ndarray_count(out); i++) {
    double value = (double)(i / 3 % 4);
    dust_row_from_double(out->data + i * (int64_t)dust_dtype_size(dtype), 8, dtype, &value, 1);
  }
}

typedef struct inputs {
  dust_ndarray labels, flat;
  dust_pool *pool;
} inputs;

static dust_status descriptors_of(const dust_ndarray *labels, int64_t down, dust_pool *pool) {
  static const double voxel_size[] = {2, 1, 1}, sigma[] = {3, 2, 2};
  dust_ndarray out = {0};
  dust_status status = dust_local_shape(&out, labels, voxel_size, sigma, down, pool);
  dust_ndarray_release(&out);
  return status;
}

static dust_status describe(void *context) {
  const inputs *in = context;
  DUST_TRY(descriptors_of(&in->labels, 1, in->pool));
  DUST_TRY(descriptors_of(&in->labels, 2, in->pool));
  return descriptors_of(&in->flat, 1, in->pool);
}

static dust_status grow(void *context) {
  const inputs *in = context;
  dust_ndarray out = {0};
  DUST_TRY(dust_grow_boundary(&out, &in->labels, 2, in->pool));
  dust_ndarray_release(&out);
  DUST_TRY(dust_grow_boundary(&out, &in->flat, 0, in->pool));
  dust_ndarray_release(&out);
  return DUST_OK;
}

/* A view of 2^60 voxels that repeat one element. */
static void test_too_large(const inputs *in) {
  dust_ndarray huge = {0}, one = {0}, out = {0};
  const int64_t shape[] = {1 << 20, 1 << 20, 1 << 20}, none[] = {0, 0, 0};
  CHECK_OK(dust_ndarray_crop(&one, &in->labels, none, (const int64_t[]){1, 1, 1}));
  CHECK_OK(dust_ndarray_broadcast(&huge, &one, 3, shape));
  CHECK_FAILS(dust_grow_boundary(&out, &huge, 1, NULL), DUST_ERROR_MEMORY, "bytes");
  CHECK_FAILS(dust_local_shape(&out, &huge, (const double[]){1, 1, 1}, (const double[]){1, 1, 1}, 1, NULL), DUST_ERROR_MEMORY, "bytes");
  dust_ndarray_release(&huge), dust_ndarray_release(&one);
}

static void test_misuse(const inputs *in) {
  static const double one[] = {1, 1, 1}, wrong[] = {1, NAN, 1};
  dust_ndarray out = {0}, floats = {0};
  CHECK_OK(dust_ndarray_zeros(&floats, DUST_FLOAT64, 2, (const int64_t[]){2, 2}));
  CHECK_FAILS(dust_local_shape(&out, &floats, one, one, 1, NULL), DUST_ERROR_ARGUMENT, "integer labels, not of float64");
  CHECK_FAILS(dust_grow_boundary(&out, &floats, 1, NULL), DUST_ERROR_ARGUMENT, "integer labels, not in float64");
  CHECK_FAILS(dust_local_shape(&out, &in->labels, one, wrong, 1, NULL), DUST_ERROR_ARGUMENT, "axis 2");
  CHECK_FAILS(dust_local_shape(&out, &in->labels, wrong, one, 1, NULL), DUST_ERROR_ARGUMENT, "axis 2");
  CHECK_FAILS(dust_local_shape(&out, &in->labels, one, one, 5, NULL), DUST_ERROR_ARGUMENT, "multiple of downsample (5)");
  CHECK(out.data == NULL);
  dust_ndarray_release(&floats);
}

int main(void) {
  inputs in = {{0}, {0}, NULL};
  make(&in.labels, DUST_UINT16, 3, (const int64_t[]){4, 6, 8});
  make(&in.flat, DUST_INT64, 2, (const int64_t[]){5, 7});
  check_every_allocation("local shape", describe, &in);
  check_every_allocation("growing boundaries", grow, &in);
  CHECK_OK(dust_pool_create(&in.pool, 4));
  check_every_allocation("local shape with threads", describe, &in);
  check_every_allocation("growing boundaries with threads", grow, &in);
  dust_pool_release(in.pool);
  in.pool = NULL;
  test_too_large(&in);
  test_misuse(&in);
  dust_ndarray_release(&in.labels), dust_ndarray_release(&in.flat);
  return check_done();
}
