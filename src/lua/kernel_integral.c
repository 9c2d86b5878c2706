/* The Integral userdata: counts of a mask in any box. */
#include "lua/kernel.h"

#include "kernel/integral.h"

static dust_integral *to_integral(lua_State *L, int index) {
  dust_integral *integral = luaL_checkudata(L, index, DUST_LUA_INTEGRAL);
  if (!integral->table.buffer) luaL_error(L, "the integral is closed");
  return integral;
}

/* integral(mask) */
static int make(lua_State *L) {
  dust_lua_to_ndarray(L, 1);
  dust_pool *pool = dust_lua_pool(L);
  dust_integral *integral = lua_newuserdatauv(L, sizeof *integral, 0);
  *integral = (dust_integral){0};
  luaL_setmetatable(L, DUST_LUA_INTEGRAL);
  dust_lua_check(L, dust_integral_make(integral, dust_lua_to_ndarray(L, 1), pool));
  dust_lua_account(L, dust_ndarray_bytes(&integral->table));
  return 1;
}

static int count(lua_State *L) {
  const int ndim = to_integral(L, 1)->table.ndim;
  int64_t begin[DUST_MAXDIM], shape[DUST_MAXDIM];
  dust_lua_per_axis(L, 2, ndim, begin, "begin");
  dust_lua_per_axis(L, 3, ndim, shape, "shape");
  lua_pushinteger(L, (lua_Integer)dust_integral_count(to_integral(L, 1), begin, shape));
  return 1;
}

static int release(lua_State *L) {
  dust_integral_release(luaL_checkudata(L, 1, DUST_LUA_INTEGRAL));
  return 0;
}

static int describe(lua_State *L) {
  const dust_integral *integral = luaL_checkudata(L, 1, DUST_LUA_INTEGRAL);
  char shape[DUST_SHAPE_TEXT];
  int64_t of_mask[DUST_MAXDIM];
  if (!integral->table.buffer) return lua_pushliteral(L, "Integral (closed)"), 1;
  for (int a = 0; a < integral->table.ndim; a++) of_mask[a] = integral->table.shape[a] - 1;
  dust_shape_format(shape, sizeof shape, integral->table.ndim, of_mask);
  lua_pushfstring(L, "Integral of a mask of %s", shape);
  return 1;
}

void dust_lua_add_integral(lua_State *L) {
  static const luaL_Reg methods[] = {{"count", count}, {"close", release}, {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__gc", release}, {"__close", release}, {"__tostring", describe}, {NULL, NULL}};
  dust_lua_class(L, DUST_LUA_INTEGRAL, methods, meta);
  lua_pushcfunction(L, make);
  lua_setfield(L, -2, "integral");
}
