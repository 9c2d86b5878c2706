/* Labels family: a block of ids is read once and compared with every id of every group; groups are a handful of ids, so no lookup
 * beats the plain comparison. */
#include "kernel/binarize.h"

#include <inttypes.h>
#include <string.h>
#include "kernel/label_channels.h"

typedef struct group_pass {
  int64_t groups;
  const int64_t *begin;
  const uint64_t *ids;
  uint64_t background;
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

static void all_groups(const void *context, uint8_t *out, int64_t plane, const uint64_t *id, size_t n) {
  const group_pass *pass = context;
  for (int64_t g = 0; g < pass->groups; g++) one_group(pass, g, out + g * plane, id, n);
}

dust_status dust_binarize(dust_ndarray *out, const dust_ndarray *labels, int64_t groups, const int64_t *begin, const uint64_t *ids,
                          uint64_t background, dust_pool *pool) {
  if (groups < 1) return dust_fail(DUST_ERROR_ARGUMENT, "%" PRId64 " groups of ids: there must be at least one", groups);
  group_pass pass = {.groups = groups, .begin = begin, .ids = ids, .background = background};
  return dust_label_channels(out, labels, groups, all_groups, NULL, &pass, pool);
}
