/* Nodes, edges and lists of ids into Lua tables.
 *
 * A node is { id =, location = {z, y, x}, temporary =, attrs = { name = number } }, an edge { u =, v =, attrs = }: plain tables
 * whose metatable only prints them.
 */
#include "lua/graph_value.h"

#include <stdio.h>
#include "base/mem.h"

#define NODE "moondust.Node"
#define EDGE "moondust.Edge"
#define LIST "moondust.list"

static void push_location(lua_State *L, const double *location, int ndim) {
  lua_createtable(L, ndim, 0);
  for (int d = 0; d < ndim; d++) {
    lua_pushnumber(L, location[d]);
    lua_rawseti(L, -2, d + 1);
  }
}

static void push_attrs(lua_State *L, const dust_graph *graph, bool of_edges, size_t item) {
  lua_newtable(L);
  for (size_t a = 0; a < dust_graph_attr_count(graph, of_edges); a++) {
    bool present;
    double value = dust_graph_attr(graph, of_edges, a, item, &present);
    if (!present) continue;
    lua_pushnumber(L, value);
    lua_setfield(L, -2, dust_graph_attr_name(graph, of_edges, a));
  }
}

void dust_lua_push_node_value(lua_State *L, int64_t id, const double *location, int ndim, bool temporary) {
  lua_createtable(L, 0, 4);
  lua_insert(L, -2);
  lua_setfield(L, -2, "attrs");
  lua_pushinteger(L, id);
  lua_setfield(L, -2, "id");
  push_location(L, location, ndim);
  lua_setfield(L, -2, "location");
  lua_pushboolean(L, temporary);
  lua_setfield(L, -2, "temporary");
  luaL_setmetatable(L, NODE);
}

void dust_lua_push_edge_value(lua_State *L, int64_t u, int64_t v) {
  lua_createtable(L, 0, 3);
  lua_insert(L, -2);
  lua_setfield(L, -2, "attrs");
  lua_pushinteger(L, u);
  lua_setfield(L, -2, "u");
  lua_pushinteger(L, v);
  lua_setfield(L, -2, "v");
  luaL_setmetatable(L, EDGE);
}

void dust_lua_push_node(lua_State *L, const dust_graph *graph, size_t node) {
  push_attrs(L, graph, false, node);
  dust_lua_push_node_value(L, dust_graph_node_id(graph, node), dust_graph_location(graph, node), dust_graph_ndim(graph),
                           dust_graph_temporary(graph, node));
}

void dust_lua_push_edge(lua_State *L, const dust_graph *graph, size_t edge) {
  int64_t u, v;
  dust_graph_edge(graph, edge, &u, &v);
  push_attrs(L, graph, true, edge);
  dust_lua_push_edge_value(L, u, v);
}

size_t **dust_lua_new_list(lua_State *L) {
  size_t **box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = NULL;
  luaL_setmetatable(L, LIST);
  return box;
}

static int release_list(lua_State *L) {
  size_t **box = lua_touserdata(L, 1);
  dust_free(*box);
  *box = NULL;
  return 0;
}

int dust_lua_positions_to_ids(lua_State *L, const dust_graph *graph, size_t count) {
  size_t **box = lua_touserdata(L, -1);
  lua_createtable(L, count < 1 << 30 ? (int)count : 0, 0);
  for (size_t i = 0; i < count; i++) {
    lua_pushinteger(L, dust_graph_node_id(graph, (*box)[i]));
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  dust_free(*box);
  *box = NULL;
  return 1;
}

/* ---- printing; a script may have put anything into the fields */

static int print_node(lua_State *L) {
  lua_settop(L, 1);
  lua_getfield(L, 1, "temporary");
  luaL_Buffer text;
  lua_getfield(L, 1, "id");
  const char *id = luaL_tolstring(L, -1, NULL);
  int has_location = lua_getfield(L, 1, "location") == LUA_TTABLE;
  luaL_buffinit(L, &text);
  lua_pushfstring(L, "%sNode %s at (", lua_toboolean(L, 2) ? "temporary " : "", id);
  luaL_addvalue(&text);
  for (lua_Integer d = 1; has_location && d <= (lua_Integer)lua_rawlen(L, 5) && d <= DUST_MAXDIM; d++) {
    char number[40];
    lua_rawgeti(L, 5, d);
    snprintf(number, sizeof number, "%s%.9g", d > 1 ? ", " : "", lua_tonumber(L, -1));
    lua_pop(L, 1);
    luaL_addstring(&text, number);
  }
  luaL_addstring(&text, ")");
  luaL_pushresult(&text);
  return 1;
}

static int print_edge(lua_State *L) {
  lua_settop(L, 1);
  lua_getfield(L, 1, "u");
  const char *u = luaL_tolstring(L, -1, NULL);
  lua_getfield(L, 1, "v");
  const char *v = luaL_tolstring(L, -1, NULL);
  lua_pushfstring(L, "Edge (%s, %s)", u, v);
  return 1;
}

void dust_lua_open_graph_tables(lua_State *L) {
  static const luaL_Reg node_meta[] = {{"__tostring", print_node}, {NULL, NULL}};
  static const luaL_Reg edge_meta[] = {{"__tostring", print_edge}, {NULL, NULL}};
  static const luaL_Reg list_meta[] = {{"__gc", release_list}, {NULL, NULL}};
  dust_lua_class(L, NODE, NULL, node_meta);
  dust_lua_class(L, EDGE, NULL, edge_meta);
  dust_lua_class(L, LIST, NULL, list_meta);
}
