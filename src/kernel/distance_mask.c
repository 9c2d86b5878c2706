/* Comparisons are float32 against float64, as numpy makes them for a float32 target: ties at the threshold fall the same way. */
#include "kernel/distance_mask.h"

#include <math.h>
#include "kernel/channels.h"
#include "kernel/edt.h"
#include "kernel/tanh.h"
#include "volume/rows.h"

#define BLOCK 512
#define SATURATED 20.0 /* tanh is 1 in float64 */

typedef struct trust_pass {
  const dust_edt *edt;
  const dust_ndarray *target, *mask; /* one channel */
  uint8_t *out;
  double scale, epsilon, threshold;
  bool narrow; /* target is float32 */
} trust_pass;

/* min(|target| + epsilon, threshold) in target's own precision. */
static double reach(const trust_pass *pass, double target) {
  if (pass->narrow) {
    float sum = fabsf((float)target) + (float)pass->epsilon, most = (float)pass->threshold;
    return sum > most ? most : sum < 0 ? 0 : sum;
  }
  double sum = fabs(target) + pass->epsilon;
  return sum > pass->threshold ? pass->threshold : sum < 0 ? 0 : sum;
}

static void trust_block(const trust_pass *pass, size_t begin, const double *target, const double *mask, size_t n) {
  double border[BLOCK];
  uint8_t *out = pass->out + begin;
  dust_edt_read(pass->edt, begin, border, n);
  for (size_t i = 0; i < n; i++) border[i] = 0.5 * border[i] / pass->scale;
  dust_tanh_row(border, n);
  dust_row_from_double(out, 1, DUST_UINT8, mask, n);
  for (size_t i = 0; i < n; i++)
    if (reach(pass, target[i]) >= border[i]) out[i] = 0;
}

static dust_status trust_rows(void *context, size_t begin, size_t end, size_t chunk) {
  const trust_pass *pass = context;
  const dust_ndarray *target = pass->target, *mask = pass->mask;
  int last = mask->ndim - 1;
  size_t length = (size_t)mask->shape[last];
  double t[BLOCK], m[BLOCK];
  for (size_t row = begin; row < end; row++) {
    const char *t0 = dust_row_start(target, (int64_t)row), *m0 = dust_row_start(mask, (int64_t)row);
    for (size_t x = 0; x < length; x += BLOCK) {
      size_t n = length - x < BLOCK ? length - x : BLOCK;
      dust_row_to_double(t, t0 + (ptrdiff_t)x * target->stride[last], target->stride[last], target->dtype, n);
      dust_row_to_double(m, m0 + (ptrdiff_t)x * mask->stride[last], mask->stride[last], mask->dtype, n);
      trust_block(pass, row * length + x, t, m, n);
    }
  }
  return DUST_OK;
}

static dust_status check(const dust_ndarray *target, const dust_ndarray *mask, int spatial, double scale) {
  char a[96], b[96];
  if (!dust_dtype_is_float(target->dtype))
    return dust_fail(DUST_ERROR_ARGUMENT, "target must be float32 or float64, not %s", dust_dtype_name(target->dtype));
  if (!(scale > 0)) return dust_fail(DUST_ERROR_ARGUMENT, "scale is %g, it must be positive", scale);
  int64_t channels = target->ndim >= spatial ? dust_channels_count(target, spatial) : 0;
  bool fits = spatial >= 1 && mask->ndim >= spatial && target->ndim >= spatial && dust_channels_count(mask, spatial) == channels;
  for (int d = 1; fits && d <= spatial; d++) fits = mask->shape[mask->ndim - d] == target->shape[target->ndim - d];
  if (fits) return DUST_OK;
  dust_shape_format(a, sizeof a, target->ndim, target->shape);
  dust_shape_format(b, sizeof b, mask->ndim, mask->shape);
  return dust_fail(
      DUST_ERROR_ARGUMENT,
      "target is %s and mask %s with %d spatial axes: the mask must have target's shape (without the channel axis if there is one channel)",
      a, b, spatial);
}

static dust_status one_channel(trust_pass *pass, const double *voxel_size, dust_pool *pool) {
  dust_edt edt = {0};
  DUST_TRY(dust_edt_to_zeros(&edt, pass->mask, voxel_size, 2 * SATURATED * pass->scale, pool));
  pass->edt = &edt;
  dust_status status =
      dust_pool_for(pool, (size_t)(dust_ndarray_count(pass->mask) / pass->mask->shape[pass->mask->ndim - 1]), 64, trust_rows, pass);
  dust_edt_release(&edt);
  return status;
}

dust_status dust_distance_mask(dust_ndarray *out, const dust_ndarray *target, const dust_ndarray *mask, int spatial,
                               const double *voxel_size, double scale, double epsilon, double threshold, dust_pool *pool) {
  DUST_TRY(check(target, mask, spatial, scale));
  dust_ndarray made = {0}, one_target = {0}, one_mask = {0};
  dust_status status;
  DUST_GO(dust_ndarray_empty(&made, DUST_UINT8, mask->ndim, mask->shape));
  int64_t count = dust_ndarray_count(mask), channels = count > 0 ? dust_channels_count(mask, spatial) : 0;
  trust_pass pass = {.target = &one_target,
                     .mask = &one_mask,
                     .scale = scale,
                     .epsilon = epsilon,
                     .threshold = threshold,
                     .narrow = target->dtype == DUST_FLOAT32};
  for (int64_t c = 0; c < channels; c++) {
    dust_channels_view(&one_target, target, spatial, c);
    dust_channels_view(&one_mask, mask, spatial, c);
    pass.out = (uint8_t *)made.data + c * (count / channels);
    status = one_channel(&pass, voxel_size, pool);
    dust_ndarray_release(&one_target);
    dust_ndarray_release(&one_mask);
    if (status != DUST_OK) goto done;
  }
  *out = made;
  made = (dust_ndarray){0};
done:
  dust_ndarray_release(&made);
  return status;
}
