/* core.png: pictures of arrays; array:png, which draws one. */
#include "lua/binding.h"
#include "store/png.h"

static int write_png(lua_State *L) {
  if (lua_type(L, 1) != LUA_TSTRING) return luaL_error(L, "path must be a string, not %s", dust_lua_type_name(L, 1));
  const dust_ndarray *image = dust_lua_to_ndarray(L, 2), *palette = lua_isnoneornil(L, 3) ? NULL : dust_lua_to_ndarray(L, 3);
  const dust_status status = dust_png_write(lua_tostring(L, 1), image, palette);
  if (status == DUST_ERROR_ARGUMENT) dust_lua_check(L, status);
  if (status != DUST_OK) return dust_lua_fail(L);
  lua_pushboolean(L, true);
  return 1;
}

static int read_png(lua_State *L) {
  if (lua_type(L, 1) != LUA_TSTRING) return luaL_error(L, "path must be a string, not %s", dust_lua_type_name(L, 1));
  dust_ndarray *image = dust_lua_new_ndarray(L);
  const dust_status status = dust_png_read(lua_tostring(L, 1), image);
  if (status == DUST_ERROR_WORLD || status == DUST_ERROR_UNSUPPORTED) return dust_lua_fail(L);
  return dust_lua_made_ndarray(L, status);
}

/* array:png(path, options): the drawing is Lua's */
static int draw_array(lua_State *L) {
  lua_settop(L, 3);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "moondust.picture");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "png");
  lua_pushvalue(L, 2), lua_pushvalue(L, 1), lua_pushvalue(L, 3), lua_pushinteger(L, 3);
  lua_call(L, 4, 2);
  return 2;
}

void dust_lua_open_png(lua_State *L) {
  static const luaL_Reg methods[] = {{"png", draw_array}, {NULL, NULL}};
  dust_lua_add_methods(L, DUST_LUA_NDARRAY, methods);
  static const luaL_Reg functions[] = {{"write", write_png}, {"read", read_png}, {NULL, NULL}};
  luaL_newlib(L, functions);
  lua_setfield(L, -2, "png");
}
