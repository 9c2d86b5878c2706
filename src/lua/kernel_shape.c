/* Kernels on the shape of objects: growing the boundaries between them, describing them. */
#include "kernel/grow_boundary.h"
#include "kernel/local_shape.h"
#include "lua/kernel.h"
#include "lua/ndarray.h"

/* grow_boundary(labels, steps) */
static int grow_boundary(lua_State *L) {
  dust_pool *pool = dust_lua_pool(L);
  dust_ndarray *out = dust_lua_result(L, 2);
  const dust_ndarray *labels = dust_lua_to_ndarray(L, 1);
  int64_t steps = dust_lua_integer(L, 2, "steps");
  return dust_lua_made_ndarray(L, dust_grow_boundary(out, labels, steps, pool));
}

static void per_spatial_axis(lua_State *L, int index, int ndim, double *out, const char *what) {
  int n = dust_lua_voxel_size(L, index, out);
  if (n != ndim) luaL_error(L, "%s has %d entries, the labels have %d axes", what, n, ndim);
}

/* local_shape(labels, voxel_size, sigma, downsample) */
static int local_shape(lua_State *L) {
  const int ndim = dust_lua_to_ndarray(L, 1)->ndim;
  double voxel_size[DUST_MAXDIM], sigma[DUST_MAXDIM];
  per_spatial_axis(L, 2, ndim, voxel_size, "voxel_size");
  per_spatial_axis(L, 3, ndim, sigma, "sigma");
  int64_t downsample = lua_isnoneornil(L, 4) ? 1 : dust_lua_integer(L, 4, "downsample");
  dust_pool *pool = dust_lua_pool(L);
  dust_ndarray *out = dust_lua_result(L, 4);
  return dust_lua_made_ndarray(L, dust_local_shape(out, dust_lua_to_ndarray(L, 1), voxel_size, sigma, downsample, pool));
}

void dust_lua_add_shape_kernels(lua_State *L) {
  static const luaL_Reg functions[] = {{"grow_boundary", grow_boundary}, {"local_shape", local_shape}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
