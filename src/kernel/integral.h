/* A summed-area table (Crow 1984): how many voxels of a mask are set in a box, any box, in constant time. */
#ifndef DUST_KERNEL_INTEGRAL_H
#define DUST_KERNEL_INTEGRAL_H

#include "base/pool.h"
#include "volume/ndarray.h"

/* Entry (z, y, x) of the table counts the set voxels with smaller indices on every axis: shape + 1 an axis, the first layer 0.
 * uint32 while the mask has fewer than 2^32 voxels, uint64 beyond; sums are taken modulo that, counts of boxes come out right. */
typedef struct dust_integral {
  dust_ndarray table;
} dust_integral;

/* mask > 0 counts; any dtype, at least one axis. On failure nothing is held. */
dust_status dust_integral_make(dust_integral *out, const dust_ndarray *mask, dust_pool *pool);
void dust_integral_release(dust_integral *integral); /* twice is fine */
/* Set voxels in the box of `shape` from `begin` (0-based), clipped to the mask. */
uint64_t dust_integral_count(const dust_integral *integral, const int64_t *begin, const int64_t *shape);

#endif
