/* Arguments that several kernels take. */
#include "lua/kernel.h"

void dust_lua_per_axis(lua_State *L, int index, int ndim, int64_t *out, const char *what) {
  int n = dust_lua_integers(L, index, out, what);
  if (n != ndim) luaL_error(L, "%s has %d entries, the array has %d axes", what, n, ndim);
}

int dust_lua_voxel_size(lua_State *L, int index, double *out) {
  const dust_coordinate *coordinate = dust_lua_test(L, index, DUST_LUA_COORDINATE);
  if (coordinate) {
    int64_t whole[DUST_MAXDIM];
    int n = dust_lua_integers(L, index, whole, "voxel_size");
    for (int a = 0; a < n; a++) out[a] = (double)whole[a];
    return n;
  }
  size_t count;
  const double *values = dust_lua_doubles(L, index, &count, "voxel_size");
  if (count > DUST_MAXDIM) return luaL_error(L, "voxel_size has %d entries; there are at most %d axes", (int)count, DUST_MAXDIM);
  for (size_t a = 0; a < count; a++) out[a] = values[a];
  lua_pop(L, 1);
  return (int)count;
}

double dust_lua_number_or(lua_State *L, int index, double fallback, const char *what) {
  return lua_isnoneornil(L, index) ? fallback : dust_lua_number(L, index, what);
}
