/* The streams against CPython 3.11 and NumPy 1.24: seeds 42, 2^32 - 1 and one above 32 bits. Figures printed by the originals. */
#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdlib.h>
#include "base/rng.h"
#include "check.h"

static const double py_random_42[] = {0.6394267984578837, 0.025010755222666936, 0.27502931836911926, 0.22321073814882275,
                                      0.7364712141640124, 0.6766994874229113,   0.8921795677048454,  0.08693883262941615};
static const double np_random_42[] = {0.3745401188473625,  0.9507143064099162,  0.7319939418114051,  0.5986584841970366,
                                      0.15601864044243652, 0.15599452033620265, 0.05808361216819946, 0.8661761457749352};
static const double py_random_max[] = {0.6353574441341173, 0.20319993954407756, 0.6073666030347188, 0.29133552762158776,
                                       0.3400278163075766, 0.3811162164237829,  0.6885722791691622, 0.8779348201241423};
static const double np_random_max[] = {0.0976320289940138,  0.9123828453026218, 0.78903530185164,   0.7800035981134678,
                                       0.01793967398674523, 0.9695059322147525, 0.5931753493510109, 0.14611715599393837};

/* The golden group seed_<seed>, draws in its order. */
typedef struct golden {
  uint64_t seed;
  const double *py_random, *np_random;
  int64_t py_randint_0_9[8], py_randint_big[4];
  size_t py_choices[8], py_sample[3];
  double np_normal[7], np_uniform[5];
  size_t np_choice_p[8], np_choice[8];
  double rotation[9];
  uint32_t copies[6];
} golden;

static const golden cases[] = {
    {42,
     py_random_42,
     np_random_42,
     {6, 0, 0, 1, 3, 3, 8, 9},
     {2340505846, 946785248, 2530876844, 3460967357},
     {3, 1, 1, 4, 1, 0, 0, 3},
     {2, 1, 0},
     {3.158425631014783, 1.5348694583058176, -0.9389487718699042, 1.0851200871719293, -0.9268353856249245, -0.9314595071405137,
      0.48392454313206823},
     {0.727780074568463, 0.16491656079216765, 1.4474115788895179, -0.44202455739183266, 0.16857859414087262},
     {1, 1, 2, 0, 2, 2, 0, 2},
     {4, 0, 1, 3, 0, 3, 1, 1},
     {0.7080712449028987, -0.702256263203089, 0.07396791827335006, 0.6108370343575148, 0.556583202052364, -0.5631103414522359,
      0.354278463357534, 0.4439045843254733, 0.8230646939432242},
     {1849, 3422500, 1137278809, 1454271396, 1569675353, 923402149}},
    {4294967295,
     py_random_max,
     np_random_max,
     {4, 5, 7, 6, 1, 3, 9, 2},
     {2167886738, 268178443, 160615420, 3088170532},
     {3, 1, 3, 0, 0, 3, 3, 0},
     {2, 1, 0},
     {0.22777547304334209, 1.7352437875858764, -0.08805203089608657, 0.49754323481815826, -1.9764603017279687, -1.0918454281031247,
      -0.052316272252720175},
     {-0.1750509554017401, 2.948831968999849, -0.011667828318153717, 1.470552187366604, 2.0989121495212095},
     {2, 0, 2, 2, 2, 0, 1, 2},
     {1, 2, 1, 0, 0, 3, 4, 0},
     {-0.5263220940675958, 0.7004542574434426, -0.4820258152066711, 0.11958691604954907, -0.5002843831685989, -0.85756312039836,
      -0.8418337263415255, -0.5089983980200423, 0.17954555969717428},
     {8, 81, 6724, 45225625, 3626423460, 1100853854}},
};

static void check_python(const golden *g) {
  dust_rng rng;
  dust_rng_seed(&rng, g->seed);
  for (int i = 0; i < 8; i++) CHECK(dust_py_random(&rng) == g->py_random[i]);
  for (int i = 0; i < 8; i++) CHECK(dust_py_randint(&rng, 0, 9) == g->py_randint_0_9[i]);
  for (int i = 0; i < 4; i++) CHECK(dust_py_randint(&rng, 0, INT64_C(1) << 32) == g->py_randint_big[i]);
  for (int i = 0; i < 8; i++) CHECK(dust_py_choice_cumulative(&rng, (double[]){1, 3, 3.5, 7, 8}, 5) == g->py_choices[i]);
  size_t sample[3];
  CHECK_OK(dust_py_sample(&rng, 3, 3, sample));
  CHECK(memcmp(sample, g->py_sample, sizeof sample) == 0);
}

static void check_numpy(const golden *g) {
  dust_rng rng;
  dust_rng_seed(&rng, g->seed);
  for (int i = 0; i < 8; i++) CHECK(dust_np_random(&rng) == g->np_random[i]);
  for (int i = 0; i < 7; i++) CHECK(2.0 * dust_np_gauss(&rng) == g->np_normal[i]);
  for (int i = 0; i < 5; i++) CHECK(dust_np_uniform(&rng, -1, 3) == g->np_uniform[i]);
  for (int i = 0; i < 8; i++) CHECK(dust_np_choice(&rng, (double[]){.2, .3, .5}, 3) == g->np_choice_p[i]);
  for (int i = 0; i < 8; i++) CHECK(dust_np_choice(&rng, NULL, 5) == g->np_choice[i]);
  dust_rng_seed(&rng, g->seed);
  double rotation[9];
  dust_np_rotation(&rng, rotation);
  for (int i = 0; i < 9; i++) CHECK(rotation[i] == g->rotation[i]);
}

static void check_copies(const golden *g) {
  uint32_t seed = (uint32_t)g->seed;
  for (int i = 0; i < 6; i++) {
    seed = dust_seed_copy(seed);
    CHECK(seed == g->copies[i]);
  }
}

/* After random.seed(seed): wide ranges, then samples by either method. */
typedef struct wide {
  uint64_t seed;
  int64_t randint_41_bits[3], randint_64_bits[3];
  size_t from_30[6], from_1000[8], from_100[10], from_2_31[5], from_85[6], from_86[6];
  int64_t np_32_bits[3], np_41_bits[3], np_64_bits[3];
  size_t np_choice[5];
  double normal, uniform, cached;
} wide;

static const wide wides[] = {
    {42,
     {247559453080, 538052153938, 305901360857},
     {1669292198774022018, -8673710308383856397, 829024030824204428},
     {7, 14, 18, 8, 25, 0},
     {777, 825, 163, 714, 432, 348, 284, 159},
     {27, 97, 43, 13, 11, 48, 12, 45, 44, 77},
     {1079815404, 49310608, 491995979, 1146005448, 1461042543},
     {14, 37, 55, 20, 58, 0},
     {33, 64, 22, 13, 80, 38},
     {1608637542, 3421126067, 4083286876},
     {307513896629, 86569440863, 520361034187},
     {-7379160264213622454, -751725333002209193, -3067534686115681181},
     {2, 5, 4, 1, 3},
     1.4623781203460173,
     2.021198915659152,
     1.538714967614598},
    {1099511627793,
     {1006059660993, 975435674632, 909753501383},
     {-6659703397158221864, 7681698918486318430, 3879695234318844232},
     {17, 14, 19, 0, 26, 11},
     {652, 735, 897, 921, 748, 395, 608, 289},
     {70, 3, 69, 28, 90, 12, 82, 33, 13, 18},
     {141640113, 1049606434, 1779953861, 1939463316, 1480942324},
     {60, 43, 18, 54, 70, 64},
     {80, 6, 14, 50, 51, 35},
     {1265576559, 780729585, 2278852751},
     {135962917181, 170241855949, 74551241762},
     {-8462027610005157110, 4474556998643291779, 1298971007929933062},
     {3, 6, 3, 1, 1},
     2.1712569975066427,
     3.4505858729300063,
     1.1523102506236542},
};

static void check_sample(dust_rng *rng, size_t n, size_t k, const size_t *expected, size_t shown) {
  size_t drawn[128];
  CHECK_OK(dust_py_sample(rng, n, k, drawn));
  CHECK(memcmp(drawn, expected, shown * sizeof *drawn) == 0);
}

static void check_wide(const wide *w) {
  dust_rng rng;
  dust_rng_seed(&rng, w->seed);
  for (int i = 0; i < 3; i++) CHECK(dust_py_randint(&rng, -5, INT64_C(1) << 40) == w->randint_41_bits[i]);
  for (int i = 0; i < 3; i++) CHECK(dust_py_randint(&rng, INT64_MIN, INT64_MAX) == w->randint_64_bits[i]);
  check_sample(&rng, 30, 6, w->from_30, 6);
  check_sample(&rng, 1000, 8, w->from_1000, 8);
  check_sample(&rng, 100, 100, w->from_100, 10);
  check_sample(&rng, (size_t)1 << 31, 5, w->from_2_31, 5);
  check_sample(&rng, 85, 6, w->from_85, 6);
  check_sample(&rng, 86, 6, w->from_86, 6);
  for (int i = 0; i < 3; i++) CHECK(dust_np_randint(&rng, 0, INT64_C(1) << 32) == w->np_32_bits[i]);
  for (int i = 0; i < 3; i++) CHECK(dust_np_randint(&rng, -7, INT64_C(1) << 40) == w->np_41_bits[i]);
  for (int i = 0; i < 3; i++) CHECK(dust_np_randint(&rng, INT64_MIN, INT64_MAX) == w->np_64_bits[i]);
  CHECK(dust_np_randint(&rng, 3, 4) == 3); /* draws nothing */
  for (int i = 0; i < 5; i++) CHECK(dust_np_choice(&rng, NULL, 7) == w->np_choice[i]);
  CHECK(dust_np_choice(&rng, (double[]){0.1, 0.2, 0.3, 0.4}, 4) == 3);
  CHECK(dust_np_gauss(&rng) == w->normal);
  CHECK(dust_np_uniform(&rng, 2, 5) == w->uniform);
  CHECK(dust_np_gauss(&rng) == w->cached);
}

static void check_gsl(void) {
  dust_rng rng, same;
  dust_rng_seed(&rng, 5);
  same = rng;
  gsl_rng python = dust_rng_gsl_python(&rng), numpy = dust_rng_gsl_numpy(&rng);
  CHECK(gsl_rng_get(&python) == 2675342405u); /* random.getrandbits(32) */
  CHECK(gsl_rng_get(&python) == 1097127993u);
  CHECK(gsl_rng_get(&numpy) == 953453411u);
  CHECK(gsl_rng_min(&python) == 0 && gsl_rng_max(&numpy) == 4294967295u);
  CHECK(gsl_rng_size(&python) == sizeof(dust_mt19937));
  gsl_rng_set(&python, 5), gsl_rng_set(&numpy, 5);
  CHECK(gsl_rng_uniform(&python) == dust_py_random(&same));
  CHECK(gsl_rng_uniform(&numpy) == dust_np_random(&same));
  unsigned drawn = gsl_ran_poisson(&numpy, 4.0); /* draws from the pair itself, not from a copy of it */
  CHECK(drawn < 100 && dust_np_random(&rng) != dust_np_random(&same));
  gsl_rng *own = gsl_rng_alloc(dust_rng_type_python);
  gsl_rng_set(own, 42);
  CHECK(gsl_rng_uniform(own) == py_random_42[0]);
  gsl_rng_free(own);
}

static int by_value(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

static void check_attempts(void) {
  enum { ATTEMPTS = 2000 };
  static uint32_t seed[ATTEMPTS];
  for (uint32_t start = 0; start < 3; start++) {
    CHECK(dust_seed_attempt(start, 0) == start);
    for (uint64_t a = 0; a < ATTEMPTS; a++) seed[a] = dust_seed_attempt(start, a);
    CHECK(dust_seed_attempt(start, 1) != dust_seed_attempt(start + 1, 1));
    qsort(seed, ATTEMPTS, sizeof *seed, by_value);
    int repeated = 0;
    for (int i = 1; i < ATTEMPTS; i++) repeated += seed[i] == seed[i - 1];
    CHECK(repeated == 0);
  }
  CHECK(dust_seed_attempt(7, UINT64_MAX) != dust_seed_attempt(7, UINT64_MAX - 1));
}

static dust_status sample_body(void *context) {
  dust_rng rng;
  size_t out[100];
  dust_rng_seed(&rng, 1);
  DUST_TRY(dust_py_sample(&rng, 100, 100, out));
  return dust_py_sample(&rng, 100000, 10, out);
}

/* Words beyond the first pieces and rounds: the 10000th of seed 5489 is what std::mt19937 is specified by, the others are random.getrandbits(32). */
static void check_far_words(void) {
  static const struct {
    uint64_t seed;
    uint32_t word[6];
  } far[] = {{5, {2675342405u, 2653972764u, 2651938379u, 2959306914u, 3041615143u, 2894893787u}},
             {1099511627783u, {2635837658u, 2479292342u, 2521731745u, 1232433674u, 2745986973u, 1220598206u}}};
  static const int at[] = {0, 47, 48, 623, 624, 1999};
  dust_mt19937 mt;
  dust_mt19937_seed(&mt, 5489);
  dust_mt19937_pass(&mt, 9999);
  CHECK(dust_mt19937_word(&mt) == 4123659995u);
  for (int f = 0; f < 2; f++) {
    uint32_t drawn[2000];
    dust_mt19937_seed_by_words(&mt, far[f].seed);
    for (int i = 0; i < 2000; i++) drawn[i] = dust_mt19937_word(&mt);
    for (int k = 0; k < 6; k++) {
      CHECK(drawn[at[k]] == far[f].word[k]);
      dust_mt19937_seed_by_words(&mt, far[f].seed);
      for (int i = 0; i < at[k]; i++) i % 3 ? dust_mt19937_pass(&mt, 1) : (void)dust_mt19937_word(&mt);
      CHECK(dust_mt19937_word(&mt) == far[f].word[k]);
    }
  }
}

/* The hash as written down, by hand. */
static uint64_t hash_step(uint64_t h, uint64_t word) {
  uint64_t z = (h ^ word) + 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

static void check_stream_seed(void) {
  static const int64_t list[] = {7, -3, INT64_MIN, INT64_MAX, 5000000000};
  uint64_t h = hash_step(0, 5);
  for (int i = 0; i < 5; i++) h = hash_step(h, (uint64_t)list[i]);
  CHECK(dust_seed_stream(list, 5, 12) == (uint32_t)(hash_step(h, 12) >> 32));
  static const int64_t seven_three[] = {7, 3};
  CHECK(dust_seed_stream(seven_three, 2, 0) == 2622745305u && dust_seed_stream(seven_three, 2, 1) == 2695968683u); /* made in Python */
}

/* 1,000 lists x 10,000 batches, as epochs and workers have them. N values in 2^32 places are fewer by about N^2 / 2^33 than N, give or take its root; a list's own
 * batches too. */
enum { LISTS = 1000, BATCHES = 10000, VALUES = LISTS * BATCHES };

/* Sorts by two digits of 16 bits, since ten million of them take qsort seconds; `spare` is as large as `values`. */
static void sort(uint32_t *values, uint32_t *spare, size_t n) {
  for (int shift = 0; shift < 32; shift += 16) {
    static size_t place[65537];
    memset(place, 0, sizeof place);
    for (size_t i = 0; i < n; i++) place[(values[i] >> shift & 0xffff) + 1]++;
    for (size_t digit = 0; digit < 65536; digit++) place[digit + 1] += place[digit];
    for (size_t i = 0; i < n; i++) spare[place[values[i] >> shift & 0xffff]++] = values[i];
    uint32_t *other = values;
    values = spare, spare = other;
  }
}

/* Pairs that are the same are counted as they come one behind the other. */
static long repeats_of(uint32_t *values, uint32_t *spare, size_t n) {
  long repeats = 0;
  sort(values, spare, n);
  for (size_t i = 1; i < n; i++) repeats += values[i] == values[i - 1];
  return repeats;
}

static bool is_chance(long repeats, double expected) { return fabs((double)repeats - expected) < 5 * sqrt(expected) + 1; }

static void check_stream_collisions(void) {
  const double chance = (double)VALUES * VALUES / 0x1p33, own_chance = LISTS * ((double)BATCHES * BATCHES / 0x1p33);
  uint32_t *all = malloc(VALUES * sizeof *all), *spare = malloc(VALUES * sizeof *spare);
  CHECK(all && spare);
  if (!all || !spare) return free(all), free(spare);
  for (int way = 0; way < 3; way++) { /* {seed, epoch}, {epoch, worker}, {worker} */
    long within = 0;
    for (int l = 0; l < LISTS; l++) {
      const int64_t lists[3][2] = {{7, l}, {l / 32, l % 32}, {l - 500, 0}};
      for (int i = 0; i < BATCHES; i++) all[l * BATCHES + i] = dust_seed_stream(lists[way], way == 2 ? 1 : 2, (uint64_t)i);
      within += repeats_of(all + l * BATCHES, spare, BATCHES);
    }
    long repeats = repeats_of(all, spare, VALUES);
    if (!is_chance(repeats, chance) || !is_chance(within, own_chance))
      fprintf(stderr, "way %d: %ld seeds twice, %ld in their own list\n", way, repeats, within);
    CHECK(is_chance(repeats, chance) && is_chance(within, own_chance));
  }
  free(all), free(spare);
}

static void check_permutations(void) {
  static const uint64_t counts[] = {1, 2, 3, 4, 5, 17, 64, 1000, 4097};
  bool seen[4097];
  for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
    for (uint32_t key = 0; key < 20; key++) {
      memset(seen, 0, sizeof seen);
      for (uint64_t i = 0; i < counts[c]; i++) {
        uint64_t to = dust_permute(key, counts[c], i);
        CHECK(to < counts[c] && !seen[to]);
        seen[to < 4097 ? to : 0] = true;
      }
    }
  }
  CHECK(dust_permute(3, UINT64_MAX, UINT64_MAX - 1) < UINT64_MAX);
  long first[5] = {0}; /* where 0 goes is spread evenly over keys: 5 sigma of 10000 draws with p = 1/5 are 200 */
  for (uint32_t key = 0; key < 10000; key++) first[dust_permute(key, 5, 0)]++;
  for (int i = 0; i < 5; i++) CHECK(labs(first[i] - 2000) < 200);
}

static void check_exceeds(void) {
  dust_rng rng, same;
  dust_rng_seed(&rng, 5), dust_rng_seed(&same, 5);
  for (int i = 0; i < 400; i++) { /* numbers are left out before the first one is made, and later */
    double p = i % 5 < 4 ? 1 : 0.5, drawn = dust_py_random(&same);
    CHECK(dust_py_exceeds(&rng, p) == (drawn > p));
  }
  CHECK(dust_py_random(&rng) == dust_py_random(&same));
}

int main(void) {
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) check_python(&cases[i]), check_numpy(&cases[i]), check_copies(&cases[i]);
  for (size_t i = 0; i < sizeof wides / sizeof *wides; i++) check_wide(&wides[i]);
  check_gsl();
  check_far_words();
  check_exceeds();
  check_attempts();
  check_stream_seed();
  check_stream_collisions();
  check_permutations();
  dust_rng rng;
  size_t drawn[3];
  dust_rng_seed(&rng, 1);
  CHECK_FAILS(dust_py_sample(&rng, 2, 3, drawn), DUST_ERROR_ARGUMENT, "a sample of 3 from 2");
  CHECK_OK(dust_py_sample(&rng, 0, 0, drawn));
  CHECK(dust_py_randint(&rng, 7, 7) == 7);
  check_every_allocation("sample", sample_body, NULL);
  uint32_t a = dust_seed_from_system(), b = dust_seed_from_system(), c = dust_seed_from_system();
  CHECK(a != b || b != c);
  return check_done();
}
