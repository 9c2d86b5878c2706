/* Numbers in colour, for looking at: a window of values spread over a list of colours. */
#ifndef DUST_KERNEL_COLORMAP_H
#define DUST_KERNEL_COLORMAP_H

#include "base/pool.h"
#include "volume/ndarray.h"

typedef struct dust_colormap {
  double low, high;   /* values of the first and the last colour; what lies beyond takes those */
  int colors;         /* 2 or more, evenly spread, mixed linearly in between */
  const uint8_t *rgb; /* (colors, 3) */
  uint8_t nan[3];     /* for NaN */
} dust_colormap;

/* out: uint8 (shape of values, 3), made here. Where low == high every number takes the colour half-way. A number exactly at a
 * colour's place takes exactly that colour. */
dust_status dust_map_colors(dust_ndarray *out, const dust_ndarray *values, const dust_colormap *map, dust_pool *pool);

#endif
