/* One object's descriptors: what local_shape.c hands to a thread. */
#ifndef DUST_KERNEL_LOCAL_SHAPE_OBJECT_H
#define DUST_KERNEL_LOCAL_SHAPE_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/status.h"

enum { DUST_SHAPE_AXES = 3, DUST_SHAPE_SUMS = 10 };

/* Voxels begin … end - 1 of row (z, y) of the volume. */
typedef struct dust_shape_run {
  int64_t z, y, begin, end;
} dust_shape_run;

/* Weights w, w k and w k^2 of k = -radius … radius, each array from its middle. */
typedef struct dust_shape_filter {
  int64_t radius;
  float *block, *weight[3];
} dust_shape_filter;

typedef struct dust_shape_volume {
  int64_t shape[DUST_SHAPE_AXES];                       /* 2-d: one plane */
  bool flat;                                            /* 2-d */
  int64_t down;                                         /* fine voxels to a coarse one, along every axis there is */
  double step[DUST_SHAPE_AXES], sigma[DUST_SHAPE_AXES]; /* world units; step of the coarse grid */
  dust_shape_filter filter[DUST_SHAPE_AXES];
  float *out; /* channels, shape */
} dust_shape_volume;

/* Fills the channels of the object's voxels: those of its `count` runs, in C order. */
dust_status dust_shape_object(const dust_shape_volume *volume, const dust_shape_run *run, size_t count);

#endif
