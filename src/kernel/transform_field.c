/* What of the field can be said of a key's grid once, before its rows are walked: which control points make a sample, and with
 * which weights.
 */
#include "kernel/transform_field.h"

#include <math.h>
#include <string.h>
#include "base/lanes.h"
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

void dust_transform_node_taps(const dust_transform *t, int d, int64_t node, int64_t index[4], double weight[4]) {
  int64_t m = t->nodes[d], c = t->controls[d];
  cubic_taps(c, (double)dust_spline_mirror(node, m) * ratio(c, m), 1, index, weight, false);
}

/* The node below a master voxel index, and how far it is from there to the next. */
static int64_t node_below(const dust_transform *t, int d, double place, double *blend) {
  double at = place * ratio(t->nodes[d], t->shape[d]), below = floor(at);
  *blend = at - below;
  return (int64_t)below;
}

void dust_transform_taps(const dust_transform *t, int d, double place, int64_t index[TAPS], double weight[TAPS], bool slopes) {
  int64_t n = t->shape[d], m = t->nodes[d], c = t->controls[d];
  if (t->subsample == 1) {
    double step = ratio(c, n);
    cubic_taps(c, place * step, slopes ? step : 1, index, weight, slopes);
    for (int k = 4; k < TAPS; k++) index[k] = 0, weight[k] = 0;
    return;
  }
  double step = ratio(m, n), blend;
  int64_t below = node_below(t, d, place, &blend);
  for (int side = 0; side < 2; side++) {
    double factor = slopes ? (side ? step : -step) : (side ? blend : 1 - blend);
    dust_transform_node_taps(t, d, below + side, index + 4 * side, weight + 4 * side);
    for (int k = 0; k < 4; k++) weight[4 * side + k] *= factor;
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
  if (f->transform->subsample == 1) return DUST_OK;
  DUST_TRY(dust_calloc((void **)&axis->node, (size_t)f->shape[d], sizeof(int64_t)));
  DUST_TRY(dust_calloc((void **)&axis->blend, (size_t)f->shape[d], sizeof(double)));
  for (int64_t i = 0; i < f->shape[d]; i++) axis->node[i] = node_below(f->transform, d, master_place(f, d, i), &axis->blend[i]);
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
    double weight[4];
    dust_transform_node_taps(t, d, first + p, l->index + p * 4, weight);
    for (int k = 0; k < 4; k++) l->weight[k][p] = weight[k];
  }
  for (int64_t p = l->points - 1, stop = p + 1; p >= 0 && l->taps == 4; p--) {
    if (p + 1 < l->points && memcmp(l->index + p * 4, l->index + p * 4 + 4, 4 * sizeof *l->index) != 0) stop = p + 1;
    l->point_stop[p] = stop;
  }
}

/* `step`: points from a master voxel to the next. 0 if there is one point only, the same everywhere; its polynomial then begins at
 * the centre, and its way is counted in voxels. */
static void plan_pieces(dust_field *f, double step, int64_t first) {
  dust_field_last *l = &f->last;
  int d = f->ndim - 1;
  double per_master = (double)f->transform->voxel_size[d] / f->voxel_size[d], centre = (double)(f->transform->shape[d] - 1) / 2;
  l->length = step > 0 ? per_master / step : 1;
  for (int64_t p = 0; p < l->pieces && step > 0; p++) l->begin[p] = ((double)(first + (l->each == 4) + p) / step - centre) * per_master;
}

static void plan_samples(dust_field *f, double step, int64_t first) {
  dust_field_last *l = &f->last;
  int d = f->ndim - 1;
  for (int64_t i = 0; i < f->shape[d]; i++) {
    double at = master_place(f, d, i) * step, below = floor(at);
    l->piece[i] = (int32_t)((int64_t)below - (l->each == 4) - first);
    l->way[i] = step > 0 ? (float)(at - below) : l->from_centre[i];
  }
  for (int64_t i = f->shape[d] - 1, stop = i + 1; i >= 0; i--) {
    if (i + 1 < f->shape[d] && l->piece[i] != l->piece[i + 1]) stop = i + 1;
    l->stop[i] = (int32_t)stop;
  }
}

static dust_status reserve_last(dust_field_last *l, size_t n) {
  size_t points = (size_t)l->points;
  DUST_TRY(dust_calloc((void **)&l->index, points, (size_t)l->taps * sizeof(int64_t)));
  if (l->taps == 4) DUST_TRY(dust_calloc((void **)&l->point_stop, points, sizeof(int64_t)));
  for (int k = 0; k < 4 && l->taps == 4; k++) DUST_TRY(dust_calloc((void **)&l->weight[k], points + DUST_FIELD_NODES, sizeof(double)));
  DUST_TRY(dust_calloc((void **)&l->begin, points, sizeof(double)));
  DUST_TRY(dust_calloc((void **)&l->piece, n + DUST_MOST_LANES, sizeof(int32_t)));
  DUST_TRY(dust_calloc((void **)&l->stop, n, sizeof(int32_t)));
  return dust_calloc((void **)&l->way, n + DUST_MOST_LANES, sizeof(float));
}

static dust_status plan_last(dust_field *f) {
  const dust_transform *t = f->transform;
  dust_field_last *l = &f->last;
  int d = f->ndim - 1;
  size_t n = (size_t)f->shape[d];
  DUST_TRY(dust_calloc((void **)&l->from_centre, n + DUST_MOST_LANES, sizeof(float)));
  for (size_t i = 0; i < n; i++) l->from_centre[i] = (float)((f->begin[d] + ((double)i + 0.5) * f->voxel_size[d]) / f->voxel_size[d]);
  if (!t->displaced) return DUST_OK;
  bool nodes = t->subsample > 1;
  double step = ratio(nodes ? t->nodes[d] : t->controls[d], t->shape[d]);
  l->each = nodes ? 2 : 4, l->taps = nodes ? 4 : 1, l->close = step * f->voxel_size[d] <= (double)t->voxel_size[d];
  int64_t first = (int64_t)floor(master_place(f, d, 0) * step) - !nodes;
  l->pieces = (int64_t)floor(master_place(f, d, f->shape[d] - 1) * step) - !nodes + 1 - first;
  l->points = l->pieces + l->each - 1;
  DUST_TRY(reserve_last(l, n));
  plan_points(f, first);
  plan_pieces(f, step, first);
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
    field->still[d] = !t->moves[d];
    for (int e = 0; e < t->ndim; e++) field->still[d] &= t->turn[d][e] == 0;
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
    dust_free(field->outer[d].node);
    dust_free(field->outer[d].blend);
    dust_free(field->last.weight[d]);
  }
  dust_free(field->last.index);
  dust_free(field->last.point_stop);
  dust_free(field->last.begin);
  dust_free(field->last.piece);
  dust_free(field->last.way);
  dust_free(field->last.stop);
  dust_free(field->last.from_centre);
  memset(field, 0, sizeof *field);
}
