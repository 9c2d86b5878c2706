/* The field of one key's grid, row by row, without ever being there as a whole.
 *
 *     coefficients (d, c0, c1, c2) --once a plane--> (d, c1, c2) --once a row--> (d, c2) --> a line of points per axis --> polynomials --> places
 *
 * The rotation is affine along the row, and so a part of the polynomials: a sample costs two or six operations an axis.
 */
#include <string.h>
#include "base/lanes.h"
#include "base/mem.h"
#include "kernel/transform_field.h"
#ifdef DUST_HAVE_CLONES
#include <immintrin.h>
#endif

enum { TAPS = DUST_TRANSFORM_TAPS, NODES = DUST_FIELD_NODES };

/* Floats come first, so that they are as aligned as the block. */
dust_status dust_field_walk_create(dust_field_walk *walk, const dust_field *field) {
  memset(walk, 0, sizeof *walk);
  const dust_transform *t = field->transform;
  walk->field = field, walk->row = -1;
  size_t lanes = DUST_MOST_LANES, row = DUST_GATHER_ROW + lanes, doubles = (size_t)field->last.points + NODES, slab = (size_t)t->ndim;
  size_t room = t->displaced ? ((size_t)field->last.pieces + 2 * lanes - 1) / lanes * lanes : 0, level[DUST_TRANSFORM_MAXDIM + 1] = {0};
  for (int d = t->ndim - 1; d >= 1 && t->displaced; d--) doubles += level[d] = slab *= (size_t)t->controls[d];
  size_t floats = (size_t)t->ndim * (row + (size_t)field->last.each * room);
  DUST_TRY(dust_calloc(&walk->block, floats * sizeof(float) + doubles * sizeof(double), 1));
  float *at = walk->block;
  walk->room = (int64_t)room;
  for (int d = 0; d < t->ndim; d++, at += row) walk->at[d] = at;
  for (int d = 0; d < t->ndim; d++, at += (size_t)field->last.each * room) walk->piece[d] = at;
  walk->line = (double *)(void *)at;
  walk->level[0] = t->displaced ? (double *)t->coefficients.data : NULL;
  double *next = walk->line + field->last.points + NODES;
  for (int d = 1; d < t->ndim; d++) walk->level[d] = next, next += level[d];
  for (int d = 0; d < t->ndim; d++) walk->reduced[d] = -1;
  return DUST_OK;
}

void dust_field_walk_release(dust_field_walk *walk) {
  dust_free(walk->block);
  memset(walk, 0, sizeof *walk);
}

/* ---- to a row */

/* One index of an axis: of every component that moves, a slab of `count` slices, the sum of those that the taps name. */
DUST_CLONED(void, sum_slices,
            (double *restrict out, const double *restrict in, const dust_transform *t, const int64_t *index, const double *weight,
             int64_t count, int64_t inner),
            (out, in, t, index, weight, count, inner)) {
  for (int component = 0; component < t->ndim; component++, out += inner, in += count * inner) {
    if (!t->moves[component]) continue;
    const double *a = in + index[0] * inner, *b = in + index[1] * inner, *c = in + index[2] * inner, *d = in + index[3] * inner;
    for (int64_t i = 0; i < inner; i++) out[i] = weight[0] * a[i] + weight[1] * b[i] + weight[2] * c[i] + weight[3] * d[i];
    for (int k = 4; k < TAPS && t->subsample > 1; k++) {
      const double *e = in + index[k] * inner;
      for (int64_t i = 0; i < inner; i++) out[i] += weight[k] * e[i];
    }
  }
}

/* level[d + 1] from level[d]. */
static void reduce(dust_field_walk *walk, int d) {
  const dust_transform *t = walk->field->transform;
  const dust_field_axis *axis = &walk->field->outer[d];
  int64_t inner = 1;
  for (int e = d + 1; e < t->ndim; e++) inner *= t->controls[e];
  sum_slices(walk->level[d + 1], walk->level[d], t, axis->index + walk->place[d] * TAPS, axis->weight + walk->place[d] * TAPS,
             t->controls[d], inner);
}

static void copy_points(double *restrict line, const dust_field_last *l, const double *restrict in, double per_voxel) {
  for (int64_t p = 0; p < l->points; p++) line[p] = in[l->index[p]] * per_voxel;
}

typedef double node_lanes __attribute__((vector_size(8 * NODES), aligned(8), may_alias));
#define AT DUST_LANES_AT

/* Nodes between the same control points are made together; some past the last are nonsense until the next ones are made, or lie in
 * the room at the end. */
DUST_CLONED(void, sum_points, (double *restrict line, const dust_field_last *l, const double *restrict in, double per_voxel),
            (line, l, in, per_voxel)) {
  const double *wa = l->weight[0], *wb = l->weight[1], *wc = l->weight[2], *wd = l->weight[3];
  for (int64_t i = 0, stop; i < l->points; i = stop) {
    const int64_t *index = l->index + i * 4;
    double a = in[index[0]], b = in[index[1]], c = in[index[2]], d = in[index[3]];
    stop = l->point_stop[i];
    for (int64_t j = i; j < stop; j += NODES)
      AT(node_lanes, line + j) = (AT(const node_lanes, wa + j) * a + AT(const node_lanes, wb + j) * b + AT(const node_lanes, wc + j) * c +
                                  AT(const node_lanes, wd + j) * d) *
                                 per_voxel;
  }
}

/* Of every piece, displacement and rotation: `base` and, a voxel, `slope`. */
typedef struct affine {
  double base, slope;
} affine;

DUST_CLONED(void, make_cubics, (float *restrict out, int64_t room, const double *restrict p, const dust_field_last *l, const affine *a),
            (out, room, p, l, a)) {
  float *restrict one = out + room, *restrict two = one + room, *restrict three = two + room;
  const double *restrict begin = l->begin;
  double base = a->base, slope = a->slope, rise = a->slope * l->length;
  for (int64_t i = 0; i < l->pieces; i++) {
    double before = p[i], from = p[i + 1], to = p[i + 2], after = p[i + 3];
    out[i] = (float)((before + 4 * from + to) * (1.0 / 6) + (base + slope * begin[i]));
    one[i] = (float)((to - before) * 0.5 + rise);
    two[i] = (float)((before - 2 * from + to) * 0.5);
    three[i] = (float)(((after - before) + 3 * (from - to)) * (1.0 / 6));
  }
}

DUST_CLONED(void, make_linears, (float *restrict out, int64_t room, const double *restrict p, const dust_field_last *l, const affine *a),
            (out, room, p, l, a)) {
  float *restrict one = out + room;
  const double *restrict begin = l->begin;
  double base = a->base, slope = a->slope, rise = a->slope * l->length;
  for (int64_t i = 0; i < l->pieces; i++) {
    out[i] = (float)(p[i] + (base + slope * begin[i]));
    one[i] = (float)((p[i + 1] - p[i]) + rise);
  }
}

/* What component d turns by from one sample of the row to the next, voxels. */
static double row_slope(const dust_field *f, int d) {
  int last = f->ndim - 1;
  return f->transform->turn[d][last] * f->voxel_size[last] / f->voxel_size[d];
}

/* The polynomials of the last axis, in voxels of this key. */
static void make_pieces(dust_field_walk *walk) {
  const dust_field *f = walk->field;
  int last = f->ndim - 1;
  for (int d = 0; d < f->ndim; d++) {
    if (!f->transform->moves[d]) continue;
    const double *in = walk->level[last] + d * f->transform->controls[last];
    affine turned = {walk->base[d], row_slope(f, d)};
    if (f->last.taps == 1) {
      copy_points(walk->line, &f->last, in, 1 / f->voxel_size[d]);
      make_cubics(walk->piece[d], walk->room, walk->line, &f->last, &turned);
    } else {
      sum_points(walk->line, &f->last, in, 1 / f->voxel_size[d]);
      make_linears(walk->piece[d], walk->room, walk->line, &f->last, &turned);
    }
  }
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
  if (!walk->field->transform->displaced) return;
  reduce_to(walk, walk->field->ndim - 1);
  make_pieces(walk);
}

/* ---- samples */

DUST_CLONED(void, turn_samples, (float *restrict at, const float *restrict from_centre, float base, float slope, int64_t n),
            (at, from_centre, base, slope, n)) {
  for (int64_t i = 0; i < n; i++) at[i] = base + from_centre[i] * slope;
}

typedef struct sample_axis {
  float *at;
  const float *piece;
} sample_axis;

/* Samples of the same piece are made together, a vector at a time: those past the last are nonsense until the next ones are made,
 * or lie in the room at the end. */
static void by_piece(const sample_axis *axis, int axes, const dust_field_last *l, int64_t room, int64_t begin, int64_t end) {
  const float *way = l->way;
  for (int64_t i = begin, stop; i < end; i = stop) {
    stop = l->stop[i] < end ? l->stop[i] : end;
    for (int x = 0; x < axes; x++) {
      const float *p = axis[x].piece + l->piece[i];
      float *at = axis[x].at - begin, p0 = p[0], p1 = p[room], p2 = 0, p3 = 0;
      if (l->each == 2) {
        for (int64_t j = i; j < stop; j += 4) AT(floats_4, at + j) = AT(const floats_4, way + j) * p1 + p0;
        continue;
      }
      p2 = p[2 * room], p3 = p[3 * room];
      for (int64_t j = i; j < stop; j += 4) {
        floats_4 t = AT(const floats_4, way + j);
        AT(floats_4, at + j) = ((t * p3 + p2) * t + p1) * t + p0;
      }
    }
  }
}

#ifdef DUST_HAVE_CLONES
/* Where there are instructions for it each sample picks its coefficients from a vector of them. W samples must lie in W pieces. */
#define PICK_8(p) (floats_8) _mm256_permutevar8x32_ps(_mm256_loadu_ps(p), (__m256i)pick)
#define PICK_16(p) (floats_16) _mm512_permutexvar_ps((__m512i)pick, _mm512_loadu_ps(p))
#define PICK(W, k) PICK_##W(p + (k)*room)
#define BY_LANE(W, name, target)                                                                                                   \
  target static void name(const sample_axis *axis, int axes, const dust_field_last *l, int64_t room, int64_t begin, int64_t end) { \
    bool all = l->pieces <= W; /* of the row in one vector */                                                                      \
    for (int64_t j = begin; j < end; j += W) {                                                                                     \
      int32_t from = all ? 0 : l->piece[j];                                                                                        \
      ints_##W pick = AT(const ints_##W, l->piece + j) - from;                                                                     \
      floats_##W t = AT(const floats_##W, l->way + j);                                                                             \
      for (int x = 0; x < axes; x++) {                                                                                             \
        const float *p = axis[x].piece + from;                                                                                     \
        floats_##W value = PICK(W, 1);                                                                                             \
        if (l->each == 4) value = (t * PICK(W, 3) + PICK(W, 2)) * t + value;                                                       \
        AT(floats_##W, axis[x].at + (j - begin)) = value * t + PICK(W, 0);                                                         \
      }                                                                                                                            \
    }                                                                                                                              \
  }
BY_LANE(8, by_lane_v3, __attribute__((target(DUST_TARGET_V3))))
BY_LANE(16, by_lane_v4, __attribute__((target(DUST_TARGET_V4))))
#endif
#define by_lane_baseline by_piece

void dust_field_walk_samples(dust_field_walk *walk, int64_t begin, int64_t length) {
  const dust_field *f = walk->field;
  const dust_field_last *l = &f->last;
  sample_axis moving[DUST_TRANSFORM_MAXDIM];
  int axes = 0;
  for (int d = 0; d < f->ndim; d++) {
    if (f->transform->moves[d])
      moving[axes++] = (sample_axis){walk->at[d], walk->piece[d]};
    else if (!f->still[d])
      turn_samples(walk->at[d], l->from_centre + begin, (float)walk->base[d], (float)row_slope(f, d), length);
  }
  if (axes == 0) return;
  if (l->close)
    DUST_BY_WIDTH(by_lane)(moving, axes, l, walk->room, begin, begin + length);
  else
    by_piece(moving, axes, l, walk->room, begin, begin + length);
}

/* ---- all of them */

size_t dust_field_grain(const dust_field *field) {
  int64_t rows = 32768 / field->shape[field->ndim - 1];
  return rows > 1 ? (size_t)rows : 1;
}

dust_status dust_field_walk_pieces(dust_field_walk *walk, dust_field_visit visit, void *state) {
  int64_t n = walk->field->shape[walk->field->ndim - 1];
  for (int64_t at = 0; at < n; at += DUST_GATHER_ROW) {
    int64_t length = n - at < DUST_GATHER_ROW ? n - at : DUST_GATHER_ROW;
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
    DUST_GO(dust_field_walk_pieces(&walk, visit, state));
  }
done:
  dust_field_walk_release(&walk);
  return status;
}
