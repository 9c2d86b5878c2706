/* Are two arrays the same, and a figure that says so without keeping one of them. */
#ifndef DUST_KERNEL_HASH_H
#define DUST_KERNEL_HASH_H

#include "volume/ndarray.h"

/* 64 bits of dtype, shape and elements in C order, however they lie in memory; the same on machines of either byte order. All
 * NaNs count as one. */
dust_status dust_hash(uint64_t *out, const dust_ndarray *a);
/* Same dtype, shape and elements bit by bit, but NaN equals NaN. Arrays that are equal hash equally. */
dust_status dust_equal(bool *out, const dust_ndarray *a, const dust_ndarray *b);

#endif
