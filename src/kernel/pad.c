/* Each axis gets a table that says where an output index comes from:
 *
 *     before = 2, length 4, after = 3, reflect     out  0 1 2 3 4 5 6 7 8
 *                                                  in   2 1 0 1 2 3 2 1 0
 *                                      constant    in   . . 0 1 2 3 . . .      (. = -1: the constant)
 */
#include "kernel/pad.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include "base/mem.h"

#define ROWS_A_CHUNK 64

typedef struct pad_pass {
  const dust_ndarray *in;
  dust_ndarray *out;
  int64_t *from[DUST_MAXDIM];
  int64_t before, length; /* of the last axis */
  const void *element;
  size_t size;
} pad_pass;

static int64_t reflected(int64_t index, int64_t length) {
  if (length == 1) return 0;
  int64_t period = 2 * (length - 1), at = index % period;
  if (at < 0) at += period;
  return at < length ? at : period - at;
}

static dust_status make_table(int64_t **out, int64_t before, int64_t length, int64_t total, dust_pad_mode mode) {
  DUST_TRY(dust_alloc((void **)out, (size_t)total * sizeof **out));
  for (int64_t i = 0; i < total; i++) {
    bool inside = i >= before && i < before + length;
    (*out)[i] = inside ? i - before : mode == DUST_PAD_REFLECT ? reflected(i - before, length) : -1;
  }
  return DUST_OK;
}

static void fill_elements(char *out, const void *element, size_t size, size_t n) {
  if (n == 0) return;
  memcpy(out, element, size);
  for (size_t done = 1; done < n; done *= 2) memcpy(out + done * size, out, (done < n - done ? done : n - done) * size);
}

static void copy_elements(char *out, const char *in, int64_t stride, size_t size, size_t n) {
  if (stride == (int64_t)size)
    memcpy(out, in, n * size);
  else
    for (size_t i = 0; i < n; i++) memcpy(out + i * size, in + (int64_t)i * stride, size);
}

/* The part of a row outside of the array: constants, or elements of the array wherever the table says. */
static void pad_run(const pad_pass *pass, char *out, const char *in, int64_t begin, int64_t end) {
  int last = pass->in->ndim - 1;
  const int64_t *from = pass->from[last];
  if (begin < end && from[begin] < 0)
    fill_elements(out + (size_t)begin * pass->size, pass->element, pass->size, (size_t)(end - begin));
  else
    for (int64_t i = begin; i < end; i++) memcpy(out + (size_t)i * pass->size, in + from[i] * pass->in->stride[last], pass->size);
}

/* The row of `in` that output row `row` comes from; NULL when it is all constant. */
static const char *source_row(const pad_pass *pass, int64_t row) {
  const char *start = pass->in->data;
  for (int a = pass->in->ndim - 2; a >= 0; a--) {
    int64_t from = pass->from[a][row % pass->out->shape[a]];
    if (from < 0) return NULL;
    row /= pass->out->shape[a];
    start += from * pass->in->stride[a];
  }
  return start;
}

static dust_status pad_rows(void *context, size_t begin, size_t end, size_t chunk) {
  const pad_pass *pass = context;
  int last = pass->in->ndim - 1;
  int64_t total = pass->out->shape[last];
  for (size_t row = begin; row < end; row++) {
    char *out = pass->out->data + row * (size_t)total * pass->size;
    const char *in = source_row(pass, (int64_t)row);
    if (!in) {
      fill_elements(out, pass->element, pass->size, (size_t)total);
      continue;
    }
    pad_run(pass, out, in, 0, pass->before);
    copy_elements(out + (size_t)pass->before * pass->size, in, pass->in->stride[last], pass->size, (size_t)pass->length);
    pad_run(pass, out, in, pass->before + pass->length, total);
  }
  return DUST_OK;
}

static dust_status padded_shape(int64_t *shape, const dust_ndarray *in, const int64_t *before, const int64_t *after, dust_pad_mode mode) {
  for (int a = 0; a < in->ndim; a++) {
    if (before[a] < 0 || after[a] < 0)
      return dust_fail(DUST_ERROR_ARGUMENT,
                       "padding of axis %d is %" PRId64 " before and %" PRId64 " after: it can't be negative, crop instead", a + 1,
                       before[a], after[a]);
    if (__builtin_add_overflow(before[a], in->shape[a], &shape[a]) || __builtin_add_overflow(shape[a], after[a], &shape[a]))
      return dust_fail(DUST_ERROR_RANGE, "axis %d of %" PRId64 " elements can't grow by %" PRId64 " and %" PRId64, a + 1, in->shape[a],
                       before[a], after[a]);
    if (mode == DUST_PAD_REFLECT && in->shape[a] == 0 && shape[a] > 0)
      return dust_fail(DUST_ERROR_ARGUMENT, "axis %d has no elements to reflect: pad with a constant", a + 1);
  }
  return DUST_OK;
}

dust_status dust_pad_array(dust_ndarray *out, const dust_ndarray *in, const int64_t *before, const int64_t *after, dust_pad_mode mode,
                           const void *element, dust_pool *pool) {
  static const char zero[8] = {0};
  int64_t shape[DUST_MAXDIM];
  DUST_TRY(padded_shape(shape, in, before, after, mode));
  if (in->ndim == 0) return dust_ndarray_copy(out, in);
  dust_ndarray made = {0};
  int last = in->ndim - 1;
  pad_pass pass = {.in = in,
                   .out = &made,
                   .before = before[last],
                   .length = in->shape[last],
                   .element = element ? element : zero,
                   .size = dust_dtype_size(in->dtype)};
  dust_status status;
  DUST_GO(dust_ndarray_empty(&made, in->dtype, in->ndim, shape));
  int64_t count = dust_ndarray_count(&made);
  for (int a = 0; count > 0 && a < in->ndim; a++) DUST_GO(make_table(&pass.from[a], before[a], in->shape[a], shape[a], mode));
  if (count > 0) DUST_GO(dust_pool_for(pool, (size_t)(count / shape[last]), ROWS_A_CHUNK, pad_rows, &pass));
  *out = made;
  made = (dust_ndarray){0};
done:
  dust_ndarray_release(&made);
  for (int a = 0; a < in->ndim; a++) dust_free(pass.from[a]);
  return status;
}

dust_status dust_pad_element(void *element, dust_dtype dtype, double value) {
  double lowest, highest, whole = dust_dtype_is_float(dtype) ? value : nearbyint(value);
  dust_dtype_limits(dtype, &lowest, &highest);
  bool sixty_four = dtype == DUST_INT64 || dtype == DUST_UINT64; /* their highest rounds up to one that doesn't fit */
  bool fits = whole >= lowest && (sixty_four ? whole < highest : whole <= highest);
  if (dust_dtype_is_float(dtype) && (isnan(value) || isinf(value))) fits = true;
  if (!fits)
    return dust_fail(DUST_ERROR_RANGE, "%.17g doesn't fit %s, which holds %.17g to %.17g", value, dust_dtype_name(dtype), lowest, highest);
  dust_row_from_double(element, 8, dtype, &value, 1);
  return DUST_OK;
}

dust_status dust_pad_element_integer(void *element, dust_dtype dtype, int64_t value) {
  if (dust_dtype_is_float(dtype)) return dust_pad_element(element, dtype, (double)value);
  uint64_t label = (uint64_t)value, back = 0;
  memset(element, 0, 8);
  dust_row_from_label(element, 8, dtype, &label, 1);
  dust_row_to_label(&back, element, 8, dtype, 1);
  if (back == label && (value >= 0 || dust_dtype_is_signed(dtype) || dtype == DUST_UINT64)) return DUST_OK;
  double lowest, highest;
  dust_dtype_limits(dtype, &lowest, &highest);
  return dust_fail(DUST_ERROR_RANGE, "%" PRId64 " doesn't fit %s, which holds %.17g to %.17g", value, dust_dtype_name(dtype), lowest,
                   highest);
}
