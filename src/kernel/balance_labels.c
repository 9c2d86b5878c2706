/* The range of labels is found at once; only where it is too wide the first label outside is looked for, to say where it is. */
#include "kernel/balance_labels.h"

#include <inttypes.h>
#include <stdio.h>
#include "kernel/blocks.h"
#include "kernel/reduce.h"

typedef struct label_search {
  dust_dtype dtype;
  uint64_t classes, value;
  int64_t seen;
  bool found;
} label_search;

static bool in_range(void *context, const dust_rows *rows, char *const *pointer, size_t n) {
  label_search *s = context;
  uint64_t buffer[DUST_BLOCK], most = 0;
  const uint64_t *id = dust_block_labels(buffer, pointer[0], rows->stride[0], s->dtype, n);
  for (size_t i = 0; i < n; i++) most = id[i] > most ? id[i] : most;
  if (most < s->classes) return s->seen += (int64_t)n, true;
  size_t i = 0;
  while (id[i] < s->classes) i++;
  s->seen += (int64_t)i;
  s->value = id[i];
  s->found = true;
  return false;
}

dust_status dust_balance_check(const dust_ndarray *labels, int64_t classes, dust_pool *pool) {
  dust_rows rows;
  label_search s = {.dtype = labels->dtype, .classes = (uint64_t)classes};
  uint64_t extreme[2], least, most;
  if (dust_ndarray_count(labels) == 0) return DUST_OK;
  DUST_TRY(dust_minmax(&extreme[0], &extreme[1], labels, pool));
  dust_row_to_label(&least, &extreme[0], 8, labels->dtype, 1);
  dust_row_to_label(&most, &extreme[1], 8, labels->dtype, 1);
  if (least < s.classes && most < s.classes) return DUST_OK; /* a negative one is a large one here */
  DUST_TRY(dust_rows_init(&rows, 1, &labels));
  dust_blocks_while(&rows, in_range, &s);
  if (!s.found) return DUST_OK;
  char place[DUST_MAXDIM * 24] = "", value[24];
  int64_t index[DUST_MAXDIM], at = s.seen;
  for (int a = labels->ndim - 1; a >= 0; at /= labels->shape[a--]) index[a] = at % labels->shape[a] + 1;
  for (int a = 0, used = 0; a < labels->ndim; a++)
    used += snprintf(place + used, sizeof place - (size_t)used, a ? ", %" PRId64 : "%" PRId64, index[a]);
  if (dust_dtype_is_signed(labels->dtype))
    snprintf(value, sizeof value, "%" PRId64, (int64_t)s.value);
  else
    snprintf(value, sizeof value, "%" PRIu64, s.value);
  return dust_fail(DUST_ERROR_ARGUMENT,
                   "label %s at {%s} is none of the %" PRId64 " classes, which are 0 to %" PRId64 ": map labels to classes before", value,
                   place, classes, classes - 1);
}
