/* Taking ids out of a label array: gunpowder's ExcludeLabels. */
#ifndef DUST_KERNEL_EXCLUDE_H
#define DUST_KERNEL_EXCLUDE_H

#include "base/pool.h"
#include "volume/ndarray.h"

/* out: labels with each of the n ids replaced by `value`; where: uint8, 1 where that happened. Both made by the function, labels'
 * shape. labels: any integer type; ids and value stand for their 64 bits with uint64 labels. A value that labels' dtype can't
 * hold: DUST_ERROR_RANGE; ids that it can't hold are nowhere. `id` is sorted in place. */
dust_status dust_exclude_labels(dust_ndarray *out, dust_ndarray *where, const dust_ndarray *labels, size_t n, uint64_t *id, int64_t value,
                                dust_pool *pool);

#endif
