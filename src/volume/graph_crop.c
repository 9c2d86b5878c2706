/* Cutting graphs at a ROI. Crop and trim make a new graph of what the ROI touches and read nothing else: their cost grows with
 * what is in the ROI, not with the graph.
 *
 *          begin            end
 *     a------|--b-----c------|---d        crop: a b c d, edges ab bc cd        trim: b c and temporary nodes where ab and cd meet the faces
 *
 * As gunpowder's Graph.crop and Graph.trim, its defects apart: the point of exit is looked for on the face that is left, not on
 * any face that the edge's line meets, so a node that sits on a face it doesn't leave by keeps its edge; the upper faces are
 * right at 0 and below.
 */
#include "volume/graph_private.h"

typedef struct selection {
  dust_slot *inside; /* nodes in the ROI */
  dust_slot *edges;  /* edges with an end in the ROI */
  dust_slot *nodes;  /* inside, and far ends */
  size_t inside_count, edge_count, node_count;
} selection;

static void release_selection(selection *s) {
  dust_free(s->inside);
  dust_free(s->edges);
  dust_free(s->nodes);
}

static dust_status select_edges(const dust_graph *graph, selection *s) {
  size_t room = 0;
  for (size_t i = 0; i < s->inside_count; i++) {
    const dust_node_record *node = &graph->node[s->inside[i]];
    room += (size_t)node->degree[DUST_OUT] + node->degree[DUST_IN];
  }
  DUST_TRY(dust_graph_grow(&s->edges, room, sizeof *s->edges));
  for (size_t i = 0; i < s->inside_count; i++) {
    for (int k = 0; k < 2; k++) {
      for (dust_slot e = graph->node[s->inside[i]].first[k]; e != DUST_NO_SLOT; e = graph->edge[e].next[k]) s->edges[s->edge_count++] = e;
    }
  }
  return dust_slots_sort(s->edges, &s->edge_count, graph->edges.slots);
}

static dust_status select_nodes(const dust_graph *graph, selection *s) {
  DUST_TRY(dust_graph_grow(&s->nodes, s->inside_count + 2 * s->edge_count, sizeof *s->nodes));
  if (s->inside_count > 0) memcpy(s->nodes, s->inside, s->inside_count * sizeof *s->nodes);
  s->node_count = s->inside_count;
  for (size_t i = 0; i < s->edge_count; i++) {
    for (int k = 0; k < 2; k++) s->nodes[s->node_count++] = graph->edge[s->edges[i]].end[k];
  }
  return dust_slots_sort(s->nodes, &s->node_count, graph->nodes.slots);
}

static dust_status make_selection(selection *s, dust_graph *graph, const dust_roi *roi) {
  DUST_TRY(dust_graph_slots_in(graph, roi, &s->inside, &s->inside_count));
  DUST_TRY(select_edges(graph, s));
  return select_nodes(graph, s);
}

static dust_status make_cut(dust_graph **out, const dust_graph *graph, const dust_roi *roi, size_t nodes, size_t edges) {
  dust_graph_spec spec = graph->spec;
  spec.has_roi = true;
  spec.roi = *roi;
  DUST_TRY(dust_graph_create(out, &spec, graph->ndim));
  DUST_TRY(dust_graph_reserve(*out, nodes, edges));
  DUST_TRY(dust_columns_like(&(*out)->nodes, &graph->nodes));
  return dust_columns_like(&(*out)->edges, &graph->edges);
}

static void take_nodes(dust_graph *out, const dust_graph *graph, const dust_slot *slots, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const dust_node_record *node = &graph->node[slots[i]];
    dust_slot slot = dust_graph_append_node(out, node->id, dust_slot_location(graph, slots[i]), node->temporary);
    dust_columns_take(&out->nodes, slot, &graph->nodes, slots[i]);
  }
}

static void take_edge(dust_graph *out, const dust_graph *graph, dust_slot edge, int64_t u, int64_t v) {
  dust_slot slot = dust_graph_append_edge(out, dust_lookup_find(out, u), dust_lookup_find(out, v));
  dust_columns_take(&out->edges, slot, &graph->edges, edge);
}

static void ends_of(const dust_graph *graph, dust_slot edge, int64_t id[2]) {
  for (int k = 0; k < 2; k++) id[k] = graph->node[graph->edge[edge].end[k]].id;
}

dust_status dust_graph_crop(dust_graph **out, dust_graph *graph, const dust_roi *roi) {
  selection s = {0};
  dust_graph *cut = NULL;
  dust_status status;
  DUST_GO(make_selection(&s, graph, roi));
  DUST_GO(make_cut(&cut, graph, roi, s.node_count, s.edge_count));
  take_nodes(cut, graph, s.nodes, s.node_count);
  for (size_t i = 0; i < s.edge_count; i++) {
    int64_t id[2];
    ends_of(graph, s.edges[i], id);
    take_edge(cut, graph, s.edges[i], id[DUST_OUT], id[DUST_IN]);
  }
  *out = cut;
  cut = NULL;
done:
  dust_graph_release(cut);
  release_selection(&s);
  return status;
}

/* ---- trim */

/* The smallest and the largest place of the axis that the ROI contains and the location's type can hold. */
static double lowest(const dust_graph *graph, double begin) {
  if (graph->spec.dtype != DUST_FLOAT32 || isinf(begin)) return begin;
  float rounded = (float)begin;
  return (double)rounded < begin ? nextafterf(rounded, INFINITY) : rounded;
}

static double highest(const dust_graph *graph, double end) {
  if (isinf(end)) return end;
  if (graph->spec.dtype != DUST_FLOAT32) return nextafter(end, -INFINITY);
  float rounded = (float)end;
  return (double)rounded >= end ? nextafterf(rounded, -INFINITY) : rounded;
}

/* Where the line from `in` to `out` leaves the ROI. */
static void find_exit(const dust_graph *graph, const dust_roi *roi, const double *in, const double *out, double *exit) {
  double low[DUST_MAXDIM], high[DUST_MAXDIM], nearest = 1;
  int left_by = -1;
  for (int d = 0; d < graph->ndim; d++) {
    double begin, end;
    dust_roi_span(roi, d, &begin, &end);
    low[d] = lowest(graph, begin);
    high[d] = highest(graph, end);
    if (out[d] >= low[d] && out[d] <= high[d]) continue;
    double share = ((out[d] < low[d] ? begin : end) - in[d]) / (out[d] - in[d]);
    if (left_by < 0 || share < nearest) nearest = share, left_by = d;
  }
  for (int d = 0; d < graph->ndim; d++) {
    exit[d] = in[d] + nearest * (out[d] - in[d]);
    if (d == left_by) exit[d] = out[d] < low[d] ? low[d] : high[d];
    exit[d] = fmin(fmax(exit[d], low[d]), high[d]);
    if (graph->spec.dtype == DUST_FLOAT32) exit[d] = (float)exit[d]; /* rounds to no more than low or high: both are floats */
  }
}

/* numpy's isclose with its default tolerances, which is upstream's measure of a node that already sits on the face. */
static bool is_close(const dust_graph *graph, const double *a, const double *b) {
  for (int d = 0; d < graph->ndim; d++) {
    if (fabs(a[d] - b[d]) > 1e-8 + 1e-5 * fabs(b[d])) return false;
  }
  return true;
}

static dust_status first_free_id(const dust_graph *graph, const selection *s, int64_t *id) {
  int64_t largest = -1;
  for (size_t i = 0; i < s->node_count; i++) {
    int64_t one = graph->node[s->nodes[i]].id;
    if (i == 0 || one > largest) largest = one;
  }
  if (largest > INT64_MAX - (int64_t)s->edge_count - 1)
    return dust_fail(DUST_ERROR_RANGE, "no ids are left for temporary nodes: the largest is %lld", (long long)largest);
  *id = largest + 1;
  return DUST_OK;
}

static void take_crossing(dust_graph *cut, const dust_graph *graph, const dust_roi *roi, dust_slot edge, int outside, int64_t *next_id) {
  dust_slot in = graph->edge[edge].end[!outside], out = graph->edge[edge].end[outside];
  double exit[DUST_MAXDIM];
  find_exit(graph, roi, dust_slot_location(graph, in), dust_slot_location(graph, out), exit);
  if (is_close(graph, exit, dust_slot_location(graph, in))) return;
  int64_t id[2];
  ends_of(graph, edge, id);
  id[outside] = (*next_id)++;
  dust_slot slot = dust_graph_append_node(cut, id[outside], exit, true);
  dust_columns_take(&cut->nodes, slot, &graph->nodes, out);
  take_edge(cut, graph, edge, id[DUST_OUT], id[DUST_IN]);
}

/* DUST_OUT or DUST_IN: which end of the edge lies outside; -1: neither. */
static int outside_end(const dust_graph *graph, const dust_roi *roi, dust_slot edge) {
  for (int k = 0; k < 2; k++) {
    if (!dust_roi_contains_location(roi, dust_slot_location(graph, graph->edge[edge].end[k]))) return k;
  }
  return -1;
}

dust_status dust_graph_trim(dust_graph **out, dust_graph *graph, const dust_roi *roi) {
  selection s = {0};
  dust_graph *cut = NULL;
  int64_t next_id = 0;
  dust_status status;
  DUST_GO(make_selection(&s, graph, roi));
  DUST_GO(first_free_id(graph, &s, &next_id));
  DUST_GO(make_cut(&cut, graph, roi, s.inside_count + s.edge_count, s.edge_count));
  take_nodes(cut, graph, s.inside, s.inside_count);
  for (int crossing = 0; crossing < 2; crossing++) { /* whole edges first, then the cut ones, as upstream */
    for (size_t i = 0; i < s.edge_count; i++) {
      int outside = outside_end(graph, roi, s.edges[i]);
      int64_t id[2];
      ends_of(graph, s.edges[i], id);
      if (crossing && outside >= 0)
        take_crossing(cut, graph, roi, s.edges[i], outside, &next_id);
      else if (!crossing && outside < 0)
        take_edge(cut, graph, s.edges[i], id[DUST_OUT], id[DUST_IN]);
    }
  }
  *out = cut;
  cut = NULL;
done:
  dust_graph_release(cut);
  release_selection(&s);
  return status;
}
