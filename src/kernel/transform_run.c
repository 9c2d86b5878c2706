/* A transformation at work on a grid: samples. What a row says depends on its place alone, so any number of threads and any tiling
 * give the same bytes.
 */
#include <math.h>
#include <stdlib.h>
#include "base/mem.h"
#include "kernel/reduce.h"
#include "kernel/scale_shift.h"
#include "kernel/transform_walk.h"

enum { PLANES_AHEAD = 3 };

/* One channel of one array. */
typedef struct plane {
  const char *in;
  char *out;
  size_t array;
} plane;

typedef struct run {
  const dust_field *field;
  const dust_sampling *how;
  dust_dtype dtype;
  const int64_t *shape; /* of all arrays, their spatial axes */
  plane *planes;
  size_t count, arrays, chunks;
  dust_tally *tally; /* float32, interpolated: (arrays, chunks), for intensities that go by the range of what they get; else NULL */
  size_t item;       /* bytes of an output element */
  int64_t first[DUST_TRANSFORM_MAXDIM]; /* voxels from the lower face of in_roi to that of out_roi */
  int64_t ahead; /* elements of the source from what a row needs to what one PLANES_AHEAD further along the first axis needs */
} run;

typedef struct worker {
  const run *run;
  dust_gather gather;
} worker;

static dust_status fetch(void *state, dust_field_walk *walk, int64_t begin, int64_t length) {
  worker *w = state;
  dust_gather *g = &w->gather;
  const run *r = w->run;
  int ndim = r->field->ndim;
  int64_t stride = 1;
  dust_gather_axis axis[DUST_TRANSFORM_MAXDIM];
  for (int d = ndim - 1; d >= 0; d--) {
    int64_t n = r->shape[d], place = d == ndim - 1 ? begin : walk->place[d];
    axis[ndim - 1 - d] =
        (dust_gather_axis){d < ndim - 1 && r->field->still[d] ? NULL : walk->at[d], r->first[d] + place, d == ndim - 1, n, stride};
    stride *= n;
  }
  dust_gather_places(g, (size_t)length, axis, DUST_GATHER_FACES);
  size_t at = (size_t)(walk->row * r->field->shape[ndim - 1] + begin) * r->item;
  for (const plane *p = r->planes; p < r->planes + r->count; p++) {
    dust_gather_prefetch(g, p->in, r->ahead, (size_t)walk->row);
    dust_gather_row(g, p->out + at, p->in);
  }
  return DUST_OK;
}

/* Extremes of rows begin to end, which are still in the second cache: one call for all of them. */
static void tally_chunk(const run *r, size_t begin, size_t end, size_t chunk) {
  size_t row = (size_t)r->field->shape[r->field->ndim - 1];
  for (const plane *p = r->planes; p < r->planes + r->count; p++)
    dust_extremes_add(&r->tally[p->array * r->chunks + chunk].extremes, p->out + begin * row * r->item, DUST_FLOAT32, (end - begin) * row);
}

static dust_status fetch_chunk(void *context, size_t begin, size_t end, size_t chunk) {
  const run *r = context;
  worker w = {.run = r};
  const dust_sampling *how = r->how;
  DUST_TRY(dust_gather_create(&w.gather, r->field->ndim, r->dtype, how->interpolate));
  if (how->factor) dust_gather_scale(&w.gather, *how->factor);
  dust_status status = dust_field_walk_rows(r->field, begin, end, fetch, &w);
  dust_gather_release(&w.gather);
  if (status == DUST_OK && r->tally) tally_chunk(r, begin, end, chunk);
  return status;
}

/* The array must have the voxels of in_roi behind its channels. */
static dust_status check_input(const dust_transform *t, const dust_ndarray *in, const dust_roi *in_roi, const dust_coordinate *voxel_size) {
  int64_t shape[DUST_TRANSFORM_MAXDIM];
  DUST_TRY(dust_transform_grid(shape, t, in_roi, voxel_size, "input ROI"));
  bool fits = in->ndim >= t->ndim;
  for (int d = 0; d < t->ndim && fits; d++) fits = in->shape[in->ndim - t->ndim + d] == shape[d];
  if (fits) return DUST_OK;
  char have[DUST_SHAPE_TEXT], want[DUST_SHAPE_TEXT], text[DUST_ROI_TEXT];
  dust_shape_format(have, sizeof have, in->ndim, in->shape);
  dust_shape_format(want, sizeof want, t->ndim, shape);
  dust_roi_format(text, sizeof text, in_roi);
  return dust_fail(DUST_ERROR_ARGUMENT, "array of shape %s doesn't fit input ROI %s, which has %s voxels", have, text, want);
}

static dust_status place_input(run *r, const dust_transform *t, const dust_roi *in_roi, const dust_roi *out_roi,
                               const dust_coordinate *voxel_size) {
  for (int d = 0; d < t->ndim; d++) {
    int64_t apart;
    if (__builtin_sub_overflow(out_roi->offset.value[d], in_roi->offset.value[d], &apart) || llabs(apart / voxel_size->value[d]) > 1 << 29)
      return dust_fail(DUST_ERROR_RANGE, "input ROI and output ROI lie more than 2^29 voxels apart along axis %d", d + 1);
    r->first[d] = apart / voxel_size->value[d];
  }
  return DUST_OK;
}

/* Rotated access defeats the hardware's prefetching; asking by hand saves up to half of the time. */
static void look_ahead(run *r) {
  const dust_field *f = r->field;
  int64_t stride = 1;
  r->ahead = 0;
  for (int d = f->ndim - 1; d >= 0; d--) {
    double step = (d == 0) + f->transform->turn[d][0] * f->voxel_size[0] / f->voxel_size[d];
    r->ahead += (int64_t)lround(step * PLANES_AHEAD) * stride;
    stride *= r->shape[d];
  }
}

/* The output of one array, and its channels behind those that there are. */
static dust_status add_array(run *r, dust_ndarray *out, const dust_ndarray *in) {
  int ndim = r->field->ndim, leading = in->ndim - ndim;
  int64_t shape[DUST_MAXDIM], channels = 1, from = (int64_t)dust_dtype_size(in->dtype), to = (int64_t)r->item;
  for (int d = 0; d < leading; d++) channels *= shape[d] = in->shape[d];
  for (int d = 0; d < ndim; d++) {
    shape[leading + d] = r->field->shape[d];
    from *= r->shape[d];
    to *= r->field->shape[d];
  }
  DUST_TRY(dust_ndarray_empty(out, r->how->factor ? DUST_FLOAT32 : in->dtype, in->ndim, shape));
  for (int64_t c = 0; c < channels; c++) r->planes[r->count++] = (plane){in->data + c * from, out->data + c * to, r->arrays};
  r->arrays++;
  return DUST_OK;
}

static size_t all_channels(const dust_ndarray *in, int count, int ndim) {
  size_t channels = 0;
  for (int k = 0; k < count; k++) {
    size_t own = 1;
    for (int d = 0; d < in[k].ndim - ndim; d++) own *= (size_t)in[k].shape[d];
    channels += own;
  }
  return channels;
}

/* Chunks of rows; what they find out of float32 arrays is left with these. */
static dust_status fetch_all(dust_ndarray *out, run *r, dust_pool *pool) {
  size_t rows = (size_t)r->field->rows, grain = dust_field_grain(r->field);
  void *tally = NULL;
  if (r->count == 0 || rows == 0) return DUST_OK;
  r->chunks = (rows + grain - 1) / grain;
  if (r->how->interpolate && out->dtype == DUST_FLOAT32) DUST_TRY(dust_calloc(&tally, r->arrays * r->chunks, sizeof *r->tally));
  r->tally = tally;
  dust_status status = dust_pool_for(pool, rows, grain, fetch_chunk, r);
  for (size_t k = 0; k < r->arrays && tally && status == DUST_OK; k++) dust_tally_keep(&out[k], r->tally + k * r->chunks, r->chunks, false);
  dust_free(tally);
  return status;
}

static dust_status run_samples(dust_ndarray *out, run *r, const dust_ndarray *in, int count, dust_pool *pool) {
  dust_status status = DUST_OK;
  void *planes = NULL;
  DUST_GO(dust_calloc(&planes, all_channels(in, count, r->field->ndim) + 1, sizeof *r->planes));
  r->planes = planes, r->shape = in->shape + in->ndim - r->field->ndim, r->dtype = in->dtype;
  r->item = r->how->factor ? sizeof(float) : dust_dtype_size(in->dtype);
  for (int k = 0; k < count; k++) DUST_GO(add_array(r, &out[k], &in[k]));
  look_ahead(r);
  status = fetch_all(out, r, pool);
done:
  dust_free(planes);
  return status;
}

static dust_status check_arrays(const dust_transform *t, const dust_ndarray *const *in, int count, const dust_sampling *how) {
  for (int k = 0; k < count; k++) {
    DUST_TRY(check_input(t, in[k], how->in_roi, how->voxel_size));
    if (in[k]->dtype != in[0]->dtype)
      return dust_fail(DUST_ERROR_ARGUMENT, "arrays of %s and %s can't be sampled together", dust_dtype_name(in[0]->dtype),
                       dust_dtype_name(in[k]->dtype));
  }
  if (!how->factor || count == 0) return DUST_OK;
  if (!how->interpolate || dust_dtype_is_float(in[0]->dtype) || dust_dtype_size(in[0]->dtype) > 2)
    return dust_fail(DUST_ERROR_ARGUMENT, "only 1 and 2-byte integers are scaled while they are interpolated, not %s",
                     dust_dtype_name(in[0]->dtype));
  return DUST_OK;
}

/* Upstream's arithmetic, for comparison: nothing is gained there. */
static dust_status quirks_sample(dust_ndarray *out, const dust_transform *t, const dust_ndarray *in, const dust_sampling *how,
                                 dust_pool *pool) {
  dust_ndarray scaled = {0};
  if (how->factor) DUST_TRY(dust_scale_shift(&scaled, in, *how->factor, 0, DUST_FLOAT32, -INFINITY, INFINITY, pool));
  dust_status status =
      dust_quirks_sample(out, t, how->factor ? &scaled : in, how->in_roi, how->out_roi, how->voxel_size, how->interpolate, pool);
  dust_ndarray_release(&scaled);
  return status;
}

static dust_status sample_packed(dust_ndarray *out, const dust_transform *t, const dust_ndarray *in, int count, const dust_sampling *how,
                                 dust_pool *pool) {
  dust_field field = {0};
  run r = {.field = &field, .how = how};
  dust_status status = DUST_OK;
  DUST_GO(dust_field_create(&field, t, how->out_roi, how->voxel_size));
  DUST_GO(place_input(&r, t, how->in_roi, how->out_roi, how->voxel_size));
  DUST_GO(run_samples(out, &r, in, count, pool));
done:
  dust_field_release(&field);
  return status;
}

dust_status dust_transform_sample_all(dust_ndarray *out, const dust_transform *t, const dust_ndarray *const *in, int count,
                                      const dust_sampling *how, dust_pool *pool) {
  DUST_TRY(check_arrays(t, in, count, how));
  if (count == 0) return DUST_OK;
  void *block = NULL;
  DUST_TRY(dust_calloc(&block, 2 * (size_t)count, sizeof(dust_ndarray)));
  dust_ndarray *packed = block, *made = packed + count;
  dust_status status = DUST_OK;
  for (int k = 0; k < count && t->quirks; k++) DUST_GO(quirks_sample(&made[k], t, in[k], how, pool));
  for (int k = 0; k < count && !t->quirks; k++) DUST_GO(dust_ndarray_contiguous(&packed[k], in[k]));
  if (!t->quirks) DUST_GO(sample_packed(made, t, packed, count, how, pool));
  for (int k = 0; k < count; k++) out[k] = made[k], made[k].buffer = NULL;
done:
  for (int k = 0; k < 2 * count; k++) dust_ndarray_release(&packed[k]);
  dust_free(block);
  return status;
}

dust_status dust_transform_sample(dust_ndarray *out, const dust_transform *t, const dust_ndarray *in, const dust_roi *in_roi,
                                  const dust_roi *out_roi, const dust_coordinate *voxel_size, bool interpolate, dust_pool *pool) {
  const dust_sampling how = {in_roi, out_roi, voxel_size, interpolate, NULL};
  return dust_transform_sample_all(out, t, &in, 1, &how, pool);
}
