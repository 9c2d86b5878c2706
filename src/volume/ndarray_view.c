/* Views: other shapes and strides over the same bytes. None copies an element, but reshape when the elements are not in C order.
 *
 * Each builds the view beside its source, checks first, and takes its reference last. A view without elements keeps the source's
 * data pointer, so that no pointer ever leaves the buffer.
 */
#include <inttypes.h>
#include <stdlib.h>
#include "volume/ndarray.h"

static dust_status check_axis(const dust_ndarray *in, int axis) {
  if (axis >= 0 && axis < in->ndim) return DUST_OK;
  return dust_fail(DUST_ERROR_ARGUMENT, "axis %d of an array of %d axes: there is no such axis", axis + 1, in->ndim);
}

static dust_status finish(dust_ndarray *out, const dust_ndarray *view) {
  dust_ndarray_share(out, view);
  return DUST_OK;
}

/* Moves the view's first element by `count` steps along an axis of `in`. */
static void move(dust_ndarray *view, const dust_ndarray *in, int axis, int64_t count) {
  if (dust_ndarray_count(view) > 0) view->data += count * in->stride[axis];
}

static dust_status check_slice(int64_t length, int axis, int64_t begin, int64_t end, int64_t step) {
  if (step == 0) return dust_fail(DUST_ERROR_ARGUMENT, "a slice of axis %d with step 0: the step must go up or down", axis + 1);
  bool up = begin >= 0 && begin <= end && end <= length;
  bool down = end >= -1 && end <= begin && (begin < length || (begin == end && begin == length));
  if (step > 0 ? up : down) return DUST_OK;
  return dust_fail(DUST_ERROR_RANGE,
                   "a slice from %" PRId64 " up to but without %" PRId64 " by steps of %" PRId64
                   " (counted from 0) is not inside axis %d of length %" PRId64,
                   begin, end, step, axis + 1, length);
}

dust_status dust_ndarray_slice(dust_ndarray *out, const dust_ndarray *in, int axis, int64_t begin, int64_t end, int64_t step) {
  DUST_TRY(check_axis(in, axis));
  DUST_TRY(check_slice(in->shape[axis], axis, begin, end, step));
  uint64_t span = (uint64_t)(step > 0 ? end - begin : begin - end), stride = step > 0 ? (uint64_t)step : -(uint64_t)step;
  dust_ndarray view = *in;
  view.shape[axis] = (int64_t)(span / stride + (span % stride != 0));
  if (view.shape[axis] > 1) view.stride[axis] *= step; /* with fewer, the stride is never used and the product might overflow */
  move(&view, in, axis, begin);
  return finish(out, &view);
}

dust_status dust_ndarray_crop(dust_ndarray *out, const dust_ndarray *in, const int64_t *begin, const int64_t *shape) {
  dust_ndarray view = *in;
  for (int d = 0; d < in->ndim; d++) {
    if (begin[d] < 0 || shape[d] < 0 || begin[d] > in->shape[d] || shape[d] > in->shape[d] - begin[d])
      return dust_fail(DUST_ERROR_RANGE, "a crop of %" PRId64 " from %" PRId64 " (counted from 0) is not inside axis %d of length %" PRId64,
                       shape[d], begin[d], d + 1, in->shape[d]);
    view.shape[d] = shape[d];
  }
  for (int d = 0; d < in->ndim; d++) move(&view, in, d, begin[d]);
  return finish(out, &view);
}

dust_status dust_ndarray_pick(dust_ndarray *out, const dust_ndarray *in, int axis, int64_t index) {
  DUST_TRY(check_axis(in, axis));
  if (index < 0 || index >= in->shape[axis])
    return dust_fail(DUST_ERROR_RANGE, "index %" PRId64 " (counted from 0) is not inside axis %d of length %" PRId64, index, axis + 1,
                     in->shape[axis]);
  dust_ndarray view = *in;
  view.ndim--;
  for (int d = axis; d < view.ndim; d++) {
    view.shape[d] = in->shape[d + 1];
    view.stride[d] = in->stride[d + 1];
  }
  move(&view, in, axis, index);
  return finish(out, &view);
}

dust_status dust_ndarray_flip(dust_ndarray *out, const dust_ndarray *in, int axis) {
  DUST_TRY(check_axis(in, axis));
  dust_ndarray view = *in;
  move(&view, in, axis, in->shape[axis] - 1);
  view.stride[axis] = -in->stride[axis];
  return finish(out, &view);
}

dust_status dust_ndarray_transpose(dust_ndarray *out, const dust_ndarray *in, const int *axes) {
  dust_ndarray view = *in;
  unsigned seen = 0;
  for (int d = 0; d < in->ndim; d++) {
    DUST_TRY(check_axis(in, axes[d]));
    if (seen >> axes[d] & 1u)
      return dust_fail(DUST_ERROR_ARGUMENT, "axis %d is named twice: a transposition names each axis once", axes[d] + 1);
    seen |= 1u << axes[d];
    view.shape[d] = in->shape[axes[d]];
    view.stride[d] = in->stride[axes[d]];
  }
  return finish(out, &view);
}

static bool lies_outside(const dust_ndarray *in, int a, int b) {
  return in->shape[a] > 1 && in->shape[b] > 1 && llabs(in->stride[a]) > llabs(in->stride[b]);
}

dust_ndarray dust_ndarray_in_memory(const dust_ndarray *in, dust_axis_order *order) {
  dust_ndarray view = *in;
  for (int d = 0; d < in->ndim; d++) { /* few axes, mostly in order */
    int at = d;
    while (at > 0 && lies_outside(in, d, order->axis[at - 1])) at--;
    for (int e = d; e > at; e--) order->axis[e] = order->axis[e - 1];
    order->axis[at] = d;
  }
  for (int d = 0; d < in->ndim; d++) {
    int from = order->axis[d];
    order->reversed[d] = in->shape[from] > 1 && in->stride[from] < 0;
    view.shape[d] = in->shape[from];
    view.stride[d] = order->reversed[d] ? -in->stride[from] : in->stride[from];
    if (order->reversed[d]) move(&view, in, from, in->shape[from] - 1);
  }
  return view;
}

void dust_ndarray_from_memory(dust_ndarray *out, const dust_ndarray *in, const dust_axis_order *order) {
  dust_ndarray view = *in;
  for (int d = 0; d < in->ndim; d++) {
    int to = order->axis[d];
    view.shape[to] = in->shape[d];
    view.stride[to] = order->reversed[d] ? -in->stride[d] : in->stride[d];
    if (order->reversed[d]) move(&view, in, d, in->shape[d] - 1);
  }
  dust_ndarray_share(out, &view);
}

dust_status dust_ndarray_add_axis(dust_ndarray *out, const dust_ndarray *in, int axis) {
  if (in->ndim == DUST_MAXDIM)
    return dust_fail(DUST_ERROR_ARGUMENT, "an array of %d axes can't get one more: that is the most there can be", DUST_MAXDIM);
  if (axis < 0 || axis > in->ndim)
    return dust_fail(DUST_ERROR_ARGUMENT, "a new axis %d in an array of %d axes: it must be from 1 to %d", axis + 1, in->ndim,
                     in->ndim + 1);
  dust_ndarray view = *in;
  view.ndim++;
  for (int d = in->ndim; d > axis; d--) {
    view.shape[d] = in->shape[d - 1];
    view.stride[d] = in->stride[d - 1];
  }
  view.shape[axis] = 1;
  view.stride[axis] = (int64_t)dust_dtype_size(in->dtype);
  return finish(out, &view);
}

static dust_status cannot_become(const char *how, const dust_ndarray *in, int ndim, const int64_t *shape) {
  char from[DUST_SHAPE_TEXT], to[DUST_SHAPE_TEXT];
  dust_shape_format(from, sizeof from, in->ndim, in->shape);
  dust_shape_format(to, sizeof to, ndim, shape);
  return dust_fail(DUST_ERROR_ARGUMENT, "an array of shape %s can't be %s to %s", from, how, to);
}

/* Product of a shape into *count; true when an entry is negative or the product is beyond `limit`. The entry at `skip` is left
 * out. */
static bool product(int64_t *count, int ndim, const int64_t *shape, int skip, int64_t limit) {
  *count = 1;
  for (int d = 0; d < ndim; d++)
    if (d != skip && shape[d] == 0) *count = 0;
  for (int d = 0; d < ndim; d++) {
    if (d == skip) continue;
    if (shape[d] < 0) return true;
    if (*count && (__builtin_mul_overflow(*count, shape[d], count) || *count > limit)) return true;
  }
  return false;
}

dust_status dust_ndarray_broadcast(dust_ndarray *out, const dust_ndarray *in, int ndim, const int64_t *shape) {
  if (ndim < in->ndim || ndim > DUST_MAXDIM) return cannot_become("broadcast", in, ndim, shape);
  int64_t count, item = (int64_t)dust_dtype_size(in->dtype);
  if (product(&count, ndim, shape, -1, INT64_MAX / item)) return cannot_become("broadcast", in, ndim, shape);
  dust_ndarray view = *in;
  view.ndim = ndim;
  for (int d = ndim - 1, from = in->ndim - 1; d >= 0; d--, from--) {
    int64_t have = from >= 0 ? in->shape[from] : 1;
    if (have != shape[d] && have != 1) return cannot_become("broadcast", in, ndim, shape);
    view.shape[d] = shape[d];
    view.stride[d] = have == shape[d] && from >= 0 ? in->stride[from] : 0;
  }
  return finish(out, &view);
}

/* The shape asked for with its -1, if any, worked out. */
static dust_status resolve(int64_t *out, const dust_ndarray *in, int ndim, const int64_t *shape) {
  int open = -1;
  int64_t count = dust_ndarray_count(in), known;
  if (ndim < 0 || ndim > DUST_MAXDIM)
    return dust_fail(DUST_ERROR_ARGUMENT, "a shape of %d axes: there can be at most %d", ndim, DUST_MAXDIM);
  for (int d = 0; d < ndim; d++) {
    out[d] = shape[d];
    if (shape[d] != -1) continue;
    if (open >= 0) return cannot_become("reshaped", in, ndim, shape);
    open = d;
  }
  if (product(&known, ndim, shape, open, INT64_MAX)) return cannot_become("reshaped", in, ndim, shape);
  if (open >= 0 && (known == 0 || count % known != 0)) return cannot_become("reshaped", in, ndim, shape);
  if (open < 0 && known != count) return cannot_become("reshaped", in, ndim, shape);
  if (open >= 0) out[open] = count / known;
  return DUST_OK;
}

dust_status dust_ndarray_reshape(dust_ndarray *out, const dust_ndarray *in, int ndim, const int64_t *shape) {
  int64_t resolved[DUST_MAXDIM];
  DUST_TRY(resolve(resolved, in, ndim, shape));
  dust_ndarray view;
  DUST_TRY(dust_ndarray_contiguous(&view, in));
  view.ndim = ndim;
  int64_t stride = (int64_t)dust_dtype_size(in->dtype);
  for (int d = ndim - 1; d >= 0; d--) {
    view.shape[d] = resolved[d];
    view.stride[d] = stride;
    if (__builtin_mul_overflow(stride, resolved[d], &stride)) stride = 0; /* an array without elements */
  }
  *out = view;
  return DUST_OK;
}
