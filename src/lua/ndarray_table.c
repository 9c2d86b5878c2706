/* md.ndarray: from nested tables and to them. Depth and lengths are read off the first entries; every other entry must agree. */
#include "lua/ndarray.h"

/* ---- to */
static void push_level(lua_State *L, const dust_ndarray *a, int axis, const char *data) {
  if (axis == a->ndim) {
    dust_lua_push_element(L, a->dtype, data);
    return;
  }
  int64_t n = a->shape[axis];
  lua_createtable(L, n < INT32_MAX ? (int)n : 0, 0);
  for (int64_t i = 0; i < n; i++) {
    push_level(L, a, axis + 1, data + i * a->stride[axis]);
    lua_rawseti(L, -2, i + 1);
  }
}

int dust_lua_ndarray_totable(lua_State *L) {
  dust_ndarray *view = dust_lua_result(L, 1); /* a view of our own: the script may close its array while tables are made */
  dust_ndarray_share(view, dust_lua_to_ndarray(L, 1));
  push_level(L, view, 0, view->data);
  dust_ndarray_release(view);
  return 1;
}

/* ---- from */
static int read_shape(lua_State *L, int64_t *shape) {
  int ndim = 0;
  lua_pushvalue(L, 1);
  while (lua_type(L, -1) == LUA_TTABLE) {
    if (ndim == DUST_MAXDIM) luaL_error(L, "values are nested deeper than %d axes", DUST_MAXDIM);
    shape[ndim++] = luaL_len(L, -1);
    if (shape[ndim - 1] <= 0) break;
    lua_geti(L, -1, 1);
    lua_remove(L, -2);
  }
  lua_pop(L, 1);
  return ndim;
}

/* "[2][3]" for messages. */
static const char *place(lua_State *L, const int64_t *index, int depth) {
  luaL_Buffer text;
  luaL_buffinit(L, &text);
  luaL_addstring(&text, "values");
  for (int d = 0; d < depth; d++) {
    char entry[32];
    snprintf(entry, sizeof entry, "[%lld]", (long long)index[d]);
    luaL_addstring(&text, entry);
  }
  luaL_pushresult(&text);
  return lua_tostring(L, -1);
}

static char *read_level(lua_State *L, const dust_ndarray *out, int64_t *index, int axis, char *data) {
  if (axis == out->ndim) {
    uint64_t bits;
    bool beyond;
    if (lua_type(L, -1) != LUA_TNUMBER && !dust_lua_label_bits(L, -1, &bits, &beyond)) {
      const char *what = dust_lua_type_name(L, -1);
      luaL_error(L, "%s must be a number, not %s", place(L, index, axis), what);
    }
    dust_scalar value = dust_lua_scalar(L, -1, "value");
    dust_scalar_store(data, out->dtype, &value);
    return data + dust_dtype_size(out->dtype);
  }
  if (lua_type(L, -1) != LUA_TTABLE) {
    const char *what = dust_lua_type_name(L, -1);
    luaL_error(L, "%s must be a table of %I, not %s", place(L, index, axis), (lua_Integer)out->shape[axis], what);
  }
  lua_Integer n = luaL_len(L, -1);
  if (n != out->shape[axis])
    luaL_error(L, "%s has %I entries where the first of its kind has %I", place(L, index, axis), n, (lua_Integer)out->shape[axis]);
  for (index[axis] = 1; index[axis] <= n; index[axis]++) {
    lua_geti(L, -1, index[axis]);
    data = read_level(L, out, index, axis + 1, data);
    lua_pop(L, 1);
  }
  return data;
}

int dust_lua_ndarray_from_table(lua_State *L) {
  int64_t shape[DUST_MAXDIM], index[DUST_MAXDIM];
  dust_ndarray *out = dust_lua_result(L, 2);
  if (lua_type(L, 1) != LUA_TTABLE && lua_type(L, 1) != LUA_TNUMBER)
    return luaL_error(L, "values must be a number or nested tables of numbers, not %s", dust_lua_type_name(L, 1));
  dust_dtype dtype = dust_lua_dtype(L, 2, DUST_FLOAT32);
  int ndim = read_shape(L, shape);
  dust_lua_check(L, dust_ndarray_empty(out, dtype, ndim, shape));
  lua_pushvalue(L, 1);
  read_level(L, out, index, 0, out->data);
  lua_pop(L, 1);
  return dust_lua_made_ndarray(L, DUST_OK);
}
