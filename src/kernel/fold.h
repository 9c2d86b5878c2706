/* A fold in a section, as gunpowder's DefectAugment models one: a line runs across the section, tissue on both sides has moved
 * towards it and vanished under it.
 *
 *     section, `strength` wider on each side     result
 *     · · · · · \ · · · ·                        a straight line from border to border; every voxel shows what was `strength` further away from the
 *     · [ a b c d\ e f ] ·           ->          line, at a right angle to it, and the line itself, `width` voxels to each side (counted along the
 *     · [         \    ] ·                       axes), is 0
 */
#ifndef DUST_KERNEL_FOLD_H
#define DUST_KERNEL_FOLD_H

#include "base/pool.h"
#include "volume/ndarray.h"

typedef struct dust_fold {
  int64_t from[2], to[2]; /* row and column, from 0, of the line's ends on the wider section */
  bool rows;              /* true: the line runs from the first row to the last; false: from the first column to the last */
  int64_t strength;       /* voxels, >= 0 */
  int64_t width;          /* voxels, >= 0 */
  bool interpolate;       /* cubic spline; false: nearest voxel */
} dust_fold;

/* out (made by the function): section's dtype and shape without `strength` voxels on each side of its last two axes; axes in
 * front are channels. Floats stay within [0, 1] and the section's own range, whichever is wider; integers round and saturate.
 * Ends that are not on the border where `rows` says, or sections too small: DUST_ERROR_ARGUMENT. */
dust_status dust_fold_section(dust_ndarray *out, const dust_ndarray *section, const dust_fold *fold, dust_pool *pool);

#endif
