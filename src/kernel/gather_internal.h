/* What the files of the gather share. Places come first, by the short way or by the long one, then values from what they left in
 * the gather. */
#ifndef DUST_KERNEL_GATHER_INTERNAL_H
#define DUST_KERNEL_GATHER_INTERNAL_H

#include "kernel/gather.h"

/* The short way (gather_inside.c): false, and nothing decided, where a sample or its neighbours leave the array. */
bool dust_gather_locate_inside(dust_gather *gather, const dust_gather_axis *axis);
/* The long way (gather_clamp.c): anything. */
void dust_gather_locate_clamped(dust_gather *gather, const dust_gather_axis *axis, dust_gather_border border);

/* offset[to] = offset[from], or one step further along the axis where a sample has something of its neighbour there. */
void dust_gather_step(dust_gather *gather, int to, int from, int axis);
/* One or two elements a sample from offset[from] on, side by side. */
void dust_gather_fetch(const dust_gather *gather, void *out, const void *in, int from, bool pairs);

/* Inside: where pairs of neighbours are counted from, at (z, y), one step along y, along z, along both. */
static inline void dust_gather_corners(const dust_gather *gather, const void *in, const char *corner[4]) {
  int64_t item = (int64_t)dust_dtype_size(gather->dtype);
  for (int k = 0; k < 4; k++) {
    int64_t y = (k & 1) && gather->moving > 1 ? gather->stride[1] : 0, z = (k & 2) && gather->moving > 2 ? gather->stride[2] : 0;
    corner[k] = (const char *)in + (gather->start + y + z) * item;
  }
}

/* Linear values: of float32 inside (gather_lanes.c), of anything (gather_linear.c). */
void dust_gather_lanes(dust_gather *gather, float *out, const float *in);
void dust_gather_linear(dust_gather *gather, void *out, const void *in);

#endif
