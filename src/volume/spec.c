/* Checks, equality, update and text of specs. */
#include "volume/spec.h"
#include <stdio.h>

dust_array_spec dust_array_spec_default(void) { return (dust_array_spec){.interpolatable = DUST_UNSAID, .dtype = DUST_DTYPE_NONE}; }
dust_graph_spec dust_graph_spec_default(void) { return (dust_graph_spec){.directed = DUST_UNSAID, .dtype = DUST_FLOAT32}; }

static bool is_size(const dust_coordinate *voxel_size) {
  for (int d = 0; d < voxel_size->ndim; d++)
    if (dust_coordinate_is_unbounded(voxel_size, d) || voxel_size->value[d] <= 0) return false;
  return true;
}

static dust_status check_spatial(const dust_array_spec *spec) {
  if (!spec->has_voxel_size) return DUST_OK;
  const bool positive = is_size(&spec->voxel_size);
  if (positive && (!spec->has_roi || spec->roi.shape.ndim == spec->voxel_size.ndim)) return DUST_OK;
  char text[DUST_COORDINATE_TEXT];
  dust_coordinate_format(text, sizeof text, &spec->voxel_size);
  if (!positive) return dust_fail(DUST_ERROR_ARGUMENT, "voxel size %s: each entry must be 1 or more", text);
  return dust_fail(DUST_ERROR_ARGUMENT, "the ROI has %d axes and the voxel size %s has %d: they must have the same number",
                   spec->roi.shape.ndim, text, spec->voxel_size.ndim);
}

dust_status dust_array_spec_check(const dust_array_spec *spec) {
  if (spec->nonspatial && spec->has_roi)
    return dust_fail(DUST_ERROR_ARGUMENT, "a nonspatial array can't have a ROI: leave out one or the other");
  if (spec->nonspatial && spec->has_voxel_size)
    return dust_fail(DUST_ERROR_ARGUMENT, "a nonspatial array can't have a voxel size: leave out one or the other");
  return check_spatial(spec);
}

dust_status dust_graph_spec_check(const dust_graph_spec *spec) {
  if (spec->dtype == DUST_DTYPE_NONE || dust_dtype_is_float(spec->dtype)) return DUST_OK;
  return dust_fail(DUST_ERROR_ARGUMENT, "a graph's dtype is that of its locations: it must be float32 or float64, not %s",
                   dust_dtype_name(spec->dtype));
}

static bool same_roi(bool has_a, const dust_roi *a, bool has_b, const dust_roi *b) {
  return has_a == has_b && (!has_a || dust_roi_equal(a, b));
}

bool dust_array_spec_equal(const dust_array_spec *a, const dust_array_spec *b) {
  if (!same_roi(a->has_roi, &a->roi, b->has_roi, &b->roi)) return false;
  if (a->has_voxel_size != b->has_voxel_size) return false;
  if (a->has_voxel_size && !dust_coordinate_equal(&a->voxel_size, &b->voxel_size)) return false;
  return a->interpolatable == b->interpolatable && a->nonspatial == b->nonspatial && a->placeholder == b->placeholder &&
         a->dtype == b->dtype;
}

bool dust_graph_spec_equal(const dust_graph_spec *a, const dust_graph_spec *b) {
  if (!same_roi(a->has_roi, &a->roi, b->has_roi, &b->roi)) return false;
  return a->directed == b->directed && a->placeholder == b->placeholder && a->dtype == b->dtype;
}

static dust_status unite(bool *has, dust_roi *roi, bool has_other, const dust_roi *other) {
  if (!has_other) return DUST_OK;
  if (*has) return dust_roi_union(roi, roi, other);
  *has = true;
  *roi = *other;
  return DUST_OK;
}

dust_status dust_array_spec_update(dust_array_spec *spec, const dust_array_spec *other) {
  dust_array_spec result = *spec;
  DUST_TRY(unite(&result.has_roi, &result.roi, other->has_roi, &other->roi));
  if (other->has_voxel_size) result.has_voxel_size = true, result.voxel_size = other->voxel_size;
  if (other->interpolatable != DUST_UNSAID) result.interpolatable = other->interpolatable;
  if (other->dtype != DUST_DTYPE_NONE) result.dtype = other->dtype;
  result.nonspatial = other->nonspatial;
  result.placeholder = other->placeholder;
  DUST_TRY(dust_array_spec_check(&result));
  *spec = result;
  return DUST_OK;
}

dust_status dust_graph_spec_update(dust_graph_spec *spec, const dust_graph_spec *other) {
  dust_graph_spec result = *spec;
  DUST_TRY(unite(&result.has_roi, &result.roi, other->has_roi, &other->roi));
  if (other->directed != DUST_UNSAID) result.directed = other->directed;
  if (other->dtype != DUST_DTYPE_NONE) result.dtype = other->dtype;
  result.placeholder = other->placeholder;
  DUST_TRY(dust_graph_spec_check(&result));
  *spec = result;
  return DUST_OK;
}

/* ---- text */

static const char *maybe(dust_maybe answer) { return answer == DUST_UNSAID ? "nil" : answer ? "true" : "false"; }
static const char *yes_no(bool answer) { return answer ? "true" : "false"; }
static const char *dtype_or_nil(dust_dtype dtype) { return dtype == DUST_DTYPE_NONE ? "nil" : dust_dtype_name(dtype); }

int dust_array_spec_format(char *text, size_t size, const dust_array_spec *spec) {
  char roi[DUST_ROI_TEXT] = "nil", voxel_size[DUST_COORDINATE_TEXT] = "nil";
  if (spec->has_roi) dust_roi_format(roi, sizeof roi, &spec->roi);
  if (spec->has_voxel_size) dust_coordinate_format(voxel_size, sizeof voxel_size, &spec->voxel_size);
  return snprintf(text, size, "ROI: %s, voxel size: %s, interpolatable: %s, non-spatial: %s, dtype: %s, placeholder: %s", roi, voxel_size,
                  maybe(spec->interpolatable), yes_no(spec->nonspatial), dtype_or_nil(spec->dtype), yes_no(spec->placeholder));
}

int dust_graph_spec_format(char *text, size_t size, const dust_graph_spec *spec) {
  char roi[DUST_ROI_TEXT] = "nil";
  if (spec->has_roi) dust_roi_format(roi, sizeof roi, &spec->roi);
  return snprintf(text, size, "ROI: %s, dtype: %s, directed: %s, placeholder: %s", roi, dtype_or_nil(spec->dtype), maybe(spec->directed),
                  yes_no(spec->placeholder));
}
