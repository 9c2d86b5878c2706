/* Growing the boundary between objects: every step turns voxels of an object that touch (by a face) another label into
 * background.
 *
 * Source: gunpowder's GrowBoundary (erosion of each label with a face-connected element, the array's own border not eroding). */
#ifndef DUST_KERNEL_GROW_BOUNDARY_H
#define DUST_KERNEL_GROW_BOUNDARY_H

#include "base/pool.h"
#include "volume/ndarray.h"

/* out (made by the function): labels' shape and dtype; labels: integers, all axes spatial; steps >= 0. Negative or float input:
 * DUST_ERROR_ARGUMENT. */
dust_status dust_grow_boundary(dust_ndarray *out, const dust_ndarray *labels, int64_t steps, dust_pool *pool);

#endif
