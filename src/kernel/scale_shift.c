/* Intensity family: a block of a row is loaded, computed and stored while it is in L1. */
#include "kernel/scale_shift.h"

#include <math.h>
#include "volume/rows.h"

#define BLOCK 1024

typedef struct scale_pass {
  double scale, shift, low, high;
  dust_dtype from, to;
} scale_pass;

static void block_float(const scale_pass *pass, float *restrict v, size_t n) {
  float scale = (float)pass->scale, shift = (float)pass->shift, low = (float)pass->low, high = (float)pass->high;
  for (size_t i = 0; i < n; i++) v[i] *= scale;
  if (shift != 0)
    for (size_t i = 0; i < n; i++) v[i] += shift;
  if (low > -INFINITY || high < INFINITY)
    for (size_t i = 0; i < n; i++) v[i] = v[i] < low ? low : v[i] > high ? high : v[i];
}

static void block_double(const scale_pass *pass, double *restrict v, size_t n) {
  double scale = pass->scale, shift = pass->shift, low = pass->low, high = pass->high;
  for (size_t i = 0; i < n; i++) v[i] *= scale;
  if (shift != 0)
    for (size_t i = 0; i < n; i++) v[i] += shift;
  if (low > -INFINITY || high < INFINITY)
    for (size_t i = 0; i < n; i++) v[i] = v[i] < low ? low : v[i] > high ? high : v[i];
}

static dust_status scale_row(void *context, const dust_rows *rows, char *const *pointer, size_t row) {
  const scale_pass *pass = context;
  union { float f[BLOCK]; double d[BLOCK]; } v;
  for (size_t x = 0; x < rows->length; x += BLOCK) {
    size_t n = rows->length - x < BLOCK ? rows->length - x : BLOCK;
    char *out = pointer[0] + (ptrdiff_t)x * rows->stride[0];
    const char *in = pointer[1] + (ptrdiff_t)x * rows->stride[1];
    if (pass->to == DUST_FLOAT32) {
      dust_row_to_float(v.f, in, rows->stride[1], pass->from, n);
      block_float(pass, v.f, n);
      dust_row_from_float(out, rows->stride[0], pass->to, v.f, n);
    } else {
      dust_row_to_double(v.d, in, rows->stride[1], pass->from, n);
      block_double(pass, v.d, n);
      dust_row_from_double(out, rows->stride[0], pass->to, v.d, n);
    }
  }
  return DUST_OK;
}

dust_status dust_scale_shift(dust_ndarray *out, const dust_ndarray *in, double scale, double shift, dust_dtype dtype, double low, double high, dust_pool *pool) {
  if (!(low <= high)) return dust_fail(DUST_ERROR_ARGUMENT, "can't clip to [%g, %g]: low must not be above high", low, high);
  dust_ndarray made = {0};
  dust_rows rows;
  dust_status status;
  DUST_GO(dust_ndarray_empty(&made, dtype, in->ndim, in->shape));
  DUST_GO(dust_rows_init(&rows, 2, (const dust_ndarray *[]){&made, in}));
  scale_pass pass = {.scale = scale, .shift = shift, .low = low, .high = high, .from = in->dtype, .to = dtype};
  DUST_GO(dust_rows_run(&rows, pool, scale_row, &pass));
  *out = made;
  made = (dust_ndarray){0};
done:
  dust_ndarray_release(&made);
  return status;
}
