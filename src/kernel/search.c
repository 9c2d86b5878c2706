/* Looking for an element and stopping at it: any, all, the first NaN. */
#include <math.h>
#include "kernel/blocks.h"
#include "kernel/reduce.h"

typedef struct search {
  dust_dtype dtype;
  bool zero; /* looks for a zero, or for anything else */
  bool found;
  int64_t seen;
} search;

static bool has_double(const double *x, size_t n, bool zero) {
  size_t zeros = 0;
  for (size_t i = 0; i < n; i++) zeros += x[i] == 0;
  return zero ? zeros > 0 : zeros < n;
}

static bool has_label(const uint64_t *x, size_t n, bool zero) {
  size_t zeros = 0;
  for (size_t i = 0; i < n; i++) zeros += x[i] == 0;
  return zero ? zeros > 0 : zeros < n;
}

static bool search_block(void *context, const dust_rows *rows, char *const *pointer, size_t n) {
  search *s = context;
  uint64_t buffer[DUST_BLOCK];
  if (dust_dtype_is_float(s->dtype))
    s->found = has_double(dust_block_doubles((double *)buffer, pointer[0], rows->stride[0], s->dtype, n), n, s->zero);
  else
    s->found = has_label(dust_block_labels(buffer, pointer[0], rows->stride[0], s->dtype, n), n, s->zero);
  return !s->found;
}

dust_status dust_any(bool *out, const dust_ndarray *a) {
  search s = {.dtype = a->dtype};
  dust_rows rows;
  DUST_TRY(dust_rows_init(&rows, 1, &a));
  dust_blocks_while(&rows, search_block, &s);
  *out = s.found;
  return DUST_OK;
}

dust_status dust_all(bool *out, const dust_ndarray *a) {
  search s = {.dtype = a->dtype, .zero = true};
  dust_rows rows;
  DUST_TRY(dust_rows_init(&rows, 1, &a));
  dust_blocks_while(&rows, search_block, &s);
  *out = !s.found;
  return DUST_OK;
}

static bool nan_block(void *context, const dust_rows *rows, char *const *pointer, size_t n) {
  search *s = context;
  double buffer[DUST_BLOCK];
  const double *x = dust_block_doubles(buffer, pointer[0], rows->stride[0], s->dtype, n);
  unsigned odd = 0;
  for (size_t i = 0; i < n; i++) odd |= x[i] != x[i];
  if (!odd) return s->seen += (int64_t)n, true;
  for (size_t i = 0; !s->found; i++, s->seen += !s->found) s->found = isnan(x[i]);
  return false;
}

dust_status dust_first_nan(int64_t *out, const dust_ndarray *a) {
  search s = {.dtype = a->dtype};
  dust_rows rows;
  *out = -1;
  if (!dust_dtype_is_float(a->dtype)) return DUST_OK;
  DUST_TRY(dust_rows_init(&rows, 1, &a));
  dust_blocks_while(&rows, nan_block, &s);
  if (s.found) *out = s.seen;
  return DUST_OK;
}
