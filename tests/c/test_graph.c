/* Graphs below Lua: order and lookup under many changes (against a naive model), the index against a scan, allocation failures,
 * sizes at which a quadratic step shows. */
#include <math.h>
#include <stdlib.h>
#include "check.h"
#include "volume/graph.h"

static dust_graph_spec spec_of(dust_maybe directed, dust_dtype dtype) {
  dust_graph_spec spec = dust_graph_spec_default();
  spec.directed = directed;
  spec.dtype = dtype;
  return spec;
}

static dust_graph *make(dust_maybe directed, dust_dtype dtype, int ndim) {
  dust_graph_spec spec = spec_of(directed, dtype);
  dust_graph *graph = NULL;
  CHECK_OK(dust_graph_create(&graph, &spec, ndim));
  return graph;
}

static dust_roi box(int ndim, int64_t begin, int64_t end) {
  dust_coordinate offset = dust_coordinate_filled(ndim, begin), shape = dust_coordinate_filled(ndim, end - begin);
  dust_roi roi = {0};
  CHECK_OK(dust_roi_make(&roi, &offset, &shape));
  return roi;
}

static void add(dust_graph *graph, int64_t id, double z, double y, double x) {
  CHECK_OK(dust_graph_add_node(graph, id, (double[]){z, y, x}, false));
}

static bool has_edge(const dust_graph *graph, size_t edge, int64_t u, int64_t v) {
  int64_t a, b;
  dust_graph_edge(graph, edge, &a, &b);
  return a == u && b == v;
}

static bool at(const dust_graph *graph, int64_t id, double z, double y, double x) {
  const double *p = dust_graph_location(graph, dust_graph_find(graph, id));
  return p[0] == z && p[1] == y && p[2] == x;
}

static void test_basics(void) {
  dust_graph *g = make(DUST_UNSAID, DUST_FLOAT32, 3);
  CHECK(dust_graph_directed(g) && dust_graph_ndim(g) == 3 && dust_graph_node_count(g) == 0);
  CHECK(dust_graph_find(g, 1) == SIZE_MAX);
  add(g, 7, 1, 2, 0.1);
  add(g, -3, 4, 5, 6);
  add(g, INT64_MAX, 7, 8, 9);
  CHECK(at(g, 7, 1, 2, (double)0.1f)); /* float32 unless the spec says otherwise */
  CHECK(dust_graph_node_id(g, 1) == -3 && dust_graph_find(g, INT64_MAX) == 2);
  CHECK_OK(dust_graph_add_edge(g, 7, -3));
  CHECK_OK(dust_graph_add_edge(g, -3, 7));
  CHECK_OK(dust_graph_add_edge(g, 7, -3));
  CHECK(dust_graph_edge_count(g) == 2 && has_edge(g, 0, 7, -3) && has_edge(g, 1, -3, 7));
  CHECK_OK(dust_graph_set_node_attr(g, 0, "radius", 2.5));
  CHECK_OK(dust_graph_add_node(g, 7, (double[]){0, 0, 0}, true)); /* overwritten in place, edges and attributes stay */
  bool present;
  CHECK(dust_graph_node_count(g) == 3 && dust_graph_find(g, 7) == 0 && dust_graph_temporary(g, 0) && dust_graph_edge_count(g) == 2);
  CHECK(dust_graph_attr_count(g, false) == 1 && strcmp(dust_graph_attr_name(g, false, 0), "radius") == 0);
  CHECK(dust_graph_attr(g, false, 0, 0, &present) == 2.5 && present);
  dust_graph_attr(g, false, 0, 1, &present);
  CHECK(!present);
  CHECK_FAILS(dust_graph_add_edge(g, 7, 99), DUST_ERROR_ARGUMENT, "edge (7, 99): there is no node 99 in the graph");
  CHECK_FAILS(dust_graph_add_node(g, 4, (double[]){0, NAN, 0}, false), DUST_ERROR_ARGUMENT, "location of node 4 is NaN on axis 2");
  CHECK_FAILS(dust_graph_set_location(g, 1, (double[]){NAN, 0, 0}), DUST_ERROR_ARGUMENT, "location of node -3 is NaN on axis 1");
  CHECK_FAILS(dust_graph_add_node(g, 4, (double[]){0, 0, 1e39}, false), DUST_ERROR_ARGUMENT, "1e+39 on axis 3 is too large for float32");
  CHECK_FAILS(dust_graph_remove_node(g, 99, false), DUST_ERROR_ARGUMENT, "there is no node 99 in the graph");
  CHECK_FAILS(dust_graph_remove_edge(g, 7, INT64_MAX), DUST_ERROR_ARGUMENT, "there is no edge (7, 9223372036854775807) in the graph");
  CHECK(dust_graph_node_count(g) == 3);
  dust_graph_release(g);
}

static void test_creation_refuses(void) {
  dust_graph *g = NULL;
  dust_graph_spec spec = dust_graph_spec_default();
  CHECK_FAILS(dust_graph_create(&g, &spec, 0), DUST_ERROR_ARGUMENT, "a graph has 1 to 8 axes, not 0");
  spec.has_roi = true;
  spec.roi = box(2, 0, 10);
  CHECK_FAILS(dust_graph_create(&g, &spec, 3), DUST_ERROR_ARGUMENT, "the spec's ROI has 2 axes, the graph has 3");
  spec = spec_of(DUST_YES, DUST_UINT8);
  CHECK(dust_graph_create(&g, &spec, 3) == DUST_ERROR_ARGUMENT);
  CHECK(g == NULL);
}

static void test_undirected(void) {
  dust_graph *g = make(DUST_NO, DUST_FLOAT32, 3);
  for (int i = 0; i < 4; i++) add(g, i, i, 0, 0);
  CHECK_OK(dust_graph_add_edge(g, 1, 0));
  CHECK_OK(dust_graph_add_edge(g, 0, 1)); /* the same */
  CHECK_OK(dust_graph_add_edge(g, 1, 2));
  CHECK_OK(dust_graph_add_edge(g, 1, 1));
  CHECK(dust_graph_edge_count(g) == 3 && has_edge(g, 0, 1, 0));
  CHECK(dust_graph_find_edge(g, 2, 1) == 1 && dust_graph_find_edge(g, 0, 2) == SIZE_MAX);
  size_t *near, count, component[4];
  CHECK_OK(dust_graph_neighbors(g, 1, &near, &count));
  CHECK(count == 3 && near[0] == 0 && near[1] == 2 && near[2] == 1); /* by age; the loop once */
  dust_free(near);
  CHECK_OK(dust_graph_components(g, component, &count));
  CHECK(count == 2 && component[0] == 0 && component[1] == 0 && component[2] == 0 && component[3] == 1);
  CHECK_OK(dust_graph_remove_edge(g, 0, 1));
  CHECK_OK(dust_graph_components(g, component, &count));
  CHECK(count == 3 && component[0] == 0 && component[1] == 1 && component[2] == 1 && component[3] == 2);
  dust_graph_spec spec = spec_of(DUST_YES, DUST_FLOAT32);
  CHECK_FAILS(dust_graph_set_spec(g, &spec), DUST_ERROR_ARGUMENT, "a graph with edges can't be made directed");
  dust_graph_release(g);
}

static void test_directed_neighbors(void) {
  dust_graph *g = make(DUST_YES, DUST_FLOAT32, 3);
  for (int i = 0; i < 4; i++) add(g, i, i, 0, 0);
  CHECK_OK(dust_graph_add_edge(g, 3, 1));
  CHECK_OK(dust_graph_add_edge(g, 1, 2));
  CHECK_OK(dust_graph_add_edge(g, 1, 0));
  size_t *near, count;
  CHECK_OK(dust_graph_neighbors(g, 1, &near, &count));
  CHECK(count == 3 && near[0] == 2 && near[1] == 0 && near[2] == 3); /* successors, then predecessors */
  dust_free(near);
  CHECK_OK(dust_graph_remove_node(g, 1, true));
  CHECK(dust_graph_edge_count(g) == 2 && has_edge(g, 0, 3, 2) && has_edge(g, 1, 3, 0));
  CHECK(dust_graph_node_count(g) == 3 && dust_graph_node_id(g, 1) == 2 && dust_graph_find(g, 3) == 2); /* order kept */
  CHECK_OK(dust_graph_remove_node(g, 3, false));
  CHECK(dust_graph_edge_count(g) == 0);
  dust_graph_release(g);
}

static void test_retained_undirected(void) {
  dust_graph *g = make(DUST_NO, DUST_FLOAT32, 3);
  for (int i = 0; i < 4; i++) add(g, i, i, 0, 0);
  for (int i = 1; i < 4; i++) CHECK_OK(dust_graph_add_edge(g, 0, i));
  CHECK_OK(dust_graph_add_edge(g, 0, 0));
  CHECK_OK(dust_graph_remove_node(g, 0, true)); /* a star becomes a clique */
  CHECK(dust_graph_edge_count(g) == 3 && dust_graph_find_edge(g, 1, 2) != SIZE_MAX && dust_graph_find_edge(g, 2, 3) != SIZE_MAX &&
        dust_graph_find_edge(g, 3, 1) != SIZE_MAX);
  dust_graph_release(g);
}

static void test_copy_on_write(void) {
  dust_graph *g = make(DUST_YES, DUST_FLOAT64, 3), *other;
  for (int i = 0; i < 5; i++) add(g, i, i, 0, 0);
  CHECK_OK(dust_graph_add_edge(g, 0, 4));
  CHECK_OK(dust_graph_add_edge(g, 3, 4));
  CHECK_OK(dust_graph_set_edge_attr(g, 1, "length", 1.5));
  CHECK_OK(dust_graph_remove_node(g, 0, false)); /* a hole, which the copy doesn't have */
  other = dust_graph_share(g);
  CHECK_OK(dust_graph_make_writable(&other));
  CHECK(other != g);
  CHECK_OK(dust_graph_shift(other, (double[]){10, 20, 30}));
  CHECK(at(other, 4, 14, 20, 30) && at(g, 4, 4, 0, 0));
  bool present;
  CHECK(dust_graph_attr(other, true, 0, 0, &present) == 1.5 && present && dust_graph_edge_count(other) == 1 && has_edge(other, 0, 3, 4));
  dust_graph *same = other;
  CHECK_OK(dust_graph_make_writable(&same));
  CHECK(same == other);
  CHECK_FAILS(dust_graph_shift(other, (double[]){0, INFINITY, 0}), DUST_ERROR_ARGUMENT,
              "location of node 1: inf on axis 2 is no finite number");
  CHECK(at(other, 4, 14, 20, 30));
  dust_graph_release(other);
  dust_graph_release(g);
}

static void test_narrowing(void) {
  dust_graph *g = make(DUST_YES, DUST_FLOAT64, 3);
  add(g, 1, 0.1, 1e39, 0);
  dust_graph_spec spec = spec_of(DUST_YES, DUST_FLOAT32);
  CHECK_FAILS(dust_graph_set_spec(g, &spec), DUST_ERROR_RANGE, "the location of node 1 is too large for float32");
  CHECK(at(g, 1, 0.1, 1e39, 0));
  CHECK_OK(dust_graph_set_location(g, 0, (double[]){0.1, 0, 0}));
  CHECK_OK(dust_graph_set_spec(g, &spec));
  CHECK(at(g, 1, (double)0.1f, 0, 0));
  dust_graph_release(g);
}

/* ---- crop and trim */

static void test_crop(void) {
  dust_graph *g = make(DUST_YES, DUST_FLOAT32, 3), *cut = NULL;
  add(g, 10, -5, 5, 5); /* outside, dangling */
  add(g, 11, 5, 5, 5);
  add(g, 12, 0, 0, 0);    /* lower faces belong to it */
  add(g, 13, 10, 10, 10); /* upper ones don't */
  add(g, 14, 20, 20, 20);
  add(g, 15, 5, 5, 20);
  CHECK_OK(dust_graph_add_edge(g, 15, 10)); /* passes through, both ends outside */
  CHECK_OK(dust_graph_add_edge(g, 11, 10));
  CHECK_OK(dust_graph_add_edge(g, 12, 12));
  CHECK_OK(dust_graph_add_edge(g, 13, 14));
  CHECK_OK(dust_graph_set_node_attr(g, 1, "size", 3));
  CHECK_OK(dust_graph_set_edge_attr(g, 1, "weight", 4));
  dust_roi roi = box(3, 0, 10);
  CHECK_OK(dust_graph_crop(&cut, g, &roi));
  bool present;
  CHECK(dust_graph_node_count(cut) == 3 && dust_graph_node_id(cut, 0) == 10 && dust_graph_node_id(cut, 1) == 11 &&
        dust_graph_node_id(cut, 2) == 12);
  CHECK(dust_graph_edge_count(cut) == 2 && has_edge(cut, 0, 11, 10) && has_edge(cut, 1, 12, 12));
  CHECK(dust_graph_attr(cut, false, 0, 1, &present) == 3 && present);
  CHECK(dust_graph_attr(cut, true, 0, 0, &present) == 4 && present);
  CHECK(dust_graph_get_spec(cut)->has_roi && dust_roi_equal(&dust_graph_get_spec(cut)->roi, &roi));
  CHECK(dust_graph_node_count(g) == 6 && !dust_graph_get_spec(g)->has_roi);
  dust_graph_release(cut);
  dust_roi flat = box(2, 0, 10);
  CHECK_FAILS(dust_graph_crop(&cut, g, &flat), DUST_ERROR_ARGUMENT, "the ROI has 2 axes, the graph has 3");
  dust_roi empty = box(3, 4, 4);
  CHECK_OK(dust_graph_crop(&cut, g, &empty));
  CHECK(dust_graph_node_count(cut) == 0 && dust_graph_edge_count(cut) == 0);
  dust_graph_release(cut);
  dust_graph_release(g);
}

static void test_trim(dust_dtype dtype, int64_t begin, int64_t end, double expected) {
  dust_graph *g = make(DUST_YES, dtype, 3), *cut = NULL;
  double middle = ((double)begin + (double)end) / 2;
  add(g, 3, middle, middle, middle);
  add(g, 9, middle, (double)end + 50, middle); /* leaves by an upper face */
  add(g, 5, (double)begin - 50, middle, middle);
  CHECK_OK(dust_graph_add_edge(g, 3, 9));
  CHECK_OK(dust_graph_add_edge(g, 5, 3));
  CHECK_OK(dust_graph_set_node_attr(g, 1, "size", 3));
  dust_roi roi = box(3, begin, end);
  CHECK_OK(dust_graph_trim(&cut, g, &roi));
  CHECK(dust_graph_node_count(cut) == 3 && dust_graph_node_id(cut, 0) == 3 && dust_graph_node_id(cut, 1) == 10 &&
        dust_graph_node_id(cut, 2) == 11);
  CHECK(has_edge(cut, 0, 3, 10) && has_edge(cut, 1, 11, 3)); /* direction kept */
  CHECK(at(cut, 10, middle, expected, middle) && at(cut, 11, (double)begin, middle, middle));
  CHECK(!dust_graph_temporary(cut, 0) && dust_graph_temporary(cut, 1) && dust_graph_temporary(cut, 2));
  bool present;
  CHECK(dust_graph_attr(cut, false, 0, 1, &present) == 3 && present); /* the dangling node's */
  for (size_t i = 0; i < dust_graph_node_count(cut); i++) CHECK(dust_roi_contains_location(&roi, dust_graph_location(cut, i)));
  dust_graph_release(cut);
  dust_graph_release(g);
}

static void test_trim_on_faces(void) {
  dust_graph *g = make(DUST_NO, DUST_FLOAT32, 3), *cut = NULL;
  add(g, 0, 0, 5, 5);  /* on the lower face of z … */
  add(g, 1, -8, 5, 5); /* … and leaving by it: no new node */
  add(g, 2, 5, 5, 30); /* … and leaving by another: a new node, in contrast to upstream */
  add(g, 3, nextafterf(10, 0), 5, 5);
  add(g, 4, 12, 5, 5);
  CHECK_OK(dust_graph_add_edge(g, 1, 0));
  CHECK_OK(dust_graph_add_edge(g, 0, 2));
  CHECK_OK(dust_graph_add_edge(g, 3, 4));
  dust_roi roi = box(3, 0, 10);
  CHECK_OK(dust_graph_trim(&cut, g, &roi));
  CHECK(dust_graph_node_count(cut) == 3 && dust_graph_edge_count(cut) == 1 && has_edge(cut, 0, 0, 5));
  CHECK(at(cut, 5, 1, 5, nextafterf(10, 0)));
  dust_graph_release(cut);
  dust_coordinate offset = {.ndim = 3, .unbounded = 4}, shape = {.ndim = 3, .unbounded = 4, .value = {10, 10, 0}};
  CHECK_OK(dust_roi_make(&roi, &offset, &shape)); /* x has no end: node 2 is inside */
  CHECK_OK(dust_graph_trim(&cut, g, &roi));
  CHECK(dust_graph_node_count(cut) == 3 && dust_graph_find(cut, 2) != SIZE_MAX && dust_graph_edge_count(cut) == 1);
  dust_graph_release(cut);
  CHECK_OK(dust_graph_make_writable(&g));
  add(g, INT64_MAX, 5, 5, 5);
  CHECK_FAILS(dust_graph_trim(&cut, g, &roi), DUST_ERROR_RANGE, "no ids are left for temporary nodes: the largest is 9223372036854775807");
  dust_graph_release(g);
}

/* A place far out, where float32 is coarser than a world unit: what is made must still lie inside. */
static void test_trim_coarse(void) {
  dust_graph *g = make(DUST_YES, DUST_FLOAT32, 1), *cut = NULL;
  int64_t base = ((int64_t)1 << 40) + 1;
  CHECK_OK(dust_graph_add_node(g, 1, (double[]){(double)(base + 400000000)}, false));
  CHECK_OK(dust_graph_add_node(g, 2, (double[]){0}, false));
  CHECK_OK(dust_graph_add_node(g, 3, (double[]){(double)(base * 4)}, false));
  CHECK_OK(dust_graph_add_edge(g, 1, 2));
  CHECK_OK(dust_graph_add_edge(g, 1, 3));
  dust_roi roi = box(1, base, base + 800000001);
  CHECK_OK(dust_graph_trim(&cut, g, &roi));
  CHECK(dust_graph_node_count(cut) == 3);
  for (size_t i = 0; i < dust_graph_node_count(cut); i++) CHECK(dust_roi_contains_location(&roi, dust_graph_location(cut, i)));
  dust_graph_release(cut);
  dust_graph_release(g);
}

static void test_merge(void) {
  dust_graph *a = make(DUST_UNSAID, DUST_FLOAT32, 3), *b = make(DUST_YES, DUST_FLOAT64, 3), *m = NULL;
  add(a, 1, 1, 1, 1);
  add(a, 2, 2, 2, 2);
  CHECK_OK(dust_graph_add_edge(a, 1, 2));
  CHECK_OK(dust_graph_set_node_attr(a, 1, "old", 1));
  CHECK_OK(dust_graph_set_edge_attr(a, 0, "w", 1));
  add(b, 3, 3, 3, 0.1);
  add(b, 2, 7, 7, 7);
  CHECK_OK(dust_graph_add_edge(b, 2, 3));
  dust_graph_spec spec = *dust_graph_get_spec(b);
  spec.has_roi = true;
  spec.roi = box(3, 0, 10);
  CHECK_OK(dust_graph_set_spec(b, &spec));
  CHECK_OK(dust_graph_merge(&m, a, b));
  bool present;
  CHECK(dust_graph_node_count(m) == 3 && dust_graph_node_id(m, 1) == 2 && dust_graph_node_id(m, 2) == 3);
  CHECK(at(m, 2, 7, 7, 7) && at(m, 3, 3, 3, 0.1) && has_edge(m, 0, 1, 2) && has_edge(m, 1, 2, 3));
  CHECK(dust_graph_attr(m, false, 0, 1, &present) == 1 && present);
  CHECK(dust_graph_get_spec(m)->has_roi && dust_graph_get_spec(m)->directed == DUST_YES && at(a, 2, 2, 2, 2));
  dust_graph_release(m);
  dust_graph *undirected = make(DUST_NO, DUST_FLOAT32, 3), *flat = make(DUST_YES, DUST_FLOAT32, 2);
  CHECK_FAILS(dust_graph_merge(&m, a, undirected), DUST_ERROR_ARGUMENT, "a directed and an undirected graph can't be merged");
  CHECK_FAILS(dust_graph_merge(&m, a, flat), DUST_ERROR_ARGUMENT, "graphs of 3 and 2 axes can't be merged");
  dust_graph_release(flat);
  dust_graph_release(undirected);
  dust_graph_release(b);
  dust_graph_release(a);
}

/* ---- against naive models */

static uint64_t random_state = 1;
static uint32_t draw(uint32_t below) {
  random_state = random_state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)((random_state >> 33) % below);
}

enum { MODEL = 400 };
typedef struct model {
  int64_t node[8 * MODEL];
  size_t nodes;
  int64_t edge[8 * MODEL][2];
  size_t edges;
} model;

static void model_remove_edge(model *m, size_t i) {
  memmove(m->edge[i], m->edge[i + 1], (m->edges - i - 1) * sizeof m->edge[0]);
  m->edges--;
}

static void model_remove_node(model *m, size_t i) {
  int64_t id = m->node[i];
  memmove(m->node + i, m->node + i + 1, (m->nodes - i - 1) * sizeof m->node[0]);
  m->nodes--;
  for (size_t e = m->edges; e-- > 0;) {
    if (m->edge[e][0] == id || m->edge[e][1] == id) model_remove_edge(m, e);
  }
}

static bool model_has(const model *m, int64_t u, int64_t v, bool directed) {
  for (size_t e = 0; e < m->edges; e++) {
    if (m->edge[e][0] == u && m->edge[e][1] == v) return true;
    if (!directed && m->edge[e][0] == v && m->edge[e][1] == u) return true;
  }
  return false;
}

static bool same_as(const dust_graph *g, const model *m) {
  if (dust_graph_node_count(g) != m->nodes || dust_graph_edge_count(g) != m->edges) return false;
  bool present;
  for (size_t i = 0; i < m->nodes; i++) {
    if (dust_graph_node_id(g, i) != m->node[i] || dust_graph_find(g, m->node[i]) != i) return false;
    if (dust_graph_location(g, i)[0] != (double)(m->node[i] % 97)) return false;
    if (dust_graph_attr_count(g, false) && (dust_graph_attr(g, false, 0, i, &present) != (double)m->node[i] || !present)) return false;
  }
  for (size_t e = 0; e < m->edges; e++) {
    if (!has_edge(g, e, m->edge[e][0], m->edge[e][1])) return false;
  }
  return true;
}

static void test_model(bool directed) {
  static model m;
  m.nodes = m.edges = 0;
  dust_graph *g = make(directed ? DUST_YES : DUST_NO, DUST_FLOAT32, 1);
  int64_t next = 1;
  for (int step = 0; step < 6000; step++) {
    bool shrink = (step / 1000) % 2; /* grows and shrinks in turn, so that holes gather and close */
    uint32_t what = draw(10);
    if (m.nodes < 2 || (what < (shrink ? 1u : 4u) && m.nodes < MODEL)) {
      int64_t id = next;
      next += 1 + draw(1000);
      CHECK_OK(dust_graph_add_node(g, id, (double[]){(double)(id % 97)}, false));
      CHECK_OK(dust_graph_set_node_attr(g, dust_graph_find(g, id), "id", (double)id));
      m.node[m.nodes++] = id;
    } else if (what < (shrink ? 3u : 8u) && m.edges < 4 * MODEL) {
      int64_t u = m.node[draw((uint32_t)m.nodes)], v = m.node[draw((uint32_t)m.nodes)];
      CHECK((dust_graph_find_edge(g, u, v) != SIZE_MAX) == model_has(&m, u, v, directed));
      CHECK_OK(dust_graph_add_edge(g, u, v));
      if (!model_has(&m, u, v, directed)) m.edge[m.edges][0] = u, m.edge[m.edges++][1] = v;
    } else if (what == 9 && m.edges > 0) {
      size_t e = draw((uint32_t)m.edges);
      CHECK_OK(dust_graph_remove_edge(g, m.edge[e][0], m.edge[e][1]));
      model_remove_edge(&m, e);
    } else {
      size_t i = draw((uint32_t)m.nodes);
      CHECK_OK(dust_graph_remove_node(g, m.node[i], false));
      model_remove_node(&m, i);
    }
    if (step % 50 == 0) CHECK(same_as(g, &m));
  }
  CHECK(same_as(g, &m));
  dust_graph_release(g);
}

static void check_scan(dust_graph *g, const dust_roi *roi) {
  size_t *found, count, expected = 0;
  bool alike = true;
  CHECK_OK(dust_graph_nodes_in(g, roi, &found, &count));
  for (size_t i = 0; i < dust_graph_node_count(g); i++) {
    if (!dust_roi_contains_location(roi, dust_graph_location(g, i))) continue;
    if (expected >= count || found[expected] != i) alike = false;
    expected++;
  }
  CHECK(alike && expected == count);
  dust_free(found);
}

/* kind 0: a cube; 1: a line; 2: all in one place; 3: with an outlier far away; 4: on a coarse grid, many alike */
static void test_index(int ndim, int kind) {
  dust_graph *g = make(DUST_NO, DUST_FLOAT64, ndim);
  for (int i = 0; i < 1500; i++) {
    double p[DUST_MAXDIM];
    for (int d = 0; d < ndim; d++) {
      p[d] = draw(200000) / 1000.0 - 100;
      if (kind == 1 && d > 0) p[d] = 3;
      if (kind == 2) p[d] = 7;
      if (kind == 3 && i == 700) p[d] = 1e300;
      if (kind == 4) p[d] = floor(p[d] / 10) * 10;
    }
    CHECK_OK(dust_graph_add_node(g, i, p, false));
  }
  for (int trial = 0; trial < 60; trial++) {
    dust_roi roi = {.offset.ndim = ndim, .shape.ndim = ndim};
    for (int d = 0; d < ndim; d++) {
      roi.offset.value[d] = (int64_t)draw(240) - 120;
      roi.shape.value[d] = draw(160);
      if (draw(8) == 0) roi.offset.unbounded |= 1u << d, roi.shape.unbounded |= 1u << d, roi.offset.value[d] = roi.shape.value[d] = 0;
    }
    check_scan(g, &roi);
    if (trial % 10 == 0) CHECK_OK(dust_graph_remove_node(g, trial * 7, false)); /* the index notices, and positions move */
    if (trial % 15 == 0) CHECK_OK(dust_graph_set_location(g, (size_t)trial, dust_graph_location(g, (size_t)trial + 1)));
  }
  dust_graph_release(g);
}

/* ---- allocation failures */

static dust_status build(dust_graph **out, dust_dtype dtype) {
  dust_graph_spec spec = spec_of(DUST_NO, dtype);
  dust_graph *g = NULL;
  dust_status status;
  DUST_GO(dust_graph_create(&g, &spec, 2));
  for (int i = 0; i < 40; i++) DUST_GO(dust_graph_add_node(g, i, (double[]){i, (i * 7) % 11}, i % 3 == 0));
  for (int i = 0; i < 39; i++) DUST_GO(dust_graph_add_edge(g, i, i + 1));
  DUST_GO(dust_graph_set_node_attr(g, 3, "size", 1));
  DUST_GO(dust_graph_set_edge_attr(g, 3, "weight", 1));
  DUST_GO(dust_graph_remove_node(g, 20, true));
  *out = g;
  return DUST_OK;
done:
  dust_graph_release(g);
  return status;
}

static dust_status everything(void *context) {
  dust_graph *g = NULL, *other = NULL, *cut = NULL, *trimmed = NULL, *merged = NULL, *written = NULL;
  size_t *found = NULL, count, component[64];
  dust_roi roi = box(2, 3, 9);
  dust_status status;
  DUST_GO(build(&g, DUST_FLOAT32));
  DUST_GO(build(&other, DUST_FLOAT64));
  DUST_GO(dust_graph_crop(&cut, g, &roi));
  DUST_GO(dust_graph_trim(&trimmed, g, &roi));
  DUST_GO(dust_graph_merge(&merged, g, other));
  DUST_GO(dust_graph_nodes_in(g, &roi, &found, &count));
  dust_free(found);
  found = NULL;
  DUST_GO(dust_graph_neighbors(g, 5, &found, &count));
  DUST_GO(dust_graph_components(g, component, &count));
  written = dust_graph_share(g);
  DUST_GO(dust_graph_make_writable(&written));
  DUST_GO(dust_graph_remove_edge(written, 3, 4));
done:
  dust_free(found);
  dust_graph_release(written);
  dust_graph_release(merged);
  dust_graph_release(trimmed);
  dust_graph_release(cut);
  dust_graph_release(other);
  dust_graph_release(g);
  return status;
}

/* A change that fails leaves the graph as it was. */
static void test_unchanged_after_failure(void) {
  for (long n = 0;; n++) {
    dust_graph *g = make(DUST_NO, DUST_FLOAT32, 3);
    for (int i = 0; i < 16; i++) add(g, i, i, 0, 0);
    for (int i = 1; i < 15; i++) CHECK_OK(dust_graph_add_edge(g, 0, i));
    dust_mem_fail_after(n);
    dust_status status = dust_graph_remove_node(g, 0, true);
    dust_mem_fail_after(-1);
    if (status != DUST_OK)
      CHECK(dust_graph_node_count(g) == 16 && dust_graph_edge_count(g) == 14 && dust_graph_find_edge(g, 1, 2) == SIZE_MAX);
    dust_mem_fail_after(n);
    dust_status added = dust_graph_add_node(g, 100, (double[]){0, 0, 0}, false);
    dust_mem_fail_after(-1);
    CHECK((added == DUST_OK) == (dust_graph_find(g, 100) != SIZE_MAX));
    dust_graph_release(g);
    if (status == DUST_OK && added == DUST_OK) break;
  }
}

/* ---- sizes at which a quadratic step would not return */

/* What a hundred trims looked at, each. */
static size_t seen_by_trims(dust_graph *g, int64_t step, int64_t side) {
  dust_graph *cut = NULL;
  size_t before = dust_graph_seen(g);
  for (int i = 0; i < 100; i++) {
    dust_roi roi = box(3, step * i, step * i + side);
    CHECK_OK(dust_graph_trim(&cut, g, &roi));
    dust_graph_release(cut);
  }
  return (dust_graph_seen(g) - before) / 100;
}

static void test_large(void) {
  enum { N = 1000000 };
  dust_graph *g = make(DUST_NO, DUST_FLOAT32, 3);
  dust_status status = DUST_OK;
  for (int i = 0; i < N && status == DUST_OK; i++)
    status = dust_graph_add_node(g, i, (double[]){draw(100000), draw(100000), draw(100000)}, false);
  for (int i = 1; i < N && status == DUST_OK; i++) status = dust_graph_add_edge(g, i % 1000 ? i - 1 : 0, i); /* chains, and a hub */
  CHECK_OK(status);
  seen_by_trims(g, 500, 2000); /* makes the indices */
  CHECK(seen_by_trims(g, 500, 2000) < N / 20);
  dust_roi all = box(3, -1, 100001);
  dust_graph *cut = NULL;
  size_t seen = dust_graph_seen(g);
  CHECK_OK(dust_graph_crop(&cut, g, &all));
  CHECK(dust_graph_edge_count(cut) == N - 1 && dust_graph_seen(g) - seen < 2 * N + 1000); /* each once */
  dust_graph_release(cut);
  for (int i = 0; i < N && status == DUST_OK; i += 2) {
    status = dust_graph_remove_node(g, i, false);
    if (dust_graph_find(g, i + 1) == SIZE_MAX || dust_graph_node_id(g, dust_graph_find(g, i + 1)) != i + 1) status = DUST_ERROR_RANGE;
  }
  CHECK_OK(status);
  CHECK(dust_graph_node_count(g) == N / 2 && dust_graph_edge_count(g) == 0 && dust_graph_node_id(g, N / 2 - 1) == N - 1);
  dust_graph_release(g);
}

/* Skeletons of short edges, and a few edges across everything: a crop looks at what is near, also between changes. */
static void test_work(void) {
  enum { N = 200000 };
  dust_graph *g = make(DUST_YES, DUST_FLOAT64, 3);
  dust_status status = DUST_OK;
  double p[3] = {0};
  for (int i = 0; i < N && status == DUST_OK; i++) {
    for (int d = 0; d < 3; d++) p[d] = i % 500 == 0 ? draw(100000) : p[d] + draw(101) - 50;
    status = dust_graph_add_node(g, i, p, false);
    if (i > 0 && status == DUST_OK) status = dust_graph_add_edge(g, i - 1, i); /* from skeleton to skeleton, too */
  }
  CHECK_OK(status);
  seen_by_trims(g, 900, 1000);
  size_t built = dust_graph_seen(g), work = seen_by_trims(g, 900, 1000);
  CHECK(built < 10 * (size_t)N && work < 1000);
  dust_graph *cut;
  dust_roi roi = box(3, 50000, 51000);
  for (int i = 0; i < 500; i++) { /* edges go and come, nodes go */
    if (i % 3 == 0) CHECK_OK(dust_graph_remove_edge(g, i, i + 1));
    if (i % 3 == 1) CHECK_OK(dust_graph_add_edge(g, i, i + 1000));
    if (i % 50 == 2) CHECK_OK(dust_graph_remove_node(g, i + 100000, true));
    CHECK_OK(dust_graph_crop(&cut, g, &roi));
    dust_graph_release(cut);
  }
  CHECK(dust_graph_seen(g) - built - 100 * work < 500 * 3000);
  dust_graph_release(g);
}

/* ---- edges through a ROI, against a look at each */

/* Of a line's part in the box there is some length: by clipping it axis by axis (Liang, Barsky 1984) in long double. -1: shorter than
 * a few steps between doubles, which may be no piece. */
static int passes(const dust_roi *roi, const double *u, const double *v) {
  long double from = 0, to = 1, length = 0, step = 0;
  for (int d = 0; d < roi->offset.ndim; d++) {
    length = fmaxl(length, fabsl((long double)v[d] - u[d]));
    step = fmaxl(step, fmaxl(fabsl(u[d]), fabsl(v[d])) * 0x1p-51L);
  }
  for (int d = 0; d < roi->offset.ndim; d++) {
    if (roi->offset.unbounded & 1u << d) continue;
    long double begin = roi->offset.value[d], end = begin + roi->shape.value[d], way = (long double)v[d] - u[d];
    if (way == 0) {
      if (u[d] < begin || u[d] >= end) return 0;
      continue;
    }
    long double a = (begin - u[d]) / way, b = (end - u[d]) / way;
    from = fmaxl(from, fminl(a, b)), to = fminl(to, fmaxl(a, b));
  }
  if (fabsl(from - to) < 1e-12L || fabsl(from - to) * length < step) return -1;
  return from < to;
}

static void check_edges(dust_graph *g, const dust_roi *roi) {
  dust_graph *cut;
  bool alike = true;
  size_t known = 0, unsure = 0, pieces = 0;
  CHECK_OK(dust_graph_crop(&cut, g, roi));
  for (size_t e = 0; e < dust_graph_edge_count(g); e++) {
    int64_t u, v;
    dust_graph_edge(g, e, &u, &v);
    const double *a = dust_graph_location(g, dust_graph_find(g, u)), *b = dust_graph_location(g, dust_graph_find(g, v));
    bool touches = dust_roi_contains_location(roi, a) || dust_roi_contains_location(roi, b);
    int there = touches ? 1 : dust_roi_empty(roi) ? 0 : passes(roi, a, b);
    bool found = dust_graph_find_edge(cut, u, v) != SIZE_MAX;
    if (there < 0)
      unsure++;
    else if (found != (there > 0))
      alike = false;
    known += found;
  }
  CHECK(alike && known == dust_graph_edge_count(cut) && unsure < 30);
  dust_graph_release(cut);
  CHECK_OK(dust_graph_trim(&cut, g, roi));
  for (size_t i = 0; i < dust_graph_node_count(cut); i++) alike = alike && dust_roi_contains_location(roi, dust_graph_location(cut, i));
  pieces = dust_graph_edge_count(cut);
  CHECK(alike && pieces <= known);
  dust_graph_release(cut);
}

/* kind 0: all lengths; 1: short; 2: all along one axis; 3: an outlier far away; 4: thin boxes; 5: huge coordinates, near each other */
static void test_edges(int ndim, int kind) {
  dust_graph *g = make(DUST_YES, DUST_FLOAT64, ndim);
  double base = kind == 5 ? 0x1p50 : 0, p[DUST_MAXDIM] = {0};
  for (int i = 0; i < 600; i++) {
    double length = kind == 0 ? pow(2, -(double)draw(12)) : 0.03;
    for (int d = 0; d < ndim; d++) {
      p[d] = i % 20 == 0 || kind == 4 ? draw(200000) / 1000.0 - 100 : p[d] + length * (draw(200000) / 1000.0 - 100);
      if (kind == 2 && d > 0) p[d] = floor(p[d]);
    }
    double q[DUST_MAXDIM];
    for (int d = 0; d < ndim; d++) q[d] = kind == 3 && i == 300 ? -1e300 : base + p[d];
    CHECK_OK(dust_graph_add_node(g, i, q, false));
    if (i > 0) CHECK_OK(dust_graph_add_edge(g, draw(3) ? i - 1 : (int)draw((uint32_t)i), i));
  }
  for (int trial = 0; trial < 60; trial++) {
    dust_roi roi = {.offset.ndim = ndim, .shape.ndim = ndim};
    for (int d = 0; d < ndim; d++) {
      roi.offset.value[d] = (int64_t)base + (int64_t)draw(240) - 120;
      roi.shape.value[d] = kind == 4 && d == trial % ndim ? 1 : draw(60);
      if (draw(8) == 0) roi.offset.unbounded |= 1u << d, roi.shape.unbounded |= 1u << d, roi.offset.value[d] = roi.shape.value[d] = 0;
    }
    check_edges(g, &roi);
    if (trial % 7 == 3) CHECK_OK(dust_graph_remove_node(g, trial * 7, trial % 2)); /* the index stays */
    if (trial % 7 == 5) CHECK_OK(dust_graph_add_edge(g, trial * 7 + 1, trial * 3 + 1));
    if (trial % 20 == 19) CHECK_OK(dust_graph_set_location(g, (size_t)trial, dust_graph_location(g, (size_t)trial + 1)));
  }
  for (int i = 1; i < 599; i++) /* until the holes are closed */
    if (dust_graph_find(g, i) != SIZE_MAX && i % 7) CHECK_OK(dust_graph_remove_node(g, i, false));
  dust_roi roi = box(ndim, (int64_t)base - 50, (int64_t)base + 20);
  check_edges(g, &roi);
  check_edges(g, &roi);
  dust_graph_release(g);
}

/* Where an edge touches a box with a corner only, or runs along a face, and in boxes without end. */
static void test_touching(dust_dtype dtype) {
  dust_graph *g = make(DUST_YES, dtype, 2), *cut;
  double ends[][4] = {{-5, 5, 5, -5}, {-5, 15, 15, -5}, {5, 15, 15, 5}, {0, -5, 0, 15}, {10, -5, 10, 15}, {-5, 10, 15, 10}, {-5, 0, 15, 0}};
  for (int i = 0; i < 7; i++) {
    CHECK_OK(dust_graph_add_node(g, 2 * i, ends[i], false));
    CHECK_OK(dust_graph_add_node(g, 2 * i + 1, ends[i] + 2, false));
    CHECK_OK(dust_graph_add_edge(g, 2 * i, 2 * i + 1));
  }
  dust_roi roi = box(2, 0, 10);
  CHECK_OK(dust_graph_trim(&cut, g, &roi));
  CHECK(dust_graph_edge_count(cut) == 3 && dust_graph_node_count(cut) == 6); /* the diagonal, and those along the lower faces */
  double last = dtype == DUST_FLOAT32 ? nextafterf(10, 0) : nextafter(10, 0);
  CHECK(dust_graph_location(cut, 2)[1] == 0 && dust_graph_location(cut, 3)[1] == last && dust_graph_temporary(cut, 3));
  dust_graph_release(cut);
  roi.offset.unbounded = roi.shape.unbounded = 2; /* only axis 1 has an end */
  roi.offset.value[1] = roi.shape.value[1] = 0;
  CHECK_OK(dust_graph_trim(&cut, g, &roi));
  CHECK(dust_graph_edge_count(cut) == 6); /* all but the one along the upper face of axis 1 */
  for (size_t i = 0; i < dust_graph_node_count(cut); i++) CHECK(dust_graph_location(cut, i)[0] >= 0 && dust_graph_location(cut, i)[0] < 10);
  dust_graph_release(cut);
  roi.offset.unbounded = roi.shape.unbounded = 3;
  roi.offset.value[0] = roi.shape.value[0] = 0;
  CHECK_OK(dust_graph_trim(&cut, g, &roi));
  CHECK(dust_graph_edge_count(cut) == 7 && dust_graph_node_count(cut) == 14 && !dust_graph_temporary(cut, 0));
  dust_graph_release(cut);
  dust_graph_release(g);
}

static void test_move(dust_dtype dtype) {
  dust_graph *g = make(DUST_YES, dtype, 2), *moved = NULL;
  dust_roi whole = {.offset.ndim = 2, .shape = {.ndim = 2, .value = {10, 20}}},
           there = {.offset = {.ndim = 2, .value = {100, -7}}, .shape = {.ndim = 2, .value = {20, 10}}};
  dust_graph_spec spec = *dust_graph_get_spec(g);
  spec.has_roi = true, spec.roi = whole;
  CHECK_OK(dust_graph_set_spec(g, &spec));
  double last = dtype == DUST_FLOAT32 ? nextafterf(10, 0) : nextafter(10, 0);
  double place[][2] = {{0, 0}, {3, 19}, {last, 5}, {12, 5}};
  for (int i = 0; i < 4; i++) CHECK_OK(dust_graph_add_node(g, i, place[i], false));
  CHECK_OK(dust_graph_add_edge(g, 1, 3));
  dust_graph_motion motion = {.from = {1, 0}, .by = {100, -7}};
  CHECK_OK(dust_graph_move(&moved, g, &there, &motion));
  CHECK(dust_graph_node_count(moved) == 4 && dust_graph_edge_count(moved) == 1);
  CHECK(dust_graph_location(moved, 1)[0] == 119 && dust_graph_location(moved, 1)[1] == -4);
  CHECK(dust_graph_location(moved, 2)[1] < 3); /* inside, as it was, though it rounds to the face */
  CHECK(dust_graph_location(moved, 3)[1] >= 3);
  dust_graph_release(moved);
  motion = (dust_graph_motion){.from = {1, 0}, .flip = {false, true}, .by = {100, 3}};
  CHECK_OK(dust_graph_move(&moved, g, &there, &motion));
  CHECK(dust_graph_find(moved, 0) == SIZE_MAX); /* from the lower face to the upper one, outside */
  CHECK(dust_graph_location(moved, dust_graph_find(moved, 2))[1] >= -7 && dust_graph_location(moved, dust_graph_find(moved, 1))[1] == 0);
  dust_graph_release(moved);
  moved = NULL;
  CHECK_FAILS(dust_graph_move(&moved, g, &there, &(dust_graph_motion){.from = {1, 1}}), DUST_ERROR_ARGUMENT, "each once");
  CHECK_FAILS(dust_graph_move(&moved, g, &there, &(dust_graph_motion){.from = {0, 2}}), DUST_ERROR_ARGUMENT, "must be 1 to 2");
  CHECK_FAILS(dust_graph_move(&moved, g, &there, &(dust_graph_motion){.from = {0, 1}, .by = {INFINITY, 0}}), DUST_ERROR_ARGUMENT,
              "no finite number");
  dust_roi line = box(1, 0, 10);
  CHECK_FAILS(dust_graph_move(&moved, g, &line, &(dust_graph_motion){.from = {0, 1}}), DUST_ERROR_ARGUMENT, "the ROI has 1 axes");
  CHECK(moved == NULL);
  dust_graph_release(g);
}

int main(void) {
  test_basics();
  test_creation_refuses();
  test_undirected();
  test_directed_neighbors();
  test_retained_undirected();
  test_copy_on_write();
  test_narrowing();
  test_crop();
  test_trim(DUST_FLOAT32, 0, 10, nextafterf(10, 0));
  test_trim(DUST_FLOAT64, 0, 10, nextafter(10, 0));
  test_trim(DUST_FLOAT32, -100, 0, nextafterf(0, -1));       /* where upstream puts it on the face itself … */
  test_trim(DUST_FLOAT32, -100, -40, nextafterf(-40, -100)); /* … or outside */
  test_trim_on_faces();
  test_trim_coarse();
  test_merge();
  test_model(true);
  test_model(false);
  for (int ndim = 1; ndim <= 4; ndim++) {
    for (int kind = 0; kind < 5; kind++) test_index(ndim, kind);
    for (int kind = 0; kind < 6; kind++) test_edges(ndim, kind);
  }
  check_every_allocation("graph", everything, NULL);
  test_unchanged_after_failure();
  test_touching(DUST_FLOAT32);
  test_touching(DUST_FLOAT64);
  test_move(DUST_FLOAT32);
  test_move(DUST_FLOAT64);
  test_work();
  test_large();
  return check_done();
}
