/* Affinity graph of a segmentation (dacapo's seg_to_affgraph, malis'): an edge for each voxel and each offset of a neighbourhood.
 * */
#ifndef DUST_KERNEL_AFFINITIES_H
#define DUST_KERNEL_AFFINITIES_H

#include "base/pool.h"
#include "volume/ndarray.h"

#define DUST_AFFINITIES_MAXDIM 4

/* out: uint8 (edges, shape of labels), made here: 1 where the voxel and the one offset[e] away (voxels, zyx, either sign) carry
 * the same id and, unless background_as_object, it is not 0. Partners outside of the array give 0. labels: any integer type, 1 to
 * DUST_AFFINITIES_MAXDIM axes; offsets: edges x ndim, row after row. */
dust_status dust_affinities(dust_ndarray *out, const dust_ndarray *labels, int64_t edges, const int64_t *offset, bool background_as_object,
                            dust_pool *pool);

#endif
