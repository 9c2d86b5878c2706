/* Single positions through a transformation, both ways, in double precision.
 *
 * The inverse solves T(p) = source by Newton's method with the exact Jacobian R + dD/dp, started where the rotation alone would
 * come from. A step that doesn't bring the residual down is halved, so that folds and the kinks of a subsampled field slow it
 * down instead of throwing it off.
 */
#include <math.h>
#include <string.h>
#include "kernel/transform_field.h"

enum { MAXDIM = DUST_TRANSFORM_MAXDIM, TAPS = DUST_TRANSFORM_TAPS, STEPS = 60, HALVINGS = 12 };
static const double close_enough = 1e-3, far_better = 1e-9; /* voxels: what counts as reached, and where to stop */

typedef struct tap_set {
  int64_t index[MAXDIM][TAPS];
  double weight[MAXDIM][TAPS];
} tap_set;

/* The sum over all taps of axes d … of weights times coefficients; `base` is the element reached so far. */
static double sum_taps(const dust_transform *t, const tap_set *taps, const double *grid, int d, int64_t base) {
  if (d == t->ndim || d == MAXDIM) return grid[base];
  double sum = 0;
  for (int k = 0; k < TAPS; k++)
    if (taps->weight[d][k] != 0) sum += taps->weight[d][k] * sum_taps(t, taps, grid, d + 1, base * t->controls[d] + taps->index[d][k]);
  return sum;
}

static void displacement(const dust_transform *t, const tap_set *taps, double out[MAXDIM]) {
  int64_t count = t->displaced ? dust_ndarray_count(&t->coefficients) / t->ndim : 0;
  for (int d = 0; d < t->ndim; d++) out[d] = t->moves[d] ? sum_taps(t, taps, (const double *)t->coefficients.data + d * count, 0, 0) : 0;
}

/* World units from the centre of the master ROI. */
static double from_centre(const dust_transform *t, int d, double position) {
  return position - (double)t->roi.offset.value[d] - (double)t->roi.shape.value[d] / 2;
}

static double voxel_place(const dust_transform *t, int d, double position) {
  return from_centre(t, d, position) / (double)t->voxel_size[d] + (double)(t->shape[d] - 1) / 2;
}

static void map(const dust_transform *t, const double *position, double *source, tap_set *taps) {
  double moved[MAXDIM];
  for (int d = 0; d < t->ndim; d++) dust_transform_taps(t, d, voxel_place(t, d, position[d]), taps->index[d], taps->weight[d], false);
  displacement(t, taps, moved);
  for (int d = 0; d < t->ndim; d++) {
    for (int e = 0; e < t->ndim; e++) moved[d] += t->turn[d][e] * from_centre(t, e, position[e]);
    source[d] = position[d] + moved[d];
  }
}

/* dT_d / dp_e, given the taps at that position. */
static void jacobian(const dust_transform *t, const double *position, const tap_set *taps, double out[MAXDIM][MAXDIM]) {
  for (int e = 0; e < t->ndim; e++) {
    tap_set sloped = *taps;
    double slope[MAXDIM];
    dust_transform_taps(t, e, voxel_place(t, e, position[e]), sloped.index[e], sloped.weight[e], true);
    displacement(t, &sloped, slope);
    for (int d = 0; d < t->ndim; d++) out[d][e] = t->turn[d][e] + (d == e) + slope[d] / (double)t->voxel_size[e];
  }
}

/* a x = b by elimination with the largest pivot; x is left in b. False when a is singular. */
static bool solve(int n, double a[MAXDIM][MAXDIM], double *b) {
  for (int c = 0; c < n; c++) {
    int pivot = c;
    for (int r = c + 1; r < n; r++)
      if (fabs(a[r][c]) > fabs(a[pivot][c])) pivot = r;
    if (!(fabs(a[pivot][c]) > 1e-12)) return false;
    for (int k = 0; k < n; k++) {
      double swap = a[c][k];
      a[c][k] = a[pivot][k], a[pivot][k] = swap;
    }
    double swap = b[c];
    b[c] = b[pivot], b[pivot] = swap;
    for (int r = 0; r < n; r++) {
      if (r == c) continue;
      double factor = a[r][c] / a[c][c];
      for (int k = c; k < n; k++) a[r][k] -= factor * a[c][k];
      b[r] -= factor * b[c];
    }
  }
  for (int c = 0; c < n; c++) b[c] /= a[c][c];
  return true;
}

/* Largest |T(p) - source| in voxels; the difference itself in `off`. */
static double residual(const dust_transform *t, const double *position, const double *source, double off[MAXDIM], tap_set *taps) {
  double worst = 0, reached[MAXDIM];
  map(t, position, reached, taps);
  for (int d = 0; d < t->ndim; d++) {
    off[d] = reached[d] - source[d];
    worst = fmax(worst, fabs(off[d]) / (double)t->voxel_size[d]);
  }
  return worst;
}

/* One step, halved until it helps; false when it doesn't. */
static bool improve(const dust_transform *t, const double *source, double *position, double off[MAXDIM], double *worst, tap_set *taps) {
  double slope[MAXDIM][MAXDIM], step[MAXDIM];
  jacobian(t, position, taps, slope);
  memcpy(step, off, sizeof step);
  if (!solve(t->ndim, slope, step)) return false;
  double factor = 1;
  for (int h = 0; h < HALVINGS; h++, factor /= 2) {
    double next[MAXDIM], next_off[MAXDIM];
    tap_set next_taps;
    for (int d = 0; d < t->ndim; d++) next[d] = position[d] - factor * step[d];
    double now = residual(t, next, source, next_off, &next_taps);
    if (!(now < *worst)) continue;
    memcpy(position, next, (size_t)t->ndim * sizeof *position);
    memcpy(off, next_off, sizeof next_off);
    *taps = next_taps, *worst = now;
    return true;
  }
  return false;
}

static dust_status check_point(const dust_transform *t, const double *point) {
  if (t->quirks)
    return dust_fail(DUST_ERROR_UNSUPPORTED, "a transformation with quirks = true has no continuous form: positions can't be mapped");
  for (int d = 0; d < t->ndim; d++)
    if (!(fabs(point[d]) < 0x1p62))
      return dust_fail(DUST_ERROR_ARGUMENT, "position has %g along axis %d; it must be a finite number below 2^62", point[d], d + 1);
  return DUST_OK;
}

dust_status dust_transform_map(const dust_transform *transform, const double *position, double *source) {
  DUST_TRY(check_point(transform, position));
  tap_set taps;
  double out[MAXDIM];
  map(transform, position, out, &taps);
  memcpy(source, out, (size_t)transform->ndim * sizeof *source);
  return DUST_OK;
}

dust_status dust_transform_invert(const dust_transform *transform, const double *source, double *position, bool *converged) {
  const dust_transform *t = transform;
  DUST_TRY(check_point(t, source));
  double turn[MAXDIM][MAXDIM], off[MAXDIM], start[MAXDIM], at[MAXDIM];
  tap_set taps;
  for (int d = 0; d < t->ndim; d++) {
    start[d] = from_centre(t, d, source[d]);
    for (int e = 0; e < t->ndim; e++) turn[d][e] = t->turn[d][e] + (d == e);
  }
  bool regular = solve(t->ndim, turn, start);
  for (int d = 0; d < t->ndim; d++) at[d] = regular ? source[d] - from_centre(t, d, source[d]) + start[d] : source[d];
  double worst = residual(t, at, source, off, &taps);
  for (int step = 0; step < STEPS && worst > far_better; step++)
    if (!improve(t, source, at, off, &worst, &taps)) break;
  memcpy(position, at, (size_t)t->ndim * sizeof *position);
  *converged = worst < close_enough;
  return DUST_OK;
}

/* ---- many points */

typedef struct points_job {
  const dust_transform *transform;
  const double *source;
  double *position;
  uint8_t *converged;
} points_job;

static dust_status invert_chunk(void *context, size_t begin, size_t end, size_t chunk) {
  const points_job *j = context;
  size_t n = (size_t)j->transform->ndim;
  for (size_t i = begin; i < end; i++) {
    bool reached;
    DUST_TRY(dust_transform_invert(j->transform, j->source + i * n, j->position + i * n, &reached));
    j->converged[i] = reached;
  }
  return DUST_OK;
}

dust_status dust_transform_invert_points(dust_ndarray *positions, dust_ndarray *converged, const dust_transform *t,
                                         const dust_ndarray *points, dust_pool *pool) {
  char text[200];
  dust_shape_format(text, sizeof text, points->ndim, points->shape);
  if (points->ndim != 2 || points->shape[1] != t->ndim)
    return dust_fail(DUST_ERROR_ARGUMENT, "points of shape %s must be (n, %d)", text, t->ndim);
  if (!dust_dtype_is_float(points->dtype))
    return dust_fail(DUST_ERROR_ARGUMENT, "points must be float32 or float64, not %s", dust_dtype_name(points->dtype));
  dust_ndarray source = {0}, packed = {0}, made = {0}, reached = {0};
  dust_status status = DUST_OK;
  DUST_GO(dust_ndarray_contiguous(&packed, points));
  DUST_GO(dust_ndarray_empty(&source, DUST_FLOAT64, 2, points->shape));
  DUST_GO(dust_ndarray_empty(&made, DUST_FLOAT64, 2, points->shape));
  DUST_GO(dust_ndarray_empty(&reached, DUST_UINT8, 1, points->shape));
  dust_row_to_double((double *)source.data, packed.data, (ptrdiff_t)dust_dtype_size(packed.dtype), packed.dtype,
                     (size_t)dust_ndarray_count(points));
  points_job job = {t, (const double *)source.data, (double *)made.data, (uint8_t *)reached.data};
  DUST_GO(dust_pool_for(pool, (size_t)points->shape[0], 64, invert_chunk, &job));
  *positions = made, made.buffer = NULL;
  *converged = reached, reached.buffer = NULL;
done:
  dust_ndarray_release(&packed);
  dust_ndarray_release(&source);
  dust_ndarray_release(&made);
  dust_ndarray_release(&reached);
  return status;
}
