/* What kernels that give each element a colour share. */
#ifndef DUST_KERNEL_PAINT_H
#define DUST_KERNEL_PAINT_H

#include "base/pool.h"
#include "volume/ndarray.h"
#include "volume/rows.h"

/* out: uint8 (shape of in, 3), made here; in has fewer than DUST_MAXDIM axes. `body` gets rows of two arrays: red of out, with green and
 * blue in the two bytes behind it, and in. */
dust_status dust_paint(dust_ndarray *out, const dust_ndarray *in, dust_row_body body, void *context, dust_pool *pool);

#endif
