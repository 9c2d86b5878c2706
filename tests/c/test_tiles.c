/* Copies between orders of axes against element by element, for each size of element, shapes around those of tiles, flips, a change of type; kernels that read such
 * views; pieces of rows. */
#include <math.h>
#include <stdlib.h>
#include "check.h"
#include "kernel/blocks.h"
#include "kernel/gamma.h"
#include "kernel/intensity.h"
#include "kernel/scale_shift.h"
#include "volume/ndarray.h"
#include "volume/tiles.h"

static dust_pool *two;

static void make(dust_ndarray *out, dust_dtype dtype, const int64_t *shape) {
  CHECK_OK(dust_ndarray_empty(out, dtype, 3, shape));
  for (size_t i = 0; i < dust_ndarray_bytes(out); i++) out->data[i] = (char)rand();
  if (dust_dtype_is_float(dtype))
    for (int64_t i = 0; i < dust_ndarray_count(out); i++) {
      double value = (double)(rand() % 10000) / 7000;
      dust_row_from_double(out->data + i * (int64_t)dust_dtype_size(dtype), 8, dtype, &value, 1);
    }
}

static const char *at(const dust_ndarray *a, int64_t z, int64_t y, int64_t x) {
  return a->data + z * a->stride[0] + y * a->stride[1] + x * a->stride[2];
}

static bool same_elements(const dust_ndarray *a, const dust_ndarray *b) {
  for (int64_t z = 0; z < a->shape[0]; z++)
    for (int64_t y = 0; y < a->shape[1]; y++)
      for (int64_t x = 0; x < a->shape[2]; x++)
        if (memcmp(at(a, z, y, x), at(b, z, y, x), dust_dtype_size(a->dtype)) != 0) return false;
  return true;
}

/* A view of `base` with its axes in another order, some of them flipped. */
static void turn(dust_ndarray *view, const dust_ndarray *base, const int *axes, int flips) {
  dust_ndarray next = {0};
  CHECK_OK(dust_ndarray_transpose(view, base, axes));
  for (int d = 0; d < 3; d++) {
    if (!(flips >> d & 1)) continue;
    CHECK_OK(dust_ndarray_flip(&next, view, d));
    dust_ndarray_release(view);
    *view = next;
  }
}

static void copy_once(const dust_ndarray *view, dust_pool *pool) {
  dust_ndarray out = {0};
  CHECK_OK(dust_ndarray_empty(&out, view->dtype, 3, view->shape));
  CHECK_OK(dust_ndarray_assign(&out, view, pool));
  CHECK(same_elements(&out, view));
  dust_ndarray_release(&out);
}

static void convert_once(const dust_ndarray *view) {
  dust_ndarray packed = {0}, one = {0}, other = {0};
  CHECK_OK(dust_ndarray_copy(&packed, view));
  CHECK_OK(dust_ndarray_empty(&one, DUST_FLOAT64, 3, view->shape));
  CHECK_OK(dust_ndarray_empty(&other, DUST_FLOAT64, 3, view->shape));
  CHECK_OK(dust_ndarray_assign(&one, view, NULL));
  CHECK_OK(dust_ndarray_assign(&other, &packed, NULL));
  CHECK(memcmp(one.data, other.data, dust_ndarray_bytes(&one)) == 0);
  dust_ndarray_release(&packed), dust_ndarray_release(&one), dust_ndarray_release(&other);
}

static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

static void test_copies(void) {
  static const dust_dtype types[] = {DUST_UINT8, DUST_INT16, DUST_FLOAT32, DUST_UINT64};
  static const int64_t shapes[][3] = {{3, 70, 65}, {17, 5, 130}, {64, 64, 64}, {2, 1, 33}, {66, 67, 2}};
  for (int t = 0; t < 4; t++)
    for (int s = 0; s < 5; s++) {
      dust_ndarray base = {0}, view = {0};
      make(&base, types[t], shapes[s]);
      for (int order = 0; order < 6; order++)
        for (int flips = 0; flips < 8; flips++) {
          turn(&view, &base, orders[order], flips);
          copy_once(&view, NULL), copy_once(&view, two);
          if (flips % 3 == 0) convert_once(&view);
          dust_ndarray_release(&view);
        }
      dust_ndarray_release(&base);
    }
}

static void test_when(void) {
  dust_ndarray base = {0}, view = {0}, out = {0};
  dust_rows rows;
  make(&base, DUST_FLOAT32, (int64_t[]){4, 5, 6});
  turn(&view, &base, orders[1], 0);
  CHECK_OK(dust_ndarray_empty(&out, DUST_FLOAT32, 3, view.shape));
  CHECK_OK(dust_rows_init(&rows, 2, (const dust_ndarray *[]){&out, &view}));
  CHECK(dust_tiles_fit(&rows, DUST_FLOAT32, DUST_FLOAT32));
  CHECK_OK(dust_rows_init(&rows, 2, (const dust_ndarray *[]){&base, &base}));
  CHECK(!dust_tiles_fit(&rows, DUST_FLOAT32, DUST_FLOAT32));
  dust_ndarray_release(&base), dust_ndarray_release(&view), dust_ndarray_release(&out);
}

/* A kernel of a turned view gives what it gives of a copy of it, laid out as the view lies in memory, and leaves the view alone. */
typedef dust_status (*kernel)(dust_ndarray *out, const dust_ndarray *in);
static dust_status gamma_of(dust_ndarray *out, const dust_ndarray *in) { return dust_gamma_array(out, in, 1.7, two); }
static dust_status scaled(dust_ndarray *out, const dust_ndarray *in) { return dust_scale_shift(out, in, 2, 1, DUST_FLOAT32, 0, 3, two); }
static dust_status brighter(dust_ndarray *out, const dust_ndarray *in) {
  int64_t slab[3] = {1, -1, -1}, slabs = in->shape[0];
  double scale[64], shift[64];
  for (int i = 0; i < 64; i++) scale[i] = 1 + i * 0.01, shift[i] = i * 0.02;
  return dust_intensity_array(out, in, 3, slab, (size_t)slabs, scale, shift, true, two);
}

/* Sums are taken in the order of memory, and round accordingly. */
static bool near_elements(const dust_ndarray *a, const dust_ndarray *b) {
  dust_ndarray one = {0}, other = {0};
  bool near = dust_ndarray_same_shape(a, b) && a->dtype == b->dtype;
  CHECK_OK(dust_ndarray_copy(&one, a));
  CHECK_OK(dust_ndarray_copy(&other, b));
  for (int64_t i = 0; near && i < dust_ndarray_count(a); i++) {
    double x = a->dtype == DUST_FLOAT32 ? ((float *)one.data)[i] : ((double *)one.data)[i];
    double y = a->dtype == DUST_FLOAT32 ? ((float *)other.data)[i] : ((double *)other.data)[i];
    near = fabs(x - y) <= (a->dtype == DUST_FLOAT32 ? 1e-6 : 1e-14) * fmax(1, fabs(y));
  }
  dust_ndarray_release(&one), dust_ndarray_release(&other);
  return near;
}

static bool lies_as(const dust_ndarray *a, const dust_ndarray *view) {
  dust_axis_order own, theirs;
  const dust_ndarray memory = dust_ndarray_in_memory(a, &own);
  dust_ndarray_in_memory(view, &theirs);
  bool same = dust_ndarray_is_contiguous(&memory);
  for (int d = 0; d < a->ndim; d++) same = same && own.axis[d] == theirs.axis[d] && own.reversed[d] == theirs.reversed[d];
  return same;
}

static void compare_kernel(kernel run, dust_dtype dtype, const int *axes, int flips) {
  dust_ndarray base = {0}, view = {0}, packed = {0}, one = {0}, other = {0};
  make(&base, dtype, (int64_t[]){19, 33, 40});
  turn(&view, &base, axes, flips);
  CHECK_OK(dust_ndarray_copy(&packed, &view));
  CHECK_OK(run(&one, &view));
  CHECK_OK(run(&other, &packed));
  CHECK(run == brighter ? near_elements(&one, &other) : same_elements(&one, &other));
  CHECK(same_elements(&view, &packed));
  CHECK(lies_as(&one, &view));
  dust_ndarray_release(&base), dust_ndarray_release(&view), dust_ndarray_release(&packed);
  dust_ndarray_release(&one), dust_ndarray_release(&other);
}

static void test_kernels(void) {
  static const kernel kernels[] = {gamma_of, scaled, brighter};
  for (int k = 0; k < 3; k++)
    for (int order = 0; order < 6; order++)
      for (int flips = 0; flips < 8; flips += 3) {
        compare_kernel(kernels[k], DUST_FLOAT32, orders[order], flips);
        compare_kernel(kernels[k], DUST_FLOAT64, orders[order], flips);
      }
}

static dust_status gamma_of_turned(void *context) {
  dust_ndarray out = {0};
  dust_status status = gamma_of(&out, context);
  dust_ndarray_release(&out);
  return status;
}

static dust_status brighter_of_turned(void *context) {
  dust_ndarray out = {0};
  dust_status status = brighter(&out, context);
  dust_ndarray_release(&out);
  return status;
}

static void test_memory(void) {
  dust_ndarray base = {0}, view = {0};
  make(&base, DUST_FLOAT32, (int64_t[]){9, 10, 11});
  turn(&view, &base, orders[5], 1);
  check_every_allocation("gamma of a turned view", gamma_of_turned, &view);
  check_every_allocation("intensity of a turned view", brighter_of_turned, &view);
  dust_ndarray_release(&base), dust_ndarray_release(&view);
}

/* ---- pieces */

typedef struct tally {
  uint8_t *seen;
  const char *base;
  size_t most;
} tally;

static void note(void *context, const dust_rows *rows, char *const *pointer, size_t n, size_t chunk) {
  tally *t = context;
  for (size_t i = 0; i < n; i++) t->seen[pointer[0] + (int64_t)i * rows->stride[0] - t->base]++;
  if (n > t->most) t->most = n;
}

static void visit(const dust_ndarray *view, const dust_ndarray *base, bool longs, size_t *most) {
  dust_rows rows;
  tally t = {.base = base->data};
  void *seen;
  size_t wrong = 0;
  CHECK_OK(dust_calloc(&seen, 1, dust_ndarray_bytes(base)));
  t.seen = seen;
  CHECK_OK(dust_rows_init(&rows, 1, &view));
  CHECK_OK((longs ? dust_blocks_run_long : dust_blocks_run)(&rows, NULL, note, &t));
  for (int64_t z = 0; z < view->shape[0]; z++)
    for (int64_t y = 0; y < view->shape[1]; y++)
      for (int64_t x = 0; x < view->shape[2]; x++) wrong += t.seen[at(view, z, y, x) - base->data]-- != 1;
  for (size_t i = 0; i < dust_ndarray_bytes(base); i++) wrong += t.seen[i] != 0;
  CHECK(wrong == 0);
  *most = t.most;
  dust_free(seen);
}

static void test_pieces(void) {
  dust_ndarray base = {0}, view = {0};
  size_t most;
  make(&base, DUST_UINT8, (int64_t[]){30, 90, 100});
  visit(&base, &base, false, &most);
  CHECK(most == DUST_BLOCK);
  visit(&base, &base, true, &most);
  CHECK(most > 8 * DUST_BLOCK);
  CHECK_OK(dust_ndarray_crop(&view, &base, (int64_t[]){1, 2, 3}, (int64_t[]){27, 80, 95}));
  visit(&view, &base, false, &most);
  CHECK(most == 95);
  visit(&view, &base, true, &most);
  CHECK(most == 95);
  dust_ndarray_release(&base), dust_ndarray_release(&view);
}

int main(void) {
  CHECK_OK(dust_pool_create(&two, 2));
  test_copies();
  test_when();
  test_kernels();
  test_memory();
  test_pieces();
  dust_pool_release(two);
  return check_done();
}
