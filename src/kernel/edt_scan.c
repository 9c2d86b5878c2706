/* Ways of up to 2^k - 1 steps are known after k rounds: in each a voxel asks the two that are 1, 2, 4 … away. Whole rows of bytes at once,
 * however far the sites are.
 *
 *     s(x) = min(s(x), s(x - w) + w, s(x + w) + w)
 */
#include "kernel/edt_scan.h"

#include <string.h>
#include "base/clones.h"
#include "base/mem.h"

#define LANES DUST_EDT_LANES
#define MARGIN DUST_EDT_MARGIN
#define NEVER 255
#define ENOUGH 16 /* after so many steps it may be worth a look whether anybody asks any more */

dust_edt_squaring dust_edt_squaring_make(double weight, int stride, int shift, uint16_t far) {
  dust_edt_squaring s = {.stride = (uint16_t)stride, .shift = (uint16_t)shift, .far = far};
  s.weight = weight < far ? (uint16_t)weight : 0;
  while (s.limit < NEVER && weight * (stride * s.limit + shift) * (stride * s.limit + shift) < far) s.limit++;
  return s;
}

dust_status dust_edt_scan_acquire(dust_edt_scan *scan, int64_t n, bool border) {
  int64_t width = (n + LANES - 1) / LANES * LANES;
  size_t row = (size_t)width + 2 * MARGIN;
  *scan = (dust_edt_scan){.n = n, .width = width, .border = border};
  DUST_TRY(dust_alloc(&scan->block, 3 * row));
  memset(scan->block, 0, row);
  scan->flag = (uint8_t *)scan->block + MARGIN;
  for (int k = 0; k < 2; k++) {
    scan->steps[k] = scan->flag + (size_t)(k + 1) * row;
    memset(scan->steps[k] - MARGIN, NEVER, row);
    if (border) scan->steps[k][-1] = scan->steps[k][n] = 0;
  }
  return DUST_OK;
}

void dust_edt_scan_release(dust_edt_scan *scan) { dust_free(scan->block); }

static inline __attribute__((always_inline)) void ask(uint8_t *restrict out, const uint8_t *restrict in, int64_t width, uint8_t way) {
  uint8_t bound = (uint8_t)(NEVER - way);
  for (int64_t x = 0; x < width; x++) {
    uint8_t a = in[x - way], b = in[x + way], other = a < b ? a : b;
    other = (uint8_t)((other < bound ? other : bound) + way);
    out[x] = in[x] < other ? in[x] : other;
  }
}

static inline __attribute__((always_inline)) bool all_below(const uint8_t *steps, int64_t width, uint8_t bound) {
  uint8_t most = 0;
  for (int64_t x = 0; x < width; x++) most = steps[x] > most ? steps[x] : most;
  return most < bound;
}

/* Steps of a row whose sites are flagged, up to limit - 1 of them; now, next: rows with their margins, of which one is returned. */
DUST_CLONED(uint8_t *, settle,
            (uint8_t * now, uint8_t *next, const uint8_t *restrict flag, int64_t width, int limit, bool between, int64_t site),
            (now, next, flag, width, limit, between, site)) {
  if (between)
    for (int64_t x = 0; x < width; x++) now[x] = flag[x] | flag[x - 1] ? 0 : NEVER;
  else
    for (int64_t x = 0; x < width; x++) now[x] = flag[x] ? 0 : NEVER;
  if (site >= 0) now[site] = 0;
  for (int way = 1; way < limit; way *= 2) {
    if (way == ENOUGH && all_below(now, width, ENOUGH)) break;
    ask(next, now, width, (uint8_t)way);
    uint8_t *other = now;
    now = next, next = other;
  }
  return now;
}

DUST_CLONED(void, square_row, (dust_edt_square *restrict out, const uint8_t *restrict steps, int64_t width, const dust_edt_squaring *s),
            (out, steps, width, s)) {
  uint16_t weight = s->weight, stride = s->stride, shift = s->shift, limit = s->limit, far = s->far;
  for (int64_t x = 0; x < width; x += LANES)
    for (int64_t l = x; l < x + LANES; l++) {
      uint16_t way = (uint16_t)(stride * steps[l] + shift);
      out[l] = dust_edt_square_of(steps[l] < limit ? (uint16_t)((unsigned)weight * way * way) : far);
    }
}

bool dust_edt_scan_row(dust_edt_square *out, dust_edt_scan *scan, const dust_edt_squaring *squaring, bool between) {
  bool any = memchr(scan->flag, 1, (size_t)scan->n) != NULL;
  if (!any && !scan->border) {
    for (int64_t x = 0; x < scan->width; x++) out[x] = dust_edt_square_of(squaring->far);
    return false;
  }
  int64_t site = scan->border ? scan->n : -1; /* one that isn't flagged */
  int limit = squaring->limit < scan->n + 1 ? squaring->limit : (int)scan->n + 1;
  const uint8_t *steps = settle(scan->steps[0], scan->steps[1], scan->flag, scan->width, limit, between, site);
  square_row(out, steps, scan->width, squaring);
  return any;
}
