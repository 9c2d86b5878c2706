/* Making a transformation: options checked, control points turned into spline coefficients (or, with quirks, into a dense field).
 * It is never changed afterwards, so any number of threads may use it.
 */
#include "kernel/transform.h"

#include <math.h>
#include <string.h>
#include "base/mem.h"
#include "kernel/spline.h"
#include "kernel/transform_field.h"

static dust_status check_values(const dust_ndarray *a) {
  const double *value = (const double *)a->data;
  int64_t count = dust_ndarray_count(a);
  for (int64_t i = 0; i < count; i++)
    if (!isfinite(value[i]))
      return dust_fail(DUST_ERROR_ARGUMENT, "displacement has %g at element %lld of %lld; every control point must be a finite number",
                       value[i], (long long)i + 1, (long long)count);
  return DUST_OK;
}

/* The displacement as float64 in C order, of our own. */
static dust_status load(dust_ndarray *out, const dust_ndarray *in) {
  dust_ndarray packed = {0};
  dust_status status = DUST_OK;
  DUST_GO(dust_ndarray_contiguous(&packed, in));
  DUST_GO(dust_ndarray_empty(out, DUST_FLOAT64, in->ndim, in->shape));
  dust_row_to_double((double *)out->data, packed.data, (ptrdiff_t)dust_dtype_size(in->dtype), in->dtype, (size_t)dust_ndarray_count(in));
  DUST_GO(check_values(out));
done:
  dust_ndarray_release(&packed);
  return status;
}

static void make_coefficients(dust_transform *t) {
  int64_t count = dust_ndarray_count(&t->coefficients) / t->ndim;
  for (int d = 0; d < t->ndim; d++) {
    double *grid = (double *)t->coefficients.data + d * count;
    for (int e = 0; e < t->ndim; e++) t->controls[e] = t->coefficients.shape[e + 1];
    dust_spline_filter(grid, t->ndim, t->controls);
    for (int64_t i = 0; i < count; i++) t->reach[d] = fmax(t->reach[d], fabs(grid[i]));
    t->moves[d] = t->reach[d] > 0;
    t->displaced |= t->moves[d];
  }
}

static void set_grid(dust_transform *t, const dust_transform_options *o) {
  t->ndim = o->roi.shape.ndim, t->roi = o->roi, t->subsample = o->subsample, t->quirks = o->quirks;
  for (int d = 0; d < t->ndim; d++) {
    t->voxel_size[d] = o->voxel_size.value[d];
    int64_t n = t->shape[d] = o->roi.shape.value[d] / t->voxel_size[d], m = n / o->subsample;
    t->nodes[d] = m > 2 ? m : n < 2 ? n : 2;
    t->controls[d] = 1;
    for (int e = 0; e < t->ndim && o->rotation; e++) t->turn[d][e] = o->rotation[d * t->ndim + e] - (d == e);
    for (int e = 0; e < t->ndim; e++) t->rotated |= t->turn[d][e] != 0;
  }
}

dust_status dust_transform_create(dust_transform **out, const dust_transform_options *options, dust_pool *pool) {
  DUST_TRY(dust_transform_check(options));
  dust_transform *t = NULL;
  dust_status status = DUST_OK;
  DUST_GO(dust_calloc((void **)&t, 1, sizeof *t));
  set_grid(t, options);
  if (options->displacement) DUST_GO(load(&t->coefficients, options->displacement));
  if (t->quirks)
    DUST_GO(dust_quirks_create(t, options->displacement ? &t->coefficients : NULL, options->rotation));
  else if (options->displacement)
    make_coefficients(t);
  *out = t, t = NULL;
done:
  dust_transform_release(t);
  return status;
}

int dust_transform_ndim(const dust_transform *transform) { return transform->ndim; }

size_t dust_transform_bytes(const dust_transform *transform) {
  return (transform->coefficients.buffer ? dust_ndarray_bytes(&transform->coefficients) : 0) +
         (transform->dense.buffer ? dust_ndarray_bytes(&transform->dense) : 0);
}

void dust_transform_release(dust_transform *transform) {
  if (!transform) return;
  dust_ndarray_release(&transform->coefficients);
  dust_ndarray_release(&transform->dense);
  dust_free(transform);
}
