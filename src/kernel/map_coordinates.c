/* scipy.ndimage.map_coordinates of order 1 and 0 with mode "constant": a dense field of coordinates, rows of it through a gather.
 * Ids keep all their bits with order 0, where the original takes them through double.
 */
#include <math.h>
#include "base/mem.h"
#include "kernel/gather.h"

typedef struct job {
  const char *in;
  char *out;
  const float *coordinates; /* axes times `count` */
  int axes;
  bool linear;
  dust_dtype dtype;
  int64_t count, channels, channel; /* places, channels, elements of one channel */
  int64_t shape[4], stride[4];      /* of one channel, last axis first */
} job;

enum { GRAIN = 64 * DUST_GATHER_ROW };

/* Far outside and NaN are just outside; the conversion to an integer must not overflow. */
static void load(float *restrict at, const float *restrict coordinates, size_t n) {
  for (size_t i = 0; i < n; i++) at[i] = fabsf(coordinates[i]) < 1e9f ? coordinates[i] : -1e9f;
}

static dust_status places(void *context, size_t begin, size_t end, size_t chunk) {
  const job *j = context;
  dust_gather gather;
  DUST_TRY(dust_gather_create(&gather, j->axes, j->dtype, j->linear));
  int64_t item = (int64_t)dust_dtype_size(j->dtype);
  for (size_t row = begin; row < end; row += DUST_GATHER_ROW) {
    size_t n = end - row < DUST_GATHER_ROW ? end - row : DUST_GATHER_ROW;
    float at[4][DUST_GATHER_ROW];
    dust_gather_axis axis[4];
    for (int a = 0; a < j->axes; a++) {
      load(at[a], j->coordinates + (j->axes - 1 - a) * j->count + (int64_t)row, n);
      axis[a] = (dust_gather_axis){at[a], 0, 0, j->shape[a], j->stride[a]};
    }
    dust_gather_places(&gather, n, axis, DUST_GATHER_CENTRES);
    for (int64_t c = 0; c < j->channels; c++)
      dust_gather_row(&gather, j->out + (c * j->count + (int64_t)row) * item, j->in + c * j->channel * item);
  }
  dust_gather_release(&gather);
  return DUST_OK;
}

static dust_status check(const dust_ndarray *in, const dust_ndarray *coordinates) {
  int axes = (int)coordinates->shape[0], places_ndim = coordinates->ndim - 1, channels = in->ndim - axes;
  if (coordinates->dtype != DUST_FLOAT32)
    return dust_fail(DUST_ERROR_ARGUMENT, "coordinates must be float32, not %s", dust_dtype_name(coordinates->dtype));
  if (axes < 1 || axes > 4) return dust_fail(DUST_ERROR_ARGUMENT, "coordinates are for %d axes; 1 to 4 can be done", axes);
  if (channels < 0) return dust_fail(DUST_ERROR_ARGUMENT, "coordinates are for %d axes, the array has %d", axes, in->ndim);
  if (channels + places_ndim > DUST_MAXDIM)
    return dust_fail(DUST_ERROR_ARGUMENT, "an array of %d axes is more than %d", channels + places_ndim, DUST_MAXDIM);
  for (int d = channels; d < in->ndim; d++)
    if (in->shape[d] > INT32_MAX / 2)
      return dust_fail(DUST_ERROR_RANGE, "axis %d has %lld samples; at most 2^30 can be sampled", d + 1, (long long)in->shape[d]);
  return DUST_OK;
}

dust_status dust_map_coordinates(dust_ndarray *out, const dust_ndarray *in, const dust_ndarray *coordinates, bool linear, dust_pool *pool) {
  DUST_TRY(check(in, coordinates));
  dust_ndarray source = {0}, where = {0}, made = {0};
  dust_status status = DUST_OK;
  job j = {.axes = (int)coordinates->shape[0], .linear = linear, .dtype = in->dtype, .count = 1, .channels = 1, .channel = 1};
  int channels = in->ndim - j.axes, ndim = channels + coordinates->ndim - 1;
  int64_t shape[DUST_MAXDIM];
  for (int d = 0; d < channels; d++) j.channels *= shape[d] = in->shape[d];
  for (int d = 1; d < coordinates->ndim; d++) j.count *= shape[channels + d - 1] = coordinates->shape[d];
  for (int a = 0; a < j.axes; a++) {
    j.stride[a] = j.channel;
    j.shape[a] = in->shape[in->ndim - 1 - a];
    j.channel *= j.shape[a];
  }
  DUST_GO(dust_ndarray_zeros(&made, in->dtype, ndim, shape));
  DUST_GO(dust_ndarray_contiguous(&source, in));
  DUST_GO(dust_ndarray_contiguous(&where, coordinates));
  j.in = source.data, j.out = made.data, j.coordinates = (const float *)where.data;
  if (j.channel > 0 && j.channels > 0) DUST_GO(dust_pool_for(pool, (size_t)j.count, GRAIN, places, &j));
  *out = made, made.buffer = NULL;
done:
  dust_ndarray_release(&source);
  dust_ndarray_release(&where);
  dust_ndarray_release(&made);
  return status;
}
