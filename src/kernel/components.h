/* Connected components of equal label: what gunpowder's RenumberConnectedComponents gives ids to. */
#ifndef DUST_KERNEL_COMPONENTS_H
#define DUST_KERNEL_COMPONENTS_H

#include "base/pool.h"
#include "volume/ndarray.h"

/* out (made by the function): labels' shape and dtype. Voxels that touch by a face and carry the same non-zero label are of one
 * component; components get the ids 1, 2, … by falling size, those of one size in the order of their first voxels; 0 stays 0.
 * Only the last `spatial` axes connect. *count: how many there are (may be NULL). labels: any integer type. More components than
 * the dtype has positive ids: DUST_ERROR_RANGE. */
dust_status dust_components(dust_ndarray *out, int64_t *count, const dust_ndarray *labels, int spatial, dust_pool *pool);

#endif
