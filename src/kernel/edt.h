/* Exact Euclidean distance transforms of one spatial volume (no channel axis), in world units, for any number of axes.
 *
 * Two kinds of sites. *Faces*: the centres of the faces between neighbouring voxels of different label; upstream (dacapo) finds
 * the same points on a grid doubled along each axis, which is never made here. The face centres of axis d sit half-way between
 * voxels along d and on voxels along every other axis, so each axis has a lattice of its own:
 *
 *     labels (y, x)   c | c   c      c  voxel centre: what is wanted
 *                     -       -      |  a face along x: on the row of centres
 *                     c   c | c      -  a face along y: on a row between two rows of centres
 *
 * *Zeros*: centres of voxels that are 0, with or without a layer of zeros around the volume (with: scipy's distance_transform_edt of
 * the padded mask).
 *
 * Axis by axis every lattice gets the squared distance to its own sites along the axes done so far; when it is the turn of the axis
 * that a lattice is shifted along, it goes into the centres. Squares are whole numbers of unit^2 when voxel sizes are whole (or
 * halves, quarters …), and nothing is rounded before the final root, so the way there can't be seen in the result:
 *
 *     edt_narrow.c   16 bits, up to three axes, the last axis, then the first, then the one between: what nearly always runs
 *     edt_wide.c     int32 while it fits, float64 otherwise; last axis to first
 */
#ifndef DUST_KERNEL_EDT_H
#define DUST_KERNEL_EDT_H

#include "base/pool.h"
#include "volume/ndarray.h"

typedef enum dust_edt_sites { DUST_EDT_FACES, DUST_EDT_ZEROS, DUST_EDT_ZEROS_AND_BORDER } dust_edt_sites;

typedef struct dust_edt_job {
  const dust_ndarray *labels; /* any integer type, any strides, at least one axis */
  const char *what;           /* how messages call them: "labels", "mask" */
  const double *voxel_size;   /* one positive number an axis */
  dust_edt_sites sites;
  double limit; /* > 0: distances beyond need not be told from one another, they come out as some value >= limit; 0: none */
  double none;  /* the distance of every voxel where there is no site at all */
  /* Makes of distances what is wanted, in place, each for itself: the same for the same distance, called as often as it takes. NULL:
   * distances are what is wanted. */
  void (*curve)(const void *context, double *distance, size_t n);
  /* Takes what is wanted of row `row` along the last axis (in C order), from any thread. A row may come twice: the last counts. */
  void (*row)(const void *context, int64_t row, const double *value, size_t n);
  /* Or, instead of that: room for what is wanted as float32, in C order, negative where labels are 0, whose rows are contiguous then. */
  float *out;
  const void *context;
} dust_edt_job;

dust_status dust_edt_run(const dust_edt_job *job, dust_pool *pool);

#endif
