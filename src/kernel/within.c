/* Distances to the zeros (edt.h), told from one another up to what is asked for. */
#include "kernel/within.h"

#include <math.h>
#include "kernel/channels.h"
#include "kernel/compare.h"
#include "kernel/edt.h"

typedef struct near_zeros {
  uint8_t *out; /* one channel, C order */
  double distance;
} near_zeros;

static void compare_row(const void *context, int64_t row, const double *value, size_t n) {
  const near_zeros *near = context;
  uint8_t *out = near->out + row * (int64_t)n;
  for (size_t x = 0; x < n; x++) out[x] = value[x] <= near->distance;
}

static dust_status one_channel(uint8_t *out, const dust_ndarray *other, const double *voxel_size, double distance, dust_pool *pool) {
  near_zeros near = {out, distance};
  double voxel = voxel_size[0];
  for (int a = 1; a < other->ndim; a++) voxel = fmin(voxel, voxel_size[a]);
  dust_edt_job job = {.labels = other,
                      .what = "mask",
                      .voxel_size = voxel_size,
                      .sites = DUST_EDT_ZEROS,
                      .limit = distance + voxel, /* beyond what is asked for, whatever is rounded */
                      .none = INFINITY,
                      .row = compare_row,
                      .context = &near};
  return dust_edt_run(&job, pool);
}

static dust_status check(const dust_ndarray *mask, int spatial, const double *voxel_size, double distance) {
  if (spatial < 1 || spatial > mask->ndim)
    return dust_fail(DUST_ERROR_ARGUMENT, "voxel_size has %d entries, the mask has %d axes", spatial, mask->ndim);
  if (!(distance >= 0) || isinf(distance))
    return dust_fail(DUST_ERROR_ARGUMENT, "distance is %g, it must be finite and not negative", distance);
  for (int a = 0; a < spatial; a++)
    if (!(voxel_size[a] > 0) || isinf(voxel_size[a]))
      return dust_fail(DUST_ERROR_ARGUMENT, "voxel_size[%d] is %g, not a positive number", a + 1, voxel_size[a]);
  return DUST_OK;
}

dust_status dust_within(dust_ndarray *out, const dust_ndarray *mask, int spatial, const double *voxel_size, double distance,
                        dust_pool *pool) {
  DUST_TRY(check(mask, spatial, voxel_size, distance));
  dust_ndarray made = {0}, other = {0}, channel = {0};
  dust_operand zero = {.number = dust_scalar_integer(0)};
  dust_status status;
  DUST_GO(dust_compare(&other, DUST_OP_NE, mask, &zero, pool));
  DUST_GO(dust_ndarray_empty(&made, DUST_UINT8, mask->ndim, mask->shape));
  int64_t count = dust_ndarray_count(mask), channels = count > 0 ? dust_channels_count(mask, spatial) : 0;
  for (int64_t c = 0; c < channels; c++) {
    dust_channels_view(&channel, &other, spatial, c);
    status = one_channel((uint8_t *)made.data + c * (count / channels), &channel, voxel_size, distance, pool);
    dust_ndarray_release(&channel);
    if (status != DUST_OK) goto done;
  }
  *out = made;
  made = (dust_ndarray){0};
done:
  dust_ndarray_release(&other);
  dust_ndarray_release(&made);
  return status;
}
