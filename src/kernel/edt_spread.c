/* Plain C that the compiler turns into vectors; 32 lanes are one AVX-512 register. Costs lie in memory 32 times, so that adding one to a
 * row is an addition of two rows. */
#include "kernel/edt_spread.h"

#include <math.h>
#include "base/clones.h"
#include "base/mem.h"

#define LANES DUST_EDT_LANES
#define BLOCK DUST_EDT_BLOCK

#define BESIDE (2 * BLOCK) /* costs that may be asked for beyond the farthest way */

static uint16_t cost_of(double weight, double halves, uint16_t far) {
  double cost = weight * halves * halves;
  return (uint16_t)(cost < far ? cost : far);
}

dust_status dust_edt_axis_make(dust_edt_axis *axis, int64_t n, double weight, uint16_t far, bool border) {
  int64_t reach = (int64_t)ceil(sqrt((double)far / weight) / 2 + 0.5), most = (reach < n ? reach : n) + BESIDE;
  *axis = (dust_edt_axis){.n = n, .far = far, .border = border, .farthest = reach < n ? reach : n};
  size_t costs = (size_t)(2 * most + 1) * LANES;
  DUST_TRY(dust_alloc(&axis->block, 2 * costs * sizeof(uint16_t)));
  uint16_t *whole = axis->block, *half = whole + costs;
  for (size_t i = 0; i < costs; i++) {
    double way = (double)((int64_t)(i / LANES) - most);
    whole[i] = cost_of(weight, 2 * way, far);
    half[i] = cost_of(weight, 2 * way - 1, far);
  }
  axis->whole = whole + most * LANES;
  axis->half = half + most * LANES;
  return DUST_OK;
}

void dust_edt_axis_release(dust_edt_axis *axis) { dust_free(axis->block); }

static int64_t blocks_of(const dust_edt_axis *axis) { return (axis->n + BLOCK - 1) / BLOCK; }

dust_status dust_edt_blocks_acquire(dust_edt_blocks *blocks, const dust_edt_axis *axis) {
  size_t count = (size_t)blocks_of(axis), floor = count * LANES * sizeof(dust_edt_square);
  DUST_TRY(dust_alloc(&blocks->block, floor + 2 * count * sizeof(int64_t)));
  blocks->floor = blocks->block;
  blocks->first = (int64_t *)(void *)((char *)blocks->block + floor);
  blocks->last = blocks->first + count;
  return DUST_OK;
}

void dust_edt_blocks_release(dust_edt_blocks *blocks) { dust_free(blocks->block); }

/* ---- one line of 32 */

typedef struct line {
  const dust_edt_square *centre, *half;
  int64_t pitch;
  const dust_edt_axis *axis;
  const dust_edt_blocks *blocks;
} line;

static inline dust_edt_square least(dust_edt_square a, dust_edt_square b) { return a < b ? a : b; }

static inline uint16_t cost(const dust_edt_axis *axis, const uint16_t *costs, int64_t way) {
  return costs[(way < axis->farthest ? way : axis->farthest) * LANES];
}

static inline int64_t block_end(const dust_edt_axis *axis, int64_t block) {
  return (block + 1) * BLOCK < axis->n ? (block + 1) * BLOCK : axis->n;
}

/* The least of a row and another plus costs, where a sum beyond far must not wrap around: `roomy` says that it can't. */
static inline __attribute__((always_inline)) void lower(dust_edt_square *restrict best, const dust_edt_square *restrict value,
                                                        const uint16_t *restrict cost, uint16_t far, bool roomy) {
  if (roomy)
    for (int l = 0; l < LANES; l++) best[l] = least(best[l], (dust_edt_square)(value[l] + cost[l]));
  else
    for (int l = 0; l < LANES; l++)
      best[l] = least(best[l], (dust_edt_square)(least(value[l], dust_edt_square_of((uint16_t)(far - cost[l]))) + cost[l]));
}

/* ROWS rows from i on from all of a block. */
static inline __attribute__((always_inline)) void lower_rows(dust_edt_square (*restrict best)[LANES], int count, const line *from,
                                                             int64_t i, int64_t block, bool halves, bool roomy) {
  const dust_edt_axis *axis = from->axis;
  int64_t end = block_end(axis, block);
  for (int64_t q = block * BLOCK; q < end; q++) {
    const dust_edt_square *centre = from->centre + q * from->pitch, *half = from->half + q * from->pitch;
    const uint16_t *whole = axis->whole + (i - q) * LANES, *halfway = axis->half + (i - q) * LANES;
    for (int r = 0; r < count; r++) {
      lower(best[r], centre, whole + r * LANES, axis->far, roomy);
      if (halves) lower(best[r], half, halfway + r * LANES, axis->far, roomy);
    }
  }
}

/* What the way from rows begin … end - 1 to a block costs at least. */
static inline uint16_t gap(const dust_edt_axis *axis, int64_t begin, int64_t end, int64_t block, bool halves) {
  int64_t first = block * BLOCK, last = first + BLOCK - 1;
  if (last < begin) return cost(axis, halves ? axis->half : axis->whole, begin - last);
  return first >= end ? cost(axis, axis->whole, first - end + 1) : 0;
}

/* Whether any line may find less in a block than it has. */
static inline __attribute__((always_inline)) bool promising(const dust_edt_square *restrict floor, const dust_edt_square *restrict best,
                                                            uint16_t cost, uint16_t far) {
  dust_edt_square most = dust_edt_square_of((uint16_t)(far - cost)), some = 0;
  for (int l = 0; l < LANES; l++) some |= (dust_edt_square)(least(floor[l], most) + cost) < best[l];
  return some;
}

/* What a row has before it is searched for: the border, which counts for the first or the last block, or far, which counts for its own:
 * what is too far from it in front is so from all behind it. */
static inline uint16_t start(const dust_edt_axis *axis, int64_t i, int64_t *block) {
  *block = i / BLOCK;
  if (!axis->border) return axis->far;
  int64_t front = i + 1, back = axis->n - i;
  uint16_t border = cost(axis, axis->whole, front < back ? front : back);
  if (border < axis->far) *block = front < back ? 0 : (axis->n - 1) / BLOCK;
  return border;
}

static inline __attribute__((always_inline)) void search(dust_edt_square (*restrict best)[LANES], int16_t *restrict where, const line *from,
                                                         int64_t i, int64_t block, bool halves, bool roomy) {
  const dust_edt_axis *axis = from->axis;
  if (!promising(from->blocks->floor + block * LANES, best[0], gap(axis, i, i + 1, block, halves), axis->far)) return;
  dust_edt_square before[LANES];
  for (int l = 0; l < LANES; l++) before[l] = best[0][l];
  lower_rows(best, 1, from, i, block, halves, roomy);
  for (int l = 0; l < LANES; l++) where[l] = best[0][l] < before[l] ? (int16_t)block : where[l];
}

/* The last row of block k, from blocks first … last, the near ones first. */
static inline __attribute__((always_inline)) void anchor(dust_edt_square *restrict out, const line *from, int64_t k, int64_t first,
                                                         int64_t last, bool halves, bool roomy) {
  int64_t i = k * BLOCK + BLOCK - 1, own;
  dust_edt_square best[1][LANES], begin = dust_edt_square_of(start(from->axis, i, &own));
  int16_t where[LANES];
  for (int l = 0; l < LANES; l++) best[0][l] = begin, where[l] = (int16_t)own;
  for (int64_t up = k < last ? k : last, down = up + 1; up >= first || down <= last; up--, down++) {
    if (up >= first) search(best, where, from, i, up, halves, roomy);
    if (down <= last && down >= first) search(best, where, from, i, down, halves, roomy);
  }
  int16_t least_block = INT16_MAX, most_block = 0;
  for (int l = 0; l < LANES; l++) {
    out[l] = best[0][l];
    least_block = where[l] < least_block ? where[l] : least_block;
    most_block = where[l] > most_block ? where[l] : most_block;
  }
  from->blocks->first[k] = least_block, from->blocks->last[k] = most_block;
}

/* The rows of block k but for its last one. */
static inline __attribute__((always_inline)) void leaf(dust_edt_square *restrict out, int64_t pitch, const line *from, int64_t k,
                                                       int64_t first, int64_t last, bool halves, bool roomy) {
  const dust_edt_axis *axis = from->axis;
  int64_t begin = k * BLOCK, end = begin + BLOCK - 1 < axis->n ? begin + BLOCK - 1 : axis->n, own;
  dust_edt_square best[BLOCK - 1][LANES];
  for (int64_t r = 0; r < BLOCK - 1; r++) {
    dust_edt_square value = dust_edt_square_of(r < end - begin ? start(axis, begin + r, &own) : 0);
    for (int l = 0; l < LANES; l++) best[r][l] = value;
  }
  for (bool low = true; first <= last; low = !low) { /* from both ends: in the middle there is least to be found */
    int64_t block = low ? first++ : last--;
    dust_edt_square most[LANES];
    for (int l = 0; l < LANES; l++) most[l] = best[0][l];
    for (int r = 1; r < BLOCK - 1; r++)
      for (int l = 0; l < LANES; l++) most[l] = most[l] > best[r][l] ? most[l] : best[r][l];
    if (!promising(from->blocks->floor + block * LANES, most, gap(axis, begin, end, block, halves), axis->far)) continue;
    if (end - begin > BLOCK / 2)
      lower_rows(best, BLOCK - 1, from, begin, block, halves, roomy);
    else
      lower_rows(best, BLOCK / 2, from, begin, block, halves, roomy);
  }
  for (int64_t r = 0; r < end - begin; r++)
    for (int l = 0; l < LANES; l++) out[(begin + r) * pitch + l] = best[r][l];
}

/* False: nothing below far anywhere. */
static inline __attribute__((always_inline)) bool lay_floor(const line *from, bool halves) {
  const dust_edt_axis *axis = from->axis;
  const dust_edt_square far = dust_edt_square_of(axis->far);
  dust_edt_square all[LANES], found = far;
  for (int l = 0; l < LANES; l++) all[l] = far;
  for (int64_t k = 0, q = 0; q < axis->n; k++) {
    dust_edt_square floor[LANES];
    for (int l = 0; l < LANES; l++) floor[l] = far;
    for (int64_t end = block_end(axis, k); q < end; q++) {
      __builtin_prefetch(from->centre + q * from->pitch + LANES);
      if (halves) __builtin_prefetch(from->half + q * from->pitch + LANES);
      for (int l = 0; l < LANES; l++) floor[l] = least(floor[l], from->centre[q * from->pitch + l]);
      for (int l = 0; halves && l < LANES; l++) floor[l] = least(floor[l], from->half[q * from->pitch + l]);
    }
    for (int l = 0; l < LANES; l++) from->blocks->floor[k * LANES + l] = floor[l], all[l] = least(all[l], floor[l]);
  }
  for (int l = 0; l < LANES; l++) found = least(found, all[l]);
  return found < far;
}

static inline __attribute__((always_inline)) void spread(dust_edt_square *out, int64_t pitch, const line *from, bool halves, bool roomy) {
  const dust_edt_axis *axis = from->axis;
  int64_t blocks = (axis->n + BLOCK - 1) / BLOCK, anchors = axis->n / BLOCK, span = 1;
  int64_t *first = from->blocks->first, *last = from->blocks->last;
  if (!lay_floor(from, halves) && !axis->border) {
    for (int64_t i = 0; i < axis->n; i++)
      for (int l = 0; l < LANES; l++) out[i * pitch + l] = dust_edt_square_of(axis->far);
    return;
  }
  while (2 * span <= anchors) span *= 2;
  for (; span > 0; span /= 2)
    for (int64_t k = span - 1; k < anchors; k += 2 * span)
      anchor(out + (k * BLOCK + BLOCK - 1) * pitch, from, k, k >= span ? first[k - span] : 0,
             k + span < anchors ? last[k + span] : blocks - 1, halves, roomy);
  for (int64_t k = 0; k < blocks; k++)
    leaf(out, pitch, from, k, k > 0 ? first[k - 1] : 0, k < anchors ? last[k] : blocks - 1, halves, roomy);
}

DUST_CLONED_EXTERN(void, dust_edt_spread, (const dust_edt_lines *lines, const dust_edt_axis *axis, const dust_edt_blocks *blocks),
                   (lines, axis, blocks)) {
  line all = {lines->centre, lines->half, lines->pitch, axis, blocks};
  bool roomy = axis->far <= UINT16_MAX / 2;
  if (all.half && roomy)
    spread(lines->out, lines->out_pitch, &all, true, true);
  else if (all.half)
    spread(lines->out, lines->out_pitch, &all, true, false);
  else if (roomy)
    spread(lines->out, lines->out_pitch, &all, false, true);
  else
    spread(lines->out, lines->out_pitch, &all, false, false);
}
