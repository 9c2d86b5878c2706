/* Places of a row that lies inside of its array: all axes in one pass, nothing stored but offsets and fractions.
 *
 * Whether all of it lies inside is known afterwards: where a place is below 0 or above its axis's last one, it or its distance from
 * there has a sign bit, and these are collected on the way.
 */
#include "base/lanes.h"
#include "kernel/gather_internal.h"

typedef struct line {
  const float *at;
  float *fraction;
  int32_t first, step, stride;
  int32_t last; /* place that needs no clamping */
} line;

/* One axis of W samples from i on; their places are added to `sum`. */
#define ALONG(W, k)                                                            \
  do {                                                                         \
    floats_##W at = DUST_LANES_AT(const floats_##W, l[k].at + i);              \
    ints_##W below = __builtin_convertvector(at, ints_##W);                    \
    below += __builtin_convertvector(below, floats_##W) > at; /* true is -1 */ \
    floats_##W part = at - __builtin_convertvector(below, floats_##W);         \
    ints_##W place = below + (l[k].first + i * l[k].step) + iota * l[k].step;  \
    if (linear)                                                                \
      DUST_LANES_AT(floats_##W, l[k].fraction + i) = part;                     \
    else                                                                       \
      place -= part >= 0.5f;                                                   \
    signs |= place | (l[k].last - place);                                      \
    sum += place * l[k].stride;                                                \
  } while (0)

/* offset and what the lines point to have room for as many samples as there are lanes. */
#define BODY(W, name, target)                                                                                   \
  target static bool name(int32_t *restrict offset, const line *restrict l, int axes, int32_t n, bool linear) { \
    const ints_##W iota = {DUST_IOTA_##W};                                                                      \
    ints_##W all = {0};                                                                                         \
    for (int32_t i = 0; i < n; i += W) {                                                                        \
      ints_##W sum = {0}, signs = {0};                                                                          \
      ALONG(W, 0);                                                                                              \
      if (axes > 1) ALONG(W, 1);                                                                                \
      if (axes > 2) ALONG(W, 2);                                                                                \
      DUST_LANES_AT(ints_##W, offset + i) = sum;                                                                \
      all |= signs & (iota < n - i);                                                                            \
    }                                                                                                           \
    int32_t any = 0;                                                                                            \
    for (int k = 0; k < W; k++) any |= all[k];                                                                  \
    return any >= 0;                                                                                            \
  }
DUST_EACH_WIDTH(BODY, locate)

bool dust_gather_locate_inside(dust_gather *g, const dust_gather_axis *axis) {
  line l[3] = {{0}};
  g->moving = 0, g->start = 0, g->far = g->lone = g->at_end = g->any_outside = false;
  for (int a = 0; a < g->axes; a++) {
    const dust_gather_axis *x = &axis[a];
    if (x->n > INT32_MAX / x->stride || (!x->at && (x->first < 0 || x->first >= x->n)) || (x->at && g->moving == 3)) return false;
    if (!x->at) {
      g->start += x->first * x->stride;
      continue;
    }
    int k = g->moving++;
    l[k] = (line){x->at, g->fraction[k], (int32_t)x->first, x->step, (int32_t)x->stride, (int32_t)x->n - 1 - g->linear};
    g->stride[k] = x->stride;
  }
  int32_t *offset = g->offset[0], n = (int32_t)g->length;
  if (!DUST_BY_WIDTH(locate)(offset, l, g->moving, n, g->linear)) return false;
  for (int i = 0; i < DUST_MOST_LANES; i++) offset[n + i] = offset[n - 1];
  return true;
}
