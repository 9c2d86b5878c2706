/* Graphs: making, sharing, copying, looking at. Layout and invariants: graph_private.h.
 *
 * A graph with more than one holder is never changed; who wants to calls dust_graph_make_writable() first. Reading is free of
 * side effects, the spatial index apart, which is put in place by one atomic exchange: several threads may read the same graph.
 */
#include "volume/graph_private.h"

static dust_status check_spec(const dust_graph_spec *spec, int ndim) {
  DUST_TRY(dust_graph_spec_check(spec));
  if (spec->has_roi && spec->roi.offset.ndim != ndim)
    return dust_fail(DUST_ERROR_ARGUMENT, "the spec's ROI has %d axes, the graph has %d", spec->roi.offset.ndim, ndim);
  return DUST_OK;
}

dust_status dust_graph_create(dust_graph **out, const dust_graph_spec *spec, int ndim) {
  if (ndim < 1 || ndim > DUST_MAXDIM) return dust_fail(DUST_ERROR_ARGUMENT, "a graph has 1 to %d axes, not %d", DUST_MAXDIM, ndim);
  DUST_TRY(check_spec(spec, ndim));
  void *bytes;
  DUST_TRY(dust_calloc(&bytes, 1, sizeof(dust_graph)));
  dust_graph *graph = bytes;
  atomic_init(&graph->references, 1);
  atomic_init(&graph->grid, NULL);
  atomic_init(&graph->edge_index, NULL);
  atomic_init(&graph->edges_asked, false);
  graph->ndim = ndim;
  graph->spec = *spec;
  if (graph->spec.dtype == DUST_DTYPE_NONE) graph->spec.dtype = DUST_FLOAT32;
  *out = graph;
  return DUST_OK;
}

dust_graph *dust_graph_share(dust_graph *graph) {
  atomic_fetch_add(&graph->references, 1);
  return graph;
}

void dust_graph_release(dust_graph *graph) {
  if (!graph || atomic_fetch_sub(&graph->references, 1) > 1) return;
  dust_graph_drop_index(graph);
  dust_table_release(&graph->nodes);
  dust_table_release(&graph->edges);
  dust_free(graph->node);
  dust_free(graph->location);
  dust_free(graph->edge);
  dust_free(graph->lookup);
  dust_free(graph);
}

static void copy_columns(dust_graph_table *to, const dust_graph_table *from) {
  for (size_t c = 0; c < from->column_count; c++) {
    memcpy(to->column[c].value, from->column[c].value, from->slots * sizeof(double));
    memcpy(to->column[c].present, from->column[c].present, from->slots);
  }
}

static void copy_slots(dust_graph *to, const dust_graph *from) {
  size_t nodes = from->nodes.slots, edges = from->edges.slots;
  if (nodes > 0) memcpy(to->node, from->node, nodes * sizeof *to->node);
  if (nodes > 0) memcpy(to->location, from->location, nodes * from->ndim * sizeof(double));
  if (edges > 0) memcpy(to->edge, from->edge, edges * sizeof *to->edge);
  to->nodes.slots = nodes;
  to->edges.slots = edges;
  copy_columns(&to->nodes, &from->nodes);
  copy_columns(&to->edges, &from->edges);
}

dust_status dust_graph_copy(dust_graph **out, const dust_graph *graph) {
  dust_graph *copy = NULL;
  dust_status status = DUST_OK;
  DUST_GO(dust_graph_create(&copy, &graph->spec, graph->ndim));
  DUST_GO(dust_graph_reserve(copy, graph->nodes.slots, graph->edges.slots));
  DUST_GO(dust_columns_like(&copy->nodes, &graph->nodes));
  DUST_GO(dust_columns_like(&copy->edges, &graph->edges));
  copy_slots(copy, graph);
  copy->nodes.holes = graph->nodes.holes; /* closed at once, so the tree is not needed */
  copy->edges.holes = graph->edges.holes;
  dust_graph_close_holes(copy);
  *out = copy;
  return DUST_OK;
done:
  dust_graph_release(copy);
  return status;
}

dust_status dust_graph_make_writable(dust_graph **graph) {
  if (atomic_load(&(*graph)->references) == 1) return DUST_OK;
  dust_graph *copy;
  DUST_TRY(dust_graph_copy(&copy, *graph));
  dust_graph_release(*graph);
  *graph = copy;
  return DUST_OK;
}

const dust_graph_spec *dust_graph_get_spec(const dust_graph *graph) { return &graph->spec; }
bool dust_graph_directed(const dust_graph *graph) { return graph->spec.directed != DUST_NO; }
int dust_graph_ndim(const dust_graph *graph) { return graph->ndim; }
size_t dust_graph_node_count(const dust_graph *graph) { return dust_table_count(&graph->nodes); }
size_t dust_graph_edge_count(const dust_graph *graph) { return dust_table_count(&graph->edges); }

static bool fits_float32(const dust_graph *graph, dust_slot slot) {
  for (int d = 0; d < graph->ndim; d++) {
    if (!isfinite((float)dust_slot_location(graph, slot)[d])) return false;
  }
  return true;
}

/* Locations to float32, all or none. */
static dust_status narrow(dust_graph *graph) {
  for (size_t slot = 0; slot < graph->nodes.slots; slot++) {
    if (graph->node[slot].alive && !fits_float32(graph, (dust_slot)slot))
      return dust_fail(DUST_ERROR_RANGE, "the location of node %lld is too large for float32", (long long)graph->node[slot].id);
  }
  dust_graph_drop_index(graph);
  for (size_t slot = 0; slot < graph->nodes.slots; slot++) {
    if (!graph->node[slot].alive) continue;
    for (int d = 0; d < graph->ndim; d++) graph->location[slot * graph->ndim + d] = (float)graph->location[slot * graph->ndim + d];
  }
  return DUST_OK;
}

dust_status dust_graph_set_spec(dust_graph *graph, const dust_graph_spec *spec) {
  DUST_TRY(check_spec(spec, graph->ndim));
  bool directed = spec->directed != DUST_NO;
  if (directed != dust_graph_directed(graph) && dust_graph_edge_count(graph) > 0)
    return dust_fail(DUST_ERROR_ARGUMENT, "a graph with edges can't be made %s; make a new one of its nodes and edges",
                     directed ? "directed" : "undirected");
  dust_dtype dtype = spec->dtype == DUST_DTYPE_NONE ? graph->spec.dtype : spec->dtype;
  if (dtype == DUST_FLOAT32 && graph->spec.dtype == DUST_FLOAT64) DUST_TRY(narrow(graph));
  graph->spec = *spec;
  graph->spec.dtype = dtype;
  return DUST_OK;
}

int64_t dust_graph_node_id(const dust_graph *graph, size_t node) { return graph->node[dust_table_select(&graph->nodes, node)].id; }

const double *dust_graph_location(const dust_graph *graph, size_t node) {
  return dust_slot_location(graph, dust_table_select(&graph->nodes, node));
}

bool dust_graph_temporary(const dust_graph *graph, size_t node) { return graph->node[dust_table_select(&graph->nodes, node)].temporary; }

void dust_graph_edge(const dust_graph *graph, size_t edge, int64_t *u, int64_t *v) {
  const dust_edge_record *e = &graph->edge[dust_table_select(&graph->edges, edge)];
  *u = graph->node[e->end[DUST_OUT]].id;
  *v = graph->node[e->end[DUST_IN]].id;
}

dust_status dust_graph_round(const dust_graph *graph, int64_t id, const double *location, double *rounded) {
  bool narrowed = graph->spec.dtype == DUST_FLOAT32;
  for (int d = 0; d < graph->ndim; d++) {
    rounded[d] = narrowed ? (double)(float)location[d] : location[d];
    if (isfinite(rounded[d])) continue;
    if (isnan(location[d])) return dust_fail(DUST_ERROR_ARGUMENT, "location of node %lld is NaN on axis %d", (long long)id, d + 1);
    const char *why = isfinite(location[d]) ? "too large for float32" : "no finite number";
    return dust_fail(DUST_ERROR_ARGUMENT, "location of node %lld: %g on axis %d is %s", (long long)id, location[d], d + 1, why);
  }
  return DUST_OK;
}

size_t dust_graph_seen(const dust_graph *graph) { return atomic_load_explicit(&graph->seen, memory_order_relaxed); }

static size_t table_bytes(const dust_graph_table *table) {
  return table->tree_capacity * sizeof *table->tree + table->column_count * table->capacity * (sizeof(double) + 1);
}

size_t dust_graph_bytes(const dust_graph *graph) {
  size_t nodes = graph->nodes.capacity * (sizeof *graph->node + graph->ndim * sizeof(double));
  size_t edges = graph->edges.capacity * sizeof *graph->edge;
  return sizeof *graph + nodes + edges + graph->lookup_size * sizeof *graph->lookup + table_bytes(&graph->nodes) +
         table_bytes(&graph->edges);
}
