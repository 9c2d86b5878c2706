/* One loop for each size of element, which the compiler turns into vectors. */
#include "kernel/unlike.h"

#include "base/clones.h"

#define ROWS(type)                                                                                                                     \
  DUST_CLONED(void, unlike_##type, (uint8_t *restrict flag, const void *here, const void *there, int64_t n), (flag, here, there, n)) { \
    const type *restrict a = here, *restrict b = there;                                                                                \
    for (int64_t x = 0; x < n; x++) flag[x] = a[x] != b[x];                                                                            \
  }                                                                                                                                    \
  DUST_CLONED(void, zero_##type, (uint8_t *restrict flag, const void *here, int64_t n), (flag, here, n)) {                             \
    const type *restrict a = here;                                                                                                     \
    for (int64_t x = 0; x < n; x++) flag[x] = a[x] == 0;                                                                               \
  }                                                                                                                                    \
  DUST_CLONED(void, replace_##type,                                                                                                    \
              (void *restrict to, const void *restrict from, const uint8_t *restrict flag, const void *value, int64_t n),              \
              (to, from, flag, value, n)) {                                                                                            \
    const type *restrict in = from;                                                                                                    \
    type *restrict out = to, other = *(const type *)value;                                                                             \
    for (int64_t x = 0; x < n; x++) out[x] = flag[x] ? other : in[x];                                                                  \
  }
ROWS(uint8_t)
ROWS(uint16_t)
ROWS(uint32_t)
ROWS(uint64_t)

#define BY_SIZE(name, size, ...)                  \
  switch (size) {                                 \
    case 1: name##_uint8_t(__VA_ARGS__); return;  \
    case 2: name##_uint16_t(__VA_ARGS__); return; \
    case 4: name##_uint32_t(__VA_ARGS__); return; \
    default: name##_uint64_t(__VA_ARGS__);        \
  }

void dust_unlike_row(uint8_t *flag, const char *a, const char *b, int64_t n, size_t size) { BY_SIZE(unlike, size, flag, a, b, n) }

void dust_zero_row(uint8_t *flag, const char *a, int64_t n, size_t size) { BY_SIZE(zero, size, flag, a, n) }

void dust_replace_row(char *out, const char *in, const uint8_t *flag, const void *value, int64_t n, size_t size) {
  BY_SIZE(replace, size, out, in, flag, value, n)
}
