/* Nodes and edges out of Lua tables: what a script hands over is checked here word by word; a graph refuses the rest (infinity,
 * ids that don't exist) in its own words. */
#include "lua/graph_value.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const node_fields[] = {"id", "location", "attrs", "temporary", NULL};
static const char *const edge_fields[] = {"u", "v", "attrs", NULL};

int dust_lua_pick(lua_State *L, int index, const char *name, int position) {
  int type = lua_getfield(L, index, name);
  if (type != LUA_TNIL || position == 0) return type;
  lua_pop(L, 1);
  return lua_geti(L, index, position);
}

int dust_lua_location(lua_State *L, int index, double *out, const char *what) {
  index = lua_absindex(L, index);
  if (dust_lua_test(L, index, DUST_LUA_COORDINATE)) {
    dust_coordinate c = dust_lua_named_coordinate(L, index, 0, what);
    if (c.unbounded) return luaL_error(L, "%s must not be unbounded", what);
    for (int d = 0; d < c.ndim; d++) out[d] = (double)c.value[d];
    return c.ndim;
  }
  if (!lua_istable(L, index)) return luaL_error(L, "%s must be a table of numbers, not %s", what, dust_lua_type_name(L, index));
  lua_Integer n = luaL_len(L, index);
  if (n < 1 || n > DUST_MAXDIM) return luaL_error(L, "%s has %I entries; there are 1 to %d axes", what, n, DUST_MAXDIM);
  for (int d = 0; d < n; d++) {
    char entry[DUST_LUA_WORDS + 32];
    snprintf(entry, sizeof entry, "entry %d of %s", d + 1, what);
    lua_geti(L, index, d + 1);
    out[d] = dust_lua_number(L, -1, entry);
    lua_pop(L, 1);
  }
  return (int)n;
}

/* Names are strings, values numbers; nil is as good as no attributes. Leaves the stack as it was. */
static void check_attrs(lua_State *L, int index, const char *of) {
  if (lua_isnil(L, index)) return;
  if (!lua_istable(L, index)) luaL_error(L, "attrs of %s must be a table, not %s", of, dust_lua_type_name(L, index));
  index = lua_absindex(L, index);
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING) luaL_error(L, "an attribute of %s has a %s as name; names are strings", of, luaL_typename(L, -2));
    const char *name = lua_tostring(L, -2);
    if (strlen(name) != lua_rawlen(L, -2)) luaL_error(L, "attribute '%s' of %s has a zero byte in its name", name, of);
    if (lua_type(L, -1) != LUA_TNUMBER) luaL_error(L, "attribute '%s' of %s must be a number, not %s", name, of, dust_lua_type_name(L, -1));
  }
}

dust_node_value dust_lua_read_node(lua_State *L, int index, const char *what) {
  dust_node_value node;
  char words[DUST_LUA_WORDS], of[DUST_LUA_WORDS / 2];
  index = lua_absindex(L, index);
  if (!lua_istable(L, index)) luaL_error(L, "%s must be a Node, not %s", what, dust_lua_type_name(L, index));
  dust_lua_known_fields(L, index, "Node", node_fields, 3);
  if (dust_lua_pick(L, index, "id", 1) == LUA_TNIL) luaL_error(L, "%s has no id", what);
  snprintf(words, sizeof words, "id of %s", what);
  node.id = dust_lua_integer(L, -1, words);
  snprintf(of, sizeof of, "node %lld", (long long)node.id);
  if (dust_lua_pick(L, index, "location", 2) == LUA_TNIL) luaL_error(L, "%s has no location", of);
  snprintf(words, sizeof words, "location of %s", of);
  node.ndim = dust_lua_location(L, -1, node.location, words);
  for (int d = 0; d < node.ndim; d++) {
    if (isnan(node.location[d])) luaL_error(L, "%s is NaN on axis %d", words, d + 1);
  }
  snprintf(words, sizeof words, "temporary of %s", of);
  node.temporary = dust_lua_pick(L, index, "temporary", 0) != LUA_TNIL && dust_lua_boolean(L, -1, words);
  lua_pop(L, 3);
  dust_lua_pick(L, index, "attrs", 3);
  check_attrs(L, -1, of);
  return node;
}

void dust_lua_add_node(lua_State *L, int index, int at, const char *what) {
  dust_node_value node = dust_lua_read_node(L, index, what);
  dust_graph *graph = dust_lua_writable_graph(L, at);
  if (node.ndim != dust_graph_ndim(graph)) {
    const char *entries = node.ndim == 1 ? "entry" : "entries";
    luaL_error(L, "location of node %I has %d %s, the graph has %d axes", (lua_Integer)node.id, node.ndim, entries, dust_graph_ndim(graph));
  }
  dust_lua_check(L, dust_graph_add_node(graph, node.id, node.location, node.temporary));
  if (lua_istable(L, -1)) {
    size_t position = dust_graph_find(graph, node.id);
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
      dust_lua_check(L, dust_graph_set_node_attr(graph, position, lua_tostring(L, -2), lua_tonumber(L, -1)));
    }
  }
  lua_pop(L, 1);
}

void dust_lua_read_edge(lua_State *L, int index, const char *what, int64_t end[2]) {
  char words[DUST_LUA_WORDS];
  index = lua_absindex(L, index);
  if (!lua_istable(L, index)) luaL_error(L, "%s must be an Edge, not %s", what, dust_lua_type_name(L, index));
  dust_lua_known_fields(L, index, "Edge", edge_fields, 3);
  for (int k = 0; k < 2; k++) {
    if (dust_lua_pick(L, index, edge_fields[k], k + 1) == LUA_TNIL) luaL_error(L, "%s has no %s", what, edge_fields[k]);
    snprintf(words, sizeof words, "%s of %s", edge_fields[k], what);
    end[k] = dust_lua_integer(L, -1, words);
    lua_pop(L, 1);
  }
  snprintf(words, sizeof words, "edge (%lld, %lld)", (long long)end[0], (long long)end[1]);
  dust_lua_pick(L, index, "attrs", 3);
  check_attrs(L, -1, words);
}

void dust_lua_add_edge(lua_State *L, int index, int at, const char *what) {
  int64_t end[2];
  dust_lua_read_edge(L, index, what, end);
  dust_graph *graph = dust_lua_writable_graph(L, at);
  dust_lua_check(L, dust_graph_add_edge(graph, end[0], end[1]));
  if (lua_istable(L, -1)) {
    size_t position = dust_graph_find_edge(graph, end[0], end[1]);
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
      dust_lua_check(L, dust_graph_set_edge_attr(graph, position, lua_tostring(L, -2), lua_tonumber(L, -1)));
    }
  }
  lua_pop(L, 1);
}
