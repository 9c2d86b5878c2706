/* Channels collapsed to their maximum: CopyMask's drop_channels. */
#ifndef DUST_KERNEL_MAX_CHANNELS_H
#define DUST_KERNEL_MAX_CHANNELS_H

#include "base/pool.h"
#include "volume/ndarray.h"

/* out: the last `spatial` axes of in, in's dtype, each element the maximum over the leading axes; exact for every type, NaN wins.
 * in has `spatial` axes already: one more view of it. No channel at all, or fewer axes than asked for, is DUST_ERROR_ARGUMENT. */
dust_status dust_max_channels(dust_ndarray *out, const dust_ndarray *in, int spatial, dust_pool *pool);

#endif
