/* core.png: pictures of arrays. */
#include "lua/binding.h"
#include "store/png.h"

static int write_png(lua_State *L) {
  if (lua_type(L, 1) != LUA_TSTRING) return luaL_error(L, "path must be a string, not %s", dust_lua_type_name(L, 1));
  const dust_status status = dust_png_write(lua_tostring(L, 1), dust_lua_to_ndarray(L, 2));
  if (status == DUST_ERROR_ARGUMENT) dust_lua_check(L, status);
  if (status != DUST_OK) return dust_lua_fail(L);
  lua_pushboolean(L, true);
  return 1;
}

void dust_lua_open_png(lua_State *L) {
  static const luaL_Reg functions[] = {{"write", write_png}, {NULL, NULL}};
  luaL_newlib(L, functions);
  lua_setfield(L, -2, "png");
}
