#include "base/mt19937.h"

enum { N = DUST_MT19937_WORDS, M = 397, PIECE = 48 /* divides N */ };

/* ---- seeds */

enum { NOTED_WORD = N + 1, NOTED_WORDS }; /* positions of a generator that has still to be seeded by what is in state[0], state[1] */

static void note_seed(dust_mt19937 *mt, int position, uint64_t seed) {
  mt->state[0] = (uint32_t)seed;
  mt->state[1] = (uint32_t)(seed >> 32);
  mt->position = position;
  mt->made = 0;
  mt->passed = 0;
  mt->has_gauss = 0;
  mt->gauss = 0;
}

void dust_mt19937_seed(dust_mt19937 *mt, uint32_t seed) { note_seed(mt, NOTED_WORD, seed); }
void dust_mt19937_seed_by_words(dust_mt19937 *mt, uint64_t seed) { note_seed(mt, NOTED_WORDS, seed); }

static uint32_t mixed(uint32_t word) { return word ^ (word >> 30); }
static uint32_t next_plain(uint32_t word, uint32_t i) { return 1812433253u * mixed(word) + i; }

static void seed_word(uint32_t *s, uint32_t seed) {
  s[0] = seed;
  for (uint32_t i = 1; i < N; i++) s[i] = next_plain(s[i - 1], i);
}

/* Keys are one or two words here. The first pass is one loop with the plain seeding that it begins from: two chains side by side take no longer than one. */
static void seed_words(uint32_t *s, const uint32_t *key, uint32_t length) {
  uint32_t plain = 19650218u, last = plain, i = 1;
  for (; i < N; i++) {
    const uint32_t j = (i - 1) & (length - 1);
    plain = next_plain(plain, i);
    s[i] = last = (plain ^ (mixed(last) * 1664525u)) + key[j] + j;
  }
  s[1] = (s[1] ^ (mixed(last) * 1664525u)) + key[(N - 1) & (length - 1)] + ((N - 1) & (length - 1));
  for (last = s[1], i = 2; i < N; i++) s[i] = last = (s[i] ^ (mixed(last) * 1566083941u)) - i;
  s[1] = (s[1] ^ (mixed(last) * 1566083941u)) - 1;
  s[0] = 0x80000000u;
}

static void use_noted_seed(dust_mt19937 *mt) {
  const uint32_t key[2] = {mt->state[0], mt->state[1]};
  if (mt->position == NOTED_WORD)
    seed_word(mt->state, key[0]);
  else
    seed_words(mt->state, key, key[1] ? 2 : 1);
}

/* ---- words */

static inline uint32_t twist(uint32_t upper, uint32_t lower) {
  uint32_t y = (upper & 0x80000000u) | (lower & 0x7fffffffu);
  return (y >> 1) ^ ((lower & 1u) ? 0x9908b0dfu : 0u);
}

static int least(int a, int b) { return a < b ? a : b; }

static void make_piece(uint32_t *s, int begin, int end) {
  int i = begin;
  for (const int stop = least(end, N - M); i < stop; i++) s[i] = s[i + M] ^ twist(s[i], s[i + 1]);
  for (const int stop = least(end, N - 1); i < stop; i++) s[i] = s[i + M - N] ^ twist(s[i], s[i + 1]);
  if (end == N) s[N - 1] = s[M - 1] ^ twist(s[N - 1], s[0]);
}

void dust_mt19937_make(dust_mt19937 *mt) {
  if (mt->position > N) use_noted_seed(mt), mt->position = N;
  for (int words = mt->passed;;) {
    if (mt->position == N) mt->position = mt->made = 0;
    if (mt->position == mt->made) make_piece(mt->state, mt->made, mt->made + PIECE), mt->made += PIECE;
    if (words == 0) break;
    const int step = least(words, mt->made - mt->position);
    mt->position += step, words -= step;
  }
  mt->passed = 0;
}

/* Of a generator that isn't seeded yet the words are only counted. */
void dust_mt19937_pass(dust_mt19937 *mt, int words) {
  if (mt->position > N && mt->passed <= INT32_MAX - words) {
    mt->passed += words;
    return;
  }
  for (; words > 0; words--) dust_mt19937_word(mt);
}
