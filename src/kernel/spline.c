/* Cubic B-splines: the recursive filter from samples to coefficients and the four weights that take them back.
 *
 * The filter has one pole z = sqrt(3) - 2. A causal and an anticausal pass of first order run over each line; their starting
 * values are the sums of the mirrored, endless line in closed form, so that the result is exact for any length >= 2. The gain (1
 * - z)(1 - 1/z) is 6.
 */
#include "kernel/spline.h"

#include <math.h>

static const double pole = -0.267949192431122706472553658494127633;

int64_t dust_spline_mirror(int64_t index, int64_t n) {
  if (n <= 1) return 0;
  int64_t period = 2 * n - 2;
  index %= period;
  if (index < 0) index += period;
  return index < n ? index : period - index;
}

/* The sum of z^k c[k] over the endless mirrored line. */
static double causal_start(const double *line, int64_t n, ptrdiff_t stride) {
  double last = pow(pole, (double)(n - 1)), power = pole;
  double sum = line[0] + last * line[(n - 1) * stride];
  for (int64_t i = 1; i < n - 1; i++) {
    sum += power * (line[i * stride] + last * line[(n - 1 - i) * stride]);
    power *= pole;
  }
  return sum / (1 - last * last);
}

static void filter_line(double *line, int64_t n, ptrdiff_t stride) {
  for (int64_t i = 0; i < n; i++) line[i * stride] *= (1 - pole) * (1 - 1 / pole);
  line[0] = causal_start(line, n, stride);
  for (int64_t i = 1; i < n; i++) line[i * stride] += pole * line[(i - 1) * stride];
  line[(n - 1) * stride] = (pole * line[(n - 2) * stride] + line[(n - 1) * stride]) * pole / (pole * pole - 1);
  for (int64_t i = n - 2; i >= 0; i--) line[i * stride] = pole * (line[(i + 1) * stride] - line[i * stride]);
}

void dust_spline_filter(double *grid, int ndim, const int64_t *shape) {
  int64_t outer = 1;
  for (int d = 0; d < ndim; d++) {
    int64_t inner = 1;
    for (int e = d + 1; e < ndim; e++) inner *= shape[e];
    if (shape[d] > 1)
      for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < inner; i++) filter_line(grid + o * shape[d] * inner + i, shape[d], (ptrdiff_t)inner);
    outer *= shape[d];
  }
}

void dust_spline_weights(double fraction, double weight[4]) {
  double t = fraction, s = 1 - fraction;
  weight[0] = s * s * s / 6;
  weight[1] = (3 * t * t * (t - 2) + 4) / 6;
  weight[2] = (3 * s * s * (s - 2) + 4) / 6;
  weight[3] = 1 - weight[0] - weight[1] - weight[2];
}

void dust_spline_slopes(double fraction, double slope[4]) {
  double t = fraction, s = 1 - fraction;
  slope[0] = -s * s / 2;
  slope[1] = t * (3 * t - 4) / 2;
  slope[2] = -s * (3 * s - 4) / 2;
  slope[3] = t * t / 2;
}
