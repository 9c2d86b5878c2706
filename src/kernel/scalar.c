/* One number into one element: see the header for what happens to numbers that don't fit. */
#include "kernel/scalar.h"

#include <math.h>
#include <string.h>

dust_scalar dust_scalar_integer(int64_t value) { return (dust_scalar){true, value, (double)value}; }

dust_scalar dust_scalar_number(double value) {
  bool whole = value >= -0x1p63 && value < 0x1p63 && value == rint(value) && !(value == 0 && signbit(value));
  return (dust_scalar){whole, whole ? (int64_t)value : 0, value};
}

void dust_scalar_store(void *out, dust_dtype dtype, const dust_scalar *scalar) {
  bool wide = dtype == DUST_UINT64 || dtype == DUST_INT64;
  bool beyond = dtype == DUST_INT64 && scalar->number >= 0x1p63; /* and saturates */
  if (wide && scalar->is_integer && !beyond)
    memcpy(out, &scalar->integer, sizeof scalar->integer);
  else
    dust_row_from_double(out, (ptrdiff_t)dust_dtype_size(dtype), dtype, &scalar->number, 1);
}
