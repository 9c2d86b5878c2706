/* For a C host with a Lua state of its own: both modules, linked in.
 *
 *     luaL_openlibs(L);
 *     luaL_requiref(L, "moondust", luaopen_moondust, 0);
 *     lua_pop(L, 1);                                     // scripts now say: local md = require "moondust"
 *
 *     cc host.c $(pkg-config --static --cflags --libs moondust-lua)
 *
 * Each state has its own kernel threads and caches: several states in several threads don't know of each other.
 */
#ifndef MOONDUST_LUA_H
#define MOONDUST_LUA_H

#include <lua.h>

/* `moondust`, its Lua files inside the library: nothing is looked for on disk. Needs the standard libraries, of which it uses `package` to make the rest of
 * itself known (package.preload). Leaves the module on the stack; raises as `require` does. */
int luaopen_moondust(lua_State *L);

/* `moondust.core` alone: the C part, for a host whose Lua files lie on package.path. */
int luaopen_moondust_core(lua_State *L);

#endif
