/* Rows: every element once, in C order, whatever was merged; any number of threads; the first failing row. */
#include <stdatomic.h>
#include "base/mem.h"
#include "check.h"
#include "volume/rows.h"

static dust_ndarray made(dust_dtype dtype, int ndim, const int64_t *shape) {
  dust_ndarray a = {0};
  CHECK_OK(dust_ndarray_zeros(&a, dtype, ndim, shape));
  return a;
}
#define SHAPE(...) \
  (int64_t[]) { __VA_ARGS__ }

static int element(const dust_ndarray *a, size_t flat) {
  const char *p = a->data;
  for (int d = a->ndim - 1; d >= 0; d--) {
    p += (int64_t)(flat % (size_t)a->shape[d]) * a->stride[d];
    flat /= (size_t)a->shape[d];
  }
  return *(const unsigned char *)p;
}

/* The elements of `a` and `b` as the rows give them, against the same one by one. */
static bool in_order(const dust_ndarray *a, const dust_ndarray *b, size_t rows_expected, size_t length_expected) {
  dust_rows rows;
  char *p[2];
  size_t flat = 0;
  if (dust_rows_init(&rows, 2, (const dust_ndarray *const[]){a, b}) != DUST_OK || rows.count != rows_expected ||
      rows.length != length_expected)
    return false;
  for (size_t r = 0; r < rows.count; r++) {
    dust_rows_at(&rows, r, p);
    for (size_t i = 0; i < rows.length; i++, flat++)
      if (*(unsigned char *)(p[0] + (int64_t)i * rows.stride[0]) != element(a, flat) ||
          *(unsigned char *)(p[1] + (int64_t)i * rows.stride[1]) != element(b, flat))
        return false;
  }
  return flat == (size_t)dust_ndarray_count(a);
}

static void test_merging(void) {
  dust_ndarray a = made(DUST_UINT8, 3, SHAPE(4, 5, 6)), b = made(DUST_UINT16, 3, SHAPE(4, 5, 6)), flip, crop, other, repeated;
  for (int i = 0; i < 120; i++) ((uint8_t *)a.data)[i] = (uint8_t)i, ((uint16_t *)b.data)[i] = (uint16_t)(200 - i);
  CHECK(in_order(&a, &b, 1, 120));
  CHECK_OK(dust_ndarray_flip(&flip, &a, 2));
  CHECK(in_order(&flip, &b, 20, 6));
  dust_ndarray_release(&flip);
  CHECK_OK(dust_ndarray_flip(&flip, &a, 0));
  CHECK(in_order(&flip, &b, 4, 30));
  dust_ndarray_release(&flip);
  CHECK_OK(dust_ndarray_crop(&crop, &a, SHAPE(1, 1, 0), SHAPE(3, 2, 6)));
  CHECK_OK(dust_ndarray_crop(&other, &b, SHAPE(0, 1, 0), SHAPE(3, 2, 6)));
  CHECK(in_order(&crop, &other, 3, 12));
  dust_ndarray_release(&crop), dust_ndarray_release(&other);
  CHECK_OK(dust_ndarray_crop(&crop, &a, SHAPE(0, 0, 2), SHAPE(4, 5, 1))); /* an axis of length 1 is no obstacle */
  CHECK_OK(dust_ndarray_crop(&other, &b, SHAPE(0, 0, 5), SHAPE(4, 5, 1)));
  CHECK(in_order(&crop, &other, 1, 20));
  dust_ndarray_release(&crop), dust_ndarray_release(&other);
  CHECK_OK(dust_ndarray_transpose(&crop, &a, (int[]){0, 2, 1}));
  CHECK_OK(dust_ndarray_transpose(&other, &b, (int[]){0, 2, 1}));
  CHECK(in_order(&crop, &other, 24, 5)); /* the rows are those of the view, 6 elements apart; its other axes can't merge … */
  dust_ndarray_release(&other);
  CHECK_OK(dust_ndarray_copy(&other, &crop));
  CHECK(in_order(&crop, &other, 24, 5)); /* … not even where the other array's could */
  dust_ndarray_release(&other);
  CHECK_OK(dust_ndarray_slice(&other, &b, 1, 4, -1, -1));
  CHECK_OK(dust_ndarray_slice(&repeated, &a, 1, 0, 5, 1));
  CHECK(in_order(&other, &repeated, 20, 6));
  dust_ndarray_release(&repeated), dust_ndarray_release(&other), dust_ndarray_release(&crop), dust_ndarray_release(&a),
      dust_ndarray_release(&b);
}

static void test_special(void) {
  dust_ndarray a = made(DUST_UINT8, 0, NULL), b = made(DUST_FLOAT64, 0, NULL), one, wide, none = made(DUST_UINT8, 2, SHAPE(5, 0)), flat,
               big, small;
  CHECK(in_order(&a, &b, 1, 1));
  one = made(DUST_UINT8, 3, SHAPE(1, 1, 1));
  CHECK(in_order(&one, &one, 1, 1));
  dust_rows rows;
  CHECK_OK(dust_rows_init(&rows, 1, (const dust_ndarray *const[]){&none}));
  CHECK(rows.count == 0);
  CHECK_OK(dust_ndarray_broadcast(&wide, &a, 2, SHAPE(30, 40)));
  flat = made(DUST_UINT8, 2, SHAPE(30, 40));
  CHECK(in_order(&wide, &flat, 1, 1200));
  CHECK_FAILS(dust_rows_init(&rows, 2, (const dust_ndarray *const[]){&flat, &none}), DUST_ERROR_ARGUMENT,
              "arrays of shape 30x40 and 5x0 can't be walked together: they must have the same shape");
  CHECK_FAILS(dust_rows_init(&rows, 7, (const dust_ndarray *const[]){&a, &a, &a, &a, &a, &a, &a}), DUST_ERROR_ARGUMENT,
              "the number must be from 1 to 6");
  big = made(DUST_UINT8, 3, SHAPE(100, 100, 100)), small = made(DUST_UINT8, 1, SHAPE(100000));
  CHECK(in_order(&big, &big, 10000, 100)); /* many rows, so that a pool can share them … */
  CHECK_OK(dust_rows_init(&rows, 1, (const dust_ndarray *const[]){&big}));
  CHECK(rows.ndim == 1 && rows.count == 10000); /* … whose outer dimensions are merged too */
  CHECK(in_order(&small, &small, 1, 100000));
  dust_ndarray_release(&a), dust_ndarray_release(&b), dust_ndarray_release(&one), dust_ndarray_release(&wide), dust_ndarray_release(&none),
      dust_ndarray_release(&flat);
  dust_ndarray_release(&big), dust_ndarray_release(&small);
}

static dust_status add_row(void *context, const dust_rows *rows, char *const *pointer, size_t row) {
  for (size_t i = 0; i < rows->length; i++)
    *(uint8_t *)(pointer[0] + (int64_t)i * rows->stride[0]) += *(uint8_t *)(pointer[1] + (int64_t)i * rows->stride[1]);
  return DUST_OK;
}

static dust_status fail_row(void *context, const dust_rows *rows, char *const *pointer, size_t row) {
  return row < *(size_t *)context ? DUST_OK : dust_fail(DUST_ERROR_RANGE, "row %zu", row);
}

static void test_run(int threads) {
  dust_pool *pool;
  CHECK_OK(dust_pool_create(&pool, threads));
  dust_ndarray out = made(DUST_UINT8, 3, SHAPE(60, 70, 80)), in = made(DUST_UINT8, 3, SHAPE(60, 70, 80)), flip;
  for (int i = 0; i < 60 * 70 * 80; i++) ((uint8_t *)in.data)[i] = (uint8_t)(i * 7 % 251);
  CHECK_OK(dust_ndarray_flip(&flip, &in, 2));
  dust_rows rows;
  CHECK_OK(dust_rows_init(&rows, 2, (const dust_ndarray *const[]){&out, &flip}));
  CHECK_OK(dust_rows_run(&rows, pool, add_row, NULL));
  int wrong = 0;
  for (int i = 0; i < 60 * 70 * 80; i++) wrong += ((uint8_t *)out.data)[i] != ((uint8_t *)in.data)[i / 80 * 80 + 79 - i % 80];
  CHECK(wrong == 0);
  size_t from = 1234;
  CHECK(dust_rows_run(&rows, pool, fail_row, &from) == DUST_ERROR_RANGE && strcmp(dust_message(), "row 1234") == 0);
  dust_ndarray_release(&out), dust_ndarray_release(&in), dust_ndarray_release(&flip);
  dust_pool_release(pool);
}

int main(void) {
  test_merging();
  test_special();
  for (int threads = 1; threads <= 4; threads++) test_run(threads);
  return check_done();
}
