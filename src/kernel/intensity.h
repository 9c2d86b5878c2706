/* Contrast and brightness, slab by slab: gunpowder's IntensityAugment. */
#ifndef DUST_KERNEL_INTENSITY_H
#define DUST_KERNEL_INTENSITY_H

#include "base/pool.h"
#include "volume/ndarray.h"

/* out: in's dtype (float32 or float64, computed in it) and shape, made here. Slab s, in C order, becomes mean + (in - mean) *
 * scale[s] + shift[s], mean being the slab's own (summed in float64); with clip, cut to [0, 1]. slab: see slab.h. count: how many
 * scales and shifts there are, which must be the number of slabs. NaN makes its slab NaN. Laid out
 * in the order in which `in` lies in memory. */
dust_status dust_intensity_array(dust_ndarray *out, const dust_ndarray *in, int slab_ndim, const int64_t *slab, size_t count,
                                 const double *scale, const double *shift, bool clip, dust_pool *pool);

#endif
