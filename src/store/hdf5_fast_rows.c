/* Boxes as rows: the same elements in two C-order blocks.
 *
 *     in    . . . . . .        out   r0 r0
 *           . r0 r0 . .              r1 r1
 *           . r1 r1 . .
 *
 * Axes that are covered whole on both sides are folded into the one before, so a row is as long as it can be.
 */
#include <string.h>
#include "store/hdf5_fast_internal.h"

void dust_h5_rows_start(dust_h5_rows *rows, const dust_h5_box *box) {
  int last = box->ndim - 1;
  int64_t in_step = (int64_t)box->item, out_step = in_step;
  *rows = (dust_h5_rows){.left = 1};
  for (int d = last; d >= 0; d--) {
    rows->in += box->in_begin[d] * in_step, rows->out += box->out_begin[d] * out_step;
    rows->in_step[d] = in_step, rows->out_step[d] = out_step;
    rows->count[d] = box->shape[d];
    in_step *= box->in_extent[d], out_step *= box->out_extent[d];
  }
  rows->run = box->item * (size_t)box->shape[last];
  while (last > 0 && box->shape[last] == box->in_extent[last] && box->shape[last] == box->out_extent[last])
    rows->run *= (size_t)box->shape[--last];
  rows->ndim = last;
  for (int d = 0; d < last; d++) rows->left *= rows->count[d];
}

void dust_h5_rows_next(dust_h5_rows *rows) {
  rows->left--;
  for (int d = rows->ndim - 1; d >= 0; d--) {
    rows->in += rows->in_step[d], rows->out += rows->out_step[d];
    if (++rows->index[d] < rows->count[d]) return;
    rows->in -= rows->count[d] * rows->in_step[d], rows->out -= rows->count[d] * rows->out_step[d];
    rows->index[d] = 0;
  }
}

void dust_h5_copy_box(char *out, const char *in, const dust_h5_box *box) {
  dust_h5_rows rows;
  for (dust_h5_rows_start(&rows, box); rows.left > 0; dust_h5_rows_next(&rows)) memcpy(out + rows.out, in + rows.in, rows.run);
}

static void fill_run(char *out, size_t run, const char *item, size_t size) {
  if (size == 1) {
    memset(out, item[0], run);
    return;
  }
  for (size_t i = 0; i < run; i += size) memcpy(out + i, item, size);
}

void dust_h5_fill_box(char *out, const char *item, const dust_h5_box *box) {
  dust_h5_rows rows;
  for (dust_h5_rows_start(&rows, box); rows.left > 0; dust_h5_rows_next(&rows)) fill_run(out + rows.out, rows.run, item, box->item);
}
