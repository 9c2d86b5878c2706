/* Channels: the leading axes in front of space. Each is visited as a view of the spatial axes. */
#ifndef DUST_KERNEL_CHANNELS_H
#define DUST_KERNEL_CHANNELS_H

#include "volume/ndarray.h"

/* How many channels are in front of the last `spatial` axes. */
int64_t dust_channels_count(const dust_ndarray *array, int spatial);
/* Channel `channel` in C order: a view that owns a reference. */
void dust_channels_view(dust_ndarray *out, const dust_ndarray *array, int spatial, int64_t channel);
/* First element of row `row` along the last axis, rows counted in C order over the others: for kernels that must know which row
 * they are in, so that axes can't be merged. */
char *dust_row_start(const dust_ndarray *array, int64_t row);

#endif
