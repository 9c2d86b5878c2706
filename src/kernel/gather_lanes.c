/* Linear float32 values of rows inside, many samples at a time: a pair of neighbours is one 64-bit load, straight into the vector
 * that it is blended in.
 *
 *     pairs as loaded    x0 x0' x1 x1' | x4 x4' x5 x5' | …     x2 x2' x3 x3' | x6 x6' x7 x7' | …
 *     taken apart        x0 x1 x2 x3 | x4 x5 x6 x7 | …         x0' x1' x2' x3' | x4' …
 *
 * One body for each width of vectors. Gather instructions do the same and take longer. What has no weight is masked out, as
 * everywhere.
 */
#include <string.h>
#include "base/lanes.h"
#include "kernel/gather_internal.h"
#ifdef DUST_HAVE_CLONES
#include <immintrin.h>
#endif

typedef struct job {
  const char *corner[4];
  const uint32_t *offset;
  const float *fraction[3];
} job;

typedef int64_t pairs __attribute__((vector_size(16)));

static inline __attribute__((always_inline)) int64_t pair(const char *corner, size_t offset) {
  int64_t both;
  memcpy(&both, corner + 4 * offset, sizeof both);
  return both;
}

/* W/4 vectors of two pairs as one. */
#define JOIN_4(p) (p)[0]
#define JOIN_8(p) _mm256_inserti128_si256(_mm256_castsi128_si256((__m128i)(p)[0]), (__m128i)(p)[1], 1)
#define JOIN_16(p) _mm512_inserti64x4(_mm512_castsi256_si512(JOIN_8(p)), JOIN_8((p) + 2), 1)
#define FIRST_4 0, 2, 4, 6
#define FIRST_8 0, 2, 8, 10, 4, 6, 12, 14
#define FIRST_16 0, 2, 16, 18, 4, 6, 20, 22, 8, 10, 24, 26, 12, 14, 28, 30
#define SECOND_4 1, 3, 5, 7
#define SECOND_8 1, 3, 9, 11, 5, 7, 13, 15
#define SECOND_16 1, 3, 17, 19, 5, 7, 21, 23, 9, 11, 25, 27, 13, 15, 29, 31

/* What is loaded up to here is loaded before what comes: gcc would otherwise gather all offsets first, and has no registers for
 * them. */
#ifdef DUST_HAVE_CLONES
#define HOLD(v) __asm__ volatile("" : "+v"(v))
#else
#define HOLD(v) (void)0
#endif
#define ALWAYS static inline __attribute__((always_inline))
#define BLEND(W, a, b, t) ((a) + (t) * (floats_##W)((ints_##W)((b) - (a)) & ((t) > 0)))
/* Offsets are loaded once, four at a time, and used for all corners. */
#define BODY(W, name, target)                                                                                          \
  ALWAYS target void name##_of(float *restrict out, const job *j, size_t n, int corners) {                             \
    for (size_t i = 0; i < n; i += W) {                                                                                \
      pairs even[4][W / 4], odd[4][W / 4];                                                                             \
      floats_##W value[4], x = DUST_LANES_AT(const floats_##W, j->fraction[0] + i);                                    \
      floats_##W y = DUST_LANES_AT(const floats_##W, j->fraction[1] + i);                                              \
      for (int q = 0; q < W / 4; q++) {                                                                                \
        const uint32_t *o = j->offset + i + 4 * q;                                                                     \
        size_t o0 = o[0], o1 = o[1], o2 = o[2], o3 = o[3];                                                             \
        for (int k = 0; k < corners; k++) {                                                                            \
          even[k][q] = (pairs){pair(j->corner[k], o0), pair(j->corner[k], o1)};                                        \
          odd[k][q] = (pairs){pair(j->corner[k], o2), pair(j->corner[k], o3)};                                         \
          HOLD(even[k][q]);                                                                                            \
          HOLD(odd[k][q]);                                                                                             \
        }                                                                                                              \
      }                                                                                                                \
      for (int k = 0; k < corners; k++) {                                                                              \
        floats_##W one = (floats_##W)JOIN_##W(even[k]), two = (floats_##W)JOIN_##W(odd[k]);                            \
        floats_##W low = DUST_SHUFFLE(W, one, two, FIRST_##W);                                                         \
        floats_##W high = DUST_SHUFFLE(W, one, two, SECOND_##W);                                                       \
        value[k] = BLEND(W, low, high, x);                                                                             \
      }                                                                                                                \
      floats_##W all = BLEND(W, value[0], value[1], y);                                                                \
      if (corners == 4) {                                                                                              \
        floats_##W further = BLEND(W, value[2], value[3], y), z = DUST_LANES_AT(const floats_##W, j->fraction[2] + i); \
        all = BLEND(W, all, further, z);                                                                               \
      }                                                                                                                \
      all += 0; /* -0 becomes 0, as it would from a further axis */                                                    \
      if (n - i >= W)                                                                                                  \
        DUST_LANES_AT(floats_##W, out + i) = all;                                                                      \
      else                                                                                                             \
        memcpy(out + i, &all, (n - i) * sizeof *out);                                                                  \
    }                                                                                                                  \
  }                                                                                                                    \
  target static void name(float *restrict out, const job *j, size_t n, bool flat) {                                    \
    if (flat)                                                                                                          \
      name##_of(out, j, n, 2);                                                                                         \
    else                                                                                                               \
      name##_of(out, j, n, 4);                                                                                         \
  }
DUST_EACH_WIDTH(BODY, blend)

void dust_gather_lanes(dust_gather *g, float *out, const float *in) {
  job j = {.offset = g->offset[0], .fraction = {g->fraction[0], g->fraction[1], g->fraction[2]}};
  dust_gather_corners(g, in, j.corner);
  DUST_BY_WIDTH(blend)(out, &j, g->length, g->moving < 3);
}
