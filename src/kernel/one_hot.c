/* Labels family: ids are compared as 64-bit numbers, negative ones are too large to be a class. */
#include "kernel/one_hot.h"

#include <inttypes.h>
#include "kernel/blocks.h"
#include "kernel/channels.h"

typedef struct hot_pass {
  dust_dtype dtype;
  uint64_t classes;
  int64_t plane; /* bytes from one channel to the next */
} hot_pass;

static void hot_block(void *context, const dust_rows *rows, char *const *pointer, size_t n, size_t chunk) {
  const hot_pass *pass = context;
  uint64_t buffer[DUST_BLOCK];
  const uint64_t *id = dust_block_labels(buffer, pointer[1], rows->stride[1], pass->dtype, n);
  uint8_t *out = (uint8_t *)pointer[0]; /* made here, so contiguous along rows */
  for (uint64_t c = 0; c < pass->classes; c++, out += pass->plane)
    for (size_t i = 0; i < n; i++) out[i] = id[i] == c;
}

dust_status dust_one_hot(dust_ndarray *out, const dust_ndarray *labels, int64_t classes, dust_pool *pool) {
  if (dust_dtype_is_float(labels->dtype))
    return dust_fail(DUST_ERROR_ARGUMENT, "labels must have an integer dtype, not %s: use :astype", dust_dtype_name(labels->dtype));
  if (classes < 1) return dust_fail(DUST_ERROR_ARGUMENT, "%" PRId64 " classes: there must be at least one", classes);
  if (labels->ndim >= DUST_MAXDIM)
    return dust_fail(DUST_ERROR_ARGUMENT, "labels have %d axes: there is no room for one of channels in front, %d are the most",
                     labels->ndim, DUST_MAXDIM);
  dust_ndarray made = {0}, first = {0};
  dust_rows rows;
  dust_status status;
  int64_t shape[DUST_MAXDIM] = {classes};
  for (int a = 0; a < labels->ndim; a++) shape[a + 1] = labels->shape[a];
  DUST_GO(dust_ndarray_empty(&made, DUST_UINT8, labels->ndim + 1, shape));
  dust_channels_view(&first, &made, labels->ndim, 0);
  DUST_GO(dust_rows_init(&rows, 2, (const dust_ndarray *[]){&first, labels}));
  hot_pass pass = {.dtype = labels->dtype, .classes = (uint64_t)classes, .plane = made.stride[0]};
  DUST_GO(dust_blocks_run(&rows, pool, hot_block, &pass));
  *out = made;
  made = (dust_ndarray){0};
done:
  dust_ndarray_release(&first);
  dust_ndarray_release(&made);
  return status;
}
