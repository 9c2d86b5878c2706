/* Squared distances to the zeros, axis by axis (envelope.h), capped a little beyond what is asked for. */
#include "kernel/within.h"

#include <math.h>
#include "kernel/blocks.h"
#include "kernel/channels.h"
#include "kernel/compare.h"
#include "kernel/envelope.h"

typedef struct within_pass {
  double far, square;
} within_pass;

/* zero: 1 where the mask is 0. */
static void start_block(void *context, const dust_rows *rows, char *const *pointer, size_t n, size_t chunk) {
  const within_pass *pass = context;
  double *square = (double *)(void *)pointer[0];
  for (size_t i = 0; i < n; i++) square[i] = pointer[1][(int64_t)i * rows->stride[1]] ? 0 : pass->far;
}

static void compare_block(void *context, const dust_rows *rows, char *const *pointer, size_t n, size_t chunk) {
  const within_pass *pass = context;
  const double *square = (const double *)(const void *)pointer[1];
  for (size_t i = 0; i < n; i++) pointer[0][(int64_t)i * rows->stride[0]] = square[i] <= pass->square;
}

/* out and zero: one channel. */
static dust_status one_channel(const dust_ndarray *out, const dust_ndarray *zero, const double *voxel_size, double distance,
                               dust_pool *pool) {
  within_pass pass = {.square = distance * distance};
  dust_ndarray square = {0};
  dust_rows rows;
  dust_status status;
  pass.far = pass.square * 1.5 + 1;
  DUST_GO(dust_ndarray_empty(&square, DUST_FLOAT64, zero->ndim, zero->shape));
  DUST_GO(dust_rows_init(&rows, 2, (const dust_ndarray *[]){&square, zero}));
  DUST_GO(dust_blocks_run(&rows, pool, start_block, &pass));
  for (int a = zero->ndim - 1; distance > 0 && a >= 0; a--) {
    dust_envelope envelope = {.weight = voxel_size[a] * voxel_size[a] / 4, .far = pass.far};
    DUST_GO(dust_envelope_spread(&square, NULL, a, &envelope, pool));
  }
  DUST_GO(dust_rows_init(&rows, 2, (const dust_ndarray *[]){out, &square}));
  DUST_GO(dust_blocks_run(&rows, pool, compare_block, &pass));
done:
  dust_ndarray_release(&square);
  return status;
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
  dust_ndarray made = {0}, zero = {0}, one_out = {0}, one_zero = {0};
  dust_operand nothing = {.number = dust_scalar_integer(0)};
  dust_status status;
  DUST_GO(dust_compare(&zero, DUST_OP_EQ, mask, &nothing, pool));
  DUST_GO(dust_ndarray_empty(&made, DUST_UINT8, mask->ndim, mask->shape));
  int64_t channels = dust_ndarray_count(mask) > 0 ? dust_channels_count(mask, spatial) : 0;
  for (int64_t c = 0; c < channels; c++) {
    dust_channels_view(&one_out, &made, spatial, c);
    dust_channels_view(&one_zero, &zero, spatial, c);
    status = one_channel(&one_out, &one_zero, voxel_size, distance, pool);
    dust_ndarray_release(&one_out);
    dust_ndarray_release(&one_zero);
    if (status != DUST_OK) goto done;
  }
  *out = made;
  made = (dust_ndarray){0};
done:
  dust_ndarray_release(&zero);
  dust_ndarray_release(&made);
  return status;
}
