/* What the bindings of HDF5 files share. */
#ifndef DUST_LUA_HDF5_H
#define DUST_LUA_HDF5_H

#include <lua.h>
#include "store/hdf5.h"

/* ---- hdf5.c */
dust_hdf5 *dust_lua_to_hdf5_file(lua_State *L); /* the first argument; raises when closed */
/* A string without zero bytes. */
const char *dust_lua_to_text(lua_State *L, int index, const char *what);
/* true; or nil and a message when the world said no; raises for misuse and lack of memory. */
int dust_lua_hdf5_answer(lua_State *L, dust_status status);

/* ---- hdf5_create.c */
int dust_lua_hdf5_create(lua_State *L);

/* ---- hdf5_value.c: attributes. A number, a string, or a table of them. */
void dust_lua_push_hdf5_value(lua_State *L, const dust_hdf5_value *value);
/* The same backwards. Its elements live in values that are left on the stack, a single text in the Lua value itself; `what` names
 * the attribute in messages. */
dust_hdf5_value dust_lua_to_hdf5_value(lua_State *L, int index, const char *what);
/* Field `option` of the table at `index`: a table of numbers or a coordinate into out (DUST_HDF5_MAXDIM); 0 when absent. */
int dust_lua_world_numbers(lua_State *L, int index, const char *option, double *out);
/* Pushes a table of the names (strings) in the table at `index`, sorted; how many there are. */
int dust_lua_sorted_names(lua_State *L, int index, const char *what);

#endif
