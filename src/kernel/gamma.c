/* Two passes: the range and the power. In float32 the power is 2^(gamma log2 x) by polynomials, relative error below 2e-6 for
 * gamma up to 6, with 0 and 1 exact: a call of powf an element takes 10 times as long.
 */
#include "kernel/gamma.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/clones.h"
#include "base/fetch.h"
#include "base/mem.h"
#include "kernel/blocks.h"
#include "kernel/reduce.h"

#define FLAT 1e-3                  /* upstream's: dividing by less would blow up noise */
enum { STRIP = 64, AHEAD = 2048 }; /* elements computed together; bytes fetched before they are */

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

static dust_status find_range(double *low, double *high, const dust_ndarray *in, const dust_ndarray *near, dust_pool *pool) {
  double element[2]; /* room for one of any type each */
  dust_rows rows;
  DUST_TRY(dust_minmax(&element[0], &element[1], near, pool));
  dust_row_to_double(low, &element[0], 8, in->dtype, 1);
  dust_row_to_double(high, &element[1], 8, in->dtype, 1);
  if (isfinite(*low) && isfinite(*high)) return DUST_OK;
  DUST_TRY(dust_rows_init(&rows, 1, &in));
  return name_broken(&rows, in);
}

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

/* What is the same for all elements: out = (distance * scale) ^ gamma * range + low, distance = in - low. */
typedef struct curve {
  float low, range, scale;
  float least;        /* lesser x count as this, which keeps x and its power normal numbers */
  float coarse, fine; /* gamma in two parts; a whole number of at most 12 bits times the first is exact */
  float coefficient[7];
} curve;

typedef struct power_pass {
  double low, range, gamma;
  dust_dtype dtype;
  curve curve;       /* float32 */
  dust_tally *tally; /* of each chunk, float32 */
} power_pass;

/* `scale` is at least 1 / range, so that the highest value comes to 1 or more. */
static curve curve_of(const power_pass *pass) {
  static const double fit[7] = {1.44269967, -0.721375883, 0.480465025, -0.35896185, 0.297262609, -0.272697896, 0.170634434};
  float range = (float)pass->range, scale = 1 / range, gamma = (float)pass->gamma;
  while (range * scale < 1) scale = nextafterf(scale, INFINITY);
  curve c = {.low = (float)pass->low, .range = range, .scale = scale};
  c.least = (float)exp2(-125 / fmax(1, pass->gamma));
  c.coarse = float_of(bits_of(gamma) & 0xfffff000u), c.fine = (float)(pass->gamma - c.coarse);
  for (int k = 0; k < 7; k++) c.coefficient[k] = (float)(fit[k] * pass->gamma);
  return c;
}

/* x ^ gamma. Polynomials are written as trees: their depth, not their length, is what takes time.
 *
 * x = 2^e (1 + f), 1 + f in [sqrt 1/2, sqrt 2); gamma log2(1 + f) = f * a polynomial, a minimax fit to 3e-7. Then 2^(whole + y): the nearest whole
 * number is split off by adding a large one and put into the exponent; (2^r - 1) / r for |r| <= 1/2 to 1e-7. */
static inline float power_of(const curve *c, float x) {
  const float shifter = 0x1.8p23f, *k = c->coefficient;
  uint32_t bits = bits_of(x), shifted = bits - 0x3f3504f3u; /* sqrt 1/2 */
  float f = float_of(bits - (shifted & 0xff800000u)) - 1, ff = f * f, e = (float)((int32_t)shifted >> 23);
  float p = ((k[0] + k[1] * f) + (k[2] + k[3] * f) * ff) + ((k[4] + k[5] * f) + k[6] * ff) * (ff * ff);
  float whole = c->coarse * e, y = p * f + c->fine * e, sum = (whole + y) + shifter, r = (whole - (sum - shifter)) + y, rr = r * r;
  float q = (0.693147004f + 0.240222424f * r) + ((0.0555073358f + 0.00967151299f * r) + 0.00132647273f * rr) * rr;
  return float_of(bits_of(q * r + 1) + (bits_of(sum) << 23));
}

DUST_CLONED(void, power_float, (const curve *curve_, float *restrict out, const float *restrict in, size_t n), (curve_, out, in, n)) {
  const curve c = *curve_;
  for (size_t begin = 0, end; begin < n; begin = end) {
    end = n - begin < STRIP ? n : begin + STRIP;
    dust_fetch(in + begin, AHEAD, STRIP * sizeof *in);
    dust_fetch(out + begin, AHEAD, STRIP * sizeof *out);
    for (size_t i = begin; i < end; i++) {
      float distance = in[i] - c.low, x = distance * c.scale;
      x = x > c.least ? x : c.least;
      x = x < 1 ? x : 1;
      float power = power_of(&c, x);
      out[i] = (distance > 0 ? power : 0) * c.range + c.low;
    }
  }
}

static void power_double(const power_pass *pass, double *restrict out, const double *restrict in, size_t n) {
  for (size_t i = 0; i < n; i++) out[i] = pow((in[i] - pass->low) / pass->range, pass->gamma) * pass->range + pass->low;
}

/* The output is in C order, but of one element a row may have any stride; and it may be the input, so that blocks are computed beside it. */
static void power_block(void *context, const dust_rows *rows, char *const *pointer, size_t n, size_t chunk) {
  const power_pass *pass = context;
  union {
    float f[DUST_BLOCK];
    double d[DUST_BLOCK];
  } from, to;
  if (pass->dtype == DUST_FLOAT32) {
    bool straight = rows->stride[0] == sizeof(float) && pointer[0] != pointer[1];
    float *out = straight ? (float *)(void *)pointer[0] : to.f;
    power_float(&pass->curve, out, dust_block_floats(from.f, pointer[1], rows->stride[1], pass->dtype, n), n);
    if (!straight) dust_row_from_float(pointer[0], rows->stride[0], pass->dtype, out, n);
    dust_tally_floats(&pass->tally[chunk], out, n);
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
  dust_blocks_pair pair = {0};
  dust_rows rows;
  void *tallies = NULL;
  dust_status status;
  DUST_GO(dust_blocks_pair_make(&pair, in, in->dtype, pool));
  if (dust_ndarray_count(in) > 0) DUST_GO(find_range(&low, &high, in, &pair.near, pool));
  if (!(high - low > FLAT)) {
    dust_ndarray_share(out, in);
    goto done;
  }
  power_pass pass = {.low = low, .range = high - low, .gamma = gamma, .dtype = in->dtype};
  DUST_GO(dust_rows_init(&rows, 2, (const dust_ndarray *[]){&pair.out, &pair.near}));
  size_t chunks = dust_blocks_chunks(&rows);
  if (in->dtype == DUST_FLOAT32) {
    pass.curve = curve_of(&pass);
    DUST_GO(dust_calloc(&tallies, chunks, sizeof *pass.tally));
    pass.tally = tallies;
  }
  DUST_GO(dust_blocks_run(&rows, pool, power_block, &pass));
  if (tallies) dust_tally_keep(&pair.out, tallies, chunks, dust_ndarray_is_contiguous(&pair.near));
  dust_blocks_result(out, &pair);
done:
  dust_free(tallies);
  dust_blocks_pair_release(&pair);
  return status;
}
