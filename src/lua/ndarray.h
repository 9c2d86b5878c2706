/* What the files behind md.ndarray share. The class is made in ndarray.c; each of the others brings a part of its methods:
 *
 *     ndarray.c  the box, fields, making, closing       ndarray_view.c  views and shapes       ndarray_index.c  a[…], a[…] = …
 *     ndarray_table.c  nested tables                    ndarray_print.c  tostring              ndarray_math.c  operators, comparisons
 *     ndarray_reduce.c  min, sum, unique, hash …
 *     ndarray_due.c  the box, and elements that are made when they are asked for
 */
#ifndef DUST_LUA_NDARRAY_FILES_H
#define DUST_LUA_NDARRAY_FILES_H

#include "kernel/scalar.h"
#include "lua/binding.h"

extern const luaL_Reg dust_lua_ndarray_views[], dust_lua_ndarray_reductions[], dust_lua_ndarray_comparisons[];
extern const luaL_Reg dust_lua_ndarray_operators[]; /* go into the metatable */
extern const luaL_Reg dust_lua_ndarray_joins[];     /* functions of the module */

/* A closed box above the first `arguments` values of the stack (missing ones are nil). Bindings make it first and look at their
 * arrays afterwards: making it may run the collector, and a script's finaliser may close an array that is still in use. */
dust_ndarray *dust_lua_result(lua_State *L, int arguments);
/* ---- elements that are due (ndarray_due.c) */
/* The array at `index` as it is for a script, of which only dtype and shape may be looked at: its elements may not be there. */
const dust_ndarray *dust_lua_seen_ndarray(lua_State *L, int index);
/* The elements that a view of the array at `index` is one of: its own, or those it is to be made of. A box made of them on top of the stack becomes what it
 * should be by dust_lua_made_of_source(), which returns 1; new_bytes: it isn't a view, but of bytes of its own. */
const dust_ndarray *dust_lua_source(lua_State *L, int index);
int dust_lua_made_of_source(lua_State *L, int index, dust_status status, bool new_bytes);
/* What dust_lua_source() is to be multiplied by; NULL where it is the array itself. */
const double *dust_lua_factor(lua_State *L, int index);
/* Whether in's elements times something as `dtype` can be left for later; into the closed box on top of the stack, returns 1. */
bool dust_lua_can_be_due(const dust_ndarray *in, dust_dtype dtype);
int dust_lua_made_due(lua_State *L, const dust_ndarray *in, double factor);
/* Of a box of DUST_LUA_NDARRAY: */
void dust_lua_ndarray_close(dust_ndarray *array);
bool dust_lua_ndarray_is_open(const dust_ndarray *array);

/* dust_lua_check of a view on top of the stack, which brought no new bytes; returns 1. */
int dust_lua_made_view(lua_State *L, dust_status status);
/* The arrays in the table at `index`, as a C array in a userdata left on the stack, which keeps them alive; `what` names the
 * table. They may be closed by a script that runs afterwards: dust_lua_check_open() raises then, and comes last before the list
 * is used. */
const dust_ndarray **dust_lua_array_list(lua_State *L, int index, const char *what, size_t *count);
void dust_lua_check_open(lua_State *L, const dust_ndarray **list, size_t count);
/* One element at `element` as a Lua integer (uint64: the same bits) or number. */
void dust_lua_push_element(lua_State *L, dust_dtype dtype, const void *element);
/* The number at `index`. */
/* A number, or the digits of an id from 2^63 on as a string. */
dust_scalar dust_lua_scalar(lua_State *L, int index, const char *what);
/* An axis counted from 1 in a script, from 0 here; 1 … count. */
int dust_lua_axis(lua_State *L, int index, int count);

int dust_lua_ndarray_get(lua_State *L);      /* a[table or integer], arguments as __index has them */
int dust_lua_ndarray_set(lua_State *L);      /* a[table or integer] = value, arguments as __newindex has them */
int dust_lua_ndarray_tostring(lua_State *L); /* __tostring */
int dust_lua_ndarray_totable(lua_State *L);
int dust_lua_ndarray_from_table(lua_State *L); /* core.ndarray(values, dtype) */

#endif
