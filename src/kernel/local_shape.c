/* An object is handled alone, in its bounding box: nothing outside of it counts, and nothing outside of it is written, so objects
 * go to the pool one by one.
 *
 * Moments are taken about the voxel itself: a separable filter with w(k), w(k) k and w(k) k^2 along each axis gives sum w m k^a
 * l^b n^c without the large numbers
 * that positions in the volume would bring. Of the products only those with a + b + c <= 2 are needed:
 *
 *     mask --z--> 3 volumes (order 0 1 2) --y--> 6 volumes (00 01 02 10 11 20) --x--> 10 numbers a voxel, made row by row
 */
#include "kernel/local_shape.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include "base/mem.h"
#include "kernel/copy.h"
#include "kernel/unique.h"

#define AXES 3
#define ORDERS 3

/* Which orders along z, y, x make each sum that is wanted, and where it is taken from a step before. */
enum { SIZE, OFFSET_Z, OFFSET_Y, OFFSET_X, ZZ, YY, XX, ZY, ZX, YX, SUMS };
static const int pair_z[6] = {0, 0, 0, 1, 1, 2}, pair_y[6] = {0, 1, 2, 0, 1, 0};                                /* the six (z, y) volumes */
static const int sum_pair[SUMS] = {0, 3, 1, 0, 5, 2, 0, 4, 3, 1}, sum_x[SUMS] = {0, 0, 0, 1, 0, 0, 2, 0, 1, 1}; /* the ten sums */

typedef struct object {
  uint64_t label;
  int64_t begin[AXES], end[AXES]; /* bounding box, voxels */
} object;

typedef struct gauss {
  int64_t radius;
  float *weight[ORDERS]; /* 2 radius + 1 each: w, w k, w k^2 */
} gauss;

typedef struct extraction {
  int64_t shape[AXES]; /* 2-d: one plane */
  int first_axis;      /* 1 in 2-d */
  int64_t down;
  double step[AXES], sigma[AXES]; /* world units; step of the coarse grid */
  const uint64_t *labels;
  float *out;
  const object *objects;
  gauss filter[AXES];
} extraction;

/* ---- filters */

static dust_status make_gauss(gauss *filter, double sigma) {
  filter->radius = (int64_t)(3.0 * sigma + 0.5);
  int64_t taps = 2 * filter->radius + 1;
  void *block;
  DUST_TRY(dust_calloc(&block, (size_t)taps * ORDERS, sizeof(float)));
  for (int o = 0; o < ORDERS; o++) filter->weight[o] = (float *)block + o * taps;
  double sum = 0;
  for (int64_t k = -filter->radius; k <= filter->radius; k++) sum += exp(-0.5 * (double)(k * k) / (sigma * sigma));
  for (int64_t k = -filter->radius; k <= filter->radius; k++) {
    double w = exp(-0.5 * (double)(k * k) / (sigma * sigma)) / sum;
    filter->weight[0][k + filter->radius] = (float)w;
    filter->weight[1][k + filter->radius] = (float)(w * (double)k);
    filter->weight[2][k + filter->radius] = (float)(w * (double)(k * k));
  }
  return DUST_OK;
}

static void add_scaled(float *restrict out, const float *restrict in, float weight, int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] += weight * in[i];
}

/* out(p) = sum over k of w(k) in(p + k) along an axis other than x; `stride` elements between neighbours, length n, rows of `row`
 * elements. */
static void filter_axis(float *out, const float *in, const gauss *filter, int order, int64_t n, int64_t stride, int64_t row) {
  for (int64_t p = 0; p < n; p++) {
    memset(out + p * stride, 0, (size_t)row * sizeof *out);
    int64_t low = p < filter->radius ? -p : -filter->radius, high = n - 1 - p < filter->radius ? n - 1 - p : filter->radius;
    for (int64_t k = low; k <= high; k++) {
      add_scaled(out + p * stride, in + (p + k) * stride, filter->weight[order][k + filter->radius], row);
    }
  }
}

static void filter_row(float *out, const float *in, const gauss *filter, int order, int64_t n) {
  memset(out, 0, (size_t)n * sizeof *out);
  for (int64_t k = -filter->radius; k <= filter->radius; k++) {
    int64_t begin = k < 0 ? -k : 0, end = k > 0 ? n - k : n;
    if (begin < end) add_scaled(out + begin, in + begin + k, filter->weight[order][k + filter->radius], end - begin);
  }
}

/* ---- one object */

typedef struct workspace {
  int64_t begin[AXES], size[AXES]; /* box on the coarse grid */
  int64_t plane, volume;           /* elements */
  float *mask, *z[3], *pair[6], *sum[SUMS];
} workspace;

static dust_status make_workspace(workspace *w, const extraction *e, const object *o, void **block) {
  for (int a = 0; a < AXES; a++) {
    w->begin[a] = o->begin[a] / e->down;
    w->size[a] = (o->end[a] - 1) / e->down + 1 - w->begin[a];
  }
  w->plane = w->size[1] * w->size[2];
  w->volume = w->size[0] * w->plane;
  size_t floats = (size_t)w->volume * 10 + (size_t)w->size[2] * SUMS;
  DUST_TRY(dust_alloc(block, floats * sizeof(float)));
  float *next = *block;
  w->mask = next;
  for (int i = 0; i < 3; i++) w->z[i] = next += w->volume;
  for (int i = 0; i < 6; i++) w->pair[i] = next += w->volume;
  next += w->volume;
  for (int i = 0; i < SUMS; i++, next += w->size[2]) w->sum[i] = next;
  return DUST_OK;
}

static const uint64_t *row_of(const extraction *e, int64_t z, int64_t y) { return e->labels + (z * e->shape[1] + y) * e->shape[2]; }

static void fill_mask(workspace *w, const extraction *e, uint64_t label) {
  for (int64_t z = 0; z < w->size[0]; z++) {
    for (int64_t y = 0; y < w->size[1]; y++) {
      const uint64_t *in = row_of(e, (w->begin[0] + z) * e->down, (w->begin[1] + y) * e->down);
      float *out = w->mask + z * w->plane + y * w->size[2];
      for (int64_t x = 0; x < w->size[2]; x++) out[x] = in[(w->begin[2] + x) * e->down] == label;
    }
  }
}

static void filter_volumes(workspace *w, const extraction *e) {
  bool flat = e->first_axis == 1;
  for (int o = 0; o < 3; o++) {
    if (!flat)
      filter_axis(w->z[o], w->mask, &e->filter[0], o, w->size[0], w->plane, w->plane);
    else if (o == 0)
      memcpy(w->z[0], w->mask, (size_t)w->volume * sizeof(float));
    else
      memset(w->z[o], 0, (size_t)w->volume * sizeof(float));
  }
  for (int p = 0; p < 6; p++) {
    for (int64_t z = 0; z < w->size[0]; z++) {
      filter_axis(w->pair[p] + z * w->plane, w->z[pair_z[p]] + z * w->plane, &e->filter[1], pair_y[p], w->size[1], w->size[2], w->size[2]);
    }
  }
}

static float clip(double value) { return value < 0 ? 0 : value > 1 ? 1 : (float)value; }

/* The ten sums at a voxel as channels, 3-d order; 2-d takes its six of them. */
static void describe(float channel[SUMS], const workspace *w, int64_t x, const extraction *e) {
  static const int pearson[3][2] = {{0, 1}, {0, 2}, {1, 2}};
  double size = w->sum[SIZE][x], mean[AXES], variance[AXES];
  if (size == 0) size = 1; /* a coarse voxel that the object misses: upstream's guard */
  for (int a = 0; a < AXES; a++) {
    mean[a] = w->sum[OFFSET_Z + a][x] / size;
    variance[a] = (w->sum[ZZ + a][x] / size - mean[a] * mean[a]) * e->step[a] * e->step[a];
    if (variance[a] < 1e-3) variance[a] = 1e-3;
    channel[a] = clip(mean[a] * e->step[a] / e->sigma[a] * 0.5 + 0.5);
    channel[3 + a] = clip(variance[a] / (e->sigma[a] * e->sigma[a]));
  }
  for (int p = 0; p < 3; p++) {
    int a = pearson[p][0], b = pearson[p][1];
    double covariance = (w->sum[ZY + p][x] / size - mean[a] * mean[b]) * e->step[a] * e->step[b];
    channel[6 + p] = clip(covariance / sqrt(variance[a] * variance[b]) * 0.5 + 0.5);
  }
  channel[9] = clip(size);
}

/* Writes the object's voxels of the fine rows that coarse row (z, y) stands for. */
static void write_rows(const workspace *w, const extraction *e, uint64_t label, int64_t z, int64_t y) {
  static const int in_3d[SUMS] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, in_2d[6] = {1, 2, 4, 5, 8, 9};
  const int *channels = e->first_axis ? in_2d : in_3d;
  int count = e->first_axis ? 6 : SUMS;
  int64_t voxels = e->shape[0] * e->shape[1] * e->shape[2], deep = e->first_axis ? 1 : e->down;
  for (int64_t x = 0; x < w->size[2]; x++) {
    float channel[SUMS];
    bool made = false;
    for (int64_t i = 0; i < deep * e->down * e->down; i++) {
      int64_t fz = (w->begin[0] + z) * deep + i / (e->down * e->down), fy = (w->begin[1] + y) * e->down + i / e->down % e->down;
      int64_t fx = (w->begin[2] + x) * e->down + i % e->down, at = (fz * e->shape[1] + fy) * e->shape[2] + fx;
      if (e->labels[at] != label) continue;
      if (!made) describe(channel, w, x, e), made = true;
      for (int c = 0; c < count; c++) e->out[c * voxels + at] = channel[channels[c]];
    }
  }
}

static dust_status describe_object(const extraction *e, const object *o) {
  workspace w;
  void *block = NULL;
  DUST_TRY(make_workspace(&w, e, o, &block));
  fill_mask(&w, e, o->label);
  filter_volumes(&w, e);
  for (int64_t z = 0; z < w.size[0]; z++) {
    for (int64_t y = 0; y < w.size[1]; y++) {
      int64_t at = z * w.plane + y * w.size[2];
      for (int s = 0; s < SUMS; s++) filter_row(w.sum[s], w.pair[sum_pair[s]] + at, &e->filter[2], sum_x[s], w.size[2]);
      write_rows(&w, e, o->label, z, y);
    }
  }
  dust_free(block);
  return DUST_OK;
}

static dust_status describe_objects(void *context, size_t begin, size_t end, size_t chunk) {
  const extraction *e = context;
  for (size_t i = begin; i < end; i++) DUST_TRY(describe_object(e, &e->objects[i]));
  return DUST_OK;
}

/* ---- all objects */

static size_t find(const object *objects, size_t count, uint64_t label) {
  size_t low = 0, high = count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (objects[middle].label < label)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static void widen(object *o, int64_t z, int64_t y, int64_t begin, int64_t end) {
  const int64_t from[AXES] = {z, y, begin}, to[AXES] = {z + 1, y + 1, end};
  for (int a = 0; a < AXES; a++) {
    if (from[a] < o->begin[a]) o->begin[a] = from[a];
    if (to[a] > o->end[a]) o->end[a] = to[a];
  }
}

/* Bounding boxes, run by run. Labels come sorted. */
static void bound_objects(object *objects, size_t count, const extraction *e) {
  for (int64_t z = 0; z < e->shape[0]; z++) {
    for (int64_t y = 0; y < e->shape[1]; y++) {
      const uint64_t *row = row_of(e, z, y);
      for (int64_t x = 0, end; x < e->shape[2]; x = end) {
        for (end = x + 1; end < e->shape[2] && row[end] == row[x];) end++;
        if (row[x]) widen(&objects[find(objects, count, row[x])], z, y, x, end);
      }
    }
  }
}

static dust_status list_objects(object **out, size_t *count, const dust_ndarray *labels, const extraction *e) {
  dust_ndarray values = {0}, counts = {0};
  dust_status status;
  object *objects = NULL;
  DUST_GO(dust_unique(&values, &counts, labels));
  const uint64_t *value = (const uint64_t *)(const void *)values.data;
  size_t n = (size_t)values.shape[0], skip = n && value[0] == 0;
  DUST_GO(dust_alloc((void **)&objects, (n - skip) * sizeof *objects));
  for (size_t i = skip; i < n; i++) objects[i - skip] = (object){.label = value[i], .begin = {INT64_MAX, INT64_MAX, INT64_MAX}};
  bound_objects(objects, n - skip, e);
  *out = objects;
  *count = n - skip;
done:
  dust_ndarray_release(&values);
  dust_ndarray_release(&counts);
  return status;
}

static dust_status check(const dust_ndarray *labels, const double *voxel_size, const double *sigma, int64_t downsample) {
  if (dust_dtype_is_float(labels->dtype))
    return dust_fail(DUST_ERROR_ARGUMENT, "local shape descriptors are made of integer labels, not of %s", dust_dtype_name(labels->dtype));
  if (labels->ndim != 2 && labels->ndim != 3)
    return dust_fail(DUST_ERROR_ARGUMENT, "local shape descriptors are made of labels with 2 or 3 axes, these have %d", labels->ndim);
  if (downsample < 1) return dust_fail(DUST_ERROR_ARGUMENT, "downsample is %" PRId64 ", it must be at least 1", downsample);
  for (int a = 0; a < labels->ndim; a++) {
    if (labels->shape[a] % downsample)
      return dust_fail(DUST_ERROR_ARGUMENT,
                       "axis %d of the labels is %" PRId64 " long, which is not a multiple of downsample (%" PRId64 ")", a + 1,
                       labels->shape[a], downsample);
    if (!(voxel_size[a] > 0) || !(sigma[a] > 0) || !isfinite(sigma[a]) || sigma[a] / voxel_size[a] > 1e5)
      return dust_fail(DUST_ERROR_ARGUMENT, "voxel size %g and sigma %g on axis %d must be positive, sigma at most 100000 voxels",
                       voxel_size[a], sigma[a], a + 1);
  }
  return DUST_OK;
}

static dust_status prepare(extraction *e, const dust_ndarray *labels, const double *voxel_size, const double *sigma) {
  e->first_axis = AXES - labels->ndim;
  for (int a = 0; a < AXES; a++) {
    bool missing = a < e->first_axis;
    e->shape[a] = missing ? 1 : labels->shape[a - e->first_axis];
    e->step[a] = missing ? 1 : voxel_size[a - e->first_axis] * (double)e->down;
    e->sigma[a] = missing ? 1 : sigma[a - e->first_axis];
    if (!missing) DUST_TRY(make_gauss(&e->filter[a], e->sigma[a] / e->step[a]));
  }
  return DUST_OK;
}

dust_status dust_local_shape(dust_ndarray *out, const dust_ndarray *labels, const double *voxel_size, const double *sigma,
                             int64_t downsample, dust_pool *pool) {
  DUST_TRY(check(labels, voxel_size, sigma, downsample));
  dust_ndarray ids = {0}, result = {0};
  dust_status status;
  extraction e = {.down = downsample};
  object *objects = NULL;
  size_t count = 0;
  int64_t shape[1 + AXES] = {labels->ndim == 2 ? 6 : SUMS};
  memcpy(shape + 1, labels->shape, (size_t)labels->ndim * sizeof *shape);
  DUST_GO(dust_ndarray_empty(&ids, DUST_UINT64, labels->ndim, labels->shape));
  DUST_GO(dust_copy_array(&ids, labels, pool));
  DUST_GO(dust_ndarray_zeros(&result, DUST_FLOAT32, labels->ndim + 1, shape));
  DUST_GO(prepare(&e, labels, voxel_size, sigma));
  e.labels = (const uint64_t *)(const void *)ids.data;
  e.out = (float *)(void *)result.data;
  DUST_GO(list_objects(&objects, &count, &ids, &e));
  e.objects = objects;
  DUST_GO(dust_pool_for(pool, count, 1, describe_objects, &e));
  *out = result;
  result = (dust_ndarray){0};
done:
  for (int a = 0; a < AXES; a++) dust_free(e.filter[a].weight[0]);
  dust_free(objects);
  dust_ndarray_release(&result);
  dust_ndarray_release(&ids);
  return status;
}
