/* Checks, units, and which way. */
#include "kernel/edt.h"

#include <math.h>
#include "base/clones.h"
#include "kernel/edt_ways.h"

#define FINEST 0x1p-20 /* the smallest unit looked for */

static double greatest_divisor(double a, double b) {
  while (b != 0) {
    double rest = fmod(a, b);
    a = b;
    b = rest;
  }
  return a;
}

static dust_status check(const dust_edt_job *job) {
  const dust_ndarray *labels = job->labels;
  if (dust_dtype_is_float(labels->dtype))
    return dust_fail(DUST_ERROR_ARGUMENT, "%s must have an integer dtype, not %s: use :astype or a comparison", job->what,
                     dust_dtype_name(labels->dtype));
  if (labels->ndim < 1) return dust_fail(DUST_ERROR_ARGUMENT, "%s must have at least one axis", job->what);
  for (int a = 0; a < labels->ndim; a++)
    if (!(job->voxel_size[a] > 0) || !isfinite(job->voxel_size[a]))
      return dust_fail(DUST_ERROR_ARGUMENT, "voxel_size[%d] is %g, not a positive number", a + 1, job->voxel_size[a]);
  return DUST_OK;
}

/* The largest number that each size is a multiple of: whole, or a half, a quarter and so on; 0: none such. */
static double common_divisor(const double *size, int n) {
  double grain = 1, divisor = 0;
  for (int a = 0; a < n; a++) {
    if (size[a] >= 1e6) return 0;
    while (size[a] / grain != floor(size[a] / grain))
      if ((grain /= 2) < FINEST) return 0;
  }
  for (int a = 0; a < n; a++) divisor = greatest_divisor(size[a], divisor);
  return divisor;
}

static dust_edt_units choose_units(const dust_edt_job *job) {
  const dust_ndarray *labels = job->labels;
  double divisor = common_divisor(job->voxel_size, labels->ndim);
  dust_edt_units units = {.far = 1, .whole = divisor > 0};
  if (!units.whole) divisor = 1;
  units.unit = divisor / 2;
  for (int a = 0; a < labels->ndim; a++) {
    double steps = 2.0 * (double)labels->shape[a] + 2, length = job->voxel_size[a] / divisor;
    units.weight[a] = length * length;
    units.far += units.weight[a] * steps * steps;
  }
  double cap = job->limit > 0 ? ceil(job->limit / units.unit * (job->limit / units.unit)) : units.far;
  if (cap < units.far) units.far = cap;
  return units;
}

DUST_CLONED_EXTERN(void, dust_edt_sign_row, (float *restrict out, const double *restrict value, const uint8_t *restrict zero, size_t n),
                   (out, value, zero, n)) {
  for (size_t i = 0; i < n; i++) {
    float v = (float)value[i];
    out[i] = zero[i] ? -v : v;
  }
}

dust_status dust_edt_run(const dust_edt_job *job, dust_pool *pool) {
  DUST_TRY(check(job));
  if (dust_ndarray_count(job->labels) == 0) return DUST_OK;
  dust_edt_units units = choose_units(job);
  bool fits = false;
  if (units.whole && job->labels->ndim <= 3) DUST_TRY(dust_edt_narrow(job, &units, &fits, pool));
  return fits ? DUST_OK : dust_edt_wide(job, &units, pool);
}
