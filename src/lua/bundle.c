/* The module `moondust` for a host that links it: the Lua files come out of the library. Only in libmoondust-lua.a, as the files would be there twice in a module
 * or a program that finds them on disk. */
#include "lua/bundle.h"

#include <lauxlib.h>
#include <string.h>
#include "lua/moondust_lua.h"

/* A loader of package.preload's: (module) -> what the file returns. Upvalue 1: the file. */
static int load_file(lua_State *L) {
  const dust_lua_file *file = lua_touserdata(L, lua_upvalueindex(1));
  const char *name = lua_pushfstring(L, "@%s", file->path);
  if (luaL_loadbufferx(L, (const char *)file->text, file->length, name, "t") != LUA_OK) return lua_error(L);
  lua_pushstring(L, file->module);
  lua_call(L, 1, 1);
  return 1;
}

static void preload(lua_State *L, const dust_lua_file *file) {
  lua_pushlightuserdata(L, (void *)file);
  lua_pushcclosure(L, load_file, 1);
  lua_setfield(L, -2, file->module);
}

int luaopen_moondust(lua_State *L) {
  const dust_lua_file *whole = NULL;
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  for (const dust_lua_file *file = dust_lua_files; file->module; file++) {
    preload(L, file);
    if (strcmp(file->module, "moondust") == 0) whole = file;
  }
  lua_pushcfunction(L, luaopen_moondust_core);
  lua_setfield(L, -2, "moondust.core");
  lua_pop(L, 1);
  if (!whole) return luaL_error(L, "this libmoondust-lua was built without its Lua files");
  lua_pushlightuserdata(L, (void *)whole);
  lua_pushcclosure(L, load_file, 1);
  lua_call(L, 0, 1);
  return 1;
}
