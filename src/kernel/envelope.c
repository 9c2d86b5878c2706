/* Squared distances along one axis. A tile is 16 neighbouring columns: n rows of 16 values copied into scratch, from which the
 * volume is overwritten.
 *
 *     volume (outer, n, inner)         tile of outer o, columns j … j+15
 *       offset (o n + i) inner + j  ->  row[i][0 … 15], lanes past the end hold far
 */
#include "kernel/envelope.h"

#include <string.h>
#include "base/mem.h"
#include "base/clones.h"

#define LANES 16
#define WINDOW 64 /* half voxels that the window may grow to before the envelope takes over */
#define TILES_A_CHUNK 16

typedef struct spread_pass {
  char *centre;
  const char *half; /* NULL: none */
  bool wide;
  int64_t n, inner, tiles; /* tiles: per outer index */
  dust_envelope envelope;
} spread_pass;

/* The parabolas of one column that are lowest somewhere, by rising position; `from` is where each begins to be. */
typedef struct parabolas {
  int64_t count;
  double *position, *value, *from;
} parabolas;

/* GNU C's vectors, which any instruction set can do: gcc takes an array of lanes apart into 16 scalars. */
typedef int32_t lanes __attribute__((vector_size(4 * LANES)));

typedef struct tile {
  lanes *row;    /* n */
  uint8_t *some; /* per row: it has a site, or what is near to one */
} tile;

typedef struct scratch {
  tile centre, half;
  parabolas lowest;
  double *column;
} scratch;

static void scratch_release(scratch *s) {
  dust_free(s->centre.row);
  dust_free(s->centre.some);
  dust_free(s->half.row);
  dust_free(s->half.some);
  dust_free(s->lowest.position);
  dust_free(s->lowest.value);
  dust_free(s->lowest.from);
  dust_free(s->column);
}

static dust_status tile_acquire(tile *t, size_t rows) {
  DUST_TRY(dust_alloc((void **)&t->row, rows * sizeof *t->row));
  return dust_alloc((void **)&t->some, rows);
}

static dust_status scratch_acquire(scratch *s, const spread_pass *pass) {
  size_t rows = pass->wide ? 0 : (size_t)pass->n, points = (size_t)(2 * pass->n + 2) * sizeof(double);
  DUST_TRY(tile_acquire(&s->centre, rows));
  DUST_TRY(tile_acquire(&s->half, pass->half ? rows : 0));
  DUST_TRY(dust_alloc((void **)&s->lowest.position, points));
  DUST_TRY(dust_alloc((void **)&s->lowest.value, points));
  DUST_TRY(dust_alloc((void **)&s->lowest.from, points));
  return dust_alloc((void **)&s->column, (size_t)pass->n * sizeof(double));
}

static void parabolas_add(parabolas *p, double position, double value, const dust_envelope *e) {
  if (value >= e->far) return;
  double from = -1e300;
  while (p->count > 0) {
    int64_t last = p->count - 1;
    double v = p->position[last];
    /* With whole numbers the numerator is exact and the quotient correctly rounded, so no voxel is on the wrong side of it. */
    from = ((value - p->value[last]) + e->weight * (position * position - v * v)) / (2 * e->weight * (position - v));
    if (from > p->from[last]) break;
    p->count--;
    from = -1e300;
  }
  p->position[p->count] = position;
  p->value[p->count] = value;
  p->from[p->count++] = from;
}

static void parabolas_evaluate(const parabolas *p, double *out, int64_t n, const dust_envelope *e) {
  int64_t k = 0;
  for (int64_t i = 0; i < n; i++) {
    double best = e->far, at = 2.0 * (double)i;
    if (p->count > 0) {
      while (k + 1 < p->count && p->from[k + 1] < at) k++;
      double away = at - p->position[k], square = e->weight * away * away + p->value[k];
      if (square < best) best = square;
    }
    out[i] = best;
  }
}

static double value_at(const spread_pass *pass, const char *volume, int64_t offset) {
  return pass->wide ? ((const double *)volume)[offset] : ((const int32_t *)volume)[offset];
}

/* One column by the lower envelope. */
static void envelope_column(const spread_pass *pass, scratch *s, int64_t offset) {
  parabolas *p = &s->lowest;
  const dust_envelope *e = &pass->envelope;
  p->count = 0;
  if (e->border) parabolas_add(p, -2, 0, e);
  for (int64_t i = 0; i < pass->n; i++) {
    parabolas_add(p, 2.0 * (double)i, value_at(pass, pass->centre, offset + i * pass->inner), e);
    if (pass->half) parabolas_add(p, 2.0 * (double)i + 1, value_at(pass, pass->half, offset + i * pass->inner), e);
  }
  if (e->border) parabolas_add(p, 2.0 * (double)pass->n, 0, e);
  parabolas_evaluate(p, s->column, pass->n, e);
  for (int64_t i = 0; i < pass->n; i++) {
    if (pass->wide)
      ((double *)pass->centre)[offset + i * pass->inner] = s->column[i];
    else
      ((int32_t *)pass->centre)[offset + i * pass->inner] = (int32_t)s->column[i];
  }
}

/* Whether any lane of a comparison is true. */
static inline bool any_lane(const lanes *mask) {
  uint64_t word[LANES / 2], any = 0;
  memcpy(word, mask, sizeof word);
  for (int w = 0; w < LANES / 2; w++) any |= word[w];
  return any != 0;
}

/* Copies a tile; false when it holds no site. */
DUST_CLONED(bool, load_tile, (tile * t, const int32_t *volume, const spread_pass *pass, int64_t offset, int64_t columns),
            (t, volume, pass, offset, columns)) {
  int32_t far = (int32_t)pass->envelope.far;
  bool some = false;
  for (int64_t i = 0; i < pass->n; i++) {
    const int32_t *from = volume + offset + i * pass->inner;
    lanes row = (lanes){0} + far;
    if (columns == LANES)
      memcpy(&row, from, sizeof row);
    else
      memcpy(&row, from, (size_t)columns * sizeof *from);
    lanes near = row < far;
    t->row[i] = row;
    some |= t->some[i] = any_lane(&near);
  }
  return some;
}

/* The two rows are compared with one another first, so that `best` waits for one comparison a step, not two. */
static inline void lower_by_two(lanes *best, const tile *from, int64_t below, int64_t above, int32_t cost) {
  if (!(from->some[below] | from->some[above])) return;
  lanes a = from->row[below], b = from->row[above], less = a < b;
  lanes there = ((a & less) | (b & ~less)) + cost, nearer = there < *best;
  *best = (there & nearer) | (*best & ~nearer);
}

static inline void lower(lanes *best, const tile *from, int64_t row, int32_t cost) {
  if (!from->some[row]) return;
  lanes there = from->row[row] + cost, less = there < *best;
  *best = (there & less) | (*best & ~less);
}

static inline bool all_below(const lanes *best, int64_t cost) {
  if (cost > INT32_MAX) return true;
  lanes over = *best > (int32_t)cost;
  return !any_lane(&over);
}

static inline void lower_to_border(lanes *best, const spread_pass *pass, int64_t i) {
  int64_t weight = (int64_t)pass->envelope.weight, n = pass->n;
  int64_t away = 2 * (i + 1 < n - i ? i + 1 : n - i), far = (int64_t)pass->envelope.far;
  int32_t edge = (int32_t)(away < 1 << 15 && weight * away * away < far ? weight * away * away : far);
  lanes more = *best > edge;
  *best = (edge & more) | (*best & ~more);
}

/* Row i of a tile: looks k half voxels away, k rising, until nothing there can be nearer. False when the window got too large. */
static inline bool window_row(lanes *result, const scratch *s, const spread_pass *pass, int64_t i) {
  int64_t weight = (int64_t)pass->envelope.weight, n = pass->n;
  bool half = pass->half != NULL;
  lanes best = s->centre.row[i];
  if (pass->envelope.border) lower_to_border(&best, pass, i);
  for (int64_t k = half ? 1 : 2; k <= WINDOW; k += half ? 1 : 2) {
    int64_t cost = weight * k * k, below = (k & 1) ? i - (k + 1) / 2 : i - k / 2, above = i + k / 2;
    bool look = k <= 4 || k % 8 == 0; /* looking whether it is enough costs as much as several steps */
    if ((look && all_below(&best, cost)) || (below < 0 && above >= n)) return *result = best, true;
    const tile *from = (k & 1) ? &s->half : &s->centre;
    if (below >= 0 && above < n)
      lower_by_two(&best, from, below, above, (int32_t)cost);
    else
      lower(&best, from, below >= 0 ? below : above, (int32_t)cost);
  }
  *result = best;
  return all_below(&best, weight * WINDOW * WINDOW);
}

DUST_CLONED(bool, window_tile, (const spread_pass *pass, const scratch *s, int64_t offset, int64_t columns), (pass, s, offset, columns)) {
  int32_t *volume = (int32_t *)pass->centre;
  for (int64_t i = 0; i < pass->n; i++) {
    lanes best;
    if (!window_row(&best, s, pass, i)) return false;
    if (columns == LANES)
      memcpy(volume + offset + i * pass->inner, &best, sizeof best);
    else
      memcpy(volume + offset + i * pass->inner, &best, (size_t)columns * sizeof(int32_t));
  }
  return true;
}

static void restore_tile(const spread_pass *pass, const scratch *s, int64_t offset, int64_t columns) {
  for (int64_t i = 0; i < pass->n; i++)
    memcpy((int32_t *)pass->centre + offset + i * pass->inner, &s->centre.row[i], (size_t)columns * sizeof(int32_t));
}

static void spread_tile(const spread_pass *pass, scratch *s, int64_t offset, int64_t columns) {
  if (!pass->wide) {
    bool some = load_tile(&s->centre, (const int32_t *)pass->centre, pass, offset, columns);
    if (pass->half && load_tile(&s->half, (const int32_t *)pass->half, pass, offset, columns)) some = true;
    if (!some && !pass->envelope.border) return;
    if (window_tile(pass, s, offset, columns)) return;
    restore_tile(pass, s, offset, columns);
  }
  for (int64_t l = 0; l < columns; l++) envelope_column(pass, s, offset + l);
}

static dust_status spread_tiles(void *context, size_t begin, size_t end, size_t chunk) {
  const spread_pass *pass = context;
  scratch s = {0};
  dust_status status;
  DUST_GO(scratch_acquire(&s, pass));
  for (size_t t = begin; t < end; t++) {
    int64_t outer = (int64_t)t / pass->tiles, column = (int64_t)t % pass->tiles * LANES;
    int64_t columns = pass->inner - column < LANES ? pass->inner - column : LANES;
    spread_tile(pass, &s, outer * pass->n * pass->inner + column, columns);
  }
done:
  scratch_release(&s);
  return status;
}

dust_status dust_envelope_spread(dust_ndarray *centre, const dust_ndarray *half, int axis, const dust_envelope *envelope, dust_pool *pool) {
  int64_t outer = 1, inner = 1;
  for (int a = 0; a < axis; a++) outer *= centre->shape[a];
  for (int a = axis + 1; a < centre->ndim; a++) inner *= centre->shape[a];
  spread_pass pass = {.centre = centre->data,
                      .half = half ? half->data : NULL,
                      .wide = centre->dtype == DUST_FLOAT64,
                      .n = centre->shape[axis],
                      .inner = inner,
                      .tiles = (inner + LANES - 1) / LANES,
                      .envelope = *envelope};
  if (pass.n == 0 || inner == 0 || (pass.n == 1 && !envelope->border)) return DUST_OK;
  return dust_pool_for(pool, (size_t)(outer * pass.tiles), TILES_A_CHUNK, spread_tiles, &pass);
}
