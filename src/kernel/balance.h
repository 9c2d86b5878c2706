/* Weights that let rare classes count as much as common ones: dacapo's balance_weights. */
#ifndef DUST_KERNEL_BALANCE_H
#define DUST_KERNEL_BALANCE_H

#include "base/pool.h"
#include "volume/ndarray.h"

/* One fraction of a class in a slab: `num` voxels of it were seen among `den` (masked) voxels. A new slab starts with 0 of 1, as
 * upstream's. */
typedef struct dust_balance_count {
  double num, den;
} dust_balance_count;

typedef struct dust_balance_options {
  int64_t classes; /* labels are 0 … classes - 1 */
  bool positive;   /* labels are anything, and classes are two: 0 and less, more than 0 */
  int masks;       /* each multiplies the weights; broadcast to labels' shape, leading axes of 1 dropped */
  const dust_ndarray *const *mask;
  int slab_ndim; /* see slab.h */
  const int64_t *slab;
  double clipmin, clipmax; /* of the fractions; -inf, inf: not clipped */
} dust_balance_options;

/* out: float32, shape of labels (any integer type), made here: the product of the masks times 1 / classes / fraction of the
 * voxel's class in its slab. `count` holds classes entries for each slab (class fastest), as many as there are slabs; what was
 * seen is added to it, also when a later slab fails. A label outside of [0, classes) is DUST_ERROR_ARGUMENT with its value and
 * place, found before anything is counted. */
dust_status dust_balance_weights(dust_ndarray *out, const dust_ndarray *labels, const dust_balance_options *options,
                                 dust_balance_count *count, dust_pool *pool);

#endif
