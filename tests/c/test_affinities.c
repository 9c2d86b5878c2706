/* Affinities against voxel by voxel: random labels and neighbourhoods, one to four axes, offsets within, at and far beyond the array, each type of label, views. */
#include <inttypes.h>
#include <stdlib.h>
#include "check.h"
#include "kernel/affinities.h"

enum { EDGES = 14 };

static dust_pool *two;

static uint64_t label_at(const dust_ndarray *a, const int64_t *index) {
  const char *at = a->data;
  uint64_t id;
  for (int d = 0; d < a->ndim; d++) at += index[d] * a->stride[d];
  dust_row_to_label(&id, at, 8, a->dtype, 1);
  return id;
}

static uint8_t expected(const dust_ndarray *a, const int64_t *index, const int64_t *offset, bool background_as_object) {
  int64_t other[DUST_MAXDIM];
  for (int d = 0; d < a->ndim; d++) {
    if (offset[d] < -index[d] || offset[d] >= a->shape[d] - index[d]) return 0;
    other[d] = index[d] + offset[d];
  }
  uint64_t here = label_at(a, index);
  return here == label_at(a, other) && (background_as_object || here != 0);
}

static size_t count_wrong(const dust_ndarray *out, int64_t edges, const dust_ndarray *a, const int64_t *offset, bool background_as_object) {
  int64_t count = dust_ndarray_count(a), index[DUST_MAXDIM] = {0};
  size_t wrong = 0;
  for (int64_t e = 0; e < edges; e++)
    for (int64_t i = 0; i < count; i++) {
      int64_t rest = i;
      for (int d = a->ndim - 1; d >= 0; rest /= a->shape[d--]) index[d] = rest % a->shape[d];
      wrong += ((const uint8_t *)out->data)[e * count + i] != expected(a, index, offset + e * a->ndim, background_as_object);
    }
  return wrong;
}

static void fill(dust_ndarray *a, uint64_t scale) {
  for (int64_t i = 0; i < dust_ndarray_count(a); i++) {
    uint64_t id = (uint64_t)(rand() % 3) * scale;
    dust_row_from_label(a->data + i * (int64_t)dust_dtype_size(a->dtype), 8, a->dtype, &id, 1);
  }
}

static void draw_offsets(int64_t *offset, const dust_ndarray *a) {
  static const int64_t odd[] = {INT64_MIN, INT64_MAX, INT64_MIN + 1, 1000};
  for (int i = 0; i < EDGES * a->ndim; i++) {
    int64_t most = a->shape[i % a->ndim] + 1;
    offset[i] = rand() % 5 ? rand() % 4 - 1 : rand() % (2 * most + 1) - most;
    if (rand() % 20 == 0) offset[i] = odd[rand() % 4];
  }
}

/* Few edges go another way than many. */
static void check(const dust_ndarray *a, bool background_as_object, dust_pool *pool) {
  int64_t offset[EDGES * DUST_MAXDIM];
  dust_ndarray out = {0};
  draw_offsets(offset, a);
  for (int64_t edges = 3; edges <= EDGES; edges += EDGES - 3) {
    CHECK_OK(dust_affinities(&out, a, edges, offset, background_as_object, pool));
    CHECK(count_wrong(&out, edges, a, offset, background_as_object) == 0);
    dust_ndarray_release(&out);
  }
}

static void test_shapes(void) {
  static const int64_t shapes[][4] = {{5000}, {1}, {70, 90}, {1, 33}, {6, 40, 50}, {3, 1, 65}, {2, 3, 20, 30}};
  static const int axes[] = {1, 1, 2, 2, 3, 3, 4};
  static const dust_dtype types[] = {DUST_UINT8, DUST_UINT16, DUST_INT32, DUST_UINT64};
  for (int s = 0; s < 7; s++)
    for (int t = 0; t < 4; t++)
      for (int round = 0; round < 3; round++) {
        dust_ndarray a = {0};
        CHECK_OK(dust_ndarray_empty(&a, types[t], axes[s], shapes[s]));
        fill(&a, round == 2 ? UINT64_C(0x123456789) : 7);
        check(&a, round == 1, round ? two : NULL);
        dust_ndarray_release(&a);
      }
}

static void test_views(void) {
  dust_ndarray a = {0}, view = {0};
  CHECK_OK(dust_ndarray_empty(&a, DUST_UINT64, 3, (int64_t[]){9, 30, 41}));
  fill(&a, 5);
  CHECK_OK(dust_ndarray_transpose(&view, &a, (int[]){2, 0, 1}));
  check(&view, false, two);
  dust_ndarray_release(&view);
  CHECK_OK(dust_ndarray_crop(&view, &a, (int64_t[]){1, 2, 3}, (int64_t[]){7, 20, 33}));
  check(&view, false, NULL);
  dust_ndarray_release(&view), dust_ndarray_release(&a);
}

int main(void) {
  CHECK_OK(dust_pool_create(&two, 2));
  test_shapes();
  test_views();
  dust_pool_release(two);
  return check_done();
}
