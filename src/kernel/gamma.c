/* Two passes: the range and the power. In float32 the power is 2^(gamma log2 x) by polynomials, relative error below 2e-6 for
 * gamma up to 6, with 0 and 1 exact: a call of powf an element takes 10 times as long.
 */
#include "kernel/gamma.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/clones.h"
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
  for (int a = 0, used = 0; a < in->ndim; a++)
    used += snprintf(place + used, sizeof place - (size_t)used, a ? ", %" PRId64 : "%" PRId64, index[a]);
  return dust_fail(DUST_ERROR_ARGUMENT, "gamma needs finite values, but element {%s} is %s: replace it before", place,
                   isnan(s.value) ? "nan"
                   : s.value < 0  ? "-inf"
                                  : "inf");
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

static inline float float_of(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

static inline uint32_t bits_of(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

/* 2^y, at least 2^-126. The nearest whole number is split off by adding a large one; Chebyshev fit of (2^r - 1) / r for |r| <= 1/2. `whole` is added to y without rounding. */
static inline float exp2_of(float whole, float y) {
  const float shifter = 0x1.8p23f;
  float sum = whole + y;
  sum = sum > -126 ? sum : -126;
  float shifted = sum + shifter, r = (whole - (shifted - shifter)) + y;
  r = r > -0.5f ? r : -0.5f;
  float rr = r * r, p = (0.693147004f + 0.240222424f * r) + ((0.0555073358f + 0.0096714981f * r) + 0.0013264754f * rr) * rr;
  return (p * r + 1) * float_of((bits_of(shifted) - 0x4b400000u + 127) << 23);
}

/* Polynomials are written as trees: their depth, not their length, is what takes time.
 *
 * x^gamma for 0 <= x <= 1. x = 2^e (1 + f) with 1 + f in [sqrt 1/2, sqrt 2); Chebyshev fit of log2(1 + f) / f. */
static inline float power_of(float x, float gamma) {
  uint32_t tiny = -(uint32_t)(x < 0x1p-126f), bits = (bits_of(x) & ~tiny) | (bits_of(x * 0x1p24f) & tiny);
  uint32_t shifted = bits - 0x3f3504f3u; /* sqrt 1/2 */
  int32_t e = (int32_t)shifted >> 23;
  float f = float_of(bits - ((uint32_t)e << 23)) - 1, ff = f * f;
  float low = (1.44269478f - 0.721357107f * f) + (0.480939388f - 0.36008811f * f) * ff,
        high = (0.286708534f - 0.250061184f * f) + (0.236882523f - 0.145757586f * f) * ff;
  float p = low + high * (ff * ff);
  float power = exp2_of(gamma * (float)(e - (int32_t)(tiny & 24)), gamma * (p * f));
  return float_of(bits_of(power) & -(uint32_t)(x > 0));
}

DUST_CLONED(void, power_float, (const power_pass *pass, float *restrict out, const float *restrict in, size_t n), (pass, out, in, n)) {
  float low = (float)pass->low, range = (float)pass->range, gamma = (float)pass->gamma;
  for (size_t i = 0; i < n; i++) out[i] = power_of((in[i] - low) / range, gamma) * range + low;
}

static void power_double(const power_pass *pass, double *restrict out, const double *restrict in, size_t n) {
  for (size_t i = 0; i < n; i++) out[i] = pow((in[i] - pass->low) / pass->range, pass->gamma) * pass->range + pass->low;
}

/* The output is new and in C order, but of one element a row may have any stride. */
static void power_block(void *context, const dust_rows *rows, char *const *pointer, size_t n, size_t chunk) {
  const power_pass *pass = context;
  union {
    float f[DUST_BLOCK];
    double d[DUST_BLOCK];
  } from, to;
  if (pass->dtype == DUST_FLOAT32) {
    bool straight = rows->stride[0] == sizeof(float);
    float *out = straight ? (float *)(void *)pointer[0] : to.f;
    power_float(pass, out, dust_block_floats(from.f, pointer[1], rows->stride[1], pass->dtype, n), n);
    if (!straight) dust_row_from_float(pointer[0], rows->stride[0], pass->dtype, out, n);
  } else {
    power_double(pass, to.d, dust_block_doubles(from.d, pointer[1], rows->stride[1], pass->dtype, n), n);
    dust_row_from_double(pointer[0], rows->stride[0], pass->dtype, to.d, n);
  }
}

dust_status dust_gamma_array(dust_ndarray *out, const dust_ndarray *in, double gamma, dust_pool *pool) {
  if (!dust_dtype_is_float(in->dtype))
    return dust_fail(DUST_ERROR_ARGUMENT, "gamma needs a float32 or float64 array, not %s: normalize it before",
                     dust_dtype_name(in->dtype));
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
