/* Which edges pass through a ROI with both ends outside. Edges are sorted by length into levels, each with a grid (graph_grid.c) whose
 * cells are as large as its edges ask for:
 *
 *     level 0   the longest, and those longer than half of the power of two above     few and large cells
 *     level 1   half as long
 *     …                                                                              many and small cells
 *     last      all that are shorter
 *
 * The index is made when edges are asked for the second time: a graph that is cut but once, as in a batch, is scanned. Removed edges
 * stay in it and are passed over; new ones are scanned until they are many. So adding and removing between crops costs little.
 */
#include "volume/graph_private.h"

enum { LEVELS = 16, FEW = 64, EXPONENTS = 2200, SHORTEST = -1080 };

struct dust_edge_index {
  size_t slots;                   /* later ones are not in it */
  dust_graph_grid *level[LEVELS]; /* NULL: no edges */
};

static void release_index(dust_edge_index *index) {
  if (!index) return;
  for (int k = 0; k < LEVELS; k++) dust_grid_release(index->level[k]);
  dust_free(index);
}

void dust_graph_drop_edge_index(dust_graph *graph) {
  if (!atomic_load_explicit(&graph->edges_asked, memory_order_relaxed)) return;
  atomic_store(&graph->edges_asked, false);
  release_index(atomic_exchange(&graph->edge_index, NULL));
}

void dust_graph_edge_appended(dust_graph *graph) {
  const dust_edge_index *index = atomic_load_explicit(&graph->edge_index, memory_order_relaxed);
  if (index && graph->edges.slots - index->slots > FEW + index->slots / 16) dust_graph_drop_edge_index(graph);
}

static const double *end_of(const dust_graph *graph, size_t edge, int k) { return dust_slot_location(graph, graph->edge[edge].end[k]); }

/* The power of two of the edge's longest side, counted from SHORTEST. */
static int exponent_of(const dust_graph *graph, size_t edge) {
  const double *u = end_of(graph, edge, DUST_OUT), *v = end_of(graph, edge, DUST_IN);
  double length = 0;
  int exponent = SHORTEST;
  for (int d = 0; d < graph->ndim; d++) length = fmax(length, fabs(v[d] / 2 - u[d] / 2)); /* halves don't overflow */
  if (length > 0) frexp(length, &exponent);
  return exponent - SHORTEST;
}

/* `of[exponent]` becomes its level: the longest lengths that occur have one each. first[k] … first[k + 1]: room for those of level k. */
static void choose_levels(const dust_graph *graph, uint8_t *of, size_t *first) {
  size_t count[EXPONENTS] = {0};
  for (size_t e = 0; e < graph->edges.slots; e++) {
    if (dust_edge_alive(&graph->edge[e])) count[exponent_of(graph, e)]++;
  }
  int level = 0;
  memset(first, 0, (LEVELS + 1) * sizeof *first);
  for (int x = EXPONENTS - 1; x >= 0; x--) {
    of[x] = (uint8_t)level;
    first[level + 1] += count[x];
    if (count[x] > 0 && level < LEVELS - 1) level++;
  }
  for (int k = 0; k < LEVELS; k++) first[k + 1] += first[k];
}

static dust_status fill_index(dust_edge_index *index, const dust_graph *graph) {
  uint8_t of[EXPONENTS];
  size_t first[LEVELS + 1], next[LEVELS];
  dust_slot *slots = NULL;
  dust_status status = DUST_OK;
  index->slots = graph->edges.slots;
  choose_levels(graph, of, first);
  memcpy(next, first, sizeof next);
  DUST_GO(dust_graph_grow(&slots, first[LEVELS], sizeof *slots));
  for (size_t e = 0; e < graph->edges.slots; e++) {
    if (dust_edge_alive(&graph->edge[e])) slots[next[of[exponent_of(graph, e)]]++] = (dust_slot)e;
  }
  for (int k = 0; k < LEVELS; k++) {
    size_t count = first[k + 1] - first[k];
    if (count > 0) DUST_GO(dust_grid_of_edges(&index->level[k], graph, slots + first[k], count));
  }
done:
  dust_free(slots);
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
  atomic_fetch_add_explicit(&graph->seen, graph->edges.slots, memory_order_relaxed);
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
  dust_clip_box box;
  dust_slot *out;
  size_t count, room, seen;
} search;

/* Both ends outside, on no axis both on the same side: of most edges nearby this is false, and it takes no division. */
static bool may_pass(const dust_clip_box *box, const double *u, const double *v) {
  bool u_inside = true, v_inside = true;
  for (int d = 0; d < box->ndim; d++) {
    double begin = box->begin[d], end = box->end[d];
    if ((u[d] < begin && v[d] < begin) || (u[d] >= end && v[d] >= end)) return false;
    u_inside = u_inside && u[d] >= begin && u[d] < end;
    v_inside = v_inside && v[d] >= begin && v[d] < end;
  }
  return !u_inside && !v_inside;
}

static dust_status look_at(search *s, dust_slot edge) {
  double from[DUST_MAXDIM], to[DUST_MAXDIM];
  if (!dust_edge_alive(&s->graph->edge[edge])) return DUST_OK;
  const double *u = end_of(s->graph, edge, DUST_OUT), *v = end_of(s->graph, edge, DUST_IN);
  if (!may_pass(&s->box, u, v) || !dust_clip_line(&s->box, u, v, from, to)) return DUST_OK;
  if (s->count == s->room) {
    DUST_TRY(dust_graph_grow(&s->out, 2 * s->room + 16, sizeof *s->out));
    s->room = 2 * s->room + 16;
  }
  s->out[s->count++] = edge;
  return DUST_OK;
}

/* Edges of a cell lie all over memory: asked for ahead of time. */
static void fetch_ahead(const search *s, const dust_slot *slots, size_t count, size_t i) {
  const dust_graph *graph = s->graph;
  if (i + 16 < count) __builtin_prefetch(&graph->edge[slots[i + 16]]);
  if (i + 8 >= count || !dust_edge_alive(&graph->edge[slots[i + 8]])) return;
  for (int k = 0; k < 2; k++) __builtin_prefetch(end_of(graph, slots[i + 8], k));
}

static dust_status look_in_level(search *s, const dust_graph_grid *grid) {
  dust_cell_box cells;
  const dust_slot *slots;
  size_t in_row;
  if (!grid) return DUST_OK;
  dust_cell_box_open(&cells, grid, s->box.begin, s->box.end);
  while (dust_cell_box_next(&cells, &slots, &in_row)) {
    s->seen += in_row;
    for (size_t i = 0; i < in_row; i++) {
      fetch_ahead(s, slots, in_row, i);
      DUST_TRY(look_at(s, slots[i]));
    }
  }
  return DUST_OK;
}

/* How many look_in_level() would look at. */
static size_t entries_near(const dust_clip_box *box, const dust_edge_index *index) {
  size_t sum = 0;
  for (int k = 0; k < LEVELS; k++) {
    dust_cell_box cells;
    const dust_slot *slots;
    size_t in_row;
    if (!index->level[k]) continue;
    dust_cell_box_open(&cells, index->level[k], box->begin, box->end);
    while (dust_cell_box_next(&cells, &slots, &in_row)) sum += in_row;
  }
  return sum;
}

static dust_status look_everywhere(search *s, const dust_edge_index *index) {
  size_t slots = s->graph->edges.slots;
  if (index && entries_near(&s->box, index) > index->slots) index = NULL; /* a large ROI: many would be seen more than once */
  size_t first = index ? index->slots : 0;
  for (int k = 0; index && k < LEVELS; k++) DUST_TRY(look_in_level(s, index->level[k]));
  for (size_t e = first; e < slots; e++) DUST_TRY(look_at(s, (dust_slot)e));
  s->seen += slots - first;
  return DUST_OK;
}

dust_status dust_graph_edges_through(dust_graph *graph, const dust_roi *roi, dust_slot **out, size_t *count) {
  if (dust_roi_empty(roi) || dust_table_count(&graph->edges) == 0) return DUST_OK;
  const dust_edge_index *index;
  DUST_TRY(require_index(graph, &index));
  search s = {.graph = graph, .out = *out, .count = *count, .room = *count};
  dust_clip_box_make(&s.box, graph, roi);
  dust_status status = look_everywhere(&s, index);
  atomic_fetch_add_explicit(&graph->seen, s.seen, memory_order_relaxed);
  *out = s.out; /* the caller's to free, also after a failure */
  *count = s.count;
  return status;
}
