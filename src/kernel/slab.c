/* Slab arithmetic; see the header. */
#include "kernel/slab.h"

#include <inttypes.h>

dust_status dust_slabs_make(dust_slabs *out, const dust_ndarray *array, int ndim, const int64_t *shape) {
  if (ndim != array->ndim)
    return dust_fail(DUST_ERROR_ARGUMENT, "slab has %d entries, the array has %d axes: give one for each, -1 for a whole axis", ndim,
                     array->ndim);
  *out = (dust_slabs){.count = 1};
  for (int a = 0; a < ndim; a++) {
    if (shape[a] < 1 && shape[a] != -1)
      return dust_fail(DUST_ERROR_ARGUMENT, "slab[%d] is %" PRId64 ": give a number of voxels or -1 for the whole axis", a + 1, shape[a]);
    out->size[a] = shape[a] == -1 || shape[a] > array->shape[a] ? array->shape[a] : shape[a];
    out->many[a] = out->size[a] > 0 ? (array->shape[a] - 1) / out->size[a] + 1 : 0;
    out->count *= out->many[a];
  }
  return DUST_OK;
}

dust_status dust_slabs_view(dust_ndarray *out, const dust_slabs *slabs, const dust_ndarray *array, int64_t index) {
  int64_t begin[DUST_MAXDIM], shape[DUST_MAXDIM];
  for (int a = array->ndim - 1; a >= 0; a--) {
    begin[a] = index % slabs->many[a] * slabs->size[a];
    index /= slabs->many[a];
    shape[a] = array->shape[a] - begin[a] < slabs->size[a] ? array->shape[a] - begin[a] : slabs->size[a];
  }
  return dust_ndarray_crop(out, array, begin, shape);
}
