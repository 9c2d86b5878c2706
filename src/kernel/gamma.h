/* Gamma augmentation of one array: what dacapo.gp's GammaAugment means to do. */
#ifndef DUST_KERNEL_GAMMA_H
#define DUST_KERNEL_GAMMA_H

#include "base/pool.h"
#include "volume/ndarray.h"

/* out = ((in - min) / (max - min)) ^ gamma * (max - min) + min, min and max of the whole array, in's dtype (float32 or float64,
 * computed in it). An array whose range is at most 1e-3, or that has no elements, comes back as a view of in. A NaN or an
 * infinity is DUST_ERROR_ARGUMENT with its position (indices from 1). gamma > 0, finite. Laid out in the order in which `in` lies
 * in memory; float32 results know their extremes, and their sum if `in` was in C order (dust_ndarray_figures()). */
dust_status dust_gamma_array(dust_ndarray *out, const dust_ndarray *in, double gamma, dust_pool *pool);

#endif
