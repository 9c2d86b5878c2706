/* quirks = true: the arithmetic of dacapo.gp.ElasticAugment as it stands, step by step in float32, over one dense field.
 *
 *     identity (lower corners) + zoom(displacement, order 3, "constant") + zoom(rotated corners, order 1, "constant")   on the subsampled grid
 *     -> zoom(order 1, "nearest") to the master grid -> affine_transform(order 1, "nearest") to a key's grid -> pixels -> map_coordinates("constant", 0)
 *
 * A subsampled axis of one point collapses, last samples become 0 where zoom's coordinate exceeds the last one by a rounding
 * error, the bounding box grows by one world unit.
 */
#include <math.h>
#include <string.h>
#include "base/mem.h"
#include "kernel/resample.h"
#include "kernel/gather.h"
#include "kernel/transform_field.h"

static int64_t product(int n, const int64_t *shape) {
  int64_t p = 1;
  for (int d = 0; d < n; d++) p *= shape[d];
  return p;
}

/* ---- the master field */

/* arange(m) * step + offset in float32, along axis d. */
static void add_identity(float *field, const dust_transform *t, const int64_t *shape, int d) {
  double whole = shape[d] > 1 ? (double)(t->shape[d] - 1) / (double)(shape[d] - 1) : 1;
  float step = (float)(whole * (double)t->voxel_size[d]), offset = (float)t->roi.offset.value[d];
  int64_t inner = product(t->ndim - 1 - d, shape + d + 1), count = product(t->ndim, shape);
  for (int64_t i = 0; i < count; i++) {
    float at = (float)(i / inner % shape[d]) * step;
    field[i] = at + offset;
  }
}

/* field += zoom(grid of `controls` points), with `zoomed` for room. */
static dust_status add_zoomed(float *field, float *zoomed, const int64_t *shape, const float *grid, const int64_t *controls, int ndim,
                              int order) {
  DUST_TRY(dust_zoom(zoomed, shape, grid, controls, ndim, order, DUST_EDGE_CONSTANT));
  int64_t count = product(ndim, shape);
  for (int64_t i = 0; i < count; i++) field[i] += zoomed[i];
  return DUST_OK;
}

static dust_status add_displacement(float *field, float *zoomed, const dust_transform *t, const int64_t *shape,
                                    const dust_ndarray *displacement) {
  dust_status status = DUST_OK;
  float *grid = NULL;
  const int64_t *controls = displacement->shape + 1;
  int64_t points = product(t->ndim, controls), count = product(t->ndim, shape);
  DUST_GO(dust_calloc((void **)&grid, (size_t)points, sizeof *grid));
  for (int d = 0; d < t->ndim; d++) {
    const double *in = (const double *)displacement->data + d * points;
    for (int64_t i = 0; i < points; i++) grid[i] = (float)in[i];
    for (int64_t i = 0; i < points; i++)
      if (!(fabsf(grid[i]) < 0x1p60f))
        DUST_GO(dust_fail(DUST_ERROR_RANGE, "displacement has %g, which is more than world units can hold", in[i]));
    DUST_GO(add_zoomed(field + d * count, zoomed, shape, grid, controls, t->ndim, 3));
  }
done:
  dust_free(grid);
  return status;
}

/* How far the corner of the master grid is moved by the rotation: offset from the centre in float32, rotated in double. A
 * rotation of the last two axes (by an angle) is rounded to float32 before the offset is taken off, any other one (scipy's
 * Rotation) afterwards. */
static void turn_corner(const dust_transform *t, const double *rotation, int corner, float moved[DUST_TRANSFORM_MAXDIM]) {
  float offset[DUST_TRANSFORM_MAXDIM];
  bool plane = true;
  for (int d = 0; d < t->ndim; d++) {
    double extent = (double)(t->shape[d] - 1) * (double)t->voxel_size[d],
           centre = 0.5 * (double)(t->shape[d] - 1) * (double)t->voxel_size[d];
    offset[d] = (float)((corner >> (t->ndim - 1 - d) & 1) * extent - centre);
    for (int e = 0; e < t->ndim; e++) plane &= (d >= t->ndim - 2 && e >= t->ndim - 2) || rotation[d * t->ndim + e] == (d == e);
  }
  for (int d = 0; d < t->ndim; d++) {
    double turned = 0;
    for (int e = 0; e < t->ndim; e++) turned += rotation[d * t->ndim + e] * offset[e];
    moved[d] = plane ? (float)turned - offset[d] : (float)(turned - offset[d]);
  }
}

static dust_status add_rotation(float *field, float *zoomed, const dust_transform *t, const int64_t *shape, const double *rotation) {
  float corners[DUST_TRANSFORM_MAXDIM][1 << DUST_TRANSFORM_MAXDIM];
  const int64_t two[DUST_TRANSFORM_MAXDIM] = {2, 2, 2, 2};
  for (int c = 0; c < 1 << t->ndim; c++) {
    float moved[DUST_TRANSFORM_MAXDIM];
    turn_corner(t, rotation, c, moved);
    for (int d = 0; d < t->ndim; d++) corners[d][c] = moved[d];
  }
  int64_t count = product(t->ndim, shape);
  for (int d = 0; d < t->ndim; d++) DUST_TRY(add_zoomed(field + d * count, zoomed, shape, corners[d], two, t->ndim, 1));
  return DUST_OK;
}

dust_status dust_quirks_create(dust_transform *t, const dust_ndarray *displacement, const double *rotation) {
  dust_ndarray coarse = {0};
  float *zoomed = NULL;
  dust_status status = DUST_OK;
  int64_t shape[DUST_MAXDIM] = {t->ndim}, full[DUST_MAXDIM] = {t->ndim};
  for (int d = 0; d < t->ndim; d++) {
    full[d + 1] = t->shape[d];
    shape[d + 1] = t->shape[d] / t->subsample > 1 ? t->shape[d] / t->subsample : 1;
  }
  DUST_GO(dust_ndarray_empty(&coarse, DUST_FLOAT32, t->ndim + 1, shape));
  float *field = (float *)coarse.data;
  int64_t count = product(t->ndim, shape + 1), whole = product(t->ndim, full + 1);
  DUST_GO(dust_calloc((void **)&zoomed, (size_t)count, sizeof *zoomed));
  for (int d = 0; d < t->ndim; d++) add_identity(field + d * count, t, shape + 1, d);
  if (displacement) DUST_GO(add_displacement(field, zoomed, t, shape + 1, displacement));
  if (rotation) DUST_GO(add_rotation(field, zoomed, t, shape + 1, rotation));
  if (t->subsample > 1) {
    DUST_GO(dust_ndarray_empty(&t->dense, DUST_FLOAT32, t->ndim + 1, full));
    for (int d = 0; d < t->ndim; d++)
      DUST_GO(dust_zoom((float *)t->dense.data + d * whole, full + 1, field + d * count, shape + 1, t->ndim, 1, DUST_EDGE_NEAREST));
  } else {
    t->dense = coarse, coarse.buffer = NULL;
  }
done:
  dust_free(zoomed);
  dust_ndarray_release(&coarse);
  return status;
}

/* ---- a key's field and what is read for it */

dust_status dust_quirks_field(dust_ndarray *out, const dust_transform *t, const dust_roi *roi, const dust_coordinate *voxel_size) {
  int64_t shape[DUST_MAXDIM] = {t->ndim};
  double scale[DUST_TRANSFORM_MAXDIM], shift[DUST_TRANSFORM_MAXDIM];
  DUST_TRY(dust_transform_grid(shape + 1, t, roi, voxel_size, "ROI"));
  for (int d = 0; d < t->ndim; d++) {
    scale[d] = (double)voxel_size->value[d] / (double)t->voxel_size[d];
    shift[d] = (double)((roi->offset.value[d] - t->roi.offset.value[d]) / t->voxel_size[d]); /* a coordinate divided: towards zero */
  }
  dust_ndarray made = {0};
  dust_status status = DUST_OK;
  DUST_GO(dust_ndarray_empty(&made, DUST_FLOAT32, t->ndim + 1, shape));
  int64_t count = product(t->ndim, shape + 1), whole = product(t->ndim, t->shape);
  for (int d = 0; d < t->ndim; d++)
    DUST_GO(dust_resample((float *)made.data + d * count, shape + 1, (const float *)t->dense.data + d * whole, t->shape, t->ndim, scale,
                          shift, 1, DUST_EDGE_NEAREST));
  *out = made, made.buffer = NULL;
done:
  dust_ndarray_release(&made);
  return status;
}

dust_status dust_quirks_source_roi(dust_roi *out, const dust_transform *t, const dust_roi *roi, const dust_coordinate *voxel_size) {
  dust_ndarray field = {0};
  DUST_TRY(dust_quirks_field(&field, t, roi, voxel_size));
  dust_roi box = *roi;
  int64_t count = dust_ndarray_count(&field) / t->ndim;
  for (int d = 0; d < t->ndim; d++) {
    const float *at = (const float *)field.data + d * count;
    float low = at[0], high = at[0];
    for (int64_t i = 1; i < count; i++) low = at[i] < low ? at[i] : low, high = at[i] > high ? at[i] : high;
    box.offset.value[d] = (int64_t)floorf(low);
    box.shape.value[d] = (int64_t)ceilf(high) + 1 - box.offset.value[d];
  }
  dust_ndarray_release(&field);
  return dust_roi_snap(out, &box, voxel_size, DUST_SNAP_GROW);
}

/* ---- samples */

/* World positions to indices of the voxels of in_roi, in the original's order of float32 operations. */
static void to_pixels(dust_ndarray *field, const dust_transform *t, const dust_roi *in_roi, const dust_roi *out_roi,
                      const dust_coordinate *voxel_size) {
  int64_t count = dust_ndarray_count(field) / t->ndim;
  for (int d = 0; d < t->ndim; d++) {
    float *at = (float *)field->data + d * count;
    float begin = (float)-out_roi->offset.value[d], size = (float)voxel_size->value[d];
    float apart = (float)((double)(out_roi->offset.value[d] - in_roi->offset.value[d]) / (double)voxel_size->value[d]);
    for (int64_t i = 0; i < count; i++) {
      float local = (at[i] + begin) / size;
      at[i] = local + apart;
    }
  }
}

dust_status dust_quirks_sample(dust_ndarray *out, const dust_transform *t, const dust_ndarray *in, const dust_roi *in_roi,
                               const dust_roi *out_roi, const dust_coordinate *voxel_size, bool interpolate, dust_pool *pool) {
  dust_ndarray field = {0};
  dust_status status = DUST_OK;
  DUST_GO(dust_quirks_field(&field, t, out_roi, voxel_size));
  to_pixels(&field, t, in_roi, out_roi, voxel_size);
  DUST_GO(dust_map_coordinates(out, in, &field, interpolate, pool));
done:
  dust_ndarray_release(&field);
  return status;
}
