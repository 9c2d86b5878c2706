/* Labels that are classes: what balance.c checks before it counts. */
#ifndef DUST_KERNEL_BALANCE_LABELS_H
#define DUST_KERNEL_BALANCE_LABELS_H

#include "base/pool.h"
#include "volume/ndarray.h"

/* labels: any integer type. The first outside of [0, classes) is DUST_ERROR_ARGUMENT with its value and place. */
dust_status dust_balance_check(const dust_ndarray *labels, int64_t classes, dust_pool *pool);

#endif
