/* The program's Lua state, whose small blocks come from lists of free ones. Only the program is linked with it, not the module. */
#ifndef DUST_LUA_SMALL_H
#define DUST_LUA_SMALL_H

#include <lua.h>

/* luaL_newstate() with such an allocator; NULL when there is no memory. Closed by dust_lua_close_state(), not by lua_close(). */
lua_State *dust_lua_new_state(void);
void dust_lua_close_state(lua_State *L);

#endif
