/* Which voxels of a tanh-scaled distance target can be trusted: those that see their boundary before they could see the border of
 * the mask. dacapo's create_distance_mask. */
#ifndef DUST_KERNEL_DISTANCE_MASK_H
#define DUST_KERNEL_DISTANCE_MASK_H

#include "base/pool.h"
#include "volume/ndarray.h"

/* out: uint8, shape of mask, made here: mask, but 0 where min(|target| + epsilon, threshold) >= tanh(distance / scale), the distance being that to the nearest voxel outside the
 * mask or outside the array, at *half* of voxel_size (upstream's, whose doubled grid is at that spacing). target (channels,
 * spatial…) float32 or float64; mask integers, the same shape or, with one channel, without the channel axis. Where target is NaN
 * the mask stays. */
dust_status dust_distance_mask(dust_ndarray *out, const dust_ndarray *target, const dust_ndarray *mask, int spatial,
                               const double *voxel_size, double scale, double epsilon, double threshold, dust_pool *pool);

#endif
