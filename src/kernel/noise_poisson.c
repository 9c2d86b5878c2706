/* A Poisson count of mean 17.3 is the sum of one of mean 17 and one of mean 0.3, each drawn by a word of its own:
 *
 *     17     an alias table (Walker; Vose 1991): the word's first bits choose a column, the others which of the column's two counts it is.
 *            Probabilities are whole multiples of 2^-32, so an entry takes one word and the table holds exactly them.
 *     0.3    e^-0.3 by a polynomial and terms of the series, as many for all elements of a block, so that it is done without a branch
 *
 * Probabilities are right to 2^-32. Means beyond MOST_LEVEL are left to GSL, whose algorithms take as many uniforms as they happen to need: each element has a
 * generator of its own, whose state is where it is in the element's endless line of Philox words.
 *
 *     entry    [ what the other bits of the word must be below: 32 - c bits ][ the other count's column: c bits ]       2^c columns
 *     level    [ place of its entries / 16: 16 bits ][ its first count: 12 bits ][ c: 4 bits ]
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
enum { MOST_LEVEL = 1024, LEAST_BITS = 4, MOST_COLUMNS = 1024, TERMS = 12, FEW = 5 };

struct dust_poisson {
  int lowest, highest; /* levels there are */
  uint32_t *entries;
  uint32_t levels[];
};

/* ---- tables */

#define RARE 0x1p-40

/* Probabilities of first, first + 1 … until they are RARE; returns how many there are. They are walked down and up to from the likeliest. */
static int probabilities(double *p, uint32_t *first, int mean) {
  uint32_t from = (uint32_t)mean;
  double top = mean ? gsl_ran_poisson_pdf(from, mean) : 1, at = top;
  int n = 0;
  for (; from > 0 && at > RARE; from--) at *= from / (double)mean;
  *first = from;
  for (uint32_t k = (uint32_t)mean; k > from; k--) p[k - from] = top, top *= k / (double)mean;
  p[0] = top;
  for (n = mean - (int)from + 1; p[n - 1] > RARE && n < MOST_COLUMNS; n++) p[n] = p[n - 1] * mean / (from + n);
  return n;
}

/* To shares of 2^32 whose sums are right: they come to 2^32. */
static void shares(uint64_t *share, const double *p, int n) {
  uint64_t before = 0;
  double sum = 0;
  for (int k = 0; k < n; k++) {
    sum += p[k];
    uint64_t below = k == n - 1 || sum >= 1 ? UINT64_C(1) << 32 : (uint64_t)(sum * 0x1p32);
    share[k] = below - before;
    before = below;
  }
}

static int next_of(const uint64_t *share, int k, int columns, uint64_t size, bool larger) {
  while (k < columns && (share[k] > size) != larger) k++;
  return k;
}

static uint32_t entry_of(uint64_t kept, int bits, int own, int other) {
  return kept >> (32 - bits) ? (uint32_t)own : (uint32_t)kept << bits | (uint32_t)other;
}

/* Each column holds `size`: a share that is no larger and what it lacks, from a larger one, which is used up in turn (Hübschle-Schneider and Sanders 2022). */
static void make_aliases(uint32_t *entry, const uint64_t *share, int bits) {
  const int columns = 1 << bits;
  const uint64_t size = UINT64_C(1) << (32 - bits);
  int small = next_of(share, 0, columns, size, false), large = next_of(share, 0, columns, size, true);
  uint64_t left = large < columns ? share[large] : 0;
  while (large < columns) {
    if (left > size) {
      entry[small] = entry_of(share[small], bits, small, large);
      left -= size - share[small];
      small = next_of(share, small + 1, columns, size, false);
    } else {
      int next = next_of(share, large + 1, columns, size, true);
      entry[large] = entry_of(left, bits, large, next);
      left = next < columns ? share[next] - (size - left) : 0;
      large = next;
    }
  }
  for (; small < columns; small = next_of(share, small + 1, columns, size, false)) entry[small] = (uint32_t)small;
}

static void fill_level(uint32_t level, int mean, uint32_t *entries) {
  double p[MOST_COLUMNS];
  uint64_t share[MOST_COLUMNS] = {0};
  uint32_t first;
  shares(share, p, probabilities(p, &first, mean));
  make_aliases(entries + (level >> 16 << LEAST_BITS), share, (int)(level & 15));
}

/* Returns how many entries all levels have. */
static size_t place_levels(dust_poisson *t) {
  double p[MOST_COLUMNS];
  uint32_t many = 0, first;
  for (int m = t->lowest; m <= t->highest; m++) {
    uint32_t bits = LEAST_BITS;
    for (int n = probabilities(p, &first, m); n > 1 << bits;) bits++;
    t->levels[m - t->lowest] = many >> LEAST_BITS << 16 | first << 4 | bits;
    many += 1u << bits;
  }
  return many;
}

dust_status dust_poisson_create(dust_poisson **out, double lowest, double highest) {
  const int from = lowest < MOST_LEVEL ? (int)lowest : MOST_LEVEL, to = highest < MOST_LEVEL ? (int)highest : MOST_LEVEL;
  void *block = NULL, *entries = NULL;
  *out = NULL;
  DUST_TRY(dust_alloc(&block, sizeof(dust_poisson) + (size_t)(to - from + 1) * sizeof(uint32_t)));
  dust_poisson *t = block;
  t->lowest = from, t->highest = to;
  dust_status status = dust_alloc(&entries, place_levels(t) * sizeof(uint32_t));
  if (status != DUST_OK) return dust_free(block), status;
  t->entries = entries;
  for (int m = from; m <= to; m++) fill_level(t->levels[m - from], m, t->entries);
  *out = t;
  return DUST_OK;
}

void dust_poisson_release(dust_poisson *tables) {
  if (tables) dust_free(tables->entries);
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

/* e^-m for 0 <= m < 1, right to 6e-11. */
static inline __attribute__((always_inline)) double chance_of_none(double m) {
  double y = -1.6010170397212536e-05 * m + 0.00018522240097419877;
  y = y * m - 0.0013781560732323756;
  y = y * m + 0.008328412855388375;
  y = y * m - 0.041665430869444901;
  y = y * m + 0.16666651342332703;
  y = y * m - 0.49999999273268447;
  y = y * m + 0.99999999994327005;
  return 1 - y * m;
}

/* Counts of means below 1, if none is above `most`; returns whether one is. */
static inline __attribute__((always_inline)) int64_t count_terms(double *restrict count, const double *restrict mean,
                                                                 const uint32_t *restrict word, int most) {
  static const double inverse[TERMS + 1] = {0,       1.0,     1.0 / 2, 1.0 / 3,  1.0 / 4,  1.0 / 5, 1.0 / 6,
                                            1.0 / 7, 1.0 / 8, 1.0 / 9, 1.0 / 10, 1.0 / 11, 1.0 / 12};
  int64_t beyond = 0;
  for (int i = 0; i < BLOCK; i++) {
    double m = mean[i], u = (int32_t)(word[i] ^ 0x80000000u) * 0x1p-32 + (0.5 + 0x1p-33), found = 0;
    double term = chance_of_none(m), below = term;
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

/* Means into levels from `lowest` to `highest` and rests. Large means have level MOST_LEVEL and no rest. */
DUST_CLONED(void, split, (int *restrict level, double *restrict rest, const double *restrict mean, int lowest, int highest),
            (level, rest, mean, lowest, highest)) {
  const double most = highest < MOST_LEVEL ? nextafter(highest + 1.0, 0) : MOST_LEVEL;
  for (int i = 0; i < BLOCK; i++) {
    double held = mean[i] < most ? mean[i] : most;
    rest[i] = held > lowest ? held : lowest;
  }
  for (int i = 0; i < BLOCK; i++) {
    int whole = (int)rest[i];
    rest[i] -= whole;
    level[i] = whole - lowest;
  }
}

DUST_CLONED(void, add_levels, (double *restrict count, const int *restrict at, const uint32_t *restrict word, const dust_poisson *tables),
            (count, at, word, tables)) {
  const uint32_t *levels = tables->levels, *entries = tables->entries;
  for (int i = 0; i < BLOCK; i++) {
    uint32_t level = levels[at[i]], bits = level & 15, low = (1u << bits) - 1, column = word[i] >> (32 - bits);
    uint32_t entry = entries[(level >> 16 << LEAST_BITS) + column];
    uint32_t chosen = (word[i] << bits | low) < entry ? column : entry & low;
    count[i] += (int)((level >> 4 & 0xfff) + chosen);
  }
}

void dust_poisson_counts(const dust_poisson *tables, double *mean_to_count, int n, uint64_t key, uint64_t block) {
  uint32_t word[BLOCK];
  double rest[BLOCK], count[BLOCK];
  int at[BLOCK];
  for (int i = n; i < BLOCK; i++) mean_to_count[i] = 0;
  split(at, rest, mean_to_count, tables->lowest, tables->highest);
  dust_philox_words(word, key, STREAM_REST, block);
  count_small(count, rest, word);
  dust_philox_words(word, key, STREAM_TABLE, block);
  add_levels(count, at, word, tables);
  for (int i = 0; i < n && tables->highest == MOST_LEVEL; i++)
    if (!(mean_to_count[i] < MOST_LEVEL)) count[i] = count_by_gsl(mean_to_count[i], key, block * BLOCK + (uint64_t)i);
  memcpy(mean_to_count, count, (size_t)n * sizeof *count);
}
