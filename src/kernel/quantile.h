/* Quantiles of the finite values of an array: the window in which grey values are shown. */
#ifndef DUST_KERNEL_QUANTILE_H
#define DUST_KERNEL_QUANTILE_H

#include "volume/ndarray.h"

typedef struct dust_finite {
  int64_t count, nan, infinite; /* finite elements and the others */
  double low, high;             /* of the finite ones; 0 when there are none */
} dust_finite;

/* quantile[i] = the finite value that fraction[i] (0 to 1) of the finite values are below: the element nearest to fraction *
 * (count - 1) in sorted order (half-way up), not interpolated; 0 when there are none. Takes 8 bytes an element while it runs,
 * nothing where n is 0. 64-bit integers are seen as doubles. */
dust_status dust_finite_quantiles(double *quantile, dust_finite *found, const dust_ndarray *in, int n, const double *fraction);

#endif
