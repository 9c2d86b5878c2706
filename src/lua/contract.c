/* What is done at every node for every key, in one call each: whether specs and data fit together, copies of a request's specs. The
 * checks only say yes or no, and no to whatever isn't a spec; the words are found in Lua (contract.lua), where something doesn't
 * fit. */
#include "lua/binding.h"

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
  if (!data->buffer || !same_roi(wanted->has_roi, &wanted->roi, delivered->has_roi, &delivered->roi)) return false;
  if (offered->has_voxel_size != delivered->has_voxel_size) return false;
  if (offered->has_voxel_size && !dust_coordinate_equal(&offered->voxel_size, &delivered->voxel_size)) return false;
  if (wanted->dtype != DUST_DTYPE_NONE && wanted->dtype != data->dtype) return false;
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
  const dust_ndarray *data = luaL_testudata(L, 4, DUST_LUA_NDARRAY);
  return lua_pushboolean(L, offered && wanted && delivered && data && fits_delivery(offered, wanted, delivered, data)), 1;
}

/* same_roi(a, b) */
static int roi_is_same(lua_State *L) {
  const dust_array_spec *a = dust_lua_test(L, 1, DUST_LUA_ARRAY_SPEC), *b = dust_lua_test(L, 2, DUST_LUA_ARRAY_SPEC);
  if (a && b) return lua_pushboolean(L, same_roi(a->has_roi, &a->roi, b->has_roi, &b->roi)), 1;
  const dust_graph_spec *g = dust_lua_test(L, 1, DUST_LUA_GRAPH_SPEC), *h = dust_lua_test(L, 2, DUST_LUA_GRAPH_SPEC);
  return lua_pushboolean(L, g && h && same_roi(g->has_roi, &g->roi, h->has_roi, &h->roi)), 1;
}

/* Of the lists order (1) and values (2): pushes the key order[i] and its value; false, with a nil, at the end. */
static bool push_next(lua_State *L, lua_Integer i) {
  if (lua_rawgeti(L, 1, i) == LUA_TNIL) return false;
  lua_pushvalue(L, -1);
  lua_rawget(L, 2);
  return true;
}

/* copy_specs(order, values) */
static int copy_specs(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  lua_createtable(L, 0, (int)lua_rawlen(L, 1));
  for (lua_Integer i = 1; push_next(L, i); i++) {
    const dust_array_spec *spec = dust_lua_test(L, -1, DUST_LUA_ARRAY_SPEC);
    if (spec)
      dust_lua_push_array_spec(L, spec);
    else
      dust_lua_push_graph_spec(L, dust_lua_to_graph_spec(L, -1));
    lua_remove(L, -2);
    lua_rawset(L, 3);
  }
  return lua_settop(L, 3), 1;
}

/* has_placeholder(order, values) */
static int has_placeholder(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  bool found = false;
  for (lua_Integer i = 1; !found && push_next(L, i); i++) {
    const dust_array_spec *spec = dust_lua_test(L, -1, DUST_LUA_ARRAY_SPEC);
    found = spec ? spec->placeholder : dust_lua_to_graph_spec(L, -1)->placeholder;
    lua_settop(L, 2);
  }
  return lua_pushboolean(L, found), 1;
}

void dust_lua_open_contract(lua_State *L) {
  static const luaL_Reg functions[] = {{"request_fits", request_fits}, {"delivery_fits", delivery_fits},     {"same_roi", roi_is_same},
                                       {"copy_specs", copy_specs},     {"has_placeholder", has_placeholder}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
