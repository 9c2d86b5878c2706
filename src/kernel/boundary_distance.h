/* Signed distance to the faces between voxels of different label: what dacapo's distance predictors learn. */
#ifndef DUST_KERNEL_BOUNDARY_DISTANCE_H
#define DUST_KERNEL_BOUNDARY_DISTANCE_H

#include "base/pool.h"
#include "volume/ndarray.h"

/* out: float32, shape of labels, made here. labels (channels…, spatial…), any integer type; the last `spatial` axes (voxel_size
 * has one number for each) are space, each channel is a volume of its own. Distance of a voxel's centre to the nearest centre of
 * a face, world units, positive on non-zero labels and negative on zero. A channel without any face has the value min over axes
 * of shape * voxel_size / 2, positive if any voxel is non-zero. scale > 0: tanh(distance / scale), where that is 1 but for
 * 1e-6 just 1; 0: the distance itself. */
dust_status dust_boundary_distance(dust_ndarray *out, const dust_ndarray *labels, int spatial, const double *voxel_size, double scale,
                                   dust_pool *pool);

#endif
