/* Arrays at other voxel sizes: output voxel o of a spatial axis lies at input coordinate o * scale + shift (both counted in
 * voxels, voxel centres on whole numbers).
 *
 * Nearest moves elements as they are (no id loses a bit); half-way goes up. Linear is scikit-image's rescale: where scale > 1 a
 * Gaussian of sigma (scale - 1) / 2 (cut at 4 sigma) smooths first, then neighbours are interpolated; at the ends the array is
 * mirrored, its first and last voxel not repeated (scipy's mode "mirror"). Mean averages the `scale` voxels (a whole number)
 * around the coordinate. Both compute in double and round to the dtype.
 */
#ifndef DUST_KERNEL_RESIZE_H
#define DUST_KERNEL_RESIZE_H

#include "base/pool.h"
#include "volume/ndarray.h"

typedef enum dust_resize_mode { DUST_RESIZE_NEAREST, DUST_RESIZE_LINEAR, DUST_RESIZE_MEAN } dust_resize_mode;

/* out: made here, in's dtype, in's leading axes and then `spatial` axes of `shape`. scale > 0. Coordinates more than half a voxel
 * outside of the array are DUST_ERROR_RANGE. */
dust_status dust_resize_array(dust_ndarray *out, const dust_ndarray *in, int spatial, const int64_t *shape, const double *scale,
                              const double *shift, dust_resize_mode mode, dust_pool *pool);

#endif
