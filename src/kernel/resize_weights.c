/* Smoothing and interpolating are both weighted sums of neighbours along the axis, so each axis has one table of the two together:
 *
 *     output o at x = o * scale + shift       neighbours  floor(x), floor(x) + 1     weights  1 - t, t
 *     each neighbour                          -r … r around it                       Gaussian, sums to 1
 */
#include "kernel/resize_weights.h"

#include <inttypes.h>
#include <math.h>
#include "base/mem.h"

#define LARGEST_SCALE 4096.

static int64_t mirrored(int64_t index, int64_t length) {
  if (length == 1) return 0;
  int64_t period = 2 * (length - 1), at = index % period;
  if (at < 0) at += period;
  return at < length ? at : period - at;
}

static int64_t nearest(double x, int64_t length) {
  int64_t i = (int64_t)floor(x + .5 + 1e-9);
  return i < 0 ? 0 : i < length ? i : length - 1;
}

static void gaussian(double *weight, int64_t radius, double sigma) {
  double sum = 0;
  for (int64_t k = -radius; k <= radius; k++) sum += weight[k + radius] = radius ? exp(-.5 * (double)(k * k) / (sigma * sigma)) : 1;
  for (int64_t k = 0; k <= 2 * radius; k++) weight[k] /= sum;
}

static dust_status fill_linear(dust_axis_weights *w, int64_t inputs, double scale, double shift, int64_t radius, double sigma) {
  int64_t width = 2 * radius + 1;
  double *smooth;
  DUST_TRY(dust_calloc((void **)&smooth, (size_t)width, sizeof *smooth));
  gaussian(smooth, radius, sigma);
  for (int64_t o = 0; o < w->outputs; o++) {
    double x = (double)o * scale + shift, below = floor(x), part = x - below;
    for (int64_t side = 0; side < 2; side++)
      for (int64_t k = 0; k < width; k++) {
        int64_t at = o * w->taps + side * width + k;
        w->from[at] = mirrored(mirrored((int64_t)below + side, inputs) + k - radius, inputs);
        w->weight[at] = (side ? part : 1 - part) * smooth[k];
      }
  }
  dust_free(smooth);
  return DUST_OK;
}

static void fill_mean(dust_axis_weights *w, int64_t inputs, double scale, double shift) {
  for (int64_t o = 0; o < w->outputs; o++) {
    int64_t first = (int64_t)nearbyint((double)o * scale + shift - (scale - 1) / 2);
    for (int64_t k = 0; k < w->taps; k++) {
      int64_t from = first + k;
      w->from[o * w->taps + k] = from < 0 ? 0 : from < inputs ? from : inputs - 1;
      w->weight[o * w->taps + k] = 1 / scale;
    }
  }
}

static void fill_nearest(dust_axis_weights *w, int64_t inputs, double scale, double shift) {
  for (int64_t o = 0; o < w->outputs; o++) {
    w->from[o] = nearest((double)o * scale + shift, inputs);
    w->weight[o] = 1;
  }
}

static dust_status check(int64_t inputs, int64_t outputs, double scale, double shift, dust_resize_mode mode) {
  double last = (double)(outputs - 1) * scale + shift, edge = mode == DUST_RESIZE_MEAN ? scale / 2 : .5;
  if (!(scale > 0 && scale <= LARGEST_SCALE))
    return dust_fail(DUST_ERROR_ARGUMENT, "a scale of %g: it must be positive and not larger than %g", scale, LARGEST_SCALE);
  if (mode == DUST_RESIZE_MEAN && scale != floor(scale))
    return dust_fail(DUST_ERROR_ARGUMENT, "a mean of %g voxels: it must be a whole number", scale);
  if (outputs > 0 && !(shift >= -.5 - 1e-6 && last <= (double)inputs - 1 + edge + 1e-6))
    return dust_fail(DUST_ERROR_RANGE, "%" PRId64 " voxels from %g in steps of %g lie outside of the %" PRId64 " voxels there are", outputs,
                     shift, scale, inputs);
  return DUST_OK;
}

dust_status dust_axis_weights_make(dust_axis_weights *out, int64_t inputs, int64_t outputs, double scale, double shift,
                                   dust_resize_mode mode) {
  *out = (dust_axis_weights){.outputs = outputs, .taps = 1};
  DUST_TRY(check(inputs, outputs, scale, shift, mode));
  double sigma = scale > 1 ? (scale - 1) / 2 : 0;
  int64_t radius = (int64_t)(4 * sigma + .5);
  if (mode == DUST_RESIZE_LINEAR) out->taps = 2 * (2 * radius + 1);
  if (mode == DUST_RESIZE_MEAN) out->taps = (int64_t)scale;
  int64_t count;
  if (__builtin_mul_overflow(outputs, out->taps, &count))
    return dust_fail(DUST_ERROR_MEMORY, "a table of %" PRId64 " times %" PRId64 " weights is too large", outputs, out->taps);
  DUST_TRY(dust_calloc((void **)&out->from, (size_t)count, sizeof *out->from));
  DUST_TRY(dust_calloc((void **)&out->weight, (size_t)count, sizeof *out->weight));
  if (mode == DUST_RESIZE_LINEAR) return fill_linear(out, inputs, scale, shift, radius, sigma);
  if (mode == DUST_RESIZE_MEAN)
    fill_mean(out, inputs, scale, shift);
  else
    fill_nearest(out, inputs, scale, shift);
  return DUST_OK;
}

void dust_axis_weights_release(dust_axis_weights *weights) {
  dust_free(weights->from);
  dust_free(weights->weight);
  *weights = (dust_axis_weights){0};
}
