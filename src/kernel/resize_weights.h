/* What one axis of a resize is made of: for each output voxel `taps` input voxels and their weights. Used by resize.c only. */
#ifndef DUST_KERNEL_RESIZE_WEIGHTS_H
#define DUST_KERNEL_RESIZE_WEIGHTS_H

#include "kernel/resize.h"

typedef struct dust_axis_weights {
  int64_t outputs, taps;
  int64_t *from;  /* outputs x taps */
  double *weight; /* outputs x taps; a row sums to 1 */
} dust_axis_weights;

/* Nearest: one tap of weight 1. Released with dust_axis_weights_release, also after a failure. */
dust_status dust_axis_weights_make(dust_axis_weights *out, int64_t inputs, int64_t outputs, double scale, double shift,
                                   dust_resize_mode mode);
void dust_axis_weights_release(dust_axis_weights *weights);

#endif
