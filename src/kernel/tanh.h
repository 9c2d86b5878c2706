/* tanh of a row, correct to float32's last bit but for rare ties: what squashes distances. libm's tanhf, called element by
 * element, would cost more than the distances. */
#ifndef DUST_KERNEL_TANH_H
#define DUST_KERNEL_TANH_H

#include <stddef.h>

/* row[i] = tanh(row[i]) in float64, relative error below 1e-9 for |x| >= 1e-5 (absolute below 1e-14); NaN stays. */
void dust_tanh_row(double *row, size_t n);

#endif
