/* a * scale + shift, with clipping and a change of dtype on the way: Normalize, IntensityScaleShift. */
#ifndef DUST_KERNEL_SCALE_SHIFT_H
#define DUST_KERNEL_SCALE_SHIFT_H

#include "base/pool.h"
#include "volume/ndarray.h"

/* out: dtype, shape of in, made here. float32 output is computed in float32 (in converted first, scale and shift rounded to
 * float32), as numpy computes a.astype(float32) * scale; any other in float64. A shift of 0 is not added, so that -0 stays.
 * Clipped to [low, high] (-inf, inf: not at all); NaN stays NaN in float outputs. Integer outputs round half to even and
 * saturate. Laid out in the order in which `in` lies in memory. */
dust_status dust_scale_shift(dust_ndarray *out, const dust_ndarray *in, double scale, double shift, dust_dtype dtype, double low,
                             double high, dust_pool *pool);

#endif
