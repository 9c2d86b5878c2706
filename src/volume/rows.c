/* Merging of dimensions and walking of rows.
 *
 * From the last dimension outwards, dimension d joins the row when in every array stepping along d is the same as walking off the
 * end of the row, until the row has ROW_TARGET elements: longer rows gain nothing, would spill the scratch rows that kernels keep
 * out of the cache, and would leave a contiguous volume as one row that no pool could share. The order of elements is C order
 * whatever is merged.
 */
#include "volume/rows.h"
#include <string.h>

enum { ROW_TARGET = 8192, CHUNK_TARGET = 65536 };

static dust_status check_shapes(int arrays, const dust_ndarray *const *array) {
  if (arrays < 1 || arrays > DUST_ROWS_MAX)
    return dust_fail(DUST_ERROR_ARGUMENT, "%d arrays can't be walked together: the number must be from 1 to %d", arrays, DUST_ROWS_MAX);
  char first[DUST_SHAPE_TEXT], other[DUST_SHAPE_TEXT];
  for (int i = 1; i < arrays; i++) {
    if (dust_ndarray_same_shape(array[0], array[i])) continue;
    dust_shape_format(first, sizeof first, array[0]->ndim, array[0]->shape);
    dust_shape_format(other, sizeof other, array[i]->ndim, array[i]->shape);
    return dust_fail(DUST_ERROR_ARGUMENT, "arrays of shape %s and %s can't be walked together: they must have the same shape", first,
                     other);
  }
  return DUST_OK;
}

/* Whether dimension `d` goes on where the rows as they are end, and they are short enough. */
static bool joins(const dust_rows *rows, const dust_ndarray *const *array, int d) {
  if (rows->ndim > 0 || rows->length * (size_t)array[0]->shape[d] > ROW_TARGET) return false;
  for (int i = 0; i < rows->arrays; i++)
    if (array[i]->stride[d] != rows->stride[i] * (int64_t)rows->length) return false;
  return true;
}

static void take_as_row(dust_rows *rows, const dust_ndarray *const *array, int d) {
  rows->length = (size_t)array[0]->shape[d];
  for (int i = 0; i < rows->arrays; i++) rows->stride[i] = array[i]->stride[d];
}

/* One more outer dimension, outside of those there are; or more of the outermost, when it goes on in all arrays. */
static void take_as_outer(dust_rows *rows, const dust_ndarray *const *array, int d, int64_t *shape, int64_t (*outer)[DUST_ROWS_MAX]) {
  int top = rows->ndim - 1;
  bool merges = top >= 0;
  for (int i = 0; merges && i < rows->arrays; i++) merges = array[i]->stride[d] == outer[top][i] * shape[top];
  if (merges) {
    shape[top] *= array[0]->shape[d];
    return;
  }
  shape[rows->ndim] = array[0]->shape[d];
  for (int i = 0; i < rows->arrays; i++) outer[rows->ndim][i] = array[i]->stride[d];
  rows->ndim++;
}

dust_status dust_rows_init(dust_rows *rows, int arrays, const dust_ndarray *const *array) {
  DUST_TRY(check_shapes(arrays, array));
  memset(rows, 0, sizeof *rows);
  rows->arrays = arrays;
  rows->length = 1;
  for (int i = 0; i < arrays; i++) {
    rows->base[i] = array[i]->data;
    rows->stride[i] = (int64_t)dust_dtype_size(array[i]->dtype);
  }
  if (dust_ndarray_count(array[0]) == 0) return DUST_OK;
  int64_t shape[DUST_MAXDIM], outer[DUST_MAXDIM][DUST_ROWS_MAX]; /* innermost first */
  for (int d = array[0]->ndim - 1; d >= 0; d--) {
    if (array[0]->shape[d] == 1) continue;
    if (rows->length == 1)
      take_as_row(rows, array, d);
    else if (joins(rows, array, d))
      rows->length *= (size_t)array[0]->shape[d];
    else
      take_as_outer(rows, array, d, shape, outer);
  }
  rows->count = 1;
  for (int d = 0; d < rows->ndim; d++) {
    rows->shape[d] = shape[rows->ndim - 1 - d];
    rows->count *= (size_t)rows->shape[d];
    for (int i = 0; i < arrays; i++) rows->outer[i][d] = outer[rows->ndim - 1 - d][i];
  }
  return DUST_OK;
}

void dust_rows_init_any_order(dust_rows *rows, const dust_ndarray *array) {
  dust_axis_order order;
  const dust_ndarray view = dust_ndarray_in_memory(array, &order);
  dust_rows_init(rows, 1, (const dust_ndarray *[]){&view}); /* one array can't be of another shape than itself */
}

void dust_rows_at(const dust_rows *rows, size_t row, char **pointer) {
  for (int i = 0; i < rows->arrays; i++) pointer[i] = rows->base[i];
  for (int d = rows->ndim - 1; d >= 0; d--) {
    size_t length = (size_t)rows->shape[d];
    int64_t index = (int64_t)(row % length);
    row /= length;
    for (int i = 0; i < rows->arrays; i++) pointer[i] += index * rows->outer[i][d];
  }
}

typedef struct job {
  const dust_rows *rows;
  dust_row_body body;
  void *context;
} job;

static dust_status run_rows(void *context, size_t begin, size_t end, size_t chunk) {
  const job *j = context;
  char *pointer[DUST_ROWS_MAX];
  for (size_t row = begin; row < end; row++) {
    dust_rows_at(j->rows, row, pointer);
    DUST_TRY(j->body(j->context, j->rows, pointer, row));
  }
  return DUST_OK;
}

dust_status dust_rows_run(const dust_rows *rows, dust_pool *pool, dust_row_body body, void *context) {
  job j = {rows, body, context};
  size_t grain = rows->length < CHUNK_TARGET ? CHUNK_TARGET / rows->length : 1;
  return dust_pool_for(pool, rows->count, grain, run_rows, &j);
}
