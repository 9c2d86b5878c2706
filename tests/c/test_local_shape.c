/* Kernels on the shape of objects where Lua can't reach: every allocation failing in turn, with and without threads, requests no
 * machine can meet; the same bytes on every instruction set. */
#include "check.h"

#include <math.h>
#include "base/isa.h"
#include "kernel/erode.h"
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

static bool same(const dust_ndarray *a, const dust_ndarray *b) {
  return dust_ndarray_bytes(a) == dust_ndarray_bytes(b) && memcmp(a->data, b->data, dust_ndarray_bytes(a)) == 0;
}

/* Objects of several pieces and many sizes, rows longer and shorter than a vector. */
static void make_blobs(dust_ndarray *out, int64_t width) {
  CHECK_OK(dust_ndarray_zeros(out, DUST_UINT16, 3, (const int64_t[]){12, 20, width}));
  uint16_t *id = (uint16_t *)(void *)out->data;
  for (int64_t z = 0; z < 12; z++)
    for (int64_t y = 0; y < 20; y++)
      for (int64_t x = 0; x < width; x++) *id++ = (uint16_t)((z / 5 * 7 + y / 6 * 3 + (x + y / 4) / 9) * 2654435761u >> 7) % 6;
}

static void test_same_bytes(void) {
  static const double voxel_size[] = {2, 1, 1}, sigma[] = {6, 4, 4};
  dust_isa best = dust_isa_now();
  for (int64_t width = 6; width <= 78; width += 24) {
    dust_ndarray labels = {0}, first[3] = {0}, other = {0};
    make_blobs(&labels, width);
    for (int isa = DUST_ISA_BASELINE; isa <= (int)dust_isa_best(); isa++) {
      dust_pool *pool;
      dust_isa_use((dust_isa)isa);
      CHECK_OK(dust_pool_create(&pool, 1 + isa));
      for (int down = 1; down <= 2; down++) {
        CHECK_OK(dust_local_shape(isa ? &other : &first[down], &labels, voxel_size, sigma, down, pool));
        if (isa) CHECK(same(&first[down], &other));
        dust_ndarray_release(&other);
      }
      dust_pool_release(pool);
    }
    for (int d = 1; d <= 2; d++) dust_ndarray_release(&first[d]);
    dust_ndarray_release(&labels);
  }
  dust_isa_use(best);
}

/* Without a mask, and with one that knows everything. */
static void test_erosion_ways(void) {
  dust_isa best = dust_isa_now();
  dust_ndarray labels = {0}, mask = {0}, bytes = {0}, steps = {0};
  make_blobs(&labels, 70);
  CHECK_OK(dust_ndarray_zeros(&mask, DUST_UINT8, 3, labels.shape));
  memset(mask.data, 1, dust_ndarray_bytes(&mask));
  for (int isa = DUST_ISA_BASELINE; isa <= (int)dust_isa_best(); isa++) {
    dust_isa_use((dust_isa)isa);
    for (int n = 0; n < 5; n++) {
      dust_erosion erosion = {.steps = n, .background = 3 * (n % 2), .axes = 1 + n % 3};
      CHECK_OK(dust_erode_labels(&bytes, &labels, &erosion, NULL));
      erosion.mask = &mask;
      CHECK_OK(dust_erode_labels(&steps, &labels, &erosion, NULL));
      CHECK(same(&bytes, &steps));
      dust_ndarray_release(&bytes), dust_ndarray_release(&steps);
    }
  }
  dust_isa_use(best);
  dust_ndarray_release(&labels), dust_ndarray_release(&mask);
}

int main(void) {
  test_same_bytes();
  test_erosion_ways();
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
