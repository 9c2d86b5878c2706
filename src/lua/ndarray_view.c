/* md.ndarray: views and shapes; and stack and concatenate, which make one array of many. Axes are counted from 1 here and nowhere
 * below. */
#include "kernel/stack.h"
#include "lua/ndarray.h"

static int view(lua_State *L) {
  dust_ndarray *out = dust_lua_result(L, 1);
  dust_ndarray_share(out, dust_lua_source(L, 1));
  return dust_lua_made_of_source(L, 1, DUST_OK, false);
}

static int transpose(lua_State *L) {
  int axes[DUST_MAXDIM], given = lua_gettop(L) > 1 ? lua_gettop(L) - 1 : 0;
  dust_ndarray *out = dust_lua_result(L, given + 1);
  const dust_ndarray *a = dust_lua_source(L, 1);
  if (given != 0 && given != a->ndim)
    return luaL_error(L, "transpose needs the %d axes in their new order (or none: reversed), got %d", a->ndim, given);
  for (int d = 0; d < a->ndim; d++) axes[d] = given ? dust_lua_axis(L, d + 2, a->ndim) : a->ndim - 1 - d;
  return dust_lua_made_of_source(L, 1, dust_ndarray_transpose(out, a, axes), false);
}

static int flip(lua_State *L) {
  dust_ndarray *out = dust_lua_result(L, 2);
  const dust_ndarray *a = dust_lua_source(L, 1);
  int axis = dust_lua_axis(L, 2, a->ndim);
  return dust_lua_made_of_source(L, 1, dust_ndarray_flip(out, a, axis), false);
}

static int reshape(lua_State *L) {
  dust_ndarray *out = dust_lua_result(L, 2);
  const dust_ndarray *a = dust_lua_to_ndarray(L, 1);
  int64_t shape[DUST_MAXDIM];
  int ndim = dust_lua_integers(L, 2, shape, "shape");
  dust_lua_check(L, dust_ndarray_reshape(out, a, ndim, shape));
  return out->buffer == a->buffer ? 1 : dust_lua_made_ndarray(L, DUST_OK);
}

static int add_axis(lua_State *L) {
  dust_ndarray *out = dust_lua_result(L, 2);
  const dust_ndarray *a = dust_lua_source(L, 1);
  int axis = dust_lua_axis(L, 2, a->ndim + 1);
  return dust_lua_made_of_source(L, 1, dust_ndarray_add_axis(out, a, axis), false);
}

static int drop_axis(lua_State *L) {
  dust_ndarray *out = dust_lua_result(L, 2);
  const dust_ndarray *a = dust_lua_source(L, 1);
  int axis = dust_lua_axis(L, 2, a->ndim);
  if (a->shape[axis] != 1)
    return luaL_error(L, "axis %d has length %I; only an axis of length 1 can be dropped", axis + 1, (lua_Integer)a->shape[axis]);
  return dust_lua_made_of_source(L, 1, dust_ndarray_pick(out, a, axis, 0), false);
}

/* array:slice(axis, first, last, step) is a[{…, {first, last, step}, …}] with whole axes in front. */
static int slice(lua_State *L) {
  int axis = dust_lua_axis(L, 2, dust_lua_seen_ndarray(L, 1)->ndim);
  dust_lua_integer(L, 3, "first");
  dust_lua_integer(L, 4, "last");
  lua_settop(L, 5);
  lua_createtable(L, axis + 1, 0);
  for (int d = 0; d < axis; d++) {
    lua_newtable(L);
    lua_rawseti(L, 6, d + 1);
  }
  lua_createtable(L, 3, 0);
  for (int i = 0; i < 3; i++) {
    lua_pushvalue(L, 3 + i);
    lua_rawseti(L, 7, i + 1);
  }
  lua_rawseti(L, 6, axis + 1);
  lua_replace(L, 2);
  lua_settop(L, 2);
  return dust_lua_ndarray_get(L);
}

enum { MOST = 1 << 24 /* arrays in a list */ };

const dust_ndarray **dust_lua_array_list(lua_State *L, int index, const char *what, size_t *count) {
  if (lua_type(L, index) != LUA_TTABLE) luaL_error(L, "%s must be a table of ndarrays, not %s", what, dust_lua_type_name(L, index));
  lua_Integer n = luaL_len(L, index);
  if (n < 0 || n > MOST) luaL_error(L, "%s has %I entries; there may be up to %d", what, n, MOST);
  const dust_ndarray **list = lua_newuserdatauv(L, (size_t)n * sizeof *list + 1, 1);
  lua_createtable(L, 0, 0); /* what was read stays alive, whatever an __index of the table hands out */
  for (lua_Integer i = 1; i <= n; i++) {
    lua_geti(L, index, i);
    list[i - 1] = dust_lua_to_ndarray(L, -1);
    lua_rawseti(L, -2, i);
  }
  lua_setiuservalue(L, -2, 1);
  *count = (size_t)n;
  return list;
}

void dust_lua_check_open(lua_State *L, const dust_ndarray **list, size_t count) {
  for (size_t k = 0; k < count; k++)
    if (!list[k]->buffer) luaL_error(L, "array %d was closed", (int)k + 1);
}

static const dust_ndarray **some_arrays(lua_State *L, size_t *count) {
  lua_settop(L, 2);
  const dust_ndarray **list = dust_lua_array_list(L, 1, "arrays", count);
  if (*count == 0) luaL_error(L, "arrays is empty; there must be at least one");
  return list;
}

static int stack(lua_State *L) {
  size_t count;
  dust_pool *pool = dust_lua_pool(L);
  const dust_ndarray **list = some_arrays(L, &count);
  dust_ndarray *out = dust_lua_new_ndarray(L);
  dust_lua_check_open(L, list, count);
  return dust_lua_made_ndarray(L, dust_stack_arrays(out, list, count, pool));
}

static int concatenate(lua_State *L) {
  size_t count;
  dust_pool *pool = dust_lua_pool(L);
  const dust_ndarray **list = some_arrays(L, &count);
  int axis = dust_lua_axis(L, 2, list[0]->ndim);
  dust_ndarray *out = dust_lua_new_ndarray(L);
  dust_lua_check_open(L, list, count);
  return dust_lua_made_ndarray(L, dust_concatenate_arrays(out, list, count, axis, pool));
}

const luaL_Reg dust_lua_ndarray_views[] = {{"view", view},         {"transpose", transpose}, {"flip", flip},   {"reshape", reshape},
                                           {"add_axis", add_axis}, {"drop_axis", drop_axis}, {"slice", slice}, {NULL, NULL}};
const luaL_Reg dust_lua_ndarray_joins[] = {{"stack", stack}, {"concatenate", concatenate}, {NULL, NULL}};
