/* Looking for an element and stopping at it: any, all, the first NaN. */
#include <math.h>
#include "base/clones.h"
#include "kernel/blocks.h"
#include "kernel/reduce.h"

typedef struct search {
  dust_dtype dtype;
  bool zero; /* looks for a zero, or for anything else */
  bool found;
  int64_t seen;
} search;

#define ZEROS(type)                                                      \
  DUST_CLONED(size_t, zeros_##type, (const type *x, size_t n), (x, n)) { \
    size_t zeros = 0;                                                    \
    for (size_t i = 0; i < n; i++) zeros += x[i] == 0;                   \
    return zeros;                                                        \
  }
ZEROS(float)
ZEROS(double)
ZEROS(uint64_t)

/* In bytes whose sums can't overflow. */
DUST_CLONED(size_t, zeros_uint8_t, (const uint8_t *x, size_t n), (x, n)) {
  size_t zeros = 0;
  for (size_t begin = 0, end; begin < n; begin = end) {
    uint8_t some = 0;
    end = n - begin < UINT8_MAX ? n : begin + UINT8_MAX;
    for (size_t i = begin; i < end; i++) some = (uint8_t)(some + (x[i] == 0));
    zeros += some;
  }
  return zeros;
}

static bool search_block(void *context, const dust_rows *rows, char *const *pointer, size_t n) {
  search *s = context;
  uint64_t buffer[DUST_BLOCK];
  const char *from = pointer[0];
  const int64_t stride = rows->stride[0];
  size_t zeros;
  if (s->dtype == DUST_FLOAT32)
    zeros = zeros_float(dust_block_floats((float *)buffer, from, stride, s->dtype, n), n);
  else if (s->dtype == DUST_FLOAT64)
    zeros = zeros_double(dust_block_doubles((double *)buffer, from, stride, s->dtype, n), n);
  else if (dust_dtype_size(s->dtype) == 1 && stride == 1)
    zeros = zeros_uint8_t((const uint8_t *)from, n);
  else
    zeros = zeros_uint64_t(dust_block_labels(buffer, from, stride, s->dtype, n), n);
  s->found = s->zero ? zeros > 0 : zeros < n;
  return !s->found;
}

dust_status dust_any(bool *out, const dust_ndarray *a) {
  search s = {.dtype = a->dtype};
  dust_rows rows;
  dust_rows_init_any_order(&rows, a);
  dust_blocks_while(&rows, search_block, &s);
  *out = s.found;
  return DUST_OK;
}

dust_status dust_all(bool *out, const dust_ndarray *a) {
  search s = {.dtype = a->dtype, .zero = true};
  dust_rows rows;
  dust_rows_init_any_order(&rows, a);
  dust_blocks_while(&rows, search_block, &s);
  *out = !s.found;
  return DUST_OK;
}

#define HAS_NAN(type)                                                    \
  DUST_CLONED(bool, has_nan_##type, (const type *x, size_t n), (x, n)) { \
    unsigned odd = 0;                                                    \
    for (size_t i = 0; i < n; i++) odd |= x[i] != x[i];                  \
    return odd;                                                          \
  }
HAS_NAN(float)
HAS_NAN(double)

static bool nan_block(void *context, const dust_rows *rows, char *const *pointer, size_t n) {
  search *s = context;
  double wide[DUST_BLOCK];
  float narrow[DUST_BLOCK];
  bool has = s->dtype == DUST_FLOAT32 ? has_nan_float(dust_block_floats(narrow, pointer[0], rows->stride[0], s->dtype, n), n)
                                      : has_nan_double(dust_block_doubles(wide, pointer[0], rows->stride[0], s->dtype, n), n);
  if (!has) return s->seen += (int64_t)n, true;
  const double *x = dust_block_doubles(wide, pointer[0], rows->stride[0], s->dtype, n);
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
