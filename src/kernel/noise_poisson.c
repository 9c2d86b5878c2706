/* Poisson counts by GSL, whose algorithms take as many uniforms as they happen to need: each element has a generator of its own,
 * whose state is where it is in the element's endless line of Philox words (streams 1, 2, … of philox.h's counters, the element's
 * number in front). */
#include "kernel/noise.h"

#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include "kernel/philox.h"

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

double dust_noise_poisson(double mean, uint64_t key, uint64_t index) {
  element_stream stream = {.key = key, .index = index};
  gsl_rng rng = {&element_type, &stream};
  return mean > 0 ? gsl_ran_poisson(&rng, mean) : 0;
}
