/* Closing the holes that removed nodes and edges leave. Works in place: what points at a slot that moves is found through the
 * lists, so nothing can fail. */
#include "volume/graph_private.h"

static void move_edge(dust_graph *graph, dust_slot from, dust_slot to) {
  dust_edge_record *edge = &graph->edge[to];
  *edge = graph->edge[from];
  dust_columns_move(&graph->edges, from, to);
  for (int k = 0; k < 2; k++) {
    dust_node_record *node = &graph->node[edge->end[k]];
    if (edge->previous[k] == DUST_NO_SLOT)
      node->first[k] = to;
    else
      graph->edge[edge->previous[k]].next[k] = to;
    if (edge->next[k] == DUST_NO_SLOT)
      node->last[k] = to;
    else
      graph->edge[edge->next[k]].previous[k] = to;
  }
}

static void move_node(dust_graph *graph, dust_slot from, dust_slot to) {
  graph->node[to] = graph->node[from];
  memcpy(graph->location + (size_t)to * graph->ndim, dust_slot_location(graph, from), graph->ndim * sizeof(double));
  dust_columns_move(&graph->nodes, from, to);
  for (int k = 0; k < 2; k++) {
    for (dust_slot e = graph->node[to].first[k]; e != DUST_NO_SLOT; e = graph->edge[e].next[k]) graph->edge[e].end[k] = to;
  }
}

static void close_edges(dust_graph *graph) {
  size_t to = 0;
  for (size_t from = 0; from < graph->edges.slots; from++) {
    if (!dust_edge_alive(&graph->edge[from])) continue;
    if (from != to) move_edge(graph, (dust_slot)from, (dust_slot)to);
    to++;
  }
  graph->edges.slots = to;
  graph->edges.holes = 0;
}

static void close_nodes(dust_graph *graph) {
  size_t to = 0;
  for (size_t from = 0; from < graph->nodes.slots; from++) {
    if (!graph->node[from].alive) continue;
    if (from != to) move_node(graph, (dust_slot)from, (dust_slot)to);
    to++;
  }
  graph->nodes.slots = to;
  graph->nodes.holes = 0;
}

void dust_graph_close_holes(dust_graph *graph) {
  if (graph->edges.holes > 0) {
    close_edges(graph);
    dust_graph_drop_edge_index(graph);
  }
  if (graph->nodes.holes > 0) {
    close_nodes(graph);
    dust_graph_drop_node_index(graph);
  }
  dust_lookup_rebuild(graph);
}
