/* Element types by numpy's names, and the only place that converts between them.
 *
 * Three families, as kernels see them: movement (item size is all that counts), intensity (a row is loaded to double or float,
 * computed, and stored with saturate-and-round), labels (a row is loaded to uint64, so that no id loses a bit).
 */
#ifndef DUST_BASE_DTYPE_H
#define DUST_BASE_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/status.h"

typedef enum dust_dtype {
  DUST_UINT8,
  DUST_UINT16,
  DUST_UINT32,
  DUST_UINT64,
  DUST_INT8,
  DUST_INT16,
  DUST_INT32,
  DUST_INT64,
  DUST_FLOAT32,
  DUST_FLOAT64,
  DUST_DTYPE_COUNT
} dust_dtype;

#define DUST_DTYPE_NONE ((dust_dtype)-1) /* "not said" in specs */

size_t dust_dtype_size(dust_dtype dtype);
const char *dust_dtype_name(dust_dtype dtype); /* "uint8" … "float64" */
bool dust_dtype_is_float(dust_dtype dtype);
bool dust_dtype_is_signed(dust_dtype dtype); /* floats are */
/* The type of that name. Unknown names fail with the list of known ones ("bool" is told to use uint8). */
dust_status dust_dtype_from_name(const char *name, dust_dtype *out);
/* numpy's result type of a binary operation (uint8+int8 -> int16, uint64+int64 -> float64, float32+int32 -> float64 …). */
dust_dtype dust_dtype_promote(dust_dtype a, dust_dtype b);
/* Smallest and largest value that fits (as double; 2^64-1 rounds up). */
void dust_dtype_limits(dust_dtype dtype, double *lowest, double *highest);

/* Rows: n elements `stride` bytes apart on the typed side, contiguous on the other. */
void dust_row_to_double(double *restrict out, const void *in, ptrdiff_t stride, dust_dtype dtype, size_t n);
void dust_row_to_float(float *restrict out, const void *in, ptrdiff_t stride, dust_dtype dtype, size_t n);
/* integers: sign-extended; floats: truncated */
void dust_row_to_label(uint64_t *restrict out, const void *in, ptrdiff_t stride, dust_dtype dtype, size_t n);
/* Stores with round-half-to-even and saturation for integer types; NaN becomes 0 there. */
void dust_row_from_double(void *out, ptrdiff_t stride, dust_dtype dtype, const double *restrict in, size_t n);
void dust_row_from_float(void *out, ptrdiff_t stride, dust_dtype dtype, const float *restrict in, size_t n);
/* Stores ids; the low bits where the type is narrower. */
void dust_row_from_label(void *out, ptrdiff_t stride, dust_dtype dtype, const uint64_t *restrict in, size_t n);
/* numpy's astype of a row: integer to integer wraps, float to integer truncates towards zero (saturating where numpy is
 * undefined, NaN -> 0). */
void dust_row_cast(void *out, ptrdiff_t out_stride, dust_dtype out_dtype, const void *in, ptrdiff_t in_stride, dust_dtype in_dtype,
                   size_t n);

#endif
