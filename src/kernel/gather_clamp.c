/* Places of a row that may leave its array: an axis at a time, clamped only along those axes where something leaves.
 *
 * Offsets are 32 bits wide while they fit: half the traffic, and a multiplication that every machine has for vectors.
 */
#include <string.h>
#include "base/clones.h"
#include "kernel/gather_internal.h"

/* ---- places. The first pass takes every place as it comes; whether one needs clamping is seen by one unsigned comparison. */

DUST_CLONED(bool, locate_linear,
            (int32_t *restrict place, float *restrict fraction, const float *restrict at, int32_t length, int32_t first, int32_t step,
             int32_t n),
            (place, fraction, at, length, first, step, n)) {
  uint32_t last = (uint32_t)n - 1, any = 0;
  for (int32_t i = 0; i < length; i++) {
    int32_t below = dust_floor(at[i]), low = first + i * step + below;
    place[i] = low;
    fraction[i] = at[i] - (float)below;
    any |= (uint32_t)low >= last;
  }
  return any;
}

DUST_CLONED(bool, locate_nearest,
            (int32_t *restrict place, const float *restrict at, int32_t length, int32_t first, int32_t step, int32_t n),
            (place, at, length, first, step, n)) {
  uint32_t count = (uint32_t)n, any = 0;
  for (int32_t i = 0; i < length; i++) {
    int32_t below = dust_floor(at[i]), near = first + i * step + below + (at[i] - (float)below >= 0.5f);
    place[i] = near;
    any |= (uint32_t)near >= count;
  }
  return any;
}

/* Towards the array; where there is nothing of the next sample in the value, its fraction is 0. Places are already those of the
 * sample below. */
DUST_CLONED(bool, clamp_linear, (int32_t *restrict place, float *restrict fraction, int32_t *restrict outside, int32_t length, int32_t n),
            (place, fraction, outside, length, n)) {
  int32_t any = 0;
  for (int32_t i = 0; i < length; i++) {
    int32_t low = place[i], near = low + (fraction[i] >= 0.5f), out = (near < 0) | (near >= n);
    fraction[i] = ((low < 0) | (low >= n - 1)) ? 0 : fraction[i];
    low = low < 0 ? 0 : low;
    place[i] = low > n - 1 ? n - 1 : low;
    outside[i] |= out;
    any |= out;
  }
  return any;
}

DUST_CLONED(bool, clamp_nearest, (int32_t *restrict place, int32_t *restrict outside, int32_t length, int32_t n),
            (place, outside, length, n)) {
  int32_t any = 0;
  for (int32_t i = 0; i < length; i++) {
    int32_t near = place[i], out = (near < 0) | (near >= n);
    near = near < 0 ? 0 : near;
    place[i] = near > n - 1 ? n - 1 : near;
    outside[i] |= out;
    any |= out;
  }
  return any;
}

/* A pair never begins at the last sample: it begins one before, all of the way; fetch_pairs() then takes the last one for both.
 * */
static void keep_pairs(int32_t *restrict place, float *restrict fraction, int32_t length, int32_t n) {
  for (int32_t i = 0; i < length; i++) {
    bool last = place[i] == n - 1;
    fraction[i] = last ? 1 : fraction[i];
    place[i] -= last;
  }
}

/* scipy: nothing beyond the outer centres. */
static bool beyond_centres(dust_gather *g, const float *at, int64_t first, int64_t step, int64_t n) {
  unsigned any = 0;
  for (size_t i = 0; i < g->length; i++) {
    double position = (double)(first + (int64_t)i * step) + at[i];
    unsigned out = !(position >= 0 && position <= (double)(n - 1));
    g->outside[i] |= (int32_t)out;
    any |= out;
  }
  return any;
}

/* ---- offsets */

#define OFFSETS(index)                                                                                                     \
  DUST_CLONED(void, add_places_##index, (index *restrict offset, const int32_t *restrict place, index stride, size_t n),   \
              (offset, place, stride, n)) {                                                                                \
    for (size_t i = 0; i < n; i++) offset[i] += place[i] * stride;                                                         \
  }                                                                                                                        \
  DUST_CLONED(void, add_step_##index,                                                                                      \
              (index *restrict out, const index *restrict offset, const float *restrict fraction, index stride, size_t n), \
              (out, offset, fraction, stride, n)) {                                                                        \
    for (size_t i = 0; i < n; i++) out[i] = offset[i] + (fraction[i] > 0 ? stride : 0);                                    \
  }
OFFSETS(int32_t)
OFFSETS(int64_t)

/* From the end, as 64 bits take the place of 32. */
static void widen_offsets(dust_gather *g) {
  int64_t *to = g->offset[0];
  for (size_t i = g->length; i-- > 0;) {
    int32_t from;
    memcpy(&from, (char *)g->offset[0] + i * sizeof from, sizeof from);
    to[i] = from;
  }
  g->far = true;
}

static void add_places(dust_gather *g, int64_t stride) {
  if (g->far)
    add_places_int64_t(g->offset[0], g->place, stride, g->length);
  else
    add_places_int32_t(g->offset[0], g->place, (int32_t)stride, g->length);
}

void dust_gather_step(dust_gather *g, int to, int from, int axis) {
  if (g->far)
    add_step_int64_t(g->offset[to], g->offset[from], g->fraction[axis], g->stride[axis], g->length);
  else
    add_step_int32_t(g->offset[to], g->offset[from], g->fraction[axis], (int32_t)g->stride[axis], g->length);
}

static void locate(dust_gather *g, int a, const dust_gather_axis *axis, dust_gather_border border) {
  static const float still[DUST_GATHER_ROW];
  const float *at = axis->at ? axis->at : still;
  int32_t length = (int32_t)g->length, n = (int32_t)axis->n, first = (int32_t)axis->first;
  bool out = false, linear = g->linear;
  if (linear ? locate_linear(g->place, g->fraction[a], at, length, first, axis->step, n)
             : locate_nearest(g->place, at, length, first, axis->step, n)) {
    out = linear ? clamp_linear(g->place, g->fraction[a], g->outside, length, n) : clamp_nearest(g->place, g->outside, length, n);
    g->at_end |= linear && a == 0 && n > 1;
    if (g->at_end && a == 0) keep_pairs(g->place, g->fraction[0], length, n);
  }
  if (a == 0) g->lone = n == 1;
  g->stride[a] = axis->stride;
  if (!g->far && axis->n > INT32_MAX / axis->stride) widen_offsets(g);
  add_places(g, axis->stride);
  if (border == DUST_GATHER_CENTRES) out |= beyond_centres(g, at, axis->first, axis->step, axis->n);
  g->any_outside |= out;
}

void dust_gather_locate_clamped(dust_gather *g, const dust_gather_axis *axis, dust_gather_border border) {
  g->start = 0, g->far = g->lone = g->at_end = g->any_outside = false;
  memset(g->offset[0], 0, g->length * sizeof(int32_t));
  memset(g->outside, 0, g->length * sizeof(int32_t));
  for (int a = 0; a < g->axes; a++) locate(g, a, &axis[a], border);
}
