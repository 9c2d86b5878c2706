/* The power of float32 against the C library's: as accurate as gamma.c says, ends exact, the same on each instruction set. */
#include <math.h>
#include "base/isa.h"
#include "check.h"
#include "kernel/gamma.h"

enum { COUNT = 40000 };

/* Evenly spaced from 0 to 1, and towards 0 as far as a power is worth something; {0} = 0, {1} = 1. */
static void make(dust_ndarray *a, double gamma) {
  CHECK_OK(dust_ndarray_empty(a, DUST_FLOAT32, 1, (int64_t[]){COUNT}));
  float *x = (float *)(void *)a->data;
  for (int i = 0; i < COUNT / 2; i++) x[i] = (float)i / (COUNT / 2 - 1);
  for (int i = COUNT / 2; i < COUNT; i++) x[i] = (float)exp2(-100.0 / fmax(1, gamma) * (i - COUNT / 2) / (COUNT / 2));
  x[1] = 1;
}

static double worst(const dust_ndarray *in, const dust_ndarray *out, double gamma) {
  const float *x = (const float *)(const void *)in->data, *y = (const float *)(const void *)out->data;
  double most = 0;
  for (int i = 0; i < COUNT; i++)
    if (x[i] > 0) most = fmax(most, fabs(y[i] / pow(x[i], gamma) - 1));
  return most;
}

static void test_accuracy(void) {
  dust_isa best = dust_isa_now();
  for (double gamma = 0.05; gamma <= 6; gamma *= 1.3) {
    dust_ndarray in = {0}, out = {0}, again = {0};
    make(&in, gamma);
    CHECK_OK(dust_gamma_array(&out, &in, gamma, NULL));
    const float *y = (const float *)(const void *)out.data;
    CHECK(worst(&in, &out, gamma) < 2e-6);
    CHECK(y[0] == 0 && y[1] == 1);
    dust_isa_use(DUST_ISA_BASELINE);
    CHECK_OK(dust_gamma_array(&again, &in, gamma, NULL));
    CHECK(memcmp(out.data, again.data, dust_ndarray_bytes(&out)) == 0);
    dust_isa_use(best);
    dust_ndarray_release(&in), dust_ndarray_release(&out), dust_ndarray_release(&again);
  }
}

/* Whatever the range, nothing leaves it and its ends stay. */
static void test_range(void) {
  for (int k = 1; k < 200; k++) {
    dust_ndarray in = {0}, out = {0};
    float low = -1.7f * (float)k, high = 0.37f * (float)k + 0.01f;
    CHECK_OK(dust_ndarray_empty(&in, DUST_FLOAT32, 1, (int64_t[]){300}));
    float *x = (float *)(void *)in.data;
    for (int i = 0; i < 300; i++) x[i] = low + (high - low) * (float)i / 299;
    x[0] = low, x[299] = high;
    CHECK_OK(dust_gamma_array(&out, &in, 0.3 + k * 0.01, NULL));
    const float *y = (const float *)(const void *)out.data;
    CHECK(y[0] == low && fabsf(y[299] - high) <= 2e-7f * (high - low));
    for (int i = 1; i < 300; i++) CHECK(y[i] <= y[299] && y[i] >= y[i - 1]);
    dust_ndarray_release(&in), dust_ndarray_release(&out);
  }
}

int main(void) {
  test_accuracy();
  test_range();
  return check_done();
}
