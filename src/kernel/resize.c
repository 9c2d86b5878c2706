/* Nearest picks elements by a table an axis, in one pass. Sums go axis by axis, first to last, through arrays of doubles; an axis
 * that stays as it is costs nothing.
 *
 *     (outer, inputs, inner)  ->  (outer, outputs, inner)        a row of `inner` elements at a time
 */
#include "kernel/resize.h"

#include <inttypes.h>
#include <string.h>
#include "base/mem.h"
#include "kernel/copy.h"
#include "kernel/resize_weights.h"
#include "volume/rows.h"

#define ROWS_A_CHUNK 32

/* ---- nearest */

typedef struct pick_pass {
  const dust_ndarray *in;
  dust_ndarray *out;
  int channels;
  const dust_axis_weights *axis; /* one a spatial axis */
  size_t size;
} pick_pass;

static const char *source_row(const pick_pass *pass, int64_t row) {
  const char *start = pass->in->data;
  for (int a = pass->out->ndim - 2; a >= 0; a--) {
    int64_t at = row % pass->out->shape[a];
    row /= pass->out->shape[a];
    start += (a < pass->channels ? at : pass->axis[a - pass->channels].from[at]) * pass->in->stride[a];
  }
  return start;
}

static void pick(char *restrict out, const char *restrict in, const int64_t *restrict from, int64_t stride, int64_t n, size_t size) {
  if (size == 1)
    for (int64_t i = 0; i < n; i++) out[i] = in[from[i] * stride];
  else if (size == 4)
    for (int64_t i = 0; i < n; i++) memcpy(out + 4 * i, in + from[i] * stride, 4);
  else if (size == 8)
    for (int64_t i = 0; i < n; i++) memcpy(out + 8 * i, in + from[i] * stride, 8);
  else
    for (int64_t i = 0; i < n; i++) memcpy(out + (size_t)i * size, in + from[i] * stride, size);
}

static dust_status pick_rows(void *context, size_t begin, size_t end, size_t chunk) {
  const pick_pass *pass = context;
  int last = pass->out->ndim - 1;
  int64_t n = pass->out->shape[last];
  for (size_t row = begin; row < end; row++)
    pick(pass->out->data + row * (size_t)n * pass->size, source_row(pass, (int64_t)row), pass->axis[last - pass->channels].from,
         pass->in->stride[last], n, pass->size);
  return DUST_OK;
}

static dust_status pick_all(dust_ndarray *out, const dust_ndarray *in, int spatial, const dust_axis_weights *axis, dust_pool *pool) {
  pick_pass pass = {.in = in, .out = out, .channels = in->ndim - spatial, .axis = axis, .size = dust_dtype_size(in->dtype)};
  int64_t count = dust_ndarray_count(out);
  return dust_pool_for(pool, count ? (size_t)(count / out->shape[out->ndim - 1]) : 0, ROWS_A_CHUNK, pick_rows, &pass);
}

/* ---- sums */

typedef struct sum_pass {
  const double *in;
  double *out;
  int64_t inputs, inner;
  const dust_axis_weights *axis;
} sum_pass;

static void add_row(double *restrict out, const double *restrict in, double weight, int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] += weight * in[i];
}

static dust_status sum_rows(void *context, size_t begin, size_t end, size_t chunk) {
  const sum_pass *pass = context;
  const dust_axis_weights *w = pass->axis;
  for (size_t row = begin; row < end; row++) {
    int64_t outer = (int64_t)row / w->outputs, o = (int64_t)row % w->outputs;
    double *out = pass->out + (int64_t)row * pass->inner;
    const double *in = pass->in + outer * pass->inputs * pass->inner;
    memset(out, 0, (size_t)pass->inner * sizeof *out);
    for (int64_t k = o * w->taps; k < (o + 1) * w->taps; k++) add_row(out, in + w->from[k] * pass->inner, w->weight[k], pass->inner);
  }
  return DUST_OK;
}

/* *from (C order, float64) becomes the same with another length of axis `a`. */
static dust_status sum_axis(dust_ndarray *from, int a, const dust_axis_weights *axis, dust_pool *pool) {
  dust_ndarray made = {0};
  int64_t shape[DUST_MAXDIM], rows = axis->outputs;
  memcpy(shape, from->shape, sizeof shape);
  shape[a] = axis->outputs;
  DUST_TRY(dust_ndarray_empty(&made, DUST_FLOAT64, from->ndim, shape));
  sum_pass pass = {.in = (const double *)(const void *)from->data,
                   .out = (double *)(void *)made.data,
                   .inputs = from->shape[a],
                   .inner = 1,
                   .axis = axis};
  for (int b = a + 1; b < from->ndim; b++) pass.inner *= shape[b];
  for (int b = 0; b < a; b++) rows *= shape[b];
  int64_t grain = 1 + 4096 / (pass.inner + 1);
  dust_status status = dust_ndarray_count(&made) ? dust_pool_for(pool, (size_t)rows, (size_t)grain, sum_rows, &pass) : DUST_OK;
  if (status != DUST_OK) return dust_ndarray_release(&made), status;
  dust_ndarray_release(from);
  *from = made;
  return DUST_OK;
}

static dust_status store_row(void *context, const dust_rows *rows, char *const *pointer, size_t row) {
  const dust_ndarray *out = context;
  dust_row_from_double(pointer[0], rows->stride[0], out->dtype, (const double *)(const void *)pointer[1], rows->length);
  return DUST_OK;
}

static dust_status sum_all(dust_ndarray *out, const dust_ndarray *in, int spatial, const dust_axis_weights *axis, const bool *same,
                           dust_pool *pool) {
  dust_ndarray wide = {0};
  dust_rows rows;
  dust_status status;
  DUST_GO(dust_ndarray_empty(&wide, DUST_FLOAT64, in->ndim, in->shape));
  DUST_GO(dust_ndarray_assign(&wide, in, pool));
  for (int d = 0; d < spatial; d++)
    if (!same[d]) DUST_GO(sum_axis(&wide, in->ndim - spatial + d, &axis[d], pool));
  DUST_GO(dust_rows_init(&rows, 2, (const dust_ndarray *[]){out, &wide}));
  DUST_GO(dust_rows_run(&rows, pool, store_row, out));
done:
  dust_ndarray_release(&wide);
  return status;
}

static dust_status check(const dust_ndarray *in, int spatial, const int64_t *shape) {
  if (spatial < 1 || spatial > in->ndim)
    return dust_fail(DUST_ERROR_ARGUMENT, "an array of %d axes has no %d spatial axes to resize", in->ndim, spatial);
  for (int d = 0; d < spatial; d++) {
    if (shape[d] < 0) return dust_fail(DUST_ERROR_ARGUMENT, "a length of %" PRId64 " on axis %d: it can't be negative", shape[d], d + 1);
    if (in->shape[in->ndim - spatial + d] == 0 && shape[d] > 0)
      return dust_fail(DUST_ERROR_RANGE, "spatial axis %d has no voxels to take any from", d + 1);
  }
  return DUST_OK;
}

dust_status dust_resize_array(dust_ndarray *out, const dust_ndarray *in, int spatial, const int64_t *shape, const double *scale,
                              const double *shift, dust_resize_mode mode, dust_pool *pool) {
  DUST_TRY(check(in, spatial, shape));
  dust_axis_weights axis[DUST_MAXDIM] = {{0}};
  dust_ndarray made = {0};
  bool same[DUST_MAXDIM];
  int64_t whole[DUST_MAXDIM];
  dust_status status;
  for (int a = 0; a < in->ndim; a++) whole[a] = a < in->ndim - spatial ? in->shape[a] : shape[a - in->ndim + spatial];
  DUST_GO(dust_ndarray_empty(&made, in->dtype, in->ndim, whole));
  for (int d = 0; d < spatial; d++) {
    int64_t inputs = in->shape[in->ndim - spatial + d];
    same[d] = inputs == shape[d] && scale[d] == 1 && shift[d] == 0;
    DUST_GO(dust_axis_weights_make(&axis[d], inputs, shape[d], scale[d], shift[d], mode));
  }
  if (mode == DUST_RESIZE_NEAREST)
    DUST_GO(pick_all(&made, in, spatial, axis, pool));
  else
    DUST_GO(sum_all(&made, in, spatial, axis, same, pool));
  *out = made;
  made = (dust_ndarray){0};
done:
  for (int d = 0; d < spatial; d++) dust_axis_weights_release(&axis[d]);
  dust_ndarray_release(&made);
  return status;
}
