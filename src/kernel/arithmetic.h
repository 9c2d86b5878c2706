/* a op b for + - * / ^, element by element, with numpy's broadcasting; an operand may be a number.
 *
 * Result types: numpy's for two arrays; a number never widens an array. Integer results saturate and, where a fraction was
 * involved, round half to even. Division of integers gives float32, of 64-bit integers float64; division with a float array on
 * either side gives the promoted float type. How: float32 results in float32 (in double when a wider integer takes part), float64
 * in double, integers up to 32 bits via double (exact), 64-bit integers exactly, in integer arithmetic; only a number with a
 * fraction takes those through double.
 */
#ifndef DUST_KERNEL_ARITHMETIC_H
#define DUST_KERNEL_ARITHMETIC_H

#include "base/pool.h"
#include "kernel/scalar.h"
#include "volume/ndarray.h"

typedef enum dust_arithmetic_op { DUST_OP_ADD, DUST_OP_SUBTRACT, DUST_OP_MULTIPLY, DUST_OP_DIVIDE, DUST_OP_POWER } dust_arithmetic_op;

typedef struct dust_operand {
  const dust_ndarray *array; /* NULL: the number */
  dust_scalar number;
} dust_operand;

/* At least one operand is an array. out is made by the function, in C order. Shapes that don't go together: DUST_ERROR_ARGUMENT.
 * */
dust_status dust_arithmetic(dust_ndarray *out, dust_arithmetic_op op, const dust_operand *a, const dust_operand *b, dust_pool *pool);

/* The common shape of two arrays by numpy's rule; returns it in ndim and shape (DUST_MAXDIM long). */
dust_status dust_broadcast_shape(int *ndim, int64_t *shape, const dust_ndarray *a, const dust_ndarray *b);

#endif
