/* Samples of a row of the field: the line of points along the last axis made into polynomials, and these evaluated.
 *
 *     displacement between two points + base + slope * (voxels from the centre) = c0 + c1 t + c2 t^2 + c3 t^3      0 <= t < 1
 *
 * The rotation is affine along the row, and so a part of the polynomials: a sample costs two or six operations an axis, and is
 * rounded less than if it were added afterwards.
 */
#include "base/lanes.h"
#include "kernel/transform_walk.h"
#ifdef DUST_HAVE_CLONES
#include <immintrin.h>
#endif

enum { NODES = DUST_FIELD_NODES };

/* ---- polynomials */

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

/* Of points that lie `blend` of the way from line p to line q. */
DUST_CLONED(void, make_linears,
            (float *restrict out, int64_t room, const double *restrict p, const double *restrict q, double blend, const dust_field_last *l,
             const affine *a),
            (out, room, p, q, blend, l, a)) {
  float *restrict one = out + room;
  const double *restrict begin = l->begin;
  double base = a->base, slope = a->slope, rise = a->slope * l->length;
  for (int64_t i = 0; i < l->pieces; i++) {
    double from = p[i] + (q[i] - p[i]) * blend, to = p[i + 1] + (q[i + 1] - p[i + 1]) * blend;
    out[i] = (float)(from + (base + slope * begin[i]));
    one[i] = (float)((to - from) + rise);
  }
}

/* What component d turns by from one sample of the row to the next, voxels. */
static double row_slope(const dust_field *f, int d) {
  int last = f->ndim - 1;
  return f->transform->turn[d][last] * f->voxel_size[last] / f->voxel_size[d];
}

void dust_field_walk_pieces(dust_field_walk *walk) {
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
      make_linears(walk->piece[d], walk->room, walk->line, walk->line, 0, &f->last, &turned);
    }
  }
}

static double *nodes_of(const dust_field_walk *walk, int slot, int d) {
  return walk->node_line[slot] + d * (walk->field->last.points + NODES);
}

void dust_field_walk_nodes(dust_field_walk *walk, int slot) {
  const dust_field *f = walk->field;
  int last = f->ndim - 1;
  for (int d = 0; d < f->ndim; d++)
    if (f->transform->moves[d])
      sum_points(nodes_of(walk, slot, d), &f->last, walk->level[last] + d * f->transform->controls[last], 1 / f->voxel_size[d]);
}

void dust_field_walk_between(dust_field_walk *walk, int lower, int upper, double blend) {
  const dust_field *f = walk->field;
  for (int d = 0; d < f->ndim; d++) {
    if (!f->transform->moves[d]) continue;
    affine turned = {walk->base[d], row_slope(f, d)};
    make_linears(walk->piece[d], walk->room, nodes_of(walk, lower, d), nodes_of(walk, upper, d), blend, &f->last, &turned);
  }
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
/* Where there are instructions for it each sample picks its coefficients from a vector of them. W samples must lie in W pieces; where all of the row's do,
 * the vectors stay in registers. */
#define PICK_8(v) (floats_8) _mm256_permutevar8x32_ps((__m256)(v), (__m256i)pick)
#define PICK_16(v) (floats_16) _mm512_permutexvar_ps((__m512i)pick, (__m512)(v))
#define LOAD_PIECES(W, from)     \
  for (int x = 0; x < axes; x++) \
    for (int k = 0; k < each; k++) piece[x][k] = AT(const floats_##W, axis[x].piece + (from) + k * room)
#define BY_LANE(W, name, target)                                                                                                     \
  static inline __attribute__((always_inline)) target void name##_of(const sample_axis *axis, int axes, const dust_field_last *l,    \
                                                                     int64_t room, int64_t begin, int64_t end, int each, bool all) { \
    const int32_t *pieces = l->piece;                                                                                                \
    const float *way = l->way;                                                                                                       \
    floats_##W piece[DUST_TRANSFORM_MAXDIM][4];                                                                                      \
    float *at[DUST_TRANSFORM_MAXDIM];                                                                                                \
    for (int x = 0; x < axes; x++) at[x] = axis[x].at - begin;                                                                       \
    if (all) LOAD_PIECES(W, 0);                                                                                                      \
    for (int64_t j = begin; j < end; j += W) {                                                                                       \
      int32_t from = all ? 0 : pieces[j];                                                                                            \
      ints_##W pick = AT(const ints_##W, pieces + j) - from;                                                                         \
      floats_##W t = AT(const floats_##W, way + j);                                                                                  \
      if (!all) LOAD_PIECES(W, from);                                                                                                \
      for (int x = 0; x < axes; x++) {                                                                                               \
        floats_##W value = PICK_##W(piece[x][1]);                                                                                    \
        if (each == 4) value = (t * PICK_##W(piece[x][3]) + PICK_##W(piece[x][2])) * t + value;                                      \
        AT(floats_##W, at[x] + j) = value * t + PICK_##W(piece[x][0]);                                                               \
      }                                                                                                                              \
    }                                                                                                                                \
  }                                                                                                                                  \
  target static void name(const sample_axis *axis, int axes, const dust_field_last *l, int64_t room, int64_t begin, int64_t end) {   \
    bool all = l->pieces <= W;                                                                                                       \
    if (all && l->each == 4 && axes == 2)                                                                                            \
      name##_of(axis, 2, l, room, begin, end, 4, true);                                                                              \
    else if (all && l->each == 4 && axes == 3)                                                                                       \
      name##_of(axis, 3, l, room, begin, end, 4, true);                                                                              \
    else if (l->each == 4)                                                                                                           \
      for (int x = 0; x < axes; x++) name##_of(axis + x, 1, l, room, begin, end, 4, all);                                            \
    else                                                                                                                             \
      for (int x = 0; x < axes; x++) name##_of(axis + x, 1, l, room, begin, end, 2, all);                                            \
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
