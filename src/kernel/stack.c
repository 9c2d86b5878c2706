/* Stacking and concatenating: the result is made once, and each array is copied into its place in it. */
#include "kernel/stack.h"

#include "kernel/copy.h"

static dust_status check_alike(const dust_ndarray *const *array, size_t count, int free_axis) {
  char first[192], other[192];
  for (size_t k = 1; k < count; k++) {
    bool alike = array[k]->ndim == array[0]->ndim;
    for (int d = 0; alike && d < array[0]->ndim; d++) alike = d == free_axis || array[k]->shape[d] == array[0]->shape[d];
    if (array[k]->dtype != array[0]->dtype)
      return dust_fail(DUST_ERROR_ARGUMENT, "array %zu is %s, the first is %s: all must have one dtype (use :astype)", k + 1,
                       dust_dtype_name(array[k]->dtype), dust_dtype_name(array[0]->dtype));
    if (alike) continue;
    dust_shape_format(first, sizeof first, array[0]->ndim, array[0]->shape);
    dust_shape_format(other, sizeof other, array[k]->ndim, array[k]->shape);
    if (free_axis < 0)
      return dust_fail(DUST_ERROR_ARGUMENT, "array %zu has shape %s, the first %s: all must have one shape", k + 1, other, first);
    return dust_fail(DUST_ERROR_ARGUMENT, "array %zu has shape %s, the first %s: only axis %d may differ", k + 1, other, first,
                     free_axis + 1);
  }
  return DUST_OK;
}

/* array goes to out[begin : begin + length] of `axis`. */
static dust_status place(const dust_ndarray *out, const dust_ndarray *array, int axis, int64_t begin, int64_t length, dust_pool *pool) {
  dust_ndarray part = {0};
  DUST_TRY(dust_ndarray_slice(&part, out, axis, begin, begin + length, 1));
  dust_status status = dust_copy_array(&part, array, pool);
  dust_ndarray_release(&part);
  return status;
}

dust_status dust_stack_arrays(dust_ndarray *out, const dust_ndarray *const *array, size_t count, dust_pool *pool) {
  dust_ndarray made = {0};
  int64_t shape[DUST_MAXDIM] = {(int64_t)count};
  if (array[0]->ndim == DUST_MAXDIM)
    return dust_fail(DUST_ERROR_ARGUMENT, "arrays of %d axes can't be stacked: one more is too many", DUST_MAXDIM);
  DUST_TRY(check_alike(array, count, -1));
  for (int d = 0; d < array[0]->ndim; d++) shape[d + 1] = array[0]->shape[d];
  DUST_TRY(dust_ndarray_empty(&made, array[0]->dtype, array[0]->ndim + 1, shape));
  dust_status status = DUST_OK;
  for (size_t k = 0; k < count && status == DUST_OK; k++) status = place(&made, array[k], 0, (int64_t)k, 1, pool);
  if (status == DUST_OK)
    *out = made;
  else
    dust_ndarray_release(&made);
  return status;
}

dust_status dust_concatenate_arrays(dust_ndarray *out, const dust_ndarray *const *array, size_t count, int axis, dust_pool *pool) {
  dust_ndarray made = {0};
  int64_t shape[DUST_MAXDIM], begin = 0;
  if (axis < 0 || axis >= array[0]->ndim)
    return dust_fail(DUST_ERROR_ARGUMENT, "axis %d of an array of %d axes: there is no such axis", axis + 1, array[0]->ndim);
  DUST_TRY(check_alike(array, count, axis));
  for (int d = 0; d < array[0]->ndim; d++) shape[d] = array[0]->shape[d];
  for (size_t k = 1; k < count; k++)
    if (__builtin_add_overflow(shape[axis], array[k]->shape[axis], &shape[axis]))
      return dust_fail(DUST_ERROR_RANGE, "the arrays are longer together than 2^63");
  DUST_TRY(dust_ndarray_empty(&made, array[0]->dtype, array[0]->ndim, shape));
  dust_status status = DUST_OK;
  for (size_t k = 0; k < count && status == DUST_OK; begin += array[k++]->shape[axis])
    status = place(&made, array[k], axis, begin, array[k]->shape[axis], pool);
  if (status == DUST_OK)
    *out = made;
  else
    dust_ndarray_release(&made);
  return status;
}
