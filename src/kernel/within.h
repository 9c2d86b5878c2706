/* Everything near the zeros of a mask. */
#ifndef DUST_KERNEL_WITHIN_H
#define DUST_KERNEL_WITHIN_H

#include "base/pool.h"
#include "volume/ndarray.h"

/* out: uint8, mask's shape, made here: 1 where the centre of a voxel that is 0 lies no further than `distance` (world units, >=
 * 0) away, 0 elsewhere. mask: any type, its last `spatial` axes are space (one voxel size each, positive), those in front
 * channels, each for itself. What lies outside of the array is not known and so not near. */
dust_status dust_within(dust_ndarray *out, const dust_ndarray *mask, int spatial, const double *voxel_size, double distance,
                        dust_pool *pool);

#endif
