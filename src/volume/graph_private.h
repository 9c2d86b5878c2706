/* What the graph's own files share; nobody else includes it.
 *
 * Nodes and edges live in slots, in the order in which they came. A removed one leaves a hole, so that removing many is not
 * quadratic; a Fenwick tree over the slots (Fenwick 1994) turns slots into positions and back while there are holes, and once
 * half of the slots are holes they are closed.
 *
 *     slot      0    1    2    3    4          lookup   id -> slot, open addressing
 *     node     [a]  [b]  [ ]  [d]  [e]         lists    node -> edges out of it, edges into it: oldest first, threaded through the edges
 *     position  0    1         2    3          grid     places -> slots; dropped by any change of a node
 */
#ifndef DUST_VOLUME_GRAPH_PRIVATE_H
#define DUST_VOLUME_GRAPH_PRIVATE_H

#include <math.h>
#include <stdatomic.h>
#include <string.h>
#include "base/mem.h"
#include "volume/graph.h"

typedef uint32_t dust_slot;
#define DUST_NO_SLOT UINT32_MAX
#define DUST_MAX_SLOTS ((size_t)UINT32_MAX - 1)

enum { DUST_OUT, DUST_IN }; /* of an edge (u, v): the list of u it is in, the list of v it is in */

typedef struct dust_node_record {
  int64_t id;
  dust_slot first[2], last[2]; /* edges out of and into this node */
  uint32_t degree[2];
  bool alive, temporary;
} dust_node_record;

typedef struct dust_edge_record {
  dust_slot end[2]; /* u, v; both DUST_NO_SLOT in a hole */
  dust_slot next[2], previous[2];
} dust_edge_record;

typedef struct dust_graph_column {
  char *name;
  double *value; /* one per slot */
  uint8_t *present;
} dust_graph_column;

/* The bookkeeping that nodes and edges have in common: slots, holes, attributes. */
typedef struct dust_graph_table {
  size_t slots, holes, capacity;
  uint32_t *tree; /* in use while holes > 0 */
  size_t tree_capacity;
  dust_graph_column *column;
  size_t column_count;
} dust_graph_table;

typedef struct dust_graph_grid dust_graph_grid;
typedef struct dust_edge_index dust_edge_index;

struct dust_graph {
  atomic_long references;
  int ndim;
  dust_graph_spec spec;
  dust_graph_table nodes, edges;
  dust_node_record *node;
  double *location; /* slots x ndim */
  dust_edge_record *edge;
  dust_slot *lookup;  /* DUST_NO_SLOT: free; at most half full */
  size_t lookup_size; /* a power of two, or 0 */
  _Atomic(dust_graph_grid *) grid;
  _Atomic(dust_edge_index *) edge_index;
  atomic_bool edges_asked; /* for those in a ROI, since the index was dropped */
  atomic_size_t seen;
};

static inline bool dust_edge_alive(const dust_edge_record *edge) { return edge->end[DUST_OUT] != DUST_NO_SLOT; }
static inline const double *dust_slot_location(const dust_graph *graph, dust_slot slot) {
  return graph->location + (size_t)slot * graph->ndim;
}

/* dust_realloc for a pointer of any type: `block` is the address of the pointer. */
static inline dust_status dust_graph_grow(void *block, size_t count, size_t size) {
  void *bytes;
  memcpy(&bytes, block, sizeof bytes);
  DUST_TRY(dust_realloc(&bytes, count * size));
  memcpy(block, &bytes, sizeof bytes);
  return DUST_OK;
}

/* Where the ROI begins and ends along an axis, as dust_roi_contains_location sees it; +-infinity where it doesn't. */
static inline void dust_roi_span(const dust_roi *roi, int d, double *begin, double *end) {
  bool unbounded = dust_coordinate_is_unbounded(&roi->offset, d) || dust_coordinate_is_unbounded(&roi->shape, d);
  int64_t stop;
  if (__builtin_add_overflow(roi->offset.value[d], roi->shape.value[d], &stop)) stop = roi->shape.value[d] > 0 ? INT64_MAX : INT64_MIN;
  *begin = unbounded ? -INFINITY : (double)roi->offset.value[d];
  *end = unbounded ? INFINITY : (double)stop;
}

/* ---- graph_table.c */
void dust_table_release(dust_graph_table *table);
dust_status dust_table_reserve(dust_graph_table *table, size_t capacity);
dust_slot dust_table_append(dust_graph_table *table); /* needs room; the slot has no attributes */
dust_status dust_table_prepare_removal(dust_graph_table *table);
void dust_table_remove(dust_graph_table *table, dust_slot slot); /* after prepare_removal, once per slot */
size_t dust_table_rank(const dust_graph_table *table, dust_slot slot);
dust_slot dust_table_select(const dust_graph_table *table, size_t position);
static inline size_t dust_table_count(const dust_graph_table *table) { return table->slots - table->holes; }
static inline bool dust_table_wants_closing(const dust_graph_table *table) { return table->holes > 64 && table->holes > table->slots / 2; }

/* ---- graph_attr.c */
dust_status dust_column_require(dust_graph_table *table, const char *name, size_t *index); /* finds or makes */
dust_status dust_columns_like(dust_graph_table *table, const dust_graph_table *model);     /* makes those that `model` has */
void dust_columns_move(dust_graph_table *table, dust_slot from, dust_slot to);
/* The attributes of one item; `table` must have the columns of `source`. What the source doesn't have stays. */
void dust_columns_take(dust_graph_table *table, dust_slot slot, const dust_graph_table *source, dust_slot source_slot);
void dust_columns_release(dust_graph_table *table);

/* ---- graph.c */
dust_status dust_graph_copy(dust_graph **out, const dust_graph *graph); /* deep, without holes */
/* The location as this graph stores it; not finite is DUST_ERROR_ARGUMENT naming the node. */
dust_status dust_graph_round(const dust_graph *graph, int64_t id, const double *location, double *rounded);

/* ---- graph_change.c */
dust_status dust_graph_reserve(dust_graph *graph, size_t more_nodes, size_t more_edges);
dust_slot dust_graph_append_node(dust_graph *graph, int64_t id, const double *rounded, bool temporary); /* new id, room reserved */
dust_slot dust_graph_append_edge(dust_graph *graph, dust_slot u, dust_slot v);                          /* new edge, room reserved */
void dust_graph_close_holes(dust_graph *graph); /* moves slots, never positions; allocates nothing */

/* ---- graph_lookup.c */
dust_slot dust_lookup_find(const dust_graph *graph, int64_t id);
dust_status dust_lookup_reserve(dust_graph *graph, size_t count);
void dust_lookup_insert(dust_graph *graph, dust_slot slot);
void dust_lookup_erase(dust_graph *graph, dust_slot slot);
void dust_lookup_rebuild(dust_graph *graph);
void dust_edge_link(dust_graph *graph, dust_slot edge);
void dust_edge_unlink(dust_graph *graph, dust_slot edge);
/* The edge (u, v), or (v, u) where the graph is undirected; DUST_NO_SLOT when absent. */
dust_slot dust_edge_find(const dust_graph *graph, dust_slot u, dust_slot v);

/* ---- graph_grid.c */
typedef struct dust_cell_box {
  const dust_graph_grid *grid;
  size_t low[DUST_MAXDIM], high[DUST_MAXDIM], at[DUST_MAXDIM]; /* both ends included */
} dust_cell_box;
dust_status dust_grid_of_nodes(dust_graph_grid **out, const dust_graph *graph, const dust_slot *slots, size_t count);
dust_status dust_grid_of_edges(dust_graph_grid **out, const dust_graph *graph, const dust_slot *slots, size_t count);
void dust_grid_release(dust_graph_grid *grid); /* NULL is fine */
/* Runs of slots that hold all those in the box, and others, edges more than once; false after the last. */
void dust_cell_box_open(dust_cell_box *box, const dust_graph_grid *grid, const double *begin, const double *end);
bool dust_cell_box_next(dust_cell_box *box, const dust_slot **slots, size_t *count);

/* ---- graph_edge_index.c */
/* Appends the edges whose ends are both outside but which pass through the ROI, in no order, some more than once. */
dust_status dust_graph_edges_through(dust_graph *graph, const dust_roi *roi, dust_slot **out, size_t *count);
void dust_graph_drop_edge_index(dust_graph *graph);
void dust_graph_edge_appended(dust_graph *graph); /* the index may drop itself */

/* ---- graph_clip.c */
/* A ROI as the graph's locations see it: the half-open box, and the first and last place in it that their type can hold. */
typedef struct dust_clip_box {
  int ndim;
  bool narrow;
  double begin[DUST_MAXDIM], end[DUST_MAXDIM], low[DUST_MAXDIM], high[DUST_MAXDIM];
} dust_clip_box;
void dust_clip_box_make(dust_clip_box *box, const dust_graph *graph, const dust_roi *roi);
/* The piece of the line from u to v that lies in the box; its ends are u and v themselves where these are inside. False: there is none, or it has no length. */
bool dust_clip_line(const dust_clip_box *box, const double *u, const double *v, double *from, double *to);

/* ---- graph_index.c */
dust_status dust_graph_slots_in(dust_graph *graph, const dust_roi *roi, dust_slot **out, size_t *count); /* ascending; dust_free() it */
void dust_graph_drop_index(dust_graph *graph); /* of nodes and of edges: for places that change */
void dust_graph_drop_node_index(dust_graph *graph);
/* Sorts slots below `limit` and drops repetitions. */
dust_status dust_slots_sort(dust_slot *slots, size_t *count, size_t limit);

#endif
