/* Rows fetched from anywhere: what is kept of a row, which way it takes, and values of the nearest samples.
 *
 *     at (floats) -> place, fraction -> offsets      all axes at a time inside, one by one where something must be clamped
 *     corner[k][i] = in[offset], in[offset + 1]      one load and one store a pair: gather instructions are slower
 *     value(t, z, y, x) = blend_t( blend_z( blend_y( blend_x ), … ), the same one t further )
 *
 * Loops that vectorise are kept apart from the loads: that way a row is up to 4 times as fast as in one loop.
 */
#include "kernel/gather.h"

#include <string.h>
#include "base/lanes.h"
#include "base/mem.h"
#include "kernel/gather_internal.h"

dust_status dust_gather_create(dust_gather *gather, int axes, dust_dtype dtype, bool linear) {
  memset(gather, 0, sizeof *gather);
  gather->axes = axes, gather->dtype = dtype, gather->linear = linear, gather->factor = 1;
  size_t row = DUST_GATHER_ROW + DUST_MOST_LANES, pair = linear ? 2 * dust_dtype_size(dtype) : 0;
  DUST_TRY(dust_calloc(&gather->block, row, 4 * sizeof(int64_t) + 4 * pair + 2 * sizeof(double) + 4 * sizeof(float) + 2 * sizeof(int32_t)));
  char *at = gather->block;
  for (int i = 0; i < 4; i++, at += row * sizeof(int64_t)) gather->offset[i] = at;
  for (int i = 0; i < 4; i++, at += row * pair) gather->corner[i] = at;
  for (int i = 0; i < 2; i++, at += row * sizeof(double)) gather->value[i] = at;
  for (int i = 0; i < 4; i++, at += row * sizeof(float)) gather->fraction[i] = (float *)at;
  gather->place = (int32_t *)at;
  gather->outside = gather->place + row;
  return DUST_OK;
}

void dust_gather_scale(dust_gather *gather, double factor) { gather->scaled = true, gather->factor = (float)factor; }

void dust_gather_release(dust_gather *gather) {
  dust_free(gather->block);
  memset(gather, 0, sizeof *gather);
}

void dust_gather_places(dust_gather *gather, size_t length, const dust_gather_axis *axis, dust_gather_border border) {
  gather->length = length;
  gather->inside = border == DUST_GATHER_FACES && dust_gather_locate_inside(gather, axis);
  if (!gather->inside) dust_gather_locate_clamped(gather, axis, border);
}

void dust_gather_prefetch(const dust_gather *gather, const void *in, int64_t ahead, size_t phase) {
  /* May lie outside of the array: nothing is read there. */
  uintptr_t item = dust_dtype_size(gather->dtype), from = (uintptr_t)in + (uintptr_t)(gather->start + ahead) * item;
  const int32_t *near = gather->offset[0];
  const int64_t *far = gather->offset[0];
  if (gather->far)
    for (size_t i = phase % 4; i < gather->length; i += 4) __builtin_prefetch((const void *)(from + (uintptr_t)far[i] * item));
  else
    for (size_t i = phase % 4; i < gather->length; i += 4) __builtin_prefetch((const void *)(from + (uintptr_t)(intptr_t)near[i] * item));
}

#define FETCH(item, bytes) \
  for (size_t i = 0; i < n; i++) memcpy(out + (bytes)*i, in + (ptrdiff_t)(item) * (ptrdiff_t)offset[i], (bytes))
/* Constant sizes, so that a copy is a load and a store. */
#define FETCH_ROW(index)                                                                                                      \
  static void fetch_##index(char *restrict out, const char *restrict in, const index *restrict offset, size_t n, size_t item, \
                            bool pairs) {                                                                                     \
    switch (2 * item + pairs) {                                                                                               \
      case 2: FETCH(1, 1); return;                                                                                            \
      case 3: FETCH(1, 2); return;                                                                                            \
      case 4: FETCH(2, 2); return;                                                                                            \
      case 5: FETCH(2, 4); return;                                                                                            \
      case 8: FETCH(4, 4); return;                                                                                            \
      case 9: FETCH(4, 8); return;                                                                                            \
      case 16: FETCH(8, 8); return;                                                                                           \
      default: FETCH(8, 16); return;                                                                                          \
    }                                                                                                                         \
  }
FETCH_ROW(int32_t)
FETCH_ROW(int64_t)

void dust_gather_fetch(const dust_gather *g, void *out, const void *in, int from, bool pairs) {
  size_t item = dust_dtype_size(g->dtype);
  const char *first = (const char *)in + g->start * (int64_t)item;
  if (g->far)
    fetch_int64_t(out, first, g->offset[from], g->length, item, pairs);
  else
    fetch_int32_t(out, first, g->offset[from], g->length, item, pairs);
}

static void nearest_row(const dust_gather *g, char *out, const void *in) {
  size_t item = dust_dtype_size(g->dtype);
  dust_gather_fetch(g, out, in, 0, false);
  for (size_t i = 0; g->any_outside && i < g->length; i++)
    if (g->outside[i]) memset(out + i * item, 0, item);
}

void dust_gather_row(dust_gather *gather, void *out, const void *in) {
  if (!gather->linear)
    nearest_row(gather, out, in);
  else if (gather->inside && gather->moving > 1 && gather->dtype == DUST_FLOAT32)
    dust_gather_lanes(gather, out, in);
  else
    dust_gather_linear(gather, out, in);
}
