/* What a transformation is made of, checked: every refusal says which number or ROI is wrong. */
#include <math.h>
#include "kernel/transform_field.h"

enum { MOST = 1 << 29 /* voxels along an axis, so that voxel counts fit 32 bits with room for the distance moved */ };

static dust_status check_voxel_size(const dust_coordinate *voxel_size, int ndim) {
  char text[200];
  dust_coordinate_format(text, sizeof text, voxel_size);
  if (voxel_size->ndim != ndim)
    return dust_fail(DUST_ERROR_ARGUMENT, "voxel size %s has %d axes, the transformation %d", text, voxel_size->ndim, ndim);
  for (int d = 0; d < ndim; d++)
    if (dust_coordinate_is_unbounded(voxel_size, d) || voxel_size->value[d] < 1)
      return dust_fail(DUST_ERROR_ARGUMENT, "voxel size %s must be positive", text);
  return DUST_OK;
}

static dust_status check_roi(const dust_roi *roi, const dust_coordinate *voxel_size, int ndim, const char *what) {
  char text[400], size[200];
  dust_roi_format(text, sizeof text, roi);
  dust_coordinate_format(size, sizeof size, voxel_size);
  if (roi->shape.ndim != ndim)
    return dust_fail(DUST_ERROR_ARGUMENT, "%s %s has %d axes, the transformation %d", what, text, roi->shape.ndim, ndim);
  if (dust_roi_unbounded(roi))
    return dust_fail(DUST_ERROR_ARGUMENT, "%s %s is unbounded; a transformation needs an end on each axis", what, text);
  if (dust_roi_empty(roi)) return dust_fail(DUST_ERROR_ARGUMENT, "%s %s is empty", what, text);
  for (int d = 0; d < ndim; d++) {
    if (roi->offset.value[d] % voxel_size->value[d] || roi->shape.value[d] % voxel_size->value[d])
      return dust_fail(DUST_ERROR_ARGUMENT, "%s %s is not on the grid of voxel size %s; snap it first", what, text, size);
    if (roi->shape.value[d] / voxel_size->value[d] > MOST)
      return dust_fail(DUST_ERROR_RANGE, "%s %s has more than 2^29 voxels along axis %d", what, text, d + 1);
  }
  return DUST_OK;
}

dust_status dust_transform_grid(int64_t *shape, const dust_transform *t, const dust_roi *roi, const dust_coordinate *voxel_size,
                                const char *what) {
  DUST_TRY(check_voxel_size(voxel_size, t->ndim));
  DUST_TRY(check_roi(roi, voxel_size, t->ndim, what));
  double total = 1;
  for (int d = 0; d < t->ndim; d++) total *= (double)(shape[d] = roi->shape.value[d] / voxel_size->value[d]);
  char text[400];
  dust_roi_format(text, sizeof text, roi);
  if (total > 1e12)
    return dust_fail(DUST_ERROR_RANGE, "%s %s has %.3g voxels (as many bytes at the least); a transformation does up to 1e12 at once", what,
                     text, total);
  return DUST_OK;
}

static dust_status check_displacement(const dust_ndarray *a, int ndim) {
  char text[200];
  dust_shape_format(text, sizeof text, a->ndim, a->shape);
  if (!dust_dtype_is_float(a->dtype))
    return dust_fail(DUST_ERROR_ARGUMENT, "displacement must be float32 or float64, not %s", dust_dtype_name(a->dtype));
  if (a->ndim != ndim + 1 || a->shape[0] != ndim)
    return dust_fail(DUST_ERROR_ARGUMENT, "displacement of shape %s doesn't fit %d axes: it must be (%d, control points along each axis)",
                     text, ndim, ndim);
  if (dust_ndarray_count(a) == 0) return dust_fail(DUST_ERROR_ARGUMENT, "displacement of shape %s has no control points", text);
  return DUST_OK;
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
