/* Changing a graph: adding, removing, moving. Each function either does all of it or, failing, leaves the graph as it was. */
#include "volume/graph_private.h"

static dust_status grown(const dust_graph_table *table, size_t more, const char *what, size_t *capacity) {
  size_t wanted = table->slots + more;
  *capacity = table->capacity;
  if (more > DUST_MAX_SLOTS || wanted > DUST_MAX_SLOTS)
    return dust_fail(DUST_ERROR_RANGE, "a graph holds at most %zu %s, %zu are wanted", DUST_MAX_SLOTS, what, wanted);
  if (wanted <= table->capacity) return DUST_OK;
  *capacity = table->capacity * 2 > wanted ? table->capacity * 2 : wanted;
  if (*capacity < 16) *capacity = 16;
  return DUST_OK;
}

static dust_status reserve_nodes(dust_graph *graph, size_t more) {
  size_t capacity = 0;
  DUST_TRY(grown(&graph->nodes, more, "nodes", &capacity));
  if (capacity > graph->nodes.capacity) {
    DUST_TRY(dust_graph_grow(&graph->node, capacity, sizeof *graph->node));
    DUST_TRY(dust_graph_grow(&graph->location, capacity, graph->ndim * sizeof(double)));
    DUST_TRY(dust_lookup_reserve(graph, capacity));
  }
  return dust_table_reserve(&graph->nodes, capacity);
}

static dust_status reserve_edges(dust_graph *graph, size_t more) {
  size_t capacity = 0;
  DUST_TRY(grown(&graph->edges, more, "edges", &capacity));
  if (capacity > graph->edges.capacity) DUST_TRY(dust_graph_grow(&graph->edge, capacity, sizeof *graph->edge));
  return dust_table_reserve(&graph->edges, capacity);
}

dust_status dust_graph_reserve(dust_graph *graph, size_t more_nodes, size_t more_edges) {
  DUST_TRY(reserve_nodes(graph, more_nodes));
  return reserve_edges(graph, more_edges);
}

static void place(dust_graph *graph, dust_slot slot, const double *rounded) {
  memcpy(graph->location + (size_t)slot * graph->ndim, rounded, graph->ndim * sizeof(double));
}

dust_slot dust_graph_append_node(dust_graph *graph, int64_t id, const double *rounded, bool temporary) {
  dust_slot slot = dust_table_append(&graph->nodes);
  graph->node[slot] = (dust_node_record){
      .id = id, .first = {DUST_NO_SLOT, DUST_NO_SLOT}, .last = {DUST_NO_SLOT, DUST_NO_SLOT}, .alive = true, .temporary = temporary};
  dust_graph_drop_node_index(graph);
  place(graph, slot, rounded);
  dust_lookup_insert(graph, slot);
  return slot;
}

dust_status dust_graph_add_node(dust_graph *graph, int64_t id, const double *location, bool temporary) {
  double rounded[DUST_MAXDIM];
  DUST_TRY(dust_graph_round(graph, id, location, rounded));
  dust_slot slot = dust_lookup_find(graph, id);
  if (slot == DUST_NO_SLOT) {
    DUST_TRY(reserve_nodes(graph, 1));
    dust_graph_append_node(graph, id, rounded, temporary);
  } else {
    dust_graph_drop_index(graph);
    place(graph, slot, rounded);
    graph->node[slot].temporary = temporary;
  }
  return DUST_OK;
}

dust_status dust_graph_set_location(dust_graph *graph, size_t node, const double *location) {
  double rounded[DUST_MAXDIM];
  dust_slot slot = dust_table_select(&graph->nodes, node);
  DUST_TRY(dust_graph_round(graph, graph->node[slot].id, location, rounded));
  dust_graph_drop_index(graph);
  place(graph, slot, rounded);
  return DUST_OK;
}

dust_slot dust_graph_append_edge(dust_graph *graph, dust_slot u, dust_slot v) {
  dust_slot slot = dust_table_append(&graph->edges);
  graph->edge[slot].end[DUST_OUT] = u;
  graph->edge[slot].end[DUST_IN] = v;
  dust_edge_link(graph, slot);
  dust_graph_edge_appended(graph);
  return slot;
}

static dust_status find_ends(const dust_graph *graph, int64_t u, int64_t v, dust_slot end[2]) {
  end[DUST_OUT] = dust_lookup_find(graph, u);
  end[DUST_IN] = dust_lookup_find(graph, v);
  for (int k = 0; k < 2; k++) {
    if (end[k] == DUST_NO_SLOT)
      return dust_fail(DUST_ERROR_ARGUMENT, "edge (%lld, %lld): there is no node %lld in the graph", (long long)u, (long long)v,
                       (long long)(k ? v : u));
  }
  return DUST_OK;
}

dust_status dust_graph_add_edge(dust_graph *graph, int64_t u, int64_t v) {
  dust_slot end[2];
  DUST_TRY(find_ends(graph, u, v, end));
  if (dust_edge_find(graph, end[DUST_OUT], end[DUST_IN]) != DUST_NO_SLOT) return DUST_OK;
  DUST_TRY(reserve_edges(graph, 1));
  dust_graph_append_edge(graph, end[DUST_OUT], end[DUST_IN]);
  return DUST_OK;
}

size_t dust_graph_find_edge(const dust_graph *graph, int64_t u, int64_t v) {
  dust_slot a = dust_lookup_find(graph, u), b = dust_lookup_find(graph, v);
  if (a == DUST_NO_SLOT || b == DUST_NO_SLOT) return SIZE_MAX;
  dust_slot edge = dust_edge_find(graph, a, b);
  return edge == DUST_NO_SLOT ? SIZE_MAX : dust_table_rank(&graph->edges, edge);
}

static void drop_edge(dust_graph *graph, dust_slot edge) {
  dust_edge_unlink(graph, edge);
  dust_table_remove(&graph->edges, edge);
  graph->edge[edge].end[DUST_OUT] = graph->edge[edge].end[DUST_IN] = DUST_NO_SLOT;
}

dust_status dust_graph_remove_edge(dust_graph *graph, int64_t u, int64_t v) {
  dust_slot end[2];
  DUST_TRY(find_ends(graph, u, v, end));
  dust_slot edge = dust_edge_find(graph, end[DUST_OUT], end[DUST_IN]);
  if (edge == DUST_NO_SLOT) return dust_fail(DUST_ERROR_ARGUMENT, "there is no edge (%lld, %lld) in the graph", (long long)u, (long long)v);
  DUST_TRY(dust_table_prepare_removal(&graph->edges));
  drop_edge(graph, edge);
  if (dust_table_wants_closing(&graph->edges)) dust_graph_close_holes(graph);
  return DUST_OK;
}

/* Connects each node before `slot` with each one behind it; those are the same in an undirected graph. */
static dust_status bridge(dust_graph *graph, dust_slot slot) {
  size_t *neighbor, count;
  DUST_TRY(dust_graph_neighbors(graph, dust_table_rank(&graph->nodes, slot), &neighbor, &count));
  bool directed = dust_graph_directed(graph);
  size_t behind = directed ? graph->node[slot].degree[DUST_OUT] : count;
  size_t before = directed ? count - behind : count;
  dust_status status = DUST_OK;
  DUST_GO(reserve_edges(graph, directed ? before * behind : count * (count - (count > 0)) / 2));
  for (size_t i = 0; i < before; i++) {
    dust_slot u = dust_table_select(&graph->nodes, neighbor[directed ? behind + i : i]);
    for (size_t j = 0; j < behind; j++) {
      dust_slot v = dust_table_select(&graph->nodes, neighbor[j]);
      if (u == v || u == slot || v == slot || dust_edge_find(graph, u, v) != DUST_NO_SLOT) continue;
      dust_graph_append_edge(graph, u, v);
    }
  }
done:
  dust_free(neighbor);
  return status;
}

dust_status dust_graph_remove_node(dust_graph *graph, int64_t id, bool retain_connectivity) {
  dust_slot slot = dust_lookup_find(graph, id);
  if (slot == DUST_NO_SLOT) return dust_fail(DUST_ERROR_ARGUMENT, "there is no node %lld in the graph", (long long)id);
  DUST_TRY(dust_table_prepare_removal(&graph->nodes));
  DUST_TRY(dust_table_prepare_removal(&graph->edges));
  if (retain_connectivity) DUST_TRY(bridge(graph, slot));
  for (int k = 0; k < 2; k++) {
    while (graph->node[slot].first[k] != DUST_NO_SLOT) drop_edge(graph, graph->node[slot].first[k]);
  }
  dust_lookup_erase(graph, slot);
  dust_table_remove(&graph->nodes, slot);
  graph->node[slot].alive = false;
  if (dust_table_wants_closing(&graph->nodes) || dust_table_wants_closing(&graph->edges)) dust_graph_close_holes(graph);
  return DUST_OK;
}

dust_status dust_graph_shift(dust_graph *graph, const double *by) {
  dust_graph_drop_index(graph);
  for (int pass = 0; pass < 2; pass++) { /* first see that every one can be moved, then move */
    for (size_t slot = 0; slot < graph->nodes.slots; slot++) {
      if (!graph->node[slot].alive) continue;
      double moved[DUST_MAXDIM], rounded[DUST_MAXDIM];
      for (int d = 0; d < graph->ndim; d++) moved[d] = dust_slot_location(graph, (dust_slot)slot)[d] + by[d];
      DUST_TRY(dust_graph_round(graph, graph->node[slot].id, moved, rounded));
      if (pass == 1) place(graph, (dust_slot)slot, rounded);
    }
  }
  return DUST_OK;
}
