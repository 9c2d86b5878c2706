/* Userdata that are C values: made, told apart, and their classes. */
#include "lua/binding.h"

#include <string.h>

#define BOX(kind, type, name) const dust_lua_kind dust_lua_kind_##kind = {"moondust." name, sizeof(type)}
BOX(coordinate, dust_coordinate, "Coordinate");
BOX(roi, dust_roi, "Roi");
BOX(array_spec, dust_array_spec, "ArraySpec");
BOX(graph_spec, dust_graph_spec, "GraphSpec");
BOX(rng, dust_rng, "Rng");

const char dust_lua_ndarray_name[] = "moondust.ndarray";

void *dust_lua_new(lua_State *L, const dust_lua_kind *kind) {
  void *box = lua_newuserdatauv(L, kind->size, 0);
  lua_rawgetp(L, LUA_REGISTRYINDEX, kind);
  lua_setmetatable(L, -2);
  return box;
}

static void *test(lua_State *L, int index, const void *address) {
  if (lua_type(L, index) != LUA_TUSERDATA || !lua_getmetatable(L, index)) return NULL;
  lua_rawgetp(L, LUA_REGISTRYINDEX, address);
  const bool same = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return same ? lua_touserdata(L, index) : NULL;
}

void *dust_lua_test(lua_State *L, int index, const dust_lua_kind *kind) { return test(L, index, kind); }
void *dust_lua_test_class(lua_State *L, int index, const char *name) { return test(L, index, name); }

void *dust_lua_own(lua_State *L, int argument, const dust_lua_kind *kind) {
  void *box = dust_lua_test(L, argument, kind);
  if (!box) luaL_typeerror(L, argument, kind->name);
  return box;
}

void dust_lua_value_class(lua_State *L, const dust_lua_kind *kind, const luaL_Reg *methods, const luaL_Reg *meta) {
  dust_lua_class(L, kind->name, methods, meta);
  luaL_getmetatable(L, kind->name);
  lua_rawsetp(L, LUA_REGISTRYINDEX, kind);
}
