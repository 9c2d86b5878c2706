/* Places of a row that lies inside of its array: all axes in one pass, nothing stored but offsets and fractions.
 *
 * Whether all of it lies inside is known afterwards: where a place is below 0 or above its axis's last one, it or its distance from
 * there has a sign bit, and these are collected on the way.
 */
#include "base/lanes.h"
#include "kernel/gather_internal.h"
#ifdef DUST_HAVE_CLONES
#include <immintrin.h>
#endif

typedef struct line {
  const float *at;
  float *fraction;
  int32_t first, step, stride;
  int32_t last; /* place that needs no clamping */
} line;

/* `down` is the whole number below `at`, `below` the same as an integer. */
#define FLOOR_4(at)                                                        \
  ints_4 below = __builtin_convertvector(at, ints_4);                      \
  below += __builtin_convertvector(below, floats_4) > at; /* true is -1 */ \
  floats_4 down = __builtin_convertvector(below, floats_4)
#define FLOOR_8(at)                                      \
  floats_8 down = (floats_8)_mm256_floor_ps((__m256)at); \
  ints_8 below = __builtin_convertvector(down, ints_8)
#define FLOOR_16(at)                                                                                        \
  ints_16 below = (ints_16)_mm512_cvt_roundps_epi32((__m512)at, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC); \
  floats_16 down = __builtin_convertvector(below, floats_16)

/* offset and what the lines point to have room for as many samples as there are lanes. With `axes` and `linear` known all but the samples stays in
 * registers. Only the last axis moves along with i, and its elements lie side by side. */
#define ALWAYS static inline __attribute__((always_inline))
#define BODY(W, name, target)                                                                                         \
  ALWAYS target bool name##_of(int32_t *restrict offset, const line *restrict l, int axes, int32_t n, bool linear) {  \
    const ints_##W iota = {DUST_IOTA_##W};                                                                            \
    const line l0 = l[0], l1 = l[1], l2 = l[2];                                                                       \
    const float *const at[3] = {l0.at, l1.at, l2.at};                                                                 \
    float *const fraction[3] = {l0.fraction, l1.fraction, l2.fraction};                                               \
    const int32_t step[3] = {l0.step, l1.step, l2.step}, stride[3] = {l0.stride, l1.stride, l2.stride};               \
    const ints_##W last[3] = {l0.last - (ints_##W){0}, l1.last - (ints_##W){0}, l2.last - (ints_##W){0}};             \
    ints_##W first[3] = {l0.first + iota * l0.step, l1.first + iota * l1.step, l2.first + iota * l2.step}, all = {0}; \
    for (int32_t i = 0; i < n; i += W) {                                                                              \
      ints_##W sum = {0}, signs = {0};                                                                                \
      for (int k = 0; k < axes; k++) {                                                                                \
        floats_##W along = DUST_LANES_AT(const floats_##W, at[k] + i);                                                \
        FLOOR_##W(along);                                                                                             \
        floats_##W part = along - down;                                                                               \
        ints_##W place = below + first[k];                                                                            \
        if (linear)                                                                                                   \
          DUST_LANES_AT(floats_##W, fraction[k] + i) = part;                                                          \
        else                                                                                                          \
          place -= part >= 0.5f;                                                                                      \
        signs |= place | (last[k] - place);                                                                           \
        if (k > 0) place *= stride[k];                                                                                \
        sum += place;                                                                                                 \
        if (k == 0) first[k] += step[k] * W;                                                                          \
      }                                                                                                               \
      DUST_LANES_AT(ints_##W, offset + i) = sum;                                                                      \
      if (n - i < W) signs &= iota < n - i;                                                                           \
      all |= signs;                                                                                                   \
    }                                                                                                                 \
    int32_t any = 0;                                                                                                  \
    for (int k = 0; k < W; k++) any |= all[k];                                                                        \
    return any >= 0;                                                                                                  \
  }                                                                                                                   \
  target static bool name(int32_t *offset, const line *l, int axes, int32_t n, bool linear) {                         \
    switch (2 * axes + linear) {                                                                                      \
      case 2: return name##_of(offset, l, 1, n, false);                                                               \
      case 3: return name##_of(offset, l, 1, n, true);                                                                \
      case 4: return name##_of(offset, l, 2, n, false);                                                               \
      case 5: return name##_of(offset, l, 2, n, true);                                                                \
      case 6: return name##_of(offset, l, 3, n, false);                                                               \
      default: return name##_of(offset, l, 3, n, true);                                                               \
    }                                                                                                                 \
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
    if (k ? x->step != 0 : x->stride != 1) return false;
    l[k] = (line){x->at, g->fraction[k], (int32_t)x->first, x->step, (int32_t)x->stride, (int32_t)x->n - 1 - g->linear};
    g->stride[k] = x->stride;
  }
  int32_t *offset = g->offset[0], n = (int32_t)g->length;
  if (!DUST_BY_WIDTH(locate)(offset, l, g->moving, n, g->linear)) return false;
  for (int i = 0; i < DUST_MOST_LANES; i++) offset[n + i] = offset[n - 1];
  return true;
}
