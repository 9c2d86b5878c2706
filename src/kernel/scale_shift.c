/* Intensity family: a block of a row is loaded, computed and stored while it is in L1. */
#include "kernel/scale_shift.h"

#include <math.h>
#include "base/clones.h"
#include "kernel/blocks.h"

typedef struct scale_pass {
  double scale, shift, low, high;
  dust_dtype from, to;
} scale_pass;

/* Inlined with `shifts` and `clips` known, so that each loop has only what it needs. */
#define SCALE(real)                                                                                                                      \
  static inline void scale_##real(const scale_pass *pass, real *restrict out, const real *restrict in, size_t n, bool shifts,            \
                                  bool clips) {                                                                                          \
    real scale = (real)pass->scale, shift = (real)pass->shift, low = (real)pass->low, high = (real)pass->high;                           \
    for (size_t i = 0; i < n; i++) {                                                                                                     \
      real v = in[i] * scale;                                                                                                            \
      if (shifts) v += shift;                                                                                                            \
      if (clips) v = v < low ? low : v;                                                                                                  \
      if (clips) v = v > high ? high : v;                                                                                                \
      out[i] = v;                                                                                                                        \
    }                                                                                                                                    \
  }                                                                                                                                      \
  DUST_CLONED(void, block_##real, (const scale_pass *pass, real *restrict out, const real *restrict in, size_t n), (pass, out, in, n)) { \
    bool clips = pass->low > -INFINITY || pass->high < INFINITY;                                                                         \
    if ((real)pass->shift != 0) {                                                                                                        \
      if (clips)                                                                                                                         \
        scale_##real(pass, out, in, n, true, true);                                                                                      \
      else                                                                                                                               \
        scale_##real(pass, out, in, n, true, false);                                                                                     \
    } else {                                                                                                                             \
      if (clips)                                                                                                                         \
        scale_##real(pass, out, in, n, false, true);                                                                                     \
      else                                                                                                                               \
        scale_##real(pass, out, in, n, false, false);                                                                                    \
    }                                                                                                                                    \
  }
SCALE(float)
SCALE(double)

/* Straight from array to array where both hold elements of the type computed in. */
static void scale_block(void *context, const dust_rows *rows, char *const *pointer, size_t n, size_t chunk) {
  const scale_pass *pass = context;
  union {
    float f[DUST_BLOCK];
    double d[DUST_BLOCK];
  } from, to;
  bool straight = rows->stride[0] == (int64_t)dust_dtype_size(pass->to);
  if (pass->to == DUST_FLOAT32) {
    float *out = straight ? (float *)(void *)pointer[0] : to.f;
    block_float(pass, out, dust_block_floats(from.f, pointer[1], rows->stride[1], pass->from, n), n);
    if (!straight) dust_row_from_float(pointer[0], rows->stride[0], pass->to, out, n);
  } else {
    block_double(pass, to.d, dust_block_doubles(from.d, pointer[1], rows->stride[1], pass->from, n), n);
    dust_row_from_double(pointer[0], rows->stride[0], pass->to, to.d, n);
  }
}

dust_status dust_scale_shift(dust_ndarray *out, const dust_ndarray *in, double scale, double shift, dust_dtype dtype, double low,
                             double high, dust_pool *pool) {
  if (!(low <= high)) return dust_fail(DUST_ERROR_ARGUMENT, "can't clip to [%g, %g]: low must not be above high", low, high);
  dust_blocks_pair pair = {0};
  dust_rows rows;
  dust_status status;
  DUST_GO(dust_blocks_pair_make(&pair, in, dtype, pool));
  DUST_GO(dust_rows_init(&rows, 2, (const dust_ndarray *[]){&pair.out, &pair.near}));
  scale_pass pass = {.scale = scale, .shift = shift, .low = low, .high = high, .from = in->dtype, .to = dtype};
  DUST_GO(dust_blocks_run(&rows, pool, scale_block, &pass));
  dust_blocks_result(out, &pair);
done:
  dust_blocks_pair_release(&pair);
  return status;
}
