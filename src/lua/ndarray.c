/* md.ndarray: the userdata begins with a dust_ndarray, one view of a refcounted buffer. A box with no buffer is closed, before something
 * is put into it and after :close(), or its elements are due (ndarray_due.c, where boxes are made). */
#include "lua/ndarray.h"

#include <string.h>
#include "kernel/copy.h"

/* ---- the box */
dust_ndarray *dust_lua_result(lua_State *L, int arguments) {
  lua_settop(L, arguments);
  return dust_lua_new_ndarray(L);
}

int dust_lua_made_view(lua_State *L, dust_status status) {
  dust_lua_check(L, status);
  return 1;
}

int dust_lua_made_ndarray(lua_State *L, dust_status status) {
  dust_lua_check(L, status);
  const dust_ndarray *array = lua_touserdata(L, -1);
  dust_lua_account(L, dust_ndarray_bytes(array));
  return 1;
}

static int release(lua_State *L) {
  dust_lua_ndarray_close(luaL_checkudata(L, 1, DUST_LUA_NDARRAY));
  return 0;
}

/* ---- numbers */
void dust_lua_push_element(lua_State *L, dust_dtype dtype, const void *element) {
  if (dust_dtype_is_float(dtype)) {
    double number;
    dust_row_to_double(&number, element, 0, dtype, 1);
    lua_pushnumber(L, number);
  } else {
    uint64_t bits;
    dust_row_to_label(&bits, element, 0, dtype, 1);
    lua_pushinteger(L, (lua_Integer)bits);
  }
}

dust_scalar dust_lua_scalar(lua_State *L, int index, const char *what) {
  uint64_t bits;
  bool beyond;
  if (lua_type(L, index) == LUA_TSTRING && dust_lua_label_bits(L, index, &bits, &beyond))
    return (dust_scalar){true, (int64_t)bits, (double)bits};
  if (lua_isinteger(L, index)) return dust_scalar_integer(lua_tointeger(L, index));
  return dust_scalar_number(dust_lua_number(L, index, what));
}

int dust_lua_axis(lua_State *L, int index, int count) {
  int64_t axis = dust_lua_integer(L, index, "axis");
  if (axis < 1 || axis > count) luaL_error(L, "axis %I: there are axes 1 to %d", (lua_Integer)axis, count);
  return (int)axis - 1;
}

/* ---- fields */
static int get_shape(lua_State *L, const dust_ndarray *a) {
  dust_ndarray seen = *a; /* making a table may run a finaliser that closes the array */
  lua_createtable(L, seen.ndim, 0);
  for (int d = 0; d < seen.ndim; d++) {
    lua_pushinteger(L, seen.shape[d]);
    lua_rawseti(L, -2, d + 1);
  }
  return 1;
}

static int get_dtype(lua_State *L, const dust_ndarray *a) { return lua_pushstring(L, dust_dtype_name(a->dtype)), 1; }
static int get_ndim(lua_State *L, const dust_ndarray *a) { return lua_pushinteger(L, a->ndim), 1; }
static int get_size(lua_State *L, const dust_ndarray *a) { return lua_pushinteger(L, dust_ndarray_count(a)), 1; }
static int get_nbytes(lua_State *L, const dust_ndarray *a) { return lua_pushinteger(L, (lua_Integer)dust_ndarray_bytes(a)), 1; }

static const struct field {
  const char *name;
  int (*get)(lua_State *L, const dust_ndarray *a);
} fields[] = {{"shape", get_shape}, {"dtype", get_dtype}, {"ndim", get_ndim}, {"size", get_size}, {"nbytes", get_nbytes}};

static int get_field(lua_State *L) {
  const char *name = lua_tostring(L, 2);
  const dust_ndarray *box = luaL_checkudata(L, 1, DUST_LUA_NDARRAY);
  if (strcmp(name, "closed") == 0) return lua_pushboolean(L, !dust_lua_ndarray_is_open(box)), 1;
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
    if (strcmp(fields[i].name, name) == 0) return fields[i].get(L, dust_lua_seen_ndarray(L, 1));
  return dust_lua_method(L); /* methods are found on a closed array too: they say so themselves, and :close() is fine */
}

static int index_(lua_State *L) { return lua_type(L, 2) == LUA_TSTRING ? get_field(L) : dust_lua_ndarray_get(L); }

static int newindex(lua_State *L) {
  if (lua_type(L, 2) != LUA_TSTRING) return dust_lua_ndarray_set(L);
  return luaL_error(L, "an ndarray's field '%s' can't be set; elements are written as a[{z, y, x}] = value", lua_tostring(L, 2));
}

static int length(lua_State *L) {
  const dust_ndarray *a = dust_lua_seen_ndarray(L, 1);
  if (a->ndim == 0) return luaL_error(L, "an array of no axes has no length");
  lua_pushinteger(L, a->shape[0]);
  return 1;
}

/* ---- making */
static int make(lua_State *L, dust_status (*maker)(dust_ndarray *, dust_dtype, int, const int64_t *)) {
  int64_t shape[DUST_MAXDIM];
  int ndim = dust_lua_integers(L, 1, shape, "shape");
  dust_dtype dtype = dust_lua_dtype(L, 2, DUST_FLOAT32);
  dust_ndarray *out = dust_lua_new_ndarray(L);
  return dust_lua_made_ndarray(L, maker(out, dtype, ndim, shape));
}

static int make_zeros(lua_State *L) { return make(L, dust_ndarray_zeros); }
static int make_empty(lua_State *L) { return make(L, dust_ndarray_empty); }

static int copy(lua_State *L) {
  dust_ndarray *out = dust_lua_result(L, 1);
  return dust_lua_made_ndarray(L, dust_ndarray_copy(out, dust_lua_to_ndarray(L, 1)));
}

static int astype(lua_State *L) {
  dust_pool *pool = dust_lua_pool(L);
  dust_ndarray *out = dust_lua_result(L, 2);
  const dust_ndarray *a = dust_lua_to_ndarray(L, 1);
  if (lua_isnil(L, 2)) return luaL_error(L, "astype needs the name of a dtype");
  dust_dtype dtype = dust_lua_dtype(L, 2, a->dtype);
  dust_status status = dust_cast_array(out, a, dtype, pool);
  return dtype == a->dtype ? dust_lua_made_view(L, status) : dust_lua_made_ndarray(L, status);
}

static int fill(lua_State *L) {
  dust_pool *pool = dust_lua_pool(L);
  dust_ndarray *a = dust_lua_to_ndarray(L, 1);
  dust_scalar value = dust_lua_scalar(L, 2, "the value to fill with");
  const dust_buffer *before = a->buffer;
  dust_lua_check(L, dust_ndarray_make_writable(a));
  dust_lua_check(L, dust_fill_array(a, &value, pool));
  lua_settop(L, 1);
  if (a->buffer != before) dust_lua_account(L, dust_ndarray_bytes(a));
  return 1;
}

static int tostring_bytes(lua_State *L) {
  dust_ndarray *packed = dust_lua_result(L, 1); /* a box, because pushing a long string may raise */
  dust_lua_check(L, dust_ndarray_contiguous(packed, dust_lua_to_ndarray(L, 1)));
  lua_pushlstring(L, packed->data, dust_ndarray_bytes(packed));
  dust_ndarray_release(packed);
  return 1;
}

void dust_lua_open_ndarray(lua_State *L) {
  static const luaL_Reg methods[] = {{"close", release},
                                     {"copy", copy},
                                     {"astype", astype},
                                     {"fill", fill},
                                     {"tostring_bytes", tostring_bytes},
                                     {"totable", dust_lua_ndarray_totable},
                                     {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__index", index_}, {"__newindex", newindex}, {"__len", length},
                                  {"__gc", release},   {"__close", release},     {"__tostring", dust_lua_ndarray_tostring},
                                  {NULL, NULL}};
  static const luaL_Reg functions[] = {
      {"ndarray", dust_lua_ndarray_from_table}, {"zeros", make_zeros}, {"empty", make_empty}, {NULL, NULL}};
  const luaL_Reg *more[] = {dust_lua_ndarray_views, dust_lua_ndarray_reductions, dust_lua_ndarray_comparisons};
  dust_lua_class(L, DUST_LUA_NDARRAY, methods, meta);
  luaL_getmetatable(L, DUST_LUA_NDARRAY);
  luaL_setfuncs(L, dust_lua_ndarray_operators, 0);
  lua_pop(L, 1);
  for (int i = 0; i < 3; i++) dust_lua_add_methods(L, DUST_LUA_NDARRAY, more[i]);
  luaL_setfuncs(L, functions, 0);
  luaL_setfuncs(L, dust_lua_ndarray_joins, 0);
}
