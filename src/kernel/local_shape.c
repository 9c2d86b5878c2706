/* Labels are cut into runs along the last axis, and the runs gathered by label: an object costs what its own voxels and their bounding
 * box cost, wherever else in the volume its label may be looked for. Objects go to the pool one by one. */
#include "kernel/local_shape.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include "base/mem.h"
#include "kernel/copy.h"
#include "kernel/local_shape_object.h"
#include "kernel/unique.h"

#define AXES DUST_SHAPE_AXES

typedef struct extraction {
  dust_shape_volume volume;
  const uint64_t *labels;
  size_t objects;
  uint64_t *label;     /* per object, ascending */
  size_t *first;       /* per object, and one more: its first run */
  dust_shape_run *run; /* object by object, in C order */
} extraction;

static dust_status make_filter(dust_shape_filter *filter, double sigma) {
  filter->radius = (int64_t)(3.0 * sigma + 0.5);
  int64_t taps = 2 * filter->radius + 1;
  DUST_TRY(dust_calloc((void **)&filter->block, (size_t)taps * 3, sizeof(float)));
  for (int o = 0; o < 3; o++) filter->weight[o] = filter->block + o * taps + filter->radius;
  double sum = 0;
  for (int64_t k = -filter->radius; k <= filter->radius; k++) sum += exp(-0.5 * (double)(k * k) / (sigma * sigma));
  for (int64_t k = -filter->radius; k <= filter->radius; k++) {
    double w = exp(-0.5 * (double)(k * k) / (sigma * sigma)) / sum;
    filter->weight[0][k] = (float)w;
    filter->weight[1][k] = (float)(w * (double)k);
    filter->weight[2][k] = (float)(w * (double)(k * k));
  }
  return DUST_OK;
}

/* Which object a label is. Neighbouring runs are often of few labels: `last` is tried first. */
static size_t find(const extraction *e, uint64_t label, size_t last) {
  size_t low = 0, high = e->objects;
  if (e->label[last] == label) return last;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (e->label[middle] < label)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* Counts each object's runs into first, or, with `place`, puts them where first says, which moves on. */
static void walk_runs(extraction *e, bool place) {
  int64_t width = e->volume.shape[2];
  const uint64_t *row = e->labels;
  size_t object = 0;
  for (int64_t z = 0; z < e->volume.shape[0]; z++) {
    for (int64_t y = 0; y < e->volume.shape[1]; y++, row += width) {
      for (int64_t x = 0, end; x < width; x = end) {
        for (end = x + 1; end < width && row[end] == row[x];) end++;
        if (row[x] == 0) continue;
        object = find(e, row[x], object);
        size_t at = e->first[object]++;
        if (place) e->run[at] = (dust_shape_run){z, y, x, end};
      }
    }
  }
}

/* e->label and, where the walk needs it, e->first: object k's count, then its place, then, when all are placed, the place of k + 1. */
static dust_status gather_runs(extraction *e, const dust_ndarray *labels) {
  dust_ndarray values = {0}, counts = {0};
  dust_status status;
  DUST_GO(dust_unique(&values, &counts, labels));
  const uint64_t *value = (const uint64_t *)(const void *)values.data;
  size_t n = (size_t)values.shape[0], skip = n && value[0] == 0, total = 0;
  e->objects = n - skip;
  if (e->objects == 0) goto done;
  DUST_GO(dust_alloc((void **)&e->label, e->objects * sizeof *e->label));
  memcpy(e->label, value + skip, e->objects * sizeof *e->label);
  DUST_GO(dust_calloc((void **)&e->first, e->objects + 1, sizeof *e->first));
  walk_runs(e, false);
  for (size_t k = 0; k < e->objects; k++) {
    size_t runs = e->first[k];
    e->first[k] = total, total += runs;
  }
  DUST_GO(dust_alloc((void **)&e->run, total * sizeof *e->run));
  walk_runs(e, true);
  memmove(e->first + 1, e->first, e->objects * sizeof *e->first);
  e->first[0] = 0;
done:
  dust_ndarray_release(&values);
  dust_ndarray_release(&counts);
  return status;
}

static dust_status describe_objects(void *context, size_t begin, size_t end, size_t chunk) {
  const extraction *e = context;
  for (size_t i = begin; i < end; i++) DUST_TRY(dust_shape_object(&e->volume, e->run + e->first[i], e->first[i + 1] - e->first[i]));
  return DUST_OK;
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

static dust_status prepare(dust_shape_volume *v, const dust_ndarray *labels, const double *voxel_size, const double *sigma) {
  int first_axis = AXES - labels->ndim;
  v->flat = first_axis == 1;
  for (int a = 0; a < AXES; a++) {
    bool missing = a < first_axis;
    v->shape[a] = missing ? 1 : labels->shape[a - first_axis];
    v->step[a] = missing ? 1 : voxel_size[a - first_axis] * (double)v->down;
    v->sigma[a] = missing ? 1 : sigma[a - first_axis];
    DUST_TRY(make_filter(&v->filter[a], missing ? 0.1 : v->sigma[a] / v->step[a])); /* 0.1: one tap, the voxel itself */
  }
  return DUST_OK;
}

dust_status dust_local_shape(dust_ndarray *out, const dust_ndarray *labels, const double *voxel_size, const double *sigma,
                             int64_t downsample, dust_pool *pool) {
  DUST_TRY(check(labels, voxel_size, sigma, downsample));
  dust_ndarray ids = {0}, result = {0};
  dust_status status;
  extraction e = {.volume = {.down = downsample}};
  int64_t shape[1 + AXES] = {labels->ndim == 2 ? 6 : DUST_SHAPE_SUMS};
  memcpy(shape + 1, labels->shape, (size_t)labels->ndim * sizeof *shape);
  DUST_GO(dust_ndarray_empty(&ids, DUST_UINT64, labels->ndim, labels->shape));
  DUST_GO(dust_copy_array(&ids, labels, pool));
  DUST_GO(dust_ndarray_zeros(&result, DUST_FLOAT32, labels->ndim + 1, shape));
  DUST_GO(prepare(&e.volume, labels, voxel_size, sigma));
  e.labels = (const uint64_t *)(const void *)ids.data;
  e.volume.out = (float *)(void *)result.data;
  DUST_GO(gather_runs(&e, &ids));
  DUST_GO(dust_pool_for(pool, e.objects, 1, describe_objects, &e));
  *out = result;
  result = (dust_ndarray){0};
done:
  for (int a = 0; a < AXES; a++) dust_free(e.volume.filter[a].block);
  dust_free(e.label);
  dust_free(e.first);
  dust_free(e.run);
  dust_ndarray_release(&result);
  dust_ndarray_release(&ids);
  return status;
}
