/* Philox in vectors of counters, Box-Muller in plain loops over 64 lanes; logarithm, sine and cosine are short polynomials (Cephes' single precision
 * ones), because libm's can't be vectorised. */
#include "kernel/philox.h"

#include <math.h>
#include <string.h>
#include "base/lanes.h"
#ifdef DUST_HAVE_CLONES
#include <immintrin.h>
#endif

#define LANES 64
#define ROUNDS 10

static const uint32_t multiply0 = 0xD2511F53u, multiply1 = 0xCD9E8D57u, bump0 = 0x9E3779B9u, bump1 = 0xBB67AE85u;

void dust_philox(uint32_t counter[4], uint64_t key) {
  uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
  for (int round = 0; round < ROUNDS; round++, k0 += bump0, k1 += bump1) {
    uint64_t a = (uint64_t)multiply0 * counter[0], b = (uint64_t)multiply1 * counter[2];
    uint32_t next[4] = {(uint32_t)(b >> 32) ^ counter[1] ^ k0, (uint32_t)b, (uint32_t)(a >> 32) ^ counter[3] ^ k1, (uint32_t)a};
    memcpy(counter, next, sizeof next);
  }
}

/* The low halves of 64-bit lanes multiplied. */
#ifdef DUST_HAVE_CLONES
#define MULTIPLY_4(a, b) (longs_4) _mm_mul_epu32((__m128i)(a), (__m128i)(b))
#define MULTIPLY_8(a, b) (longs_8) _mm256_mul_epu32((__m256i)(a), (__m256i)(b))
#define MULTIPLY_16(a, b) (longs_16) _mm512_mul_epu32((__m512i)(a), (__m512i)(b))
#else
#define MULTIPLY_4(a, b) (((a)&0xffffffffu) * (b))
#endif
#define LONGS(W) typedef uint64_t longs_##W __attribute__((vector_size(4 * W)))
LONGS(4);
LONGS(8);
LONGS(16);
#define COUNT_4 0, 1
#define COUNT_8 COUNT_4, 2, 3
#define COUNT_16 COUNT_8, 4, 5, 6, 7
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define LOW_4 1, 3, 5, 7
#else
#define LOW_4 0, 2, 4, 6
#endif
#define LOW_8 LOW_4, 8, 10, 12, 14
#define LOW_16 LOW_8, 16, 18, 20, 22, 24, 26, 28, 30

/* A word a 64-bit lane, in its low half: the high half of a product then takes one shift, and what is left above a word is never looked at. SETS vectors of
 * counters go through the rounds side by side, as many as there are registers for. */
#define SETS_4 2
#define SETS_8 2
#define SETS_16 4
#define BODY(W, name, target)                                                                                                             \
  target static void name(uint32_t *restrict out, uint64_t key, uint32_t stream, uint64_t block) {                                        \
    for (int at = 0; at < LANES; at += SETS_##W * W / 2) {                                                                                \
      longs_##W c[4][SETS_##W], first = (longs_##W){COUNT_##W} + (block * LANES + (uint64_t)at);                                          \
      uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);                                                                            \
      for (int s = 0; s < SETS_##W; s++) {                                                                                                \
        c[0][s] = first + (uint64_t)(s * W / 2);                                                                                          \
        c[1][s] = c[0][s] >> 32;                                                                                                          \
        c[2][s] = (longs_##W){0} + stream;                                                                                                \
        c[3][s] = (longs_##W){0};                                                                                                         \
      }                                                                                                                                   \
      for (int round = 0; round < ROUNDS; round++, k0 += bump0, k1 += bump1)                                                              \
        for (int s = 0; s < SETS_##W; s++) {                                                                                              \
          longs_##W a = MULTIPLY_##W(c[0][s], (longs_##W){0} + multiply0), b = MULTIPLY_##W(c[2][s], (longs_##W){0} + multiply1);         \
          c[0][s] = b >> 32 ^ c[1][s] ^ k0;                                                                                               \
          c[1][s] = b;                                                                                                                    \
          c[2][s] = a >> 32 ^ c[3][s] ^ k1;                                                                                               \
          c[3][s] = a;                                                                                                                    \
        }                                                                                                                                 \
      for (int w = 0; w < 4; w++)                                                                                                         \
        for (int s = 0; s < SETS_##W; s += 2)                                                                                             \
          DUST_LANES_AT(ints_##W, out + w * LANES + at + s * W / 2) = DUST_SHUFFLE(W, (ints_##W)c[w][s], (ints_##W)c[w][s + 1], LOW_##W); \
    }                                                                                                                                     \
  }
DUST_EACH_WIDTH(BODY, words_of)

void dust_philox_words(uint32_t out[DUST_PHILOX_BLOCK], uint64_t key, uint32_t stream, uint64_t block) {
  DUST_BY_WIDTH(words_of)(out, key, stream, block);
}

/* Natural logarithm of a normal positive float. */
static inline float logarithm(float x) {
  uint32_t bits;
  float m, power;
  memcpy(&bits, &x, sizeof bits);
  bits += 0x3f800000u - 0x3f3504f3u; /* mantissa from sqrt(1/2) to sqrt(2) */
  power = (float)((int32_t)(bits >> 23) - 127);
  bits = (bits & 0x007fffffu) + 0x3f3504f3u;
  memcpy(&m, &bits, sizeof m);
  float f = m - 1, z = f * f;
  float y = 7.0376836292e-2f;
  y = y * f - 1.1514610310e-1f;
  y = y * f + 1.1676998740e-1f;
  y = y * f - 1.2420140846e-1f;
  y = y * f + 1.4249322787e-1f;
  y = y * f - 1.6668057665e-1f;
  y = y * f + 2.0000714765e-1f;
  y = y * f - 2.4999993993e-1f;
  y = y * f + 3.3333331174e-1f;
  y = y * f * z + power * -2.12194440e-4f - 0.5f * z;
  return f + y + power * 0.693359375f;
}

/* v, its sign changed if bit 31 is set. */
static inline float signed_by(float v, uint32_t bits) {
  uint32_t of_v;
  memcpy(&of_v, &v, sizeof of_v);
  of_v ^= bits & 0x80000000u;
  memcpy(&v, &of_v, sizeof v);
  return v;
}

/* Cosine and sine of angle / 2^32 turns: of what is left beside the nearest quarter turn, which is `nearest`'s first two bits. */
static inline void turn(uint32_t angle, float *cosine, float *sine) {
  uint32_t nearest = angle + 0x20000000u;
  float x = (float)(int32_t)(angle - (nearest & 0xc0000000u)) * (float)(6.283185307179586 / 4294967296.0), z = x * x;
  float s = x + x * z * (-1.6666654611e-1f + z * (8.3321608736e-3f + z * -1.9515295891e-4f));
  float c = 1 - 0.5f * z + z * z * (4.166664568298827e-2f + z * (-1.388731625493765e-3f + z * 2.443315711809948e-5f));
  float even = nearest & 0x40000000u ? s : c, odd = nearest & 0x40000000u ? c : s;
  *cosine = signed_by(even, nearest + 0x40000000u);
  *sine = signed_by(odd, nearest);
}

/* Words 0 and 1 of a counter make elements 0 and 1, words 2 and 3 the other two. */
DUST_CLONED(void, box_muller, (float *restrict out, const uint32_t *restrict word), (out, word)) {
  for (int pair = 0; pair < 4 * LANES; pair += 2 * LANES)
    for (int i = pair; i < pair + LANES; i++) {
      float r = sqrtf(-2 * logarithm(((float)word[i] + 0.5f) * 0x1p-32f)), c, s;
      turn(word[i + LANES], &c, &s);
      out[i] = r * c;
      out[i + LANES] = r * s;
    }
}

void dust_philox_normals(float out[DUST_PHILOX_BLOCK], uint64_t key, uint32_t stream, uint64_t block) {
  uint32_t word[DUST_PHILOX_BLOCK];
  dust_philox_words(word, key, stream, block);
  box_muller(out, word);
}
