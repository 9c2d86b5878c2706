/* A Poisson count of mean 17.3 is the sum of one of mean 17 and one of mean 0.3, each found by inverting its distribution at a word of its own:
 *
 *     17     a table of the distribution, in units of 2^-32, entered through a guide by the word's first eight bits and searched from there
 *     0.3    e^-0.3 and eleven more terms of the series, all of them, so that a block is done without a branch
 *
 * Probabilities are right to 2^-32. Means beyond MOST_LEVEL are left to GSL, whose algorithms take as many uniforms as they happen to need: each element has a
 * generator of its own, whose state is where it is in the element's endless line of Philox words.
 */
#include "kernel/noise_poisson.h"

#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <string.h>
#include "base/clones.h"
#include "base/mem.h"

#define BLOCK DUST_PHILOX_BLOCK
#define STREAM_TABLE 0xfffffffeu /* streams of philox.h that GSL's elements never come to */
#define STREAM_REST 0xffffffffu
enum { MOST_LEVEL = 1024, GUIDE = 256, TERMS = 12, FEW = 5 };

typedef struct level {
  uint32_t first, count; /* of the counts that happen at all: the least, how many */
  uint32_t *below;       /* 2^32 times the probability of first + k or less; the last is more than any word */
  uint16_t guide[GUIDE]; /* the first k that a word beginning with those bits can lead to */
} level;

struct dust_poisson {
  int64_t lowest, highest; /* levels there are */
  uint32_t *pool;
  level levels[];
};

/* ---- tables */

#define RARE 0x1p-40

static void bounds(uint32_t *first, uint32_t *end, int64_t mean, double top) {
  double p = top;
  for (*first = (uint32_t)mean; *first > 0 && p > RARE; --*first) p *= *first / (double)mean;
  p = top;
  for (*end = (uint32_t)mean + 1; p > RARE; ++*end) p *= (double)mean / *end;
}

static void fill_level(level *l, int64_t mean, uint32_t *room) {
  double sum = 0;
  l->below = room;
  for (uint32_t k = 0; k < l->count; k++) {
    sum += mean ? gsl_ran_poisson_pdf(l->first + k, (double)mean) : 1;
    l->below[k] = sum < 1 ? (uint32_t)(sum * 0x1p32 < 0x1p32 - 1 ? sum * 0x1p32 : 0x1p32 - 1) : UINT32_MAX;
  }
  l->below[l->count - 1] = UINT32_MAX;
  for (uint32_t g = 0, k = 0; g < GUIDE; g++) {
    while (l->below[k] <= g << 24 && k + 1 < l->count) k++;
    l->guide[g] = (uint16_t)k;
  }
}

dust_status dust_poisson_create(dust_poisson **out, double lowest, double highest) {
  const int64_t from = lowest < MOST_LEVEL ? (int64_t)lowest : MOST_LEVEL, to = highest < MOST_LEVEL ? (int64_t)highest : MOST_LEVEL;
  void *block = NULL, *pool = NULL;
  size_t many = 0;
  *out = NULL;
  DUST_TRY(dust_alloc(&block, sizeof(dust_poisson) + (size_t)(to - from + 1) * sizeof(level)));
  dust_poisson *t = block;
  t->lowest = from, t->highest = to;
  for (int64_t m = from; m <= to; m++) {
    uint32_t end = 1;
    level *l = &t->levels[m - from];
    l->first = 0;
    if (m > 0) bounds(&l->first, &end, m, gsl_ran_poisson_pdf((unsigned)m, (double)m));
    many += l->count = end - l->first;
  }
  dust_status status = dust_alloc(&pool, many * sizeof(uint32_t));
  if (status != DUST_OK) return dust_free(block), status;
  t->pool = pool;
  uint32_t *room = t->pool;
  for (int64_t m = from; m <= to; room += t->levels[m++ - from].count) fill_level(&t->levels[m - from], m, room);
  *out = t;
  return DUST_OK;
}

void dust_poisson_release(dust_poisson *tables) {
  if (tables) dust_free(tables->pool);
  dust_free(tables);
}

/* ---- large means */

typedef struct element_stream {
  uint64_t key, index;
  uint32_t drawn; /* words so far */
  uint32_t word[4];
} element_stream;

static unsigned long next_word(void *state) {
  element_stream *s = state;
  if (s->drawn % 4 == 0) {
    uint32_t counter[4] = {(uint32_t)s->index, (uint32_t)(s->index >> 32), s->drawn / 4 + 1, 0};
    dust_philox(counter, s->key);
    for (int i = 0; i < 4; i++) s->word[i] = counter[i];
  }
  return s->word[s->drawn++ % 4];
}

/* [0, 1), 53 bits. */
static double next_double(void *state) {
  uint64_t high = next_word(state) >> 5, low = next_word(state) >> 6;
  return (double)(high << 26 | low) * 0x1p-53;
}

static void seed(void *state, unsigned long value) { *(element_stream *)state = (element_stream){.key = value}; }

static const gsl_rng_type element_type = {"moondust element", 0xffffffffUL, 0, sizeof(element_stream), seed, next_word, next_double};

static double count_by_gsl(double mean, uint64_t key, uint64_t index) {
  element_stream stream = {.key = key, .index = index};
  gsl_rng rng = {&element_type, &stream};
  return gsl_ran_poisson(&rng, mean);
}

/* ---- a block */

/* Counts of means below 1, if none is above `most`; returns whether one is. The exponential is its Taylor series, right to 2e-10. */
static inline __attribute__((always_inline)) int64_t count_terms(double *restrict count, const double *restrict mean,
                                                                 const uint32_t *restrict word, int most) {
  static const double inverse[TERMS + 1] = {0,       1.0,     1.0 / 2, 1.0 / 3,  1.0 / 4,  1.0 / 5, 1.0 / 6,
                                            1.0 / 7, 1.0 / 8, 1.0 / 9, 1.0 / 10, 1.0 / 11, 1.0 / 12};
  int64_t beyond = 0;
  for (int i = 0; i < BLOCK; i++) {
    double m = mean[i], u = ((double)word[i] + 0.5) * 0x1p-32, none = 1, found = 0;
    for (int k = TERMS; k > 0; k--) none = 1 - none * (m * inverse[k]);
    double term = none, below = none;
    for (int k = 1; k <= most; k++) {
      found += u >= below ? 1 : 0;
      term *= m * inverse[k];
      below += term;
    }
    count[i] = found;
    beyond |= u >= below ? 1 : 0;
  }
  return beyond;
}

DUST_CLONED(int64_t, count_few, (double *restrict count, const double *restrict mean, const uint32_t *restrict word), (count, mean, word)) {
  return count_terms(count, mean, word, FEW);
}

DUST_CLONED(int64_t, count_all, (double *restrict count, const double *restrict mean, const uint32_t *restrict word), (count, mean, word)) {
  return count_terms(count, mean, word, TERMS);
}

/* Of forty blocks one has a count above FEW. */
static void count_small(double *restrict count, const double *restrict mean, const uint32_t *restrict word) {
  if (count_few(count, mean, word)) count_all(count, mean, word);
}

/* Means into levels and rests; returns the largest level. Large means have level MOST_LEVEL and no rest. */
DUST_CLONED(int, split, (int *restrict whole, double *restrict rest, const double *restrict mean), (whole, rest, mean)) {
  int most = 0;
  for (int i = 0; i < BLOCK; i++) {
    double held = mean[i] < MOST_LEVEL ? mean[i] : MOST_LEVEL;
    whole[i] = (int)held;
    rest[i] = held - whole[i];
    most = whole[i] > most ? whole[i] : most;
  }
  return most;
}

/* Mostly none or one more is below the word, and which can't be foretold: so two are asked without a branch. */
static inline uint32_t count_level(const level *l, uint32_t word) {
  const uint32_t *below = l->below + l->guide[word >> 24];
  word -= word == UINT32_MAX;
  below += *below <= word;
  below += *below <= word;
  while (*below <= word) below++;
  return l->first + (uint32_t)(below - l->below);
}

void dust_poisson_counts(const dust_poisson *tables, double *mean_to_count, int n, uint64_t key, uint64_t block) {
  uint32_t word[BLOCK];
  double rest[BLOCK], count[BLOCK];
  int at[BLOCK];
  for (int i = n; i < BLOCK; i++) mean_to_count[i] = 0;
  int most = split(at, rest, mean_to_count);
  dust_philox_words(word, key, STREAM_REST, block);
  count_small(count, rest, word);
  dust_philox_words(word, key, STREAM_TABLE, block);
  for (int i = 0; i < n; i++)
    if (at[i] < MOST_LEVEL) count[i] += count_level(&tables->levels[at[i] - tables->lowest], word[i]);
  for (int i = 0; i < n && most == MOST_LEVEL; i++)
    if (at[i] == MOST_LEVEL) count[i] = count_by_gsl(mean_to_count[i], key, block * BLOCK + (uint64_t)i);
  memcpy(mean_to_count, count, (size_t)n * sizeof *count);
}
