/* What is checked at every node, all keys in one call: whether specs and data fit together. The answer is yes or no, and no to whatever isn't a spec; the words
 * are found in Lua (contract.lua), where something doesn't fit. */
#include "lua/binding.h"

#include <math.h>

#include "lua/ndarray.h"

static bool same_roi(bool has, const dust_roi *a, bool other_has, const dust_roi *b) {
  return has == other_has && (!has || dust_roi_equal(a, b));
}

static bool divides(const dust_coordinate *voxel_size, const dust_coordinate *c) {
  for (int d = 0; d < c->ndim; d++)
    if (!dust_coordinate_is_unbounded(c, d) && c->value[d] % voxel_size->value[d] != 0) return false;
  return true;
}

static bool fits_request(const dust_array_spec *offered, const dust_array_spec *wanted) {
  if (offered->has_roi) {
    if (!wanted->has_roi || wanted->roi.shape.ndim != offered->roi.shape.ndim) return false;
    if (!dust_roi_contains(&offered->roi, &wanted->roi)) return false;
  }
  if (!offered->has_voxel_size) return true;
  if (wanted->has_voxel_size && !dust_coordinate_equal(&wanted->voxel_size, &offered->voxel_size)) return false;
  if (!wanted->has_roi) return true;
  return wanted->roi.shape.ndim == offered->voxel_size.ndim && divides(&offered->voxel_size, &wanted->roi.shape) &&
         divides(&offered->voxel_size, &wanted->roi.offset);
}

static bool fills(const dust_ndarray *data, const dust_roi *roi, const dust_coordinate *voxel_size) {
  const int channels = data->ndim - roi->shape.ndim;
  if (channels < 0 || roi->shape.ndim != voxel_size->ndim || roi->shape.unbounded) return false;
  for (int d = 0; d < roi->shape.ndim; d++)
    if (data->shape[channels + d] != roi->shape.value[d] / voxel_size->value[d]) return false;
  return true;
}

static bool fits_delivery(const dust_array_spec *offered, const dust_array_spec *wanted, const dust_array_spec *delivered,
                          const dust_ndarray *data) {
  if (!dust_lua_ndarray_is_open(data) || !same_roi(wanted->has_roi, &wanted->roi, delivered->has_roi, &delivered->roi)) return false;
  if (offered->has_voxel_size != delivered->has_voxel_size) return false;
  if (offered->has_voxel_size && !dust_coordinate_equal(&offered->voxel_size, &delivered->voxel_size)) return false;
  if (wanted->dtype != DUST_DTYPE_NONE && wanted->dtype != data->dtype) return false;
  if (offered->dtype != DUST_DTYPE_NONE && offered->dtype != data->dtype) return false;
  return !wanted->has_roi || !offered->has_voxel_size || fills(data, &wanted->roi, &offered->voxel_size);
}

/* request_fits(offered, wanted) */
static int request_fits(lua_State *L) {
  const dust_array_spec *offered = dust_lua_test(L, 1, DUST_LUA_ARRAY_SPEC), *wanted = dust_lua_test(L, 2, DUST_LUA_ARRAY_SPEC);
  return lua_pushboolean(L, offered && wanted && fits_request(offered, wanted)), 1;
}

/* delivery_fits(offered, wanted, delivered, data) */
static int delivery_fits(lua_State *L) {
  const dust_array_spec *offered = dust_lua_test(L, 1, DUST_LUA_ARRAY_SPEC), *wanted = dust_lua_test(L, 2, DUST_LUA_ARRAY_SPEC),
                        *delivered = dust_lua_test(L, 3, DUST_LUA_ARRAY_SPEC);
  const dust_ndarray *data = dust_lua_test_class(L, 4, DUST_LUA_NDARRAY);
  return lua_pushboolean(L, offered && wanted && delivered && data && fits_delivery(offered, wanted, delivered, data)), 1;
}

/* bytes_wanted(offered, wanted): as a number that may be infinite; nil where there is nothing to count by. */
static int bytes_wanted(lua_State *L) {
  const dust_array_spec *offered = dust_lua_to_array_spec(L, 1), *wanted = dust_lua_to_array_spec(L, 2);
  if (!offered->has_voxel_size || !wanted->has_roi || wanted->roi.shape.ndim != offered->voxel_size.ndim) return lua_pushnil(L), 1;
  double bytes = offered->dtype == DUST_DTYPE_NONE ? 1 : (double)dust_dtype_size(offered->dtype);
  for (int d = 0; d < offered->voxel_size.ndim; d++)
    bytes *= dust_coordinate_is_unbounded(&wanted->roi.shape, d)
                 ? INFINITY
                 : (double)wanted->roi.shape.value[d] / (double)offered->voxel_size.value[d];
  return lua_pushnumber(L, bytes), 1;
}

/* same_roi(a, b) */
static int roi_is_same(lua_State *L) {
  const dust_array_spec *a = dust_lua_test(L, 1, DUST_LUA_ARRAY_SPEC), *b = dust_lua_test(L, 2, DUST_LUA_ARRAY_SPEC);
  if (a && b) return lua_pushboolean(L, same_roi(a->has_roi, &a->roi, b->has_roi, &b->roi)), 1;
  const dust_graph_spec *g = dust_lua_test(L, 1, DUST_LUA_GRAPH_SPEC), *h = dust_lua_test(L, 2, DUST_LUA_GRAPH_SPEC);
  return lua_pushboolean(L, g && h && same_roi(g->has_roi, &g->roi, h->has_roi, &h->roi)), 1;
}

/* request_fits_all(order, values, offered): that, and whether there is a placeholder. */
static int request_fits_all(lua_State *L) {
  for (int i = 1; i <= 3; i++) luaL_checktype(L, i, LUA_TTABLE);
  bool fit = true, placeholder = false;
  for (lua_Integer i = 1; fit && dust_lua_push_next(L, i); i++) {
    const dust_array_spec *wanted = dust_lua_test(L, -1, DUST_LUA_ARRAY_SPEC);
    lua_pushvalue(L, -2);
    lua_rawget(L, 3);
    const dust_array_spec *offered = dust_lua_test(L, -1, DUST_LUA_ARRAY_SPEC);
    fit = wanted && offered && fits_request(offered, wanted);
    placeholder |= fit && wanted->placeholder;
    lua_settop(L, 3);
  }
  lua_pushboolean(L, fit);
  return lua_pushboolean(L, placeholder), 2;
}

/* The spec and the data of the md.Array on top of the stack, which are left above it; false for everything else. */
static bool push_array(lua_State *L) {
  if (lua_type(L, -1) != LUA_TTABLE) return false;
  lua_getfield(L, -1, "spec");
  lua_getfield(L, -2, "data");
  return true;
}

/* are_arrays(order, items): whether every md.Array has data and a spec; graphs pass. */
static int are_arrays(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  bool good = true;
  for (lua_Integer i = 1; good && dust_lua_push_next(L, i); i++) {
    if (push_array(L)) good = dust_lua_test(L, -2, DUST_LUA_ARRAY_SPEC) && dust_lua_test_class(L, -1, DUST_LUA_NDARRAY);
    lua_settop(L, 2);
  }
  return lua_pushboolean(L, good), 1;
}

/* delivery_fits_all(order, wanted, offered, items) */
static int delivery_fits_all(lua_State *L) {
  for (int i = 1; i <= 4; i++) luaL_checktype(L, i, LUA_TTABLE);
  lua_settop(L, 4);
  bool fit = true;
  for (lua_Integer i = 1; fit && dust_lua_push_next(L, i); i++) {
    const dust_array_spec *wanted = dust_lua_test(L, 6, DUST_LUA_ARRAY_SPEC);
    lua_pushvalue(L, 5);
    lua_rawget(L, 3);
    const dust_array_spec *offered = dust_lua_test(L, 7, DUST_LUA_ARRAY_SPEC);
    lua_pushvalue(L, 5);
    lua_rawget(L, 4);
    fit = wanted && offered && push_array(L);
    const dust_array_spec *delivered = fit ? dust_lua_test(L, 9, DUST_LUA_ARRAY_SPEC) : NULL;
    const dust_ndarray *data = fit ? dust_lua_test_class(L, 10, DUST_LUA_NDARRAY) : NULL;
    fit = delivered && data && fits_delivery(offered, wanted, delivered, data);
    lua_settop(L, 4);
  }
  return lua_pushboolean(L, fit), 1;
}

/* Pushes items[key at 6], of the table at 3 or else of that at 4. */
static void push_item(lua_State *L) {
  lua_pushvalue(L, 6);
  if (lua_rawget(L, 3) != LUA_TNIL || lua_isnil(L, 4)) return;
  lua_pop(L, 1);
  lua_pushvalue(L, 6);
  lua_rawget(L, 4);
}

/* pick(order, wanted, items, others): of items, or else of others, what the order names, each in the ROI that is wanted of it; nil when one is to be cropped,
 * isn't there, or is a graph. */
static int pick(lua_State *L) {
  for (int i = 1; i <= 3; i++) luaL_checktype(L, i, LUA_TTABLE);
  lua_settop(L, 4);
  if (!lua_isnil(L, 4)) luaL_checktype(L, 4, LUA_TTABLE);
  lua_createtable(L, 0, (int)lua_rawlen(L, 1));
  for (lua_Integer i = 1; dust_lua_push_next(L, i); i++) {
    const dust_array_spec *wanted = dust_lua_test(L, 7, DUST_LUA_ARRAY_SPEC);
    lua_pushvalue(L, 6);
    push_item(L);
    const dust_array_spec *there = wanted && push_array(L) ? dust_lua_test(L, 10, DUST_LUA_ARRAY_SPEC) : NULL;
    if (!there || (wanted->has_roi && !same_roi(there->has_roi, &there->roi, true, &wanted->roi))) return lua_pushnil(L), 1;
    lua_settop(L, 9);
    lua_rawset(L, 5);
    lua_settop(L, 5);
  }
  return lua_settop(L, 5), 1;
}

void dust_lua_open_contract(lua_State *L) {
  static const luaL_Reg functions[] = {{"request_fits", request_fits},
                                       {"request_fits_all", request_fits_all},
                                       {"delivery_fits", delivery_fits},
                                       {"delivery_fits_all", delivery_fits_all},
                                       {"are_arrays", are_arrays},
                                       {"bytes_wanted", bytes_wanted},
                                       {"same_roi", roi_is_same},
                                       {"pick", pick},
                                       {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
