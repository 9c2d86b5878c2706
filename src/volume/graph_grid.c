/* A grid over the bounding box of a set of places with about four places to a cell, to find those in a box without a scan.
 *
 *     start   [0 | 2 | 2 | 5 …]      first entry of each cell (C order), one more at the end
 *     order   [4 9 | | 0 3 7 | …]    slots by cell, ascending within
 *
 * Cells along the last axis lie next to each other, so a ROI is a set of runs of `order`. Which cell a place is in grows
 * monotonically with the place, also where rounding or an axis without extent comes in; so no place in a box is outside the cells
 * from its begin to its end.
 */
#include "volume/graph_private.h"

struct dust_graph_grid {
  int ndim;
  double origin[DUST_MAXDIM], scale[DUST_MAXDIM]; /* cell = (place - origin) * scale */
  size_t cells[DUST_MAXDIM], total;
  uint32_t *start;
  dust_slot *order;
};

void dust_grid_release(dust_graph_grid *grid) {
  if (!grid) return;
  dust_free(grid->start);
  dust_free(grid->order);
  dust_free(grid);
}

static size_t cell_along(const dust_graph_grid *grid, int d, double place) {
  if (grid->cells[d] == 1) return 0;
  double cell = (place - grid->origin[d]) * grid->scale[d];
  if (!(cell > 0)) return 0;
  return cell < (double)grid->cells[d] ? (size_t)cell : grid->cells[d] - 1;
}

static size_t cell_of(const dust_graph_grid *grid, const double *place) {
  size_t cell = 0;
  for (int d = 0; d < grid->ndim; d++) cell = cell * grid->cells[d] + cell_along(grid, d, place[d]);
  return cell;
}

static const double *place_of(const dust_point_set *set, size_t i) { return set->places + (size_t)set->slots[i] * set->ndim; }

static void measure(const dust_point_set *set, double *low, double *extent) {
  double high[DUST_MAXDIM];
  for (int d = 0; d < set->ndim; d++) low[d] = INFINITY, high[d] = -INFINITY;
  for (size_t i = 0; i < set->count; i++) {
    const double *place = place_of(set, i);
    for (int d = 0; d < set->ndim; d++) {
      if (place[d] < low[d]) low[d] = place[d];
      if (place[d] > high[d]) high[d] = place[d];
    }
  }
  for (int d = 0; d < set->ndim; d++) extent[d] = high[d] - low[d];
}

/* Cubes of which about `target` fill the box. An axis shorter than a cube's side gets one cell and no say; logarithms, so that no
 * volume overflows. */
static void choose_cells(dust_graph_grid *grid, const double *extent, double target) {
  bool divided[DUST_MAXDIM];
  for (int d = 0; d < grid->ndim; d++) divided[d] = extent[d] > 0 && isfinite(extent[d]);
  double side = 0;
  for (bool again = true; again;) {
    int axes = 0;
    side = -log(target);
    for (int d = 0; d < grid->ndim; d++) {
      if (divided[d]) axes++, side += log(extent[d]);
    }
    side /= axes > 0 ? axes : 1;
    again = false;
    for (int d = 0; d < grid->ndim; d++) {
      if (divided[d] && log(extent[d]) < side) divided[d] = false, again = true;
    }
  }
  grid->total = 1;
  for (int d = 0; d < grid->ndim; d++) {
    double cells = divided[d] ? floor(exp(log(extent[d]) - side)) : 1;
    grid->cells[d] = cells > 1 ? (size_t)cells : 1;
    grid->scale[d] = divided[d] ? (double)grid->cells[d] / extent[d] : 0;
    if (!isfinite(grid->scale[d])) grid->cells[d] = 1; /* an extent so small that its inverse overflows */
    grid->total *= grid->cells[d];
  }
}

static void sort_into_cells(dust_graph_grid *grid, const dust_point_set *set) {
  for (size_t i = 0; i < set->count; i++) grid->start[cell_of(grid, place_of(set, i))]++;
  uint32_t sum = 0;
  for (size_t c = 0; c <= grid->total; c++) {
    sum += grid->start[c];
    grid->start[c] = sum;
  }
  for (size_t i = set->count; i-- > 0;) /* from the back: the end of each run moves down to its start */
    grid->order[--grid->start[cell_of(grid, place_of(set, i))]] = set->slots[i];
}

dust_status dust_grid_make(dust_graph_grid **out, const dust_point_set *set) {
  dust_status status = DUST_OK;
  double extent[DUST_MAXDIM];
  void *bytes = NULL;
  DUST_TRY(dust_calloc(&bytes, 1, sizeof(dust_graph_grid)));
  dust_graph_grid *grid = bytes;
  grid->ndim = set->ndim;
  measure(set, grid->origin, extent);
  choose_cells(grid, extent, (double)(set->count / 4 + 1));
  DUST_GO(dust_graph_grow(&grid->order, set->count, sizeof *grid->order));
  DUST_GO(dust_calloc(&bytes, grid->total + 1, sizeof *grid->start));
  grid->start = bytes;
  sort_into_cells(grid, set);
  *out = grid;
  return DUST_OK;
done:
  dust_grid_release(grid);
  return status;
}

void dust_cell_box_open(dust_cell_box *box, const dust_graph_grid *grid, const double *begin, const double *end) {
  box->grid = grid;
  for (int d = 0; d < grid->ndim; d++) {
    box->at[d] = box->low[d] = cell_along(grid, d, begin[d]);
    box->high[d] = cell_along(grid, d, end[d]);
  }
}

static bool next_row(dust_cell_box *box, size_t *begin, size_t *end) {
  const dust_graph_grid *grid = box->grid;
  int last = grid->ndim - 1;
  if (box->at[0] > box->high[0]) return false;
  size_t cell = 0;
  for (int d = 0; d < last; d++) cell = (cell + box->at[d]) * grid->cells[d + 1];
  *begin = grid->start[cell + box->low[last]];
  *end = grid->start[cell + box->high[last] + 1];
  int d = last > 0 ? last - 1 : 0;
  if (last == 0) box->at[0] = box->high[0];
  for (box->at[d]++; d > 0 && box->at[d] > box->high[d]; box->at[d]++) {
    box->at[d] = box->low[d];
    d--;
  }
  return true;
}

bool dust_cell_box_next(dust_cell_box *box, const dust_slot **slots, size_t *count) {
  size_t begin, end;
  if (!next_row(box, &begin, &end)) return false;
  *slots = box->grid->order + begin;
  *count = end - begin;
  return true;
}
