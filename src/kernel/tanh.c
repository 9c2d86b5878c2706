/* tanh |x| = (1 - e) / (1 + e), e = exp(-2 |x|): the exponent is split off by adding a large number, what is left (at most ln 2 / 2) goes through a Taylor polynomial. */
#include "kernel/tanh.h"

#include <math.h>
#include <stdint.h>
#include <string.h>
#include "base/clones.h"

#define FARTHEST 20.0 /* tanh is 1 in float64 beyond 19.1 */

/* exp(y), -40 <= y <= 0. */
static inline double exp_small(double y) {
  const double shifter = 0x1.8p52, ln2_high = 0x1.62e42fefa0000p-1, ln2_low = 0x1.cf79abc9e3b3ap-40;
  double shifted = y * 0x1.71547652b82fep0 + shifter, k = shifted - shifter;
  double r = (y - k * ln2_high) - k * ln2_low, p = 1.0 / 479001600;
  p = p * r + 1.0 / 39916800;
  p = p * r + 1.0 / 3628800;
  p = p * r + 1.0 / 362880;
  p = p * r + 1.0 / 40320;
  p = p * r + 1.0 / 5040;
  p = p * r + 1.0 / 720;
  p = p * r + 1.0 / 120;
  p = p * r + 1.0 / 24;
  p = p * r + 1.0 / 6;
  p = p * r + 0.5;
  p = p * r + 1.0;
  p = p * r + 1.0;
  uint64_t bits;
  memcpy(&bits, &shifted, sizeof bits);
  bits = (bits + 1023) << 52; /* the low bits of shifted are k */
  double scale;
  memcpy(&scale, &bits, sizeof scale);
  return p * scale;
}

DUST_CLONED_EXTERN(void, dust_tanh_row, (double *row, size_t n), (row, n)) {
  for (size_t i = 0; i < n; i++) {
    double x = row[i], away = fabs(x);
    double e = exp_small(-2 * (away < FARTHEST ? away : FARTHEST)), value = copysign((1 - e) / (1 + e), x);
    row[i] = x == x ? value : x;
  }
}
