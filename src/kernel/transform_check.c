/* What a transformation is made of, checked: every refusal says which number or ROI is wrong. */
#include <math.h>
#include "kernel/transform_field.h"

enum { MOST = 1 << 29 /* voxels along an axis, so that voxel counts fit 32 bits with room for the distance moved */ };

/* Texts live until the statement ends, and are made for messages alone: a small batch would spend more on them than on its voxels. */
#define ROI_TEXT(roi) roi_text((char[DUST_ROI_TEXT]){0}, roi)
#define COORDINATE_TEXT(c) coordinate_text((char[DUST_COORDINATE_TEXT]){0}, c)

static const char *roi_text(char *text, const dust_roi *roi) {
  dust_roi_format(text, DUST_ROI_TEXT, roi);
  return text;
}

static const char *coordinate_text(char *text, const dust_coordinate *c) {
  dust_coordinate_format(text, DUST_COORDINATE_TEXT, c);
  return text;
}

static dust_status check_voxel_size(const dust_coordinate *voxel_size, int ndim) {
  if (voxel_size->ndim != ndim)
    return dust_fail(DUST_ERROR_ARGUMENT, "voxel size %s has %d axes, the transformation %d", COORDINATE_TEXT(voxel_size), voxel_size->ndim,
                     ndim);
  for (int d = 0; d < ndim; d++)
    if (dust_coordinate_is_unbounded(voxel_size, d) || voxel_size->value[d] < 1)
      return dust_fail(DUST_ERROR_ARGUMENT, "voxel size %s must be positive", COORDINATE_TEXT(voxel_size));
  return DUST_OK;
}

static dust_status check_roi(const dust_roi *roi, const dust_coordinate *voxel_size, int ndim, const char *what) {
  if (roi->shape.ndim != ndim)
    return dust_fail(DUST_ERROR_ARGUMENT, "%s %s has %d axes, the transformation %d", what, ROI_TEXT(roi), roi->shape.ndim, ndim);
  if (dust_roi_unbounded(roi))
    return dust_fail(DUST_ERROR_ARGUMENT, "%s %s is unbounded; a transformation needs an end on each axis", what, ROI_TEXT(roi));
  if (dust_roi_empty(roi)) return dust_fail(DUST_ERROR_ARGUMENT, "%s %s is empty", what, ROI_TEXT(roi));
  for (int d = 0; d < ndim; d++) {
    if (roi->offset.value[d] % voxel_size->value[d] || roi->shape.value[d] % voxel_size->value[d])
      return dust_fail(DUST_ERROR_ARGUMENT, "%s %s is not on the grid of voxel size %s; snap it first", what, ROI_TEXT(roi),
                       COORDINATE_TEXT(voxel_size));
    if (roi->shape.value[d] / voxel_size->value[d] > MOST)
      return dust_fail(DUST_ERROR_RANGE, "%s %s has more than 2^29 voxels along axis %d", what, ROI_TEXT(roi), d + 1);
  }
  return DUST_OK;
}

dust_status dust_transform_grid(int64_t *shape, const dust_transform *t, const dust_roi *roi, const dust_coordinate *voxel_size,
                                const char *what) {
  DUST_TRY(check_voxel_size(voxel_size, t->ndim));
  DUST_TRY(check_roi(roi, voxel_size, t->ndim, what));
  double total = 1;
  for (int d = 0; d < t->ndim; d++) total *= (double)(shape[d] = roi->shape.value[d] / voxel_size->value[d]);
  if (total > 1e12)
    return dust_fail(DUST_ERROR_RANGE, "%s %s has %.3g voxels (as many bytes at the least); a transformation does up to 1e12 at once", what,
                     ROI_TEXT(roi), total);
  return DUST_OK;
}

static dust_status check_displacement(const dust_ndarray *a, int ndim) {
  if (!dust_dtype_is_float(a->dtype))
    return dust_fail(DUST_ERROR_ARGUMENT, "displacement must be float32 or float64, not %s", dust_dtype_name(a->dtype));
  const bool fits = a->ndim == ndim + 1 && a->shape[0] == ndim;
  if (fits && dust_ndarray_count(a) > 0) return DUST_OK;
  char text[DUST_SHAPE_TEXT];
  dust_shape_format(text, sizeof text, a->ndim, a->shape);
  if (!fits)
    return dust_fail(DUST_ERROR_ARGUMENT, "displacement of shape %s doesn't fit %d axes: it must be (%d, control points along each axis)",
                     text, ndim, ndim);
  return dust_fail(DUST_ERROR_ARGUMENT, "displacement of shape %s has no control points", text);
}

dust_status dust_transform_check(const dust_transform_options *o) {
  int ndim = o->roi.shape.ndim;
  if (ndim < 1 || ndim > DUST_TRANSFORM_MAXDIM)
    return dust_fail(DUST_ERROR_ARGUMENT, "a transformation has 1 to %d axes, not %d", DUST_TRANSFORM_MAXDIM, ndim);
  if (o->subsample < 1) return dust_fail(DUST_ERROR_ARGUMENT, "subsample must be at least 1, not %d", o->subsample);
  DUST_TRY(check_voxel_size(&o->voxel_size, ndim));
  DUST_TRY(check_roi(&o->roi, &o->voxel_size, ndim, "master ROI"));
  if (o->displacement) DUST_TRY(check_displacement(o->displacement, ndim));
  for (int i = 0; o->rotation && i < ndim * ndim; i++)
    if (!isfinite(o->rotation[i]))
      return dust_fail(DUST_ERROR_ARGUMENT, "rotation has %g in row %d, column %d; every entry must be a finite number", o->rotation[i],
                       i / ndim + 1, i % ndim + 1);
  return DUST_OK;
}
