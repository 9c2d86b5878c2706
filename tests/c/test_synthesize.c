/* Synthetic volumes: allocations that fail, parts that equal the whole, fields that are smooth and of the spread they promise,
 * colours. */
#include <math.h>
#include "check.h"
#include "kernel/colorize.h"
#include "kernel/random_field.h"
#include "kernel/synthesize.h"

static const dust_synthesis_options small = {{3, 20, 24}, {40, 8, 8}, 0, 3, 5};

static dust_status make_small(void *context) {
  dust_synthesis volume;
  DUST_TRY(dust_synthesize_volume(&volume, context, NULL));
  dust_synthesis_release(&volume);
  dust_synthesis_release(&volume); /* releasing again is fine */
  return DUST_OK;
}

static void test_parts(void) {
  dust_synthesis whole, part;
  dust_synthesis_options last = small;
  last.first = 2, last.planes = 1;
  CHECK_OK(dust_synthesize_volume(&whole, &small, NULL));
  CHECK_OK(dust_synthesize_volume(&part, &last, NULL));
  const size_t plane = 20 * 24;
  CHECK(memcmp(whole.raw.data + 2 * plane, part.raw.data, plane) == 0);
  CHECK(memcmp(whole.neuron_ids.data + 2 * plane * 8, part.neuron_ids.data, plane * 8) == 0);
  CHECK(memcmp(whole.organelles.data + 2 * plane, part.organelles.data, plane) == 0);
  CHECK(whole.ids.shape[0] == part.ids.shape[0]);
  dust_synthesis_release(&whole);
  dust_synthesis_release(&part);
}

static void test_thin(void) { /* one voxel, one row, one column: no room is taken for granted */
  static const int64_t shapes[][3] = {{1, 1, 1}, {1, 1, 40}, {1, 40, 1}, {2, 9, 7}};
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
    dust_synthesis volume;
    dust_synthesis_options o = {{shapes[i][0], shapes[i][1], shapes[i][2]}, {40, 4, 4}, 0, shapes[i][0], 1};
    CHECK_OK(dust_synthesize_volume(&volume, &o, NULL));
    dust_synthesis_release(&volume);
  }
}

static void test_refusals(void) {
  dust_synthesis volume;
  dust_synthesis_options o = small;
  o.shape[1] = 0;
  CHECK_FAILS(dust_synthesize_volume(&volume, &o, NULL), DUST_ERROR_ARGUMENT, "axis 2 has 0 voxels");
  o = small, o.voxel_size[2] = -4;
  CHECK_FAILS(dust_synthesize_volume(&volume, &o, NULL), DUST_ERROR_ARGUMENT, "axis 3 has -4");
  o = small, o.planes = 4;
  CHECK_FAILS(dust_synthesize_volume(&volume, &o, NULL), DUST_ERROR_RANGE, "planes 1 to 4 of a synthetic volume of 3");
  o = (dust_synthesis_options){{INT64_C(1) << 31, INT64_C(1) << 31, 2}, {1, 1, 1}, 0, INT64_C(1) << 31, 0};
  CHECK_FAILS(dust_synthesize_volume(&volume, &o, NULL), DUST_ERROR_MEMORY, "");
  o = (dust_synthesis_options){{1, 4, 4}, {1000000, 1000000, 1000000}, 0, 1, 0};
  CHECK_FAILS(dust_synthesize_volume(&volume, &o, NULL), DUST_ERROR_MEMORY, "cells");
}

/* Plane by plane and at a point it is one field; its mean is 0, its deviation 1, its steps small. */
static void test_field(void) {
  const dust_field field = {99, {30, 10, 10}};
  dust_field_plane plane;
  float row[400];
  double sum = 0, squares = 0, step = 0;
  size_t n = 0;
  for (int z = 0; z < 40; z++) {
    CHECK_OK(dust_field_plane_prepare(&plane, &field, 37.0 * z, -50, 500, 0, 400));
    for (int y = -50; y < 500; y += 37) {
      memset(row, 0, sizeof row);
      dust_field_plane_add(&plane, y, 0.5, 1.0, 399, 1.0f, row);
      for (int x = 0; x < 399; x++, n++) {
        sum += (double)row[x], squares += (double)row[x] * (double)row[x];
        if (x && fabs((double)(row[x] - row[x - 1])) > step) step = fabs((double)(row[x] - row[x - 1]));
      }
      const double position[3] = {37.0 * z, y, 200.5};
      CHECK(fabsf(dust_field_at(&field, position) - row[200]) < 1e-4f);
    }
    dust_field_plane_release(&plane);
  }
  const double mean = sum / (double)n, deviation = sqrt(squares / (double)n - mean * mean);
  CHECK(fabs(mean) < 0.05);
  CHECK(deviation > 0.85 && deviation < 1.15);
  CHECK(step < 0.6);
}

static void test_hash_normal(void) {
  double sum = 0, squares = 0;
  for (int64_t i = 0; i < 100000; i++) {
    const double v = (double)dust_hash_normal(dust_hash3(1, i, 2, 3));
    sum += v, squares += v * v;
  }
  CHECK(fabs(sum / 1e5) < 0.02);
  CHECK(fabs(squares / 1e5 - 1) < 0.03);
}

static dust_status colour(void *context) {
  dust_ndarray picture;
  DUST_TRY(dust_colorize_labels(&picture, context, NULL));
  dust_ndarray_release(&picture);
  return DUST_OK;
}

static void test_colours(void) {
  uint64_t ids[600];
  dust_ndarray labels, picture, flipped, again;
  const int64_t shape[2] = {2, 300};
  for (size_t i = 0; i < 600; i++) ids[i] = i % 7 * (UINT64_C(1) << 60);
  CHECK_OK(dust_ndarray_wrap(&labels, DUST_UINT64, 2, shape, ids, true, NULL, NULL));
  CHECK_OK(dust_colorize_labels(&picture, &labels, NULL));
  const uint8_t *p = (const uint8_t *)picture.data;
  CHECK(p[0] == 0 && p[1] == 0 && p[2] == 0);
  CHECK(memcmp(p + 3, p + 3 * 8, 3) == 0 && memcmp(p + 3, p + 3 * 2, 3) != 0);
  CHECK_OK(dust_ndarray_flip(&flipped, &labels, 1));
  CHECK_OK(dust_colorize_labels(&again, &flipped, NULL));
  CHECK(memcmp(p + 3 * 299, again.data, 3) == 0 && memcmp(p, again.data + 3 * 299, 3) == 0);
  check_every_allocation("colorize", colour, &labels);
  dust_ndarray_release(&again);
  dust_ndarray_release(&flipped);
  dust_ndarray_release(&picture);
  dust_ndarray_release(&labels);
}

int main(void) {
  dust_synthesis_options tiny = {{1, 9, 9}, {40, 8, 8}, 0, 1, 5};
  check_every_allocation("synthesize", make_small, &tiny);
  test_parts();
  test_thin();
  test_refusals();
  test_field();
  test_hash_normal();
  test_colours();
  return check_done();
}
