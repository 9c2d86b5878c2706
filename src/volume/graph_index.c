/* Which nodes lie in a ROI: a grid over the bounding box of all locations with about four nodes to a cell, made when first asked
 * for.
 *
 *     start   [0 | 2 | 2 | 5 …]      first entry of each cell (C order), one more at the end
 *     order   [4 9 | | 0 3 7 | …]    slots by cell, ascending within
 *
 * Cells along the last axis lie next to each other, so a ROI is a set of runs of `order`. Which cell a place is in grows
 * monotonically with the place, also where rounding or an axis without extent comes in; so no node of a ROI is outside the cells
 * from its begin to its end.
 */
#include <stdlib.h>
#include "volume/graph_private.h"

struct dust_graph_grid {
  int ndim;
  double origin[DUST_MAXDIM], scale[DUST_MAXDIM]; /* cell = (place - origin) * scale */
  size_t cells[DUST_MAXDIM], total;
  uint32_t *start;
  dust_slot *order;
};

static void release_grid(dust_graph_grid *grid) {
  if (!grid) return;
  dust_free(grid->start);
  dust_free(grid->order);
  dust_free(grid);
}

void dust_graph_drop_index(dust_graph *graph) {
  if (atomic_load_explicit(&graph->grid, memory_order_relaxed)) release_grid(atomic_exchange(&graph->grid, NULL));
}

static size_t cell_along(const dust_graph_grid *grid, int d, double place) {
  if (grid->cells[d] == 1) return 0;
  double cell = (place - grid->origin[d]) * grid->scale[d];
  if (!(cell > 0)) return 0;
  return cell < (double)grid->cells[d] ? (size_t)cell : grid->cells[d] - 1;
}

static size_t cell_of(const dust_graph_grid *grid, const double *location) {
  size_t cell = 0;
  for (int d = 0; d < grid->ndim; d++) cell = cell * grid->cells[d] + cell_along(grid, d, location[d]);
  return cell;
}

static void measure(const dust_graph *graph, double *low, double *extent) {
  double high[DUST_MAXDIM];
  for (int d = 0; d < graph->ndim; d++) low[d] = INFINITY, high[d] = -INFINITY;
  for (size_t slot = 0; slot < graph->nodes.slots; slot++) {
    if (!graph->node[slot].alive) continue;
    const double *location = dust_slot_location(graph, (dust_slot)slot);
    for (int d = 0; d < graph->ndim; d++) {
      if (location[d] < low[d]) low[d] = location[d];
      if (location[d] > high[d]) high[d] = location[d];
    }
  }
  for (int d = 0; d < graph->ndim; d++) extent[d] = high[d] - low[d];
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

static void sort_into_cells(dust_graph_grid *grid, const dust_graph *graph) {
  for (size_t slot = 0; slot < graph->nodes.slots; slot++) {
    if (graph->node[slot].alive) grid->start[cell_of(grid, dust_slot_location(graph, (dust_slot)slot))]++;
  }
  uint32_t sum = 0;
  for (size_t c = 0; c <= grid->total; c++) {
    sum += grid->start[c];
    grid->start[c] = sum;
  }
  for (size_t slot = graph->nodes.slots; slot-- > 0;) { /* from the back: the end of each run moves down to its start */
    if (graph->node[slot].alive) grid->order[--grid->start[cell_of(grid, dust_slot_location(graph, (dust_slot)slot))]] = (dust_slot)slot;
  }
}

static dust_status make_grid(dust_graph_grid **out, const dust_graph *graph) {
  dust_status status = DUST_OK;
  size_t count = dust_table_count(&graph->nodes);
  double extent[DUST_MAXDIM];
  void *bytes = NULL;
  DUST_TRY(dust_calloc(&bytes, 1, sizeof(dust_graph_grid)));
  dust_graph_grid *grid = bytes;
  grid->ndim = graph->ndim;
  measure(graph, grid->origin, extent);
  choose_cells(grid, extent, (double)(count / 4 + 1));
  DUST_GO(dust_graph_grow(&grid->order, count, sizeof *grid->order));
  DUST_GO(dust_calloc(&bytes, grid->total + 1, sizeof *grid->start));
  grid->start = bytes;
  sort_into_cells(grid, graph);
  *out = grid;
  return DUST_OK;
done:
  release_grid(grid);
  return status;
}

/* The graph's grid. Two threads that both find none make one each; the second to finish throws its own away. */
static dust_status require_grid(dust_graph *graph, const dust_graph_grid **out) {
  dust_graph_grid *grid = atomic_load(&graph->grid), *made = NULL;
  if (!grid) {
    DUST_TRY(make_grid(&made, graph));
    if (atomic_compare_exchange_strong(&graph->grid, &grid, made))
      grid = made;
    else
      release_grid(made);
  }
  *out = grid;
  return DUST_OK;
}

typedef struct cell_box {
  const dust_graph_grid *grid;
  size_t low[DUST_MAXDIM], high[DUST_MAXDIM], at[DUST_MAXDIM]; /* both ends included */
} cell_box;

static void open_box(cell_box *box, const dust_graph_grid *grid, const dust_roi *roi) {
  box->grid = grid;
  for (int d = 0; d < grid->ndim; d++) {
    double begin, end;
    dust_roi_span(roi, d, &begin, &end);
    box->at[d] = box->low[d] = cell_along(grid, d, begin);
    box->high[d] = cell_along(grid, d, end);
  }
}

/* The run of `order` that the box's current row covers; then on to the next row. False after the last. */
static bool next_row(cell_box *box, size_t *begin, size_t *end) {
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

static int compare_slots(const void *a, const void *b) {
  dust_slot x = *(const dust_slot *)a, y = *(const dust_slot *)b;
  return (x > y) - (x < y);
}

/* Many slots: through a set of bits, in time that grows with the limit but not with n log n. */
static dust_status sort_by_bits(dust_slot *slots, size_t *count, size_t limit) {
  void *bytes;
  DUST_TRY(dust_calloc(&bytes, limit / 64 + 1, sizeof(uint64_t)));
  uint64_t *bits = bytes;
  for (size_t i = 0; i < *count; i++) bits[slots[i] / 64] |= (uint64_t)1 << (slots[i] % 64);
  *count = 0;
  for (size_t word = 0; word <= limit / 64; word++) {
    for (uint64_t left = bits[word]; left; left &= left - 1) slots[(*count)++] = (dust_slot)(word * 64 + __builtin_ctzll(left));
  }
  dust_free(bytes);
  return DUST_OK;
}

dust_status dust_slots_sort(dust_slot *slots, size_t *count, size_t limit) {
  if (*count > 64 && *count > limit / 256) return sort_by_bits(slots, count, limit);
  size_t kept = 0;
  qsort(slots, *count, sizeof *slots, compare_slots);
  for (size_t i = 0; i < *count; i++) {
    if (kept == 0 || slots[kept - 1] != slots[i]) slots[kept++] = slots[i];
  }
  *count = kept;
  return DUST_OK;
}

static size_t collect(const dust_graph *graph, const dust_graph_grid *grid, const dust_roi *roi, dust_slot *out) {
  cell_box box;
  size_t begin, end, count = 0;
  open_box(&box, grid, roi);
  while (next_row(&box, &begin, &end)) {
    for (size_t i = begin; i < end; i++) {
      if (!out || dust_roi_contains_location(roi, dust_slot_location(graph, grid->order[i]))) {
        if (out) out[count] = grid->order[i];
        count++;
      }
    }
  }
  return count;
}

dust_status dust_graph_slots_in(dust_graph *graph, const dust_roi *roi, dust_slot **out, size_t *count) {
  if (roi->offset.ndim != graph->ndim)
    return dust_fail(DUST_ERROR_ARGUMENT, "the ROI has %d axes, the graph has %d", roi->offset.ndim, graph->ndim);
  bool nothing = dust_roi_empty(roi) || dust_table_count(&graph->nodes) == 0;
  const dust_graph_grid *grid = NULL;
  if (!nothing) DUST_TRY(require_grid(graph, &grid));
  dust_slot *slots = NULL;
  DUST_TRY(dust_graph_grow(&slots, nothing ? 0 : collect(graph, grid, roi, NULL), sizeof *slots));
  *count = nothing ? 0 : collect(graph, grid, roi, slots);
  dust_status status = dust_slots_sort(slots, count, graph->nodes.slots);
  if (status == DUST_OK)
    *out = slots;
  else
    dust_free(slots);
  return status;
}

dust_status dust_graph_nodes_in(dust_graph *graph, const dust_roi *roi, size_t **out, size_t *count) {
  dust_slot *slots;
  size_t *positions = NULL;
  DUST_TRY(dust_graph_slots_in(graph, roi, &slots, count));
  dust_status status = dust_graph_grow(&positions, *count, sizeof *positions);
  for (size_t i = 0; status == DUST_OK && i < *count; i++) positions[i] = dust_table_rank(&graph->nodes, slots[i]);
  dust_free(slots);
  if (status == DUST_OK) *out = positions;
  return status;
}
