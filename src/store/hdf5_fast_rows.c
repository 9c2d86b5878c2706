/* Boxes as rows: the same elements in two C-order blocks.
 *
 *     in    . . . . . .        out   r0 r0
 *           . r0 r0 . .              r1 r1
 *           . r1 r1 . .
 *
 * Axes that are covered whole on both sides are folded into the one before, so a row is as long as it can be.
 */
#include <string.h>
#include "base/clones.h"
#include "base/fetch.h"
#include "store/hdf5_fast_internal.h"

#define FETCHED 4096 /* bytes fetched before they are copied, in whole rows */

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

void dust_h5_rows_next(dust_h5_rows *rows, int64_t n) {
  rows->left -= n;
  for (int d = rows->ndim - 1; d >= 0; d--, n = 1) {
    rows->in += n * rows->in_step[d], rows->out += n * rows->out_step[d];
    if ((rows->index[d] += n) < rows->count[d]) return;
    rows->in -= rows->count[d] * rows->in_step[d], rows->out -= rows->count[d] * rows->out_step[d];
    rows->index[d] = 0;
  }
}

int64_t dust_h5_rows_along(const dust_h5_rows *rows, int64_t *step) {
  const int last = rows->ndim - 1;
  *step = last >= 0 ? rows->in_step[last] : 0;
  return last >= 0 ? rows->count[last] - rows->index[last] : rows->left;
}

/* Rows of a few blocks of 32 bytes, the last of which overlaps the one before: a call for each would cost more than its bytes. */
DUST_CLONED(void, copy_short_rows, (char *restrict out, int64_t out_step, const char *restrict in, int64_t in_step, size_t run, int64_t n),
            (out, out_step, in, in_step, run, n)) {
  for (; n > 0; n--, out += out_step, in += in_step) {
    for (size_t i = 0; i + 32 < run; i += 32) memcpy(out + i, in + i, 32);
    memcpy(out + run - 32, in + run - 32, 32);
  }
}

/* Of a few hundred bytes to a few thousand; where they go is fetched some rows ahead, since the processor itself doesn't see beyond the end of a row. */
static void copy_rows(char *out, int64_t out_step, const char *in, int64_t in_step, size_t run, int64_t n) {
  const int64_t ahead = run < FETCHED ? (int64_t)(FETCHED / run) : 0;
  for (int64_t i = 0; i < n; i++) {
    if (ahead && i + ahead < n) {
      dust_fetch(out + (i + ahead) * out_step, 0, run);
      dust_fetch(in + (i + ahead) * in_step, 0, run);
    }
    memcpy(out + i * out_step, in + i * in_step, run);
  }
}

void dust_h5_rows_copy(dust_h5_rows *rows, int64_t n, char *out, const char *in, int64_t in_begin) {
  const int last = rows->ndim - 1;
  while (n > 0) {
    int64_t in_step, along = dust_h5_rows_along(rows, &in_step), out_step = last >= 0 ? rows->out_step[last] : 0;
    char *to = out + rows->out;
    const char *from = in + (rows->in - in_begin);
    if (along > n) along = n;
    if (rows->run >= 32 && rows->run <= 256)
      copy_short_rows(to, out_step, from, in_step, rows->run, along);
    else
      copy_rows(to, out_step, from, in_step, rows->run, along);
    dust_h5_rows_next(rows, along);
    n -= along;
  }
}

void dust_h5_copy_box(char *out, const char *in, const dust_h5_box *box) {
  dust_h5_rows rows;
  dust_h5_rows_start(&rows, box);
  dust_h5_rows_copy(&rows, rows.left, out, in, 0);
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
  for (dust_h5_rows_start(&rows, box); rows.left > 0; dust_h5_rows_next(&rows, 1)) fill_run(out + rows.out, rows.run, item, box->item);
}
