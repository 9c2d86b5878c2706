/* The union of two graphs. What both have is the other's: its place, its attributes; attributes that it doesn't have stay. */
#include "volume/graph_private.h"

static dust_status check_alike(const dust_graph *graph, const dust_graph *other) {
  if (graph->ndim != other->ndim)
    return dust_fail(DUST_ERROR_ARGUMENT, "graphs of %d and %d axes can't be merged", graph->ndim, other->ndim);
  if (dust_graph_directed(graph) != dust_graph_directed(other))
    return dust_fail(DUST_ERROR_ARGUMENT, "a directed and an undirected graph can't be merged");
  return DUST_OK;
}

static dust_status merge_spec(dust_graph *merged, const dust_graph_spec *other) {
  dust_graph_spec spec = merged->spec;
  if (spec.has_roi && other->has_roi)
    DUST_TRY(dust_roi_union(&spec.roi, &spec.roi, &other->roi));
  else if (other->has_roi)
    spec.roi = other->roi;
  spec.has_roi |= other->has_roi;
  if (spec.directed == DUST_UNSAID) spec.directed = other->directed;
  if (other->dtype == DUST_FLOAT64) spec.dtype = DUST_FLOAT64; /* no location loses a bit */
  return dust_graph_set_spec(merged, &spec);
}

static void merge_nodes(dust_graph *merged, const dust_graph *other) {
  for (size_t i = 0; i < other->nodes.slots; i++) {
    const dust_node_record *node = &other->node[i];
    const double *location = dust_slot_location(other, (dust_slot)i);
    if (!node->alive) continue;
    dust_slot slot = dust_lookup_find(merged, node->id);
    if (slot == DUST_NO_SLOT) {
      slot = dust_graph_append_node(merged, node->id, location, node->temporary);
    } else {
      memcpy(merged->location + (size_t)slot * merged->ndim, location, merged->ndim * sizeof(double));
      merged->node[slot].temporary = node->temporary;
    }
    dust_columns_take(&merged->nodes, slot, &other->nodes, (dust_slot)i);
  }
}

static void merge_edges(dust_graph *merged, const dust_graph *other) {
  for (size_t i = 0; i < other->edges.slots; i++) {
    const dust_edge_record *edge = &other->edge[i];
    if (!dust_edge_alive(edge)) continue;
    dust_slot u = dust_lookup_find(merged, other->node[edge->end[DUST_OUT]].id);
    dust_slot v = dust_lookup_find(merged, other->node[edge->end[DUST_IN]].id);
    dust_slot slot = dust_edge_find(merged, u, v);
    if (slot == DUST_NO_SLOT) slot = dust_graph_append_edge(merged, u, v);
    dust_columns_take(&merged->edges, slot, &other->edges, (dust_slot)i);
  }
}

dust_status dust_graph_merge(dust_graph **out, dust_graph *graph, dust_graph *other) {
  dust_graph *merged = NULL;
  dust_status status;
  DUST_TRY(check_alike(graph, other));
  DUST_TRY(dust_graph_copy(&merged, graph));
  DUST_GO(merge_spec(merged, &other->spec));
  DUST_GO(dust_graph_reserve(merged, dust_table_count(&other->nodes), dust_table_count(&other->edges)));
  DUST_GO(dust_columns_like(&merged->nodes, &other->nodes));
  DUST_GO(dust_columns_like(&merged->edges, &other->edges));
  merge_nodes(merged, other);
  merge_edges(merged, other);
  *out = merged;
  return DUST_OK;
done:
  dust_graph_release(merged);
  return status;
}
