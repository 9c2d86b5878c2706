/* Row for row down and up again, a whole row at once: what a row knows is one more than what its neighbour knows. Neighbours along
 * axis 1 of one y make a sheet, which stays in the cache.
 *
 *     down   f(z) = site(z) ? 0 : f(z - 1) + 1
 *     up     s(z) = min(f(z), s(z + 1) + 1)
 */
#include "kernel/edt_scan.h"

#include <string.h>
#include "base/clones.h"
#include "base/mem.h"
#include "kernel/edt_window.h"
#include "kernel/unlike.h"

#define SHEETS_A_CHUNK 16
#define NEVER DUST_EDT_NEVER

static inline uint8_t one_more(uint8_t steps) { return (uint8_t)((steps < NEVER ? steps : NEVER - 1) + 1); }

DUST_CLONED(void, go_down, (uint8_t *restrict out, const uint8_t *restrict above, const uint8_t *restrict site, int64_t n),
            (out, above, site, n)) {
  for (int64_t x = 0; x < n; x++) out[x] = site[x] ? 0 : one_more(above[x]);
}

DUST_CLONED(void, go_up, (uint8_t *restrict out, const uint8_t *restrict down, const uint8_t *restrict below, int64_t n),
            (out, down, below, n)) {
  for (int64_t x = 0; x < n; x++) {
    uint8_t other = one_more(below[x]);
    out[x] = down[x] < other ? down[x] : other;
  }
}

/* Centres between faces: the row below saw on its way down whether there is one between the two. */
DUST_CLONED(void, go_up_between,
            (uint8_t *restrict out, const uint8_t *restrict down, const uint8_t *restrict down_below, const uint8_t *restrict below,
             int64_t n),
            (out, down, down_below, below, n)) {
  for (int64_t x = 0; x < n; x++) {
    uint8_t other = down_below[x] ? one_more(below[x]) : 0;
    out[x] = down[x] < other ? down[x] : other;
  }
}

typedef struct scratch {
  uint8_t *sheet[3]; /* on the way down, shape[0] rows each */
  uint8_t *edge;     /* what is known beyond the first and the last row */
  uint8_t *flag, *none;
  bool any;
} scratch;

static dust_status scratch_acquire(scratch *s, const dust_edt_scan *scan) {
  size_t row = (size_t)scan->pitch, sheet = (size_t)scan->labels->shape[0] * row;
  DUST_TRY(dust_alloc((void **)&s->edge, 3 * row + 3 * sheet));
  s->flag = s->edge + row, s->none = s->flag + row;
  for (int k = 0; k < 3; k++) s->sheet[k] = s->none + row + (size_t)k * sheet;
  memset(s->edge, scan->border ? 0 : NEVER, row);
  memset(s->flag, 0, 2 * row);
  return DUST_OK;
}

/* One row of a lattice on the way down; site: its flags. */
static void down_row(const dust_edt_scan *scan, scratch *s, int lattice, int64_t z, const uint8_t *site) {
  uint8_t *out = s->sheet[lattice] + z * scan->pitch;
  s->any = s->any || memchr(site, 1, (size_t)scan->labels->shape[2]);
  go_down(out, z > 0 ? out - scan->pitch : s->edge, site, scan->pitch);
}

static void down(const dust_edt_scan *scan, scratch *s, int64_t y) {
  const dust_ndarray *labels = scan->labels;
  size_t size = dust_dtype_size(labels->dtype);
  int64_t n = labels->shape[2];
  for (int64_t z = 0; z < labels->shape[0]; z++) {
    const char *here = labels->data + z * labels->stride[0] + y * labels->stride[1];
    if (!scan->faces) {
      dust_zero_row(s->flag, here, n, size);
      down_row(scan, s, 0, z, s->flag);
      continue;
    }
    if (z > 0) dust_unlike_row(s->flag, here, here - labels->stride[0], n, size);
    down_row(scan, s, 0, z, z > 0 ? s->flag : s->none);
    bool row_below = y + 1 < labels->shape[1];
    if (row_below) dust_unlike_row(s->flag, here, here + labels->stride[1], n, size);
    if (scan->steps[1]) down_row(scan, s, 1, z, row_below ? s->flag : s->none);
    dust_unlike_row(s->flag, here, here + size, n - 1, size);
    s->flag[n - 1] = 0;
    down_row(scan, s, 2, z, s->flag);
  }
}

static void up(const dust_edt_scan *scan, const scratch *s, int64_t y) {
  int64_t pitch = scan->pitch, depth = scan->labels->shape[0], plane = scan->labels->shape[1] * pitch;
  for (int k = 0; k < 3; k++) {
    if (!scan->steps[k]) continue;
    for (int64_t z = depth - 1; z >= 0; z--) {
      uint8_t *out = scan->steps[k] + z * plane + y * pitch;
      const uint8_t *sheet = s->sheet[k] + z * pitch, *below = z + 1 < depth ? out + plane : s->edge;
      if (k == 0 && scan->faces && z + 1 < depth)
        go_up_between(out, sheet, sheet + pitch, below, pitch);
      else
        go_up(out, sheet, below, pitch);
    }
  }
}

typedef struct sheets {
  const dust_edt_scan *scan;
  atomic_bool any;
} sheets;

static dust_status scan_sheets(void *context, size_t begin, size_t end, size_t chunk) {
  sheets *all = context;
  scratch s = {0};
  DUST_TRY(scratch_acquire(&s, all->scan));
  for (size_t y = begin; y < end; y++) {
    down(all->scan, &s, (int64_t)y);
    up(all->scan, &s, (int64_t)y);
  }
  if (s.any) atomic_store_explicit(&all->any, true, memory_order_relaxed);
  dust_free(s.edge);
  return DUST_OK;
}

dust_status dust_edt_scan_run(dust_edt_scan *scan, dust_pool *pool) {
  sheets all = {.scan = scan};
  DUST_TRY(dust_pool_for(pool, (size_t)scan->labels->shape[1], SHEETS_A_CHUNK, scan_sheets, &all));
  scan->any = all.any;
  return DUST_OK;
}
