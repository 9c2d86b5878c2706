/* Specs: checks, equality, update_with, text. */
#include "base/mem.h"
#include "check.h"
#include "volume/spec.h"

static dust_roi box(int ndim, int64_t offset, int64_t shape) {
  dust_coordinate o = dust_coordinate_filled(ndim, offset), s = dust_coordinate_filled(ndim, shape);
  dust_roi roi;
  CHECK_OK(dust_roi_make(&roi, &o, &s));
  return roi;
}

static dust_array_spec spatial(int64_t offset, int64_t shape) {
  dust_array_spec spec = dust_array_spec_default();
  spec.has_roi = spec.has_voxel_size = true;
  spec.roi = box(3, offset, shape);
  spec.voxel_size = dust_coordinate_filled(3, 5);
  return spec;
}

static void test_check(void) {
  dust_array_spec spec = dust_array_spec_default();
  CHECK_OK(dust_array_spec_check(&spec));
  spec.nonspatial = true;
  CHECK_OK(dust_array_spec_check(&spec));
  spec.has_roi = true, spec.roi = box(3, 0, 1);
  CHECK_FAILS(dust_array_spec_check(&spec), DUST_ERROR_ARGUMENT, "a nonspatial array can't have a ROI");
  spec.has_roi = false, spec.has_voxel_size = true, spec.voxel_size = dust_coordinate_filled(3, 1);
  CHECK_FAILS(dust_array_spec_check(&spec), DUST_ERROR_ARGUMENT, "a nonspatial array can't have a voxel size");
  spec = spatial(0, 10);
  CHECK_OK(dust_array_spec_check(&spec));
  spec.voxel_size.value[1] = 0;
  CHECK_FAILS(dust_array_spec_check(&spec), DUST_ERROR_ARGUMENT, "voxel size (5, 0, 5): each entry must be 1 or more");
  spec.voxel_size.value[1] = -5;
  CHECK_FAILS(dust_array_spec_check(&spec), DUST_ERROR_ARGUMENT, "voxel size (5, -5, 5)");
  spec.voxel_size = dust_coordinate_unbounded(3);
  CHECK_FAILS(dust_array_spec_check(&spec), DUST_ERROR_ARGUMENT, "voxel size (inf, inf, inf)");
  spec.voxel_size = dust_coordinate_filled(2, 4);
  CHECK_FAILS(dust_array_spec_check(&spec), DUST_ERROR_ARGUMENT,
              "the ROI has 3 axes and the voxel size (4, 4) has 2: they must have the same number");
  dust_graph_spec graph = dust_graph_spec_default();
  CHECK_OK(dust_graph_spec_check(&graph));
  graph.dtype = DUST_INT32;
  CHECK_FAILS(dust_graph_spec_check(&graph), DUST_ERROR_ARGUMENT, "it must be float32 or float64, not int32");
}

static void test_equal(void) {
  dust_array_spec a = spatial(0, 10), b = spatial(0, 10), d = dust_array_spec_default(), e = dust_array_spec_default();
  CHECK(dust_array_spec_equal(&a, &b) && !dust_array_spec_equal(&a, &d));
  e.roi = box(2, 1, 1), e.voxel_size = dust_coordinate_filled(2, 9); /* not said, so it doesn't count */
  CHECK(dust_array_spec_equal(&d, &e));
  b.interpolatable = DUST_NO;
  CHECK(!dust_array_spec_equal(&a, &b));
  b = a, b.dtype = DUST_UINT8;
  CHECK(!dust_array_spec_equal(&a, &b));
  b = a, b.placeholder = true;
  CHECK(!dust_array_spec_equal(&a, &b));
  b = a, b.voxel_size.value[0] = 1;
  CHECK(!dust_array_spec_equal(&a, &b));
  b = a, b.roi.shape.value[2] = 1;
  CHECK(!dust_array_spec_equal(&a, &b));
  b = a, b.nonspatial = true;
  CHECK(!dust_array_spec_equal(&a, &b));
  dust_graph_spec g = dust_graph_spec_default(), h = g;
  CHECK(dust_graph_spec_equal(&g, &h));
  h.directed = DUST_NO;
  CHECK(!dust_graph_spec_equal(&g, &h));
  h = g, h.has_roi = true, h.roi = box(3, 0, 1);
  CHECK(!dust_graph_spec_equal(&g, &h));
}

static void test_update(void) {
  dust_array_spec a = spatial(0, 10), b = spatial(20, 10), nothing = dust_array_spec_default(), before;
  dust_roi both = box(3, 0, 30), ten = box(3, 0, 10);
  a.interpolatable = DUST_YES, a.dtype = DUST_UINT8;
  b.dtype = DUST_FLOAT32, b.placeholder = true, b.voxel_size = dust_coordinate_filled(3, 10);
  CHECK_OK(dust_array_spec_update(&a, &b));
  CHECK(dust_roi_equal(&a.roi, &both) && a.interpolatable == DUST_YES && a.dtype == DUST_FLOAT32 && a.placeholder &&
        a.voxel_size.value[2] == 10);
  CHECK_OK(dust_array_spec_update(&a, &nothing)); /* silent on all but placeholder and nonspatial */
  CHECK(dust_roi_equal(&a.roi, &both) && a.interpolatable == DUST_YES && a.dtype == DUST_FLOAT32 && !a.placeholder && a.has_voxel_size);
  b = spatial(0, 10);
  CHECK_OK(dust_array_spec_update(&nothing, &b));
  CHECK(nothing.has_roi && dust_roi_equal(&nothing.roi, &ten) && dust_array_spec_equal(&nothing, &b));
  before = a, b.roi = box(2, 0, 1), b.has_voxel_size = false;
  CHECK_FAILS(dust_array_spec_update(&a, &b), DUST_ERROR_ARGUMENT, "ROIs of 3 and 2 axes");
  b = dust_array_spec_default(), b.nonspatial = true;
  CHECK_FAILS(dust_array_spec_update(&a, &b), DUST_ERROR_ARGUMENT, "a nonspatial array can't have a ROI");
  CHECK(dust_array_spec_equal(&a, &before)); /* as it was */
  dust_graph_spec g = dust_graph_spec_default(), h = dust_graph_spec_default();
  g.has_roi = h.has_roi = true, g.roi = box(3, 0, 10), h.roi = box(3, 20, 10), h.directed = DUST_NO, h.dtype = DUST_FLOAT64;
  CHECK_OK(dust_graph_spec_update(&g, &h));
  CHECK(dust_roi_equal(&g.roi, &both) && g.directed == DUST_NO && g.dtype == DUST_FLOAT64);
  h.directed = DUST_UNSAID, h.dtype = DUST_DTYPE_NONE, h.has_roi = false;
  CHECK_OK(dust_graph_spec_update(&g, &h));
  CHECK(g.directed == DUST_NO && g.dtype == DUST_FLOAT64 && g.has_roi);
}

static void test_text(void) {
  char text[1024];
  dust_array_spec a = spatial(0, 10);
  a.interpolatable = DUST_NO, a.dtype = DUST_UINT64;
  int length = dust_array_spec_format(text, sizeof text, &a);
  CHECK(length == (int)strlen(text) && strcmp(text,
                                              "ROI: [0:10, 0:10, 0:10] (10, 10, 10), voxel size: (5, 5, 5), interpolatable: false, "
                                              "non-spatial: false, dtype: uint64, placeholder: false") == 0);
  a = dust_array_spec_default();
  a.nonspatial = a.placeholder = true;
  dust_array_spec_format(text, sizeof text, &a);
  CHECK(strcmp(text, "ROI: nil, voxel size: nil, interpolatable: nil, non-spatial: true, dtype: nil, placeholder: true") == 0);
  dust_graph_spec g = dust_graph_spec_default();
  g.directed = DUST_YES;
  dust_graph_spec_format(text, sizeof text, &g);
  CHECK(strcmp(text, "ROI: nil, dtype: float32, directed: true, placeholder: false") == 0);
  CHECK(dust_graph_spec_format(text, 4, &g) == 60 && strcmp(text, "ROI") == 0);
}

static dust_status update_body(void *context) {
  dust_array_spec a = spatial(0, 10), b = spatial(20, 10);
  return dust_array_spec_update(&a, &b);
}

int main(void) {
  test_check();
  test_equal();
  test_update();
  test_text();
  check_every_allocation("specs", update_body, NULL);
  CHECK(dust_mem_fail_after(-1) == 0); /* plain values: no heap at all */
  return check_done();
}
