/* Cubic B-splines through samples (Unser, Aldroubi and Eden, "Fast B-spline transforms for continuous image representation and
 * interpolation", IEEE PAMI 13(3), 1991), with scipy.ndimage's boundary "mirror": the line goes on as its mirror image about the
 * first and about the last sample, neither of which is repeated.
 */
#ifndef DUST_KERNEL_SPLINE_H
#define DUST_KERNEL_SPLINE_H

#include <stddef.h>
#include <stdint.h>

/* Where index `index` of a mirrored line of n samples lies, 0 … n-1; 0 for n <= 1. */
int64_t dust_spline_mirror(int64_t index, int64_t n);
/* Samples -> coefficients, in place along every axis of a C-ordered grid. Axes of one sample stay as they are. */
void dust_spline_filter(double *grid, int ndim, const int64_t *shape);
/* The values at floor(x)-1 … floor(x)+2 of the basis functions for x = floor(x) + fraction, 0 <= fraction < 1, and their slopes
 * by x. */
void dust_spline_weights(double fraction, double weight[4]);
void dust_spline_slopes(double fraction, double slope[4]);

#endif
