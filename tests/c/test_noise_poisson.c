/* Poisson counts: their distribution by chi-square, bytes for any place in a block, edges of the tables, memory. */
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <math.h>
#include "base/isa.h"
#include "check.h"
#include "kernel/noise_poisson.h"

#define BLOCK DUST_PHILOX_BLOCK

static void fill(double *a, double mean) {
  for (int i = 0; i < BLOCK; i++) a[i] = mean;
}

/* The chance of a histogram at least as far from Poisson's. */
static double chance(double mean, int blocks) {
  static double seen[4096];
  dust_poisson *tables;
  double a[BLOCK], n = (double)blocks * BLOCK, chi = 0, have = 0, expected = 0;
  int cells = 0;
  memset(seen, 0, sizeof seen);
  CHECK_OK(dust_poisson_create(&tables, mean, mean));
  for (int b = 0; b < blocks; b++) {
    fill(a, mean);
    dust_poisson_counts(tables, a, BLOCK, 99, (uint64_t)b);
    for (int i = 0; i < BLOCK; i++) seen[(int)a[i]]++;
  }
  dust_poisson_release(tables);
  for (int k = 0; k < 4096; k++) {
    have += seen[k], expected += n * gsl_ran_poisson_pdf((unsigned)k, mean);
    if (expected < 20) continue;
    chi += (have - expected) * (have - expected) / expected;
    cells++, have = expected = 0;
  }
  return gsl_cdf_chisq_Q(chi, cells - 1);
}

static void test_distribution(void) {
  static const double means[] = {0.05, 0.999, 1, 3.7, 17.3, 63.99, 255.2, 1023.5, 1024.5};
  for (size_t m = 0; m < sizeof means / sizeof *means; m++) {
    double p = chance(means[m], means[m] > 1024 ? 100 : 1000);
    CHECK(p > 1e-4);
  }
}

/* A count depends on mean, key and place, not on its neighbours, on the range of the tables or on the instruction set. */
static void test_function(void) {
  dust_poisson *wide, *narrow;
  double mixed[BLOCK], alone[BLOCK], first[BLOCK];
  CHECK_OK(dust_poisson_create(&wide, 0, 3000));
  for (int i = 0; i < BLOCK; i++) mixed[i] = i % 3 ? i * 0.37 : i * 9;
  memcpy(first, mixed, sizeof first);
  dust_poisson_counts(wide, mixed, BLOCK, 5, 7);
  for (int i = 0; i < BLOCK; i += 5) {
    CHECK_OK(dust_poisson_create(&narrow, first[i], first[i]));
    fill(alone, first[i]);
    dust_poisson_counts(narrow, alone, i + 1, 5, 7);
    CHECK(alone[i] == mixed[i]);
    dust_poisson_release(narrow);
  }
  dust_isa best = dust_isa_now();
  for (int isa = 0; isa <= (int)best; isa++) {
    dust_isa_use((dust_isa)isa);
    memcpy(alone, first, sizeof alone);
    dust_poisson_counts(wide, alone, BLOCK, 5, 7);
    CHECK(memcmp(alone, mixed, sizeof alone) == 0);
  }
  dust_isa_use(best);
  dust_poisson_release(wide);
}

static void test_zero(void) {
  dust_poisson *tables;
  double a[BLOCK];
  CHECK_OK(dust_poisson_create(&tables, 0, 0));
  fill(a, 0);
  dust_poisson_counts(tables, a, BLOCK, 1, 2);
  for (int i = 0; i < BLOCK; i++) CHECK(a[i] == 0);
  dust_poisson_release(tables);
}

static dust_status create(void *context) {
  dust_poisson *tables;
  DUST_TRY(dust_poisson_create(&tables, 3, 40));
  dust_poisson_release(tables);
  return DUST_OK;
}

int main(void) {
  test_distribution();
  test_function();
  test_zero();
  check_every_allocation("tables of Poisson's distribution", create, NULL);
  return check_done();
}
