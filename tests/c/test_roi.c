/* ROIs against funlib.geometry: six of the cases of golden/geometry.json (a Lua spec reads them all), then edges that it has none
 * of. */
#include <inttypes.h>
#include <math.h>
#include "check.h"
#include "volume/roi.h"

#define NONE INT64_MIN /* in these tables: unbounded */

typedef struct box {
  int64_t offset[3], shape[3];
} box;

typedef struct golden {
  box a, b;
  int64_t voxel_size[3], grow;
  bool empty, unbounded, intersects, a_contains_b;
  box intersect, united, snap_grow, snap_shrink, snap_closest, grown, shifted;
  int64_t center[3], end[3];
} golden;

static const golden cases[] = {
    {{{27, -19, -10}, {40, 1, 40}},
     {{15, -23, 2}, {40, 40, 12}},
     {2, 2, 5},
     4,
     false,
     false,
     true,
     false,
     {{27, -19, 2}, {28, 1, 12}},
     {{15, -23, -10}, {52, 40, 40}},
     {{26, -20, -10}, {42, 2, 40}},
     {{28, -18, -10}, {38, 0, 40}},
     {{26, -20, -10}, {40, 2, 40}},
     {{23, -23, -14}, {48, 9, 48}},
     {{29, -17, -5}, {40, 1, 40}},
     {47, -19, 10},
     {67, -18, 30}},
    {{{-11, NONE, -17}, {40, NONE, 40}},
     {{NONE, 23, -15}, {NONE, 5, 40}},
     {2, 3, 2},
     1,
     false,
     true,
     true,
     false,
     {{-11, 23, -15}, {40, 5, 38}},
     {{NONE, NONE, -17}, {NONE, NONE, 42}},
     {{-12, NONE, -18}, {42, NONE, 42}},
     {{-10, NONE, -16}, {38, NONE, 38}},
     {{-12, NONE, -18}, {40, NONE, 40}},
     {{-12, NONE, -18}, {42, NONE, 42}},
     {{-9, NONE, -15}, {40, NONE, 40}},
     {9, NONE, 3},
     {29, NONE, 23}},
    {{{NONE, NONE, 4}, {NONE, NONE, 40}},
     {{4, 0, 21}, {0, 5, 1}},
     {2, 2, 3},
     6,
     false,
     true,
     false,
     true,
     {{NONE, NONE, NONE}, {0, 0, 0}},
     {{NONE, NONE, 4}, {NONE, NONE, 40}},
     {{NONE, NONE, 3}, {NONE, NONE, 42}},
     {{NONE, NONE, 6}, {NONE, NONE, 36}},
     {{NONE, NONE, 3}, {NONE, NONE, 42}},
     {{NONE, NONE, -2}, {NONE, NONE, 52}},
     {{NONE, NONE, 7}, {NONE, NONE, 40}},
     {NONE, NONE, 24},
     {NONE, NONE, 44}},
    {{{8, NONE, -16}, {0, NONE, 5}},
     {{-18, -20, NONE}, {0, 1, NONE}},
     {1, 8, 2},
     3,
     true,
     true,
     false,
     true,
     {{NONE, NONE, NONE}, {0, 0, 0}},
     {{-18, -20, NONE}, {0, 1, NONE}},
     {{8, NONE, -16}, {0, NONE, 6}},
     {{8, NONE, -16}, {0, NONE, 4}},
     {{8, NONE, -16}, {0, NONE, 4}},
     {{5, NONE, -19}, {6, NONE, 11}},
     {{9, NONE, -14}, {0, NONE, 5}},
     {8, NONE, -14},
     {8, NONE, -11}},
    {{{NONE, -22, 26}, {NONE, 0, 0}},
     {{-3, 19, 10}, {5, 12, 40}},
     {5, 8, 2},
     2,
     true,
     true,
     false,
     false,
     {{NONE, NONE, NONE}, {0, 0, 0}},
     {{-3, 19, 10}, {5, 12, 40}},
     {{NONE, -24, 26}, {NONE, 8, 0}},
     {{NONE, -16, 26}, {NONE, -8, 0}},
     {{NONE, -24, 26}, {NONE, 0, 0}},
     {{NONE, -24, 24}, {NONE, 4, 4}},
     {{NONE, -14, 28}, {NONE, 0, 0}},
     {NONE, -22, 26},
     {NONE, -22, 26}},
    {{{-14, NONE, NONE}, {5, NONE, NONE}},
     {{NONE, -9, -23}, {NONE, 1, 1}},
     {2, 3, 5},
     5,
     false,
     true,
     true,
     false,
     {{-14, -9, -23}, {5, 1, 1}},
     {{NONE, NONE, NONE}, {NONE, NONE, NONE}},
     {{-14, NONE, NONE}, {6, NONE, NONE}},
     {{-14, NONE, NONE}, {4, NONE, NONE}},
     {{-14, NONE, NONE}, {4, NONE, NONE}},
     {{-19, NONE, NONE}, {15, NONE, NONE}},
     {{-12, NONE, NONE}, {5, NONE, NONE}},
     {-12, NONE, NONE},
     {-9, NONE, NONE}},
};

static dust_coordinate c3(const int64_t *v) {
  dust_coordinate c = {.ndim = 3};
  for (int d = 0; d < 3; d++) {
    c.value[d] = v[d] == NONE ? 0 : v[d];
    c.unbounded |= (unsigned)(v[d] == NONE) << d;
  }
  return c;
}

static dust_roi roi_of(const box *b) {
  dust_coordinate offset = c3(b->offset), shape = c3(b->shape);
  dust_roi roi = {.offset = {.ndim = -1}};
  CHECK_OK(dust_roi_make(&roi, &offset, &shape));
  return roi;
}

static bool is(dust_status status, const dust_roi *roi, const box *expected) {
  dust_roi wanted = roi_of(expected);
  return status == DUST_OK && dust_roi_equal(roi, &wanted);
}

static bool is_point(dust_status status, const dust_coordinate *c, const int64_t *expected) {
  dust_coordinate wanted = c3(expected);
  return status == DUST_OK && dust_coordinate_equal(c, &wanted);
}

static void check_case(const golden *g) {
  dust_roi a = roi_of(&g->a), b = roi_of(&g->b), out;
  dust_coordinate voxel_size = c3(g->voxel_size), by = dust_coordinate_filled(3, g->grow), point;
  CHECK(dust_roi_empty(&a) == g->empty && dust_roi_unbounded(&a) == g->unbounded);
  CHECK(dust_roi_intersects(&a, &b) == g->intersects && dust_roi_intersects(&b, &a) == g->intersects);
  CHECK(dust_roi_contains(&a, &b) == g->a_contains_b);
  CHECK(is(dust_roi_intersect(&out, &a, &b), &out, &g->intersect));
  CHECK(is(dust_roi_union(&out, &a, &b), &out, &g->united));
  CHECK(is(dust_roi_snap(&out, &a, &voxel_size, DUST_SNAP_GROW), &out, &g->snap_grow));
  CHECK(is(dust_roi_snap(&out, &a, &voxel_size, DUST_SNAP_SHRINK), &out, &g->snap_shrink));
  CHECK(is(dust_roi_snap(&out, &a, &voxel_size, DUST_SNAP_CLOSEST), &out, &g->snap_closest));
  CHECK(is(dust_roi_grow(&out, &a, &by, &by), &out, &g->grown));
  CHECK(is(dust_roi_shift(&out, &a, &voxel_size), &out, &g->shifted));
  CHECK(is_point(dust_roi_center(&point, &a), &point, g->center));
  CHECK(is_point(dust_roi_end(&point, &a), &point, g->end));
}

static void test_points(void) {
  dust_roi roi = roi_of(&(box){{0, NONE, -5}, {10, NONE, 10}});
  dust_coordinate inside = c3((int64_t[]){9, NONE, 4}), past = c3((int64_t[]){10, 0, 0}), nowhere = c3((int64_t[]){NONE, 0, 0}),
                  flat = dust_coordinate_filled(2, 1);
  CHECK(dust_roi_contains_point(&roi, &inside) && !dust_roi_contains_point(&roi, &past));
  CHECK(!dust_roi_contains_point(&roi, &nowhere) && !dust_roi_contains_point(&roi, &flat));
  CHECK(dust_roi_contains_location(&roi, (double[]){9.999, 1e300, -5}) && dust_roi_contains_location(&roi, (double[]){0, -INFINITY, 4.5}));
  CHECK(!dust_roi_contains_location(&roi, (double[]){10, 0, 0}) && !dust_roi_contains_location(&roi, (double[]){-0.001, 0, 0}));
  CHECK(!dust_roi_contains_location(&roi, (double[]){NAN, 0, 0}) && !dust_roi_contains_location(&roi, (double[]){1, 0, 5}));
}

static void test_edges(void) {
  int64_t size;
  dust_coordinate low = dust_coordinate_filled(3, INT64_MAX - 5), shape = dust_coordinate_filled(3, 5),
                  wide = dust_coordinate_filled(3, INT64_MAX);
  dust_coordinate one = dust_coordinate_filled(3, 1), eight = dust_coordinate_filled(3, 8), origin = dust_coordinate_filled(3, 0),
                  begin = dust_coordinate_filled(3, -INT64_MAX);
  dust_roi roi, out, half;
  CHECK_OK(dust_roi_make(&roi, &low, &shape));
  CHECK_FAILS(dust_roi_make(&out, &one, &wide), DUST_ERROR_RANGE,
              "a ROI with offset 1 and shape 9223372036854775807 on axis 1 ends beyond 64 bits");
  CHECK_FAILS(dust_roi_shift(&out, &roi, &one), DUST_ERROR_RANGE, "ends beyond 64 bits");
  CHECK_FAILS(dust_roi_grow(&out, &roi, &one, &one), DUST_ERROR_RANGE, "ends beyond 64 bits");
  CHECK_FAILS(dust_roi_snap(&out, &roi, &eight, DUST_SNAP_GROW), DUST_ERROR_RANGE, "beyond 64 bits");
  CHECK_OK(dust_roi_make(&half, &begin, &wide));
  CHECK_FAILS(dust_roi_union(&out, &half, &roi), DUST_ERROR_RANGE, "beyond 64 bits");
  CHECK(dust_roi_contains(&roi, &roi) && dust_roi_contains(&half, &half) && !dust_roi_contains(&half, &roi));
  CHECK_OK(dust_roi_make(&roi, &origin, &wide));
  CHECK_FAILS(dust_roi_size(&size, &roi), DUST_ERROR_RANGE, "the size of the ROI [0:9223372036854775807, ");
  roi.shape.value[2] = 0;
  CHECK(dust_roi_size(&size, &roi) == DUST_OK && size == 0);
  roi = roi_of(&(box){{1, 2, 3}, {4, 5, 6}});
  CHECK(dust_roi_size(&size, &roi) == DUST_OK && size == 120);
  roi = roi_of(&(box){{1, NONE, 3}, {4, NONE, 6}});
  CHECK_FAILS(dust_roi_size(&size, &roi), DUST_ERROR_RANGE, "the ROI [1:5, :, 3:9] (4, inf, 6) is unbounded: it has no size");
}

static void test_misuse(void) {
  dust_coordinate two = dust_coordinate_filled(2, 4), three = dust_coordinate_filled(3, 4), zero = c3((int64_t[]){1, 0, 1}),
                  none = c3((int64_t[]){1, NONE, 1});
  dust_roi a, b, out;
  CHECK_FAILS(dust_roi_make(&out, &two, &three), DUST_ERROR_ARGUMENT,
              "a ROI's offset has 2 axes and its shape 3: they must have the same number");
  CHECK_OK(dust_roi_make(&a, &two, &two));
  CHECK_OK(dust_roi_make(&b, &three, &three));
  CHECK_FAILS(dust_roi_union(&out, &a, &b), DUST_ERROR_ARGUMENT, "ROIs of 2 and 3 axes can't be combined");
  CHECK_FAILS(dust_roi_intersect(&out, &a, &b), DUST_ERROR_ARGUMENT, "ROIs of 2 and 3 axes can't be combined");
  CHECK(!dust_roi_intersects(&a, &b) && !dust_roi_contains(&a, &b) && !dust_roi_equal(&a, &b));
  CHECK_FAILS(dust_roi_snap(&out, &a, &three, DUST_SNAP_GROW), DUST_ERROR_ARGUMENT, "a voxel size of 3 axes for a ROI of 2");
  CHECK_FAILS(dust_roi_snap(&out, &b, &zero, DUST_SNAP_GROW), DUST_ERROR_ARGUMENT, "voxel size (1, 0, 1): each entry must be 1 or more");
  CHECK_FAILS(dust_roi_snap(&out, &b, &none, DUST_SNAP_GROW), DUST_ERROR_ARGUMENT, "voxel size (1, inf, 1)");
}

static void test_scaling(void) {
  dust_roi roi = roi_of(&(box){{-3, 2, NONE}, {7, 4, NONE}}), out;
  dust_coordinate by = c3((int64_t[]){2, 3, 4});
  CHECK(is(dust_roi_apply(&out, DUST_MULTIPLY, &roi, &by), &out, &(box){{-6, 6, NONE}, {14, 12, NONE}}));
  CHECK(is(dust_roi_apply(&out, DUST_DIVIDE, &roi, &by), &out, &(box){{-1, 0, NONE}, {3, 1, NONE}}));
  CHECK(is(dust_roi_apply(&out, DUST_FLOOR_DIVIDE, &roi, &by), &out, &(box){{-2, 0, NONE}, {3, 1, NONE}}));
  CHECK(is(dust_roi_shift(&roi, &roi, &by), &roi, &(box){{-1, 5, NONE}, {7, 4, NONE}})); /* onto itself */
}

static bool reads(const box *b, const char *expected) {
  char text[DUST_ROI_TEXT];
  dust_roi roi = roi_of(b);
  return dust_roi_format(text, sizeof text, &roi) == (int)strlen(expected) && strcmp(text, expected) == 0;
}

static dust_status everything(void *context) {
  dust_roi a = roi_of(&cases[0].a), b = roi_of(&cases[0].b);
  DUST_TRY(dust_roi_union(&a, &a, &b));
  return dust_roi_intersect(&a, &a, &b);
}

int main(void) {
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) check_case(&cases[i]);
  test_points();
  test_edges();
  test_misuse();
  test_scaling();
  CHECK(reads(&(box){{0, 0, 0}, {600, 1000, 1000}}, "[0:600, 0:1000, 0:1000] (600, 1000, 1000)"));
  CHECK(reads(&(box){{NONE, -5, 0}, {NONE, 10, 3}}, "[:, -5:5, 0:3] (inf, 10, 3)"));
  CHECK(reads(&(box){{0, 0, 0}, {1, 0, 1}}, "[empty ROI]"));
  check_every_allocation("rois", everything, NULL);
  CHECK(dust_mem_fail_after(-1) == 0); /* plain values: no heap at all */
  return check_done();
}
