/* md.Node, md.Edge and md.Graph. Each takes one table, by position or by name. */
#include "lua/graph_value.h"

#include <stdio.h>

static const char *const graph_fields[] = {"nodes", "edges", "spec", "ndim", NULL};

static void own_attrs(
    lua_State *L) { /* a copy of the attrs on top of the stack takes their place: a Node or Edge shares no table with what it was made of */
  lua_newtable(L);
  if (lua_istable(L, -2)) {
    for (lua_pushnil(L); lua_next(L, -3); lua_pop(L, 1)) {
      lua_pushvalue(L, -2);
      lua_pushvalue(L, -2);
      lua_rawset(L, -5);
    }
  }
  lua_remove(L, -2);
}

static int make_node(lua_State *L) {
  if (!lua_istable(L, 1)) return luaL_error(L, "Node is made with one table, not %s", dust_lua_type_name(L, 1));
  dust_node_value node = dust_lua_read_node(L, 1, "Node");
  own_attrs(L);
  dust_lua_push_node_value(L, node.id, node.location, node.ndim, node.temporary);
  return 1;
}

static int make_edge(lua_State *L) {
  if (!lua_istable(L, 1)) return luaL_error(L, "Edge is made with one table, not %s", dust_lua_type_name(L, 1));
  int64_t end[2];
  dust_lua_read_edge(L, 1, "Edge", end);
  own_attrs(L);
  dust_lua_push_edge_value(L, end[0], end[1]);
  return 1;
}

/* The number of axes: said, or the ROI's, or the first node's. */
static int axes_of_graph(lua_State *L, const dust_graph_spec *spec, int nodes) {
  if (dust_lua_pick(L, 1, "ndim", 0) != LUA_TNIL) {
    int64_t ndim = dust_lua_integer(L, -1, "ndim of Graph");
    lua_pop(L, 1);
    return ndim < 0 || ndim > DUST_MAXDIM ? DUST_MAXDIM + 1 : (int)ndim;
  }
  lua_pop(L, 1);
  if (spec->has_roi) return spec->roi.offset.ndim;
  if (luaL_len(L, nodes) < 1) return luaL_error(L, "a Graph without nodes must be told its axes: give its spec a roi, or say ndim = …");
  lua_geti(L, nodes, 1);
  dust_node_value first = dust_lua_read_node(L, -1, "nodes[1]");
  lua_pop(L, 2);
  return first.ndim;
}

/* A table of nodes or edges at its place on the stack; none given: an empty one. */
static int pick_list(lua_State *L, const char *name, int position) {
  if (dust_lua_pick(L, 1, name, position) == LUA_TNIL) {
    lua_pop(L, 1);
    lua_newtable(L);
  }
  if (!lua_istable(L, -1)) luaL_error(L, "%s of Graph must be a table, not %s", name, dust_lua_type_name(L, -1));
  return lua_gettop(L);
}

static void add_all(lua_State *L, int list, int graph, const char *name, void (*add)(lua_State *, int, int, const char *)) {
  lua_Integer count = luaL_len(L, list);
  for (lua_Integer i = 1; i <= count; i++) {
    char what[DUST_LUA_WORDS / 2];
    snprintf(what, sizeof what, "%s[%lld]", name, (long long)i);
    lua_geti(L, list, i);
    add(L, -1, graph, what);
    lua_pop(L, 1);
  }
}

static int make_graph(lua_State *L) {
  dust_lua_known_fields(L, 1, "Graph", graph_fields, 3);
  lua_settop(L, 1);
  int nodes = pick_list(L, "nodes", 1), edges = pick_list(L, "edges", 2);
  dust_graph_spec spec = dust_lua_pick(L, 1, "spec", 3) == LUA_TNIL ? dust_graph_spec_default() : *dust_lua_to_graph_spec(L, -1);
  int ndim = axes_of_graph(L, &spec, nodes);
  dust_graph **box = dust_lua_new_graph(L);
  dust_lua_check(L, dust_graph_create(box, &spec, ndim));
  const int at = lua_gettop(L);
  add_all(L, nodes, at, "nodes", dust_lua_add_node);
  add_all(L, edges, at, "edges", dust_lua_add_edge);
  return dust_lua_made_graph(L, DUST_OK);
}

void dust_lua_open_graph_makers(lua_State *L) {
  static const luaL_Reg functions[] = {{"Node", make_node}, {"Edge", make_edge}, {"Graph", make_graph}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
