/* Finding things in a graph: ids to slots by hashing, nodes to edges by lists.
 *
 * The hash is open addressing with linear probing over a table at most half full; erasing closes the gap by moving later entries
 * back (Knuth, vol. 3, 6.4, algorithm R), so no tombstones gather. An edge is in two lists, one of its u and one of its v, both
 * oldest first: slots ascend along a list.
 */
#include "volume/graph_private.h"

/* The finalizer of splitmix64 (Steele, Lea, Flood 2014): ids that differ in a few bits only, high or low, spread alike. */
static uint64_t mix(int64_t id) {
  uint64_t x = (uint64_t)id;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

static size_t home(const dust_graph *graph, int64_t id) { return (size_t)mix(id) & (graph->lookup_size - 1); }
static size_t after(const dust_graph *graph, size_t entry) { return (entry + 1) & (graph->lookup_size - 1); }

/* The entry that holds the id, or the free one where it would go. */
static size_t entry_of(const dust_graph *graph, int64_t id) {
  size_t entry = home(graph, id);
  while (graph->lookup[entry] != DUST_NO_SLOT && graph->node[graph->lookup[entry]].id != id) entry = after(graph, entry);
  return entry;
}

dust_slot dust_lookup_find(const dust_graph *graph, int64_t id) {
  return graph->lookup_size == 0 ? DUST_NO_SLOT : graph->lookup[entry_of(graph, id)];
}

void dust_lookup_insert(dust_graph *graph, dust_slot slot) { graph->lookup[entry_of(graph, graph->node[slot].id)] = slot; }

void dust_lookup_erase(dust_graph *graph, dust_slot slot) {
  size_t gap = entry_of(graph, graph->node[slot].id);
  size_t mask = graph->lookup_size - 1;
  for (size_t entry = after(graph, gap); graph->lookup[entry] != DUST_NO_SLOT; entry = after(graph, entry)) {
    size_t wanted = home(graph, graph->node[graph->lookup[entry]].id);
    if (((entry - wanted) & mask) < ((entry - gap) & mask)) continue; /* its home lies behind the gap: moved, it would not be found */
    graph->lookup[gap] = graph->lookup[entry];
    gap = entry;
  }
  graph->lookup[gap] = DUST_NO_SLOT;
}

void dust_lookup_rebuild(dust_graph *graph) {
  for (size_t i = 0; i < graph->lookup_size; i++) graph->lookup[i] = DUST_NO_SLOT;
  for (size_t slot = 0; slot < graph->nodes.slots; slot++) {
    if (graph->node[slot].alive) dust_lookup_insert(graph, (dust_slot)slot);
  }
}

dust_status dust_lookup_reserve(dust_graph *graph, size_t count) {
  size_t size = graph->lookup_size ? graph->lookup_size : 16;
  while (size < 2 * count) size *= 2;
  if (size == graph->lookup_size) return DUST_OK;
  void *lookup;
  DUST_TRY(dust_alloc(&lookup, size * sizeof(dust_slot)));
  dust_free(graph->lookup);
  graph->lookup = lookup;
  graph->lookup_size = size;
  dust_lookup_rebuild(graph);
  return DUST_OK;
}

size_t dust_graph_find(const dust_graph *graph, int64_t id) {
  dust_slot slot = dust_lookup_find(graph, id);
  return slot == DUST_NO_SLOT ? SIZE_MAX : dust_table_rank(&graph->nodes, slot);
}

void dust_edge_link(dust_graph *graph, dust_slot slot) {
  dust_edge_record *edge = &graph->edge[slot];
  for (int k = 0; k < 2; k++) {
    dust_node_record *node = &graph->node[edge->end[k]];
    edge->previous[k] = node->last[k];
    edge->next[k] = DUST_NO_SLOT;
    if (node->last[k] == DUST_NO_SLOT)
      node->first[k] = slot;
    else
      graph->edge[node->last[k]].next[k] = slot;
    node->last[k] = slot;
    node->degree[k]++;
  }
}

void dust_edge_unlink(dust_graph *graph, dust_slot slot) {
  const dust_edge_record *edge = &graph->edge[slot];
  for (int k = 0; k < 2; k++) {
    dust_node_record *node = &graph->node[edge->end[k]];
    dust_slot previous = edge->previous[k], next = edge->next[k];
    if (previous == DUST_NO_SLOT)
      node->first[k] = next;
    else
      graph->edge[previous].next[k] = next;
    if (next == DUST_NO_SLOT)
      node->last[k] = previous;
    else
      graph->edge[next].previous[k] = previous;
    node->degree[k]--;
  }
}

/* Walks the shorter of u's and v's list, so that a hub with a million edges costs its leaves nothing. */
static dust_slot find_directed(const dust_graph *graph, dust_slot u, dust_slot v) {
  int k = graph->node[u].degree[DUST_OUT] <= graph->node[v].degree[DUST_IN] ? DUST_OUT : DUST_IN;
  dust_slot edge = k == DUST_OUT ? graph->node[u].first[k] : graph->node[v].first[k];
  dust_slot far = k == DUST_OUT ? v : u;
  while (edge != DUST_NO_SLOT && graph->edge[edge].end[!k] != far) edge = graph->edge[edge].next[k];
  return edge;
}

dust_slot dust_edge_find(const dust_graph *graph, dust_slot u, dust_slot v) {
  dust_slot edge = find_directed(graph, u, v);
  if (edge != DUST_NO_SLOT || dust_graph_directed(graph)) return edge;
  return find_directed(graph, v, u);
}
