/* Label and intensity kernels where Lua can't reach: every allocation failing in turn, requests no machine can meet, unaligned
 * elements, thread counts on tiny arrays. */
#include "check.h"

#include <math.h>
#include "kernel/affinities.h"
#include "kernel/balance.h"
#include "kernel/gamma.h"
#include "kernel/integral.h"
#include "kernel/intensity.h"
#include "kernel/max_channels.h"
#include "kernel/one_hot.h"
#include "kernel/pad.h"
#include "kernel/scale_shift.h"

static void make(dust_ndarray *out, dust_dtype dtype, int ndim, const int64_t *shape) {
  CHECK_OK(dust_ndarray_zeros(out, dtype, ndim, shape));
  for (int64_t i = 0; i < dust_ndarray_count(out); i++) {
    double value = (double)(i * 7 % 3);
    dust_row_from_double(out->data + i * (int64_t)dust_dtype_size(dtype), 8, dtype, &value, 1);
  }
}

typedef struct inputs {
  dust_ndarray labels, grey;
} inputs;

static dust_status labels_kernels(void *context) {
  const inputs *in = context;
  dust_ndarray out[4] = {{0}};
  dust_integral integral = {0};
  dust_balance_count count[9] = {{0, 1}};
  const int64_t slab[] = {1, -1, -1};
  const dust_ndarray *masks[] = {&in->labels, &in->grey};
  dust_balance_options options = {.classes = 3, .masks = 2, .mask = masks, .slab_ndim = 3, .slab = slab, .clipmin = .05, .clipmax = .95};
  dust_status status;
  DUST_GO(dust_affinities(&out[0], &in->labels, 2, (const int64_t[]){1, 0, 0, 0, -1, 2}, false, NULL));
  DUST_GO(dust_one_hot(&out[1], &in->labels, 3, NULL));
  DUST_GO(dust_balance_weights(&out[2], &in->labels, &options, count, NULL));
  DUST_GO(dust_max_channels(&out[3], &in->labels, 2, NULL));
  DUST_GO(dust_integral_make(&integral, &in->labels, NULL));
done:
  for (int i = 0; i < 4; i++) dust_ndarray_release(&out[i]);
  dust_integral_release(&integral);
  return status;
}

static dust_status intensity_kernels(void *context) {
  const inputs *in = context;
  dust_ndarray out[4] = {{0}};
  const int64_t slab[] = {-1, 4, -1}, pad[] = {1, 2, 3};
  const double scale[] = {1, 2}, shift[] = {0, .1};
  dust_status status;
  DUST_GO(dust_pad_array(&out[0], &in->grey, pad, pad, DUST_PAD_REFLECT, NULL, NULL));
  DUST_GO(dust_scale_shift(&out[1], &in->grey, 2, 1, DUST_UINT8, 0, 9, NULL));
  DUST_GO(dust_gamma_array(&out[2], &in->grey, 2, NULL));
  DUST_GO(dust_intensity_array(&out[3], &in->grey, 3, slab, 2, scale, shift, true, NULL));
done:
  for (int i = 0; i < 4; i++) dust_ndarray_release(&out[i]);
  return status;
}

/* A view of 2^60 voxels that repeat one element: outputs must be refused before anything is touched. */
static void test_too_large(const inputs *in) {
  dust_ndarray huge = {0}, one = {0}, out = {0};
  const int64_t shape[] = {1 << 20, 1 << 20, 1 << 20}, none[] = {0, 0, 0};
  CHECK_OK(dust_ndarray_crop(&one, &in->labels, none, (const int64_t[]){1, 1, 1}));
  CHECK_OK(dust_ndarray_broadcast(&huge, &one, 3, shape));
  CHECK(dust_one_hot(&out, &huge, 1 << 20, NULL) != DUST_OK);
  CHECK(dust_affinities(&out, &huge, 3, (const int64_t[9]){0}, false, NULL) != DUST_OK);
  CHECK(dust_scale_shift(&out, &huge, 1, 0, DUST_FLOAT64, -INFINITY, INFINITY, NULL) != DUST_OK);
  CHECK(dust_pad_array(&out, &huge, none, shape, DUST_PAD_CONSTANT, NULL, NULL) != DUST_OK);
  CHECK(dust_integral_make(&(dust_integral){0}, &huge, NULL) != DUST_OK);
  dust_ndarray_release(&huge), dust_ndarray_release(&one);
}

/* Elements at odd addresses, as a mapped file may have them. */
static void test_unaligned(void) {
  static char bytes[8 * 24 + 1];
  dust_ndarray odd = {0}, even = {0}, a = {0}, b = {0};
  const int64_t shape[] = {4, 6}, offset[] = {0, 1, 1, 0, 1, -2};
  CHECK_OK(dust_ndarray_wrap(&odd, DUST_UINT64, 2, shape, bytes + 1, true, NULL, NULL));
  make(&even, DUST_UINT64, 2, shape);
  memcpy(bytes + 1, even.data, 8 * 24);
  CHECK_OK(dust_affinities(&a, &odd, 3, offset, true, NULL));
  CHECK_OK(dust_affinities(&b, &even, 3, offset, true, NULL));
  CHECK(memcmp(a.data, b.data, dust_ndarray_bytes(&a)) == 0);
  dust_ndarray_release(&a), dust_ndarray_release(&b);
  CHECK_OK(dust_max_channels(&a, &odd, 1, NULL));
  CHECK_OK(dust_max_channels(&b, &even, 1, NULL));
  CHECK(memcmp(a.data, b.data, dust_ndarray_bytes(&a)) == 0);
  dust_ndarray_release(&a), dust_ndarray_release(&b), dust_ndarray_release(&odd), dust_ndarray_release(&even);
}

/* Rows longer than a block, several threads. */
static void test_counts_of_all(void) {
  dust_ndarray mask = {0};
  dust_integral integral = {0};
  make(&mask, DUST_INT16, 3, (const int64_t[]){3, 50, 2000});
  dust_pool *pool;
  CHECK_OK(dust_pool_create(&pool, 4));
  CHECK_OK(dust_integral_make(&integral, &mask, pool));
  uint64_t slow = 0;
  for (int64_t i = 0; i < 300000; i++) slow += i * 7 % 3 > 0;
  CHECK(dust_integral_count(&integral, (const int64_t[]){0, 0, 0}, mask.shape) == slow);
  CHECK(dust_integral_count(&integral, (const int64_t[]){1, 49, 1999}, (const int64_t[]){1, 1, 1}) == ((100000 + 99999) * 7 % 3 > 0));
  dust_integral_release(&integral), dust_integral_release(&integral);
  dust_ndarray_release(&mask);
  dust_pool_release(pool);
}

int main(void) {
  inputs in = {{0}, {0}};
  make(&in.labels, DUST_UINT16, 3, (const int64_t[]){3, 5, 9});
  make(&in.grey, DUST_FLOAT32, 3, (const int64_t[]){3, 5, 9});
  check_every_allocation("kernels on labels", labels_kernels, &in);
  check_every_allocation("kernels on grey values", intensity_kernels, &in);
  test_too_large(&in);
  test_unaligned();
  test_counts_of_all();
  dust_ndarray_release(&in.labels), dust_ndarray_release(&in.grey);
  return check_done();
}
