/* Each row is looked up in the sorted ids; labels come in runs, so the answer for the last one usually holds. */
#include "kernel/exclude.h"

#include <inttypes.h>
#include <stdlib.h>
#include "kernel/blocks.h"

typedef struct exclude_pass {
  dust_dtype dtype;
  size_t n;
  const uint64_t *id;
  uint64_t value;
} exclude_pass;

static int rising(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x < y ? -1 : x > y;
}

static bool contains(const exclude_pass *pass, uint64_t label) {
  size_t low = 0, high = pass->n;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (pass->id[middle] < label)
      low = middle + 1;
    else
      high = middle;
  }
  return low < pass->n && pass->id[low] == label;
}

static void exclude_block(void *context, const dust_rows *rows, char *const *pointer, size_t n, size_t chunk) {
  const exclude_pass *pass = context;
  uint64_t buffer[DUST_BLOCK], kept[DUST_BLOCK];
  uint8_t excluded[DUST_BLOCK];
  const uint64_t *label = dust_block_labels(buffer, pointer[2], rows->stride[2], pass->dtype, n);
  bool found = false;
  for (size_t i = 0; i < n; i++) {
    if (i == 0 || label[i] != label[i - 1]) found = contains(pass, label[i]);
    kept[i] = found ? pass->value : label[i];
    excluded[i] = found;
  }
  dust_row_from_label(pointer[0], rows->stride[0], pass->dtype, kept, n);
  for (size_t i = 0; i < n; i++) pointer[1][(int64_t)i * rows->stride[1]] = (char)excluded[i];
}

static dust_status check_value(int64_t value, dust_dtype dtype) {
  uint64_t element = 0, id = (uint64_t)value, back;
  dust_row_from_label(&element, 8, dtype, &id, 1);
  dust_row_to_label(&back, &element, 8, dtype, 1);
  if (back == id) return DUST_OK;
  return dust_fail(DUST_ERROR_RANGE, "value %" PRId64 " doesn't fit into labels of %s", value, dust_dtype_name(dtype));
}

dust_status dust_exclude_labels(dust_ndarray *out, dust_ndarray *where, const dust_ndarray *labels, size_t n, uint64_t *id, int64_t value,
                                dust_pool *pool) {
  if (dust_dtype_is_float(labels->dtype))
    return dust_fail(DUST_ERROR_ARGUMENT, "labels must have an integer dtype, not %s: use :astype", dust_dtype_name(labels->dtype));
  DUST_TRY(check_value(value, labels->dtype));
  dust_ndarray made[2] = {0};
  dust_rows rows;
  dust_status status;
  if (n > 0) qsort(id, n, sizeof *id, rising);
  exclude_pass pass = {.dtype = labels->dtype, .n = n, .id = id, .value = (uint64_t)value};
  DUST_GO(dust_ndarray_empty(&made[0], labels->dtype, labels->ndim, labels->shape));
  DUST_GO(dust_ndarray_empty(&made[1], DUST_UINT8, labels->ndim, labels->shape));
  DUST_GO(dust_rows_init(&rows, 3, (const dust_ndarray *[]){&made[0], &made[1], labels}));
  DUST_GO(dust_blocks_run(&rows, pool, exclude_block, &pass));
  *out = made[0];
  *where = made[1];
  made[0] = made[1] = (dust_ndarray){0};
done:
  dust_ndarray_release(&made[0]);
  dust_ndarray_release(&made[1]);
  return status;
}
