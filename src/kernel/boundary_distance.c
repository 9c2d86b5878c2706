/* Distances come from edt.c; here they get their sign and their scale. After dacapo's DistancePredictor.process: float64
 * distance, rounded to float32, divided and squashed there. */
#include "kernel/boundary_distance.h"

#include <stdbool.h>
#include "kernel/channels.h"
#include "kernel/edt.h"
#include "kernel/tanh.h"

#define BLOCK 512
#define ROWS_A_CHUNK 64
#define SATURATED 9.5 /* tanh is 1 in float32 beyond 9.02 */

typedef struct sign_pass {
  const dust_edt *edt;
  const dust_ndarray *labels; /* one channel */
  float *out;                 /* C order */
  double scale, flat;         /* flat: the distance where there is no face */
} sign_pass;

static void sign_block(const sign_pass *pass, size_t begin, const uint64_t *label, size_t n) {
  double distance[BLOCK];
  float *out = pass->out + begin;
  if (pass->edt->any)
    dust_edt_read(pass->edt, begin, distance, n);
  else
    for (size_t i = 0; i < n; i++) distance[i] = pass->flat;
  if (pass->scale > 0) {
    float scale = (float)pass->scale;
    for (size_t i = 0; i < n; i++) distance[i] = (float)distance[i] / scale;
    dust_tanh_row(distance, n);
  }
  for (size_t i = 0; i < n; i++) out[i] = (float)(label[i] ? distance[i] : -distance[i]);
}

static dust_status sign_rows(void *context, size_t begin, size_t end, size_t chunk) {
  const sign_pass *pass = context;
  const dust_ndarray *labels = pass->labels;
  int last = labels->ndim - 1;
  size_t length = (size_t)labels->shape[last];
  uint64_t label[BLOCK];
  for (size_t row = begin; row < end; row++) {
    const char *start = dust_row_start(labels, (int64_t)row);
    for (size_t x = 0; x < length; x += BLOCK) {
      size_t n = length - x < BLOCK ? length - x : BLOCK;
      dust_row_to_label(label, start + (ptrdiff_t)x * labels->stride[last], labels->stride[last], labels->dtype, n);
      sign_block(pass, row * length + x, label, n);
    }
  }
  return DUST_OK;
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
  dust_edt edt = {0};
  DUST_TRY(dust_edt_to_faces(&edt, labels, voxel_size, scale > 0 ? SATURATED * scale : 0, pool));
  sign_pass pass = {.edt = &edt, .labels = labels, .out = out, .scale = scale, .flat = flat_distance(labels, voxel_size)};
  dust_status status =
      dust_pool_for(pool, (size_t)(dust_ndarray_count(labels) / labels->shape[labels->ndim - 1]), ROWS_A_CHUNK, sign_rows, &pass);
  dust_edt_release(&edt);
  return status;
}

dust_status dust_boundary_distance(dust_ndarray *out, const dust_ndarray *labels, int spatial, const double *voxel_size, double scale,
                                   dust_pool *pool) {
  if (spatial < 1 || labels->ndim < spatial)
    return dust_fail(DUST_ERROR_ARGUMENT, "voxel_size has %d axes, labels have %d: there must be at least one axis, and as many in labels",
                     spatial, labels->ndim);
  if (!(scale >= 0)) return dust_fail(DUST_ERROR_ARGUMENT, "scale is %g, it must be positive", scale);
  dust_ndarray made = {0}, channel = {0};
  dust_status status;
  DUST_GO(dust_ndarray_empty(&made, DUST_FLOAT32, labels->ndim, labels->shape));
  int64_t count = dust_ndarray_count(labels), channels = count > 0 ? dust_channels_count(labels, spatial) : 0;
  for (int64_t c = 0; c < channels; c++) {
    dust_channels_view(&channel, labels, spatial, c);
    status = one_channel((float *)made.data + c * (count / channels), &channel, voxel_size, scale, pool);
    dust_ndarray_release(&channel);
    if (status != DUST_OK) goto done;
  }
  *out = made;
  made = (dust_ndarray){0};
done:
  dust_ndarray_release(&made);
  return status;
}
