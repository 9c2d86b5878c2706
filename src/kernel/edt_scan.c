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
  DUST_TRY(dust_alloc(&scan->block, 3 * DUST_EDT_ROWS * row));
  uint8_t *next = (uint8_t *)scan->block + MARGIN;
  for (int k = 0; k < DUST_EDT_ROWS; k++, next += row) {
    memset(next - MARGIN, 0, row);
    scan->flag[k] = next;
    for (int side = 0; side < 2; side++) {
      scan->steps[k][side] = next += row;
      memset(next - MARGIN, NEVER, row);
      if (border) next[-1] = next[n] = 0;
    }
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

typedef struct settling {
  const dust_edt_scan *scan;
  int rows[DUST_EDT_ROWS], count; /* those that have sites */
  int limit;                      /* more steps than limit - 1 need not be known */
  bool between;                   /* row 0's sites are half a voxel after their flags */
  int now[DUST_EDT_ROWS];         /* which of two steps[] is the last */
} settling;

static inline __attribute__((always_inline)) void begin_row(uint8_t *restrict out, const uint8_t *restrict flag, int64_t width,
                                                            bool between) {
  if (between)
    for (int64_t x = 0; x < width; x++) out[x] = flag[x] | flag[x - 1] ? 0 : NEVER;
  else
    for (int64_t x = 0; x < width; x++) out[x] = flag[x] ? 0 : NEVER;
}

/* Rows take turns, since a round reads what the one before has just written, but elsewhere: that takes a while to be there. */
DUST_CLONED(void, settle, (settling * s), (s)) {
  const dust_edt_scan *scan = s->scan;
  for (int i = 0; i < s->count; i++) {
    int k = s->rows[i];
    begin_row(scan->steps[k][0], scan->flag[k], scan->width, s->between && k == 0);
    if (scan->border) scan->steps[k][0][scan->n] = 0;
  }
  for (int way = 1; way < s->limit; way *= 2) {
    int left = 0;
    for (int i = 0; i < s->count; i++) {
      int k = s->rows[i];
      const uint8_t *last = scan->steps[k][s->now[k]];
      if (way == ENOUGH && all_below(last, scan->width, ENOUGH)) continue;
      s->rows[left++] = k;
      s->now[k] = !s->now[k];
      ask(scan->steps[k][s->now[k]], last, scan->width, (uint8_t)way);
    }
    s->count = left;
  }
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

static void fill_row(dust_edt_square *out, int64_t width, uint16_t far) {
  for (int64_t x = 0; x < width; x++) out[x] = dust_edt_square_of(far);
}

bool dust_edt_scan_rows(dust_edt_square *const *out, int rows, dust_edt_scan *scan, const dust_edt_squaring *on,
                        const dust_edt_squaring *between) {
  int limit = between && between->limit > on->limit ? between->limit : on->limit, any = 0;
  settling s = {.scan = scan, .limit = limit < scan->n + 1 ? limit : (int)scan->n + 1, .between = between};
  bool some[DUST_EDT_ROWS];
  for (int k = 0; k < rows; k++) {
    some[k] = memchr(scan->flag[k], 1, (size_t)scan->n) != NULL, any |= some[k];
    if (some[k] || scan->border) s.rows[s.count++] = k;
  }
  settle(&s);
  for (int k = 0; k < rows; k++)
    if (some[k] || scan->border)
      square_row(out[k], scan->steps[k][s.now[k]], scan->width, between && k == 0 ? between : on);
    else
      fill_row(out[k], scan->width, on->far);
  return any;
}
