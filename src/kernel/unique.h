/* Which values there are and how often: distinct values of any dtype, exactly, and histograms. */
#ifndef DUST_KERNEL_UNIQUE_H
#define DUST_KERNEL_UNIQUE_H

#include "volume/ndarray.h"

/* values: the distinct elements, ascending, of a's dtype; counts: uint64, as long. Both are made by the function. All NaNs are
 * one value, the last; -0 and 0 are one. */
dust_status dust_unique(dust_ndarray *values, dust_ndarray *counts, const dust_ndarray *a);

/* counts (made by the function): uint64 [bins], elements in equal bins over [low, high], numpy's rule: bin k holds edge k <= x <
 * edge k + 1, the last one its upper edge as well. Elements outside and NaN are left out. bins from 1 to 2^31, low < high, both
 * finite: DUST_ERROR_ARGUMENT otherwise. */
dust_status dust_histogram(dust_ndarray *counts, const dust_ndarray *a, int64_t bins, double low, double high);

#endif
