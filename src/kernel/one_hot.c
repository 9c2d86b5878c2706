/* Negative ids are, as 64-bit numbers, too large to be a class. */
#include "kernel/one_hot.h"

#include <inttypes.h>
#include <string.h>
#include "base/clones.h"
#include "base/fetch.h"
#include "kernel/blocks.h"
#include "kernel/label_channels.h"

/* Classes as bytes, of which a comparison handles eight times as many at once; 255 stands for whatever is none. */
DUST_CLONED(void, narrow, (uint8_t *restrict out, const uint64_t *restrict id, size_t n), (out, id, n)) {
  for (size_t i = 0; i < n; i++) out[i] = (uint8_t)(id[i] < UINT8_MAX ? id[i] : UINT8_MAX);
}

DUST_CLONED(void, hot_bytes, (uint8_t *restrict out, const uint8_t *restrict id, uint8_t class, size_t n), (out, id, class, n)) {
  for (size_t i = 0; i < n; i++) out[i] = id[i] == class;
}

DUST_CLONED(void, hot_ids, (uint8_t *restrict out, const uint64_t *restrict id, uint64_t class, size_t n), (out, id, class, n)) {
  for (size_t i = 0; i < n; i++) out[i] = id[i] == class;
}

static void hot(const void *context, uint8_t *out, int64_t plane, const uint64_t *id, size_t n) {
  const uint64_t classes = *(const uint64_t *)context;
  uint8_t byte[DUST_BLOCK];
  if (classes <= UINT8_MAX) narrow(byte, id, n);
  for (uint64_t c = 0; c < classes; c++, out += plane) {
    dust_fetch(out, DUST_BLOCK, n);
    if (classes <= UINT8_MAX)
      hot_bytes(out, byte, (uint8_t)c, n);
    else
      hot_ids(out, id, c, n);
  }
}

static void hot_of_bytes(const void *context, uint8_t *out, int64_t plane, const uint8_t *id, size_t n) {
  const uint64_t classes = *(const uint64_t *)context;
  for (uint64_t c = 0; c < classes; c++, out += plane) {
    dust_fetch(out, DUST_BLOCK, n); /* the next block's */
    if (c <= UINT8_MAX)
      hot_bytes(out, id, (uint8_t)c, n);
    else
      memset(out, 0, n);
  }
}

dust_status dust_one_hot(dust_ndarray *out, const dust_ndarray *labels, int64_t classes, dust_pool *pool) {
  if (classes < 1) return dust_fail(DUST_ERROR_ARGUMENT, "%" PRId64 " classes: there must be at least one", classes);
  uint64_t count = (uint64_t)classes;
  return dust_label_channels(out, labels, classes, hot, hot_of_bytes, &count, pool);
}
