/* Kernels that change labels: numbering their components, eroding them, taking some out. */
#include "lua/kernel.h"

#include "kernel/components.h"
#include "kernel/erode.h"
#include "kernel/exclude.h"
#include "kernel/within.h"
#include "lua/ndarray.h"

/* How many of the array's last axes are meant; absent or nil: all. */
static int spatial_axes(lua_State *L, int index, const dust_ndarray *array, const char *what) {
  int64_t axes = lua_isnoneornil(L, index) ? array->ndim : dust_lua_integer(L, index, what);
  if (axes < 1 || axes > array->ndim) luaL_error(L, "%s is %I, the array has %d axes", what, (lua_Integer)axes, array->ndim);
  return (int)axes;
}

/* components(labels, spatial) */
static int components(lua_State *L) {
  dust_pool *pool = dust_lua_pool(L);
  dust_ndarray *out = dust_lua_result(L, 2);
  const dust_ndarray *labels = dust_lua_to_ndarray(L, 1);
  int64_t count = 0;
  int spatial = spatial_axes(L, 2, labels, "spatial");
  dust_lua_made_ndarray(L, dust_components(out, &count, labels, spatial, pool));
  lua_pushinteger(L, count);
  return 2;
}

/* erode_labels(labels, steps, mask, background, axes) */
static int erode_labels(lua_State *L) {
  dust_pool *pool = dust_lua_pool(L);
  dust_ndarray *out = dust_lua_result(L, 5);
  const dust_ndarray *labels = dust_lua_to_ndarray(L, 1);
  dust_erosion erosion = {.steps = dust_lua_integer(L, 2, "steps")};
  if (!lua_isnil(L, 3)) erosion.mask = dust_lua_to_ndarray(L, 3);
  if (!lua_isnil(L, 4)) erosion.background = (int64_t)dust_lua_label(L, 4, labels->dtype, "background");
  erosion.axes = spatial_axes(L, 5, labels, "axes");
  return dust_lua_made_ndarray(L, dust_erode_labels(out, labels, &erosion, pool));
}

enum { MOST = 1 << 26 /* ids */ };

/* The whole numbers of the table at `index` in a userdata left on the stack. */
static uint64_t *ids_at(lua_State *L, int index, dust_dtype dtype, size_t *count) {
  luaL_checktype(L, index, LUA_TTABLE);
  lua_Integer n = luaL_len(L, index);
  if (n < 0 || n > MOST) luaL_error(L, "there are %I ids; there may be up to %d", n, MOST);
  uint64_t *id = lua_newuserdatauv(L, (size_t)n * sizeof *id + 1, 0);
  for (lua_Integer i = 1; i <= n; i++) {
    lua_geti(L, index, i);
    id[i - 1] = dust_lua_label(L, -1, dtype, "an id");
    lua_pop(L, 1);
  }
  *count = (size_t)n;
  return id;
}

/* exclude_labels(labels, ids, value) */
static int exclude_labels(lua_State *L) {
  lua_settop(L, 3);
  size_t n;
  const dust_dtype dtype = dust_lua_to_ndarray(L, 1)->dtype;
  int64_t value = lua_isnil(L, 3) ? 0 : (int64_t)dust_lua_label(L, 3, dtype, "value");
  uint64_t *id = ids_at(L, 2, dtype, &n); /* index 4 */
  dust_pool *pool = dust_lua_pool(L);
  dust_ndarray *out = dust_lua_result(L, 4), *where = dust_lua_new_ndarray(L);
  dust_lua_check(L, dust_exclude_labels(out, where, dust_lua_to_ndarray(L, 1), n, id, value, pool));
  dust_lua_account(L, dust_ndarray_bytes(out) + dust_ndarray_bytes(where));
  return 2;
}

/* within(mask, voxel_size, distance) */
static int within(lua_State *L) {
  lua_settop(L, 3);
  double voxel_size[DUST_MAXDIM];
  int spatial = dust_lua_voxel_size(L, 2, voxel_size);
  double distance = dust_lua_number(L, 3, "distance");
  dust_pool *pool = dust_lua_pool(L);
  dust_ndarray *out = dust_lua_result(L, 3);
  return dust_lua_made_ndarray(L, dust_within(out, dust_lua_to_ndarray(L, 1), spatial, voxel_size, distance, pool));
}

void dust_lua_add_component_kernels(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"components", components}, {"erode_labels", erode_labels}, {"exclude_labels", exclude_labels}, {"within", within}, {NULL, NULL},
  };
  luaL_setfuncs(L, functions, 0);
}
