/* The plain case of eroding labels: everything is known, the boundary is 0, all axes count. */
#include "kernel/grow_boundary.h"

#include "kernel/erode.h"

dust_status dust_grow_boundary(dust_ndarray *out, const dust_ndarray *labels, int64_t steps, dust_pool *pool) {
  if (labels->ndim < 1) return dust_fail(DUST_ERROR_ARGUMENT, "boundaries need an array with at least one axis");
  return dust_erode_labels(out, labels, &(dust_erosion){.steps = steps, .axes = labels->ndim}, pool);
}
