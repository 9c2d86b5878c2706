/* Exact Euclidean distance transforms of one spatial volume (no channel axis), in world units, for any number of axes.
 *
 * Two kinds of sites. *Faces*: the centres of the faces between neighbouring voxels of different label; upstream (dacapo) finds
 * the same points on a grid doubled along each axis, which is never made here. The face centres of axis d sit half-way between
 * voxels along d and on voxels along every other axis, so each axis has a lattice of
 * its own:
 *
 *     labels (y, x)   c | c   c      c  voxel centre: what is wanted
 *                     -       -      |  a face along x: on the row of centres
 *                     c   c | c      -  a face along y: on a row between two rows of centres
 *
 * Axes are done last to first. Along the last every lattice gets the squared distance to its own sites in the row; along each
 * further axis d the centres take the envelope of themselves and of the lattice of d, and the lattices of the axes still to come
 * that of themselves.
 *
 * *Zeros*: centres of voxels that are 0, with a layer of zeros around the volume (scipy's distance_transform_edt of the padded mask).
 *
 * Squares are whole numbers of unit^2 when voxel sizes are whole: int32 while they fit, float64 otherwise; either way nothing is
 * rounded before the final root.
 */
#ifndef DUST_KERNEL_EDT_H
#define DUST_KERNEL_EDT_H

#include "base/pool.h"
#include "volume/ndarray.h"

typedef struct dust_edt {
  dust_ndarray square; /* shape of the volume, int32 or float64, C order */
  double unit;         /* distance = unit * sqrt(square) */
  bool any;            /* there is a site */
} dust_edt;

/* labels: any integer type, any strides, at least one axis. voxel_size: one positive number an axis. limit > 0: distances beyond
 * need not be told from one another, they come out as some value >= limit. On failure nothing is held. */
dust_status dust_edt_to_faces(dust_edt *out, const dust_ndarray *labels, const double *voxel_size, double limit, dust_pool *pool);
/* Distance of each voxel to the nearest zero, voxel_size apart. 0 on zeros. */
dust_status dust_edt_to_zeros(dust_edt *out, const dust_ndarray *mask, const double *voxel_size, double limit, dust_pool *pool);
void dust_edt_release(dust_edt *edt);

/* Distances of the `n` voxels from `begin` on, in C order. */
void dust_edt_read(const dust_edt *edt, size_t begin, double *out, size_t n);

#endif
