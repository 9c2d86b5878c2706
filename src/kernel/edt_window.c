/* Both passes are one loop: neighbours along the line are `step` values apart, 32 in a tile (whose rows are aligned), 1 in a line.
 * Plain C that the compiler turns into vectors; 32 lanes are one AVX-512 register. */
#include "kernel/edt_window.h"

#include <math.h>
#include "base/clones.h"
#include "base/mem.h"

#define LANES DUST_EDT_LANES
#define SPAN (DUST_EDT_LANES + DUST_EDT_GROUP) /* 32 points see so many values along a group of ways to one side */

dust_status dust_edt_axis_make(dust_edt_axis *axis, int64_t n, double weight, uint16_t far, bool border) {
  double voxel = 2 * sqrt(weight);
  int64_t most = border ? n : n - 1, reach = (int64_t)ceil(sqrt((double)far) / voxel + 0.5);
  if (reach > most) reach = most;
  *axis = (dust_edt_axis){.n = n, .reach = reach, .pad = reach + DUST_EDT_AHEAD, .far = far, .per_root = (float)(1 / voxel)};
  size_t costs = (size_t)(reach + DUST_EDT_AHEAD + 1);
  DUST_TRY(dust_alloc((void **)&axis->whole, 2 * costs * sizeof(uint16_t)));
  axis->half = axis->whole + costs;
  for (size_t m = 0; m < costs; m++) {
    double whole = weight * (double)(2 * m) * (double)(2 * m), half = m ? weight * (double)(2 * m - 1) * (double)(2 * m - 1) : 0;
    axis->whole[m] = (uint16_t)(whole < far ? whole : far);
    axis->half[m] = (uint16_t)(half < far ? half : far);
    if (axis->whole[m] <= UINT16_MAX - far) axis->roomy = (int64_t)m - DUST_EDT_AHEAD + 1;
  }
  return DUST_OK;
}

void dust_edt_axis_release(dust_edt_axis *axis) {
  dust_free(axis->whole);
  axis->whole = axis->half = NULL;
}

static inline dust_edt_square least(dust_edt_square a, dust_edt_square b) { return a < b ? a : b; }

/* min(a, b) + cost, where a sum beyond far must not wrap around: `roomy` says that it can't, otherwise `most` is far - cost. */
static inline dust_edt_square nearer(dust_edt_square a, dust_edt_square b, uint16_t cost, dust_edt_square most, bool roomy) {
  dust_edt_square m = least(a, b);
  return (dust_edt_square)((roomy ? m : least(m, most)) + cost);
}

/* Whether any of `count` rows from m rows away on holds anything, in front or behind. */
static inline bool within(const int32_t *filled, int64_t m, int64_t count) {
  return (filled[1 - m] - filled[1 - m - count]) | (filled[m + count] - filled[m - 1]);
}

/* What lies m and m + 1 voxels away, m - 1/2 and m + 1/2. */
static inline __attribute__((always_inline)) void lower(dust_edt_square *restrict best, const dust_edt_square *centre,
                                                        const dust_edt_square *half, int64_t step, int64_t m, const dust_edt_axis *axis,
                                                        bool halves, bool roomy) {
  const dust_edt_square *c1 = centre - m * step, *c2 = centre + m * step, *c3 = c1 - step, *c4 = c2 + step;
  uint16_t c_cost = axis->whole[m], c_next = axis->whole[m + 1], far = axis->far;
  dust_edt_square c_most = dust_edt_square_of((uint16_t)(far - c_cost)), c_last = dust_edt_square_of((uint16_t)(far - c_next));
  if (!halves) {
    for (int l = 0; l < LANES; l++)
      best[l] = least(best[l], least(nearer(c1[l], c2[l], c_cost, c_most, roomy), nearer(c3[l], c4[l], c_next, c_last, roomy)));
    return;
  }
  const dust_edt_square *h1 = half - m * step, *h2 = half + (m - 1) * step, *h3 = h1 - step, *h4 = h2 + step;
  uint16_t h_cost = axis->half[m], h_next = axis->half[m + 1];
  dust_edt_square h_most = dust_edt_square_of((uint16_t)(far - h_cost)), h_last = dust_edt_square_of((uint16_t)(far - h_next));
  for (int l = 0; l < LANES; l++) {
    dust_edt_square a = least(nearer(c1[l], c2[l], c_cost, c_most, roomy), nearer(c3[l], c4[l], c_next, c_last, roomy));
    dust_edt_square b = least(nearer(h1[l], h2[l], h_cost, h_most, roomy), nearer(h3[l], h4[l], h_next, h_last, roomy));
    best[l] = least(best[l], least(a, b));
  }
}

/* Ways m to m + DUST_EDT_GROUP - 1, up to `steps`; filled: see dust_edt_tile, NULL where nothing is known. */
static inline __attribute__((always_inline)) void lower_group(dust_edt_square *restrict best, const dust_edt_square *centre,
                                                              const dust_edt_square *half, int64_t step, int64_t m, int64_t steps,
                                                              const int32_t *filled, const dust_edt_axis *axis, bool halves) {
  bool roomy = m + DUST_EDT_GROUP - DUST_EDT_AHEAD <= axis->roomy;
  if (steps >= m + DUST_EDT_GROUP) steps = m + DUST_EDT_GROUP - 1;
  for (; m <= steps; m += DUST_EDT_AHEAD) {
    if (filled && !within(filled, m, DUST_EDT_AHEAD)) continue;
    if (roomy)
      lower(best, centre, half, step, m, axis, halves, true);
    else
      lower(best, centre, half, step, m, axis, halves, false);
  }
}

/* `root` is the largest that a result can be. */
static inline int64_t window(const dust_edt_axis *axis, float root) {
  int64_t m = (int64_t)(root * axis->per_root + 0.501f);
  return m < axis->reach ? m : axis->reach;
}

static inline uint16_t largest(const dust_edt_square *value) {
  dust_edt_square most = INT16_MIN;
  for (int l = 0; l < LANES; l++) most = value[l] > most ? value[l] : most;
  return (uint16_t)(most + 32768);
}

static inline __attribute__((always_inline)) void tile_rows(dust_edt_square *out, int64_t pitch, const dust_edt_tile *tile,
                                                            const dust_edt_axis *axis, bool halves) {
  float voxel = 1 / axis->per_root, root = sqrtf(axis->far); /* of the row before, and the way from it */
  for (int64_t i = 0; i < axis->n; i++) {
    dust_edt_square best[LANES];
    const dust_edt_square *centre = tile->centre + i * LANES, *half = halves ? tile->half + i * LANES : NULL;
    for (int l = 0; l < LANES; l++) best[l] = centre[l];
    int64_t steps = window(axis, tile->enough && tile->enough[i] < root ? tile->enough[i] : root);
    for (int64_t m = 1; m <= steps; m += DUST_EDT_GROUP)
      if (within(tile->filled + i, m, DUST_EDT_GROUP)) lower_group(best, centre, half, LANES, m, steps, tile->filled + i, axis, halves);
    for (int l = 0; l < LANES; l++) out[i * pitch + l] = best[l];
    root = sqrtf(largest(best));
    if (tile->root && tile->root[i] < root) tile->root[i] = root;
    root += voxel;
  }
}

DUST_CLONED_EXTERN(void, dust_edt_window_tile, (dust_edt_square * out, int64_t pitch, const dust_edt_tile *tile, const dust_edt_axis *axis),
                   (out, pitch, tile, axis)) {
  if (tile->half)
    tile_rows(out, pitch, tile, axis, true);
  else
    tile_rows(out, pitch, tile, axis, false);
}

/* No candidate above it can be a result whose root is `root` at most; of those from far on none matters. */
static inline uint16_t useful(const dust_edt_axis *axis, float root) {
  float most = root * root * 1.0001f + 1;
  return most < axis->far ? (uint16_t)most : (uint16_t)(axis->far - 1);
}

/* floor[x] becomes the least of the SPAN values from x on, of both lattices, for all that lowest() asks for. */
static inline __attribute__((always_inline)) void lay_floor(dust_edt_square *floor, const dust_edt_square *centre,
                                                            const dust_edt_square *half, const dust_edt_axis *axis) {
  int64_t n = axis->n > LANES ? axis->n : LANES, from = -dust_edt_floor_front(axis), to = n + dust_edt_floor_behind(axis);
  for (int64_t x = from; x < -axis->pad; x++) floor[x] = dust_edt_square_of(axis->far);
  for (int64_t x = -axis->pad; x < n + axis->pad; x++) floor[x] = least(centre[x], half[x]);
  for (int64_t x = n + axis->pad; x < to; x++) floor[x] = dust_edt_square_of(axis->far);
  for (int64_t width = 1; width < 32; to -= width, width *= 2)
    for (int64_t x = from; x < to - width; x++) floor[x] = least(floor[x], floor[x + width]);
  for (int64_t x = from; x < to - (SPAN - 32); x++) floor[x] = least(floor[x], floor[x + SPAN - 32]);
}

/* The least of what a group of ways from m on leads to from 32 points. */
static inline uint16_t lowest(const dust_edt_square *floor, int64_t m) {
  return (uint16_t)(least(floor[1 - m - DUST_EDT_GROUP], floor[m - 1]) + 32768);
}

/* Nothing below far in a line. */
static inline __attribute__((always_inline)) bool empty(const dust_edt_square *centre, const dust_edt_square *half,
                                                        const dust_edt_axis *axis) {
  const dust_edt_square far = dust_edt_square_of(axis->far);
  dust_edt_square found = far;
  for (int64_t x = 0; x < axis->n; x++) found = least(found, least(centre[x], half[x]));
  return found >= far && centre[-1] >= far;
}

static inline __attribute__((always_inline)) uint16_t line_pieces(uint16_t *out, const dust_edt_square *centre, const dust_edt_square *half,
                                                                  const dust_edt_axis *axis, float *root, dust_edt_square *floor,
                                                                  bool halves) {
  int64_t n = axis->n, last = n > LANES ? n - LANES : 0;
  uint16_t most = 0;
  if (empty(centre, half, axis)) {
    for (int64_t x = 0; x < n; x++) out[x] = axis->far;
    for (int64_t x = 0; x < n; x += LANES) root[x / LANES] = sqrtf(axis->far);
    return axis->far;
  }
  lay_floor(floor, centre, half, axis);
  for (int64_t x = 0, piece = 0; x < n; x += LANES, piece++) {
    dust_edt_square best[LANES];
    int64_t from = x < last ? x : last, steps = window(axis, root[piece]); /* the last piece ends where the line does */
    for (int l = 0; l < LANES; l++) best[l] = centre[from + l];
    for (int64_t l = n; l < LANES; l++) best[l] = INT16_MIN;
    uint16_t bound = useful(axis, root[piece]);
    for (int64_t m = 1; m <= steps; m += DUST_EDT_GROUP)
      if (lowest(floor + from, m) + axis->half[m] <= bound) lower_group(best, centre + from, half + from, 1, m, steps, NULL, axis, halves);
    for (int l = 0; l < LANES; l++) out[from + l] = (uint16_t)(best[l] + 32768);
    uint16_t here = largest(best);
    root[piece] = sqrtf(here);
    most = here > most ? here : most;
  }
  return most;
}

DUST_CLONED_EXTERN(uint16_t, dust_edt_window_line,
                   (uint16_t * out, const dust_edt_square *centre, const dust_edt_square *half, const dust_edt_axis *axis, float *root,
                    dust_edt_square *floor),
                   (out, centre, half, axis, root, floor)) {
  return half ? line_pieces(out, centre, half, axis, root, floor, true) : line_pieces(out, centre, centre, axis, root, floor, false);
}
