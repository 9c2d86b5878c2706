/* The Graph userdata: a box that holds one reference to a graph, or nothing once it is closed.
 *
 * A copy is one more reference, and so is what an iterator walks along: whoever changes a graph that others hold changes a copy
 * of its own, and a loop over nodes sees the graph as it was when the loop began, whatever happens to it within.
 */
#include "lua/graph_value.h"

#include <string.h>

dust_graph **dust_lua_new_graph(lua_State *L) {
  dust_graph **box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = NULL;
  luaL_setmetatable(L, DUST_LUA_GRAPH);
  return box;
}

int dust_lua_made_graph(lua_State *L, dust_status status) {
  dust_lua_check(L, status);
  dust_graph **box = lua_touserdata(L, -1);
  dust_lua_account(L, dust_graph_bytes(*box));
  return 1;
}

static dust_graph **box_at(lua_State *L, int index) {
  dust_graph **box = luaL_testudata(L, index, DUST_LUA_GRAPH);
  if (!box) luaL_error(L, "expected a Graph, got %s", dust_lua_type_name(L, index));
  return box;
}

dust_graph *dust_lua_to_graph(lua_State *L, int index) {
  dust_graph **box = box_at(L, index);
  if (!*box) luaL_error(L, "the graph is closed");
  return *box;
}

dust_graph *dust_lua_writable_graph(lua_State *L, int index) {
  dust_graph **box = box_at(L, index), *before;
  do { /* again after a copy: telling the collector of it may run a finaliser that closes or shares the graph */
    before = dust_lua_to_graph(L, index);
    dust_lua_check(L, dust_graph_make_writable(box));
    if (*box != before) dust_lua_account(L, dust_graph_bytes(*box));
  } while (*box != before);
  return before;
}

static dust_graph *writable(lua_State *L) { return dust_lua_writable_graph(L, 1); }

dust_graph **dust_lua_hold_graph(lua_State *L) {
  dust_graph **box = dust_lua_new_graph(L);
  *box = dust_graph_share(dust_lua_to_graph(L, 1));
  return box;
}

void dust_lua_let_graph_go(dust_graph **box) {
  dust_graph *graph = *box;
  *box = NULL;
  dust_graph_release(graph);
}

dust_graph *dust_lua_push_graph_copy(lua_State *L) {
  dust_graph **box = dust_lua_hold_graph(L);
  dust_lua_check(L, dust_graph_make_writable(box));
  return *box;
}

static int close_graph(lua_State *L) {
  dust_lua_let_graph_go(box_at(L, 1));
  return 0;
}

/* ---- fields */

static int get_spec(lua_State *L) {
  const dust_graph_spec spec = *dust_graph_get_spec(dust_lua_to_graph(L, 1));
  dust_lua_push_graph_spec(L, &spec);
  return 1;
}

static int get(lua_State *L) {
  const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
  if (strcmp(name, "spec") == 0) return get_spec(L);
  if (strcmp(name, "directed") == 0)
    lua_pushboolean(L, dust_graph_directed(dust_lua_to_graph(L, 1)));
  else if (strcmp(name, "ndim") == 0)
    lua_pushinteger(L, dust_graph_ndim(dust_lua_to_graph(L, 1)));
  else if (strcmp(name, "closed") == 0)
    lua_pushboolean(L, *box_at(L, 1) == NULL);
  else
    return dust_lua_method(L);
  return 1;
}

static int set(lua_State *L) {
  static const char *const known[] = {"spec", NULL};
  const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : luaL_typename(L, 2);
  if (strcmp(name, "spec") != 0) return dust_lua_unknown(L, "Graph", "field to set", name, known);
  dust_graph_spec spec = *dust_lua_to_graph_spec(L, 3);
  dust_lua_check(L, dust_graph_set_spec(writable(L), &spec));
  return 0;
}

static int print(lua_State *L) {
  const dust_graph *graph = *box_at(L, 1);
  char spec[1024];
  if (!graph) return lua_pushliteral(L, "Graph (closed)"), 1;
  dust_graph_spec_format(spec, sizeof spec, dust_graph_get_spec(graph));
  lua_pushfstring(L, "Graph with %I nodes and %I edges, %s", (lua_Integer)dust_graph_node_count(graph),
                  (lua_Integer)dust_graph_edge_count(graph), spec);
  return 1;
}

/* ---- looking */

/* One iterator for both: upvalues are the graph's box, the position, whether edges are meant, and a box that no script can reach,
 * which holds the graph while an item is made into tables. */
static int next_item(lua_State *L) {
  dust_graph **box = lua_touserdata(L, lua_upvalueindex(1)), **held = lua_touserdata(L, lua_upvalueindex(4));
  size_t at = (size_t)lua_tointeger(L, lua_upvalueindex(2));
  bool edges = lua_toboolean(L, lua_upvalueindex(3));
  if (!*box) return 0;
  if (at >= (edges ? dust_graph_edge_count(*box) : dust_graph_node_count(*box))) {
    dust_lua_let_graph_go(box);
    return 0;
  }
  lua_pushinteger(L, (lua_Integer)at + 1);
  lua_replace(L, lua_upvalueindex(2));
  dust_lua_let_graph_go(held);
  *held = dust_graph_share(*box);
  if (edges)
    dust_lua_push_edge(L, *held, at);
  else
    dust_lua_push_node(L, *held, at);
  dust_lua_let_graph_go(held);
  return 1;
}

static int iterate(lua_State *L, bool edges) {
  lua_settop(L, 1);
  dust_lua_hold_graph(L);
  int at = lua_gettop(L);
  lua_pushvalue(L, at);
  lua_pushinteger(L, 0);
  lua_pushboolean(L, edges);
  dust_lua_new_graph(L);
  lua_pushcclosure(L, next_item, 4);
  lua_pushnil(L);
  lua_pushnil(L);
  lua_pushvalue(L, at); /* the loop closes it, also when it is left early */
  return 4;
}

static int nodes(lua_State *L) { return iterate(L, false); }
static int edges(lua_State *L) { return iterate(L, true); }

static int num_nodes(lua_State *L) { return lua_pushinteger(L, (lua_Integer)dust_graph_node_count(dust_lua_to_graph(L, 1))), 1; }
static int num_edges(lua_State *L) { return lua_pushinteger(L, (lua_Integer)dust_graph_edge_count(dust_lua_to_graph(L, 1))), 1; }

static int node(lua_State *L) {
  dust_lua_to_graph(L, 1);
  const int64_t id = dust_lua_integer(L, 2, "the node's id");
  dust_graph **held = dust_lua_hold_graph(L);
  size_t position = dust_graph_find(*held, id);
  if (position == SIZE_MAX)
    lua_pushnil(L);
  else
    dust_lua_push_node(L, *held, position);
  dust_lua_let_graph_go(held);
  return 1;
}

static int contains(lua_State *L) {
  lua_pushboolean(L, dust_graph_find(dust_lua_to_graph(L, 1), dust_lua_integer(L, 2, "the node's id")) != SIZE_MAX);
  return 1;
}

/* Pushes both boxes, the list on top. */
static dust_graph **hold_with_list(lua_State *L, size_t ***list) {
  dust_graph **held = dust_lua_hold_graph(L);
  *list = dust_lua_new_list(L);
  return held;
}

static int push_ids(lua_State *L, dust_graph **held, size_t count) {
  dust_lua_positions_to_ids(L, *held, count);
  dust_lua_let_graph_go(held);
  return 1;
}

static int neighbors(lua_State *L) {
  dust_graph *graph = dust_lua_to_graph(L, 1);
  lua_Integer id = dust_lua_integer(L, 2, "the node's id");
  if (dust_graph_find(graph, id) == SIZE_MAX) return luaL_error(L, "there is no node %I in the graph", id);
  size_t count, **list;
  dust_graph **held = hold_with_list(L, &list);
  dust_lua_check(L, dust_graph_neighbors(*held, dust_graph_find(*held, id), list, &count));
  return push_ids(L, held, count);
}

static int first_stray(lua_State *L) {
  dust_graph *graph = dust_lua_to_graph(L, 1);
  size_t node;
  dust_lua_check(L, dust_graph_first_stray(graph, dust_lua_to_roi(L, 2), &node));
  if (node == SIZE_MAX)
    lua_pushnil(L);
  else
    lua_pushinteger(L, (lua_Integer)dust_graph_node_id(graph, node));
  return 1;
}

static int nodes_in(lua_State *L) {
  dust_lua_to_graph(L, 1);
  const dust_roi *roi = dust_lua_to_roi(L, 2);
  size_t count, **list;
  dust_graph **held = hold_with_list(L, &list);
  dust_lua_check(L, dust_graph_nodes_in(*held, roi, list, &count));
  return push_ids(L, held, count);
}

static int connected_components(lua_State *L) {
  dust_graph **held = dust_lua_hold_graph(L), *graph = *held;
  size_t n = dust_graph_node_count(graph), count;
  size_t *component = lua_newuserdatauv(L, (n + 1) * sizeof *component, 0);
  dust_lua_check(L, dust_graph_components(graph, component, &count));
  lua_newtable(L);
  for (size_t i = 0; i < n; i++) {
    if (lua_rawgeti(L, -1, (lua_Integer)component[i] + 1) == LUA_TNIL) {
      lua_pop(L, 1);
      lua_newtable(L);
      lua_pushvalue(L, -1);
      lua_rawseti(L, -3, (lua_Integer)component[i] + 1);
    }
    lua_pushinteger(L, dust_graph_node_id(graph, i));
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    lua_pop(L, 1);
  }
  dust_lua_let_graph_go(held);
  return 1;
}

/* ---- changing */

static int add_node(lua_State *L) {
  dust_lua_to_graph(L, 1);
  dust_lua_add_node(L, 2, 1, "the node");
  return 0;
}

static int add_edge(lua_State *L) {
  dust_lua_to_graph(L, 1);
  dust_lua_add_edge(L, 2, 1, "the edge");
  return 0;
}

static int remove_node(lua_State *L) {
  lua_settop(L, 3);
  int64_t id = dust_lua_integer(L, 2, "the node's id");
  bool retain = !lua_isnil(L, 3) && dust_lua_boolean(L, 3, "retain_connectivity");
  dust_lua_check(L, dust_graph_remove_node(writable(L), id, retain));
  return 0;
}

static int remove_edge(lua_State *L) {
  int64_t u = dust_lua_integer(L, 2, "the edge's u"), v = dust_lua_integer(L, 3, "the edge's v");
  dust_lua_check(L, dust_graph_remove_edge(writable(L), u, v));
  return 0;
}

/* ---- new graphs */

static int cut(lua_State *L, dust_status (*how)(dust_graph **, dust_graph *, const dust_roi *)) {
  dust_lua_to_graph(L, 1);
  const dust_roi *roi = dust_lua_to_roi(L, 2);
  dust_graph **box = dust_lua_new_graph(L);
  return dust_lua_made_graph(L, how(box, dust_lua_to_graph(L, 1), roi));
}

static int crop(lua_State *L) { return cut(L, dust_graph_crop); }
static int trim(lua_State *L) { return cut(L, dust_graph_trim); }

/* moved(roi, by, from, flip) */
static int moved(lua_State *L) {
  lua_settop(L, 5);
  dust_graph_motion motion = {0};
  int ndim = dust_graph_ndim(dust_lua_to_graph(L, 1));
  const dust_roi *roi = dust_lua_to_roi(L, 2);
  int axes = dust_lua_location(L, 3, motion.by, "the shift");
  if (axes != ndim) return luaL_error(L, "the shift has %d %s, the graph has %d axes", axes, axes == 1 ? "entry" : "entries", ndim);
  for (int d = 0; d < ndim; d++) {
    motion.from[d] = d;
    if (!lua_isnil(L, 4)) {
      luaL_checktype(L, 4, LUA_TTABLE);
      lua_rawgeti(L, 4, d + 1);
      int64_t from = dust_lua_integer(L, -1, "an axis");
      lua_pop(L, 1);
      motion.from[d] = from < 1 || from > ndim ? -1 : (int)from - 1; /* refused there */
    }
    if (lua_isnil(L, 5)) continue;
    luaL_checktype(L, 5, LUA_TTABLE);
    lua_rawgeti(L, 5, d + 1);
    motion.flip[d] = lua_toboolean(L, -1);
    lua_pop(L, 1);
  }
  dust_graph **box = dust_lua_new_graph(L);
  return dust_lua_made_graph(L, dust_graph_move(box, dust_lua_to_graph(L, 1), roi, &motion));
}

static int merge(lua_State *L) {
  lua_settop(L, 2);
  dust_graph **box = dust_lua_new_graph(L), *graph = dust_lua_to_graph(L, 1), *other = dust_lua_to_graph(L, 2);
  return dust_lua_made_graph(L, dust_graph_merge(box, graph, other));
}

static int shift(lua_State *L) {
  double by[DUST_MAXDIM];
  int axes = dust_lua_location(L, 2, by, "the shift"), ndim = dust_graph_ndim(dust_lua_to_graph(L, 1));
  if (axes != ndim) return luaL_error(L, "the shift has %d %s, the graph has %d axes", axes, axes == 1 ? "entry" : "entries", ndim);
  return dust_lua_made_graph(L, dust_graph_shift(dust_lua_push_graph_copy(L), by));
}

static int copy(lua_State *L) {
  dust_lua_hold_graph(L);
  return 1;
}

void dust_lua_open_graph(lua_State *L) {
  static const luaL_Reg methods[] = {{"nodes", nodes},
                                     {"edges", edges},
                                     {"num_nodes", num_nodes},
                                     {"num_edges", num_edges},
                                     {"node", node},
                                     {"contains", contains},
                                     {"neighbors", neighbors},
                                     {"nodes_in", nodes_in},
                                     {"first_stray", first_stray},
                                     {"connected_components", connected_components},
                                     {"add_node", add_node},
                                     {"add_edge", add_edge},
                                     {"remove_node", remove_node},
                                     {"remove_edge", remove_edge},
                                     {"crop", crop},
                                     {"trim", trim},
                                     {"moved", moved},
                                     {"merge", merge},
                                     {"shift", shift},
                                     {"copy", copy},
                                     {"arrays", dust_lua_graph_arrays},
                                     {"with_locations", dust_lua_graph_with_locations},
                                     {"close", close_graph},
                                     {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__index", get},      {"__newindex", set},      {"__tostring", print},
                                  {"__gc", close_graph}, {"__close", close_graph}, {NULL, NULL}};
  dust_lua_class(L, DUST_LUA_GRAPH, methods, meta);
  dust_lua_open_graph_tables(L);
  dust_lua_open_graph_makers(L);
}
