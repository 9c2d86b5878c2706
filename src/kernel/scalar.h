/* A number from outside that meets an array: a 64-bit integer or a double. It never widens the array it meets.
 *
 * Stored into an array it rounds half to even and saturates; for a uint64 array an integer stands for its 64 bits, so that an id
 * above 2^63, which a signed reader sees as negative, finds itself again. In arithmetic a negative integer is negative.
 */
#ifndef DUST_KERNEL_SCALAR_H
#define DUST_KERNEL_SCALAR_H

#include <stdbool.h>
#include "base/dtype.h"

typedef struct dust_scalar {
  bool is_integer;
  int64_t integer; /* when is_integer */
  double number;   /* always; from 2^63 on with a negative integer: that is the bits of an unsigned one */
} dust_scalar;

dust_scalar dust_scalar_integer(int64_t value);
dust_scalar dust_scalar_number(double value); /* a whole number within 2^63 becomes an integer as well */
/* One element at `out` (dust_dtype_size(dtype) bytes). */
void dust_scalar_store(void *out, dust_dtype dtype, const dust_scalar *scalar);

#endif
