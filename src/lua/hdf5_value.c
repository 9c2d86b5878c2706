/* Attributes between Lua and HDF5. Whole numbers of Lua's integer subtype are written as int64, everything else that is a number
 * as float64. */
#include "lua/hdf5.h"

#include <string.h>
#include "lua/binding.h"

static void push_element(lua_State *L, const dust_hdf5_value *value, size_t i) {
  switch (value->kind) {
    case DUST_HDF5_INTEGERS: lua_pushinteger(L, value->integers[i]); break;
    case DUST_HDF5_UNSIGNED: break; /* not one by one */
    case DUST_HDF5_NUMBERS: lua_pushnumber(L, value->numbers[i]); break;
    case DUST_HDF5_STRINGS: lua_pushstring(L, value->strings[i]); break;
  }
}

/* Lua's integers end at 2^63: what goes beyond is an ndarray. */
static void push_unsigned(lua_State *L, const dust_hdf5_value *value) {
  const int64_t count = (int64_t)value->count;
  dust_ndarray *array = dust_lua_new_ndarray(L);
  dust_lua_made_ndarray(L, dust_ndarray_empty(array, DUST_UINT64, value->scalar ? 0 : 1, &count));
  memcpy(array->data, value->naturals, value->count * 8);
}

void dust_lua_push_hdf5_value(lua_State *L, const dust_hdf5_value *value) {
  if (value->kind == DUST_HDF5_UNSIGNED) {
    push_unsigned(L, value);
    return;
  }
  if (value->scalar && value->count == 1) {
    push_element(L, value, 0);
    return;
  }
  lua_createtable(L, value->count > 1000000 ? 0 : (int)value->count, 0);
  for (size_t i = 0; i < value->count; i++) push_element(L, value, i), lua_seti(L, -2, (lua_Integer)i + 1);
}

/* What the value on top of the stack would be as an attribute of its own. */
static dust_hdf5_kind kind_of(lua_State *L, const char *what) {
  if (lua_isinteger(L, -1)) return DUST_HDF5_INTEGERS;
  if (lua_type(L, -1) == LUA_TNUMBER) return DUST_HDF5_NUMBERS;
  if (lua_type(L, -1) != LUA_TSTRING)
    luaL_error(L, "attribute '%s' must be a number, a string or a table of them, not %s", what, dust_lua_type_name(L, -1));
  if (strlen(lua_tostring(L, -1)) != lua_rawlen(L, -1)) luaL_error(L, "attribute '%s' has a zero byte in its text", what);
  return DUST_HDF5_STRINGS;
}

/* The entries of `table` go into a table of ours on top of the stack, so that texts live as long as it does, whatever metamethods
 * hand out. */
static dust_hdf5_kind kind_of_all(lua_State *L, int table, lua_Integer count, const char *what) {
  dust_hdf5_kind all = DUST_HDF5_INTEGERS;
  lua_createtable(L, 0, 0);
  for (lua_Integer i = 1; i <= count; i++) {
    lua_geti(L, table, i);
    dust_hdf5_kind kind = kind_of(L, what);
    lua_rawseti(L, -2, i);
    if (i > 1 && (kind == DUST_HDF5_STRINGS) != (all == DUST_HDF5_STRINGS)) luaL_error(L, "attribute '%s' mixes numbers and strings", what);
    if (i == 1 || kind > all) all = kind;
  }
  return all;
}

static void set_element(lua_State *L, dust_hdf5_value *value, size_t i) {
  switch (value->kind) {
    case DUST_HDF5_INTEGERS: value->integers[i] = lua_tointeger(L, -1); break;
    case DUST_HDF5_UNSIGNED: break; /* as an array only */
    case DUST_HDF5_NUMBERS: value->numbers[i] = lua_tonumber(L, -1); break;
    case DUST_HDF5_STRINGS: value->strings[i] = (char *)lua_tostring(L, -1); break;
  }
}

static dust_hdf5_value to_one(lua_State *L, int index, const char *what) {
  lua_pushvalue(L, index);
  dust_hdf5_value value = {.kind = kind_of(L, what), .scalar = true, .count = 1};
  value.integers = lua_newuserdatauv(L, 8, 0);
  lua_insert(L, -2);
  set_element(L, &value, 0);
  lua_pop(L, 1);
  return value;
}

static dust_hdf5_value to_coordinate(lua_State *L, const dust_coordinate *c, const char *what) {
  if (c->unbounded) luaL_error(L, "attribute '%s' must not be unbounded", what);
  dust_hdf5_value value = {.kind = DUST_HDF5_INTEGERS, .count = (size_t)c->ndim};
  value.integers = lua_newuserdatauv(L, sizeof c->value, 0);
  memcpy(value.integers, c->value, sizeof c->value);
  return value;
}

/* uint64 as it is, which is how such attributes are read. */
static dust_hdf5_value to_array(lua_State *L, int index, const char *what) {
  const dust_ndarray *in = dust_lua_to_ndarray(L, index);
  if (in->dtype != DUST_UINT64 || in->ndim > 1 || dust_ndarray_count(in) < 1)
    luaL_error(L, "attribute '%s': of arrays, one number or a row of them in uint64 can be written", what);
  dust_hdf5_value value = {.kind = DUST_HDF5_UNSIGNED, .scalar = in->ndim == 0, .count = (size_t)dust_ndarray_count(in)};
  value.naturals = lua_newuserdatauv(L, value.count * 8, 0);
  for (size_t i = 0; i < value.count; i++) memcpy(&value.naturals[i], in->data + (in->ndim ? (ptrdiff_t)i * in->stride[0] : 0), 8);
  return value;
}

dust_hdf5_value dust_lua_to_hdf5_value(lua_State *L, int index, const char *what) {
  index = lua_absindex(L, index);
  const dust_coordinate *c = dust_lua_test(L, index, DUST_LUA_COORDINATE);
  if (c) return to_coordinate(L, c, what);
  if (dust_lua_test_class(L, index, DUST_LUA_NDARRAY)) return to_array(L, index, what);
  if (lua_type(L, index) != LUA_TTABLE) return to_one(L, index, what);
  lua_Integer count = luaL_len(L, index);
  if (count < 1) luaL_error(L, "attribute '%s' is a table without entries", what);
  dust_hdf5_value value = {.kind = kind_of_all(L, index, count, what), .count = (size_t)count};
  value.integers = lua_newuserdatauv(L, (size_t)count * 8, 0);
  for (lua_Integer i = 1; i <= count; i++) {
    lua_rawgeti(L, -2, i);
    set_element(L, &value, (size_t)i - 1);
    lua_pop(L, 1);
  }
  return value;
}

int dust_lua_world_numbers(lua_State *L, int index, const char *option, double *out) {
  size_t count = 0;
  if (dust_lua_field(L, index, option) == LUA_TNIL) return lua_pop(L, 1), 0;
  const dust_coordinate *c = dust_lua_test(L, -1, DUST_LUA_COORDINATE);
  if (c && c->unbounded) luaL_error(L, "%s must not be unbounded", option);
  if (c) {
    count = (size_t)c->ndim;
    for (size_t i = 0; i < count; i++) out[i] = (double)c->value[i];
    return lua_pop(L, 1), (int)count;
  }
  const double *numbers = dust_lua_doubles(L, -1, &count, option);
  if (count < 1 || count > DUST_HDF5_MAXDIM) luaL_error(L, "%s has %I entries, must have one an axis", option, (lua_Integer)count);
  memcpy(out, numbers, count * sizeof *out);
  return lua_pop(L, 2), (int)count;
}

int dust_lua_sorted_names(lua_State *L, int index, const char *what) {
  if (lua_type(L, index) != LUA_TTABLE) luaL_error(L, "%s must be a table, not %s", what, dust_lua_type_name(L, index));
  int count = 0;
  lua_newtable(L);
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING)
      luaL_error(L, "%s is a table of values by name, not one with a %s as name", what, luaL_typename(L, -2));
    const char *name = lua_tostring(L, -2);
    int place = ++count; /* insertion: there are few */
    for (; place > 1; place--) {
      lua_geti(L, -3, place - 1);
      bool after = strcmp(lua_tostring(L, -1), name) < 0;
      if (after) {
        lua_pop(L, 1);
        break;
      }
      lua_seti(L, -4, place);
    }
    lua_pushvalue(L, -2);
    lua_seti(L, -4, place);
  }
  return count;
}
