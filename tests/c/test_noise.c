/* Noise, components, erosion, exclusion, distances and folds where Lua can't reach: known answers of Philox, every allocation
 * failing in turn, any number of threads. */
#include "check.h"

#include <math.h>
#include "kernel/components.h"
#include "kernel/erode.h"
#include "kernel/exclude.h"
#include "kernel/fold.h"
#include "kernel/noise.h"
#include "kernel/philox.h"
#include "kernel/within.h"

/* The known answers that Random123 ships for philox4x32-10. */
static void test_philox(void) {
  uint32_t zero[4] = {0}, ones[4] = {~0u, ~0u, ~0u, ~0u}, pi[4] = {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344};
  dust_philox(zero, 0);
  CHECK(zero[0] == 0x6627e8d5 && zero[1] == 0xe169c58d && zero[2] == 0xbc57ac4c && zero[3] == 0x9b00dbd8);
  dust_philox(ones, UINT64_MAX);
  CHECK(ones[0] == 0x408f276d && ones[1] == 0x41c83b0e && ones[2] == 0xa20bc7c6 && ones[3] == 0x6d5451fd);
  dust_philox(pi, UINT64_C(0x299f31d0a4093822));
  CHECK(pi[0] == 0xd16cfe09 && pi[1] == 0x94fdcceb && pi[2] == 0x5001e420 && pi[3] == 0x24126ea1);
}

/* A block holds the words of its 64 counters; normals are Box and Muller's of them. */
static void test_blocks(void) {
  uint32_t word[DUST_PHILOX_BLOCK];
  float normal[DUST_PHILOX_BLOCK];
  double worst = 0;
  int wrong = 0;
  for (uint64_t block = 0; block < 2000; block++) {
    uint64_t where = block * UINT64_C(0x100000001);
    dust_philox_words(word, 77, 3, where);
    dust_philox_normals(normal, 77, 3, where);
    for (int i = 0; i < 64; i++) {
      uint64_t number = where * 64 + (uint64_t)i;
      uint32_t counter[4] = {(uint32_t)number, (uint32_t)(number >> 32), 3, 0};
      dust_philox(counter, 77);
      for (int j = 0; j < 4; j++) wrong += word[64 * j + i] != counter[j];
      for (int pair = 0; pair < 2; pair++) {
        double u = ((double)(float)counter[2 * pair] + 0.5) / 4294967296.0, angle = counter[2 * pair + 1] / 4294967296.0 * 2 * acos(-1);
        double r = sqrt(-2 * log((double)(float)u)), c = fabs(r * cos(angle) - normal[128 * pair + i]),
               s = fabs(r * sin(angle) - normal[128 * pair + 64 + i]);
        worst = fmax(worst, fmax(c, s));
      }
    }
  }
  CHECK(wrong == 0);
  CHECK(worst < 2e-6);
}

typedef struct inputs {
  dust_ndarray grey, labels, mask;
} inputs;

static void make(dust_ndarray *out, dust_dtype dtype, int ndim, const int64_t *shape, int64_t modulus, double scale) {
  CHECK_OK(dust_ndarray_zeros(out, dtype, ndim, shape));
  for (int64_t i = 0; i < dust_ndarray_count(out); i++) {
    double value = (double)(i * 7919 % 104729 % modulus) * scale;
    dust_row_from_double(out->data + i * (int64_t)dust_dtype_size(dtype), 8, dtype, &value, 1);
  }
}

#define OUTPUTS 8

static dust_status run_all(dust_ndarray *out, const inputs *in, dust_pool *pool) {
  static const double voxel_size[] = {4, 2, 2};
  static const dust_noise base = {
      .mode = DUST_NOISE_GAUSSIAN, .seed = 5, .variance = .01, .amount = .2, .salt = .5, .span = 1, .levels = 16, .clip_high = 1};
  uint64_t id[] = {3, 1};
  dust_noise local = base, salt = base, counts = base;
  local.variances = &in->grey;
  salt.mode = DUST_NOISE_SALT_PEPPER;
  counts.mode = DUST_NOISE_POISSON;
  dust_erosion erosion = {.steps = 2, .mask = &in->mask, .axes = 3};
  dust_fold fold = {.from = {0, 5}, .to = {in->grey.shape[1] - 1, 9}, .rows = true, .strength = 3, .width = 2, .interpolate = true};
  DUST_TRY(dust_noise_array(&out[0], &in->grey, &local, pool));
  DUST_TRY(dust_noise_array(&out[1], &in->grey, &salt, pool));
  DUST_TRY(dust_noise_array(&out[2], &in->grey, &counts, pool));
  DUST_TRY(dust_components(&out[3], NULL, &in->labels, 3, pool));
  DUST_TRY(dust_erode_labels(&out[4], &in->labels, &erosion, pool));
  DUST_TRY(dust_exclude_labels(&out[5], &out[6], &in->labels, 2, id, 0, pool));
  dust_ndarray_release(&out[5]);
  DUST_TRY(dust_within(&out[5], &in->mask, 3, voxel_size, 5, pool));
  return dust_fold_section(&out[7], &in->grey, &fold, pool);
}

static dust_status run_and_release(void *context) {
  dust_ndarray out[OUTPUTS] = {{0}};
  dust_status status = run_all(out, context, NULL);
  for (int i = 0; i < OUTPUTS; i++) dust_ndarray_release(&out[i]);
  return status;
}

static void test_threads(const inputs *in) {
  dust_ndarray one[OUTPUTS] = {{0}}, more[OUTPUTS] = {{0}};
  CHECK_OK(run_all(one, in, NULL));
  for (int threads = 2; threads <= 5; threads += 3) {
    dust_pool *pool;
    CHECK_OK(dust_pool_create(&pool, threads));
    CHECK_OK(run_all(more, in, pool));
    for (int i = 0; i < OUTPUTS; i++) {
      CHECK(dust_ndarray_bytes(&one[i]) == dust_ndarray_bytes(&more[i]) && !memcmp(one[i].data, more[i].data, dust_ndarray_bytes(&one[i])));
      dust_ndarray_release(&more[i]);
    }
    dust_pool_release(pool);
  }
  for (int i = 0; i < OUTPUTS; i++) dust_ndarray_release(&one[i]);
}

static void test_empty(void) {
  inputs none = {0};
  dust_ndarray out = {0};
  const int64_t shape[] = {0, 3, 4};
  dust_noise noise = {.mode = DUST_NOISE_POISSON, .span = 1, .levels = 2, .clip_high = 1};
  CHECK_OK(dust_ndarray_zeros(&none.grey, DUST_FLOAT32, 3, shape));
  CHECK_OK(dust_noise_array(&out, &none.grey, &noise, NULL));
  CHECK(dust_ndarray_count(&out) == 0);
  dust_ndarray_release(&out);
  dust_ndarray_release(&none.grey);
  CHECK_OK(dust_ndarray_zeros(&none.labels, DUST_UINT16, 3, shape));
  CHECK_OK(dust_components(&out, NULL, &none.labels, 3, NULL));
  dust_ndarray_release(&out);
  CHECK_OK(dust_erode_labels(&out, &none.labels, &(dust_erosion){.steps = 1, .axes = 3}, NULL));
  dust_ndarray_release(&out);
  CHECK_OK(dust_within(&out, &none.labels, 3, (const double[]){1, 1, 1}, 3, NULL));
  dust_ndarray_release(&out);
  dust_ndarray_release(&none.labels);
}

static void test_refusals(const inputs *in) {
  dust_ndarray out = {0}, where = {0};
  dust_noise noise = {.mode = DUST_NOISE_GAUSSIAN, .variance = -1, .span = 1, .levels = 1, .clip_high = 1};
  CHECK_FAILS(dust_noise_array(&out, &in->grey, &noise, NULL), DUST_ERROR_ARGUMENT,
              "the variance of noise is -1, it must be finite and not negative");
  noise.variance = 0;
  noise.amount = 1.5;
  CHECK_FAILS(dust_noise_array(&out, &in->grey, &noise, NULL), DUST_ERROR_ARGUMENT, "amount is 1.5, it must be from 0 to 1");
  noise.amount = 0;
  CHECK_FAILS(dust_noise_array(&out, &in->labels, &noise, NULL), DUST_ERROR_ARGUMENT, "noise needs a float32 or float64 array, not uint16");
  noise.mode = DUST_NOISE_POISSON;
  noise.levels = 1e12;
  CHECK_FAILS(dust_noise_array(&out, &in->grey, &noise, NULL), DUST_ERROR_ARGUMENT, "makes more than 2^31 counts");
  CHECK_FAILS(dust_components(&out, NULL, &in->labels, 4, NULL), DUST_ERROR_ARGUMENT, "components of 4 spatial axes in an array of 3");
  CHECK_FAILS(dust_erode_labels(&out, &in->labels, &(dust_erosion){.steps = -1, .axes = 3}, NULL), DUST_ERROR_ARGUMENT, "-1 steps");
  CHECK_FAILS(dust_exclude_labels(&out, &where, &in->labels, 0, NULL, 70000, NULL), DUST_ERROR_RANGE,
              "value 70000 doesn't fit into labels of uint16");
  CHECK_FAILS(dust_within(&out, &in->mask, 3, (const double[]){1, 0, 1}, 3, NULL), DUST_ERROR_ARGUMENT, "voxel_size[2] is 0");
  dust_fold fold = {.from = {1, 5}, .to = {in->grey.shape[1] - 1, 9}, .rows = true};
  CHECK_FAILS(dust_fold_section(&out, &in->grey, &fold, NULL), DUST_ERROR_ARGUMENT,
              "a fold's line must run from border to border of the section, 20x24, not from {1, 5} to {19, 9}");
  fold.from[0] = 0;
  fold.strength = 11;
  CHECK_FAILS(dust_fold_section(&out, &in->grey, &fold, NULL), DUST_ERROR_ARGUMENT,
              "a section of 20x24 voxels is too small for a fold of strength 11");
}

int main(void) {
  inputs in = {0};
  const int64_t shape[] = {7, 20, 24};
  make(&in.grey, DUST_FLOAT32, 3, shape, 251, 1.0 / 300);
  for (int64_t i = 0; i < dust_ndarray_count(&in.grey); i++) ((float *)(void *)in.grey.data)[i] += 0.01f;
  make(&in.labels, DUST_UINT16, 3, shape, 3, 1);
  make(&in.mask, DUST_UINT8, 3, shape, 7, 1);
  test_philox();
  test_blocks();
  test_threads(&in);
  test_empty();
  test_refusals(&in);
  check_every_allocation("kernels on noise and labels", run_and_release, &in);
  dust_ndarray_release(&in.grey);
  dust_ndarray_release(&in.labels);
  dust_ndarray_release(&in.mask);
  return check_done();
}
