/* Two passes: the range and the power. */
#include "kernel/gamma.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include "kernel/blocks.h"
#include "kernel/reduce.h"

#define FLAT 1e-3 /* upstream's: dividing by less would blow up noise */

typedef struct search {
  dust_dtype dtype;
  int64_t seen;
  double value;
} search;

static bool still_finite(void *context, const dust_rows *rows, char *const *pointer, size_t n) {
  search *s = context;
  double buffer[DUST_BLOCK];
  const double *v = dust_block_doubles(buffer, pointer[0], rows->stride[0], s->dtype, n);
  for (size_t i = 0; i < n; i++, s->seen++)
    if (!isfinite(v[i])) return s->value = v[i], false;
  return true;
}

static dust_status name_broken(const dust_rows *rows, const dust_ndarray *in) {
  search s = {.dtype = in->dtype};
  dust_blocks_while(rows, still_finite, &s);
  char place[DUST_MAXDIM * 24] = "";
  int64_t index[DUST_MAXDIM], at = s.seen;
  for (int a = in->ndim - 1; a >= 0; at /= in->shape[a--]) index[a] = at % in->shape[a] + 1;
  for (int a = 0, used = 0; a < in->ndim; a++) used += snprintf(place + used, sizeof place - (size_t)used, a ? ", %" PRId64 : "%" PRId64, index[a]);
  return dust_fail(DUST_ERROR_ARGUMENT, "gamma needs finite values, but element {%s} is %s: replace it before", place, isnan(s.value) ? "nan" : s.value < 0 ? "-inf" : "inf");
}

static dust_status find_range(double *low, double *high, const dust_ndarray *in, dust_pool *pool) {
  double element[2]; /* room for one of any type each */
  dust_rows rows;
  DUST_TRY(dust_minmax(&element[0], &element[1], in, pool));
  dust_row_to_double(low, &element[0], 8, in->dtype, 1);
  dust_row_to_double(high, &element[1], 8, in->dtype, 1);
  if (isfinite(*low) && isfinite(*high)) return DUST_OK;
  DUST_TRY(dust_rows_init(&rows, 1, &in));
  return name_broken(&rows, in);
}

typedef struct power_pass {
  double low, range, gamma;
  dust_dtype dtype;
} power_pass;

static void power_float(const power_pass *pass, float *restrict out, const float *restrict in, size_t n) {
  float low = (float)pass->low, range = (float)pass->range, gamma = (float)pass->gamma;
  for (size_t i = 0; i < n; i++) out[i] = powf((in[i] - low) / range, gamma) * range + low;
}

static void power_double(const power_pass *pass, double *restrict out, const double *restrict in, size_t n) {
  for (size_t i = 0; i < n; i++) out[i] = pow((in[i] - pass->low) / pass->range, pass->gamma) * pass->range + pass->low;
}

static void power_block(void *context, const dust_rows *rows, char *const *pointer, size_t n, size_t chunk) {
  const power_pass *pass = context;
  union { float f[DUST_BLOCK]; double d[DUST_BLOCK]; } from, to;
  if (pass->dtype == DUST_FLOAT32) {
    power_float(pass, to.f, dust_block_floats(from.f, pointer[1], rows->stride[1], pass->dtype, n), n);
    dust_row_from_float(pointer[0], rows->stride[0], pass->dtype, to.f, n);
  } else {
    power_double(pass, to.d, dust_block_doubles(from.d, pointer[1], rows->stride[1], pass->dtype, n), n);
    dust_row_from_double(pointer[0], rows->stride[0], pass->dtype, to.d, n);
  }
}

dust_status dust_gamma_array(dust_ndarray *out, const dust_ndarray *in, double gamma, dust_pool *pool) {
  if (!dust_dtype_is_float(in->dtype)) return dust_fail(DUST_ERROR_ARGUMENT, "gamma needs a float32 or float64 array, not %s: normalize it before", dust_dtype_name(in->dtype));
  if (!(gamma > 0) || isinf(gamma)) return dust_fail(DUST_ERROR_ARGUMENT, "gamma is %g, it must be positive and finite", gamma);
  double low = 0, high = 0;
  if (dust_ndarray_count(in) > 0) DUST_TRY(find_range(&low, &high, in, pool));
  if (!(high - low > FLAT)) return dust_ndarray_share(out, in), DUST_OK;
  dust_ndarray made = {0};
  dust_rows rows;
  dust_status status;
  DUST_GO(dust_ndarray_empty(&made, in->dtype, in->ndim, in->shape));
  DUST_GO(dust_rows_init(&rows, 2, (const dust_ndarray *[]){&made, in}));
  power_pass pass = {.low = low, .range = high - low, .gamma = gamma, .dtype = in->dtype};
  DUST_GO(dust_blocks_run(&rows, pool, power_block, &pass));
  *out = made;
  made = (dust_ndarray){0};
done:
  dust_ndarray_release(&made);
  return status;
}
