/* See the header. */
#include "kernel/edt_sheets.h"

#include <stdatomic.h>
#include <string.h>
#include "base/mem.h"
#include "kernel/unlike.h"

#define VOXELS_A_CHUNK 32768

enum { COLUMNS, PLANES, ROWS, LATTICES }; /* faces are between … */

/* What a thread needs for a sheet. */
typedef struct scratch {
  dust_edt_scan scan;
  dust_edt_blocks blocks;
  dust_edt_square *square[LATTICES]; /* (z, pitch); zeros have the first only */
  bool any;
} scratch;

static dust_status scratch_acquire(scratch *s, const dust_edt_sheets *sheets) {
  size_t sheet = (size_t)(sheets->labels->shape[0] * sheets->pitch);
  DUST_TRY(dust_alloc((void **)&s->square[0], LATTICES * sheet * sizeof(dust_edt_square)));
  for (int k = 1; k < LATTICES; k++) s->square[k] = s->square[k - 1] + sheet;
  DUST_TRY(dust_edt_blocks_acquire(&s->blocks, &sheets->z));
  return dust_edt_scan_acquire(&s->scan, sheets->labels->shape[2], sheets->border[2]);
}

static void scratch_release(scratch *s) {
  dust_edt_scan_release(&s->scan);
  dust_edt_blocks_release(&s->blocks);
  dust_free(s->square[0]);
}

/* Flags of faces between a row and the one `away` bytes further on. */
static void unlike_row(const dust_edt_sheets *sheets, uint8_t *flag, const char *here, int64_t away, bool there_is_one) {
  const dust_ndarray *labels = sheets->labels;
  if (there_is_one)
    dust_unlike_row(flag, here, here + away, labels->shape[2], dust_dtype_size(labels->dtype));
  else
    memset(flag, 0, (size_t)labels->shape[2]);
}

static void fetch_row(const dust_ndarray *labels, const char *row) {
  size_t bytes = (size_t)labels->shape[2] * dust_dtype_size(labels->dtype);
  for (size_t at = 0; at < bytes; at += 64) __builtin_prefetch(row + at);
}

static void flag_faces(const dust_edt_sheets *sheets, scratch *s, int64_t y, int64_t z, const char *here) {
  const dust_ndarray *labels = sheets->labels;
  const int64_t *shape = labels->shape, *stride = labels->stride;
  size_t size = dust_dtype_size(labels->dtype);
  uint8_t **flag = s->scan.flag;
  if (z + 2 < shape[0] && y + 1 < shape[1]) fetch_row(labels, here + 2 * stride[0] + stride[1]);
  dust_unlike_row(flag[COLUMNS], here, here + size, shape[2] - 1, size);
  flag[COLUMNS][shape[2] - 1] = 0;
  unlike_row(sheets, flag[PLANES], here, stride[0], z + 1 < shape[0]);
  if (sheets->rows) unlike_row(sheets, flag[ROWS], here, stride[1], y + 1 < shape[1]);
}

static void along_x(const dust_edt_sheets *sheets, scratch *s, int64_t y) {
  const dust_ndarray *labels = sheets->labels;
  size_t size = dust_dtype_size(labels->dtype);
  int64_t n = labels->shape[2];
  int lattices = !sheets->faces ? 1 : sheets->rows ? 3 : 2;
  for (int64_t z = 0; z < labels->shape[0]; z++) {
    const char *here = labels->data + z * labels->stride[0] + y * labels->stride[1];
    dust_edt_square *out[LATTICES];
    for (int k = 0; k < LATTICES; k++) out[k] = s->square[k] + z * sheets->pitch;
    if (sheets->zero) dust_zero_row(sheets->zero + (z * labels->shape[1] + y) * n, here, n, size);
    if (sheets->faces)
      flag_faces(sheets, s, y, z, here);
    else
      dust_zero_row(s->scan.flag[COLUMNS], here, n, size);
    s->any |= dust_edt_scan_rows(out, lattices, &s->scan, &sheets->on, sheets->faces ? &sheets->between : NULL);
  }
}

static void along_z(const dust_edt_sheets *sheets, scratch *s, int64_t y) {
  int64_t pitch = sheets->pitch, out_pitch = sheets->labels->shape[1] * pitch;
  for (int64_t x = 0; x < s->scan.width; x += DUST_EDT_LANES) {
    dust_edt_lines lines = {s->square[COLUMNS] + x, sheets->faces ? s->square[PLANES] + x : NULL, pitch, sheets->centre + y * pitch + x,
                            out_pitch};
    dust_edt_spread(&lines, &sheets->z, &s->blocks);
    if (!sheets->rows) continue;
    lines = (dust_edt_lines){s->square[ROWS] + x, NULL, pitch, sheets->rows + y * pitch + x, out_pitch};
    dust_edt_spread(&lines, &sheets->z, &s->blocks);
  }
}

typedef struct job {
  dust_edt_sheets *sheets;
  atomic_bool any;
} job;

static dust_status run(void *context, size_t begin, size_t end, size_t chunk) {
  job *j = context;
  scratch s = {0};
  dust_status status;
  DUST_GO(scratch_acquire(&s, j->sheets));
  for (size_t y = begin; y < end; y++) {
    along_x(j->sheets, &s, (int64_t)y);
    along_z(j->sheets, &s, (int64_t)y);
  }
  if (s.any) atomic_store_explicit(&j->any, true, memory_order_relaxed);
done:
  scratch_release(&s);
  return status;
}

dust_status dust_edt_sheets_make(dust_edt_sheets *sheets, const double *weight, dust_pool *pool) {
  const int64_t *shape = sheets->labels->shape;
  bool faces = sheets->faces;
  sheets->between = dust_edt_squaring_make(weight[2], 2, 1, sheets->far);
  sheets->on = faces ? dust_edt_squaring_make(weight[2], 2, 0, sheets->far) : dust_edt_squaring_make(4 * weight[2], 1, 0, sheets->far);
  sheets->pitch = dust_edt_pitch(shape[2]);
  size_t sheet = (size_t)(shape[0] * sheets->pitch), bytes = sheet * (size_t)shape[1] * sizeof(dust_edt_square);
  DUST_TRY(dust_edt_axis_make(&sheets->z, shape[0], weight[0], sheets->far, sheets->border[0]));
  DUST_TRY(dust_alloc((void **)&sheets->centre, bytes));
  if (faces && shape[1] > 1) DUST_TRY(dust_alloc((void **)&sheets->rows, bytes));
  if (sheets->keep_zeros) DUST_TRY(dust_alloc((void **)&sheets->zero, (size_t)(shape[0] * shape[1] * shape[2])));
  job j = {.sheets = sheets};
  DUST_TRY(dust_pool_for(pool, (size_t)shape[1], VOXELS_A_CHUNK / sheet + 1, run, &j));
  sheets->any = j.any;
  return DUST_OK;
}

void dust_edt_sheets_release(dust_edt_sheets *sheets) {
  dust_edt_axis_release(&sheets->z);
  dust_free(sheets->centre);
  dust_free(sheets->rows);
  dust_free(sheets->zero);
}
