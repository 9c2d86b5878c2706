/* Erosion without a mask, in bytes. */
#ifndef DUST_KERNEL_ERODE_KNOWN_H
#define DUST_KERNEL_ERODE_KNOWN_H

#include "kernel/erode.h"

/* As dust_erode_labels(), checked; background: an element of labels' type. */
dust_status dust_erode_known(dust_ndarray *out, const dust_ndarray *labels, const dust_erosion *erosion, const void *background,
                             dust_pool *pool);

#endif
