/* The field of one key's grid, row by row, without ever being there as a whole.
 *
 *     coefficients (d, c0, c1, c2) --once a plane--> (d, c1, c2) --once a row--> (d, c2) --> a line of points per axis --2 or 4 neighbours a sample--> displacement
 *
 * The rotation is affine along the row. Both hot loops are in dust_field_walk_samples().
 */
#include "kernel/transform_field.h"

#include <math.h>
#include <string.h>
#include "base/clones.h"
#include "base/mem.h"
#include "kernel/spline.h"

enum { TAPS = DUST_TRANSFORM_TAPS, NODES = 8 /* at a time */ };
#define AT(type, pointer) (*(const type *)(const void *)(pointer))

/* ---- taps */

static double ratio(int64_t to, int64_t from) { return from > 1 ? (double)(to - 1) / (double)(from - 1) : 0; }

/* Four taps of the spline at control coordinate `place`, written from index[0] on, times `factor`. */
static void cubic_taps(int64_t n, double place, double factor, int64_t *index, double *weight, bool slopes) {
  double below = floor(place), w[4];
  if (slopes)
    dust_spline_slopes(place - below, w);
  else
    dust_spline_weights(place - below, w);
  for (int k = 0; k < 4; k++) {
    index[k] = dust_spline_mirror((int64_t)below - 1 + k, n);
    weight[k] = w[k] * factor;
  }
}

void dust_transform_taps(const dust_transform *t, int d, double place, int64_t index[TAPS], double weight[TAPS], bool slopes) {
  int64_t n = t->shape[d], m = t->nodes[d], c = t->controls[d];
  if (t->subsample == 1) {
    double step = ratio(c, n);
    cubic_taps(c, place * step, slopes ? step : 1, index, weight, slopes);
    for (int k = 4; k < TAPS; k++) index[k] = 0, weight[k] = 0;
    return;
  }
  double step = ratio(m, n), at = place * step, below = floor(at), blend = at - below;
  for (int side = 0; side < 2; side++) {
    int64_t node = dust_spline_mirror((int64_t)below + side, m);
    double factor = slopes ? (side ? step : -step) : (side ? blend : 1 - blend);
    cubic_taps(c, (double)node * ratio(c, m), factor, index + 4 * side, weight + 4 * side, false);
  }
}

/* ---- the plan of a grid */

/* Master voxel index of the centre of voxel i along axis d. */
static double master_place(const dust_field *f, int d, int64_t i) {
  const dust_transform *t = f->transform;
  double from_centre = f->begin[d] + ((double)i + 0.5) * f->voxel_size[d];
  return from_centre / (double)t->voxel_size[d] + (double)(t->shape[d] - 1) / 2;
}

static dust_status plan_outer(dust_field *f, int d) {
  dust_field_axis *axis = &f->outer[d];
  DUST_TRY(dust_calloc((void **)&axis->index, (size_t)f->shape[d], TAPS * sizeof(int64_t)));
  DUST_TRY(dust_calloc((void **)&axis->weight, (size_t)f->shape[d], TAPS * sizeof(double)));
  for (int64_t i = 0; i < f->shape[d]; i++)
    dust_transform_taps(f->transform, d, master_place(f, d, i), axis->index + i * TAPS, axis->weight + i * TAPS, false);
  return DUST_OK;
}

/* The line's points: control points themselves, or nodes that are made of four of them. */
static void plan_points(dust_field *f, int64_t first) {
  const dust_transform *t = f->transform;
  dust_field_last *l = &f->last;
  int d = f->ndim - 1;
  for (int64_t p = 0; p < l->points; p++) {
    if (l->taps == 1) {
      l->index[p] = dust_spline_mirror(first + p, t->controls[d]);
      continue;
    }
    int64_t node = dust_spline_mirror(first + p, t->nodes[d]);
    double weight[4];
    cubic_taps(t->controls[d], (double)node * ratio(t->controls[d], t->nodes[d]), 1, l->index + p * 4, weight, false);
    for (int k = 0; k < 4; k++) l->weight[k][p] = weight[k];
  }
  for (int64_t p = l->points - 1, stop = p + 1; p >= 0 && l->taps == 4; p--) {
    if (p + 1 < l->points && memcmp(l->index + p * 4, l->index + p * 4 + 4, 4 * sizeof *l->index) != 0) stop = p + 1;
    l->point_stop[p] = stop;
  }
}

static void plan_samples(dust_field *f, double step, int64_t first) {
  dust_field_last *l = &f->last;
  int d = f->ndim - 1;
  for (int64_t i = 0; i < f->shape[d]; i++) {
    double at = master_place(f, d, i) * step, below = floor(at), w[4] = {1 - (at - below), at - below};
    if (l->each == 4) dust_spline_weights(at - below, w);
    l->start[i] = (int32_t)((int64_t)below - (l->each == 4) - first);
    for (int k = 0; k < l->each; k++) l->blend[k][i] = (float)w[k];
  }
  for (int64_t i = f->shape[d] - 1, stop = i + 1; i >= 0; i--) {
    if (i + 1 < f->shape[d] && l->start[i] != l->start[i + 1]) stop = i + 1;
    l->stop[i] = (int32_t)stop;
  }
}

static dust_status plan_last(dust_field *f) {
  const dust_transform *t = f->transform;
  dust_field_last *l = &f->last;
  int d = f->ndim - 1;
  size_t n = (size_t)f->shape[d];
  DUST_TRY(dust_calloc((void **)&l->from_centre, n + DUST_FIELD_LANES, sizeof(float)));
  for (size_t i = 0; i < n; i++) l->from_centre[i] = (float)((f->begin[d] + ((double)i + 0.5) * f->voxel_size[d]) / f->voxel_size[d]);
  if (!t->displaced) return DUST_OK;
  double step = t->subsample > 1 ? ratio(t->nodes[d], t->shape[d]) : ratio(t->controls[d], t->shape[d]);
  l->each = t->subsample > 1 ? 2 : 4, l->taps = t->subsample > 1 ? 4 : 1;
  int64_t first = (int64_t)floor(master_place(f, d, 0) * step) - (l->each == 4);
  l->points = (int64_t)floor(master_place(f, d, f->shape[d] - 1) * step) - (l->each == 4) + l->each - first;
  DUST_TRY(dust_calloc((void **)&l->index, (size_t)l->points, (size_t)l->taps * sizeof(int64_t)));
  if (l->taps == 4) DUST_TRY(dust_calloc((void **)&l->point_stop, (size_t)l->points, sizeof(int64_t)));
  for (int k = 0; k < 4 && l->taps == 4; k++) DUST_TRY(dust_calloc((void **)&l->weight[k], (size_t)l->points + NODES, sizeof(double)));
  DUST_TRY(dust_calloc((void **)&l->start, n, sizeof(int32_t)));
  DUST_TRY(dust_calloc((void **)&l->stop, n, sizeof(int32_t)));
  for (int k = 0; k < l->each; k++) DUST_TRY(dust_calloc((void **)&l->blend[k], n + DUST_FIELD_LANES, sizeof(float)));
  plan_points(f, first);
  plan_samples(f, step, first);
  return DUST_OK;
}

/* Positions are kept as 32-bit voxel counts; what would not fit is refused here, once. */
static dust_status check_reach(const dust_field *f) {
  const dust_transform *t = f->transform;
  for (int d = 0; d < f->ndim; d++) {
    double far = t->reach[d];
    for (int e = 0; e < f->ndim; e++) {
      double end = f->begin[e] + (double)f->shape[e] * f->voxel_size[e];
      far += fabs(t->turn[d][e]) * fmax(fabs(f->begin[e]), fabs(end));
    }
    if (far / f->voxel_size[d] > 5e8)
      return dust_fail(DUST_ERROR_RANGE, "the transformation moves voxels by up to %.3g voxels along axis %d; 5e8 is the most",
                       far / f->voxel_size[d], d + 1);
  }
  return DUST_OK;
}

dust_status dust_field_create(dust_field *field, const dust_transform *t, const dust_roi *roi, const dust_coordinate *voxel_size) {
  memset(field, 0, sizeof *field);
  dust_status status = DUST_OK;
  DUST_GO(dust_transform_grid(field->shape, t, roi, voxel_size, "ROI"));
  field->transform = t, field->ndim = t->ndim, field->rows = 1;
  for (int d = 0; d < t->ndim; d++) {
    field->voxel_size[d] = (double)voxel_size->value[d];
    field->begin[d] = (double)(roi->offset.value[d] - t->roi.offset.value[d]) - (double)t->roi.shape.value[d] / 2;
    if (d < t->ndim - 1) field->rows *= field->shape[d];
  }
  DUST_GO(check_reach(field));
  for (int d = 0; d < t->ndim - 1 && t->displaced; d++) DUST_GO(plan_outer(field, d));
  DUST_GO(plan_last(field));
done:
  if (status != DUST_OK) dust_field_release(field);
  return status;
}

void dust_field_release(dust_field *field) {
  for (int d = 0; d < DUST_TRANSFORM_MAXDIM; d++) {
    dust_free(field->outer[d].index);
    dust_free(field->outer[d].weight);
    dust_free(field->last.blend[d]);
    dust_free(field->last.weight[d]);
  }
  dust_free(field->last.index);
  dust_free(field->last.point_stop);
  dust_free(field->last.start);
  dust_free(field->last.stop);
  dust_free(field->last.from_centre);
  memset(field, 0, sizeof *field);
}

/* ---- walking */

dust_status dust_field_walk_create(dust_field_walk *walk, const dust_field *field) {
  memset(walk, 0, sizeof *walk);
  const dust_transform *t = field->transform;
  walk->field = field;
  size_t doubles = 0, slab = (size_t)t->ndim, points = (size_t)field->last.points;
  size_t level[DUST_TRANSFORM_MAXDIM + 1] = {0};
  for (int d = t->ndim - 1; d >= 1 && t->displaced; d--) {
    slab *= (size_t)t->controls[d];
    level[d] = slab;
    doubles += slab;
  }
  size_t floats = (size_t)t->ndim * (points + DUST_GATHER_ROW + DUST_FIELD_LANES);
  if (t->displaced) doubles += points + NODES;
  DUST_TRY(dust_calloc(&walk->block, doubles * sizeof(double) + floats * sizeof(float), 1));
  double *next = walk->block;
  for (int d = 1; d < t->ndim; d++) walk->level[d] = next, next += level[d];
  walk->level[0] = t->displaced ? (double *)t->coefficients.data : NULL;
  if (t->displaced) walk->wide_line = next, next += points + NODES;
  float *at = (float *)next;
  for (int d = 0; d < t->ndim; d++, at += DUST_GATHER_ROW + DUST_FIELD_LANES) walk->at[d] = at;
  for (int d = 0; d < t->ndim; d++, at += points) walk->line[d] = at;
  for (int d = 0; d < t->ndim; d++) walk->reduced[d] = -1;
  return DUST_OK;
}

void dust_field_walk_release(dust_field_walk *walk) {
  dust_free(walk->block);
  memset(walk, 0, sizeof *walk);
}

/* out = the sum of slices of `in`, `inner` long, that the taps name. */
DUST_CLONED(void, sum_slices,
            (double *restrict out, const double *restrict in, const int64_t *index, const double *weight, int taps, int64_t inner),
            (out, in, index, weight, taps, inner)) {
  const double *a = in + index[0] * inner, *b = in + index[1] * inner, *c = in + index[2] * inner, *d = in + index[3] * inner;
  for (int64_t i = 0; i < inner; i++) out[i] = weight[0] * a[i] + weight[1] * b[i] + weight[2] * c[i] + weight[3] * d[i];
  for (int k = 4; k < taps; k++) {
    const double *e = in + index[k] * inner;
    for (int64_t i = 0; i < inner; i++) out[i] += weight[k] * e[i];
  }
}

/* level[d + 1] from level[d]: one index of axis d. Every component of the displacement is a slab of controls[d] * inner
 * coefficients. */
static void reduce(dust_field_walk *walk, int d) {
  const dust_transform *t = walk->field->transform;
  const dust_field_axis *axis = &walk->field->outer[d];
  int64_t inner = 1;
  for (int e = d + 1; e < t->ndim; e++) inner *= t->controls[e];
  for (int component = 0; component < t->ndim; component++) {
    if (!t->moves[component]) continue;
    sum_slices(walk->level[d + 1] + component * inner, walk->level[d] + component * t->controls[d] * inner,
               axis->index + walk->place[d] * TAPS, axis->weight + walk->place[d] * TAPS, t->subsample > 1 ? TAPS : 4, inner);
  }
}

static void copy_points(float *restrict line, const dust_field_last *l, const double *restrict in, double voxel_size) {
  for (int64_t p = 0; p < l->points; p++) line[p] = (float)(in[l->index[p]] / voxel_size);
}

typedef double node_lanes __attribute__((vector_size(8 * NODES), aligned(8), may_alias));

/* As samples are made in add_cubic(): nodes between the same control points together, some past the last as nonsense. */
DUST_CLONED(void, sum_points, (double *restrict line, const dust_field_last *l, const double *restrict in, double voxel_size),
            (line, l, in, voxel_size)) {
  for (int64_t i = 0; i < l->points; i = l->point_stop[i]) {
    const int64_t *index = l->index + i * 4;
    double a = in[index[0]], b = in[index[1]], c = in[index[2]], d = in[index[3]];
    for (int64_t j = i; j < l->point_stop[i]; j += NODES)
      *(node_lanes *)(void *)(line + j) = (AT(node_lanes, l->weight[0] + j) * a + AT(node_lanes, l->weight[1] + j) * b +
                                           AT(node_lanes, l->weight[2] + j) * c + AT(node_lanes, l->weight[3] + j) * d) /
                                          voxel_size;
  }
}

/* The points of the last axis, in voxels of this key. */
static void make_lines(dust_field_walk *walk) {
  const dust_field *f = walk->field;
  int last = f->ndim - 1;
  for (int d = 0; d < f->ndim; d++) {
    if (!f->transform->moves[d]) continue;
    const double *in = walk->level[last] + d * f->transform->controls[last];
    if (f->last.taps == 1) {
      copy_points(walk->line[d], &f->last, in, f->voxel_size[d]);
      continue;
    }
    sum_points(walk->wide_line, &f->last, in, f->voxel_size[d]);
    for (int64_t p = 0; p < f->last.points; p++) walk->line[d][p] = (float)walk->wide_line[p];
  }
}

static void turn_base(dust_field_walk *walk) {
  const dust_field *f = walk->field;
  for (int d = 0; d < f->ndim; d++) {
    double sum = 0;
    for (int e = 0; e < f->ndim - 1; e++)
      sum += f->transform->turn[d][e] * (f->begin[e] + ((double)walk->place[e] + 0.5) * f->voxel_size[e]);
    walk->base[d] = sum / f->voxel_size[d];
  }
}

void dust_field_walk_to(dust_field_walk *walk, int64_t row) {
  const dust_field *f = walk->field;
  for (int d = f->ndim - 2; d >= 0; d--) {
    walk->place[d] = row % f->shape[d];
    row /= f->shape[d];
  }
  turn_base(walk);
  if (!f->transform->displaced) return;
  bool again = false;
  for (int d = 0; d < f->ndim - 1; d++) {
    again |= walk->reduced[d] != walk->place[d];
    if (again) reduce(walk, d);
    walk->reduced[d] = walk->place[d];
  }
  make_lines(walk);
}

DUST_CLONED(void, turn_samples, (float *restrict at, const float *restrict from_centre, float base, float slope, int64_t n),
            (at, from_centre, base, slope, n)) {
  for (int64_t i = 0; i < n; i++) at[i] = base + from_centre[i] * slope;
}

/* Samples between the same points are made together, DUST_FIELD_LANES at a time: those past the last are nonsense until the next
 * ones are made, or lie in the room at the end. No sample looks up its points, which would cost several times the arithmetic. */
typedef struct sample_axis {
  float *at;
  const float *line;
  float base, slope;
} sample_axis;

/* GNU C's vectors, which any instruction set can do: left to itself gcc makes one of the loops around the lanes into vectors
 * instead. */
typedef float lanes __attribute__((vector_size(4 * DUST_FIELD_LANES), aligned(4), may_alias));
typedef float half_lanes
    __attribute__((vector_size(2 * DUST_FIELD_LANES), aligned(4), may_alias)); /* nodes of a subsampled grid are close to one another */
enum { HALF = DUST_FIELD_LANES / 2 };
/* Pointers are local because a store might otherwise change them, as far as gcc knows. */
DUST_CLONED(void, add_cubic, (const sample_axis *axis, int axes, const dust_field_last *l, int64_t begin, int64_t end),
            (axis, axes, l, begin, end)) {
  const float *a = l->blend[0], *b = l->blend[1], *c = l->blend[2], *d = l->blend[3], *from_centre = l->from_centre;
  for (int64_t i = begin, stop; i < end; i = stop) {
    stop = l->stop[i] < end ? l->stop[i] : end;
    for (int x = 0; x < axes; x++) {
      const float *p = axis[x].line + l->start[i];
      float *at = axis[x].at, base = axis[x].base, slope = axis[x].slope, p0 = p[0], p1 = p[1], p2 = p[2], p3 = p[3];
      for (int64_t j = i; j < stop; j += DUST_FIELD_LANES)
        *(lanes *)(void *)(at + (j - begin)) =
            (base + AT(lanes, from_centre + j) * slope) +
            ((AT(lanes, a + j) * p0 + AT(lanes, b + j) * p1) + (AT(lanes, c + j) * p2 + AT(lanes, d + j) * p3));
    }
  }
}

DUST_CLONED(void, add_linear, (const sample_axis *axis, int axes, const dust_field_last *l, int64_t begin, int64_t end),
            (axis, axes, l, begin, end)) {
  const float *a = l->blend[0], *b = l->blend[1], *from_centre = l->from_centre;
  for (int64_t i = begin, stop; i < end; i = stop) {
    stop = l->stop[i] < end ? l->stop[i] : end;
    for (int x = 0; x < axes; x++) {
      const float *p = axis[x].line + l->start[i];
      float *at = axis[x].at, base = axis[x].base, slope = axis[x].slope, p0 = p[0], p1 = p[1];
      for (int64_t j = i; j < stop; j += HALF)
        *(half_lanes *)(void *)(at + (j - begin)) =
            (base + AT(half_lanes, from_centre + j) * slope) + (AT(half_lanes, a + j) * p0 + AT(half_lanes, b + j) * p1);
    }
  }
}

void dust_field_walk_samples(dust_field_walk *walk, int64_t begin, int64_t length) {
  const dust_field *f = walk->field;
  const dust_field_last *l = &f->last;
  sample_axis moving[DUST_TRANSFORM_MAXDIM];
  int last = f->ndim - 1, axes = 0;
  for (int d = 0; d < f->ndim; d++) {
    float base = (float)walk->base[d], slope = (float)(f->transform->turn[d][last] * f->voxel_size[last] / f->voxel_size[d]);
    if (f->transform->moves[d])
      moving[axes++] = (sample_axis){walk->at[d], walk->line[d], base, slope};
    else
      turn_samples(walk->at[d], l->from_centre + begin, base, slope, length);
  }
  if (axes == 0) return;
  if (l->each == 4)
    add_cubic(moving, axes, l, begin, begin + length);
  else
    add_linear(moving, axes, l, begin, begin + length);
}
