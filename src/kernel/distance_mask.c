/* Comparisons are float32 against float64, as numpy makes them for a float32 target: ties at the threshold fall the same way. */
#include "kernel/distance_mask.h"

#include <math.h>
#include "base/clones.h"
#include "kernel/channels.h"
#include "kernel/edt.h"
#include "kernel/tanh.h"
#include "volume/rows.h"

#define BLOCK 512
#define SATURATED 20.0 /* tanh is 1 in float64 */

typedef struct trust_pass {
  const dust_ndarray *target, *mask; /* one channel */
  uint8_t *out;
  double scale, epsilon, threshold;
  bool narrow; /* target is float32 */
} trust_pass;

/* 0 where min(|target| + epsilon, threshold) reaches the border, in target's own precision; NaN reaches nothing. */
DUST_CLONED(void, distrust_narrow,
            (uint8_t *restrict out, const double *restrict target, const double *restrict border, size_t n, float epsilon, float most),
            (out, target, border, n, epsilon, most)) {
  for (size_t i = 0; i < n; i++) {
    float sum = fabsf((float)target[i]) + epsilon, reach = sum > most ? most : sum < 0 ? 0 : sum;
    out[i] = (double)reach >= border[i] ? 0 : out[i];
  }
}

DUST_CLONED(void, distrust_wide,
            (uint8_t *restrict out, const double *restrict target, const double *restrict border, size_t n, double epsilon, double most),
            (out, target, border, n, epsilon, most)) {
  for (size_t i = 0; i < n; i++) {
    double sum = fabs(target[i]) + epsilon, reach = sum > most ? most : sum < 0 ? 0 : sum;
    out[i] = reach >= border[i] ? 0 : out[i];
  }
}

/* What the border's distance is compared with. */
static void squash(const void *context, double *distance, size_t n) {
  const trust_pass *pass = context;
  for (size_t i = 0; i < n; i++) distance[i] = 0.5 * distance[i] / pass->scale;
  dust_tanh_row(distance, n);
}

static void trust_row(const void *context, int64_t row, const double *border, size_t length) {
  const trust_pass *pass = context;
  const dust_ndarray *target = pass->target, *mask = pass->mask;
  int64_t t_stride = target->stride[target->ndim - 1], m_stride = mask->stride[mask->ndim - 1];
  const char *t0 = dust_row_start(target, row), *m0 = dust_row_start(mask, row);
  uint8_t *out = pass->out + row * (int64_t)length;
  double t[BLOCK], m[BLOCK];
  for (size_t x = 0; x < length; x += BLOCK) {
    size_t n = length - x < BLOCK ? length - x : BLOCK;
    dust_row_to_double(t, t0 + (int64_t)x * t_stride, t_stride, target->dtype, n);
    dust_row_to_double(m, m0 + (int64_t)x * m_stride, m_stride, mask->dtype, n);
    dust_row_from_double(out + x, 1, DUST_UINT8, m, n);
    if (pass->narrow)
      distrust_narrow(out + x, t, border + x, n, (float)pass->epsilon, (float)pass->threshold);
    else
      distrust_wide(out + x, t, border + x, n, pass->epsilon, pass->threshold);
  }
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

/* Nothing is compared with more than the threshold, so no border further away than where tanh gets there need be told from another. */
static double enough(const trust_pass *pass) {
  double most = fmax((float)pass->threshold, pass->threshold);
  return 2 * pass->scale * (most < 0.999 ? atanh(fmax(most, 0)) + 1e-5 : SATURATED);
}

static dust_status one_channel(const trust_pass *pass, const double *voxel_size, dust_pool *pool) {
  dust_edt_job job = {.labels = pass->mask,
                      .what = "mask",
                      .voxel_size = voxel_size,
                      .sites = DUST_EDT_ZEROS_AND_BORDER,
                      .limit = enough(pass),
                      .curve = squash,
                      .row = trust_row,
                      .context = pass};
  return dust_edt_run(&job, pool);
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
