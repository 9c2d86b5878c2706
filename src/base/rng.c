/* The draws of CPython 3.11's random and of NumPy's legacy RandomState, made from the words of MT19937 (base/mt19937.h). Normals: Marsaglia's polar method. Which
 * word goes where is the whole point: each function draws exactly the words that its original draws, in the same order.
 */
#include "base/rng.h"
#include <errno.h>
#include <math.h>
#include <sys/random.h>
#include <time.h>
#include "base/mem.h"

/* [0, 1) with 53 bits from two words; both originals do the same. */
static double next_double(dust_mt19937 *mt) {
  uint32_t high = dust_mt19937_word(mt) >> 5, low = dust_mt19937_word(mt) >> 6;
  return (high * 67108864.0 + low) * (1.0 / 9007199254740992.0);
}

void dust_rng_seed(dust_rng *rng, uint64_t seed) {
  dust_mt19937_seed_by_words(&rng->python, seed);
  dust_mt19937_seed(&rng->numpy, (uint32_t)seed);
}

/* ---- CPython */

double dust_py_random(dust_rng *rng) { return next_double(&rng->python); }

bool dust_py_exceeds(dust_rng *rng, double p) {
  if (!(p >= 1)) return dust_py_random(rng) > p;
  dust_mt19937_pass(&rng->python, 2);
  return false;
}

/* A whole number of `bits` bits, 1 to 64: words from the lowest up, the last one shifted down to what is left. */
static uint64_t python_bits(dust_mt19937 *mt, int bits) {
  if (bits <= 32) return dust_mt19937_word(mt) >> (32 - bits);
  uint64_t low = dust_mt19937_word(mt);
  return low | ((uint64_t)(dust_mt19937_word(mt) >> (64 - bits)) << 32);
}

/* [0, n); n = 0 stands for 2^64, whose bit length is 65. */
static uint64_t python_below(dust_mt19937 *mt, uint64_t n) {
  uint64_t drawn;
  if (n == 0) {
    do drawn = python_bits(mt, 64);
    while (dust_mt19937_word(mt) >> 31);
    return drawn;
  }
  int bits = 64 - __builtin_clzll(n);
  do drawn = python_bits(mt, bits);
  while (drawn >= n);
  return drawn;
}

int64_t dust_py_randint(dust_rng *rng, int64_t low, int64_t high) {
  uint64_t range = (uint64_t)high - (uint64_t)low + 1;
  return (int64_t)((uint64_t)low + python_below(&rng->python, range));
}

size_t dust_py_choice_cumulative(dust_rng *rng, const double *cumulative, size_t n) {
  double drawn = next_double(&rng->python) * cumulative[n - 1];
  size_t low = 0, high = n - 1;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (drawn < cumulative[middle])
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

/* random.sample keeps a list of what is left when n is at most this. */
static size_t pool_limit(size_t k) {
  size_t limit = 21, power = 1;
  if (k <= 5) return limit;
  while (power < 3 * k) power *= 4;
  return limit + power;
}

static dust_status sample_from_pool(dust_mt19937 *mt, size_t n, size_t k, size_t *out) {
  void *block;
  DUST_TRY(dust_alloc(&block, n * sizeof(size_t)));
  size_t *left = block;
  for (size_t i = 0; i < n; i++) left[i] = i;
  for (size_t i = 0; i < k; i++) {
    size_t j = python_below(mt, n - i);
    out[i] = left[j];
    left[j] = left[n - i - 1];
  }
  dust_free(block);
  return DUST_OK;
}

/* Puts `value` into a table of mask + 1 places (0 = free, else value + 1); false when it is there already. */
static int insert_new(uint64_t *table, size_t mask, size_t value) {
  size_t at = (size_t)(((uint64_t)value * 0x9e3779b97f4a7c15u) >> 32) & mask;
  while (table[at] && table[at] != value + 1) at = (at + 1) & mask;
  if (table[at]) return 0;
  table[at] = value + 1;
  return 1;
}

static dust_status sample_with_set(dust_mt19937 *mt, size_t n, size_t k, size_t *out) {
  size_t places = 16;
  while (places < 2 * k) places *= 2;
  void *table;
  DUST_TRY(dust_calloc(&table, places, sizeof(uint64_t)));
  for (size_t i = 0; i < k; i++) {
    do out[i] = python_below(mt, n);
    while (!insert_new(table, places - 1, out[i]));
  }
  dust_free(table);
  return DUST_OK;
}

dust_status dust_py_sample(dust_rng *rng, size_t n, size_t k, size_t *out) {
  if (k > n) return dust_fail(DUST_ERROR_ARGUMENT, "a sample of %zu from %zu: it can't be larger than what it is taken from", k, n);
  if (k == 0) return DUST_OK;
  return n <= pool_limit(k) ? sample_from_pool(&rng->python, n, k, out) : sample_with_set(&rng->python, n, k, out);
}

/* ---- NumPy */

double dust_np_random(dust_rng *rng) { return next_double(&rng->numpy); }
double dust_np_uniform(dust_rng *rng, double low, double high) { return low + (high - low) * next_double(&rng->numpy); }

double dust_np_gauss(dust_rng *rng) {
  dust_mt19937 *mt = &rng->numpy;
  if (mt->has_gauss) {
    mt->has_gauss = 0;
    return mt->gauss;
  }
  double x, y, square;
  do {
    x = 2.0 * next_double(mt) - 1.0;
    y = 2.0 * next_double(mt) - 1.0;
    square = x * x + y * y;
  } while (square >= 1.0 || square == 0.0);
  double factor = sqrt(-2.0 * log(square) / square);
  mt->gauss = factor * x;
  mt->has_gauss = 1;
  return factor * y;
}

/* [0, last] by drawing as many bits as `last` has until the number fits; one word when it is of 32 bits, else two, the high one first. */
static uint64_t numpy_up_to(dust_mt19937 *mt, uint64_t last) {
  if (last == 0) return 0;
  uint64_t mask = ~(uint64_t)0 >> __builtin_clzll(last), drawn;
  do {
    drawn = dust_mt19937_word(mt);
    if (last > UINT32_MAX) drawn = drawn << 32 | dust_mt19937_word(mt);
    drawn &= mask;
  } while (drawn > last);
  return drawn;
}

int64_t dust_np_randint(dust_rng *rng, int64_t low, int64_t high_exclusive) {
  uint64_t last = (uint64_t)high_exclusive - (uint64_t)low - 1;
  return (int64_t)((uint64_t)low + numpy_up_to(&rng->numpy, last));
}

size_t dust_np_choice(dust_rng *rng, const double *probability, size_t n) {
  if (!probability) return (size_t)numpy_up_to(&rng->numpy, n - 1);
  double total = 0, sum = 0, drawn = next_double(&rng->numpy);
  for (size_t i = 0; i < n; i++) total += probability[i];
  for (size_t i = 0; i + 1 < n; i++) {
    sum += probability[i];
    if (drawn < sum / total) return i;
  }
  return n - 1;
}

void dust_np_rotation(dust_rng *rng, double matrix[9]) {
  double q[4], norm = 0;
  for (int i = 0; i < 4; i++) q[i] = dust_np_gauss(rng);
  for (int i = 0; i < 4; i++) norm += q[i] * q[i];
  for (int i = 0; i < 4; i++) q[i] /= sqrt(norm);
  double x = q[0], y = q[1], z = q[2], w = q[3];
  matrix[0] = x * x - y * y - z * z + w * w, matrix[1] = 2 * (x * y - z * w), matrix[2] = 2 * (x * z + y * w);
  matrix[3] = 2 * (x * y + z * w), matrix[4] = -x * x + y * y - z * z + w * w, matrix[5] = 2 * (y * z - x * w);
  matrix[6] = 2 * (x * z - y * w), matrix[7] = 2 * (y * z + x * w), matrix[8] = -x * x - y * y + z * z + w * w;
}

/* ---- GSL */

static void gsl_seed_python(void *state, unsigned long seed) { dust_mt19937_seed_by_words(state, seed); }
static void gsl_seed_numpy(void *state, unsigned long seed) { dust_mt19937_seed(state, (uint32_t)seed); }
static unsigned long gsl_word(void *state) { return dust_mt19937_word(state); }
static double gsl_double(void *state) { return next_double(state); }

static const gsl_rng_type python_type = {"moondust-python", UINT32_MAX, 0, sizeof(dust_mt19937), gsl_seed_python, gsl_word, gsl_double};
static const gsl_rng_type numpy_type = {"moondust-numpy", UINT32_MAX, 0, sizeof(dust_mt19937), gsl_seed_numpy, gsl_word, gsl_double};
const gsl_rng_type *const dust_rng_type_python = &python_type, *const dust_rng_type_numpy = &numpy_type;

gsl_rng dust_rng_gsl_python(dust_rng *rng) { return (gsl_rng){&python_type, &rng->python}; }
gsl_rng dust_rng_gsl_numpy(dust_rng *rng) { return (gsl_rng){&numpy_type, &rng->numpy}; }

/* ---- seeds of requests */

uint32_t dust_seed_copy(uint32_t seed) {
  unsigned __int128 square = (unsigned __int128)((uint64_t)seed + 1) * ((uint64_t)seed + 1);
  return (uint32_t)(uint64_t)(square % (((uint64_t)1 << 61) - 1));
}

#define GOLDEN 0x9e3779b97f4a7c15u

/* The finaliser of splitmix64 (Steele, Lea and Flood 2014), one-to-one. */
static uint64_t mix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

/* splitmix64 at the place (seed, attempt). For one seed it is one-to-one in `attempt`; 32 bits of it are kept. */
uint32_t dust_seed_attempt(uint32_t seed, uint64_t attempt) {
  if (attempt == 0) return seed;
  return (uint32_t)(mix(((uint64_t)seed << 32 | seed) + attempt * GOLDEN) >> 32);
}

/* The length goes first, so that {7}, batch 3, and the beginning of {7, 3} have nothing in common. */
uint32_t dust_seed_stream(const int64_t *list, size_t n, uint64_t batch) {
  uint64_t h = mix((uint64_t)n + GOLDEN);
  for (size_t i = 0; i < n; i++) h = mix((h ^ (uint64_t)list[i]) + GOLDEN);
  return (uint32_t)(mix((h ^ batch) + GOLDEN) >> 32);
}

/* A Feistel network of four rounds on the smallest even number of bits that holds count - 1; what comes out beyond it goes through again. */
uint64_t dust_permute(uint32_t key, uint64_t count, uint64_t index) {
  unsigned half = 1;
  while (2 * half < 64 && (count - 1) >> (2 * half)) half++;
  uint64_t mask = ((uint64_t)1 << half) - 1;
  do {
    uint64_t left = index >> half, right = index & mask;
    for (uint64_t round = 0; round < 4; round++) {
      uint64_t next = left ^ (mix(((uint64_t)key << 32 | round) ^ mix(right + GOLDEN)) & mask);
      left = right, right = next;
    }
    index = left << half | right;
  } while (index >= count);
  return index;
}

uint32_t dust_seed_from_system(void) {
  uint32_t seed;
  for (;;) {
    ssize_t got = getrandom(&seed, sizeof seed, 0);
    if (got == (ssize_t)sizeof seed) return seed;
    if (got < 0 && errno != EINTR) break;
  }
  struct timespec now; /* a kernel without getrandom */
  clock_gettime(CLOCK_REALTIME, &now);
  return dust_seed_attempt((uint32_t)now.tv_sec, (uint64_t)now.tv_nsec + 1);
}
