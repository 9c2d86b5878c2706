/* Comparisons: uint8 masks of ones and zeros, and counts of a value.
 *
 * 64-bit integers are compared exactly, also uint64 with int64. Against a uint64 array an integer stands for its 64 bits
 * (kernel/scalar.h). Against a float32 array a number is rounded to float32 first, so that what was stored is found. NaN is
 * unequal to everything. 64-bit integers meet float arrays as doubles, as in numpy.
 */
#ifndef DUST_KERNEL_COMPARE_H
#define DUST_KERNEL_COMPARE_H

#include "kernel/arithmetic.h"

typedef enum dust_compare_op { DUST_OP_EQ, DUST_OP_NE, DUST_OP_LT, DUST_OP_LE, DUST_OP_GT, DUST_OP_GE } dust_compare_op;

/* a op b with b an array (broadcast with a) or a number; a is an array. out is made by the function. */
dust_status dust_compare(dust_ndarray *out, dust_compare_op op, const dust_ndarray *a, const dust_operand *b, dust_pool *pool);
/* How many elements equal the number. */
dust_status dust_count_value(int64_t *out, const dust_ndarray *a, const dust_scalar *value, dust_pool *pool);

#endif
