#include "kernel/paint.h"

dust_status dust_paint(dust_ndarray *out, const dust_ndarray *in, dust_row_body body, void *context, dust_pool *pool) {
  int64_t shape[DUST_MAXDIM];
  dust_rows rows;
  dust_status status;
  for (int d = 0; d < in->ndim; d++) shape[d] = in->shape[d];
  shape[in->ndim] = 3;
  DUST_TRY(dust_ndarray_empty(out, DUST_UINT8, in->ndim + 1, shape));
  dust_ndarray red = *out; /* the red channel: a borrowed view without the last axis */
  red.ndim--;
  DUST_GO(dust_rows_init(&rows, 2, (const dust_ndarray *[]){&red, in}));
  DUST_GO(dust_rows_run(&rows, pool, body, context));
done:
  if (status != DUST_OK) dust_ndarray_release(out);
  return status;
}
