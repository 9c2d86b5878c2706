/* Channel arithmetic: shared by kernels that treat each channel as a volume of its own. */
#include "kernel/channels.h"

int64_t dust_channels_count(const dust_ndarray *array, int spatial) {
  int64_t count = 1;
  for (int a = 0; a < array->ndim - spatial; a++) count *= array->shape[a];
  return count;
}

void dust_channels_view(dust_ndarray *out, const dust_ndarray *array, int spatial, int64_t channel) {
  int leading = array->ndim - spatial;
  dust_ndarray_share(out, array);
  for (int a = leading - 1; a >= 0; a--) {
    out->data += channel % array->shape[a] * array->stride[a];
    channel /= array->shape[a];
  }
  out->ndim = spatial;
  for (int a = 0; a < spatial; a++) {
    out->shape[a] = array->shape[leading + a];
    out->stride[a] = array->stride[leading + a];
  }
}

char *dust_row_start(const dust_ndarray *array, int64_t row) {
  char *start = array->data;
  for (int a = array->ndim - 2; a >= 0; a--) {
    start += row % array->shape[a] * array->stride[a];
    row /= array->shape[a];
  }
  return start;
}
