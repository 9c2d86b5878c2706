/* Graphs: nodes with an id, a location in world units and attributes; edges between ids; a ROI; directed or not.
 *
 * Nodes and edges keep the order in which they were added, also when others are removed, so that results can be compared one by
 * one. Attributes are numbers by name (float64), which is what training needs of them; `temporary` marks nodes made by trimming.
 * A graph is refcounted and copied on write like a buffer: crops and trims make new graphs, the original is never changed.
 * Reading is safe from several threads.
 *
 *     nodes   id[]  location[] (n x ndim doubles, rounded to float32 when the spec says so)  temporary[]
 *     edges   u[] v[]
 *     lookup  id -> node (hash), node -> edges (lists)
 *     index   nodes and edges sorted into grids of cells: "what is in this ROI" without a scan, built when needed
 *
 * Costs: adding, finding and removing by id O(log n) at most; crop and trim O(what the ROI touches) once the index is there.
 */
#ifndef DUST_VOLUME_GRAPH_H
#define DUST_VOLUME_GRAPH_H

#include "volume/spec.h"

typedef struct dust_graph dust_graph;

/* An empty graph; spec.directed unsaid means directed, as upstream. ndim 1 … DUST_MAXDIM (a spec's ROI must have it). */
dust_status dust_graph_create(dust_graph **out, const dust_graph_spec *spec, int ndim);
dust_graph *dust_graph_share(dust_graph *graph);
void dust_graph_release(dust_graph *graph); /* NULL is fine */
/* *graph becomes one that nobody else holds (a deep copy if needed). Call before every change. */
dust_status dust_graph_make_writable(dust_graph **graph);

const dust_graph_spec *dust_graph_get_spec(const dust_graph *graph);
/* Needs a writable graph. Directedness can't change once there are edges; float32 rounds the locations. Nothing is cropped. */
dust_status dust_graph_set_spec(dust_graph *graph, const dust_graph_spec *spec);
bool dust_graph_directed(const dust_graph *graph);
int dust_graph_ndim(const dust_graph *graph);
size_t dust_graph_node_count(const dust_graph *graph);
size_t dust_graph_edge_count(const dust_graph *graph);

/* Access by position 0 … count-1 in insertion order. */
int64_t dust_graph_node_id(const dust_graph *graph, size_t node);
const double *dust_graph_location(const dust_graph *graph, size_t node);
bool dust_graph_temporary(const dust_graph *graph, size_t node);
void dust_graph_edge(const dust_graph *graph, size_t edge, int64_t *u, int64_t *v);
/* Position of the node with that id, of the edge between those ids ((v, u) is (u, v) where the graph is undirected); SIZE_MAX
 * when absent. */
size_t dust_graph_find(const dust_graph *graph, int64_t id);
size_t dust_graph_find_edge(const dust_graph *graph, int64_t u, int64_t v);
/* Bytes held, the spatial index not counted. */
size_t dust_graph_bytes(const dust_graph *graph);
/* How many nodes and edges have been looked at so far to find those in ROIs: a measure of work that no clock disturbs. */
size_t dust_graph_seen(const dust_graph *graph);

/* Changes (need a writable graph); a failure leaves the graph as it was. An existing id is overwritten in place and keeps its
 * attributes and edges, as upstream. Locations with NaN, infinity or beyond float32 are DUST_ERROR_ARGUMENT. */
dust_status dust_graph_add_node(dust_graph *graph, int64_t id, const double *location, bool temporary);
dust_status dust_graph_set_location(dust_graph *graph, size_t node, const double *location);
dust_status dust_graph_add_edge(dust_graph *graph, int64_t u, int64_t v); /* both ids must exist; a second equal edge is the first */
dust_status dust_graph_remove_node(dust_graph *graph, int64_t id,
                                   bool retain_connectivity); /* and its edges; retaining: predecessors are joined to successors */
dust_status dust_graph_remove_edge(dust_graph *graph, int64_t u, int64_t v);
dust_status dust_graph_shift(dust_graph *graph, const double *by); /* nodes only, not the ROI */

/* Numeric attributes of nodes and edges, by name. A missing one: *present = false. */
dust_status dust_graph_set_node_attr(dust_graph *graph, size_t node, const char *name, double value);
dust_status dust_graph_set_edge_attr(dust_graph *graph, size_t edge, const char *name, double value);
size_t dust_graph_attr_count(const dust_graph *graph, bool of_edges);
const char *dust_graph_attr_name(const dust_graph *graph, bool of_edges, size_t attr);
double dust_graph_attr(const dust_graph *graph, bool of_edges, size_t attr, size_t item, bool *present);

/* Neighbours of a node (positions), by age of the edges; for a directed graph successors, then predecessors (who is both, twice).
 * *out is the caller's, dust_free() it. */
dust_status dust_graph_neighbors(const dust_graph *graph, size_t node, size_t **out, size_t *count);
/* Weakly connected component of each node, numbered from 0 in order of first appearance. */
dust_status dust_graph_components(const dust_graph *graph, size_t *component, size_t *count);
/* Positions of nodes inside the ROI, ascending; through the spatial index. *out is the caller's. */
dust_status dust_graph_nodes_in(dust_graph *graph, const dust_roi *roi, size_t **out, size_t *count);
/* Position of the first node that lies outside the ROI and is not merely dangling, that is, at the end of edges all of which may touch the
 * ROI (their bounding boxes do); SIZE_MAX if there is none. */
dust_status dust_graph_first_stray(const dust_graph *graph, const dust_roi *roi, size_t *node);

/* Nodes inside the ROI, the edges that touch it (those too that pass through with both ends outside) and, as "dangling" nodes, the
 * ends of those that are outside. New graph, its ROI = roi. */
dust_status dust_graph_crop(dust_graph **out, dust_graph *graph, const dust_roi *roi);
/* The crop with its edges cut where they leave the ROI: dangling nodes are replaced by temporary ones on the lower faces, or on the
 * last place before the upper faces that the location's type can hold. Temporary nodes come last, one for each cut, in the order of
 * the edges, those of edges that pass through (two each) behind the others, with ids from the largest of all nodes inside and their
 * neighbours + 1, the dangling node's attributes and the edge's. Pieces without length go. */
dust_status dust_graph_trim(dust_graph **out, dust_graph *graph, const dust_roi *roi);
/* The graph moved to `roi`, which is its own ROI moved likewise: axis d of a new place is axis from[d] of the old one, negated where
 * flip[d], plus by[d]; `from` has each axis once (DUST_ERROR_ARGUMENT). A node stays on its side of each face, whatever rounding says, but for one on a lower face that a flip brings
 * to the upper one, outside. Cropped to `roi`. */
typedef struct dust_graph_motion {
  int from[DUST_MAXDIM];
  bool flip[DUST_MAXDIM];
  double by[DUST_MAXDIM];
} dust_graph_motion;
dust_status dust_graph_move(dust_graph **out, dust_graph *graph, const dust_roi *roi, const dust_graph_motion *motion);
/* Union of nodes and edges; on equal ids `other` wins. Axes and directedness must agree. ROI: union (of one that is said and one
 * that isn't: the one). float64 if either is. */
dust_status dust_graph_merge(dust_graph **out, dust_graph *graph, dust_graph *other);

#endif
