/* Cutting graphs at a ROI, by the rule of graph_clip.c. Crop and trim make a new graph of what the ROI touches and read nothing else:
 * their cost grows with what is in the ROI, not with the graph.
 *
 *          begin            end
 *     a------|--b-----c------|---d        crop: a b c d, edges ab bc cd        trim: b c and temporary nodes where ab and cd meet the faces
 *     e------|---------------|---f        crop: e f, edge ef                   trim: two temporary nodes, the edge between them
 *
 * As gunpowder's Graph.crop and Graph.trim, its defects apart: the point of exit is looked for on the face that is left, not on
 * any face that the edge's line meets, so a node that sits on a face it doesn't leave by keeps its edge; the upper faces are
 * right at 0 and below; edges that pass through are kept.
 */
#include "volume/graph_private.h"

typedef struct selection {
  dust_slot *inside;   /* nodes in the ROI */
  dust_slot *edges;    /* edges with an end in the ROI */
  dust_slot *nodes;    /* inside, and far ends */
  dust_slot *crossing; /* edges with one end in the ROI, then those that pass through */
  size_t inside_count, edge_count, node_count, crossing_count;
} selection;

static void release_selection(selection *s) {
  dust_free(s->inside);
  dust_free(s->edges);
  dust_free(s->nodes);
  dust_free(s->crossing);
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
  return select_edges(graph, s);
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
  DUST_GO(dust_graph_edges_through(graph, roi, &s.edges, &s.edge_count));
  DUST_GO(dust_slots_sort(s.edges, &s.edge_count, graph->edges.slots));
  DUST_GO(select_nodes(graph, &s));
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

static dust_status first_free_id(const dust_graph *graph, const selection *s, int64_t *id) {
  int64_t largest = -1;
  for (size_t i = 0; i < s->node_count; i++) {
    int64_t one = graph->node[s->nodes[i]].id;
    if (i == 0 || one > largest) largest = one;
  }
  if (largest > INT64_MAX - 2 * (int64_t)s->crossing_count - 1)
    return dust_fail(DUST_ERROR_RANGE, "no ids are left for temporary nodes: the largest is %lld", (long long)largest);
  *id = largest + 1;
  return DUST_OK;
}

/* A temporary node in place of the edge's end outside; the end itself where it is inside. */
static int64_t take_end(dust_graph *cut, const dust_graph *graph, const dust_roi *roi, dust_slot node, const double *place,
                        int64_t *next_id) {
  if (dust_roi_contains_location(roi, dust_slot_location(graph, node))) return graph->node[node].id;
  dust_slot slot = dust_graph_append_node(cut, *next_id, place, true);
  dust_columns_take(&cut->nodes, slot, &graph->nodes, node);
  return (*next_id)++;
}

static void take_piece(dust_graph *cut, const dust_graph *graph, const dust_roi *roi, const dust_clip_box *box, dust_slot edge,
                       int64_t *next_id) {
  dust_slot end[2] = {graph->edge[edge].end[DUST_OUT], graph->edge[edge].end[DUST_IN]};
  double place[2][DUST_MAXDIM];
  int64_t id[2];
  int first = dust_roi_contains_location(roi, dust_slot_location(graph, end[DUST_IN])); /* from the inner end, where doubles are finer */
  if (!dust_clip_line(box, dust_slot_location(graph, end[first]), dust_slot_location(graph, end[!first]), place[first], place[!first]))
    return;
  for (int k = 0; k < 2; k++) id[k] = take_end(cut, graph, roi, end[k], place[k], next_id);
  take_edge(cut, graph, edge, id[DUST_OUT], id[DUST_IN]);
}

static bool is_whole(const dust_graph *graph, const dust_roi *roi, dust_slot edge) {
  for (int k = 0; k < 2; k++) {
    if (!dust_roi_contains_location(roi, dust_slot_location(graph, graph->edge[edge].end[k]))) return false;
  }
  return true;
}

/* Leaves the whole edges in s->edges. */
static dust_status select_crossing(dust_graph *graph, const dust_roi *roi, selection *s) {
  DUST_TRY(dust_graph_grow(&s->crossing, s->edge_count, sizeof *s->crossing));
  size_t whole = 0;
  for (size_t i = 0; i < s->edge_count; i++) {
    if (is_whole(graph, roi, s->edges[i]))
      s->edges[whole++] = s->edges[i];
    else
      s->crossing[s->crossing_count++] = s->edges[i];
  }
  s->edge_count = whole;
  dust_slot *through = NULL;
  size_t count = 0;
  dust_status status = dust_graph_edges_through(graph, roi, &through, &count);
  if (status == DUST_OK) status = dust_slots_sort(through, &count, graph->edges.slots);
  if (status == DUST_OK && count > 0) status = dust_graph_grow(&s->crossing, s->crossing_count + count, sizeof *s->crossing);
  if (status == DUST_OK && count > 0) memcpy(s->crossing + s->crossing_count, through, count * sizeof *through);
  if (status == DUST_OK) s->crossing_count += count;
  dust_free(through);
  return status;
}

dust_status dust_graph_trim(dust_graph **out, dust_graph *graph, const dust_roi *roi) {
  selection s = {0};
  dust_graph *cut = NULL;
  dust_clip_box box;
  int64_t next_id = 0;
  dust_status status;
  DUST_GO(make_selection(&s, graph, roi));
  DUST_GO(select_nodes(graph, &s));
  DUST_GO(select_crossing(graph, roi, &s));
  DUST_GO(first_free_id(graph, &s, &next_id));
  DUST_GO(make_cut(&cut, graph, roi, s.inside_count + 2 * s.crossing_count, s.edge_count + s.crossing_count));
  take_nodes(cut, graph, s.inside, s.inside_count);
  dust_clip_box_make(&box, graph, roi);
  for (size_t i = 0; i < s.edge_count; i++) { /* whole edges first, then the cut ones, as upstream */
    int64_t id[2];
    ends_of(graph, s.edges[i], id);
    take_edge(cut, graph, s.edges[i], id[DUST_OUT], id[DUST_IN]);
  }
  for (size_t i = 0; i < s.crossing_count; i++) take_piece(cut, graph, roi, &box, s.crossing[i], &next_id);
  *out = cut;
  cut = NULL;
done:
  dust_graph_release(cut);
  release_selection(&s);
  return status;
}

/* ---- moving */

/* On which side of the axis a place was: -1 below the box, 0 in it, 1 above. */
static int side_of(double place, double begin, double end) { return place < begin ? -1 : place >= end; }

/* A place that rounding has carried across a face is put back to its side. */
static double keep_side(const dust_clip_box *box, int d, double place, int side) {
  double below = box->narrow ? (double)nextafterf((float)box->low[d], -INFINITY) : nextafter(box->low[d], -INFINITY);
  double above = box->narrow ? (double)nextafterf((float)box->high[d], INFINITY) : nextafter(box->high[d], INFINITY);
  if (box->low[d] > box->high[d]) return place;
  if (side < 0) return fmin(place, below);
  if (side > 0) return fmax(place, above);
  return fmin(fmax(place, box->low[d]), box->high[d]);
}

static dust_status check_motion(const dust_graph *graph, const dust_graph_motion *motion) {
  unsigned taken = 0;
  for (int d = 0; d < graph->ndim; d++) {
    int from = motion->from[d];
    if (from < 0 || from >= graph->ndim || (taken & 1u << from))
      return dust_fail(DUST_ERROR_ARGUMENT, "the axes that a graph is turned by must be 1 to %d, each once", graph->ndim);
    taken |= 1u << from;
  }
  return DUST_OK;
}

dust_status dust_graph_move(dust_graph **out, dust_graph *graph, const dust_roi *roi, const dust_graph_motion *motion) {
  dust_graph *moved = NULL;
  dust_status status;
  if (roi->offset.ndim != graph->ndim)
    return dust_fail(DUST_ERROR_ARGUMENT, "the ROI has %d axes, the graph has %d", roi->offset.ndim, graph->ndim);
  dust_clip_box was, box;
  DUST_TRY(check_motion(graph, motion));
  DUST_TRY(dust_graph_copy(&moved, graph));
  bool bounded = graph->spec.has_roi;
  if (bounded) dust_clip_box_make(&was, graph, &graph->spec.roi);
  dust_clip_box_make(&box, graph, roi);
  for (size_t i = 0; i < moved->nodes.slots; i++) {
    double place[DUST_MAXDIM];
    const double *old = dust_slot_location(moved, (dust_slot)i);
    for (int d = 0; d < graph->ndim; d++) {
      int from = motion->from[d];
      bool flip = motion->flip[d];
      place[d] = (flip ? -old[from] : old[from]) + motion->by[d];
      if (moved->spec.dtype == DUST_FLOAT32) place[d] = (float)place[d];
      if (!bounded || !isfinite(place[d])) continue;
      int side = side_of(old[from], was.begin[from], was.end[from]);
      if (flip) side = old[from] == was.begin[from] ? 1 : -side; /* the lower face becomes the upper one, which is outside */
      place[d] = keep_side(&box, d, place[d], side);
    }
    DUST_GO(dust_graph_set_location(moved, i, place));
  }
  DUST_GO(dust_graph_crop(out, moved, roi));
done:
  dust_graph_release(moved);
  return status;
}
