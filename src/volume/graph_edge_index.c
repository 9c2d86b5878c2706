/* Which edges pass through a ROI with both ends outside. Edges are sorted by length into levels, each a grid (graph_grid.c) of their
 * lower corners; what touches a box has its corner in the box grown by the level's longest edge:
 *
 *     level 0   edges that span more than half of the graph       few, looked at whatever is asked
 *     level 1   … more than a quarter
 *     …
 *
 * The index is made when edges are asked for the second time: a graph that is cut but once, as in a batch, is scanned.
 */
#include "volume/graph_private.h"

enum { LEVELS = 16, FEW = 64 };

typedef struct edge_level {
  dust_graph_grid *grid; /* NULL: no edges */
  double reach[DUST_MAXDIM];
} edge_level;

struct dust_edge_index {
  edge_level level[LEVELS];
};

static void release_index(dust_edge_index *index) {
  if (!index) return;
  for (int k = 0; k < LEVELS; k++) dust_grid_release(index->level[k].grid);
  dust_free(index);
}

void dust_graph_drop_edge_index(dust_graph *graph) {
  if (!atomic_load_explicit(&graph->edges_asked, memory_order_relaxed)) return;
  atomic_store(&graph->edges_asked, false);
  release_index(atomic_exchange(&graph->edge_index, NULL));
}

static const double *end_of(const dust_graph *graph, size_t edge, int k) { return dust_slot_location(graph, graph->edge[edge].end[k]); }

/* How much of the graph an edge spans, as a power of two. */
static int level_of(const dust_graph *graph, size_t edge, const double *extent) {
  const double *u = end_of(graph, edge, DUST_OUT), *v = end_of(graph, edge, DUST_IN);
  double span = 0;
  int exponent;
  for (int d = 0; d < graph->ndim; d++) {
    if (u[d] != v[d]) span = fmax(span, fabs(v[d] - u[d]) / extent[d]);
  }
  if (!(span > 0)) return LEVELS - 1;
  if (!(span < 1)) return 0; /* or not a number: extents that overflow */
  frexp(span, &exponent);
  return -exponent < LEVELS ? -exponent : LEVELS - 1;
}

/* The lower corners of all edges, slot by slot, and how far all nodes of edges lie apart. */
static void find_corners(const dust_graph *graph, double *corner, double *extent) {
  double low[DUST_MAXDIM], high[DUST_MAXDIM];
  for (int d = 0; d < graph->ndim; d++) low[d] = INFINITY, high[d] = -INFINITY;
  for (size_t e = 0; e < graph->edges.slots; e++) {
    if (!dust_edge_alive(&graph->edge[e])) continue;
    const double *u = end_of(graph, e, DUST_OUT), *v = end_of(graph, e, DUST_IN);
    for (int d = 0; d < graph->ndim; d++) {
      corner[e * graph->ndim + d] = fmin(u[d], v[d]);
      low[d] = fmin(low[d], fmin(u[d], v[d]));
      high[d] = fmax(high[d], fmax(u[d], v[d]));
    }
  }
  for (int d = 0; d < graph->ndim; d++) extent[d] = high[d] - low[d];
}

/* The edges of a level, and how far they reach from their lower corners. */
static size_t collect_level(const dust_graph *graph, const uint8_t *level, int wanted, dust_slot *slots, double *reach) {
  size_t count = 0;
  for (int d = 0; d < graph->ndim; d++) reach[d] = 0;
  for (size_t e = 0; e < graph->edges.slots; e++) {
    if (!dust_edge_alive(&graph->edge[e]) || level[e] != wanted) continue;
    slots[count++] = (dust_slot)e;
    for (int d = 0; d < graph->ndim; d++) reach[d] = fmax(reach[d], fabs(end_of(graph, e, DUST_OUT)[d] - end_of(graph, e, DUST_IN)[d]));
  }
  return count;
}

static dust_status fill_index(dust_edge_index *index, const dust_graph *graph) {
  size_t slots = graph->edges.slots;
  double *corner = NULL, extent[DUST_MAXDIM];
  uint8_t *level = NULL;
  dust_slot *members = NULL;
  dust_status status;
  DUST_GO(dust_graph_grow(&corner, slots * graph->ndim, sizeof *corner));
  DUST_GO(dust_graph_grow(&level, slots, sizeof *level));
  DUST_GO(dust_graph_grow(&members, slots, sizeof *members));
  find_corners(graph, corner, extent);
  for (size_t e = 0; e < slots; e++) level[e] = dust_edge_alive(&graph->edge[e]) ? (uint8_t)level_of(graph, e, extent) : LEVELS;
  for (int k = 0; k < LEVELS; k++) {
    size_t count = collect_level(graph, level, k, members, index->level[k].reach);
    if (count > 0) DUST_GO(dust_grid_make(&index->level[k].grid, &(dust_point_set){graph->ndim, corner, members, count}));
  }
done:
  dust_free(corner);
  dust_free(level);
  dust_free(members);
  return status;
}

/* The graph's index; NULL where a scan will do. Two threads that both find none make one each; the second throws its own away. */
static dust_status require_index(dust_graph *graph, const dust_edge_index **out) {
  dust_edge_index *index = atomic_load(&graph->edge_index);
  *out = index;
  if (index || dust_table_count(&graph->edges) <= FEW || !atomic_exchange(&graph->edges_asked, true)) return DUST_OK;
  void *bytes;
  DUST_TRY(dust_calloc(&bytes, 1, sizeof(dust_edge_index)));
  dust_edge_index *made = bytes;
  dust_status status = fill_index(made, graph);
  if (status == DUST_OK && atomic_compare_exchange_strong(&graph->edge_index, &index, made)) {
    *out = made;
    return DUST_OK;
  }
  release_index(made);
  *out = index;
  return status;
}

typedef struct search {
  const dust_graph *graph;
  const dust_roi *roi;
  dust_clip_box box;
  dust_slot *out;
  size_t count;
} search;

static void look_at(search *s, dust_slot edge) {
  double from[DUST_MAXDIM], to[DUST_MAXDIM];
  const double *u = end_of(s->graph, edge, DUST_OUT), *v = end_of(s->graph, edge, DUST_IN);
  if (!dust_clip_line(&s->box, u, v, from, to)) return;
  if (dust_roi_contains_location(s->roi, u) || dust_roi_contains_location(s->roi, v)) return;
  s->out[s->count++] = edge;
}

static void look_in_level(search *s, const edge_level *level) {
  dust_cell_box cells;
  double begin[DUST_MAXDIM];
  const dust_slot *slots;
  size_t in_row;
  if (!level->grid) return;
  for (int d = 0; d < s->graph->ndim; d++) { /* a little more, for what rounding takes away */
    double from = s->box.begin[d], reach = level->reach[d];
    begin[d] = isinf(from) ? from : from - reach - (fabs(from) + reach) * 0x1p-48;
  }
  dust_cell_box_open(&cells, level->grid, begin, s->box.end);
  while (dust_cell_box_next(&cells, &slots, &in_row)) {
    for (size_t i = 0; i < in_row; i++) look_at(s, slots[i]);
  }
}

dust_status dust_graph_edges_through(dust_graph *graph, const dust_roi *roi, dust_slot **out, size_t *count) {
  if (dust_roi_empty(roi) || dust_table_count(&graph->edges) == 0) return DUST_OK;
  const dust_edge_index *index;
  DUST_TRY(require_index(graph, &index));
  DUST_TRY(dust_graph_grow(out, *count + dust_table_count(&graph->edges), sizeof **out));
  search s = {.graph = graph, .roi = roi, .out = *out, .count = *count};
  dust_clip_box_make(&s.box, graph, roi);
  for (int k = 0; index && k < LEVELS; k++) look_in_level(&s, &index->level[k]);
  for (size_t e = 0; !index && e < graph->edges.slots; e++) {
    if (dust_edge_alive(&graph->edge[e])) look_at(&s, (dust_slot)e);
  }
  *count = s.count;
  return DUST_OK;
}
