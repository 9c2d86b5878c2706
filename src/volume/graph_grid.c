/* A grid over the bounding box of nodes, or of edges, with about four to a cell, to find those in a box without a scan.
 *
 *     start   [0 | 2 | 2 | 5 …]      first entry of each cell (C order), one more at the end
 *     order   [4 9 | | 0 3 7 | …]    slots by cell, ascending within
 *
 * Cells along the last axis lie next to each other, so a ROI is a set of runs of `order`. Which cell a place is in grows
 * monotonically with the place, also where rounding or an axis without extent comes in; so no place in a box is outside the cells
 * from its begin to its end. An edge is in every cell that it passes through; cells are so large that this is STEPS along an axis at
 * most, however many edges there are.
 */
#include "volume/graph_private.h"

struct dust_graph_grid {
  int ndim;
  double origin[DUST_MAXDIM], scale[DUST_MAXDIM]; /* cell = (place - origin) * scale */
  size_t cells[DUST_MAXDIM], total;
  size_t *start;
  dust_slot *order;
};

enum { STEPS = 16 };

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

/* What goes into a grid: nodes, or edges. */
typedef struct item_set {
  const dust_graph *graph;
  const dust_slot *slots;
  size_t count;
  bool edges;
} item_set;

static void ends_of(const item_set *set, size_t i, const double *end[2]) {
  for (int k = 0; k < 2; k++) end[k] = dust_slot_location(set->graph, set->edges ? set->graph->edge[set->slots[i]].end[k] : set->slots[i]);
}

/* The bounding box, and how far the longest edge reaches along an axis. */
static void measure(const item_set *set, double *low, double *extent, double *reach) {
  int ndim = set->graph->ndim;
  double high[DUST_MAXDIM];
  *reach = 0;
  for (int d = 0; d < ndim; d++) low[d] = INFINITY, high[d] = -INFINITY;
  for (size_t i = 0; i < set->count; i++) {
    const double *end[2];
    ends_of(set, i, end);
    for (int d = 0; d < ndim; d++) {
      double a = end[0][d], b = end[1][d];
      if (fmin(a, b) < low[d]) low[d] = fmin(a, b);
      if (fmax(a, b) > high[d]) high[d] = fmax(a, b);
      if (fabs(b - a) > *reach) *reach = fabs(b - a);
    }
  }
  for (int d = 0; d < ndim; d++) extent[d] = high[d] - low[d];
}

/* Cubes of which about `target` fill the box, with sides not below `smallest`. An axis shorter than a cube's side gets one cell and no
 * say; logarithms, so that no volume overflows. */
static void choose_cells(dust_graph_grid *grid, const double *extent, double target, double smallest) {
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
  if (smallest > 0 && !(side >= log(smallest))) side = log(smallest);
  grid->total = 1;
  for (int d = 0; d < grid->ndim; d++) {
    double cells = divided[d] ? floor(exp(log(extent[d]) - side)) : 1;
    grid->cells[d] = cells > 1 ? (size_t)cells : 1;
    grid->scale[d] = divided[d] ? (double)grid->cells[d] / extent[d] : 0;
    if (!isfinite(grid->scale[d])) grid->cells[d] = 1; /* an extent so small that its inverse overflows */
    grid->total *= grid->cells[d];
  }
}

/* fmin and fmax, without their care for NaN and the calls that it costs. */
static double least(double a, double b) { return a < b ? a : b; }
static double most(double a, double b) { return a > b ? a : b; }
static double clamp(double x, double low, double high) { return least(most(x, low), high); }

/* Where on its way from a to b (in cells) the edge crosses slab `c` of the major axis: the cells along axis d, among which rounding
 * may not lose one. */
static void cells_in_slab(const dust_graph_grid *grid, const double *a, const double *b, int major, double c, int d, size_t *low,
                          size_t *high) {
  double way = b[major] - a[major], margin = (double)(grid->cells[d] + grid->cells[major]) * 0x1p-44;
  double s = clamp((c - a[major]) / way, 0, 1), t = clamp((c + 1 - a[major]) / way, 0, 1);
  double x = a[d] + s * (b[d] - a[d]), y = a[d] + t * (b[d] - a[d]), last = (double)(grid->cells[d] - 1);
  *low = (size_t)clamp(least(x, y) - margin, 0, last);
  *high = (size_t)clamp(most(x, y) + margin, 0, last);
}

static void enter(dust_graph_grid *grid, const size_t *low, const size_t *high, bool fill, dust_slot slot) {
  size_t at[DUST_MAXDIM];
  memcpy(at, low, grid->ndim * sizeof *at);
  for (int d = grid->ndim; d >= 0;) {
    size_t cell = 0;
    for (int k = 0; k < grid->ndim; k++) cell = cell * grid->cells[k] + at[k];
    if (fill)
      grid->order[--grid->start[cell]] = slot;
    else
      grid->start[cell]++;
    for (d = grid->ndim - 1; d >= 0 && at[d] == high[d]; d--) at[d] = low[d];
    if (d >= 0) at[d]++;
  }
}

/* Counts, or fills in, the edge in all cells that it passes through: slab by slab along the axis on which it passes most. */
static void enter_edge(dust_graph_grid *grid, const double *u, const double *v, bool fill, dust_slot slot) {
  double a[DUST_MAXDIM], b[DUST_MAXDIM];
  size_t low[DUST_MAXDIM], high[DUST_MAXDIM];
  int major = 0;
  for (int d = 0; d < grid->ndim; d++) {
    a[d] = grid->cells[d] == 1 ? 0 : (u[d] - grid->origin[d]) * grid->scale[d];
    b[d] = grid->cells[d] == 1 ? 0 : (v[d] - grid->origin[d]) * grid->scale[d];
    if (fabs(b[d] - a[d]) > fabs(b[major] - a[major])) major = d;
    low[d] = cell_along(grid, d, least(u[d], v[d]));
    high[d] = cell_along(grid, d, most(u[d], v[d]));
  }
  size_t first = low[major], last = high[major];
  for (size_t c = first; c <= last; c++) {
    for (int d = 0; d < grid->ndim && first < last; d++) {
      if (d != major) cells_in_slab(grid, a, b, major, (double)c, d, &low[d], &high[d]);
    }
    low[major] = high[major] = c;
    enter(grid, low, high, fill, slot);
  }
}

static void enter_all(dust_graph_grid *grid, const item_set *set, bool fill) {
  for (size_t i = set->count; i-- > 0;) { /* from the back: the end of each run moves down to its start */
    const double *end[2];
    ends_of(set, i, end);
    if (set->edges)
      enter_edge(grid, end[0], end[1], fill, set->slots[i]);
    else if (fill)
      grid->order[--grid->start[cell_of(grid, end[0])]] = set->slots[i];
    else
      grid->start[cell_of(grid, end[0])]++;
  }
}

static dust_status make_grid(dust_graph_grid **out, const item_set *set) {
  dust_status status = DUST_OK;
  double extent[DUST_MAXDIM], reach;
  void *bytes = NULL;
  DUST_TRY(dust_calloc(&bytes, 1, sizeof(dust_graph_grid)));
  dust_graph_grid *grid = bytes;
  grid->ndim = set->graph->ndim;
  measure(set, grid->origin, extent, &reach);
  choose_cells(grid, extent, (double)(set->count / 4 + 1), reach / STEPS);
  DUST_GO(dust_calloc(&bytes, grid->total + 1, sizeof *grid->start));
  grid->start = bytes;
  enter_all(grid, set, false);
  size_t sum = 0;
  for (size_t c = 0; c <= grid->total; c++) {
    sum += grid->start[c];
    grid->start[c] = sum;
  }
  DUST_GO(dust_graph_grow(&grid->order, sum, sizeof *grid->order));
  enter_all(grid, set, true);
  *out = grid;
  return DUST_OK;
done:
  dust_grid_release(grid);
  return status;
}

dust_status dust_grid_of_nodes(dust_graph_grid **out, const dust_graph *graph, const dust_slot *slots, size_t count) {
  return make_grid(out, &(item_set){graph, slots, count, false});
}

dust_status dust_grid_of_edges(dust_graph_grid **out, const dust_graph *graph, const dust_slot *slots, size_t count) {
  return make_grid(out, &(item_set){graph, slots, count, true});
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
