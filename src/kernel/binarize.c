/* Labels family: a block of ids is read once and compared with every id of every group; groups are a handful of ids, so no lookup
 * beats the plain comparison. */
#include "kernel/binarize.h"

#include <inttypes.h>
#include <string.h>
#include "kernel/blocks.h"
#include "kernel/channels.h"

typedef struct group_pass {
  dust_dtype dtype;
  int64_t groups;
  const int64_t *begin;
  const uint64_t *ids;
  uint64_t background;
  int64_t plane; /* bytes from one channel to the next */
} group_pass;

static void one_group(const group_pass *pass, int64_t group, uint8_t *restrict out, const uint64_t *restrict id, size_t n) {
  int64_t begin = pass->begin[group], end = pass->begin[group + 1];
  if (begin == end) {
    for (size_t i = 0; i < n; i++) out[i] = id[i] != pass->background;
    return;
  }
  memset(out, 0, n);
  for (int64_t k = begin; k < end; k++) {
    uint64_t wanted = pass->ids[k];
    if (wanted == pass->background) continue;
    for (size_t i = 0; i < n; i++) out[i] |= id[i] == wanted;
  }
}

static void group_block(void *context, const dust_rows *rows, char *const *pointer, size_t n, size_t chunk) {
  const group_pass *pass = context;
  uint64_t buffer[DUST_BLOCK];
  const uint64_t *id = dust_block_labels(buffer, pointer[1], rows->stride[1], pass->dtype, n);
  for (int64_t g = 0; g < pass->groups; g++) one_group(pass, g, (uint8_t *)pointer[0] + g * pass->plane, id, n);
}

dust_status dust_binarize(dust_ndarray *out, const dust_ndarray *labels, int64_t groups, const int64_t *begin, const uint64_t *ids,
                          uint64_t background, dust_pool *pool) {
  if (dust_dtype_is_float(labels->dtype))
    return dust_fail(DUST_ERROR_ARGUMENT, "labels must have an integer dtype, not %s: use :astype", dust_dtype_name(labels->dtype));
  if (groups < 1) return dust_fail(DUST_ERROR_ARGUMENT, "%" PRId64 " groups of ids: there must be at least one", groups);
  if (labels->ndim >= DUST_MAXDIM)
    return dust_fail(DUST_ERROR_ARGUMENT, "labels have %d axes: there is no room for one of channels in front, %d are the most",
                     labels->ndim, DUST_MAXDIM);
  dust_ndarray made = {0}, first = {0};
  dust_rows rows;
  dust_status status;
  int64_t shape[DUST_MAXDIM] = {groups};
  for (int a = 0; a < labels->ndim; a++) shape[a + 1] = labels->shape[a];
  DUST_GO(dust_ndarray_empty(&made, DUST_UINT8, labels->ndim + 1, shape));
  dust_channels_view(&first, &made, labels->ndim, 0);
  DUST_GO(dust_rows_init(&rows, 2, (const dust_ndarray *[]){&first, labels}));
  group_pass pass = {
      .dtype = labels->dtype, .groups = groups, .begin = begin, .ids = ids, .background = background, .plane = made.stride[0]};
  DUST_GO(dust_blocks_run(&rows, pool, group_block, &pass));
  *out = made;
  made = (dust_ndarray){0};
done:
  dust_ndarray_release(&first);
  dust_ndarray_release(&made);
  return status;
}
