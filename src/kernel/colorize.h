/* Labels in colour, for looking at: each id has a colour of its own that never changes. */
#ifndef DUST_KERNEL_COLORIZE_H
#define DUST_KERNEL_COLORIZE_H

#include "base/pool.h"
#include "volume/ndarray.h"

/* out: uint8 (shape of labels, 3), made here. Id 0 is black; ids are taken as 64-bit whole numbers (floats truncated). */
dust_status dust_colorize_labels(dust_ndarray *out, const dust_ndarray *labels, dust_pool *pool);

#endif
