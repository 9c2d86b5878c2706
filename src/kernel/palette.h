/* A picture in few colours, for small files. */
#ifndef DUST_KERNEL_PALETTE_H
#define DUST_KERNEL_PALETTE_H

#include "volume/ndarray.h"

/* index: uint8 (height, width); palette: uint8 (n, 3), n <= most (2 to 256); both made here. image: uint8 (height, width, 3), any
 * strides. A picture that has no more colours than that keeps each exactly. Depends on the picture alone. */
dust_status dust_reduce_colors(dust_ndarray *index, dust_ndarray *palette, const dust_ndarray *image, int most);

#endif
