/* Negative ids are, as 64-bit numbers, too large to be a class. */
#include "kernel/one_hot.h"

#include <inttypes.h>
#include "kernel/label_channels.h"

static void hot(const void *context, uint8_t *out, int64_t plane, const uint64_t *id, size_t n) {
  const uint64_t classes = *(const uint64_t *)context;
  for (uint64_t c = 0; c < classes; c++, out += plane)
    for (size_t i = 0; i < n; i++) out[i] = id[i] == c;
}

dust_status dust_one_hot(dust_ndarray *out, const dust_ndarray *labels, int64_t classes, dust_pool *pool) {
  if (classes < 1) return dust_fail(DUST_ERROR_ARGUMENT, "%" PRId64 " classes: there must be at least one", classes);
  uint64_t count = (uint64_t)classes;
  return dust_label_channels(out, labels, classes, hot, &count, pool);
}
