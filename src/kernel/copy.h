/* Filling and copying between arrays of one shape, whatever their strides. */
#ifndef DUST_KERNEL_COPY_H
#define DUST_KERNEL_COPY_H

#include "base/pool.h"
#include "kernel/scalar.h"
#include "volume/ndarray.h"

/* Every element becomes `value`. The caller made `array` writable. */
dust_status dust_fill_array(const dust_ndarray *array, const dust_scalar *value, dust_pool *pool);
/* out = in with numpy's astype where the types differ; in is broadcast to out's shape. The two must not share elements. */
dust_status dust_copy_array(const dust_ndarray *out, const dust_ndarray *in, dust_pool *pool);
/* A new array of that dtype (numpy's astype); one more view when it is in's already. */
dust_status dust_cast_array(dust_ndarray *out, const dust_ndarray *in, dust_dtype dtype, dust_pool *pool);

#endif
