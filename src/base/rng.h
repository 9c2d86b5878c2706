/* The two reference random streams: CPython's `random` and NumPy's legacy `RandomState`, draw for draw.
 *
 * Both are MT19937 (Matsumoto and Nishimura 1998), seeded differently: Python by init_by_array over the seed's 32-bit words,
 * NumPy by init_genrand. A dust_rng is the pair that travels with one request through a pipeline; there is no global generator.
 * Either half can be lent to GSL (dust_rng_gsl), so that every gsl_ran_* distribution draws from the same stream.
 */
#ifndef DUST_BASE_RNG_H
#define DUST_BASE_RNG_H

#include <gsl/gsl_rng.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/mt19937.h"
#include "base/status.h"

typedef struct dust_rng {
  dust_mt19937 python, numpy;
} dust_rng;

/* Both halves as random.seed(seed) and np.random.seed(seed) leave them (0 <= seed < 2^32 for numpy; larger seeds are taken mod
 * 2^32 there). */
void dust_rng_seed(dust_rng *rng, uint64_t seed);

/* CPython's random module. */
double dust_py_random(dust_rng *rng);                              /* [0, 1), 53 bits */
bool dust_py_exceeds(dust_rng *rng, double p);                     /* random() > p; the number isn't made where that can't be */
int64_t dust_py_randint(dust_rng *rng, int64_t low, int64_t high); /* both ends included; low <= high */
size_t dust_py_choice_cumulative(dust_rng *rng, const double *cumulative, size_t n); /* one draw of choices(cum_weights=…): index from 0 */
/* sample(range(n), k): indices from 0 in the order drawn; CPython's pool method for small n, set method otherwise. k <= n <=
 * 2^31; k > n is DUST_ERROR_ARGUMENT. */
dust_status dust_py_sample(dust_rng *rng, size_t n, size_t k, size_t *out);

/* NumPy's legacy RandomState. */
double dust_np_random(dust_rng *rng);
double dust_np_uniform(dust_rng *rng, double low, double high);
double dust_np_gauss(dust_rng *rng); /* standard normal, polar method with its cached second value */
/* legacy masked rejection (int64 path: 32 bits if the range fits) */
int64_t dust_np_randint(dust_rng *rng, int64_t low, int64_t high_exclusive);
size_t dust_np_choice(dust_rng *rng, const double *probability, size_t n); /* probability NULL: uniform, as np.random.choice(range(n)) */
/* scipy's Rotation.random().as_matrix(): four normals as a quaternion (x, y, z, w); row-major 3x3. */
void dust_np_rotation(dust_rng *rng, double matrix[9]);

/* GSL's view of one half: a generator type whose state is a dust_mt19937 and a gsl_rng that borrows it (no free needed). */
extern const gsl_rng_type *const dust_rng_type_python, *const dust_rng_type_numpy;
gsl_rng dust_rng_gsl_python(dust_rng *rng);
gsl_rng dust_rng_gsl_numpy(dust_rng *rng);

/* BatchRequest.copy(): the seed of a request's copy, hash((seed + 1)^2) mod 2^32 with CPython's integer hash (mod 2^61 - 1). */
uint32_t dust_seed_copy(uint32_t seed);
/* The seed of rejection attempt `attempt` (0 keeps `seed`): well mixed, so that no attempt repeats another. */
uint32_t dust_seed_attempt(uint32_t seed, uint64_t attempt);
/* The seed of batch `batch` of the stream that a list of `n` >= 1 integers names: splitmix64's finaliser mix() over n, the list and batch, of which the upper half is
 * kept:  h = 0;  for w in n, list[0], …, list[n - 1], batch:  h = mix((h ^ w) + 0x9e3779b97f4a7c15);  seed = h >> 32  (all mod 2^64; negative ones are two's complement). */
uint32_t dust_seed_stream(const int64_t *list, size_t n, uint64_t batch);
/* A one-to-one map of 0 … count - 1 onto itself, another one for each key: where `index` goes. index < count. */
uint64_t dust_permute(uint32_t key, uint64_t count, uint64_t index);
/* A seed from the operating system. */
uint32_t dust_seed_from_system(void);

#endif
