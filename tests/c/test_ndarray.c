/* Arrays: ownership, views, copy on write, refusals. Every view is checked element by element against the index arithmetic that
 * it stands for. */
#include "base/mem.h"
#include "check.h"
#include "volume/ndarray.h"

static int64_t at(const dust_ndarray *a, const int64_t *index) {
  const char *p = a->data;
  for (int d = 0; d < a->ndim; d++) p += index[d] * a->stride[d];
  int64_t value = 0;
  memcpy(&value, p, dust_dtype_size(a->dtype));
  return value;
}
#define AT(array, ...) at(&(array), (const int64_t[]){__VA_ARGS__})

/* 0, 1, 2 … in C order, as uint16. */
static dust_ndarray counted(int64_t z, int64_t y, int64_t x) {
  dust_ndarray a = {0};
  CHECK_OK(dust_ndarray_empty(&a, DUST_UINT16, 3, (int64_t[]){z, y, x}));
  for (int64_t i = 0; i < dust_ndarray_count(&a); i++) ((uint16_t *)a.data)[i] = (uint16_t)i;
  return a;
}

static long references(const dust_ndarray *a) { return atomic_load(&a->buffer->references); }
static bool shape_is(const dust_ndarray *a, const char *expected) {
  char text[DUST_SHAPE_TEXT];
  dust_shape_format(text, sizeof text, a->ndim, a->shape);
  return strcmp(text, expected) == 0;
}

static void test_making(void) {
  dust_ndarray a, zero;
  CHECK_OK(dust_ndarray_zeros(&a, DUST_FLOAT64, 3, (int64_t[]){2, 3, 5}));
  CHECK((uintptr_t)a.data % DUST_ALIGN == 0 && a.stride[0] == 120 && a.stride[1] == 40 && a.stride[2] == 8);
  CHECK(dust_ndarray_count(&a) == 30 && dust_ndarray_bytes(&a) == 240 && a.buffer->size == 240 && dust_ndarray_is_contiguous(&a));
  for (int i = 0; i < 30; i++) CHECK(((double *)a.data)[i] == 0);
  dust_ndarray_release(&a);
  CHECK(!a.buffer);
  dust_ndarray_release(&a);
  CHECK_OK(dust_ndarray_zeros(&zero, DUST_UINT8, 0, NULL));
  CHECK(dust_ndarray_count(&zero) == 1 && dust_ndarray_is_contiguous(&zero) && shape_is(&zero, "()"));
  dust_ndarray_release(&zero);
  CHECK_OK(
      dust_ndarray_empty(&zero, DUST_UINT8, 3, (int64_t[]){INT64_MAX, 0, INT64_MAX})); /* no elements: no bytes, however long the rest */
  CHECK(dust_ndarray_count(&zero) == 0 && dust_ndarray_bytes(&zero) == 0);
  dust_ndarray_release(&zero);
  CHECK(dust_mem_in_use() == 0);
}

static void test_refusal(void) {
  dust_ndarray a;
  int64_t huge = INT64_C(1) << 62;
  dust_mem_fail_after(-1); /* from here on allocations are counted */
  CHECK_FAILS(dust_ndarray_empty(&a, DUST_UINT8, 1, &huge), DUST_ERROR_MEMORY,
              "an array of 4611686018427387904 uint8 would take 4.0 EiB (4611686018427387904 bytes); this machine has ");
  CHECK_FAILS(dust_ndarray_zeros(&a, DUST_FLOAT64, 2, (int64_t[]){huge, 8}), DUST_ERROR_MEMORY,
              "an array of 4611686018427387904x8 float64 would take 256.0 EiB (295147905179352825856 bytes)");
  CHECK_FAILS(dust_ndarray_empty(&a, DUST_UINT64, 4, (int64_t[]){huge, huge, huge, huge}), DUST_ERROR_MEMORY, "EiB (");
  CHECK_FAILS(dust_ndarray_empty(&a, DUST_UINT8, 3, (int64_t[]){1 << 20, 1 << 20, 1 << 20}), DUST_ERROR_MEMORY,
              "an array of 1048576x1048576x1048576 uint8 would take 1.0 EiB");
  CHECK_FAILS(dust_ndarray_wrap(&a, DUST_UINT8, 2, (int64_t[]){huge, 2}, &a, false, NULL, NULL), DUST_ERROR_MEMORY, "would take 8.0 EiB");
  CHECK_FAILS(dust_ndarray_empty(&a, DUST_UINT8, 2, (int64_t[]){3, -1}), DUST_ERROR_ARGUMENT,
              "an array of shape 3x-1: axis 2 can't be negative");
  CHECK_FAILS(dust_ndarray_empty(&a, DUST_UINT8, DUST_MAXDIM + 1, (int64_t[DUST_MAXDIM + 1]){1}), DUST_ERROR_ARGUMENT,
              "an array of 9 axes: it can have at most 8");
  CHECK(dust_mem_fail_after(-1) == 0); /* refused before anything was asked of the system */
}

static int released;
static void count_release(void *bytes, size_t size, void *context) {
  released += size == 6 && context == &released && *(char *)bytes == 'a';
}

static void test_wrap(void) {
  static char bytes[] = {'a', 'b', 'c', 'd', 'e', 'f'};
  dust_ndarray a, b;
  released = 0;
  CHECK_OK(dust_ndarray_wrap(&a, DUST_UINT8, 2, (int64_t[]){2, 3}, bytes, true, count_release, &released));
  CHECK(AT(a, 1, 0) == 'd' && a.data == bytes);
  dust_ndarray_share(&b, &a);
  dust_ndarray_release(&a);
  CHECK(released == 0 && AT(b, 0, 2) == 'c');
  CHECK_OK(dust_ndarray_make_writable(&b)); /* read-only: copied though nobody else holds it, and the last view of the bytes is gone */
  CHECK(released == 1 && b.data != bytes && AT(b, 1, 2) == 'f' && !b.buffer->read_only);
  dust_ndarray_release(&b);
  CHECK_OK(dust_ndarray_wrap(&a, DUST_UINT8, 1, (int64_t[]){6}, bytes, false, NULL, NULL));
  CHECK_OK(dust_ndarray_make_writable(&a));
  CHECK(a.data == bytes);
  dust_ndarray_release(&a);
  dust_mem_fail_after(0);
  CHECK(dust_ndarray_wrap(&a, DUST_UINT8, 1, (int64_t[]){6}, bytes, false, count_release, &released) == DUST_ERROR_MEMORY);
  CHECK(released == 1); /* the bytes are still the caller's */
}

static void test_copy_on_write(void) {
  dust_ndarray a = counted(2, 3, 4), b, c;
  dust_ndarray_share(&b, &a);
  CHECK(references(&a) == 2);
  CHECK_OK(dust_ndarray_make_writable(&b));
  CHECK(b.data != a.data && references(&a) == 1);
  ((uint16_t *)b.data)[5] = 999;
  CHECK(AT(a, 0, 1, 1) == 5 && AT(b, 0, 1, 1) == 999);
  void *data = a.data;
  CHECK_OK(dust_ndarray_make_writable(&a));
  CHECK(a.data == data); /* nobody else holds it: in place */
  dust_mem_fail_after(0);
  dust_ndarray_share(&c, &a);
  CHECK(dust_ndarray_make_writable(&c) == DUST_ERROR_MEMORY && c.data == data && references(&a) == 2);
  dust_ndarray_release(&a), dust_ndarray_release(&b), dust_ndarray_release(&c);
  CHECK_OK(dust_ndarray_zeros(&a, DUST_UINT8, 1, (int64_t[]){1}));
  CHECK_OK(dust_ndarray_broadcast(&b, &a, 2, (int64_t[]){3, 3}));
  dust_ndarray_release(&a);
  CHECK_OK(dust_ndarray_make_writable(&b)); /* nine elements in one byte: alone, but copied */
  CHECK(b.stride[0] == 3 && b.stride[1] == 1 && b.buffer->size == 9);
  dust_ndarray_release(&b);
}

static void test_slices(void) {
  dust_ndarray a = counted(4, 5, 6), s, empty;
  static const struct {
    int64_t begin, end, step;
  } cases[] = {{0, 5, 1},  {1, 4, 1},          {0, 5, 2},   {1, 5, 3}, {0, 5, 100}, {4, -1, -1}, {4, -1, -2},      {3, 0, -1},
               {3, 0, -2}, {2, -1, INT64_MIN}, {0, -1, -1}, {2, 2, 1}, {5, 5, 1},   {0, 0, -1},  {1, 3, INT64_MAX}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int64_t n = 0, step = cases[i].step;
    CHECK_OK(dust_ndarray_slice(&s, &a, 1, cases[i].begin, cases[i].end, step));
    for (int64_t y = cases[i].begin; step > 0 ? y < cases[i].end : y > cases[i].end; n++) {
      CHECK(n < s.shape[1] && AT(s, 3, n, 2) == AT(a, 3, y, 2));
      if (step > 5 || step < -5) {
        n++;
        break;
      }
      y += step;
    }
    CHECK(s.shape[1] == n && s.shape[0] == 4 && s.shape[2] == 6);
    dust_ndarray_release(&s);
  }
  CHECK_FAILS(dust_ndarray_slice(&s, &a, 1, 0, 6, 1), DUST_ERROR_RANGE,
              "a slice from 0 up to but without 6 by steps of 1 (counted from 0) is not inside axis 2 of length 5");
  CHECK(dust_ndarray_slice(&s, &a, 1, 3, 2, 1) == DUST_ERROR_RANGE && dust_ndarray_slice(&s, &a, 1, -1, 2, 1) == DUST_ERROR_RANGE);
  CHECK(dust_ndarray_slice(&s, &a, 1, 5, -1, -1) == DUST_ERROR_RANGE && dust_ndarray_slice(&s, &a, 1, 2, 3, -1) == DUST_ERROR_RANGE &&
        dust_ndarray_slice(&s, &a, 1, 2, -2, -1) == DUST_ERROR_RANGE);
  CHECK_FAILS(dust_ndarray_slice(&s, &a, 1, 0, 1, 0), DUST_ERROR_ARGUMENT, "step 0");
  CHECK_FAILS(dust_ndarray_slice(&s, &a, 3, 0, 1, 1), DUST_ERROR_ARGUMENT, "axis 4 of an array of 3 axes: there is no such axis");
  CHECK_OK(dust_ndarray_zeros(&empty, DUST_UINT8, 1, (int64_t[]){0}));
  CHECK(dust_ndarray_slice(&s, &empty, 0, 0, -1, -1) == DUST_ERROR_RANGE); /* there is no element 0 */
  CHECK_OK(dust_ndarray_slice(&s, &empty, 0, -1, -1, -1));
  CHECK(s.shape[0] == 0);
  dust_ndarray_release(&s), dust_ndarray_release(&empty), dust_ndarray_release(&a);
}

static void test_views(void) {
  dust_ndarray a = counted(4, 5, 6), crop, pick, flip, turned, wider, back;
  CHECK_OK(dust_ndarray_crop(&crop, &a, (int64_t[]){1, 2, 0}, (int64_t[]){2, 3, 6}));
  CHECK(shape_is(&crop, "2x3x6") && AT(crop, 1, 2, 5) == AT(a, 2, 4, 5) && !dust_ndarray_is_contiguous(&crop) && references(&a) == 2);
  CHECK_OK(dust_ndarray_pick(&pick, &crop, 1, 2));
  CHECK(shape_is(&pick, "2x6") && AT(pick, 1, 3) == AT(a, 2, 4, 3));
  CHECK_OK(dust_ndarray_flip(&flip, &a, 0));
  CHECK(AT(flip, 0, 1, 2) == AT(a, 3, 1, 2) && flip.stride[0] < 0 && !dust_ndarray_is_contiguous(&flip));
  CHECK_OK(dust_ndarray_transpose(&turned, &flip, (int[]){2, 0, 1}));
  CHECK(shape_is(&turned, "6x4x5") && AT(turned, 5, 1, 3) == AT(a, 2, 3, 5));
  CHECK_OK(dust_ndarray_add_axis(&wider, &turned, 3));
  CHECK(shape_is(&wider, "6x4x5x1") && AT(wider, 5, 1, 3, 0) == AT(a, 2, 3, 5));
  CHECK_OK(dust_ndarray_copy(&back, &wider));
  CHECK(dust_ndarray_is_contiguous(&back) && dust_ndarray_same_shape(&back, &wider) && AT(back, 5, 1, 3, 0) == AT(a, 2, 3, 5) &&
        AT(back, 0, 3, 4, 0) == AT(a, 0, 4, 0));
  dust_ndarray_release(&back), dust_ndarray_release(&wider), dust_ndarray_release(&turned), dust_ndarray_release(&flip),
      dust_ndarray_release(&pick), dust_ndarray_release(&crop);
  CHECK(references(&a) == 1);
  CHECK_FAILS(dust_ndarray_crop(&crop, &a, (int64_t[]){0, 3, 0}, (int64_t[]){1, 3, 1}), DUST_ERROR_RANGE,
              "a crop of 3 from 3 (counted from 0) is not inside axis 2 of length 5");
  CHECK(dust_ndarray_crop(&crop, &a, (int64_t[]){0, 0, 1}, (int64_t[]){1, 1, INT64_MAX}) == DUST_ERROR_RANGE);
  CHECK_OK(dust_ndarray_crop(&crop, &a, (int64_t[]){4, 5, 6}, (int64_t[]){0, 0, 0}));
  CHECK(crop.data == a.data); /* no elements: the pointer stays inside */
  dust_ndarray_release(&crop);
  CHECK_FAILS(dust_ndarray_pick(&pick, &a, 2, 6), DUST_ERROR_RANGE, "index 6 (counted from 0) is not inside axis 3 of length 6");
  CHECK_FAILS(dust_ndarray_transpose(&turned, &a, (int[]){0, 2, 2}), DUST_ERROR_ARGUMENT, "axis 3 is named twice");
  CHECK_FAILS(dust_ndarray_transpose(&turned, &a, (int[]){0, 1, 3}), DUST_ERROR_ARGUMENT, "axis 4 of an array of 3 axes");
  CHECK_FAILS(dust_ndarray_flip(&flip, &a, -1), DUST_ERROR_ARGUMENT, "axis 0 of an array of 3 axes");
  CHECK_FAILS(dust_ndarray_add_axis(&wider, &a, 4), DUST_ERROR_ARGUMENT, "a new axis 5 in an array of 3 axes: it must be from 1 to 4");
  CHECK(references(&a) == 1);
  dust_ndarray_release(&a);
  CHECK_OK(dust_ndarray_zeros(&a, DUST_UINT8, DUST_MAXDIM, (int64_t[]){1, 1, 1, 1, 1, 1, 1, 1}));
  CHECK_FAILS(dust_ndarray_add_axis(&wider, &a, 0), DUST_ERROR_ARGUMENT, "an array of 8 axes can't get one more");
  dust_ndarray_release(&a);
}

static void test_broadcast(void) {
  dust_ndarray a = counted(4, 1, 6), b;
  CHECK_OK(dust_ndarray_broadcast(&b, &a, 4, (int64_t[]){2, 4, 5, 6}));
  CHECK(shape_is(&b, "2x4x5x6") && b.stride[0] == 0 && b.stride[2] == 0 && AT(b, 1, 3, 4, 5) == 23 && AT(b, 0, 1, 2, 3) == 9);
  dust_ndarray_release(&b);
  CHECK_OK(dust_ndarray_broadcast(&b, &a, 3, (int64_t[]){4, 0, 6}));
  CHECK(dust_ndarray_count(&b) == 0);
  dust_ndarray_release(&b);
  CHECK_FAILS(dust_ndarray_broadcast(&b, &a, 3, (int64_t[]){4, 5, 7}), DUST_ERROR_ARGUMENT,
              "an array of shape 4x1x6 can't be broadcast to 4x5x7");
  CHECK(dust_ndarray_broadcast(&b, &a, 2, (int64_t[]){1, 6}) == DUST_ERROR_ARGUMENT);
  CHECK(dust_ndarray_broadcast(&b, &a, 4, (int64_t[]){INT64_C(1) << 62, 4, 1, 6}) ==
        DUST_ERROR_ARGUMENT); /* more elements than can be counted */
  dust_ndarray_release(&a);
}

static void test_reshape(void) {
  dust_ndarray a = counted(4, 5, 6), b, flip, empty;
  CHECK_OK(dust_ndarray_reshape(&b, &a, 2, (int64_t[]){-1, 8}));
  CHECK(shape_is(&b, "15x8") && b.data == a.data && AT(b, 14, 7) == 119);
  dust_ndarray_release(&b);
  CHECK_OK(dust_ndarray_flip(&flip, &a, 2));
  CHECK_OK(dust_ndarray_reshape(&b, &flip, 1, (int64_t[]){120}));
  CHECK(b.buffer != a.buffer && AT(b, 0) == 5 && AT(b, 119) == 114);
  dust_ndarray_release(&b), dust_ndarray_release(&flip);
  CHECK_FAILS(dust_ndarray_reshape(&b, &a, 2, (int64_t[]){7, -1}), DUST_ERROR_ARGUMENT,
              "an array of shape 4x5x6 can't be reshaped to 7x-1");
  CHECK(dust_ndarray_reshape(&b, &a, 2, (int64_t[]){-1, -1}) == DUST_ERROR_ARGUMENT &&
        dust_ndarray_reshape(&b, &a, 2, (int64_t[]){0, -1}) == DUST_ERROR_ARGUMENT);
  CHECK(dust_ndarray_reshape(&b, &a, 2, (int64_t[]){-2, -60}) == DUST_ERROR_ARGUMENT &&
        dust_ndarray_reshape(&b, &a, 0, NULL) == DUST_ERROR_ARGUMENT);
  CHECK(dust_ndarray_reshape(&b, &a, 3, (int64_t[]){INT64_C(1) << 62, 8, -1}) == DUST_ERROR_ARGUMENT);
  CHECK(references(&a) == 1);
  dust_ndarray_release(&a);
  CHECK_OK(dust_ndarray_zeros(&empty, DUST_UINT8, 2, (int64_t[]){0, 3}));
  CHECK_OK(dust_ndarray_reshape(&b, &empty, 2, (int64_t[]){-1, 5}));
  CHECK(shape_is(&b, "0x5"));
  dust_ndarray_release(&b), dust_ndarray_release(&empty);
}

static void test_assign(void) {
  dust_ndarray a = counted(4, 5, 6), wide, shared;
  CHECK_OK(dust_ndarray_empty(&wide, DUST_INT8, 3, a.shape));
  CHECK_OK(dust_ndarray_assign(&wide, &a, NULL));
  CHECK(((int8_t *)wide.data)[119] == 119);
  dust_ndarray_release(&wide);
  CHECK_OK(dust_ndarray_zeros(&wide, DUST_INT8, 3, (int64_t[]){4, 5, 7}));
  CHECK_FAILS(dust_ndarray_assign(&wide, &a, NULL), DUST_ERROR_ARGUMENT, "arrays of shape 4x5x7 and 4x5x6");
  dust_ndarray_release(&wide);
  CHECK_OK(dust_ndarray_contiguous(&shared, &a));
  CHECK(shared.data == a.data && references(&a) == 2);
  dust_ndarray_release(&shared), dust_ndarray_release(&a);
}

static dust_status chain(void *context) {
  dust_status status;
  dust_ndarray a = {0}, flip = {0}, flat = {0}, wrapped = {0}, copy = {0};
  char bytes[4] = {0};
  DUST_GO(dust_ndarray_zeros(&a, DUST_UINT16, 2, (int64_t[]){7, 9}));
  DUST_GO(dust_ndarray_flip(&flip, &a, 1));
  DUST_GO(dust_ndarray_reshape(&flat, &flip, 1, (int64_t[]){-1}));
  DUST_GO(dust_ndarray_make_writable(&flip));
  DUST_GO(dust_ndarray_wrap(&wrapped, DUST_UINT8, 1, (int64_t[]){4}, bytes, true, NULL, NULL));
  DUST_GO(dust_ndarray_make_writable(&wrapped));
  DUST_GO(dust_ndarray_copy(&copy, &flip));
done:
  dust_ndarray_release(&copy), dust_ndarray_release(&wrapped), dust_ndarray_release(&flat), dust_ndarray_release(&flip),
      dust_ndarray_release(&a);
  return status;
}

/* Any turning of an array, taken back to memory, is the array; and what is laid out there comes back in the same turn. */
static void test_memory_order(void) {
  static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
  dust_ndarray a = counted(3, 4, 5), turned, next, back;
  dust_axis_order order;
  for (int o = 0; o < 6; o++)
    for (int flips = 0; flips < 8; flips++) {
      CHECK_OK(dust_ndarray_transpose(&turned, &a, orders[o]));
      for (int d = 0; d < 3; d++) {
        if (!(flips >> d & 1)) continue;
        CHECK_OK(dust_ndarray_flip(&next, &turned, d));
        dust_ndarray_release(&turned);
        turned = next;
      }
      const dust_ndarray memory = dust_ndarray_in_memory(&turned, &order);
      CHECK(memory.data == a.data && shape_is(&memory, "3x4x5") && dust_ndarray_is_contiguous(&memory));
      dust_ndarray_from_memory(&back, &memory, &order);
      CHECK(back.data == turned.data && dust_ndarray_same_shape(&back, &turned));
      CHECK(memcmp(back.stride, turned.stride, 3 * sizeof *back.stride) == 0);
      dust_ndarray_release(&back);
      dust_ndarray_release(&turned);
    }
  int64_t begin[3] = {0, 0, 0}, none[3] = {3, 0, 5};
  CHECK_OK(dust_ndarray_crop(&turned, &a, begin, none));
  CHECK(dust_ndarray_in_memory(&turned, &order).data == turned.data);
  dust_ndarray_release(&turned);
  dust_ndarray_release(&a);
  CHECK(dust_mem_in_use() == 0);
}

static void test_figures(void) {
  dust_ndarray a = counted(3, 4, 5), part, turned, wide;
  const dust_figures told = {.extremes = true, .sum = true, .high = 59, .total = 1770};
  CHECK(!dust_ndarray_figures(&a).extremes);
  dust_ndarray_set_figures(&a, &told);
  CHECK(dust_ndarray_figures(&a).high == 59 && dust_ndarray_figures(&a).total == 1770);
  CHECK_OK(dust_ndarray_flip(&turned, &a, 1));
  CHECK(dust_ndarray_figures(&turned).extremes); /* the same elements */
  CHECK_OK(dust_ndarray_slice(&part, &a, 0, 0, 2, 1));
  CHECK(!dust_ndarray_figures(&part).extremes && !dust_ndarray_figures(&part).sum);
  dust_ndarray_release(&part);
  CHECK_OK(dust_ndarray_slice(&part, &a, 0, 0, 1, 1));
  CHECK_OK(dust_ndarray_broadcast(&wide, &part, 3, (int64_t[]){3, 4, 5})); /* as many elements, but not those */
  CHECK(!dust_ndarray_figures(&wide).extremes);
  dust_ndarray_release(&wide);
  dust_ndarray_release(&part);
  CHECK_OK(dust_ndarray_make_writable(&turned)); /* a copy: nothing is known of it, and the others' bytes stay */
  CHECK(!dust_ndarray_figures(&turned).extremes && dust_ndarray_figures(&a).extremes);
  dust_ndarray_release(&turned);
  CHECK_OK(dust_ndarray_make_writable(&a));
  CHECK(!dust_ndarray_figures(&a).extremes && !dust_ndarray_figures(&a).sum);
  dust_ndarray_release(&a);
  CHECK(dust_mem_in_use() == 0);
}

int main(void) {
  test_making();
  test_refusal();
  test_wrap();
  test_copy_on_write();
  test_slices();
  test_views();
  test_broadcast();
  test_reshape();
  test_assign();
  test_memory_order();
  test_figures();
  check_every_allocation("arrays", chain, NULL);
  dust_ndarray closed = {0}, twin;
  dust_ndarray_share(&twin, &closed);
  CHECK(!twin.buffer);
  return check_done();
}
