/* How many voxels of a mask are set in a box, any box: a summed-area table (Crow 1984) at the corners of blocks, and the mask
 * itself, a bit a voxel, for what sticks out of the blocks.
 *
 *     . . . . . . . .      rows along the last axis are never cut: the table has every x
 *     . + = = = + . .      +   corners of blocks of BLOCK x … x BLOCK rows, where the table has the count of all that lies before
 *     . | box   | . .      the box's whole blocks are counted in the table, 2^axes entries; rows beside them bit by bit
 *     . + = = = + . .
 *
 * Three axes take 3/16 byte a voxel, where a table of all voxels takes 4, or 8 beyond 2^32 of them. */
#ifndef DUST_KERNEL_INTEGRAL_H
#define DUST_KERNEL_INTEGRAL_H

#include "base/pool.h"
#include "volume/ndarray.h"

#define DUST_INTEGRAL_BLOCK 8

/* Entry (bz, by, x) of the table counts the set voxels before bz and by blocks and before x: blocks + 1 an axis, voxels + 1 along
 * the last; the last block may be smaller. uint32 while the mask has fewer than 2^32 voxels, uint64 beyond; sums are taken modulo
 * that, counts of boxes come out right. */
typedef struct dust_integral {
  int ndim;
  int64_t shape[DUST_MAXDIM];
  dust_ndarray bits;  /* uint64 (rows…, words); bit i of word w is voxel 64 w + i, bits beyond the row are 0 */
  dust_ndarray table; /* closed until dust_integral_finish() */
} dust_integral;

/* mask > 0 counts; any dtype, at least one axis. On failure nothing is held. */
dust_status dust_integral_make(dust_integral *out, const dust_ndarray *mask, dust_pool *pool);
/* The same in pieces, so that the mask needn't be there as a whole: begin, put each piece (layers `first` … along the first axis;
 * with one axis all of it), finish. */
dust_status dust_integral_begin(dust_integral *out, int ndim, const int64_t *shape);
dust_status dust_integral_put(dust_integral *integral, const dust_ndarray *piece, int64_t first, dust_pool *pool);
dust_status dust_integral_finish(dust_integral *integral, dust_pool *pool);

void dust_integral_release(dust_integral *integral); /* twice is fine */
size_t dust_integral_bytes(const dust_integral *integral);
/* Set voxels in the box of `shape` from `begin` (0-based), clipped to the mask. Finished integrals only. */
uint64_t dust_integral_count(const dust_integral *integral, const int64_t *begin, const int64_t *shape);

#endif
