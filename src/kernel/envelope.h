/* One pass of a separable squared distance transform: along one axis of a C-order volume, on a lattice with points at voxel
 * centres and, optionally, half-way between them.
 *
 *     position    0     1     2     3     4        half voxels
 *     centre     c[0]       c[1]       c[2]
 *     half             h[0]       h[1]      (h[2]) the last half point must hold `far`
 *
 *     new c[i] = min over points q of  value(q) + weight (2 i - q)^2, at most far
 *
 * Near sites are found by an expanding window over 16 columns at once, which the compiler vectorises; where that takes too long,
 * by the lower envelope of parabolas (Felzenszwalb and Huttenlocher 2012), linear in the length of the line. Both are exact, so
 * which one ran can't be seen in the result.
 */
#ifndef DUST_KERNEL_ENVELOPE_H
#define DUST_KERNEL_ENVELOPE_H

#include "base/pool.h"
#include "volume/ndarray.h"

/* Largest `far` of an int32 volume: far + weight * window never overflows. */
#define DUST_ENVELOPE_NARROW ((double)(1 << 30))

typedef struct dust_envelope {
  double weight; /* squared length of half a voxel */
  double far;    /* no site: values are capped here */
  bool border;   /* a site of value 0 one voxel before the first and one after the last centre */
} dust_envelope;

/* In place on `centre` (int32 or float64, C order, nobody else's); half: same type and shape, or NULL. int32: weight and far are
 * whole, far <= DUST_ENVELOPE_NARROW. */
dust_status dust_envelope_spread(dust_ndarray *centre, const dust_ndarray *half, int axis, const dust_envelope *envelope, dust_pool *pool);

#endif
