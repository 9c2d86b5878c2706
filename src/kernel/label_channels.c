/* Labels family: ids are compared as 64-bit numbers; rows of the first channel stand for those of all. */
#include "kernel/label_channels.h"

#include "kernel/blocks.h"
#include "kernel/channels.h"

typedef struct channel_pass {
  dust_dtype dtype;
  int64_t plane; /* bytes from one channel to the next */
  dust_label_channels_body body;
  dust_byte_channels_body bytes;
  const void *context;
} channel_pass;

static void channel_block(void *context, const dust_rows *rows, char *const *pointer, size_t n, size_t chunk) {
  const channel_pass *pass = context;
  uint64_t buffer[DUST_BLOCK];
  if (pass->bytes && pass->dtype == DUST_UINT8 && rows->stride[1] == 1) {
    pass->bytes(pass->context, (uint8_t *)pointer[0], pass->plane, (const uint8_t *)pointer[1], n);
    return;
  }
  const uint64_t *id = dust_block_labels(buffer, pointer[1], rows->stride[1], pass->dtype, n);
  pass->body(pass->context, (uint8_t *)pointer[0], pass->plane, id, n); /* the output is made here, so contiguous along rows */
}

dust_status dust_label_channels(dust_ndarray *out, const dust_ndarray *labels, int64_t channels, dust_label_channels_body body,
                                dust_byte_channels_body bytes, const void *context, dust_pool *pool) {
  if (dust_dtype_is_float(labels->dtype))
    return dust_fail(DUST_ERROR_ARGUMENT, "labels must have an integer dtype, not %s: use :astype", dust_dtype_name(labels->dtype));
  if (labels->ndim >= DUST_MAXDIM)
    return dust_fail(DUST_ERROR_ARGUMENT, "labels have %d axes: there is no room for one of channels in front, %d are the most",
                     labels->ndim, DUST_MAXDIM);
  dust_ndarray made = {0}, first = {0};
  dust_rows rows;
  dust_status status;
  int64_t shape[DUST_MAXDIM] = {channels};
  for (int a = 0; a < labels->ndim; a++) shape[a + 1] = labels->shape[a];
  DUST_GO(dust_ndarray_empty(&made, DUST_UINT8, labels->ndim + 1, shape));
  dust_channels_view(&first, &made, labels->ndim, 0);
  DUST_GO(dust_rows_init(&rows, 2, (const dust_ndarray *[]){&first, labels}));
  channel_pass pass = {.dtype = labels->dtype, .plane = made.stride[0], .body = body, .bytes = bytes, .context = context};
  DUST_GO(dust_blocks_run(&rows, pool, channel_block, &pass));
  *out = made;
  made = (dust_ndarray){0};
done:
  dust_ndarray_release(&first);
  dust_ndarray_release(&made);
  return status;
}
