/* One picture over another. */
#ifndef DUST_KERNEL_BLEND_H
#define DUST_KERNEL_BLEND_H

#include "base/pool.h"
#include "volume/ndarray.h"

/* out = under + opacity * (over - under), rounded, where `where` is not 0, else under. under, over: uint8 (height, width, 3);
 * where: (height, width) of any dtype, or NULL: everywhere. opacity: 0 to 1. out: made here. */
dust_status dust_blend_colors(dust_ndarray *out, const dust_ndarray *under, const dust_ndarray *over, const dust_ndarray *where,
                              double opacity, dust_pool *pool);

#endif
