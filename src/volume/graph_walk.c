/* Following edges: neighbours and connected components. */
#include "volume/graph_private.h"

/* Both lists of a node as one, by age of the edges; a loop, which is in both, once. */
static size_t merged_neighbors(const dust_graph *graph, const dust_node_record *node, size_t *out) {
  dust_slot a = node->first[DUST_OUT], b = node->first[DUST_IN];
  size_t count = 0;
  while (a != DUST_NO_SLOT || b != DUST_NO_SLOT) {
    dust_slot oldest = a < b ? a : b; /* DUST_NO_SLOT is larger than any */
    int k = oldest == a ? DUST_IN : DUST_OUT;
    out[count++] = dust_table_rank(&graph->nodes, graph->edge[oldest].end[k]);
    if (b == oldest) b = graph->edge[b].next[DUST_IN];
    if (a == oldest) a = graph->edge[a].next[DUST_OUT];
  }
  return count;
}

static size_t listed_neighbors(const dust_graph *graph, const dust_node_record *node, size_t *out) {
  size_t count = 0;
  for (int k = 0; k < 2; k++) {
    for (dust_slot e = node->first[k]; e != DUST_NO_SLOT; e = graph->edge[e].next[k]) {
      out[count++] = dust_table_rank(&graph->nodes, graph->edge[e].end[!k]);
    }
  }
  return count;
}

dust_status dust_graph_neighbors(const dust_graph *graph, size_t node, size_t **out, size_t *count) {
  const dust_node_record *record = &graph->node[dust_table_select(&graph->nodes, node)];
  size_t *found = NULL;
  DUST_TRY(dust_graph_grow(&found, (size_t)record->degree[DUST_OUT] + record->degree[DUST_IN], sizeof *found));
  *count = dust_graph_directed(graph) ? listed_neighbors(graph, record, found) : merged_neighbors(graph, record, found);
  *out = found;
  return DUST_OK;
}

/* The smallest slot known to be connected; halves the path on the way. */
static dust_slot root_of(dust_slot *parent, dust_slot slot) {
  while (parent[slot] != slot) slot = parent[slot] = parent[parent[slot]];
  return slot;
}

static void unite_ends(const dust_graph *graph, dust_slot *parent) {
  for (size_t slot = 0; slot < graph->nodes.slots; slot++) parent[slot] = (dust_slot)slot;
  for (size_t e = 0; e < graph->edges.slots; e++) {
    if (!dust_edge_alive(&graph->edge[e])) continue;
    dust_slot u = root_of(parent, graph->edge[e].end[DUST_OUT]), v = root_of(parent, graph->edge[e].end[DUST_IN]);
    if (u < v)
      parent[v] = u;
    else
      parent[u] = v;
  }
  for (size_t slot = 0; slot < graph->nodes.slots; slot++) parent[slot] = root_of(parent, (dust_slot)slot);
}

dust_status dust_graph_components(const dust_graph *graph, size_t *component, size_t *count) {
  dust_slot *parent = NULL;
  DUST_TRY(dust_graph_grow(&parent, graph->nodes.slots, sizeof *parent));
  unite_ends(graph, parent);
  size_t position = 0;
  *count = 0;
  for (size_t slot = 0; slot < graph->nodes.slots; slot++) {
    if (!graph->node[slot].alive) continue;
    /* A root comes before all of its nodes, so its entry can be overwritten with the component's number by the time they ask. */
    parent[slot] = parent[slot] == slot ? (dust_slot)(*count)++ : parent[parent[slot]];
    component[position++] = parent[slot];
  }
  dust_free(parent);
  return DUST_OK;
}

/* Bits of a node while looking for strays. */
enum { INSIDE = 1, TOUCHED = 2, ASTRAY = 4 };

static bool may_touch(const dust_graph *graph, const dust_roi *roi, dust_slot u, dust_slot v) {
  for (int d = 0; d < graph->ndim; d++) {
    double begin, end, a = dust_slot_location(graph, u)[d], b = dust_slot_location(graph, v)[d];
    dust_roi_span(roi, d, &begin, &end);
    if (fmax(a, b) < begin || fmin(a, b) > end) return false;
  }
  return true;
}

static void mark_ends(const dust_graph *graph, const dust_roi *roi, unsigned char *mark) {
  for (size_t e = 0; e < graph->edges.slots; e++) {
    if (!dust_edge_alive(&graph->edge[e])) continue;
    dust_slot u = graph->edge[e].end[DUST_OUT], v = graph->edge[e].end[DUST_IN];
    unsigned char bit = may_touch(graph, roi, u, v) ? TOUCHED : ASTRAY;
    mark[u] |= bit;
    mark[v] |= bit;
  }
}

dust_status dust_graph_first_stray(const dust_graph *graph, const dust_roi *roi, size_t *node) {
  unsigned char *mark = NULL;
  DUST_TRY(dust_graph_grow(&mark, graph->nodes.slots, sizeof *mark));
  size_t count = dust_graph_node_count(graph);
  for (size_t i = 0; i < count; i++) {
    mark[dust_table_select(&graph->nodes, i)] = dust_roi_contains_location(roi, dust_graph_location(graph, i)) ? INSIDE : 0;
  }
  mark_ends(graph, roi, mark);
  *node = SIZE_MAX;
  for (size_t i = 0; i < count && *node == SIZE_MAX; i++) {
    unsigned char bits = mark[dust_table_select(&graph->nodes, i)];
    if (!(bits & INSIDE) && bits != TOUCHED) *node = i;
  }
  dust_free(mark);
  return DUST_OK;
}
