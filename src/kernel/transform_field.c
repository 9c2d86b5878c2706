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

enum { TAPS = DUST_TRANSFORM_TAPS };

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
  for (int64_t i = 0; i < f->shape[d]; i++) dust_transform_taps(f->transform, d, master_place(f, d, i), axis->index + i * TAPS, axis->weight + i * TAPS, false);
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
      l->weight[p] = 1;
      continue;
    }
    int64_t node = dust_spline_mirror(first + p, t->nodes[d]);
    cubic_taps(t->controls[d], (double)node * ratio(t->controls[d], t->nodes[d]), 1, l->index + p * 4, l->weight + p * 4, false);
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
  DUST_TRY(dust_calloc((void **)&l->weight, (size_t)l->points, (size_t)l->taps * sizeof(double)));
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
      return dust_fail(DUST_ERROR_RANGE, "the transformation moves voxels by up to %.3g voxels along axis %d; 5e8 is the most", far / f->voxel_size[d], d + 1);
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
  }
  dust_free(field->last.index);
  dust_free(field->last.weight);
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
  DUST_TRY(dust_calloc(&walk->block, doubles * sizeof(double) + floats * sizeof(float), 1));
  double *next = walk->block;
  for (int d = 1; d < t->ndim; d++) walk->level[d] = next, next += level[d];
  walk->level[0] = t->displaced ? (double *)t->coefficients.data : NULL;
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

/* level[d + 1] from level[d]: one index of axis d. Every component of the displacement is a slab of controls[d] * inner coefficients. */
static void reduce(dust_field_walk *walk, int d) {
  const dust_transform *t = walk->field->transform;
  const dust_field_axis *axis = &walk->field->outer[d];
  const int64_t *index = axis->index + walk->place[d] * TAPS;
  const double *weight = axis->weight + walk->place[d] * TAPS;
  int64_t inner = 1;
  for (int e = d + 1; e < t->ndim; e++) inner *= t->controls[e];
  for (int component = 0; component < t->ndim; component++) {
    if (!t->moves[component]) continue;
    const double *in = walk->level[d] + component * t->controls[d] * inner;
    double *restrict out = walk->level[d + 1] + component * inner;
    for (int64_t i = 0; i < inner; i++) out[i] = weight[0] * in[index[0] * inner + i];
    for (int k = 1; k < (t->subsample > 1 ? TAPS : 4); k++)
      for (int64_t i = 0; i < inner; i++) out[i] += weight[k] * in[index[k] * inner + i];
  }
}

/* The points of the last axis, in voxels of this key. */
static void make_lines(dust_field_walk *walk) {
  const dust_field *f = walk->field;
  const dust_field_last *l = &f->last;
  int last = f->ndim - 1;
  for (int d = 0; d < f->ndim; d++) {
    if (!f->transform->moves[d]) continue;
    const double *in = walk->level[last] + d * f->transform->controls[last];
    for (int64_t p = 0; p < l->points; p++) {
      double sum = 0;
      for (int k = 0; k < l->taps; k++) sum += l->weight[p * l->taps + k] * in[l->index[p * l->taps + k]];
      walk->line[d][p] = (float)(sum / f->voxel_size[d]);
    }
  }
}

static void turn_base(dust_field_walk *walk) {
  const dust_field *f = walk->field;
  for (int d = 0; d < f->ndim; d++) {
    double sum = 0;
    for (int e = 0; e < f->ndim - 1; e++) sum += f->transform->turn[d][e] * (f->begin[e] + ((double)walk->place[e] + 0.5) * f->voxel_size[e]);
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

DUST_CLONES
static void turn_samples(float *restrict at, const float *restrict from_centre, float base, float slope, int64_t n) {
  for (int64_t i = 0; i < n; i++) at[i] = base + from_centre[i] * slope;
}

/* Samples between the same points are made together, DUST_FIELD_LANES at a time: those past the last are nonsense until the next ones are made, or lie in the room at the end.
 * No sample looks up its points, which would cost several times the arithmetic. */
DUST_CLONES
static void add_cubic(float *restrict at, const float *restrict line, const dust_field_last *l, float base, float slope, int64_t begin, int64_t end) {
  for (int64_t i = begin, stop; i < end; i = stop) {
    const float *p = line + l->start[i];
    stop = l->stop[i] < end ? l->stop[i] : end;
    for (int64_t j = i; j < stop; j += DUST_FIELD_LANES) {
      const float *restrict a = l->blend[0] + j, *restrict b = l->blend[1] + j, *restrict c = l->blend[2] + j, *restrict d = l->blend[3] + j;
      const float *restrict from_centre = l->from_centre + j;
      float *restrict out = at + (j - begin);
      for (int k = 0; k < DUST_FIELD_LANES; k++) out[k] = (base + from_centre[k] * slope) + ((a[k] * p[0] + b[k] * p[1]) + (c[k] * p[2] + d[k] * p[3]));
    }
  }
}

enum { HALF = DUST_FIELD_LANES / 2 }; /* nodes of a subsampled grid are close to one another */

DUST_CLONES
static void add_linear(float *restrict at, const float *restrict line, const dust_field_last *l, float base, float slope, int64_t begin, int64_t end) {
  for (int64_t i = begin, stop; i < end; i = stop) {
    const float *p = line + l->start[i];
    stop = l->stop[i] < end ? l->stop[i] : end;
    for (int64_t j = i; j < stop; j += HALF) {
      const float *restrict a = l->blend[0] + j, *restrict b = l->blend[1] + j, *restrict from_centre = l->from_centre + j;
      float *restrict out = at + (j - begin);
      for (int k = 0; k < HALF; k++) out[k] = (base + from_centre[k] * slope) + (a[k] * p[0] + b[k] * p[1]);
    }
  }
}

void dust_field_walk_samples(dust_field_walk *walk, int64_t begin, int64_t length) {
  const dust_field *f = walk->field;
  const dust_field_last *l = &f->last;
  int last = f->ndim - 1;
  for (int d = 0; d < f->ndim; d++) {
    float base = (float)walk->base[d], slope = (float)(f->transform->turn[d][last] * f->voxel_size[last] / f->voxel_size[d]);
    if (!f->transform->moves[d]) turn_samples(walk->at[d], l->from_centre + begin, base, slope, length);
    else if (l->each == 4) add_cubic(walk->at[d], walk->line[d], l, base, slope, begin, begin + length);
    else add_linear(walk->at[d], walk->line[d], l, base, slope, begin, begin + length);
  }
}
