/* The line is Bresenham's. On each side of it the displacement is one vector, so the spline's sixteen weights are found once a
 * side. */
#include "kernel/fold.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "kernel/channels.h"
#include "kernel/spline.h"

#define ROWS_A_CHUNK 16

/* What one side of the line is fetched with: the corner of 4 x 4 spline coefficients, relative to the voxel, and their weights.
 * */
typedef struct fold_side {
  int64_t row, column; /* of the nearest voxel, relative */
  int64_t corner[2];
  double weight[2][4];
} fold_side;

typedef struct fold_pass {
  const dust_fold *fold;
  int64_t shape[2];      /* of the wider section */
  int64_t *first, *last; /* where the line begins and ends in each row (rows) or column */
  uint8_t *hidden;       /* of the wider section: under the line */
  double *grid;          /* a channel: samples, or coefficients when interpolating */
  double low, high;
  fold_side side[2]; /* before the line (smaller row or column) and behind it */
  char *out;
  dust_dtype dtype;
} fold_pass;

/* ---- the line */

static void hide_around(fold_pass *pass, int64_t row, int64_t column) {
  const int64_t all = pass->shape[0] + pass->shape[1], width = pass->fold->width < all ? pass->fold->width : all;
  const int64_t top = row - width > 0 ? row - width : 0, bottom = row + width < pass->shape[0] ? row + width : pass->shape[0] - 1;
  for (int64_t r = top; r <= bottom; r++) {
    int64_t reach = width - llabs(r - row), begin = column - reach, end = column + reach + 1;
    if (begin < 0) begin = 0;
    if (end > pass->shape[1]) end = pass->shape[1];
    if (begin < end) memset(pass->hidden + r * pass->shape[1] + begin, 1, (size_t)(end - begin));
  }
}

static void mark(fold_pass *pass, int64_t row, int64_t column) {
  int64_t line = pass->fold->rows ? row : column, at = pass->fold->rows ? column : row;
  if (at < pass->first[line]) pass->first[line] = at;
  if (at > pass->last[line]) pass->last[line] = at;
  hide_around(pass, row, column);
}

static void draw_line(fold_pass *pass) {
  const dust_fold *fold = pass->fold;
  int64_t length[2] = {llabs(fold->to[0] - fold->from[0]), llabs(fold->to[1] - fold->from[1])};
  int major = length[0] > length[1] ? 0 : 1, minor = !major;
  int64_t step[2] = {fold->to[0] > fold->from[0] ? 1 : -1, fold->to[1] > fold->from[1] ? 1 : -1};
  int64_t at[2] = {fold->from[0], fold->from[1]}, error = 2 * length[minor] - length[major];
  for (int64_t i = 0; i < pass->shape[fold->rows ? 0 : 1]; i++) pass->first[i] = INT64_MAX, pass->last[i] = -1;
  for (int64_t i = 0; i < length[major]; i++) {
    mark(pass, at[0], at[1]);
    for (; error >= 0; error -= 2 * length[major]) at[minor] += step[minor];
    at[major] += step[major];
    error += 2 * length[minor];
  }
  mark(pass, fold->to[0], fold->to[1]);
}

/* ---- the two sides */

static void aim(fold_side *side, double row, double column) {
  const double shift[2] = {row, column};
  side->row = (int64_t)floor(row + 0.5);
  side->column = (int64_t)floor(column + 0.5);
  for (int a = 0; a < 2; a++) {
    side->corner[a] = (int64_t)floor(shift[a]) - 1;
    dust_spline_weights(shift[a] - floor(shift[a]), side->weight[a]);
  }
}

/* Away from the line, at a right angle. */
static void aim_both(fold_pass *pass) {
  const dust_fold *fold = pass->fold;
  double line[2] = {(double)(fold->to[0] - fold->from[0]), (double)(fold->to[1] - fold->from[1])};
  double length = hypot(line[0], line[1]), strength = (double)fold->strength / length;
  double behind[2] = {-strength * line[1], strength * line[0]}; /* a line of rows: towards larger columns */
  if (!fold->rows) behind[0] = -behind[0], behind[1] = -behind[1];
  aim(&pass->side[0], -behind[0], -behind[1]);
  aim(&pass->side[1], behind[0], behind[1]);
}

static double fetch(const fold_pass *pass, const fold_side *side, int64_t row, int64_t column) {
  if (!pass->fold->interpolate) return pass->grid[(row + side->row) * pass->shape[1] + column + side->column];
  double sum = 0;
  for (int j = 0; j < 4; j++) {
    const double *line = pass->grid + dust_spline_mirror(row + side->corner[0] + j, pass->shape[0]) * pass->shape[1];
    double part = 0;
    for (int i = 0; i < 4; i++) part += side->weight[1][i] * line[dust_spline_mirror(column + side->corner[1] + i, pass->shape[1])];
    sum += side->weight[0][j] * part;
  }
  return sum < pass->low ? pass->low : sum > pass->high ? pass->high : sum;
}

static void fold_row(const fold_pass *pass, int64_t row, double *line) {
  const dust_fold *fold = pass->fold;
  int64_t n = pass->shape[1] - 2 * fold->strength, r = row + fold->strength;
  for (int64_t i = 0; i < n; i++) {
    int64_t c = i + fold->strength, at = fold->rows ? c : r, where = fold->rows ? r : c;
    if (pass->hidden[r * pass->shape[1] + c])
      line[i] = 0;
    else
      line[i] = fetch(pass, &pass->side[at > pass->last[where]], r, c);
  }
  ptrdiff_t size = (ptrdiff_t)dust_dtype_size(pass->dtype);
  dust_row_from_double(pass->out + row * n * size, size, pass->dtype, line, (size_t)n);
}

static dust_status fold_rows(void *context, size_t begin, size_t end, size_t chunk) {
  const fold_pass *pass = context;
  double *line;
  DUST_TRY(dust_alloc((void **)&line, (size_t)pass->shape[1] * sizeof *line));
  for (size_t row = begin; row < end; row++) fold_row(pass, (int64_t)row, line);
  dust_free(line);
  return DUST_OK;
}

/* ---- channels */

static void load(fold_pass *pass, const dust_ndarray *channel) {
  for (int64_t r = 0; r < pass->shape[0]; r++)
    dust_row_to_double(pass->grid + r * pass->shape[1], dust_row_start(channel, r), channel->stride[1], channel->dtype,
                       (size_t)pass->shape[1]);
  pass->low = 0;
  pass->high = 1;
  for (int64_t i = 0; i < pass->shape[0] * pass->shape[1]; i++) {
    if (pass->grid[i] < pass->low) pass->low = pass->grid[i];
    if (pass->grid[i] > pass->high) pass->high = pass->grid[i];
  }
  if (pass->fold->interpolate) dust_spline_filter(pass->grid, 2, pass->shape);
}

static dust_status check(const dust_ndarray *section, const dust_fold *fold) {
  if (section->ndim < 2) return dust_fail(DUST_ERROR_ARGUMENT, "a fold runs across 2 axes, the section has %d", section->ndim);
  if (fold->strength < 0 || fold->width < 0)
    return dust_fail(DUST_ERROR_ARGUMENT, "the strength and the width of a fold must not be negative");
  const int64_t *shape = section->shape + section->ndim - 2;
  if (shape[0] / 2 < fold->strength || shape[1] / 2 < fold->strength || shape[0] < 2 || shape[1] < 2)
    return dust_fail(DUST_ERROR_ARGUMENT, "a section of %" PRId64 "x%" PRId64 " voxels is too small for a fold of strength %" PRId64,
                     shape[0], shape[1], fold->strength);
  int along = fold->rows ? 0 : 1, across = !along;
  bool fits = fold->from[along] == 0 && fold->to[along] == shape[along] - 1;
  fits = fits && fold->from[across] >= 0 && fold->from[across] < shape[across] && fold->to[across] >= 0 && fold->to[across] < shape[across];
  if (fits) return DUST_OK;
  return dust_fail(DUST_ERROR_ARGUMENT,
                   "a fold's line must run from border to border of the section, %" PRId64 "x%" PRId64 ", not from {%" PRId64 ", %" PRId64
                   "} to {%" PRId64 ", %" PRId64 "}",
                   shape[0], shape[1], fold->from[0], fold->from[1], fold->to[0], fold->to[1]);
}

static dust_status prepare(fold_pass *pass, const dust_ndarray *section) {
  size_t longer = (size_t)(pass->shape[0] > pass->shape[1] ? pass->shape[0] : pass->shape[1]),
         area = (size_t)(pass->shape[0] * pass->shape[1]);
  DUST_TRY(dust_calloc((void **)&pass->first, longer, sizeof *pass->first));
  DUST_TRY(dust_calloc((void **)&pass->last, longer, sizeof *pass->last));
  DUST_TRY(dust_calloc((void **)&pass->hidden, area, 1));
  DUST_TRY(dust_calloc((void **)&pass->grid, area, sizeof *pass->grid));
  draw_line(pass);
  aim_both(pass);
  return DUST_OK;
}

dust_status dust_fold_section(dust_ndarray *out, const dust_ndarray *section, const dust_fold *fold, dust_pool *pool) {
  DUST_TRY(check(section, fold));
  const int64_t *wide = section->shape + section->ndim - 2;
  fold_pass pass = {.fold = fold, .shape = {wide[0], wide[1]}, .dtype = section->dtype};
  dust_ndarray made = {0}, channel = {0};
  int64_t shape[DUST_MAXDIM];
  dust_status status;
  for (int a = 0; a < section->ndim; a++) shape[a] = section->shape[a] - (a < section->ndim - 2 ? 0 : 2 * fold->strength);
  DUST_GO(dust_ndarray_empty(&made, section->dtype, section->ndim, shape));
  DUST_GO(prepare(&pass, section));
  int64_t count = dust_ndarray_count(&made), channels = count > 0 ? dust_channels_count(section, 2) : 0;
  for (int64_t c = 0; c < channels; c++) {
    dust_channels_view(&channel, section, 2, c);
    pass.out = made.data + c * (count / channels) * (int64_t)dust_dtype_size(section->dtype);
    load(&pass, &channel);
    dust_ndarray_release(&channel);
    status = dust_pool_for(pool, (size_t)shape[section->ndim - 2], ROWS_A_CHUNK, fold_rows, &pass);
    if (status != DUST_OK) goto done;
  }
  *out = made;
  made = (dust_ndarray){0};
done:
  dust_free(pass.first);
  dust_free(pass.last);
  dust_free(pass.hidden);
  dust_free(pass.grid);
  dust_ndarray_release(&made);
  return status;
}
