/* md.ndarray: whole arrays to one figure or a few. */
#include <inttypes.h>
#include <math.h>
#include "kernel/compare.h"
#include "kernel/hash.h"
#include "kernel/reduce.h"
#include "kernel/unique.h"
#include "lua/ndarray.h"

static const dust_ndarray *self(lua_State *L) { return dust_lua_to_ndarray(L, 1); }

/* ---- extremes */
static dust_dtype extremes(lua_State *L, uint64_t *lowest, uint64_t *highest) {
  dust_pool *pool = dust_lua_pool(L);
  const dust_ndarray *a = self(L);
  dust_lua_check(L, dust_minmax(lowest, highest, a, pool));
  return a->dtype;
}

static int min(lua_State *L) {
  uint64_t lowest, highest;
  dust_dtype dtype = extremes(L, &lowest, &highest);
  return dust_lua_push_element(L, dtype, &lowest), 1;
}

static int max(lua_State *L) {
  uint64_t lowest, highest;
  dust_dtype dtype = extremes(L, &lowest, &highest);
  return dust_lua_push_element(L, dtype, &highest), 1;
}

static int minmax(lua_State *L) {
  uint64_t lowest, highest;
  dust_dtype dtype = extremes(L, &lowest, &highest);
  dust_lua_push_element(L, dtype, &lowest);
  dust_lua_push_element(L, dtype, &highest);
  return 2;
}

/* ---- sums */
static int sum(lua_State *L) {
  dust_pool *pool = dust_lua_pool(L);
  const dust_ndarray *a = self(L);
  double real;
  uint64_t bits;
  if (dust_dtype_is_float(a->dtype)) {
    dust_lua_check(L, dust_sum_double(&real, a, 0, false, pool));
    lua_pushnumber(L, real);
  } else {
    dust_lua_check(L, dust_sum_integer(&bits, a, pool));
    lua_pushinteger(L, (lua_Integer)bits);
  }
  return 1;
}

static int mean(lua_State *L) {
  dust_pool *pool = dust_lua_pool(L);
  double value;
  dust_lua_check(L, dust_mean(&value, NULL, self(L), pool));
  return lua_pushnumber(L, value), 1;
}

static int deviation(lua_State *L) {
  dust_pool *pool = dust_lua_pool(L);
  double value, std;
  dust_lua_check(L, dust_mean(&value, &std, self(L), pool));
  return lua_pushnumber(L, std), 1;
}

/* ---- questions */
static int any(lua_State *L) {
  bool found;
  dust_lua_check(L, dust_any(&found, self(L)));
  return lua_pushboolean(L, found), 1;
}

static int all(lua_State *L) {
  bool found;
  dust_lua_check(L, dust_all(&found, self(L)));
  return lua_pushboolean(L, found), 1;
}

static int count(lua_State *L) {
  dust_pool *pool = dust_lua_pool(L);
  const dust_ndarray *a = self(L);
  dust_scalar value = dust_lua_scalar(L, 2, "the value to count");
  int64_t found;
  dust_lua_check(L, dust_count_value(&found, a, &value, pool));
  return lua_pushinteger(L, found), 1;
}

static int first_nan(lua_State *L) {
  dust_ndarray a = *self(L); /* only its shape is used after the search */
  int64_t position, index[DUST_MAXDIM];
  dust_lua_check(L, dust_first_nan(&position, &a));
  if (position < 0) return lua_pushnil(L), 1;
  for (int d = a.ndim - 1; d >= 0; d--) {
    index[d] = position % a.shape[d] + 1;
    position /= a.shape[d];
  }
  lua_createtable(L, a.ndim, 0);
  for (int d = 0; d < a.ndim; d++) {
    lua_pushinteger(L, index[d]);
    lua_rawseti(L, -2, d + 1);
  }
  return 1;
}

static int equal(lua_State *L) {
  bool same;
  dust_lua_check(L, dust_equal(&same, self(L), dust_lua_to_ndarray(L, 2)));
  return lua_pushboolean(L, same), 1;
}

static int hash(lua_State *L) {
  uint64_t bits;
  char text[24];
  dust_lua_check(L, dust_hash(&bits, self(L)));
  snprintf(text, sizeof text, "%016" PRIx64, bits);
  return lua_pushstring(L, text), 1;
}

/* ---- distributions */
static int unique(lua_State *L) {
  lua_settop(L, 1);
  dust_ndarray *values = dust_lua_new_ndarray(L), *counts = dust_lua_new_ndarray(L);
  dust_lua_check(L, dust_unique(values, counts, self(L)));
  dust_lua_account(L, dust_ndarray_bytes(values) + dust_ndarray_bytes(counts));
  return 2;
}

static double as_double(dust_dtype dtype, const uint64_t *element) {
  double value;
  dust_row_to_double(&value, element, 0, dtype, 1);
  return value;
}

/* An end of the range that is not given is the array's own; where all elements are one value, half a unit is added on either
 * side, as numpy does. */
static void histogram_range(lua_State *L, double *low, double *high) {
  bool given_low = !lua_isnil(L, 3), given_high = !lua_isnil(L, 4);
  uint64_t lowest, highest;
  if (!given_low || !given_high) {
    const dust_ndarray *a = self(L);
    if (dust_ndarray_count(a) == 0) luaL_error(L, "the histogram of an array of no elements needs low and high");
    dust_dtype dtype = extremes(L, &lowest, &highest);
    *low = as_double(dtype, &lowest);
    *high = as_double(dtype, &highest);
    if (!isfinite(*low) || !isfinite(*high)) luaL_error(L, "the array has elements that are not finite: give the histogram low and high");
  }
  if (given_low) *low = dust_lua_number(L, 3, "low");
  if (given_high) *high = dust_lua_number(L, 4, "high");
  if (!given_low && !given_high && *low == *high) *low -= 0.5, *high += 0.5;
}

static int histogram(lua_State *L) {
  double low = 0, high = 0;
  dust_lua_pool(L);
  dust_ndarray *counts = dust_lua_result(L, 4);
  int64_t bins = dust_lua_integer(L, 2, "bins");
  histogram_range(L, &low, &high);
  dust_lua_made_ndarray(L, dust_histogram(counts, self(L), bins, low, high));
  lua_pushnumber(L, low);
  lua_pushnumber(L, high);
  return 3;
}

const luaL_Reg dust_lua_ndarray_reductions[] = {{"min", min},       {"max", max},
                                                {"minmax", minmax}, {"sum", sum},
                                                {"mean", mean},     {"std", deviation},
                                                {"any", any},       {"all", all},
                                                {"count", count},   {"first_nan", first_nan},
                                                {"equal", equal},   {"hash", hash},
                                                {"unique", unique}, {"histogram", histogram},
                                                {NULL, NULL}};
