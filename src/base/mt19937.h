/* MT19937, the Mersenne Twister: M. Matsumoto and T. Nishimura, ACM TOMACS 8 (1998); seeding as in their mt19937ar of 2002.
 *
 * Each node of a pipeline seeds two of them and most draw from neither, or a word or two. So seeding only notes the seed, and words are made a piece at a time:
 *
 *     state   [ this round's words, made | last round's, to be made anew ]
 *                      ^ position        ^ made
 */
#ifndef DUST_BASE_MT19937_H
#define DUST_BASE_MT19937_H

#include <stdint.h>

enum { DUST_MT19937_WORDS = 624 };

typedef struct dust_mt19937 {
  uint32_t state[DUST_MT19937_WORDS];
  int position;   /* of the next word; beyond 624: seeded with what is in the first two words once somebody draws */
  int made;       /* words of this round */
  int32_t passed; /* words to be left out once somebody draws */
  int has_gauss;  /* numpy's polar method makes two at a time and keeps one */
  double gauss;
} dust_mt19937;

/* init_genrand, as NumPy's legacy RandomState seeds. */
void dust_mt19937_seed(dust_mt19937 *mt, uint32_t seed);
/* init_by_array over the seed's 32-bit words, as CPython seeds. */
void dust_mt19937_seed_by_words(dust_mt19937 *mt, uint64_t seed);
/* Leaves `words` words out, as if they had been drawn. */
void dust_mt19937_pass(dust_mt19937 *mt, int words);
/* Makes at least the word at `position`. */
void dust_mt19937_make(dust_mt19937 *mt);

static inline uint32_t dust_mt19937_word(dust_mt19937 *mt) {
  if (mt->position >= mt->made) dust_mt19937_make(mt);
  uint32_t y = mt->state[mt->position++];
  y ^= y >> 11;
  y ^= (y << 7) & 0x9d2c5680u;
  y ^= (y << 15) & 0xefc60000u;
  return y ^ (y >> 18);
}

#endif
