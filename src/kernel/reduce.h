/* Whole arrays to one figure. The same for any number of threads: partial results belong to chunks and are combined in their
 * order. Sums add up in the order of memory, so that a flipped or transposed view of an array has the very sum of the array. */
#ifndef DUST_KERNEL_REDUCE_H
#define DUST_KERNEL_REDUCE_H

#include "base/pool.h"
#include "volume/ndarray.h"

/* Smallest and largest element, each an element of a's dtype (8 bytes are enough). NaN anywhere gives NaN, as in numpy. No
 * elements: DUST_ERROR_ARGUMENT. */
dust_status dust_minmax(void *lowest, void *highest, const dust_ndarray *a, dust_pool *pool);
/* Sum of an integer array, mod 2^64. */
dust_status dust_sum_integer(uint64_t *out, const dust_ndarray *a, dust_pool *pool);
/* Sum in double of (x - centre), or of its square. */
dust_status dust_sum_double(double *out, const dust_ndarray *a, double centre, bool squared, dust_pool *pool);
/* Mean and population standard deviation (deviation NULL: not wanted) in double. No elements: DUST_ERROR_ARGUMENT. */
dust_status dust_mean(double *mean, double *deviation, const dust_ndarray *a, dust_pool *pool);
/* Is any element other than 0 (NaN counts), are all? No elements: false, true. */
dust_status dust_any(bool *out, const dust_ndarray *a);
dust_status dust_all(bool *out, const dust_ndarray *a);
/* Position in C order of the first NaN; -1 when there is none. */
dust_status dust_first_nan(int64_t *out, const dust_ndarray *a);

/* ---- for kernels that make elements: figures of them, found out while they are in the cache and left with the array */
typedef struct dust_extremes {
  int64_t low, high; /* keys, see reduce.c */
  bool any;
} dust_extremes;
/* Of n >= 1 more elements side by side. */
void dust_extremes_add(dust_extremes *extremes, const void *elements, dust_dtype dtype, size_t n);

/* One for each chunk, combined in their order. */
typedef struct dust_tally {
  dust_extremes extremes;
  double sum; /* of chunks that are those of dust_sum_double() */
} dust_tally;
/* A piece of float32 elements of dust_blocks_run(), of DUST_BLOCK at most. */
void dust_tally_floats(dust_tally *tally, const float *elements, size_t n);
/* Says of all elements of `array` what its chunks' tallies say; `sum`: whether their sums are to be believed. */
void dust_tally_keep(const dust_ndarray *array, const dust_tally *tally, size_t chunks, bool sum);

#endif
