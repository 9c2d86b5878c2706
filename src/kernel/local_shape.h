/* Local shape descriptors: for each voxel of an object statistics of the object's part around it, weighted by a Gaussian.
 *
 * Source: Sheridan et al. 2022, "Local shape descriptors for neuron segmentation"; the arithmetic of the lsd package's
 * LsdExtractor (mode "gaussian"). Channels in 3-d: mean offset z y x / sigma * 0.5 + 0.5, variance zz yy xx / sigma^2, Pearson zy
 * zx yx * 0.5 + 0.5, size; in 2-d the same six of them. All clipped to [0, 1], background 0. */
#ifndef DUST_KERNEL_LOCAL_SHAPE_H
#define DUST_KERNEL_LOCAL_SHAPE_H

#include "base/pool.h"
#include "volume/ndarray.h"

/* out (made by the function): float32 (10 or 6, spatial…); labels: integers, 2 or 3 axes, each a multiple of `downsample` (>= 1)
 * long; voxel_size and sigma: one a spatial axis, world units, positive. Anything else: DUST_ERROR_ARGUMENT. */
dust_status dust_local_shape(dust_ndarray *out, const dust_ndarray *labels, const double *voxel_size, const double *sigma,
                             int64_t downsample, dust_pool *pool);

#endif
