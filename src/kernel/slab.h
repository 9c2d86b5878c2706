/* Slabs: an array cut into boxes that are treated one by one (dacapo's and gunpowder's `slab`). Slabs are numbered in C order;
 * those at the upper ends may be smaller. */
#ifndef DUST_KERNEL_SLAB_H
#define DUST_KERNEL_SLAB_H

#include "volume/ndarray.h"

typedef struct dust_slabs {
  int64_t count;
  int64_t size[DUST_MAXDIM]; /* of a full slab */
  int64_t many[DUST_MAXDIM]; /* slabs along each axis */
} dust_slabs;

/* shape: one entry an axis of the array, at least 1, or -1 for the whole axis. An array without elements has no slabs. */
dust_status dust_slabs_make(dust_slabs *out, const dust_ndarray *array, int ndim, const int64_t *shape);
/* A view of slab `index`, which owns a reference. */
dust_status dust_slabs_view(dust_ndarray *out, const dust_slabs *slabs, const dust_ndarray *array, int64_t index);

#endif
