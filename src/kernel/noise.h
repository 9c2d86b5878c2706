/* Noise on grey values: the distributions of skimage.util.random_noise, which gunpowder's NoiseAugment uses.
 *
 *     gaussian     a + n                  n normal, `mean` and `variance`, or a variance for each element
 *     speckle      a + a n
 *     salt_pepper  a share `amount` of elements becomes 1 (with probability `salt`) or `pepper`
 *     poisson      low + span * k / levels, k Poisson with mean (a - low) / span * levels
 *
 * Each element's noise is a function of seed and position in C order alone (philox.h), so any number of threads gives the same
 * bytes.
 */
#ifndef DUST_KERNEL_NOISE_H
#define DUST_KERNEL_NOISE_H

#include "base/pool.h"
#include "volume/ndarray.h"

typedef enum dust_noise_mode { DUST_NOISE_GAUSSIAN, DUST_NOISE_SPECKLE, DUST_NOISE_SALT_PEPPER, DUST_NOISE_POISSON } dust_noise_mode;

typedef struct dust_noise {
  dust_noise_mode mode;
  uint64_t seed;
  double mean, variance;         /* gaussian, speckle; variance >= 0 */
  const dust_ndarray *variances; /* gaussian: a variance for each element, broadcast to the array; NULL: `variance`. All > 0 */
  double amount, salt, pepper;   /* salt_pepper */
  double low, span, levels;      /* poisson; span and levels > 0 */
  double clip_low, clip_high;    /* of the result; -inf, inf: none */
} dust_noise;

/* out: in's shape and dtype (float32 or float64), C order, made by the function. Values that make no sense are
 * DUST_ERROR_ARGUMENT, and so is an element below `low`, or so bright that its mean count is beyond 2^31, with poisson. */
dust_status dust_noise_array(dust_ndarray *out, const dust_ndarray *in, const dust_noise *noise, dust_pool *pool);

#endif
