/* Several arrays into one. */
#ifndef DUST_KERNEL_STACK_H
#define DUST_KERNEL_STACK_H

#include "base/pool.h"
#include "volume/ndarray.h"

/* out (count, shape…): all arrays along a new first axis; same shape and dtype. out is made by the function; count >= 1. */
dust_status dust_stack_arrays(dust_ndarray *out, const dust_ndarray *const *array, size_t count, dust_pool *pool);
/* One after the other along `axis` (from 0); same dtype and number of axes, same extent on all other axes. out is made by the
 * function; count >= 1. */
dust_status dust_concatenate_arrays(dust_ndarray *out, const dust_ndarray *const *array, size_t count, int axis, dust_pool *pool);

#endif
