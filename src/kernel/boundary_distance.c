/* Distances come from edt.c; here they get their sign and their scale. After dacapo's DistancePredictor.process: float64
 * distance, rounded to float32, divided and squashed there. */
#include "kernel/boundary_distance.h"

#include <math.h>
#include "kernel/blocks.h"
#include "kernel/channels.h"
#include "kernel/edt.h"
#include "kernel/tanh.h"

#define SATURATED 7.27 /* beyond tanh is taken for 1: it is in float32, but for 1e-6 */

static void squash(const void *context, double *distance, size_t n) {
  const float scale = *(const float *)context;
  double limit = SATURATED * (double)scale * (1 - 1e-6); /* a root is rounded */
  for (size_t i = 0; i < n; i++) distance[i] = distance[i] < limit ? (float)distance[i] / scale : INFINITY;
  dust_tanh_row(distance, n);
}

/* Without a face every voxel has one label, and upstream calls the volume's half width the distance: flat zeros negative,
 * anything else positive. */
static double flat_distance(const dust_ndarray *labels, const double *voxel_size) {
  double least = (double)labels->shape[0] * voxel_size[0] / 2;
  for (int a = 1; a < labels->ndim; a++) {
    double half = (double)labels->shape[a] * voxel_size[a] / 2;
    if (half < least) least = half;
  }
  return least;
}

static dust_status one_channel(float *out, const dust_ndarray *labels, const double *voxel_size, double scale, dust_pool *pool) {
  float narrow = (float)scale;
  dust_edt_job job = {.labels = labels,
                      .what = "labels",
                      .voxel_size = voxel_size,
                      .sites = DUST_EDT_FACES,
                      .limit = SATURATED * scale,
                      .none = flat_distance(labels, voxel_size),
                      .curve = scale > 0 ? squash : NULL,
                      .out = out,
                      .context = &narrow};
  return dust_edt_run(&job, pool);
}

dust_status dust_boundary_distance(dust_ndarray *out, const dust_ndarray *labels, int spatial, const double *voxel_size, double scale,
                                   dust_pool *pool) {
  if (spatial < 1 || labels->ndim < spatial)
    return dust_fail(DUST_ERROR_ARGUMENT, "voxel_size has %d axes, labels have %d: there must be at least one axis, and as many in labels",
                     spatial, labels->ndim);
  if (!(scale >= 0)) return dust_fail(DUST_ERROR_ARGUMENT, "scale is %g, it must be positive", scale);
  if (dust_dtype_is_float(labels->dtype))
    return dust_fail(DUST_ERROR_ARGUMENT, "labels must have an integer dtype, not %s: use :astype or a comparison", dust_dtype_name(labels->dtype));
  dust_ndarray made = {0}, channel = {0}, near = {0};
  dust_status status;
  DUST_GO(dust_blocks_near(&near, labels, pool));
  DUST_GO(dust_ndarray_empty(&made, DUST_FLOAT32, labels->ndim, labels->shape));
  int64_t count = dust_ndarray_count(labels), channels = count > 0 ? dust_channels_count(labels, spatial) : 0;
  for (int64_t c = 0; c < channels; c++) {
    dust_channels_view(&channel, &near, spatial, c);
    status = one_channel((float *)made.data + c * (count / channels), &channel, voxel_size, scale, pool);
    dust_ndarray_release(&channel);
    if (status != DUST_OK) goto done;
  }
  *out = made;
  made = (dust_ndarray){0};
done:
  dust_ndarray_release(&near);
  dust_ndarray_release(&made);
  return status;
}
