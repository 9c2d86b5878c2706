/* A graph as n-d arrays and back: how kernels and other libraries see it. */
#include "lua/graph_value.h"

#include <string.h>

static void push_array(lua_State *L, dust_ndarray **out, dust_dtype dtype, int ndim, size_t rows, int64_t columns) {
  *out = dust_lua_new_ndarray(L);
  dust_lua_made_ndarray(L, dust_ndarray_empty(*out, dtype, ndim, (int64_t[]){(int64_t)rows, columns}));
}

int dust_lua_graph_arrays(lua_State *L) {
  dust_graph **held = dust_lua_hold_graph(L), *graph = *held;
  size_t n = dust_graph_node_count(graph), m = dust_graph_edge_count(graph), ndim = (size_t)dust_graph_ndim(graph);
  dust_ndarray *locations, *ids, *ends;
  push_array(L, &locations, DUST_FLOAT64, 2, n, (int64_t)ndim);
  push_array(L, &ids, DUST_INT64, 1, n, 0);
  push_array(L, &ends, DUST_INT64, 2, m, 2);
  for (size_t i = 0; i < n; i++) {
    memcpy((double *)locations->data + i * ndim, dust_graph_location(graph, i), ndim * sizeof(double));
    ((int64_t *)ids->data)[i] = dust_graph_node_id(graph, i);
  }
  for (size_t e = 0; e < m; e++) dust_graph_edge(graph, e, (int64_t *)ends->data + 2 * e, (int64_t *)ends->data + 2 * e + 1);
  dust_lua_let_graph_go(held);
  return 3;
}

int dust_lua_graph_with_locations(lua_State *L) {
  dust_lua_to_graph(L, 1);
  dust_graph **box = dust_lua_new_graph(L), *graph = dust_lua_to_graph(L, 1);
  const dust_ndarray *locations = dust_lua_to_ndarray(L, 2);
  int64_t n = (int64_t)dust_graph_node_count(graph);
  int ndim = dust_graph_ndim(graph);
  if (locations->ndim != 2 || locations->shape[0] != n || locations->shape[1] != ndim) {
    char shape[128];
    dust_shape_format(shape, sizeof shape, locations->ndim, locations->shape);
    return luaL_error(L, "locations must have shape %Ix%d (nodes, axes), not %s", (lua_Integer)n, ndim, shape);
  }
  *box = dust_graph_share(graph);
  dust_status status = dust_graph_make_writable(box);
  for (int64_t i = 0; i < n && status == DUST_OK; i++) {
    double place[DUST_MAXDIM];
    dust_row_to_double(place, locations->data + i * locations->stride[0], locations->stride[1], locations->dtype, (size_t)ndim);
    status = dust_graph_set_location(*box, (size_t)i, place);
  }
  return dust_lua_made_graph(L, status);
}
