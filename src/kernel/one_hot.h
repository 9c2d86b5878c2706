/* Class ids to channels. */
#ifndef DUST_KERNEL_ONE_HOT_H
#define DUST_KERNEL_ONE_HOT_H

#include "base/pool.h"
#include "volume/ndarray.h"

/* out: uint8 (classes, shape of labels), made here: channel i is 1 where labels == i. Ids outside of [0, classes) are 0 in all
 * channels. labels: any integer type. */
dust_status dust_one_hot(dust_ndarray *out, const dust_ndarray *labels, int64_t classes, dust_pool *pool);

#endif
