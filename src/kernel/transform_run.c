/* A transformation at work on a grid: samples. What a row says depends on its place alone, so any number of threads and any tiling
 * give the same bytes.
 */
#include <math.h>
#include <stdlib.h>
#include "base/mem.h"
#include "kernel/transform_walk.h"

enum { PLANES_AHEAD = 3 };

typedef struct run {
  const dust_field *field;
  const dust_ndarray *in;
  char *out;
  bool interpolate;
  int64_t first[DUST_TRANSFORM_MAXDIM];      /* voxels from the lower face of in_roi to that of out_roi */
  int64_t channels, in_channel, out_channel; /* bytes */
  int64_t ahead; /* elements of the source from what a row needs to what one PLANES_AHEAD further along the first axis needs */
} run;

typedef struct worker {
  const run *run;
  dust_gather gather;
} worker;

static dust_status fetch(void *state, dust_field_walk *walk, int64_t begin, int64_t length) {
  dust_gather *g = &((worker *)state)->gather;
  const run *r = ((worker *)state)->run;
  int ndim = r->field->ndim;
  int64_t stride = 1, item = (int64_t)dust_dtype_size(r->in->dtype);
  dust_gather_axis axis[DUST_TRANSFORM_MAXDIM];
  for (int d = ndim - 1; d >= 0; d--) {
    int64_t n = r->in->shape[r->in->ndim - ndim + d], place = d == ndim - 1 ? begin : walk->place[d];
    axis[ndim - 1 - d] =
        (dust_gather_axis){d < ndim - 1 && r->field->still[d] ? NULL : walk->at[d], r->first[d] + place, d == ndim - 1, n, stride};
    stride *= n;
  }
  dust_gather_places(g, (size_t)length, axis, DUST_GATHER_FACES);
  char *out = r->out + (walk->row * r->field->shape[ndim - 1] + begin) * item;
  for (int64_t c = 0; c < r->channels; c++) {
    const char *in = r->in->data + c * r->in_channel;
    dust_gather_prefetch(g, in, r->ahead, (size_t)walk->row);
    dust_gather_row(g, out + c * r->out_channel, in);
  }
  return DUST_OK;
}

static dust_status fetch_chunk(void *context, size_t begin, size_t end, size_t chunk) {
  worker w = {.run = context};
  DUST_TRY(dust_gather_create(&w.gather, w.run->field->ndim, w.run->in->dtype, w.run->interpolate));
  dust_status status = dust_field_walk_rows(w.run->field, begin, end, fetch, &w);
  dust_gather_release(&w.gather);
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
    stride *= r->in->shape[r->in->ndim - f->ndim + d];
  }
}

static dust_status run_samples(dust_ndarray *out, run *r, const dust_ndarray *in, dust_pool *pool) {
  int ndim = r->field->ndim, channels = in->ndim - ndim;
  int64_t shape[DUST_MAXDIM];
  r->channels = 1, r->in_channel = r->out_channel = (int64_t)dust_dtype_size(in->dtype);
  for (int d = 0; d < channels; d++) r->channels *= shape[d] = in->shape[d];
  for (int d = 0; d < ndim; d++) {
    shape[channels + d] = r->field->shape[d];
    r->in_channel *= in->shape[channels + d];
  }
  dust_ndarray made = {0};
  dust_status status = DUST_OK;
  DUST_GO(dust_ndarray_empty(&made, in->dtype, in->ndim, shape));
  for (int d = 0; d < ndim; d++) r->out_channel *= shape[channels + d];
  r->in = in, r->out = made.data;
  look_ahead(r);
  if (r->channels > 0) DUST_GO(dust_pool_for(pool, (size_t)r->field->rows, dust_field_grain(r->field), fetch_chunk, r));
  *out = made, made.buffer = NULL;
done:
  dust_ndarray_release(&made);
  return status;
}

dust_status dust_transform_sample(dust_ndarray *out, const dust_transform *t, const dust_ndarray *in, const dust_roi *in_roi,
                                  const dust_roi *out_roi, const dust_coordinate *voxel_size, bool interpolate, dust_pool *pool) {
  DUST_TRY(check_input(t, in, in_roi, voxel_size));
  if (t->quirks) return dust_quirks_sample(out, t, in, in_roi, out_roi, voxel_size, interpolate, pool);
  dust_field field = {0};
  dust_ndarray packed = {0};
  run r = {.field = &field, .interpolate = interpolate};
  dust_status status = DUST_OK;
  DUST_GO(dust_field_create(&field, t, out_roi, voxel_size));
  DUST_GO(place_input(&r, t, in_roi, out_roi, voxel_size));
  DUST_GO(dust_ndarray_contiguous(&packed, in));
  DUST_GO(run_samples(out, &r, &packed, pool));
done:
  dust_ndarray_release(&packed);
  dust_field_release(&field);
  return status;
}
