/* The Integral userdata: counts of a mask in any box. */
#include "lua/kernel.h"

#include "kernel/integral.h"

static dust_integral *to_open(lua_State *L, int index) {
  dust_integral *integral = luaL_checkudata(L, index, DUST_LUA_INTEGRAL);
  if (!integral->bits.buffer) luaL_error(L, "the integral is closed");
  return integral;
}

static dust_integral *to_finished(lua_State *L, int index) {
  dust_integral *integral = to_open(L, index);
  if (!integral->table.buffer) luaL_error(L, "the integral is not finished: put its pieces, then call :finish()");
  return integral;
}

static dust_integral *new_box(lua_State *L) {
  dust_integral *integral = lua_newuserdatauv(L, sizeof *integral, 0);
  *integral = (dust_integral){0};
  luaL_setmetatable(L, DUST_LUA_INTEGRAL);
  return integral;
}

/* integral(mask) */
static int make(lua_State *L) {
  dust_lua_to_ndarray(L, 1);
  dust_pool *pool = dust_lua_pool(L);
  dust_integral *integral = new_box(L);
  dust_lua_check(L, dust_integral_make(integral, dust_lua_to_ndarray(L, 1), pool));
  dust_lua_account(L, dust_integral_bytes(integral));
  return 1;
}

/* integral_in_pieces(shape) */
static int begin(lua_State *L) {
  int64_t shape[DUST_MAXDIM];
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_Unsigned ndim = lua_rawlen(L, 1);
  luaL_argcheck(L, ndim >= 1 && ndim <= DUST_MAXDIM, 1, "a mask has one to eight axes");
  dust_lua_per_axis(L, 1, (int)ndim, shape, "shape");
  dust_integral *integral = new_box(L);
  dust_lua_check(L, dust_integral_begin(integral, (int)ndim, shape));
  dust_lua_account(L, dust_integral_bytes(integral));
  return 1;
}

/* integral:put(piece, first) */
static int put(lua_State *L) {
  to_open(L, 1);
  dust_lua_to_ndarray(L, 2);
  const lua_Integer first = luaL_checkinteger(L, 3);
  dust_pool *pool = dust_lua_pool(L);
  dust_lua_check(L, dust_integral_put(to_open(L, 1), dust_lua_to_ndarray(L, 2), first, pool));
  lua_settop(L, 1);
  return 1;
}

/* integral:finish() */
static int finish(lua_State *L) {
  dust_pool *pool = dust_lua_pool(L);
  dust_lua_check(L, dust_integral_finish(to_open(L, 1), pool));
  dust_lua_account(L, dust_ndarray_bytes(&to_open(L, 1)->table));
  lua_settop(L, 1);
  return 1;
}

static int count(lua_State *L) {
  const int ndim = to_finished(L, 1)->ndim;
  int64_t from[DUST_MAXDIM], shape[DUST_MAXDIM];
  dust_lua_per_axis(L, 2, ndim, from, "begin");
  dust_lua_per_axis(L, 3, ndim, shape, "shape");
  lua_pushinteger(L, (lua_Integer)dust_integral_count(to_finished(L, 1), from, shape));
  return 1;
}

static int release(lua_State *L) {
  dust_integral_release(luaL_checkudata(L, 1, DUST_LUA_INTEGRAL));
  return 0;
}

static int describe(lua_State *L) {
  const dust_integral *integral = luaL_checkudata(L, 1, DUST_LUA_INTEGRAL);
  char shape[DUST_SHAPE_TEXT];
  if (!integral->bits.buffer) return lua_pushliteral(L, "Integral (closed)"), 1;
  dust_shape_format(shape, sizeof shape, integral->ndim, integral->shape);
  lua_pushfstring(L, "Integral of a mask of %s", shape);
  return 1;
}

void dust_lua_add_integral(lua_State *L) {
  static const luaL_Reg methods[] = {{"count", count}, {"put", put}, {"finish", finish}, {"close", release}, {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__gc", release}, {"__close", release}, {"__tostring", describe}, {NULL, NULL}};
  dust_lua_class(L, DUST_LUA_INTEGRAL, methods, meta);
  lua_pushcfunction(L, make);
  lua_setfield(L, -2, "integral");
  lua_pushcfunction(L, begin);
  lua_setfield(L, -2, "integral_in_pieces");
}
