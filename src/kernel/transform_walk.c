/* The field of one key's grid, row by row, without ever being there as a whole.
 *
 *     coefficients (d, c0, c1, c2) --once a plane--> (d, c1, c2) --once a row--> (d, c2) --> points --> polynomials --> places
 *
 * The last two steps are in transform_samples.c.
 */
#include <string.h>
#include "base/lanes.h"
#include "base/mem.h"
#include "kernel/transform_walk.h"

enum { TAPS = DUST_TRANSFORM_TAPS, NODES = DUST_FIELD_NODES };

/* Floats come first, so that they are as aligned as the block. */
dust_status dust_field_walk_create(dust_field_walk *walk, const dust_field *field) {
  memset(walk, 0, sizeof *walk);
  const dust_transform *t = field->transform;
  walk->field = field, walk->row = -1;
  size_t lanes = DUST_MOST_LANES, row = DUST_GATHER_ROW + lanes, doubles = (size_t)field->last.points + NODES, slab = (size_t)t->ndim;
  size_t room = t->displaced ? ((size_t)field->last.pieces + 2 * lanes - 1) / lanes * lanes : 0, level[DUST_TRANSFORM_MAXDIM + 1] = {0};
  for (int d = t->ndim - 1; d >= 1 && t->displaced; d--) doubles += level[d] = slab *= (size_t)t->controls[d];
  size_t nodes = t->subsample > 1 && t->displaced ? (size_t)t->ndim * ((size_t)field->last.points + NODES) : 0;
  doubles += 2 * nodes;
  size_t floats = (size_t)t->ndim * (row + (size_t)field->last.each * room);
  DUST_TRY(dust_calloc(&walk->block, floats * sizeof(float) + doubles * sizeof(double), 1));
  float *at = walk->block;
  walk->room = (int64_t)room;
  for (int d = 0; d < t->ndim; d++, at += row) walk->at[d] = at;
  for (int d = 0; d < t->ndim; d++, at += (size_t)field->last.each * room) walk->piece[d] = at;
  walk->line = (double *)(void *)at;
  walk->level[0] = t->displaced ? (double *)t->coefficients.data : NULL;
  double *next = walk->line + field->last.points + NODES;
  for (int k = 0; k < 2; k++) walk->node_line[k] = next, next += nodes;
  for (int d = 1; d < t->ndim; d++) walk->level[d] = next, next += level[d];
  for (int d = 0; d < t->ndim; d++) walk->reduced[d] = -1;
  return DUST_OK;
}

void dust_field_walk_release(dust_field_walk *walk) {
  dust_free(walk->block);
  memset(walk, 0, sizeof *walk);
}

/* ---- to a row */

/* One index of an axis: of every component that moves, a slab of `count` slices, the sum of those that the taps name; in one
 * go, since slices are often a few values long. */
DUST_CLONED(void, sum_slices,
            (double *restrict out, const double *restrict in, const dust_transform *t, const int64_t *index, const double *weight,
             int64_t taps, int64_t count, int64_t inner),
            (out, in, t, index, weight, taps, count, inner)) {
  for (int component = 0; component < t->ndim; component++, out += inner, in += count * inner) {
    if (!t->moves[component]) continue;
    const double *a = in + index[0] * inner, *b = in + index[1] * inner, *c = in + index[2] * inner, *d = in + index[3] * inner;
    if (taps == 4) {
      for (int64_t i = 0; i < inner; i++) out[i] = weight[0] * a[i] + weight[1] * b[i] + weight[2] * c[i] + weight[3] * d[i];
      continue;
    }
    const double *e = in + index[4] * inner, *f = in + index[5] * inner, *g = in + index[6] * inner, *h = in + index[7] * inner;
    for (int64_t i = 0; i < inner; i++)
      out[i] = weight[0] * a[i] + weight[1] * b[i] + weight[2] * c[i] + weight[3] * d[i] + weight[4] * e[i] + weight[5] * f[i] +
               weight[6] * g[i] + weight[7] * h[i];
  }
}

/* level[d + 1] from level[d]. */
static void reduce(dust_field_walk *walk, int d) {
  const dust_transform *t = walk->field->transform;
  const dust_field_axis *axis = &walk->field->outer[d];
  int64_t inner = 1;
  for (int e = d + 1; e < t->ndim; e++) inner *= t->controls[e];
  sum_slices(walk->level[d + 1], walk->level[d], t, axis->index + walk->place[d] * TAPS, axis->weight + walk->place[d] * TAPS,
             t->subsample == 1 ? 4 : 8, t->controls[d], inner);
}

/* The slot that holds the lines of a node along axis d, which are made if they aren't there, in the slot that is not `kept`. */
static int slot_of(dust_field_walk *walk, int d, int64_t node, int kept) {
  const dust_transform *t = walk->field->transform;
  for (int k = 0; k < 2; k++)
    if (walk->has_node[k] && walk->node[k] == node) return k;
  int64_t index[4];
  double weight[4];
  const int slot = kept == 0;
  dust_transform_node_taps(t, d, node, index, weight);
  sum_slices(walk->level[d + 1], walk->level[d], t, index, weight, 4, t->controls[d], t->controls[d + 1]);
  dust_field_walk_nodes(walk, slot);
  walk->node[slot] = node, walk->has_node[slot] = true;
  return slot;
}

/* The row by what its neighbours between the same nodes made: two lines of nodes along axis d, the one before the last. */
static void blend_nodes(dust_field_walk *walk, int d) {
  const dust_field_axis *axis = &walk->field->outer[d];
  const int64_t place = walk->place[d], node = axis->node[place];
  if (walk->reduced[d] < 0) walk->has_node[0] = walk->has_node[1] = false; /* the level that they are made of is another */
  walk->reduced[d] = place;
  const bool upper_first = walk->has_node[0] && walk->node[0] == node + 1; /* keep what can be kept */
  int upper = upper_first ? 0 : -1, lower = slot_of(walk, d, node, upper);
  if (!upper_first) upper = slot_of(walk, d, node + 1, lower);
  dust_field_walk_between(walk, lower, upper, axis->blend[place]);
}

static void turn_base(dust_field_walk *walk) {
  const dust_field *f = walk->field;
  for (int d = 0; d < f->ndim; d++) {
    if (f->still[d]) continue;
    double sum = 0;
    for (int e = 0; e < f->ndim - 1; e++)
      sum += f->transform->turn[d][e] * (f->begin[e] + ((double)walk->place[e] + 0.5) * f->voxel_size[e]);
    walk->base[d] = sum / f->voxel_size[d];
  }
}

/* Rows are mostly walked one after the other, and divisions are slow. */
static void set_place(dust_field_walk *walk, int64_t row) {
  const dust_field *f = walk->field;
  int d = f->ndim - 2;
  if (row == walk->row + 1 && row > 0) {
    while (d >= 0 && ++walk->place[d] == f->shape[d]) walk->place[d--] = 0;
  } else {
    for (int64_t rest = row; d >= 0; d--) {
      walk->place[d] = rest % f->shape[d];
      rest /= f->shape[d];
    }
  }
  walk->row = row;
}

/* Brings levels up to `axes` axes reduced; further ones then have to be made again. */
static void reduce_to(dust_field_walk *walk, int axes) {
  for (int d = 0; d < axes; d++) {
    if (walk->reduced[d] == walk->place[d]) continue;
    reduce(walk, d);
    walk->reduced[d] = walk->place[d];
    walk->reduced[d + 1] = -1;
  }
}

void dust_field_walk_near(dust_field_walk *walk, int64_t row) {
  if (row == walk->row) return;
  set_place(walk, row);
  turn_base(walk);
  if (walk->field->transform->displaced) reduce_to(walk, walk->field->ndim - 2);
}

void dust_field_walk_to(dust_field_walk *walk, int64_t row) {
  dust_field_walk_near(walk, row);
  const dust_field *f = walk->field;
  if (!f->transform->displaced) return;
  if (f->transform->subsample > 1 && f->ndim > 1) {
    blend_nodes(walk, f->ndim - 2);
    return;
  }
  reduce_to(walk, f->ndim - 1);
  dust_field_walk_pieces(walk);
}

/* ---- all of them */

size_t dust_field_grain(const dust_field *field) {
  int64_t rows = 32768 / field->shape[field->ndim - 1];
  return rows > 1 ? (size_t)rows : 1;
}

dust_status dust_field_walk_parts(dust_field_walk *walk, int64_t begin, int64_t end, dust_field_visit visit, void *state) {
  for (int64_t at = begin; at < end; at += DUST_GATHER_ROW) {
    int64_t length = end - at < DUST_GATHER_ROW ? end - at : DUST_GATHER_ROW;
    dust_field_walk_samples(walk, at, length);
    DUST_TRY(visit(state, walk, at, length));
  }
  return DUST_OK;
}

dust_status dust_field_walk_rows(const dust_field *field, size_t begin, size_t end, dust_field_visit visit, void *state) {
  dust_field_walk walk;
  DUST_TRY(dust_field_walk_create(&walk, field));
  dust_status status = DUST_OK;
  for (size_t row = begin; row < end; row++) {
    dust_field_walk_to(&walk, (int64_t)row);
    DUST_GO(dust_field_walk_parts(&walk, 0, field->shape[field->ndim - 1], visit, state));
  }
done:
  dust_field_walk_release(&walk);
  return status;
}
