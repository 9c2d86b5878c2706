/* The bounding box of what a transformation needs: one exact pass, from which rows are left out that can't widen it.
 *
 * A cubic B-spline stays within the convex hull of its coefficients. So what a row can reach is known from the coefficients of its
 * plane before it is evaluated: the hull's reach added to that of the affine part, which is at its ends. Most rows of a large ROI
 * lie well inside of the box that a few dozen others, spread over the ROI, make beforehand.
 */
#include <math.h>
#include <string.h>
#include "base/lanes.h"
#include "base/mem.h"
#include "kernel/transform_walk.h"

enum {
  MAXDIM = DUST_TRANSFORM_MAXDIM,
  TAPS = DUST_TRANSFORM_TAPS,
  SEEDS = 9 /* places along each outer axis */,
  BAND = 16 /* rows that are ruled out together */
};

typedef struct extent {
  int64_t low[MAXDIM], high[MAXDIM];
} extent;

static const extent nothing = {{INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX}, {INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN}};

static void include(extent *e, const extent *other, int ndim) {
  for (int d = 0; d < ndim; d++) {
    if (other->low[d] < e->low[d]) e->low[d] = other->low[d];
    if (other->high[d] > e->high[d]) e->high[d] = other->high[d];
  }
}

/* ---- a row's samples */

#define AT DUST_LANES_AT
/* Where `mask` is all ones, a; elsewhere b. */
#define CHOOSE(W, mask, a, b) (((ints_##W)(a) & (mask)) | ((ints_##W)(b) & ~(mask)))

/* at[i] and nothing else: rounding waits for the extremes. The last sample is repeated in the room behind the row. */
#define ACROSS(W, name, target)                                                  \
  target static void name(const float *restrict at, int32_t n, float found[2]) { \
    floats_##W low = AT(const floats_##W, at), high = low;                       \
    for (int32_t i = W; i < n; i += W) {                                         \
      floats_##W x = AT(const floats_##W, at + i);                               \
      low = (floats_##W)CHOOSE(W, x < low, x, low);                              \
      high = (floats_##W)CHOOSE(W, x > high, x, high);                           \
    }                                                                            \
    found[0] = low[0], found[1] = high[0];                                       \
    for (int k = 1; k < W; k++) {                                                \
      found[0] = low[k] < found[0] ? low[k] : found[0];                          \
      found[1] = high[k] > found[1] ? high[k] : found[1];                        \
    }                                                                            \
  }
DUST_EACH_WIDTH(ACROSS, across)

/* i + floor and ceiling of at[i]: every sample counts, since the sum may round. */
DUST_CLONED(void, along, (const float *restrict at, int32_t n, int32_t found[2]), (at, n, found)) {
  int32_t low = INT32_MAX, high = INT32_MIN;
  for (int32_t i = 0; i < n; i++) {
    int32_t below = dust_floor(at[i]), down = below + i, up = down + (at[i] > (float)below);
    low = down < low ? down : low;
    high = up > high ? up : high;
  }
  found[0] = low, found[1] = high;
}

typedef struct worker {
  extent *found;
  bool axis[MAXDIM];                   /* which may be extended by this row */
  double below[MAXDIM], above[MAXDIM]; /* by how much, without the affine part along the row */
  int64_t begin, end;                  /* and by which of its samples */
} worker;

static dust_status extend(void *state, dust_field_walk *walk, int64_t begin, int64_t length) {
  worker *w = state;
  extent e = nothing;
  int last = walk->field->ndim - 1;
  for (int d = 0; d <= last; d++) {
    if (!w->axis[d]) continue;
    float *at = walk->at[d], found[2];
    int32_t whole[2];
    if (d == last) {
      along(at, (int32_t)length, whole);
    } else {
      for (int k = 0; k < DUST_MOST_LANES; k++) at[length + k] = at[length - 1];
      DUST_BY_WIDTH(across)(at, (int32_t)length, found);
      whole[0] = dust_floor(found[0]), whole[1] = -dust_floor(-found[1]);
    }
    int64_t place = d == last ? begin : walk->place[d];
    e.low[d] = place + whole[0], e.high[d] = place + whole[1];
  }
  include(w->found, &e, last + 1);
  return DUST_OK;
}

/* ---- what a row can reach */

typedef struct reach {
  int64_t lines;         /* control points along the row's own outer axis; 0: no displacement, or one row only */
  double *low, *high;    /* lowest and highest coefficient of each one's line along the last axis, for every component; voxels */
  int64_t plane[MAXDIM]; /* for which these are */
  bool known;
  double all[MAXDIM][2];                              /* lowest and highest of all lines */
  double affine[MAXDIM][2];                           /* along the row, lowest and highest; voxels */
  double first[MAXDIM], slope[MAXDIM], slack[MAXDIM]; /* the same for sample i: first + slope * i, give or take the slack */
  double step[MAXDIM];                                /* from a row to the next of its plane; voxels */
} reach;

static dust_status reach_create(reach *r, const dust_field *f) {
  memset(r, 0, sizeof *r);
  int last = f->ndim - 1;
  int64_t n = f->shape[last];
  if (last > 0 && f->transform->displaced) {
    r->lines = f->transform->controls[last - 1];
    DUST_TRY(dust_calloc((void **)&r->low, 2 * (size_t)(f->ndim * r->lines), sizeof(double)));
    r->high = r->low + f->ndim * r->lines;
  }
  for (int d = 0; d <= last; d++) {
    double slope = f->transform->turn[d][last] * f->voxel_size[last] / f->voxel_size[d];
    double from = slope * f->last.from_centre[0], to = slope * f->last.from_centre[n - 1];
    double slack = 1e-3 + 1e-5 * (fabs(from) + fabs(to) + f->transform->reach[d] / f->voxel_size[d]); /* for what float32 rounds */
    r->first[d] = from, r->slope[d] = slope + (d == last), r->slack[d] = slack;
    if (d == last) to += (double)(n - 1);
    r->step[d] = last > 0 ? (d == last - 1) + f->transform->turn[d][last - 1] * f->voxel_size[last - 1] / f->voxel_size[d] : 0;
    r->affine[d][0] = fmin(from, to) - slack, r->affine[d][1] = fmax(from, to) + slack;
  }
  return DUST_OK;
}

/* As dust_field_walk_near() left the levels. */
static void reach_update(reach *r, const dust_field_walk *walk) {
  int outer = walk->field->ndim - 2;
  if (r->lines == 0 || (r->known && memcmp(r->plane, walk->place, (size_t)outer * sizeof *r->plane) == 0)) return;
  memcpy(r->plane, walk->place, (size_t)outer * sizeof *r->plane);
  r->known = true;
  const dust_field *f = walk->field;
  const double *in = walk->level[outer];
  int64_t inner = f->transform->controls[outer + 1];
  for (int64_t line = 0; line < f->ndim * r->lines; line++, in += inner) {
    double low = in[0], high = in[0], per_voxel = 1 / f->voxel_size[line / r->lines];
    for (int64_t i = 1; i < inner; i++) low = in[i] < low ? in[i] : low, high = in[i] > high ? in[i] : high;
    r->low[line] = low * per_voxel, r->high[line] = high * per_voxel;
  }
  for (int d = 0; d < f->ndim; d++) {
    const double *low = r->low + d * r->lines, *high = r->high + d * r->lines;
    r->all[d][0] = low[0], r->all[d][1] = high[0];
    for (int64_t k = 1; k < r->lines; k++) r->all[d][0] = fmin(r->all[d][0], low[k]), r->all[d][1] = fmax(r->all[d][1], high[k]);
  }
}

/* Voxels by which component d is displaced at least and at most: in this row, or in any of its plane. */
static void displacement(const reach *r, const dust_field_walk *walk, bool one, int d, double *low, double *high) {
  *low = r->all[d][0], *high = r->all[d][1];
  if (!one) return;
  int outer = walk->field->ndim - 2, taps = walk->field->transform->subsample > 1 ? TAPS : TAPS / 2;
  const int64_t *index = walk->field->outer[outer].index + walk->place[outer] * TAPS;
  const double *weight = walk->field->outer[outer].weight + walk->place[outer] * TAPS;
  *low = *high = 0;
  for (int k = 0; k < taps; k++) {
    *low += weight[k] * r->low[d * r->lines + index[k]];
    *high += weight[k] * r->high[d * r->lines + index[k]];
  }
}

/* Whether one of `rows` rows of a plane may, from the one walked near on. */
static bool may_extend(worker *w, const reach *r, const dust_field_walk *walk, int64_t rows) {
  const dust_field *f = walk->field;
  bool any = false, alone = f->ndim == 1;
  for (int d = 0; d < f->ndim; d++) {
    double low = 0, high = 0, at = walk->base[d] + (d < f->ndim - 1 ? (double)walk->place[d] : 0), way = (double)(rows - 1) * r->step[d];
    double slack = 1e-5 * (fabs(walk->base[d]) + fabs(way));
    if (f->transform->moves[d] && !alone) displacement(r, walk, rows == 1, d, &low, &high);
    /* by how much beyond, at most */
    w->below[d] = (double)w->found->low[d] - (at + fmin(way, 0) + low - slack);
    w->above[d] = at + fmax(way, 0) + high + slack - (double)w->found->high[d];
    w->axis[d] = alone || w->below[d] - r->affine[d][0] > 0 || w->above[d] + r->affine[d][1] > 0;
    any |= w->axis[d];
  }
  return any;
}

/* Samples of which beyond + first + slope * i is above zero. */
static void add_samples(worker *w, double beyond, double slope, int64_t n) {
  double zero = -beyond / slope, last = (double)n - 1;
  int64_t at = zero > last ? n - 1 : zero > 0 ? (int64_t)zero : 0;
  if (slope >= 0 && beyond + slope * last <= 0) return;
  if (slope <= 0 && beyond <= 0) return;
  if (!(slope > 0)) w->begin = 0;
  if (!(slope < 0)) w->end = n;
  if (slope > 0 && at < w->begin) w->begin = at;
  if (slope < 0 && at + 2 > w->end) w->end = at + 2 < n ? at + 2 : n;
}

/* Those of the row that may_extend() has looked at which may do it: mostly a few at one of its ends. */
static void find_samples(worker *w, const reach *r, const dust_field *f) {
  int64_t n = f->shape[f->ndim - 1];
  w->begin = f->ndim > 1 ? n : 0, w->end = f->ndim > 1 ? 0 : n; /* nothing is known beforehand of a lone row */
  for (int d = 0; d < f->ndim; d++) {
    if (!w->axis[d]) continue;
    add_samples(w, w->below[d] - r->first[d] + r->slack[d], -r->slope[d], n);
    add_samples(w, w->above[d] + r->first[d] + r->slack[d], r->slope[d], n);
  }
}

/* How many rows follow in this plane, the one walked near included, BAND at most. */
static int64_t band(const dust_field_walk *walk, size_t left) {
  const dust_field *f = walk->field;
  int64_t rows = f->ndim > 1 ? f->shape[f->ndim - 2] - walk->place[f->ndim - 2] : 1;
  if (rows > BAND) rows = BAND;
  return rows < (int64_t)left ? rows : (int64_t)left;
}

/* ---- all rows */

typedef struct job {
  const dust_field *field;
  extent seed, *extents; /* a chunk each */
} job;

/* Rows that lie evenly in the ROI, its edges among them; none where they would be more than a few of all. */
static dust_status plant(job *j) {
  const dust_field *f = j->field;
  int64_t count = 1;
  for (int d = 0; d < f->ndim - 1; d++) count *= SEEDS;
  if (f->rows < 16 * count) return DUST_OK;
  worker w = {.found = &j->seed, .axis = {true, true, true, true}};
  dust_field_walk walk;
  DUST_TRY(dust_field_walk_create(&walk, f));
  dust_status status = DUST_OK;
  for (int64_t k = 0; k < count; k++) {
    int64_t row = 0, rest = k;
    for (int d = 0; d < f->ndim - 1; d++, rest /= SEEDS) row = row * f->shape[d] + rest % SEEDS * (f->shape[d] - 1) / (SEEDS - 1);
    dust_field_walk_to(&walk, row);
    DUST_GO(dust_field_walk_parts(&walk, 0, f->shape[f->ndim - 1], extend, &w));
  }
done:
  dust_field_walk_release(&walk);
  return status;
}

static dust_status extend_chunk(void *context, size_t begin, size_t end, size_t chunk) {
  job *j = context;
  worker w = {.found = &j->extents[chunk]};
  reach r = {0};
  dust_field_walk walk = {0};
  dust_status status = DUST_OK;
  size_t next = begin; /* row at which the next band begins */
  *w.found = j->seed;
  DUST_GO(reach_create(&r, j->field));
  DUST_GO(dust_field_walk_create(&walk, j->field));
  for (size_t row = begin; row < end; row++) {
    dust_field_walk_near(&walk, (int64_t)row);
    reach_update(&r, &walk);
    if (row >= next) {
      int64_t rows = band(&walk, end - row);
      next = row + (size_t)rows;
      if (rows > 1 && !may_extend(&w, &r, &walk, rows)) {
        row = next - 1;
        continue;
      }
    }
    if (!may_extend(&w, &r, &walk, 1)) continue;
    find_samples(&w, &r, j->field);
    dust_field_walk_to(&walk, (int64_t)row);
    DUST_GO(dust_field_walk_parts(&walk, w.begin, w.end, extend, &w));
  }
done:
  dust_field_walk_release(&walk);
  dust_free(r.low);
  return status;
}

static dust_status to_world(dust_roi *out, const extent *e, const dust_roi *roi, const dust_coordinate *voxel_size) {
  dust_roi made = *roi;
  for (int d = 0; d < roi->shape.ndim; d++) {
    int64_t low = e->low[d], high = e->high[d], v = voxel_size->value[d];
    if (__builtin_mul_overflow(low, v, &low) || __builtin_mul_overflow(high + 1, v, &high) ||
        __builtin_add_overflow(roi->offset.value[d], low, &made.offset.value[d]) || __builtin_sub_overflow(high, low, &made.shape.value[d]))
      return dust_fail(DUST_ERROR_RANGE, "the source ROI leaves the range of 64-bit world units along axis %d", d + 1);
  }
  *out = made;
  return DUST_OK;
}

dust_status dust_transform_source_roi(dust_roi *out, const dust_transform *t, const dust_roi *roi, const dust_coordinate *voxel_size,
                                      dust_pool *pool) {
  if (t->quirks) return dust_quirks_source_roi(out, t, roi, voxel_size);
  dust_field field;
  job j = {.field = &field, .seed = nothing};
  DUST_TRY(dust_field_create(&field, t, roi, voxel_size));
  dust_status status = DUST_OK;
  size_t each = dust_field_grain(&field), chunks = ((size_t)field.rows + each - 1) / each;
  DUST_GO(dust_calloc((void **)&j.extents, chunks, sizeof *j.extents));
  DUST_GO(plant(&j));
  DUST_GO(dust_pool_for(pool, (size_t)field.rows, each, extend_chunk, &j));
  for (size_t c = 0; c < chunks; c++) include(&j.seed, &j.extents[c], t->ndim);
  DUST_GO(to_world(out, &j.seed, roi, voxel_size));
done:
  dust_free(j.extents);
  dust_field_release(&field);
  return status;
}
