/* Which nodes lie in a ROI: through a grid of all locations (graph_grid.c), made when first asked for. */
#include <stdlib.h>
#include "volume/graph_private.h"

void dust_graph_drop_node_index(dust_graph *graph) {
  if (atomic_load_explicit(&graph->grid, memory_order_relaxed)) dust_grid_release(atomic_exchange(&graph->grid, NULL));
}

void dust_graph_drop_index(dust_graph *graph) {
  dust_graph_drop_edge_index(graph);
  dust_graph_drop_node_index(graph);
}

static dust_status make_grid(dust_graph_grid **out, const dust_graph *graph) {
  dust_slot *slots = NULL;
  size_t count = 0;
  DUST_TRY(dust_graph_grow(&slots, dust_table_count(&graph->nodes), sizeof *slots));
  for (size_t slot = 0; slot < graph->nodes.slots; slot++) {
    if (graph->node[slot].alive) slots[count++] = (dust_slot)slot;
  }
  dust_status status = dust_grid_of_nodes(out, graph, slots, count);
  dust_free(slots);
  return status;
}

/* The graph's grid. Two threads that both find none make one each; the second to finish throws its own away. */
static dust_status require_grid(dust_graph *graph, const dust_graph_grid **out) {
  dust_graph_grid *grid = atomic_load(&graph->grid), *made = NULL;
  if (!grid) {
    DUST_TRY(make_grid(&made, graph));
    atomic_fetch_add_explicit(&graph->seen, graph->nodes.slots, memory_order_relaxed);
    if (atomic_compare_exchange_strong(&graph->grid, &grid, made))
      grid = made;
    else
      dust_grid_release(made);
  }
  *out = grid;
  return DUST_OK;
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
  if (*count == 0) return DUST_OK;
  qsort(slots, *count, sizeof *slots, compare_slots);
  for (size_t i = 0; i < *count; i++) {
    if (kept == 0 || slots[kept - 1] != slots[i]) slots[kept++] = slots[i];
  }
  *count = kept;
  return DUST_OK;
}

/* Those in the ROI; without `out` an upper bound of their number. Removed nodes stay in the grid. */
static size_t collect(const dust_graph *graph, const dust_graph_grid *grid, const dust_roi *roi, dust_slot *out) {
  dust_cell_box box;
  double from[DUST_MAXDIM], to[DUST_MAXDIM];
  const dust_slot *slots;
  size_t in_row, count = 0;
  for (int d = 0; d < graph->ndim; d++) dust_roi_span(roi, d, &from[d], &to[d]);
  dust_cell_box_open(&box, grid, from, to);
  while (dust_cell_box_next(&box, &slots, &in_row)) {
    if (!out) count += in_row;
    for (size_t i = 0; out && i < in_row; i++) {
      if (graph->node[slots[i]].alive && dust_roi_contains_location(roi, dust_slot_location(graph, slots[i]))) out[count++] = slots[i];
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
  size_t near = nothing ? 0 : collect(graph, grid, roi, NULL);
  atomic_fetch_add_explicit(&graph->seen, near, memory_order_relaxed);
  DUST_TRY(dust_graph_grow(&slots, near, sizeof *slots));
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
