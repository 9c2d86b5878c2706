/* The field itself as an array, for tests and for looking at: as positions, or as displacements, which are exact far from the
 * origin too.
 */
#include <string.h>
#include "kernel/transform_walk.h"

typedef struct job {
  const dust_field *field;
  const dust_roi *roi; /* of the field; NULL: displacements are written */
  float *out;
} job;

static dust_status write_row(void *state, dust_field_walk *walk, int64_t begin, int64_t length) {
  const job *j = state;
  const dust_field *f = j->field;
  int last = f->ndim - 1;
  int64_t n = f->shape[last];
  for (int d = 0; d < f->ndim; d++) {
    float *out = j->out + (d * f->rows + walk->row) * n + begin;
    int64_t place = d == last ? begin : walk->place[d];
    if (!j->roi) {
      for (int64_t i = 0; i < length; i++) out[i] = (float)(walk->at[d][i] * f->voxel_size[d]);
      continue;
    }
    double origin = (double)j->roi->offset.value[d];
    for (int64_t i = 0; i < length; i++)
      out[i] = (float)(origin + ((double)(place + (d == last ? i : 0)) + 0.5 + walk->at[d][i]) * f->voxel_size[d]);
  }
  return DUST_OK;
}

static dust_status write_chunk(void *context, size_t begin, size_t end, size_t chunk) {
  return dust_field_walk_rows(((job *)context)->field, begin, end, write_row, context);
}

static dust_status make_field(dust_ndarray *out, const dust_transform *t, const dust_roi *roi, const dust_coordinate *voxel_size,
                              bool positions, dust_pool *pool) {
  dust_field field = {0};
  dust_ndarray made = {0};
  job j = {.field = &field, .roi = positions ? roi : NULL};
  dust_status status = DUST_OK;
  int64_t shape[DUST_MAXDIM] = {t->ndim};
  DUST_GO(dust_field_create(&field, t, roi, voxel_size));
  memcpy(shape + 1, field.shape, sizeof field.shape);
  DUST_GO(dust_ndarray_empty(&made, DUST_FLOAT32, t->ndim + 1, shape));
  j.out = (float *)made.data;
  DUST_GO(dust_pool_for(pool, (size_t)field.rows, dust_field_grain(&field), write_chunk, &j));
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
