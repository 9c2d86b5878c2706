/* A transformation at work on a grid: bounding box, samples, field. Work goes to the pool in chunks of rows that depend on the
 * ROI alone; what a row says depends on its place alone, so any number of threads and any tiling give the same bytes.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/clones.h"
#include "base/mem.h"
#include "kernel/transform_field.h"

#define PLANES_AHEAD 4

/* ---- running over rows */

typedef struct run {
  const dust_field *field;
  struct extent {
    int64_t low[DUST_TRANSFORM_MAXDIM], high[DUST_TRANSFORM_MAXDIM];
  } * extents; /* a chunk each */
  float *field_out;
  const dust_roi *roi; /* of the field; NULL: displacements are written */
  const dust_ndarray *in;
  char *out;
  bool interpolate;
  int64_t first[DUST_TRANSFORM_MAXDIM];      /* voxels from the lower face of in_roi to that of out_roi */
  int64_t channels, in_channel, out_channel; /* bytes */
  int64_t ahead; /* elements of the source from what a row needs to what one PLANES_AHEAD further along the first axis needs */
} run;

/* Rows a chunk: enough voxels to be worth a thread's while. */
static size_t grain(const dust_field *f) {
  int64_t rows = 32768 / f->shape[f->ndim - 1];
  return rows > 1 ? (size_t)rows : 1;
}

typedef dust_status (*visit)(run *r, void *state, dust_field_walk *walk, int64_t row, int64_t begin, int64_t length);

static dust_status visit_rows(run *r, void *state, size_t begin, size_t end, visit body) {
  dust_field_walk walk;
  DUST_TRY(dust_field_walk_create(&walk, r->field));
  dust_status status = DUST_OK;
  int64_t n = r->field->shape[r->field->ndim - 1];
  for (size_t row = begin; row < end; row++) {
    dust_field_walk_to(&walk, (int64_t)row);
    for (int64_t at = 0; at < n; at += DUST_GATHER_ROW) {
      int64_t length = n - at < DUST_GATHER_ROW ? n - at : DUST_GATHER_ROW;
      dust_field_walk_samples(&walk, at, length);
      DUST_GO(body(r, state, &walk, (int64_t)row, at, length));
    }
  }
done:
  dust_field_walk_release(&walk);
  return status;
}

/* ---- bounding box */

/* Floats as integers of the same order (-0 just below 0), and back: gcc makes vectors of integer minima only. */
static inline int32_t ordered(float x) {
  int32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits ^ (bits < 0 ? INT32_MAX : 0);
}

static float unordered(int32_t bits) {
  float x;
  bits ^= bits < 0 ? INT32_MAX : 0;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* Lowest place below and highest place above of at[i]. Rounding waits for the extremes. */
DUST_CLONED(void, extremes_across, (const float *restrict at, int64_t n, int32_t *lowest, int32_t *highest), (at, n, lowest, highest)) {
  int32_t low = INT32_MAX, high = INT32_MIN;
  for (int64_t i = 0; i < n; i++) {
    int32_t x = ordered(at[i]);
    low = x < low ? x : low;
    high = x > high ? x : high;
  }
  float top = unordered(high);
  *lowest = dust_floor(unordered(low)), *highest = dust_floor(top) + (top > (float)dust_floor(top));
}

/* Of i + at[i]: every sample counts, since the sum may round. */
DUST_CLONED(void, extremes_along, (const float *restrict at, int32_t n, int32_t *lowest, int32_t *highest), (at, n, lowest, highest)) {
  int32_t low = INT32_MAX, high = INT32_MIN;
  for (int32_t i = 0; i < n; i++) {
    int32_t below = dust_floor(at[i]), down = below + i, up = down + (at[i] > (float)below);
    low = down < low ? down : low;
    high = up > high ? up : high;
  }
  *lowest = low, *highest = high;
}

static dust_status extend(run *r, void *state, dust_field_walk *walk, int64_t row, int64_t begin, int64_t length) {
  struct extent *e = state;
  int last = r->field->ndim - 1;
  for (int d = 0; d <= last; d++) {
    int32_t low, high;
    if (d == last)
      extremes_along(walk->at[d], (int32_t)length, &low, &high);
    else
      extremes_across(walk->at[d], length, &low, &high);
    int64_t place = d == last ? begin : walk->place[d];
    if (place + low < e->low[d]) e->low[d] = place + low;
    if (place + high > e->high[d]) e->high[d] = place + high;
  }
  return DUST_OK;
}

static dust_status extend_chunk(void *context, size_t begin, size_t end, size_t chunk) {
  run *r = context;
  struct extent *e = &r->extents[chunk];
  for (int d = 0; d < r->field->ndim; d++) e->low[d] = INT64_MAX, e->high[d] = INT64_MIN;
  return visit_rows(r, e, begin, end, extend);
}

dust_status dust_transform_source_roi(dust_roi *out, const dust_transform *t, const dust_roi *roi, const dust_coordinate *voxel_size,
                                      dust_pool *pool) {
  if (t->quirks) return dust_quirks_source_roi(out, t, roi, voxel_size);
  dust_field field;
  run r = {.field = &field};
  DUST_TRY(dust_field_create(&field, t, roi, voxel_size));
  dust_status status = DUST_OK;
  size_t each = grain(&field), chunks = ((size_t)field.rows + each - 1) / each;
  DUST_GO(dust_calloc((void **)&r.extents, chunks, sizeof *r.extents));
  DUST_GO(dust_pool_for(pool, (size_t)field.rows, each, extend_chunk, &r));
  dust_roi made = *roi;
  for (int d = 0; d < t->ndim; d++) {
    int64_t low = INT64_MAX, high = INT64_MIN, v = voxel_size->value[d];
    for (size_t c = 0; c < chunks; c++) {
      if (r.extents[c].low[d] < low) low = r.extents[c].low[d];
      if (r.extents[c].high[d] > high) high = r.extents[c].high[d];
    }
    if (__builtin_mul_overflow(low, v, &low) || __builtin_mul_overflow(high + 1, v, &high) ||
        __builtin_add_overflow(roi->offset.value[d], low, &made.offset.value[d]) || __builtin_sub_overflow(high, low, &made.shape.value[d]))
      DUST_GO(dust_fail(DUST_ERROR_RANGE, "the source ROI leaves the range of 64-bit world units along axis %d", d + 1));
  }
  *out = made;
done:
  dust_free(r.extents);
  dust_field_release(&field);
  return status;
}

/* ---- samples */

static dust_status fetch(run *r, void *state, dust_field_walk *walk, int64_t row, int64_t begin, int64_t length) {
  dust_gather *g = state;
  int ndim = r->field->ndim;
  int64_t stride = 1, item = (int64_t)dust_dtype_size(r->in->dtype);
  dust_gather_begin(g, (size_t)length);
  for (int d = ndim - 1; d >= 0; d--) {
    int64_t n = r->in->shape[r->in->ndim - ndim + d], place = d == ndim - 1 ? begin : walk->place[d];
    dust_gather_axis(g, ndim - 1 - d, walk->at[d], r->first[d] + place, d == ndim - 1, n, stride, DUST_GATHER_FACES);
    stride *= n;
  }
  char *out = r->out + (row * r->field->shape[ndim - 1] + begin) * item;
  for (int64_t c = 0; c < r->channels; c++) {
    const char *in = r->in->data + c * r->in_channel;
    dust_gather_prefetch(g, in, r->ahead, (size_t)row);
    dust_gather_row(g, out + c * r->out_channel, in);
  }
  return DUST_OK;
}

static dust_status fetch_chunk(void *context, size_t begin, size_t end, size_t chunk) {
  run *r = context;
  dust_gather gather;
  DUST_TRY(dust_gather_create(&gather, r->field->ndim, r->in->dtype, r->interpolate));
  dust_status status = visit_rows(r, &gather, begin, end, fetch);
  dust_gather_release(&gather);
  return status;
}

/* The array must have the voxels of in_roi behind its channels. */
static dust_status check_input(const dust_transform *t, const dust_ndarray *in, const dust_roi *in_roi, const dust_coordinate *voxel_size) {
  char have[200], want[200], text[400];
  int64_t shape[DUST_TRANSFORM_MAXDIM];
  DUST_TRY(dust_transform_grid(shape, t, in_roi, voxel_size, "input ROI"));
  dust_shape_format(have, sizeof have, in->ndim, in->shape);
  dust_shape_format(want, sizeof want, t->ndim, shape);
  dust_roi_format(text, sizeof text, in_roi);
  bool fits = in->ndim >= t->ndim;
  for (int d = 0; d < t->ndim && fits; d++) fits = in->shape[in->ndim - t->ndim + d] == shape[d];
  if (!fits) return dust_fail(DUST_ERROR_ARGUMENT, "array of shape %s doesn't fit input ROI %s, which has %s voxels", have, text, want);
  return DUST_OK;
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
  if (r->channels > 0) DUST_GO(dust_pool_for(pool, (size_t)r->field->rows, grain(r->field), fetch_chunk, r));
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

/* ---- the field */

static dust_status write_field(run *r, void *state, dust_field_walk *walk, int64_t row, int64_t begin, int64_t length) {
  const dust_field *f = r->field;
  int last = f->ndim - 1;
  int64_t n = f->shape[last];
  for (int d = 0; d < f->ndim; d++) {
    float *out = r->field_out + (d * f->rows + row) * n + begin;
    int64_t place = d == last ? begin : walk->place[d];
    if (!r->roi) {
      for (int64_t i = 0; i < length; i++) out[i] = (float)(walk->at[d][i] * f->voxel_size[d]);
      continue;
    }
    double origin = (double)r->roi->offset.value[d];
    for (int64_t i = 0; i < length; i++)
      out[i] = (float)(origin + ((double)(place + (d == last ? i : 0)) + 0.5 + walk->at[d][i]) * f->voxel_size[d]);
  }
  return DUST_OK;
}

static dust_status field_chunk(void *context, size_t begin, size_t end, size_t chunk) {
  return visit_rows(context, NULL, begin, end, write_field);
}

static dust_status make_field(dust_ndarray *out, const dust_transform *t, const dust_roi *roi, const dust_coordinate *voxel_size,
                              bool positions, dust_pool *pool) {
  dust_field field = {0};
  dust_ndarray made = {0};
  run r = {.field = &field, .roi = positions ? roi : NULL};
  dust_status status = DUST_OK;
  int64_t shape[DUST_MAXDIM] = {t->ndim};
  DUST_GO(dust_field_create(&field, t, roi, voxel_size));
  memcpy(shape + 1, field.shape, sizeof field.shape);
  DUST_GO(dust_ndarray_empty(&made, DUST_FLOAT32, t->ndim + 1, shape));
  r.field_out = (float *)made.data;
  DUST_GO(dust_pool_for(pool, (size_t)field.rows, grain(&field), field_chunk, &r));
  *out = made, made.buffer = NULL;
done:
  dust_ndarray_release(&made);
  dust_field_release(&field);
  return status;
}

dust_status dust_transform_field(dust_ndarray *out, const dust_transform *t, const dust_roi *roi, const dust_coordinate *voxel_size,
                                 dust_pool *pool) {
  if (t->quirks) return dust_quirks_field(out, t, roi, voxel_size);
  return make_field(out, t, roi, voxel_size, true, pool);
}

dust_status dust_transform_displacement(dust_ndarray *out, const dust_transform *t, const dust_roi *roi, const dust_coordinate *voxel_size,
                                        dust_pool *pool) {
  if (t->quirks)
    return dust_fail(DUST_ERROR_UNSUPPORTED, "a transformation with quirks = true has no displacements; its field has its positions");
  return make_field(out, t, roi, voxel_size, false, pool);
}
