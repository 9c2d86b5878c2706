/* The array is taken as one line of elements in C order, cut into blocks of DUST_PHILOX_BLOCK; a block is loaded to double,
 * computed and stored while it is in L1. */
#include "kernel/noise.h"

#include <math.h>
#include <stdlib.h>
#include "base/clones.h"
#include "base/fetch.h"
#include "kernel/noise_poisson.h"
#include "kernel/philox.h"
#include "kernel/reduce.h"

#define BLOCK DUST_PHILOX_BLOCK
#define BLOCKS_A_CHUNK 128
#define MOST_COUNTS 2147483648.0 /* gsl_ran_poisson counts in an unsigned int */

typedef struct noise_pass {
  const dust_noise *noise;
  const dust_ndarray *in, *variances; /* C order; variances: NULL or float64 */
  dust_ndarray *out;
  int64_t count;
  const dust_poisson *tables; /* poisson */
} noise_pass;

DUST_CLONED(void, add_normals, (double *restrict a, const float *restrict normal, double mean, double deviation),
            (a, normal, mean, deviation)) {
  for (int i = 0; i < BLOCK; i++) a[i] += mean + deviation * normal[i];
}

/* The same of float32 elements and with clipping, in one go. */
DUST_CLONED(void, add_normals_float, (float *restrict out, const float *restrict in, const float *restrict normal, const dust_noise *noise),
            (out, in, normal, noise)) {
  const double mean = noise->mean, deviation = sqrt(noise->variance), low = noise->clip_low, high = noise->clip_high;
  for (int i = 0; i < BLOCK; i++) {
    double a = in[i] + (mean + deviation * normal[i]);
    a = a < low ? low : a;
    out[i] = (float)(a > high ? high : a);
  }
}

DUST_CLONED(void, add_local_normals, (double *restrict a, const float *restrict normal, const double *restrict variance),
            (a, normal, variance)) {
  for (int i = 0; i < BLOCK; i++) a[i] += sqrt(variance[i]) * normal[i];
}

DUST_CLONED(void, add_speckle, (double *restrict a, const float *restrict normal, double mean, double deviation),
            (a, normal, mean, deviation)) {
  for (int i = 0; i < BLOCK; i++) a[i] += a[i] * (mean + deviation * normal[i]);
}

/* One word decides both: below the share of salt it is salt, below that of all noise pepper. */
DUST_CLONED(void, replace, (double *restrict a, const uint32_t *restrict word, double amount, double salt, double pepper),
            (a, word, amount, salt, pepper)) {
  for (int i = 0; i < BLOCK; i++) {
    double u = word[i] * 0x1p-32;
    double noise = u < amount * salt ? 1 : pepper;
    a[i] = u < amount ? noise : a[i];
  }
}

DUST_CLONED(void, clip, (double *restrict a, double low, double high), (a, low, high)) {
  for (int i = 0; i < BLOCK; i++) {
    double high_enough = a[i] < low ? low : a[i];
    a[i] = high_enough > high ? high : high_enough;
  }
}

DUST_CLONED(void, means_of, (double *a, double low, double span, double levels), (a, low, span, levels)) {
  for (int i = 0; i < BLOCK; i++) a[i] = (a[i] - low) / span * levels;
}

DUST_CLONED(void, values_of, (double *a, double low, double span, double levels), (a, low, span, levels)) {
  for (int i = 0; i < BLOCK; i++) a[i] = low + span * (a[i] / levels);
}

/* (a + before) * factor + after: what both come to, to the bit, where levels and span are powers of two, as they mostly are. It takes no division. */
DUST_CLONED(void, linear, (double *a, double before, double factor, double after), (a, before, factor, after)) {
  for (int i = 0; i < BLOCK; i++) a[i] = (a[i] + before) * factor + after;
}

static bool is_power_of_two(double v) {
  int exponent;
  return frexp(v, &exponent) == 0.5 && abs(exponent) < 500;
}

static void count_block(const noise_pass *pass, double *a, uint64_t block, int n) {
  const double low = pass->noise->low, span = pass->noise->span, levels = pass->noise->levels;
  const bool simple = is_power_of_two(span) && is_power_of_two(levels);
  if (simple)
    linear(a, -low, levels / span, 0);
  else
    means_of(a, low, span, levels);
  dust_poisson_counts(pass->tables, a, n, pass->noise->seed, block);
  if (simple)
    linear(a, 0, span / levels, low);
  else
    values_of(a, low, span, levels);
}

static void normal_block(const noise_pass *pass, double *a, uint64_t block) {
  const dust_noise *noise = pass->noise;
  float normal[BLOCK];
  double variance[BLOCK] = {0}, deviation = sqrt(noise->variance);
  dust_philox_normals(normal, noise->seed, 0, block);
  if (noise->mode == DUST_NOISE_SPECKLE) {
    add_speckle(a, normal, noise->mean, deviation);
  } else if (pass->variances) {
    int64_t begin = (int64_t)block * BLOCK, left = pass->count - begin;
    const double *from = (const double *)(const void *)pass->variances->data + begin;
    for (int64_t i = 0; i < BLOCK && i < left; i++) variance[i] = from[i];
    add_local_normals(a, normal, variance);
  } else {
    add_normals(a, normal, noise->mean, deviation);
  }
}

/* A whole block of what is asked for most. */
static bool simple_block(const noise_pass *pass, int64_t begin, uint64_t block) {
  const dust_noise *noise = pass->noise;
  if (noise->mode != DUST_NOISE_GAUSSIAN || pass->variances || pass->in->dtype != DUST_FLOAT32 || pass->count - begin < BLOCK) return false;
  const float *in = (const float *)(const void *)pass->in->data + begin;
  if ((uintptr_t)in % sizeof *in != 0) return false;
  float normal[BLOCK];
  dust_philox_normals(normal, noise->seed, 0, block);
  add_normals_float((float *)(void *)pass->out->data + begin, in, normal, noise);
  return true;
}

static void one_block(const noise_pass *pass, uint64_t block) {
  const dust_noise *noise = pass->noise;
  int64_t begin = (int64_t)block * BLOCK, left = pass->count - begin;
  int n = left < BLOCK ? (int)left : BLOCK;
  if (simple_block(pass, begin, block)) return;
  ptrdiff_t size = (ptrdiff_t)dust_dtype_size(pass->in->dtype);
  double a[BLOCK] = {0};
  dust_row_to_double(a, pass->in->data + begin * size, size, pass->in->dtype, (size_t)n);
  if (noise->mode == DUST_NOISE_POISSON) {
    count_block(pass, a, block, n);
  } else if (noise->mode == DUST_NOISE_SALT_PEPPER) {
    uint32_t word[BLOCK];
    dust_philox_words(word, noise->seed, 0, block);
    replace(a, word, noise->amount, noise->salt, noise->pepper);
  } else {
    normal_block(pass, a, block);
  }
  clip(a, noise->clip_low, noise->clip_high);
  dust_row_from_double(pass->out->data + begin * size, size, pass->in->dtype, a, (size_t)n);
}

/* What the next block reads and writes is on its way while this one is computed, which takes as long as memory does. */
static void fetch_block(const noise_pass *pass, size_t block) {
  const size_t bytes = BLOCK * dust_dtype_size(pass->in->dtype);
  dust_fetch(pass->in->data, block * bytes, bytes);
  dust_fetch(pass->out->data, block * bytes, bytes);
}

static dust_status some_blocks(void *context, size_t begin, size_t end, size_t chunk) {
  for (size_t block = begin; block < end; block++) {
    fetch_block(context, block + 1);
    one_block(context, block);
  }
  return DUST_OK;
}

/* ---- what makes no sense */

static dust_status check_share(double value, const char *name) {
  if (value >= 0 && value <= 1) return DUST_OK;
  return dust_fail(DUST_ERROR_ARGUMENT, "%s is %g, it must be from 0 to 1", name, value);
}

static dust_status check_parameters(const dust_noise *noise) {
  if (!isfinite(noise->mean)) return dust_fail(DUST_ERROR_ARGUMENT, "the mean of noise is %g, it must be finite", noise->mean);
  if (!(noise->variance >= 0) || isinf(noise->variance))
    return dust_fail(DUST_ERROR_ARGUMENT, "the variance of noise is %g, it must be finite and not negative", noise->variance);
  DUST_TRY(check_share(noise->amount, "amount"));
  DUST_TRY(check_share(noise->salt, "salt_vs_pepper"));
  if (!(noise->span > 0) || isinf(noise->span))
    return dust_fail(DUST_ERROR_ARGUMENT, "span is %g, it must be positive and finite", noise->span);
  if (!(noise->levels > 0) || isinf(noise->levels))
    return dust_fail(DUST_ERROR_ARGUMENT, "levels is %g, it must be positive and finite", noise->levels);
  if (noise->clip_low > noise->clip_high)
    return dust_fail(DUST_ERROR_ARGUMENT, "clipping to [%g, %g] leaves nothing: the lower end is above the upper one", noise->clip_low,
                     noise->clip_high);
  return DUST_OK;
}

/* And makes the tables for what poisson has to count. */
static dust_status check_range(dust_poisson **tables, const dust_ndarray *in, const dust_noise *noise, dust_pool *pool) {
  double element[2], low, high; /* element: room for one of any type each */
  if (noise->mode != DUST_NOISE_POISSON || dust_ndarray_count(in) == 0) return DUST_OK;
  DUST_TRY(dust_minmax(&element[0], &element[1], in, pool));
  dust_row_to_double(&low, &element[0], 8, in->dtype, 1);
  dust_row_to_double(&high, &element[1], 8, in->dtype, 1);
  if (!(low >= noise->low))
    return dust_fail(DUST_ERROR_ARGUMENT, "poisson noise counts from %g up, but the array's smallest value is %g", noise->low, low);
  double least = (low - noise->low) / noise->span * noise->levels, most = (high - noise->low) / noise->span * noise->levels;
  if (most <= MOST_COUNTS) return dust_poisson_create(tables, least, most);
  return dust_fail(DUST_ERROR_ARGUMENT,
                   "a value of %g with %g levels makes more than 2^31 counts: scale the array to [0, 1] before poisson noise", high,
                   noise->levels);
}

/* Variances as float64 of in's shape in C order. */
static dust_status spread_variances(dust_ndarray *out, const dust_ndarray *in, const dust_ndarray *variances, dust_pool *pool) {
  dust_ndarray wide = {0}, doubles = {0};
  double lowest, highest;
  dust_status status;
  if (dust_ndarray_count(in) == 0) return dust_ndarray_empty(out, DUST_FLOAT64, in->ndim, in->shape);
  status = dust_ndarray_broadcast(&wide, variances, in->ndim, in->shape);
  if (status != DUST_OK) DUST_GO(dust_fail_context(status, "local_vars don't go with the array"));
  DUST_GO(dust_ndarray_empty(&doubles, DUST_FLOAT64, in->ndim, in->shape));
  DUST_GO(dust_ndarray_assign(&doubles, &wide, pool));
  DUST_GO(dust_minmax(&lowest, &highest, &doubles, pool));
  if (!(lowest > 0) || isinf(highest)) {
    status = dust_fail(DUST_ERROR_ARGUMENT, "local_vars run from %g to %g, all must be positive and finite", lowest, highest);
    goto done;
  }
  *out = doubles;
  doubles = (dust_ndarray){0};
done:
  dust_ndarray_release(&wide);
  dust_ndarray_release(&doubles);
  return status;
}

dust_status dust_noise_array(dust_ndarray *out, const dust_ndarray *in, const dust_noise *noise, dust_pool *pool) {
  if (!dust_dtype_is_float(in->dtype))
    return dust_fail(DUST_ERROR_ARGUMENT, "noise needs a float32 or float64 array, not %s: normalize it before",
                     dust_dtype_name(in->dtype));
  DUST_TRY(check_parameters(noise));
  dust_poisson *tables = NULL;
  DUST_TRY(check_range(&tables, in, noise, pool));
  dust_ndarray made = {0}, flat = {0}, variances = {0};
  dust_status status;
  DUST_GO(dust_ndarray_contiguous(&flat, in));
  if (noise->variances) DUST_GO(spread_variances(&variances, in, noise->variances, pool));
  DUST_GO(dust_ndarray_empty(&made, in->dtype, in->ndim, in->shape));
  noise_pass pass = {.noise = noise,
                     .in = &flat,
                     .variances = noise->variances ? &variances : NULL,
                     .out = &made,
                     .count = dust_ndarray_count(in),
                     .tables = tables};
  DUST_GO(dust_pool_for(pool, (size_t)((pass.count + BLOCK - 1) / BLOCK), BLOCKS_A_CHUNK, some_blocks, &pass));
  *out = made;
  made = (dust_ndarray){0};
done:
  dust_poisson_release(tables);
  dust_ndarray_release(&flat);
  dust_ndarray_release(&variances);
  dust_ndarray_release(&made);
  return status;
}
