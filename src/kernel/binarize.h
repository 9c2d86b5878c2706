/* Groups of ids as masks, a channel each. Source: dacapo's BinarizeArray. */
#ifndef DUST_KERNEL_BINARIZE_H
#define DUST_KERNEL_BINARIZE_H

#include "base/pool.h"
#include "volume/ndarray.h"

/* out: made here, uint8 (groups, shape of labels): 1 where the voxel's id is in the group and is not `background`. Group g is
 * ids[begin[g]] … ids[begin[g + 1] - 1]; an empty group takes every id. labels: integers, at most DUST_MAXDIM - 1 axes; ids are
 * compared as 64 bits, negative ones sign-extended. */
dust_status dust_binarize(dust_ndarray *out, const dust_ndarray *labels, int64_t groups, const int64_t *begin, const uint64_t *ids,
                          uint64_t background, dust_pool *pool);

#endif
