/* Eroding labels where they meet: gunpowder's GrowBoundary, with its mask, background and planes.
 *
 * A voxel keeps its label if everything within `steps` steps from face to face, inside the array, is that label or unknown (mask
 * 0); otherwise it becomes background. An unknown voxel keeps its label if what is known around it is of one label, or if nothing
 * is. Background around a voxel counts as another label.
 */
#ifndef DUST_KERNEL_ERODE_H
#define DUST_KERNEL_ERODE_H

#include "base/pool.h"
#include "volume/ndarray.h"

typedef struct dust_erosion {
  int64_t steps;            /* >= 0 */
  const dust_ndarray *mask; /* 0 where labels are unknown; labels' shape, any type; NULL: all known */
  int64_t background;       /* for uint64 labels its 64 bits are the id */
  int axes;                 /* the last so many axes have neighbours, 1 … ndim */
} dust_erosion;

/* How many steps are worth taking: after as many as it is from corner to corner nothing changes any more. Mostly that is so earlier: each
 * DUST_ERODE_LOOK steps it is worth a look. */
enum { DUST_ERODE_LOOK = 16 };
int64_t dust_erosion_steps(const dust_ndarray *labels, const dust_erosion *erosion);

/* out (made by the function): labels' shape and dtype; labels: integers. Steps beyond those that change anything are not taken. */
dust_status dust_erode_labels(dust_ndarray *out, const dust_ndarray *labels, const dust_erosion *erosion, dust_pool *pool);

#endif
